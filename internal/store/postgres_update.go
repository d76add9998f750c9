package store

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/hookswitch/hookswitch"
)

// How often a transaction that conflicts with others is run: beside all of them at first, and then one at a time, so that those that keep losing do not
// keep each other from winning.
const (
	crowdTries  = 3
	updateTries = 24
)

// update runs fn at repeatable read: a row that another transaction changed since ours began makes ours begin again.
func (p *postgres) update(ctx context.Context, fn func(*Tx) error) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if inBackground(ctx) {
		leave, err := p.way.enter(ctx)
		if err != nil {
			return true, err
		}
		defer leave()
	} else {
		defer p.way.begin()()
	}
	for try := 1; ; try++ {
		err := p.tryUpdate(ctx, fn)
		if err == nil || try == updateTries || errors.Is(err, errUnknown) || !again(err) {
			return true, err
		}
		if try == crowdTries {
			select {
			case p.turn <- struct{}{}:
				defer func() { <-p.turn }()
			case <-ctx.Done():
				return true, err
			}
			continue
		}
		pause := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << min(try, crowdTries))))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return true, err
		}
	}
}

// again reports whether a transaction that ended with err is worth another try. A row that a unique index refused without fn having a
// sentence for it is one that fn looked for and did not see, because another transaction was just inserting it.
func again(err error) bool {
	switch classifyPostgres(err) {
	case faultRetry:
		return true
	case faultUnique:
		return hookswitch.KindOf(err) != hookswitch.Conflict
	}
	return false
}

// lost reports whether the answer to a COMMIT that ended with err leaves open what became of it.
func lost(err error) bool {
	var known *pgconn.PgError
	return !errors.As(err, &known) || known.Severity != "ERROR" || known.Code == "40003" || known.Code == "08007"
}

func (p *postgres) tryUpdate(ctx context.Context, fn func(*Tx) error) (err error) {
	conn, err := p.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close() // it goes back to the pool
	return conn.Raw(func(driverConn any) error {
		w := &pipe{conn: driverConn.(*stdlib.Conn).Conn()}
		w.write(`BEGIN ISOLATION LEVEL REPEATABLE READ`)
		err := call(&Tx{Reader: Reader{q: w, d: postgresDialect, box: p.box}, ctx: ctx, pipe: w}, fn)
		if err == nil {
			err = w.commit(ctx)
		}
		if err != nil {
			w.rollBack(ctx)
		}
		return err
	})
}
