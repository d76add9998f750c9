package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

const (
	// thinking is how long the bot of a burst takes for an answer.
	thinking = 2 * time.Second
	// burstWidth is how many connections push at once, and burstLength how many times longer a burst lasts than the other scenarios.
	burstWidth  = 64
	burstLength = 4
	// answerWait bounds the wait for answers, which the time of the bot and the rates of providers draw out.
	answerWait = 10 * time.Minute
	// burstRate is the rate at which each sender may send: no provider would take as much, but here it is not the provider that is measured.
	burstRate = "10000/s"
)

// burst is people writing on three channels at once, each once: signed pushes, an endpoint that is told of them, and a bot that answers slowly over stand-ins of
// the providers' APIs.
type burst struct {
	tally    *tally
	pushes   [][]byte // whole requests; number n is from person n
	stored   bitmap
	answered bitmap
	answers  counter
	twice    counter

	stop    chan struct{} // closed to end what the bot still thinks about
	servers []*http.Server
	apis    []simulate.API
	running sync.WaitGroup
}

// counter counts, and tells when it last did.
type counter struct {
	mu   sync.Mutex
	n    int64
	last time.Time
}

func (c *counter) add() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n, c.last = c.n+1, time.Now()
}

func (c *counter) read() (n int64, last time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n, c.last
}

func newBurst(t *tally) *burst {
	return &burst{tally: t, stored: newBitmap(int(t.limit)), answered: newBitmap(int(t.limit)), stop: make(chan struct{})}
}

// serve starts a server on a free port of the loopback interface and returns its URL. close ends it.
func (s *burst) serve(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("start a stand-in: %w", err)
	}
	server := &http.Server{Handler: h}
	s.servers = append(s.servers, server)
	s.running.Go(func() { _ = server.Serve(l) }) // ends with ErrServerClosed
	return "http://" + l.Addr().String(), nil
}

func (s *burst) close() {
	close(s.stop)
	for _, server := range s.servers {
		_ = server.Close()
	}
	for _, api := range s.apis {
		api.Close()
	}
	s.running.Wait()
}

// event takes what the endpoint is told.
func (s *burst) event(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	seq, ok := numberIn(body)
	if err != nil || !ok || !s.tally.known(seq) {
		s.tally.stray.Add(1)
		return
	}
	s.tally.arrive(s.tally.lanes[0], seq)
}

// think answers for the bot.
func (s *burst) think(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	seq, ok := numberIn(body)
	if err != nil || !ok {
		s.tally.stray.Add(1)
		return
	}
	timer := time.NewTimer(thinking)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	case <-s.stop:
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"text":"Thank you for %s"}`, burstText(seq)) // an error means that the gateway has gone
}

// sent takes note of what a stand-in has taken.
func (s *burst) sent(m simulate.Sent) {
	seq, ok := numberIn([]byte(m.Text))
	switch {
	case !ok || !s.tally.known(seq):
		s.tally.stray.Add(1)
	case s.answered.set(seq):
		s.twice.add()
	default:
		s.answers.add()
	}
}

// The number of a push stands in the text of its message.
const burstMark = "question no. "

func burstText(seq int64) string { return burstMark + strconv.FormatInt(seq, 10) + "." }

// numberIn reads the number of a push from any text that has its text in it.
func numberIn(text []byte) (int64, bool) {
	_, rest, ok := bytes.Cut(text, []byte(burstMark))
	if !ok {
		return 0, false
	}
	number, _, ok := bytes.Cut(rest, []byte("."))
	n, err := strconv.ParseInt(string(number), 10, 64)
	return n, ok && err == nil
}

// accounts are those that take turns in a burst.
func (s *burst) accounts() []simulate.Account {
	var list []simulate.Account
	for _, want := range []struct {
		ch       hookswitch.Channel
		provider string
	}{{hookswitch.WhatsApp, "meta"}, {hookswitch.Telegram, "telegram"}, {hookswitch.SMS, "twilio"}} {
		for _, sim := range simulate.All() {
			if sim.Channel == want.ch && sim.Provider == want.provider {
				list = append(list, sim.Demo)
			}
		}
	}
	return list
}

// start starts the endpoint, the bot and the stand-ins, and then the gateway with a sender of each account.
func (s *burst) start(ctx context.Context, b *bench, sc *scenario, sys system) (in *instance, done func() error, err error) {
	endpoint, err1 := s.serve(http.HandlerFunc(s.event))
	bot, err2 := s.serve(http.HandlerFunc(s.think))
	if err := errors.Join(err1, err2); err != nil {
		return nil, nil, err
	}
	var bases []string
	var senders []any
	secret := "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
	for _, a := range s.accounts() {
		api, ok := simulate.NewAPI([]simulate.Account{a}, simulate.APIOptions{OnSend: s.sent, Keep: 1})
		if !ok {
			return nil, nil, fmt.Errorf("nothing stands in for %s", a.Provider)
		}
		s.apis = append(s.apis, api)
		base, err := s.serve(api)
		if err != nil {
			return nil, nil, err
		}
		bases = append(bases, a.Provider+"="+base)
		senders = append(senders, map[string]any{"name": a.Provider, "channel": a.Channel, "provider": a.Provider, "phoneNumber": a.Number, "rate": burstRate,
			"credentials": map[string][]string(a.Credentials), "responder": map[string]any{"kind": "http", "url": bot, "secret": secret}})
	}
	in, done, err = b.startWith(ctx, sc, sys, gatewaySetup{targets: []string{endpoint}, filter: []string{"message.inbound"},
		env: []string{"HOOKSWITCH_PROVIDER_BASE_URLS=" + strings.Join(bases, ",")}})
	if err != nil {
		return nil, nil, err
	}
	body, err := json.Marshal(map[string]any{"senders": senders})
	if err == nil {
		err = in.put(ctx, "/operator/v1/apps/"+in.app+"/senders", body)
	}
	if err == nil {
		err = s.sign(ctx, in.addr)
	}
	if err != nil {
		return nil, nil, errors.Join(err, done())
	}
	return in, done, nil
}

// sign makes all pushes of the run beforehand, so that signing them takes nothing from what is measured.
func (s *burst) sign(ctx context.Context, addr string) error {
	public := "http://" + addr
	whatsApp, telegram, twilio := simulate.Demo(), simulate.DemoTelegram(), simulate.DemoTwilio(public)
	s.pushes = make([][]byte, s.tally.limit)
	for seq := range s.tally.limit {
		var p simulate.Push
		switch person := fmt.Sprintf("%09d", seq); seq % 3 {
		case 0:
			p = whatsApp.Text("254"+person, "Person "+person, burstText(seq))
		case 1:
			p = telegram.Text("1"+person, "Person "+person, burstText(seq))
		case 2:
			p = twilio.SMS("+12"+person, burstText(seq))
		}
		r, err := p.Request(ctx, public)
		if err != nil {
			return err
		}
		var raw bytes.Buffer
		if err := r.Write(&raw); err != nil {
			return err
		}
		s.pushes[seq] = raw.Bytes()
	}
	return nil
}

// drain waits until every push has been told of and answered, or nothing has happened for the time idle.
func (s *burst) drain(ctx context.Context, idle time.Duration) time.Duration {
	start := time.Now()
	poll := time.NewTicker(drainPoll)
	defer poll.Stop()
	progress, least := start, int64(-1)
	for time.Since(start) < answerWait {
		left := s.tally.missing() + s.tally.acked.without(s.answered)
		if left == 0 {
			break
		}
		if left != least {
			progress, least = time.Now(), left
		}
		if time.Since(progress) > idle+thinking {
			break
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return time.Since(start)
		}
	}
	return time.Since(start)
}

// lookUp notes which pushes have become messages, by the list of them.
func (s *burst) lookUp(ctx context.Context, in *instance) error {
	for cursor := ""; ; {
		var page struct {
			Items      []struct{ Text string }
			NextCursor string
		}
		if err := in.get(ctx, "/operator/v1/apps/"+in.app+"/messages?status=received&limit=100&cursor="+cursor, &page); err != nil {
			return err
		}
		for _, m := range page.Items {
			if seq, ok := numberIn([]byte(m.Text)); ok && s.tally.known(seq) {
				s.stored.set(seq)
			}
		}
		if cursor = page.NextCursor; cursor == "" {
			return nil
		}
	}
}

// burstRound is one life of the gateway under a burst.
func (b *bench) burstRound(ctx context.Context, sc *scenario, sys system) (m Measurement, err error) {
	duration := b.o.Duration * burstLength
	length := b.o.Warmup + duration
	t := newTally(sc.maxEvents(length), 1)
	s := newBurst(t)
	closed := sync.OnceFunc(s.close)
	defer closed()
	in, done, err := s.start(ctx, b, sc, sys)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, done()) }()
	load, _ := loadAverage()
	begin := t.now() + int64(leadIn)
	t.from.Store(begin + int64(b.o.Warmup))
	t.to.Store(begin + int64(length))
	g := &generator{tally: t, addr: in.addr, startAt: begin, stopAt: begin + int64(length), every: int64(time.Second) / int64(sc.rate),
		requests: s.pushes, paced: burstWidth, taken: http.StatusOK}
	watched := make(chan *usage, 1)
	go func() { watched <- watch(ctx, t, in) }()
	g.run(ctx, b.o.Connections)
	used := <-watched
	early, _ := s.answers.read()
	drained := s.drain(ctx, b.idle)
	if err := ctx.Err(); err != nil {
		return m, err
	}
	if err := s.lookUp(ctx, in); err != nil {
		return m, fmt.Errorf("look for the messages: %w", err)
	}
	m = measure(t, duration)
	if used != nil {
		m.use(used, t.arrived.Load(), duration)
	}
	m.DrainSeconds = drained.Seconds()
	m.PeakMemory = peakMemory(in.pid)
	m.Pushes, m.LoadBefore = true, load
	m.Answers, _ = s.answers.read()
	m.AnswersMeanwhile = early
	m.Unstored = t.acked.without(s.stored)
	m.Lost += m.Unstored
	repeated, _ := s.twice.read()
	m.Repeated += repeated
	closed()
	return m, nil
}

// burstTable is the table of a burst.
func (r *Result) burstTable(row func(...any)) {
	row("", "pushes/s", "ack p50 ms", "ack p99 ms", "told p50 ms", "told p99 ms", "not stored", "lost", "answers", "in time", "its CPUs", "load CPUs", "load before", "peak MiB", "drain s")
	for _, f := range r.Results {
		row(f.System, fmt.Sprintf("%.0f", f.Accepted), fmt.Sprintf("%.2f", f.AcceptP50), fmt.Sprintf("%.2f", f.AcceptP99), fmt.Sprintf("%.2f", f.P50), fmt.Sprintf("%.2f", f.P99),
			f.Unstored, f.Lost, f.Answers, f.AnswersMeanwhile, known(f.SystemCPUs, "%.2f"), known(f.OwnCPUs, "%.2f"), fmt.Sprintf("%.1f", f.LoadBefore), f.mebibytes(),
			fmt.Sprintf("%.1f", f.DrainSeconds))
	}
}

// bursts reports whether r is of pushes.
func (r *Result) bursts() bool {
	return slices.ContainsFunc(r.Results, func(f *Figure) bool { return f.Pushes })
}
