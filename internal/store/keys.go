package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const keyColumns = `id, app_id, test, hint, created_at`

func scanKey(row rowScanner) (*hookswitch.APIKey, error) {
	var k hookswitch.APIKey
	var created int64
	err := row.Scan(&k.Key, &k.App, &k.Test, &k.Hint, &created)
	k.CreatedAt = fromMillis(created)
	return &k, err
}

// APIKeyByHash is the live key whose text has the hash.
func (r *Reader) APIKeyByHash(ctx context.Context, hash string) (*hookswitch.APIKey, error) {
	k, err := scanKey(r.q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE hash = $1 AND deleted_at = 0`, hash))
	return k, readErr(err, "API key")
}

// APIKeys lists the live keys of an app.
func (r *Reader) APIKeys(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.APIKey, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE app_id = $1 AND deleted_at = 0`+p.clause("id", &args), args...)
}

// InsertAPIKey stores a key under the hash of its text.
func (tx *Tx) InsertAPIKey(k *hookswitch.APIKey, hash string) error {
	_, err := tx.exec(`INSERT INTO api_keys (id, app_id, hash, test, hint, created_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		int64(k.Key), int64(k.App), hash, k.Test, k.Hint, millis(k.CreatedAt))
	return err
}

// DeleteAPIKey revokes a key of an app.
func (tx *Tx) DeleteAPIKey(app, key hookswitch.Key, now time.Time) error {
	return tx.execOne("API key", `UPDATE api_keys SET deleted_at = $3 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app), millis(now))
}
