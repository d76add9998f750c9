package store

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Once is something that must not happen twice: a hash of what it is, how long that is remembered, and what it leads to.
type Once struct {
	Hash [16]byte
	Life Life
	Ref  hookswitch.Key
}

// Life is how long a Once is remembered. It is kept for at least that long, and at most twice.
type Life uint8

// The lives. The numbers are stored.
const (
	Life10Minutes Life = 1 + iota
	Life12Hours
	Life1Day
	Life8Days
	LifeForever
)

var lifeSpan = [...]time.Duration{Life10Minutes: 10 * time.Minute, Life12Hours: 12 * time.Hour, Life1Day: 24 * time.Hour, Life8Days: 8 * 24 * time.Hour}

const lifeShift = 56

// bucket is where a Once made at now is kept. Dropping a bucket forgets all of it.
func (l Life) bucket(now time.Time) int64 {
	if l == LifeForever {
		return int64(l) << lifeShift
	}
	return int64(l)<<lifeShift | now.UnixMilli()/lifeSpan[l].Milliseconds()
}

// OnceOf names something by the parts that make it what it is.
func OnceOf(life Life, ref hookswitch.Key, parts ...string) Once {
	h := sha256.New()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	o := Once{Life: life, Ref: ref}
	copy(o.Hash[:], h.Sum(nil))
	return o
}

const (
	selectOnce = `SELECT ref FROM once WHERE bucket = $1 AND hash = $2`
	insertOnce = `INSERT INTO once (bucket, hash, ref) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	// The bucket before counts too.
	insertFirst = `INSERT INTO once (bucket, hash, ref) SELECT CAST($1 AS BIGINT), $2, CAST($3 AS BIGINT)
		WHERE NOT EXISTS (SELECT 1 FROM once WHERE bucket = CAST($1 AS BIGINT) - 1 AND hash = $2) ON CONFLICT DO NOTHING`
)

// Claim makes o happen, or returns a *DuplicateError with what it led to before.
func (tx *Tx) Claim(o Once, now time.Time) error {
	bucket, insert := o.Life.bucket(now), insertFirst
	if o.Life == LifeForever {
		insert = insertOnce // there is no bucket before it
	}
	n, err := tx.exec(insert, bucket, o.Hash[:], int64(o.Ref))
	if err != nil || n == 1 {
		return err
	}
	for _, b := range []int64{bucket, bucket - 1} {
		if ref, err := tx.onceRef(b, o.Hash[:]); err != nil || ref != nil {
			return errors.Join(err, ref.duplicate())
		}
	}
	return errors.New("a row of once appeared and is gone")
}

type onceRef hookswitch.Key

func (r *onceRef) duplicate() error {
	if r == nil {
		return nil
	}
	return &DuplicateError{Ref: hookswitch.Key(*r)}
}

func (tx *Tx) onceRef(bucket int64, hash []byte) (*onceRef, error) {
	var ref int64
	err := tx.q.QueryRowContext(tx.ctx, selectOnce, bucket, hash).Scan(&ref)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := onceRef(ref)
	return &r, nil
}

// Seen returns what o led to before, or an error of kind NotFound.
func (s *Store) Seen(o Once) (hookswitch.Key, error) {
	bucket := o.Life.bucket(s.now())
	for _, b := range []int64{bucket, bucket - 1} {
		var ref int64
		err := s.readers.QueryRow(selectOnce, b, o.Hash[:]).Scan(&ref)
		if err == nil {
			return hookswitch.Key(ref), nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return 0, unavailable(err)
		}
		if o.Life == LifeForever {
			break
		}
	}
	return 0, hookswitch.NotFoundf("not found")
}

// ForgetOnce drops up to limit of what was remembered for the life and is over, and returns how many.
func (tx *Tx) ForgetOnce(life Life, now time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM once WHERE (bucket, hash) IN (SELECT bucket, hash FROM once WHERE bucket >= $1 AND bucket < $2 LIMIT $3)`,
		int64(life)<<lifeShift, life.bucket(now)-1, limit)
	return int(n), err
}
