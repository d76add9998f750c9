package simulate_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/x"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// xCredentials are those with which a gateway knows the account.
func xCredentials(a simulate.X) hookswitch.Credentials {
	return hookswitch.Credentials{"consumer_secret": {a.ConsumerSecret.Reveal()}, "client_secret": {a.ClientSecret.Reveal()}, "user_id": {a.UserID},
		"access_token": {simulate.DemoXToken}}
}

// xAccounts are the demo account in each way that X may push for it.
func xAccounts() map[string]simulate.X {
	old, newer, client := simulate.DemoX(), simulate.DemoX(), simulate.DemoX()
	newer.Newer = true
	client.ConsumerSecret, client.ClientSecret = "", "client secret"
	both := newer
	both.ClientSecret = "client secret"
	return map[string]simulate.X{"older": old, "newer": newer, "client secret": client, "both secrets": both}
}

func TestX_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	adapter := x.New(x.Options{})
	for name, a := range xAccounts() {
		c := xCredentials(a)
		for _, tt := range []struct {
			push             simulate.Push
			kind, typ, words string
			review           bool
		}{
			{a.DM("55", "Ada", "1 < 2 & Grüße"), "", "text", "1 < 2 & Grüße", false},
			{a.DMWithLink("55", "Ada", "see", "https://example.com/a?b=1&c=2"), "", "text", "see https://example.com/a?b=1&c=2", false},
			{a.Picture("55", "Ada", "look"), "image", "image", "look", false},
			{a.Mention("55", "Ada", "help > you"), "", "text", "@Harris_0ff help > you", true},
		} {
			u := understood(t, adapter, c, tt.push, a.Forge(tt.push))
			m := u.Message
			if m == nil || m.Kind != tt.kind || m.Type != tt.typ || m.Text != tt.words || m.Review != tt.review || m.From != "55" || m.ProfileName != "Ada" ||
				m.ProviderID != tt.push.IDs[0] || u.Address != simulate.DemoXUserID || time.Since(u.At) > time.Minute {
				t.Errorf("%s: got %+v of %+v", name, m, u)
			}
		}
		secret := a.Secret("55")
		if m := understood(t, adapter, c, secret, a.Forge(secret)).Message; m == nil || !m.Unsupported {
			t.Errorf("%s: encrypted: %+v", name, m)
		}
		mark := a.Read("55", "963085315333238788")
		if u := understood(t, adapter, c, mark, a.Forge(mark)); u.Receipt == nil || u.Receipt.ProviderID != "963085315333238788" || u.Receipt.Recipient != "55" {
			t.Errorf("%s: mark: %+v", name, u.Receipt)
		}
		for _, p := range []simulate.Push{a.Own("900", "55", "ours"), a.Typing("55")} {
			if updates, err := adapter.Parse(received(t, p)); err != nil || len(updates) != 0 {
				t.Errorf("%s: %s tells %+v, %v", name, p.Body, updates, err)
			}
		}
		answer, ok, err := adapter.Challenge(received(t, a.Check("a+b/c= é")), c)
		want := `{"response_token":"` + a.CheckAnswer("a+b/c= é") + `"}`
		if err != nil || !ok || string(answer.Body) != want {
			t.Errorf("%s: check: got %s, %v; want %s", name, answer.Body, err, want)
		}
	}
}

// xStandIn is a stand-in of the API and an adapter that calls it.
func xStandIn(t *testing.T, opts simulate.XAPIOptions) (*simulate.XAPI, *x.Provider) {
	a := simulate.NewXAPI(opts)
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	t.Cleanup(a.Close)
	return a, x.New(x.Options{BaseURL: srv.URL, HTTP: loopback(t)})
}

func xMessage(c hookswitch.Credentials, to, text string) *hookswitch.Outgoing {
	return &hookswitch.Outgoing{Route: &hookswitch.Route{Channel: hookswitch.X, Credentials: c},
		Message: &hookswitch.Message{Channel: hookswitch.X, Type: "text", To: to, Text: text}}
}

func TestXAPI_TakesWhatTheAdapterSends(t *testing.T) {
	t.Parallel()
	demo := simulate.DemoX()
	older := hookswitch.Credentials{"consumer_key": {"key/1"}, "consumer_secret": {demo.ConsumerSecret.Reveal()}, "access_token": {"T+"}, "access_token_secret": {"S="}}
	a, adapter := xStandIn(t, simulate.XAPIOptions{Accounts: []simulate.XAccount{
		{X: demo, Token: simulate.DemoXToken}, {X: demo, Token: "T+", TokenSecret: "S=", ConsumerKey: "key/1"}}})
	for name, c := range map[string]hookswitch.Credentials{"OAuth 2.0": xCredentials(demo), "OAuth 1.0a": older} {
		accepted, err := adapter.Send(t.Context(), xMessage(c, "55", "Grüße "+name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		s := a.Sent()[len(a.Sent())-1]
		if s.ID != accepted.ProviderID || s.To != "55" || s.Text != "Grüße "+name || s.Account != demo.UserID {
			t.Errorf("%s: accepted %+v, kept %+v", name, accepted, s)
		}
	}
	out := xMessage(older, "55", "Thank you")
	out.Answers = &hookswitch.Message{ProviderID: "1812345678901234500", Content: json.RawMessage(`{"kind":"mention"}`)}
	accepted, err := adapter.Send(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if s := a.Sent()[2]; s.ID != accepted.ProviderID || s.To != "" || s.ReplyTo != "1812345678901234500" || s.Text != "Thank you" {
		t.Errorf("accepted %+v, kept %+v", accepted, s)
	}
	var e *hookswitch.SendError
	if _, err := adapter.Send(t.Context(), out); !errors.As(err, &e) || e.Code != "duplicate_content" {
		t.Errorf("the same post again: %v", err)
	}
	picture := xMessage(older, "55", "")
	picture.Message.Type, picture.Message.Content = "image", json.RawMessage(`{"mediaId":"77"}`)
	if _, err := adapter.Send(t.Context(), picture); err != nil || a.Sent()[3].Type != "image" {
		t.Errorf("a picture: %v", err)
	}
}

func TestXAPI_RefusesAsXDoes(t *testing.T) {
	t.Parallel()
	demo := simulate.DemoX()
	a, adapter := xStandIn(t, simulate.XAPIOptions{
		Accounts: []simulate.XAccount{{X: demo, Token: simulate.DemoXToken}, {X: demo, Token: "T", TokenSecret: "S", ConsumerKey: "K"}},
		Faults: []simulate.Fault{{Contains: "refused", Code: 403}, {Contains: "older", Code: 349}, {Contains: "limit", Code: 429, RetryAfter: 15 * time.Minute},
			{Contains: "busy", Code: 503}, {Contains: "trouble", Code: 500}, {Contains: "proxy", HTTPStatus: 502}}})
	for words, want := range map[string]hookswitch.SendError{
		"refused": {Code: "recipient_refuses"}, "older": {Code: "recipient_refuses"}, "limit": {Code: "http_429", Temporary: true, RetryAfter: 15 * time.Minute},
		"busy": {Code: "http_503", Temporary: true}, "trouble": {Code: "http_500", Unknown: true}, "proxy": {Code: "http_502", Unknown: true},
	} {
		_, err := adapter.Send(t.Context(), xMessage(xCredentials(demo), "55", words))
		var e *hookswitch.SendError
		if !errors.As(err, &e) || e.Code != want.Code || e.Temporary != want.Temporary || e.Unknown != want.Unknown ||
			want.RetryAfter-e.RetryAfter > 5*time.Second || e.RetryAfter > want.RetryAfter {
			t.Errorf("%s: got %+v, want %+v", words, err, want)
		}
	}
	good := hookswitch.Credentials{"consumer_key": {"K"}, "consumer_secret": {demo.ConsumerSecret.Reveal()}, "access_token": {"T"}, "access_token_secret": {"S"}}
	for name := range good {
		wrong := hookswitch.Credentials{}
		for k, v := range good {
			wrong[k] = v
		}
		wrong[name] = []string{"other"}
		var e *hookswitch.SendError
		if _, err := adapter.Send(t.Context(), xMessage(wrong, "55", "hi")); !errors.As(err, &e) || e.Category != "auth" {
			t.Errorf("another %s: %v", name, err)
		}
	}
	for path, body := range map[string]string{
		"/2/dm_conversations/with/55/messages":                  `{}`,
		"/2/dm_conversations/with/ada/messages":                 `{"text":"hi"}`,
		"/2/dm_conversations/with/55/messages/":                 `{"text":"hi"}`,
		"/2/dm_conversations/with/" + demo.UserID + "/messages": `{"text":"hi"}`,
		"/2/dm_conversations/with/56/messages":                  `{"text":"` + strings.Repeat("x", 10_001) + `"}`,
		"/2/dm_conversations/with/57/messages":                  `{"attachments":[{"media_id":"1"},{"media_id":"2"}]}`,
		"/2/tweets":                                             `{"text":"hi"}`,
		"/2/tweets?long":                                        `{"text":"` + strings.Repeat("x", 281) + `","reply":{"in_reply_to_tweet_id":"1"}}`,
		"/2/users/me":                                           `{}`,
		"/2/dm_conversations/with/58/messages?b":                `{`,
	} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+simulate.DemoXToken)
		rec := httptest.NewRecorder()
		a.ServeHTTP(rec, r)
		if rec.Code/100 != 4 || !strings.Contains(rec.Body.String(), `"title"`) {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
	}
	if len(a.Sent()) != 0 {
		t.Errorf("kept %+v", a.Sent())
	}
}

// xDoor is a callback that checks what it is told with the adapter, and answers as it is told to.
type xDoor struct {
	t       *testing.T
	account simulate.X
	status  func(n int) int

	mu    sync.Mutex
	n     int
	told  []string
	times []time.Time
}

func (d *xDoor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	push := &hookswitch.Push{Method: r.Method, URL: r.URL, Header: r.Header, Body: body}
	if err := x.New(x.Options{}).Verify(push, xCredentials(d.account)); err != nil {
		d.t.Errorf("a report that is not genuine: %v", err)
	}
	updates, err := x.New(x.Options{}).Parse(push)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	d.times = append(d.times, time.Now())
	if d.status != nil {
		w.WriteHeader(d.status(d.n))
	}
	line := "own"
	if len(updates) > 0 {
		line = string(updates[0].Receipt.Status) + " " + updates[0].Receipt.ProviderID + " by " + updates[0].Receipt.Recipient
	}
	if err != nil {
		d.t.Error(err)
	}
	d.told = append(d.told, line)
}

func TestXAPI_TellsWhatWasSentAndThatItIsRead(t *testing.T) {
	t.Parallel()
	for name, account := range xAccounts() {
		d := &xDoor{t: t, account: account}
		gateway := httptest.NewServer(d)
		a, adapter := xStandIn(t, simulate.XAPIOptions{Accounts: []simulate.XAccount{{X: account, Token: simulate.DemoXToken}}, Callback: gateway.URL, Delay: time.Microsecond})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var running sync.WaitGroup
		running.Go(func() { _ = a.Run(ctx) })
		accepted, err := adapter.Send(t.Context(), xMessage(xCredentials(account), "55", "hi"))
		if err == nil {
			err = a.Settle(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		running.Wait()
		gateway.Close()
		if diff := cmp.Diff([]string{"own", "read " + accepted.ProviderID + " by 55"}, d.told); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestXAPI_RepeatsAReportThreeTimesWithinFiveMinutes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		account := simulate.DemoX()
		d := &xDoor{t: t, account: account, status: func(n int) int {
			if n == 6 { // the second report, repeated once
				return http.StatusOK
			}
			return http.StatusInternalServerError
		}}
		a := simulate.NewXAPI(simulate.XAPIOptions{Accounts: []simulate.XAccount{{X: account, Token: simulate.DemoXToken}}, Callback: "http://gateway.test",
			Client: &http.Client{Transport: direct{d}}, Delay: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = a.Run(ctx) })
		r := httptest.NewRequest(http.MethodPost, "/2/dm_conversations/with/55/messages", strings.NewReader(`{"text":"hi"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+simulate.DemoXToken)
		begin := time.Now()
		a.ServeHTTP(httptest.NewRecorder(), r)
		if err := a.Settle(ctx); err != nil {
			t.Fatal(err)
		}
		cancel()
		running.Wait()
		var got []time.Duration
		for _, at := range d.times {
			got = append(got, at.Sub(begin))
		}
		s := time.Second
		if diff := cmp.Diff([]time.Duration{1 * s, 31 * s, 91 * s, 211 * s, 212 * s, 242 * s}, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if a.Lost() != 1 {
			t.Errorf("%d reports lost, want the first", a.Lost())
		}
	})
}

func TestX_RepeatsAPushThreeTimes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n, begin := 0, time.Now()
		door := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			n++
			w.WriteHeader(http.StatusAccepted) // which X does not count as taken
		})
		a := simulate.DemoX()
		res, err := a.Deliver(t.Context(), &http.Client{Transport: direct{door}}, "http://gateway.test", a.DM("55", "Ada", "hi"))
		if err != nil || res.Status != http.StatusAccepted || n != 4 || time.Since(begin) > 5*time.Minute {
			t.Errorf("got %v, %v after %d pushes and %s", res, err, n, time.Since(begin))
		}
	})
}
