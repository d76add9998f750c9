package service

import (
	"context"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Bounds of what polling leaves behind.
const (
	maxPollers   = 1000 // of an App
	maxConsumers = 1000 // of a poller
	// MaxLease is the longest time for which what a consumer was given is given to nobody else.
	MaxLease = time.Hour
)

// errIterator says that an iterator is from before the consumer's place was set by hand. Readers that know the code leave the iterator out then, and go on at
// the place.
var errIterator error = &hookswitch.Error{Kind: hookswitch.Invalid, Code: "invalid_iterator",
	Message: "The place of this consumer has been set since. Poll without an iterator to go on there."}

// checkPoller says what is wrong with the name of a poller or a consumer.
func checkPoller(name, what string) error {
	if m := hookswitch.CheckName(name); m != "" {
		return &hookswitch.Error{Kind: hookswitch.Invalid, Fields: []hookswitch.FieldError{{Path: []string{"path", what}, Message: m}}}
	}
	return nil
}

// Poller is the poller of an app with the name. It opens when it is first asked for.
func (s *Service) Poller(ctx context.Context, app hookswitch.Key, name string) (*hookswitch.Poller, error) {
	if err := checkPoller(name, "sink_id"); err != nil {
		return nil, err
	}
	p, err := s.store.Poller(ctx, app, name)
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return p, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		if p, err = tx.Poller(tx.Context(), app, name); hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
		p = &hookswitch.Poller{Key: s.keys.Next(), App: app, Name: name, CreatedAt: s.now().UTC()}
		return tx.InsertPoller(p, maxPollers)
	})
	return p, err
}

// Poll reads up to limit events of an app behind a place, oldest first.
func (s *Service) Poll(ctx context.Context, app hookswitch.Key, f store.EventFilter, after hookswitch.Place, limit int) (store.Stream, error) {
	return s.store.Stream(ctx, app, f, after, limit)
}

// consumer runs change on a consumer in one transaction. One that does not exist yet is made, at the place start. change reports whether there is something to store.
func (s *Service) consumer(ctx context.Context, p *hookswitch.Poller, name string, start func() hookswitch.Place, change func(tx *store.Tx, c *hookswitch.Consumer) (bool, error)) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Consumer(tx.Context(), p.Key, name)
		fresh := hookswitch.KindOf(err) == hookswitch.NotFound
		if err != nil && !fresh {
			return err
		}
		if fresh {
			c = &hookswitch.Consumer{Poller: p.Key, Name: name, Place: start()}
		}
		changed, err := change(tx, c)
		switch {
		case err != nil:
			return err
		case fresh:
			return tx.InsertConsumer(c, maxConsumers, s.now())
		case changed:
			return tx.UpdateConsumer(c, s.now())
		}
		return nil
	})
}

// Beginning is the place before everything that an App still keeps.
func Beginning() hookswitch.Place { return hookswitch.Place{} }

// ConsumerIterator is what a consumer gives back to say that it has dealt with what it was given.
type ConsumerIterator struct {
	Place hookswitch.Place
	Epoch int64
}

// PollConsumer reads up to limit events for a consumer of a poller, oldest first. With the iterator of an earlier answer everything up to there is dealt with, and
// the consumer's place is moved behind it; without one, reading goes on at its place. It returns the iterator for what it read.
func (s *Service) PollConsumer(ctx context.Context, p *hookswitch.Poller, name string, it *ConsumerIterator, limit int) (store.Stream, ConsumerIterator, error) {
	if err := checkPoller(name, "consumer_id"); err != nil {
		return store.Stream{}, ConsumerIterator{}, err
	}
	c, err := s.store.Consumer(ctx, p.Key, name)
	if err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
		return store.Stream{}, ConsumerIterator{}, err
	}
	if err != nil || it != nil && c.Place.Less(it.Place) { // else there is nothing to store
		err := s.consumer(ctx, p, name, Beginning, func(_ *store.Tx, now *hookswitch.Consumer) (bool, error) {
			c = now
			if it == nil || it.Epoch != c.Epoch || !c.Place.Less(it.Place) {
				return false, nil
			}
			c.Place, c.Handed, c.LeasedUntil = it.Place, nil, time.Time{}
			return true, nil
		})
		if err != nil {
			return store.Stream{}, ConsumerIterator{}, err
		}
	}
	from := c.Place
	if it != nil {
		if it.Epoch != c.Epoch {
			return store.Stream{}, ConsumerIterator{}, errIterator
		}
		from = it.Place
	}
	got, err := s.store.Stream(ctx, p.App, store.EventFilter{}, from, limit)
	return got, ConsumerIterator{got.Next, c.Epoch}, err
}

// SeekConsumer sets the place of a consumer, and voids its iterators. It returns the iterator of that place.
func (s *Service) SeekConsumer(ctx context.Context, p *hookswitch.Poller, name string, place hookswitch.Place, idem Idempotency) (ConsumerIterator, error) {
	if err := checkPoller(name, "consumer_id"); err != nil {
		return ConsumerIterator{}, err
	}
	it := ConsumerIterator{Place: place}
	err := s.consumer(ctx, p, name, Beginning, func(tx *store.Tx, c *hookswitch.Consumer) (bool, error) {
		if err := idem.claim(tx, p.Key, s); err != nil {
			return false, err
		}
		c.Place, c.Handed, c.LeasedUntil = it.Place, nil, time.Time{}
		c.Epoch++
		it.Epoch = c.Epoch
		return true, nil
	})
	if _, again := replayed(err); again {
		c, err := s.store.Consumer(ctx, p.Key, name)
		return ConsumerIterator{c.Place, c.Epoch}, err
	}
	return it, err
}

// Lease is how a consumer asks for events that it commits by number.
type Lease struct {
	Limit int
	// For is how long what is given is given to nobody else, unless it is committed before. Zero: not at all.
	For time.Duration
	// Latest has a consumer that is new begin with what comes from now on, rather than with everything.
	Latest bool
}

// Numbered are events with the number of the first; the others follow it one by one.
type Numbered struct {
	store.Stream
	First int64
}

// errMoved says that a consumer has changed since it was looked at.
var errMoved = errors.New("the consumer has changed")

// ReceiveConsumer gives a consumer events with numbers to commit. While what it was given before is leased it gives nothing.
func (s *Service) ReceiveConsumer(ctx context.Context, p *hookswitch.Poller, name string, l Lease) (Numbered, error) {
	if err := checkPoller(name, "consumer_id"); err != nil {
		return Numbered{}, err
	}
	start := func() hookswitch.Place {
		if l.Latest {
			return hookswitch.PlaceBefore(s.now())
		}
		return Beginning()
	}
	for {
		c, err := s.store.Consumer(ctx, p.Key, name)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			err = s.consumer(ctx, p, name, start, func(_ *store.Tx, fresh *hookswitch.Consumer) (bool, error) {
				c = fresh
				return false, nil
			})
		}
		if err != nil {
			return Numbered{}, err
		}
		if s.now().Before(c.LeasedUntil) && len(c.Handed) > 0 {
			return Numbered{Stream: store.Stream{Done: true}}, nil
		}
		got, err := s.store.Stream(ctx, p.App, store.EventFilter{}, c.Place, l.Limit)
		if err != nil || len(got.Events) == 0 {
			return Numbered{Stream: got}, err
		}
		err = s.consumer(ctx, p, name, start, func(_ *store.Tx, now *hookswitch.Consumer) (bool, error) {
			if now.Place != c.Place || now.Taken != c.Taken || !now.LeasedUntil.Equal(c.LeasedUntil) {
				return false, errMoved
			}
			now.Handed, now.LeasedUntil = make([]hookswitch.Place, len(got.Events)), time.Time{}
			for i, ev := range got.Events {
				now.Handed[i] = ev.Place()
			}
			if l.For > 0 {
				now.LeasedUntil = s.now().Add(min(l.For, MaxLease))
			}
			return true, nil
		})
		if !errors.Is(err, errMoved) {
			return Numbered{got, c.Taken + 1}, err
		}
	}
}

// CommitConsumer moves a consumer behind the event that it was given with the number. What has been committed before stays so.
func (s *Service) CommitConsumer(ctx context.Context, p *hookswitch.Poller, name string, number int64) error {
	if err := checkPoller(name, "consumer_id"); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		c, err := tx.Consumer(tx.Context(), p.Key, name)
		if err != nil {
			return err
		}
		n := number - c.Taken
		switch {
		case n <= 0:
			return nil
		case n > int64(len(c.Handed)):
			return hookswitch.InvalidField("has not been given to this consumer", "offset")
		}
		c.Place, c.Taken, c.Handed = c.Handed[n-1], number, c.Handed[n:]
		if len(c.Handed) == 0 {
			c.LeasedUntil = time.Time{}
		}
		return tx.UpdateConsumer(c, s.now())
	})
}
