package store

import (
	"context"
	"encoding/binary"
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

func tagsText(tags []string) string { return listText(tags).String }

const eventColumns = `id, app_id, type, uid, tags, payload, targets, expired`

func scanEvent(row rowScanner) (*hookswitch.Event, error) {
	var e hookswitch.Event
	var tags string
	var targets []byte
	if err := row.Scan(&e.Key, &e.App, &e.Type, &e.UID, &tags, &e.Payload, &targets, &e.Expired); err != nil {
		return nil, err
	}
	e.Tags, e.Targets = textList(nullText(tags)), unpackTargets(targets)
	return &e, nil
}

// Event is the event of an App by key.
func (r *Reader) Event(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Event, error) {
	e, err := scanEvent(r.q.QueryRowContext(ctx, `SELECT `+eventColumns+` FROM events WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return e, readErr(err, "message")
}

// EventUID is the caller's name of an event of an App; "": it has none.
func (r *Reader) EventUID(ctx context.Context, app, key hookswitch.Key) (uid string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT uid FROM events WHERE id = $1 AND app_id = $2`, int64(key), int64(app)).Scan(&uid)
	return uid, readErr(err, "message")
}

// Page bounds a list by key. The list runs from newest to oldest unless Ascending.
type Page struct {
	Limit     int
	Before    hookswitch.Key // keys below it only; 0: no bound
	After     hookswitch.Key // keys above it only; 0: no bound
	Ascending bool
}

// clause is the page's part of a WHERE, its ORDER BY and LIMIT. args grows by its values.
func (p Page) clause(column string, args *[]any) string {
	var b strings.Builder
	bound := func(op string, k hookswitch.Key) {
		if k != 0 {
			*args = append(*args, int64(k))
			b.WriteString(" AND " + column + op + "$" + strconv.Itoa(len(*args)))
		}
	}
	bound(" < ", p.Before)
	bound(" > ", p.After)
	*args = append(*args, p.Limit)
	order := " DESC"
	if p.Ascending {
		order = " ASC"
	}
	b.WriteString(" ORDER BY " + column + order + " LIMIT $" + strconv.Itoa(len(*args)))
	return b.String()
}

// in is a list of placeholders for values, which args grows by.
func in[T any](args *[]any, values []T) string {
	marks := make([]string, len(values))
	for i, v := range values {
		*args = append(*args, v)
		marks[i] = "$" + strconv.Itoa(len(*args))
	}
	return "(" + strings.Join(marks, ", ") + ")"
}

// EventFilter narrows a list of events.
type EventFilter struct {
	Types []string
	Tag   string
}

func (f EventFilter) clause(args *[]any) string {
	var b strings.Builder
	if len(f.Types) > 0 {
		b.WriteString(" AND type IN " + in(args, f.Types))
	}
	if f.Tag != "" {
		quoted, _ := listText([]string{f.Tag}).Value()
		text := quoted.(string)
		*args = append(*args, text[1:len(text)-1])
		b.WriteString(" AND replace(tags, $" + strconv.Itoa(len(*args)) + ", '') <> tags") // LIKE does not heed case on SQLite
	}
	return b.String()
}

// Events lists the events of an App.
func (r *Reader) Events(ctx context.Context, app hookswitch.Key, f EventFilter, p Page) ([]*hookswitch.Event, error) {
	args := []any{int64(app)}
	query := `SELECT ` + eventColumns + ` FROM events WHERE app_id = $1` + f.clause(&args)
	return scanAll(ctx, r, scanEvent, query+p.clause("id", &args), args...)
}

// DropEventsBefore removes up to limit events older than before and returns how many. One that something is still owed for stays.
func (tx *Tx) DropEventsBefore(before time.Time, limit int) (int, error) {
	bound := int64(hookswitch.KeyAt(before))
	n, err := tx.exec(`DELETE FROM events WHERE id IN (SELECT id FROM events e WHERE id < $1 AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.subject = e.id) ORDER BY id LIMIT $2)`, bound, limit)
	return int(n), err
}
