package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

// TokenText is the text of a token and, where it was made together with a link to the portal, of the one-time token in that.
type TokenText struct {
	Text    hookswitch.Secret
	OneTime hookswitch.Secret
}

// sealedToken is a TokenText as it is encrypted.
type sealedToken struct {
	Text    string `json:"text"`
	OneTime string `json:"one_time,omitempty"`
}

const tokenColumns = `id, app_id, kind, ref, scope, feature_flags, capabilities, until_at, expires_at, created_at, agent`

func scanToken(row rowScanner) (*hookswitch.Token, error) {
	var t hookswitch.Token
	var flags, capabilities string
	var until, expires, created int64
	err := row.Scan(&t.Key, &t.App, &t.Kind, &t.Ref, &t.Scope, &flags, &capabilities, &until, &expires, &created, &t.Agent)
	t.FeatureFlags = textWords(flags)
	for _, name := range textWords(capabilities) {
		c, _ := hookswitch.ParseCapability(name) // one that is not known any more permits nothing
		t.Capabilities |= c
	}
	t.Until, t.ExpiresAt, t.CreatedAt = fromMillis(until), fromMillis(expires), fromMillis(created)
	return &t, err
}

func tokenOwner(key hookswitch.Key) string { return "token " + strconv.FormatInt(int64(key), 10) }

// TokenByHash is the token whose text has the hash, whether it lives or not. A dropped one is not found.
func (r *Reader) TokenByHash(ctx context.Context, hash string) (*hookswitch.Token, error) {
	t, err := scanToken(r.q.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE hash = $1`, hash))
	return t, readErr(err, "token")
}

// Token is a token of an app by key.
func (r *Reader) Token(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Token, error) {
	t, err := scanToken(r.q.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return t, readErr(err, "token")
}

// NewestToken is the newest token of an app that lives, of the kind and with the scope and ref.
func (r *Reader) NewestToken(ctx context.Context, app hookswitch.Key, kind hookswitch.TokenKind, scope string, ref hookswitch.Key, now time.Time) (*hookswitch.Token, error) {
	t, err := scanToken(r.q.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE app_id = $1 AND kind = $2 AND scope = $3 AND ref = $4
		AND (expires_at = 0 OR expires_at > $5) ORDER BY id DESC LIMIT 1`, int64(app), string(kind), scope, int64(ref), millis(now)))
	return t, readErr(err, "token")
}

// TokenText is the text of a token of an app. The error is of kind Gone when it is not kept any more.
func (r *Reader) TokenText(ctx context.Context, app, key hookswitch.Key) (TokenText, error) {
	var sealed []byte
	if err := r.q.QueryRowContext(ctx, `SELECT sealed FROM tokens WHERE id = $1 AND app_id = $2`, int64(key), int64(app)).Scan(&sealed); err != nil {
		return TokenText{}, readErr(err, "token")
	}
	if len(sealed) == 0 {
		return TokenText{}, hookswitch.Errorf(hookswitch.Gone, "the text of the token is not kept any more")
	}
	plain, err := r.box.open(sealed, tokenOwner(key))
	if err != nil {
		return TokenText{}, fmt.Errorf("open the text of a token: %w", err)
	}
	var text sealedToken
	if err := json.Unmarshal(plain, &text); err != nil {
		return TokenText{}, fmt.Errorf("read the text of a token: %w", err)
	}
	return TokenText{Text: hookswitch.Secret(text.Text), OneTime: hookswitch.Secret(text.OneTime)}, nil
}

// InsertToken stores a token under the hash of its text. The text itself is stored encrypted, until forgetAt or, where that is zero, for as long as the token; where text
// is nil it is not stored.
func (tx *Tx) InsertToken(t *hookswitch.Token, hash string, text *TokenText, forgetAt time.Time) error {
	var sealed []byte
	if text != nil {
		plain, err := json.Marshal(sealedToken{Text: text.Text.Reveal(), OneTime: text.OneTime.Reveal()})
		if err != nil {
			return err
		}
		sealed = tx.box.seal(plain, tokenOwner(t.Key))
	}
	_, err := tx.exec(`INSERT INTO tokens (id, app_id, kind, ref, scope, hash, feature_flags, capabilities, sealed, forget_at, until_at, expires_at, created_at, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		int64(t.Key), int64(t.App), string(t.Kind), int64(t.Ref), t.Scope, hash, wordsText(t.FeatureFlags), wordsText(t.Capabilities.Names()),
		notNil(sealed), millis(forgetAt), millis(t.Until), millis(t.ExpiresAt), millis(t.CreatedAt), clean(t.Agent))
	return err
}

// UseToken notes that a one-time token has been exchanged for the token by key, and reports false when it had been before.
func (tx *Tx) UseToken(app, key, exchangedFor hookswitch.Key) (bool, error) {
	n, err := tx.exec(`UPDATE tokens SET ref = $3 WHERE id = $1 AND app_id = $2 AND kind = $4 AND ref = 0`, int64(key), int64(app), int64(exchangedFor), string(hookswitch.TokenOneTime))
	return n == 1, err
}

// EndToken makes a token of an app end at the time, if it would live longer.
func (tx *Tx) EndToken(app, key hookswitch.Key, at time.Time) error {
	_, err := tx.exec(`UPDATE tokens SET expires_at = $3 WHERE id = $1 AND app_id = $2 AND (expires_at = 0 OR expires_at > $3)`, int64(key), int64(app), millis(at))
	return err
}

// EndTokens makes the tokens of an app of the kind, with the scope and ref, end at the time, those that would live longer.
func (tx *Tx) EndTokens(app hookswitch.Key, kind hookswitch.TokenKind, scope string, ref hookswitch.Key, at time.Time) error {
	_, err := tx.exec(`UPDATE tokens SET expires_at = $5 WHERE app_id = $1 AND kind = $2 AND scope = $3 AND ref = $4 AND (expires_at = 0 OR expires_at > $5)`,
		int64(app), string(kind), scope, int64(ref), millis(at))
	return err
}

// EndPortal makes all portal tokens and sessions in the portal of an app end at the time, those that would live longer, and the one-time tokens with what they would be exchanged for.
func (tx *Tx) EndPortal(app hookswitch.Key, at time.Time) error {
	return tx.endPortal(``, int64(app), string(hookswitch.TokenPortal), string(hookswitch.TokenOneTime), millis(at), string(hookswitch.TokenSession))
}

// EndSession is EndPortal for the tokens of one session.
func (tx *Tx) EndSession(app hookswitch.Key, session string, at time.Time) error {
	return tx.endPortal(` AND scope = $6`, int64(app), string(hookswitch.TokenPortal), string(hookswitch.TokenOneTime), millis(at), string(hookswitch.TokenSession), session)
}

func (tx *Tx) endPortal(which string, args ...any) error {
	for _, column := range []string{"expires_at", "until_at"} {
		if _, err := tx.exec(`UPDATE tokens SET `+column+` = $4 WHERE app_id = $1 AND kind IN ($2, $3, $5) AND `+column+` > $4`+which, args...); err != nil {
			return err
		}
	}
	return nil
}

// DropTokensBefore removes up to limit tokens that ended before the time, and returns how many.
func (tx *Tx) DropTokensBefore(before time.Time, limit int) (int, error) {
	return tx.dropBefore(`DELETE FROM tokens WHERE id IN (SELECT id FROM tokens WHERE expires_at > 0 AND expires_at < $1 ORDER BY expires_at LIMIT $2)`, millis(before), limit)
}

// ForgetTokenTexts drops the texts of up to limit tokens that need not be shown again, and returns how many. The tokens themselves stay.
func (tx *Tx) ForgetTokenTexts(now time.Time, limit int) (int, error) {
	n, err := tx.exec(`UPDATE tokens SET sealed = $3, forget_at = 0 WHERE id IN (SELECT id FROM tokens WHERE forget_at > 0 AND forget_at < $1 ORDER BY forget_at LIMIT $2)`,
		millis(now), limit, []byte{})
	return int(n), err
}
