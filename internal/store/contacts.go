package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const contactColumns = `id, app_id, name, metadata, created_at, updated_at`

func scanContact(row rowScanner) (*hookswitch.Contact, error) {
	var c hookswitch.Contact
	var metadata string
	var created, updated int64
	err := row.Scan(&c.Key, &c.App, &c.Name, &metadata, &created, &updated)
	c.Metadata, c.CreatedAt, c.UpdatedAt = textPairs(metadata), fromMillis(created), fromMillis(updated)
	return &c, err
}

// Contact is a person of an app with all identifiers.
func (r *Reader) Contact(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Contact, error) {
	c, err := scanContact(r.q.QueryRowContext(ctx, `SELECT `+contactColumns+` FROM contacts WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	if err != nil {
		return nil, readErr(err, "contact")
	}
	c.Identifiers, err = scanAll(ctx, r, func(row rowScanner) (id hookswitch.Identifier, err error) {
		var last, out int64
		err = row.Scan(&id.Channel, &id.Value, &last, &out)
		id.LastInboundAt, id.OptedOutAt = fromMillis(last), fromMillis(out)
		return id, err
	}, `SELECT channel, value, last_inbound_at, opted_out_at FROM identifiers WHERE contact_id = $1 ORDER BY channel, value`, int64(key))
	return c, err
}

// ContactBy is the key of the person known on the channel by value, or an error of kind NotFound.
func (r *Reader) ContactBy(ctx context.Context, app hookswitch.Key, ch hookswitch.Channel, value string) (hookswitch.Key, error) {
	var key hookswitch.Key
	err := r.q.QueryRowContext(ctx, `SELECT contact_id FROM identifiers WHERE app_id = $1 AND channel = $2 AND value = $3`, int64(app), string(ch), clean(value)).Scan(&key)
	return key, readErr(err, "contact")
}

// InsertContact stores a new person, known on the channel by value.
func (tx *Tx) InsertContact(c *hookswitch.Contact, ch hookswitch.Channel, value string) error {
	if _, err := tx.exec(`INSERT INTO contacts (id, app_id, name, metadata, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		int64(c.Key), int64(c.App), clean(c.Name), pairsText(c.Metadata), millis(c.CreatedAt), millis(c.UpdatedAt)); err != nil {
		return err
	}
	return tx.AddIdentifier(c.App, c.Key, ch, value)
}

// AddIdentifier makes a person known on the channel by value too. A value that belongs to another person stays theirs.
func (tx *Tx) AddIdentifier(app, contact hookswitch.Key, ch hookswitch.Channel, value string) error {
	_, err := tx.exec(`INSERT INTO identifiers (app_id, channel, value, contact_id, last_inbound_at) VALUES ($1, $2, $3, $4, 0) ON CONFLICT DO NOTHING`,
		int64(app), string(ch), clean(value), int64(contact))
	return err
}

// SeeContact notes that a person has written, and under what name.
func (tx *Tx) SeeContact(app, contact hookswitch.Key, ch hookswitch.Channel, value, name string, now time.Time) error {
	if _, err := tx.exec(`UPDATE identifiers SET last_inbound_at = $4 WHERE app_id = $1 AND channel = $2 AND value = $3`, int64(app), string(ch), clean(value), millis(now)); err != nil {
		return err
	}
	if name == "" {
		return nil
	}
	_, err := tx.exec(`UPDATE contacts SET name = $3, updated_at = $4 WHERE id = $1 AND app_id = $2 AND name <> $3`, int64(contact), int64(app), clean(name), millis(now))
	return err
}

// SetOptOut notes that a person wants no messages on the channel since at, as the message with the key said, or, with a zero at, wants them again. Key 0: somebody else said so.
// It concerns all that they are known by there.
func (tx *Tx) SetOptOut(app, contact hookswitch.Key, ch hookswitch.Channel, at time.Time, message hookswitch.Key) error {
	_, err := tx.exec(`UPDATE identifiers SET opted_out_at = $4, opted_out_by = $5 WHERE contact_id = $2 AND app_id = $1 AND channel = $3`,
		int64(app), int64(contact), string(ch), millis(at), int64(message))
	return err
}

// OptedOut tells since when a person wants no messages on the channel, and which message said so, 0 for none. A zero time: they have nothing against them.
func (r *Reader) OptedOut(ctx context.Context, app, contact hookswitch.Key, ch hookswitch.Channel) (since time.Time, message hookswitch.Key, err error) {
	var at int64
	err = r.q.QueryRowContext(ctx, `SELECT COALESCE(MAX(opted_out_at), 0), COALESCE(MAX(opted_out_by), 0) FROM identifiers WHERE contact_id = $2 AND app_id = $1 AND channel = $3`,
		int64(app), int64(contact), string(ch)).Scan(&at, &message)
	return fromMillis(at), message, err
}
