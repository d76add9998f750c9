package simulate_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/webhook"
)

// mailSide is a box of a service and the adapter that is set up for it.
type mailSide struct {
	box  simulate.Mailbox
	make func(email.Options) *email.Provider
	c    hookswitch.Credentials
}

func mailSides(t *testing.T) map[string]mailSide {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	whsec := webhook.NewSecret().Reveal()
	const at = "support@acme.example"
	return map[string]mailSide{
		"postmark": {simulate.Mailbox{Service: simulate.Postmark, Address: at, User: "u", Password: "p", Token: "TOKEN"}, email.Postmark,
			hookswitch.Credentials{"basic_user": {"u"}, "basic_pass": {"p"}, "server_token": {"TOKEN"}, "address": {at}}},
		"sendgrid": {simulate.Mailbox{Service: simulate.SendGrid, Address: at, User: "u", Password: "p", Token: "KEY"}, email.SendGrid,
			hookswitch.Credentials{"basic_user": {"u"}, "basic_pass": {"p"}, "api_key": {"KEY"}, "address": {at}}},
		"sendgrid signed": {simulate.Mailbox{Service: simulate.SendGrid, Address: at, PrivateKey: key, Token: "KEY"}, email.SendGrid,
			hookswitch.Credentials{"public_key": {base64.StdEncoding.EncodeToString(der)}, "api_key": {"KEY"}, "address": {at}}},
		"mailgun": {simulate.Mailbox{Service: simulate.Mailgun, Address: at, Secret: "signing-key", Token: "KEY"}, email.Mailgun,
			hookswitch.Credentials{"signing_key": {"signing-key"}, "api_key": {"KEY"}, "address": {at}}},
		"resend": {simulate.Mailbox{Service: simulate.Resend, Address: at, Secret: hookswitch.Secret(whsec), Token: "KEY"}, email.Resend,
			hookswitch.Credentials{"signing_secret": {whsec}, "api_key": {"KEY"}, "address": {at}}},
	}
}

// door proves and reads a push as the gateway would.
func (s mailSide) door(t *testing.T, p *email.Provider, r *http.Request) ([]hookswitch.Update, error) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	push := &hookswitch.Push{Method: r.Method, URL: &url.URL{Path: r.URL.Path}, Header: r.Header, Body: body, At: time.Now()}
	if err := p.Verify(push, s.c); err != nil {
		return nil, err
	}
	updates, err := p.Parse(push)
	if err != nil {
		return nil, err
	}
	return updates, p.Complete(r.Context(), push, s.c, updates)
}

func request(t *testing.T, p simulate.Push) *http.Request {
	t.Helper()
	r, err := p.Request(t.Context(), "http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func client(t *testing.T) *safehttp.Client {
	t.Helper()
	c := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	t.Cleanup(c.Close)
	return c
}

var letter = simulate.Letter{From: "ana@example.org", Name: "Ana \"A\" Example", Subject: "Grüße", Text: "Wo ist es?\nAna", InReplyTo: "<msg_1@acme.example>",
	References: []string{"<a@x>", "<msg_1@acme.example>"}, Files: []simulate.LetterFile{{Name: "über.pdf", Type: "application/pdf", Content: []byte("%PDF-1.4")}}}

func TestMail_AdaptersProveAndReadWhatIsPushed(t *testing.T) {
	t.Parallel()
	for name, side := range mailSides(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := simulate.NewMailAPI(simulate.MailAPIOptions{Boxes: []simulate.Mailbox{side.box}})
			server := httptest.NewServer(api)
			t.Cleanup(server.Close)
			p := side.make(email.Options{BaseURL: server.URL, HTTP: client(t)})
			push := api.Mail(side.box, letter)
			if !slices.ContainsFunc(p.Doors(), func(d hookswitch.Door) bool { return d.Path == push.Path }) {
				t.Errorf("pushes go to %s", push.Path)
			}
			updates, err := side.door(t, p, request(t, push))
			if err != nil || len(updates) != 1 || updates[0].Message == nil {
				t.Fatalf("%+v, %v", updates, err)
			}
			u, m := updates[0], updates[0].Message
			if u.Address != "support@acme.example" || m.From != "ana@example.org" || m.ProfileName != letter.Name || m.Text != letter.Text || m.Content["subject"] != "Grüße" ||
				m.Content["replyToMessageId"] != "msg_1" || m.Content["references"] != "<a@x> <msg_1@acme.example>" || m.Quiet || m.ProviderID != push.IDs[0] {
				t.Errorf("address %q, message %+v", u.Address, m)
			}
			file := m.Content["attachments"].([]any)[0].(map[string]any)
			if file["filename"] != "über.pdf" || file["size"] != 8 || file["mimeType"] != "application/pdf" {
				t.Errorf("attachment %v", file)
			}
			auto := letter
			auto.Automatic, auto.Files = true, nil
			if updates, err := side.door(t, p, request(t, api.Mail(side.box, auto))); err != nil || !updates[0].Message.Quiet {
				t.Errorf("a machine's mail: %+v, %v", updates, err)
			}
			for _, forged := range []simulate.Push{push, api.Mail(side.box, auto)} {
				if _, err := side.door(t, p, request(t, side.box.Forge(forged))); !errors.Is(err, hookswitch.ErrSignature) {
					t.Errorf("a forged push: %v", err)
				}
			}
			updates, err = side.door(t, p, request(t, side.box.Complaint(simulate.MailReport{ID: "x", Recipient: "ana@example.org"})))
			if err != nil || len(updates) != 1 || updates[0].OptOut == nil || updates[0].OptOut.From != "ana@example.org" {
				t.Errorf("a complaint: %+v, %v", updates, err)
			}
		})
	}
}

const mailRef = "msg_0000000000000000000000000aZ"

func outgoingMail(side mailSide, text string) *hookswitch.Outgoing {
	return &hookswitch.Outgoing{Ref: mailRef, Route: &hookswitch.Route{Channel: hookswitch.Email, Credentials: side.c},
		Message: &hookswitch.Message{Type: "text", To: "ana@example.org", Text: text, InReplyTo: 5},
		Answers: &hookswitch.Message{Content: []byte(`{"subject":"Where is it?","internetMessageId":"<q@mail.example.org>"}`)}}
}

// mailTold is what a gateway has been told, in order.
type mailTold struct {
	mu   sync.Mutex
	list []hookswitch.Update
	errs []error
}

func TestMailAPI_TakesMailAndReportsWhatBecomesOfIt(t *testing.T) {
	t.Parallel()
	for name, side := range mailSides(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got mailTold
			p := side.make(email.Options{})
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				updates, err := side.door(t, p, r)
				got.mu.Lock()
				defer got.mu.Unlock()
				got.list = append(got.list, updates...)
				if err != nil {
					got.errs = append(got.errs, err)
				}
			}))
			t.Cleanup(gateway.Close)
			api := simulate.NewMailAPI(simulate.MailAPIOptions{Boxes: []simulate.Mailbox{side.box}, Callback: gateway.URL,
				Faults: []simulate.Fault{{Contains: "come back", Statuses: []hookswitch.MessageStatus{hookswitch.StatusFailed}}}})
			server := httptest.NewServer(api)
			t.Cleanup(server.Close)
			running := make(chan error, 1)
			go func() { running <- api.Run(context.WithoutCancel(t.Context())) }()
			sender := side.make(email.Options{BaseURL: server.URL, HTTP: client(t)})
			acc, err := sender.Send(t.Context(), outgoingMail(side, "It is on its way."))
			if err != nil {
				t.Fatal(err)
			}
			bounced := outgoingMail(side, "This will come back.")
			bounced.Ref = "msg_0000000000000000000000000bZ"
			back, err := sender.Send(t.Context(), bounced)
			if err != nil {
				t.Fatal(err)
			}
			if err := api.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			api.Close()
			if err := <-running; err != nil {
				t.Error(err)
			}
			sent := api.Mails()
			if plain := api.Sent(); len(plain) != 2 || plain[0].Ref != mailRef || plain[0].ID != acc.ProviderID || plain[0].Channel != hookswitch.Email {
				t.Errorf("sent %+v", plain)
			}
			if len(sent) != 2 || sent[0].ID != acc.ProviderID || sent[0].Subject != "Re: Where is it?" || sent[0].To != "ana@example.org" || sent[0].Text != "It is on its way." ||
				sent[0].Header["in-reply-to"] != "<q@mail.example.org>" || sent[0].Header["auto-submitted"] != "auto-replied" || sent[0].Metadata["hookswitch_message"] != mailRef {
				t.Errorf("sent %+v", sent)
			}
			if own := sent[0].MessageID == "<"+mailRef+"@acme.example>"; own != (side.box.Service != simulate.Resend) {
				t.Errorf("Message-ID %s", sent[0].MessageID)
			}
			var statuses []hookswitch.MessageStatus
			for _, u := range got.list {
				if u.Receipt == nil {
					t.Errorf("told %+v", u)
					continue
				}
				if u.Receipt.ProviderID == back.ProviderID {
					if u.Receipt.Status != hookswitch.StatusFailed || u.Receipt.ErrorText == "" || u.Receipt.Ref != bounced.Ref {
						t.Errorf("of the mail that came back: %+v", u.Receipt)
					}
					continue
				}
				if u.Receipt.ProviderID != acc.ProviderID || u.Receipt.Ref != mailRef || u.Receipt.Recipient != "ana@example.org" || u.Address != "support@acme.example" {
					t.Errorf("told %+v of %q", u.Receipt, u.Address)
				}
				statuses = append(statuses, u.Receipt.Status)
			}
			want := []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead}
			if side.box.Service == simulate.Postmark {
				want = want[1:]
			}
			if !slices.Equal(statuses, want) || len(got.errs) > 0 || api.Lost() != 0 {
				t.Errorf("told %v, want %v; refused %v, lost %d", statuses, want, got.errs, api.Lost())
			}
		})
	}
}

func TestMailAPI_RepeatsPushesAsEachServiceDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		side   string
		answer int
		tries  int
	}{
		"postmark, 403":  {"postmark", 403, 1},
		"postmark, 401":  {"postmark", 401, 11},
		"postmark, 202":  {"postmark", 202, 11},
		"sendgrid, 400":  {"sendgrid", 400, 1},
		"sendgrid, 503":  {"sendgrid", 503, 12},
		"mailgun, 406":   {"mailgun", 406, 1},
		"mailgun, 404":   {"mailgun", 404, 7},
		"mailgun, 503":   {"mailgun", 503, 7},
		"resend, 401":    {"resend", 401, 7},
		"resend, 503":    {"resend", 503, 7},
		"resend, 200":    {"resend", 200, 1},
		"sendgrid, 200":  {"sendgrid", 200, 1},
		"postmark, 200":  {"postmark", 200, 1},
		"mailgun, 200":   {"mailgun", 200, 1},
		"a signed one":   {"sendgrid signed", 500, 12},
		"sendgrid, 302":  {"sendgrid", 302, 1},
		"sendgrid, 2xx":  {"sendgrid", 204, 1},
		"mailgun, other": {"mailgun", 201, 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			side := mailSides(t)[tt.side]
			var mu sync.Mutex
			var bodies [][]byte
			var ids []string
			gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				mu.Lock()
				defer mu.Unlock()
				bodies, ids = append(bodies, body), append(ids, r.Header.Get("Svix-Id"))
				w.WriteHeader(tt.answer)
			}))
			t.Cleanup(gateway.Close)
			api := simulate.NewMailAPI(simulate.MailAPIOptions{Boxes: []simulate.Mailbox{side.box}, Callback: gateway.URL, Delay: time.Microsecond, Minute: time.Microsecond})
			t.Cleanup(api.Close)
			go func() { _ = api.Run(context.WithoutCancel(t.Context())) }()
			if !api.Bring(side.box, letter) {
				t.Fatal("too much is outstanding")
			}
			if err := api.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(bodies) != tt.tries {
				t.Errorf("%d tries, want %d", len(bodies), tt.tries)
			}
			for i := range bodies {
				if !bytes.Equal(bodies[i], bodies[0]) || ids[i] != ids[0] {
					t.Error("a repeat differs from the first")
				}
			}
			if lost := tt.answer/100 != 2; (api.Lost() == 1) != lost && tt.answer != 202 && tt.answer != 201 {
				t.Errorf("lost %d", api.Lost())
			}
		})
	}
}

func TestMailAPI_RefusesWhatTheServicesWould(t *testing.T) {
	t.Parallel()
	for name, side := range mailSides(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := simulate.NewMailAPI(simulate.MailAPIOptions{Boxes: []simulate.Mailbox{side.box}})
			server := httptest.NewServer(api)
			t.Cleanup(server.Close)
			p := side.make(email.Options{BaseURL: server.URL, HTTP: client(t)})
			send := func(change func(*hookswitch.Outgoing)) *hookswitch.SendError {
				out := outgoingMail(side, "x")
				out.Route.Credentials = hookswitch.Credentials{}
				for k, v := range side.c {
					out.Route.Credentials[k] = v
				}
				change(out)
				_, err := p.Send(t.Context(), out)
				var e *hookswitch.SendError
				if !errors.As(err, &e) {
					t.Fatalf("%v is no SendError", err)
				}
				return e
			}
			if e := send(func(o *hookswitch.Outgoing) {
				o.Route.Credentials["api_key"], o.Route.Credentials["server_token"] = []string{"wrong"}, []string{"wrong"}
			}); e.Category != "auth" || e.Temporary || e.Unknown {
				t.Errorf("a wrong token: %+v", e)
			}
			if e := send(func(o *hookswitch.Outgoing) { o.Route.Credentials["address"] = []string{"x@other.example"} }); e.Category != "auth" || e.Temporary || e.Unknown {
				t.Errorf("another's address: %+v", e)
			}
			api.SetFaults(simulate.Fault{HTTPStatus: 429, RetryAfter: 3 * time.Second})
			if e := send(func(*hookswitch.Outgoing) {}); !e.Temporary || e.RetryAfter != 3*time.Second {
				t.Errorf("throttled: %+v", e)
			}
			api.SetFaults(simulate.Fault{HTTPStatus: 502})
			if e := send(func(*hookswitch.Outgoing) {}); e.Unknown == (side.box.Service == simulate.Resend) || e.Temporary != (side.box.Service == simulate.Resend) {
				t.Errorf("broken down: %+v", e)
			}
			api.SetFaults(simulate.Fault{HTTPStatus: 400})
			if e := send(func(*hookswitch.Outgoing) {}); e.Temporary || e.Unknown {
				t.Errorf("refused: %+v", e)
			}
			if n := len(api.Sent()); n != 0 {
				t.Errorf("%d were taken", n)
			}
			for _, body := range []string{"", "{}", "x", `{"From":5}`} {
				path := map[simulate.MailService]string{simulate.Postmark: "/email", simulate.SendGrid: "/v3/mail/send", simulate.Mailgun: "/v3/acme.example/messages", simulate.Resend: "/emails"}[side.box.Service]
				r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+path, strings.NewReader(body))
				r.Header.Set("Authorization", "Bearer KEY")
				if side.box.Service == simulate.Mailgun {
					r.SetBasicAuth("api", "KEY")
				}
				r.Header.Set("X-Postmark-Server-Token", "TOKEN")
				r.Header.Set("Content-Type", "application/json")
				res, err := server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
				if res.StatusCode/100 != 4 || res.StatusCode == http.StatusNotFound {
					t.Errorf("%q is answered %d", body, res.StatusCode)
				}
			}
		})
	}
}

func TestMailAPI_ResendSendsTheSameMailOnce(t *testing.T) {
	t.Parallel()
	side := mailSides(t)["resend"]
	api := simulate.NewMailAPI(simulate.MailAPIOptions{Boxes: []simulate.Mailbox{side.box}})
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	p := side.make(email.Options{BaseURL: server.URL, HTTP: client(t)})
	first, err := p.Send(t.Context(), outgoingMail(side, "once"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Send(t.Context(), outgoingMail(side, "once"))
	if err != nil || again.ProviderID != first.ProviderID || len(api.Sent()) != 1 {
		t.Errorf("again: %+v, %v; %d sent", again, err, len(api.Sent()))
	}
	var e *hookswitch.SendError
	if _, err = p.Send(t.Context(), outgoingMail(side, "other")); !errors.As(err, &e) || e.Code != "invalid_idempotent_request" {
		t.Errorf("another mail under the same key: %v", err)
	}
}

func TestMailAPI_AHangIsAMailTakenWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"postmark", "resend"} {
		side := mailSides(t)[name]
		ctx, cancel := context.WithCancel(t.Context()) // ends as a deadline would, but when the mail is there
		api := simulate.NewMailAPI(simulate.MailAPIOptions{Boxes: []simulate.Mailbox{side.box}, Faults: []simulate.Fault{{Hang: true, Times: 1}},
			OnSend: func(simulate.Sent) { cancel() }})
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		p := side.make(email.Options{BaseURL: server.URL, HTTP: client(t)})
		_, err := p.Send(ctx, outgoingMail(side, "x"))
		cancel()
		var e *hookswitch.SendError
		if !errors.As(err, &e) || e.Unknown != (name == "postmark") || e.Temporary != (name == "resend") {
			t.Errorf("%s: %+v", name, err)
		}
		if name == "resend" {
			if acc, err := p.Send(t.Context(), outgoingMail(side, "x")); err != nil || acc.ProviderID != api.Sent()[0].ID || len(api.Sent()) != 1 {
				t.Errorf("the same call again: %+v, %v", acc, err)
			}
		}
		api.Close()
	}
}
