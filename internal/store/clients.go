package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const clientColumns = `id, app_id, name, hint, created_at`

func scanClient(row rowScanner) (*hookswitch.Client, error) {
	var c hookswitch.Client
	var created int64
	err := row.Scan(&c.Key, &c.App, &c.Name, &c.Hint, &created)
	c.CreatedAt = fromMillis(created)
	return &c, err
}

// Client is a live client by key. The caller has proved to know it by more than the key: its secret, or a token made with that.
func (r *Reader) Client(ctx context.Context, key hookswitch.Key) (*hookswitch.Client, error) {
	c, err := scanClient(r.q.QueryRowContext(ctx, `SELECT `+clientColumns+` FROM clients WHERE id = $1 AND deleted_at = 0`, int64(key)))
	return c, readErr(err, "client")
}

// ClientHash is the hash of the secret of a live client.
func (r *Reader) ClientHash(ctx context.Context, key hookswitch.Key) (hash string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT hash FROM clients WHERE id = $1 AND deleted_at = 0`, int64(key)).Scan(&hash)
	return hash, readErr(err, "client")
}

// Clients lists the live clients of an app.
func (r *Reader) Clients(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Client, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, scanClient, `SELECT `+clientColumns+` FROM clients WHERE app_id = $1 AND deleted_at = 0`+p.clause("id", &args), args...)
}

// InsertClient stores a client with the hash of its secret.
func (tx *Tx) InsertClient(c *hookswitch.Client, hash string) error {
	_, err := tx.exec(`INSERT INTO clients (id, app_id, name, hash, hint, created_at, deleted_at) VALUES ($1, $2, $3, $4, $5, $6, 0)`,
		int64(c.Key), int64(c.App), clean(c.Name), hash, c.Hint, millis(c.CreatedAt))
	return err
}

// DeleteClient revokes a client of an app.
func (tx *Tx) DeleteClient(app, key hookswitch.Key, now time.Time) error {
	return tx.execOne("client", `UPDATE clients SET deleted_at = $3 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app), millis(now))
}
