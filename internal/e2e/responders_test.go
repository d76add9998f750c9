package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/webhook"
)

const botSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// bot is a customer's own responder. It greets, says again what it is told, and never answers to "9".
type bot struct {
	*httptest.Server
	late atomic.Int32 // how often it was told "9"
}

func newBot(t *testing.T) *bot {
	t.Helper()
	secret, err := webhook.ParseSecret(botSecret)
	if err != nil {
		t.Fatal(err)
	}
	proof := webhook.NewVerifier(secret)
	b := &bot{}
	closing := make(chan struct{})
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if err := proof.Verify(r.Header, body); err != nil {
			t.Errorf("the request is not signed: %v", err)
		}
		var turn struct {
			Text  string
			Opens bool
			State *string
		}
		if err := json.Unmarshal(body, &turn); err != nil {
			t.Error(err)
		}
		reply := map[string]any{"text": "You said " + turn.Text, "state": "met"}
		switch {
		case turn.Opens:
			reply["text"] = "Hello from the bot"
		case turn.State == nil || *turn.State != "met":
			t.Errorf("the bot is not reminded of anything: %s", body)
		case turn.Text == "9":
			b.late.Add(1)
			select {
			case <-r.Context().Done():
			case <-closing:
			}
			return
		case turn.Text == "0":
			reply["end"] = true
		}
		if err := json.NewEncoder(w).Encode(reply); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(func() { close(closing); b.Close() })
	return b
}

func (b *bot) config() map[string]any {
	return map[string]any{"kind": "http", "url": b.URL, "secret": botSecret, "fallback": "Our bot is asleep."}
}

// TestResponders_ABotAnswersSessionsAndCalls has the customer's own bot answer every channel of dialogues. What it says is what the person is shown; when it does not answer, the
// person is shown the fallback in time: that ends a USSD session, and a call goes on.
func TestResponders_ABotAnswersSessionsAndCalls(t *testing.T) {
	const budget, enough = time.Second, 4 * time.Second
	Each(t, func(t *testing.T, kind Kind) {
		w := newWorldWith(t, kind, map[string]string{"dialogue-timeout": budget.String()})
		for _, s := range simulate.All() {
			if !s.Dials() {
				continue
			}
			t.Run(string(s.Channel)+"/"+s.Provider, func(t *testing.T) {
				b := newBot(t)
				c := w.customer(t, s, b.config())
				ussd := s.Channel == "ussd"
				d, err := s.Dial(c.account, nil, c.URL, "")
				if err != nil {
					t.Fatal(err)
				}
				screen, err := d.Open(t.Context())
				c.shows(d, screen, err, "Hello from the bot", true)
				screen, err = d.Answer(t.Context(), "1")
				c.shows(d, screen, err, "You said 1", true)
				begun := time.Now()
				screen, err = d.Answer(t.Context(), "9")
				c.shows(nil, screen, err, "Our bot is asleep.", !ussd)
				if took := time.Since(begun); took < budget || took > enough {
					t.Errorf("answered after %v, want %v", took, budget)
				}
				if n := b.late.Load(); n != 1 {
					t.Errorf("the bot was asked %d times, want once", n)
				}
				steps := 2
				if !ussd {
					screen, err = d.Answer(t.Context(), "0")
					c.shows(nil, screen, err, "You said 0", false)
					steps++
				}
				names := dialogueEnd[s.Channel]
				c.told(map[string]int{"message.inbound": steps, "message.received": steps, names[0]: 1, names[1]: 1, "message.sent": steps + 1})
			})
		}
	})
}
