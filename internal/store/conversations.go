package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
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
	return tx.write(`INSERT INTO conversations (id, app_id, sender_id, contact_id, handover, unsolved, turn_state, last_inbound_at, inbound, messages, unread, last_message, thread, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		int64(c.Key), int64(c.App), int64(c.Sender), int64(c.Contact), c.Handover, c.Unsolved, clean(c.State), millis(c.LastInboundAt), c.Inbound, c.Messages, c.Unread, int64(c.LastMessage), clean(c.Thread),
		millis(c.CreatedAt), millis(c.UpdatedAt))
}

// UpdateConversation stores the changed fields of a conversation that this transaction has read.
func (tx *Tx) UpdateConversation(c *hookswitch.Conversation) error {
	return tx.write(`UPDATE conversations SET handover = $3, last_inbound_at = $4, inbound = $5, messages = $6, unread = $7, last_message = $8, updated_at = $9,
		unsolved = $10, turn_state = $11 WHERE id = $1 AND app_id = $2`,
		int64(c.Key), int64(c.App), c.Handover, millis(c.LastInboundAt), c.Inbound, c.Messages, c.Unread, int64(c.LastMessage), millis(c.UpdatedAt),
		c.Unsolved, clean(c.State))
}

// ConversationFilter narrows a list of conversations. Zero: all.
type ConversationFilter struct {
	Sender  hookswitch.Key
	Channel hookswitch.Channel // those that messages on it belong to
	// Handover: only those that a person has taken over.
	Handover bool
}

// ListedConversation is a conversation in a list. The list is in the order of At: the last message or, where the list is of one channel, the last message on it.
type ListedConversation struct {
	*hookswitch.Conversation
	At hookswitch.Key
}

func scanListed(row rowScanner) (ListedConversation, error) {
	var at hookswitch.Key
	c, err := scanConversation(prefixed{row, &at})
	return ListedConversation{c, at}, err
}

// prefixed is a row with a column before those that are asked for.
type prefixed struct {
	rowScanner
	first any
}

func (p prefixed) Scan(dest ...any) error {
	return p.rowScanner.Scan(append([]any{p.first}, dest...)...)
}

// BusyConversations lists the conversations of an app that have messages. The page is bounded by the last message of each, or the last one on the channel.
func (r *Reader) BusyConversations(ctx context.Context, app hookswitch.Key, f ConversationFilter, p Page) ([]ListedConversation, error) {
	args, where := []any{int64(app)}, ""
	if f.Sender != 0 {
		args = append(args, int64(f.Sender))
		where = ` AND x.sender_id = $2`
	}
	if f.Channel == "" {
		if f.Handover {
			where += ` AND x.handover`
		}
		where += p.clause("x.last_message", &args)
		return scanAll(ctx, r, scanListed, `SELECT x.last_message, `+aliased(conversationColumns, "x")+` FROM conversations x WHERE x.app_id = $1 AND x.last_message > 0`+where, args...)
	}
	args = append(args, string(f.Channel))
	where += ` AND x.channel = ` + placeholder(args)
	if f.Handover {
		where += ` AND c.handover`
	}
	where += p.clause("x.last_message", &args)
	return scanAll(ctx, r, scanListed, `SELECT x.last_message, `+aliased(conversationColumns, "c")+` FROM conversation_channels x JOIN conversations c ON c.id = x.conversation_id
		WHERE x.app_id = $1`+where, args...)
}

// ConversationSearch is what is looked for in conversations. What is empty does not matter.
type ConversationSearch struct {
	ConversationFilter
	// Text has to be found in the person, as FindContacts does, or in something that was said: as it stands there, or without regard to the case of its Latin letters.
	Text    string
	Bot     bool                     // no person has taken it over
	Waiting bool                     // the last message is the person's
	Unread  bool                     // something of the person's has not been read
	Last    hookswitch.MessageStatus // of the last message
}

// plain reports whether BusyConversations finds the same.
func (s *ConversationSearch) plain() bool {
	return s.Text == "" && !s.Bot && !s.Waiting && !s.Unread && s.Last == ""
}

// clause is true for the conversations x that s lets through.
func (s *ConversationSearch) clause(d *dialect, args *[]any) string {
	var b strings.Builder
	bind := func(v any) string {
		*args = append(*args, v)
		return placeholder(*args)
	}
	if s.Sender != 0 {
		b.WriteString(" AND x.sender_id = " + bind(int64(s.Sender)))
	}
	if s.Channel != "" {
		b.WriteString(" AND EXISTS (SELECT 1 FROM conversation_channels h WHERE h.conversation_id = x.id AND h.channel = " + bind(string(s.Channel)) + ")")
	}
	if s.Handover {
		b.WriteString(" AND x.handover")
	}
	if s.Bot {
		b.WriteString(" AND NOT x.handover")
	}
	if s.Unread {
		b.WriteString(" AND x.unread > 0")
	}
	if s.Waiting || s.Last != "" {
		b.WriteString(" AND EXISTS (SELECT 1 FROM messages l WHERE l.id = x.last_message")
		if s.Waiting {
			b.WriteString(" AND l.direction = " + bind(string(hookswitch.Inbound)))
		}
		if s.Last != "" {
			b.WriteString(" AND l.status = " + bind(string(s.Last)))
		}
		b.WriteString(")")
	}
	if s.Text == "" {
		return b.String()
	}
	has := func(t span) string {
		return "EXISTS (SELECT 1 FROM contact_terms t WHERE t.contact_id = x.contact_id AND t.term >= " + bind(t.low) + " AND t.term < " + bind(t.high) + ")"
	}
	ways, rest := spansOf(s.Text)
	var either []string
	for _, way := range ways {
		all := has(way)
		for _, t := range rest {
			all += " AND " + has(t)
		}
		either = append(either, "("+all+")")
	}
	// The database folds the letters of ASCII alone everywhere; what is written as it was said is found in any script.
	either = append(either, "EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = x.id AND ("+fmt.Sprintf(d.holds, "m.body", bind(s.Text))+" OR "+
		fmt.Sprintf(d.holds, "lower(m.body)", bind(strings.ToLower(s.Text)))+"))")
	b.WriteString(" AND (" + strings.Join(either, " OR ") + ")")
	return b.String()
}

// SearchConversations finds conversations of an app that have messages, in the order of their last ones. stopped is as that of SearchEvents: the list is short, and goes on behind that message.
func (r *Reader) SearchConversations(ctx context.Context, app hookswitch.Key, s ConversationSearch, p Page) (list []ListedConversation, stopped hookswitch.Key, err error) {
	if s.plain() {
		list, err = r.BusyConversations(ctx, app, s.ConversationFilter, p)
		return list, 0, err
	}
	return search(ctx, p, func(p Page, n int) (hookswitch.Key, error) {
		return r.nthKey(ctx, `SELECT x.last_message FROM conversations x WHERE x.app_id = $1 AND x.last_message > 0`, "x.last_message", p, n, []any{int64(app)})
	}, func(p Page) ([]ListedConversation, error) {
		args := []any{int64(app)}
		query := `SELECT x.last_message, ` + aliased(conversationColumns, "x") + ` FROM conversations x WHERE x.app_id = $1 AND x.last_message > 0` + s.clause(r.d, &args)
		return scanAll(ctx, r, scanListed, query+p.clause("x.last_message", &args), args...)
	})
}

// aliased is a list of columns with the name of their table before each.
func aliased(columns, table string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

// ConversationsWith lists the conversations with a contact of an app that have messages.
func (r *Reader) ConversationsWith(ctx context.Context, app, contact hookswitch.Key) ([]*hookswitch.Conversation, error) {
	return scanAll(ctx, r, scanConversation, `SELECT `+conversationColumns+` FROM conversations WHERE contact_id = $2 AND app_id = $1 ORDER BY last_message DESC`, int64(app), int64(contact))
}

// ConversationChannels are the channels that messages of the conversations have gone over, in the order of their names.
func (r *Reader) ConversationChannels(ctx context.Context, app hookswitch.Key, conversations []hookswitch.Key) (map[hookswitch.Key][]hookswitch.Channel, error) {
	out := make(map[hookswitch.Key][]hookswitch.Channel, len(conversations))
	if len(conversations) == 0 {
		return out, nil
	}
	args := []any{int64(app)}
	_, err := scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var key hookswitch.Key
		var ch hookswitch.Channel
		err := row.Scan(&key, &ch)
		out[key] = append(out[key], ch)
		return struct{}{}, err
	}, `SELECT conversation_id, channel FROM conversation_channels WHERE app_id = $1 AND conversation_id IN `+padded(&args, int64s(conversations))+` ORDER BY conversation_id, channel`, args...)
	return out, err
}

// LastInbound is when the person of a conversation last wrote on the channel, by our own clock; zero: never.
func (r *Reader) LastInbound(ctx context.Context, conversation hookswitch.Key, ch hookswitch.Channel) (time.Time, error) {
	var at int64
	err := r.q.QueryRowContext(ctx, `SELECT last_inbound_at FROM conversation_channels WHERE conversation_id = $1 AND channel = $2`, int64(conversation), string(ch)).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return fromMillis(at), readErr(err, "conversation")
}

// seeChannel notes that a message of its conversation goes over its channel.
func (tx *Tx) seeChannel(m *hookswitch.Message) error {
	if m.Conversation == 0 {
		return nil
	}
	var inbound int64
	if m.Direction == hookswitch.Inbound {
		inbound = millis(m.CreatedAt)
	}
	return tx.write(`INSERT INTO conversation_channels (conversation_id, channel, app_id, sender_id, last_message, last_inbound_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (conversation_id, channel) DO UPDATE SET
			last_message = CASE WHEN excluded.last_message > conversation_channels.last_message THEN excluded.last_message ELSE conversation_channels.last_message END,
			last_inbound_at = CASE WHEN excluded.last_inbound_at > conversation_channels.last_inbound_at THEN excluded.last_inbound_at ELSE conversation_channels.last_inbound_at END`,
		int64(m.Conversation), string(m.Channel), int64(m.App), int64(m.Sender), int64(m.Key), inbound)
}

// MarkRead notes that nothing of a conversation is unread.
func (tx *Tx) MarkRead(app, key hookswitch.Key, now time.Time) error {
	return tx.execOne("conversation", `UPDATE conversations SET unread = 0, updated_at = CASE WHEN unread = 0 THEN updated_at ELSE $3 END WHERE id = $1 AND app_id = $2`,
		int64(key), int64(app), millis(now))
}

// DeleteConversation removes a conversation and the drafts in it. Its messages stay, and name no contact any more.
func (tx *Tx) DeleteConversation(app, key hookswitch.Key) error {
	for _, statement := range []string{
		`UPDATE messages SET contact_id = 0 WHERE conversation_id = $1 AND app_id = $2`,
		`DELETE FROM drafts WHERE conversation_id = $1 AND app_id = $2`,
		`DELETE FROM conversation_channels WHERE conversation_id = $1 AND app_id = $2`,
		`DELETE FROM conversations WHERE id = $1 AND app_id = $2`,
	} {
		if _, err := tx.exec(statement, int64(key), int64(app)); err != nil {
			return err
		}
	}
	return nil
}

// GiveConversation makes a conversation one with another contact, with whom its sender has none.
func (tx *Tx) GiveConversation(app, key, contact hookswitch.Key) error {
	if _, err := tx.exec(`UPDATE messages SET contact_id = $3 WHERE conversation_id = $1 AND app_id = $2`, int64(key), int64(app), int64(contact)); err != nil {
		return err
	}
	return tx.execOne("conversation", `UPDATE conversations SET contact_id = $3 WHERE id = $1 AND app_id = $2`, int64(key), int64(app), int64(contact))
}

// JoinConversation moves what was said in the conversation from into the one that is to, of the same sender, and removes from. Nothing may be owed in it.
func (tx *Tx) JoinConversation(from, to *hookswitch.Conversation) error {
	a, b := int64(from.Key), int64(to.Key)
	for _, statement := range []string{
		`UPDATE messages SET conversation_id = $2, contact_id = (SELECT contact_id FROM conversations WHERE id = $2) WHERE conversation_id = $1`,
		`UPDATE drafts SET conversation_id = $2 WHERE conversation_id = $1`,
		`UPDATE dialogues SET conversation_id = $2, contact_id = (SELECT contact_id FROM conversations WHERE id = $2) WHERE conversation_id = $1`,
		`INSERT INTO conversation_channels (conversation_id, channel, app_id, sender_id, last_message, last_inbound_at)
			SELECT CAST($2 AS BIGINT), channel, app_id, sender_id, last_message, last_inbound_at FROM conversation_channels WHERE conversation_id = $1
			ON CONFLICT (conversation_id, channel) DO UPDATE SET
				last_message = CASE WHEN excluded.last_message > conversation_channels.last_message THEN excluded.last_message ELSE conversation_channels.last_message END,
				last_inbound_at = CASE WHEN excluded.last_inbound_at > conversation_channels.last_inbound_at THEN excluded.last_inbound_at ELSE conversation_channels.last_inbound_at END`,
	} {
		if _, err := tx.exec(statement, a, b); err != nil {
			return err
		}
	}
	for _, statement := range []string{`DELETE FROM conversation_channels WHERE conversation_id = $1`, `DELETE FROM conversations WHERE id = $1`} {
		if _, err := tx.exec(statement, a); err != nil {
			return err
		}
	}
	return nil
}

// Owing reports whether something is owed in a conversation: a message to send, or an answer.
func (r *Reader) Owing(ctx context.Context, conversation hookswitch.Key) (bool, error) {
	var n int
	err := r.q.QueryRowContext(ctx, `SELECT (SELECT COUNT(*) FROM deliveries WHERE kind IN ($1, $2) AND target = $3 AND owner = 0 AND state = 0)
		+ (SELECT COUNT(*) FROM deliveries WHERE target = $3 AND owner <> 0 AND kind IN (2, 3, 4))`,
		int64(hookswitch.DeliverMessage), int64(hookswitch.DeliverRespond), int64(conversation)).Scan(&n)
	return n > 0, readErr(err, "conversation")
}

// SetHandover gives a conversation to a person, or back. The responder begins anew.
func (tx *Tx) SetHandover(app, key hookswitch.Key, handover bool, now time.Time) error {
	return tx.execOne("conversation", `UPDATE conversations SET handover = $3, unsolved = 0, turn_state = '', updated_at = $4 WHERE id = $1 AND app_id = $2`, int64(key), int64(app), handover, millis(now))
}
