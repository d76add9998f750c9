package deliver

import (
	"context"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// askedBy is the Data of a claimed try that a task has asked for: store.Delivery.Task.
type askedBy hookswitch.Key

// Queue is the store as the engine sees it.
type Queue struct {
	store   *store.Store
	ordered map[work.Kind]bool

	mu    sync.Mutex
	after map[work.Kind]hookswitch.Key // where the next claim of a kind goes on
}

// NewQueue returns the queue over the store for the kinds.
func NewQueue(s *store.Store, kinds map[work.Kind]work.KindOptions) *Queue {
	q := &Queue{store: s, ordered: make(map[work.Kind]bool), after: make(map[work.Kind]hookswitch.Key)}
	for kind, o := range kinds {
		q.ordered[kind] = o.Ordered
	}
	return q
}

var _ work.Store = (*Queue)(nil)

// Claim leases due work, going on behind the target where the last claim of the kind ended.
func (q *Queue) Claim(ctx context.Context, req work.ClaimRequest) (work.ClaimResult, error) {
	q.mu.Lock()
	after := q.after[req.Kind]
	q.mu.Unlock()
	claim := store.ClaimRequest{
		Kind: hookswitch.DeliveryKind(req.Kind), Now: req.Now, Lease: req.Lease, Max: req.Max, Ordered: q.ordered[req.Kind], After: after,
		PerTarget: func(target hookswitch.Key) int { return req.PerLane(work.Lane{Kind: req.Kind, Target: int64(target)}) },
	}
	var res work.ClaimResult
	got, err := q.claim(ctx, claim, &res)
	if err == nil && after != 0 && got.After == 0 && len(res.Items) < req.Max {
		// The walk began in the middle: the targets before it are looked at too.
		claim.After, claim.Max = 0, req.Max-len(res.Items)
		room := claim.PerTarget
		claim.PerTarget = func(target hookswitch.Key) int {
			if target > after {
				return 0 // it has had its turn
			}
			return room(target)
		}
		got, err = q.claim(ctx, claim, &res)
	}
	if err != nil && len(res.Items) == 0 {
		return res, err
	}
	q.mu.Lock()
	q.after[req.Kind] = got.After
	q.mu.Unlock()
	return res, nil
}

func (q *Queue) claim(ctx context.Context, req store.ClaimRequest, res *work.ClaimResult) (store.Claimed, error) {
	got, err := q.store.ClaimDue(ctx, req)
	if err != nil {
		return got, err
	}
	for _, d := range got.Deliveries {
		it := work.Item{
			Lane: work.Lane{Kind: work.Kind(d.Kind), Target: int64(d.Target)}, Subject: int64(d.Subject), App: int64(d.App), Tries: d.Tries, Claim: d.Claim,
			Manual: d.Manual, Lease: d.NextAt, Due: req.Now,
		}
		if d.Task != 0 {
			it.Data = askedBy(d.Task)
		}
		res.Items = append(res.Items, it)
	}
	if !got.Next.IsZero() && (res.Next.IsZero() || got.Next.Before(res.Next)) {
		res.Next = got.Next
	}
	return got, nil
}

// Release gives items back.
func (q *Queue) Release(ctx context.Context, items []work.Item) error {
	list := make([]store.Delivery, len(items))
	var due time.Time // all of them were due by then, so they are now
	for i, it := range items {
		due = later(due, it.Due)
		list[i] = store.Delivery{Kind: hookswitch.DeliveryKind(it.Kind), Subject: hookswitch.Key(it.Subject), Target: hookswitch.Key(it.Target), Claim: it.Claim}
	}
	return q.store.Release(ctx, list, due)
}

// Reclaim takes back work whose lease has ended.
func (q *Queue) Reclaim(ctx context.Context, now time.Time) (int, error) {
	return q.store.Reclaim(ctx, now)
}
