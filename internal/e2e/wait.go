package e2e

import (
	"testing"
	"time"
)

const (
	// waitLimit is how long a test waits for something to come about. Only one that fails waits so long.
	waitLimit = time.Minute
	// firstPoll and longestPoll are the pauses between two looks: the first one, and those of a long wait.
	firstPoll, longestPoll = time.Millisecond, 20 * time.Millisecond
)

// until waits until ok, which is asked again and again. The test ends with what has not come about; ok ends it sooner where it sees that it never will.
func until(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	deadline := time.NewTimer(waitLimit)
	defer deadline.Stop()
	pause := firstPoll
	poll := time.NewTimer(pause)
	defer poll.Stop()
	for !ok() {
		select {
		case <-poll.C:
			pause = min(2*pause, longestPoll)
			poll.Reset(pause)
		case <-deadline.C:
			tb.Fatalf("after %s it has not come about: %s", waitLimit, what)
		}
	}
}
