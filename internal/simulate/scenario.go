package simulate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Scenario is a situation at a provider's door that can be played by name.
type Scenario struct {
	Name  string
	About string // one line without a full stop
	load  Load
}

// Load says what is pushed, and how much of it. Its zero value is one text message.
type Load struct {
	Kind   string // empty: the simulator's first
	Person Person
	// Count is how many messages there are, of one person to ten of them; 0: 1.
	Count int
	// Rate is how many pushes are made a second; 0: as fast as they are taken.
	Rate float64
	// Duplicate is how often each push is made; 0: 1.
	Duplicate int
	// Batch is how many messages are put into a push; 0: 1.
	Batch int
	// Forged pushes are those of somebody who does not know the secret.
	Forged bool
	// After is when it begins, after the scenario's begin.
	After time.Duration
	// Want is the status that a right door answers; 0: 200, or 401 to what is forged.
	Want int
}

// Step is one push of a scenario.
type Step struct {
	Push Push
	At   time.Duration // when to send it, after the scenario's begin
	Want int           // the status that a right door answers
}

// BurstCount is how many messages a burst has where nobody says.
const BurstCount = 100

// Scenarios are what can be played by name, in the order in which it is listed to people: each kind of message once, and the cases that a door has to be
// right about.
func (s Simulator) Scenarios() []Scenario {
	var list []Scenario
	for _, k := range s.Kinds {
		list = append(list, Scenario{k.Name, k.About, Load{Kind: k.Name}})
	}
	if len(list) == 0 {
		return nil
	}
	return append(list,
		Scenario{"duplicate", "the same push three times, to be counted once", Load{Duplicate: 3}},
		Scenario{"bad-signature", "a push of a stranger, to be refused", Load{Forged: true}},
		Scenario{"burst", "many messages of many people, at a rate or as fast as they are taken", Load{Count: BurstCount}},
	)
}

// Load is the load of the scenario that is called name, with what l says in place of what the scenario says by itself.
func (s Simulator) Load(name string, l Load) (Load, error) {
	var names []string
	for _, sc := range s.Scenarios() {
		if sc.Name != name {
			names = append(names, sc.Name)
			continue
		}
		d := sc.load
		if l.Kind == "" {
			l.Kind = d.Kind
		}
		if l.Count == 0 {
			l.Count = d.Count
		}
		if l.Duplicate == 0 {
			l.Duplicate = d.Duplicate
		}
		l.Forged = l.Forged || d.Forged
		return l, nil
	}
	return l, fmt.Errorf("there is no scenario %q; choose from %s", name, strings.Join(names, ", "))
}

// Steps are the pushes of the loads, each made when it is asked for. The error says what cannot be played.
func (s Simulator) Steps(a Account, loads ...Load) (iter.Seq[Step], error) {
	var lists []iter.Seq[Step]
	for i, l := range loads {
		steps, err := s.steps(a, l)
		if err != nil {
			if len(loads) > 1 {
				err = fmt.Errorf("step %d: %w", i+1, err)
			}
			return nil, err
		}
		lists = append(lists, steps)
	}
	return func(yield func(Step) bool) {
		for _, list := range lists {
			for st := range list {
				if !yield(st) {
					return
				}
			}
		}
	}, nil
}

func (s Simulator) steps(a Account, l Load) (iter.Seq[Step], error) {
	if len(s.Kinds) == 0 {
		return nil, fmt.Errorf("%s has dialogues and no messages", s.Channel)
	}
	kind := s.Kinds[0]
	if l.Kind != "" {
		var ok bool
		if kind, ok = s.Kind(l.Kind); !ok {
			return nil, fmt.Errorf("%s over %s has no kind %q", s.Channel, s.Provider, l.Kind)
		}
	}
	if l.Batch > 1 && !s.Batches() {
		return nil, fmt.Errorf("%s does not put several messages into one push", s.Provider)
	}
	if l.Person.From == "" {
		l.Person.From = s.Person.From
	}
	if l.Person.Text == "" {
		l.Person.Text = s.Person.Text
	}
	want := l.Want
	switch {
	case want != 0:
	case l.Forged:
		want = http.StatusUnauthorized
	default:
		want = http.StatusOK
	}
	return func(yield func(Step) bool) {
		n := 0
		for made := 0; made < max(l.Count, 1); {
			var pushes []Push
			for range min(max(l.Batch, 1), max(l.Count, l.Batch, 1)-made) {
				pushes = append(pushes, s.Push(kind, a, l.person(made)))
				made++
			}
			p := pushes[0]
			if len(pushes) > 1 {
				p = s.batch(&a, pushes)
			}
			if l.Forged {
				p = s.Forge(a, p)
			}
			for range max(l.Duplicate, 1) {
				st := Step{Push: p, At: l.After, Want: want}
				if l.Rate > 0 {
					st.At += time.Duration(float64(n) / l.Rate * float64(time.Second))
				}
				n++
				if !yield(st) {
					return
				}
			}
		}
	}, nil
}

// person is who sends message i: with many messages there are many people, who write ten each, so that conversations run side by side.
func (l *Load) person(i int) Person {
	p := l.Person
	if l.Count <= 1 {
		return p
	}
	p.From = neighbour(p.From, uint64(i)%uint64(max(l.Count/10, 1)))
	p.Text += " #" + strconv.Itoa(i+1)
	return p
}

// neighbour is the person whose number, id or address is n further.
func neighbour(from string, n uint64) string {
	if n == 0 {
		return from
	}
	plus := ""
	if strings.HasPrefix(from, "+") {
		plus = "+"
	}
	if v, err := strconv.ParseUint(from[len(plus):], 10, 64); err == nil && v < 1<<63 {
		return plus + strconv.FormatUint(v+n, 10)
	}
	name, domain, isMail := strings.Cut(from, "@")
	if isMail {
		return name + "." + strconv.FormatUint(n, 10) + "@" + domain
	}
	return from + "-" + strconv.FormatUint(n, 10)
}

// scenarioFile is a scenario that somebody has written down.
type scenarioFile struct {
	Steps []struct {
		Kind      string  `json:"kind"`
		From      string  `json:"from"`
		Name      string  `json:"name"`
		Text      string  `json:"text"`
		ReplyTo   string  `json:"replyTo"`
		After     string  `json:"after"`
		Count     int     `json:"count"`
		Rate      float64 `json:"rate"`
		Duplicate int     `json:"duplicate"`
		Batch     int     `json:"batch"`
		Forged    bool    `json:"forged"`
		Want      int     `json:"want"`
	} `json:"steps"`
}

// MaxCount bounds how many pushes one load makes.
const MaxCount = 100_000

// ReadScenario reads a scenario file: {"steps": [{"kind": "text", "text": "Hello", "after": "500ms"}]}. All members of a step may be left out.
func ReadScenario(b []byte) ([]Load, error) {
	var f scenarioFile
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return nil, err
	}
	if len(f.Steps) == 0 {
		return nil, errors.New("it has no steps")
	}
	var list []Load
	for i, st := range f.Steps {
		l := Load{Kind: st.Kind, Person: Person{st.From, st.Name, st.Text, st.ReplyTo}, Count: st.Count, Rate: st.Rate, Duplicate: st.Duplicate, Batch: st.Batch, Forged: st.Forged, Want: st.Want}
		if st.After != "" {
			var err error
			if l.After, err = time.ParseDuration(st.After); err != nil || l.After < 0 {
				return nil, fmt.Errorf("step %d: after is %q and no time such as 500ms", i+1, st.After)
			}
		}
		if err := l.Check(); err != nil {
			return nil, fmt.Errorf("step %d: %w", i+1, err)
		}
		list = append(list, l)
	}
	slices.SortStableFunc(list, func(a, b Load) int { return int(a.After - b.After) })
	return list, nil
}

// Check says what is out of bounds in l.
func (l *Load) Check() error {
	switch {
	case l.Count < 0 || l.Count > MaxCount:
		return fmt.Errorf("count must lie between 1 and %d, and is %d", MaxCount, l.Count)
	case l.Rate < 0 || l.Rate > 10_000:
		return fmt.Errorf("rate must lie between 0 and 10000, and is %g", l.Rate)
	case l.Duplicate < 0 || l.Duplicate > 1000:
		return fmt.Errorf("duplicate must lie between 1 and 1000, and is %d", l.Duplicate)
	case l.Batch < 0 || l.Batch > 100:
		return fmt.Errorf("batch must lie between 1 and 100, and is %d", l.Batch)
	}
	return nil
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
	return PlayBy(ctx, func(ctx context.Context, p Push) (Result, error) { return p.Post(ctx, client, baseURL) }, workers, steps, tell)
}

// PlayBy is Play with post for each push, such as one that repeats as the provider does.
func PlayBy(ctx context.Context, post func(context.Context, Push) (Result, error), workers int, steps iter.Seq[Step], tell func(Outcome)) error {
	work := make(chan Step)
	var all sync.WaitGroup
	var mu sync.Mutex // calls tell
	for range max(workers, 1) {
		all.Go(func() {
			for s := range work {
				res, err := post(ctx, s.Push)
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
