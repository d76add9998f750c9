package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch"
)

// PortalSettings are what an app has chosen about its portal; the zero value where it has not.
func (r *Reader) PortalSettings(ctx context.Context, app hookswitch.Key) (hookswitch.PortalSettings, error) {
	var p hookswitch.PortalSettings
	var text string
	err := r.q.QueryRowContext(ctx, `SELECT settings FROM app_portals WHERE app_id = $1`, int64(app)).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err != nil {
		return p, readErr(err, "application")
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("read the settings of a portal: %w", err)
	}
	return p, nil
}

// PutPortalSettings stores what an app has chosen about its portal.
func (tx *Tx) PutPortalSettings(app hookswitch.Key, p *hookswitch.PortalSettings) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO app_portals (app_id, settings) VALUES ($1, $2) ON CONFLICT (app_id) DO UPDATE SET settings = excluded.settings`, int64(app), string(text))
	return err
}

// Steps are the first steps that an app has taken, as far as they were noted.
func (r *Reader) Steps(ctx context.Context, app hookswitch.Key) (map[string]time.Time, error) {
	steps := make(map[string]time.Time)
	_, err := scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var step string
		var at int64
		err := row.Scan(&step, &at)
		steps[step] = fromMillis(at)
		return struct{}{}, err
	}, `SELECT step, done_at FROM app_steps WHERE app_id = $1`, int64(app))
	return steps, err
}

// NoteStep notes that an app has taken a step; the first time counts.
func (tx *Tx) NoteStep(app hookswitch.Key, step string, at time.Time) error {
	_, err := tx.exec(`INSERT INTO app_steps (app_id, step, done_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, int64(app), step, millis(at))
	return err
}
