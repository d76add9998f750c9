package store

import (
	"context"
	"testing"
	"testing/synctest"
)

func TestGiveWay_RunsFewerTheMoreGoAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGiveWay(4)
		var ends []func()
		for range 2 {
			ends = append(ends, g.begin())
		}
		leave := make(chan struct{})
		for range 10 {
			go func() {
				done, err := g.enter(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				<-leave
				done()
			}()
		}
		want := func(n int, when string) {
			t.Helper()
			synctest.Wait()
			if g.running != n {
				t.Errorf("%d run %s, want %d", g.running, when, n)
			}
		}
		want(2, "beside two")
		for range 5 {
			ends = append(ends, g.begin())
		}
		leave <- struct{}{}
		leave <- struct{}{}
		want(1, "beside seven")
		for _, end := range ends {
			end()
		}
		want(4, "alone")
		close(leave)
		want(0, "at the end")
		if len(g.waiting) != 0 {
			t.Errorf("%d wait for ever", len(g.waiting))
		}
	})
}

func TestGiveWay_IsLeftByWhoeverGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGiveWay(1)
		leave, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := g.enter(ctx)
			failed <- err
		}()
		synctest.Wait()
		cancel()
		if err := <-failed; err == nil {
			t.Error("a turn is taken after giving up")
		}
		leave()
		if g.running != 0 || len(g.waiting) != 0 {
			t.Errorf("%d run and %d wait when all have left", g.running, len(g.waiting))
		}
	})
}
