package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const keyColumns = `id, app_id, test, name, scopes, hint, created_at, rotated_at, old_until, used_at`

func scanKey(row rowScanner) (*hookswitch.APIKey, error) {
	var k hookswitch.APIKey
	var scopes string
	var created, rotated, oldUntil, used int64
	err := row.Scan(&k.Key, &k.App, &k.Test, &k.Name, &scopes, &k.Hint, &created, &rotated, &oldUntil, &used)
	for _, word := range textWords(scopes) {
		k.Scopes = append(k.Scopes, hookswitch.Scope(word)) // one that is not known any more opens nothing
	}
	k.CreatedAt, k.RotatedAt, k.OldUntil, k.UsedAt = fromMillis(created), fromMillis(rotated), fromMillis(oldUntil), fromMillis(used)
	return &k, err
}

func scopesText(scopes []hookswitch.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return wordsText(words)
}

// APIKeyByHash is the live key whose text has the hash, or had it before a rotation that has not taken it away yet.
func (r *Reader) APIKeyByHash(ctx context.Context, hash string, now time.Time) (*hookswitch.APIKey, error) {
	k, err := scanKey(r.q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE hash = $1 AND deleted_at = 0
		UNION ALL SELECT `+keyColumns+` FROM api_keys WHERE old_hash = $1 AND old_hash <> '' AND old_until > $2 AND deleted_at = 0 LIMIT 1`, hash, millis(now)))
	return k, readErr(err, "API key")
}

// APIKey is a live key of an app by key.
func (r *Reader) APIKey(ctx context.Context, app, key hookswitch.Key) (*hookswitch.APIKey, error) {
	k, err := scanKey(r.q.QueryRowContext(ctx, `SELECT `+keyColumns+` FROM api_keys WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app)))
	return k, readErr(err, "API key")
}

// AllAPIKeys lists the live keys of all apps.
func (r *Reader) AllAPIKeys(ctx context.Context, p Page) ([]*hookswitch.APIKey, error) {
	var args []any
	return scanAll(ctx, r, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE deleted_at = 0`+p.clause("id", &args), args...)
}

// APIKeys lists the live keys of an app.
func (r *Reader) APIKeys(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.APIKey, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE app_id = $1 AND deleted_at = 0`+p.clause("id", &args), args...)
}

// InsertAPIKey stores a key under the hash of its text.
func (tx *Tx) InsertAPIKey(k *hookswitch.APIKey, hash string) error {
	_, err := tx.exec(`INSERT INTO api_keys (id, app_id, hash, test, name, scopes, hint, created_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)`,
		int64(k.Key), int64(k.App), hash, k.Test, k.Name, scopesText(k.Scopes), k.Hint, millis(k.CreatedAt))
	return err
}

// RotateAPIKey stores a key of an app under the hash of a new text, with the key's hint and times. The old text counts until k.OldUntil; the one before it no longer.
func (tx *Tx) RotateAPIKey(k *hookswitch.APIKey, hash string) error {
	return tx.execOne("API key", `UPDATE api_keys SET old_hash = hash, hash = $3, hint = $4, rotated_at = $5, old_until = $6 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`,
		int64(k.Key), int64(k.App), hash, k.Hint, millis(k.RotatedAt), millis(k.OldUntil))
}

// UseAPIKey notes that a key was used at the time, unless it is known to have been used later.
func (tx *Tx) UseAPIKey(key hookswitch.Key, at time.Time) error {
	_, err := tx.exec(`UPDATE api_keys SET used_at = $2 WHERE id = $1 AND used_at < $2`, int64(key), millis(at))
	return err
}

// DeleteAPIKey revokes a key of an app.
func (tx *Tx) DeleteAPIKey(app, key hookswitch.Key, now time.Time) error {
	return tx.execOne("API key", `UPDATE api_keys SET deleted_at = $3 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app), millis(now))
}
