package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Sessions lists the tokens of an app of the kind that live, newest first: the sessions of browsers.
func (r *Reader) Sessions(ctx context.Context, app hookswitch.Key, kind hookswitch.TokenKind, now time.Time, p Page) ([]*hookswitch.Token, error) {
	args := []any{int64(app), string(kind), millis(now)}
	return scanAll(ctx, r, scanToken, `SELECT `+tokenColumns+` FROM tokens WHERE app_id = $1 AND kind = $2 AND expires_at > $3`+p.clause("id", &args), args...)
}

// CountAccessTokens counts the tokens for programs of an app that live and that somebody gave a name.
func (r *Reader) CountAccessTokens(ctx context.Context, app hookswitch.Key, now time.Time) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM tokens WHERE app_id = $1 AND kind = $2 AND expires_at > $3 AND agent <> ''`, int64(app), string(hookswitch.TokenPortal), millis(now)).Scan(&n)
	return n, readErr(err, "token")
}

// MoveToken makes a token of an app that lives end at another time. Nothing happens to one that has ended.
func (tx *Tx) MoveToken(app, key hookswitch.Key, now, at time.Time) error {
	_, err := tx.exec(`UPDATE tokens SET expires_at = $3 WHERE id = $1 AND app_id = $2 AND expires_at > $4`, int64(key), int64(app), millis(at), millis(now))
	return err
}

// EndSessionsOf makes all tokens of an app of the kind end at the time, those that would live longer.
func (tx *Tx) EndSessionsOf(app hookswitch.Key, kind hookswitch.TokenKind, at time.Time) error {
	_, err := tx.exec(`UPDATE tokens SET expires_at = $3 WHERE app_id = $1 AND kind = $2 AND expires_at > $3`, int64(app), string(kind), millis(at))
	return err
}
