package deliver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// recovered is how many failed deliveries BenchmarkRecover recovers.
const recovered = 100_000

// BenchmarkRecover recovers what has failed for an endpoint, to a receiver on loopback, and then cancels a replay of the same at two fifths. One run is enough:
//
//	go test ./internal/deliver -run '^$' -bench Recover -benchtime 1x
func BenchmarkRecover(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *storetest.DB{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				recoverOnce(b, open(b))
			}
		})
	}
}

func recoverOnce(b *testing.B, db *storetest.DB) {
	b.StopTimer()
	defer b.StartTimer()
	w := servicetest.New(b, db)
	var got atomic.Int64
	receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		got.Add(1)
		rw.WriteHeader(http.StatusNoContent)
	}))
	defer receiver.Close()
	app := w.App()
	ep := w.Endpoint(app, receiver.URL)
	// The key of an event must not be older than a second when it is committed, and the clock of the world stands still.
	for range recovered / 10_000 {
		publishMany(w, app, 10_000)
		failAll(w)
		w.Clock.Advance(10 * time.Second)
	}
	run := w.Run(nil, func(d *deliver.Options, o *work.Options) { o.PollEvery, o.Grace = time.Second, 10*time.Second })
	stop := make(chan struct{})
	var clock sync.WaitGroup
	clock.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		last := time.Now()
		for {
			select {
			case <-stop:
				return
			case now := <-tick.C:
				w.Clock.Advance(now.Sub(last).Truncate(time.Millisecond))
				last = last.Add(now.Sub(last).Truncate(time.Millisecond))
			}
		}
	})
	defer func() {
		close(stop)
		clock.Wait()
		if err := run.Stop(); err != nil {
			b.Error(err)
		}
	}()
	wait := func(what string, ok func() bool) {
		limit := time.Now().Add(10 * time.Minute)
		for !ok() {
			if time.Now().After(limit) {
				b.Fatalf("it does not come about: %s", what)
			}
			time.Sleep(time.Millisecond)
		}
	}
	since := service.Recovery{Since: servicetest.Start.Add(-time.Hour)}
	ref := w.Service.IDs().Format(hookswitch.KindEndpoint, ep.Key)

	began := time.Now()
	n := servicetest.Must(w.Service.CountRecovery(b.Context(), hookswitch.TaskRecover, app.Key, ref, since))(b)
	counting := time.Since(began)
	b.StartTimer()
	began = time.Now()
	t := start(w, hookswitch.TaskRecover, ep)
	wait("the task ends", func() bool { return task(w, t).Status != hookswitch.TaskRunning })
	took := time.Since(began)
	b.StopTimer()
	if t = task(w, t); n != recovered || got.Load() != recovered || t.Total != recovered || t.Done != recovered {
		b.Errorf("counted %d, received %d, the task says %d of %d", n, got.Load(), t.Done, t.Total)
	}

	got.Store(0)
	t = start(w, hookswitch.TaskBulkReplay, ep)
	wait("two fifths are sent", func() bool { return got.Load() >= recovered*2/5 })
	began = time.Now()
	t = servicetest.Must(w.Service.CancelTask(b.Context(), task(w, t)))(b)
	canceling := time.Since(began)
	wait("nothing is outstanding", func() bool { return servicetest.Must(w.Store.Outstanding(b.Context(), t.Key))(b) == 0 })
	quiet := time.Since(began)
	if t = task(w, t); t.Done != got.Load() {
		b.Errorf("canceled: received %d, the task says %d", got.Load(), t.Done)
	}
	if canceling > 2*time.Second {
		b.Errorf("the cancel took %v", canceling)
	}
	b.ReportMetric(float64(recovered), "events")
	b.ReportMetric(float64(recovered)/took.Seconds(), "events/s")
	b.ReportMetric(took.Seconds(), "s")
	b.ReportMetric(float64(counting.Milliseconds()), "ms-to-count")
	b.ReportMetric(float64(canceling.Milliseconds()), "ms-to-cancel")
	b.ReportMetric(float64(quiet.Milliseconds()), "ms-until-quiet")
	fmt.Printf("%s: %d recovered in %v (%.0f/s), counted in %v; canceled in %v, quiet after %v\n", b.Name(), recovered, took.Round(time.Millisecond),
		float64(recovered)/took.Seconds(), counting.Round(time.Millisecond), canceling.Round(time.Millisecond), quiet.Round(time.Millisecond))
}
