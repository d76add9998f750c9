package store

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Stream is a part of the events of an App in the order of their turns.
type Stream struct {
	Events []*hookswitch.Event
	// Next is where to go on.
	Next hookswitch.Place
	// Done says that there is nothing more now.
	Done bool
}

// Stream reads up to limit events behind a place, up to the horizon.
func (s *Store) Stream(ctx context.Context, app hookswitch.Key, f EventFilter, after hookswitch.Place, limit int) (Stream, error) {
	horizon := s.Horizon(ctx)
	last := hookswitch.PlaceBefore(horizon.Time())
	if !after.Less(last) {
		return Stream{Next: after, Done: true}, nil
	}
	// A key below the first of its millisecond comes of a deferred event, which has its turn before the events that are made then.
	low := max(after.Key, hookswitch.PlaceBefore(time.UnixMilli(after.At)).Key)
	plain, stopped, err := walk(Page{After: low, Before: horizon, Limit: limit + 1, Ascending: true}, s.eventSteps(ctx, app), func(p Page) ([]*hookswitch.Event, error) {
		args := []any{int64(app)}
		query := `SELECT ` + f.columns(eventColumns) + ` FROM events e WHERE e.app_id = $1 AND e.deliver_at = 0` + f.clause(&args)
		return scanAll(ctx, &s.Reader, scanEvent, query+p.clause("e.id", &args), args...)
	})
	if err != nil {
		return Stream{}, err
	}
	end := last // up to where everything is known
	if stopped != 0 {
		end = hookswitch.Place{At: stopped.Millis(), Key: stopped}
	}
	deferred, err := s.deferred(ctx, app, after, last, f, limit+1)
	if err != nil {
		return Stream{}, err
	}
	if len(deferred) > limit {
		if at := deferred[limit].Place(); at.Less(end) {
			end = at
		}
	}
	list := slices.DeleteFunc(append(plain, deferred...), func(e *hookswitch.Event) bool { return end.Less(e.Place()) || !f.matches(e) })
	slices.SortFunc(list, func(a, b *hookswitch.Event) int {
		p, q := a.Place(), b.Place()
		return cmp.Or(cmp.Compare(p.At, q.At), cmp.Compare(p.Key, q.Key))
	})
	switch {
	case len(list) > limit:
		list = list[:limit]
		return Stream{Events: list, Next: list[limit-1].Place()}, nil
	case end == last && f.all() && len(list) > 0:
		return Stream{Events: list, Next: list[len(list)-1].Place(), Done: true}, nil
	case end == last && f.all():
		return Stream{Next: after, Done: true}, nil
	}
	return Stream{Events: list, Next: end, Done: end == last}, nil
}

// deferred are events of an App that have their turn later than they were made, between two places.
func (r *Reader) deferred(ctx context.Context, app hookswitch.Key, after, last hookswitch.Place, f EventFilter, limit int) ([]*hookswitch.Event, error) {
	return scanAll(ctx, r, scanEvent, `SELECT `+f.columns(eventColumns)+` FROM events e WHERE e.app_id = $1 AND e.deliver_at > 0
		AND (e.deliver_at, e.id) > ($2, $3) AND e.deliver_at <= $4 ORDER BY e.deliver_at, e.id LIMIT $5`,
		int64(app), after.At, int64(after.Key), last.At, limit)
}

// matches is what clause says, of an event that has been read.
func (f EventFilter) matches(e *hookswitch.Event) bool {
	return (len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) && (f.Tag == "" || slices.Contains(e.Tags, f.Tag)) && (f.Label == "" || slices.Contains(e.Labels, f.Label))
}

// Poller is the poller of an App by name.
func (r *Reader) Poller(ctx context.Context, app hookswitch.Key, name string) (*hookswitch.Poller, error) {
	p := hookswitch.Poller{App: app, Name: name}
	var created int64
	err := r.q.QueryRowContext(ctx, `SELECT id, created_at FROM pollers WHERE app_id = $1 AND name = $2`, int64(app), name).Scan(&p.Key, &created)
	p.CreatedAt = fromMillis(created)
	return &p, readErr(err, "poller")
}

// InsertPoller stores a new poller, unless the App has limit of them already: that is an error of kind Conflict.
func (tx *Tx) InsertPoller(p *hookswitch.Poller, limit int) error {
	if err := tx.room("pollers", `SELECT COUNT(*) FROM pollers WHERE app_id = $1`, p.App, limit); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO pollers (id, app_id, name, created_at) VALUES ($1, $2, $3, $4)`, int64(p.Key), int64(p.App), p.Name, millis(p.CreatedAt))
	return err
}

// room is an error of kind Conflict where count gives limit or more.
func (tx *Tx) room(what, count string, of hookswitch.Key, limit int) error {
	var n int
	if err := tx.q.QueryRowContext(tx.ctx, count, int64(of)).Scan(&n); err != nil {
		return err
	}
	if n >= limit {
		return &hookswitch.Error{Kind: hookswitch.Conflict, Code: "limit_reached", Message: "there are too many " + what + " already"}
	}
	return nil
}

// Consumer is the consumer of a poller by name.
func (r *Reader) Consumer(ctx context.Context, poller hookswitch.Key, name string) (*hookswitch.Consumer, error) {
	c := hookswitch.Consumer{Poller: poller, Name: name}
	var handed []byte
	var leased int64
	err := r.q.QueryRowContext(ctx, `SELECT place, place_at, epoch, taken, handed, leased_until FROM consumers WHERE poller_id = $1 AND name = $2`, int64(poller), name).
		Scan(&c.Place.Key, &c.Place.At, &c.Epoch, &c.Taken, &handed, &leased)
	c.Handed, c.LeasedUntil = unpackPlaces(handed), fromMillis(leased)
	return &c, readErr(err, "consumer")
}

// InsertConsumer stores a new consumer, unless its poller has limit of them already: that is an error of kind Conflict.
func (tx *Tx) InsertConsumer(c *hookswitch.Consumer, limit int, now time.Time) error {
	if err := tx.room("consumers of this poller", `SELECT COUNT(*) FROM consumers WHERE poller_id = $1`, c.Poller, limit); err != nil {
		return err
	}
	_, err := tx.exec(`INSERT INTO consumers (poller_id, name, place, place_at, epoch, taken, handed, leased_until, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		int64(c.Poller), c.Name, int64(c.Place.Key), c.Place.At, c.Epoch, c.Taken, packPlaces(c.Handed), millis(c.LeasedUntil), millis(now))
	return err
}

// UpdateConsumer stores the changed fields of a consumer.
func (tx *Tx) UpdateConsumer(c *hookswitch.Consumer, now time.Time) error {
	return tx.execOne("consumer", `UPDATE consumers SET place = $3, place_at = $4, epoch = $5, taken = $6, handed = $7, leased_until = $8, updated_at = $9 WHERE poller_id = $1 AND name = $2`,
		int64(c.Poller), c.Name, int64(c.Place.Key), c.Place.At, c.Epoch, c.Taken, packPlaces(c.Handed), millis(c.LeasedUntil), millis(now))
}

// packPlaces writes places as 16 bytes each.
func packPlaces(list []hookswitch.Place) []byte {
	b := make([]byte, 0, 16*len(list))
	for _, p := range list {
		b = binary.BigEndian.AppendUint64(b, uint64(p.At))
		b = binary.BigEndian.AppendUint64(b, uint64(p.Key))
	}
	return b
}

func unpackPlaces(b []byte) []hookswitch.Place {
	var list []hookswitch.Place
	for ; len(b) >= 16; b = b[16:] {
		list = append(list, hookswitch.Place{At: int64(binary.BigEndian.Uint64(b)), Key: hookswitch.Key(binary.BigEndian.Uint64(b[8:]))})
	}
	return list
}
