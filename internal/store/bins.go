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
	Name      string              // what its owner calls it; "": nothing
	Secrets   []hookswitch.Secret // to judge signatures with; none: unknown
	Answer    *BinAnswer          // nil: 200, and a few words
	Forward   string              // where its requests were sent on to last
	Relay     string              // where everything that arrives is sent on to; "": nowhere
	Taken     int64               // requests, ever
	CreatedAt time.Time
	ExpiresAt time.Time
}

// BinAnswer is what a bin answers. The zero value is 200 with a few words.
type BinAnswer struct {
	Status   int          `json:"status,omitempty"`   // 0: 200
	Sequence []int        `json:"sequence,omitempty"` // statuses of the next requests in turn, instead of Status; the last one stays, or, with Repeat, the first comes again
	Repeat   bool         `json:"repeat,omitempty"`
	From     int64        `json:"from,omitempty"` // the request, counted over all, that the sequence began with
	Headers  []HeaderLine `json:"headers,omitempty"`
	Body     string       `json:"body,omitempty"`     // with placeholders such as {{n}}
	Huge     int64        `json:"huge,omitempty"`     // bytes that the body is repeated up to
	DelayMS  int          `json:"delay_ms,omitempty"` // before the answer begins
	DripMS   int          `json:"drip_ms,omitempty"`  // that the body is spread over
	Cut      string       `json:"cut,omitempty"`      // where the connection is closed: CutBefore, CutBody, or "" nowhere
	FailRate int          `json:"fail_rate,omitempty"`
	FailWith int          `json:"fail_with,omitempty"` // the status of FailRate of a hundred requests, by chance; 0: 500
}

// Where a bin closes the connection.
const (
	CutBefore = "before" // without a word
	CutBody   = "body"   // in the middle of the body
)

// BinAnswered is what a request of a bin was answered.
type BinAnswered struct {
	Status  int    `json:"status"` // 0: nothing
	DelayMS int    `json:"delay_ms,omitempty"`
	DripMS  int    `json:"drip_ms,omitempty"`
	Size    int64  `json:"size,omitempty"`
	Cut     string `json:"cut,omitempty"`
	Why     string `json:"why,omitempty"` // what of the BinAnswer made it so: "sequence", "chance" or ""
}

// BinRequest is one request that a bin took.
type BinRequest struct {
	Key      hookswitch.Key
	Token    string
	Method   string
	URI      string
	Remote   string
	Headers  []HeaderLine
	Body     []byte // the start of it
	Size     int64  // of the whole body
	Pinned   bool
	Answered *BinAnswered // nil: not known
	Relayed  *BinRelayed  // nil: it was not sent on
	Trigger  string       // its name among the requests that are sent again and again; "": it is none
}

// HeaderLine is one header as it was received.
type HeaderLine struct {
	Name  string `json:"n"`
	Value string `json:"v"`
}

// BinShare is a link by which others may look at a bin.
type BinShare struct {
	Link      string
	Token     string // of the bin
	Password  string // salted and hashed; "": none
	CreatedAt time.Time
	ExpiresAt time.Time
}

func binOwner(token string) string { return "bin " + token }

// Bin is the bin with the token.
func (r *Reader) Bin(ctx context.Context, token string) (*Bin, error) {
	b := &Bin{Token: token}
	var created, expires int64
	var sealed []byte
	var answer string
	err := r.q.QueryRowContext(ctx, `SELECT created_at, expires_at, sealed, name, answer, forward, relay, taken FROM bins WHERE token = $1`, token).
		Scan(&created, &expires, &sealed, &b.Name, &answer, &b.Forward, &b.Relay, &b.Taken)
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
	if answer != "" {
		b.Answer = new(BinAnswer)
		if err := json.Unmarshal([]byte(answer), b.Answer); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// PutBin stores a bin, new or changed. What it has taken stays as it is.
func (tx *Tx) PutBin(b *Bin) error {
	secrets := make([]string, len(b.Secrets))
	for i, s := range b.Secrets {
		secrets[i] = s.Reveal()
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	answer := ""
	if b.Answer != nil {
		text, err := json.Marshal(b.Answer)
		if err != nil {
			return err
		}
		answer = clean(string(text))
	}
	_, err = tx.exec(`INSERT INTO bins (token, created_at, expires_at, sealed, name, answer, forward, relay) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (token) DO UPDATE SET expires_at = excluded.expires_at, sealed = excluded.sealed, name = excluded.name, answer = excluded.answer, forward = excluded.forward,
			relay = excluded.relay`,
		b.Token, millis(b.CreatedAt), millis(b.ExpiresAt), tx.box.seal(plain, binOwner(b.Token)), clean(b.Name), answer, clean(b.Forward), clean(b.Relay))
	return err
}

// CountBin counts a request with so many bytes kept of its body, and has a bin live until then at least. It returns the number of the request, and how many bytes are held.
func (tx *Tx) CountBin(token string, size int, until time.Time) (taken, held int64, err error) {
	if _, err := tx.exec(`UPDATE bins SET taken = taken + 1, held = held + $2, expires_at = CASE WHEN expires_at < $3 THEN $3 ELSE expires_at END WHERE token = $1`, token, size, millis(until)); err != nil {
		return 0, 0, err
	}
	err = tx.q.QueryRowContext(tx.ctx, `SELECT taken, held FROM bins WHERE token = $1`, token).Scan(&taken, &held)
	return taken, held, readErr(err, "bin")
}

// InsertBinRequest stores a request of a bin.
func (tx *Tx) InsertBinRequest(q *BinRequest) error {
	headers, err := json.Marshal(q.Headers)
	if err != nil {
		return err
	}
	answered := ""
	if q.Answered != nil {
		text, err := json.Marshal(q.Answered)
		if err != nil {
			return err
		}
		answered = string(text)
	}
	relayed, err := relayedText(q.Relayed)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO bin_requests (id, token, method, uri, remote, headers, body, size, pinned, answered, relayed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		int64(q.Key), q.Token, clean(q.Method), clean(q.URI), clean(q.Remote), headers, notNil(q.Body), q.Size, q.Pinned, answered, relayed)
	return err
}

// TrimBin drops the oldest requests of a bin that are not pinned: those beyond keep, and of a bin that holds more than most bytes so many that a quarter is free again.
func (tx *Tx) TrimBin(token string, keep int, held, most int64) error {
	if _, err := tx.exec(`DELETE FROM bin_requests WHERE token = $1 AND pinned = FALSE AND id <= (SELECT id FROM bin_requests WHERE token = $1 ORDER BY id DESC LIMIT 1 OFFSET $2)`, token, keep); err != nil {
		return err
	}
	if held <= most {
		return nil
	}
	type kept struct {
		key  hookswitch.Key
		size int64
	}
	list, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (k kept, err error) {
		err = row.Scan(&k.key, &k.size)
		return k, err
	}, `SELECT id, length(body) FROM bin_requests WHERE token = $1 ORDER BY id DESC`, token)
	if err != nil {
		return err
	}
	var sum int64
	for _, k := range list {
		if sum+k.size > most*3/4 {
			if _, err := tx.exec(`DELETE FROM bin_requests WHERE token = $1 AND pinned = FALSE AND id <= $2`, token, int64(k.key)); err != nil {
				return err
			}
			break
		}
		sum += k.size
	}
	_, err = tx.exec(`UPDATE bins SET held = (SELECT COALESCE(SUM(length(body)), 0) FROM bin_requests WHERE token = $1) WHERE token = $1`, token)
	return err
}

// PinBinRequest has a request of a bin stay, or lets it go.
func (tx *Tx) PinBinRequest(token string, key hookswitch.Key, pinned bool) error {
	return tx.execOne("request", `UPDATE bin_requests SET pinned = $3 WHERE token = $1 AND id = $2`, token, int64(key), pinned)
}

// NameBinTrigger gives a request of a bin a name among those that are sent again and again, or takes it away. With one it stays.
func (tx *Tx) NameBinTrigger(token string, key hookswitch.Key, name string) error {
	return tx.execOne("request", `UPDATE bin_requests SET trigger_name = $3, pinned = pinned OR $4 WHERE token = $1 AND id = $2`, token, int64(key), clean(name), name != "")
}

// CountPinned is how many requests of a bin are pinned.
func (r *Reader) CountPinned(ctx context.Context, token string) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*) FROM bin_requests WHERE token = $1 AND pinned`, token).Scan(&n)
	return n, readErr(err, "bin")
}

// EmptyBin removes the requests of a bin, pinned ones too.
func (tx *Tx) EmptyBin(token string) error {
	for _, query := range []string{`DELETE FROM bin_relays WHERE token = $1`, `DELETE FROM bin_requests WHERE token = $1`, `UPDATE bins SET held = 0 WHERE token = $1`} {
		if _, err := tx.exec(query, token); err != nil {
			return err
		}
	}
	return nil
}

// DropBin removes a bin with all it has.
func (tx *Tx) DropBin(token string) error {
	for _, query := range []string{`DELETE FROM bin_relays WHERE token = $1`, `DELETE FROM bin_requests WHERE token = $1`, `DELETE FROM bin_shares WHERE token = $1`, `DELETE FROM bins WHERE token = $1`} {
		if _, err := tx.exec(query, token); err != nil {
			return err
		}
	}
	return nil
}

// BinRequests lists what a bin took.
func (r *Reader) BinRequests(ctx context.Context, token string, p Page) ([]*BinRequest, error) {
	args := []any{token}
	return r.binRequests(ctx, token, p.clause("id", &args), args...)
}

// BinTriggers are the requests of a bin that have a name, newest first.
func (r *Reader) BinTriggers(ctx context.Context, token string) ([]*BinRequest, error) {
	return r.binRequests(ctx, token, ` AND pinned AND trigger_name <> '' ORDER BY id DESC LIMIT 200`, token)
}

func (r *Reader) binRequests(ctx context.Context, token, rest string, args ...any) ([]*BinRequest, error) {
	return scanAll(ctx, r, func(row rowScanner) (*BinRequest, error) {
		q := &BinRequest{Token: token}
		var headers []byte
		var answered, relayed string
		if err := row.Scan(&q.Key, &q.Method, &q.URI, &q.Remote, &headers, &q.Body, &q.Size, &q.Pinned, &answered, &relayed, &q.Trigger); err != nil {
			return nil, err
		}
		var err error
		if q.Relayed, err = relayedOf(relayed); err != nil {
			return nil, err
		}
		if answered != "" {
			q.Answered = new(BinAnswered)
			if err := json.Unmarshal([]byte(answered), q.Answered); err != nil {
				return nil, err
			}
		}
		return q, json.Unmarshal(headers, &q.Headers)
	}, `SELECT id, method, uri, remote, headers, body, size, pinned, answered, relayed, trigger_name FROM bin_requests WHERE token = $1`+rest, args...)
}

// BinShare is the link to a bin.
func (r *Reader) BinShare(ctx context.Context, link string) (*BinShare, error) {
	list, err := r.binShares(ctx, `link = $1`, link)
	if err == nil && len(list) == 0 {
		err = hookswitch.NotFoundf("link not found")
	}
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// BinShares are the links to a bin, newest first.
func (r *Reader) BinShares(ctx context.Context, token string) ([]*BinShare, error) {
	return r.binShares(ctx, `token = $1`, token)
}

func (r *Reader) binShares(ctx context.Context, where, value string) ([]*BinShare, error) {
	return scanAll(ctx, r, func(row rowScanner) (*BinShare, error) {
		var s BinShare
		var created, expires int64
		err := row.Scan(&s.Link, &s.Token, &s.Password, &created, &expires)
		s.CreatedAt, s.ExpiresAt = fromMillis(created), fromMillis(expires)
		return &s, err
	}, `SELECT link, token, password, created_at, expires_at FROM bin_shares WHERE `+where+` ORDER BY created_at DESC, link LIMIT 100`, value)
}

// InsertBinShare stores a new link to a bin.
func (tx *Tx) InsertBinShare(s *BinShare) error {
	_, err := tx.exec(`INSERT INTO bin_shares (link, token, password, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`, s.Link, s.Token, s.Password, millis(s.CreatedAt), millis(s.ExpiresAt))
	return err
}

// DropBinShare removes a link to a bin.
func (tx *Tx) DropBinShare(token, link string) error {
	return tx.execOne("link", `DELETE FROM bin_shares WHERE token = $1 AND link = $2`, token, link)
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
		if err := tx.DropBin(t); err != nil {
			return 0, err
		}
	}
	return len(tokens), nil
}
