package store

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Answer is what was answered to a request that may be made again.
type Answer struct {
	Status int
	// Content is opaque here. It is encrypted at rest: answers hold tokens and secrets.
	Content []byte
}

func answerOwner(o Once) string { return "answer " + hex.EncodeToString(o.Hash[:]) }

const (
	selectAnswer = `SELECT status, sealed FROM answers WHERE hash = $1 AND bucket IN ($2, $3) ORDER BY bucket LIMIT 1`
	insertAnswer = `INSERT INTO answers (bucket, hash, status, sealed) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`
)

// Answer is what was answered to the request o, or an error of kind NotFound.
func (r *Reader) Answer(ctx context.Context, o Once, now time.Time) (Answer, error) {
	var a Answer
	var sealed []byte
	bucket := o.Life.bucket(now)
	if err := r.q.QueryRowContext(ctx, selectAnswer, o.Hash[:], bucket-1, bucket).Scan(&a.Status, &sealed); err != nil {
		return a, readErr(err, "answer")
	}
	var err error
	a.Content, err = r.box.open(sealed, answerOwner(o))
	return a, err
}

// KeepAnswer remembers what was answered to the request o. Where an answer to it is kept already, that one stays and is returned.
func (tx *Tx) KeepAnswer(o Once, a Answer, now time.Time) (Answer, error) {
	first, err := tx.Answer(tx.ctx, o, now)
	if hookswitch.KindOf(err) != hookswitch.NotFound {
		return first, err
	}
	n, err := tx.exec(insertAnswer, o.Life.bucket(now), o.Hash[:], a.Status, tx.box.seal(a.Content, answerOwner(o)))
	if err != nil || n == 1 {
		return a, err
	}
	return tx.Answer(tx.ctx, o, now) // another one was faster
}

// ForgetAnswers drops up to limit of the answers that were kept for the life and are over, and returns how many.
func (tx *Tx) ForgetAnswers(life Life, now time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM answers WHERE (bucket, hash) IN (SELECT bucket, hash FROM answers WHERE bucket >= $1 AND bucket < $2 LIMIT $3)`,
		int64(life)<<lifeShift, life.bucket(now)-1, limit)
	return int(n), err
}
