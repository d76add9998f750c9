package hookswitch

import (
	"slices"
	"time"
)

// Profile is a manner of delivering to an endpoint: how long, how often, how apart, and which answers mean more than failure. The engine is the same
// for all of them.
type Profile struct {
	Name    ProfileName
	Timeout time.Duration // one attempt, from dialling to the last byte of the answer
	// Waits are the times between an attempt's failure and the next attempt. There is one attempt more than waits.
	Waits []time.Duration
	// Jitter varies each wait by up to this share of it, in both directions.
	Jitter float64
	// RetryAfter makes the header of that name count: it moves the next attempt to between one and two times the wait.
	RetryAfter bool
	// SlowWait is the least wait after a timeout and after 429, or the longest of Waits where that is shorter.
	SlowWait time.Duration
	// GoneDisables makes the answer 410 disable the endpoint.
	GoneDisables bool
	// Instructions make the answer header webhook-delivery count: "disable" disables the endpoint, "abort-message" ends the retries of the event.
	Instructions bool
	// DisableAfter is the age of the failure clock at which an exhausted delivery disables its endpoint; 0: never.
	DisableAfter time.Duration
}

// ProfileName names a Profile.
type ProfileName string

// The two profiles: endpoints of the Svix-shaped API and of the portal, and webhooks of senders and projects.
const (
	ProfileSvix ProfileName = "svix"
	ProfileZavu ProfileName = "zavu"
)

// SvixProfile is the profile of application endpoints, with its published schedule.
func SvixProfile() Profile {
	return Profile{
		Name:    ProfileSvix,
		Timeout: 15 * time.Second,
		Waits: []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour,
			10 * time.Hour, 10 * time.Hour},
		Jitter:       0.1,
		RetryAfter:   true,
		SlowWait:     time.Minute,
		GoneDisables: true,
		Instructions: true,
		DisableAfter: 120 * time.Hour,
	}
}

// ZavuProfile is the profile of sender and project webhooks, with its published schedule.
func ZavuProfile() Profile {
	return Profile{
		Name:    ProfileZavu,
		Timeout: 30 * time.Second,
		Waits:   []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour},
	}
}

// Wait is how long to wait before the next attempt when tries attempts have failed on schedule, this one among them. It reports false
// when the schedule is exhausted. retryAfter is what the receiver asked for, 0 for nothing; slow means a timeout or 429;
// random lies in [0, 1).
func (p *Profile) Wait(tries int, retryAfter time.Duration, slow bool, random float64) (time.Duration, bool) {
	if tries < 1 || tries > len(p.Waits) {
		return 0, false
	}
	wait, least := p.Waits[tries-1], time.Duration(0)
	if slow {
		least = min(p.SlowWait, slices.Max(p.Waits))
		wait = max(wait, least)
	}
	if p.RetryAfter && retryAfter > wait {
		wait = min(retryAfter, 2*wait)
	}
	return max(least, wait+time.Duration(float64(wait)*p.Jitter*(2*random-1))), true
}

// Span is the time from the first attempt to the last, queueing and jitter left aside.
func (p *Profile) Span() time.Duration {
	var d time.Duration
	for _, w := range p.Waits {
		d += w
	}
	return d
}
