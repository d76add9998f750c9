package portaltest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// behaviour is how the customer's server behind an endpoint answers.
type behaviour struct {
	name   string
	url    string
	types  []string
	median time.Duration
	// answer is the status, 0 for none, the word for the failure, and what was answered, at an hour of the demonstration counted back from its end.
	answer func(s *Site, hoursLeft float64) (code int, failure, text string)
}

func fine(*Site, float64) (int, string, string) { return 200, "", `{"ok":true}` }

var behaviours = []behaviour{
	{"Billing", "https://billing.acme.example/hooks/messages", []string{hookswitch.EventMessageInbound, "message.delivered", "message.failed"}, 64 * time.Millisecond, fine},
	{"Data warehouse", "https://ingest.acme.example/v2/events?source=hookswitch", nil, 212 * time.Millisecond, func(s *Site, _ float64) (int, string, string) {
		if s.rand.IntN(9) == 0 {
			return 503, "", "upstream connect error or disconnect/reset before headers"
		}
		return 202, "", "accepted"
	}},
	{"CRM", "https://crm.acme.example/webhooks/conversations", []string{hookswitch.EventMessageInbound, "conversation.new"}, 118 * time.Millisecond, func(_ *Site, left float64) (int, string, string) {
		if left < 4.2 {
			return 500, "", `{"error":"relation \"contacts\" does not exist"}`
		}
		return 200, "", "ok"
	}},
	{"Old help desk", "https://helpdesk.acme.example/notify", []string{hookswitch.EventMessageInbound}, 90 * time.Millisecond, func(_ *Site, left float64) (int, string, string) {
		if left < 9 {
			return 410, "", "gone"
		}
		return 200, "", "ok"
	}},
	{"Accounting", "http://accounting.acme.example/hooks", []string{"message.failed"}, 40 * time.Millisecond, func(_ *Site, left float64) (int, string, string) {
		if left < 3 {
			return 308, "", ""
		}
		return 204, "", ""
	}},
}

// header are the header lines of the answer to an attempt that failed.
func (b behaviour) header(code int) string {
	h := "Content-Type: application/json\nDate: Mon, 01 Jan 2026 10:00:00 GMT\n"
	if code == 308 {
		h += "Location: https://accounting.acme.example/hooks\n"
	}
	return h + "Server: nginx/1.27.2\n"
}

// orderShipped has two versions of a schema, of which the second refers to a part of itself.
const orderShipped = `{"1":{"type":"object","required":["order","carrier"],"properties":{"order":{"type":"string","description":"Number of the order."},"carrier":{"type":"string","enum":["dhl","ups"]},
	"weight":{"type":"integer","description":"In grams."},"note":{"type":"string"}}},
	"2":{"type":"object","required":["order","parcels"],"properties":{"order":{"type":"string","description":"Number of the order."},"carrier":{"type":"string","enum":["dhl","ups","gls"]},
	"weight":{"type":"number","description":"In kilograms."},"parcels":{"type":"array","items":{"$ref":"#/definitions/parcel"}}},"definitions":{"parcel":{"type":"object","required":["code"],
	"properties":{"code":{"type":"string"},"weight":{"type":"number"}}}}}}`

// seed makes the business.
func (s *Site) seed(ctx context.Context, bare bool) (err error) {
	if s.App, err = s.Service.CreateApp(ctx, hookswitch.App{Name: s.foul("Acme Telecom", 200), UID: "acme"}, service.Idempotency{}); err != nil {
		return err
	}
	if s.Empty, err = s.Service.CreateApp(ctx, hookswitch.App{Name: "Baraka Foods", UID: "baraka"}, service.Idempotency{}); err != nil {
		return err
	}
	ids := s.Service.IDs()
	s.Names["app"], s.Names["empty"] = ids.Format(hookswitch.KindApp, s.App.Key), ids.Format(hookswitch.KindApp, s.Empty.Key)
	if bare {
		return nil
	}
	for _, name := range []string{"Coastline Bank", "Duka Online", "Elimu Schools", "Furaha Clinics"} {
		if _, err := s.Service.CreateApp(ctx, hookswitch.App{Name: name}, service.Idempotency{}); err != nil {
			return err
		}
		s.clock.advance(time.Minute)
	}
	answers := make(map[hookswitch.Key]behaviour)
	endpoints := make(map[string]*hookswitch.Endpoint)
	for _, b := range behaviours {
		s.clock.advance(7 * time.Minute)
		e, err := s.Service.CreateEndpoint(ctx, s.App.Key, hookswitch.Endpoint{URL: b.url, Description: s.foul(b.name, 0), EventTypes: b.types}, service.Idempotency{})
		if err != nil {
			return err
		}
		answers[e.Key], endpoints[b.name] = b, e
	}
	if err := s.bins(ctx); err != nil {
		return err
	}
	if err := s.day(ctx, answers, endpoints); err != nil {
		return err
	}
	quiet, err := s.Service.CreateEndpoint(ctx, s.App.Key, hookswitch.Endpoint{URL: "https://partner.example/feed", Description: "Partner feed"}, service.Idempotency{})
	if err != nil {
		return err
	}
	s.Names["quiet"] = ids.Format(hookswitch.KindEndpoint, quiet.Key)
	if err := s.named(ctx, endpoints); err != nil {
		return err
	}
	for name, of := range map[string]string{"endpoint": "Data warehouse", "failing": "CRM", "off": "Old help desk", "good": "Billing"} {
		s.Names[name] = ids.Format(hookswitch.KindEndpoint, endpoints[of].Key)
	}
	issues, err := s.Service.Issues(ctx, s.App.Key)
	if err != nil {
		return err
	}
	for _, i := range issues {
		if i.Endpoint.Key == endpoints["CRM"].Key {
			s.Names["cause"] = i.Diagnosis.Code
			if err := s.Service.MarkIssue(ctx, s.App.Key, i.Endpoint.Key, i.Diagnosis.Code, service.IssueOpen, s.foul("Grace is looking at the migration of the contacts table.", 900)); err != nil {
				return err
			}
		} else if i.Endpoint.Key == endpoints["Old help desk"].Key {
			if err := s.Service.MarkIssue(ctx, s.App.Key, i.Endpoint.Key, i.Diagnosis.Code, service.IssueMuted, ""); err != nil {
				return err
			}
		}
	}
	if _, err := s.Service.CreateEventType(ctx, hookswitch.EventType{Name: "order.shipped", GroupName: "order", Description: "A parcel has left the warehouse.", Schemas: []byte(orderShipped)}, service.Idempotency{}); err != nil {
		return err
	}
	s.Names["rotated"] = s.Names["good"]
	if err := s.activity(ctx, endpoints); err != nil {
		return err
	}
	list, _, err := s.Service.AttemptsByEndpoint(ctx, s.App.Key, endpoints["CRM"].Key, store.AttemptFilter{}, store.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.New("the endpoint that fails was never tried")
	}
	s.Names["attempt"], s.Names["event"] = ids.Format(hookswitch.KindAttempt, list[0].Key), ids.Format(hookswitch.KindEvent, list[0].Event)
	return nil
}

// day is a day of business: events by the hour, attempts as the servers behind the endpoints answer.
func (s *Site) day(ctx context.Context, answers map[hookswitch.Key]behaviour, endpoints map[string]*hookswitch.Endpoint) error {
	end := time.Now().Add(-25 * time.Minute) // what is said to people comes after it
	const step = 6 * time.Minute
	clockRuns, talked := false, false
	for s.clock.now().Add(step).Before(end) {
		s.clock.advance(step)
		left := end.Sub(s.clock.now()).Hours()
		if left < 1.2 && !talked {
			talked = true
			if err := s.chat(ctx); err != nil {
				return err
			}
		}
		busy := 1 + math.Sin((left-3)/24*2*math.Pi) // a quiet night, a busy day
		for range 1 + int(busy*4) + s.rand.IntN(3) {
			s.clock.advance(400 * time.Millisecond)
			if _, err := s.Service.PublishEvent(ctx, s.App, s.event(), service.Idempotency{}); err != nil {
				return err
			}
		}
		s.clock.advance(300 * time.Millisecond)
		now := s.clock.now()
		got, err := s.Store.ClaimDue(ctx, store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: now, Lease: now.Add(time.Hour), Max: 5000, PerTarget: func(hookswitch.Key) int { return 1000 }})
		if err != nil {
			return err
		}
		for _, d := range got.Deliveries {
			b, ok := answers[d.Target]
			if !ok {
				continue
			}
			o := s.attempt(d, b, left)
			o.ClockRuns = true
			switch {
			case o.Attempt.Code == 410:
				o.Verdict = store.Exhausted
				if err := s.Service.Exhaust(ctx, o, true); err != nil {
					return err
				}
			case !o.Attempt.OK && d.Target == endpoints["CRM"].Key && !clockRuns:
				o.Verdict, clockRuns = store.Exhausted, true
				if err := s.Service.Exhaust(ctx, o, false); err != nil {
					return err
				}
			default:
				s.Service.Record(o)
			}
		}
		// An accept for an App that does not exist is refused, and yet commits what waits.
		if err := s.Store.Accept(&store.Accept{}); !errors.Is(err, store.ErrStale) {
			return fmt.Errorf("flush: %w", err)
		}
	}
	s.clock.ms.Store(end.UnixMilli())
	return nil
}

// attempt is one try of a delivery.
func (s *Site) attempt(d store.Delivery, b behaviour, left float64) *store.Outcome {
	code, failure, text := b.answer(s, left)
	took := time.Duration(float64(b.median) * math.Exp(s.rand.NormFloat64()*0.45))
	a := &hookswitch.Attempt{Key: s.Service.NextKey(), App: d.App, Event: d.Subject, Endpoint: d.Target, URL: b.url, OK: code/100 == 2, Code: code, Failure: failure, Answer: []byte(s.foul(text, 0)),
		Timings: hookswitch.Timings{DNS: 3 * time.Millisecond, Connect: 11 * time.Millisecond, TLS: 19 * time.Millisecond, Wait: took, Total: took + 34*time.Millisecond}}
	a.SignedAt = s.clock.now().Truncate(time.Second)
	a.Facts = &hookswitch.AttemptFacts{Remote: "203.0.113.24:443", TLS: hookswitch.TLSFacts{Version: "TLS 1.3", Issuer: s.foul("Let's Encrypt", 200), Names: []string{s.foul("*.acme.example", 200)}, Ends: s.clock.now().Add(61 * 24 * time.Hour)}}
	o := &store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim, Attempt: a}
	if !a.OK {
		a.Headers = []byte(b.header(a.Code) + "X-Note: " + s.foul("none", 0) + "\n")
		a.Facts.Sent = "Content-Type: application/json\nUser-Agent: Svix-Webhooks/1.0 (Hookswitch)\nAccept: */*\nsvix-id: " + s.Service.IDs().Format(hookswitch.KindEvent, a.Event) +
			"\nsvix-timestamp: " + strconv.FormatInt(a.SignedAt.Unix(), 10) + "\nsvix-signature: " + s.signature(d, a.SignedAt) + "\nAuthorization: " + hookswitch.HiddenValue + "\n"
		waits := hookswitch.SvixProfile().Waits
		o.Verdict, o.Next = store.Retry, s.clock.now().Add(waits[1+s.rand.IntN(3)])
		a.Next = o.Next
	}
	return o
}

// signature is what a try is signed with.
func (s *Site) signature(d store.Delivery, at time.Time) string {
	ids := s.Service.IDs()
	ev, err := s.Service.EventByKey(context.Background(), d.App, d.Subject)
	if err != nil {
		return ""
	}
	e, err := s.Service.Endpoint(context.Background(), d.App, ids.Format(hookswitch.KindEndpoint, d.Target))
	if err != nil || len(e.Secrets) == 0 {
		return ""
	}
	secret, err := webhook.ParseSecret(e.Secrets[0].Secret.Reveal())
	if err != nil {
		return ""
	}
	return webhook.Sign(ids.Format(hookswitch.KindEvent, ev.Key), at, ev.Payload, secret)
}

var people = []struct{ phone, name, text string }{
	{"+254712345678", "Amina Njeri", "What is my balance?"},
	{"+254722114477", "Otieno Were", "My order has not arrived yet"},
	{"+254733908812", "Grace Wambui", "Habari, nataka kujua bei"},
	{"+255754001122", "Juma Mrisho", "Can I speak to a person?"},
	{"+256772330099", "Sarah Namutebi", "Thank you, that helped!"},
}

// event is something that might have happened.
func (s *Site) event() service.Publish {
	who := people[s.rand.IntN(len(people))]
	channel := []string{"whatsapp", "sms", "telegram", "whatsapp"}[s.rand.IntN(4)]
	kind := []string{hookswitch.EventMessageInbound, hookswitch.EventMessageInbound, "message.delivered", "message.delivered", "conversation.new", "message.failed"}[s.rand.IntN(6)]
	id := "wamid." + strconv.FormatUint(s.rand.Uint64(), 36)
	payload, err := json.Marshal(map[string]any{"type": kind, "timestamp": s.clock.now().UnixMilli(), "data": map[string]any{
		"messageId": id, "from": who.phone, "profileName": s.foul(who.name, 0), "channel": channel, "messageType": "text", "text": s.foul(who.text, 0), "amount": json.Number("12500.10")}})
	if err != nil {
		payload = []byte(`{}`) // maps of texts can be encoded
	}
	return service.Publish{Type: kind, Payload: payload, Tags: []string{channel}}
}

// bins makes a play bin with some requests, and one without.
func (s *Site) bins(ctx context.Context) error {
	secret := webhook.NewSecret()
	b, err := s.Service.CreateBin(ctx, hookswitch.Secret(secret.Reveal()))
	if err != nil {
		return err
	}
	empty, err := s.Service.CreateBin(ctx)
	if err != nil {
		return err
	}
	s.Names["bin"], s.Names["emptybin"] = b.Token, empty.Token
	invited, err := s.Service.CreateInvitation(ctx, s.App.Key, hookswitch.Invitation{ClientName: s.foul("Mama Njeri's Kiosk", 100)}, 0, service.Idempotency{})
	if err != nil {
		return err
	}
	s.Names["invitation"] = invited.Token.Reveal()
	for i, who := range people {
		s.clock.advance(40 * time.Second)
		body := fmt.Sprintf(`{"type":"message.inbound","timestamp":%d,"data":{"from":%q,"channel":"whatsapp","text":%q,"tags":["vip","nairobi"],"first":%t}}`, s.clock.now().UnixMilli(), who.phone, s.foul(who.text, 0), i == 0)
		h := http.Header{}
		if err := webhook.SetHeaders(h, "msg_demo"+strconv.Itoa(i), s.clock.now(), []byte(body), secret); err != nil {
			return err
		}
		if i == 2 {
			body += " "
		}
		lines := []store.HeaderLine{{Name: "Host", Value: "127.0.0.1"}, {Name: "Content-Type", Value: "application/json"}, {Name: "User-Agent", Value: "Svix-Webhooks/1.0 (Hookswitch)"}}
		for name := range h {
			lines = append(lines, store.HeaderLine{Name: name, Value: h.Get(name)})
		}
		q := &store.BinRequest{Token: b.Token, Method: http.MethodPost, URI: "/play/in/" + b.Token, Remote: "198.51.100.7:50412", Headers: lines, Body: []byte(body), Size: int64(len(body))}
		if err := s.Service.AddBinRequest(ctx, q); err != nil {
			return err
		}
		if i < 2 {
			s.Names[[]string{"binone", "bintwo"}[i]] = strconv.FormatInt(int64(q.Key), 10)
		}
	}
	for name, password := range map[string]hookswitch.Secret{"share": "", "lockedshare": "open sesame"} {
		share, err := s.Service.ShareBin(ctx, b.Token, password, 30*24*time.Hour)
		if err != nil {
			return err
		}
		s.Names[name] = share.Link
	}
	return s.busyBin(ctx)
}

// busyBin is a bin with a name that fails twice before it takes a request, and what several providers sent to it.
func (s *Site) busyBin(ctx context.Context) error {
	b, err := s.Service.CreateBin(ctx)
	if err != nil {
		return err
	}
	s.Names["manybin"] = b.Token
	if _, err := s.Service.UpdateBin(ctx, b.Token, func(b *store.Bin) error {
		b.Name, b.Forward, b.Relay = s.foul("Checkout, staging", 80), "https://staging.acme.example/webhooks", "https://staging.acme.example/webhooks"
		return nil
	}); err != nil {
		return err
	}
	if err := s.Service.SetBinAnswer(ctx, b.Token, &store.BinAnswer{Sequence: []int{503, 503, 200}, Repeat: true, DelayMS: 250, Headers: []store.HeaderLine{{Name: "Retry-After", Value: "30"}}, Body: s.foul(`{"received": {{n}}}`, 0)}); err != nil {
		return err
	}
	for i := range 120 {
		s.clock.advance(3 * time.Second)
		who := people[i%len(people)]
		q := &store.BinRequest{Token: b.Token, Method: http.MethodPost, URI: "/play/in/" + b.Token, Remote: "198.51.100." + strconv.Itoa(10+i%40) + ":41000"}
		kind, body := "application/json", ""
		switch i % 5 {
		case 0:
			kind, body = "application/x-www-form-urlencoded", url.Values{"AccountSid": {"AC00000000000000000000000000000000"}, "From": {who.phone}, "To": {"+14155550100"}, "Body": {s.foul(who.text, 0)}, "MessageSid": {fmt.Sprintf("SM%032d", i)}, "NumMedia": {"0"}}.Encode()
			q.URI += "/twilio/inbound"
			q.Headers = append(q.Headers, store.HeaderLine{Name: "X-Twilio-Signature", Value: "0/KCTR6DLpKmkAf8muzZqo1nDgQ="})
		case 1:
			body = fmt.Sprintf(`{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":"messages","value":{"metadata":{"display_phone_number":"254700000000"},"contacts":[{"profile":{"name":%q}}],"messages":[{"from":%q,"id":"wamid.%d","timestamp":"%d","type":"text","text":{"body":%q}}]}}]}]}`, who.name, who.phone[1:], i, s.clock.now().Unix(), s.foul(who.text, 0))
		case 2:
			body = fmt.Sprintf(`{"update_id":%d,"message":{"message_id":%d,"from":{"first_name":%q,"username":"demo"},"chat":{"id":77},"date":%d,"text":%q}}`, 9000+i, i, who.name, s.clock.now().Unix(), s.foul(who.text, 0))
		case 3:
			kind, body = "application/x-www-form-urlencoded", url.Values{"sessionId": {fmt.Sprintf("ATUid_%d", i)}, "serviceCode": {"*384*1#"}, "phoneNumber": {who.phone}, "text": {"1*2"}}.Encode()
		default:
			q.Method, q.URI = http.MethodGet, q.URI+"/health?probe=1"
		}
		if body != "" {
			q.Headers = append(q.Headers, store.HeaderLine{Name: "Content-Type", Value: kind})
		}
		q.Body, q.Size = []byte(body), int64(len(body))
		if _, err := s.Service.TakeBinRequest(ctx, q); err != nil {
			return err
		}
		did := &store.BinRelayed{To: "https://staging.acme.example/webhooks", Status: 200, MS: int64(80 + i)}
		switch {
		case i == 117:
			did.Status, did.Why = 0, "There is no answer: the connection was refused."
		case i%17 == 11:
			did.Status = 503
		}
		if err := s.Service.NoteBinRelayed(ctx, b.Token, q.Key, did); err != nil {
			return err
		}
		switch i {
		case 40:
			err = s.Service.PinBinRequest(ctx, b.Token, q.Key, true)
		case 61:
			err = s.Service.NameBinTrigger(ctx, b.Token, q.Key, s.foul("A customer asks on WhatsApp", 80))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// activity is what people did to the endpoints in the last hours.
func (s *Site) activity(ctx context.Context, endpoints map[string]*hookswitch.Endpoint) error {
	somebody, boss := service.By(ctx, hookswitch.Actor{Kind: hookswitch.ActorPortal}), service.By(ctx, hookswitch.Actor{Kind: hookswitch.ActorOperator})
	billing, crm := endpoints["Billing"], endpoints["CRM"]
	if err := s.Service.RotateSecret(somebody, s.App.Key, billing.Key, webhook.Secret{}, 24*time.Hour, service.Idempotency{}); err != nil {
		return err
	}
	if _, err := s.Service.RevealSecrets(somebody, s.App.Key, billing.Key); err != nil {
		return err
	}
	if _, err := s.Service.UpdateEndpoint(boss, s.App.Key, crm.Key, func(e *hookswitch.Endpoint) error {
		e.ThrottleRate = 50
		e.Headers = map[string]string{"Authorization": "Bearer of-the-demonstration", "X-Region": s.foul("eu-1", 80)}
		e.Metadata = map[string]string{"team": s.foul("crm", 0), "tier": "2"}
		return nil
	}); err != nil {
		return err
	}
	id := s.Service.IDs().Format(hookswitch.KindEndpoint, crm.Key)
	ended, err := s.Service.StartRecovery(boss, hookswitch.TaskReplay, s.App.Key, id, service.Recovery{Since: s.clock.now().Add(-12 * time.Hour), OnlyOwed: true}, service.Idempotency{})
	if err != nil {
		return err
	}
	if _, err := s.Service.CancelRecovery(boss, crm, s.Service.IDs().Format(hookswitch.KindTask, ended.Key)); err != nil {
		return err
	}
	_, err = s.Service.StartRecovery(somebody, hookswitch.TaskRecover, s.App.Key, id, service.Recovery{Since: s.clock.now().Add(-2 * time.Hour)}, service.Idempotency{})
	return err
}
