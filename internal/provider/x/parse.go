package x

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Parse reads a push of either API. What the account itself has written, and whatever is no message and no news of one, gives no update.
func (p *Provider) Parse(push *hookswitch.Push) ([]hookswitch.Update, error) {
	// X pushes objects. Anything else could be a check's token, which X's own secret has signed for whoever asked.
	if !json.Valid(push.Body) || bytes.TrimLeft(push.Body, " \t\r\n")[0] != '{' {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not a JSON object")
	}
	r := &reader{}
	var a activity
	err := json.Unmarshal(push.Body, &a)
	if is(a.Data) { // one event, or a list of them
		list := []json.RawMessage{a.Data}
		if a.Data[0] == '[' {
			_ = json.Unmarshal(a.Data, &list) // it is valid JSON, and a list
		}
		for _, event := range list {
			r.news(event)
		}
	} else {
		r.self = a.For
		r.activity(&a, false)
		if is(a.User) {
			r.userEvent(a.User)
		}
	}
	if err != nil { // of members of another form than expected the first is told, and the others are read
		r.broken(push.Body, fmt.Errorf("read push: %w", err))
	}
	return r.updates, nil
}

// is reports whether a member is there.
func is(member json.RawMessage) bool { return len(member) > 0 && string(member) != "null" }

// reader collects what one push tells the account self.
type reader struct {
	self    text
	updates []hookswitch.Update
}

func (r *reader) add(u hookswitch.Update) {
	u.Channel, u.Address = hookswitch.X, string(r.self)
	for _, have := range r.updates {
		if have.Dedup == u.Dedup { // told twice in one push
			return
		}
	}
	r.updates = append(r.updates, u)
}

// broken adds an item that could not be read. The same item pushed again is the same fact.
func (r *reader) broken(item []byte, err error) {
	sum := sha256.Sum256(item)
	r.add(hookswitch.Update{Dedup: "broken:" + hex.EncodeToString(sum[:16]), Broken: err})
}

// key names a fact about the account: X tells of a message to each account of an app that takes part in it.
func (r *reader) key(kind string, id text) string {
	return kind + ":" + string(r.self) + ":" + string(id)
}

// activity reads the lists of a. Of a push that tells what was sent, sent is true.
func (r *reader) activity(a *activity, sent bool) {
	for _, item := range a.Messages {
		var m directMessage
		err := json.Unmarshal(item, &m)
		if err == nil && !sent {
			err = r.directMessage(&m, a.Users)
		}
		if err != nil {
			r.broken(item, fmt.Errorf("read direct message: %w", err))
		}
	}
	for _, item := range a.Reads {
		var m markedRead
		err := json.Unmarshal(item, &m)
		if err == nil {
			err = r.markedRead(&m)
		}
		if err != nil {
			r.broken(item, fmt.Errorf("read mark: %w", err))
		}
	}
	for _, item := range a.Posts {
		var m post
		err := json.Unmarshal(item, &m)
		if err == nil {
			err = r.post(&m, a.HasBlocked)
		}
		if err != nil {
			r.broken(item, fmt.Errorf("read post: %w", err))
		}
	}
}

// news reads one event of the X Activity API.
func (r *reader) news(raw json.RawMessage) {
	var n news
	err := json.Unmarshal(raw, &n)
	r.self = n.Filter.User
	switch n.Type {
	case "dm.received", "dm.sent", "dm.read":
		var a activity
		if failed := json.Unmarshal(n.Payload, &a); err == nil {
			err = failed
		}
		r.activity(&a, n.Type == "dm.sent")
	case "post.mention.create", "post.reply.create":
		var m newerPost
		if failed := json.Unmarshal(n.Payload, &m); err == nil {
			err = failed
		}
		if err == nil {
			err = r.newerPost(&m, &n)
		}
	case "oauth.revoke":
		r.revoked(raw, n.ID, time.Time{})
	case "chat.received":
		var m secret
		if failed := json.Unmarshal(n.Payload, &m); err == nil {
			err = failed
		}
		if err == nil {
			err = r.secret(&m)
		}
	}
	if err != nil {
		r.broken(raw, fmt.Errorf("read event: %w", err))
	}
}

// userEvent reads what an account has decided about the app.
func (r *reader) userEvent(raw json.RawMessage) {
	var e userEvent
	switch err := json.Unmarshal(raw, &e); {
	case err != nil:
		r.broken(raw, fmt.Errorf("read user event: %w", err))
	case e.Revoke != nil:
		r.self = e.Revoke.Source.User
		r.revoked(raw, e.Revoke.At, e.Revoke.At.date())
	}
}

// revoked adds that the account has taken the app's permission away. id tells one time from another; where it is empty, all that was said does.
func (r *reader) revoked(said []byte, id text, at time.Time) {
	if id == "" {
		sum := sha256.Sum256(said)
		id = text(hex.EncodeToString(sum[:16]))
	}
	r.add(hookswitch.Update{Dedup: r.key("revoke", id), At: at, Revoked: &hookswitch.Revocation{Cause: "the account has taken the app's permission away at X"}})
}

var (
	errNoID     = errors.New("item has no id")
	errNoSender = errors.New("item has no sender")
)

// markedRead adds that a person has read a message of ours, and all that were sent before it.
func (r *reader) markedRead(m *markedRead) error {
	switch {
	case m.Sender == "":
		return errNoSender
	case m.LastRead == "":
		return errNoID
	case m.Sender == r.self: // read on another device of ours
		return nil
	}
	r.add(hookswitch.Update{
		Dedup: r.key("read", m.Sender+":"+m.LastRead),
		At:    m.Created.milliseconds(),
		Receipt: &hookswitch.MessageReceipt{
			ProviderID: string(m.LastRead), Recipient: string(m.Sender), Status: hookswitch.StatusRead, Upto: m.LastRead.born(),
		},
	})
	return nil
}
