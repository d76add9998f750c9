package hookswitch_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

func TestParseRate_ReadsWhatStringWrites(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]hookswitch.Rate{
		"": {}, "80/s": {N: 80, Per: time.Second}, "1/1s": {N: 1, Per: time.Second}, "15/15m": {N: 15, Per: 15 * time.Minute}, "100/h": {N: 100, Per: time.Hour},
	} {
		got, err := hookswitch.ParseRate(text)
		if err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
		if again, err := hookswitch.ParseRate(got.String()); err != nil || again != want {
			t.Errorf("%q written as %q is %v, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"80", "s", "/", "0/s", "-1/s", "1/0s", "1/25h", "1/s/s", "10001/s", "1.5/s", "1/-5s", "1/µ"} {
		if got, err := hookswitch.ParseRate(text); hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("%q is %v, %v", text, got, err)
		}
	}
	var r hookswitch.Rate
	if err := json.Unmarshal([]byte(`"2/m"`), &r); err != nil || r.N != 2 {
		t.Errorf("%v, %v", r, err)
	}
}
