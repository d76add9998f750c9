package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
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
	counts, err := s.store.CountEventShapes(ctx, app, since, previewBound)
	for _, c := range counts {
		p.All += c.Count
		if e.Matches(c.Type, c.Tags, 0, true) {
			p.Matched += c.Count
		}
	}
	p.Bounded = p.All == previewBound
	return p, err
}
