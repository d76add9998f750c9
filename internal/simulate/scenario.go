package simulate

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Scenario is a situation at a provider's door that can be played by name.
type Scenario struct {
	Name  string
	About string // one line without a full stop
	steps func(WhatsApp, Person) []Step
	burst bool
}

// Person is who writes in a scenario, and what. Empty fields have defaults.
type Person struct {
	Phone string
	Name  string
	Text  string
	// ReplyTo is the wamid of one of our messages, for scenarios that answer one; empty: an invented one.
	ReplyTo string
	// Count and Rate are for scenarios of many messages: how many, and how many a second; a Rate of 0 means as fast as they are
	// taken.
	Count int
	Rate  float64
}

// Step is one push of a scenario.
type Step struct {
	Push Push
	At   time.Duration // when to send it, after the scenario's begin
	Want int           // the status that a right door answers
}

// WhatsAppScenarios are the scenarios of the WhatsApp door, in the order in which they are listed to people.
func WhatsAppScenarios() []Scenario {
	return []Scenario{
		{Name: "text", About: "a text message", steps: one(func(w WhatsApp, p Person) Push { return w.Text(p.Phone, p.Name, p.Text) })},
		{Name: "image", About: "a picture with a caption", steps: one(func(w WhatsApp, p Person) Push { return w.Image(p.Phone, p.Name, p.Text) })},
		{Name: "button", About: "the press of a reply button", steps: one(func(w WhatsApp, p Person) Push {
			return w.ButtonReply(p.Phone, p.Name, p.ReplyTo, "balance", "Balance")
		})},
		{Name: "reaction", About: "an emoji put to one of our messages", steps: one(func(w WhatsApp, p Person) Push { return w.Reaction(p.Phone, p.Name, p.ReplyTo, "👍") })},
		{Name: "location", About: "a shared place", steps: one(func(w WhatsApp, p Person) Push {
			return w.Location(p.Phone, p.Name, Place{Latitude: -1.2921, Longitude: 36.8219, Name: "Nairobi City Market", Address: "Muindi Mbingu Street, Nairobi"})
		})},
		{Name: "contacts", About: "two shared contacts", steps: one(func(w WhatsApp, p Person) Push {
			return w.Contacts(p.Phone, p.Name, Card{Name: "Zoë Odhiambo", Phone: "+254700000001"}, Card{Name: "Brian", Phone: "+254700000002"})
		})},
		{Name: "unsupported", About: "a message of a kind that WhatsApp does not pass on", steps: one(func(w WhatsApp, p Person) Push { return w.Unsupported(p.Phone, p.Name) })},
		{Name: "batch", About: "three messages of two people and a status in one push", steps: one(batch)},
		{Name: "duplicate", About: "the same push three times, to be counted once", steps: func(w WhatsApp, p Person) []Step {
			s := Step{Push: w.Text(p.Phone, p.Name, p.Text), Want: http.StatusOK}
			return []Step{s, s, s}
		}},
		{Name: "bad-signature", About: "a push of a stranger, to be refused", steps: func(w WhatsApp, p Person) []Step {
			return []Step{{Push: w.Forge(w.Text(p.Phone, p.Name, p.Text)), Want: http.StatusUnauthorized}}
		}},
		{Name: "burst", About: "many messages of many people, at a rate or as fast as they are taken", burst: true},
	}
}

// Steps are the pushes of the scenario, each made when it is asked for.
func (s Scenario) Steps(w WhatsApp, p Person) iter.Seq[Step] {
	p.Phone = cmp.Or(p.Phone, "+254712345678")
	p.Name = cmp.Or(p.Name, "Amina Wanjirũ")
	p.Text = cmp.Or(p.Text, "Hello 👋 what is my balance?")
	p.ReplyTo = cmp.Or(p.ReplyTo, newWAMID(p.Phone, outbound))
	p.Count = cmp.Or(p.Count, 100)
	if s.burst {
		return burst(w, p)
	}
	return slices.Values(s.steps(w, p))
}

func one(make func(WhatsApp, Person) Push) func(WhatsApp, Person) []Step {
	return func(w WhatsApp, p Person) []Step { return []Step{{Push: make(w, p), Want: http.StatusOK}} }
}

func batch(w WhatsApp, p Person) Push {
	other := "254700000009"
	return w.Batch(w.Text(p.Phone, p.Name, p.Text), w.Text(other, "Brian", "Hi"), w.Image(p.Phone, p.Name, ""),
		w.Status(p.ReplyTo, hookswitch.StatusDelivered, p.Phone, ""))
}

// burst spreads its messages over people whose numbers follow one another, ten messages each, so that conversations run side by side.
func burst(w WhatsApp, p Person) iter.Seq[Step] {
	first, err := strconv.ParseUint(digits(p.Phone), 10, 63)
	if err != nil {
		first = 254712345678
	}
	return func(yield func(Step) bool) {
		people := uint64(max(p.Count/10, 1))
		for i := range p.Count {
			s := Step{Want: http.StatusOK}
			if p.Rate > 0 {
				s.At = time.Duration(float64(i) / p.Rate * float64(time.Second))
			}
			phone := strconv.FormatUint(first+uint64(i)%people, 10)
			s.Push = w.Text(phone, p.Name, p.Text+" #"+strconv.Itoa(i+1))
			if !yield(s) {
				return
			}
		}
	}
}

// Outcome is what became of a Step.
type Outcome struct {
	Step   Step
	Result Result
	Err    error
}

// OK reports whether the door answered as it should.
func (o Outcome) OK() bool { return o.Err == nil && o.Result.Status == o.Step.Want }

// Play sends the steps to the server at baseURL, each at its time, at most workers at once, and tells of each outcome, one after the
// other. With one worker they arrive in order. It returns when all are answered, or with the cause when ctx ends before.
func Play(ctx context.Context, client *http.Client, baseURL string, workers int, steps iter.Seq[Step], tell func(Outcome)) error {
	if client == nil {
		client = LoopbackClient()
		defer client.CloseIdleConnections()
	}
	work := make(chan Step)
	var all sync.WaitGroup
	var mu sync.Mutex // calls tell
	for range max(workers, 1) {
		all.Go(func() {
			for s := range work {
				res, err := s.Push.Post(ctx, client, baseURL)
				mu.Lock()
				tell(Outcome{Step: s, Result: res, Err: err})
				mu.Unlock()
			}
		})
	}
	err := feed(ctx, work, steps)
	close(work)
	all.Wait()
	return err
}

func feed(ctx context.Context, work chan<- Step, steps iter.Seq[Step]) error {
	begin := time.Now()
	for s := range steps {
		if wait := time.Until(begin.Add(s.At)); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
			}
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		select {
		case work <- s:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
