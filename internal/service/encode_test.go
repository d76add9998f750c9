package service

import (
	"bytes"
	"encoding/json"
	"math"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// tricky are values whose JSON differs between languages, with what JavaScript makes of them.
var tricky = []struct {
	value any
	want  string
}{
	{nil, `null`},
	{"</script>&\u2028\u2029", "\"</script>&\u2028\u2029\""},
	{"\x00\x01\b\t\n\v\f\r\x1f \x7f\"\\/", `"\u0000\u0001\b\t\n\u000b\f\r\u001f ` + "\x7f" + `\"\\/"`},
	{"a\xffb\xed\xa0\x80", "\"a\ufffdb\ufffd\ufffd\ufffd\""},
	{"héllo 🦊 \U0010ffff", "\"héllo 🦊 \U0010ffff\""},
	{0.0, `0`}, {negativeZero(), `0`}, {1.0, `1`}, {1e20, `100000000000000000000`}, {1e21, `1e+21`}, {1e-6, `0.000001`}, {1e-7, `1e-7`}, {123456789.125, `123456789.125`},
	{5e-324, `5e-324`}, {1.7976931348623157e308, `1.7976931348623157e+308`}, {-1.5e-10, `-1.5e-10`}, {int64(1741953600000), `1741953600000`},
	{json.Number("12345678901234567890"), `12345678901234567000`}, {json.Number("1.0"), `1`}, {json.Number("1e400"), `null`}, {json.Number("-0"), `0`},
	{json.RawMessage(`{"b":1.50,"a":"\u003c"}`), `{"a":"<","b":1.5}`}, {json.RawMessage(`broken`), `null`},
	{[]any{true, false, nil, []any{}}, `[true,false,null,[]]`},
	{[]string{"a", "<"}, `["a","<"]`},
	{map[string]any{"b": 1, "a": map[string]string{"x": "y"}}, `{"a":{"x":"y"},"b":1}`},
	{object{{"b", 1}, {"10", 2}, {"a", 3}, {"9", 4}, {"01", 5}, {"4294967294", 6}, {"4294967295", 7}, {"-1", 8}, {"1.5", 9}, {"", 10}, {"__proto__", 11}},
		`{"9":4,"10":2,"4294967294":6,"b":1,"a":3,"01":5,"4294967295":7,"-1":8,"1.5":9,"":10,"__proto__":11}`},
	{[]map[string]any{{"x": []any{1.5}}}, `[{"x":[1.5]}]`},
	{object{}, `{}`},
	{struct {
		A string `json:"a"`
		B []int  `json:"b"`
	}{"<", []int{1}}, `{"a":"<","b":[1]}`},
	{make(chan int), `null`},
}

func negativeZero() float64 { return math.Copysign(0, -1) }

func TestEncode_WritesAsJavaScriptDoes(t *testing.T) {
	t.Parallel()
	for _, c := range tricky {
		if got := string(encode(c.value)); got != c.want {
			t.Errorf("%#v:\n got %s\nwant %s", c.value, got, c.want)
		}
	}
}

func TestEncode_IsWhatNodeMakesOfIt(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		storetest.Missing(t, "there is no node here")
	}
	var in bytes.Buffer
	var want []string
	add := func(v any) {
		text := string(encode(v))
		want = append(want, text)
		in.WriteString(text + "\n")
	}
	for _, c := range tricky {
		add(c.value)
	}
	for range 20 {
		rapid.Check(t, func(t *rapid.T) { add(anyValue().Draw(t, "value")) })
	}
	cmd := exec.CommandContext(t.Context(), node, "-e",
		`process.stdout.write(require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1).map(l => JSON.stringify(JSON.parse(l))).join("\n"))`)
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(string(out), "\n")
	if len(got) != len(want) {
		t.Fatalf("node gives %d lines, want %d", len(got), len(want))
	}
	wrong := 0
	for i := range got {
		if got[i] != want[i] && wrong < 10 {
			wrong++
			t.Errorf("node rewrites\n%s to\n%s", want[i], got[i])
		}
	}
}

// reencode is what a program makes of JSON that reads it and writes it again without knowing what is in it.
func reencode(t interface{ Fatalf(string, ...any) }, text []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s cannot be read: %v", text, err)
	}
	return encode(v)
}

// anyValue are objects and lists of all that an event may hold.
func anyValue() *rapid.Generator[any] {
	leaf := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Map(rapid.Float64(), func(f float64) any { return f }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) any { return string(b) }), rapid.Map(rapid.Int64(), func(n int64) any { return n }), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?`), func(n string) any { return json.Number(n) }))
	return rapid.Custom(func(t *rapid.T) any {
		m := make(map[string]any)
		for _, k := range rapid.SliceOfN(rapid.OneOf(rapid.StringMatching(`[0-9]{1,11}`), rapid.StringMatching(`[a-z]{1,3}`), rapid.String()), 0, 6).Draw(t, "names") {
			m[k] = leaf.Draw(t, "value")
		}
		return map[string]any{"m": m, "list": []any{m, leaf.Draw(t, "leaf")}}
	})
}

func TestEncode_OfWhatItWroteIsTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := encode(anyValue().Draw(t, "value"))
		if !json.Valid(text) {
			t.Fatalf("not JSON: %s", text)
		}
		if again := reencode(t, text); !bytes.Equal(again, text) {
			t.Fatalf("read and written again\n%s becomes\n%s", text, again)
		}
	})
}
