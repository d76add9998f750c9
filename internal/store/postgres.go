package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
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
	finds:      postgresFinds,
	findsBytes: postgresFindsBytes,
	notText:    notUTF8,
	claimMany:  claimMany,
	lag:        otherNodes,
	oldest:     oldestTransaction,
	goose:      "postgres",
	classify:   classifyPostgres,
}

// postgresFinds reads the bytes as UTF-8, to fold their letters. It fails at those that are none.
func postgresFinds(column, text string, bind func(any) string) string {
	if !hasLetters(text) || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return postgresFindsBytes(column, text, bind)
	}
	folded := []byte(text)
	for i, b := range folded {
		folded[i] = lowerByte(b)
	}
	return "position(" + bind(string(folded)) + " IN lower(convert_from(" + column + `, 'UTF8') COLLATE "C")) > 0`
}

func notUTF8(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "22021"
}

// postgresFindsBytes reads the bytes as Latin-1, which takes twice as long. That is any bytes but zero; those with one are read in the form that shows odd bytes by their numbers,
// and takes \303 for the byte of this number.
func postgresFindsBytes(column, text string, bind func(any) string) string {
	if !hasLetters(text) || strings.Contains(text, "\x00") {
		return "position(" + bind([]byte(text)) + " IN " + column + ") > 0"
	}
	folded, escaped := make([]rune, len(text)), make([]byte, 0, len(text))
	for i := range len(text) {
		b := lowerByte(text[i])
		folded[i] = rune(b)
		switch {
		case b >= utf8.RuneSelf:
			escaped = fmt.Appendf(escaped, `\%03o`, b)
		case b == '\\':
			escaped = append(escaped, b, b)
		default:
			escaped = append(escaped, b)
		}
	}
	return `CASE WHEN position('\x00'::bytea IN ` + column + `) > 0 THEN position(` + bind(string(escaped)) + ` IN lower(encode(` + column + `, 'escape') COLLATE "C")) > 0 ELSE position(` +
		bind(string(folded)) + ` IN lower(convert_from(` + column + `, 'LATIN1') COLLATE "C")) > 0 END`
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
	way   *giveWay      // of transactions in the background
}

// migrationLock is the advisory lock that one node at a time holds while it brings the schema up to date.
const migrationLock = 7_426_190_085_511

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
	p := &postgres{log: o.Logger, now: o.Now, pool: pool, db: stdlib.OpenDBFromPool(pool), turn: make(chan struct{}, 1), way: newGiveWay(int(cfg.MaxConns / 4))}
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
