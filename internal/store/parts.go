package store

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

const partColumns = `message_id, number, app_id, route_id, body, status, accepted, provider_id, error_code, error_text, begun_at`

func scanPart(row rowScanner) (*hookswitch.MessagePart, error) {
	var p hookswitch.MessagePart
	var begun int64
	err := row.Scan(&p.Message, &p.Number, &p.App, &p.Route, &p.Text, &p.Status, &p.Accepted, &p.ProviderID, &p.ErrorCode, &p.ErrorText, &begun)
	p.BegunAt = fromMillis(begun)
	return &p, err
}

// MessageParts are the parts in which a message of an app goes out, in order; none for one that goes in one piece.
func (r *Reader) MessageParts(ctx context.Context, app, message hookswitch.Key) ([]*hookswitch.MessagePart, error) {
	return scanAll(ctx, r, scanPart, `SELECT `+partColumns+` FROM message_parts WHERE message_id = $1 AND app_id = $2 ORDER BY number`, int64(message), int64(app))
}

// PartByProviderID is the part that one of the routes carried under the provider's id, the newest where there are several, or an error of kind NotFound.
func (r *Reader) PartByProviderID(ctx context.Context, providerID string, routes []hookswitch.Key) (*hookswitch.MessagePart, error) {
	if providerID == "" || len(routes) == 0 {
		return nil, hookswitch.NotFoundf("message not found")
	}
	args := []any{clean(providerID)}
	p, err := scanPart(r.q.QueryRowContext(ctx, `SELECT `+partColumns+` FROM message_parts WHERE provider_id = $1 AND provider_id <> '' AND route_id IN `+
		in(&args, int64s(routes))+` ORDER BY message_id DESC LIMIT 1`, args...))
	return p, readErr(err, "message")
}

// InsertPart stores a new part.
func (tx *Tx) InsertPart(p *hookswitch.MessagePart) error {
	return tx.write(`INSERT INTO message_parts (`+partColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		int64(p.Message), p.Number, int64(p.App), int64(p.Route), clean(p.Text), string(p.Status), p.Accepted, clean(p.ProviderID), clean(p.ErrorCode), clean(p.ErrorText),
		millis(p.BegunAt))
}

// UpdatePart stores how far a part has come.
func (tx *Tx) UpdatePart(p *hookswitch.MessagePart) error {
	return tx.execOne("message", `UPDATE message_parts SET route_id = $4, status = $5, accepted = $6, provider_id = $7, error_code = $8, error_text = $9, begun_at = $10
		WHERE message_id = $1 AND number = $2 AND app_id = $3`,
		int64(p.Message), p.Number, int64(p.App), int64(p.Route), string(p.Status), p.Accepted, clean(p.ProviderID), clean(p.ErrorCode), clean(p.ErrorText), millis(p.BegunAt))
}
