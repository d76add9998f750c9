package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
)

type base struct {
	Note string `json:"note"`
}

type thing struct {
	base
	Name   string            `json:"name"`
	Count  int32             `json:"count"`
	Ratio  float64           `json:"ratio"`
	On     bool              `json:"on"`
	Tags   []string          `json:"tags"`
	Labels map[string]string `json:"labels"`
	Parts  []struct {
		Size *int `json:"size"`
	} `json:"parts"`
	Meta     Texts                  `json:"meta"`
	Rate     Optional[int]          `json:"rate"`
	Keep     Optional[[]string]     `json:"keep"`
	At       time.Time              `json:"at"`
	Payload  json.RawMessage        `json:"payload"`
	Creds    hookswitch.Credentials `json:"creds"`
	Any      any                    `json:"any"`
	Raw      []byte                 `json:"raw"`
	Hidden   string                 `json:"-"`
	Untagged string
}

func TestDecode_ReadsWhatClientsSend(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":        "",
		"spaces":         " \r\n\t",
		"empty object":   "{}",
		"null":           "null",
		"unknown fields": `{"colour":{"a":[1,2]},"x":null}`,
		"byte order":     "\ufeff{}",
	} {
		got, err := Decode[thing](newRequest("POST", "/", body))
		if err != nil || got.Name != "" || got.Payload != nil {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	r := newRequest("POST", "/", `{"name":"a","name":"b","tags":["x"],"note":"n"}`)
	r.Header.Set("Content-Type", "text/plain")
	got, err := Decode[thing](r)
	if err != nil || got.Name != "b" || !slices.Equal(got.Tags, []string{"x"}) || got.Note != "n" {
		t.Errorf("got %+v, %v", got, err)
	}
	for body, want := range map[string]Texts{`{"meta":null}`: nil, `{"meta":{}}`: {}, `{"meta":{"a":"b"}}`: {"a": "b"}} {
		if got, err := Decode[thing](newRequest("POST", "/", body)); err != nil || !cmp.Equal(got.Meta, want) {
			t.Errorf("%s: %v, %v", body, got.Meta, err)
		}
	}
	r = newRequest("POST", "/", "")
	r.Body = nil
	if _, err := Decode[thing](r); err != nil {
		t.Errorf("without a body: %v", err)
	}
}

func TestDecode_KeepsRawBytesAsSent(t *testing.T) {
	t.Parallel()
	payload := "{ \"b\" : 1.0 ,\t\"a\":\"\\u00e9é\\/<\u2028\",\"b\":1e2, \"big\":12345678901234567890.10 }"
	got, err := Decode[thing](newRequest("POST", "/", `{"payload":`+payload+` , "name":"x"}`))
	if err != nil || string(got.Payload) != payload {
		t.Errorf("got  %q\nwant %q, %v", got.Payload, payload, err)
	}
}

func TestDecode_NamesEveryWrongField(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]string{
		`{"name":1}`:                          {"body.name must be a string"},
		`{"count":"x"}`:                       {"body.count must be a whole number"},
		`{"count":1.5}`:                       {"body.count must be a whole number"},
		`{"count":3000000000}`:                {"body.count is out of range"},
		`{"ratio":"x"}`:                       {"body.ratio must be a number"},
		`{"on":"yes"}`:                        {"body.on must be true or false"},
		`{"tags":"x"}`:                        {"body.tags must be a list"},
		`{"tags":{"0":"x"}}`:                  {"body.tags must be a list"},
		`{"tags":["a",2,null,{}]}`:            {"body.tags.[1] must be a string", "body.tags.[3] must be a string"},
		`{"labels":["a"]}`:                    {"body.labels must be an object"},
		`{"labels":{"b":1,"a":true}}`:         {"body.labels.a must be a string", "body.labels.b must be a string"},
		`{"meta":["a"]}`:                      {"body.meta must be an object"},
		`{"meta":{"b":null,"a":1,"c":"x"}}`:   {"body.meta.a must be a string", "body.meta.b must be a string"},
		`{"parts":[{"size":1},{"size":"x"}]}`: {"body.parts.[1].size must be a whole number"},
		`{"parts":[7]}`:                       {"body.parts.[0] must be an object"},
		`{"rate":"x"}`:                        {"body.rate must be a whole number"},
		`{"keep":["a",[]]}`:                   {"body.keep.[1] must be a string"},
		`{"at":"yesterday"}`:                  {"body.at must be a time such as 2025-01-31T12:00:00Z"},
		`{"creds":{"k":[{}]}}`:                {"body.creds is not valid: credential k: must be text or a list of texts"},
		`{"raw":"%%%"}`:                       {"body.raw must be base64 text"},
		`{"note":[]}`:                         {"body.note must be a string"},
		`{"NAME":1}`:                          {"body.name must be a string"},
		`{"Untagged":1}`:                      {"body.Untagged must be a string"},
		`[]`:                                  {"body must be an object"},
		`"x"`:                                 {"body must be an object"},
		`{"name":1,"on":2,"payload":3}`:       {"body.name must be a string", "body.on must be true or false"},
	} {
		_, err := Decode[thing](newRequest("POST", "/", body))
		if diff := cmp.Diff(want, faults(t, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

// faults lists the fields of err and checks their type.
func faults(t *testing.T, err error) (list []string) {
	t.Helper()
	var e *hookswitch.Error
	if !errors.As(err, &e) || e.Kind != hookswitch.Invalid {
		t.Errorf("got %v, want an Invalid error", err)
		return nil
	}
	for _, f := range e.Fields {
		list = append(list, strings.Join(f.Path, ".")+" "+f.Message)
		if f.Type != "value_error.jsondecode" {
			t.Errorf("%v has type %q", f.Path, f.Type)
		}
	}
	return list
}

func TestDecode_RefusesWhatIsNotOneJSONValue(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{`:                      "is not valid JSON",
		`{"name":"x"} trailing`:  "is not valid JSON",
		`{}{}`:                   "is not valid JSON",
		`{'name':1}`:             "is not valid JSON",
		`{"name":"x",}`:          "is not valid JSON",
		"{\"name\":\"\xff\"}":    "UTF-8",
		"{\"payload\":\"\xc3\"}": "UTF-8",
		`{"any":` + strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth) + `}`: "nested",
		`{"any":` + strings.Repeat(`{"a":`, 5000):                                       "nested",
	} {
		_, err := Decode[thing](newRequest("POST", "/", body))
		got := faults(t, err)
		if len(got) != 1 || !strings.HasPrefix(got[0], "body ") || !strings.Contains(got[0], want) {
			t.Errorf("%.60s: got %q, want %q", body, got, want)
		}
	}
}

func TestDecode_CountsOnlyRealNesting(t *testing.T) {
	t.Parallel()
	wide := `{"tags":["` + strings.Repeat(`[{\"`, 500) + `"],"any":[` + strings.Repeat("[],", 500) + `1]}`
	if _, err := Decode[thing](newRequest("POST", "/", wide)); err != nil {
		t.Errorf("wide but flat: %v", err)
	}
	deep := `{"any":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `}`
	if _, err := Decode[thing](newRequest("POST", "/", deep)); err != nil {
		t.Errorf("as deep as allowed: %v", err)
	}
}

func TestDecode_StopsCountingFaults(t *testing.T) {
	t.Parallel()
	_, err := DecodeBytes[thing]([]byte(`{"tags":[` + strings.Repeat("1,", 999) + `1]}`))
	if n := len(faults(t, err)); n != maxFaults {
		t.Errorf("%d fields named, want %d", n, maxFaults)
	}
}

func TestOptional_TellsAbsentFromNull(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		opt Optional[int]
		or  int
	}{
		`{}`:                     {Optional[int]{}, 5},
		`{"rate":null}`:          {Optional[int]{Set: true, Null: true}, 0},
		`{"rate":0}`:             {Optional[int]{Set: true}, 0},
		`{"rate":7}`:             {Optional[int]{Set: true, Value: 7}, 7},
		`{"rate":7,"rate":null}`: {Optional[int]{Set: true, Null: true}, 0},
	} {
		got, err := DecodeBytes[thing]([]byte(body))
		if err != nil || got.Rate != want.opt || got.Rate.Or(5) != want.or {
			t.Errorf("%s: got %+v, %d, %v", body, got.Rate, got.Rate.Or(5), err)
		}
	}
}

func TestDecode_KeepsNothingOfItsBuffer(t *testing.T) {
	t.Parallel()
	got, err := Decode[thing](newRequest("POST", "/", `{"payload":{"a":1},"name":"first"}`))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		_, _ = Decode[thing](newRequest("POST", "/", `{"payload":{"z":9},"name":"other"}`))
	}
	if string(got.Payload) != `{"a":1}` || got.Name != "first" {
		t.Errorf("an earlier result changed: %s %s", got.Payload, got.Name)
	}
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }
func (brokenReader) Close() error               { return nil }

func TestDecode_BrokenBodyIsTheCallersFault(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]hookswitch.ErrorKind{
		errors.New("reset"):            hookswitch.Invalid,
		&http.MaxBytesError{Limit: 10}: hookswitch.TooLarge,
	} {
		r := newRequest("POST", "/", "")
		r.Body = brokenReader{err}
		if _, got := Decode[thing](r); hookswitch.KindOf(got) != want {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func FuzzDecodeBytes(f *testing.F) {
	for _, s := range []string{`{}`, `{"name":1}`, `{"tags":["a",2]}`, `[[[`, `{"rate":null}`, "\xff", `{"parts":[{"size":"x"}]}`, `{"payload": [1, 2]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := DecodeBytes[thing](b)
		var e *hookswitch.Error
		switch {
		case err == nil && got.Payload != nil && !json.Valid(got.Payload):
			t.Errorf("took the payload %q", got.Payload)
		case err != nil && (!errors.As(err, &e) || e.Kind != hookswitch.Invalid || len(e.Fields) == 0):
			t.Errorf("%q: %v", b, err)
		case err != nil && len(e.Fields) == 1 && e.Fields[0].Message == "does not have the right form":
			t.Errorf("%q is refused without a reason", b)
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	body := `{"eventType":"user.signup","payload":{"text":"` + strings.Repeat("x", 350) + `"}}`
	type in struct {
		EventType string          `json:"eventType"`
		Payload   json.RawMessage `json:"payload"`
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := DecodeBytes[in]([]byte(body)); err != nil {
			b.Fatal(err)
		}
	}
}
