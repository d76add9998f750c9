package httpapi

import (
	"errors"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

func query(raw string) *Query { return NewQuery(httptest.NewRequest("GET", "/?"+raw, nil)) }

func TestQuery_ReadsValuesAndDefaults(t *testing.T) {
	t.Parallel()
	q := query("limit=250&on=false&before=2025-01-31T12:00:00%2B00:00&order=descending&iterator=msg_1&empty=")
	if got := q.Int("limit", 50, 1, 250); got != 250 {
		t.Errorf("limit %d", got)
	}
	if q.Bool("on", true) || !q.Bool("with_content", true) {
		t.Error("booleans")
	}
	if got := q.Time("before"); !got.Equal(time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC)) {
		t.Errorf("before %v", got)
	}
	if !q.Time("after").IsZero() || q.Int("empty", 7, 1, 9) != 7 || q.Has("empty") || !q.Has("iterator") {
		t.Error("absent and empty ones must give the default")
	}
	if q.OneOf("order", "ascending", "ascending", "descending") != "descending" || q.OneOf("x", "a", "a") != "a" || q.Text("iterator") != "msg_1" {
		t.Error("texts")
	}
	if err := q.Err(); err != nil {
		t.Error(err)
	}
}

func TestQuery_ListsComeInEveryNotation(t *testing.T) {
	t.Parallel()
	want := []string{"a", "b", "c"}
	for _, raw := range []string{"t=a,b,c", "t=a&t=b&t=c", "t=a,b&t=c", "t[]=a&t[]=b&t[]=c", "t%5B%5D=a&t%5B%5D=b,c",
		"t[0]=a&t[1]=b&t[2]=c", "t[10]=c&t[2]=b&t[1]=a", "t=a,%20b,,c,"} {
		if got := query(raw).List("t"); !slices.Equal(got, want) {
			t.Errorf("%s: %q", raw, got)
		}
	}
	for _, raw := range []string{"", "t=", "tt=a", "t[x]=a", "t[0=a"} {
		if got := query(raw).List("t"); got != nil {
			t.Errorf("%s: %q", raw, got)
		}
	}
}

func TestQuery_OutOfRangeNamesItsParameter(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"limit=251", "limit=0", "limit=-1", "limit=99999999999999999999"} {
		q := query(raw)
		q.Int("limit", 50, 1, 250)
		var e *hookswitch.Error
		if !errors.As(q.Err(), &e) || len(e.Fields) != 1 || !slices.Equal(e.Fields[0].Path, []string{"query", "limit"}) {
			t.Errorf("%s: %v", raw, q.Err())
		}
	}
	q := query("order=up")
	if q.OneOf("order", "ascending", "ascending", "descending"); hookswitch.KindOf(q.Err()) != hookswitch.Invalid {
		t.Errorf("order: %v", q.Err())
	}
}

func TestQuery_UnreadableIsAnErrorWithoutFields(t *testing.T) {
	t.Parallel()
	for raw, read := range map[string]func(*Query){
		"limit=ten":   func(q *Query) { q.Int("limit", 50, 1, 250) },
		"on=1":        func(q *Query) { q.Bool("on", true) },
		"before=soon": func(q *Query) { q.Time("before") },
		"a=%zz":       func(*Query) {},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.RawQuery = raw
		q := NewQuery(r)
		read(q)
		var e *hookswitch.Error
		if !errors.As(q.Err(), &e) || e.Kind != hookswitch.Invalid || len(e.Fields) != 0 || e.Message == "" {
			t.Errorf("%s: %v", raw, q.Err())
		}
	}
}
