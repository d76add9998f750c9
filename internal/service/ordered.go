package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/work"
)

// ordered are the endpoints that have queues, of the transaction's apps and of the organisation's.
func (b *births) ordered() []hookswitch.Key {
	var keys []hookswitch.Key
	for _, st := range append([]*appState{b.organization}, b.states...) {
		if st == nil {
			continue
		}
		for _, e := range st.endpoints {
			if e.Ordered {
				keys = append(keys, e.Key)
			}
		}
	}
	return keys
}

// RecordNow is Record for a delivery whose successor waits for it: it returns when the outcome is committed.
func (s *Service) RecordNow(ctx context.Context, o *store.Outcome) error {
	if err := s.store.RecordNow(ctx, o); err != nil {
		return err
	}
	s.recorded(o)
	return nil
}

// parked is for how long the head of a queue waits whose endpoint is disabled. Enabling makes it due before that.
const parked = 24 * time.Hour

// Park keeps the head of an ordered endpoint's queue where it is while the endpoint is disabled. next is when it is due again.
func (s *Service) Park(ctx context.Context, o *store.Outcome) (next time.Time, err error) {
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		e, err := tx.Endpoint(tx.Context(), o.App, o.Target)
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
			o.Verdict, next = store.Canceled, time.Time{}
		case err != nil:
			return err
		case e.Disabled:
			o.Verdict, next = store.Postponed, s.now().Add(parked)
		default: // it has been enabled in the meantime
			o.Verdict, next = store.Postponed, s.now()
		}
		o.Next = next
		_, err = tx.Record(o, s.now())
		return err
	})
	return next, err
}

// CancelDelivery ends what is owed of an event to an endpoint: it is not tried again, unless somebody asks for it, and the queue of an ordered endpoint goes on behind it. What this node
// has taken up is not tried unless the try has begun; what another one has is tried once more at most. The error is of kind NotFound when the event was never owed to the endpoint, and Conflict when nothing waits any more.
func (s *Service) CancelDelivery(ctx context.Context, app hookswitch.Key, eventRef, endpointRef string, idem Idempotency) error {
	ev, err := s.Event(ctx, app, eventRef)
	if err != nil {
		return err
	}
	ep, err := s.Endpoint(ctx, app, endpointRef)
	if err != nil {
		return err
	}
	var row store.Delivery
	err = s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) error {
		if err := idem.claim(tx, ev.Key, s); err != nil {
			return err
		}
		var err error
		row, err = tx.Cancel(ev.Key, ep.Key)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			for _, t := range ev.Targets {
				if t.Endpoint == ep.Key && !t.Held {
					return nothingWaits(hookswitch.DeliveryDelivered)
				}
			}
			return hookswitch.NotFoundf("this message is not waiting to be sent to the endpoint")
		}
		if err != nil {
			return err
		}
		if st := statusOf(ep, hookswitch.Target{Endpoint: ep.Key}, &row, false, true, ev.Key); st.State != hookswitch.DeliveryPending {
			return nothingWaits(st.State)
		}
		b.wakeKind(row.Kind)
		return nil
	})
	if _, again := replayed(err); again {
		return nil
	}
	if err == nil && row.Owner != 0 {
		s.canceled.note(&row)
	}
	return err
}

func nothingWaits(state hookswitch.DeliveryState) error {
	return &hookswitch.Error{Kind: hookswitch.Conflict, Code: "nothing_waits", Message: "nothing of this message waits for the endpoint any more: it is " + state.String()}
}

// cancelChunk is how many entries of a queue one transaction looks at.
const cancelChunk = 2000

// CancelDeliveries ends what is owed of the events made before a time to an endpoint, but for tries that somebody has asked for. That is one step, however much it is; an ordered endpoint's
// queue is gone through from its end, and what a node has taken up at this moment is ended by its attempt. It may be called again when it was cut short.
func (s *Service) CancelDeliveries(ctx context.Context, app hookswitch.Key, e *hookswitch.Endpoint, before time.Time, idem Idempotency) error {
	upto := s.keys.Next()
	if at := hookswitch.KeyAt(before) - 1; at < upto {
		upto = at
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := idem.claim(tx, upto, s); err != nil {
			return err
		}
		if err := tx.CancelUpto(app, e.Key, upto); err != nil {
			return err
		}
		return tx.TouchApp(app, s.now().UTC())
	})
	s.cache.forget(app)
	if first, again := replayed(err); again {
		upto, err = first, nil
	}
	for below := int64(0); err == nil; {
		if err = s.store.Update(ctx, func(tx *store.Tx) (err error) {
			below, err = tx.CancelOrdered(e.Key, upto, below, cancelChunk)
			return err
		}); below == 0 {
			break
		}
	}
	s.engine.Wake(work.Kind(hookswitch.DeliverOrdered), s.now())
	return err
}
