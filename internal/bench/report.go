package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what Run prints as JSON.
type Report struct {
	Machine   Machine   `json:"machine"`
	Rounds    int       `json:"rounds"`
	Seconds   float64   `json:"seconds"`
	Warmup    float64   `json:"warmup_seconds"`
	Scenarios []*Result `json:"scenarios"`
	Notes     []string  `json:"notes,omitempty"`
}

// Machine is where it was measured.
type Machine struct {
	System           string  `json:"system"`
	CPUs             int     `json:"cpus"`
	Go               string  `json:"go"`
	Postgres         string  `json:"postgres,omitempty"`
	SyncMilliseconds float64 `json:"sync_ms"`
}

// Result is one scenario.
type Result struct {
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	Results []*Figure `json:"results"`
}

// Figure is one system in one scenario. Its own numbers are medians over the rounds.
type Figure struct {
	System string `json:"system"`
	Measurement
	// Ratio is the rate of deliveries over that of the plain forwarder in the same round; 0 where there is none, or the rate is fixed.
	Ratio float64 `json:"ratio_to_forwarder,omitempty"`
	// HangingCost is what the hanging endpoint adds to the others' p99, as a share of it; only where one hangs.
	HangingCost *float64      `json:"hanging_p99_change,omitempty"`
	Rounds      []Measurement `json:"rounds"`
}

// Measurement is one round. Times are in milliseconds, from the start of the publish call.
type Measurement struct {
	Accepted  float64 `json:"accepted_per_s"`
	Delivered float64 `json:"delivered_per_s"`
	P50       float64 `json:"p50_ms"`
	P95       float64 `json:"p95_ms"`
	P99       float64 `json:"p99_ms"`
	AcceptP50 float64 `json:"accept_p50_ms"`
	AcceptP99 float64 `json:"accept_p99_ms"`
	// CPU is the processor time of the system, its database included, in seconds for 1,000 deliveries; negative where it is not known.
	CPU        float64 `json:"cpu_s_per_1000"`
	SystemCPUs float64 `json:"system_cpus"` // processors busy with the system
	OwnCPUs    float64 `json:"own_cpus"`    // processors busy with generator and receivers
	OtherCPUs  float64 `json:"other_cpus"`  // processors busy with anything else
	StolenCPUs float64 `json:"stolen_cpus"` // processors that the host of a virtual machine gave to others while there was work for them
	PeakMemory int64   `json:"peak_memory_bytes"`
	// DrainSeconds is how long after the last publish call everything had arrived.
	DrainSeconds float64 `json:"drain_s"`
	Lost         int64   `json:"lost"`     // accepted and never arrived
	Repeated     int64   `json:"repeated"` // arrived again after having been taken
	Refused      int64   `json:"refused"`  // publish calls answered with anything but 202
	Unanswered   int64   `json:"unanswered"`
	Stray        int64   `json:"stray"` // requests at receivers that are no event of the run
	Complaint    string  `json:"complaint,omitempty"`

	// Of a burst of pushes: whether it is one, the answers that providers took in the end and as long as pushes came, the pushes that were acknowledged and are no
	// message, which are lost too, and the load of the machine, in processes that run or want to, before it.
	Pushes           bool    `json:"pushes,omitempty"`
	Answers          int64   `json:"answers_sent,omitempty"`
	AnswersMeanwhile int64   `json:"answers_sent_meanwhile,omitempty"`
	Unstored         int64   `json:"not_stored,omitempty"`
	LoadBefore       float64 `json:"load_before,omitempty"`
}

func measure(t *tally, d time.Duration) Measurement {
	m := Measurement{
		Accepted: float64(t.accepted.Load()) / d.Seconds(), Delivered: float64(t.arrived.Load()) / d.Seconds(),
		P50: milliseconds(t.latencies.quantile(.5)), P95: milliseconds(t.latencies.quantile(.95)), P99: milliseconds(t.latencies.quantile(.99)),
		AcceptP50: milliseconds(t.acceptTimes.quantile(.5)), AcceptP99: milliseconds(t.acceptTimes.quantile(.99)),
		CPU: -1, SystemCPUs: -1, OwnCPUs: -1, OtherCPUs: -1, StolenCPUs: -1,
		Lost: t.missing(), Repeated: t.repeated.Load(), Refused: t.refused.Load(), Unanswered: t.broken.Load(), Stray: t.stray.Load(),
	}
	if c := t.firstError.Load(); c != nil {
		m.Complaint = *c
	}
	return m
}

// use enters what n deliveries within d took.
func (m *Measurement) use(u *usage, n int64, d time.Duration) {
	if n > 0 {
		m.CPU = u.system.Seconds() * 1000 / float64(n)
	}
	m.SystemCPUs, m.OwnCPUs = u.system.Seconds()/d.Seconds(), u.own.Seconds()/d.Seconds()
	m.OtherCPUs = max(0, (u.machine-u.system-u.own).Seconds()/d.Seconds())
	m.StolenCPUs = u.stolen.Seconds() / d.Seconds()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

func newReport(o *Options) *Report {
	return &Report{Machine: machine(), Rounds: o.Rounds, Seconds: o.Duration.Seconds(), Warmup: o.Warmup.Seconds()}
}

func (r *Report) note(s string) { r.Notes = append(r.Notes, s) }

func (r *Report) profile(file string) {
	if note := "processor profile of the last round: " + file; !slices.Contains(r.Notes, note) {
		r.note(note)
	}
}

func (r *Report) scenario(sc *scenario, systems []system) *Result {
	res := &Result{Name: sc.name, Title: sc.title}
	for _, s := range systems {
		res.Results = append(res.Results, &Figure{System: s.name})
	}
	r.Scenarios = append(r.Scenarios, res)
	return res
}

// summarize fills in the medians and what compares the systems.
func (r *Result) summarize(sc *scenario) {
	for i, f := range r.Results {
		f.Measurement = medians(f.Rounds)
		if first := r.Results[0]; sc.forwarder && sc.rate == 0 {
			f.Ratio = compare(f, first, func(m *Measurement) float64 { return m.Delivered })
		}
		if sc.hanging && i%2 == 1 { // each comes after the same system without a hanging endpoint
			cost := compare(f, r.Results[i-1], func(m *Measurement) float64 { return m.P99 }) - 1
			f.HangingCost = &cost
		}
	}
}

// compare is the median over the rounds of a's value divided by b's.
func compare(a, b *Figure, value func(*Measurement) float64) float64 {
	var ratios []float64
	for i := range a.Rounds {
		if base := value(&b.Rounds[i]); base > 0 {
			ratios = append(ratios, value(&a.Rounds[i])/base)
		}
	}
	return median(ratios)
}

// medians takes the median of each measure, and sums up what should not have been.
func medians(rounds []Measurement) Measurement {
	of := func(value func(*Measurement) float64) float64 {
		var v []float64
		for i := range rounds {
			v = append(v, value(&rounds[i]))
		}
		return median(v)
	}
	m := Measurement{
		Accepted:     of(func(m *Measurement) float64 { return m.Accepted }),
		Delivered:    of(func(m *Measurement) float64 { return m.Delivered }),
		P50:          of(func(m *Measurement) float64 { return m.P50 }),
		P95:          of(func(m *Measurement) float64 { return m.P95 }),
		P99:          of(func(m *Measurement) float64 { return m.P99 }),
		AcceptP50:    of(func(m *Measurement) float64 { return m.AcceptP50 }),
		AcceptP99:    of(func(m *Measurement) float64 { return m.AcceptP99 }),
		CPU:          of(func(m *Measurement) float64 { return m.CPU }),
		SystemCPUs:   of(func(m *Measurement) float64 { return m.SystemCPUs }),
		OwnCPUs:      of(func(m *Measurement) float64 { return m.OwnCPUs }),
		OtherCPUs:    of(func(m *Measurement) float64 { return m.OtherCPUs }),
		StolenCPUs:   of(func(m *Measurement) float64 { return m.StolenCPUs }),
		DrainSeconds: of(func(m *Measurement) float64 { return m.DrainSeconds }),
	}
	for _, r := range rounds {
		m.PeakMemory = max(m.PeakMemory, r.PeakMemory)
		m.Lost += r.Lost
		m.Repeated += r.Repeated
		m.Refused += r.Refused
		m.Unanswered += r.Unanswered
		m.Stray += r.Stray
		m.Pushes = m.Pushes || r.Pushes
		m.Answers += r.Answers
		m.AnswersMeanwhile += r.AnswersMeanwhile
		m.Unstored += r.Unstored
		m.LoadBefore = max(m.LoadBefore, r.LoadBefore)
		if m.Complaint == "" {
			m.Complaint = r.Complaint
		}
	}
	return m
}

// lost is an error when an accepted event has not arrived.
func (r *Report) lost() error {
	var errs []error
	for _, sc := range r.Scenarios {
		for _, f := range sc.Results {
			if f.Lost > 0 {
				errs = append(errs, fmt.Errorf("%s, %s: %d deliveries of accepted events never arrived", sc.Name, f.System, f.Lost))
			}
		}
	}
	return errors.Join(errs...)
}

func (r *Report) write(out io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d processors, %s, sync to disk %.2f ms", r.Machine.System, r.Machine.CPUs, r.Machine.Go, r.Machine.SyncMilliseconds)
	if r.Machine.Postgres != "" {
		fmt.Fprintf(&b, ", PostgreSQL %s", r.Machine.Postgres)
	}
	fmt.Fprintf(&b, "\nmedians of %d × %gs after %gs of warm-up; times from the start of the publish call to the arrival\n", r.Rounds, r.Seconds, r.Warmup)
	for _, sc := range r.Scenarios {
		sc.table(&b)
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\n%s", n)
	}
	b.WriteString("\n")
	_, err := io.WriteString(out, b.String())
	return err
}

func (r *Result) table(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s  %s\n", r.Name, r.Title)
	width := 0 // of the names, which stand at the left
	for _, f := range r.Results {
		width = max(width, len(f.System))
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	if r.bursts() {
		r.burstTable(func(cells ...any) {
			fmt.Fprintf(w, "%-*s\t", width, cells[0])
			for _, c := range cells[1:] {
				fmt.Fprintf(w, "%v\t", c)
			}
			fmt.Fprintln(w)
		})
		_ = w.Flush() // a strings.Builder takes everything
		for _, f := range r.Results {
			f.oddities(b)
		}
		return
	}
	fmt.Fprintf(w, "\taccepted/s\tdelivered/s\t%s\tp50 ms\tp95 ms\tp99 ms\tCPU s/1000\tits CPUs\tload CPUs\tpeak MiB\tdrain s\t\n", r.comparison())
	for _, f := range r.Results {
		fmt.Fprintf(w, "%-*s\t%.0f\t%.0f\t%s\t%.2f\t%.2f\t%.2f\t%s\t%s\t%s\t%s\t%.1f\t\n", width, f.System, f.Accepted, f.Delivered, f.compared(), f.P50, f.P95, f.P99,
			known(f.CPU, "%.3f"), known(f.SystemCPUs, "%.2f"), known(f.OwnCPUs, "%.2f"), f.mebibytes(), f.DrainSeconds)
	}
	_ = w.Flush() // a strings.Builder takes everything
	for _, f := range r.Results {
		f.oddities(b)
	}
}

func (r *Result) comparison() string {
	for _, f := range r.Results {
		switch {
		case f.Ratio > 0:
			return "of forwarder"
		case f.HangingCost != nil:
			return "change of p99"
		}
	}
	return ""
}

func (f *Figure) compared() string {
	switch {
	case f.Ratio > 0:
		return fmt.Sprintf("%.2f", f.Ratio)
	case f.HangingCost != nil:
		return fmt.Sprintf("%+.0f %%", *f.HangingCost*100)
	}
	return ""
}

// The shares of the machine that other programs may use, and that its host may take, before the report says so: what the host takes stops everything at once.
const (
	busy  = 0.15
	taken = 0.01
)

// oddities tell what should not have been, where it was.
func (f *Figure) oddities(b *strings.Builder) {
	var said []string
	for _, odd := range []struct {
		n    int64
		what string
	}{{f.Lost, "never arrived"}, {f.Repeated, "arrived twice"}, {f.Refused, "publish calls refused"}, {f.Unanswered, "publish calls without answer"},
		{f.Stray, "stray requests"}} {
		if odd.n > 0 {
			said = append(said, fmt.Sprintf("%d %s", odd.n, odd.what))
		}
	}
	if f.OtherCPUs > busy*float64(runtime.NumCPU()) {
		said = append(said, fmt.Sprintf("other programs kept %.1f processors busy, so the figures are worse than they should be", f.OtherCPUs))
	}
	if share := f.StolenCPUs / float64(runtime.NumCPU()); share > taken {
		said = append(said, fmt.Sprintf("the host of this machine took %.1f %% of its processors for others, so the times are worse than they should be", share*100))
	}
	if f.Complaint != "" {
		said = append(said, f.Complaint)
	}
	if len(said) > 0 {
		fmt.Fprintf(b, "%s: %s\n", f.System, strings.Join(said, "; "))
	}
}

func (f *Figure) mebibytes() string {
	if f.PeakMemory == 0 {
		return "–"
	}
	return fmt.Sprintf("%d", f.PeakMemory>>20)
}

func known(v float64, format string) string {
	if v < 0 {
		return "–"
	}
	return fmt.Sprintf(format, v)
}
