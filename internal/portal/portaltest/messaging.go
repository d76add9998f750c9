package portaltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/store"
)

const botRules = `{"kind":"rules","greeting":"Hello {name}! Ask me for your balance, or write \"agent\" to talk to a person.",
	"rules":[{"keywords":["balance"],"reply":"Your balance is KES 1,250. Is there anything else?"},{"keywords":["thanks","thank you"],"reply":"You are welcome!"}],
	"handover":["agent","person"],"handoverReply":"A colleague will write to you here in a moment.","fallback":"I can tell you your balance. Write \"agent\" to talk to a person."}`

const shopModel = `{"kind":"openai","baseUrl":"http://127.0.0.1:9/v1?team=7","apiKey":"sk-of-the-demonstration","model":"gpt-5-mini","reasoningEffort":"minimal","reasoningTokens":500,
	"system":"You answer for Acme's shop on {channel}. Parcels come within two days. Never promise a refund.","marks":true,"handoverAfter":5,"handover":["agent"],"handoverReply":"A colleague will write to you.",
	"fallback":"Sorry, please try again in a minute.","timeout":"20s","limits":{"telegram":{"tokens":300,"characters":900}}}`

const ussdMenu = `{"kind":"menu","start":"main","unknown":"Please choose 1 or 2.","screens":{
	"main":{"text":"Welcome to Acme.","options":[{"key":"1","label":"My balance","goTo":"balance"},{"key":"2","label":"Send money","goTo":"amount"}]},
	"balance":{"text":"Your balance is KES 1,250.","end":true},
	"amount":{"text":"How much? (KES)","as":"amount","input":{"kind":"number","min":10,"max":5000,"error":"From 10 to 5,000, please."},"goTo":"confirm"},
	"confirm":{"text":"Send KES {amount}?","options":[{"key":"1","label":"Yes","goTo":"done"},{"key":"2","label":"No","goTo":"main"}]},
	"done":{"text":"You have sent KES {amount}.","end":true}}}`

// messaging makes senders, and has people write to them, dial and call, by the real doors.
func (s *Site) messaging(ctx context.Context, doors http.Handler) error {
	ids, svc := s.Service.IDs(), s.Service
	rules, menu, model := &hookswitch.ResponderConfig{}, &hookswitch.ResponderConfig{}, &hookswitch.ResponderConfig{}
	if err := errors.Join(json.Unmarshal([]byte(s.foulJSON(botRules, "Your balance is KES 1,250. Is there anything else?", "A colleague will write to you here in a moment.")), rules),
		json.Unmarshal([]byte(s.foulJSON(ussdMenu, "Welcome to Acme.", "My balance")), menu), json.Unmarshal([]byte(s.foulJSON(shopModel, "Sorry, please try again in a minute.")), model)); err != nil {
		return err
	}
	demo := func(ch hookswitch.Channel, provider string) simulate.Simulator {
		sim, err := simulate.Of(ch, provider)
		if err != nil {
			panic(err) // the names are above
		}
		return sim
	}
	whatsapp, sms, ussd, x, voice := demo(hookswitch.WhatsApp, "meta"), demo(hookswitch.SMS, "twilio"), demo(hookswitch.USSD, ""), demo(hookswitch.X, ""), demo(hookswitch.Voice, "africastalking")
	telegram := demo(hookswitch.Telegram, "")
	spec := func(name string, sim simulate.Simulator, r *hookswitch.ResponderConfig, hook string) service.SenderSpec {
		out := service.SenderSpec{Name: s.foul(name, 200), Channel: sim.Channel, Provider: sim.Provider, PhoneNumber: sim.Demo.Number, Credentials: sim.Demo.Credentials, Responder: r}
		if hook != "" {
			out.Webhook = &service.WebhookSpec{URL: hook}
		}
		return out
	}
	applied, err := svc.ApplySenders(ctx, s.App.Key, []service.SenderSpec{spec("Support line", whatsapp, rules, "https://hooks.acme.example/messages"), spec("Support line", sms, nil, ""),
		spec("Money menu", ussd, menu, ""), spec("Money menu", voice, nil, ""), spec("@acme_telecom", x, rules, ""), spec("Shop assistant", telegram, model, "")})
	if err != nil {
		return err
	}
	support, money, public, shop := applied[0].Sender, applied[1].Sender, applied[2].Sender, applied[3].Sender
	s.Names["model"] = ids.Format(hookswitch.KindSender, shop.Key)
	bare := s.foul("Sales, Mombasa", 200)
	made, err := svc.CreateSender(ctx, s.App.Key, service.SenderChange{Name: &bare})
	if err != nil {
		return err
	}
	s.Names["sender"], s.Names["ussd"], s.Names["baresender"] = ids.Format(hookswitch.KindSender, support.Key), ids.Format(hookswitch.KindSender, money.Key), ids.Format(hookswitch.KindSender, made.Sender.Key)
	s.Names["route"], s.Names["ussdroute"] = ids.Format(hookswitch.KindRoute, support.Routes[0].Key), ids.Format(hookswitch.KindRoute, money.Routes[0].Key)
	client := simulate.HandlerClient(doors)
	account := func(sender *hookswitch.Sender, sim simulate.Simulator) simulate.Account {
		a := sim.Demo
		a.Path, a.PublicURL = "/in/"+ids.Format(hookswitch.KindSender, sender.Key)+"/"+string(sim.Channel), svc.PublicURL()
		return a
	}
	write := func(sender *hookswitch.Sender, sim simulate.Simulator, kind string, who simulate.Person) (*hookswitch.Message, error) {
		s.clock.advance(70 * time.Second)
		k, ok := sim.Kind(kind)
		if !ok {
			return nil, fmt.Errorf("%s has no kind %s", sim.Channel, kind)
		}
		who.Name, who.Text = s.foul(who.Name, 0), s.foul(who.Text, 0)
		push := sim.Push(k, account(sender, sim), who)
		res, err := push.Post(ctx, client, svc.PublicURL())
		if err != nil {
			return nil, err
		}
		if res.Status != http.StatusOK {
			return nil, fmt.Errorf("the door of %s answered %d %s", sim.Channel, res.Status, res.Body)
		}
		s.clock.advance(2 * time.Second)
		if err := s.work(ctx); err != nil {
			return nil, err
		}
		for i := range sender.Routes {
			for _, id := range push.IDs {
				if m, err := svc.ReceivedBy(ctx, &sender.Routes[i], id); err == nil {
					return m, nil
				}
			}
		}
		return nil, fmt.Errorf("nothing was received on %s", sim.Channel)
	}
	for i, who := range people {
		kind, text := "text", who.text
		m, err := write(support, whatsapp, kind, simulate.Person{From: who.phone, Name: who.name, Text: text})
		if err != nil {
			return err
		}
		if i == 0 {
			if _, err := write(support, whatsapp, "text", simulate.Person{From: who.phone, Name: who.name, Text: "Asante sana, thank you! And which of the two numbers on my bill is the one that I have to pay to?"}); err != nil {
				return err
			}
			if _, err := write(support, whatsapp, "image", simulate.Person{From: who.phone, Name: who.name, Text: "This one <b>here</b>"}); err != nil {
				return err
			}
			s.Names["conversation"] = ids.Format(hookswitch.KindConversation, m.Conversation)
		}
		if i == 3 {
			s.Names["handed"] = ids.Format(hookswitch.KindConversation, m.Conversation)
			if err := svc.SetHandover(ctx, s.App.Key, s.Names["handed"], true); err != nil {
				return err
			}
			if _, err := svc.SendMessage(ctx, s.App.Key, service.NewMessage{Sender: s.Names["sender"], Channel: hookswitch.WhatsApp, To: who.phone, Text: s.foul("Hello Juma, this is Wairimu. How can I help?", 900),
				Content: []byte(`{"messageTag":"HUMAN_AGENT"}`)}, service.Idempotency{}); err != nil {
				return err
			}
			if err := s.work(ctx); err != nil {
				return err
			}
			if _, err := write(support, whatsapp, "text", simulate.Person{From: who.phone, Name: who.name, Text: "I was charged twice for the same bundle."}); err != nil {
				return err
			}
		}
	}
	if _, err := write(support, sms, "text", simulate.Person{From: "+254733908812", Text: "BALANCE"}); err != nil {
		return err
	}
	if _, err := write(public, x, "mention", simulate.Person{From: "3001969357", Name: "Zawadi", Text: "@acme_telecom is it only me, or is the network down in Kisumu since this morning? <script>alert(1)</script>"}); err != nil {
		return err
	}
	for _, text := range []string{"Where is my parcel?", "It was to come yesterday", "What is the password of the depot?", "hello? hello?"} {
		if _, err := write(shop, telegram, "text", simulate.Person{From: "5550001111", Name: "Otieno", Text: text}); err != nil {
			return err
		}
	}
	dial := func(sender *hookswitch.Sender, sim simulate.Simulator, leave bool, inputs ...string) error {
		d, err := sim.Dial(account(sender, sim), client, svc.PublicURL(), "+254722114477")
		if err != nil {
			return err
		}
		sc, err := d.Open(ctx)
		for _, in := range inputs {
			if err != nil || !sc.More {
				break
			}
			s.clock.advance(6 * time.Second)
			sc, err = d.Answer(ctx, in)
		}
		if err == nil && leave && sc.More {
			err = d.HangUp(ctx)
		}
		return err
	}
	for _, run := range []error{dial(money, ussd, false, "1"), dial(money, voice, true), dial(money, ussd, true, "2"), dial(money, ussd, true, "2", "50"), dial(money, ussd, false, "2", "9000", "250", "1")} {
		if run != nil {
			return run
		}
	}
	calls, err := svc.Dialogues(ctx, s.App.Key, store.DialogueFilter{Channel: hookswitch.USSD}, store.Page{Limit: 1})
	if err != nil || len(calls) == 0 {
		return errors.Join(errors.New("there is no session"), err)
	}
	s.Names["call"] = ids.Format(hookswitch.KindDialogue, calls[0].Key)
	return s.amiss(ctx, account(support, whatsapp), whatsapp, client)
}

// amiss makes what goes wrong at doors: forgeries, and a push for nobody; and the rest that is decided upon.
func (s *Site) amiss(ctx context.Context, a simulate.Account, sim simulate.Simulator, client *http.Client) error {
	ids, svc := s.Service.IDs(), s.Service
	k, _ := sim.Kind("text")
	forged := sim.Forge(a, sim.Push(k, a, simulate.Person{}))
	for range 3 {
		if _, err := forged.Post(ctx, client, svc.PublicURL()); err != nil {
			return err
		}
	}
	page, err := simulate.Of(hookswitch.Messenger, "meta") // of the same account, and no sender has it
	if err != nil {
		return err
	}
	k, _ = page.Kind("text")
	if _, err := page.Push(k, page.Demo, simulate.Person{Text: s.foul("Is this the right page?", 0)}).Post(ctx, client, svc.PublicURL()); err != nil {
		return err
	}
	strays, err := svc.Strays(ctx, store.Page{Limit: 1})
	if err != nil || len(strays) == 0 {
		return errors.Join(errors.New("nothing was kept aside"), err)
	}
	s.Names["stray"] = ids.Format(hookswitch.KindStray, strays[0].Key)
	for i, t := range []hookswitch.Template{{Name: "bill_is_due", Language: "en", Category: hookswitch.TemplateUtility, Body: s.foul("Hello {{1}}, your bill of KES {{2}} is due on {{3}}.", 1000), Footer: s.foul("Acme Telecom", 60), Variables: []string{"name", "amount", "date"},
		Buttons: []hookswitch.TemplateButton{{Type: hookswitch.ButtonQuickReply, Text: "Pay now"}}}, {Name: "karibu", Language: "sw", Category: hookswitch.TemplateMarketing, Body: "Karibu {{1}}! Jibu NDIYO kupata habari zetu.", Variables: []string{"jina"}}} {
		made, err := svc.CreateTemplate(ctx, s.App.Key, t, service.Idempotency{})
		if err != nil {
			return err
		}
		if i == 0 {
			s.Names["template"] = ids.Format(hookswitch.KindTemplate, made.Key)
		}
	}
	invited, err := svc.Invitations(ctx, s.App.Key, "", store.Page{Limit: 1})
	if err != nil || len(invited) == 0 {
		return errors.Join(errors.New("nobody was invited"), err)
	}
	s.Names["inviteid"] = ids.Format(hookswitch.KindInvitation, invited[0].Key)
	for _, key := range []hookswitch.APIKey{{Name: s.foul("Backend, production", 200)}, {Name: "Continuous integration", Test: true}, {Name: "Reports", Scopes: []hookswitch.Scope{hookswitch.ScopeMessagesRead, hookswitch.ScopeContactsRead}}} {
		if _, _, err := svc.CreateAPIKey(ctx, s.App.Key, key); err != nil {
			return err
		}
	}
	return nil
}

// work runs responders and sends until nothing is owed to people. Providers take everything.
func (s *Site) work(ctx context.Context) error {
	for range 20 {
		busy := false
		for _, kind := range []hookswitch.DeliveryKind{hookswitch.DeliverRespond, hookswitch.DeliverMessage} {
			now := s.clock.now()
			got, err := s.Store.ClaimDue(ctx, store.ClaimRequest{Kind: kind, Now: now, Lease: now.Add(time.Minute), Max: 100, PerTarget: func(hookswitch.Key) int { return 1 }})
			if err != nil {
				return err
			}
			for _, d := range got.Deliveries {
				busy = true
				o := &store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim}
				if kind == hookswitch.DeliverRespond {
					err = s.reply(ctx, o)
				} else {
					err = s.send(ctx, o, d.Tries)
				}
				if err != nil {
					return err
				}
			}
		}
		if !busy {
			return nil
		}
		s.clock.advance(time.Second)
	}
	return nil
}

func (s *Site) reply(ctx context.Context, o *store.Outcome) error {
	t, err := s.Service.Turn(ctx, o.App, o.Subject)
	if err != nil {
		return err
	}
	if t == nil {
		return s.Service.SkipReply(ctx, o)
	}
	if t.Responder.Kind == "openai" { // its server is not there
		return s.model(ctx, o, &t.Turn)
	}
	r, err := respond.New(t.Responder, respond.Options{Now: s.clock.now})
	if err != nil {
		return err
	}
	reply, err := r.Respond(ctx, &t.Turn)
	if err != nil {
		return err
	}
	reply.Use = hookswitch.ReplyUse{Kind: t.Responder.Kind, Took: 400 * time.Microsecond}
	return s.Service.CommitReply(ctx, o, reply)
}

// model answers as a language model does: it also refuses, and fails.
func (s *Site) model(ctx context.Context, o *store.Outcome, t *hookswitch.Turn) error {
	reply := hookswitch.Reply{Text: s.foul("Your parcel is at the depot in Embakasi. It comes tomorrow before noon.", 0), Unsolved: true, Use: hookswitch.ReplyUse{Kind: "openai", Model: "gpt-5-mini-2025-08-07",
		Took: time.Duration(700+s.rand.IntN(1900)) * time.Millisecond, TokensIn: 380 + s.rand.IntN(500), TokensOut: 20 + s.rand.IntN(90)}}
	switch {
	case strings.Contains(t.Text, "password"):
		reply.Text, reply.Use.Refused = "I cannot help with that.", true
	case strings.Contains(t.Text, "hello?"):
		_, err := s.Service.FailReply(ctx, o, 3, &hookswitch.ResponderError{Message: "the server answered with status 529", Permanent: true},
			hookswitch.Reply{Text: "Sorry, please try again in a minute.", Use: hookswitch.ReplyUse{Kind: "openai", Took: 30 * time.Second}})
		return err
	}
	return s.Service.CommitReply(ctx, o, reply)
}

func (s *Site) send(ctx context.Context, o *store.Outcome, tries int) error {
	got, err := s.Service.BeginSend(ctx, o)
	if err != nil || got.Out == nil {
		return err
	}
	_, err = s.Service.FinishSend(ctx, o, tries, hookswitch.Accepted{ProviderID: "sim-" + got.Out.Ref, Sent: true}, nil)
	return err
}
