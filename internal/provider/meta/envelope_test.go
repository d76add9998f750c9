package meta

import (
	"encoding/json"
	"testing"
)

func TestText_ReadsWhatJSONSays(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]text{
		`""`: "", `"plain"`: "plain", `"né 😀"`: "né 😀", `"a \"b\" \\ \/ \n \u00e9 \ud83d\ude00"`: "a \"b\" \\ / \n é 😀", `"\ud83d"`: "\ufffd",
		"\"a\xffb\"": "a\ufffdb", `12`: "12", `-1.5e3`: "-1.5e3", `true`: "true", `null`: "", `{"a":1}`: "", `["a"]`: "",
	} {
		var got struct{ V text }
		got.V = "before"
		if err := json.Unmarshal([]byte(`{"V":`+raw+`}`), &got); err != nil || got.V != want {
			t.Errorf("%s: %q, %v, want %q", raw, got.V, err, want)
		}
		var s string
		if raw[0] == '"' {
			if err := json.Unmarshal([]byte(raw), &s); err != nil || s != string(want) {
				t.Errorf("%s: encoding/json reads %q, %v", raw, s, err)
			}
		}
	}
}
