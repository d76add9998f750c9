package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

const metaFixtures = "../provider/meta/testdata"

// setUp is what the responder of a fixture's app answers to the message that a setup pushes.
const setUp = "here you are"

// graphStub accepts the answers of setups under ids that the test chooses, so that recorded reports find the messages they are about. What else is said to people, a
// farewell to one who wants no more messages, it accepts under ids of its own.
type graphStub struct {
	srv  *httptest.Server
	next chan string
}

func newGraphStub(t *testing.T) *graphStub {
	g := &graphStub{next: make(chan string, 1)}
	g.srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && !bytes.Contains(body, []byte(setUp)) {
			fmt.Fprintf(w, `{"messaging_product":"whatsapp","messages":[{"id":"wamid.%s"}]}`, rand.Text())
			return
		}
		select {
		case id := <-g.next:
			fmt.Fprintf(w, `{"messaging_product":"whatsapp","messages":[{"id":%q}]}`, id)
		case <-t.Context().Done(): // nobody asks for what is sent now
		}
	}))
	t.Cleanup(g.srv.Close)
	return g
}

// TestFixtures_WhatsAppThroughTheServer replays the recorded requests against the running program, each with an app of its own, and compares the answer, the
// normalised messages and the events with what is expected of them.
func TestFixtures_WhatsAppThroughTheServer(t *testing.T) {
	fixtures := providertest.Load(t, metaFixtures)
	credentials := providertest.Credentials(t, metaFixtures, "meta")
	Each(t, func(t *testing.T, kind Kind) {
		graph := newGraphStub(t)
		s := Start(t, Options{Kind: kind, Settings: map[string]string{"provider-base-urls": "meta=" + graph.srv.URL, "log-level": "warn"}})
		for i := range fixtures {
			f := &fixtures[i]
			t.Run(f.Name, func(t *testing.T) { replay(t, s, graph, credentials, f) })
		}
	})
}

func replay(t *testing.T, s *Server, graph *graphStub, credentials hookswitch.Credentials, f *providertest.Fixture) {
	app := s.CreateApp(f.Name)
	// The next fixture needs the address that this app's route has.
	defer s.Call(http.MethodDelete, "/api/v1/app/"+app, nil, nil, http.StatusNoContent)
	s.Call(http.MethodPut, "/operator/v1/apps/"+app+"/senders", map[string]any{"senders": []any{map[string]any{
		"name": "whatsapp", "channel": "whatsapp", "provider": "meta", "credentials": map[string][]string(credentials),
		"responder": map[string]any{"kind": "rules", "rules": []any{map[string]any{"keywords": []string{"set up"}, "reply": setUp}}},
	}}}, nil, http.StatusOK)
	// message.received goes only to endpoints that name it. Nothing has to arrive here.
	s.Call(http.MethodPost, "/api/v1/app/"+app+"/endpoint", map[string]any{"url": graph.srv.URL + "/unused", "disabled": true,
		"filterTypes": []string{"message.received", "message.inbound", "message.delivered", "message.read", "message.sent", "message.failed"}}, nil, http.StatusCreated)
	number := simulate.WhatsApp{AppSecret: hookswitch.Secret(credentials.First("app_secret")), PhoneNumberID: credentials.First("phone_number_id"),
		WABAID: credentials.First("waba_id"), DisplayPhone: "+15550783881"}
	for _, out := range f.Setup.Outbound {
		graph.next <- out.MessageID
		res, err := number.Text(strings.TrimPrefix(out.To, "+"), "Set Up", "set up").Post(t.Context(), nil, s.URL)
		if err != nil || res.Status != http.StatusOK {
			t.Fatalf("push the message to answer: got %v, %v", res, err)
		}
		waitSent(t, s, app, out.MessageID)
	}
	before := len(events(t, s, app))
	push := f.Push(t)
	for range max(1, f.Repeat) {
		resp := send(t, s, push)
		if !slices.Contains(append(f.Expect.StatusAny, f.Expect.Status), resp.Status) {
			t.Fatalf("got status %d, want %d: %s", resp.Status, f.Expect.Status, resp.Body)
		}
		if want := f.Expect.ContentType; want != "" && !strings.HasPrefix(resp.Header.Get("Content-Type"), want) {
			t.Errorf("got content type %q, want %q", resp.Header.Get("Content-Type"), want)
		}
		if want := f.Expect.BodyEquals; want != nil && string(resp.Body) != *want {
			t.Errorf("got body %q, want %q", resp.Body, *want)
		}
	}
	if strings.HasPrefix(f.Name, "whatsapp_") {
		checkEvents(t, f, events(t, s, app)[before:])
	}
}

func send(t *testing.T, s *Server, p *hookswitch.Push) *Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), p.Method, s.URL+p.URL.RequestURI(), bytes.NewReader(p.Body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = p.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
}

type event struct {
	EventType string          `json:"eventType"`
	Payload   json.RawMessage `json:"payload"`
}

// events are the events of an app, oldest first. They are stored by the time a push is acknowledged.
func events(t *testing.T, s *Server, app string) []event {
	t.Helper()
	var page struct{ Data []event }
	s.Call(http.MethodGet, "/api/v1/app/"+app+"/msg?limit=250", nil, &page, http.StatusOK)
	slices.Reverse(page.Data)
	return page.Data
}

func waitSent(t *testing.T, s *Server, app, providerID string) {
	t.Helper()
	until(t, "the message "+providerID+" is sent", func() bool {
		var page struct {
			Items []struct {
				ProviderMessageID *string `json:"providerMessageId"`
			}
		}
		s.Call(http.MethodGet, "/operator/v1/apps/"+app+"/messages", nil, &page, http.StatusOK)
		for _, m := range page.Items {
			if m.ProviderMessageID != nil && *m.ProviderMessageID == providerID {
				return true
			}
		}
		return false
	})
}

func checkEvents(t *testing.T, f *providertest.Fixture, got []event) {
	var received []any
	byType := make(map[string][]map[string]any)
	for _, e := range got {
		var payload struct{ Data map[string]any }
		if err := json.Unmarshal(e.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		byType[e.EventType] = append(byType[e.EventType], payload.Data)
		if e.EventType == "message.received" {
			received = append(received, payload.Data)
		}
	}
	if len(received) != len(f.Expect.Normalized) {
		t.Fatalf("got %d message.received, want %d", len(received), len(f.Expect.Normalized))
	}
	for i, want := range f.Expect.Normalized {
		if diff := providertest.Match(want, received[i]); diff != "" {
			t.Errorf("message.received %d%s", i, diff)
		}
	}
	if n := len(byType["message.inbound"]); n != len(received) {
		t.Errorf("got %d message.inbound, want one for each of %d messages", n, len(received))
	}
	statuses := 0
	for _, u := range f.Expect.StatusUpdates {
		want := u.(map[string]any)
		name := fmt.Sprint("message.", want["status"])
		found := slices.ContainsFunc(byType[name], func(d map[string]any) bool {
			return d["providerMessageId"] == want["messageId"] && d["to"] == want["recipientId"] && d["messageId"] != nil
		})
		if !found {
			t.Errorf("got no %s for %v: %v", name, want["messageId"], byType[name])
		}
		statuses++
	}
	if !f.Expect.EventsAny {
		sum := len(byType["message.sent"]) + len(byType["message.delivered"]) + len(byType["message.read"]) + len(byType["message.failed"])
		if len(byType["message.read"]) > 0 && !slices.ContainsFunc(f.Expect.StatusUpdates, func(u any) bool { return u.(map[string]any)["status"] == "delivered" }) {
			statuses++ // what has been read has been delivered
		}
		if sum != statuses {
			t.Errorf("got %d status events, want %d", sum, statuses)
		}
	}
}
