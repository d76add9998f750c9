package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const conversationColumns = `id, app_id, sender_id, contact_id, handover, unsolved, turn_state, last_inbound_at, inbound, messages, unread, last_message, thread, created_at, updated_at`

func scanConversation(row rowScanner) (*hookswitch.Conversation, error) {
	var c hookswitch.Conversation
	var last, created, updated int64
	err := row.Scan(&c.Key, &c.App, &c.Sender, &c.Contact, &c.Handover, &c.Unsolved, &c.State, &last, &c.Inbound, &c.Messages, &c.Unread, &c.LastMessage, &c.Thread, &created, &updated)
	c.LastInboundAt, c.CreatedAt, c.UpdatedAt = fromMillis(last), fromMillis(created), fromMillis(updated)
	return &c, err
}

// Conversation is a conversation of an app.
func (r *Reader) Conversation(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Conversation, error) {
	c, err := scanConversation(r.q.QueryRowContext(ctx, `SELECT `+conversationColumns+` FROM conversations WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return c, readErr(err, "conversation")
}

// ConversationOf is the conversation of a sender and a contact that belongs to no thread.
func (r *Reader) ConversationOf(ctx context.Context, sender, contact hookswitch.Key) (*hookswitch.Conversation, error) {
	c, err := scanConversation(r.q.QueryRowContext(ctx, `SELECT `+conversationColumns+` FROM conversations WHERE sender_id = $1 AND contact_id = $2 AND thread = ''`, int64(sender), int64(contact)))
	return c, readErr(err, "conversation")
}

// ConversationByThread is the conversation of a sender that somebody else calls thread, whoever the contact is.
func (r *Reader) ConversationByThread(ctx context.Context, sender hookswitch.Key, thread string) (*hookswitch.Conversation, error) {
	c, err := scanConversation(r.q.QueryRowContext(ctx, `SELECT `+conversationColumns+` FROM conversations WHERE sender_id = $1 AND thread = $2 AND thread <> ''`, int64(sender), clean(thread)))
	return c, readErr(err, "conversation")
}

// LastConversationOf is the newest conversation of a sender and a contact on the channel, of whatever thread.
func (r *Reader) LastConversationOf(ctx context.Context, sender, contact hookswitch.Key, ch hookswitch.Channel) (*hookswitch.Conversation, error) {
	c, err := scanConversation(r.q.QueryRowContext(ctx, `SELECT `+conversationColumns+` FROM conversations WHERE sender_id = $1 AND contact_id = $2
		AND EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = conversations.id AND m.channel = $3) ORDER BY updated_at DESC, id DESC LIMIT 1`,
		int64(sender), int64(contact), string(ch)))
	return c, readErr(err, "conversation")
}

// Conversations lists the conversations of an app.
func (r *Reader) Conversations(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Conversation, error) {
	args := []any{int64(app)}
	return scanAll(ctx, r, scanConversation, `SELECT `+conversationColumns+` FROM conversations WHERE app_id = $1`+p.clause("id", &args), args...)
}

// InsertConversation stores a new conversation.
func (tx *Tx) InsertConversation(c *hookswitch.Conversation) error {
	_, err := tx.exec(`INSERT INTO conversations (id, app_id, sender_id, contact_id, handover, unsolved, turn_state, last_inbound_at, inbound, messages, unread, last_message, thread, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		int64(c.Key), int64(c.App), int64(c.Sender), int64(c.Contact), c.Handover, c.Unsolved, clean(c.State), millis(c.LastInboundAt), c.Inbound, c.Messages, c.Unread, int64(c.LastMessage), clean(c.Thread),
		millis(c.CreatedAt), millis(c.UpdatedAt))
	return err
}

// UpdateConversation stores the changed fields of a conversation.
func (tx *Tx) UpdateConversation(c *hookswitch.Conversation) error {
	return tx.execOne("conversation", `UPDATE conversations SET handover = $3, last_inbound_at = $4, inbound = $5, messages = $6, unread = $7, last_message = $8, updated_at = $9,
		unsolved = $10, turn_state = $11 WHERE id = $1 AND app_id = $2`,
		int64(c.Key), int64(c.App), c.Handover, millis(c.LastInboundAt), c.Inbound, c.Messages, c.Unread, int64(c.LastMessage), millis(c.UpdatedAt),
		c.Unsolved, clean(c.State))
}

// SetHandover gives a conversation to a person, or back. The responder begins anew.
func (tx *Tx) SetHandover(app, key hookswitch.Key, handover bool, now time.Time) error {
	return tx.execOne("conversation", `UPDATE conversations SET handover = $3, unsolved = 0, turn_state = '', updated_at = $4 WHERE id = $1 AND app_id = $2`, int64(key), int64(app), handover, millis(now))
}
