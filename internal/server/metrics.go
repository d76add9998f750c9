package server

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// metrics is what /metrics shows.
type metrics struct {
	registry   *prometheus.Registry
	batch      prometheus.Histogram
	commitTime prometheus.Histogram
	attempts   prometheus.Histogram
	endToEnd   prometheus.Histogram
	pushes     *prometheus.HistogramVec
}

// latencies are bounds from a tenth of a millisecond to half a minute.
var latencies = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hookswitch_commit_units", Help: "Units of work written by one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 12)}),
		commitTime: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hookswitch_commit_seconds", Help: "Time of one commit.", Buckets: latencies}),
		attempts:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hookswitch_attempt_seconds", Help: "Time of one attempt at an endpoint.", Buckets: latencies}),
		endToEnd: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "hookswitch_end_to_end_seconds",
			Help: "Time from the making of an event to the end of a successful attempt.", Buckets: append(latencies, 60, 600, 3600, 36000, 100000)}),
		pushes: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "hookswitch_push_seconds",
			Help: "Time from a provider's push to its acknowledgement, by provider and result.", Buckets: latencies}, []string{"provider", "result"}),
	}
	m.registry.MustRegister(m.batch, m.commitTime, m.attempts, m.endToEnd, m.pushes, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) commit(units int, took time.Duration) {
	m.batch.Observe(float64(units))
	m.commitTime.Observe(took.Seconds())
}

func (m *metrics) attempt(made time.Time, took time.Duration, ok bool) {
	m.attempts.Observe(took.Seconds())
	if ok {
		m.endToEnd.Observe(time.Since(made).Seconds())
	}
}

func (m *metrics) push(provider string, took time.Duration, result ingest.Result) {
	m.pushes.WithLabelValues(provider, result.String()).Observe(took.Seconds())
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// watch adds what is read from the server at each scrape.
func (m *metrics) watch(s *Server) {
	m.registry.MustRegister(&watcher{s})
}

// watcher reads counters and gauges from the service, the engine and the store.
type watcher struct{ s *Server }

var (
	descAccepted  = desc("hookswitch_events_accepted_total", "Events made.")
	descAttempts  = desc("hookswitch_attempts_total", "Attempts at endpoints, by result.", "result")
	descMessages  = desc("hookswitch_messages_received_total", "Messages received from people.")
	descDuplicate = desc("hookswitch_push_duplicates_total", "Facts that providers told again.")
	descStray     = desc("hookswitch_push_strays_total", "Genuine pushes that were kept aside.")
	descSends     = desc("hookswitch_sends_total", "Messages to people, by result.", "result")
	descDisabled  = desc("hookswitch_endpoints_disabled_total", "Endpoints disabled by the rules.")
	descInFlight  = desc("hookswitch_in_flight", "Work that is running, by kind.", "kind")
	descQueued    = desc("hookswitch_queued", "Work that is queued in memory, by kind.", "kind")
	descFailing   = desc("hookswitch_lanes_failing", "Targets that are down to one try at a time, by kind.", "kind")
	descDue       = desc("hookswitch_due", "Deliveries that are due and wait in the database; counted up to 100,000.")
	descOldest    = desc("hookswitch_oldest_due_seconds", "Age of the oldest delivery that is due and waits.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

func (w *watcher) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descAccepted, descAttempts, descMessages, descDuplicate, descStray, descSends, descDisabled, descInFlight, descQueued,
		descFailing, descDue, descOldest} {
		ch <- d
	}
}

// scrapeTimeout bounds what a scrape asks of the database.
const scrapeTimeout = 3 * time.Second

func (w *watcher) Collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	c := w.s.service.Counts()
	counter(descAccepted, c.Accepted.Load())
	counter(descAttempts, c.Succeeded.Load(), "success")
	counter(descAttempts, c.Failed.Load(), "failure")
	counter(descMessages, c.Received.Load())
	counter(descDuplicate, c.Duplicate.Load())
	counter(descStray, c.Stray.Load())
	counter(descSends, c.Sent.Load(), "accepted")
	counter(descSends, c.SendError.Load(), "failed")
	counter(descDisabled, c.Disabled.Load())
	for kind, k := range w.s.engine.Stats().Kinds {
		name := kindName(kind)
		gauge(descInFlight, float64(k.Running), name)
		gauge(descQueued, float64(k.Queued), name)
		gauge(descFailing, float64(k.Failing), name)
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	now := time.Now()
	backlog, err := w.s.store.Backlog(ctx, now)
	if err != nil {
		return // the gauges are missing while the database is away, rather than wrong
	}
	gauge(descDue, float64(backlog.Due))
	age := 0.0
	if !backlog.Oldest.IsZero() {
		age = now.Sub(backlog.Oldest).Seconds()
	}
	gauge(descOldest, age)
}

func kindName(k work.Kind) string {
	switch hookswitch.DeliveryKind(k) {
	case hookswitch.DeliverWebhook:
		return "webhook"
	case hookswitch.DeliverMessage:
		return "message"
	case hookswitch.DeliverOrdered:
		return "ordered"
	case hookswitch.DeliverTask:
		return "task"
	}
	return "respond"
}
