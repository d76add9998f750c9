package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/hookswitch/hookswitch"
)

// commitTimeout is how long one batch may take before its connection is given up.
const commitTimeout = 30 * time.Second

// commit writes a batch over one connection in two pipelines: first what decides which units are in, then their rows and the COMMIT.
func (p *postgres) commit(b *batch) error {
	if len(b.updates) > 0 {
		panic("store: an update in a batch for PostgreSQL")
	}
	ctx, cancel := context.WithTimeout(context.Background(), commitTimeout)
	defer cancel()
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := p.commitOn(ctx, conn.Conn(), b); err != nil {
		if conn.Conn().PgConn().TxStatus() != 'I' && !conn.Conn().IsClosed() {
			if _, undo := conn.Exec(ctx, `ROLLBACK`); undo != nil {
				_ = conn.Conn().Close(ctx) // a connection whose transaction cannot be ended is of no use
			}
		}
		return err
	}
	return nil
}

func (p *postgres) commitOn(ctx context.Context, conn *pgx.Conn, b *batch) error {
	in, err := p.admit(ctx, conn, b)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(in, func(a *Accept) bool { return a.tooOld(p.now()) }) {
		return errTooOld // it has waited for others
	}
	var q pgx.Batch
	now := p.now().UnixMilli()
	t := p.marks.tally(b.outcomes, now)
	queueAccepts(&q, in)
	queueOutcomes(&q, b.outcomes)
	queueTally(&q, t, now)
	q.Queue(`COMMIT`)
	res := conn.SendBatch(ctx, &q)
	for range q.Len() {
		if _, err := res.Exec(); err != nil {
			_ = res.Close()
			// The COMMIT was sent with the rest: it may have been reached though the answers were not.
			if lost(err) {
				return fmt.Errorf("%w: %w", errUnknown, err)
			}
			return err
		}
	}
	_ = res.Close() // the COMMIT has been confirmed, whatever becomes of the connection
	p.marks.note(t, now)
	return nil
}

// fact is a Once in its bucket.
type fact struct {
	bucket int64
	hash   [16]byte
}

// known is what the database says about a batch before it is written.
type known struct {
	versions map[hookswitch.Key]int64 // of the live apps
	seen     map[fact]hookswitch.Key  // what has happened before, and what that led to
	recorded []int64                  // attempts of doubtful outcomes that are there
}

// admit begins the transaction and finds the accepts that are neither stale nor duplicates.
func (p *postgres) admit(ctx context.Context, conn *pgx.Conn, b *batch) ([]*Accept, error) {
	now := p.now()
	k, err := begin(ctx, conn, b, now)
	if err != nil {
		return nil, err
	}
	if len(k.recorded) > 0 {
		b.outcomes = slices.DeleteFunc(slices.Clone(b.outcomes), func(o *Outcome) bool { // others look at the list too, see Unwritten
			there := o.doubtful && o.Attempt != nil && slices.Contains(k.recorded, int64(o.Attempt.Key))
			if there {
				o.told()
			}
			return there
		})
	}
	in := make([]*Accept, 0, len(b.accepts))
	var fresh []Once
	for _, a := range b.accepts {
		if a.err = k.judge(a, now); a.err == nil {
			fresh = append(fresh, a.Once...)
			in = append(in, a)
		}
	}
	return in, p.claimOnce(ctx, conn, fresh, now)
}

// judge returns nil for an accept that may be written, and remembers what it makes happen, for those behind it in the batch.
func (k *known) judge(a *Accept, now time.Time) error {
	if v, ok := k.versions[a.App]; !ok || v != a.Version {
		return ErrStale
	}
	for i, o := range a.Once {
		f := fact{o.Life.bucket(now), o.Hash}
		if ref, dup := k.seen[f]; dup {
			for _, o := range a.Once[:i] {
				delete(k.seen, fact{o.Life.bucket(now), o.Hash})
			}
			return &DuplicateError{Ref: ref}
		}
		k.seen[f] = o.Ref
	}
	return nil
}

const lockDeliveries = `SELECT 1 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (subject, target, kind) CROSS JOIN LATERAL (
	SELECT 1 FROM deliveries d WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind FOR UPDATE) d`

// begin begins the transaction and asks, in one pipeline, what must be known of the batch.
func begin(ctx context.Context, conn *pgx.Conn, b *batch, now time.Time) (*known, error) {
	var apps, buckets, doubtful, subjects, targets, kinds []int64
	var hashes [][]byte
	for _, o := range b.outcomes {
		if o.doubtful && o.Attempt != nil {
			doubtful = append(doubtful, int64(o.Attempt.Key))
			subjects, targets, kinds = append(subjects, int64(o.Subject)), append(targets, int64(o.Target)), append(kinds, int64(o.Kind))
		}
	}
	for _, a := range b.accepts {
		if !slices.Contains(apps, int64(a.App)) {
			apps = append(apps, int64(a.App))
		}
		for _, o := range a.Once {
			buckets, hashes = append(buckets, o.Life.bucket(now)), append(hashes, o.Hash[:])
		}
	}
	k := &known{versions: make(map[hookswitch.Key]int64, len(apps)), seen: make(map[fact]hookswitch.Key, len(hashes))}
	var q pgx.Batch
	q.Queue(`BEGIN`)
	if len(apps) > 0 {
		q.Queue(`SELECT id, version FROM apps WHERE id = ANY($1) AND deleted_at = 0`, apps).Query(func(rows pgx.Rows) error {
			var id, version int64
			_, err := pgx.ForEachRow(rows, []any{&id, &version}, func() error {
				k.versions[hookswitch.Key(id)] = version
				return nil
			})
			return err
		})
	}
	if len(hashes) > 0 {
		q.Queue(`SELECT u.bucket, o.hash, o.ref FROM unnest($1::bigint[], $2::bytea[]) AS u (bucket, hash) JOIN once o ON o.hash = u.hash AND o.bucket IN (u.bucket, u.bucket - 1)`, buckets, hashes).
			Query(func(rows pgx.Rows) error {
				var hash []byte
				var bucket, ref int64
				_, err := pgx.ForEachRow(rows, []any{&bucket, &hash, &ref}, func() error {
					k.seen[fact{bucket, [16]byte(hash)}] = hookswitch.Key(ref)
					return nil
				})
				return err
			})
	}
	if len(doubtful) > 0 {
		// A COMMIT whose answer was lost may still be on its way. Until it has arrived, or failed, it holds the rows of what it ends.
		q.Queue(lockDeliveries, subjects, targets, kinds)
		q.Queue(`SELECT id FROM attempts WHERE id = ANY($1)`, doubtful).Query(func(rows pgx.Rows) (err error) {
			k.recorded, err = pgx.CollectRows(rows, pgx.RowTo[int64])
			return err
		})
	}
	return k, conn.SendBatch(ctx, &q).Close()
}

// errRaced says that another node claimed one of the batch's hashes in this very moment. The batch is retried and then sees it.
var errRaced = &pgconn.PgError{Code: "40001", Message: "another node has done the same in this moment"}

// errTooOld says that a batch has waited so long that readers of other nodes may have passed its keys. Tried again, it is refused what is too old.
var errTooOld = &pgconn.PgError{Code: "40001", Message: "the batch has waited too long"}

func (p *postgres) claimOnce(ctx context.Context, conn *pgx.Conn, fresh []Once, now time.Time) error {
	if len(fresh) == 0 {
		return nil
	}
	// Sorted, so that two nodes that claim the same hashes do not wait for each other in a circle.
	slices.SortFunc(fresh, func(a, b Once) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	buckets, hashes, refs := make([]int64, len(fresh)), make([][]byte, len(fresh)), make([]int64, len(fresh))
	for i, o := range fresh {
		buckets[i], hashes[i], refs[i] = o.Life.bucket(now), fresh[i].Hash[:], int64(o.Ref)
	}
	tag, err := conn.Exec(ctx, `INSERT INTO once (bucket, hash, ref) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) ON CONFLICT DO NOTHING`, buckets, hashes, refs)
	if err == nil && tag.RowsAffected() != int64(len(fresh)) {
		return errRaced
	}
	return err
}
