package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestDialogues_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		d := &hookswitch.Dialogue{Key: f.keys.Next(), App: f.app, Sender: 2, Route: 3, Contact: 4, Conversation: 5, Channel: hookswitch.USSD, Session: "S\x001", Direction: hookswitch.Inbound,
			From: "+1", To: "*1#", Status: "x", Text: "1*2", Steps: 2, Asked: 2, Silences: 1, Rest: "rest", State: "{}", SeenAt: now, LeaseUntil: now.Add(time.Second), Node: 7, CreatedAt: now}
		step := &store.DialogueStep{Dialogue: d.Key, Hash: store.StepHash(0, "1*2", ""), Number: 2, Message: 9, Input: "2"}
		f.update(func(tx *store.Tx) error { return errors.Join(tx.InsertDialogue(d), tx.InsertDialogueStep(step)) })
		got, err := f.Dialogue(ctx, 3, "S\x001")
		d.Session = "S\uFFFD1"
		if diff := cmp.Diff(d, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		step.Reply = hookswitch.DialogueReply{Text: "hello", End: true, Dial: "+2", Turn: 3}
		d.Steps, d.State, d.LeaseUntil = 3, "changed", time.Time{}
		f.update(func(tx *store.Tx) error {
			for _, want := range []bool{true, false} {
				if first, err := tx.AnswerDialogueStep(step); err != nil || first != want {
					t.Errorf("answered: %v, %v", first, err)
				}
			}
			return tx.UpdateDialogue(d)
		})
		kept, err := f.DialogueStep(ctx, d.Key, step.Hash)
		step.Answered = true
		if diff := cmp.Diff(step, kept); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if open, err := f.OpenDialogues(ctx, hookswitch.USSD, now.Add(time.Millisecond), 5); err != nil || len(open) != 1 || open[0].State != "changed" {
			t.Errorf("open: %+v, %v", open, err)
		}
		f.update(func(tx *store.Tx) error {
			for _, want := range []bool{true, false} {
				if first, err := tx.EndDialogue(d.Key, "over", now); err != nil || first != want {
					t.Errorf("ended: %v, %v", first, err)
				}
			}
			return nil
		})
		if got, err := f.Dialogue(ctx, 3, "S\x001"); err != nil || got.State != "" || got.Rest != "" || got.Status != "over" || !got.EndedAt.Equal(now) {
			t.Errorf("ended: %+v, %v", got, err)
		}
	})
}

func TestHousekeep_DropsDialoguesThatHaveEnded(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		put := func(session string, ended time.Time) hookswitch.Key {
			d := &hookswitch.Dialogue{Key: f.keys.Next(), App: f.app, Route: 3, Channel: hookswitch.USSD, Session: session, SeenAt: f.clock.Now(), CreatedAt: f.clock.Now(), EndedAt: ended}
			f.update(func(tx *store.Tx) error {
				return errors.Join(tx.InsertDialogue(d), tx.InsertDialogueStep(&store.DialogueStep{Dialogue: d.Key, Hash: store.StepHash(1, "", "")}))
			})
			return d.Key
		}
		old := put("old", f.clock.Now())
		put("open", time.Time{})
		f.clock.Advance(31 * 24 * time.Hour)
		fresh := put("fresh", f.clock.Now())
		res, err := f.Housekeep(ctx, store.HousekeepOptions{Retention: 30 * 24 * time.Hour})
		if err != nil || res.Dialogues != 1 {
			t.Errorf("got %+v, %v", res, err)
		}
		if _, err := f.DialogueStep(ctx, old, store.StepHash(1, "", "")); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Errorf("the steps of a dialogue that was dropped: %v", err)
		}
		if _, err := f.DialogueStep(ctx, fresh, store.StepHash(1, "", "")); err != nil {
			t.Error(err)
		}
		if _, err := f.Dialogue(ctx, 3, "open"); err != nil {
			t.Error(err)
		}
	})
}
