package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

const attemptColumns = `a.id, a.app_id, a.event_id, a.endpoint_id, a.url, a.ok, a.code, a.failure, a.answer, a.headers, a.expired, a.manual,
	a.dns_us, a.connect_us, a.tls_us, a.wait_us, a.total_us`

func scanAttempt(row rowScanner) (*hookswitch.Attempt, error) {
	var a hookswitch.Attempt
	var dns, connect, tls, wait, total int64
	err := row.Scan(&a.Key, &a.App, &a.Event, &a.Endpoint, &a.URL, &a.OK, &a.Code, &a.Failure, &a.Answer, &a.Headers, &a.Expired, &a.Manual,
		&dns, &connect, &tls, &wait, &total)
	us := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	a.Timings = hookswitch.Timings{DNS: us(dns), Connect: us(connect), TLS: us(tls), Wait: us(wait), Total: us(total)}
	return &a, err
}

// AttemptFilter narrows a list of attempts.
type AttemptFilter struct {
	OK        *bool
	CodeClass *int // 0: no answer; 100, 200, … 500
	Types     []string
	Tag       string
	Endpoint  hookswitch.Key // in a list of an event's attempts
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
	if len(f.Types) > 0 || f.Tag != "" {
		b.WriteString(" AND EXISTS (SELECT 1 FROM events e WHERE e.id = a.event_id" + EventFilter{Types: f.Types, Tag: f.Tag}.clause(args) + ")")
	}
	return b.String()
}

// AttemptsByEndpoint lists the attempts on an endpoint.
func (r *Reader) AttemptsByEndpoint(ctx context.Context, app, endpoint hookswitch.Key, f AttemptFilter, p Page) ([]*hookswitch.Attempt, error) {
	args := []any{int64(endpoint), int64(app)}
	query := `SELECT ` + attemptColumns + ` FROM attempts a WHERE a.endpoint_id = $1 AND a.app_id = $2` + f.clause(&args)
	return scanAll(ctx, r, scanAttempt, query+p.clause("a.id", &args), args...)
}

// AttemptsByEvent lists the attempts for an event.
func (r *Reader) AttemptsByEvent(ctx context.Context, app, event hookswitch.Key, f AttemptFilter, p Page) ([]*hookswitch.Attempt, error) {
	args := []any{int64(event), int64(app)}
	query := `SELECT ` + attemptColumns + ` FROM attempts a WHERE a.event_id = $1 AND a.app_id = $2` + f.clause(&args)
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
