package service

import (
	"testing"
)

func TestForget_LooksThroughAMapOnlyWhenItHasDoubled(t *testing.T) {
	m, at, looks := make(map[int]bool), 0, 0
	over := func(gone bool) bool { looks++; return gone }
	const people = 8 * keptPaces
	for n := range people {
		m[n] = false
		forget(m, &at, over)
	}
	if looks > 2*people {
		t.Errorf("%d were looked at while %d were added", looks, people)
	}
	for n := range people {
		m[n] = true
	}
	for n := people; len(m) >= people; n++ {
		m[n] = true
		forget(m, &at, over)
	}
	if len(m) != 0 {
		t.Errorf("%d that are over are left", len(m))
	}
}
