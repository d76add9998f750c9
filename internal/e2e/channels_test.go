package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// world is a server between the simulators of all providers and a receiver of its events.
type world struct {
	*Server
	receiver *Receiver
	apis     map[string]simulate.API // by provider
}

// newWorld starts a server whose providers are all simulated.
func newWorld(t *testing.T, kind Kind) *world { return newWorldWith(t, kind, nil) }

// newWorldWith is newWorld with further settings of the server.
func newWorldWith(t *testing.T, kind Kind, more map[string]string) *world {
	t.Helper()
	w := &world{receiver: NewReceiver(t), apis: map[string]simulate.API{}}
	accounts := map[string][]simulate.Account{}
	for _, s := range simulate.All() {
		accounts[s.Provider] = append(accounts[s.Provider], s.Demo)
	}
	var urls []string
	for provider := range accounts {
		stand := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.apis[provider].ServeHTTP(rw, r) }))
		t.Cleanup(stand.Close)
		urls = append(urls, provider+"="+stand.URL)
	}
	settings := map[string]string{"provider-base-urls": strings.Join(urls, ","), "log-level": "warn"}
	maps.Copy(settings, more)
	w.Server = New(t, Options{Kind: kind, Settings: settings})
	for provider, list := range accounts {
		api, ok := simulate.NewAPI(list, simulate.APIOptions{Callback: w.URL})
		if !ok {
			continue
		}
		w.apis[provider] = api
		var running sync.WaitGroup
		running.Go(func() { _ = api.Run(t.Context()) })
		t.Cleanup(func() { api.Close(); running.Wait() })
	}
	w.Start()
	return w
}

// customer is an app with the sender of one simulated account, and an endpoint for everything that is told about it.
type customer struct {
	*world
	t        *testing.T
	app      string
	endpoint string
	sim      simulate.Simulator
	account  simulate.Account
}

const balanceReply = "Your balance is KES 1,250."

func (w *world) customer(t *testing.T, s simulate.Simulator, responder map[string]any) *customer {
	t.Helper()
	name := string(s.Channel) + "-" + s.Provider
	c := &customer{world: w, t: t, app: w.CreateApp(name), endpoint: name, sim: s, account: s.Demo}
	c.account.API, c.account.PublicURL = w.apis[s.Provider], w.URL
	w.Call(http.MethodPut, "/operator/v1/apps/"+c.app+"/senders", map[string]any{"senders": []any{map[string]any{
		"name": name, "channel": s.Channel, "provider": s.Provider, "phoneNumber": s.Demo.Number, "credentials": map[string][]string(s.Demo.Credentials), "responder": responder,
	}}}, nil, http.StatusOK)
	w.receiver.CreateEndpoint(w.Server, c.app, name, EndpointIn{EventTypes: []string{"message.inbound", "message.received", "conversation.new", "message.queued",
		"message.sent", "message.delivered", "message.read", "message.failed", "ussd.session_start", "ussd.session_end", "call.started", "call.completed"}}, nil)
	return c
}

// told waits until as many events of each type have arrived as want says, and fails when there are others, or more.
func (c *customer) told(want map[string]int) {
	c.t.Helper()
	got := map[string]int{}
	c.receiver.Wait(15*time.Second, func(fresh []*Delivery) (bool, string) {
		for _, d := range fresh {
			if d.Endpoint != c.endpoint {
				continue
			}
			var e struct{ Type string }
			if err := json.Unmarshal(d.Body, &e); err != nil {
				c.t.Error(err)
			}
			got[e.Type]++
		}
		for name, n := range want {
			if got[name] < n {
				return false, fmt.Sprintf("%s was told %v, want %v", c.endpoint, got, want)
			}
		}
		return true, ""
	})
	// What the server has made is what has arrived, and it has made each once.
	made := map[string]int{}
	for _, e := range events(c.t, c.Server, c.app) {
		made[e.EventType]++
	}
	for name := range want {
		if made[name] != want[name] || got[name] != want[name] {
			c.t.Errorf("%s: %d made and %d told, want %d", name, made[name], got[name], want[name])
		}
	}
	for name, n := range made {
		if want[name] == 0 && strings.HasPrefix(name, "message.") && name != "message.received" {
			c.t.Errorf("%d events %s, want none", n, name)
		}
	}
}

// reached is how far a provider reports a message, told in events. What has been read has been delivered.
func reached(s simulate.Simulator) []string {
	switch {
	case s.Provider == "telegram", s.Provider == "webchat":
		return []string{"message.sent"}
	case s.Channel == hookswitch.SMS:
		return []string{"message.sent", "message.delivered"}
	}
	return []string{"message.sent", "message.delivered", "message.read"}
}

// TestChannels_AnswerOnceWhatIsPushedFiveTimesAtOnce has a person write on every channel of every provider. The push comes five times in parallel: there is
// one message, one answer by the rules, which the provider's stand-in takes once and reports on, and each event reaches the customer once.
func TestChannels_AnswerOnceWhatIsPushedFiveTimesAtOnce(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		w := newWorld(t, kind)
		for _, s := range simulate.All() {
			if s.Dials() {
				continue
			}
			t.Run(string(s.Channel)+"/"+s.Provider, func(t *testing.T) {
				c := w.customer(t, s, map[string]any{"kind": "rules", "rules": []any{map[string]any{"keywords": []string{"balance"}, "reply": balanceReply}}})
				api := w.apis[s.Provider]
				before := 0
				if api != nil {
					before = len(api.Sent())
				}
				c.pushFive("text")
				c.told(c.eventsOfAnswer())
				if api == nil {
					return
				}
				sent := api.Sent()[before:]
				if len(sent) != 1 || !strings.Contains(sent[0].Text, balanceReply) {
					t.Errorf("the provider took %+v, want the answer once", sent)
				}
				if api.Lost() > 0 {
					t.Errorf("%d reports were not taken", api.Lost())
				}
			})
		}
	})
}

// eventsOfAnswer are the events of a message that is answered.
func (c *customer) eventsOfAnswer() map[string]int {
	want := map[string]int{"message.inbound": 1, "message.received": 1, "conversation.new": 1, "message.queued": 1}
	for _, name := range reached(c.sim) {
		want[name] = 1
	}
	return want
}

// pushFive makes one push of the kind five times at once.
func (c *customer) pushFive(kind string) {
	c.t.Helper()
	k, ok := c.sim.Kind(kind)
	if !ok {
		c.t.Fatalf("no kind %s", kind)
	}
	p := c.sim.Push(k, c.account, simulate.Person{})
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if res, err := p.Post(c.t.Context(), nil, c.URL); err != nil || res.Status != http.StatusOK {
				c.t.Errorf("got %d %s, %v", res.Status, res.Body, err)
			}
		})
	}
	all.Wait()
}

// dialogueEnd are the events of a dialogue's start and end.
var dialogueEnd = map[hookswitch.Channel][2]string{
	hookswitch.USSD:  {"ussd.session_start", "ussd.session_end"},
	hookswitch.Voice: {"call.started", "call.completed"},
}

// menu is a responder with a menu of two screens and an end.
func menu() map[string]any {
	return map[string]any{"kind": "menu", "start": "main", "screens": map[string]any{
		"main":    map[string]any{"text": "Welcome", "options": []any{map[string]any{"key": "1", "label": "Balance", "goTo": "balance"}, map[string]any{"key": "2", "label": "More", "goTo": "more"}}},
		"more":    map[string]any{"text": "Nothing more", "options": []any{map[string]any{"key": "0", "label": "Back", "goTo": "main"}}},
		"balance": map[string]any{"text": balanceReply, "end": true},
	}}
}

// TestDialogues_GoFromTheFirstRequestToTheEnd dials every channel of dialogues: a menu is gone through, each request comes twice where the provider repeats,
// and start and end are told once.
func TestDialogues_GoFromTheFirstRequestToTheEnd(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		w := newWorld(t, kind)
		for _, s := range simulate.All() {
			if !s.Dials() {
				continue
			}
			t.Run(string(s.Channel)+"/"+s.Provider, func(t *testing.T) {
				c := w.customer(t, s, menu())
				d, err := s.Dial(c.account, nil, c.URL, "")
				if err != nil {
					t.Fatal(err)
				}
				screen, err := d.Open(t.Context())
				c.shows(d, screen, err, "Welcome", true)
				screen, err = d.Answer(t.Context(), "2")
				c.shows(d, screen, err, "Nothing more", true)
				screen, err = d.Answer(t.Context(), "0")
				c.shows(d, screen, err, "Welcome", true)
				screen, err = d.Answer(t.Context(), "1")
				c.shows(nil, screen, err, balanceReply, false)
				names := dialogueEnd[s.Channel]
				c.told(map[string]int{"message.inbound": 3, "message.received": 3, names[0]: 1, names[1]: 1, "message.sent": 4})
			})
		}
	})
}

// shows compares a screen, and its repetition where the provider repeats.
func (c *customer) shows(d simulate.Dialogue, s simulate.Screen, err error, text string, more bool) {
	c.t.Helper()
	if err != nil || !strings.Contains(s.Text, text) || s.More != more {
		c.t.Fatalf("got %+v, %v; want %q", s, err, text)
	}
	if d == nil {
		return
	}
	again, err := d.Repeat(c.t.Context())
	if err == simulate.ErrNoRepeat {
		return
	}
	if err != nil || again != s {
		c.t.Errorf("the repeated request was answered %+v, %v; want %+v", again, err, s)
	}
}

// TestDialogues_EndOnceWhenThePersonHangsUp leaves every kind of dialogue in the middle.
func TestDialogues_EndOnceWhenThePersonHangsUp(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		w := newWorld(t, kind)
		for _, s := range simulate.All() {
			if !s.Dials() {
				continue
			}
			t.Run(string(s.Channel)+"/"+s.Provider, func(t *testing.T) {
				c := w.customer(t, s, menu())
				d, err := s.Dial(c.account, nil, c.URL, "")
				if err != nil {
					t.Fatal(err)
				}
				screen, err := d.Open(t.Context())
				c.shows(nil, screen, err, "Welcome", true)
				if err := d.HangUp(t.Context()); err != nil {
					t.Error(err)
				}
				names := dialogueEnd[s.Channel]
				c.told(map[string]int{names[0]: 1, names[1]: 1, "message.sent": 1})
			})
		}
	})
}
