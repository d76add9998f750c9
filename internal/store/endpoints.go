package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

const endpointColumns = `id, app_id, sender_id, profile, uid, url, description, disabled, disabled_by, event_types, tags, metadata, throttle_rate,
	version, signature_version, sealed, fail_since, canceled_upto, created_at, updated_at, deleted_at, ordered`

// sealedEndpoint is what of an endpoint is encrypted: its secrets, and its headers, which often carry tokens.
type sealedEndpoint struct {
	Secrets []sealedSecret    `json:"secrets"`
	Headers map[string]string `json:"headers,omitempty"`
}

type sealedSecret struct {
	Secret    string `json:"secret"`
	ExpiresMS int64  `json:"expires_ms,omitempty"`
}

func endpointOwner(key hookswitch.Key) string { return "endpoint " + strconv.FormatInt(int64(key), 10) }

func (r *Reader) sealEndpoint(e *hookswitch.Endpoint) ([]byte, error) {
	out := sealedEndpoint{Headers: e.Headers}
	for _, s := range e.Secrets {
		out.Secrets = append(out.Secrets, sealedSecret{Secret: s.Secret.Reveal(), ExpiresMS: millis(s.ExpiresAt)})
	}
	plain, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	return r.box.seal(plain, endpointOwner(e.Key)), nil
}

func (r *Reader) scanEndpoint(row rowScanner) (*hookswitch.Endpoint, error) {
	var e hookswitch.Endpoint
	var uid, types, tags sql.NullString
	var metadata string
	var sealed []byte
	var failSince, created, updated, deleted int64
	if err := row.Scan(&e.Key, &e.App, &e.Sender, &e.Profile, &uid, &e.URL, &e.Description, &e.Disabled, &e.DisabledBy, &types, &tags, &metadata,
		&e.ThrottleRate, &e.Version, &e.SignatureVersion, &sealed, &failSince, &e.CanceledUpto, &created, &updated, &deleted, &e.Ordered); err != nil {
		return nil, err
	}
	plain, err := r.box.open(sealed, endpointOwner(e.Key))
	if err != nil {
		return nil, fmt.Errorf("open the secrets of an endpoint: %w", err)
	}
	var secret sealedEndpoint
	if err := json.Unmarshal(plain, &secret); err != nil {
		return nil, fmt.Errorf("read the secrets of an endpoint: %w", err)
	}
	for _, s := range secret.Secrets {
		e.Secrets = append(e.Secrets, hookswitch.EndpointSecret{Secret: hookswitch.Secret(s.Secret), ExpiresAt: fromMillis(s.ExpiresMS)})
	}
	e.UID, e.EventTypes, e.Tags, e.Metadata, e.Headers = uid.String, textList(types), textList(tags), textPairs(metadata), secret.Headers
	e.FailSince, e.CreatedAt, e.UpdatedAt, e.DeletedAt = fromMillis(failSince), fromMillis(created), fromMillis(updated), fromMillis(deleted)
	return &e, nil
}

// Endpoint is an endpoint of an app by key.
func (r *Reader) Endpoint(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Endpoint, error) {
	e, err := r.scanEndpoint(r.q.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app)))
	return e, readErr(err, "endpoint")
}

// EndpointByUID is an endpoint of an app by its caller's name.
func (r *Reader) EndpointByUID(ctx context.Context, app hookswitch.Key, uid string) (*hookswitch.Endpoint, error) {
	e, err := r.scanEndpoint(r.q.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE app_id = $1 AND uid = $2 AND deleted_at = 0`, int64(app), uid))
	return e, readErr(err, "endpoint")
}

// Endpoints lists the endpoints that belong to the app itself, not those that are webhooks of its senders.
func (r *Reader) Endpoints(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Endpoint, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, r.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE app_id = $1 AND sender_id = 0 AND deleted_at = 0`+p.clause("id", &args), args...)
}

// AllEndpoints are all endpoints of an app, webhooks of senders included: what fan-out looks at.
func (r *Reader) AllEndpoints(ctx context.Context, app hookswitch.Key) ([]*hookswitch.Endpoint, error) {
	return scanAll(ctx, r, r.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE app_id = $1 AND deleted_at = 0 ORDER BY id`, int64(app))
}

// EndpointsByKeys are the endpoints of an app with the keys, deleted ones included.
func (r *Reader) EndpointsByKeys(ctx context.Context, app hookswitch.Key, keys []hookswitch.Key) ([]*hookswitch.Endpoint, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := []any{int64(app)}
	return scanAll(ctx, r, r.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE app_id = $1 AND id IN `+in(&args, int64s(keys))+` ORDER BY id`, args...)
}

func int64s(keys []hookswitch.Key) []int64 {
	out := make([]int64, len(keys))
	for i, k := range keys {
		out[i] = int64(k)
	}
	return out
}

// SenderWebhook is the webhook of a sender.
func (r *Reader) SenderWebhook(ctx context.Context, app, sender hookswitch.Key) (*hookswitch.Endpoint, error) {
	e, err := r.scanEndpoint(r.q.QueryRowContext(ctx, `SELECT `+endpointColumns+` FROM endpoints WHERE app_id = $1 AND sender_id = $2 AND deleted_at = 0`, int64(app), int64(sender)))
	return e, readErr(err, "webhook")
}

// SenderWebhooks are the webhooks of those of the senders that have one.
func (r *Reader) SenderWebhooks(ctx context.Context, app hookswitch.Key, senders []hookswitch.Key) ([]*hookswitch.Endpoint, error) {
	if len(senders) == 0 {
		return nil, nil
	}
	args := []any{int64(app)}
	return scanAll(ctx, r, r.scanEndpoint, `SELECT `+endpointColumns+` FROM endpoints WHERE app_id = $1 AND deleted_at = 0 AND sender_id <> 0 AND sender_id IN `+in(&args, int64s(senders)), args...)
}

// InsertEndpoint stores a new endpoint. The error is of kind Conflict when its uid is taken.
func (tx *Tx) InsertEndpoint(e *hookswitch.Endpoint) error {
	sealed, err := tx.sealEndpoint(e)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO endpoints (id, app_id, sender_id, profile, uid, url, description, disabled, disabled_by, event_types, tags, metadata, throttle_rate,
		version, signature_version, sealed, fail_since, last_ok, canceled_upto, created_at, updated_at, deleted_at, ordered)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0, $17, $18, $19, 0, $20)`,
		int64(e.Key), int64(e.App), int64(e.Sender), string(e.Profile), nullText(e.UID), e.URL, e.Description, e.Disabled, e.DisabledBy, listText(e.EventTypes),
		listText(e.Tags), pairsText(e.Metadata), e.ThrottleRate, e.Version, e.SignatureVersion, sealed, int64(e.CanceledUpto), millis(e.CreatedAt), millis(e.UpdatedAt), e.Ordered)
	return tx.unique(err, "an endpoint with this uid exists already")
}

// UpdateEndpoint stores the changed fields of an endpoint, its failure clock among them.
func (tx *Tx) UpdateEndpoint(e *hookswitch.Endpoint) error {
	sealed, err := tx.sealEndpoint(e)
	if err != nil {
		return err
	}
	err = tx.execOne("endpoint", `UPDATE endpoints SET uid = $3, url = $4, description = $5, disabled = $6, disabled_by = $7, event_types = $8, tags = $9, metadata = $10,
		throttle_rate = $11, version = $12, signature_version = $13, sealed = $14, fail_since = $15, canceled_upto = $16, updated_at = $17, ordered = $18
		WHERE id = $1 AND app_id = $2 AND deleted_at = 0`,
		int64(e.Key), int64(e.App), nullText(e.UID), e.URL, e.Description, e.Disabled, e.DisabledBy, listText(e.EventTypes), listText(e.Tags), pairsText(e.Metadata),
		e.ThrottleRate, e.Version, e.SignatureVersion, sealed, millis(e.FailSince), int64(e.CanceledUpto), millis(e.UpdatedAt), e.Ordered)
	return tx.unique(err, "an endpoint with this uid exists already")
}

// DeleteEndpoint hides an endpoint and frees its uid. What it was owed at or below upto reads as canceled.
func (tx *Tx) DeleteEndpoint(app, key, upto hookswitch.Key, now time.Time) error {
	return tx.execOne("endpoint", `UPDATE endpoints SET deleted_at = $3, canceled_upto = $4 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`,
		int64(key), int64(app), millis(now), int64(upto))
}

// CancelUpto makes what an endpoint is owed of events at or below upto read as canceled, but for tries asked for by hand. It is one step, however much that is.
func (tx *Tx) CancelUpto(app, key, upto hookswitch.Key) error {
	return tx.execOne("endpoint", `UPDATE endpoints SET canceled_upto = CASE WHEN canceled_upto < $3 THEN $3 ELSE canceled_upto END WHERE id = $1 AND app_id = $2 AND deleted_at = 0`,
		int64(key), int64(app), int64(upto))
}

// LastOK is when a delivery to the endpoint last succeeded, to the minute; zero: never.
func (tx *Tx) LastOK(app, endpoint hookswitch.Key) (time.Time, error) {
	var ms int64
	err := tx.q.QueryRowContext(tx.ctx, `SELECT last_ok FROM endpoints WHERE id = $1 AND app_id = $2`, int64(endpoint), int64(app)).Scan(&ms)
	return fromMillis(ms), readErr(err, "endpoint")
}

// CancelPending ends up to limit of what waits for a target: it reads as canceled already, and now leaves the queue. It returns how many.
func (tx *Tx) CancelPending(kind hookswitch.DeliveryKind, target, upto hookswitch.Key, limit int) (int, error) {
	n, err := tx.exec(`UPDATE deliveries SET state = $4, next_at = 0 WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND manual = FALSE AND subject IN (
		SELECT subject FROM deliveries WHERE kind = $1 AND target = $2 AND owner = 0 AND state = 0 AND manual = FALSE AND subject <= $3 LIMIT $5)`,
		int64(kind), int64(target), int64(upto), int64(hookswitch.DeliveryCanceled), limit)
	return int(n), err
}

// Stats are the counts of attempts on an endpoint of an app between two times, to the hour, by result.
func (r *Reader) Stats(ctx context.Context, app, endpoint hookswitch.Key, since, until time.Time) (ok, failed int64, err error) {
	var a, b sql.NullInt64
	err = r.q.QueryRowContext(ctx, `SELECT SUM(ok), SUM(failed) FROM counters WHERE endpoint_id = $1 AND hour >= $2 AND hour <= $3
		AND EXISTS (SELECT 1 FROM endpoints WHERE id = $1 AND app_id = $4)`,
		int64(endpoint), since.UnixMilli()/time.Hour.Milliseconds(), until.UnixMilli()/time.Hour.Milliseconds(), int64(app)).Scan(&a, &b)
	return a.Int64, b.Int64, readErr(err, "endpoint")
}
