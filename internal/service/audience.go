package service

import (
	"context"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// An audience is who looks at the catalogue of event types. The organization sees all of it; anybody else sees the types without feature flags, and those that have
// one of the caller's.
type audience struct {
	restricted bool
	flags      []string
}

type audienceKey struct{}

// Restricted is ctx for a caller other than the organization, who has the feature flags: wherever the catalogue is read with it, to show it or to judge the filter of an endpoint, it is as
// that caller sees it. Surfaces put it where they have found out who calls, once for all routes.
func Restricted(ctx context.Context, flags []string) context.Context {
	return context.WithValue(ctx, audienceKey{}, audience{true, flags})
}

func audienceOf(ctx context.Context) audience {
	a, _ := ctx.Value(audienceKey{}).(audience)
	return a
}

// visible reports whether the audience sees t.
func (a audience) visible(t *hookswitch.EventType) bool {
	return !a.restricted || t.VisibleTo(a.flags)
}

// filter narrows a list to what the audience sees.
func (a audience) filter(f store.EventTypeFilter) store.EventTypeFilter {
	f.Restricted, f.Flags = a.restricted, a.flags
	return f
}
