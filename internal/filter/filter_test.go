package filter_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch/internal/filter"
)

var now = time.Date(2026, 3, 14, 15, 9, 0, 0, time.UTC)

func TestParse_ReadsEveryCondition(t *testing.T) {
	t.Parallel()
	q, problems := filter.Parse(`status:Failed code:5xx code:404 code:none type:message.* channel:sms endpoint:"My CRM" id:msg_1 after:2h before:2026-03-14 "what is" hello order:17`, now)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := filter.Query{
		Terms: []filter.Term{{"status", "failed"}, {"code", "5xx"}, {"code", "404"}, {"code", "none"}, {"type", "message.*"}, {"channel", "sms"}, {"endpoint", "My CRM"}, {"message", "msg_1"},
			{"after", "2h"}, {"before", "2026-03-14"}, {"", "what is"}, {"", "hello"}, {"order", "17"}},
		Statuses: []string{"failed"}, Codes: []filter.CodeRange{{500, 599}, {404, 404}, {}}, Types: []string{"message.*"}, Channels: []string{"sms"}, Endpoints: []string{"My CRM"},
		Messages: []string{"msg_1"}, After: now.Add(-2 * time.Hour), Before: time.Date(2026, 3, 14, 0, 0, 0, 0, time.UTC),
		Texts: [][]string{{"what is"}, {"hello"}, {`"order":"17"`, `"order":17,`, `"order":17}`, "\"order\":17\n", `"order":17 `, `"order": "17"`, `"order": 17,`, `"order": 17}`, "\"order\": 17\n", `"order": 17 `}},
	}
	if diff := cmp.Diff(want, q); diff != "" {
		t.Error(diff)
	}
	if got, want := q.Without(9), `status:failed code:5xx code:404 code:none type:message.* channel:sms endpoint:"My CRM" message:msg_1 after:2h "what is" hello order:17`; got != want {
		t.Errorf("without before: %s", got)
	}
	if got := q.WithoutNamed(filter.Status, filter.Code); got != `type:message.* channel:sms endpoint:"My CRM" message:msg_1 after:2h before:2026-03-14 "what is" hello order:17` {
		t.Errorf("without status and code: %s", got)
	}
}

func TestParse_SaysWhatItDoesNotUnderstandAndGoesOn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"status:ok x": "status is one of delivered, failed, waiting, given-up.", "code:abc x": "code is a status such as 503, a class such as 5xx, or none.",
		"code:99 x": "code is a status such as 503, a class such as 5xx, or none.", "type:*.inbound x": "type may have a * at its end only, as in message.*.",
		"after:soon x": "after is a time such as 2h, 3d, 2026-03-01 or 2026-03-01T14:30 (UTC).", "x type:": "There is nothing behind type:.",
	} {
		q, problems := filter.Parse(text, now)
		if len(problems) != 1 || problems[0].Text != want || q.String() != "x" {
			t.Errorf("%s: %q, left %q", text, problems, q.String())
		}
	}
}

func TestParse_TextsAreFoundHoweverJSONSpellsThem(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		`"say \"hi\" \\ now"`: {`say "hi" \ now`, `say \"hi\" \\ now`}, `café`: {`café`, `caf\u00e9`, `CAFÉ`, `CAF\u00c9`}, `Cafe`: {`Cafe`}, `Ölçü`: {`Ölçü`, `\u00d6l\u00e7\u00fc`, `ölçü`, `\u00f6l\u00e7\u00fc`, `ÖLÇÜ`, `\u00d6L\u00c7\u00dc`}, `a&b`: {`a&b`, `a\u0026b`}, `https://x.example/y`: {`https://x.example/y`},
		`"open quote`: {`open quote`},
	} {
		q, problems := filter.Parse(text, now)
		if len(problems) > 0 || len(q.Texts) != 1 {
			t.Fatalf("%s: %v %v", text, q, problems)
		}
		if diff := cmp.Diff(want, q.Texts[0]); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`status:failed "a b" x:"\" c`)
	f.Add("after:1h \x00 : \" \xff")
	f.Fuzz(func(t *testing.T, text string) {
		q, _ := filter.Parse(text, now)
		again, problems := filter.Parse(q.String(), now)
		if len(q.String()) <= filter.MaxText && (len(problems) > 0 || again.String() != q.String()) {
			t.Errorf("%q reads as %q, and that as %q %v", text, q.String(), again.String(), problems)
		}
	})
}
