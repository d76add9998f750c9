package simulate_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

var botCredentials = hookswitch.Credentials{"bot_token": {simulate.DemoBotToken}, "secret_token": {simulate.DemoBotSecret}}

// loopback is a client that may call this machine.
func loopback(t *testing.T) *safehttp.Client {
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	t.Cleanup(func() { client.Close() })
	return client
}

// understood is the one update that the adapter reads in p, which it must find genuine, and a stranger's copy of it not.
func understood(t *testing.T, adapter hookswitch.Provider, c hookswitch.Credentials, p, forged simulate.Push) hookswitch.Update {
	t.Helper()
	if err := adapter.Verify(received(t, p), c); err != nil {
		t.Fatalf("%s: %v", p.Body, err)
	}
	if adapter.Verify(received(t, forged), c) == nil {
		t.Errorf("%s of a stranger passes", p.Body)
	}
	updates, err := adapter.Parse(received(t, p))
	if err != nil || len(updates) != 1 || updates[0].Broken != nil {
		t.Fatalf("%s: %+v, %v", p.Body, updates, err)
	}
	return updates[0]
}

func TestTelegram_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	b, adapter := simulate.DemoTelegram(), telegram.New(telegram.Options{})
	text := b.Text("777", "Ada Lovelace", "Grüße <b>")
	for name, tt := range map[string]struct {
		push             simulate.Push
		kind, typ, words string
		content          map[string]any // some of it
	}{
		"text":     {text, "", "text", "Grüße <b>", nil},
		"start":    {b.Start("777", "Ada Lovelace", "spring"), "", "text", "/start spring", map[string]any{"command": "start", "referral": map[string]any{"ref": "spring"}}},
		"image":    {b.Image("777", "Ada Lovelace", "look"), "image", "image", "look", nil},
		"voice":    {b.Voice("777", "Ada Lovelace", 3), "voice", "audio", "", map[string]any{"mimeType": "audio/ogg"}},
		"location": {b.Location("777", "Ada Lovelace", simulate.Place{Latitude: 1.5, Longitude: -2, Name: "HQ", Address: "1 Way"}), "location", "location", "", map[string]any{"latitude": 1.5, "locationName": "HQ"}},
		"contact": {b.Contact("777", "Ada Lovelace", simulate.Card{Name: "Bo Li", Phone: "+1650"}), "contacts", "contact", "",
			map[string]any{"contacts": []any{map[string]any{"name": "Bo Li", "phones": []any{"+1650"}}}}},
		"press":       {b.Press("777", "Ada Lovelace", "777:42", "yes", "Yes!"), "button_reply", "text", "yes", map[string]any{"replyTitle": "Yes!", "replyToProviderMessageId": "777:42"}},
		"unsupported": {b.Unsupported("777", "Ada Lovelace"), "unsupported", "text", "", map[string]any{"unsupportedType": "poll"}},
		"group":       {b.GroupText("-1001234567890123", "777", "Ada Lovelace", "hi"), "", "text", "hi", nil},
	} {
		m := understood(t, adapter, botCredentials, tt.push, b.Forge(tt.push)).Message
		if m == nil || m.Kind != tt.kind || m.Type != tt.typ || m.Text != tt.words || m.From != "777" || m.ProfileName != "Ada Lovelace" {
			t.Errorf("%s: got %+v", name, m)
			continue
		}
		if len(tt.push.IDs) != 1 || m.ProviderID != tt.push.IDs[0] {
			t.Errorf("%s: message %s, announced as %v", name, m.ProviderID, tt.push.IDs)
		}
		for k, want := range tt.content {
			if diff := cmp.Diff(want, m.Content[k]); diff != "" {
				t.Errorf("%s: %s: -want +got\n%s", name, k, diff)
			}
		}
	}
	edit := b.Edit(text, "Greetings")
	if u := understood(t, adapter, botCredentials, edit, b.Forge(edit)); u.Change == nil || *u.Change != (hookswitch.MessageChange{ProviderID: text.IDs[0], Text: "Greetings"}) {
		t.Errorf("edit: %+v", u.Change)
	}
	for _, tt := range []struct {
		push simulate.Push
		want hookswitch.OptOut
	}{{b.Block("777", "Ada"), hookswitch.OptOut{From: "777"}}, {b.Unblock("777", "Ada"), hookswitch.OptOut{From: "777", Again: true}}} {
		if u := understood(t, adapter, botCredentials, tt.push, b.Forge(tt.push)); u.OptOut == nil || *u.OptOut != tt.want {
			t.Errorf("got %+v, want %+v", u.OptOut, tt.want)
		}
	}
}

// bot is a stand-in of the Bot API and an adapter that calls it.
func bot(t *testing.T, faults ...simulate.Fault) (*simulate.BotAPI, *telegram.Provider) {
	a := simulate.NewBotAPI(simulate.BotAPIOptions{Bots: []simulate.Telegram{simulate.DemoTelegram()}, Faults: faults})
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	t.Cleanup(a.Close)
	return a, telegram.New(telegram.Options{BaseURL: srv.URL, HTTP: loopback(t)})
}

func botMessage(typ, to, text, content string) *hookswitch.Outgoing {
	return &hookswitch.Outgoing{Route: &hookswitch.Route{Channel: hookswitch.Telegram, Credentials: botCredentials},
		Message: &hookswitch.Message{Channel: hookswitch.Telegram, Type: typ, To: to, Text: text, Content: json.RawMessage(content)}}
}

func TestBotAPI_TakesWhatTheAdapterSends(t *testing.T) {
	t.Parallel()
	a, adapter := bot(t)
	for i, out := range []*hookswitch.Outgoing{
		botMessage("text", "777", "Grüße", ""),
		botMessage("image", "777", "look", `{"mediaUrl":"https://x.test/a.jpg"}`),
		botMessage("video", "777", "", `{"mediaId":"BAAC"}`),
		botMessage("audio", "777", "", `{"mediaId":"CQAC"}`),
		botMessage("audio", "777", "", `{"mediaId":"AwAC","mimeType":"audio/ogg"}`),
		botMessage("document", "777", "", `{"mediaId":"BQAC"}`),
		botMessage("sticker", "777", "", `{"mediaId":"CAAC"}`),
		botMessage("location", "777", "", `{"latitude":0,"longitude":2}`),
		botMessage("location", "777", "", `{"latitude":0,"longitude":2,"locationName":"HQ"}`),
		botMessage("contact", "777", "", `{"contacts":[{"name":"Bo","phones":["+1"]}]}`),
		botMessage("buttons", "777", "Sure?", `{"buttons":[{"id":"y","title":"Yes"}]}`),
		botMessage("list", "777", "Pick", `{"sections":[{"rows":[{"id":"1","title":"One"}]}]}`),
		botMessage("cta_url", "777", "Read", `{"ctaUrl":"https://x.test","ctaDisplayText":"Go"}`),
		botMessage("location_request", "777", "Where?", ""),
		botMessage("text", "@news_of_us", "hi", ""),
		botMessage("reaction", "777", "", `{"emoji":"👍","reactToMessageId":"777:42"}`),
	} {
		accepted, err := adapter.Send(t.Context(), out)
		if err != nil {
			t.Errorf("%s: %v", out.Message.Type, err)
			continue
		}
		sent := a.Sent()
		if len(sent) != i+1 || sent[i].ID != accepted.ProviderID || sent[i].To != "777" && !strings.HasPrefix(sent[i].To, "@") || !accepted.Sent {
			t.Errorf("%s: accepted %+v, kept %+v", out.Message.Type, accepted, sent[len(sent)-1])
		}
	}
	quoting := botMessage("text", "777", "yes", "")
	quoting.ReplyTo = "777:42"
	if _, err := adapter.Send(t.Context(), quoting); err != nil {
		t.Fatal(err)
	}
	if s := a.Sent()[len(a.Sent())-1]; s.ReplyTo != "777:42" || s.Text != "yes" || s.Account != "110201543" {
		t.Errorf("kept %+v", s)
	}
}

func TestBotAPI_RefusesAsTelegramDoes(t *testing.T) {
	t.Parallel()
	a, adapter := bot(t,
		simulate.Fault{Contains: "blocked", Code: 403}, simulate.Fault{Contains: "limit", Code: 429, RetryAfter: 7 * time.Second},
		simulate.Fault{Contains: "proxy", HTTPStatus: 502}, simulate.Fault{Contains: "trouble", Code: 500})
	for words, want := range map[string]hookswitch.SendError{
		"blocked": {Code: "bot_blocked"}, "limit": {Code: "429", Temporary: true, RetryAfter: 7 * time.Second},
		"proxy": {Code: "http_502", Unknown: true}, "trouble": {Code: "500", Unknown: true},
	} {
		_, err := adapter.Send(t.Context(), botMessage("text", "777", words, ""))
		var e *hookswitch.SendError
		if !errors.As(err, &e) || e.Code != want.Code || e.Temporary != want.Temporary || e.Unknown != want.Unknown || e.RetryAfter != want.RetryAfter {
			t.Errorf("%s: got %+v, want %+v", words, err, want)
		}
	}
	wrong := botMessage("text", "777", "hi", "")
	wrong.Route = &hookswitch.Route{Credentials: hookswitch.Credentials{"bot_token": {"1:other"}}}
	var e *hookswitch.SendError
	if _, err := adapter.Send(t.Context(), wrong); !errors.As(err, &e) || e.Code != "401" || e.Category != "auth" {
		t.Errorf("a wrong token: %v", err)
	}
	for name, body := range map[string]string{
		`sendMessage`:         `{"chat_id":777,"text":""}`,
		`sendMessage `:        `{"text":"hi"}`,
		`sendMessage  `:       `{"chat_id":777,"text":"` + strings.Repeat("x", 4097) + `"}`,
		`sendMessage   `:      `{"chat_id":777,"text":"hi","reply_markup":{"inline_keyboard":[[{"text":"a"}]]}}`,
		`sendMessage    `:     `{"chat_id":777,"text":"hi","reply_markup":{"inline_keyboard":[[{"text":"a","callback_data":"` + strings.Repeat("x", 65) + `"}]]}}`,
		`sendMessage     `:    `{"chat_id":777,"text":"hi","reply_markup":{"inline_keyboard":[[{"text":"a","callback_data":"a","url":"https://x.test"}]]}}`,
		`sendPhoto`:           `{"chat_id":777}`,
		`sendVenue`:           `{"chat_id":777,"latitude":1,"longitude":1,"title":"a"}`,
		`sendContact`:         `{"chat_id":777,"phone_number":"1"}`,
		`setMessageReaction`:  `{"chat_id":777,"message_id":1}`,
		`answerCallbackQuery`: `{}`,
		`setWebhook`:          `{"url":"http://example.com"}`,
		`setWebhook `:         `{"url":"https://example.com","secret_token":"a b"}`,
		`mintMoney`:           `{"chat_id":777}`,
		`sendMessage      `:   `{`,
	} {
		r := httptest.NewRequest(http.MethodPost, "/bot"+simulate.DemoBotToken+"/"+strings.TrimSpace(name), strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, r)
		if rec.Code/100 != 4 || !strings.Contains(rec.Body.String(), `"ok":false`) {
			t.Errorf("%s %s: %d %s", name, body, rec.Code, rec.Body)
		}
	}
	if len(a.Sent()) != 0 {
		t.Errorf("kept %+v", a.Sent())
	}
}

func TestBotAPI_RemembersWebhooksAndPressedButtons(t *testing.T) {
	t.Parallel()
	a, adapter := bot(t)
	if err := adapter.Register(t.Context(), &hookswitch.Route{Credentials: botCredentials}, "https://gw.example.test/api/v1/channels/telegram/webhook"); err != nil {
		t.Fatal(err)
	}
	want := simulate.Webhook{URL: "https://gw.example.test/api/v1/channels/telegram/webhook", Secret: simulate.DemoBotSecret, MaxConnections: 40,
		AllowedUpdates: []string{"message", "edited_message", "callback_query", "my_chat_member"}}
	if diff := cmp.Diff(want, a.Webhook(simulate.DemoBotToken)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if err := adapter.Register(t.Context(), &hookswitch.Route{Credentials: botCredentials}, "http://example.com/hook"); hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Errorf("an address that is not https: %v", err)
	}
	if account, err := adapter.Connect(t.Context(), hookswitch.Telegram, botCredentials); err != nil || account.Name != simulate.DemoBotUsername || account.ID != "110201543" {
		t.Errorf("the bot is %+v, %v", account, err)
	}
	press := simulate.DemoTelegram().Press("777", "Ada", "777:42", "yes", "Yes")
	ack := adapter.Ack(received(t, press))
	if err := a.Reply(simulate.DemoTelegram(), simulate.Result{Status: ack.Status, Body: ack.Body}); err != nil {
		t.Fatal(err)
	}
	if got := a.Answered(); len(got) != 1 || !strings.HasSuffix(press.IDs[0], ":"+got[0]) {
		t.Errorf("answered %v, pressed %v", got, press.IDs)
	}
	text := adapter.Ack(received(t, simulate.DemoTelegram().Text("777", "Ada", "hi")))
	if err := a.Reply(simulate.DemoTelegram(), simulate.Result{Status: text.Status, Body: text.Body}); err != nil || len(a.Answered()) != 1 {
		t.Errorf("the answer to a text is a call: %v, %v", err, a.Answered())
	}
	if err := a.Reply(simulate.DemoTelegram(), simulate.Result{Body: []byte(`{"method":"mintMoney"}`)}); err == nil {
		t.Error("a call that Telegram does not have passes")
	}
	for range 2 {
		if err := adapter.Unregister(t.Context(), &hookswitch.Route{Credentials: botCredentials}); err != nil || a.Webhook(simulate.DemoBotToken).URL != "" {
			t.Errorf("the webhook is to be gone: %v, %+v", err, a.Webhook(simulate.DemoBotToken))
		}
	}
}

func TestBotAPI_DropsTheConnectionOfASendThatHangs(t *testing.T) {
	t.Parallel()
	taken := make(chan struct{}, 1)
	a := simulate.NewBotAPI(simulate.BotAPIOptions{Bots: []simulate.Telegram{simulate.DemoTelegram()}, Faults: []simulate.Fault{{Hang: true}},
		OnSend: func(simulate.Sent) { taken <- struct{}{} }})
	srv := httptest.NewServer(a)
	defer srv.Close()
	adapter := telegram.New(telegram.Options{BaseURL: srv.URL, HTTP: loopback(t)})
	done := make(chan error, 1)
	go func() {
		_, err := adapter.Send(context.WithoutCancel(t.Context()), botMessage("text", "777", "hi", ""))
		done <- err
	}()
	<-taken
	a.Close()
	var e *hookswitch.SendError
	if err := <-done; !errors.As(err, &e) || !e.Unknown {
		t.Errorf("got %v, want a send of unknown outcome", err)
	}
}

func TestTelegram_RepeatsUntilAnUpdateIsTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var times []time.Duration
		door := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			times = append(times, time.Since(begin))
			switch len(times) {
			case 4:
				w.Header().Set("Retry-After", "100")
				w.WriteHeader(http.StatusServiceUnavailable)
			case 10:
				w.WriteHeader(http.StatusNoContent)
			default:
				w.WriteHeader(http.StatusInternalServerError)
			}
		})
		b := simulate.DemoTelegram()
		res, err := b.Deliver(t.Context(), &http.Client{Transport: direct{door}}, "http://gateway.test", b.Text("777", "Ada", "hi"))
		if err != nil || res.Status != http.StatusNoContent {
			t.Fatalf("got %v, %v", res, err)
		}
		s := time.Second
		want := []time.Duration{0, 0, 2 * s, 6 * s, 106 * s, 122 * s, 154 * s, 214 * s, 274 * s, 334 * s}
		if diff := cmp.Diff(want, times); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		times = times[:0]
		if _, err := b.Deliver(ctx, &http.Client{Transport: direct{door}}, "http://gateway.test", b.Text("777", "Ada", "hi")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v after the end", err)
		}
	})
}
