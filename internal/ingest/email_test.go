package ingest_test

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// recorded is when recordings of mail services come in: Resend's signatures are good for five minutes.
var recorded = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const mailTestdata = "../provider/email/testdata/"

// newMailGateway is a gateway for mail at the time of the recordings.
func newMailGateway(t *testing.T, db *storetest.DB) *gateway {
	t.Helper()
	providers := []hookswitch.Provider{email.Postmark(email.Options{}), email.SendGrid(email.Options{}), email.Mailgun(email.Options{}), email.Resend(email.Options{})}
	return newGatewayAt(t, db, func() time.Time { return recorded }, providers...)
}

func (g *gateway) mailSender(app *hookswitch.App, name, provider string, c hookswitch.Credentials) *hookswitch.Sender {
	g.t.Helper()
	out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{{Name: name, Channel: hookswitch.Email, Provider: provider, Credentials: c}})
	if err != nil {
		g.t.Fatal(err)
	}
	return out[0].Sender
}

func TestDoors_TakeEveryRecordedRequestOfMailServices(t *testing.T) {
	both := []string{"postmark_inbound", "postmark_html_only_with_attachments", "sendgrid_mixed_charsets", "sendgrid_raw_mime", "sendgrid_events",
		"mailgun_route_attachments", "mailgun_event_failed", "resend_received", "postmark_no_sender"}
	for dir, adapter := range map[string]func(email.Options) *email.Provider{"postmark": email.Postmark, "sendgrid": email.SendGrid, "sendgrid-signed": email.SendGrid, "mailgun": email.Mailgun, "resend": email.Resend} {
		name := adapter(email.Options{}).Name()
		replayAll(t, recordings{
			provider: func() hookswitch.Provider { return adapter(email.Options{}) }, dir: mailTestdata + dir, least: 2, now: func() time.Time { return recorded },
			senders: []service.SenderSpec{{Name: "mail", Channel: hookswitch.Email, Provider: name, Credentials: providertest.Credentials(t, mailTestdata+dir, name)}},
			aside:   []string{"postmark_no_sender", "sendgrid_events"},
			both:    func(name string) bool { return slices.Contains(both, name) },
			also: func(t *testing.T, received, inbound []event) {
				for i, in := range inbound {
					if in.Data["channel"] != "email" || in.Data["text"] != received[i].Data["message"] || in.Data["providerTimestamp"] != nil {
						t.Errorf("message.inbound %d: %v", i, in.Data)
					}
					if strings.Contains(in.raw, "VGhpcyBpcyBhdHRhY2htZW50") {
						t.Error("an event carries the bytes of an attachment")
					}
				}
			},
		})
	}
}

func mailgunBody(t *testing.T, changes url.Values) []byte {
	t.Helper()
	for _, f := range providertest.Load(t, mailTestdata+"mailgun") {
		if f.Name == "mailgun_route" {
			values, err := url.ParseQuery(f.Body)
			if err != nil {
				t.Fatal(err)
			}
			for name, v := range changes {
				values[name] = v
			}
			return []byte(values.Encode())
		}
	}
	t.Fatal("no recording")
	return nil
}

var formHeader = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}

func TestDoors_AMailgunTokenIsGoodForOnePush(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newMailGateway(t, db)
		app := g.app("acme")
		g.mailSender(app, "mail", "mailgun", providertest.Credentials(t, mailTestdata+"mailgun", "mailgun"))
		const door = "/api/v1/channels/email/inbound/mailgun"
		for i, changes := range []url.Values{nil, nil, {"Message-Id": {"<forged@x>"}, "body-plain": {"Pay somebody else"}, "stripped-text": {"Pay somebody else"}}} {
			a := g.do(http.MethodPost, door, mailgunBody(t, changes), formHeader)
			if a.status != http.StatusOK || a.body != "OK" {
				t.Errorf("push %d: %d %s", i, a.status, a.body)
			}
		}
		if list := g.messages(app); len(list) != 1 || list[0].Text != "stripped plaintext body" {
			t.Errorf("%d messages, want only that of the first push", len(list))
		}
		// The id of a forged mail has not been used up: the genuine mail with it comes in.
		genuine := url.Values{"Message-Id": {"<forged@x>"}, "timestamp": {"1461261330"}, "token": {"t2"}}
		genuine["signature"] = []string{strings.TrimPrefix(sign("TEST-MAILGUN-WEBHOOK-SIGNING-KEY", "1461261330t2"), "sha256=")}
		g.do(http.MethodPost, door, mailgunBody(t, genuine), formHeader)
		if n := len(g.messages(app)); n != 2 {
			t.Errorf("%d messages after a genuine mail", n)
		}
		// A push again under a new token is the same mail.
		again := url.Values{"Message-Id": {"<forged@x>"}, "timestamp": {"1461261330"}, "token": {"t3"}}
		again["signature"] = []string{strings.TrimPrefix(sign("TEST-MAILGUN-WEBHOOK-SIGNING-KEY", "1461261330t3"), "sha256=")}
		if a := g.do(http.MethodPost, door, mailgunBody(t, again), formHeader); a.status != http.StatusOK {
			t.Errorf("signed again: %d", a.status)
		}
		if n := len(g.messages(app)); n != 2 {
			t.Errorf("%d messages after the same mail with another token", n)
		}
	})
}

func TestDoors_MailFindsItsRouteByTheMailbox(t *testing.T) {
	t.Parallel()
	g := newMailGateway(t, storetest.SQLite(t))
	app := g.app("acme")
	names := map[hookswitch.Key]string{}
	for _, name := range []string{"sales", "support"} {
		s := g.mailSender(app, name, "sendgrid", hookswitch.Credentials{"basic_user": {"u"}, "basic_pass": {"p"}, "address": {strings.ToUpper(name) + "@acme.example"}})
		names[s.Key] = name
	}
	header := map[string]string{"Content-Type": "application/x-www-form-urlencoded", "Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("u:p"))}
	for i, to := range []string{"support+order7@acme.example", "Sales@ACME.example", "nobody@acme.example"} {
		body := url.Values{"from": {"ana@example.org"}, "to": {"x@y.example"}, "text": {to}, "headers": {"Message-ID: <same@x>"}, "envelope": {`{"to":["` + to + `"],"from":"ana@example.org"}`}}
		if a := g.do(http.MethodPost, "/api/v1/channels/email/inbound/sendgrid", []byte(body.Encode()), header); a.status != http.StatusOK {
			t.Errorf("%d: %d %s", i, a.status, a.body)
		}
	}
	var got []string
	for _, m := range g.messages(app) {
		got = append(got, names[m.Sender]+" "+m.To)
	}
	slices.Sort(got)
	if want := []string{"sales sales@acme.example", "support support+order7@acme.example"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if n := len(g.strays()); n != 1 {
		t.Errorf("%d kept aside, want the mail to nobody", n)
	}
}

// unfinished is an adapter whose pushes cannot be completed.
type unfinished struct {
	hookswitch.Provider
	err error
}

func (u unfinished) Complete(_ context.Context, _ *hookswitch.Push, _ hookswitch.Credentials, updates []hookswitch.Update) error {
	if u.err == nil {
		updates[0].Message.Text = "fetched"
	}
	return u.err
}

func TestDoors_StoreWhatAPushLeavesOutOrAskForItAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err            error
		status, stored int
	}{
		"fetched": {nil, http.StatusOK, 1},
		"later":   {hookswitch.Errorf(hookswitch.Unavailable, "not now"), http.StatusServiceUnavailable, 0},
	} {
		g := newGateway(t, storetest.SQLite(t), unfinished{email.Mailgun(email.Options{}), tt.err})
		app := g.app("acme")
		g.mailSender(app, "mail", "mailgun", providertest.Credentials(t, mailTestdata+"mailgun", "mailgun"))
		a := g.do(http.MethodPost, "/api/v1/channels/email/inbound/mailgun", mailgunBody(t, nil), formHeader)
		list := g.messages(app)
		if a.status != tt.status || len(list) != tt.stored || len(list) == 1 && list[0].Text != "fetched" {
			t.Errorf("%s: %d, %d messages %+v", name, a.status, len(list), list)
		}
	}
}
