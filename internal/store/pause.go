package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"
)

// Pause says that no node delivers anything. What is accepted meanwhile waits.
type Pause struct {
	Since time.Time `json:"since"`
	Note  string    `json:"note"` // why, for people
}

// pauseName is where the pause lies in meta. An empty value is none.
const pauseName = "pause"

// Held tells what keeps a node from taking work: a pause of all nodes, nil where there is none, and that it is being drained.
func (r *Reader) Held(ctx context.Context, node int) (p *Pause, drained bool, err error) {
	var value []byte
	var at sql.NullInt64
	if err := r.q.QueryRowContext(ctx, `SELECT (SELECT value FROM meta WHERE name = '`+pauseName+`'), (SELECT drained_at FROM nodes WHERE number = $1)`, node).Scan(&value, &at); err != nil {
		return nil, false, readErr(err, "pause")
	}
	if len(value) > 0 {
		p = new(Pause)
		if err := json.Unmarshal(value, p); err != nil {
			return nil, false, err
		}
	}
	return p, at.Int64 > 0, nil
}

// SetPause begins a pause, or changes what is said of the one that there is. nil ends it.
func (tx *Tx) SetPause(p *Pause) error {
	value := []byte{}
	if p != nil {
		var err error
		if value, err = json.Marshal(p); err != nil {
			return err
		}
	}
	_, err := tx.exec(`INSERT INTO meta (name, value) VALUES ('`+pauseName+`', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, value)
	return err
}
