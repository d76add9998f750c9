package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// MatchPreview is how much of what was published a filter would have matched.
type MatchPreview struct {
	Matched, All int
	Bounded      bool // only the newest previewBound events were looked at
}

// previewBound is how many events a preview looks at.
const previewBound = 10_000

// PreviewFilter tells how many of the events that the App published since then the endpoint would be sent, with the filter that e has.
func (s *Service) PreviewFilter(ctx context.Context, app hookswitch.Key, e *hookswitch.Endpoint, since time.Time) (p MatchPreview, err error) {
	after, before := hookswitch.KeyAt(since), hookswitch.Key(0)
	for p.All < previewBound {
		list, stopped, err := s.store.Events(ctx, app, store.EventFilter{Bare: true}, store.Page{Limit: 500, After: after, Before: before})
		if err != nil {
			return p, err
		}
		for _, ev := range list {
			p.All++
			if e.Matches(ev.Type, ev.Tags, 0, true) {
				p.Matched++
			}
		}
		switch {
		case stopped != 0:
			before = stopped
		case len(list) < 500:
			return p, nil
		default:
			before = list[len(list)-1].Key
		}
	}
	p.Bounded = true
	return p, nil
}
