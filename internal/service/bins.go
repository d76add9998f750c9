package service

import (
	"context"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Limits of a play bin.
const (
	BinLife     = 7 * 24 * time.Hour
	BinRequests = 500       // the newest are kept
	BinBody     = 256 << 10 // bytes of a body that are kept
)

const (
	binTokenLen = 27 // of 62 letters: 160 bits
	binPath     = "/play/in/"
)

// CreateBin makes a bin with a new token. The secrets are used to judge the signatures of what arrives.
func (s *Service) CreateBin(ctx context.Context, secrets ...hookswitch.Secret) (*store.Bin, error) {
	now := s.now().UTC()
	b := &store.Bin{Token: randomText(binTokenLen), Secrets: secrets, CreatedAt: now, ExpiresAt: now.Add(BinLife)}
	return b, s.store.Update(ctx, func(tx *store.Tx) error { return tx.PutBin(b) })
}

// Bin is the bin with the token. Who knows the token may see it.
func (s *Service) Bin(ctx context.Context, token string) (*store.Bin, error) {
	if len(token) != binTokenLen || hookswitch.CheckName(token) != "" {
		return nil, hookswitch.NotFoundf("there is no bin here; it may have expired")
	}
	b, err := s.store.Bin(ctx, token)
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && !s.now().Before(b.ExpiresAt) {
		return nil, hookswitch.NotFoundf("there is no bin here; it may have expired")
	}
	return b, err
}

// SetBinSecrets changes what the signatures of a bin's requests are judged with.
func (s *Service) SetBinSecrets(ctx context.Context, token string, secrets ...hookswitch.Secret) error {
	b, err := s.Bin(ctx, token)
	if err != nil {
		return err
	}
	b.Secrets = secrets
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.PutBin(b) })
}

// AddBinRequest stores a request that a bin took, and wakes those who watch it.
func (s *Service) AddBinRequest(ctx context.Context, q *store.BinRequest) error {
	if _, err := s.Bin(ctx, q.Token); err != nil {
		return err
	}
	if len(q.Body) > BinBody {
		q.Body = q.Body[:BinBody]
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		q.Key = s.keys.Next()
		return tx.InsertBinRequest(q, BinRequests)
	})
	if err == nil {
		s.bins.ring(q.Token)
	}
	return err
}

// BinRequests lists what a bin took.
func (s *Service) BinRequests(ctx context.Context, token string, p store.Page) ([]*store.BinRequest, error) {
	return s.store.BinRequests(ctx, token, p)
}

// BinBell is closed when the bin takes its next request on this node. Requests that other nodes take are found by looking again after a while.
func (s *Service) BinBell(token string) <-chan struct{} { return s.bins.bell(token) }

// BinToken is the token of the bin that a URL posts to, when it is one of this server's.
func (s *Service) BinToken(url string) (string, bool) {
	token, ok := strings.CutPrefix(url, s.o.PublicURL+binPath)
	if !ok || len(token) != binTokenLen || hookswitch.CheckName(token) != "" {
		return "", false
	}
	return token, true
}
