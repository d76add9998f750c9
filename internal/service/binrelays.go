package service

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Bounds of what bins send on.
const (
	// BinWaiting is how many requests of a bin may wait to be forwarded.
	BinWaiting = 1000
	// relayLease is how long a node may take over sending one; after it another one does.
	relayLease = 2 * time.Minute
)

// PlayHeader says of a request that Play sends it, and PlayForwarded is how its value begins for what a bin forwards by itself. A bin does not forward what another one has forwarded.
const (
	PlayHeader    = "X-Hookswitch-Play"
	PlayForwarded = "forwarded by a bin"
)

// relayRefusal is why a request that a bin took is not forwarded, as a sentence; "": it is.
func relayRefusal(q *store.BinRequest) string {
	if q.Size > int64(len(q.Body)) {
		return "It is larger than 256 KiB, and only the start of it is kept."
	}
	for _, line := range q.Headers {
		if http.CanonicalHeaderKey(line.Name) == PlayHeader && strings.HasPrefix(line.Value, PlayForwarded) {
			return "Another bin had forwarded it. It would go round in circles."
		}
	}
	return ""
}

// oweForward has what a bin takes sent on to where it has been told, and says so in the request. It reports whether something is owed.
func (s *Service) oweForward(tx *store.Tx, b *store.Bin, q *store.BinRequest) (bool, error) {
	if b.Relay == "" {
		return false, nil
	}
	q.Relayed = &store.BinRelayed{To: b.Relay, Why: relayRefusal(q)}
	if q.Relayed.Why != "" {
		return false, nil
	}
	waiting, _, err := tx.CountBinRelays(tx.Context(), b.Token)
	if err != nil {
		return false, err
	}
	if waiting >= BinWaiting {
		q.Relayed.Why = "1,000 requests of this bin waited to be forwarded already."
		return false, nil
	}
	q.Relayed.Waiting = true
	return true, tx.OweBinRelay(&store.BinRelay{Key: q.Key, Token: b.Token, Target: b.Relay}, s.now())
}

// ReplayBinRequests sends requests of a bin on again, one after the other in the order in which they came, with gap between them at least. That happens later;
// what it comes to is noted with each request. It returns how many will be sent.
func (s *Service) ReplayBinRequests(ctx context.Context, token, target string, keys []hookswitch.Key, gap time.Duration, resign bool) (int, error) {
	b, err := s.Bin(ctx, token)
	if err != nil {
		return 0, err
	}
	u, wrong := hookswitch.ParseEndpointURL(target)
	if wrong == "" {
		wrong = s.checkTarget(u)
	}
	if wrong != "" {
		return 0, hookswitch.InvalidField(wrong, "url")
	}
	how := store.RelayReplay
	if resign {
		how = store.RelayResign
	}
	owed, asked := 0, s.now()
	for len(keys) > 0 {
		some := keys[:min(len(keys), replayBatch)]
		keys = keys[len(some):]
		done := owed
		err := s.store.Update(ctx, func(tx *store.Tx) error {
			owed = done // an update may run again
			for _, key := range some {
				due := asked.Add(gap * time.Duration(owed))
				held, err := tx.NoteBinRelayed(b.Token, key, &store.BinRelayed{To: target, Waiting: true, At: due.UnixMilli()})
				if err != nil {
					return err
				}
				if !held {
					continue
				}
				if err := tx.OweBinRelay(&store.BinRelay{Key: key, Token: b.Token, Target: target, How: how}, due); err != nil {
					return err
				}
				owed++
			}
			return nil
		})
		if err != nil {
			return done, err
		}
	}
	s.bins.ring(token)
	s.relays.ring("")
	return owed, nil
}

// replayBatch bounds one transaction.
const replayBatch = 500

// StopBinReplays has what a person sends again wait no longer, and returns how many requests that concerns.
func (s *Service) StopBinReplays(ctx context.Context, token string) (n int, err error) {
	if _, err := s.Bin(ctx, token); err != nil {
		return 0, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		n, err = tx.DropBinRelays(token, true, &store.BinRelayed{Why: "It was stopped before it was its turn.", At: s.now().UnixMilli()})
		return err
	})
	s.bins.ring(token)
	s.relays.ring("")
	return n, err
}

// BinRelaysWaiting is how many requests of a bin wait to be forwarded, and how many to be sent again.
func (s *Service) BinRelaysWaiting(ctx context.Context, token string) (forwards, replays int, err error) {
	return s.store.CountBinRelays(ctx, token)
}

// BinRelayedOf are what became of sending on the newest requests of a bin.
func (s *Service) BinRelayedOf(ctx context.Context, token string, newest int) (map[hookswitch.Key]*store.BinRelayed, error) {
	return s.store.BinRelayedOf(ctx, token, newest)
}

// ClaimBinRelays takes requests of bins that are to be sent on now, at most limit, and of each bin one at most. Whoever takes them ends each with NoteBinRelayed or ReleaseBinRelay; after two
// minutes they may be taken again. Where there are none, next is when to look again; zero: when BinRelayBell rings.
func (s *Service) ClaimBinRelays(ctx context.Context, limit int) (list []*store.BinRelay, next time.Time, err error) {
	now := s.now()
	if next, err = s.store.NextBinRelay(ctx); err != nil || next.IsZero() || next.After(now) {
		return nil, next, err
	}
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		list, err = tx.ClaimBinRelays(now, now.Add(relayLease), limit)
		return err
	})
	return list, next, err
}

// BinRelayBell is closed when there may be something to claim on this node.
func (s *Service) BinRelayBell() <-chan struct{} { return s.relays.bell("") }

// NoteBinRelayed notes what became of sending a request of a bin on. It is not owed any more.
func (s *Service) NoteBinRelayed(ctx context.Context, token string, key hookswitch.Key, did *store.BinRelayed) error {
	did.At = s.now().UnixMilli()
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.NoteBinRelayed(token, key, did)
		return err
	})
	s.bins.ring(token)
	s.relays.ring("") // the next one of the bin
	return err
}

// ReleaseBinRelay gives a request that was claimed back.
func (s *Service) ReleaseBinRelay(ctx context.Context, r *store.BinRelay) error {
	err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.DelayBinRelay(r.Token, r.Key, s.now()) })
	s.relays.ring("")
	return err
}
