package store

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

const groupColumns = `id, app_id, uuid, external_ref, name, configured, created_at`

func scanGroup(row rowScanner) (*hookswitch.Group, error) {
	var g hookswitch.Group
	var created int64
	err := row.Scan(&g.Key, &g.App, &g.UUID, &g.ExternalRef, &g.Name, &g.Configured, &created)
	g.CreatedAt = fromMillis(created)
	return &g, err
}

// Group is a group of an app by key.
func (r *Reader) Group(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Group, error) {
	g, err := scanGroup(r.q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM message_groups WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return g, readErr(err, "group")
}

// GroupByUUID is a group of an app by its UUID, in lower case.
func (r *Reader) GroupByUUID(ctx context.Context, app hookswitch.Key, uuid string) (*hookswitch.Group, error) {
	g, err := scanGroup(r.q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM message_groups WHERE uuid = $1 AND app_id = $2`, uuid, int64(app)))
	return g, readErr(err, "group")
}

// GroupByRef is a group of an app by its external reference.
func (r *Reader) GroupByRef(ctx context.Context, app hookswitch.Key, ref string) (*hookswitch.Group, error) {
	g, err := scanGroup(r.q.QueryRowContext(ctx, `SELECT `+groupColumns+` FROM message_groups WHERE app_id = $1 AND external_ref = $2 AND external_ref <> ''`, int64(app), clean(ref)))
	return g, readErr(err, "group")
}

// GroupOfOthers reports whether an operator has made a group with the UUID for another app.
func (r *Reader) GroupOfOthers(ctx context.Context, app hookswitch.Key, uuid string) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM message_groups WHERE uuid = $1 AND app_id <> $2 AND configured`, uuid, int64(app)).Scan(&n)
	return n > 0, err
}

// HasGroups reports whether an operator has made any group for the app.
func (r *Reader) HasGroups(ctx context.Context, app hookswitch.Key) (bool, error) {
	var found bool
	err := r.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM message_groups WHERE app_id = $1 AND configured)`, int64(app)).Scan(&found)
	return found, err
}

// Groups lists the groups of an app, those among them that messages have named.
func (r *Reader) Groups(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Group, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, scanGroup, `SELECT `+groupColumns+` FROM message_groups WHERE app_id = $1`+p.clause("id", &args), args...)
}

// InsertGroup stores a new group.
func (tx *Tx) InsertGroup(g *hookswitch.Group) error {
	_, err := tx.exec(`INSERT INTO message_groups (`+groupColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		int64(g.Key), int64(g.App), g.UUID, clean(g.ExternalRef), clean(g.Name), g.Configured, millis(g.CreatedAt))
	return err
}

// UpdateGroup stores what may change of a group.
func (tx *Tx) UpdateGroup(g *hookswitch.Group) error {
	return tx.execOne("group", `UPDATE message_groups SET uuid = $3, external_ref = $4, name = $5, configured = $6 WHERE id = $1 AND app_id = $2`,
		int64(g.Key), int64(g.App), g.UUID, clean(g.ExternalRef), clean(g.Name), g.Configured)
}

// RemoveGroup deletes a group of an app. The messages that belong to it belong to none from then on.
func (tx *Tx) RemoveGroup(app, key hookswitch.Key) error {
	return tx.execOne("group", `DELETE FROM message_groups WHERE id = $1 AND app_id = $2`, int64(key), int64(app))
}

// ForgetGroup has a group of an app count as not configured. It is kept, because messages belong to it.
func (tx *Tx) ForgetGroup(app, key hookswitch.Key) error {
	return tx.execOne("group", `UPDATE message_groups SET configured = FALSE WHERE id = $1 AND app_id = $2 AND configured`, int64(key), int64(app))
}
