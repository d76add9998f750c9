package simulate_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/all"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// adapters are the server's, by name.
func adapters() map[string]hookswitch.Provider {
	m := map[string]hookswitch.Provider{}
	for _, p := range all.Providers(all.Options{}) {
		m[p.Name()] = p
	}
	return m
}

func TestAll_PlaysEveryChannelOfEveryAdapter(t *testing.T) {
	t.Parallel()
	for name, p := range adapters() {
		for _, d := range p.Doors() {
			for _, ch := range d.Channels {
				if _, err := simulate.Of(ch, name); err != nil {
					t.Errorf("%s over %s: %v", ch, name, err)
				}
			}
		}
	}
	seen := map[string]bool{}
	for _, s := range simulate.All() {
		name := string(s.Channel) + " over " + s.Provider
		if seen[name] || adapters()[s.Provider] == nil || s.Habit == "" || s.Person.From == "" || s.Dials() != (len(s.Kinds) == 0) {
			t.Errorf("%s is played twice, for nobody, or not in full", name)
		}
		seen[name] = true
	}
}

func TestSimulators_PushWhatTheirAdaptersUnderstand(t *testing.T) {
	t.Parallel()
	list := adapters()
	for _, s := range simulate.All() {
		p, a := list[s.Provider], s.Demo
		a.PublicURL = "https://gateway.test"
		for _, sc := range s.Scenarios() {
			l, err := s.Load(sc.Name, simulate.Load{})
			if err != nil {
				t.Fatal(err)
			}
			steps, err := s.Steps(a, l)
			if err != nil {
				t.Fatal(err)
			}
			for step := range steps {
				push := received(t, step.Push)
				push.URL.Host = "gateway.test"
				if genuine := p.Verify(push, a.Credentials) == nil; genuine != (step.Want == http.StatusOK) {
					t.Errorf("%s over %s, %s: the adapter finds it genuine: %v", s.Channel, s.Provider, sc.Name, genuine)
				}
				updates, err := p.Parse(push)
				if err != nil || slices.ContainsFunc(updates, func(u hookswitch.Update) bool { return u.Broken != nil || u.Channel != s.Channel }) {
					t.Errorf("%s over %s, %s: got %+v, %v", s.Channel, s.Provider, sc.Name, updates, err)
				}
				if want := p.Address(s.Channel, a.Credentials, a.Number); len(updates) > 0 && updates[0].Address != "" && updates[0].Address != want {
					t.Errorf("%s over %s, %s: goes to %q, want %q", s.Channel, s.Provider, sc.Name, updates[0].Address, want)
				}
			}
		}
	}
}

func TestSimulators_SpreadManyMessagesOverPeople(t *testing.T) {
	t.Parallel()
	list := adapters()
	for _, s := range simulate.All() {
		if s.Dials() {
			continue
		}
		a := s.Demo
		a.PublicURL = "https://gateway.test"
		steps, err := s.Steps(a, simulate.Load{Count: 20})
		if err != nil {
			t.Fatal(err)
		}
		people, ids := map[string]int{}, map[string]bool{}
		for step := range steps {
			updates, err := list[s.Provider].Parse(received(t, step.Push))
			if err != nil || len(updates) != 1 || updates[0].Message == nil {
				t.Fatalf("%s over %s: got %+v, %v", s.Channel, s.Provider, updates, err)
			}
			people[updates[0].Message.From]++
			ids[updates[0].Dedup] = true
		}
		if len(people) != 2 || len(ids) != 20 {
			t.Errorf("%s over %s: %d messages of %v, want 20 of two people", s.Channel, s.Provider, len(ids), people)
		}
	}
}

func TestSimulator_BatchesWhereTheProviderDoes(t *testing.T) {
	t.Parallel()
	for _, s := range simulate.All() {
		steps, err := s.Steps(s.Demo, simulate.Load{Count: 7, Batch: 3})
		if !s.Batches() {
			if err == nil {
				t.Errorf("%s over %s: batches although the provider does not", s.Channel, s.Provider)
			}
			continue
		}
		var sizes []int
		for step := range steps {
			sizes = append(sizes, len(step.Push.IDs))
		}
		if !slices.Equal(sizes, []int{3, 3, 1}) {
			t.Errorf("%s over %s: batches of %v, want 3, 3, 1", s.Channel, s.Provider, sizes)
		}
	}
}

func TestSimulator_DeliversAsTheProviderDoes(t *testing.T) {
	t.Parallel()
	s := whatsApp(t)
	tries := 0
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer door.Close()
	kind, _ := s.Kind("text")
	res, err := s.Deliver(t.Context(), nil, door.URL, s.Demo, s.Push(kind, s.Demo, simulate.Person{}))
	if err != nil || res.Status != http.StatusOK || tries != 3 {
		t.Errorf("got %d, %v after %d tries, want 200 after 3", res.Status, err, tries)
	}
}

func TestReadScenario_SaysWhichStepIsWrong(t *testing.T) {
	t.Parallel()
	good, err := simulate.ReadScenario([]byte(`{"steps":[{"kind":"text","text":"Hi","after":"20ms","duplicate":2},{"forged":true}]}`))
	if err != nil || len(good) != 2 || !good[0].Forged || good[1].Duplicate != 2 {
		t.Errorf("got %+v, %v", good, err)
	}
	for in, want := range map[string]string{
		`{"steps":[]}`:                    "no steps",
		`{"steps":[{},{"after":"soon"}]}`: "step 2",
		`{"steps":[{"count":-1}]}`:        "count",
		`{"steps":[{"knid":"text"}]}`:     "knid",
		`{"steps":[{"duplicate":1001}]}`:  "duplicate",
		`{"steps":[{},{},{"batch":101}]}`: "step 3",
		`{"steps":[{"rate":1e9}]}`:        "rate",
		`[]`:                              "array",
	} {
		if _, err := simulate.ReadScenario([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want a word of %q", in, err, want)
		}
	}
}

func TestOf_NamesWhoCanBePlayed(t *testing.T) {
	t.Parallel()
	if _, err := simulate.Of(hookswitch.SMS, "meta"); err == nil || !strings.Contains(err.Error(), "twilio, africastalking") {
		t.Errorf("got %v", err)
	}
	if _, err := simulate.Of("pigeon", ""); err == nil || !strings.Contains(err.Error(), "pigeon") {
		t.Errorf("got %v", err)
	}
}
