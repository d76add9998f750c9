package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

const activityColumns = `id, app_id, actor, actor_ref, action, endpoint_id, name, details, number, hash`

func scanActivity(row rowScanner) (*hookswitch.Activity, error) {
	var a hookswitch.Activity
	var details string
	if err := row.Scan(&a.Key, &a.App, &a.Actor.Kind, &a.Actor.Ref, &a.Action, &a.Endpoint, &a.Name, &details, &a.Number, &a.Hash); err != nil {
		return nil, err
	}
	return &a, json.Unmarshal([]byte(details), &a.Details)
}

// link is the hash of an entry behind the one whose hash is previous. What is hashed is of one form for all time: numbers of eight bytes, and texts with their lengths before them.
func (s *seal) link(previous []byte, a *hookswitch.Activity, details string) []byte {
	h := hmac.New(sha256.New, s.chain)
	number := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	text := func(t string) {
		number(int64(len(t)))
		h.Write([]byte(t))
	}
	text(string(previous))
	for _, n := range []int64{int64(a.App), a.Number, int64(a.Key), int64(a.Actor.Ref), int64(a.Endpoint)} {
		number(n)
	}
	for _, t := range []string{string(a.Actor.Kind), string(a.Action), a.Name, details} {
		text(t)
	}
	return h.Sum(nil)
}

// InsertActivity notes what was done, behind what was done to the same App before. It fills in Number and Hash.
func (tx *Tx) InsertActivity(a *hookswitch.Activity) error {
	raw, err := json.Marshal(a.Details)
	if err != nil {
		return err
	}
	details := clean(string(raw))
	a.Name = clean(a.Name)
	var previous []byte
	switch err := tx.q.QueryRowContext(tx.ctx, `SELECT number, hash FROM activity_chains WHERE app_id = $1`, int64(a.App)).Scan(&a.Number, &previous); {
	case errors.Is(err, sql.ErrNoRows):
		a.Number = 0
	case err != nil:
		return err
	}
	a.Number++
	a.Hash = tx.box.link(previous, a, details)
	// Another transaction that has done so meanwhile makes this one run again.
	if _, err := tx.exec(`INSERT INTO activity_chains (app_id, number, hash, dropped) VALUES ($1, $2, $3, 0) ON CONFLICT (app_id) DO UPDATE SET number = excluded.number, hash = excluded.hash`,
		int64(a.App), a.Number, a.Hash); err != nil {
		return err
	}
	if previous == nil {
		previous = []byte{}
	}
	_, err = tx.exec(`INSERT INTO activities (`+activityColumns+`, previous) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		int64(a.Key), int64(a.App), string(a.Actor.Kind), int64(a.Actor.Ref), string(a.Action), int64(a.Endpoint), a.Name, details, a.Number, a.Hash, previous)
	return err
}

// ActivityFilter narrows a list of activities.
type ActivityFilter struct {
	Action   hookswitch.Action
	Actor    hookswitch.ActorKind
	Endpoint hookswitch.Key
	Text     string // in the name or the details, without regard to capitals of ASCII
}

func (f *ActivityFilter) clause(args *[]any) string {
	var b strings.Builder
	and := func(column string, value any) {
		*args = append(*args, value)
		b.WriteString(" AND " + column + " = " + placeholder(*args))
	}
	if f.Action != "" {
		and("action", string(f.Action))
	}
	if f.Actor != "" {
		and("actor", string(f.Actor))
	}
	if f.Endpoint != 0 {
		and("endpoint_id", int64(f.Endpoint))
	}
	if f.Text != "" {
		*args = append(*args, strings.ToLower(f.Text))
		text := placeholder(*args)
		b.WriteString(" AND (replace(lower(name), " + text + ", '') <> lower(name) OR replace(lower(details), " + text + ", '') <> lower(details))")
	}
	return b.String()
}

// Activities lists what was done to an app, newest first.
func (r *Reader) Activities(ctx context.Context, app hookswitch.Key, f ActivityFilter, p Page) ([]*hookswitch.Activity, error) {
	args := []any{int64(app)}
	query := `SELECT ` + activityColumns + ` FROM activities WHERE app_id = $1` + f.clause(&args)
	return scanAll(ctx, r, scanActivity, query+p.clause("id", &args), args...)
}

// AllActivities lists what was done to all apps and to the whole server, newest first. stopped is not 0 when looking took too long: the list is short, and goes on behind that key.
func (r *Reader) AllActivities(ctx context.Context, f ActivityFilter, p Page) (list []*hookswitch.Activity, stopped hookswitch.Key, err error) {
	read := func(p Page) ([]*hookswitch.Activity, error) {
		var args []any
		query := `SELECT ` + activityColumns + ` FROM activities WHERE TRUE` + f.clause(&args)
		return scanAll(ctx, r, scanActivity, query+p.clause("id", &args), args...)
	}
	if f == (ActivityFilter{}) {
		list, err = read(p)
		return list, 0, err
	}
	return search(ctx, p, func(p Page, n int) (hookswitch.Key, error) {
		return r.nthKey(ctx, `SELECT id FROM activities WHERE TRUE`, "id", p, n, nil)
	}, read)
}

// DropActivitiesBefore removes up to limit activities older than before, and returns how many.
func (tx *Tx) DropActivitiesBefore(before time.Time, limit int) (int, error) {
	list, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (l ChainLink, err error) {
		err = row.Scan(&l.App, &l.Number)
		return l, err
	}, `DELETE FROM activities WHERE id IN (SELECT id FROM activities WHERE id < $1 ORDER BY id LIMIT $2) RETURNING app_id, number`, int64(hookswitch.KeyAt(before)), limit)
	if err != nil {
		return 0, err
	}
	last := make(map[hookswitch.Key]int64)
	for _, l := range list {
		last[l.App] = max(last[l.App], l.Number)
	}
	for _, app := range slices.Sorted(maps.Keys(last)) {
		if _, err := tx.exec(`UPDATE activity_chains SET dropped = $2 WHERE app_id = $1 AND dropped < $2`, int64(app), last[app]); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// ChainLink is an entry of a chain of activities.
type ChainLink struct {
	App    hookswitch.Key
	Number int64
	Hash   []byte
}

// Chain is the chain of the activities of an App: its last entry, and the last one that is past keeping, 0 for none.
type Chain struct {
	ChainLink
	Dropped int64
}

func scanChain(row rowScanner) (c Chain, err error) {
	err = row.Scan(&c.App, &c.Number, &c.Hash, &c.Dropped)
	return c, err
}

// Chains lists up to limit chains of Apps behind after.
func (r *Reader) Chains(ctx context.Context, after hookswitch.Key, limit int) ([]Chain, error) {
	return scanAll(ctx, r, scanChain, `SELECT app_id, number, hash, dropped FROM activity_chains WHERE app_id > $1 ORDER BY app_id LIMIT $2`, int64(after), limit)
}

// Chain is the chain of an App. The error is of kind NotFound where nothing has been done to it.
func (r *Reader) Chain(ctx context.Context, app hookswitch.Key) (Chain, error) {
	c, err := scanChain(r.q.QueryRowContext(ctx, `SELECT app_id, number, hash, dropped FROM activity_chains WHERE app_id = $1`, int64(app)))
	return c, readErr(err, "chain")
}

// CheckedEntry is an entry of a chain as it was found.
type CheckedEntry struct {
	*hookswitch.Activity
	Previous []byte // the hash that it says the one before has
	Fits     bool   // its hash is over what it says, and over Previous
}

// CheckedEntries reads up to limit entries of the chain of an App behind the number after, in their order, and checks each by itself.
func (r *Reader) CheckedEntries(ctx context.Context, app hookswitch.Key, after int64, limit int) ([]CheckedEntry, error) {
	return scanAll(ctx, r, func(row rowScanner) (c CheckedEntry, err error) {
		var details string
		a := new(hookswitch.Activity)
		if err := row.Scan(&a.Key, &a.App, &a.Actor.Kind, &a.Actor.Ref, &a.Action, &a.Endpoint, &a.Name, &details, &a.Number, &a.Hash, &c.Previous); err != nil {
			return c, err
		}
		c.Activity, c.Fits = a, hmac.Equal(a.Hash, r.box.link(c.Previous, a, details))
		return c, nil
	}, `SELECT `+activityColumns+`, previous FROM activities WHERE app_id = $1 AND number > $2 AND number > 0 ORDER BY number LIMIT $3`, int64(app), after, limit)
}

// UnchainedActivities is how many entries are older than the chains, at most limit.
func (r *Reader) UnchainedActivities(ctx context.Context, limit int) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM activities WHERE number = 0 LIMIT $1) old`, limit).Scan(&n)
	return n, readErr(err, "activity")
}
