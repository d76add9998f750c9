package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

const (
	eventTypeColumns = `id, name, description, archived, deprecated, schemas, feature_flags, group_name, created_at, updated_at`
	// Without the schemas, which can be large and are stored apart from their row.
	eventTypeSummary = `id, name, description, archived, deprecated, NULL, feature_flags, group_name, created_at, updated_at`
)

func scanEventType(row rowScanner) (*hookswitch.EventType, error) {
	var t hookswitch.EventType
	var flags string
	var created, updated int64
	if err := row.Scan(&t.Key, &t.Name, &t.Description, &t.Archived, &t.Deprecated, &t.Schemas, &flags, &t.GroupName, &created, &updated); err != nil {
		return nil, err
	}
	if len(t.Schemas) == 0 {
		t.Schemas = nil
	}
	t.FeatureFlags, t.CreatedAt, t.UpdatedAt = textWords(flags), fromMillis(created), fromMillis(updated)
	return &t, nil
}

// EventTypeFilter narrows the list of event types.
type EventTypeFilter struct {
	Archived bool // archived ones too
	Schemas  bool // with their schemas
	// Restricted leaves out the types that have feature flags and none of Flags.
	Restricted bool
	Flags      []string
}

// EventTypes lists event types by name.
func (r *Reader) EventTypes(ctx context.Context, f EventTypeFilter, p NamePage) ([]*hookswitch.EventType, error) {
	columns := eventTypeSummary
	if f.Schemas {
		columns = eventTypeColumns
	}
	query := `SELECT ` + columns + ` FROM event_types WHERE name > ''`
	if !f.Archived {
		query += ` AND archived = FALSE`
	}
	var args []any
	if f.Restricted {
		query += " AND (feature_flags = ''" + f.anyFlag(&args) + ")"
	}
	return scanAll(ctx, r, scanEventType, query+p.clause("name", &args), args...)
}

// anyFlag asks for one of the flags in the list as it is stored. A flag has no character that JSON escapes, so it stands there between quotes.
func (f EventTypeFilter) anyFlag(args *[]any) string {
	var b strings.Builder
	for _, flag := range f.Flags {
		*args = append(*args, strconv.Quote(flag))
		b.WriteString(" OR replace(feature_flags, " + placeholder(*args) + ", '') <> feature_flags") // LIKE does not heed case on SQLite
	}
	return b.String()
}

// EventType is the event type with the name, an archived one too.
func (r *Reader) EventType(ctx context.Context, name string) (*hookswitch.EventType, error) {
	t, err := scanEventType(r.q.QueryRowContext(ctx, `SELECT `+eventTypeColumns+` FROM event_types WHERE name = $1`, name))
	return t, readErr(err, "event type")
}

// EventTypeByKey is the event type with the key.
func (r *Reader) EventTypeByKey(ctx context.Context, key hookswitch.Key) (*hookswitch.EventType, error) {
	t, err := scanEventType(r.q.QueryRowContext(ctx, `SELECT `+eventTypeColumns+` FROM event_types WHERE id = $1`, int64(key)))
	return t, readErr(err, "event type")
}

// namesAtOnce is how many names one statement looks for.
const namesAtOnce = 256

// EventTypesNamed are the event types with the names, archived ones too, without their schemas, in no order.
func (r *Reader) EventTypesNamed(ctx context.Context, names []string) ([]*hookswitch.EventType, error) {
	var out []*hookswitch.EventType
	for chunk := range slices.Chunk(names, namesAtOnce) {
		var args []any
		list, err := scanAll(ctx, r, scanEventType, `SELECT `+eventTypeSummary+` FROM event_types WHERE name IN `+padded(&args, chunk), args...)
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}

// InsertEventType stores a new event type. The error is of kind Conflict when its name is taken.
func (tx *Tx) InsertEventType(t *hookswitch.EventType) error {
	_, err := tx.insertEventType(t, "")
	return tx.unique(err, "an event type with this name exists already")
}

func (tx *Tx) insertEventType(t *hookswitch.EventType, onConflict string) (int64, error) {
	return tx.exec(`INSERT INTO event_types (id, name, description, archived, deprecated, schemas, feature_flags, group_name, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`+onConflict,
		int64(t.Key), t.Name, t.Description, t.Archived, t.Deprecated, notNil(t.Schemas), wordsText(t.FeatureFlags), t.GroupName, millis(t.CreatedAt), millis(t.UpdatedAt))
}

// UpdateEventType stores the changed fields of an event type. Its name stays.
func (tx *Tx) UpdateEventType(t *hookswitch.EventType) error {
	return tx.execOne("event type", `UPDATE event_types SET description = $2, archived = $3, deprecated = $4, schemas = $5, feature_flags = $6, group_name = $7, updated_at = $8
		WHERE id = $1`,
		int64(t.Key), t.Description, t.Archived, t.Deprecated, notNil(t.Schemas), wordsText(t.FeatureFlags), t.GroupName, millis(t.UpdatedAt))
}

// ArchiveEventType makes an event type archived.
func (tx *Tx) ArchiveEventType(key hookswitch.Key, now time.Time) error {
	return tx.execOne("event type", `UPDATE event_types SET archived = TRUE, updated_at = $2 WHERE id = $1`, int64(key), millis(now))
}

// DeleteEventType removes an event type for good.
func (tx *Tx) DeleteEventType(name string) error {
	return tx.execOne("event type", `DELETE FROM event_types WHERE name = $1`, name)
}

// registeredTypes is where the names are kept of the built-in event types that this database has been given once.
const registeredTypes = "registered_event_types"

// RegisteredEventTypes are the names that RegisterEventTypes has been called with.
func (r *Reader) RegisteredEventTypes(ctx context.Context) ([]string, error) {
	var value []byte
	err := r.q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = $1`, registeredTypes).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, readErr(err, "row")
	}
	var names []string
	return names, json.Unmarshal(value, &names)
}

// RegisterEventTypes stores event types once in the life of the database: one whose name it has been called with before stays as it has become since, also when it
// has been removed, and one that exists already stays as it is.
func (tx *Tx) RegisterEventTypes(list []*hookswitch.EventType) error {
	names, err := tx.RegisteredEventTypes(tx.ctx)
	if err != nil {
		return err
	}
	for _, t := range list {
		if slices.Contains(names, t.Name) {
			continue
		}
		if _, err := tx.insertEventType(t, ` ON CONFLICT (name) DO NOTHING`); err != nil {
			return err
		}
		names = append(names, t.Name)
	}
	value, err := json.Marshal(names)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, registeredTypes, value)
	return err
}

// TypeVolumes counts the newest events of an app since the time by type, at most limit of them.
func (r *Reader) TypeVolumes(ctx context.Context, app hookswitch.Key, since time.Time, limit int) (map[string]int, error) {
	counts := make(map[string]int)
	_, err := scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var name string
		var n int
		err := row.Scan(&name, &n)
		counts[name] = n
		return struct{}{}, err
	}, `SELECT type, COUNT(*) FROM (SELECT type FROM events WHERE app_id = $1 AND id >= $2 ORDER BY id DESC LIMIT $3) newest GROUP BY type`, int64(app), int64(hookswitch.KeyAt(since)), limit)
	return counts, err
}
