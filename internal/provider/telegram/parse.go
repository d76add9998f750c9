package telegram

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Parse reads the one update of a push. Updates that tell nothing of a conversation, and those of kinds that do not exist yet, give none.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	if !json.Valid(push.Body) {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not valid JSON")
	}
	var u update
	out, err := hookswitch.Update{}, json.Unmarshal(push.Body, &u)
	switch {
	case err != nil:
		err = fmt.Errorf("read update: %w", err)
	case is(u.Message):
		out, err = received(u.ID, u.Message)
	case is(u.Edited):
		out, err = edited(u.Edited)
	case is(u.Callback):
		out, err = press(u.ID, u.Callback)
	case is(u.Member):
		out, err = membership(u.Member)
	}
	if err != nil {
		out = hookswitch.Update{Broken: err}
	} else if out.Message == nil && out.Change == nil && out.OptOut == nil && out.Contact == nil {
		return nil, nil
	}
	out.Channel, out.Dedup = hookswitch.Telegram, dedup(u.ID, push.Body)
	return []hookswitch.Update{out}, nil
}

// is reports whether a member is there.
func is(member json.RawMessage) bool { return len(member) > 0 && string(member) != "null" }

// dedup is the key of an update: its id, which a bot has once.
func dedup(id text, body []byte) string {
	if id != "" {
		return "update:" + string(id)
	}
	sum := sha256.Sum256(body)
	return "body:" + hex.EncodeToString(sum[:16])
}

var errNoID = errors.New("message has no id or no chat")

// read is the message in raw. ok is false where a bot has written it, or nobody: a channel.
func read(raw json.RawMessage) (m message, ok bool, err error) {
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, false, fmt.Errorf("read message: %w", err)
	}
	switch {
	case m.ID == "" || m.Chat.ID == "":
		return m, false, errNoID
	case m.From == nil || m.From.ID == "" || m.From.IsBot == "true":
		return m, false, nil
	}
	return m, true, nil
}

// received reads a message.
func received(id text, raw json.RawMessage) (u hookswitch.Update, err error) {
	m, ok, err := read(raw)
	if err != nil {
		return u, err
	}
	u.At = m.Date.clock()
	if m.Migrated != "" { // which the group itself tells
		u.Contact = &hookswitch.ContactChange{From: string(m.Chat.ID), To: string(m.Migrated)}
		return u, nil
	}
	if ok {
		u.Message, err = inbound(id, &m, raw)
	}
	return u, err
}

// edited reads what a message has become. Telegram tells of more than texts that way: that a shared location has moved on, which is no edit.
func edited(raw json.RawMessage) (u hookswitch.Update, err error) {
	m, ok, err := read(raw)
	if err != nil || !ok || m.Location != nil {
		return u, err
	}
	u.At = cmp.Or(m.EditDate, m.Date).clock()
	u.Change = &hookswitch.MessageChange{ProviderID: providerID(m.Chat.ID, m.ID), Text: string(cmp.Or(m.Text, m.Caption))}
	return u, nil
}

// press reads the press of an inline button: a message that says what the button stands for. Telegram does not tell when it was pressed.
func press(id text, raw json.RawMessage) (u hookswitch.Update, err error) {
	var c callback
	if err := json.Unmarshal(raw, &c); err != nil {
		return u, fmt.Errorf("read callback query: %w", err)
	}
	switch {
	case c.ID == "" || c.From == nil || c.From.ID == "":
		return u, errors.New("callback query has no id or no sender")
	case c.From.IsBot == "true" || c.Data == "": // a game's button has no data
		return u, nil
	}
	d := newDraft(id, c.From)
	d.kind, d.typ, d.text, d.marker = "button_reply", "text", c.Data, "[button_reply]"
	d.both("payload", c.Data)
	d.content.text("replyId", c.Data)
	d.content.text("replyTitle", c.title())
	// Somebody who presses a button that is out of reach is written to alone: a person's private chat has the person's id.
	at, pressed := c.From.ID, text("0")
	if m := c.Message; m != nil && m.Chat.ID != "" && m.ID != "" {
		at, pressed = m.Chat.ID, m.ID
		d.metadata.text("chatType", m.Chat.Type)
		d.topic(m.InTopic, m.Thread)
		d.quotes(providerID(at, pressed), "", "")
	}
	d.metadata.text("chatId", at)
	u.Message = d.message(providerID(at, pressed) + ":" + string(c.ID))
	return u, nil
}

// membership reads that a person has blocked the bot, or let it in again.
func membership(raw json.RawMessage) (u hookswitch.Update, err error) {
	var m memberChange
	if err := json.Unmarshal(raw, &m); err != nil {
		return u, fmt.Errorf("read membership: %w", err)
	}
	if m.Chat.Type != "private" || m.Chat.ID == "" {
		return u, nil // what becomes of the bot in a group is nobody's own wish
	}
	u.At = m.Date.clock()
	switch m.New.Status {
	case "kicked":
		u.OptOut = &hookswitch.OptOut{From: string(m.Chat.ID)}
	case "member":
		u.OptOut = &hookswitch.OptOut{From: string(m.Chat.ID), Again: true}
	}
	return u, nil
}

// providerID names a message: Telegram numbers them for each chat.
func providerID(chat, message text) string { return string(chat) + ":" + string(message) }

// splitID is the chat and the number of a message named by providerID. What else may follow, as the id of the press of a button does, is left out.
func splitID(id string) (chat, message string, ok bool) {
	chat, message, ok = strings.Cut(id, ":")
	message, _, _ = strings.Cut(message, ":")
	return chat, message, ok
}
