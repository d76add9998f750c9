package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Search is what is looked for in events and attempts. What is empty does not matter; of a list one has to fit.
type Search struct {
	OK      *bool
	Waiting bool // the delivery has failed and will be tried again
	GivenUp bool // it has failed for good
	Codes   []CodeRange
	Types   []string // whole names, or the beginning of a name with * behind it
	Tags    []string // one of them; the name of a channel also finds what is told of messages on it
	Events  []hookswitch.Key
	// Endpoints narrow a search for events to those that were tried at one of them.
	Endpoints []hookswitch.Key
	// Texts have to be in the payload, all of them; of each, one of its spellings. Big and small letters of ASCII are alike; of other letters there have to be spellings for both.
	Texts [][]string
}

// CodeRange are the statuses from Low to High; both 0: no answer.
type CodeRange struct{ Low, High int }

// ofAttempt reports whether attempts or what is owed have to be looked at.
func (s *Search) ofAttempt() bool {
	return s.OK != nil || s.Waiting || s.GivenUp || len(s.Codes) > 0 || len(s.Endpoints) > 0
}

// ofEvent reports whether events have to be looked at.
func (s *Search) ofEvent() bool { return len(s.Types)+len(s.Tags)+len(s.Texts) > 0 }

// all reports whether s lets everything through.
func (s *Search) all() bool { return !s.ofAttempt() && !s.ofEvent() && len(s.Events) == 0 }

// searchFor is how long a search goes on before it says how far it has come, unless its page says otherwise.
const searchFor = 600 * time.Millisecond

// Steps of a search begin small and grow while they are quick, so that neither many rows nor long payloads make one of them take long. A step is quick in a fifteenth of the time
// that there is, and slow from a fifth on.
const (
	firstStep   = 500
	longestStep = 16_000
	quickStep   = 15
	slowStep    = 5
)

// search reads a page as walk does, for longer. nth is the key of the row at the end of so many.
func search[T any](ctx context.Context, p Page, nth func(p Page, n int) (hookswitch.Key, error), read func(p Page) ([]T, error)) (list []T, stopped hookswitch.Key, err error) {
	start, within := time.Now(), cmp.Or(p.Within, searchFor)
	for n := firstStep; ; {
		begun := time.Now()
		end, err := nth(p, n)
		if err != nil {
			return nil, 0, err
		}
		part := p
		part.Limit -= len(list)
		switch {
		case end == 0:
		case p.Ascending:
			part.Before = end + 1
		default:
			part.After = end - 1
		}
		rows, err := read(part)
		if err != nil {
			return nil, 0, err
		}
		list = append(list, rows...)
		switch took := time.Since(begun); {
		case len(list) >= p.Limit || end == 0:
			return list, 0, nil
		case time.Since(start) > within || ctx.Err() != nil:
			return list, end, ctx.Err()
		case took < within/quickStep:
			n = min(2*n, longestStep)
		case took > within/slowStep:
			n = max(n/4, 1)
		}
		if p.Ascending {
			p.After = end
		} else {
			p.Before = end
		}
	}
}

// anyBytes reads as the dialect finds texts and, where it meets bytes that are no text, once more in the way that takes any.
func anyBytes[T any](d *dialect, read func(p Page, finds finder) ([]T, error)) func(Page) ([]T, error) {
	return func(p Page) ([]T, error) {
		list, err := read(p, d.finds)
		if err != nil && d.notText != nil && d.notText(err) {
			return read(p, d.findsBytes)
		}
		return list, err
	}
}

// nthKey is the key of the last of the n next rows that query selects the keys of; 0: there are fewer.
func (r *Reader) nthKey(ctx context.Context, query, column string, p Page, n int, args []any) (hookswitch.Key, error) {
	p.Limit = 1
	query += p.clause(column, &args)
	args = append(args, n-1)
	keys, err := scanAll(ctx, r, func(row rowScanner) (k hookswitch.Key, err error) { return k, row.Scan(&k) }, query+" OFFSET "+placeholder(args), args...)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	return keys[0], nil
}

// eventClause is true for the events e that s lets through, as far as they tell themselves.
func (s *Search) eventClause(finds finder, args *[]any) string {
	var b strings.Builder
	either := func(parts []string) { b.WriteString(" AND (" + strings.Join(parts, " OR ") + ")") }
	bind := func(v any) string {
		*args = append(*args, v)
		return placeholder(*args)
	}
	var parts []string
	for _, t := range s.Types {
		if start, ok := strings.CutSuffix(t, "*"); ok {
			parts = append(parts, "substr(e.type, 1, "+bind(len([]rune(start)))+") = "+bind(start))
		} else {
			parts = append(parts, "e.type = "+bind(t))
		}
	}
	if parts != nil {
		either(parts)
	}
	parts = nil
	for _, t := range s.Tags {
		quoted := wordsText([]string{t})
		parts = append(parts, "replace(e.tags, "+bind(quoted[1:len(quoted)-1])+", '') <> e.tags")
		if slices.Contains(hookswitch.Channels, hookswitch.Channel(t)) {
			parts = append(parts, finds("e.payload", `"channel":"`+t+`"`, bind))
		}
	}
	if parts != nil {
		either(parts)
	}
	for _, spellings := range s.Texts {
		parts = nil
		for _, text := range spellings {
			parts = append(parts, finds("e.payload", text, bind))
		}
		either(parts)
	}
	return b.String()
}

// lowerByte is a byte with a big letter of ASCII made small.
func lowerByte(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// hasLetters reports whether a text has letters of ASCII.
func hasLetters(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' })
}

// attemptClause is true for the attempts a that s lets through, as far as they and what is owed tell.
func (s *Search) attemptClause(args *[]any) string {
	var b strings.Builder
	bind := func(v any) string {
		*args = append(*args, v)
		return placeholder(*args)
	}
	switch {
	case s.OK != nil && *s.OK:
		b.WriteString(" AND a.ok")
	case s.OK != nil:
		b.WriteString(" AND NOT a.ok")
	}
	var parts []string
	for _, c := range s.Codes {
		parts = append(parts, "a.code BETWEEN "+bind(int64(c.Low))+" AND "+bind(int64(c.High)))
	}
	if parts != nil {
		b.WriteString(" AND (" + strings.Join(parts, " OR ") + ")")
	}
	var states []string
	if s.Waiting {
		states = append(states, "0")
	}
	if s.GivenUp {
		states = append(states, "2", "3")
	}
	if states != nil {
		b.WriteString(" AND EXISTS (SELECT 1 FROM deliveries d WHERE d.subject = a.event_id AND d.target = a.endpoint_id AND d.kind IN (1, 5) AND d.state IN (" + strings.Join(states, ", ") + "))")
	}
	if len(s.Endpoints) > 0 {
		b.WriteString(" AND a.endpoint_id + 0 IN " + in(args, int64s(s.Endpoints)))
	}
	return b.String()
}

// maxLead is how much of an answer a found attempt has.
const maxLead = 600

// SearchAttempts finds attempts at an endpoint of an App. Of their answers they have the beginning alone. stopped is not 0 when the search ended for its length: the list is short, and
// goes on behind that key.
func (r *Reader) SearchAttempts(ctx context.Context, app, endpoint hookswitch.Key, s Search, p Page) (list []*hookswitch.Attempt, stopped hookswitch.Key, err error) {
	columns := strings.Replace(attemptColumns, "a.answer,", fmt.Sprintf("substr(a.answer, 1, %d),", maxLead), 1)
	reading := func(p Page, finds finder) ([]*hookswitch.Attempt, error) {
		args := []any{int64(endpoint), int64(app)}
		query := `SELECT ` + columns + ` FROM attempts a WHERE a.endpoint_id = $1 AND a.app_id = $2` + s.attemptClause(&args)
		if len(s.Events) > 0 {
			query += " AND a.event_id IN " + in(&args, int64s(s.Events))
		}
		if s.ofEvent() {
			query += " AND EXISTS (SELECT 1 FROM events e WHERE e.id = a.event_id" + s.eventClause(finds, &args) + ")"
		}
		return scanAll(ctx, r, scanAttempt, query+p.clause("a.id", &args), args...)
	}
	read := anyBytes(r.d, reading)
	if s.all() {
		list, err = read(p)
		return list, 0, err
	}
	query := `SELECT a.id FROM attempts a WHERE a.endpoint_id = $1`
	if s.OK != nil && !*s.OK {
		query += " AND NOT a.ok" // there is an index of those
	}
	return search(ctx, p, func(p Page, n int) (hookswitch.Key, error) {
		return r.nthKey(ctx, query, "a.id", p, n, []any{int64(endpoint)})
	}, read)
}

// SearchEvents finds events of an App, without their payloads. stopped is as that of SearchAttempts.
func (r *Reader) SearchEvents(ctx context.Context, app hookswitch.Key, s Search, p Page) (list []*hookswitch.Event, stopped hookswitch.Key, err error) {
	reading := func(p Page, finds finder) ([]*hookswitch.Event, error) {
		args := []any{int64(app)}
		query := `SELECT ` + bare(eventColumns) + ` FROM events e WHERE e.app_id = $1`
		if len(s.Events) > 0 {
			query += " AND e.id IN " + in(&args, int64s(s.Events))
		}
		query += s.eventClause(finds, &args)
		if s.ofAttempt() {
			query += " AND EXISTS (SELECT 1 FROM attempts a WHERE a.event_id = e.id" + s.attemptClause(&args) + ")"
		}
		return scanAll(ctx, r, scanEvent, query+p.clause("e.id", &args), args...)
	}
	read := anyBytes(r.d, reading)
	if s.all() {
		list, err = read(p)
		return list, 0, err
	}
	return search(ctx, p, func(p Page, n int) (hookswitch.Key, error) {
		return r.nthKey(ctx, `SELECT e.id FROM events e WHERE e.app_id = $1`, "e.id", p, n, []any{int64(app)})
	}, read)
}

// SearchAllAttempts is SearchAttempts at the endpoints of all Apps.
func (r *Reader) SearchAllAttempts(ctx context.Context, s Search, p Page) (list []*hookswitch.Attempt, stopped hookswitch.Key, err error) {
	columns := strings.Replace(attemptColumns, "a.answer,", fmt.Sprintf("substr(a.answer, 1, %d),", maxLead), 1)
	reading := func(p Page, finds finder) ([]*hookswitch.Attempt, error) {
		var args []any
		query := `SELECT ` + columns + ` FROM attempts a WHERE TRUE` + s.attemptClause(&args)
		if len(s.Events) > 0 {
			query += " AND a.event_id IN " + in(&args, int64s(s.Events))
		}
		if s.ofEvent() {
			query += " AND EXISTS (SELECT 1 FROM events e WHERE e.id = a.event_id" + s.eventClause(finds, &args) + ")"
		}
		return scanAll(ctx, r, scanAttempt, query+p.clause("a.id", &args), args...)
	}
	read := anyBytes(r.d, reading)
	if s.all() || len(s.Events) > 0 { // few, and found by an index
		list, err = read(p)
		return list, 0, err
	}
	query := `SELECT a.id FROM attempts a WHERE TRUE`
	if s.OK != nil && !*s.OK {
		query += " AND NOT a.ok" // there is an index of those
	}
	return search(ctx, p, func(p Page, n int) (hookswitch.Key, error) { return r.nthKey(ctx, query, "a.id", p, n, nil) }, read)
}

// SearchAllEvents is SearchEvents of all Apps but the organisation's own.
func (r *Reader) SearchAllEvents(ctx context.Context, s Search, p Page) (list []*hookswitch.Event, stopped hookswitch.Key, err error) {
	reading := func(p Page, finds finder) ([]*hookswitch.Event, error) {
		args := []any{int64(hookswitch.OrganizationApp)}
		query := `SELECT ` + bare(eventColumns) + ` FROM events e WHERE e.app_id + 0 <> $1`
		if len(s.Events) > 0 {
			query += " AND e.id IN " + in(&args, int64s(s.Events))
		}
		query += s.eventClause(finds, &args)
		if s.ofAttempt() {
			query += " AND EXISTS (SELECT 1 FROM attempts a WHERE a.event_id = e.id" + s.attemptClause(&args) + ")"
		}
		return scanAll(ctx, r, scanEvent, query+p.clause("e.id", &args), args...)
	}
	read := anyBytes(r.d, reading)
	if s.all() || len(s.Events) > 0 { // few, and found by an index
		list, err = read(p)
		return list, 0, err
	}
	return search(ctx, p, func(p Page, n int) (hookswitch.Key, error) {
		return r.nthKey(ctx, `SELECT e.id FROM events e WHERE TRUE`, "e.id", p, n, nil)
	}, read)
}

// Try is one attempt, as far as it tells its place among the others for its event.
type Try struct {
	Key, Event, Endpoint hookswitch.Key
	OK                   bool
	Code                 int
	Manual               bool
}

// Tries are the attempts for events of an App, oldest first, at one endpoint or, where that is 0, at all; at most limit of them.
func (r *Reader) Tries(ctx context.Context, app, endpoint hookswitch.Key, events []hookswitch.Key, limit int) ([]Try, error) {
	if len(events) == 0 {
		return nil, nil
	}
	args := []any{int64(app), limit}
	query := `SELECT a.id, a.event_id, a.endpoint_id, a.ok, a.code, a.manual FROM attempts a WHERE a.app_id = $1 AND a.event_id IN ` + padded(&args, int64s(events))
	if endpoint != 0 {
		args = append(args, int64(endpoint))
		query += " AND a.endpoint_id + 0 = " + placeholder(args)
	}
	list, err := scanAll(ctx, r, func(row rowScanner) (t Try, err error) {
		err = row.Scan(&t.Key, &t.Event, &t.Endpoint, &t.OK, &t.Code, &t.Manual)
		return t, err
	}, query+" ORDER BY a.id DESC LIMIT $2", args...)
	slices.Reverse(list)
	return list, err
}

// OwedFor are the rows of what an App owes for events, to one endpoint or, where that is 0, to all.
func (r *Reader) OwedFor(ctx context.Context, app, endpoint hookswitch.Key, events []hookswitch.Key) ([]Delivery, error) {
	if len(events) == 0 {
		return nil, nil
	}
	args := []any{int64(app)}
	query := `SELECT ` + deliveryColumns + ` FROM deliveries WHERE app_id = $1 AND kind IN (1, 5) AND subject IN ` + padded(&args, int64s(events))
	if endpoint != 0 {
		args = append(args, int64(endpoint))
		query += " AND target = " + placeholder(args)
	}
	return scanAll(ctx, r, scanDelivery, query, args...)
}

// AnswerSample is how one attempt went, for graphs.
type AnswerSample struct {
	At   time.Time
	OK   bool
	Code int
	Took time.Duration
}

// AnswerSamples are how the newest attempts at an endpoint of an App went, at most limit of those since the time, newest first.
func (r *Reader) AnswerSamples(ctx context.Context, app, endpoint hookswitch.Key, since time.Time, limit int) ([]AnswerSample, error) {
	return scanAll(ctx, r, func(row rowScanner) (s AnswerSample, err error) {
		var key hookswitch.Key
		var us int64
		err = row.Scan(&key, &s.OK, &s.Code, &us)
		s.At, s.Took = key.Time(), time.Duration(us)*time.Microsecond
		return s, err
	}, `SELECT id, ok, code, total_us FROM attempts WHERE endpoint_id = $1 AND app_id = $2 AND id >= $3 ORDER BY id DESC LIMIT $4`, int64(endpoint), int64(app), int64(hookswitch.KeyAt(since)), limit)
}

// LastSuccess is the newest attempt at an endpoint of an App that succeeded and is older than before (0: any), among the newest that it looks at; an error of kind NotFound where there is none.
func (r *Reader) LastSuccess(ctx context.Context, app, endpoint, before hookswitch.Key) (*hookswitch.Attempt, error) {
	list, _, err := r.SearchAttempts(ctx, app, endpoint, Search{OK: new(true)}, Page{Limit: 1, Before: before})
	if err == nil && len(list) == 0 {
		err = hookswitch.NotFoundf("attempt not found")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// AnswersTo are the messages of an App that answer a received one, oldest first.
func (r *Reader) AnswersTo(ctx context.Context, m *hookswitch.Message) ([]*hookswitch.Message, error) {
	return scanAll(ctx, r, scanMessage, `SELECT `+messageColumns+` FROM messages WHERE conversation_id = $1 AND app_id = $2 AND id > $3 AND in_reply_to = $3 ORDER BY id LIMIT 10`,
		int64(m.Conversation), int64(m.App), int64(m.Key))
}
