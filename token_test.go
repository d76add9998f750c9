package hookswitch_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

func TestCapabilities_WhatEachAllows(t *testing.T) {
	t.Parallel()
	const (
		view, secret, rotate, transform, again, manage = hookswitch.ViewBase, hookswitch.ViewEndpointSecret, hookswitch.ManageEndpointSecret,
			hookswitch.ManageTransformations, hookswitch.CreateAttempts, hookswitch.ManageEndpoint
	)
	all := []hookswitch.Capabilities{view, secret, rotate, transform, again, manage}
	for have, allowed := range map[hookswitch.Capabilities][]hookswitch.Capabilities{
		0:                          nil,
		view:                       {view},
		secret:                     {view, secret},
		rotate:                     {view, secret, rotate},
		transform:                  {view, transform},
		again:                      {view, again},
		manage:                     {view, secret, rotate, manage},
		again | secret:             {view, secret, again},
		hookswitch.AllCapabilities: all,
	} {
		for _, needed := range all {
			if got, want := have.Allow(needed), slices.Contains(allowed, needed); got != want {
				t.Errorf("%v: allows %v is %v, want %v", have.Names(), needed.Names(), got, want)
			}
		}
		if have.Allow(0) {
			t.Errorf("%v allows what nobody may", have.Names())
		}
	}
}

func TestCapabilities_NamesComeBack(t *testing.T) {
	t.Parallel()
	var set hookswitch.Capabilities
	for _, name := range hookswitch.AllCapabilities.Names() {
		one, ok := hookswitch.ParseCapability(name)
		if !ok || set&one != 0 || !slices.Equal(one.Names(), []string{name}) {
			t.Errorf("%s became %v", name, one.Names())
		}
		set |= one
	}
	if set != hookswitch.AllCapabilities {
		t.Errorf("got %v", set.Names())
	}
	for _, name := range []string{"", "viewbase", "ViewBase ", "Everything"} {
		if c, ok := hookswitch.ParseCapability(name); ok || c != 0 {
			t.Errorf("%q is taken for a capability", name)
		}
	}
}

func TestToken_LivesUntilItEnds(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for _, c := range []struct {
		ends time.Time
		want bool
	}{{time.Time{}, true}, {now.Add(time.Millisecond), true}, {now, false}, {now.Add(-time.Hour), false}} {
		if got := (&hookswitch.Token{ExpiresAt: c.ends}).Live(now); got != c.want {
			t.Errorf("a token that ends at %v lives at %v: %v", c.ends, now, got)
		}
	}
}

func TestIntegration_Validate(t *testing.T) {
	t.Parallel()
	many := slices.Repeat([]string{"a"}, hookswitch.MaxFeatureFlags+1)
	for _, c := range []struct {
		wrong string
		i     hookswitch.Integration
	}{
		{"", hookswitch.Integration{Name: "Zap", FeatureFlags: []string{"beta", "a.b-c_d"}}},
		{"body.name", hookswitch.Integration{Name: "  "}},
		{"body.name", hookswitch.Integration{Name: strings.Repeat("x", hookswitch.MaxIntegrationName+1)}},
		{"body.name", hookswitch.Integration{Name: "a\x00"}},
		{"body.featureFlags", hookswitch.Integration{Name: "a", FeatureFlags: many}},
		{"body.featureFlags.[1]", hookswitch.Integration{Name: "a", FeatureFlags: []string{"a", "b c"}}},
		{"body.featureFlags.[0]", hookswitch.Integration{Name: "a", FeatureFlags: []string{""}}},
		{"body.featureFlags.[0]", hookswitch.Integration{Name: "a", FeatureFlags: []string{strings.Repeat("x", 257)}}},
	} {
		err := c.i.Validate()
		if (err == nil) != (c.wrong == "") || err != nil && !strings.HasPrefix(err.Error(), c.wrong+":") {
			t.Errorf("want %q to be wrong, got %v", c.wrong, err)
		}
	}
}
