package service

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Limits of a play bin.
const (
	BinLife      = 7 * 24 * time.Hour  // of one without a name
	NamedBinLife = 30 * 24 * time.Hour // after the last request, of one with a name
	BinRequests  = 10_000              // the newest are kept
	BinBody      = 256 << 10           // bytes of a body that are kept
	BinBytes     = 64 << 20            // of the bodies of a bin
	BinPins      = 100                 // requests that stay while others go
	BinShares    = 20                  // links to one bin
	MaxBinName   = 80
	// trimEvery is how often a bin is trimmed, in requests.
	trimEvery = 32
)

const (
	binTokenLen  = 27 // of 62 letters: 160 bits
	shareLinkLen = 32
	binPath      = "/play/in/"
)

// CreateBin makes a bin with a new token. The secrets are used to judge the signatures of what arrives.
func (s *Service) CreateBin(ctx context.Context, secrets ...hookswitch.Secret) (*store.Bin, error) {
	now := s.now().UTC()
	b := &store.Bin{Token: randomText(binTokenLen), Secrets: secrets, CreatedAt: now, ExpiresAt: now.Add(BinLife)}
	return b, s.store.Update(ctx, func(tx *store.Tx) error { return tx.PutBin(b) })
}

func noBin() error { return hookswitch.NotFoundf("there is no bin here; it may have expired") }

// Bin is the bin with the token. Who knows the token may see it.
func (s *Service) Bin(ctx context.Context, token string) (*store.Bin, error) {
	if len(token) != binTokenLen || hookswitch.CheckName(token) != "" {
		return nil, noBin()
	}
	b, err := s.store.Bin(ctx, token)
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && !s.now().Before(b.ExpiresAt) {
		return nil, noBin()
	}
	return b, err
}

// UpdateBin changes a bin. The change must not touch its token.
func (s *Service) UpdateBin(ctx context.Context, token string, change func(*store.Bin) error) (*store.Bin, error) {
	if _, err := s.Bin(ctx, token); err != nil {
		return nil, err
	}
	var b *store.Bin
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if b, err = tx.Bin(tx.Context(), token); err != nil {
			return err
		}
		relay := b.Relay
		if err := change(b); err != nil {
			return err
		}
		if b.Relay != "" && b.Relay != relay {
			if wrong := s.checkRelay(b); wrong != "" {
				return hookswitch.InvalidField(wrong, "relay")
			}
		}
		if b.Relay == "" && relay != "" {
			if _, err := tx.DropBinRelays(token, false, &store.BinRelayed{To: relay, Why: "Forwarding was stopped before it was its turn.", At: s.now().UnixMilli()}); err != nil {
				return err
			}
		}
		if m := hookswitch.CheckText(b.Name); m != "" {
			return hookswitch.InvalidField(m, "name")
		}
		if len(b.Name) > MaxBinName {
			return hookswitch.InvalidField("must be at most 80 bytes long", "name")
		}
		if b.Answer != nil {
			if err := CheckBinAnswer(b.Answer); err != nil {
				return err
			}
		}
		if until := s.now().UTC().Add(NamedBinLife); b.Name != "" && b.ExpiresAt.Before(until) {
			b.ExpiresAt = until
		}
		return tx.PutBin(b)
	})
	return b, err
}

// checkRelay says what is wrong with where a bin is to send on what arrives.
func (s *Service) checkRelay(b *store.Bin) string {
	u, wrong := hookswitch.ParseEndpointURL(b.Relay)
	if wrong != "" {
		return wrong
	}
	if token, own := s.BinToken(b.Relay); own && token == b.Token {
		return "is that of this bin itself"
	}
	return s.checkTarget(u)
}

// SetBinSecrets changes what the signatures of a bin's requests are judged with.
func (s *Service) SetBinSecrets(ctx context.Context, token string, secrets ...hookswitch.Secret) error {
	_, err := s.UpdateBin(ctx, token, func(b *store.Bin) error {
		b.Secrets = secrets
		return nil
	})
	return err
}

// SetBinAnswer changes what a bin answers from its next request on; nil: 200. A sequence begins anew.
func (s *Service) SetBinAnswer(ctx context.Context, token string, a *store.BinAnswer) error {
	_, err := s.UpdateBin(ctx, token, func(b *store.Bin) error {
		if b.Answer = a; a != nil {
			a.From = b.Taken + 1
		}
		return nil
	})
	return err
}

// AddBinRequest stores a request of a bin that nobody waits for an answer to, and wakes those who watch it. It is forwarded where the bin has been told to.
func (s *Service) AddBinRequest(ctx context.Context, q *store.BinRequest) error {
	_, err := s.addBinRequest(ctx, q, false)
	return err
}

// TakeBinRequest stores a request that a bin took, wakes those who watch it, and says what is to be answered. It is forwarded where the bin has been told to.
func (s *Service) TakeBinRequest(ctx context.Context, q *store.BinRequest) (*BinReply, error) {
	return s.addBinRequest(ctx, q, true)
}

func (s *Service) addBinRequest(ctx context.Context, q *store.BinRequest, answer bool) (*BinReply, error) {
	if _, err := s.Bin(ctx, q.Token); err != nil {
		return nil, err
	}
	whole := q.Body
	if len(q.Body) > BinBody {
		q.Body = q.Body[:BinBody]
	}
	chance := rand.IntN(100) //nolint:gosec // it decides about nothing but a fault that was asked for
	var reply *BinReply
	relays := false
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		b, err := tx.Bin(tx.Context(), q.Token)
		if err != nil {
			return err
		}
		now, until := s.now().UTC(), b.ExpiresAt
		if b.Name != "" {
			until = now.Add(NamedBinLife)
		}
		n, held, err := tx.CountBin(q.Token, len(q.Body), until)
		if err != nil {
			return err
		}
		if answer {
			request := *q
			request.Body = whole
			reply = replyOf(b.Answer, &request, n, chance, now)
			q.Answered = reply.answered()
		}
		q.Key = s.keys.Next()
		if relays, err = s.oweForward(tx, b, q); err != nil {
			return err
		}
		if err := tx.InsertBinRequest(q); err != nil {
			return err
		}
		if n%trimEvery != 0 && held <= BinBytes {
			return nil
		}
		return tx.TrimBin(q.Token, BinRequests, held, BinBytes)
	})
	if err != nil {
		return nil, err
	}
	s.bins.ring(q.Token)
	if relays {
		s.relays.ring("")
	}
	return reply, nil
}

// BinRequests lists what a bin took.
func (s *Service) BinRequests(ctx context.Context, token string, p store.Page) ([]*store.BinRequest, error) {
	return s.store.BinRequests(ctx, token, p)
}

// BinRequest is one request that a bin took.
func (s *Service) BinRequest(ctx context.Context, token string, key hookswitch.Key) (*store.BinRequest, error) {
	list, err := s.store.BinRequests(ctx, token, store.Page{Limit: 1, Before: key + 1})
	if err == nil && (len(list) == 0 || list[0].Key != key) {
		err = hookswitch.NotFoundf("The bin does not hold this request.")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// searchBatch and searchLimit bound how requests are looked through.
const (
	searchBatch = 200
	searchLimit = BinRequests + 2*BinPins
)

// SearchBinRequests lists what a bin took and match likes, newest first, from before down; at most limit. It looks at everything that the bin holds.
func (s *Service) SearchBinRequests(ctx context.Context, token string, before hookswitch.Key, limit int, match func(*store.BinRequest) bool) (found []*store.BinRequest, err error) {
	for looked := 0; looked < searchLimit; looked += searchBatch {
		list, err := s.store.BinRequests(ctx, token, store.Page{Limit: searchBatch, Before: before})
		if err != nil {
			return nil, err
		}
		for _, q := range list {
			if before = q.Key; match(q) {
				if found = append(found, q); len(found) == limit {
					return found, nil
				}
			}
		}
		if len(list) < searchBatch {
			break
		}
	}
	return found, nil
}

// PinBinRequest has a request of a bin stay while others go, or lets it go with them.
func (s *Service) PinBinRequest(ctx context.Context, token string, key hookswitch.Key, pinned bool) error {
	if _, err := s.Bin(ctx, token); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if n, err := tx.CountPinned(tx.Context(), token); err != nil || pinned && n >= BinPins {
			if err == nil {
				err = hookswitch.Errorf(hookswitch.Conflict, "A bin keeps %d pinned requests. Unpin one first.", BinPins)
			}
			return err
		}
		return tx.PinBinRequest(token, key, pinned)
	})
}

// NameBinTrigger makes a request of a bin one that is sent again and again, under a name; with an empty one it is not any more. It stays as pinned ones do.
func (s *Service) NameBinTrigger(ctx context.Context, token string, key hookswitch.Key, name string) error {
	if m := hookswitch.CheckText(name); m != "" {
		return hookswitch.InvalidField(m, "name")
	}
	if len(name) > MaxBinName {
		return hookswitch.InvalidField("must be at most 80 bytes long", "name")
	}
	q, err := s.BinRequest(ctx, token, key)
	if err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if name != "" && !q.Pinned {
			if n, err := tx.CountPinned(tx.Context(), token); err != nil || n >= BinPins {
				if err == nil {
					err = hookswitch.Errorf(hookswitch.Conflict, "A bin keeps %d pinned requests. Unpin one first.", BinPins)
				}
				return err
			}
		}
		return tx.NameBinTrigger(token, key, name)
	})
}

// BinTriggers are the requests of a bin that are sent again and again, newest first.
func (s *Service) BinTriggers(ctx context.Context, token string) ([]*store.BinRequest, error) {
	return s.store.BinTriggers(ctx, token)
}

// EmptyBin removes what a bin took.
func (s *Service) EmptyBin(ctx context.Context, token string) error {
	if _, err := s.Bin(ctx, token); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.EmptyBin(token) })
}

// DeleteBin removes a bin with all it took.
func (s *Service) DeleteBin(ctx context.Context, token string) error {
	if _, err := s.Bin(ctx, token); err != nil {
		return err
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DropBin(token) })
}

// ShareBin makes a link by which others may look at a bin, and change nothing, until the time; password may be empty.
func (s *Service) ShareBin(ctx context.Context, token string, password hookswitch.Secret, life time.Duration) (*store.BinShare, error) {
	if life < time.Minute || life > NamedBinLife {
		return nil, hookswitch.InvalidField("must lie between a minute and 30 days", "expiry")
	}
	if len(password) > 200 {
		return nil, hookswitch.InvalidField("must be at most 200 bytes long", "password")
	}
	if _, err := s.Bin(ctx, token); err != nil {
		return nil, err
	}
	now := s.now().UTC()
	share := &store.BinShare{Link: randomText(shareLinkLen), Token: token, CreatedAt: now, ExpiresAt: now.Add(life)}
	if password != "" {
		salt := randomText(16)
		share.Password = salt + "." + hashPassword(password.Reveal(), salt)
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.BinShares(tx.Context(), token)
		if err != nil {
			return err
		}
		live := 0
		for _, old := range have {
			if now.Before(old.ExpiresAt) {
				live++
			} else if err := tx.DropBinShare(token, old.Link); err != nil {
				return err
			}
		}
		if live >= BinShares {
			return hookswitch.Errorf(hookswitch.Conflict, "A bin has %d links at most. End one first.", BinShares)
		}
		return tx.InsertBinShare(share)
	})
	return share, err
}

// passwordRounds is what a guess at a password costs.
const passwordRounds = 100_000

func hashPassword(password, salt string) string {
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), passwordRounds, 32)
	if err != nil {
		return "" // the length is fine; an empty hash opens nothing
	}
	return hex.EncodeToString(key)
}

// OpensBin reports whether the password opens a link.
func OpensBin(share *store.BinShare, password string) bool {
	if share.Password == "" {
		return true
	}
	salt, want, ok := strings.Cut(share.Password, ".")
	got := hashPassword(password, salt)
	return ok && got != "" && subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// BinShare is the link to a bin, with the bin.
func (s *Service) BinShare(ctx context.Context, link string) (*store.BinShare, *store.Bin, error) {
	if len(link) != shareLinkLen || hookswitch.CheckName(link) != "" {
		return nil, nil, noBin()
	}
	share, err := s.store.BinShare(ctx, link)
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && !s.now().Before(share.ExpiresAt) {
		return nil, nil, noBin()
	}
	if err != nil {
		return nil, nil, err
	}
	b, err := s.Bin(ctx, share.Token)
	return share, b, err
}

// IsBinShare reports whether a text has the form of a link to a bin, rather than that of its token.
func IsBinShare(text string) bool { return len(text) == shareLinkLen }

// BinShares are the links to a bin that have not ended, newest first.
func (s *Service) BinShares(ctx context.Context, token string) ([]*store.BinShare, error) {
	list, err := s.store.BinShares(ctx, token)
	live := list[:0]
	for _, share := range list {
		if s.now().Before(share.ExpiresAt) {
			live = append(live, share)
		}
	}
	return live, err
}

// EndBinShare ends a link to a bin.
func (s *Service) EndBinShare(ctx context.Context, token, link string) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.DropBinShare(token, link) })
}

// BinBell is closed when the bin takes its next request on this node. Requests that other nodes take are found by looking again after a while.
func (s *Service) BinBell(token string) <-chan struct{} { return s.bins.bell(token) }

// binBase is how the addresses of a server's bins begin, spelt as those of endpoints are kept.
func binBase(publicURL string) string {
	base := publicURL + binPath
	if u, wrong := hookswitch.ParseEndpointURL(base); wrong == "" {
		base = u.String()
	}
	return base
}

// BinToken is the token of the bin that a URL posts to, when it is one of this server's.
func (s *Service) BinToken(url string) (string, bool) {
	token, ok := strings.CutPrefix(url, s.binBase)
	if !ok || len(token) != binTokenLen || hookswitch.CheckName(token) != "" {
		return "", false
	}
	return token, true
}
