package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hookswitch/hookswitch"
)

const activityColumns = `id, app_id, actor, actor_ref, action, endpoint_id, name, details`

func scanActivity(row rowScanner) (*hookswitch.Activity, error) {
	var a hookswitch.Activity
	var details string
	if err := row.Scan(&a.Key, &a.App, &a.Actor.Kind, &a.Actor.Ref, &a.Action, &a.Endpoint, &a.Name, &details); err != nil {
		return nil, err
	}
	return &a, json.Unmarshal([]byte(details), &a.Details)
}

// InsertActivity notes what was done.
func (tx *Tx) InsertActivity(a *hookswitch.Activity) error {
	details, err := json.Marshal(a.Details)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO activities (`+activityColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(a.Key), int64(a.App), string(a.Actor.Kind), int64(a.Actor.Ref), string(a.Action), int64(a.Endpoint), a.Name, string(details))
	return err
}

// ActivityFilter narrows a list of activities.
type ActivityFilter struct {
	Action   hookswitch.Action
	Actor    hookswitch.ActorKind
	Endpoint hookswitch.Key
}

// Activities lists what was done to an app, newest first.
func (r *Reader) Activities(ctx context.Context, app hookswitch.Key, f ActivityFilter, p Page) ([]*hookswitch.Activity, error) {
	args := []any{int64(app)}
	query := `SELECT ` + activityColumns + ` FROM activities WHERE app_id = $1`
	if f.Action != "" {
		args = append(args, string(f.Action))
		query += ` AND action = ` + placeholder(args)
	}
	if f.Actor != "" {
		args = append(args, string(f.Actor))
		query += ` AND actor = ` + placeholder(args)
	}
	if f.Endpoint != 0 {
		args = append(args, int64(f.Endpoint))
		query += ` AND endpoint_id = ` + placeholder(args)
	}
	return scanAll(ctx, r, scanActivity, query+p.clause("id", &args), args...)
}

// DropActivitiesBefore removes up to limit activities older than before, and returns how many.
func (tx *Tx) DropActivitiesBefore(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM activities WHERE id IN (SELECT id FROM activities WHERE id < $1 ORDER BY id LIMIT $2)`, int64(hookswitch.KeyAt(before)), limit)
	return int(n), err
}
