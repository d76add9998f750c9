package telegram_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

const (
	botToken     = "110201543:TEST-BOT-TOKEN"
	acceptedBody = `{"ok":true,"result":{"message_id":91,"date":1705314600,"chat":{"id":-1001234567890123,"type":"supergroup"},"text":"hi"}}`
)

func route() *hookswitch.Route {
	return &hookswitch.Route{
		Channel: hookswitch.Telegram, Provider: "telegram",
		Credentials: hookswitch.Credentials{"bot_token": {botToken}, "secret_token": {"s"}},
	}
}

func outgoing(m hookswitch.Message) *hookswitch.Outgoing {
	if m.To == "" {
		m.To = "77"
	}
	return &hookswitch.Outgoing{Ref: "msg_1", Route: route(), Message: &m}
}

func text(body string) *hookswitch.Outgoing {
	return outgoing(hookswitch.Message{Type: "text", Text: body})
}

func sendError(t *testing.T, a *providertest.API, out *hookswitch.Outgoing) *hookswitch.SendError {
	t.Helper()
	accepted, err := telegram.New(telegram.Options{HTTP: a}).Send(t.Context(), out)
	var e *hookswitch.SendError
	if !errors.As(err, &e) {
		t.Fatalf("accepted %+v, error %v; want a SendError", accepted, err)
	}
	for cause := error(e); cause != nil; cause = errors.Unwrap(cause) {
		if strings.Contains(cause.Error(), "TEST-BOT-TOKEN") {
			t.Errorf("the error shows the token: %v", cause)
		}
	}
	return e
}

func TestSend_CallsTheBotAPI(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 200, Body: acceptedBody}
	out := text("Hi <b> & \"you\" 👋")
	out.ReplyTo = "77:42"
	accepted, err := telegram.New(telegram.Options{HTTP: a}).Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if accepted != (hookswitch.Accepted{ProviderID: "-1001234567890123:91", Sent: true}) {
		t.Errorf("accepted %+v", accepted)
	}
	if got, want := a.Got.Method+" "+a.Got.URL.String(), "POST https://api.telegram.org/bot110201543:TEST-BOT-TOKEN/sendMessage"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	wantHeader := []safehttp.Field{{Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: "application/json"}}
	if diff := cmp.Diff(wantHeader, a.Got.Header); diff != "" {
		t.Errorf("header: -want +got\n%s", diff)
	}
	const want = `{"chat_id":77,"text":"Hi <b> & \"you\" 👋","reply_parameters":{"message_id":42,"allow_sending_without_reply":true}}`
	if got := string(a.Got.Body); got != want {
		t.Errorf("body\n got %s\nwant %s", got, want)
	}
	if !a.Got.Once {
		t.Error("a request that may have arrived would be sent a second time")
	}
}

func TestSend_GoesWhereTheOptionsSay(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 200, Body: acceptedBody}
	out := text("hi")
	out.Route.Credentials["bot_token"] = []string{"1:../x?y"}
	if _, err := telegram.New(telegram.Options{BaseURL: "http://127.0.0.1:9/tg/", HTTP: a}).Send(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	if got, want := a.Got.URL.String(), "http://127.0.0.1:9/tg/bot1:..%2Fx%3Fy/sendMessage"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// sent is the method that sends out and its body, less the beginning that all have in common.
func sent(t *testing.T, out *hookswitch.Outgoing) string {
	t.Helper()
	a := &providertest.API{Status: 200, Body: acceptedBody}
	if _, err := telegram.New(telegram.Options{HTTP: a}).Send(t.Context(), out); err != nil {
		t.Errorf("%s: %v", out.Message.Type, err)
		return ""
	}
	if !json.Valid(a.Got.Body) {
		t.Errorf("body %s", a.Got.Body)
	}
	path := a.Got.URL.Path
	return path[strings.LastIndex(path, "/")+1:] + " " + string(a.Got.Body)
}

func TestSend_WritesEachType(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typ, text, content, want string }{
		{"no type", "", "hi", "", `sendMessage {"chat_id":77,"text":"hi"}`},
		{"template that reads as a text", "template", "hi Ada", `{"templateId":"tpl_1"}`, `sendMessage {"chat_id":77,"text":"hi Ada"}`},
		{"image by id, with caption", "image", "look", `{"mediaId":"AgAC","mediaUrl":"https://x.test/a.jpg"}`, `sendPhoto {"chat_id":77,"photo":"AgAC","caption":"look"}`},
		{"video by link", "video", "", `{"mediaUrl":"https://x.test/a.mp4?a=1&b=2"}`, `sendVideo {"chat_id":77,"video":"https://x.test/a.mp4?a=1&b=2"}`},
		{"music", "audio", "song", `{"mediaUrl":"https://x.test/a.mp3"}`, `sendAudio {"chat_id":77,"audio":"https://x.test/a.mp3","caption":"song"}`},
		{"voice, by its type", "audio", "", `{"mediaId":"AwAC","mimeType":"audio/ogg; codecs=opus"}`, `sendVoice {"chat_id":77,"voice":"AwAC"}`},
		{"voice, by its name", "audio", "", `{"mediaUrl":"https://x.test/a.OGG?v=1.mp3"}`, `sendVoice {"chat_id":77,"voice":"https://x.test/a.OGG?v=1.mp3"}`},
		{"document", "document", "yours", `{"mediaUrl":"https://x.test/a.pdf"}`, `sendDocument {"chat_id":77,"document":"https://x.test/a.pdf","caption":"yours"}`},
		{"sticker", "sticker", "", `{"mediaId":"CAAC"}`, `sendSticker {"chat_id":77,"sticker":"CAAC"}`},
		{"location at zero", "location", "", `{"latitude":0,"longitude":-36.820}`, `sendLocation {"chat_id":77,"latitude":0,"longitude":-36.820}`},
		{"place", "location", "", `{"latitude":1,"longitude":2,"locationName":"HQ","locationAddress":"1 Way"}`, `sendVenue {"chat_id":77,"latitude":1,"longitude":2,"title":"HQ","address":"1 Way"}`},
		{"place without address", "location", "", `{"latitude":1,"longitude":2,"locationName":"HQ"}`, `sendVenue {"chat_id":77,"latitude":1,"longitude":2,"title":"HQ","address":"HQ"}`},
		{"contact", "contact", "", `{"contacts":[{"name":"Ada L","phones":["+1 650","+2"]}]}`, `sendContact {"chat_id":77,"phone_number":"+1 650","first_name":"Ada L"}`},
		{"buttons", "buttons", "Sure?", `{"buttons":[{"id":"y","title":"Yes"},{"id":"n","title":"No"}],"footerText":"by us"}`,
			`sendMessage {"chat_id":77,"text":"Sure?\n\nby us","reply_markup":{"inline_keyboard":[[{"text":"Yes","callback_data":"y"}],[{"text":"No","callback_data":"n"}]]}}`},
		{"list", "list", "Pick", `{"listButton":"Open","sections":[{"title":"Food","rows":[{"id":"1","title":"Ugali","description":"hot"},{"id":"2","title":"Chai"}]},{"rows":[{"id":"3","title":"None"}]}]}`,
			`sendMessage {"chat_id":77,"text":"Pick\n\nFood\nUgali: hot","reply_markup":{"inline_keyboard":[[{"text":"Ugali","callback_data":"1"}],[{"text":"Chai","callback_data":"2"}],[{"text":"None","callback_data":"3"}]]}}`},
		{"link", "cta_url", "Read", `{"ctaUrl":"https://x.test/?a&b","ctaDisplayText":"Go","ctaHeaderText":"News","footerText":"by us"}`,
			`sendMessage {"chat_id":77,"text":"News\n\nRead\n\nby us","reply_markup":{"inline_keyboard":[[{"text":"Go","url":"https://x.test/?a&b"}]]}}`},
		{"link under a picture", "cta_url", "Read", `{"ctaUrl":"https://x.test","ctaDisplayText":"Go","ctaHeaderType":"image","ctaHeaderMediaUrl":"https://x.test/a.jpg"}`,
			`sendPhoto {"chat_id":77,"photo":"https://x.test/a.jpg","caption":"Read","reply_markup":{"inline_keyboard":[[{"text":"Go","url":"https://x.test"}]]}}`},
		{"question for a place", "location_request", "Where?", "", `sendMessage {"chat_id":77,"text":"Where?","reply_markup":{"keyboard":[[{"text":"Send my location","request_location":true}]],"resize_keyboard":true,"one_time_keyboard":true}}`},
		{"question for a number", "request_contact_info", "Who?", `{"buttons":[{"title":"Hier"}]}`, `sendMessage {"chat_id":77,"text":"Who?","reply_markup":{"keyboard":[[{"text":"Hier","request_contact":true}]],"resize_keyboard":true,"one_time_keyboard":true}}`},
		{"reaction", "reaction", "", `{"emoji":"👍","reactToMessageId":"-100:42"}`, `setMessageReaction {"chat_id":-100,"message_id":42,"reaction":[{"type":"emoji","emoji":"👍"}]}`},
		{"reaction taken back, to a pressed button", "reaction", "", `{"reactToMessageId":"77:42:9"}`, `setMessageReaction {"chat_id":77,"message_id":42,"reaction":[]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := sent(t, outgoing(hookswitch.Message{Type: tt.typ, Text: tt.text, Content: json.RawMessage(tt.content)}))
			if got != tt.want {
				t.Errorf("\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSend_AnswersInTheChatThatWasWrittenIn(t *testing.T) {
	t.Parallel()
	in := func(id, content string) *hookswitch.Message {
		return &hookswitch.Message{From: "77", ProviderID: id, Content: json.RawMessage(content)}
	}
	for name, tt := range map[string]struct {
		answers *hookswitch.Message
		replyTo string
		want    string
	}{
		"a person":                    {in("77:42", ""), "", `{"chat_id":77,"text":"hi"}`},
		"a group":                     {in("-1001234567890123:42", ""), "", `{"chat_id":-1001234567890123,"text":"hi","reply_parameters":{"message_id":42,"allow_sending_without_reply":true}}`},
		"a group, quoting another":    {in("-100:42", ""), "-100:7", `{"chat_id":-100,"text":"hi","reply_parameters":{"message_id":7,"allow_sending_without_reply":true}}`},
		"a group, quoting elsewhere":  {in("-100:42", ""), "77:7", `{"chat_id":-100,"text":"hi"}`},
		"a topic":                     {in("-100:42", `{"threadId":"9"}`), "", `{"chat_id":-100,"message_thread_id":9,"text":"hi","reply_parameters":{"message_id":42,"allow_sending_without_reply":true}}`},
		"a button":                    {in("77:42:4382bf", ""), "", `{"chat_id":77,"text":"hi"}`},
		"a button in a group":         {in("-100:42:4382bf", ""), "", `{"chat_id":-100,"text":"hi","reply_parameters":{"message_id":42,"allow_sending_without_reply":true}}`},
		"a message with an odd id":    {in("x", `{"threadId":"9"}`), "", `{"chat_id":77,"text":"hi"}`},
		"a message of somebody else":  {&hookswitch.Message{From: "78", ProviderID: "-100:42"}, "", `{"chat_id":77,"text":"hi"}`},
		"a message with odd contents": {in("-100:42", `{"threadId":{}}`), "-100:0", `{"chat_id":-100,"text":"hi"}`},
	} {
		out := text("hi")
		out.Answers, out.ReplyTo = tt.answers, tt.replyTo
		if got := sent(t, out); got != "sendMessage "+tt.want {
			t.Errorf("%s\n got %s\nwant %s", name, got, tt.want)
		}
	}
}

func TestSend_ReachesChannelsByName(t *testing.T) {
	t.Parallel()
	if got, want := sent(t, outgoing(hookswitch.Message{To: "@news_of_us", Text: "hi"})), `sendMessage {"chat_id":"@news_of_us","text":"hi"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestSend_RefusesWhatTelegramCannotCarryWithoutACall(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typ, to, text, content, code string }{
		{"unknown type", "hologram", "", "hi", "", "unsupported_type"},
		{"template without a text", "template", "", "", `{"templateId":"tpl_1"}`, "unsupported_type"},
		{"no text", "text", "", "", "", "invalid_content"},
		{"long text", "text", "", strings.Repeat("é", 4097), "", "text_too_long"},
		{"long caption", "image", "", strings.Repeat("é", 1025), `{"mediaId":"1"}`, "text_too_long"},
		{"phone number", "text", "+254712345678", "hi", "", "invalid_recipient"},
		{"no number", "text", "77x", "hi", "", "invalid_recipient"},
		{"leading zero", "text", "077", "hi", "", "invalid_recipient"},
		{"a lone sign", "text", "-", "hi", "", "invalid_recipient"},
		{"name with a quote", "text", `@news","x":"`, "hi", "", "invalid_recipient"},
		{"contents of another form", "image", "", "", `{"mediaUrl":7}`, "invalid_content"},
		{"no file", "image", "", "", `{}`, "invalid_content"},
		{"sticker with a text", "sticker", "", "hi", `{"mediaId":"1"}`, "invalid_content"},
		{"half a place", "location", "", "", `{"latitude":1}`, "invalid_content"},
		{"no contact", "contact", "", "", `{}`, "invalid_content"},
		{"two contacts", "contact", "", "", `{"contacts":[{"name":"a","phones":["1"]},{"name":"b","phones":["2"]}]}`, "invalid_content"},
		{"contact without a number", "contact", "", "", `{"contacts":[{"name":"a"}]}`, "invalid_content"},
		{"buttons without a text", "buttons", "", "", `{"buttons":[{"id":"1","title":"a"}]}`, "invalid_content"},
		{"no buttons", "buttons", "", "hi", `{}`, "invalid_content"},
		{"button with a long id", "buttons", "", "hi", `{"buttons":[{"id":"` + strings.Repeat("1", 65) + `","title":"a"}]}`, "invalid_content"},
		{"row without a title", "list", "", "hi", `{"sections":[{"rows":[{"id":"1"}]}]}`, "invalid_content"},
		{"link to nowhere", "cta_url", "", "hi", `{"ctaDisplayText":"a"}`, "invalid_content"},
		{"link under nothing", "cta_url", "", "hi", `{"ctaUrl":"https://x.test","ctaDisplayText":"a","ctaHeaderType":"image"}`, "invalid_content"},
		{"reaction to nothing", "reaction", "", "", `{"emoji":"👍"}`, "invalid_content"},
		{"reaction to something odd", "reaction", "", "", `{"emoji":"👍","reactToMessageId":"77:x"}`, "invalid_content"},
	}
	for _, tt := range tests {
		a := &providertest.API{Status: 200, Body: acceptedBody}
		e := sendError(t, a, outgoing(hookswitch.Message{Type: tt.typ, To: tt.to, Text: tt.text, Content: json.RawMessage(tt.content)}))
		if e.Code != tt.code || e.Temporary || e.Unknown || e.Message == "" || a.Calls != 0 {
			t.Errorf("%s: %+v after %d calls, want %s", tt.name, e, a.Calls, tt.code)
		}
	}
}

func TestSend_NeedsAToken(t *testing.T) {
	t.Parallel()
	out := text("hi")
	out.Route.Credentials = hookswitch.Credentials{"secret_token": {"s"}}
	if e := sendError(t, &providertest.API{}, out); e.Code != "no_provider" || e.Category != "auth" {
		t.Errorf("got %+v", e)
	}
	_, err := telegram.New(telegram.Options{}).Send(t.Context(), text("hi"))
	var e *hookswitch.SendError
	if !errors.As(err, &e) || e.Code != "no_provider" {
		t.Errorf("without a client: %v", err)
	}
	a := &providertest.API{}
	_, err = telegram.New(telegram.Options{BaseURL: "http://[", HTTP: a}).Send(t.Context(), text("hi"))
	if !errors.As(err, &e) || e.Code != "no_provider" || strings.Contains(err.Error(), "TEST") {
		t.Errorf("with a base URL that is none: %v", err)
	}
}

func TestSend_TellsFailuresApart(t *testing.T) {
	t.Parallel()
	says := func(code, description, parameters string) string {
		return `{"ok":false,"error_code":` + code + `,"description":"` + description + `"` + parameters + `}`
	}
	const temporary, unknown = "temporary", "unknown"
	tests := []struct {
		name   string
		status int
		body   string
		code   string
		cat    string
		kind   string
		wait   time.Duration
	}{
		{"too much", 429, says("429", "Too Many Requests: retry after 5", `,"parameters":{"retry_after":5}`), "429", "rate_limit", temporary, 5 * time.Second},
		{"far too much", 429, says("429", "Too Many Requests", `,"parameters":{"retry_after":1000000}`), "429", "rate_limit", temporary, 24 * time.Hour},
		{"blocked", 403, says("403", "Forbidden: bot was blocked by the user", ""), "bot_blocked", "recipient", "", 0},
		{"gone", 403, says("403", "Forbidden: user is deactivated", ""), "user_deactivated", "recipient", "", 0},
		{"never met", 403, says("403", "Forbidden: bot can't initiate conversation with a user", ""), "chat_not_started", "recipient", "", 0},
		{"forbidden otherwise", 403, says("403", "Forbidden: something new", ""), "403", "recipient", "", 0},
		{"nobody", 400, says("400", "Bad Request: chat not found", ""), "chat_not_found", "recipient", "", 0},
		{"moved", 400, says("400", "Bad Request: group chat was upgraded to a supergroup chat", `,"parameters":{"migrate_to_chat_id":-1001234567890123}`), "chat_migrated", "recipient", "", 0},
		{"silenced", 400, says("400", "Bad Request: not enough rights to send text messages to the chat", ""), "no_rights", "policy", "", 0},
		{"too long", 400, says("400", "Bad Request: message is too long", ""), "text_too_long", "permanent", "", 0},
		{"unfetched", 400, says("400", "Bad Request: failed to get HTTP URL content", ""), "media_refused", "media", "", 0},
		{"refused otherwise", 400, says("400", "Bad Request: BUTTON_DATA_INVALID", ""), "400", "permanent", "", 0},
		{"wrong token", 401, says("401", "Unauthorized", ""), "401", "auth", "", 0},
		{"no such bot", 404, says("404", "Not Found", ""), "404", "auth", "", 0},
		{"trouble", 500, says("500", "Internal Server Error", ""), "500", "temporary", unknown, 0},
		{"a proxy's trouble", 502, "<html>", "http_502", "temporary", unknown, 0},
		{"a proxy's limit", 429, "<html>", "http_429", "rate_limit", temporary, 0},
		{"a proxy's refusal", 403, "<html>", "http_403", "permanent", "", 0},
		{"taken without a word", 200, "", "bad_answer", "temporary", unknown, 0},
		{"taken under no id", 200, `{"ok":true,"result":true}`, "bad_answer", "temporary", unknown, 0},
	}
	for _, tt := range tests {
		e := sendError(t, &providertest.API{Status: tt.status, Body: tt.body, Header: http.Header{}}, text("hi"))
		kind := map[bool]string{e.Temporary: temporary, e.Unknown: unknown}[true]
		if e.Code != tt.code || e.Category != tt.cat || kind != tt.kind || e.RetryAfter != tt.wait || e.Message == "" || e.OptedOut != (tt.name == "blocked") {
			t.Errorf("%s: got %+v, want %s %s %s %s", tt.name, e, tt.code, tt.cat, tt.kind, tt.wait)
		}
	}
	if e := sendError(t, &providertest.API{Status: 400, Body: says("400", "x", `,"parameters":{"migrate_to_chat_id":-100}`)}, text("hi")); !strings.Contains(e.Message, "-100") {
		t.Errorf("the new id is not told: %s", e.Message)
	}
}

func TestSend_KnowsWhetherARequestMayHaveArrived(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err                error
		temporary, unknown bool
	}{
		"not connected": {&safehttp.Error{Code: safehttp.CodeConnectionRefused, Err: errors.New("x")}, true, false},
		"blocked":       {&safehttp.Error{Code: safehttp.CodeBlockedAddress, Err: errors.New("x")}, false, false},
		"cut off":       {&safehttp.Error{Code: safehttp.CodeConnectionReset, Written: true, Err: errors.New("x")}, false, true},
		"something":     {errors.New("x"), false, true},
	} {
		if e := sendError(t, &providertest.API{Err: tt.err}, text("hi")); e.Temporary != tt.temporary || e.Unknown != tt.unknown || !errors.Is(e, tt.err) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestSend_AReactionHasNoID(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 200, Body: `{"ok":true,"result":true}`}
	out := outgoing(hookswitch.Message{Type: "reaction", Content: json.RawMessage(`{"emoji":"👍"}`)})
	out.ReplyTo = "77:42"
	accepted, err := telegram.New(telegram.Options{HTTP: a}).Send(t.Context(), out)
	if err != nil || accepted != (hookswitch.Accepted{Sent: true}) {
		t.Errorf("accepted %+v, %v", accepted, err)
	}
}
