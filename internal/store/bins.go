package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Bin is an address that takes any request and shows it. Who knows its token may read it.
type Bin struct {
	Token     string
	Secrets   []hookswitch.Secret // to judge signatures with; none: unknown
	CreatedAt time.Time
	ExpiresAt time.Time
}

// BinRequest is one request that a bin took.
type BinRequest struct {
	Key     hookswitch.Key
	Token   string
	Method  string
	URI     string
	Remote  string
	Headers []HeaderLine
	Body    []byte // the start of it
	Size    int64  // of the whole body
}

// HeaderLine is one header as it was received.
type HeaderLine struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

func binOwner(token string) string { return "bin " + token }

// Bin is the bin with the token.
func (r *Reader) Bin(ctx context.Context, token string) (*Bin, error) {
	b := &Bin{Token: token}
	var created, expires int64
	var sealed []byte
	err := r.q.QueryRowContext(ctx, `SELECT created_at, expires_at, sealed FROM bins WHERE token = $1`, token).Scan(&created, &expires, &sealed)
	if err != nil {
		return nil, readErr(err, "bin")
	}
	b.CreatedAt, b.ExpiresAt = fromMillis(created), fromMillis(expires)
	plain, err := r.box.open(sealed, binOwner(token))
	if err != nil {
		return nil, err
	}
	var secrets []string
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return nil, err
	}
	for _, s := range secrets {
		b.Secrets = append(b.Secrets, hookswitch.Secret(s))
	}
	return b, nil
}

// PutBin stores a bin, new or changed.
func (tx *Tx) PutBin(b *Bin) error {
	secrets := make([]string, len(b.Secrets))
	for i, s := range b.Secrets {
		secrets[i] = s.Reveal()
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO bins (token, created_at, expires_at, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at, sealed = excluded.sealed`,
		b.Token, millis(b.CreatedAt), millis(b.ExpiresAt), tx.box.seal(plain, binOwner(b.Token)))
	return err
}

// InsertBinRequest stores a request of a bin and drops its oldest ones beyond keep.
func (tx *Tx) InsertBinRequest(q *BinRequest, keep int) error {
	headers, err := json.Marshal(q.Headers)
	if err != nil {
		return err
	}
	if _, err := tx.exec(`INSERT INTO bin_requests (id, token, method, uri, remote, headers, body, size) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(q.Key), q.Token, clean(q.Method), clean(q.URI), clean(q.Remote), headers, notNil(q.Body), q.Size); err != nil {
		return err
	}
	_, err = tx.exec(`DELETE FROM bin_requests WHERE token = $1 AND id <= (SELECT id FROM bin_requests WHERE token = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, q.Token, keep)
	return err
}

// BinRequests lists what a bin took.
func (r *Reader) BinRequests(ctx context.Context, token string, p Page) ([]*BinRequest, error) {
	args := []any{token}
	return scanAll(ctx, r, func(row rowScanner) (*BinRequest, error) {
		q := &BinRequest{Token: token}
		var headers []byte
		if err := row.Scan(&q.Key, &q.Method, &q.URI, &q.Remote, &headers, &q.Body, &q.Size); err != nil {
			return nil, err
		}
		return q, json.Unmarshal(headers, &q.Headers)
	}, `SELECT id, method, uri, remote, headers, body, size FROM bin_requests WHERE token = $1`+p.clause("id", &args), args...)
}

// DropBinsBefore removes up to limit bins that have expired, with their requests, and returns how many.
func (tx *Tx) DropBinsBefore(now time.Time, limit int) (int, error) {
	tokens, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (t string, err error) {
		err = row.Scan(&t)
		return t, err
	}, `SELECT token FROM bins WHERE expires_at < $1 ORDER BY expires_at LIMIT $2`, millis(now), limit)
	if err != nil {
		return 0, err
	}
	for _, t := range tokens {
		if _, err := tx.exec(`DELETE FROM bin_requests WHERE token = $1`, t); err != nil {
			return 0, err
		}
		if _, err := tx.exec(`DELETE FROM bins WHERE token = $1`, t); err != nil {
			return 0, err
		}
	}
	return len(tokens), nil
}
