package meta_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// graph stands in for the Graph API: it keeps the last request and gives one answer.
type graph struct {
	status int
	header http.Header
	body   string
	err    error
	calls  int
	got    *safehttp.Request
}

func (g *graph) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	g.calls++
	g.got = r
	if g.err != nil {
		return nil, g.err
	}
	return &safehttp.Response{Status: g.status, Header: g.header, Body: []byte(g.body)}, nil
}

const acceptedBody = `{"messaging_product":"whatsapp","contacts":[{"input":"254712345678","wa_id":"254712345678"}],"messages":[{"id":"wamid.OUT"}]}`

func route() *hookswitch.Route {
	return &hookswitch.Route{
		Channel: hookswitch.WhatsApp, Provider: "meta",
		Credentials: hookswitch.Credentials{"access_token": {"TEST-META-TOKEN"}, "phone_number_id": {"106540352242922"}},
	}
}

func text(to, body string) *hookswitch.Outgoing {
	return &hookswitch.Outgoing{Ref: "msg_1", Route: route(), Message: &hookswitch.Message{Type: "text", To: to, Text: body}}
}

func sendError(t *testing.T, g *graph, out *hookswitch.Outgoing) *hookswitch.SendError {
	t.Helper()
	accepted, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), out)
	var e *hookswitch.SendError
	if !errors.As(err, &e) {
		t.Fatalf("accepted %+v, error %v; want a SendError", accepted, err)
	}
	if strings.Contains(err.Error(), "TEST-META-TOKEN") {
		t.Errorf("the error shows the token: %v", err)
	}
	return e
}

func TestSend_CallsTheGraphAPI(t *testing.T) {
	t.Parallel()
	g := &graph{status: 200, body: acceptedBody}
	out := text("+254712345678", "Hi <b> & \"you\" 👋")
	out.ReplyTo = "wamid.IN"
	accepted, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if accepted != (hookswitch.Accepted{ProviderID: "wamid.OUT"}) {
		t.Errorf("accepted %+v", accepted)
	}
	if got, want := g.got.Method+" "+g.got.URL.String(), "POST https://graph.facebook.com/v23.0/106540352242922/messages"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wantHeader := []safehttp.Field{
		{Name: "Authorization", Value: "Bearer TEST-META-TOKEN"},
		{Name: "Content-Type", Value: "application/json"},
		{Name: "Accept", Value: "application/json"},
	}
	if diff := cmp.Diff(wantHeader, g.got.Header); diff != "" {
		t.Errorf("header: -want +got\n%s", diff)
	}
	const want = `{"messaging_product":"whatsapp","recipient_type":"individual","to":"254712345678","type":"text",` +
		`"text":{"preview_url":false,"body":"Hi <b> & \"you\" 👋"},"context":{"message_id":"wamid.IN"},"biz_opaque_callback_data":"msg_1"}`
	if got := string(g.got.Body); got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
	if !g.got.Once {
		t.Error("a request that may have arrived would be sent a second time")
	}
}

func TestSend_GoesWhereTheOptionsSay(t *testing.T) {
	t.Parallel()
	g := &graph{status: 200, body: acceptedBody}
	out := text("+254712345678", "hi")
	out.Route.Credentials["phone_number_id"] = []string{"../me?x=1"}
	if _, err := meta.New(meta.Options{BaseURL: "http://127.0.0.1:9/graph/", Version: "v25.0", HTTP: g}).Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got, want := g.got.URL.String(), "http://127.0.0.1:9/graph/v25.0/..%2Fme%3Fx=1/messages"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// sent is the body of the call for m, less what all have in common.
func sent(t *testing.T, m hookswitch.Message, replyTo string) string {
	t.Helper()
	g := &graph{status: 200, body: acceptedBody}
	m.To = "+1650"
	out := &hookswitch.Outgoing{Route: route(), Message: &m, ReplyTo: replyTo}
	if _, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), out); err != nil {
		t.Errorf("%s: %v", m.Type, err)
		return ""
	}
	rest, ok := strings.CutPrefix(string(g.got.Body), `{"messaging_product":"whatsapp","recipient_type":"individual","to":"1650","type":`)
	if !ok {
		t.Errorf("body %s", g.got.Body)
	}
	return strings.TrimSuffix(rest, "}")
}

func TestSend_WritesEachType(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typ, text, content, want string }{
		{"no type", "", "hi", "", `"text","text":{"preview_url":false,"body":"hi"}`},
		{"image by id, with caption", "image", "look", `{"mediaId":"12","mediaUrl":"https://x.test/a.jpg"}`, `"image","image":{"id":"12","caption":"look"}`},
		{"video by link", "video", "", `{"mediaUrl":"https://x.test/a.mp4?a=1&b=2","filename":"no"}`, `"video","video":{"link":"https://x.test/a.mp4?a=1&b=2"}`},
		{"audio", "audio", "", `{"mediaId":"12"}`, `"audio","audio":{"id":"12"}`},
		{"document", "document", "yours", `{"mediaUrl":"https://x.test/a.pdf","filename":"a.pdf","mimeType":"application/pdf"}`, `"document","document":{"link":"https://x.test/a.pdf","caption":"yours","filename":"a.pdf"}`},
		{"sticker", "sticker", "", `{"mediaId":"12"}`, `"sticker","sticker":{"id":"12"}`},
		{"location", "location", "", `{"latitude":-1.2920650,"longitude":36.82,"locationName":"HQ","locationAddress":"1 Way"}`, `"location","location":{"latitude":-1.2920650,"longitude":36.82,"name":"HQ","address":"1 Way"}`},
		{"location at zero", "location", "", `{"latitude":0,"longitude":0}`, `"location","location":{"latitude":0,"longitude":0}`},
		{"contact", "contact", "", `{"contacts":[{"name":"Ada L","phones":["+1 650","+2"]},{"name":"Bo"}]}`, `"contacts","contacts":[{"name":{"formatted_name":"Ada L","first_name":"Ada L"},"phones":[{"phone":"+1 650"},{"phone":"+2"}]},{"name":{"formatted_name":"Bo","first_name":"Bo"}}]`},
		{"buttons", "buttons", "Sure?", `{"buttons":[{"id":"y","title":"Yes"},{"id":"n","title":"No"}],"footerText":"F"}`, `"interactive","interactive":{"type":"button","body":{"text":"Sure?"},"footer":{"text":"F"},"action":{"buttons":[{"type":"reply","reply":{"id":"y","title":"Yes"}},{"type":"reply","reply":{"id":"n","title":"No"}}]}}`},
		{"list", "list", "Pick", `{"listButton":"Open","sections":[{"title":"A","rows":[{"id":"1","title":"One","description":"first"},{"id":"2","title":"Two"}]}]}`, `"interactive","interactive":{"type":"list","body":{"text":"Pick"},"action":{"button":"Open","sections":[{"title":"A","rows":[{"id":"1","title":"One","description":"first"},{"id":"2","title":"Two"}]}]}}`},
		{"link", "cta_url", "Go", `{"ctaUrl":"https://x.test","ctaDisplayText":"Open"}`, `"interactive","interactive":{"type":"cta_url","body":{"text":"Go"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://x.test"}}}`},
		{"link with a text above", "cta_url", "Go", `{"ctaUrl":"https://x.test","ctaDisplayText":"Open","ctaHeaderType":"text","ctaHeaderText":"T"}`, `"interactive","interactive":{"type":"cta_url","header":{"type":"text","text":"T"},"body":{"text":"Go"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://x.test"}}}`},
		{"link with an image above", "cta_url", "Go", `{"ctaUrl":"https://x.test","ctaDisplayText":"Open","ctaHeaderType":"image","ctaHeaderMediaUrl":"https://x.test/a.jpg"}`, `"interactive","interactive":{"type":"cta_url","header":{"type":"image","image":{"link":"https://x.test/a.jpg"}},"body":{"text":"Go"},"action":{"name":"cta_url","parameters":{"display_text":"Open","url":"https://x.test"}}}`},
		{"location request", "location_request", "Where?", "", `"interactive","interactive":{"type":"location_request_message","body":{"text":"Where?"},"action":{"name":"send_location"}}`},
		{"reaction", "reaction", "", `{"emoji":"👍","reactToMessageId":"wamid.X"}`, `"reaction","reaction":{"message_id":"wamid.X","emoji":"👍"}`},
		{"template", "template", "", `{"templateId":"tpl_1","templateName":"order_update","templateLanguage":"en_US"}`, `"template","template":{"name":"order_update","language":{"code":"en_US"}}`},
		{
			"template with blanks", "template", "",
			`{"templateName":"t","templateLanguage":"de","templateVariables":{"10":"j","2":"b","1":"a","name":"Ada"},"templateButtonVariables":{"1":"u","0":"t"},"templateHeaderVariables":{"1":"h"}}`,
			`"template","template":{"name":"t","language":{"code":"de"},"components":[` +
				`{"type":"header","parameters":[{"type":"text","text":"h"}]},` +
				`{"type":"body","parameters":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"text","text":"j"},{"type":"text","parameter_name":"name","text":"Ada"}]},` +
				`{"type":"button","sub_type":"url","index":"0","parameters":[{"type":"text","text":"t"}]},` +
				`{"type":"button","sub_type":"url","index":"1","parameters":[{"type":"text","text":"u"}]}]}`,
		},
	}
	for _, tt := range tests {
		if got := sent(t, hookswitch.Message{Type: tt.typ, Text: tt.text, Content: []byte(tt.content)}, ""); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}

func TestSend_AReactionBelongsToTheMessageItAnswers(t *testing.T) {
	t.Parallel()
	got := sent(t, hookswitch.Message{Type: "reaction", Content: []byte(`{"emoji":"","reactToMessageId":"msg_1"}`)}, "wamid.IN")
	if want := `"reaction","reaction":{"message_id":"wamid.IN","emoji":""}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSend_NamesPeopleWithoutANumberByTheirUserID(t *testing.T) {
	t.Parallel()
	g := &graph{status: 200, body: acceptedBody}
	if _, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), text("US.13491208655302741918", "hi")); err != nil {
		t.Fatal(err)
	}
	if body := string(g.got.Body); !strings.Contains(body, `"recipient":"US.13491208655302741918"`) || strings.Contains(body, `"to"`) {
		t.Errorf("body %s", body)
	}
}

func TestSend_RefusesWithoutACall(t *testing.T) {
	t.Parallel()
	with := func(change func(*hookswitch.Outgoing)) *hookswitch.Outgoing {
		out := text("+254712345678", "hi")
		change(out)
		return out
	}
	typed := func(typ, text, content string) *hookswitch.Outgoing {
		return with(func(out *hookswitch.Outgoing) {
			out.Message.Type, out.Message.Text, out.Message.Content = typ, text, []byte(content)
		})
	}
	tests := []struct {
		name, code string
		out        *hookswitch.Outgoing
	}{
		{"no token", "no_provider", with(func(out *hookswitch.Outgoing) { delete(out.Route.Credentials, "access_token") })},
		{"no number", "no_provider", with(func(out *hookswitch.Outgoing) { delete(out.Route.Credentials, "phone_number_id") })},
		{"another channel", "unsupported_type", with(func(out *hookswitch.Outgoing) { out.Route.Channel = hookswitch.SMS })},
		{"no recipient", "invalid_recipient", text("", "hi")},
		{"plus alone", "invalid_recipient", text("+", "hi")},
		{"an address", "invalid_recipient", text("a@x.test", "hi")},
		{"half a user id", "invalid_recipient", text("US.", "hi")},
		{"no user id", "invalid_recipient", text("us.1349", "hi")},
		{"long user id", "invalid_recipient", text("US."+strings.Repeat("1", 129), "hi")},
		{"long number", "invalid_recipient", text(strings.Repeat("1", 21), "hi")},
		{"no text", "invalid_content", text("+1650", "")},
		{"long text", "text_too_long", text("+1650", strings.Repeat("ä", 4097))},
		{"long caption", "text_too_long", typed("image", strings.Repeat("a", 1025), `{"mediaId":"1"}`)},
		{"unknown type", "unsupported_type", typed("hologram", "hi", "")},
		{"content of another form", "invalid_content", typed("image", "", `{"mediaId":1}`)},
		{"content that is no JSON", "invalid_content", typed("image", "", `{`)},
		{"no media", "invalid_content", typed("video", "", `{}`)},
		{"audio with text", "invalid_content", typed("audio", "hi", `{"mediaId":"1"}`)},
		{"half a location", "invalid_content", typed("location", "", `{"latitude":1}`)},
		{"no contacts", "invalid_content", typed("contact", "", `{"contacts":[]}`)},
		{"contact without a name", "invalid_content", typed("contact", "", `{"contacts":[{"phones":["1"]}]}`)},
		{"no buttons", "invalid_content", typed("buttons", "hi", `{}`)},
		{"four buttons", "invalid_content", typed("buttons", "hi", `{"buttons":[{"id":"1","title":"1"},{"id":"2","title":"2"},{"id":"3","title":"3"},{"id":"4","title":"4"}]}`)},
		{"long title", "invalid_content", typed("buttons", "hi", `{"buttons":[{"id":"1","title":"123456789012345678901"}]}`)},
		{"buttons without a text", "invalid_content", typed("buttons", "", `{"buttons":[{"id":"1","title":"1"}]}`)},
		{"long prompt", "text_too_long", typed("location_request", strings.Repeat("a", 1025), "")},
		{"list without a button", "invalid_content", typed("list", "hi", `{"sections":[{"rows":[{"id":"1","title":"1"}]}]}`)},
		{"list without rows", "invalid_content", typed("list", "hi", `{"listButton":"o","sections":[{"rows":[]}]}`)},
		{"long list", "invalid_content", typed("list", "hi", `{"listButton":"o","sections":[{"rows":[`+strings.TrimSuffix(strings.Repeat(`{"id":"1","title":"1"},`, 11), ",")+`]}]}`)},
		{"sections without titles", "invalid_content", typed("list", "hi", `{"listButton":"o","sections":[{"rows":[{"id":"1","title":"1"}]},{"rows":[]}]}`)},
		{"link without a target", "invalid_content", typed("cta_url", "hi", `{"ctaDisplayText":"o"}`)},
		{"link with half a header", "invalid_content", typed("cta_url", "hi", `{"ctaUrl":"u","ctaDisplayText":"o","ctaHeaderType":"image"}`)},
		{"reaction to nothing", "invalid_content", typed("reaction", "", `{"emoji":"x"}`)},
		{"template without a name", "invalid_content", typed("template", "", `{"templateId":"tpl_1"}`)},
		{"template with a named button", "invalid_content", typed("template", "", `{"templateName":"t","templateLanguage":"en","templateButtonVariables":{"a":"1"}}`)},
	}
	for _, tt := range tests {
		g := &graph{status: 200, body: acceptedBody}
		e := sendError(t, g, tt.out)
		if e.Code != tt.code || e.Temporary || e.Unknown || e.Message == "" || e.Category == "" {
			t.Errorf("%s: got %+v, want the code %s and no repetition", tt.name, e, tt.code)
		}
		if g.calls != 0 {
			t.Errorf("%s: a call was made", tt.name)
		}
	}
	if _, err := meta.New(meta.Options{}).Send(t.Context(), text("+1650", "hi")); err == nil || !strings.HasPrefix(err.Error(), "no_provider") {
		t.Errorf("without HTTP: %v", err)
	}
}

func TestSend_TakesTextsUpToTheLimit(t *testing.T) {
	t.Parallel()
	g := &graph{status: 200, body: acceptedBody}
	if _, err := meta.New(meta.Options{HTTP: g}).Send(t.Context(), text("+1650", strings.Repeat("ä", 4096))); err != nil {
		t.Error(err)
	}
}

func TestSend_DecidesByTheCodeOfTheError(t *testing.T) {
	t.Parallel()
	const rate, temporary = "rate_limit", "temporary"
	tests := []struct {
		code      string
		category  string
		temporary bool
		wait      time.Duration
	}{
		{"131047", "window", false, 0},
		{"131026", "recipient", false, 0},
		{"131021", "recipient", false, 0},
		{"131030", "recipient", false, 0},
		{"131050", "recipient", false, 0},
		{"131049", "policy", false, 0},
		{"130472", "policy", false, 0},
		{"131048", "policy", false, 0},
		{"368", "policy", false, 0},
		{"131031", "policy", false, 0},
		{"130429", rate, true, 0},
		{"80007", rate, true, 0},
		{"4", rate, true, 0},
		{"131056", rate, true, 6 * time.Second},
		{"131053", "media", true, 0},
		{"131052", "media", true, 0},
		{"131000", temporary, true, 0},
		{"131016", temporary, true, 0},
		{"133004", temporary, true, 0},
		{"2", temporary, true, 0},
		{"131009", "permanent", false, 0},
		{"100", "permanent", false, 0},
		{"132000", "template", false, 0},
		{"132016", "template", false, 0},
		{"190", "auth", false, 0},
		{"0", "auth", false, 0},
		{"3", "auth", false, 0},
		{"10", "auth", false, 0},
		{"200", "auth", false, 0},
		{"299", "auth", false, 0},
		{"300", "permanent", false, 0},
		{"999999", "permanent", false, 0},
		{`"odd"`, "permanent", false, 0},
	}
	for _, tt := range tests {
		for _, status := range []int{400, 429, 500, 200} {
			g := &graph{status: status, body: `{"error":{"message":"(#1) Said","type":"OAuthException","code":` + tt.code + `,"error_data":{"messaging_product":"whatsapp","details":"why"},"fbtrace_id":"A"}}`}
			e := sendError(t, g, text("+1650", "hi"))
			want := &hookswitch.SendError{
				Code: strings.Trim(tt.code, `"`), Message: "(#1) Said: why", Category: tt.category, Temporary: tt.temporary, RetryAfter: tt.wait,
			}
			want.Revoked = tt.category == "auth" || tt.code == "368" || tt.code == "131031" // the token, and accounts that Meta has locked
			want.Account = tt.category == rate && tt.code != "131056"                       // which is about one person
			if tt.category == "media" {
				want.Tries = 2
			}
			if diff := cmp.Diff(want, e); diff != "" {
				t.Errorf("code %s with status %d: -want +got\n%s", tt.code, status, diff)
			}
		}
	}
}

func TestSend_DecidesByTheStatusWhereThereIsNoCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status             int
		body, code         string
		temporary, unknown bool
	}{
		{200, ``, "bad_answer", false, true},
		{200, `{}`, "bad_answer", false, true},
		{200, `{"messages":[]}`, "bad_answer", false, true},
		{200, `{"messages":[{"id":""}]}`, "bad_answer", false, true},
		{200, `{"messages":"x"}`, "bad_answer", false, true},
		{200, acceptedBody[:len(acceptedBody)-1], "bad_answer", false, true},
		{302, ``, "http_302", false, false},
		{400, `{"error":{"message":"no code"}}`, "http_400", false, false},
		{400, `{"error":"text"}`, "http_400", false, false},
		{401, ``, "http_401", false, false},
		{404, `<html>`, "http_404", false, false},
		{429, ``, "http_429", true, false},
		{500, ``, "http_500", false, true},
		{500, `{"error":{"code":null}}`, "http_500", false, true},
		{502, `<html>Bad Gateway</html>`, "http_502", false, true},
		{503, ``, "http_503", false, true},
	}
	for _, tt := range tests {
		e := sendError(t, &graph{status: tt.status, body: tt.body}, text("+1650", "hi"))
		if e.Code != tt.code || e.Temporary != tt.temporary || e.Unknown != tt.unknown || e.Category == "" || e.Message == "" {
			t.Errorf("%d %q: got %+v, want %s, temporary %t, unknown %t", tt.status, tt.body, e, tt.code, tt.temporary, tt.unknown)
		}
	}
}

func TestSend_HonoursRetryAfter(t *testing.T) {
	t.Parallel()
	const pair = `{"error":{"code":131056}}`
	tests := []struct {
		status       int
		body, header string
		want         time.Duration
	}{
		{429, ``, "30", 30 * time.Second},
		{429, ``, "", 0},
		{429, ``, "soon", 0},
		{429, ``, "-5", 0},
		{429, ``, "99999999", time.Hour},
		{429, ``, "99999999999999999999", 0},
		{400, pair, "2", 6 * time.Second},
		{400, pair, "60", time.Minute},
		{400, `{"error":{"code":131047}}`, "60", 0},
	}
	for _, tt := range tests {
		e := sendError(t, &graph{status: tt.status, body: tt.body, header: http.Header{"Retry-After": {tt.header}}}, text("+1650", "hi"))
		if e.RetryAfter != tt.want {
			t.Errorf("%d %s %q: got %v, want %v", tt.status, tt.body, tt.header, e.RetryAfter, tt.want)
		}
	}
}

func TestSend_BoundsWhatItRepeatsOfAnAnswer(t *testing.T) {
	t.Parallel()
	e := sendError(t, &graph{status: 400, body: `{"error":{"code":100,"message":"` + strings.Repeat("ü", 5000) + `"}}`}, text("+1650", "hi"))
	if n := len([]rune(e.Message)); n > 501 {
		t.Errorf("a message of %d characters", n)
	}
}

func TestSend_TellsCallsNotMadeFromAnswersNotReceived(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	tests := []struct {
		err                error
		code               string
		temporary, unknown bool
	}{
		{&safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: cause}, "connection_refused", true, false},
		{&safehttp.Error{Code: safehttp.CodeDNSNotFound, Err: cause}, "dns_not_found", true, false},
		{&safehttp.Error{Code: safehttp.CodeTLSFailed, Err: cause}, "tls_failed", true, false},
		{&safehttp.Error{Code: safehttp.CodeCanceled, Err: cause}, "canceled", true, false},
		{&safehttp.Error{Code: safehttp.CodeBlockedAddress, Err: cause}, "blocked_address", false, false},
		{&safehttp.Error{Code: safehttp.CodeInvalidRequest, Err: cause}, "invalid_request", false, false},
		{&safehttp.Error{Code: safehttp.CodeTimeout, Err: cause, Written: true}, "no_answer", false, true},
		{&safehttp.Error{Code: safehttp.CodeAnswerCutOff, Err: cause, Written: true}, "no_answer", false, true},
		{&safehttp.Error{Code: safehttp.CodeCanceled, Err: cause, Written: true}, "no_answer", false, true},
		{cause, "no_answer", false, true},
	}
	for _, tt := range tests {
		e := sendError(t, &graph{err: tt.err}, text("+1650", "hi"))
		if e.Code != tt.code || e.Temporary != tt.temporary || e.Unknown != tt.unknown || !errors.Is(e, cause) {
			t.Errorf("%#v: got %+v, want %s, temporary %t, unknown %t", tt.err, e, tt.code, tt.temporary, tt.unknown)
		}
	}
}

// overTheWire sends to a real server that answers with h.
func overTheWire(t *testing.T, h http.HandlerFunc) (hookswitch.Accepted, error) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Timeout: 5 * time.Second})
	t.Cleanup(client.Close)
	return meta.New(meta.Options{BaseURL: server.URL, HTTP: client}).Send(t.Context(), text("+254712345678", "hi"))
}

func TestSend_OverTheWire(t *testing.T) {
	t.Parallel()
	var request, body string
	accepted, err := overTheWire(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		request = r.Method + " " + r.RequestURI + " " + r.Header.Get("Authorization") + " " + r.Header.Get("Content-Type")
		body = string(b)
		_, _ = io.WriteString(w, acceptedBody)
	})
	if err != nil || accepted.ProviderID != "wamid.OUT" {
		t.Fatalf("accepted %+v, error %v", accepted, err)
	}
	if want := "POST /v23.0/106540352242922/messages Bearer TEST-META-TOKEN application/json"; request != want {
		t.Errorf("got %s, want %s", request, want)
	}
	const want = `{"messaging_product":"whatsapp","recipient_type":"individual","to":"254712345678","type":"text","text":{"preview_url":false,"body":"hi"},"biz_opaque_callback_data":"msg_1"}`
	if body != want {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestSend_OverTheWire_ConnectionCutAfterTheRequestIsUnknown(t *testing.T) {
	t.Parallel()
	_, err := overTheWire(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
	var e *hookswitch.SendError
	if !errors.As(err, &e) || !e.Unknown || e.Temporary {
		t.Errorf("got %+v, want unknown", err)
	}
}

func TestSend_OverTheWire_AnEndlessAnswerIsCutOff(t *testing.T) {
	t.Parallel()
	_, err := overTheWire(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"pad":"`+strings.Repeat("x", 1<<20)+`","messages":[{"id":"wamid.OUT"}]}`)
	})
	var e *hookswitch.SendError
	if !errors.As(err, &e) || !e.Unknown || e.Code != "bad_answer" {
		t.Errorf("got %+v, want unknown", err)
	}
}

func TestSend_OverTheWire_ARefusedConnectionMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	t.Cleanup(client.Close)
	_, err := meta.New(meta.Options{BaseURL: server.URL, HTTP: client}).Send(t.Context(), text("+1650", "hi"))
	var e *hookswitch.SendError
	if !errors.As(err, &e) || !e.Temporary || e.Unknown {
		t.Errorf("got %+v, want temporary", err)
	}
}
