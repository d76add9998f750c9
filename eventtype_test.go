package hookswitch_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestEventType_ValidateNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	flags := make([]string, hookswitch.MaxFeatureFlags+1)
	for i := range flags {
		flags[i] = "flag"
	}
	bad := hookswitch.EventType{Name: "a b", Description: "\x00", GroupName: "a/b", FeatureFlags: []string{"ok", ""}, Schemas: []byte(" [1]")}
	if got, want := strings.Join(paths(t, bad.Validate()), " "), "body.name body.description body.groupName body.featureFlags.[1] body.schemas"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	large := hookswitch.EventType{Name: "a", FeatureFlags: flags, Schemas: []byte(`{"1":"` + strings.Repeat("a", hookswitch.MaxSchemas) + `"}`)}
	if got, want := strings.Join(paths(t, large.Validate()), " "), "body.featureFlags body.schemas"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, good := range []hookswitch.EventType{
		{Name: "a"},
		{Name: strings.Repeat("a", hookswitch.MaxName), Description: "line\nline", GroupName: "g-1", FeatureFlags: []string{"f.1"}, Schemas: []byte(" {}")},
	} {
		if err := good.Validate(); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
}

func TestEventType_IsVisibleToThoseWithOneOfItsFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		has, caller []string
		want        bool
	}{
		{nil, nil, true}, {nil, []string{"a"}, true}, {[]string{"a"}, nil, false}, {[]string{"a", "b"}, []string{"b"}, true}, {[]string{"a"}, []string{"A"}, false},
	} {
		et := hookswitch.EventType{FeatureFlags: c.has}
		if got := et.VisibleTo(c.caller); got != c.want {
			t.Errorf("type with %v, caller with %v: got %v", c.has, c.caller, got)
		}
	}
}
