package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// system is one of those that are measured.
type system struct {
	name     string // in the report
	database string // of the gateway; "": the plain forwarder
	hangs    bool   // one of the endpoints never answers
}

const (
	onSQLite   = "sqlite"
	onPostgres = "postgres"
)

// bench is one call of Run.
type bench struct {
	o        *Options
	postgres *postgres
	report   *Report
	// idle ends the wait for what is missing when nothing has arrived for so long.
	idle time.Duration
}

// Run measures what the options ask for and prints a report to out. It returns an error when an accepted event did not arrive, after the report.
func Run(ctx context.Context, o Options, out io.Writer) error {
	return run(ctx, o, out, drainIdle)
}

func run(ctx context.Context, o Options, out io.Writer, idle time.Duration) error {
	if err := o.prepare(); err != nil {
		return err
	}
	if len(o.Forwarder) > 0 {
		return forward(ctx, o.Forwarder, o.Connections, os.Stdin, out)
	}
	chosen, err := o.chosen()
	if err != nil {
		return err
	}
	b := &bench{o: &o, report: newReport(&o), idle: idle}
	if err := b.measureSync(); err != nil {
		return err
	}
	if err := b.openPostgres(ctx); err != nil {
		return err
	}
	err = b.all(ctx, chosen)
	if b.postgres != nil {
		err = errors.Join(err, b.postgres.stop())
	}
	if err != nil {
		return err
	}
	if err := b.report.write(out, o.JSON); err != nil {
		return err
	}
	return b.report.lost()
}

func (b *bench) openPostgres(ctx context.Context) error {
	if b.o.Postgres == "none" {
		return nil
	}
	p, err := openPostgres(ctx, b.o)
	if errors.Is(err, errNoPostgres) {
		b.report.note(err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	b.postgres = p
	b.report.Machine.Postgres = p.version
	if p.cpu == nil {
		b.report.note("PostgreSQL runs elsewhere: its processor time is not counted")
	} else if b.o.Postgres != "" {
		b.report.note("the processor time of PostgreSQL is that of the whole server, other clients' work included")
	}
	return nil
}

func (b *bench) all(ctx context.Context, chosen []*scenario) error {
	for _, sc := range chosen {
		systems := b.systems(sc)
		r := b.report.scenario(sc, systems)
		rounds, round := b.o.Rounds, b.round
		if sc.pushes {
			rounds, round = 1, b.burstRound
		}
		for n := range rounds {
			for i, sys := range systems {
				m, err := round(ctx, sc, sys)
				if err != nil {
					return fmt.Errorf("%s, %s, round %d: %w", sc.name, sys.name, n+1, err)
				}
				r.Results[i].Rounds = append(r.Results[i].Rounds, m)
			}
		}
		r.summarize(sc)
	}
	return nil
}

// systems are what takes turns in sc.
func (b *bench) systems(sc *scenario) []system {
	var list []system
	if sc.forwarder {
		list = append(list, system{name: "forwarder"})
	}
	list = append(list, system{name: "SQLite", database: onSQLite})
	if sc.hanging {
		list = append(list, system{name: "SQLite, one hangs", database: onSQLite, hangs: true})
	}
	if b.postgres == nil {
		return list
	}
	list = append(list, system{name: "PostgreSQL", database: onPostgres})
	if sc.hanging {
		list = append(list, system{name: "PostgreSQL, one hangs", database: onPostgres, hangs: true})
	}
	return list
}

// leadIn lets the first calls of a run find everything in place.
const leadIn = 20 * time.Millisecond

// round is one life of a system under load.
func (b *bench) round(ctx context.Context, sc *scenario, sys system) (m Measurement, err error) {
	length := b.o.Warmup + b.o.Duration
	t := newTally(sc.maxEvents(length), sc.endpoints)
	receivers, targets, err := startReceivers(t, sc, sys, b.o.Payload)
	defer func() {
		for _, r := range receivers {
			r.close()
		}
	}()
	if err != nil {
		return m, err
	}
	in, done, err := b.start(ctx, sc, sys, targets)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, done()) }()

	begin := t.now() + int64(leadIn)
	t.from.Store(begin + int64(b.o.Warmup))
	t.to.Store(begin + int64(length))
	g := &generator{tally: t, addr: in.addr, startAt: begin, stopAt: begin + int64(length), at: len(in.head)}
	g.request = slices.Concat([]byte(in.head), payload(b.o.Payload), []byte(in.tail))
	if sc.rate > 0 {
		g.every = int64(time.Second) / int64(sc.rate)
	}
	watched := make(chan *usage, 1)
	go func() { watched <- watch(ctx, t, in) }()
	g.run(ctx, b.o.Connections)
	used := <-watched
	drained := drain(ctx, t, b.idle)
	if err := ctx.Err(); err != nil {
		return m, err
	}
	m = measure(t, b.o.Duration)
	if used != nil {
		m.use(used, t.arrived.Load(), b.o.Duration)
	}
	m.DrainSeconds = drained.Seconds()
	m.PeakMemory = peakMemory(in.pid)
	for _, r := range receivers {
		r.close() // so that nothing hangs while the system stops
	}
	return m, nil
}

func startReceivers(t *tally, sc *scenario, sys system, size int) (list []*receiver, targets []string, err error) {
	for i, l := range t.lanes {
		manner := answers
		switch {
		case sc.failFirst:
			manner = failsFirst
		case sc.hanging && i == len(t.lanes)-1:
			// It counts in neither kind of run, so that both count the same nine.
			l.idle = true
			if sys.hangs {
				manner = hangs
			}
		}
		r, err := startReceiver(t, l, size, manner)
		if err != nil {
			return list, nil, err
		}
		list, targets = append(list, r), append(targets, r.url())
	}
	return list, targets, nil
}

// start starts a system. done stops it and removes what it leaves behind.
func (b *bench) start(ctx context.Context, sc *scenario, sys system, targets []string) (in *instance, done func() error, err error) {
	if sys.database == "" {
		in, err = startForwarder(ctx, b.o, targets)
		if err != nil {
			return nil, nil, err
		}
		return in, in.stop, nil
	}
	return b.startWith(ctx, sc, sys, gatewaySetup{targets: targets})
}

// startWith is start for a gateway that needs more than its targets.
func (b *bench) startWith(ctx context.Context, sc *scenario, sys system, setup gatewaySetup) (in *instance, done func() error, err error) {
	setup.retries = sc.retries
	if b.o.CPUProfile != "" {
		file, err := filepath.Abs(profileName(b.o.CPUProfile, strings.ToLower(sc.name)+"-"+sys.database))
		if err != nil {
			return nil, nil, err
		}
		setup.profile = file
		b.report.profile(file)
	}
	drop := func() error { return nil }
	if sys.database == onPostgres {
		if setup.database, drop, err = b.postgres.database(ctx); err != nil {
			return nil, nil, err
		}
		setup.cpuOf = b.postgres.cpu
	}
	if in, err = startGateway(ctx, b.o, setup); err != nil {
		return nil, nil, errors.Join(err, drop())
	}
	return in, func() error { return errors.Join(in.stop(), drop()) }, nil
}

// usage is processor time used within the measured time.
type usage struct {
	system  time.Duration
	own     time.Duration // generator and receivers
	machine time.Duration // everything that runs, these two included
	stolen  time.Duration // not the machine's to use
}

// watch reads the usage. It is nil where the system does not tell.
func watch(ctx context.Context, t *tally, in *instance) *usage {
	before, ok0 := usageAt(ctx, t, t.from.Load(), in)
	after, ok1 := usageAt(ctx, t, t.to.Load(), in)
	if !ok0 || !ok1 {
		return nil
	}
	return &usage{after.system - before.system, after.own - before.own, after.machine - before.machine, after.stolen - before.stolen}
}

func usageAt(ctx context.Context, t *tally, at int64, in *instance) (u usage, ok bool) {
	timer := time.NewTimer(time.Duration(at - t.now()))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return u, false
	}
	var errs [3]error
	u.system, errs[0] = in.cpu()
	u.own, errs[1] = processCPU(os.Getpid())
	u.machine, u.stolen, errs[2] = machineCPU()
	return u, errors.Join(errs[:]...) == nil
}

const (
	drainPoll = 5 * time.Millisecond
	drainIdle = 15 * time.Second
	drainMax  = 2 * time.Minute
)

// drain waits until everything that was accepted has arrived, or nothing has for the time idle, and returns how long that took.
func drain(ctx context.Context, t *tally, idle time.Duration) time.Duration {
	start := time.Now()
	poll := time.NewTicker(drainPoll)
	defer poll.Stop()
	progress, least := start, t.missing()
	for least > 0 && time.Since(progress) < idle && time.Since(start) < drainMax {
		select {
		case <-poll.C:
		case <-ctx.Done():
			return time.Since(start)
		}
		if missing := t.missing(); missing < least {
			progress, least = time.Now(), missing
		}
	}
	return time.Since(start)
}

// measureSync finds out what bringing a page to stable storage costs here: it bounds what any system that keeps its promise can do.
func (b *bench) measureSync() (err error) {
	f, err := os.CreateTemp(b.o.Dir, "hookswitch-bench-sync-")
	if err != nil {
		return fmt.Errorf("measure the disk: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	times := make([]float64, 0, 30)
	for range cap(times) {
		start := time.Now()
		if _, err := f.Write(page); err != nil {
			return fmt.Errorf("measure the disk: %w", err)
		}
		if err := f.Sync(); err != nil {
			return fmt.Errorf("measure the disk: %w", err)
		}
		times = append(times, milliseconds(time.Since(start)))
	}
	b.report.Machine.SyncMilliseconds = median(times)
	return nil
}

func machine() Machine {
	return Machine{System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version()}
}
