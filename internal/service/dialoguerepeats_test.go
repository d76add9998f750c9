package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// counting is a responder that counts how often it is asked.
func counting(n *atomic.Int64) service.Ask {
	return func(_ context.Context, turn *service.Turn) (hookswitch.Reply, error) {
		return hookswitch.Reply{Text: fmt.Sprintf("%s #%d", turn.Text, n.Add(1)), State: turn.State + turn.Text}, nil
	}
}

// atOnce has the worlds push the same step, each several times, all at once. It returns what was answered.
func atOnce(t *testing.T, u servicetest.Update, ask service.Ask, each int, worlds ...*servicetest.World) (answers map[string]int, fresh int) {
	t.Helper()
	answers = make(map[string]int)
	var mu sync.Mutex
	var all sync.WaitGroup
	start := make(chan struct{})
	for _, w := range worlds {
		for range each {
			all.Go(func() {
				<-start
				res, err := w.Converse(u, ask)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("%q: %v", u.Dialogue.Input, err)
					return
				}
				answers[res.Reply.Text]++
				if !res.Repeat {
					fresh++
				}
			})
		}
	}
	close(start)
	all.Wait()
	return answers, fresh
}

func (k *talk) wantOnce() {
	k.t.Helper()
	seen := make(map[string]int)
	for _, ev := range k.Events(k.app) {
		var payload struct {
			Data struct{ SessionID, CallID string }
		}
		if err := json.Unmarshal(ev.Payload, &payload); err != nil {
			k.t.Fatal(err)
		}
		if id := payload.Data.SessionID + payload.Data.CallID; id != "" {
			seen[ev.Type+" of "+id]++
		}
	}
	for what, n := range seen {
		if n != 1 {
			k.t.Errorf("%s was told %d times", what, n)
		}
	}
	if len(seen) == 0 {
		k.t.Error("nothing has begun")
	}
}

func TestConverse_RepeatsAtTheSameTimeGetOneAnswer(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		var asked atomic.Int64
		for i, text := range []string{"", "1", "1*2"} {
			answers, fresh := atOnce(t, hop("S1", text), counting(&asked), 8, k.World)
			if len(answers) != 1 || fresh != 1 || asked.Load() != int64(i+1) {
				t.Errorf("step %d: answers %v, %d of them fresh, the responder was asked %d times", i, answers, fresh, asked.Load())
			}
		}
		if n := len(k.Messages(k.app)); n != 5 {
			t.Errorf("%d messages, want 3 answers and 2 inputs", n)
		}
		k.wantOnce()
	})
}

func TestConverse_RepeatsOnTwoNodesGetOneAnswer(t *testing.T) {
	t.Parallel()
	k := newTalk(t, storetest.Postgres(t), true)
	other := k.OtherNode()
	var asked atomic.Int64
	for i := range 10 {
		session := fmt.Sprintf("S%d", i)
		for _, text := range []string{"", "1"} {
			if answers, _ := atOnce(t, hop(session, text), counting(&asked), 3, k.World, other); len(answers) != 1 {
				t.Errorf("step %q of %s: answers %v", text, session, answers)
			}
		}
		var all sync.WaitGroup
		for _, w := range []*servicetest.World{k.World, other} {
			all.Go(func() {
				if _, err := w.Push(hungUp(session, "completed")); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() {
				if err := w.Service.SweepDialogues(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	if n := asked.Load(); n != 20 {
		t.Errorf("the responder was asked %d times for 20 steps", n)
	}
	if n := len(k.Messages(k.app)); n != 30 {
		t.Errorf("%d messages, want 20 answers and 10 inputs", n)
	}
	k.wantOnce()
}

func TestSweepDialogues_OnTwoNodesEndsEachOnce(t *testing.T) {
	t.Parallel()
	k := newTalk(t, storetest.Postgres(t), true)
	other := k.OtherNode()
	for i := range 20 {
		k.say(hop(fmt.Sprintf("S%d", i), ""))
	}
	k.Clock.Advance(time.Hour)
	var all sync.WaitGroup
	for _, w := range []*servicetest.World{k.World, other, k.World, other} {
		all.Go(func() {
			if err := w.Service.SweepDialogues(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := strings.Count(strings.Join(k.Types(k.app), " "), "ussd.session_end"); n != 20 {
		t.Errorf("%d ends of 20 sessions", n)
	}
	k.wantOnce()
}

// crash has the process end while the responder thinks: the step is stored, and its answer is not.
func (k *talk) crash(u servicetest.Update) {
	k.t.Helper()
	_, err := k.Converse(u, func(context.Context, *service.Turn) (hookswitch.Reply, error) {
		if err := k.Store.Close(); err != nil {
			k.t.Error(err)
		}
		return hookswitch.Reply{Text: "never told"}, nil
	})
	if err == nil {
		k.t.Fatal("an answer was given that is not stored")
	}
}

func TestConverse_RunsAgainWhatACrashHasLeft(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		var asked atomic.Int64
		for i, u := range []servicetest.Update{hop("S1", ""), hop("S1", "1"), hop("S1", "1*2"), call("C1", 1, "hello")} {
			k.crash(u)
			k.Clock.Advance(time.Second)
			k.World = k.Reopen()
			res, err := k.Converse(u, counting(&asked))
			if err != nil || res.Repeat || asked.Load() != int64(i+1) {
				t.Errorf("step %d after the crash: %+v, %v; the responder was asked %d times", i, res, err, asked.Load())
			}
			again, err := k.Converse(u, counting(&asked))
			if err != nil || !again.Repeat || again.Reply != res.Reply {
				t.Errorf("step %d repeated: %+v, %v; want %+v", i, again, err, res)
			}
		}
		var texts []string
		for _, m := range k.Messages(k.app) {
			texts = append(texts, m.Text)
		}
		if got := strings.Join(texts, ","); got != "#1,1,1 #2,2,2 #3,hello,hello #4" {
			t.Errorf("messages %q", got)
		}
		k.wantOnce()
	})
}

func TestConverse_AnotherNodeTakesOverWhenTheTimeOfTheFirstIsOver(t *testing.T) {
	t.Parallel()
	k := newTalk(t, storetest.Postgres(t), true)
	other := k.OtherNode()
	k.crash(hop("S1", "1"))
	var asked atomic.Int64
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := other.ConverseIn(ctx, hop("S1", "1"), counting(&asked)); hookswitch.KindOf(err) != hookswitch.Unavailable || asked.Load() != 0 {
		t.Fatalf("got %v; the responder was asked %d times while another node may still be asking it", err, asked.Load())
	}
	k.Clock.Advance(service.DialogueTimeout + 3*time.Second)
	if res, err := other.Converse(hop("S1", "1"), counting(&asked)); err != nil || res.Reply.Text != "1 #1" {
		t.Fatalf("got %+v, %v", res, err)
	}
	k.World = other
	k.wantOnce()
}

func TestConverse_WaitsForTheStepThatRuns(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		k := newTalk(t, db, true)
		worlds := []*servicetest.World{k.World}
		if db.Postgres {
			worlds = append(worlds, k.OtherNode())
		}
		var asked atomic.Int64
		entered, proceed := make(chan struct{}), make(chan struct{})
		slow := func(ctx context.Context, turn *service.Turn) (hookswitch.Reply, error) {
			close(entered)
			<-proceed
			return counting(&asked)(ctx, turn)
		}
		first := make(chan error, 1)
		go func() {
			_, err := k.Converse(hop("S1", "1"), slow)
			first <- err
		}()
		<-entered
		type got struct {
			res service.Conversed
			err error
		}
		rest := make(chan got, len(worlds))
		for _, w := range worlds {
			go func() {
				res, err := w.Converse(hop("S1", "1"), counting(&asked))
				rest <- got{res, err}
			}()
		}
		if _, err := k.Converse(hop("S2", "1"), counting(&asked)); err != nil { // another session waits for nobody
			t.Fatal(err)
		}
		close(proceed)
		if err := <-first; err != nil {
			t.Fatal(err)
		}
		for range worlds {
			if g := <-rest; g.err != nil || !g.res.Repeat || g.res.Reply.Text != "1 #2" {
				t.Errorf("got %+v", g)
			}
		}
	})
}

func TestConverse_GivesUpWaitingInTime(t *testing.T) {
	t.Parallel()
	k := newTalk(t, storetest.SQLite(t), true)
	var res service.Conversed
	var waiting error
	_, err := k.Converse(hop("S1", ""), func(context.Context, *service.Turn) (hookswitch.Reply, error) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		res, waiting = k.ConverseIn(ctx, hop("S1", ""), nil)
		return hookswitch.Reply{Text: "x"}, nil
	})
	if err != nil || hookswitch.KindOf(waiting) != hookswitch.Unavailable || res.Reply.Text != "" {
		t.Errorf("got %+v, %v, %v", res, waiting, err)
	}
}
