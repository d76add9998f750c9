package e2e

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
)

const adapters = "../provider"

// recordedSenders are the channels that the recordings of a folder are for, with other credentials beside those that the folder names.
var recordedSenders = map[string][]recordedSender{
	"africastalking/testdata": {{"sms", "africastalking"}, {"ussd", "africastalking"}},
	"email/testdata/mailgun":  {{"email", "mailgun"}},
	"email/testdata/postmark": {{"email", "postmark"}},
	"email/testdata/sendgrid": {{"email", "sendgrid"}},
	"meta/testdata":           {{"whatsapp", "meta"}, {"messenger", "meta"}, {"instagram", "meta"}},
	"telegram/testdata":       {{"telegram", "telegram"}},
	"twilio/testdata":         {{"sms", "twilio"}, {"whatsapp", "twilio"}, {"voice", "twilio"}},
	"webchat/testdata":        {{"web_chat", "webchat"}},
	"x/testdata":              {{"x", "x"}},
	// Their signatures are good for minutes, so that they can be replayed at one time only. The tests of ingest do, with a clock of their own.
	"email/testdata/resend":          nil,
	"email/testdata/sendgrid-signed": nil,
}

type recordedSender struct{ channel, provider string }

// addressOf are the credentials that name a route's address, of which each channel has one.
var addressOf = map[string]string{"phone_number_id": "whatsapp", "waba_id": "whatsapp", "page_id": "messenger", "ig_user_id": "instagram"}

// folders are all folders of adapters with recordings in them.
func folders(t *testing.T) []string {
	t.Helper()
	var list []string
	err := filepath.WalkDir(adapters, func(path string, d fs.DirEntry, err error) error {
		dir, _ := filepath.Rel(adapters, filepath.Dir(path))
		if err != nil || d.IsDir() || !strings.Contains(dir, "testdata") || !strings.HasSuffix(path, ".json") || filepath.Base(dir) == "vectors" || strings.Contains(dir, "fuzz") {
			return err
		}
		if !slices.Contains(list, dir) {
			list = append(list, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// TestRecordings_ThroughTheServer replays every recorded request of every adapter against the running program, each with an app of its own, and compares the answer
// and the normalised messages with what is expected of them. It walks the adapters' folders: a recording in a folder that it does not know fails it.
func TestRecordings_ThroughTheServer(t *testing.T) {
	const atLeast = 130
	Each(t, func(t *testing.T, kind Kind) {
		stub := httptest.NewServer(http.NotFoundHandler())
		t.Cleanup(stub.Close)
		var urls []string
		for _, name := range []string{"africastalking", "mailgun", "meta", "postmark", "resend", "sendgrid", "telegram", "twilio", "x"} {
			urls = append(urls, name+"="+stub.URL)
		}
		s := Start(t, Options{Kind: kind, Settings: map[string]string{"provider-base-urls": strings.Join(urls, ","), "public-url": "https://gw.example.test", "log-level": "error"}})
		replayed := 0
		for _, dir := range folders(t) {
			senders, known := recordedSenders[filepath.ToSlash(dir)]
			if !known {
				t.Errorf("nobody replays the recordings in %s", dir)
			}
			if len(senders) == 0 {
				continue
			}
			fixtures := providertest.Load(t, filepath.Join(adapters, dir))
			credentials := providertest.Credentials(t, filepath.Join(adapters, dir), senders[0].provider)
			for i := range fixtures {
				replayed++
				t.Run(senders[0].provider+"/"+fixtures[i].Name, func(t *testing.T) { replayRecording(t, s, senders, credentials, &fixtures[i]) })
			}
		}
		if replayed < atLeast {
			t.Errorf("%d recordings replayed, and there were %d", replayed, atLeast)
		}
	})
}

func replayRecording(t *testing.T, s *Server, senders []recordedSender, credentials hookswitch.Credentials, f *providertest.Fixture) {
	app := s.CreateApp(f.Name)
	// The next recording needs the addresses that this app's routes have.
	defer s.Call(http.MethodDelete, "/api/v1/app/"+app, nil, nil, http.StatusNoContent)
	var entries []any
	for _, r := range senders {
		own := map[string][]string{}
		for name, values := range credentials {
			if ch := addressOf[name]; ch == "" || ch == r.channel {
				own[name] = values
			}
		}
		entry := map[string]any{"name": r.channel, "channel": r.channel, "provider": r.provider, "credentials": own}
		if r.channel == "ussd" || r.channel == "voice" {
			entry["responder"] = map[string]any{"kind": "menu", "start": "main", "screens": map[string]any{
				"main": map[string]any{"text": "And then?", "input": map[string]any{"kind": "text"}, "as": "said", "goTo": "main"}}}
		}
		entries = append(entries, entry)
	}
	s.Call(http.MethodPut, "/operator/v1/apps/"+app+"/senders", map[string]any{"senders": entries}, nil, http.StatusOK)
	s.Call(http.MethodPost, "/api/v1/app/"+app+"/endpoint", map[string]any{"url": "http://127.0.0.1:9/unused", "disabled": true,
		"filterTypes": []string{"message.received"}}, nil, http.StatusCreated)
	for _, hop := range f.Setup.USSD {
		form, err := url.ParseQuery(f.Body)
		if err != nil {
			t.Fatal(err)
		}
		form.Set("text", hop.Text)
		p := f.Push(t)
		p.Body = []byte(form.Encode())
		if res := send(t, s, p); res.Status != http.StatusOK {
			t.Fatalf("the hop before: %d %s", res.Status, res.Body)
		}
	}
	before := len(receivedOf(t, s, app))
	var first string
	for i := range max(1, f.Repeat) {
		checkAnswer(t, f, send(t, s, f.Push(t)), &first, i)
	}
	if f.Expect.NormalizedAny {
		return
	}
	got := receivedOf(t, s, app)[before:]
	if len(got) != len(f.Expect.Normalized) {
		t.Fatalf("got %d message.received, want %d", len(got), len(f.Expect.Normalized))
	}
	for i, want := range f.Expect.Normalized {
		if diff := providertest.Match(want, got[i]); diff != "" {
			t.Errorf("message.received %d%s", i, diff)
		}
	}
}

// checkAnswer compares an answer, of which the first is kept, with what the recording expects.
func checkAnswer(t *testing.T, f *providertest.Fixture, resp *Response, first *string, i int) {
	t.Helper()
	body := string(resp.Body)
	if !slices.Contains(append(f.Expect.StatusAny, f.Expect.Status), resp.Status) {
		t.Fatalf("got status %d, want %d: %s", resp.Status, f.Expect.Status, body)
	}
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if want := f.Expect.ContentType; want != "" && kind != want && kind != "text/"+want && kind != "application/"+want {
		t.Errorf("got content type %q, want %q", kind, want)
	}
	if want := f.Expect.BodyEquals; want != nil && body != *want {
		t.Errorf("got body %q, want %q", body, *want)
	}
	for _, part := range f.Expect.BodyContains {
		if !strings.Contains(body, part) {
			t.Errorf("got body %q, want it to contain %q", body, part)
		}
	}
	for _, part := range f.Expect.BodyNotContains {
		if strings.Contains(body, part) {
			t.Errorf("got body %q, which must not contain %q", body, part)
		}
	}
	if list := f.Expect.BodyPrefixAny; len(list) > 0 && !slices.ContainsFunc(list, func(p string) bool { return strings.HasPrefix(body, p) }) {
		t.Errorf("got body %q, want it to begin with one of %q", body, list)
	}
	if want := f.Expect.BodyJSON; want != nil {
		var got any
		if err := json.Unmarshal(resp.Body, &got); err != nil {
			t.Errorf("got body %q: %v", body, err)
		} else if diff := providertest.Match(want, got); diff != "" {
			t.Errorf("body%s", diff)
		}
	}
	if i == 0 {
		*first = body
	} else if body != *first {
		t.Errorf("answered %q at first, and %q then", *first, body)
	}
}

// receivedOf are the normalised messages of an app, oldest first.
func receivedOf(t *testing.T, s *Server, app string) []any {
	t.Helper()
	var list []any
	for _, e := range events(t, s, app) {
		if e.EventType != "message.received" {
			continue
		}
		var payload struct{ Data map[string]any }
		if err := json.Unmarshal(e.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		list = append(list, payload.Data)
	}
	return list
}
