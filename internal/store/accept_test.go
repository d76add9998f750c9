package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestAccept_KeepsTheEventAndWhatIsOwed(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		a, b := f.newEndpoint(), f.newEndpoint()
		e := f.event(a.Key)
		e.Targets = append(e.Targets, hookswitch.Target{Endpoint: b.Key, Held: true})
		e.UID, e.Tags, e.Payload = "u-1", []string{"red", "blue"}, []byte("{\"x\":\"\x00\xff\"}")
		f.accept(e, f.leased(e)[:1])
		got, err := f.Event(t.Context(), f.app, e.Key)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		want := f.leased(e)[0]
		if diff := cmp.Diff(want, f.delivery(e.Key, a.Key)); diff != "" {
			t.Errorf("delivery (-want +got):\n%s", diff)
		}
		f.noDelivery(e.Key, b.Key)
	})
}

func TestAccept_ManyAtOnce(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint()
		const n, each = 32, 25
		together(n, func(int) {
			for range each {
				e := f.event(ep.Key)
				f.accept(e, f.waiting(e))
			}
		})
		events, _, err := f.Events(t.Context(), f.app, store.EventFilter{}, store.Page{Limit: n*each + 1})
		if err != nil || len(events) != n*each {
			t.Fatalf("got %d events, %v, want %d", len(events), err, n*each)
		}
		for i := 1; i < len(events); i++ {
			if events[i-1].Key <= events[i].Key {
				t.Fatal("events are not listed newest first")
			}
		}
		if got := f.claim(); len(got.Deliveries) != n*each {
			t.Fatalf("got %d deliveries, want %d", len(got.Deliveries), n*each)
		}
	})
}

func TestAccept_RefusesAStaleFanOut(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		gone := f.newApp()
		f.update(func(tx *store.Tx) error { return tx.DeleteApp(gone, f.clock.Now()) })
		f.update(func(tx *store.Tx) error { return tx.TouchApp(f.app, f.clock.Now()) })
		for _, c := range []struct {
			name    string
			app     hookswitch.Key
			version int64
			want    error
		}{
			{"older version", f.app, 1, store.ErrStale},
			{"newer version", f.app, 3, store.ErrStale},
			{"unknown app", 12345, 1, store.ErrStale},
			{"deleted app", gone, 2, store.ErrStale},
			{"its version", f.app, 2, nil},
		} {
			e := f.event()
			err := f.Accept(&store.Accept{App: c.app, Version: c.version, Events: []*hookswitch.Event{e}})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", c.name, err, c.want)
			}
			if f.hasEvent(e.Key) != (c.want == nil) {
				t.Errorf("%s: the event's presence is wrong", c.name)
			}
		}
	})
}

func TestAccept_JudgesEachUnitOfABatchAlone(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		other := f.newApp()
		taken := store.OnceOf(store.Life1Day, 77, "taken")
		f.accept(f.event(), nil, taken)
		once := func(name string, ref hookswitch.Key) store.Once { return store.OnceOf(store.Life1Day, ref, name) }
		units := []*store.Accept{
			{App: f.app, Version: 1, Once: []store.Once{once("a", 1)}},
			{App: f.app, Version: 1, Once: []store.Once{once("a", 2)}},                             // in this batch
			{App: f.app, Version: 9},                                                               // stale
			{App: f.app, Version: 1, Once: []store.Once{taken}},                                    // in an earlier one
			{App: other, Version: 1, Once: []store.Once{once("b", 3), once("c", 3)}},               // both free
			{App: f.app, Version: 1, Once: []store.Once{once("d", 4), taken}},                      // one of two
			{App: f.app, Version: 1, Once: []store.Once{once("d", 5)}},                             // left free by the one before
			{App: f.app, Version: 1, Once: []store.Once{once("e", 6), once("c", 6)}},               // one of two in this batch
			{App: f.app, Version: 1, Once: []store.Once{once("f", 7), once("f", 8)}},               // with itself
			{App: f.app, Version: 1, Once: []store.Once{once("e", 9), once("g", 9)}},               // left free
			{App: f.app, Version: 1, Once: []store.Once{store.OnceOf(store.LifeForever, 10, "a")}}, // another life
		}
		want := []string{"ok", "duplicate of 1", "stale", "duplicate of 77", "ok", "duplicate of 77", "ok", "duplicate of 3", "duplicate of 7", "ok", "ok"}
		errs := make([]error, len(units))
		var submit []func()
		for i, u := range units {
			e := f.event()
			e.App = u.App
			u.Events = []*hookswitch.Event{e}
			submit = append(submit, func() { errs[i] = f.Accept(u) })
		}
		f.inOneBatch(submit...)
		got := make([]string, len(units))
		for i, err := range errs {
			var dup *store.DuplicateError
			switch {
			case err == nil:
				got[i] = "ok"
			case errors.Is(err, store.ErrStale):
				got[i] = "stale"
			case errors.As(err, &dup):
				got[i] = fmt.Sprintf("duplicate of %d", dup.Ref)
			default:
				got[i] = err.Error()
			}
			if _, err := f.Event(t.Context(), units[i].App, units[i].Events[0].Key); (err == nil) != (got[i] == "ok") {
				t.Errorf("unit %d: its event is there: %v", i, err == nil)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("results (-want +got):\n%s", diff)
		}
	})
}

func TestAccept_RemembersOnceForItsLife(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		for _, c := range []struct {
			life store.Life
			span time.Duration
		}{{store.Life10Minutes, 10 * time.Minute}, {store.Life12Hours, 12 * time.Hour}, {store.Life1Day, 24 * time.Hour}, {store.Life8Days, 8 * 24 * time.Hour}, {store.LifeForever, 24 * time.Hour}} {
			first := store.OnceOf(c.life, 1, "fact", fmt.Sprint(c.life))
			second := first
			second.Ref = 2
			f.accept(f.event(), nil, first)
			f.clock.Advance(c.span) // into the next bucket: the one before is looked at
			var dup *store.DuplicateError
			err := f.Accept(&store.Accept{App: f.app, Version: 1, Once: []store.Once{second}})
			if !errors.As(err, &dup) || dup.Ref != 1 {
				t.Fatalf("life %d: got %v within its life, want a duplicate of 1", c.life, err)
			}
			if err := f.Update(t.Context(), func(tx *store.Tx) error { return tx.Claim(second, f.clock.Now()) }); !errors.As(err, &dup) || dup.Ref != 1 {
				t.Fatalf("life %d: got %v from an update, want a duplicate of 1", c.life, err)
			}
			if ref, err := f.Seen(second); err != nil || ref != 1 {
				t.Fatalf("life %d: seen %d, %v, want 1", c.life, ref, err)
			}
			f.clock.Advance(c.span)
			_, err = f.Seen(second)
			if c.life == store.LifeForever {
				if err != nil {
					t.Fatalf("forgotten: %v", err)
				}
				continue
			}
			wantKind(t, err, hookswitch.NotFound)
			f.update(func(tx *store.Tx) error { return tx.Claim(second, f.clock.Now()) })
			if ref, err := f.Seen(first); err != nil || ref != 2 {
				t.Fatalf("life %d: seen %d, %v, want 2", c.life, ref, err)
			}
		}
	})
}

func TestAccept_OneOfManyWithTheSameKeyWins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		f := newFixture(t, db)
		stores := []*store.Store{f.Store}
		if db.Postgres {
			stores = append(stores, db.Open(storetest.Now(f.clock.Now), db.OtherNode))
		}
		const rounds, n = 20, 16
		for round := range rounds {
			won := make([]hookswitch.Key, n)
			refs := make([]hookswitch.Key, n)
			together(n, func(i int) {
				e := f.event()
				for {
					err := stores[i%len(stores)].Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e},
						Once: []store.Once{store.OnceOf(store.Life1Day, e.Key, "round", fmt.Sprint(round)), store.OnceOf(store.Life1Day, e.Key, fmt.Sprint(i), fmt.Sprint(round))}})
					var dup *store.DuplicateError
					switch {
					case err == nil:
						won[i], refs[i] = e.Key, e.Key
					case errors.As(err, &dup):
						refs[i] = dup.Ref
					case hookswitch.KindOf(err) == hookswitch.Unavailable:
						continue // the other node was just at it
					default:
						t.Errorf("accept: %v", err)
					}
					return
				}
			})
			var winner hookswitch.Key
			for i := range n {
				if won[i] != 0 && winner != 0 {
					t.Fatal("two won")
				}
				winner = max(winner, won[i])
			}
			for i := range n {
				if refs[i] != winner {
					t.Fatalf("a loser was told %d, want %d", refs[i], winner)
				}
			}
		}
	})
}

func TestAccept_RefusesKeysThatAreTooOld(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		e := f.event()
		f.clock.Advance(time.Second)
		f.accept(e, nil)
		late := f.event()
		f.clock.Advance(time.Second + time.Millisecond)
		wantKind(t, f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{late}}), hookswitch.Unavailable)
		if f.hasEvent(late.Key) {
			t.Fatal("it was stored")
		}
	})
}

func TestAccept_BoundsItsQueue(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		s := stop{make(chan struct{}), make(chan struct{})}
		f.stops <- s
		results := make(chan error, store.MaxQueued+1)
		submit := func() { go func() { results <- f.Accept(&store.Accept{App: f.app, Version: 1}) }() }
		submit()
		<-s.reached
		for range store.MaxQueued {
			submit()
		}
		for queued(f) < store.MaxQueued {
			time.Sleep(time.Millisecond)
		}
		if !f.Full() {
			t.Error("a full store says it is not")
		}
		err := f.Accept(&store.Accept{App: f.app, Version: 1})
		wantKind(t, err, hookswitch.Unavailable)
		var e *hookswitch.Error
		if errors.As(err, &e); e.RetryAfter <= 0 {
			t.Error("it does not say when to come again")
		}
		close(s.free)
		for range store.MaxQueued + 1 {
			if err := <-results; err != nil {
				t.Fatalf("a queued one failed: %v", err)
			}
		}
		if f.Full() {
			t.Error("an empty store says it is full")
		}
	})
}

func TestAccept_BoundsTheBytesInItsQueue(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		s := stop{make(chan struct{}), make(chan struct{})}
		f.stops <- s
		results := make(chan error, 3)
		go func() { results <- f.Accept(&store.Accept{App: f.app, Version: 1}) }()
		<-s.reached
		payload := make([]byte, 33<<20)
		for i := range 2 {
			e := f.event()
			e.Payload = payload
			go func() { results <- f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}}) }()
			for queued(f) <= i {
				time.Sleep(time.Millisecond)
			}
		}
		wantKind(t, f.Accept(&store.Accept{App: f.app, Version: 1}), hookswitch.Unavailable)
		close(s.free)
		for range 3 {
			if err := <-results; err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestAccept_APoisonedOneFailsAlone(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint()
		taken := f.event()
		f.accept(taken, nil)
		d := f.event(ep.Key)
		f.accept(d, f.leased(d))
		f.Record(f.outcome(f.leased(d)[0], store.Done)) // rides along in the batch that fails
		const n = 9
		events := make([]*hookswitch.Event, n)
		errs := make([]error, n)
		var submit []func()
		for i := range n {
			events[i] = f.event(ep.Key)
			if i == 3 || i == 4 {
				events[i] = &hookswitch.Event{Key: taken.Key, App: f.app, Type: "a"}
			}
			submit = append(submit, func() {
				errs[i] = f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{events[i]}, Deliveries: f.waiting(events[i]),
					Once: []store.Once{store.OnceOf(store.Life1Day, events[i].Key, fmt.Sprint(i))}})
			})
		}
		f.inOneBatch(submit...)
		for i, err := range errs {
			poisoned := i == 3 || i == 4
			if poisoned != (err != nil) {
				t.Errorf("unit %d: got %v", i, err)
			}
			if poisoned {
				if kind := hookswitch.KindOf(err); kind == hookswitch.Unavailable {
					t.Errorf("unit %d: %v asks to come again", i, err)
				}
				_, err := f.Seen(store.OnceOf(store.Life1Day, 0, fmt.Sprint(i)))
				wantKind(t, err, hookswitch.NotFound)
			} else if !f.hasEvent(events[i].Key) {
				t.Errorf("unit %d is not there", i)
			}
		}
		f.noDelivery(d.Key, ep.Key)
	})
}

func TestUpdate_ItsFailureLeavesOthersOfTheBatchAlone(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		insert := func(tx *store.Tx, uid string) error {
			return tx.InsertApp(&hookswitch.App{Key: f.keys.Next(), UID: uid, Name: uid, Version: 1})
		}
		errs := make([]error, 6)
		e := f.event()
		submit := []func(){
			func() { errs[0] = f.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, "first") }) },
			func() {
				errs[1] = f.Update(t.Context(), func(tx *store.Tx) error { return errors.Join(insert(tx, "undone"), errTest) })
			},
			func() {
				errs[2] = f.Update(t.Context(), func(tx *store.Tx) error {
					_ = insert(tx, "undone too")
					panic("a bug")
				})
			},
			func() {
				errs[3] = f.Update(t.Context(), func(tx *store.Tx) error {
					_ = insert(tx, "undone as well")
					_ = insert(tx, "undone as well") // refused, and not heeded
					return nil
				})
			},
			func() { errs[4] = f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}}) },
			func() { errs[5] = f.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, "last") }) },
		}
		if f.db.Postgres {
			together(len(submit), func(i int) { submit[i]() })
		} else {
			f.inOneBatch(submit...)
		}
		if errs[0] != nil || errs[4] != nil || errs[5] != nil {
			t.Errorf("got %v, %v, %v, want none", errs[0], errs[4], errs[5])
		}
		if !errors.Is(errs[1], errTest) || errs[2] == nil || errs[3] == nil {
			t.Errorf("got %v, %v, %v, want errors", errs[1], errs[2], errs[3])
		}
		var names []string
		apps, err := f.Apps(t.Context(), store.Page{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range apps {
			if a.UID != "" {
				names = append(names, a.UID)
			}
		}
		if len(names) != 2 || !f.hasEvent(e.Key) {
			t.Errorf("got apps %q, want first and last", names)
		}
	})
}

func TestUpdate_LosesNothingToAnother(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		c := &hookswitch.Conversation{Key: f.keys.Next(), App: f.app, Sender: f.keys.Next(), Contact: f.keys.Next()}
		f.update(func(tx *store.Tx) error { return tx.InsertConversation(c) })
		const n, each = 16, 10
		together(n, func(int) {
			for range each {
				for {
					err := f.Update(context.Background(), func(tx *store.Tx) error {
						have, err := tx.Conversation(tx.Context(), f.app, c.Key)
						if err != nil {
							return err
						}
						have.Messages++
						return tx.UpdateConversation(have)
					})
					if err == nil {
						break
					}
					if hookswitch.KindOf(err) != hookswitch.Unavailable {
						t.Errorf("update: %v", err)
						return
					}
				}
			}
		})
		got, err := f.Conversation(t.Context(), f.app, c.Key)
		if err != nil || got.Messages != n*each {
			t.Fatalf("got %d, %v, want %d", got.Messages, err, n*each)
		}
	})
}

func TestUpdate_TwoThatInsertTheSameBothSucceed(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		for range 10 {
			sender, value := f.keys.Next(), fmt.Sprint(f.keys.Next())
			found := make([]hookswitch.Key, 8)
			together(len(found), func(i int) {
				err := f.Update(context.Background(), func(tx *store.Tx) error {
					contact, err := tx.ContactBy(tx.Context(), f.app, hookswitch.SMS, value)
					if hookswitch.KindOf(err) == hookswitch.NotFound {
						contact = f.keys.Next()
						err = tx.InsertContact(&hookswitch.Contact{Key: contact, App: f.app}, hookswitch.SMS, value)
					}
					if err != nil {
						return err
					}
					c, err := tx.ConversationOf(tx.Context(), sender, contact)
					if hookswitch.KindOf(err) == hookswitch.NotFound {
						c = &hookswitch.Conversation{Key: f.keys.Next(), App: f.app, Sender: sender, Contact: contact}
						err = tx.InsertConversation(c)
					}
					if err == nil {
						found[i] = c.Key
					}
					return err
				})
				if err != nil {
					t.Errorf("update: %v", err)
				}
			})
			for _, k := range found {
				if k != found[0] {
					t.Fatalf("got conversations %v, want one", found)
				}
			}
		}
	})
}

func TestUpdate_TheCallersEndUndoesNothing(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, cancel := context.WithCancel(t.Context())
		err := f.Update(ctx, func(tx *store.Tx) error {
			cancel()
			return tx.InsertApp(&hookswitch.App{Key: 5, UID: "kept", Name: "kept", Version: 1})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.AppByUID(t.Context(), "kept"); err != nil {
			t.Fatal(err)
		}
		if err := f.Update(ctx, func(*store.Tx) error { t.Error("it ran"); return nil }); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v from a caller that is gone before", err)
		}
	})
}

func TestUpdate_ReadsWhatItHasWritten(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		f.update(func(tx *store.Tx) error {
			if err := tx.TouchApp(f.app, f.clock.Now()); err != nil {
				return err
			}
			e := f.event(8)
			if err := tx.Append([]*hookswitch.Event{e}, f.waiting(e)); err != nil {
				return err
			}
			if _, err := tx.Event(tx.Context(), f.app, e.Key); err != nil {
				t.Errorf("its own event: %v", err)
			}
			return tx.CheckVersion(f.app, 2)
		})
		ran := false
		err := f.Update(t.Context(), func(tx *store.Tx) error {
			ran = true
			if err := tx.CheckVersion(f.app, 1); err != nil {
				return err
			}
			return tx.TouchApp(f.app, f.clock.Now())
		})
		if !errors.Is(err, store.ErrStale) || !ran {
			t.Errorf("got %v, want stale", err)
		}
		f.update(func(tx *store.Tx) error { return tx.CheckVersion(f.app, 2) }) // the one that was stale has changed nothing
	})
}
