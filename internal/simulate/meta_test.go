package simulate_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

var credentials = hookswitch.Credentials{"app_secret": {secret}, "verify_token": {"meaty&hamhock 42"}, "access_token": {"T"}, "phone_number_id": {"106540352242922"}}

func received(t *testing.T, p simulate.Push) *hookswitch.Push {
	t.Helper()
	u, err := url.Parse("https://gateway.test" + p.Path)
	if err != nil {
		t.Fatal(err)
	}
	return &hookswitch.Push{Method: p.Method, URL: u, Header: p.Header, Body: p.Body, At: time.Now()}
}

func TestWhatsApp_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	adapter := meta.New(meta.Options{})
	for _, s := range whatsApp(t).Scenarios() {
		for step := range steps(t, s.Name, simulate.Load{}) {
			p := received(t, step.Push)
			if genuine := adapter.Verify(p, credentials) == nil; genuine != (step.Want == http.StatusOK) {
				t.Errorf("%s: the adapter finds it genuine: %v", s.Name, genuine)
			}
			updates, err := adapter.Parse(p)
			if err != nil || len(updates) != len(step.Push.IDs) {
				t.Fatalf("%s: got %d updates, %v; want %d", s.Name, len(updates), err, len(step.Push.IDs))
			}
			for i, u := range updates {
				id := ""
				switch {
				case u.Message != nil:
					id = u.Message.ProviderID
				case u.Receipt != nil:
					id = u.Receipt.ProviderID
				}
				if id != step.Push.IDs[i] || u.Address != "106540352242922" || u.Broken != nil {
					t.Errorf("%s: got %+v, want an update on %s", s.Name, u, step.Push.IDs[i])
				}
			}
		}
	}
	answer, ok, err := adapter.Challenge(received(t, account().Handshake("1158201444")), credentials)
	if err != nil || !ok || string(answer.Body) != "1158201444" {
		t.Errorf("handshake: got %q, %v, %v", answer.Body, ok, err)
	}
}

func TestGraph_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{account()}, Token: "T",
		Faults: []simulate.Fault{{Contains: "limit", Code: 130429}, {Contains: "gone", Code: 131026}}})
	api := httptest.NewServer(g)
	defer api.Close()
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	defer client.Close()
	adapter := meta.New(meta.Options{BaseURL: api.URL, HTTP: client})
	send := func(text string) (hookswitch.Accepted, error) {
		return adapter.Send(t.Context(), &hookswitch.Outgoing{Ref: "msg_1", ReplyTo: "wamid.Q",
			Route:   &hookswitch.Route{Channel: hookswitch.WhatsApp, Credentials: credentials},
			Message: &hookswitch.Message{Channel: hookswitch.WhatsApp, Type: "text", To: "+254712345678", Text: text}})
	}
	accepted, err := send("Grüße")
	if err != nil || len(g.Sent()) != 1 || accepted.ProviderID != g.Sent()[0].ID {
		t.Fatalf("got %+v, %v; kept %+v", accepted, err, g.Sent())
	}
	if s := g.Sent()[0]; s.Ref != "msg_1" || s.ReplyTo != "wamid.Q" || s.Text != "Grüße" || s.To != "254712345678" {
		t.Errorf("kept %+v", s)
	}
	var e *hookswitch.SendError
	if _, err := send("limit"); !errors.As(err, &e) || e.Code != "130429" || !e.Temporary {
		t.Errorf("rate limit: got %+v, want a temporary failure", err)
	}
	if _, err := send("gone"); !errors.As(err, &e) || e.Code != "131026" || e.Temporary {
		t.Errorf("undeliverable: got %+v, want a lasting failure", err)
	}
}

func TestWhatsApp_ChangesAreUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		push simulate.Push
		want hookswitch.MessageChange
	}{
		"edit":   {account().Edit("+254712345678", "Ada", "wamid.X", "new"), hookswitch.MessageChange{ProviderID: "wamid.X", Text: "new"}},
		"revoke": {account().Revoke("+254712345678", "Ada", "wamid.X"), hookswitch.MessageChange{ProviderID: "wamid.X", Deleted: true}},
	} {
		updates, err := meta.New(meta.Options{}).Parse(received(t, tt.push))
		if err != nil || len(updates) != 1 || updates[0].Change == nil || *updates[0].Change != tt.want {
			t.Errorf("%s: %+v, %v", name, updates, err)
		}
	}
}
