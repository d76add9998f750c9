package hookswitch_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hookswitch/hookswitch"
)

// middle is the random number that leaves a wait as it is.
const middle = 0.5

func TestProfile_FollowsItsPublishedSchedule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile hookswitch.Profile
		want    []time.Duration
	}{
		{hookswitch.SvixProfile(), []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour}},
		{hookswitch.ZavuProfile(), []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}},
	} {
		var got []time.Duration
		for tries := 1; ; tries++ {
			wait, ok := c.profile.Wait(tries, 0, false, middle)
			if !ok {
				break
			}
			got = append(got, wait)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", c.profile.Name, got, c.want)
		}
		var span time.Duration
		for _, wait := range c.want {
			span += wait
		}
		if c.profile.Span() != span {
			t.Errorf("%s: span %s, want %s", c.profile.Name, c.profile.Span(), span)
		}
	}
}

func TestProfile_Wait(t *testing.T) {
	t.Parallel()
	svix, zavu := hookswitch.SvixProfile(), hookswitch.ZavuProfile()
	fast := svix
	fast.Waits = []time.Duration{200 * time.Millisecond, 400 * time.Millisecond}
	once := svix
	once.Waits = nil
	for _, c := range []struct {
		name       string
		profile    hookswitch.Profile
		tries      int
		retryAfter time.Duration
		slow       bool
		random     float64
		want       time.Duration
		ok         bool
	}{
		{"before the first failure", svix, 0, 0, false, middle, 0, false},
		{"after the last", svix, 8, 0, false, middle, 0, false},
		{"without waits", once, 1, 0, false, middle, 0, false},
		{"exhausted whatever the receiver asks", svix, 8, time.Hour, false, middle, 0, false},

		{"Retry-After shorter than the wait", svix, 2, time.Minute, false, middle, 5 * time.Minute, true},
		{"Retry-After within twice the wait", svix, 2, 7 * time.Minute, false, middle, 7 * time.Minute, true},
		{"Retry-After longer than twice the wait", svix, 2, 24 * time.Hour, false, middle, 10 * time.Minute, true},
		{"Retry-After does not count for zavu", zavu, 1, time.Hour, false, middle, time.Minute, true},

		{"slow waits a minute at least", svix, 1, 0, true, middle, time.Minute, true},
		{"slow waits a minute at least, whatever the jitter", svix, 1, 0, true, 0, time.Minute, true},
		{"slow with the most jitter", svix, 1, 0, true, 1, 66 * time.Second, true},
		{"slow stays within a short schedule, whatever the jitter", fast, 1, 0, true, 0, 400 * time.Millisecond, true},
		{"slow leaves longer waits alone", svix, 2, 0, true, middle, 5 * time.Minute, true},
		{"slow stays within a short schedule", fast, 1, 0, true, middle, 400 * time.Millisecond, true},
		{"slow with Retry-After", svix, 1, 90 * time.Second, true, middle, 90 * time.Second, true},
		{"slow with a long Retry-After", svix, 1, time.Hour, true, middle, 2 * time.Minute, true},
		{"slow means nothing to zavu", zavu, 1, 0, true, middle, time.Minute, true},

		{"least jitter", svix, 2, 0, false, 0, 270 * time.Second, true},
		{"zavu has no jitter", zavu, 2, 0, false, 0, 5 * time.Minute, true},
	} {
		if got, ok := c.profile.Wait(c.tries, c.retryAfter, c.slow, c.random); got != c.want || ok != c.ok {
			t.Errorf("%s: got %s, %v, want %s, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestProfile_WaitStaysWithinItsBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := hookswitch.SvixProfile()
		tries := rapid.IntRange(1, len(p.Waits)).Draw(t, "tries")
		retryAfter := time.Duration(rapid.Int64Min(0).Draw(t, "retryAfter"))
		random := rapid.Float64Range(0, 0.999999).Draw(t, "random")
		plan := p.Waits[tries-1]
		got, ok := p.Wait(tries, retryAfter, false, random)
		if !ok || got < plan*9/10 || got > plan*22/10 {
			t.Fatalf("planned %s, got %s, %v", plan, got, ok)
		}
		if plain, _ := p.Wait(tries, 0, false, random); plain > plan*11/10 {
			t.Fatalf("planned %s, got %s without being asked to wait longer", plan, plain)
		}
	})
}

func TestProfiles_AreNotShared(t *testing.T) {
	t.Parallel()
	a := hookswitch.SvixProfile()
	a.Waits[0] = 0
	if hookswitch.SvixProfile().Waits[0] == 0 {
		t.Error("changing one profile changed the next")
	}
}
