package portaltest

import (
	"context"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	shopProvider = "meta"
	shopID       = "109900112233445" // of its number, at the provider
	shopNumber   = "+254700100200"
	question     = "Is the delivery to Nakuru still on for today?"
	answer       = "Yes: the rider has left and is with you before five."
)

// chat is a question of a person, the responder's answer, and what the provider reports about it.
func (s *Site) chat(ctx context.Context) error {
	responder := new(hookswitch.ResponderConfig)
	if err := responder.UnmarshalJSON([]byte(`{"kind":"rules"}`)); err != nil {
		return err
	}
	if _, err := s.Service.ApplySenders(ctx, s.App.Key, []service.SenderSpec{{Name: "Acme shop", Channel: hookswitch.WhatsApp, Provider: shopProvider, Responder: responder,
		Credentials: hookswitch.Credentials{"app_secret": {"5f2b0c7e1d9a48b3a6e4c0d8f7b1e2a3"}, "verify_token": {"shop"}, "access_token": {"shop"}, "phone_number_id": {shopID}}, PhoneNumber: shopNumber}}); err != nil {
		return err
	}
	push := func(u hookswitch.Update) error {
		accounts, err := s.Service.Accounts(ctx, shopProvider, 0, "")
		if err != nil {
			return err
		}
		if len(accounts) != 1 {
			return errors.New("there is no account to push to")
		}
		u.Channel, u.Address, u.At = hookswitch.WhatsApp, shopID, s.clock.now().Add(-2*time.Second).Truncate(time.Second)
		_, err = s.Service.Receive(ctx, service.Received{Account: &accounts[0], Updates: []hookswitch.Update{u}, Door: "/api/channels/whatsapp", At: s.clock.now(), Body: []byte("{}")})
		return err
	}
	who := people[2]
	if err := push(hookswitch.Update{Dedup: "q", Message: &hookswitch.InboundMessage{ProviderID: "wamid.HBgM", From: who.phone, To: shopNumber, ProfileName: who.name, Text: question, Type: "text"}}); err != nil {
		return err
	}
	s.clock.advance(900 * time.Millisecond)
	now := s.clock.now()
	got, err := s.Store.ClaimDue(ctx, store.ClaimRequest{Kind: hookswitch.DeliverRespond, Now: now, Lease: now.Add(time.Minute), Max: 10, PerTarget: func(hookswitch.Key) int { return 10 }})
	if err != nil {
		return err
	}
	for _, d := range got.Deliveries {
		if err := s.Service.CommitReply(ctx, &store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim}, hookswitch.Reply{Text: answer}); err != nil {
			return err
		}
	}
	messages, err := s.Service.Messages(ctx, s.App.Key, store.MessageFilter{}, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(messages) == 0 || messages[0].Direction != hookswitch.Outbound {
		return errors.New("nobody has answered")
	}
	for i, status := range []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead} {
		s.clock.advance(time.Duration(1+20*i) * time.Second)
		if err := push(hookswitch.Update{Dedup: string(status), Receipt: &hookswitch.MessageReceipt{ProviderID: "wamid.HBgN", Ref: s.Service.IDs().Format(hookswitch.KindMessage, messages[0].Key),
			Recipient: who.phone, Status: status}}); err != nil {
			return err
		}
	}
	return nil
}

// named finds what the pages of messages and attempts are looked at with.
func (s *Site) named(ctx context.Context, endpoints map[string]*hookswitch.Endpoint) error {
	ids := s.Service.IDs()
	for name, text := range map[string]string{"inbound": "type:message.inbound Nakuru", "reply": "type:message.delivered wamid.HBgN"} {
		q, _ := filter.Parse(text, s.clock.now())
		list, _, _, err := s.Service.FindEvents(ctx, s.App.Key, q, store.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errors.New("there is no message like " + text)
		}
		s.Names[name] = ids.Format(hookswitch.KindEvent, list[0].Key)
	}
	for name, of := range map[string]string{"ok": "Billing", "redirect": "Accounting"} {
		list, _, err := s.Service.AttemptsByEndpoint(ctx, s.App.Key, endpoints[of].Key, store.AttemptFilter{}, store.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return errors.New("nothing was sent to " + of)
		}
		s.Names[name+"event"], s.Names[name+"attempt"] = ids.Format(hookswitch.KindEvent, list[0].Event), ids.Format(hookswitch.KindAttempt, list[0].Key)
	}
	old, _, err := s.Service.Events(ctx, s.App.Key, store.EventFilter{Bare: true}, store.Page{Limit: 1, Ascending: true})
	if err != nil {
		return err
	}
	if len(old) == 0 {
		return errors.New("nothing was published")
	}
	s.Names["expired"] = ids.Format(hookswitch.KindEvent, old[0].Key)
	return s.Service.Expunge(ctx, s.App.Key, s.Names["expired"])
}
