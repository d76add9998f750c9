package store_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// load accepts events and records their success until stop, and checks afterwards that nothing acknowledged was lost: each event that was accepted is there, no
// delivery is owed any more, and each attempt is there and counted once.
type load struct {
	f        *fixture
	endpoint hookswitch.Key
	accepted chan accepted
	refused  atomic.Int64
}

type accepted struct{ event, attempt hookswitch.Key }

func (l *load) run(submitters, each int) []accepted {
	f := l.f
	l.accepted = make(chan accepted, submitters*each)
	together(submitters, func(int) {
		for range each {
			for {
				e := &hookswitch.Event{Key: f.keys.Next(), App: f.app, Type: "a", Payload: []byte("{}"), Targets: []hookswitch.Target{{Endpoint: l.endpoint}}}
				d := store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: e.Key, Target: l.endpoint, Owner: f.Node().Number, Claim: 1, NextAt: time.Now().Add(time.Hour)}
				err := f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: []store.Delivery{d}})
				if err == nil {
					o := f.outcome(d, store.Done)
					f.Record(o)
					l.accepted <- accepted{e.Key, o.Attempt.Key}
					break
				}
				if hookswitch.KindOf(err) != hookswitch.Unavailable {
					f.t.Errorf("accept: got %v, want it to ask to come again", err)
					return
				}
				l.refused.Add(1)
			}
		}
	})
	close(l.accepted)
	var all []accepted
	for a := range l.accepted {
		all = append(all, a)
	}
	return all
}

// recovered waits until the store takes work again, and with that the outcomes that were kept.
func (l *load) recovered() {
	l.f.t.Helper()
	for end := time.Now().Add(20 * time.Second); ; {
		err := l.f.Accept(&store.Accept{App: l.f.app, Version: 1})
		if err == nil {
			return
		}
		if time.Now().After(end) {
			l.f.t.Fatalf("it does not come back: %v", err)
		}
	}
}

func (l *load) check(all []accepted) {
	t, f := l.f.t, l.f
	t.Helper()
	l.recovered()
	ctx := context.Background()
	for _, a := range all {
		if _, err := f.Event(ctx, f.app, a.event); err != nil {
			t.Fatalf("an accepted event is lost: %v", err)
		}
		if _, err := f.Delivery(ctx, hookswitch.DeliverWebhook, a.event, l.endpoint); hookswitch.KindOf(err) != hookswitch.NotFound {
			t.Fatalf("a delivery that has succeeded is still owed: %v", err)
		}
		if _, err := f.Attempt(ctx, f.app, a.event, a.attempt); err != nil {
			t.Fatalf("an attempt is lost: %v", err)
		}
	}
	ok, failed, err := f.Stats(ctx, f.app, l.endpoint, time.Now().Add(-2*time.Hour), time.Now().Add(time.Hour))
	if err != nil || ok != int64(len(all)) || failed != 0 {
		t.Fatalf("counted %d and %d, %v, want %d and 0", ok, failed, err, len(all))
	}
	t.Logf("%d accepted, %d refused", len(all), l.refused.Load())
}

// liveFixture is a fixture on the real clock.
func liveFixture(t testing.TB, db *storetest.DB, opts ...func(*store.Options)) *fixture {
	t.Helper()
	f := &fixture{t: t, db: db, clock: storetest.NewClock(time.Now())}
	f.Store = db.Open(opts...)
	f.keys = hookswitch.NewKeys(f.Node().Number, time.Now)
	f.app = f.newApp()
	return f
}

func TestPostgres_ConnectionsThatAreCutLoseNothing(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := liveFixture(t, db)
	l := &load{f: f, endpoint: f.newEndpoint().Key}
	admin, err := pgx.Connect(t.Context(), os.Getenv(storetest.PostgresVariable))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.Background())
	u, _ := url.Parse(db.URL)
	done := make(chan int)
	stop := make(chan struct{})
	go func() {
		cut := 0
		for {
			select {
			case <-stop:
				done <- cut
				return
			case <-time.After(60 * time.Millisecond):
			}
			tag, err := admin.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, u.Path[1:])
			if err != nil {
				t.Error(err)
			}
			cut += int(tag.RowsAffected())
		}
	}()
	all := l.run(16, 60)
	close(stop)
	if cut := <-done; cut == 0 {
		t.Error("no connection was cut")
	}
	l.check(all)
}

// relay passes bytes on to PostgreSQL and can be cut: a network that fails in the middle of anything.
type relay struct {
	net.Listener
	to   string
	cuts chan struct{}
	down atomic.Bool
}

func newRelay(t *testing.T, to string) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{Listener: l, to: to, cuts: make(chan struct{})}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			if r.down.Load() {
				_ = c.Close()
				continue
			}
			go r.pass(c)
		}
	}()
	return r
}

func (r *relay) pass(c net.Conn) {
	defer c.Close()
	p, err := net.Dial("tcp", r.to)
	if err != nil {
		return
	}
	defer p.Close()
	ended := make(chan struct{}, 2)
	forward := func(to, from net.Conn) {
		buf := make([]byte, 512) // small, so that a cut falls into the middle of things
		for {
			n, err := from.Read(buf)
			if _, wErr := to.Write(buf[:n]); err != nil || wErr != nil {
				ended <- struct{}{}
				return
			}
		}
	}
	go forward(p, c)
	go forward(c, p)
	select {
	case <-ended:
	case <-r.cuts:
	}
}

func TestPostgres_ANetworkThatFailsLosesNothing(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	u, err := url.Parse(db.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := newRelay(t, u.Host)
	u.Host = r.Addr().String()
	direct := db.URL
	db.URL = u.String()
	f := liveFixture(t, db)
	db.URL = direct
	l := &load{f: f, endpoint: f.newEndpoint().Key}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				r.down.Store(false)
				return
			case <-time.After(time.Duration(20+i%7*15) * time.Millisecond):
			}
			r.down.Store(i%8 == 7)
			for cutting := true; cutting; {
				select {
				case r.cuts <- struct{}{}:
				default:
					cutting = false
				}
			}
		}
	}()
	all := l.run(16, 60)
	close(stop)
	<-done
	l.check(all)
}

// A COMMIT whose answer was lost may take longer than it takes to ask again.
func TestPostgres_ACommitThatIsStillOnItsWayIsNotCountedTwice(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	f := newFixture(t, db)
	endpoint := f.newEndpoint().Key
	e := f.event(endpoint)
	d := f.leased(e)
	f.accept(e, d)
	o := f.outcome(d[0], store.Done)
	first, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close(context.Background())
	do := func(text string, args ...any) {
		t.Helper()
		if _, err := first.Exec(t.Context(), text, args...); err != nil {
			t.Fatal(err)
		}
	}
	do(`BEGIN`)
	do(store.InsertAttempt, int64(o.Attempt.Key), int64(f.app), int64(e.Key), int64(endpoint), "", true, 200, "", []byte{}, []byte{}, false, 0, 0, 0, 0, 0, 0, "")
	do(`DELETE FROM deliveries WHERE subject = $1`, int64(e.Key))
	done := make(chan error, 1)
	go func() { done <- f.RecordAgain(t.Context(), o) }()
	for waits := int64(0); waits == 0; { // another connection looks: in a transaction the answer stays the same
		if waits, err = f.Int(t.Context(), `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`); err != nil {
			t.Fatal(err)
		}
	}
	do(`COMMIT`)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ok, failed, err := f.Stats(t.Context(), f.app, endpoint, f.clock.Now().Add(-2*time.Hour), f.clock.Now().Add(time.Hour))
	if err != nil || ok != 0 || failed != 0 { // whose COMMIT it was has counted
		t.Errorf("counted %d and %d again, %v", ok, failed, err)
	}
}

func TestSQLite_AFullDatabaseRefusesAndRecovers(t *testing.T) {
	t.Parallel()
	f := liveFixture(t, storetest.SQLite(t))
	l := &load{f: f, endpoint: f.newEndpoint().Key}
	first := l.run(4, 50)
	e := f.event()
	e.Key = f.keys.Next()
	d := store.Delivery{Kind: hookswitch.DeliverWebhook, App: f.app, Subject: e.Key, Target: l.endpoint, Owner: 1, Claim: 1, NextAt: time.Now().Add(time.Hour)}
	f.accept(e, []store.Delivery{d})
	pages := must(t, must2(t)(f.Int(t.Context(), `PRAGMA page_count`)), nil)
	if err := f.Pragma(t.Context(), fmt.Sprintf("max_page_count = %d", pages)); err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 256<<10)
	var err error
	for range 20 {
		if err = f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{{Key: f.keys.Next(), App: f.app, Type: "a", Payload: big}}}); err != nil {
			break
		}
	}
	wantKind(t, err, hookswitch.Unavailable)
	wantKind(t, f.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertStray(f.keys.Next(), "", "", "", big)
	}), hookswitch.Unavailable)
	o := f.outcome(d, store.Done)
	o.Attempt.Answer = big
	f.Record(o) // has no room, and is kept
	if _, err := f.Event(t.Context(), f.app, e.Key); err != nil {
		t.Errorf("reading does not go on: %v", err)
	}
	select {
	case err := <-f.Fatal():
		t.Fatalf("it gives up: %v", err)
	default:
	}
	if err := f.Pragma(t.Context(), "max_page_count = 1073741823"); err != nil {
		t.Fatal(err)
	}
	l.check(append(first, accepted{e.Key, o.Attempt.Key}))
}
