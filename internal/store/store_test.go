package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// fixture is an open store with one app, and what tests need to fill it.
type fixture struct {
	*store.Store
	t     testing.TB
	db    *storetest.DB
	clock *storetest.Clock
	keys  *hookswitch.Keys
	app   hookswitch.Key
	// stops stop the committer after its next commit.
	stops chan stop
	mu    sync.Mutex
	units []int // how many each commit had
}

// eachFixture runs test on each database with a standing clock.
func eachFixture(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) { test(t, newFixture(t, db)) })
}

func newFixture(t testing.TB, db *storetest.DB) *fixture {
	t.Helper()
	f := &fixture{t: t, db: db, clock: storetest.NewClock(time.Now()), stops: make(chan stop, 1)}
	f.open()
	f.keys = hookswitch.NewKeys(f.Node().Number, f.clock.Now)
	f.app = f.newApp()
	return f
}

// reopen closes the store and opens it again, as a restart does.
func (f *fixture) reopen() {
	f.t.Helper()
	if err := f.Close(); err != nil {
		f.t.Fatal(err)
	}
	f.open()
}

func (f *fixture) open() {
	f.Store = f.db.Open(storetest.Now(f.clock.Now), func(o *store.Options) { o.Observe = f.observe })
}

// queued is how many units that somebody waits for wait for a commit.
func queued(f *fixture) int {
	n, _ := f.Queued()
	return n
}

// stop holds up the committer from reached to free.
type stop struct{ reached, free chan struct{} }

func (f *fixture) observe(units int, _ time.Duration) {
	f.mu.Lock()
	f.units = append(f.units, units)
	f.mu.Unlock()
	select {
	case s := <-f.stops:
		close(s.reached)
		<-s.free
	default:
	}
}

// inOneBatch runs functions, which each submit one unit and wait for it, so that one group commit takes them in the order of the list. It returns when
// all have returned.
func (f *fixture) inOneBatch(submit ...func()) {
	f.t.Helper()
	s := stop{make(chan struct{}), make(chan struct{})}
	f.stops <- s
	var wg sync.WaitGroup
	wg.Go(f.settle)
	<-s.reached
	for i, run := range submit {
		wg.Go(run)
		for queued(f) <= i {
			runtime.Gosched()
		}
	}
	close(s.free)
	wg.Wait()
	f.mu.Lock()
	defer f.mu.Unlock()
	if last := f.units[len(f.units)-1]; last != len(submit) {
		f.t.Fatalf("the last commit had %d units, want %d", last, len(submit))
	}
}

func (f *fixture) update(fn func(tx *store.Tx) error) {
	f.t.Helper()
	if err := f.Update(f.t.Context(), fn); err != nil {
		f.t.Fatalf("update: %v", err)
	}
}

func (f *fixture) newApp() hookswitch.Key {
	f.t.Helper()
	a := &hookswitch.App{Key: f.keys.Next(), Name: "shop", Version: 1, CreatedAt: f.clock.Now(), UpdatedAt: f.clock.Now()}
	f.update(func(tx *store.Tx) error { return tx.InsertApp(a) })
	return a.Key
}

func (f *fixture) newEndpoint(change ...func(*hookswitch.Endpoint)) *hookswitch.Endpoint {
	f.t.Helper()
	e := &hookswitch.Endpoint{Key: f.keys.Next(), App: f.app, Profile: "svix", URL: "https://shop.example/hook", Version: 1,
		Secrets:   []hookswitch.EndpointSecret{{Secret: "whsec_first"}},
		CreatedAt: f.clock.Now(), UpdatedAt: f.clock.Now()}
	for _, c := range change {
		c(e)
	}
	f.update(func(tx *store.Tx) error { return tx.InsertEndpoint(e) })
	return e
}

func (f *fixture) event(targets ...hookswitch.Key) *hookswitch.Event {
	e := &hookswitch.Event{Key: f.keys.Next(), App: f.app, Type: "order.paid", Payload: []byte(`{"n":1}`)}
	for _, t := range targets {
		e.Targets = append(e.Targets, hookswitch.Target{Endpoint: t})
	}
	return e
}

// waiting is what is owed for e, due now and not leased.
func (f *fixture) waiting(e *hookswitch.Event) []store.Delivery {
	var list []store.Delivery
	for _, t := range e.Targets {
		list = append(list, store.Delivery{Kind: hookswitch.DeliverWebhook, App: e.App, Subject: e.Key, Target: t.Endpoint, NextAt: f.clock.Now()})
	}
	return list
}

// leased is what is owed for e, leased to this node for a minute.
func (f *fixture) leased(e *hookswitch.Event) []store.Delivery {
	list := f.waiting(e)
	for i := range list {
		list[i].Owner, list[i].Claim, list[i].NextAt = f.Node().Number, 1, f.clock.Now().Add(time.Minute)
	}
	return list
}

func (f *fixture) accept(e *hookswitch.Event, deliveries []store.Delivery, once ...store.Once) {
	f.t.Helper()
	if err := f.Accept(&store.Accept{App: f.app, Version: 1, Events: []*hookswitch.Event{e}, Deliveries: deliveries, Once: once}); err != nil {
		f.t.Fatalf("accept: %v", err)
	}
}

func (f *fixture) delivery(subject, target hookswitch.Key) store.Delivery {
	f.t.Helper()
	d, err := f.Delivery(f.t.Context(), hookswitch.DeliverWebhook, subject, target)
	if err != nil {
		f.t.Fatalf("read the delivery: %v", err)
	}
	return d
}

func (f *fixture) noDelivery(subject, target hookswitch.Key) {
	f.t.Helper()
	if d, err := f.Delivery(f.t.Context(), hookswitch.DeliverWebhook, subject, target); hookswitch.KindOf(err) != hookswitch.NotFound {
		f.t.Fatalf("got delivery %+v, %v, want none", d, err)
	}
}

// outcome is what came of running d.
func (f *fixture) outcome(d store.Delivery, v store.Verdict) *store.Outcome {
	ok := v == store.Done
	a := &hookswitch.Attempt{Key: f.keys.Next(), App: d.App, Event: d.Subject, Endpoint: d.Target, URL: "https://shop.example/hook", OK: ok, Code: 500,
		Failure: "status", Answer: []byte("no"), Headers: []byte("X: y\r\n"), Manual: d.Manual, Timings: hookswitch.Timings{Total: 7 * time.Millisecond}}
	if ok {
		a.Code, a.Failure = 200, ""
	}
	return &store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim, Verdict: v, Attempt: a}
}

// record commits outcomes and waits for that.
func (f *fixture) record(list ...*store.Outcome) {
	f.t.Helper()
	for _, o := range list {
		f.Record(o)
	}
	f.settle()
}

// settle waits until what is queued has been committed. Outcomes ride along with the next commit.
func (f *fixture) settle() {
	f.t.Helper()
	if err := f.Accept(&store.Accept{App: f.app, Version: 1}); err != nil {
		f.t.Fatalf("flush: %v", err)
	}
}

func (f *fixture) claim(change ...func(*store.ClaimRequest)) store.Claimed {
	f.t.Helper()
	req := store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: f.clock.Now(), Lease: f.clock.Now().Add(time.Minute), Max: 1000,
		PerTarget: func(hookswitch.Key) int { return 1000 }}
	for _, c := range change {
		c(&req)
	}
	got, err := f.ClaimDue(f.t.Context(), req)
	if err != nil {
		f.t.Fatalf("claim: %v", err)
	}
	return got
}

func (f *fixture) hasEvent(key hookswitch.Key) bool {
	f.t.Helper()
	_, err := f.Event(f.t.Context(), f.app, key)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		f.t.Fatal(err)
	}
	return err == nil
}

func wantKind(t *testing.T, err error, kind hookswitch.ErrorKind) {
	t.Helper()
	if err == nil || hookswitch.KindOf(err) != kind {
		t.Fatalf("got error %v of kind %d, want kind %d", err, hookswitch.KindOf(err), kind)
	}
}

func together(n int, run func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { run(i) })
	}
	wg.Wait()
}

func TestOpen_RefusesAnotherMasterKey(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		if err := db.Open().Close(); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), db.Options(func(o *store.Options) { o.MasterKey = make([]byte, 32) }))
		if err == nil || !strings.Contains(err.Error(), "master.key") {
			t.Fatalf("got %v, want a refusal that says which file to copy", err)
		}
		db.Open() // and it has left nothing locked
	})
}

func TestOpen_RefusesAMasterKeyOfTheWrongLength(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	if _, err := store.Open(t.Context(), db.Options(func(o *store.Options) { o.MasterKey = []byte("short") })); err == nil {
		t.Fatal("got no error")
	}
}

func TestOpen_KeepsTheIDKey(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		key := string(f.IDKey())
		f.reopen()
		if len(key) != 32 || string(f.IDKey()) != key {
			t.Fatalf("got id key %x, then %x", key, f.IDKey())
		}
	})
}

func TestOpen_RefusesASecondProcessOnAFile(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	db.Open()
	_, err := store.Open(t.Context(), db.Options(db.OtherNode))
	if err == nil || !strings.Contains(err.Error(), "another process has the database") {
		t.Fatalf("got %v, want a refusal that says why", err)
	}
}

func TestOpen_RefusesASecondProcessInADataDirectory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		db.Open()
		_, err := store.Open(t.Context(), db.Options())
		if err == nil || !strings.Contains(err.Error(), "another hookswitch runs with the data directory") {
			t.Fatalf("got %v, want a refusal that says why", err)
		}
	})
}

func TestOpen_RefusesANewerSchema(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		if _, err := s.Exec(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, TRUE)`); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		_, err := store.Open(t.Context(), db.Options())
		if err == nil || !strings.Contains(err.Error(), "newer version") {
			t.Fatalf("got %v, want a refusal", err)
		}
	})
}

func TestMigrate_TellsWhatItApplied(t *testing.T) {
	t.Parallel()
	o := store.Options{Database: "sqlite:" + filepath.Join(t.TempDir(), "none-yet.db")}
	first, err := store.Migrate(t.Context(), o)
	if err != nil || len(first) == 0 {
		t.Fatalf("got %v, %v, want versions", first, err)
	}
	again, err := store.Migrate(t.Context(), o)
	if err != nil || len(again) != 0 {
		t.Fatalf("got %v, %v, want none the second time", again, err)
	}
}

func TestOpen_SeveralNodesMigrateAtOnce(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	conn, err := pgx.Connect(t.Context(), db.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), `DROP SCHEMA public CASCADE; CREATE SCHEMA public`); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	numbers := make(map[int]bool)
	dirs := []string{t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()}
	var stores []*store.Store
	together(len(dirs), func(i int) {
		s, err := store.Open(context.Background(), db.Options(func(o *store.Options) { o.DataDir = dirs[i] }))
		if err != nil {
			t.Errorf("open: %v", err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		numbers[s.Node().Number] = true
		stores = append(stores, s)
	})
	if len(numbers) != len(dirs) {
		t.Errorf("got node numbers %v, want %d different ones", numbers, len(dirs))
	}
	for _, s := range stores {
		if string(s.IDKey()) != string(stores[0].IDKey()) {
			t.Error("two nodes have different id keys")
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpen_RefusesUnsafeCommits(t *testing.T) {
	t.Parallel()
	db := storetest.Postgres(t)
	_, err := store.Open(t.Context(), db.Options(func(o *store.Options) {
		separator := "?"
		if strings.Contains(o.Database, "?") {
			separator = "&"
		}
		o.Database += separator + "synchronous_commit=off"
	}))
	if err == nil || !strings.Contains(err.Error(), "synchronous_commit") {
		t.Fatalf("got %v, want a refusal", err)
	}
}

func TestOpen_SaysThatADatabaseCannotBeReached(t *testing.T) {
	t.Parallel()
	_, err := store.Open(t.Context(), store.Options{Database: "postgres://127.0.0.1:1/x", DataDir: t.TempDir(), MasterKey: make([]byte, 32)})
	if err == nil || !strings.Contains(err.Error(), "connect to the database") {
		t.Fatalf("got %v", err)
	}
}

func TestOpen_TakesPathsWithOddCharacters(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?c#d%20")
	s, err := store.Open(t.Context(), store.Options{Database: "", DataDir: dir, MasterKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "hookswitch.db")); err != nil {
		t.Fatal(err)
	}
}

func TestPing_FailsOnceClosed(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		if err := f.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		wantKind(t, f.Ping(context.Background()), hookswitch.Unavailable)
		wantKind(t, f.Accept(&store.Accept{App: f.app, Version: 1}), hookswitch.Unavailable)
		wantKind(t, f.Update(context.Background(), func(*store.Tx) error { return nil }), hookswitch.Unavailable)
	})
}

func TestClose_WritesWhatIsQueued(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ep := f.newEndpoint()
		e := f.event(ep.Key)
		f.accept(e, f.leased(e))
		f.Record(f.outcome(f.leased(e)[0], store.Done))
		f.reopen()
		f.noDelivery(e.Key, ep.Key)
	})
}

var errTest = errors.New("the test says no")

func TestOpen_KeepsTheDatabaseFromOtherUsers(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	s := db.Open()
	if err := s.Update(t.Context(), func(*store.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(db.Dir, "*.db*"))
	if err != nil || len(files) < 2 {
		t.Fatalf("got the files %v, %v", files, err)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			t.Errorf("%s has mode %o", filepath.Base(name), mode)
		}
	}
}
