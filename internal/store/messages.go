package store

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

const messageColumns = `id, app_id, sender_id, route_id, conversation_id, contact_id, direction, channel, type, status, from_address, to_address, body, content,
	metadata, provider_id, provider_at, profile_name, in_reply_to, error_code, error_text, parts, review, test, fallback, edited_at, deleted_at, created_at, updated_at`

func scanMessage(row rowScanner) (*hookswitch.Message, error) {
	var m hookswitch.Message
	var content []byte
	var metadata string
	var at, edited, deleted, created, updated int64
	err := row.Scan(&m.Key, &m.App, &m.Sender, &m.Route, &m.Conversation, &m.Contact, &m.Direction, &m.Channel, &m.Type, &m.Status, &m.From, &m.To, &m.Text, &content,
		&metadata, &m.ProviderID, &at, &m.ProfileName, &m.InReplyTo, &m.ErrorCode, &m.ErrorText, &m.Parts, &m.Review, &m.Test, &m.Fallback, &edited, &deleted, &created, &updated)
	if len(content) > 0 {
		m.Content = json.RawMessage(content)
	}
	m.EditedAt, m.DeletedAt = fromMillis(edited), fromMillis(deleted)
	m.Metadata, m.ProviderAt, m.CreatedAt, m.UpdatedAt = textPairs(metadata), fromMillis(at), fromMillis(created), fromMillis(updated)
	return &m, err
}

// Message is a message of an app.
func (r *Reader) Message(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Message, error) {
	m, err := scanMessage(r.q.QueryRowContext(ctx, `SELECT `+messageColumns+` FROM messages WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return m, readErr(err, "message")
}

// MessageByProviderID is the message that one of the routes carried under the provider's id, the newest where there are several.
func (r *Reader) MessageByProviderID(ctx context.Context, providerID string, direction hookswitch.Direction, routes []hookswitch.Key) (*hookswitch.Message, error) {
	if providerID == "" || len(routes) == 0 {
		return nil, hookswitch.NotFoundf("message not found")
	}
	args := []any{clean(providerID), string(direction)}
	m, err := scanMessage(r.q.QueryRowContext(ctx, `SELECT `+messageColumns+` FROM messages WHERE provider_id = $1 AND direction = $2 AND provider_id <> '' AND route_id IN `+
		in(&args, int64s(routes))+` ORDER BY id DESC LIMIT 1`, args...))
	return m, readErr(err, "message")
}

// MessageFilter narrows a list of messages.
type MessageFilter struct {
	Conversation hookswitch.Key
	Channel      hookswitch.Channel
	Status       hookswitch.MessageStatus
	To           string
}

// messageStatuses are all that a message may have.
var messageStatuses = []hookswitch.MessageStatus{hookswitch.StatusReceived, hookswitch.StatusQueued, hookswitch.StatusSending, hookswitch.StatusSent, hookswitch.StatusDelivered,
	hookswitch.StatusRead, hookswitch.StatusFailed}

// messageChannels are all that a message may have.
var messageChannels = append(slices.Clone(hookswitch.Channels), hookswitch.SMSOneWay)

// Messages lists the messages of an app. However many there are, it looks at few more than it returns: those of a conversation and those to one person are found by these, all others by
// channel and status.
func (r *Reader) Messages(ctx context.Context, app hookswitch.Key, f MessageFilter, p Page) ([]*hookswitch.Message, error) {
	if f.Conversation == 0 && f.To == "" && (f.Channel != "" || f.Status != "") {
		return r.messagesByStatus(ctx, app, f, p)
	}
	args := []any{int64(app)}
	var where strings.Builder
	add := func(column string, value any) {
		args = append(args, value)
		where.WriteString(" AND " + column + " = $" + strconv.Itoa(len(args)))
	}
	if f.Conversation != 0 {
		add("conversation_id", int64(f.Conversation))
	}
	if f.Channel != "" {
		add("channel", string(f.Channel))
	}
	if f.Status != "" {
		add("status", string(f.Status))
	}
	if f.To != "" {
		add("to_address", f.To)
	}
	return scanAll(ctx, r, scanMessage, `SELECT `+messageColumns+` FROM messages WHERE app_id = $1`+where.String()+p.clause("id", &args), args...)
}

// messagesByStatus is Messages for a filter of channel and status alone. The index has the keys in order only for both of them, so what the filter leaves open is asked for one by one.
func (r *Reader) messagesByStatus(ctx context.Context, app hookswitch.Key, f MessageFilter, p Page) ([]*hookswitch.Message, error) {
	channels, statuses := []hookswitch.Channel{f.Channel}, []hookswitch.MessageStatus{f.Status}
	if f.Channel == "" {
		channels = messageChannels
	}
	if f.Status == "" {
		statuses = messageStatuses
	}
	args := []any{int64(app)}
	clause := p.clause("id", &args)
	var parts []string
	for _, ch := range channels {
		args = append(args, string(ch))
		channel := placeholder(args)
		for _, st := range statuses {
			args = append(args, string(st))
			parts = append(parts, `SELECT id FROM (SELECT id FROM messages WHERE app_id = $1 AND channel = `+channel+` AND status = `+placeholder(args)+clause+`) AS part`)
		}
	}
	order := " DESC"
	if p.Ascending {
		order = " ASC"
	}
	args = append(args, p.Limit)
	keys, err := scanAll(ctx, r, scanKeyOnly, `SELECT id FROM (`+strings.Join(parts, ` UNION ALL `)+`) AS found ORDER BY id`+order+` LIMIT `+placeholder(args), args...)
	if err != nil {
		return nil, err
	}
	return r.MessagesByKeys(ctx, app, keys)
}

func scanKeyOnly(row rowScanner) (key hookswitch.Key, err error) {
	err = row.Scan(&key)
	return key, err
}

// MessagesByKeys are the messages of an app with the keys, in their order. Those that do not exist are left out.
func (r *Reader) MessagesByKeys(ctx context.Context, app hookswitch.Key, keys []hookswitch.Key) ([]*hookswitch.Message, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	args := []any{int64(app)}
	list, err := scanAll(ctx, r, scanMessage, `SELECT `+messageColumns+` FROM messages WHERE app_id = $1 AND id IN `+padded(&args, int64s(keys)), args...)
	slices.SortFunc(list, func(a, b *hookswitch.Message) int {
		return cmp.Compare(slices.Index(keys, a.Key), slices.Index(keys, b.Key))
	})
	return list, err
}

// InsertMessage stores a new message, and that its conversation has gone over its channel.
// maxLine is how much of a message's text a history shows, in characters.
const maxLine = "4000"

// History are up to limit messages of a conversation before one, where that is not 0, and our answers to them, oldest first, without those that were taken back. heard says that the
// person has written before, taken back or not, however long ago.
func (r *Reader) History(ctx context.Context, app, conversation, before hookswitch.Key, limit int) (lines []hookswitch.Line, heard bool, err error) {
	if before == 0 {
		before = math.MaxInt64
	}
	list, err := scanAll(ctx, r, func(row rowScanner) (l historyLine, err error) {
		var created int64
		err = row.Scan(&l.Direction, &l.Type, &l.Text, &l.answers, &l.deleted, &created)
		l.At = fromMillis(created)
		return l, err
	}, `SELECT direction, type, substr(body, 1, `+maxLine+`), in_reply_to, deleted_at, created_at FROM messages WHERE conversation_id = $1 AND app_id = $2
		AND (id < $3 OR in_reply_to <> 0 AND in_reply_to < $3) ORDER BY id DESC LIMIT $4`, int64(conversation), int64(app), int64(before), limit)
	for _, l := range slices.Backward(list) {
		heard = heard || l.Direction == hookswitch.Inbound
		if l.deleted == 0 {
			l.Answer = l.Direction == hookswitch.Outbound && l.answers != 0
			lines = append(lines, l.Line)
		}
	}
	if err == nil && !heard && len(list) == limit {
		heard, err = r.heard(ctx, app, conversation, before)
	}
	return lines, heard, err
}

// heard reports whether the person of a conversation has written anything before a message. It looks from the conversation's beginning on, which is where people write first.
func (r *Reader) heard(ctx context.Context, app, conversation, before hookswitch.Key) (heard bool, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM messages WHERE conversation_id = $1 AND id < $3 AND app_id = $2 AND direction = $4)`,
		int64(conversation), int64(app), int64(before), string(hookswitch.Inbound)).Scan(&heard)
	return heard, readErr(err, "conversation")
}

type historyLine struct {
	hookswitch.Line
	answers, deleted int64
}

// InsertMessage stores a new message.
func (tx *Tx) InsertMessage(m *hookswitch.Message) error {
	if err := tx.write(`INSERT INTO messages (id, app_id, sender_id, route_id, conversation_id, contact_id, direction, channel, type, status, from_address, to_address, body, content,
		metadata, provider_id, provider_at, profile_name, in_reply_to, error_code, error_text, parts, review, test, fallback, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)`,
		int64(m.Key), int64(m.App), int64(m.Sender), int64(m.Route), int64(m.Conversation), int64(m.Contact), string(m.Direction), string(m.Channel), m.Type,
		string(m.Status), clean(m.From), clean(m.To), clean(m.Text), notNil(m.Content), pairsText(m.Metadata), clean(m.ProviderID), millis(m.ProviderAt),
		clean(m.ProfileName), int64(m.InReplyTo), clean(m.ErrorCode), clean(m.ErrorText), m.Parts, m.Review,
		m.Test, m.Fallback, millis(m.CreatedAt), millis(m.UpdatedAt)); err != nil {
		return err
	}
	return tx.seeChannel(m)
}

// RerouteMessage stores that a message goes out on another channel than it was to: its channel, route, recipient and provider's id.
func (tx *Tx) RerouteMessage(m *hookswitch.Message) error {
	if err := tx.execOne("message", `UPDATE messages SET channel = $3, route_id = $4, to_address = $5, provider_id = $6, updated_at = $7 WHERE id = $1 AND app_id = $2`,
		int64(m.Key), int64(m.App), string(m.Channel), int64(m.Route), clean(m.To), clean(m.ProviderID), millis(m.UpdatedAt)); err != nil {
		return err
	}
	return tx.seeChannel(m)
}

// UpdateMessage stores what may change of a message after it was made, which this transaction has read: how far it has come.
func (tx *Tx) UpdateMessage(m *hookswitch.Message) error {
	return tx.write(`UPDATE messages SET route_id = $3, status = $4, provider_id = $5, error_code = $6, error_text = $7, updated_at = $8, parts = $9 WHERE id = $1 AND app_id = $2`,
		int64(m.Key), int64(m.App), int64(m.Route), string(m.Status), clean(m.ProviderID), clean(m.ErrorCode), clean(m.ErrorText), millis(m.UpdatedAt), m.Parts)
}

// ChangeMessage stores that the person has changed a message or taken it back: its text, EditedAt and DeletedAt.
func (tx *Tx) ChangeMessage(m *hookswitch.Message) error {
	return tx.execOne("message", `UPDATE messages SET body = $3, edited_at = $4, deleted_at = $5, updated_at = $6 WHERE id = $1 AND app_id = $2`,
		int64(m.Key), int64(m.App), m.Text, millis(m.EditedAt), millis(m.DeletedAt), millis(m.UpdatedAt))
}

// InsertMessageVersion keeps what a message read before it was changed.
func (tx *Tx) InsertMessageVersion(key, app hookswitch.Key, v hookswitch.MessageVersion) error {
	_, err := tx.exec(`INSERT INTO message_versions (id, app_id, message_id, body, until_at) VALUES ($1, $2, $3, $4, $5)`,
		int64(key), int64(app), int64(v.Message), v.Text, millis(v.Until))
	return err
}

// MessageVersions are what a message of an app read before it was changed, oldest first.
func (r *Reader) MessageVersions(ctx context.Context, app, message hookswitch.Key) ([]hookswitch.MessageVersion, error) {
	return scanAll(ctx, r, func(row rowScanner) (v hookswitch.MessageVersion, err error) {
		var until int64
		err = row.Scan(&v.Message, &v.Text, &until)
		v.Until = fromMillis(until)
		return v, err
	}, `SELECT message_id, body, until_at FROM message_versions WHERE message_id = $1 AND app_id = $2 ORDER BY id`, int64(message), int64(app))
}

// InsertReceipt keeps a provider's report.
func (tx *Tx) InsertReceipt(r *hookswitch.Receipt) error {
	return tx.write(`INSERT INTO receipts (`+receiptColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		int64(r.Key), int64(r.App), int64(r.Route), int64(r.Message), clean(r.ProviderID), string(r.Status), millis(r.At), clean(r.ErrorCode), clean(r.ErrorText),
		int64(r.HeldBy), string(r.Channel), clean(r.Recipient))
}

const receiptColumns = `id, app_id, route_id, message_id, provider_id, status, at, error_code, error_text, held_by, channel, recipient`

func scanReceipt(row rowScanner) (hookswitch.Receipt, error) {
	var r hookswitch.Receipt
	var at int64
	err := row.Scan(&r.Key, &r.App, &r.Route, &r.Message, &r.ProviderID, &r.Status, &at, &r.ErrorCode, &r.ErrorText, &r.HeldBy, &r.Channel, &r.Recipient)
	r.At = fromMillis(at)
	return r, err
}

// Receipts are the reports about a message, oldest first.
func (r *Reader) Receipts(ctx context.Context, message hookswitch.Key) ([]hookswitch.Receipt, error) {
	// SQLite would plan it anew for each message: there is an index of those WHERE message_id = 0, which a bound value might be. An expression it takes as it comes.
	return scanAll(ctx, r, scanReceipt, `SELECT `+receiptColumns+` FROM receipts WHERE message_id = CAST($1 AS BIGINT) ORDER BY id`, int64(message))
}

// AdoptReceipts gives a message the reports that came before its provider's id was known, and returns them, oldest first.
func (tx *Tx) AdoptReceipts(message, route hookswitch.Key, providerID string) ([]hookswitch.Receipt, error) {
	if providerID = clean(providerID); providerID == "" {
		return nil, nil
	}
	list, err := scanAll(tx.ctx, &tx.Reader, scanReceipt, `SELECT `+receiptColumns+` FROM receipts WHERE provider_id = $1 AND message_id = 0 AND route_id = $2 ORDER BY id`,
		providerID, int64(route))
	if err != nil || len(list) == 0 {
		return nil, err
	}
	_, err = tx.exec(`UPDATE receipts SET message_id = $1, held_by = 0 WHERE provider_id = $2 AND message_id = 0 AND route_id = $3`, int64(message), providerID, int64(route))
	return list, err
}

// HeldReceipts are the reports that a conversation holds, oldest first.
func (r *Reader) HeldReceipts(ctx context.Context, conversation hookswitch.Key) ([]hookswitch.Receipt, error) {
	return scanAll(ctx, r, scanReceipt, `SELECT `+receiptColumns+` FROM receipts WHERE held_by = $1 AND held_by <> 0 ORDER BY id`, int64(conversation))
}

// ReleaseReceipt has a report wait for nothing any more.
func (tx *Tx) ReleaseReceipt(key hookswitch.Key) error {
	return tx.execOne("receipt", `UPDATE receipts SET held_by = 0 WHERE id = $1`, int64(key))
}

// InsertStray keeps a genuine push, or a part of one, that belongs to no route or could not be read.
func (tx *Tx) InsertStray(key hookswitch.Key, provider, door, reason string, body []byte) error {
	_, err := tx.exec(`INSERT INTO strays (id, provider, door, reason, body) VALUES ($1, $2, $3, $4, $5)`, int64(key), provider, door, clean(reason), notNil(body))
	return err
}

// Stray is a genuine push that was kept aside.
type Stray struct {
	Key      hookswitch.Key
	Provider string
	Door     string
	Reason   string
	Body     []byte
}

func scanStray(row rowScanner) (s Stray, err error) {
	err = row.Scan(&s.Key, &s.Provider, &s.Door, &s.Reason, &s.Body)
	return s, err
}

// Stray is what was kept aside under the key.
func (r *Reader) Stray(ctx context.Context, key hookswitch.Key) (Stray, error) {
	s, err := scanStray(r.q.QueryRowContext(ctx, `SELECT id, provider, door, reason, body FROM strays WHERE id = $1`, int64(key)))
	return s, readErr(err, "stray")
}

// DeleteStray forgets what was kept aside under the key.
func (tx *Tx) DeleteStray(key hookswitch.Key) error {
	return tx.execOne("stray", `DELETE FROM strays WHERE id = $1`, int64(key))
}

// Strays lists what was kept aside.
func (r *Reader) Strays(ctx context.Context, p Page) ([]Stray, error) {
	var args []any
	return scanAll(ctx, r, scanStray, `SELECT id, provider, door, reason, body FROM strays WHERE TRUE`+p.clause("id", &args), args...)
}
