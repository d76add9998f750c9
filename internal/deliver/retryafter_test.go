package deliver

import (
	"net/http"
	"testing"
	"time"
)

func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2025, 3, 14, 12, 0, 0, 0, time.UTC)
	for _, s := range []string{"", "0", "1", "7.5", "-1", "1e308", "Inf", "NaN", "0x10", "99999999999999999999", ".", "1_0", "soon",
		now.Add(time.Hour).Format(http.TimeFormat), now.Add(-time.Hour).Format(http.TimeFormat), now.AddDate(100, 0, 0).Format(http.TimeFormat), "Friday, 14-Mar-25 13:00:00 GMT"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		if d := retryAfter(value, now); d < 0 || d > longestAsked {
			t.Errorf("%q asks for %v", value, d)
		}
	})
}

func FuzzInstructions(f *testing.F) {
	for _, s := range []string{"", "disable", "abort-message", " DISABLE , abort-message", ",,", "disable;x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		disable, abort := instructions([]string{value})
		if again, same := instructions([]string{"x", value, ""}); again != disable || same != abort {
			t.Errorf("%q is read in two ways", value)
		}
		if (disable || abort) && len(value) < len("disable") {
			t.Errorf("%q is taken for an instruction", value)
		}
	})
}
