package portal

import (
	"cmp"
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
	{in: open, method: "POST", path: "/play/{token}/forwarded", name: "Say what became of a request", handle: onPlay((*play).noteForwarded), data: true},
	{in: open, method: "POST", path: "/play/{token}/trigger", name: "Make a trigger", handle: onPlay((*play).saveTrigger)},
}

// Bounds of forwarding.
const (
	relayWorkers = 4
	relayRate    = 10 // a second, over all bins
	relayBurst   = 100
	relayShown   = 20              // verdicts on a page
	relayLook    = 5 * time.Second // after which what other nodes have left behind is looked for
)

// Run sends on what bins owe until ctx ends. What is on its way then is sent by who comes next.
func (p *Pages) Run(ctx context.Context) error {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	free := make(chan struct{}, relayWorkers)
	for range relayWorkers {
		free <- struct{}{}
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-free:
		}
		bell := p.svc.BinRelayBell() // before looking, so that nothing comes in between
		list, next, err := p.svc.ClaimBinRelays(ctx, 1)
		if err != nil && ctx.Err() == nil {
			p.log.Warn("look for what bins send on", "error", err)
		}
		if len(list) > 0 {
			jobs.Go(func() {
				p.play.forward(ctx, list[0])
				free <- struct{}{}
			})
			continue
		}
		free <- struct{}{}
		wait := relayLook
		if !next.IsZero() {
			wait = max(min(next.Sub(p.now()), relayLook), time.Second/10)
		}
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-bell:
		case <-t.C:
		}
		t.Stop()
	}
}

func (pl *play) noteRelayed(ctx context.Context, r *store.BinRelay, did *store.BinRelayed) {
	did.To = r.Target
	if err := pl.svc.NoteBinRelayed(context.WithoutCancel(ctx), r.Token, r.Key, did); err != nil {
		pl.log.Warn("note what became of a forwarded request", "error", err)
	}
}

// forward sends one request that a bin owes, and notes what came of it.
func (pl *play) forward(ctx context.Context, r *store.BinRelay) {
	err := pl.relaying.Wait(ctx)
	var out *outgoing
	why := ""
	if err == nil {
		out, why, err = pl.owed(ctx, r)
	}
	if err == nil && why != "" {
		pl.noteRelayed(ctx, r, &store.BinRelayed{Why: why})
		return
	}
	var answer *sent
	began := time.Now()
	if err == nil {
		answer, err = pl.sendOne(ctx, out)
	}
	switch {
	case ctx.Err() != nil: // nobody's failure: the server stops
		if err := pl.svc.ReleaseBinRelay(context.WithoutCancel(ctx), r); err != nil {
			pl.log.Warn("give a request back that was being forwarded", "error", err)
		}
	case err != nil:
		pl.noteRelayed(ctx, r, &store.BinRelayed{Why: "It could not be sent."})
	default:
		pl.noteRelayed(ctx, r, &store.BinRelayed{Status: answer.Status, Why: answer.Text, MS: time.Since(began).Milliseconds()})
	}
}

// owed is a request that a bin owes as it goes out, or why it does not.
func (pl *play) owed(ctx context.Context, r *store.BinRelay) (out *outgoing, why string, err error) {
	to, wrong := hookswitch.ParseEndpointURL(r.Target)
	if wrong != "" {
		return nil, "The address " + wrong + ".", nil
	}
	if _, own := pl.ownBin(to); pl.HTTP == nil && !own {
		return nil, "This server does not send requests on.", nil
	}
	q, err := pl.svc.BinRequest(ctx, r.Token, r.Key)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, "The bin does not hold it any more.", nil
	}
	if err != nil {
		return nil, "", err
	}
	if q.Size > int64(len(q.Body)) {
		return nil, "Only the start of it is kept.", nil
	}
	by := service.PlayForwarded
	if r.How != "" {
		by = byPerson
	}
	o := outgoingOf(q, to, by)
	if r.How != store.RelayResign {
		return &o, "", nil
	}
	b, err := pl.svc.Bin(ctx, r.Token)
	if err != nil {
		return nil, "", err
	}
	if err := resign(&o, b.Secrets, pl.now(), int(r.Key&0xffff)); err != nil {
		return nil, "It cannot be signed anew: " + reasonOf(err) + ".", nil
	}
	return &o, "", nil
}

// forwarded is what became of sending a request on, as the list shows it.
type forwarded struct {
	State state  `json:"state"`
	Word  string `json:"word"`
	Text  string `json:"text"` // the same in a sentence
}

// The states of what was sent on, beside good and bad.
const (
	waiting state = "waiting"
	refused state = "refused" // there is an answer, and it is a refusal
)

// newForwarded is nil where a request was never sent on. Where to is told to the bin's owner alone.
func newForwarded(did *store.BinRelayed, owner bool) *forwarded {
	if did == nil {
		return nil
	}
	to := did.To
	if !owner || to == "" {
		to = "its owner's server"
	}
	switch {
	case did.Waiting:
		return &forwarded{waiting, "on its way", "on its way to " + to}
	case did.Status == 0:
		f := &forwarded{bad, "not sent on", "no: " + did.Why}
		if !owner {
			f.Text = "no: there was no answer"
		}
		return f
	}
	f := &forwarded{good, strconv.Itoa(did.Status), strconv.Itoa(did.Status) + " in " + ui.Millis(time.Duration(did.MS)*time.Millisecond)}
	if did.Status >= 300 {
		f.State = refused
	}
	if owner {
		f.Text += ", from " + to
	}
	return f
}

// relayedBadge is what became of forwarding a request, and how long that took.
func relayedBadge(did *store.BinRelayed) (b ui.Badge, took string) {
	switch {
	case did.Waiting:
		return ui.Badge{Tone: ui.Idle, Word: "On its way", Icon: "clock"}, "–"
	case did.Status == 0:
		return ui.Badge{Tone: ui.Bad, Word: "Not sent on"}, "–"
	}
	return newSent(did.Status, "", nil, nil).Badge, ui.Millis(time.Duration(did.MS) * time.Millisecond)
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
		if q.Relayed.At != 0 {
			r.At = time.UnixMilli(q.Relayed.At)
		}
		r.Badge, r.Took = relayedBadge(q.Relayed)
		page.Relays = append(page.Relays, r)
	}
	if page.Waiting, page.Replays, err = pl.svc.BinRelaysWaiting(h.ctx(), h.Token); err != nil {
		return err
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
		chosen, err := pl.chosenRequests(h, form)
		if err != nil {
			return err
		}
		return pl.showSend(h, http.StatusUnprocessableEntity, chosen, nil, ui.Problem{Field: "relay", Text: problem})
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
		chosen, err := pl.chosenRequests(h, url.Values{"request": {formatKey(key)}})
		if err != nil {
			return err
		}
		return pl.showSend(h, http.StatusUnprocessableEntity, chosen, nil, ui.Problem{Field: "trigger-name", Text: problem})
	}
	if end {
		return v.done(h.Path+"/send", ui.Good, "It is no trigger any more. It stays in the bin while it is pinned.")
	}
	return v.done(h.Path+"/send#triggers", ui.Good, "Made the trigger "+name+".")
}

// noteForwarded is told what became of a request by who has sent it on, such as a program that listens to the bin.
func (pl *play) noteForwarded(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	key, ok := parseKey(form.Get("request"))
	if !ok {
		return noSuchRequest()
	}
	var c hookswitch.Checks
	number := func(name string, most int) int {
		n, err := strconv.Atoi(cmp.Or(form.Get(name), "0"))
		if err != nil || n < 0 || n > most {
			c.Field("must be a number from 0 to "+strconv.Itoa(most), name)
		}
		return n
	}
	did := &store.BinRelayed{To: form.Get("to"), Why: form.Get("why"), Status: number("status", 999), MS: int64(number("ms", int(time.Hour.Milliseconds())))}
	if _, wrong := hookswitch.ParseEndpointURL(did.To); wrong != "" {
		c.Field(wrong, "to")
	}
	if wrong := hookswitch.CheckText(did.Why); wrong != "" || len(did.Why) > 500 {
		c.Field(cmp.Or(wrong, "must be at most 500 bytes long"), "why")
	}
	if err := c.Err(); err != nil {
		return err
	}
	if _, err := pl.svc.BinRequest(v.ctx(), h.Token, key); err != nil {
		return err
	}
	if err := pl.svc.NoteBinRelayed(v.ctx(), h.Token, key, did); err != nil {
		return err
	}
	v.w.WriteHeader(http.StatusNoContent)
	return nil
}
