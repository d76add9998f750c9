package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var playRelayRoutes = []route{
	{in: open, method: "POST", path: "/play/{token}/relay", name: "Forward what arrives", handle: onPlay((*play).saveRelay)},
	{in: open, method: "POST", path: "/play/{token}/trigger", name: "Make a trigger", handle: onPlay((*play).saveTrigger)},
}

// Bounds of forwarding.
const (
	relayWorkers = 4
	relayQueue   = 64 // requests of all bins that wait to be forwarded on this node
	relayRate    = 10 // a second, over all bins
	relayBurst   = 100
	relayPatient = time.Minute // after which nobody expects any more that a request is still on its way
	relayShown   = 20          // verdicts on a page
)

// relayJob is a request that is to be forwarded.
type relayJob struct {
	token string
	key   hookswitch.Key
	to    string
	out   outgoing
}

// Run forwards what bins take until ctx ends.
func (p *Pages) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range relayWorkers {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case job := <-p.play.relays:
					p.play.forward(ctx, &job)
				}
			}
		})
	}
	workers.Wait()
	return nil
}

// relay forwards what a bin has just taken, where it has been told to. It does not wait.
func (pl *play) relay(ctx context.Context, b *store.Bin, q *store.BinRequest) {
	if b.Relay == "" {
		return
	}
	why := ""
	to, wrong := hookswitch.ParseEndpointURL(b.Relay)
	switch {
	case wrong != "":
		why = "The address " + wrong + "."
	case q.Size > int64(len(q.Body)):
		why = "It is larger than " + lengthOf(service.BinBody) + ", and only the start of it is kept."
	case strings.HasPrefix(headerOf(q, playHeader), byBin):
		why = "Another bin had forwarded it. It would go round in circles."
	case !pl.relaying.Allow():
		why = "Too much is being forwarded at this moment."
	default:
		select {
		case pl.relays <- relayJob{q.Token, q.Key, b.Relay, outgoingOf(q, to, byBin)}:
			return
		default:
			why = "Too much waits to be forwarded at this moment."
		}
	}
	pl.noteRelayed(ctx, q.Token, q.Key, &store.BinRelayed{To: b.Relay, Why: why})
}

func headerOf(q *store.BinRequest, name string) string {
	for _, line := range q.Headers {
		if http.CanonicalHeaderKey(line.Name) == name {
			return line.Value
		}
	}
	return ""
}

func (pl *play) noteRelayed(ctx context.Context, token string, key hookswitch.Key, did *store.BinRelayed) {
	if err := pl.svc.NoteBinRelayed(ctx, token, key, did); err != nil && ctx.Err() == nil {
		pl.log.Warn("note what became of a forwarded request", "error", err)
	}
}

// forward sends one request, and notes what came of it.
func (pl *play) forward(ctx context.Context, job *relayJob) {
	began := time.Now()
	did := &store.BinRelayed{To: job.to}
	if _, own := pl.ownBin(job.out.url); pl.HTTP == nil && !own {
		did.Why = "This server does not send requests on."
	} else if s, err := pl.sendOne(ctx, &job.out); err != nil {
		did.Why = "It could not be sent."
	} else {
		did.Status, did.Why = s.Status, s.Text
	}
	did.MS = time.Since(began).Milliseconds()
	pl.noteRelayed(context.WithoutCancel(ctx), job.token, job.key, did)
}

// relayedBadge is what became of forwarding a request, and how long that took.
func relayedBadge(did *store.BinRelayed) (b ui.Badge, took string) {
	if did.Status == 0 {
		return ui.Badge{Tone: ui.Bad, Word: "Not forwarded"}, "–"
	}
	return newSent(did.Status, "", nil, nil).Badge, ui.Millis(time.Duration(did.MS) * time.Millisecond)
}

// relayWords say what became of forwarding a request; "" where nothing is to be said. waiting: it may still be on its way.
func (v *view) relayWords(b *store.Bin, q *store.BinRequest) (words string, waiting bool) {
	did := q.Relayed
	switch {
	case did == nil && b.Relay != "" && v.Now.Sub(q.Key.Time()) < relayPatient:
		return "on its way to " + b.Relay, true
	case did == nil:
		return "", false
	case did.Status == 0:
		return "no: " + did.Why, false
	}
	_, took := relayedBadge(did)
	return strconv.Itoa(did.Status) + " in " + took + ", from " + did.To, false
}

// relayedRow is one request that was forwarded.
type relayedRow struct {
	row
	Page  string
	To    string
	Badge ui.Badge
	Took  string
	Why   string
	At    time.Time
}

// triggerRow is a request that is sent again and again.
type triggerRow struct {
	row
	Name string
	Page string
	Body string // its beginning
}

// addRelays puts what is forwarded, and the triggers, onto the page for sending on.
func (pl *play) addRelays(page *sendPage) error {
	h := page.binHead
	address := h.bin.Relay
	if h.r.PostForm.Has("relay") {
		address = h.r.PostForm.Get("relay")
	}
	page.Relay = ui.Field{ID: "relay", Name: "relay", Label: "Forward to", Kind: "url", Mono: true, Value: address, Holder: "https://your-server.example/webhooks", Autocomplete: "off",
		Hint: "As it came: method, path, headers, signature and body. The bin answers for itself, and does not wait. Private addresses are refused unless the server's settings allow them."}
	j := newJudge(h.bin.Secrets)
	list, err := pl.svc.BinRequests(h.ctx(), h.Token, store.Page{Limit: listLength})
	if err != nil {
		return err
	}
	for _, q := range list {
		if q.Relayed == nil || len(page.Relays) == relayShown {
			continue
		}
		r := relayedRow{row: newRow(q, j), Page: h.Path + "?request=" + formatKey(q.Key), To: q.Relayed.To, Why: q.Relayed.Why, At: q.Key.Time()}
		r.Badge, r.Took = relayedBadge(q.Relayed)
		page.Relays = append(page.Relays, r)
	}
	triggers, err := pl.svc.BinTriggers(h.ctx(), h.Token)
	if err != nil {
		return err
	}
	for _, q := range triggers {
		t := triggerRow{row: newRow(q, j), Name: q.Trigger, Page: h.Path + "?request=" + formatKey(q.Key), Body: "not text"}
		if isText(q.Body) {
			t.Body = excerpt(string(q.Body), 80)
		}
		page.Triggers = append(page.Triggers, t)
	}
	return nil
}

// saveRelay has a bin forward what arrives from now on, or ends that.
func (pl *play) saveRelay(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	target := strings.TrimSpace(form.Get("relay"))
	refused := func(problem string) error {
		list, err := pl.chosenRequests(h, form)
		if err != nil {
			return err
		}
		return pl.showSend(h, http.StatusUnprocessableEntity, list, nil, ui.Problem{Field: "relay", Text: problem})
	}
	if form.Get("stop") != "" {
		target = ""
	} else if _, wrong := hookswitch.ParseEndpointURL(target); wrong != "" { // also when there is none
		return refused("The address " + wrong + ".")
	}
	_, err = pl.svc.UpdateBin(v.ctx(), h.Token, func(b *store.Bin) error {
		b.Relay = target
		return nil
	})
	if hookswitch.KindOf(err) == hookswitch.Invalid {
		return refused("The address " + fieldProblem(err) + ".")
	}
	if err != nil {
		return err
	}
	if target == "" {
		return v.done(h.Path+"/send", ui.Good, "Nothing is forwarded any more.")
	}
	return v.done(h.Path+"/send", ui.Good, "From the next request on, everything is forwarded to "+target+".")
}

// saveTrigger makes a request one that is sent again and again, or takes its name away.
func (pl *play) saveTrigger(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	key, ok := parseKey(form.Get("request"))
	if !ok {
		return noSuchRequest()
	}
	name, end := strings.TrimSpace(form.Get("name")), form.Get("end") != ""
	problem := ""
	if end {
		name = ""
	} else if name == "" {
		problem = "Give the trigger a name."
	}
	if problem == "" {
		err := pl.svc.NameBinTrigger(v.ctx(), h.Token, key, name)
		var e *hookswitch.Error
		switch {
		case hookswitch.KindOf(err) == hookswitch.Invalid:
			problem = "The name " + fieldProblem(err) + "."
		case hookswitch.KindOf(err) == hookswitch.Conflict && errors.As(err, &e):
			problem = e.Message
		case err != nil:
			return err
		}
	}
	if problem != "" {
		list, err := pl.chosenRequests(h, url.Values{"request": {formatKey(key)}})
		if err != nil {
			return err
		}
		return pl.showSend(h, http.StatusUnprocessableEntity, list, nil, ui.Problem{Field: "trigger-name", Text: problem})
	}
	if end {
		return v.done(h.Path+"/send", ui.Good, "It is no trigger any more. It stays in the bin while it is pinned.")
	}
	return v.done(h.Path+"/send#triggers", ui.Good, "Made the trigger "+name+".")
}
