package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// The test program doubles as the programs that Run starts: the plain forwarder, and a stand-in for the gateway, which loses what the name of the
// program says.
func TestMain(m *testing.M) {
	args := os.Args[1:]
	switch {
	case len(args) > 0 && args[0] == "serve":
		standIn(strings.Contains(os.Args[0], "lossy"))
	case len(args) > 2 && args[0] == "bench" && args[1] == "--forwarder":
		if err := Run(context.Background(), Options{Forwarder: strings.Split(args[2], ",")}, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	default:
		goleak.VerifyTestMain(m)
	}
}

// standIn takes the calls that Run makes of the gateway and posts each payload on, or all but each 50th.
func standIn(lossy bool) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	var targets []string
	var n atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /api/v1/app", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id":"app_1"}`)
	})
	mux.HandleFunc("POST /api/v1/app/app_1/endpoint", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ URL string }
		_ = json.NewDecoder(r.Body).Decode(&in)
		targets = append(targets, in.URL)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id":"ep_1"}`)
	})
	mux.HandleFunc("POST /api/v1/app/app_1/msg", func(w http.ResponseWriter, r *http.Request) {
		var in struct{ Payload json.RawMessage }
		_ = json.NewDecoder(r.Body).Decode(&in)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, `{"id":"msg_1"}`)
		if lossy && n.Add(1)%50 == 0 {
			return
		}
		for _, t := range targets {
			for range 2 { // S5 turns the first attempt away
				resp, err := http.Post(t, "application/json", bytes.NewReader(in.Payload))
				if err != nil {
					continue
				}
				_ = resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
		}
	})
	server := &http.Server{Addr: os.Getenv("HOOKSWITCH_LISTEN"), Handler: mux}
	go func() { <-ctx.Done(); _ = server.Close() }()
	_ = server.ListenAndServe()
}

// shortRun runs scenarios over the stand-in and returns the report.
func shortRun(t *testing.T, binary string, scenarios ...string) (*Report, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), Options{Scenario: scenarios, Duration: 300 * time.Millisecond, Warmup: 50 * time.Millisecond, Rounds: 1, Connections: 4,
		Postgres: "none", Dir: t.TempDir(), JSON: true, Binary: binary}, &out, time.Second)
	report := new(Report)
	if e := json.Unmarshal(out.Bytes(), report); e != nil {
		t.Fatalf("read the report %q: %v (Run: %v)", out.Bytes(), e, err)
	}
	return report, err
}

func TestRun_CountsWhatArrivesAtEveryEndpoint(t *testing.T) {
	t.Parallel()
	report, err := shortRun(t, "", "s1", "S2", "S3", "S5")
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if len(report.Scenarios) != 4 {
		t.Fatalf("got %d scenarios, want 4", len(report.Scenarios))
	}
	for _, sc := range report.Scenarios {
		want := []string{"forwarder", "SQLite"}
		if sc.Name == "S5" {
			want = want[1:]
		}
		var got []string
		for _, f := range sc.Results {
			got = append(got, f.System)
			if f.Accepted <= 0 || f.Delivered <= 0 || f.P50 <= 0 || f.P99 < f.P50 {
				t.Errorf("%s, %s: implausible figures %+v", sc.Name, f.System, f.Measurement)
			}
			if f.Lost+f.Repeated+f.Stray+f.Refused+f.Unanswered != 0 {
				t.Errorf("%s, %s: something went wrong: %+v", sc.Name, f.System, f.Measurement)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: systems %v, want %v", sc.Name, got, want)
		}
	}
}

func TestRun_FailsWhenAcceptedEventsNeverArrive(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	lossy := t.TempDir() + "/lossy"
	if err := os.Symlink(self, lossy); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	report, err := shortRun(t, lossy, "S3")
	if err != nil || report.Scenarios[0].Results[1].Lost > 0 {
		t.Fatalf("a run too short to lose anything lost something: %v", err)
	}
	report, err = shortRun(t, lossy, "S1")
	if err == nil || !strings.Contains(err.Error(), "never arrived") {
		t.Errorf("Run of a system that loses events: got error %v, want one that says so", err)
	}
	if lost := report.Scenarios[0].Results[1].Lost; lost == 0 {
		t.Errorf("the report tells of no lost events")
	}
}

func TestRun_RefusesOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"scenario": {Scenario: []string{"S9"}},
		"duration": {Duration: time.Hour},
		"payload":  {Payload: 3},
		"rounds":   {Rounds: -1},
		"rate":     {Rate: -5},
	} {
		var out bytes.Buffer
		if err := Run(t.Context(), o, &out); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("Run with a bad %s: got %v, want an error that names it", name, err)
		}
		if out.Len() > 0 {
			t.Errorf("Run with a bad %s printed %q", name, out.String())
		}
	}
}

func TestHistogram_QuantilesAreWithinOnePerCent(t *testing.T) {
	t.Parallel()
	var h histogram
	for i := range 10_000 {
		h.add(time.Duration(i+1) * 37 * time.Microsecond)
	}
	for _, q := range []float64{.01, .5, .95, .99, 1} {
		want := time.Duration(q*10_000) * 37 * time.Microsecond
		if got := h.quantile(q); got < want*99/100 || got > want*101/100 {
			t.Errorf("quantile %g: got %s, want %s", q, got, want)
		}
	}
	var empty histogram
	if got := empty.quantile(.5); got != 0 {
		t.Errorf("quantile of nothing: got %s, want 0", got)
	}
	empty.add(-time.Second)
	empty.add(100 * time.Hour) // beyond the last bucket
	if got := empty.quantile(1); got < 10*time.Minute {
		t.Errorf("quantile of something huge: got %s", got)
	}
}

func TestTally_TellsMissingFromRepeated(t *testing.T) {
	t.Parallel()
	tally := newTally(200, 2)
	tally.to.Store(int64(time.Hour))
	tally.next.Store(130)
	for seq := range int64(130) {
		tally.acked.set(seq)
		tally.arrive(tally.lanes[0], seq)
		if seq != 70 {
			tally.arrive(tally.lanes[1], seq)
		}
	}
	tally.arrive(tally.lanes[0], 3)
	if got := tally.missing(); got != 1 {
		t.Errorf("missing: got %d, want 1", got)
	}
	if got := tally.repeated.Load(); got != 1 {
		t.Errorf("repeated: got %d, want 1", got)
	}
	if got := tally.arrived.Load(); got != 259 {
		t.Errorf("arrived: got %d, want 259", got)
	}
	if tally.known(130) || !tally.known(129) || tally.known(-1) {
		t.Error("known does not end where publishing did")
	}
}

func TestPayload_CarriesItsNumber(t *testing.T) {
	t.Parallel()
	for _, size := range []int{minPayload, 400, 5000} {
		p := payload(size)
		if len(p) != size || !json.Valid(p) {
			t.Errorf("payload of %d bytes: got %d bytes, %s", size, len(p), p)
		}
		for _, n := range []int64{0, 7, 1234567890} {
			putNumber(p, n)
			if got := number(p); got != n {
				t.Errorf("number: got %d, want %d", got, n)
			}
		}
	}
	for _, other := range []string{"", "{}", strings.Repeat("x", 100), payloadStart + strings.Repeat("z", 100)} {
		if got := number([]byte(other)); got != -1 {
			t.Errorf("number of %q: got %d, want -1", other, got)
		}
	}
}

func TestWire_ReadsMessagesHoweverTheyAreCut(t *testing.T) {
	t.Parallel()
	stream := "HTTP/1.1 202 Accepted\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello" +
		"HTTP/1.1 204 No Content\r\n\r\n" +
		"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n" +
		"HTTP/1.1 200 OK\r\ncontent-length: 40000\r\n\r\n" + strings.Repeat("y", 40_000)
	for _, cut := range []int{1, 7, 100, len(stream)} {
		a, b := net.Pipe()
		go func() {
			defer b.Close()
			for rest := []byte(stream); len(rest) > 0; {
				n := min(cut, len(rest))
				if _, err := b.Write(rest[:n]); err != nil {
					return
				}
				rest = rest[n:]
			}
		}()
		w := newWire(a)
		for i, want := range []struct{ status, body int }{{202, 5}, {204, 0}, {202, 0}, {200, 40_000}} {
			head, body, err := w.message(noBody)
			if err != nil {
				t.Fatalf("cut at %d, message %d: %v", cut, i, err)
			}
			if got, err := status(head); err != nil || got != want.status || len(body) != want.body {
				t.Errorf("cut at %d, message %d: got status %d (%v) and %d bytes, want %+v", cut, i, got, err, len(body), want)
			}
		}
		if _, _, err := w.message(nil); err == nil {
			t.Errorf("cut at %d: got a message beyond the end", cut)
		}
		a.Close()
	}
}

func TestWire_RefusesWhatItCannotBound(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"POST / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: -4\r\n\r\n",
		"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"} {
		a, b := net.Pipe()
		go func() { _, _ = b.Write([]byte(head)); b.Close() }()
		if _, _, err := newWire(a).message(nil); err == nil {
			t.Errorf("message %q: got no error", head)
		}
		a.Close()
	}
}

func TestParseStat_CopesWithAnyName(t *testing.T) {
	t.Parallel()
	s, err := parseStat([]byte("42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 10 20 20 0 1 0 1 2 3\n"))
	if err != nil || s.parent != 7 || s.own != 2*time.Second || s.ended != 300*time.Millisecond {
		t.Errorf("parseStat: got %+v, %v", s, err)
	}
	for _, bad := range []string{"", "1 (x) S 1", "no brackets at all"} {
		if _, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("parseStat(%q): got no error", bad)
		}
	}
}

func TestParseMachine_LeavesIdlenessOut(t *testing.T) {
	t.Parallel()
	got, stolen, err := parseMachine([]byte("cpu  100 20 30 9000 500 6 7 8 50 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n"))
	if want := 1630 * time.Millisecond; err != nil || got != want || stolen != 80*time.Millisecond {
		t.Errorf("parseMachine: got %s, %s stolen, %v, want %s and 80ms", got, stolen, err, want)
	}
	if _, _, err := parseMachine([]byte("intr 5")); err == nil {
		t.Error("parseMachine of something else: got no error")
	}
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 100}, 3}} {
		if got := median(c.in); got != c.want {
			t.Errorf("median(%v): got %g, want %g", c.in, got, c.want)
		}
	}
}

func TestReport_TextShowsComparisonAndOddities(t *testing.T) {
	t.Parallel()
	o := Options{Rounds: 1, Duration: time.Second}
	report := newReport(&o)
	sc := &scenario{name: "S1", title: "one endpoint", forwarder: true}
	res := report.scenario(sc, []system{{name: "forwarder"}, {name: "SQLite"}})
	res.Results[0].Rounds = []Measurement{{Delivered: 1000, CPU: -1}}
	res.Results[1].Rounds = []Measurement{{Delivered: 420, Lost: 3, StolenCPUs: .04 * float64(runtime.NumCPU())}}
	res.summarize(sc)
	var out bytes.Buffer
	if err := report.write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"S1  one endpoint", "of forwarder", "0.42", "3 never arrived", "took 4.0 % of its processors"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the report lacks %q:\n%s", want, out.String())
		}
	}
	if err := report.lost(); err == nil || !strings.Contains(err.Error(), "3 deliveries") {
		t.Errorf("lost: got %v, want an error with the number", err)
	}
}
