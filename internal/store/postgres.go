package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/hookswitch/hookswitch"
)

var postgresDialect = &dialect{
	name: "postgres",
	words: map[string]string{
		"key": "BIGINT PRIMARY KEY", "clustered": "", "bytewise": `COLLATE "C"`,
		// Thresholds that do not grow with the table: dead rows at the front of the queue are what makes claims slow.
		"queue": "WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, " +
			"autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000)",
		"counter": "WITH (fillfactor = 50)",
	},
	skipLocked: " FOR UPDATE SKIP LOCKED",
	forUpdate:  " FOR UPDATE",
	holds:      "position(%[2]s IN %[1]s) > 0",
	claimMany:  claimMany,
	lag:        otherNodes,
	oldest:     oldestTransaction,
	goose:      "postgres",
	classify:   classifyPostgres,
}

func classifyPostgres(err error) fault {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		class := e.Code[:min(2, len(e.Code))]
		switch {
		case e.Code == "23505":
			return faultUnique
		case class == "40", e.Code == "55P03": // serialization, deadlock, a lock that could not be had in time
			return faultRetry
		case slices.Contains([]string{"08", "53", "57", "58", "XX"}, class), e.Code == "25006": // connection, resources, shutdown, system, internal, read-only
			return faultAway
		}
		return faultStatement
	}
	var netErr net.Error
	var connectErr *pgconn.ConnectError
	if errors.As(err, &netErr) || errors.As(err, &connectErr) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errUnknown) || pgconn.SafeToRetry(err) {
		return faultAway
	}
	return faultStatement
}

// postgres is a pool of connections: one for the committer, some for updates, the rest for reads.
type postgres struct {
	log   *slog.Logger
	now   func() time.Time
	pool  *pgxpool.Pool
	db    *sql.DB
	box   *seal
	marks *okMarks
	turn  chan struct{} // taken by the transaction that is tried again after losing to others; has room for one
	quiet chan struct{} // taken by transactions in the background, so that connections are left for the others
}

// migrationLock is the advisory lock that one node at a time holds while it brings the schema up to date.
const migrationLock = 7_426_190_085_511

// commitTimeout is how long one batch may take before its connection is given up.
const commitTimeout = 30 * time.Second

// connectTimeout is how long a database may take to accept a connection.
const connectTimeout = 5 * time.Second

// planning makes each statement go through the indexes that are there for it. The planner would read all of a queue that was small when it looked, and
// that plan grows slower with each dead row; it is also kept for as long as the connection. With its usual price for a page that is not the next one the planner
// would read a stretch of all attempts in order rather than those of one endpoint, and start workers for it.
const planning = `SELECT set_config('enable_seqscan', 'off', FALSE), set_config('enable_hashjoin', 'off', FALSE), set_config('enable_mergejoin', 'off', FALSE), set_config('jit', 'off', FALSE),
	set_config('random_page_cost', '1.1', FALSE), set_config('max_parallel_workers_per_gather', '0', FALSE)`

func openPostgres(ctx context.Context, o Options) (backend, []int64, error) {
	cfg, err := pgxpool.ParseConfig(o.Database)
	if err != nil {
		return nil, nil, fmt.Errorf("the database URL cannot be read: %w", errors.Unwrap(err))
	}
	if cfg.MaxConns < 16 {
		cfg.MaxConns = 16
	}
	if cfg.ConnConfig.ConnectTimeout == 0 || cfg.ConnConfig.ConnectTimeout > connectTimeout {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	if _, set := cfg.ConnConfig.RuntimeParams["application_name"]; !set {
		cfg.ConnConfig.RuntimeParams["application_name"] = "hookswitch"
	}
	cfg.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, planning); err != nil && conn.IsClosed() {
			return err // a database that does not know them plans as it likes
		}
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	p := &postgres{log: o.Logger, now: o.Now, pool: pool, db: stdlib.OpenDBFromPool(pool), turn: make(chan struct{}, 1), quiet: make(chan struct{}, cfg.MaxConns/4)}
	p.db.SetMaxOpenConns(int(cfg.MaxConns) - 1)
	applied, err := p.open(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, p.close())
	}
	return p, applied, nil
}

func (p *postgres) open(ctx context.Context) (applied []int64, err error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %s", strings.Join(strings.Fields(err.Error()), " ")) // the driver writes a line an address
	}
	defer conn.Close()
	var durable string
	if err := conn.QueryRowContext(ctx, `SHOW synchronous_commit`).Scan(&durable); err != nil {
		return nil, fmt.Errorf("read synchronous_commit: %w", err)
	}
	if durable == "off" {
		return nil, errors.New("the database has synchronous_commit off: what is acknowledged could be lost; turn it on for this role or database")
	}
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, int64(migrationLock)); err != nil {
		return nil, fmt.Errorf("wait for the migration lock: %w", err)
	}
	defer func() {
		if _, unlock := conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, int64(migrationLock)); unlock != nil {
			err = errors.Join(err, unlock)
		}
	}()
	return migrate(ctx, p.db, postgresDialect)
}

func (p *postgres) dialect() *dialect { return postgresDialect }

func (p *postgres) reader() *sql.DB { return p.db }

// statements runs texts as they are: each connection below keeps what it has prepared.
func (p *postgres) statements() querier { return cleaned{p.db} }

func (p *postgres) close() error {
	err := p.db.Close()
	p.pool.Close()
	return err
}

// apart is true: another node may hold the lock of a position.
func (p *postgres) apart() bool { return true }

// How often a transaction that conflicts with others is run: beside all of them at first, and then one at a time, so that those that keep losing do not
// keep each other from winning.
const (
	crowdTries  = 3
	updateTries = 24
)

// update runs fn at repeatable read: a row that another transaction changed since ours began makes ours begin again.
func (p *postgres) update(ctx context.Context, fn func(*Tx) error) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if inBackground(ctx) {
		select {
		case p.quiet <- struct{}{}:
			defer func() { <-p.quiet }()
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
	for try := 1; ; try++ {
		err := p.tryUpdate(ctx, fn)
		if err == nil || try == updateTries || errors.Is(err, errUnknown) || !again(err) {
			return true, err
		}
		if try == crowdTries {
			select {
			case p.turn <- struct{}{}:
				defer func() { <-p.turn }()
			case <-ctx.Done():
				return true, err
			}
			continue
		}
		pause := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, crowdTries))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return true, err
		}
	}
}

// again reports whether a transaction that ended with err is worth another try. A row that a unique index refused without fn having a
// sentence for it is one that fn looked for and did not see, because another transaction was just inserting it.
func again(err error) bool {
	switch classifyPostgres(err) {
	case faultRetry:
		return true
	case faultUnique:
		return hookswitch.KindOf(err) != hookswitch.Conflict
	}
	return false
}

// lost reports whether the answer to a COMMIT that ended with err leaves open what became of it.
func lost(err error) bool {
	var known *pgconn.PgError
	return !errors.As(err, &known) || known.Severity != "ERROR" || known.Code == "40003" || known.Code == "08007"
}

func (p *postgres) tryUpdate(ctx context.Context, fn func(*Tx) error) error {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	w := &pipe{conn: conn}
	w.write(`BEGIN ISOLATION LEVEL REPEATABLE READ`)
	tx := &Tx{Reader: Reader{q: w, d: postgresDialect, box: p.box}, ctx: ctx, pipe: w}
	if err = call(tx, fn); err == nil {
		err = w.commit(ctx)
	}
	if err != nil {
		w.rollBack(ctx)
	}
	_ = conn.Close() // it goes back to the pool
	return err
}

// commit writes a batch over one connection in two pipelines: first what decides which units are in, then their rows and the COMMIT.
func (p *postgres) commit(b *batch) error {
	if len(b.updates) > 0 {
		panic("store: an update in a batch for PostgreSQL")
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := p.commitOn(ctx, conn.Conn(), b); err != nil {
		if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
			if _, undo := conn.Exec(ctx, `ROLLBACK`); undo != nil {
				_ = conn.Conn().Close(ctx) // a connection whose transaction cannot be ended is of no use
			}
		}
		return err
	}
	return nil
}

func (p *postgres) commitOn(ctx context.Context, conn *pgx.Conn, b *batch) error {
	in, err := p.admit(ctx, conn, b)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(in, func(a *Accept) bool { return a.tooOld(p.now()) }) {
		return errTooOld // it has waited for others
	}
	var q pgx.Batch
	now := p.now().UnixMilli()
	t := p.marks.tally(b.outcomes, now)
	queueAccepts(&q, in)
	queueOutcomes(&q, b.outcomes)
	queueTally(&q, t, now)
	q.Queue(`COMMIT`)
	res := conn.SendBatch(ctx, &q)
	for range q.Len() {
		if _, err := res.Exec(); err != nil {
			_ = res.Close()
			// The COMMIT was sent with the rest: it may have been reached though the answers were not.
			if lost(err) {
				return fmt.Errorf("%w: %w", errUnknown, err)
			}
			return err
		}
	}
	_ = res.Close() // the COMMIT has been confirmed, whatever becomes of the connection
	p.marks.note(t, now)
	return nil
}

// fact is a Once in its bucket.
type fact struct {
	bucket int64
	hash   [16]byte
}

// known is what the database says about a batch before it is written.
type known struct {
	versions map[hookswitch.Key]int64 // of the live apps
	seen     map[fact]hookswitch.Key  // what has happened before, and what that led to
	recorded []int64                  // attempts of doubtful outcomes that are there
}

// admit begins the transaction and finds the accepts that are neither stale nor duplicates.
func (p *postgres) admit(ctx context.Context, conn *pgx.Conn, b *batch) ([]*Accept, error) {
	now := p.now()
	k, err := begin(ctx, conn, b, now)
	if err != nil {
		return nil, err
	}
	if len(k.recorded) > 0 {
		b.outcomes = slices.DeleteFunc(b.outcomes, func(o *Outcome) bool {
			return o.doubtful && o.Attempt != nil && slices.Contains(k.recorded, int64(o.Attempt.Key))
		})
	}
	in := make([]*Accept, 0, len(b.accepts))
	var fresh []Once
	for _, a := range b.accepts {
		if a.err = k.judge(a, now); a.err == nil {
			fresh = append(fresh, a.Once...)
			in = append(in, a)
		}
	}
	return in, p.claimOnce(ctx, conn, fresh, now)
}

// judge returns nil for an accept that may be written, and remembers what it makes happen, for those behind it in the batch.
func (k *known) judge(a *Accept, now time.Time) error {
	if v, ok := k.versions[a.App]; !ok || v != a.Version {
		return ErrStale
	}
	for i, o := range a.Once {
		f := fact{o.Life.bucket(now), o.Hash}
		if ref, dup := k.seen[f]; dup {
			for _, o := range a.Once[:i] {
				delete(k.seen, fact{o.Life.bucket(now), o.Hash})
			}
			return &DuplicateError{Ref: ref}
		}
		k.seen[f] = o.Ref
	}
	return nil
}

// begin begins the transaction and asks, in one pipeline, what must be known of the batch.
func begin(ctx context.Context, conn *pgx.Conn, b *batch, now time.Time) (*known, error) {
	var apps, buckets, doubtful []int64
	var hashes [][]byte
	for _, o := range b.outcomes {
		if o.doubtful && o.Attempt != nil {
			doubtful = append(doubtful, int64(o.Attempt.Key))
		}
	}
	for _, a := range b.accepts {
		if !slices.Contains(apps, int64(a.App)) {
			apps = append(apps, int64(a.App))
		}
		for _, o := range a.Once {
			buckets, hashes = append(buckets, o.Life.bucket(now)), append(hashes, o.Hash[:])
		}
	}
	k := &known{versions: make(map[hookswitch.Key]int64, len(apps)), seen: make(map[fact]hookswitch.Key, len(hashes))}
	var q pgx.Batch
	q.Queue(`BEGIN`)
	if len(apps) > 0 {
		q.Queue(`SELECT id, version FROM apps WHERE id = ANY($1) AND deleted_at = 0`, apps).Query(func(rows pgx.Rows) error {
			var id, version int64
			_, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error {
				k.versions[hookswitch.Key(id)] = version
				return nil
			})
			return err
		})
	}
	if len(hashes) > 0 {
		q.Queue(`SELECT u.bucket, o.hash, o.ref FROM unnest($1::bigint[], $2::bytea[]) AS u (bucket, hash) JOIN once o ON o.hash = u.hash AND o.bucket IN (u.bucket, u.bucket - 1)`, buckets, hashes).
			Query(func(rows pgx.Rows) error {
				var hash []byte
				var bucket, ref int64
				_, err := pgx.ForEachRow(rows, []any{&bucket, &hash, &ref}, func() error {
					k.seen[fact{bucket, [16]byte(hash)}] = hookswitch.Key(ref)
					return nil
				})
				return err
			})
	}
	if len(doubtful) > 0 {
		q.Queue(`SELECT id FROM attempts WHERE id = ANY($1)`, doubtful).Query(func(rows pgx.Rows) (err error) {
			k.recorded, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		})
	}
	return k, conn.SendBatch(ctx, &q).Close()
}

// errRaced says that another node claimed one of the batch's hashes in this very moment. The batch is retried and then sees it.
var errRaced = &pgconn.PgError{Code: "40001", Message: "another node has done the same in this moment"}

// errTooOld says that a batch has waited so long that readers of other nodes may have passed its keys. Tried again, it is refused what is too old.
var errTooOld = &pgconn.PgError{Code: "40001", Message: "the batch has waited too long"}

// oldestTransaction is how long ago the oldest transaction of any of our nodes began that has written something. A database that does not tell is one where
// readers rely on their lag alone.
func oldestTransaction(ctx context.Context, q querier) time.Duration {
	var seconds sql.NullFloat64
	if err := q.QueryRowContext(ctx, `SELECT MAX(EXTRACT(EPOCH FROM clock_timestamp() - xact_start)) FROM pg_stat_activity WHERE datname = current_database()
		AND usename = current_user AND application_name = current_setting('application_name') AND backend_xid IS NOT NULL`).Scan(&seconds); err != nil {
		return 0
	}
	return time.Duration(seconds.Float64 * float64(time.Second))
}

func (p *postgres) claimOnce(ctx context.Context, conn *pgx.Conn, fresh []Once, now time.Time) error {
	if len(fresh) == 0 {
		return nil
	}
	// Sorted, so that two nodes that claim the same hashes do not wait for each other in a circle.
	slices.SortFunc(fresh, func(a, b Once) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	buckets, hashes, refs := make([]int64, len(fresh)), make([][]byte, len(fresh)), make([]int64, len(fresh))
	for i, o := range fresh {
		buckets[i], hashes[i], refs[i] = o.Life.bucket(now), fresh[i].Hash[:], int64(o.Ref)
	}
	tag, err := conn.Exec(ctx, `INSERT INTO once (bucket, hash, ref) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) ON CONFLICT DO NOTHING`, buckets, hashes, refs)
	if err == nil && tag.RowsAffected() != int64(len(fresh)) {
		return errRaced
	}
	return err
}

const claimTargets = `WITH picked AS (
	SELECT d.subject, d.target, d.next_at FROM unnest($1::bigint[], $2::bigint[]) AS t (target, most) CROSS JOIN LATERAL (
		SELECT subject, target, next_at FROM deliveries WHERE kind = $3 AND target = t.target AND owner = 0 AND state = 0 AND next_at <= $4
		ORDER BY next_at LIMIT t.most FOR UPDATE SKIP LOCKED) d LIMIT $5)
	UPDATE deliveries d SET owner = $6, next_at = $7, claim_no = d.claim_no + 1 FROM picked p WHERE d.subject = p.subject AND d.target = p.target AND d.kind = $3
	RETURNING d.subject, d.target, d.kind, d.app_id, d.state, d.owner, d.next_at, d.tries, d.claim_no, d.manual, d.restore, d.due_at, d.started_at, d.task, p.next_at`

// claimMany leases what is due of the targets, oldest first within each, in the order of the targets.
func claimMany(tx *Tx, out *Claimed, req ClaimRequest, due []share, node int) error {
	targets, most := make([]int64, len(due)), make([]int64, len(due))
	for i, d := range due {
		targets[i], most[i] = int64(d.target), int64(d.limit)
	}
	type claimed struct {
		Delivery
		dueAt int64
	}
	rows, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (c claimed, err error) {
		c.Delivery, err = scanDelivery(scanFunc(func(dest ...any) error { return row.Scan(append(dest, &c.dueAt)...) }))
		return c, err
	}, claimTargets, targets, most, int64(req.Kind), req.Now.UnixMilli(), req.Max-len(out.Deliveries), int64(node), millis(req.Lease))
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(a, b claimed) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.dueAt, b.dueAt), cmp.Compare(a.Subject, b.Subject))
	})
	for _, c := range rows {
		out.Deliveries = append(out.Deliveries, c.Delivery)
	}
	return nil
}

// scanFunc is a row that is scanned by a function.
type scanFunc func(dest ...any) error

// Scan calls f.
func (f scanFunc) Scan(dest ...any) error { return f(dest...) }

func queueAccepts(q *pgx.Batch, accepts []*Accept) {
	var e struct {
		id, app          []int64
		typ, uid, tags   []string
		payload, targets [][]byte
	}
	var d struct {
		subject, target, app, owner, next, claim []int64
		kind, restore                            []int16
		manual                                   []bool
	}
	var rich []*hookswitch.Event
	var o orderedRows
	for _, a := range accepts {
		for _, ev := range a.Events {
			if !ev.Plain() {
				rich = append(rich, ev)
				continue
			}
			e.id, e.app = append(e.id, int64(ev.Key)), append(e.app, int64(ev.App))
			e.typ, e.uid, e.tags = append(e.typ, ev.Type), append(e.uid, ev.UID), append(e.tags, wordsText(ev.Tags))
			e.payload, e.targets = append(e.payload, notNil(ev.Payload)), append(e.targets, packTargets(ev.Targets))
		}
		for i := range a.Deliveries {
			r := &a.Deliveries[i]
			if r.Kind == hookswitch.DeliverOrdered {
				o.add(r)
				continue
			}
			d.subject, d.target, d.app = append(d.subject, int64(r.Subject)), append(d.target, int64(r.Target)), append(d.app, int64(r.App))
			d.owner, d.next, d.claim = append(d.owner, int64(r.Owner)), append(d.next, millis(r.NextAt)), append(d.claim, r.Claim)
			d.kind, d.restore, d.manual = append(d.kind, int16(r.Kind)), append(d.restore, int16(r.Restore)), append(d.manual, r.Manual)
		}
	}
	if len(e.id) > 0 {
		q.Queue(`INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired)
			SELECT id, app_id, type, uid, tags, payload, targets, FALSE FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[])
			AS u (id, app_id, type, uid, tags, payload, targets)`, e.id, e.app, e.typ, e.uid, e.tags, e.payload, e.targets)
	}
	if len(rich) > 0 {
		queueRichEvents(q, rich)
	}
	if len(d.subject) > 0 {
		q.Queue(`INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
			SELECT subject, target, kind, app_id, 0, owner, next_at, 0, claim_no, manual, restore, 0, 0
			FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[], $9::smallint[])
			AS u (subject, target, kind, app_id, owner, next_at, claim_no, manual, restore)`,
			d.subject, d.target, d.kind, d.app, d.owner, d.next, d.claim, d.manual, d.restore)
	}
	o.queue(q)
}

// queueRichEvents queues events that are not plain.
func queueRichEvents(q *pgx.Batch, list []*hookswitch.Event) {
	var e struct {
		id, app, deliver, expires           []int64
		typ, uid, tags, labels, contentType []string
		payload, targets                    [][]byte
	}
	for _, ev := range list {
		e.id, e.app = append(e.id, int64(ev.Key)), append(e.app, int64(ev.App))
		e.typ, e.uid, e.tags = append(e.typ, ev.Type), append(e.uid, ev.UID), append(e.tags, wordsText(ev.Tags))
		e.payload, e.targets = append(e.payload, notNil(ev.Payload)), append(e.targets, packTargets(ev.Targets))
		e.labels, e.deliver = append(e.labels, wordsText(ev.Labels)), append(e.deliver, millis(ev.DeliverAt))
		e.expires, e.contentType = append(e.expires, millis(ev.ExpiresAt)), append(e.contentType, ev.ContentType)
	}
	q.Queue(`INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired, labels, deliver_at, expires_at, content_type)
		SELECT id, app_id, type, uid, tags, payload, targets, FALSE, labels, deliver_at, expires_at, content_type
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::text[], $9::bigint[], $10::bigint[], $11::text[])
		AS u (id, app_id, type, uid, tags, payload, targets, labels, deliver_at, expires_at, content_type)`,
		e.id, e.app, e.typ, e.uid, e.tags, e.payload, e.targets, e.labels, e.deliver, e.expires, e.contentType)
}

// fencedRows are the rows of outcomes with one verdict, as columns.
type fencedRows struct {
	subject, target, claim, next, tries []int64
	kind, state                         []int16
}

func (r *fencedRows) add(o *Outcome, tries int64, state hookswitch.DeliveryState) {
	r.subject, r.target, r.claim = append(r.subject, int64(o.Subject)), append(r.target, int64(o.Target)), append(r.claim, o.Claim)
	r.next, r.tries = append(r.next, millis(o.Next)), append(r.tries, tries)
	r.kind, r.state = append(r.kind, int16(o.Kind)), append(r.state, int16(state))
}

const (
	fencedFrom = ` FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[]) AS u (subject, target, kind, claim_no, next_at, tries, state)
		WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind AND d.claim_no = u.claim_no`
)

func (r *fencedRows) queue(q *pgx.Batch, statement string) {
	if len(r.subject) > 0 {
		q.Queue(statement, r.subject, r.target, r.kind, r.claim, r.next, r.tries, r.state)
	}
}

func queueOutcomes(q *pgx.Batch, list []*Outcome) {
	var done, again, postponed, ended, restored fencedRows
	for _, o := range list {
		switch o.Verdict {
		case Done:
			done.add(o, 0, 0)
		case Retry:
			again.add(o, 1, 0)
		case Postponed:
			postponed.add(o, 0, 0)
		case Exhausted:
			ended.add(o, 1, hookswitch.DeliveryFailed)
		case Canceled:
			ended.add(o, 0, hookswitch.DeliveryCanceled)
		case Restored:
			restored.add(o, 0, 0)
		}
	}
	if len(done.subject) > 0 {
		q.Queue(`DELETE FROM deliveries d USING unnest($1::bigint[], $2::bigint[], $3::smallint[]) AS u (subject, target, kind)
			WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind`, done.subject, done.target, done.kind)
	}
	again.queue(q, `UPDATE deliveries d SET `+letGo+`, next_at = u.next_at, tries = d.tries + u.tries, manual = FALSE, started_at = 0, task = 0`+fencedFrom+` AND d.state = 0 AND d.owner <> 0`)
	postponed.queue(q, `UPDATE deliveries d SET `+letGo+`, next_at = u.next_at, started_at = 0`+fencedFrom+` AND d.state = 0 AND d.owner <> 0`)
	ended.queue(q, `UPDATE deliveries d SET owner = 0, state = u.state, tries = d.tries + u.tries, next_at = 0, manual = FALSE, task = 0`+fencedFrom+` AND d.state = 0`)
	restored.queue(q, `DELETE FROM deliveries d USING unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[])
		AS u (subject, target, kind, claim_no, next_at, tries, state)
		WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind AND d.claim_no = u.claim_no AND d.restore = 1`)
	restored.queue(q, `UPDATE deliveries d SET owner = 0, state = d.restore, next_at = d.due_at, manual = FALSE, task = 0`+fencedFrom+` AND d.restore <> 1`)
	queueAttempts(q, list)
}

func queueAttempts(q *pgx.Batch, list []*Outcome) {
	var a struct {
		id, app, event, endpoint, code, dns, connect, tls, wait, total, signed []int64
		url, failure                                                           []string
		ok, manual                                                             []bool
		answer, headers, facts                                                 [][]byte
	}
	for _, o := range list {
		t := o.Attempt
		if t == nil {
			continue
		}
		a.id, a.app, a.event, a.endpoint = append(a.id, int64(t.Key)), append(a.app, int64(t.App)), append(a.event, int64(t.Event)), append(a.endpoint, int64(t.Endpoint))
		a.url, a.ok, a.code, a.failure = append(a.url, clean(t.URL)), append(a.ok, t.OK), append(a.code, int64(t.Code)), append(a.failure, clean(t.Failure))
		a.answer, a.headers, a.manual = append(a.answer, notNil(t.Answer)), append(a.headers, notNil(t.Headers)), append(a.manual, t.Manual)
		a.dns, a.connect, a.tls = append(a.dns, t.Timings.DNS.Microseconds()), append(a.connect, t.Timings.Connect.Microseconds()), append(a.tls, t.Timings.TLS.Microseconds())
		a.wait, a.total = append(a.wait, t.Timings.Wait.Microseconds()), append(a.total, t.Timings.Total.Microseconds())
		a.signed, a.facts = append(a.signed, signedAt(t)), append(a.facts, factsText(t.Facts))
	}
	if len(a.id) == 0 {
		return
	}
	q.Queue(`INSERT INTO attempts (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, expired, manual, dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts)
		SELECT id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, FALSE, manual, dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], $7::bigint[], $8::text[], $9::bytea[], $10::bytea[], $11::boolean[],
			$12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bytea[])
		AS u (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, manual, dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts)
		ON CONFLICT DO NOTHING`,
		a.id, a.app, a.event, a.endpoint, a.url, a.ok, a.code, a.failure, a.answer, a.headers, a.manual, a.dns, a.connect, a.tls, a.wait, a.total, a.signed, a.facts)
}

func queueTally(q *pgx.Batch, t tally, now int64) {
	if len(t.counts) > 0 {
		keys := slices.SortedFunc(maps.Keys(t.counts), func(a, b countKey) int {
			return cmp.Or(cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.hour, b.hour), cmp.Compare(a.node, b.node))
		})
		var endpoint, hour, node, ok, failed []int64
		for _, k := range keys {
			endpoint, hour, node = append(endpoint, int64(k.endpoint)), append(hour, k.hour), append(node, int64(k.node))
			ok, failed = append(ok, t.counts[k][0]), append(failed, t.counts[k][1])
		}
		q.Queue(`INSERT INTO counters (endpoint_id, hour, node, ok, failed) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
			ON CONFLICT (endpoint_id, hour, node) DO UPDATE SET ok = counters.ok + excluded.ok, failed = counters.failed + excluded.failed`, endpoint, hour, node, ok, failed)
	}
	for _, endpoint := range t.marks {
		q.Queue(markOK, int64(endpoint), now)
	}
}
