package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Backlog describes what waits.
type Backlog struct {
	Due    int       // waiting and due
	Oldest time.Time // when the oldest due work became due; zero: none is
}

// QueueState is what waits of one kind of work, and what runs.
type QueueState struct {
	Kind    hookswitch.DeliveryKind
	Due     int       // waiting, and due
	Later   int       // waiting for another try, or for its time
	Running int       // a node has them
	Oldest  time.Time // when the oldest due one became due; zero: none is
	Nodes   map[int]int
}

// Queues tells what waits and runs of each kind of work, as far as it is counted: beyond a bound of rows the numbers say only "many".
func (r *Reader) Queues(ctx context.Context, now time.Time) ([]QueueState, error) {
	by := make(map[hookswitch.DeliveryKind]*QueueState)
	of := func(kind hookswitch.DeliveryKind) *QueueState {
		if by[kind] == nil {
			by[kind] = &QueueState{Kind: kind, Nodes: make(map[int]int)}
		}
		return by[kind]
	}
	_, err := scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var kind hookswitch.DeliveryKind
		var all, due int
		var oldest sql.NullInt64
		err := row.Scan(&kind, &all, &due, &oldest)
		q := of(kind)
		q.Due, q.Later, q.Oldest = due, all-due, fromMillis(oldest.Int64)
		return struct{}{}, err
	}, `SELECT kind, COUNT(*), SUM(CASE WHEN next_at <= $1 THEN 1 ELSE 0 END), MIN(CASE WHEN next_at <= $1 THEN next_at END)
		FROM (SELECT kind, next_at FROM deliveries WHERE owner = 0 AND state = 0 AND kind > 0 LIMIT $2) waiting GROUP BY kind`, now.UnixMilli(), backlogBound)
	if err != nil {
		return nil, err
	}
	_, err = scanAll(ctx, r, func(row rowScanner) (struct{}, error) {
		var kind hookswitch.DeliveryKind
		var node, n int
		err := row.Scan(&kind, &node, &n)
		q := of(kind)
		q.Running += n
		q.Nodes[node] += n
		return struct{}{}, err
	}, `SELECT kind, owner, COUNT(*) FROM (SELECT kind, owner FROM deliveries WHERE owner <> 0 LIMIT $1) running GROUP BY kind, owner`, backlogBound)
	var list []QueueState
	for kind := hookswitch.DeliverWebhook; kind <= hookswitch.DeliverOrdered; kind++ {
		list = append(list, *of(kind))
	}
	return list, err
}

// backlogBound is how many waiting rows are looked at: beyond it the numbers say only "many".
const backlogBound = 100_000

// Backlog counts what is due among the first that wait, for metrics. What waits for its turn at an ordered endpoint does not count.
func (r *Reader) Backlog(ctx context.Context, now time.Time) (Backlog, error) {
	var b Backlog
	var oldest sql.NullInt64
	err := r.q.QueryRowContext(ctx, `SELECT COUNT(*), MIN(next_at) FROM (SELECT next_at FROM deliveries
		WHERE owner = 0 AND state = 0 AND kind < 5 LIMIT $2) waiting WHERE next_at <= $1`, now.UnixMilli(), backlogBound).Scan(&b.Due, &oldest)
	b.Oldest = fromMillis(oldest.Int64)
	return b, readErr(err, "delivery")
}
