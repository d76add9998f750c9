package service

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// eraseParams say of whom a task that purges contents is; zero: of all.
type eraseParams struct {
	Contact hookswitch.Key `json:"contact,omitempty"`
}

// ErasedPerson is the person whom a task that purges contents erases; 0: it is about all of the App.
func ErasedPerson(t *hookswitch.Task) hookswitch.Key {
	var p eraseParams
	if len(t.Params) == 0 || json.Unmarshal(t.Params, &p) != nil {
		return 0
	}
	return p.Contact
}

// Bounds of the steps that erase a person.
const (
	eraseFound    = 32  // events
	eraseMessages = 100 // messages, calls and sessions
	leastNeedle   = 5   // characters: what is shorter is in too much that is about somebody else
)

// ErasePerson starts a task that forgets a person of an App, whom ref names by id or phone number: what they are known by, the conversations with them, their messages, calls and USSD sessions with all
// that is kept about them, and the payloads of the App's events that name them, with what endpoints answered. What is yet to be sent to them fails now. Who did what stays, as do play bins and pushes kept aside,
// which nobody has told apart by person: they are thrown away by themselves.
func (s *Service) ErasePerson(ctx context.Context, app hookswitch.Key, ref string) (*hookswitch.Task, error) {
	c, err := s.ContactNamed(ctx, app, ref)
	if err != nil {
		return nil, err
	}
	params, err := json.Marshal(eraseParams{c.Key})
	if err != nil {
		return nil, err
	}
	by := actorOf(ctx)
	if err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		list, err := tx.ConversationsWith(tx.Context(), app, c.Key)
		if err != nil {
			return err
		}
		for _, conv := range list {
			if err := b.failUnsent(tx, conv); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return nil, err
	}
	t := hookswitch.Task{Key: s.keys.Next(), App: app, Kind: hookswitch.TaskPurgeContent, Total: hookswitch.TaskUncounted, Params: params, CreatedAt: s.now().UTC()}
	return s.startTask(ctx, t, Idempotency{}, func(tx *store.Tx) error {
		return s.noteApp(tx, by, hookswitch.DidErase, app, s.ids.Format(hookswitch.KindContact, c.Key))
	})
}

// ConversationsWith are the conversations with a person.
func (s *Service) ConversationsWith(ctx context.Context, c *hookswitch.Contact) ([]*hookswitch.Conversation, error) {
	return s.store.ConversationsWith(ctx, c.App, c.Key)
}

// needles are what a person is found by in payloads.
func (s *Service) needles(c *hookswitch.Contact) (list []string) {
	list = append(list, s.ids.Format(hookswitch.KindContact, c.Key))
	for _, id := range c.Identifiers {
		if text := strings.TrimPrefix(id.Value, "+"); utf8.RuneCountInString(text) >= leastNeedle {
			list = append(list, text)
		}
	}
	return list
}

// names reports whether one of the needles stands in the payload by itself, and not inside a longer word or number.
func names(payload []byte, needles []string) bool {
	part := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for _, needle := range needles {
		for rest := payload; ; {
			at := bytes.Index(rest, []byte(needle))
			if at < 0 {
				break
			}
			before, _ := utf8.DecodeLastRune(rest[:at])
			after, _ := utf8.DecodeRune(rest[at+len(needle):])
			if (at == 0 || !part(before)) && (at+len(needle) == len(rest) || !part(after)) {
				return true
			}
			// The escape of a character may end right before it, as in \u002b2547….
			if at >= 6 && bytes.HasPrefix(rest[at-6:at], []byte(`\u`)) {
				return true
			}
			rest = rest[at+1:]
		}
	}
	return false
}

// stepErase does the next piece of forgetting a person: first the events, then the messages, then the person.
func (s *Service) stepErase(ctx context.Context, t *hookswitch.Task, contact hookswitch.Key) (taskStep, error) {
	c, err := s.store.Contact(ctx, t.App, contact)
	if hookswitch.KindOf(err) == hookswitch.NotFound { // somebody else was faster
		return s.finish(ctx, t, nil)
	}
	if err != nil {
		return taskStep{}, err
	}
	end := endOf(t.Key, t.CreatedAt)
	if t.Place >= end {
		return s.stepErasePerson(ctx, t, c)
	}
	needles := s.needles(c)
	found, stopped, err := s.store.SearchEvents(ctx, t.App, store.Search{Texts: [][]string{needles}}, store.Page{After: t.Place, Before: end, Ascending: true, Limit: eraseFound, Within: taskBudget / 4})
	if err != nil {
		return taskStep{}, err
	}
	place := end
	switch {
	case stopped != 0:
		place = stopped
	case len(found) == eraseFound:
		place = found[len(found)-1].Key
	}
	var keys []hookswitch.Key
	for _, bare := range found {
		ev, err := s.store.Event(ctx, t.App, bare.Key)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return taskStep{}, err
		}
		if names(ev.Payload, needles) {
			keys = append(keys, ev.Key)
		}
	}
	return s.advance(ctx, t, func(tx *store.Tx, b *births, next *hookswitch.Task) error {
		next.Place, next.Done, next.UpdatedAt = place, t.Done+int64(len(keys)), b.now
		return tx.ExpungeEvents(t.App, keys)
	})
}

// stepErasePerson removes some of what a person has said and was told and, when nothing is left of it, the person.
func (s *Service) stepErasePerson(ctx context.Context, t *hookswitch.Task, c *hookswitch.Contact) (taskStep, error) {
	return s.advance(ctx, t, func(tx *store.Tx, b *births, next *hookswitch.Task) error {
		list, err := tx.ConversationsWith(tx.Context(), t.App, c.Key)
		if err != nil {
			return err
		}
		gone := 0
		for _, conv := range list {
			n, err := tx.EraseDialogues(t.App, conv.Key, eraseMessages)
			if err != nil {
				return err
			}
			m, err := tx.EraseMessages(t.App, conv.Key, eraseMessages)
			if err != nil {
				return err
			}
			if gone += n + m; gone >= eraseMessages {
				break
			}
		}
		next.Place, next.UpdatedAt = t.Place+1, b.now // so that a step is told from the one before
		if gone > 0 {
			return nil
		}
		for _, conv := range list {
			if err := tx.DeleteConversation(t.App, conv.Key); err != nil {
				return err
			}
		}
		next.Status = hookswitch.TaskFinished
		return tx.DeleteContact(t.App, c.Key)
	})
}
