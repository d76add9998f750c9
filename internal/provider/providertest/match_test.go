package providertest

import "testing"

func TestMatch_TellsSubsetsFromDifferences(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	tests := []struct {
		name      string
		want, got any
		same      bool
	}{
		{"equal", object{"a": 1}, object{"a": 1}, true},
		{"more than asked", object{"a": 1}, object{"a": 1, "b": 2}, true},
		{"missing", object{"a": 1, "b": 2}, object{"a": 1}, false},
		{"other value", object{"a": 1}, object{"a": 2}, false},
		{"number and text", object{"a": 1}, object{"a": "1"}, false},
		{"large numbers", object{"a": int64(9007199254740993)}, object{"a": int64(9007199254740992)}, false},
		{"deep", object{"a": object{"b": []any{1, object{"c": true}}}}, object{"a": object{"b": []any{1, object{"c": true, "d": 1}}}}, true},
		{"deep difference", object{"a": object{"b": []any{1}}}, object{"a": object{"b": []any{2}}}, false},
		{"longer list", []any{1}, []any{1, 2}, false},
		{"shorter list", []any{1, 2}, []any{1}, false},
		{"list and text", []any{}, "", false},
		{"any text", "*", "x", true},
		{"any text, empty", "*", "", false},
		{"any text, number", "*", 1, false},
		{"pattern", object{"$regex": "^a+$"}, "aaa", true},
		{"pattern fails", object{"$regex": "^a+$"}, "ab", false},
		{"pattern of a number", object{"$regex": ""}, 1, false},
		{"broken pattern", object{"$regex": "("}, "(", false},
		{"object and text", object{}, "x", false},
		{"null", nil, nil, true},
		{"false is not null", nil, false, false},
	}
	for _, tt := range tests {
		want, err := plain(tt.want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := plain(tt.got)
		if err != nil {
			t.Fatal(err)
		}
		if diff := match("x", want, got); (diff == "") != tt.same {
			t.Errorf("%s: %q, want same %t", tt.name, diff, tt.same)
		}
	}
}
