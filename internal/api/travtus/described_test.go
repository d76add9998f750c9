package travtus_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/api/travtus"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// described are the names of the fields that the description gives a type.
func described(t reflect.Type) (names []string) {
	for f := range t.Fields() {
		if f.Anonymous {
			names = append(names, described(f.Type)...)
			continue
		}
		names = append(names, f.Tag.Get("json"))
	}
	return names
}

// What the description says is in a posting is what is read of one: every field that it names is looked at, and no other.
func TestMessages_EveryFieldThatIsDescribedIsRead(t *testing.T) {
	t.Parallel()
	s := newSurface(t, storetest.SQLite(t))
	channels := map[string]reflect.Type{}
	for f := range reflect.TypeFor[travtus.MessageIn]().Fields() {
		name := f.Tag.Get("json")
		if f.Type.Kind() == reflect.Pointer {
			channels[name] = f.Type.Elem()
			continue
		}
		fields := map[string]string{"channel": `"sms"`, "group_external_ref": `"g"`, "sms": `{}`, name: `{"not":"this"}`}
		if got := s.fails(400, "invalid_request", jsonObject(fields))["fields"].(object); got[name] == nil || got[name] == "required" {
			t.Errorf("%s is described, and not read: %v", name, got)
		}
	}
	if len(channels) != 5 {
		t.Errorf("channels: %v", channels)
	}
	for channel, of := range channels {
		wrong := map[string]string{}
		for _, name := range described(of) {
			wrong[name] = `{"not":"this"}`
		}
		got := s.fails(400, "invalid_request", `{"channel":"`+channel+`","group_external_ref":"g","`+channel+`":`+jsonObject(wrong)+`}`)["fields"].(object)
		var read []string
		for name, message := range got {
			if message == "required" {
				t.Errorf("%s is read, and not described", name)
			}
			read = append(read, strings.TrimPrefix(name, channel+"."))
		}
		slices.Sort(read)
		if want := slices.Sorted(maps.Keys(wrong)); !slices.Equal(read, want) {
			t.Errorf("%s: described %v, and read %v", channel, want, read)
		}
	}
}

// jsonObject is a JSON object of the members, whose values are JSON already.
func jsonObject(members map[string]string) string {
	var parts []string
	for name, value := range members {
		parts = append(parts, `"`+name+`":`+value)
	}
	return "{" + strings.Join(parts, ",") + "}"
}
