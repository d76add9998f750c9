package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEncode_WritesCompactUnescapedJSON(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		v    any
		want string
	}{
		{map[string]any{"url": "https://a.example/?b=1&c=<2>"}, `{"url":"https://a.example/?b=1&c=<2>"}`},
		{json.RawMessage(`{ "a" : 1.0 }`), `{"a":1.0}`},
		{"line\u2028paragraph\u2029end", "\"line\u2028paragraph\u2029end\""},
		{`\u2028`, `"\\u2028"`},
		{"\\\u2028\\", "\"\\\\\u2028\\\\\""},
		{"quote \" and \u2028", "\"quote \\\" and \u2028\""},
		{nil, `null`},
		{struct{}{}, `{}`},
	} {
		w := httptest.NewRecorder()
		if err := Encode(w, 201, c.v); err != nil {
			t.Fatal(err)
		}
		if w.Body.String() != c.want || w.Code != 201 {
			t.Errorf("got %d %q, want %q", w.Code, w.Body, c.want)
		}
		if w.Header().Get("Content-Length") != strconv.Itoa(len(c.want)) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("headers %v", w.Header())
		}
	}
}

func TestEncode_WritesNothingWhenItCannot(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := Encode(w, 200, math.NaN()); err == nil || w.Body.Len() > 0 || len(w.Header()) > 0 {
		t.Errorf("got %v, %q, %v", err, w.Body, w.Header())
	}
	// A failure must not spoil the pooled encoder.
	if err := Encode(w, 200, 1); err != nil || w.Body.String() != "1" {
		t.Errorf("afterwards: %v, %q", err, w.Body)
	}
}

type deafWriter struct{ *discard }

func (deafWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }

func TestEncode_TellsThatTheClientHasGone(t *testing.T) {
	t.Parallel()
	var gone *writeError
	if err := Encode(deafWriter{&discard{http.Header{}}}, 200, 1); !errors.As(err, &gone) {
		t.Errorf("got %v", err)
	}
}

func TestNoContent_HasNoBody(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	if err := NoContent(w); err != nil || w.Code != 204 || w.Body.Len() > 0 {
		t.Errorf("got %d %q, %v", w.Code, w.Body, err)
	}
}

func FuzzEncode_KeepsMeaning(f *testing.F) {
	for _, s := range []string{"", "\u2028", `\u2028`, `\\u2029`, "\\\u2029", "\x00\"<>&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		w := httptest.NewRecorder()
		if err := Encode(w, 200, []string{s}); err != nil {
			t.Fatal(err)
		}
		var got, want []string
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v", w.Body, err)
		}
		plain, _ := json.Marshal([]string{s})
		_ = json.Unmarshal(plain, &want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if bytes.Contains(w.Body.Bytes(), []byte("\n")) {
			t.Errorf("a line break in %q", w.Body)
		}
	})
}

func TestTimes_AreUTCWithFixedDigits(t *testing.T) {
	t.Parallel()
	at := time.Date(2025, 1, 31, 13, 0, 0, 120_000_999, time.FixedZone("", 3600))
	b, err := json.Marshal(struct {
		A MicroTime  `json:"a"`
		B MilliTime  `json:"b"`
		C *MicroTime `json:"c"`
		D *MilliTime `json:"d"`
	}{MicroTime(at), MilliTime(at), Micros(time.Time{}), Millis(at)})
	want := `{"a":"2025-01-31T12:00:00.120000Z","b":"2025-01-31T12:00:00.120Z","c":null,"d":"2025-01-31T12:00:00.120Z"}`
	if err != nil || string(b) != want {
		t.Errorf("got  %s\nwant %s, %v", b, want, err)
	}
	if got := MicroTime(at).String(); got != "2025-01-31T12:00:00.120000Z" {
		t.Error(got)
	}
	var back MicroTime
	if err := json.Unmarshal([]byte(`"2025-01-31T13:00:00.5+01:00"`), &back); err != nil || MicroTime(back).String() != "2025-01-31T12:00:00.500000Z" {
		t.Errorf("read back %v, %v", back, err)
	}
}

func TestParseTime_TakesWhatSDKsSend(t *testing.T) {
	t.Parallel()
	want := time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, s := range []string{"2025-01-31T12:00:00Z", "2025-01-31T12:00:00+00:00", "2025-01-31T12:00:00 00:00", "2025-01-31T13:00:00.000 01:00",
		"2025-01-31T07:00:00-05:00", "2025-01-31T12:00:00.000000Z"} {
		if got, ok := ParseTime(s); !ok || !got.Equal(want) {
			t.Errorf("%q: %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "2025-01-31", "2025-01-31 12:00:00", "1738324800", "2025-13-01T00:00:00Z", "now"} {
		if got, ok := ParseTime(s); ok {
			t.Errorf("%q gave %v", s, got)
		}
	}
}
