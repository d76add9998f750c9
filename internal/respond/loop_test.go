package respond_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

// exchange is a history of n messages of the person, each answered, one every gap, the last of them a gap before noon.
func exchange(n int, gap time.Duration, text func(i int) string) []hookswitch.Line {
	var lines []hookswitch.Line
	for i := range n {
		at := noon.Add(-time.Duration(n-i) * gap)
		lines = append(lines, hookswitch.Line{Direction: hookswitch.Inbound, Type: "text", Text: text(i), At: at},
			hookswitch.Line{Direction: hookswitch.Outbound, Type: "text", Text: "answer", Answer: true, At: at.Add(gap / 2)})
	}
	return lines
}

func same(text string) func(int) string { return func(int) string { return text } }

func other(i int) string { return string(rune('a'+i%26)) + string(rune('a'+i/26)) }

func TestLoop_EndsInSilenceAndWithAPerson(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		config  string
		text    string
		channel hookswitch.Channel
		history []hookswitch.Line
		loops   bool
	}{
		{"a conversation", `{"kind":"echo"}`, "hello", hookswitch.SMS, exchange(20, 10*time.Second, other), false},
		{"too fast", `{"kind":"echo"}`, "hello", hookswitch.SMS, exchange(30, time.Second, other), true},
		{"nearly too fast", `{"kind":"echo"}`, "hello", hookswitch.SMS, exchange(29, time.Second, other), false},
		{"many, but slow", `{"kind":"echo"}`, "hello", hookswitch.SMS, exchange(39, 5*time.Second, other), false},
		{"a limit of one's own", `{"kind":"echo","loop":{"answers":3,"within":"10m"}}`, "hello", hookswitch.SMS, exchange(3, 2*time.Minute, other), true},
		{"switched off", `{"kind":"echo","loop":{"answers":0,"repeats":0}}`, "out of office", hookswitch.SMS, exchange(39, time.Second, same("out of office")), false},
		{"the same again and again", `{"kind":"echo"}`, "I am out of office", hookswitch.Email, exchange(11, 5*time.Minute, same("I am out of office!")), true},
		{"not often enough", `{"kind":"echo"}`, "out of office", hookswitch.SMS, exchange(10, 5*time.Second, same("out of office")), false},
		{"long ago", `{"kind":"echo"}`, "out of office", hookswitch.SMS, exchange(12, 10*time.Minute, same("out of office")), false},
		{"something else in between", `{"kind":"echo"}`, "1", hookswitch.SMS, append(exchange(11, 5*time.Second, same("1")), exchange(1, time.Second, same("2"))...), false},
		{"a limit of repeats of one's own", `{"kind":"echo","loop":{"repeats":2}}`, "1", hookswitch.SMS, exchange(1, 5*time.Second, same("1")), true},
		{"nothing came", `{"kind":"echo"}`, "hello?", hookswitch.SMS, unanswered(20), false},
		{"pictures have no words", `{"kind":"echo"}`, "", hookswitch.SMS, exchange(20, 30*time.Second, same("")), false},
		{"a USSD session", `{"kind":"echo"}`, "1", hookswitch.USSD, exchange(40, time.Second, same("1")), false},
	}
	for _, tt := range tests {
		got, err := newResponder(t, tt.config).Respond(t.Context(), &hookswitch.Turn{Text: tt.text, Channel: tt.channel, At: noon, History: tt.history})
		want := hookswitch.Reply{Text: tt.text}
		if tt.loops {
			want = hookswitch.Reply{Handover: true}
		}
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", tt.name, got, err, want)
		}
	}
}

// unanswered are n messages of the same text that came in before any was answered.
func unanswered(n int) []hookswitch.Line {
	var lines []hookswitch.Line
	for range n {
		lines = append(lines, hookswitch.Line{Direction: hookswitch.Inbound, Type: "text", Text: "hello?", At: noon.Add(-time.Minute)})
	}
	return lines
}

func TestHandover_WordsWorkWithEveryResponder(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"echo", "silent", "rules"} {
		r := newResponder(t, `{"kind":"`+kind+`","handover":["agent","real person"],"handoverReply":"One moment, {name}."}`)
		got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: "a real person, please!", ProfileName: "Ada"})
		if want := (hookswitch.Reply{Text: "One moment, Ada.", Handover: true}); err != nil || got != want {
			t.Errorf("%s: got %+v, %v; want %+v", kind, got, err, want)
		}
	}
}

func TestHandover_AfterSoManyAnswersThatSolveNothing(t *testing.T) {
	t.Parallel()
	r := newResponder(t, `{"kind":"rules","rules":[{"keywords":["balance"],"reply":"5"}],"fallback":"Pardon?","handoverAfter":3,"handoverReply":"I get somebody."}`)
	for _, tt := range []struct {
		text   string
		before int
		want   hookswitch.Reply
	}{
		{"hm", 1, hookswitch.Reply{Text: "Pardon?", Unsolved: true}},
		{"hm", 2, hookswitch.Reply{Text: "Pardon?\n\nI get somebody.", Unsolved: true, Handover: true}},
		{"balance", 2, hookswitch.Reply{Text: "5"}},
	} {
		got, err := r.Respond(t.Context(), &hookswitch.Turn{Text: tt.text, Unsolved: tt.before})
		if err != nil || got != tt.want {
			t.Errorf("%q after %d: got %+v, %v; want %+v", tt.text, tt.before, got, err, tt.want)
		}
	}
}
