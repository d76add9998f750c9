package email_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/email"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

const fullMail = `{"object":"email","id":"56761188-7520-42d8-8898-ff6fc54ce618","from":"Ana Example <Ana@example.org>","to":["support@acme.example"],"cc":["bo@example.org"],
"subject":"Where is my order?","html":"<p>Where <b>is</b> it?</p>","text":null,"reply_to":["Billing <billing@example.org>"],"message_id":"<re-1@mail.example.org>",
"headers":{"in-reply-to":"<msg_0001@acme.example>","references":["<a@x> <msg_0001@acme.example>"],"date":"Fri, 20 Nov 2026 12:59:50 +0100","auto-submitted":"no"},
"attachments":[{"id":"att-1","filename":"a.pdf","content_type":"application/pdf","content_disposition":"attachment","size":77}]}`

func complete(t *testing.T, a *api, c hookswitch.Credentials, at time.Time) (hookswitch.Update, error) {
	t.Helper()
	p := email.Resend(email.Options{BaseURL: "http://127.0.0.1:1", HTTP: a})
	push := fixture(t, "testdata/resend", "resend_received").Push(t)
	push.At = at
	updates, err := p.Parse(push)
	if err != nil || len(updates) != 1 {
		t.Fatal(len(updates), err)
	}
	err = p.Complete(t.Context(), push, c, updates)
	return updates[0], err
}

func TestResend_FetchesWhatAMailSays(t *testing.T) {
	t.Parallel()
	a := &api{status: 200, body: fullMail}
	u, err := complete(t, a, hookswitch.Credentials{"api_key": {"KEY"}}, receivedAt)
	if err != nil {
		t.Fatal(err)
	}
	r := a.last(t)
	if r.Method != "GET" || r.URL.String() != "http://127.0.0.1:1/emails/receiving/56761188-7520-42d8-8898-ff6fc54ce618?html_format=cid" || field(r, "Authorization") != "Bearer KEY" || r.Keep < 1<<20 {
		t.Errorf("called %s %s keeping %d", r.Method, r.URL, r.Keep)
	}
	m := u.Message
	if m.Text != "Where is it?" || m.From != "ana@example.org" || m.Quiet || m.Metadata["incomplete"] != nil || m.Metadata["replyToMessageId"] != "<msg_0001@acme.example>" ||
		m.Content["replyTo"] != "billing@example.org" || m.Content["cc"] != "bo@example.org" || m.Content["internetMessageId"] != "<re-1@mail.example.org>" {
		t.Errorf("got %+v", m)
	}
	if a := m.Content["attachments"].([]any)[0].(map[string]any); a["size"] != 77 || a["providerAttachmentId"] != "att-1" {
		t.Errorf("attachment %v", a)
	}
	if u.Dedup != "mail:56761188-7520-42d8-8898-ff6fc54ce618:support@acme.example" || u.Address != "support@acme.example" || !u.At.Equal(time.Date(2026, 11, 20, 11, 59, 50, 0, time.UTC)) {
		t.Errorf("%q %q %v", u.Dedup, u.Address, u.At)
	}
}

func TestResend_SeesInTheFetchedHeaderWhatMustNotBeAnswered(t *testing.T) {
	t.Parallel()
	u, err := complete(t, &api{status: 200, body: strings.Replace(fullMail, `"auto-submitted":"no"`, `"Auto-Submitted":"auto-replied"`, 1)}, hookswitch.Credentials{"api_key": {"KEY"}}, receivedAt)
	if err != nil || !u.Message.Quiet {
		t.Errorf("%v, %+v", err, u.Message)
	}
}

func TestResend_AsksForThePushAgainWhereAMailCannotBeFetchedYet(t *testing.T) {
	t.Parallel()
	c := hookswitch.Credentials{"api_key": {"KEY"}}
	for _, a := range []*api{{status: 500}, {status: 429}, {err: errors.New("x")}, {err: &safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: errors.New("x")}}} {
		if _, err := complete(t, a, c, receivedAt); hookswitch.KindOf(err) != hookswitch.Unavailable {
			t.Errorf("%+v: %v, want Unavailable", a, err)
		}
		// It has been tried for a day: a mail without a text is better than none.
		if u, err := complete(t, a, c, receivedAt.Add(25*time.Hour)); err != nil || u.Message.Metadata["incomplete"] != true || u.Message.Text != "Where is my order?" {
			t.Errorf("%+v, a day later: %v, %+v", a, err, u.Message)
		}
	}
}

func TestResend_KeepsMailsThatCannotBeFetchedAtAll(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		a *api
		c hookswitch.Credentials
	}{
		"no key":          {&api{status: 200, body: fullMail}, nil},
		"a key to send":   {&api{status: 401, body: `{"name":"restricted_api_key"}`}, hookswitch.Credentials{"api_key": {"KEY"}}},
		"it is gone":      {&api{status: 404}, hookswitch.Credentials{"api_key": {"KEY"}}},
		"a broken answer": {&api{status: 200, body: fullMail[:100]}, hookswitch.Credentials{"api_key": {"KEY"}}},
	} {
		u, err := complete(t, tt.a, tt.c, receivedAt)
		if err != nil || u.Message == nil || u.Message.Metadata["incomplete"] != true || u.Message.Text != "Where is my order?" {
			t.Errorf("%s: %v, %+v", name, err, u)
		}
	}
}

func TestComplete_LeavesOtherServicesAlone(t *testing.T) {
	t.Parallel()
	a := &api{err: errors.New("called")}
	p := email.SendGrid(email.Options{HTTP: a})
	push := fixture(t, "testdata/sendgrid", "sendgrid_raw_mime").Push(t)
	updates, _ := p.Parse(push)
	if err := p.Complete(t.Context(), push, nil, updates); err != nil || len(a.calls) > 0 || updates[0].Message.Text != "注文について" {
		t.Errorf("%v after %d calls", err, len(a.calls))
	}
}
