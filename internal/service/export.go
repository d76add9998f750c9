package service

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// exportPage is how many rows are read at a time.
const exportPage = 500

// Export writes down what is kept about an App or, where contact is not 0, about one person of it: a JSON object a line, whose first field, kind, says what it is. Secrets, credentials and tokens are left out.
// What is made meanwhile may be there or not. write is called with one line at a time, without its end; its error ends the export.
func (s *Service) Export(ctx context.Context, app, contact hookswitch.Key, write func(line []byte) error) error {
	a, err := s.store.App(ctx, app)
	if err != nil {
		return err
	}
	x := exporter{s, ctx, app, write}
	if contact != 0 {
		return x.person(contact)
	}
	if err := s.store.Update(ctx, func(tx *store.Tx) error { return s.noteApp(tx, actorOf(ctx), hookswitch.DidExportApp, app, a.Name) }); err != nil {
		return err
	}
	if err := x.line("application", object{{"id", x.id(hookswitch.KindApp, a.Key)}, {"uid", orNil(a.UID)}, {"name", a.Name}, {"throttleRate", a.ThrottleRate}, {"metadata", texts(a.Metadata)}, {"botName", orNil(a.BotName)},
		{"botRef", orNil(a.BotRef)}, {"companyId", orNil(a.CompanyID)}, {"createdAt", exportTime(a.CreatedAt)}, {"updatedAt", exportTime(a.UpdatedAt)}}); err != nil {
		return err
	}
	for _, part := range []func() error{x.endpoints, x.senders, x.people, x.conversations, x.messages, x.events, x.attempts, x.activities} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

type exporter struct {
	s     *Service
	ctx   context.Context
	app   hookswitch.Key
	write func([]byte) error
}

func (x *exporter) id(kind hookswitch.Kind, key hookswitch.Key) any {
	if key == 0 {
		return nil
	}
	return x.s.ids.Format(kind, key)
}

func (x *exporter) line(kind string, o object) error {
	return x.write(encode(append(object{{"kind", kind}}, o...)))
}

func exportTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return timeText(t)
}

// texts is m, or an empty object.
func texts(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// bytes adds bytes to an object as text or, where they are none, in base64 under a name that says so.
func (o object) bytes(name string, b []byte) object {
	if utf8.Valid(b) && !bytes.ContainsRune(b, 0) {
		return append(o, field{name, string(b)})
	}
	return append(o, field{name + "Base64", base64.StdEncoding.EncodeToString(b)})
}

// all reads a list to its end, oldest first.
func all[T any](read func(p store.Page) ([]T, error), key func(T) hookswitch.Key, row func(T) error) error {
	p := store.Page{Limit: exportPage, Ascending: true}
	for {
		list, err := read(p)
		if err != nil {
			return err
		}
		for _, item := range list {
			if err := row(item); err != nil {
				return err
			}
			p.After = key(item)
		}
		if len(list) < exportPage {
			return nil
		}
	}
}

func (x *exporter) endpoints() error {
	return all(func(p store.Page) ([]*hookswitch.Endpoint, error) { return x.s.store.Endpoints(x.ctx, x.app, p) }, func(e *hookswitch.Endpoint) hookswitch.Key { return e.Key }, func(e *hookswitch.Endpoint) error {
		return x.line("endpoint", object{{"id", x.id(hookswitch.KindEndpoint, e.Key)}, {"uid", orNil(e.UID)}, {"url", e.URL}, {"description", e.Description}, {"disabled", e.Disabled}, {"eventTypes", namesOrNil(e.EventTypes)}, {"channels", namesOrNil(e.Tags)},
			{"rateLimit", e.ThrottleRate}, {"ordered", e.Ordered}, {"metadata", texts(e.Metadata)}, {"createdAt", exportTime(e.CreatedAt)}, {"updatedAt", exportTime(e.UpdatedAt)}})
	})
}

// namesOrNil is null for none.
func namesOrNil(names []string) any {
	if names == nil {
		return nil
	}
	return names
}

func (x *exporter) senders() error {
	return all(func(p store.Page) ([]*hookswitch.Sender, error) { return x.s.store.Senders(x.ctx, x.app, p) }, func(s *hookswitch.Sender) hookswitch.Key { return s.Key }, func(s *hookswitch.Sender) error {
		routes := make([]any, len(s.Routes))
		for i, r := range s.Routes {
			routes[i] = object{{"channel", string(r.Channel)}, {"provider", r.Provider}, {"address", r.Address}}
		}
		return x.line("sender", object{{"id", x.id(hookswitch.KindSender, s.Key)}, {"name", s.Name}, {"phoneNumber", orNil(s.PhoneNumber)}, {"default", s.Default}, {"channels", routes}, {"createdAt", exportTime(s.CreatedAt)}})
	})
}

func (x *exporter) contact(c *hookswitch.Contact) error {
	known := make([]any, len(c.Identifiers))
	for i, id := range c.Identifiers {
		known[i] = object{{"channel", string(id.Channel)}, {"value", id.Value}, {"primary", id.Primary}, {"label", orNil(id.Label)}, {"metadata", texts(id.Metadata)}, {"lastInboundAt", exportTime(id.LastInboundAt)},
			{"optedOutAt", exportTime(id.OptedOutAt)}}
	}
	return x.line("contact", object{{"id", x.id(hookswitch.KindContact, c.Key)}, {"name", c.Name}, {"displayName", orNil(c.DisplayName)}, {"metadata", texts(c.Metadata)}, {"knownAs", known}, {"createdAt", exportTime(c.CreatedAt)},
		{"updatedAt", exportTime(c.UpdatedAt)}})
}

func (x *exporter) people() error {
	return all(func(p store.Page) ([]*hookswitch.Contact, error) { return x.s.store.Contacts(x.ctx, x.app, p) }, func(c *hookswitch.Contact) hookswitch.Key { return c.Key }, x.contact)
}

func (x *exporter) conversation(c *hookswitch.Conversation) error {
	return x.line("conversation", object{{"id", x.id(hookswitch.KindConversation, c.Key)}, {"senderId", x.id(hookswitch.KindSender, c.Sender)}, {"contactId", x.id(hookswitch.KindContact, c.Contact)}, {"handedOver", c.Handover},
		{"messages", c.Messages}, {"lastInboundAt", exportTime(c.LastInboundAt)}, {"createdAt", exportTime(c.CreatedAt)}})
}

func (x *exporter) conversations() error {
	return all(func(p store.Page) ([]*hookswitch.Conversation, error) {
		return x.s.store.Conversations(x.ctx, x.app, p)
	}, func(c *hookswitch.Conversation) hookswitch.Key { return c.Key }, x.conversation)
}

func (x *exporter) message(m *hookswitch.Message) error {
	o := object{{"id", x.id(hookswitch.KindMessage, m.Key)}, {"conversationId", x.id(hookswitch.KindConversation, m.Conversation)}, {"contactId", x.id(hookswitch.KindContact, m.Contact)}, {"senderId", x.id(hookswitch.KindSender, m.Sender)},
		{"direction", string(m.Direction)}, {"channel", string(m.Channel)}, {"type", m.Type}, {"status", string(m.Status)}, {"from", m.From}, {"to", m.To}, {"text", m.Text}}
	if len(m.Content) > 0 && json.Valid(m.Content) {
		o = append(o, field{"content", json.RawMessage(m.Content)})
	}
	return x.line("message", append(o, field{"metadata", texts(m.Metadata)}, field{"profileName", orNil(m.ProfileName)}, field{"providerMessageId", orNil(m.ProviderID)}, field{"errorCode", orNil(m.ErrorCode)},
		field{"createdAt", exportTime(m.CreatedAt)}, field{"updatedAt", exportTime(m.UpdatedAt)}))
}

func (x *exporter) messagesOf(f store.MessageFilter) error {
	return all(func(p store.Page) ([]*hookswitch.Message, error) { return x.s.store.Messages(x.ctx, x.app, f, p) }, func(m *hookswitch.Message) hookswitch.Key { return m.Key }, x.message)
}

func (x *exporter) messages() error { return x.messagesOf(store.MessageFilter{}) }

func (x *exporter) event(ev *hookswitch.Event) error {
	o := object{{"id", x.id(hookswitch.KindEvent, ev.Key)}, {"eventId", orNil(ev.UID)}, {"eventType", ev.Type}, {"channels", namesOrNil(ev.Tags)}, {"createdAt", exportTime(ev.CreatedAt())}}
	if ev.Expired {
		return x.line("event", append(o, field{"payload", nil}))
	}
	return x.line("event", o.bytes("payload", ev.Payload))
}

func (x *exporter) events() error {
	return all(func(p store.Page) ([]*hookswitch.Event, error) {
		list, _, err := x.s.store.Events(x.ctx, x.app, store.EventFilter{}, p)
		return list, err
	}, func(ev *hookswitch.Event) hookswitch.Key { return ev.Key }, x.event)
}

func (x *exporter) attempts() error {
	endpoints, err := x.s.store.AllEndpoints(x.ctx, x.app)
	if err != nil {
		return err
	}
	for _, e := range endpoints {
		if err := all(func(p store.Page) ([]*hookswitch.Attempt, error) {
			list, _, err := x.s.store.AttemptsByEndpoint(x.ctx, x.app, e.Key, store.AttemptFilter{}, p)
			return list, err
		}, func(a *hookswitch.Attempt) hookswitch.Key { return a.Key }, func(a *hookswitch.Attempt) error {
			return x.line("attempt", object{{"id", x.id(hookswitch.KindAttempt, a.Key)}, {"eventId", x.id(hookswitch.KindEvent, a.Event)}, {"endpointId", x.id(hookswitch.KindEndpoint, a.Endpoint)}, {"url", a.URL}, {"succeeded", a.OK},
				{"status", a.Code}, {"failure", orNil(a.Failure)}, {"durationMs", a.Timings.Total.Milliseconds()}, {"createdAt", exportTime(a.CreatedAt())}}.bytes("answer", a.Answer))
		}); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) activities() error {
	return all(func(p store.Page) ([]*hookswitch.Activity, error) {
		return x.s.store.Activities(x.ctx, x.app, store.ActivityFilter{}, p)
	}, func(a *hookswitch.Activity) hookswitch.Key { return a.Key }, func(a *hookswitch.Activity) error {
		return x.line("activity", object{{"at", exportTime(a.At())}, {"action", string(a.Action)}, {"actor", string(a.Actor.Kind)}, {"endpointId", x.id(hookswitch.KindEndpoint, a.Endpoint)}, {"name", a.Name}, {"details", texts(a.Details)}})
	})
}

// person writes down what is kept about one person: what they are known by, what was said, and the events that name them.
func (x *exporter) person(key hookswitch.Key) error {
	c, err := x.s.store.Contact(x.ctx, x.app, key)
	if err != nil {
		return err
	}
	if err := x.s.store.Update(x.ctx, func(tx *store.Tx) error {
		return x.s.noteApp(tx, actorOf(x.ctx), hookswitch.DidExportApp, x.app, x.s.ids.Format(hookswitch.KindContact, key))
	}); err != nil {
		return err
	}
	if err := x.contact(c); err != nil {
		return err
	}
	convs, err := x.s.store.ConversationsWith(x.ctx, x.app, key)
	if err != nil {
		return err
	}
	for _, conv := range convs {
		if err := x.conversation(conv); err != nil {
			return err
		}
		if err := x.messagesOf(store.MessageFilter{Conversation: conv.Key}); err != nil {
			return err
		}
	}
	needles := x.s.needles(c)
	p := store.Page{Limit: exportPage, Ascending: true, Within: taskBudget}
	for {
		found, stopped, err := x.s.store.SearchEvents(x.ctx, x.app, store.Search{Texts: [][]string{needles}}, p)
		if err != nil {
			return err
		}
		for _, bare := range found {
			ev, err := x.s.store.Event(x.ctx, x.app, bare.Key)
			if hookswitch.KindOf(err) == hookswitch.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			if names(ev.Payload, needles) {
				if err := x.event(ev); err != nil {
					return err
				}
			}
			p.After = bare.Key
		}
		switch {
		case stopped != 0:
			p.After = stopped
		case len(found) < exportPage:
			return nil
		}
	}
}
