package webchat_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
)

const token = "wc-test-token-19af"

func TestProvider(t *testing.T) {
	t.Parallel()
	providertest.Run(t, webchat.New(), providertest.Credentials(t, "testdata", "webchat"), "testdata", providertest.BodyUnsigned())
}

func FuzzParse(f *testing.F) {
	providertest.FuzzParse(f, webchat.New(), "testdata")
}

func request(authorization, body string) *hookswitch.Push {
	return &hookswitch.Push{Method: http.MethodPost, URL: &url.URL{Scheme: "https", Host: "gw.example.test", Path: "/api/v1/channels/webchat"},
		Header: http.Header{"Authorization": {authorization}}, Body: []byte(body)}
}

// FuzzVerify demands that a request passes exactly when it bears the token.
func FuzzVerify(f *testing.F) {
	for _, seed := range []string{"Bearer " + token, "bearer " + token, "Bearer " + token + " ", "Bearer  " + token, token, "Basic " + token, ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, authorization string) {
		p, push := webchat.New(), request(authorization, "{}")
		err := p.Verify(push, hookswitch.Credentials{"token": {"new", token}})
		bears := len(authorization) > len("Bearer ") && strings.EqualFold(authorization[:len("Bearer ")], "Bearer ") &&
			(authorization[len("Bearer "):] == token || authorization[len("Bearer "):] == "new")
		if (err == nil) != bears || err != nil && !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("%q: %v, want it to pass: %t", authorization, err, bears)
		}
		if p.Verify(push, hookswitch.Credentials{"token": {""}}) == nil {
			t.Error("passes without credentials")
		}
	})
}

func TestVerify_TakesNoTokenFromAnywhereElse(t *testing.T) {
	t.Parallel()
	c := hookswitch.Credentials{"token": {token}}
	push := request("", "{}")
	push.URL.RawQuery = "token=" + token + "&apiKey=" + token
	push.Header = http.Header{"X-Api-Key": {token}}
	if err := webchat.New().Verify(push, c); !errors.Is(err, hookswitch.ErrSignature) {
		t.Errorf("in the query or another header: %v", err)
	}
	push.Header = http.Header{"Authorization": {"Bearer " + token, "Bearer " + token}}
	if err := webchat.New().Verify(push, c); !errors.Is(err, hookswitch.ErrSignature) {
		t.Errorf("twice: %v", err)
	}
}

func TestParse_SaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"visitor_id":"v","message_text":"x"}`:                                   "message_id",
		`{"message_id":"1","message_text":"x"}`:                                   "visitor_id",
		`{"message_id":"1","visitor_id":"v"}`:                                     "message_text",
		`{"message_id":"1","visitor_id":"v","media_url":"javascript:alert(1)"}`:   "media_url",
		`{"message_id":{"$ne":1},"visitor_id":["v"],"message_text":"x"}`:          "message_id",
		`{"type":"read","visitor_id":"v"}`:                                        "message_ids",
		`{"type":"read","visitor_id":"v","message_ids":"x"}`:                      "message_ids",
		`{"type":"read","message_ids":["` + strings.Repeat(`x","`, 1000) + `x"]}`: "at most 1000",
		`[]`:   "object",
		`null`: "object",
		`{"`:   "not valid JSON",
		``:     "not valid JSON",
	} {
		updates, err := webchat.New().Parse(request("", body))
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != hookswitch.Invalid || !strings.Contains(e.Message, want) || len(updates) > 0 {
			t.Errorf("%.80s: %v, %v; want a word about %s", body, updates, err, want)
		}
	}
}

func TestParse_PassesOverOddMembers(t *testing.T) {
	t.Parallel()
	body := `{"message_id":"1","visitor_id":"v","visitor_name":7,"message_text":"x","sent_at":"yesterday","page_url":{"a":1},"reply_to":true,"new":[]}`
	updates, err := webchat.New().Parse(request("", body))
	if err != nil || len(updates) != 1 {
		t.Fatalf("%v, %v", updates, err)
	}
	want := hookswitch.Update{Channel: hookswitch.WebChat, Dedup: "message:v:1", Message: &hookswitch.InboundMessage{ProviderID: "1", From: "v", ProfileName: "7", Text: "x", Type: "text",
		Metadata: map[string]any{"provider": "webchat", "profileName": "7"}}}
	if diff := cmp.Diff(want, updates[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUpdate_OneVisitorsIDsAreNotAnothers(t *testing.T) {
	t.Parallel()
	one := (&webchat.Message{ID: "1", VisitorID: "a", Text: "x"}).Update()
	other := (&webchat.Message{ID: "1", VisitorID: "b", Text: "x"}).Update()
	if one.Dedup == other.Dedup {
		t.Errorf("both are known as %q", one.Dedup)
	}
}

func TestSeen_IsAboutOurOwnID(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 7, 18, 10, 31, 0, 0, time.UTC)
	u := webchat.Seen("vis_1", "msg_1", hookswitch.StatusRead, at)
	want := &hookswitch.MessageReceipt{ProviderID: "msg_1", Ref: "msg_1", Recipient: "vis_1", Status: hookswitch.StatusRead}
	if diff := cmp.Diff(want, u.Receipt); diff != "" || !u.At.Equal(at) {
		t.Errorf("at %s, -want +got\n%s", u.At, diff)
	}
	if delivered := webchat.Seen("vis_1", "msg_1", hookswitch.StatusDelivered, at); delivered.Dedup == u.Dedup {
		t.Error("delivered and read are one fact")
	}
}

func outgoing(typ, text, content string) *hookswitch.Outgoing {
	return &hookswitch.Outgoing{Ref: "msg_1", Route: &hookswitch.Route{Channel: hookswitch.WebChat, Provider: "webchat"},
		Message: &hookswitch.Message{Type: typ, To: "vis_1", Text: text, Content: []byte(content)}}
}

func TestSend_AcceptsWhatBrowsersCanShow(t *testing.T) {
	t.Parallel()
	for _, out := range []*hookswitch.Outgoing{
		outgoing("", "hi", ""),
		outgoing("text", "hi", "{}"),
		outgoing("template", "Your order 7 has left", `{"templateId":"tpl_1"}`),
		outgoing("image", "", `{"mediaUrl":"https://files.example.com/a.jpg"}`),
		outgoing("document", "the plan", `{"mediaUrl":"https://files.example.com/a.pdf","filename":"a.pdf"}`),
		outgoing("location", "", `{"latitude":-1.29,"longitude":36.82}`),
		outgoing("contact", "", `{"contacts":[{"name":"Zoë","phones":["+254"]}]}`),
		outgoing("buttons", "Which?", `{"buttons":[{"id":"a","title":"A"}]}`),
		outgoing("list", "Which?", `{"listButton":"Choose","sections":[{"rows":[{"id":"a","title":"A"}]}]}`),
		outgoing("cta_url", "Look", `{"ctaUrl":"https://example.com","ctaDisplayText":"Open"}`),
		outgoing("reaction", "", `{"emoji":"👍","reactToMessageId":"wc_1"}`),
	} {
		accepted, err := webchat.New().Send(t.Context(), out)
		if err != nil || accepted != (hookswitch.Accepted{ProviderID: "msg_1", Sent: true}) {
			t.Errorf("%s: %+v, %v", out.Message.Type, accepted, err)
		}
	}
}

func TestSend_RefusesWhatBrowsersCannotShow(t *testing.T) {
	t.Parallel()
	elsewhere := outgoing("text", "hi", "")
	elsewhere.Route.Channel = hookswitch.SMS
	for _, tt := range []struct {
		out  *hookswitch.Outgoing
		code string
	}{
		{outgoing("text", " ", ""), "invalid_content"},
		{outgoing("template", "", `{"templateId":"tpl_1"}`), "invalid_content"},
		{outgoing("text", strings.Repeat("é", 4097), ""), "text_too_long"},
		{outgoing("text", "hi", `[]`), "invalid_content"},
		{outgoing("image", "", `{"mediaId":"1"}`), "invalid_content"},
		{outgoing("image", "", `{"mediaUrl":"javascript:alert(1)"}`), "invalid_content"},
		{outgoing("document", "", `{"mediaUrl":"data:text/html,<script>"}`), "invalid_content"},
		{outgoing("cta_url", "Look", `{"ctaUrl":"javascript:alert(1)","ctaDisplayText":"Open"}`), "invalid_content"},
		{outgoing("cta_url", "Look", `{"ctaUrl":"https://example.com","ctaDisplayText":"Open","ctaHeaderMediaUrl":"//x"}`), "invalid_content"},
		{outgoing("cta_url", "", `{"ctaUrl":"https://example.com","ctaDisplayText":"Open"}`), "invalid_content"},
		{outgoing("location", "", `{"latitude":1}`), "invalid_content"},
		{outgoing("contact", "", `{"contacts":[]}`), "invalid_content"},
		{outgoing("buttons", "", `{"buttons":[{"id":"a","title":"A"}]}`), "invalid_content"},
		{outgoing("buttons", "Which?", `{"buttons":[]}`), "invalid_content"},
		{outgoing("list", "Which?", `{"sections":[{"rows":[{"id":"a"}]}]}`), "invalid_content"},
		{outgoing("reaction", "", `{"emoji":"👍"}`), "invalid_content"},
		{outgoing("location_request", "Where?", ""), "unsupported_type"},
		{elsewhere, "unsupported_type"},
	} {
		accepted, err := webchat.New().Send(t.Context(), tt.out)
		var e *hookswitch.SendError
		if !errors.As(err, &e) || e.Code != tt.code || e.Message == "" || e.Category == "" || e.Temporary || e.Unknown {
			t.Errorf("%s %s: %+v, %v; want %s", tt.out.Message.Type, tt.out.Message.Content, accepted, err, tt.code)
		}
	}
}
