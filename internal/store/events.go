package store

import (
	"context"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// packTargets writes targets as eight bytes each, negative for held ones.
func packTargets(list []hookswitch.Target) []byte {
	b := make([]byte, 0, 8*len(list))
	for _, t := range list {
		k := int64(t.Endpoint)
		if t.Held {
			k = -k
		}
		b = binary.BigEndian.AppendUint64(b, uint64(k))
	}
	return b
}

func unpackTargets(b []byte) []hookswitch.Target {
	list := make([]hookswitch.Target, 0, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		k := int64(binary.BigEndian.Uint64(b))
		list = append(list, hookswitch.Target{Endpoint: hookswitch.Key(max(k, -k)), Held: k < 0})
	}
	return list
}

// wordsText is a list as stored in a column that has no NULL: JSON, "" for none.
func wordsText(list []string) string { return listText(list).String }

func textWords(s string) []string { return textList(nullText(s)) }

const eventColumns = `e.id, e.app_id, e.type, e.uid, e.tags, e.payload, e.targets, e.expired, e.labels, e.deliver_at, e.expires_at, e.content_type`

// bare is the columns of events without their payloads, where those are not wanted.
func bare(columns string) string { return strings.Replace(columns, "e.payload", "NULL", 1) }

func scanEvent(row rowScanner) (*hookswitch.Event, error) {
	var e hookswitch.Event
	var r eventRow
	if err := row.Scan(r.dest(&e)...); err != nil {
		return nil, err
	}
	r.finish(&e)
	return &e, nil
}

// eventRow is what of an event is stored in another form.
type eventRow struct {
	tags, labels       string
	targets            []byte
	deliverAt, expires int64
}

// dest are where the columns of e go.
func (r *eventRow) dest(e *hookswitch.Event, more ...any) []any {
	return append([]any{&e.Key, &e.App, &e.Type, &e.UID, &r.tags, &e.Payload, &r.targets, &e.Expired, &r.labels, &r.deliverAt, &r.expires, &e.ContentType}, more...)
}

func (r *eventRow) finish(e *hookswitch.Event) {
	e.Tags, e.Labels, e.Targets = textWords(r.tags), textWords(r.labels), unpackTargets(r.targets)
	e.DeliverAt, e.ExpiresAt = fromMillis(r.deliverAt), fromMillis(max(r.expires, -r.expires))
}

// Event is the event of an App by key.
func (r *Reader) Event(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Event, error) {
	e, err := scanEvent(r.q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events e WHERE e.id = $1 AND e.app_id = $2`, int64(key), int64(app)))
	return e, readErr(err, "message")
}

// BareEvents are the events of an App with the keys, without their payloads.
func (r *Reader) BareEvents(ctx context.Context, app hookswitch.Key, keys []hookswitch.Key) ([]*hookswitch.Event, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := []any{int64(app)}
	return scanAll(ctx, r, scanEvent, `SELECT `+bare(eventColumns)+` FROM events e WHERE e.app_id = $1 AND e.id IN `+in(&args, int64s(keys)), args...)
}

// EventShape is how many events have a type and tags.
type EventShape struct {
	Type  string
	Tags  []string
	Count int
}

// CountEventShapes counts the newest events of an App since then, at most limit of them, by what filters of endpoints look at.
func (r *Reader) CountEventShapes(ctx context.Context, app hookswitch.Key, since time.Time, limit int) ([]EventShape, error) {
	return scanAll(ctx, r, func(row rowScanner) (c EventShape, err error) {
		var tags string
		err = row.Scan(&c.Type, &tags, &c.Count)
		c.Tags = textWords(tags)
		return c, err
	}, `SELECT type, tags, COUNT(*) FROM (SELECT type, tags FROM events WHERE app_id = $1 AND id > $2 ORDER BY id DESC LIMIT $3) newest GROUP BY type, tags`,
		int64(app), int64(hookswitch.KeyAt(since)), limit)
}

// EventUID is the caller's name of an event of an App; "": it has none.
func (r *Reader) EventUID(ctx context.Context, app, key hookswitch.Key) (uid string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT uid FROM events WHERE id = $1 AND app_id = $2`, int64(key), int64(app)).Scan(&uid)
	return uid, readErr(err, "message")
}

// PageOf bounds a list by what its rows are in the order of: their keys, or their names. The list runs from newest to oldest, or from the last name to the
// first, unless Ascending.
type PageOf[P hookswitch.Key | string] struct {
	Limit     int
	Before    P // rows below it only; zero: no bound
	After     P // rows above it only; zero: no bound
	Ascending bool
	// Within is how long a search for the list goes on before it says how far it has come; 0: as long as is usual. Lists that are not searched for do not heed it.
	Within time.Duration
}

// Page bounds a list by key.
type Page = PageOf[hookswitch.Key]

// NamePage bounds a list by name, in the order of bytes.
type NamePage = PageOf[string]

// bounds is the page's part of a WHERE. args grows by its values.
func (p PageOf[P]) bounds(column string, args *[]any) string {
	var b strings.Builder
	bound := func(op string, at P) {
		var none P
		if at == none {
			return
		}
		if k, ok := any(at).(hookswitch.Key); ok {
			*args = append(*args, int64(k))
		} else {
			*args = append(*args, at)
		}
		b.WriteString(" AND " + column + op + placeholder(*args))
	}
	bound(" < ", p.Before)
	bound(" > ", p.After)
	return b.String()
}

// clause is the page's part of a WHERE, its ORDER BY and LIMIT. args grows by its values.
func (p PageOf[P]) clause(column string, args *[]any) string {
	text := p.bounds(column, args)
	*args = append(*args, p.Limit)
	order := " DESC"
	if p.Ascending {
		order = " ASC"
	}
	return text + " ORDER BY " + column + order + " LIMIT " + placeholder(*args)
}

// in is a list of placeholders for values, which args grows by.
func in[T any](args *[]any, values []T) string {
	marks := make([]string, len(values))
	for i, v := range values {
		*args = append(*args, v)
		marks[i] = placeholder(*args)
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

// placeholder names the last of args.
func placeholder(args []any) string { return "$" + strconv.Itoa(len(args)) }

// padded is in of one of few lengths, so that the statements stay prepared: the last value is repeated.
func padded[T any](args *[]any, values []T) string {
	n := 1
	for n < len(values) {
		n *= 4
	}
	list := append(make([]T, 0, n), values...)
	for len(list) < n {
		list = append(list, values[len(values)-1])
	}
	return in(args, list)
}

// EventFilter narrows a list of events.
type EventFilter struct {
	Types []string
	Tag   string
	Label string
	// Bare leaves the payloads out.
	Bare bool
}

// all reports whether f lets every event through.
func (f EventFilter) all() bool { return len(f.Types) == 0 && f.Tag == "" && f.Label == "" }

// clause is true for the events e that f lets through.
func (f EventFilter) clause(args *[]any) string {
	var b strings.Builder
	if len(f.Types) > 0 {
		b.WriteString(" AND e.type IN " + in(args, f.Types))
	}
	for _, c := range []struct{ column, word string }{{"e.tags", f.Tag}, {"e.labels", f.Label}} {
		if c.word == "" {
			continue
		}
		quoted := wordsText([]string{c.word})
		*args = append(*args, quoted[1:len(quoted)-1])
		b.WriteString(" AND replace(" + c.column + ", " + placeholder(*args) + ", '') <> " + c.column) // LIKE does not heed case on SQLite
	}
	return b.String()
}

// columns are those of events that f asks for.
func (f EventFilter) columns(columns string) string {
	if f.Bare {
		return bare(columns)
	}
	return columns
}

// Events lists the events of an App. stopped is where the walk gave up when there may be more behind it, else 0.
func (r *Reader) Events(ctx context.Context, app hookswitch.Key, f EventFilter, p Page) (list []*hookswitch.Event, stopped hookswitch.Key, err error) {
	read := func(p Page) ([]*hookswitch.Event, error) {
		args := []any{int64(app)}
		query := `SELECT ` + f.columns(eventColumns) + ` FROM events e WHERE e.app_id = $1` + f.clause(&args)
		return scanAll(ctx, r, scanEvent, query+p.clause("e.id", &args), args...)
	}
	if f.all() {
		list, err = read(p)
		return list, 0, err
	}
	return walk(p, r.eventSteps(ctx, app), read)
}

// eventSteps are the steps of a walk over the events of an App.
func (r *Reader) eventSteps(ctx context.Context, app hookswitch.Key) steps {
	return func(p Page) (hookswitch.Key, error) {
		args := []any{int64(app)}
		return r.nth(ctx, `SELECT e.id FROM events e WHERE e.app_id = $1`, "e.id", p, args)
	}
}

// ExpungeEvents removes the payloads of events of an App and the answers of their attempts, and cancels what waits for them. What runs at this moment ends by itself.
func (tx *Tx) ExpungeEvents(app hookswitch.Key, keys []hookswitch.Key) error {
	return tx.expunge(app, keys, "0")
}

// expunge is ExpungeEvents. expires is what becomes of the time until which the payloads were to be kept: less than 0, which is past, or 0.
func (tx *Tx) expunge(app hookswitch.Key, keys []hookswitch.Key, expires string) error {
	if len(keys) == 0 {
		return nil
	}
	args := []any{[]byte{}, int64(app)}
	list := padded(&args, int64s(keys))
	if _, err := tx.exec(`UPDATE attempts SET answer = $1, headers = $1, expired = TRUE WHERE app_id = $2 AND event_id IN `+list, args...); err != nil {
		return err
	}
	if _, err := tx.exec(`UPDATE events SET payload = $1, expired = TRUE, expires_at = `+expires+` WHERE app_id = $2 AND id IN `+list, args...); err != nil {
		return err
	}
	args = []any{int64(app)}
	waiting, err := scanAll(tx.ctx, &tx.Reader, scanDelivery, `SELECT `+deliveryColumns+` FROM deliveries
		WHERE app_id = $1 AND kind IN (1, 5) AND owner = 0 AND state = 0 AND subject IN `+padded(&args, int64s(keys)), args...)
	for i := range waiting {
		if err == nil {
			err = tx.cancel(&waiting[i])
		}
	}
	return err
}

// ExpungeExpired removes up to limit payloads whose time has come, as ExpungeEvents does, and returns how many. That time stays known.
func (tx *Tx) ExpungeExpired(now time.Time, limit int) (int, error) {
	type row struct{ app, key hookswitch.Key }
	rows, err := scanAll(tx.ctx, &tx.Reader, func(r rowScanner) (v row, err error) {
		err = r.Scan(&v.app, &v.key)
		return v, err
	}, `SELECT app_id, id FROM events WHERE expires_at > 0 AND expires_at <= $1 ORDER BY expires_at LIMIT $2`, now.UnixMilli(), limit)
	if err != nil {
		return 0, err
	}
	of := make(map[hookswitch.Key][]hookswitch.Key)
	for _, r := range rows {
		of[r.app] = append(of[r.app], r.key)
	}
	for _, app := range slices.Sorted(maps.Keys(of)) {
		for some := range slices.Chunk(of[app], MaxTryRequest) {
			if err := tx.expunge(app, some, "-expires_at"); err != nil {
				return 0, err
			}
		}
	}
	return len(rows), nil
}

// DropEventsBefore removes up to limit events older than before and returns how many. One that something is still owed for stays.
func (tx *Tx) DropEventsBefore(before time.Time, limit int) (int, error) {
	bound := int64(hookswitch.KeyAt(before))
	n, err := tx.exec(`DELETE FROM events WHERE id IN (SELECT id FROM events e WHERE id < $1 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.subject = e.id) ORDER BY id LIMIT $2)`, bound, limit)
	return int(n), err
}
