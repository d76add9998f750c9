package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// DoorNote is what has come to the doors for a sender's channel and had one result: how often, and what the last one was.
type DoorNote struct {
	Sender   hookswitch.Key     // 0: the door does not say whose it was
	Channel  hookswitch.Channel // "": the door does not say
	Provider string
	Result   string // a word of the doors, such as accepted or bad_signature
	Door     string // the path of the last
	Cause    string // why the last was refused; "": it was not
	Seen     int64  // how many, since they are kept
	At       time.Time
}

// AddDoorNote adds to what has come with the same result, and keeps the later one of the two as the last.
func (tx *Tx) AddDoorNote(n DoorNote) error {
	_, err := tx.exec(`INSERT INTO door_notes (sender_id, channel, provider, result, door, cause, seen, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (sender_id, channel, provider, result) DO UPDATE SET seen = door_notes.seen + excluded.seen,
			door = CASE WHEN excluded.at >= door_notes.at THEN excluded.door ELSE door_notes.door END,
			cause = CASE WHEN excluded.at >= door_notes.at THEN excluded.cause ELSE door_notes.cause END,
			at = CASE WHEN excluded.at >= door_notes.at THEN excluded.at ELSE door_notes.at END`,
		int64(n.Sender), string(n.Channel), n.Provider, n.Result, clean(n.Door), clean(n.Cause), n.Seen, millis(n.At))
	return err
}

// DoorNotes are what has come to the doors for a sender, the newest first; of sender 0 what no door told whose it was.
func (r *Reader) DoorNotes(ctx context.Context, sender hookswitch.Key) ([]DoorNote, error) {
	return scanAll(ctx, r, func(row rowScanner) (n DoorNote, err error) {
		var at int64
		err = row.Scan(&n.Sender, &n.Channel, &n.Provider, &n.Result, &n.Door, &n.Cause, &n.Seen, &at)
		n.At = fromMillis(at)
		return n, err
	}, `SELECT sender_id, channel, provider, result, door, cause, seen, at FROM door_notes WHERE sender_id = $1 ORDER BY at DESC`, int64(sender))
}

// DropDoorNotes forgets what has come to the doors for a sender.
func (tx *Tx) DropDoorNotes(sender hookswitch.Key) error {
	_, err := tx.exec(`DELETE FROM door_notes WHERE sender_id = $1`, int64(sender))
	return err
}
