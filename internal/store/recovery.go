package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Recovery says over which events of an App a recovery of one endpoint walks.
type Recovery struct {
	App, Endpoint hookswitch.Key
	// Since and Until bound the keys of the events: from Since on, and below Until.
	Since, Until hookswitch.Key
	// CodeClass asks whether an attempt was answered with a status of the class, 0: without any; nil does not ask.
	CodeClass *int
	// Texts have to be in the payload, all of them; of each, one of its spellings.
	Texts [][]string
	// From asks RecoveryEvents what became of tries that were asked for since the recovery of that key was started; 0 does not ask.
	From hookswitch.Key
}

// Candidate is an event that a recovery comes to, with what its delivery to the endpoint has come to.
type Candidate struct {
	// Place is where the walk goes on behind it: the key of the event, or of an attempt.
	Place     hookswitch.Key
	Event     hookswitch.Event // without its payload
	Labels    []string
	ExpiresAt time.Time // when the payload is removed; zero: with everything else
	Row       *Delivery // what is still owed; nil: nothing
	Tried     bool      // there has been an attempt
	OK        bool      // and one has succeeded
	Class     bool      // an attempt was answered as CodeClass says
	Fits      bool      // the payload has Texts
	Size      int64     // of the payload, in bytes
	// Before says that there was an attempt before From; Asked and Served that there was one by hand since then, and that one succeeded.
	Before, Asked, Served bool
}

// An event has few attempts and an endpoint very many: see attemptedColumns. "+ 0" keeps the databases from walking all attempts of the endpoint,
// all there are, or all events of the App, for each event.
const (
	candidateColumns = `e.id, e.type, e.tags, e.labels, e.targets, e.expired, e.expires_at, d.kind, d.state, d.owner, d.manual, LENGTH(e.payload), ` + judged
	// judged is 2 after a success, 1 after failures alone, NULL without attempts.
	judged = `(SELECT MAX(CASE WHEN j.ok THEN 2 ELSE 1 END) FROM attempts j WHERE j.event_id = e.id AND j.endpoint_id + 0 = $2)`
	// firstFailed is the first failed attempt.
	firstFailed = `(SELECT MIN(f.id + 0) FROM attempts f WHERE f.event_id = e.id AND f.endpoint_id + 0 = $2 AND NOT f.ok)`
)

func scanCandidate(row rowScanner, more ...any) (c Candidate, err error) {
	var tags, labels string
	var targets []byte
	var expires int64
	var kind, state, owner, judgement sql.NullInt64
	var manual sql.NullBool
	e := &c.Event
	if err := row.Scan(append([]any{&e.Key, &e.Type, &tags, &labels, &targets, &e.Expired, &expires, &kind, &state, &owner, &manual, &c.Size, &judgement}, more...)...); err != nil {
		return c, err
	}
	e.Tags, e.Targets = textWords(tags), unpackTargets(targets)
	c.Labels, c.ExpiresAt = textWords(labels), fromMillis(expires)
	c.Tried, c.OK = judgement.Int64 > 0, judgement.Int64 == 2
	if state.Valid {
		c.Row = &Delivery{Kind: hookswitch.DeliveryKind(kind.Int64), State: hookswitch.DeliveryState(state.Int64), Owner: int(owner.Int64), Manual: manual.Bool}
	}
	return c, nil
}

// RecoveryEvents walks the events of the App behind after, oldest first, and returns up to limit of them. Fewer are the last.
func (r *Reader) RecoveryEvents(ctx context.Context, q Recovery, after hookswitch.Key, limit int) ([]Candidate, error) {
	args := []any{int64(q.App), int64(q.Endpoint), int64(max(after, q.Since-1)), int64(q.Until), limit}
	class, fits, before, asked := q.class(&args), q.fits(r.d, &args), "FALSE", "0"
	if q.From != 0 {
		args = append(args, int64(q.From))
		from := placeholder(args)
		const some = `FROM attempts b WHERE b.event_id = e.id AND b.endpoint_id + 0 = $2`
		before = `(SELECT 1 ` + some + ` AND b.id < ` + from + ` LIMIT 1) IS NOT NULL`
		asked = `COALESCE((SELECT MAX(CASE WHEN b.ok THEN 2 ELSE 1 END) ` + some + ` AND b.manual AND b.id > ` + from + `), 0)`
	}
	return scanAll(ctx, r, func(row rowScanner) (Candidate, error) {
		var class, fits, before bool
		var asked int
		c, err := scanCandidate(row, &class, &fits, &before, &asked)
		c.Place, c.Class, c.Fits, c.Before, c.Asked, c.Served = c.Event.Key, class, fits, before, asked > 0, asked == 2
		return c, err
	}, `SELECT `+candidateColumns+`, `+class+`, `+fits+`, `+before+`, `+asked+` FROM events e LEFT JOIN`+owedToJoin+`
		WHERE e.app_id = $1 AND e.id > $3 AND e.id < $4 ORDER BY e.id LIMIT $5`, args...)
}

// class is true for the events e of which an attempt was answered as CodeClass says.
func (q *Recovery) class(args *[]any) string {
	if q.CodeClass == nil {
		return "FALSE"
	}
	most := *q.CodeClass + 100
	if *q.CodeClass == 0 {
		most = 1
	}
	*args = append(*args, *q.CodeClass)
	low := placeholder(*args)
	*args = append(*args, most)
	return `(SELECT 1 FROM attempts c WHERE c.event_id = e.id AND c.endpoint_id + 0 = $2 AND c.code >= ` + low + ` AND c.code < ` + placeholder(*args) + ` LIMIT 1) IS NOT NULL`
}

// RecoveryFailed walks the failed attempts on the endpoint behind after and below until, oldest first, over up to limit of them, and returns the event of
// each attempt that is the first to have failed for its event. place is where the walk has come to; last says that it has come to its end.
func (r *Reader) RecoveryFailed(ctx context.Context, q Recovery, after, until hookswitch.Key, limit int) (list []Candidate, place hookswitch.Key, last bool, err error) {
	// No attempt for an event is older than the event.
	after = max(after, q.Since-1)
	args := []any{int64(q.App), int64(q.Endpoint), int64(after), int64(until)}
	const walk = ` FROM attempts a WHERE a.app_id = $1 AND a.endpoint_id = $2 AND NOT a.ok AND a.id > $3 AND a.id < $4`
	err = r.q.QueryRowContext(ctx, `SELECT a.id`+walk+` ORDER BY a.id LIMIT 1 OFFSET `+strconv.Itoa(limit-1), args...).Scan(&place)
	if last = errors.Is(err, sql.ErrNoRows); last {
		place = max(after, until-1)
	} else if err != nil {
		return nil, 0, false, readErr(err, "attempt")
	}
	args[3] = int64(place + 1)
	args = append(args, int64(q.Since), int64(q.Until))
	class, fits := q.class(&args), q.fits(r.d, &args)
	list, err = scanAll(ctx, r, func(row rowScanner) (c Candidate, err error) {
		var attempt, first int64
		var class, fits bool
		if c, err = scanCandidate(row, &attempt, &first, &class, &fits); attempt == first {
			c.Place = hookswitch.Key(attempt)
		}
		c.Class, c.Fits = class, fits
		return c, err
	}, `SELECT `+candidateColumns+`, a.id, `+firstFailed+`, `+class+`, `+fits+` FROM (SELECT a.id, a.event_id`+walk+` AND a.event_id >= $5 AND a.event_id < $6) a
		JOIN events e ON e.id = a.event_id AND e.app_id + 0 = $1 LEFT JOIN`+owedToJoin+` ORDER BY a.id`, args...)
	firsts := list[:0]
	for _, c := range list {
		if c.Place != 0 {
			firsts = append(firsts, c)
		}
	}
	return firsts, place, last, err
}

// fits is true for the events e whose payloads have Texts.
func (q *Recovery) fits(d *dialect, args *[]any) string {
	if len(q.Texts) == 0 {
		return "TRUE"
	}
	var all []string
	for _, spellings := range q.Texts {
		var some []string
		for _, text := range spellings {
			some = append(some, d.finds("e.payload", text, func(v any) string {
				*args = append(*args, v)
				return placeholder(*args)
			}))
		}
		all = append(all, "("+strings.Join(some, " OR ")+")")
	}
	return "(" + strings.Join(all, " AND ") + ")"
}

// failuresLook is how many failed attempts FailuresByHand looks at.
const failuresLook = 5000

// FailuresByHand counts the attempts that failed at the endpoint between the keys, that somebody asked for, and that were for events of q. Of very many it looks at the first, and says that
// there are more.
func (r *Reader) FailuresByHand(ctx context.Context, q Recovery, after, before hookswitch.Key) (n int64, more bool, err error) {
	var looked int
	err = r.q.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN f.manual AND f.app_id = $5 AND f.event_id >= $6 AND f.event_id < $7 THEN 1 ELSE 0 END), 0)
		FROM (SELECT app_id, event_id, manual FROM attempts WHERE endpoint_id = $1 AND NOT ok AND id > $2 AND id < $3 ORDER BY id LIMIT $4) f`,
		int64(q.Endpoint), int64(after), int64(before), failuresLook, int64(q.App), int64(q.Since), int64(q.Until)).Scan(&looked, &n)
	return n, looked == failuresLook, readErr(err, "attempt")
}

// TryRequest asks for one more try of each of some events at an endpoint, by hand.
type TryRequest struct {
	Task          hookswitch.Key
	App, Endpoint hookswitch.Key
	Events        []hookswitch.Key // at most MaxTryRequest
	// CanceledUpto is the endpoint's: what waits at or below it reads as canceled, and becomes that when the try fails.
	CanceledUpto hookswitch.Key
	// Ordered says that the endpoint is: the tries go to the end of its queue, and what stands in it already is left alone.
	Ordered bool
	// Again asks also for what has been delivered.
	Again bool
	At    time.Time // when the tries are due
}

// MaxTryRequest is how many events one TryRequest may name.
const MaxTryRequest = 64

// AskTries asks for tries as Resend does for one, and returns how many it has asked for: what is in flight, in a queue or asked for already is left alone.
func (tx *Tx) AskTries(q TryRequest) (int, error) {
	if len(q.Events) == 0 {
		return 0, nil
	}
	if q.Ordered {
		return tx.askInOrder(q)
	}
	// A row whose lease ended may get a late outcome yet. Raising the claim number keeps that from ending this try.
	args := []any{int64(q.Endpoint), int64(q.App), millis(q.At), int64(q.Task), int64(q.CanceledUpto)}
	waiting, err := tx.exec(`UPDATE deliveries SET restore = CASE WHEN state = 0 AND subject <= $5 THEN 3 ELSE state END, due_at = CASE WHEN subject <= $5 THEN 0 ELSE next_at END,
		state = 0, manual = TRUE, next_at = $3, claim_no = claim_no + 1, task = $4, kind = 1, position = 0
		WHERE target = $1 AND app_id = $2 AND (kind = 1 OR kind = 5 AND state <> 0) AND owner = 0 AND manual = FALSE AND subject IN `+padded(&args, int64s(q.Events)), args...)
	if err != nil {
		return 0, err
	}
	const ok = `(SELECT 1 FROM attempts a WHERE a.event_id = e.id AND a.endpoint_id + 0 = $1 AND a.ok LIMIT 1)`
	delivered := ""
	if !q.Again {
		delivered = ` AND ` + ok + ` IS NULL`
	}
	args = []any{int64(q.Endpoint), int64(q.App), millis(q.At), -int64(q.Task)}
	fresh, err := tx.exec(`INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at, task)
		SELECT e.id, CAST($1 AS BIGINT), 1, e.app_id, 0, 0, CAST($3 AS BIGINT), 0, CAST($3 AS BIGINT), TRUE, CASE WHEN `+ok+` IS NULL THEN 2 ELSE 1 END, 0, 0, CAST($4 AS BIGINT)
		FROM events e WHERE e.app_id + 0 = $2 AND e.expired = FALSE`+delivered+` AND (SELECT 1 FROM deliveries d WHERE d.subject = e.id AND d.target = $1 AND d.kind = 5) IS NULL
			AND e.id IN `+padded(&args, int64s(q.Events))+` ON CONFLICT DO NOTHING`, args...)
	return int(waiting + fresh), err
}

// TakeBack undoes tries that a task has asked for and that wait: each delivery is what it was before. It takes up to limit of both kinds and returns how many.
func (tx *Tx) TakeBack(task hookswitch.Key, limit int) (int, error) {
	const some = ` WHERE (subject, target, kind) IN (SELECT subject, target, kind FROM deliveries WHERE task = $1 AND task <> 0 AND owner = 0 LIMIT $2`
	dropped, err := tx.exec(`DELETE FROM deliveries`+some+tx.d.skipLocked+`)`, -int64(task), limit)
	if err != nil {
		return 0, err
	}
	restored, err := tx.exec(`UPDATE deliveries SET state = restore, next_at = due_at, manual = FALSE, task = 0`+some+tx.d.skipLocked+`)`, int64(task), limit)
	if err != nil {
		return 0, err
	}
	return int(dropped + restored), tx.untaken(task, dropped+restored)
}

// Withdraw undoes one try that a task has asked for and that its outcome's claim holds.
func (tx *Tx) Withdraw(o *Outcome, task hookswitch.Key) error {
	query := `UPDATE deliveries SET owner = 0, state = restore, next_at = due_at, manual = FALSE, task = 0`
	if task < 0 {
		query = `DELETE FROM deliveries`
	}
	n, err := tx.exec(query+` WHERE subject = $1 AND target = $2 AND kind = $3 AND claim_no = $4 AND task = $5 AND owner <> 0`,
		int64(o.Subject), int64(o.Target), int64(o.Kind), o.Claim, int64(task))
	if err != nil || n == 0 {
		return err
	}
	return tx.untaken(max(task, -task), n)
}

// untaken takes n off what a task has taken on.
func (tx *Tx) untaken(task hookswitch.Key, n int64) error {
	if n == 0 {
		return nil
	}
	_, err := tx.exec(`UPDATE tasks SET done = done - $2 WHERE id = $1`, int64(task), n)
	return err
}
