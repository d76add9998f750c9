package service

import (
	"context"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// SenderChange is what a caller asks of a sender. A field that is nil is left alone.
type SenderChange struct {
	Name *string
	// PhoneNumber counts for a new sender only.
	PhoneNumber *string
	// SetDefault makes the sender the default of its App in place of the one before. It does not take that away.
	SetDefault     bool
	EmailAddress   *string // "" takes email away
	EmailDomainID  *string
	EmailFromName  *string
	EmailReceiving *bool
	EmailCatchAll  *bool
	SMSOneWay      *bool
	Voice          *bool
	Webhook        WebhookChange
}

// ChangedSender is a sender as it is after a change.
type ChangedSender struct {
	Sender  *hookswitch.Sender
	Webhook *hookswitch.Endpoint // nil: none
	// Secret is the webhook's signing secret, when it was made just now. It is not shown again.
	Secret hookswitch.Secret
}

// maxEmailText is the greatest length of a name shown with an email address, and of an id of a domain.
const maxEmailText = 200

// check notes what is wrong with the fields themselves, under the names of the Zavu-shaped API.
func (in *SenderChange) check(s *hookswitch.Sender, c *hookswitch.Checks) {
	switch {
	case in.Name == nil && s.Name == "":
		c.Field("is required", "name")
	case in.Name != nil:
		if m := hookswitch.CheckSenderName(*in.Name); m != "" {
			c.Field(m, "name")
		}
	}
	if in.PhoneNumber != nil {
		if m := hookswitch.CheckPhone(*in.PhoneNumber); m != "" {
			c.Field(m, "phoneNumber")
		}
	}
	if in.EmailAddress != nil && *in.EmailAddress != "" {
		if m := hookswitch.CheckEmail(*in.EmailAddress); m != "" {
			c.Field(m, "emailAddress")
		}
	}
	for name, v := range map[string]*string{"emailDomainId": in.EmailDomainID, "emailFromName": in.EmailFromName} {
		if v != nil && (len(*v) > maxEmailText || strings.ContainsFunc(*v, func(r rune) bool { return r < ' ' })) {
			c.Field("must have at most 200 bytes, none of them control characters", name)
		}
	}
}

// apply makes a sender what the change says.
func (in *SenderChange) apply(s *hookswitch.Sender, c *hookswitch.Checks) {
	set := func(to *string, v *string) {
		if v != nil {
			*to = *v
		}
	}
	set(&s.Name, in.Name)
	if in.PhoneNumber != nil {
		s.PhoneNumber = *in.PhoneNumber
		s.Enable(string(hookswitch.SMS), true)
	}
	set(&s.Email.Address, in.EmailAddress)
	set(&s.Email.DomainID, in.EmailDomainID)
	set(&s.Email.FromName, in.EmailFromName)
	if in.EmailAddress != nil {
		s.Enable(string(hookswitch.Email), *in.EmailAddress != "")
	}
	if in.EmailReceiving != nil {
		s.Email.Receiving = *in.EmailReceiving
	}
	if in.EmailCatchAll != nil {
		s.Email.CatchAll = *in.EmailCatchAll
	}
	if in.SMSOneWay != nil {
		s.Enable(hookswitch.SMSOneWay, *in.SMSOneWay)
	}
	if in.Voice != nil {
		if *in.Voice && s.PhoneNumber == "" {
			c.Field("needs a phone number", "enableVoice")
		}
		s.Enable(string(hookswitch.Voice), *in.Voice)
	}
}

// CreateSender makes a sender without routes: what is sent over it waits for somebody to give it some. The names of wrong fields are those of the Zavu-shaped API.
func (s *Service) CreateSender(ctx context.Context, app hookswitch.Key, in SenderChange) (ChangedSender, error) {
	return s.changeSenderBy(ctx, app, &in, func(*store.Tx) (*hookswitch.Sender, error) {
		return &hookswitch.Sender{Key: s.keys.Next(), App: app}, nil
	})
}

// UpdateSender changes the sender of an app with the id. Changes to one App's senders are made one after the other.
func (s *Service) UpdateSender(ctx context.Context, app hookswitch.Key, id string, in SenderChange) (ChangedSender, error) {
	key, ok := s.ids.Parse(hookswitch.KindSender, id)
	if !ok {
		return ChangedSender{}, hookswitch.NotFoundf("sender not found")
	}
	in.PhoneNumber = nil
	return s.changeSenderBy(ctx, app, &in, func(tx *store.Tx) (*hookswitch.Sender, error) { return tx.Sender(tx.Context(), app, key) })
}

// changeSenderBy changes the sender that find gives, which is a new one when it has never been stored.
func (s *Service) changeSenderBy(ctx context.Context, app hookswitch.Key, in *SenderChange, find func(*store.Tx) (*hookswitch.Sender, error)) (ChangedSender, error) {
	var out ChangedSender
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.HoldApp(app); err != nil {
			return err
		}
		sender, err := find(tx)
		if err != nil {
			return err
		}
		var c hookswitch.Checks
		in.check(sender, &c)
		in.apply(sender, &c)
		s.checkWebhook(&in.Webhook, &c)
		if err := c.Err(); err != nil {
			return err
		}
		out = ChangedSender{Sender: sender}
		if err := s.putSender(tx, sender, in.SetDefault); err != nil {
			return err
		}
		if out.Webhook, out.Secret, err = s.changeWebhook(tx, app, sender.Key, &in.Webhook); err != nil {
			return err
		}
		return s.touch(tx, app, s.now())
	})
	s.cache.forget(app)
	if err != nil {
		return ChangedSender{}, err
	}
	return out, nil
}

// putSender stores a sender, new or changed, and makes it the default where that is asked for.
func (s *Service) putSender(tx *store.Tx, sender *hookswitch.Sender, setDefault bool) error {
	if setDefault && !sender.Default {
		if err := tx.ClearDefault(sender.App); err != nil {
			return err
		}
		sender.Default = true
	}
	fresh := sender.UpdatedAt.IsZero()
	sender.UpdatedAt = s.now().UTC()
	if fresh {
		sender.CreatedAt = sender.UpdatedAt
		return tx.InsertSender(sender)
	}
	return tx.UpdateSender(sender)
}

// SendersWithWebhooks lists the senders of an app, each with its webhook.
func (s *Service) SendersWithWebhooks(ctx context.Context, app hookswitch.Key, p store.Page) ([]ChangedSender, error) {
	list, err := s.store.Senders(ctx, app, p)
	if err != nil {
		return nil, err
	}
	out := make([]ChangedSender, len(list))
	keys := make([]hookswitch.Key, len(list))
	for i, sender := range list {
		out[i].Sender, keys[i] = sender, sender.Key
	}
	hooks, err := s.store.SenderWebhooks(ctx, app, keys)
	for _, hook := range hooks {
		for i := range out {
			if out[i].Sender.Key == hook.Sender {
				out[i].Webhook = hook
			}
		}
	}
	return out, err
}

// SenderWithWebhook is the sender of an app with the id, and its webhook.
func (s *Service) SenderWithWebhook(ctx context.Context, app hookswitch.Key, id string) (ChangedSender, error) {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return ChangedSender{}, err
	}
	hook, err := s.store.SenderWebhook(ctx, app, sender.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		hook, err = nil, nil
	}
	return ChangedSender{Sender: sender, Webhook: hook}, err
}
