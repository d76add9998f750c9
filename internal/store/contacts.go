package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
)

const contactColumns = `id, app_id, name, display_name, default_channel, metadata, created_at, updated_at`

func scanContact(row rowScanner) (*hookswitch.Contact, error) {
	var c hookswitch.Contact
	var metadata string
	var created, updated int64
	err := row.Scan(&c.Key, &c.App, &c.Name, &c.DisplayName, &c.DefaultChannel, &metadata, &created, &updated)
	c.Metadata, c.CreatedAt, c.UpdatedAt = textPairs(metadata), fromMillis(created), fromMillis(updated)
	return &c, err
}

const identifierColumns = `contact_id, id, channel, value, is_primary, verified, label, country_code, metadata, last_inbound_at, opted_out_at, created_at, updated_at`

// owned is an identifier and whose it is.
type owned struct {
	contact hookswitch.Key
	hookswitch.Identifier
}

func scanIdentifier(row rowScanner) (id owned, err error) {
	var metadata string
	var last, out, created, updated int64
	err = row.Scan(&id.contact, &id.Key, &id.Channel, &id.Value, &id.Primary, &id.Verified, &id.Label, &id.CountryCode, &metadata, &last, &out, &created, &updated)
	id.Metadata, id.LastInboundAt, id.OptedOutAt, id.CreatedAt, id.UpdatedAt = textPairs(metadata), fromMillis(last), fromMillis(out), fromMillis(created), fromMillis(updated)
	return id, err
}

// Contact is a person of an app with all identifiers.
func (r *Reader) Contact(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Contact, error) {
	list, err := r.ContactsByKeys(ctx, app, []hookswitch.Key{key})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, hookswitch.NotFoundf("contact not found")
	}
	return list[0], nil
}

// Contacts lists the people of an app with all identifiers.
func (r *Reader) Contacts(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Contact, error) {
	args := []any{int64(app)}
	list, err := scanAll(ctx, r, scanContact, `SELECT `+contactColumns+` FROM contacts WHERE app_id = $1`+p.clause("id", &args), args...)
	if err != nil {
		return nil, err
	}
	return list, r.identify(ctx, app, list)
}

// ContactsByKeys are the people of an app with the keys, in their order, with all identifiers. Those that do not exist are left out.
func (r *Reader) ContactsByKeys(ctx context.Context, app hookswitch.Key, keys []hookswitch.Key) ([]*hookswitch.Contact, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := []any{int64(app)}
	list, err := scanAll(ctx, r, scanContact, `SELECT `+contactColumns+` FROM contacts WHERE app_id = $1 AND id IN `+padded(&args, int64s(keys)), args...)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b *hookswitch.Contact) int {
		return cmp.Compare(slices.Index(keys, a.Key), slices.Index(keys, b.Key))
	})
	return list, r.identify(ctx, app, list)
}

// identify gives contacts their identifiers, in the order of channels and values.
func (r *Reader) identify(ctx context.Context, app hookswitch.Key, list []*hookswitch.Contact) error {
	if len(list) == 0 {
		return nil
	}
	by := make(map[hookswitch.Key]*hookswitch.Contact, len(list))
	keys := make([]hookswitch.Key, len(list))
	for i, c := range list {
		by[c.Key], keys[i] = c, c.Key
	}
	args := []any{int64(app)}
	ids, err := scanAll(ctx, r, scanIdentifier, `SELECT `+identifierColumns+` FROM identifiers WHERE app_id = $1 AND contact_id IN `+padded(&args, int64s(keys))+` ORDER BY channel, value`, args...)
	for _, id := range ids {
		c := by[id.contact]
		c.Identifiers = append(c.Identifiers, id.Identifier)
	}
	return err
}

// ContactBy is the key of the person known on the channel by value, or an error of kind NotFound.
func (r *Reader) ContactBy(ctx context.Context, app hookswitch.Key, ch hookswitch.Channel, value string) (hookswitch.Key, error) {
	var key hookswitch.Key
	err := r.q.QueryRowContext(ctx, `SELECT contact_id FROM identifiers WHERE app_id = $1 AND channel = $2 AND value = $3`, int64(app), string(ch), clean(value)).Scan(&key)
	return key, readErr(err, "contact")
}

// selectByPhone looks at one channel after the other, each of which is one step into the index: of a list of channels PostgreSQL makes a search through all that the App knows.
const selectByPhone = `SELECT contact_id, channel FROM identifiers WHERE app_id = $1 AND channel = 'sms' AND value = $2
	UNION ALL SELECT contact_id, channel FROM identifiers WHERE app_id = $1 AND channel = 'whatsapp' AND value = $2
	UNION ALL SELECT contact_id, channel FROM identifiers WHERE app_id = $1 AND channel = 'voice' AND value = $2
	UNION ALL SELECT contact_id, channel FROM identifiers WHERE app_id = $1 AND channel = 'ussd' AND value = $2`

// ContactByPhone is the key of the person known by the number on any channel where people are known by their numbers, or an error of kind NotFound.
func (r *Reader) ContactByPhone(ctx context.Context, app hookswitch.Key, phone string) (hookswitch.Key, error) {
	key, _, err := r.ContactWithPhone(ctx, app, "", phone)
	return key, err
}

// ContactWithPhone is ContactByPhone, where possible of whom the channel itself knows by the number, and whether it does.
func (r *Reader) ContactWithPhone(ctx context.Context, app hookswitch.Key, ch hookswitch.Channel, phone string) (key hookswitch.Key, here bool, err error) {
	rows, err := scanAll(ctx, r, func(row rowScanner) (o owned, err error) {
		err = row.Scan(&o.contact, &o.Channel)
		return o, err
	}, selectByPhone, int64(app), clean(phone))
	if err != nil {
		return 0, false, err
	}
	for _, o := range rows { // one for each channel at most
		if same := o.Channel == ch; key == 0 || same && !here || same == here && o.contact < key {
			key, here = o.contact, same
		}
	}
	if key == 0 {
		return 0, false, hookswitch.NotFoundf("contact not found")
	}
	return key, here, nil
}

// InsertContact stores a new person, known on the channel by value.
func (tx *Tx) InsertContact(c *hookswitch.Contact, ch hookswitch.Channel, value string) error {
	return tx.InsertContactSeen(c, ch, value, time.Time{})
}

// InsertContactSeen stores a new person, known on the channel by value, who has written at the time seen; zero: has not.
func (tx *Tx) InsertContactSeen(c *hookswitch.Contact, ch hookswitch.Channel, value string, seen time.Time) error {
	if err := tx.write(`INSERT INTO contacts (`+contactColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(c.Key), int64(c.App), clean(c.Name), clean(c.DisplayName), string(c.DefaultChannel), pairsText(c.Metadata), millis(c.CreatedAt), millis(c.UpdatedAt)); err != nil {
		return err
	}
	if err := tx.write(`INSERT INTO identifiers (app_id, channel, value, contact_id, last_inbound_at, id, is_primary, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $4, TRUE, $6, $6) ON CONFLICT DO NOTHING`,
		int64(c.App), string(ch), clean(value), int64(c.Key), millis(seen), millis(c.CreatedAt)); err != nil {
		return err
	}
	return tx.indexLater(c.App, c.Key)
}

// UpdateContact stores the changed fields of a person: how the App calls them, where it would rather write to them, and its metadata.
func (tx *Tx) UpdateContact(c *hookswitch.Contact) error {
	if err := tx.execOne("contact", `UPDATE contacts SET display_name = $3, default_channel = $4, metadata = $5, updated_at = $6 WHERE id = $1 AND app_id = $2`,
		int64(c.Key), int64(c.App), clean(c.DisplayName), string(c.DefaultChannel), pairsText(c.Metadata), millis(c.UpdatedAt)); err != nil {
		return err
	}
	return tx.indexLater(c.App, c.Key)
}

// DeleteContact removes a person with all that they are known by. Their conversations have to be gone.
func (tx *Tx) DeleteContact(app, key hookswitch.Key) error {
	for _, statement := range []string{
		`DELETE FROM identifiers WHERE contact_id = $1 AND app_id = $2`,
		`DELETE FROM contacts_to_index WHERE contact_id = $1 AND app_id = $2`, // first: whoever indexes them at this moment is waited for
		`DELETE FROM contact_terms WHERE contact_id = $1 AND app_id = $2`,
	} {
		if _, err := tx.exec(statement, int64(key), int64(app)); err != nil {
			return err
		}
	}
	return tx.execOne("contact", `DELETE FROM contacts WHERE id = $1 AND app_id = $2`, int64(key), int64(app))
}

// AddIdentifier makes a person known on the channel by value too, under a key. A value that belongs to another person stays theirs.
func (tx *Tx) AddIdentifier(app, contact hookswitch.Key, ch hookswitch.Channel, value string, key hookswitch.Key, now time.Time) error {
	n, err := tx.exec(`INSERT INTO identifiers (app_id, channel, value, contact_id, last_inbound_at, id, is_primary, created_at, updated_at)
		SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT), 0, CAST($5 AS BIGINT),
			NOT EXISTS (SELECT 1 FROM identifiers WHERE contact_id = $4 AND channel = $2), CAST($6 AS BIGINT), CAST($6 AS BIGINT) ON CONFLICT DO NOTHING`,
		int64(app), string(ch), clean(value), int64(contact), int64(key), millis(now))
	if err != nil || n == 0 {
		return err
	}
	return tx.indexLater(app, contact)
}

// UpdateIdentifier stores what may change of how a person is known.
func (tx *Tx) UpdateIdentifier(app, contact hookswitch.Key, id *hookswitch.Identifier) error {
	return tx.execOne("contact channel", `UPDATE identifiers SET is_primary = $4, verified = $5, label = $6, country_code = $7, metadata = $8, updated_at = $9
		WHERE contact_id = $2 AND app_id = $1 AND id = $3`,
		int64(app), int64(contact), int64(id.Key), id.Primary, id.Verified, clean(id.Label), clean(id.CountryCode), pairsText(id.Metadata), millis(id.UpdatedAt))
}

// SetPrimary makes one of a person's identifiers the one to use on its channel.
func (tx *Tx) SetPrimary(app, contact hookswitch.Key, id *hookswitch.Identifier) error {
	n, err := tx.exec(`UPDATE identifiers SET is_primary = (id = $4), updated_at = $5 WHERE contact_id = $2 AND app_id = $1 AND channel = $3 AND is_primary <> (id = $4)`,
		int64(app), int64(contact), string(id.Channel), int64(id.Key), millis(id.UpdatedAt))
	_ = n // it may be so already
	return err
}

// RemoveIdentifier makes a person no longer known by an identifier.
func (tx *Tx) RemoveIdentifier(app, contact, key hookswitch.Key) error {
	if err := tx.execOne("contact channel", `DELETE FROM identifiers WHERE contact_id = $2 AND app_id = $1 AND id = $3`, int64(app), int64(contact), int64(key)); err != nil {
		return err
	}
	return tx.indexLater(app, contact)
}

// GiveIdentifiers makes all that one person is known by what another is known by too. On channels where that one has a primary identifier it stays that.
func (tx *Tx) GiveIdentifiers(app, from, to hookswitch.Key) error {
	if _, err := tx.exec(`UPDATE identifiers SET contact_id = $3,
			is_primary = (is_primary AND NOT EXISTS (SELECT 1 FROM identifiers o WHERE o.contact_id = $3 AND o.channel = identifiers.channel))
		WHERE contact_id = $2 AND app_id = $1`, int64(app), int64(from), int64(to)); err != nil {
		return err
	}
	return tx.indexLater(app, to)
}

// SeeContact notes that a person has written, and under what name.
func (tx *Tx) SeeContact(app, contact hookswitch.Key, ch hookswitch.Channel, value, name string, now time.Time) error {
	if err := tx.write(`UPDATE identifiers SET last_inbound_at = $4 WHERE app_id = $1 AND channel = $2 AND value = $3`, int64(app), string(ch), clean(value), millis(now)); err != nil {
		return err
	}
	if name == "" {
		return nil
	}
	n, err := tx.exec(`UPDATE contacts SET name = $3, updated_at = $4 WHERE id = $1 AND app_id = $2 AND name <> $3`, int64(contact), int64(app), clean(name), millis(now))
	if err != nil || n == 0 {
		return err
	}
	return tx.indexLater(app, contact)
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
	err = r.q.QueryRowContext(ctx, selectOptedOut, int64(app), int64(contact), string(ch)).Scan(&at, &message)
	return fromMillis(at), message, err
}

const selectOptedOut = `SELECT COALESCE(MAX(opted_out_at), 0), COALESCE(MAX(opted_out_by), 0) FROM identifiers WHERE contact_id = $2 AND app_id = $1 AND channel = $3`
