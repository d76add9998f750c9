package store_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Whoever asks has looked up the event or the endpoint inside an app before. That the statements say so too keeps one forgotten look from showing another app's data.
func TestReads_SayWhichAppTheyAreAbout(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, d, other := t.Context(), f.owed(), f.newApp()
		o := f.outcome(d, store.Retry)
		o.Next = f.clock.Now().Add(time.Hour)
		f.record(o)
		page := store.Page{Limit: 10}
		for _, c := range []struct {
			app  hookswitch.Key
			want int
		}{{f.app, 1}, {other, 0}} {
			byEndpoint, err1 := f.AttemptsByEndpoint(ctx, c.app, d.Target, store.AttemptFilter{}, page)
			byEvent, err2 := f.AttemptsByEvent(ctx, c.app, d.Subject, store.AttemptFilter{}, page)
			tried, err3 := f.TriedEndpoints(ctx, c.app, d.Subject)
			owed, err4 := f.DeliveriesOf(ctx, c.app, d.Subject)
			_, failed, err5 := f.Stats(ctx, c.app, d.Target, f.clock.Now().Add(-time.Hour), f.clock.Now())
			for _, err := range []error{err1, err2, err3, err4, err5} {
				if err != nil {
					t.Fatal(err)
				}
			}
			for what, got := range map[string]int{"attempts on the endpoint": len(byEndpoint), "attempts for the event": len(byEvent), "endpoints tried": len(tried),
				"deliveries": len(owed), "counted": int(failed)} {
				if got != c.want {
					t.Errorf("%s as app %d: got %d, want %d", what, c.app, got, c.want)
				}
			}
			if _, err := f.Attempt(ctx, c.app, d.Subject, o.Attempt.Key); (hookswitch.KindOf(err) == hookswitch.NotFound) != (c.want == 0) {
				t.Errorf("the attempt as app %d: %v", c.app, err)
			}
			f.update(func(tx *store.Tx) error {
				if _, err := tx.LastOK(c.app, d.Target); (hookswitch.KindOf(err) == hookswitch.NotFound) != (c.want == 0) {
					t.Errorf("the last success as app %d: %v", c.app, err)
				}
				return nil
			})
		}
	})
}
