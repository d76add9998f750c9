package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/hookswitch/hookswitch"
)

// nodeForgotten is how long a node has to be silent for its number to go to another one.
const nodeForgotten = 24 * time.Hour

// joinNode finds the row of this instance, or makes one, and begins a new epoch of it. A new instance takes over the number that has been silent
// longest, where one is forgotten, and else the lowest free one: instances that live for one start each do not use the numbers up.
func (tx *Tx) joinNode(instance string, now time.Time) (Node, error) {
	n := Node{Instance: instance}
	err := tx.q.QueryRowContext(tx.ctx, `SELECT number, epoch FROM nodes WHERE instance = $1`, instance).Scan(&n.Number, &n.Epoch)
	if err == nil {
		n.Epoch++
		_, err := tx.exec(`UPDATE nodes SET epoch = $2, heartbeat_at = $3, started_at = $3, drained_at = 0 WHERE number = $1`, n.Number, n.Epoch, millis(now))
		return n, err
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return n, err
	}
	err = tx.q.QueryRowContext(tx.ctx, `SELECT number, epoch FROM nodes WHERE heartbeat_at < $1 ORDER BY heartbeat_at LIMIT 1`,
		millis(now.Add(-nodeForgotten))).Scan(&n.Number, &n.Epoch)
	if err == nil {
		n.Epoch++
		_, err := tx.exec(`UPDATE nodes SET instance = $2, epoch = $3, heartbeat_at = $4, started_at = $4, drained_at = 0 WHERE number = $1`, n.Number, instance, n.Epoch, millis(now))
		return n, err
	}
	if !errors.Is(err, sql.ErrNoRows) {
		return n, err
	}
	taken, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (number int, err error) {
		err = row.Scan(&number)
		return number, err
	}, `SELECT number FROM nodes ORDER BY number`)
	if err != nil {
		return n, err
	}
	n.Number, n.Epoch = 1, 1
	for _, t := range taken {
		if t == n.Number {
			n.Number++
		}
	}
	if n.Number > hookswitch.MaxNode {
		return n, errors.New("all node numbers are taken: remove the rows of nodes that are gone for good from the table nodes")
	}
	_, err = tx.exec(`INSERT INTO nodes (number, instance, epoch, heartbeat_at, started_at) VALUES ($1, $2, $3, $4, $4)`, n.Number, instance, n.Epoch, millis(now))
	return n, err
}

// nodeAlive is how recent the heartbeat of a node that lives is.
const nodeAlive = 30 * time.Second

// errUsurped says that this node was silent for so long that its number has gone to another one.
var errUsurped = errors.New("this node was silent for more than a day and another one has its number now: start it again")

// NodeLoad is what a node says of itself.
type NodeLoad struct {
	Version string // of its program; "": not known
	Cores   int    // that it may use
	// CPU is how much of one core it has used since it last said so, in thousandths: 1500 is one core and a half.
	CPU    int
	Memory int64 // that it has of the system, in bytes
}

// Heartbeat says that this node lives and how it is, and returns how many do. A node whose number has gone to another one must not go on: Fatal yields that.
func (s *Store) Heartbeat(ctx context.Context, l NodeLoad) (live int, err error) {
	now := s.now()
	err = s.Update(ctx, func(tx *Tx) error {
		n, err := tx.exec(`UPDATE nodes SET heartbeat_at = $3, version = $4, cores = $5, cpu = $6, memory = $7 WHERE number = $1 AND epoch = $2`,
			s.node.Number, s.node.Epoch, millis(now), clean(l.Version), l.Cores, l.CPU, l.Memory)
		if err != nil {
			return err
		}
		if n == 0 {
			return errUsurped
		}
		return tx.q.QueryRowContext(tx.ctx, `SELECT COUNT(*) FROM nodes WHERE heartbeat_at >= $1`, millis(now.Add(-nodeAlive))).Scan(&live)
	})
	if errors.Is(err, errUsurped) {
		s.fail(err)
	}
	return max(live, 1), err
}

// NodeState is a node as the others see it.
type NodeState struct {
	Node
	NodeLoad
	HeartbeatAt time.Time
	StartedAt   time.Time // zero: not known
	DrainedAt   time.Time // since when it is to take no work; zero: it takes some
	Lives       bool      // it was heard of lately
	Own         bool      // it is this one
}

// Nodes lists the nodes that have ever run on this database and have a number, the lowest first.
func (s *Store) Nodes(ctx context.Context) ([]NodeState, error) {
	alive := s.now().Add(-nodeAlive)
	return scanAll(ctx, &s.Reader, func(row rowScanner) (n NodeState, err error) {
		var at, started, drained int64
		err = row.Scan(&n.Number, &n.Instance, &n.Epoch, &at, &n.Version, &n.Cores, &n.CPU, &n.Memory, &started, &drained)
		n.HeartbeatAt, n.StartedAt, n.DrainedAt = fromMillis(at), fromMillis(started), fromMillis(drained)
		n.Lives, n.Own = !n.HeartbeatAt.Before(alive), n.Number == s.node.Number
		return n, err
	}, `SELECT number, instance, epoch, heartbeat_at, version, cores, cpu, memory, started_at, drained_at FROM nodes ORDER BY number`)
}

// DrainNode has the node take no work since the time, until it starts anew or FillNode is called. The error is of kind NotFound where there is no such node.
func (tx *Tx) DrainNode(number int, at time.Time) error {
	return tx.execOne("node", `UPDATE nodes SET drained_at = CASE WHEN drained_at > 0 THEN drained_at ELSE CAST($2 AS BIGINT) END WHERE number = $1`, number, millis(at))
}

// FillNode has the node take work again.
func (tx *Tx) FillNode(number int) error {
	return tx.execOne("node", `UPDATE nodes SET drained_at = 0 WHERE number = $1`, number)
}
