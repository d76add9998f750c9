package bench

import (
	"fmt"
	"time"
)

// scenario is one kind of load.
type scenario struct {
	name      string
	title     string
	endpoints int
	rate      int // events a second; 0: each connection publishes again as soon as it has its answer
	// forwarder tells that the plain forwarder can do this too.
	forwarder bool
	// hanging adds a run in which the last endpoint never answers. It counts for nothing but what it does to the others.
	hanging bool
	// failFirst makes the receivers answer 500 to the first attempt of each event.
	failFirst bool
	retries   string
	// pushes makes it a burst of pushes in place of events, which no forwarder can take. It has one round, since its answers take long.
	pushes bool
}

// ordinaryRetries bring an attempt that failed by chance to its end within the time that a run waits for what is missing.
const ordinaryRetries = "1s,2s,4s,8s"

// burstFactor is how many times more pushes come in a burst than events in the scenarios with a fixed rate.
const burstFactor = 10

// failFirstRate is low enough for retries to be what S5 measures, rather than saturation.
const failFirstRate = 200

func scenarios(o *Options) []*scenario {
	load := fmt.Sprintf("%d-byte payload, %d connections", o.Payload, o.Connections)
	rate := fmt.Sprintf("%d events/s", o.Rate)
	return []*scenario{
		{name: "S1", title: "one endpoint, " + load, endpoints: 1, forwarder: true, retries: ordinaryRetries},
		{name: "S2", title: "five endpoints for each event, " + load, endpoints: 5, forwarder: true, retries: ordinaryRetries},
		{name: "S3", title: "latency at " + rate + ", one endpoint", endpoints: 1, rate: o.Rate, forwarder: true, retries: ordinaryRetries},
		{name: "S4", title: "ten endpoints at " + rate + "; one of them hangs, the other nine count", endpoints: 10, rate: o.Rate, hanging: true,
			retries: ordinaryRetries},
		{name: "S5", title: fmt.Sprintf("each first attempt fails, at %d events/s, next attempt after 200 ms", failFirstRate), endpoints: 1,
			rate: failFirstRate, failFirst: true, retries: "200ms,200ms,200ms,1s,2s,4s"},
		{name: "S6", title: fmt.Sprintf("a burst: %d pushes/s of WhatsApp, Telegram and SMS for %s, each from another person; the bot takes %s for an answer",
			o.Rate*burstFactor, (o.Duration * burstLength).String(), thinking), endpoints: 1, rate: o.Rate * burstFactor, pushes: true, retries: ordinaryRetries},
	}
}

// maxEvents bounds how many events a run of length d may publish.
func (s *scenario) maxEvents(d time.Duration) int {
	perSecond := s.rate + 1
	if s.rate == 0 {
		perSecond = 200_000
	}
	return perSecond*int(d/time.Second+1) + 1
}
