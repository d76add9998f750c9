package store

import (
	"context"
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

const attemptColumns = `a.id, a.app_id, a.event_id, a.endpoint_id, a.url, a.ok, a.code, a.failure, a.answer, a.headers, a.expired, a.manual,
	a.dns_us, a.connect_us, a.tls_us, a.wait_us, a.total_us, a.signed_at, a.facts`

func scanAttempt(row rowScanner) (*hookswitch.Attempt, error) {
	var a hookswitch.Attempt
	var r attemptRow
	if err := row.Scan(r.dest(&a)...); err != nil {
		return nil, err
	}
	r.finish(&a)
	return &a, nil
}

// attemptRow is what of an attempt is stored in another form.
type attemptRow struct {
	dns, connect, tls, wait, total, signed int64
	facts                                  []byte
}

// dest are where the columns of a go.
func (r *attemptRow) dest(a *hookswitch.Attempt, more ...any) []any {
	return append([]any{&a.Key, &a.App, &a.Event, &a.Endpoint, &a.URL, &a.OK, &a.Code, &a.Failure, &a.Answer, &a.Headers, &a.Expired, &a.Manual,
		&r.dns, &r.connect, &r.tls, &r.wait, &r.total, &r.signed, &r.facts}, more...)
}

func (r *attemptRow) finish(a *hookswitch.Attempt) {
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	a.Timings = hookswitch.Timings{DNS: us(r.dns), Connect: us(r.connect), TLS: us(r.tls), Wait: us(r.wait), Total: us(r.total)}
	if r.signed != 0 {
		a.SignedAt = time.Unix(r.signed, 0).UTC()
	}
	if len(r.facts) > 0 {
		a.Facts = new(hookswitch.AttemptFacts)
		if json.Unmarshal(r.facts, a.Facts) != nil {
			a.Facts = nil // details that cannot be read hide nothing else
		}
	}
}

// factsText are facts as stored: JSON, empty for none.
func factsText(f *hookswitch.AttemptFacts) []byte {
	if f == nil {
		return []byte{}
	}
	b, err := json.Marshal(f)
	if err != nil {
		return []byte{} // texts and times can be encoded, but for years past 9999, which certificates may bear
	}
	return b
}

func signedAt(a *hookswitch.Attempt) int64 {
	if a.SignedAt.IsZero() {
		return 0
	}
	return a.SignedAt.Unix()
}

// AttemptFilter narrows a list of attempts.
type AttemptFilter struct {
	OK        *bool
	CodeClass *int // 0: no answer; 100, 200, … 500
	Types     []string
	Tag       string
	Label     string
	Endpoint  hookswitch.Key // in a list of an event's attempts
	// Bare leaves the answers and their headers out.
	Bare bool
}

// ofEvent is the part of f that is about the event.
func (f AttemptFilter) ofEvent() EventFilter {
	return EventFilter{Types: f.Types, Tag: f.Tag, Label: f.Label}
}

// indexed reports whether an index serves f alone, so that a list need not walk.
func (f AttemptFilter) indexed() bool {
	return (f.OK == nil || !*f.OK) && f.CodeClass == nil && f.Endpoint == 0 && f.ofEvent().all()
}

func (f AttemptFilter) columns() string {
	if f.Bare {
		return strings.Replace(attemptColumns, "a.answer, a.headers", "NULL, NULL", 1)
	}
	return attemptColumns
}

func (f AttemptFilter) clause(args *[]any) string {
	var b strings.Builder
	add := func(text string, value any) {
		*args = append(*args, value)
		b.WriteString(strings.ReplaceAll(text, "?", "$"+strconv.Itoa(len(*args))))
	}
	switch {
	case f.OK != nil && *f.OK:
		b.WriteString(" AND a.ok")
	case f.OK != nil:
		b.WriteString(" AND NOT a.ok")
	}
	if f.CodeClass != nil {
		add(" AND a.code >= ?", *f.CodeClass)
		if *f.CodeClass == 0 {
			add(" AND a.code < ?", 1)
		} else {
			add(" AND a.code < ?", *f.CodeClass+100)
		}
	}
	if f.Endpoint != 0 {
		add(" AND a.endpoint_id = ?", int64(f.Endpoint))
	}
	if e := f.ofEvent(); !e.all() {
		b.WriteString(" AND EXISTS (SELECT 1 FROM events e WHERE e.id = a.event_id" + e.clause(args) + ")")
	}
	return b.String()
}

// AttemptsByEndpoint lists the attempts on an endpoint. stopped is where the walk gave up when there may be more behind it, else 0.
func (r *Reader) AttemptsByEndpoint(ctx context.Context, app, endpoint hookswitch.Key, f AttemptFilter, p Page) (list []*hookswitch.Attempt, stopped hookswitch.Key, err error) {
	read := func(p Page) ([]*hookswitch.Attempt, error) {
		args := []any{int64(endpoint), int64(app)}
		query := `SELECT ` + f.columns() + ` FROM attempts a WHERE a.endpoint_id = $1 AND a.app_id = $2` + f.clause(&args)
		return scanAll(ctx, r, scanAttempt, query+p.clause("a.id", &args), args...)
	}
	if f.indexed() {
		list, err = read(p)
		return list, 0, err
	}
	return walk(p, r.attemptSteps(ctx, endpoint, f), read)
}

// attemptSteps are the steps of a walk over the attempts on an endpoint, or over those that failed where f asks for no others.
func (r *Reader) attemptSteps(ctx context.Context, endpoint hookswitch.Key, f AttemptFilter) steps {
	query := `SELECT a.id FROM attempts a WHERE a.endpoint_id = $1`
	if f.OK != nil && !*f.OK {
		query += " AND NOT a.ok"
	}
	return func(p Page) (hookswitch.Key, error) {
		return r.nth(ctx, query, "a.id", p, []any{int64(endpoint)})
	}
}

// FailedAttempts lists the attempts that failed at the endpoints of an app or, with app 0, of all of them, without the answers. codeClass narrows them as AttemptFilter says; nil: any. stopped is where
// the walk gave up when there may be more behind it, else 0.
func (r *Reader) FailedAttempts(ctx context.Context, app hookswitch.Key, codeClass *int, p Page) (list []*hookswitch.Attempt, stopped hookswitch.Key, err error) {
	f := AttemptFilter{CodeClass: codeClass, Bare: true}
	read := func(p Page) ([]*hookswitch.Attempt, error) {
		args := []any{}
		query := `SELECT ` + f.columns() + ` FROM attempts a WHERE NOT a.ok` + f.clause(&args)
		if app != 0 {
			args = append(args, int64(app))
			query += ` AND a.app_id = ` + placeholder(args)
		}
		return scanAll(ctx, r, scanAttempt, query+p.clause("a.id", &args), args...)
	}
	if app == 0 && codeClass == nil {
		list, err = read(p)
		return list, 0, err
	}
	return walk(p, func(p Page) (hookswitch.Key, error) {
		return r.nth(ctx, `SELECT a.id FROM attempts a WHERE NOT a.ok`, "a.id", p, nil)
	}, read)
}

// CountAttempts counts the attempts on an endpoint between two keys. more says that it gave up before it had seen all.
func (r *Reader) CountAttempts(ctx context.Context, app, endpoint hookswitch.Key, f AttemptFilter, p Page) (n int64, more bool, err error) {
	p.Limit = math.MaxInt
	_, stopped, err := walk(p, r.attemptSteps(ctx, endpoint, f), func(p Page) ([]struct{}, error) {
		args := []any{int64(endpoint), int64(app)}
		query := `SELECT COUNT(*) FROM attempts a WHERE a.endpoint_id = $1 AND a.app_id = $2` + f.clause(&args) + p.bounds("a.id", &args)
		var part int64
		if err := r.q.QueryRowContext(ctx, query, args...).Scan(&part); err != nil {
			return nil, readErr(err, "attempt")
		}
		n += part
		return nil, nil
	})
	return n, stopped != 0, err
}

// AttemptsByEvent lists the attempts for an event.
func (r *Reader) AttemptsByEvent(ctx context.Context, app, event hookswitch.Key, f AttemptFilter, p Page) ([]*hookswitch.Attempt, error) {
	args := []any{int64(event), int64(app)}
	query := `SELECT ` + f.columns() + ` FROM attempts a WHERE a.event_id = $1 AND a.app_id = $2` + f.clause(&args)
	return scanAll(ctx, r, scanAttempt, query+p.clause("a.id", &args), args...)
}

// TriedEndpoint is an endpoint that an event has been tried at.
type TriedEndpoint struct {
	Endpoint hookswitch.Key
	OK       bool // an attempt has succeeded
}

// TriedEndpoints are the endpoints that an event has been tried at, in the order of their keys.
func (r *Reader) TriedEndpoints(ctx context.Context, app, event hookswitch.Key) ([]TriedEndpoint, error) {
	return scanAll(ctx, r, func(row rowScanner) (t TriedEndpoint, err error) {
		err = row.Scan(&t.Endpoint, &t.OK)
		return t, err
	}, `SELECT endpoint_id, MAX(CASE WHEN ok THEN 1 ELSE 0 END) = 1 FROM attempts WHERE event_id = $1 AND app_id = $2 GROUP BY endpoint_id ORDER BY endpoint_id`,
		int64(event), int64(app))
}

// Attempt is one attempt for an event.
func (r *Reader) Attempt(ctx context.Context, app, event, key hookswitch.Key) (*hookswitch.Attempt, error) {
	a, err := scanAttempt(r.q.QueryRowContext(ctx, `SELECT `+attemptColumns+` FROM attempts a WHERE a.id = $1 AND a.event_id = $2 AND a.app_id = $3`,
		int64(key), int64(event), int64(app)))
	return a, readErr(err, "attempt")
}

// DropAttemptsBefore removes up to limit attempts older than before and returns how many.
func (tx *Tx) DropAttemptsBefore(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE id < $1 ORDER BY id LIMIT $2)`, int64(hookswitch.KeyAt(before)), limit)
	return int(n), err
}

// ExpungeAttempt removes the answer of an attempt for an event of an App, and its headers.
func (tx *Tx) ExpungeAttempt(app, event, key hookswitch.Key) error {
	return tx.execOne("attempt", `UPDATE attempts SET answer = $4, headers = $4, expired = TRUE WHERE id = $1 AND event_id = $2 AND app_id = $3`, int64(key), int64(event), int64(app), []byte{})
}
