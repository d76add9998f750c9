package store

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

const integrationColumns = `id, app_id, name, feature_flags, created_at, updated_at`

func scanIntegration(row rowScanner) (*hookswitch.Integration, error) {
	var i hookswitch.Integration
	var flags string
	var created, updated int64
	err := row.Scan(&i.Key, &i.App, &i.Name, &flags, &created, &updated)
	i.FeatureFlags, i.CreatedAt, i.UpdatedAt = textWords(flags), fromMillis(created), fromMillis(updated)
	return &i, err
}

// Integration is an integration of an app by key.
func (r *Reader) Integration(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Integration, error) {
	i, err := scanIntegration(r.q.QueryRowContext(ctx, `SELECT `+integrationColumns+` FROM integrations WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return i, readErr(err, "integration")
}

// Integrations lists the integrations of an app.
func (r *Reader) Integrations(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Integration, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, scanIntegration, `SELECT `+integrationColumns+` FROM integrations WHERE app_id = $1`+p.clause("id", &args), args...)
}

// InsertIntegration stores a new integration.
func (tx *Tx) InsertIntegration(i *hookswitch.Integration) error {
	_, err := tx.exec(`INSERT INTO integrations (id, app_id, name, feature_flags, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		int64(i.Key), int64(i.App), i.Name, wordsText(i.FeatureFlags), millis(i.CreatedAt), millis(i.UpdatedAt))
	return err
}

// UpdateIntegration stores the changed fields of an integration. What its keys see follows.
func (tx *Tx) UpdateIntegration(i *hookswitch.Integration) error {
	flags := wordsText(i.FeatureFlags)
	if err := tx.execOne("integration", `UPDATE integrations SET name = $3, feature_flags = $4, updated_at = $5 WHERE id = $1 AND app_id = $2`,
		int64(i.Key), int64(i.App), i.Name, flags, millis(i.UpdatedAt)); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE tokens SET feature_flags = $5 WHERE app_id = $1 AND kind = $2 AND scope = $3 AND ref = $4`,
		int64(i.App), string(hookswitch.TokenIntegration), "", int64(i.Key), flags)
	return err
}

// DeleteIntegration removes an integration of an app. Its keys have to be ended with it.
func (tx *Tx) DeleteIntegration(app, key hookswitch.Key) error {
	return tx.execOne("integration", `DELETE FROM integrations WHERE id = $1 AND app_id = $2`, int64(key), int64(app))
}
