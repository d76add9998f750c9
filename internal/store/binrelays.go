package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hookswitch/hookswitch"
)

// BinRelayed is what became of sending a request of a bin on.
type BinRelayed struct {
	To      string `json:"to"`
	Waiting bool   `json:"waiting,omitempty"` // it is owed still
	Status  int    `json:"status,omitempty"`  // 0: there was no answer
	MS      int64  `json:"ms,omitempty"`
	Why     string `json:"why,omitempty"` // there was none, as a sentence
	At      int64  `json:"at,omitempty"`  // Unix ms; 0: when the request arrived
}

func relayedText(did *BinRelayed) (string, error) {
	if did == nil {
		return "", nil
	}
	text, err := json.Marshal(did)
	return clean(string(text)), err
}

func relayedOf(text string) (*BinRelayed, error) {
	if text == "" {
		return nil, nil
	}
	did := new(BinRelayed)
	return did, json.Unmarshal([]byte(text), did)
}

// BinRelay is a request of a bin that is owed to an address.
type BinRelay struct {
	Key    hookswitch.Key // of the request
	Token  string
	Target string
	How    string // RelayReplay, RelayResign, or "": it is forwarded as it arrived
}

// How a request is owed to an address.
const (
	RelayReplay = "replay" // a person sends it again
	RelayResign = "resign" // the same, with a new signature
)

// OweBinRelay has a request sent on from due on. One that waits already goes to the new target instead.
func (tx *Tx) OweBinRelay(r *BinRelay, due time.Time) error {
	_, err := tx.exec(`INSERT INTO bin_relays (id, token, target, how, due) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET target = excluded.target, how = excluded.how, due = excluded.due`, int64(r.Key), r.Token, clean(r.Target), r.How, millis(due))
	return err
}

// ClaimBinRelays takes up to limit requests that are due; nobody else gets them before until. There is one of each bin at most, its oldest: they go in the order in which they came.
func (tx *Tx) ClaimBinRelays(now, until time.Time, limit int) ([]*BinRelay, error) {
	list, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (*BinRelay, error) {
		r := new(BinRelay)
		return r, row.Scan(&r.Key, &r.Token, &r.Target, &r.How)
	}, `SELECT id, token, target, how FROM bin_relays WHERE due <= $1 AND NOT EXISTS (SELECT 1 FROM bin_relays older WHERE older.token = bin_relays.token AND older.id < bin_relays.id)
		ORDER BY id LIMIT $2`, millis(now), limit)
	if err != nil {
		return nil, err
	}
	mine := list[:0]
	for _, r := range list {
		n, err := tx.exec(`UPDATE bin_relays SET due = $2 WHERE id = $1 AND due <= $3`, int64(r.Key), millis(until), millis(now))
		if err != nil {
			return nil, err
		}
		if n == 1 { // else another node was faster
			mine = append(mine, r)
		}
	}
	return mine, nil
}

// DelayBinRelay has a request that waits wait until due.
func (tx *Tx) DelayBinRelay(token string, key hookswitch.Key, due time.Time) error {
	_, err := tx.exec(`UPDATE bin_relays SET due = $3 WHERE token = $1 AND id = $2`, token, int64(key), millis(due))
	return err
}

// NoteBinRelayed notes what became of sending a request on. It is owed no more, unless did says so. It reports whether the bin holds the request.
func (tx *Tx) NoteBinRelayed(token string, key hookswitch.Key, did *BinRelayed) (held bool, err error) {
	text, err := relayedText(did)
	if err != nil {
		return false, err
	}
	if !did.Waiting {
		if _, err := tx.exec(`DELETE FROM bin_relays WHERE token = $1 AND id = $2`, token, int64(key)); err != nil {
			return false, err
		}
	}
	n, err := tx.exec(`UPDATE bin_requests SET relayed = $3 WHERE token = $1 AND id = $2`, token, int64(key), text)
	return n == 1, err
}

// DropBinRelays has nothing of a bin wait any more of what is forwarded as it arrives or, with replays, of what a person sends again; did is noted of it. It returns how many there were.
func (tx *Tx) DropBinRelays(token string, replays bool, did *BinRelayed) (int, error) {
	text, err := relayedText(did)
	if err != nil {
		return 0, err
	}
	if _, err := tx.exec(`UPDATE bin_requests SET relayed = $3 WHERE token = $1 AND id IN (SELECT id FROM bin_relays WHERE token = $1 AND (how <> '') = $2)`, token, replays, text); err != nil {
		return 0, err
	}
	n, err := tx.exec(`DELETE FROM bin_relays WHERE token = $1 AND (how <> '') = $2`, token, replays)
	return int(n), err
}

// CountBinRelays is how many requests of a bin wait to be sent on: those that are forwarded as they arrived, and those that a person sends again.
func (r *Reader) CountBinRelays(ctx context.Context, token string) (forwards, replays int, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT COALESCE(SUM(CASE WHEN how = '' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN how = '' THEN 0 ELSE 1 END), 0) FROM bin_relays WHERE token = $1`, token).
		Scan(&forwards, &replays)
	return forwards, replays, readErr(err, "bin")
}

// NextBinRelay is when the first of all that wait is due; the zero time where nothing waits.
func (r *Reader) NextBinRelay(ctx context.Context) (time.Time, error) {
	var due int64
	err := r.q.QueryRowContext(ctx, `SELECT COALESCE(MIN(due), 0) FROM bin_relays`).Scan(&due)
	return fromMillis(due), readErr(err, "relay")
}

// BinRelayedOf are what became of sending on the newest requests of a bin, of up to limit of them. Those that were never sent on are missing.
func (r *Reader) BinRelayedOf(ctx context.Context, token string, limit int) (map[hookswitch.Key]*BinRelayed, error) {
	found := make(map[hookswitch.Key]*BinRelayed)
	_, err := scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var key hookswitch.Key
		var text string
		if err := row.Scan(&key, &text); err != nil {
			return struct{}{}, err
		}
		did, err := relayedOf(text)
		if did != nil {
			found[key] = did
		}
		return struct{}{}, err
	}, `SELECT id, relayed FROM bin_requests WHERE token = $1 ORDER BY id DESC LIMIT $2`, token, limit)
	return found, err
}
