package store

import (
	"cmp"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/hookswitch/hookswitch"
)

func queueAccepts(q *pgx.Batch, accepts []*Accept) {
	var e struct {
		id, app          []int64
		typ, uid, tags   []string
		payload, targets [][]byte
	}
	var d struct {
		subject, target, app, owner, next, claim []int64
		kind, restore                            []int16
		manual                                   []bool
	}
	var rich []*hookswitch.Event
	var o orderedRows
	for _, a := range accepts {
		for _, ev := range a.Events {
			if !ev.Plain() {
				rich = append(rich, ev)
				continue
			}
			e.id, e.app = append(e.id, int64(ev.Key)), append(e.app, int64(ev.App))
			e.typ, e.uid, e.tags = append(e.typ, ev.Type), append(e.uid, ev.UID), append(e.tags, wordsText(ev.Tags))
			e.payload, e.targets = append(e.payload, notNil(ev.Payload)), append(e.targets, packTargets(ev.Targets))
		}
		for i := range a.Deliveries {
			r := &a.Deliveries[i]
			if r.Kind == hookswitch.DeliverOrdered {
				o.add(r)
				continue
			}
			d.subject, d.target, d.app = append(d.subject, int64(r.Subject)), append(d.target, int64(r.Target)), append(d.app, int64(r.App))
			d.owner, d.next, d.claim = append(d.owner, int64(r.Owner)), append(d.next, millis(r.NextAt)), append(d.claim, r.Claim)
			d.kind, d.restore, d.manual = append(d.kind, int16(r.Kind)), append(d.restore, int16(r.Restore)), append(d.manual, r.Manual)
		}
	}
	if len(e.id) > 0 {
		q.Queue(`INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired)
			SELECT id, app_id, type, uid, tags, payload, targets, FALSE FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[])
			AS u (id, app_id, type, uid, tags, payload, targets)`, e.id, e.app, e.typ, e.uid, e.tags, e.payload, e.targets)
	}
	if len(rich) > 0 {
		queueRichEvents(q, rich)
	}
	if len(d.subject) > 0 {
		q.Queue(`INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
			SELECT subject, target, kind, app_id, 0, owner, next_at, 0, claim_no, manual, restore, 0, 0
			FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::boolean[], $9::smallint[])
			AS u (subject, target, kind, app_id, owner, next_at, claim_no, manual, restore)`,
			d.subject, d.target, d.kind, d.app, d.owner, d.next, d.claim, d.manual, d.restore)
	}
	o.queue(q)
}

// queueRichEvents queues events that are not plain.
func queueRichEvents(q *pgx.Batch, list []*hookswitch.Event) {
	var e struct {
		id, app, deliver, expires           []int64
		typ, uid, tags, labels, contentType []string
		payload, targets                    [][]byte
	}
	for _, ev := range list {
		e.id, e.app = append(e.id, int64(ev.Key)), append(e.app, int64(ev.App))
		e.typ, e.uid, e.tags = append(e.typ, ev.Type), append(e.uid, ev.UID), append(e.tags, wordsText(ev.Tags))
		e.payload, e.targets = append(e.payload, notNil(ev.Payload)), append(e.targets, packTargets(ev.Targets))
		e.labels, e.deliver = append(e.labels, wordsText(ev.Labels)), append(e.deliver, millis(ev.DeliverAt))
		e.expires, e.contentType = append(e.expires, millis(ev.ExpiresAt)), append(e.contentType, ev.ContentType)
	}
	q.Queue(`INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired, labels, deliver_at, expires_at, content_type)
		SELECT id, app_id, type, uid, tags, payload, targets, FALSE, labels, deliver_at, expires_at, content_type
		FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::bytea[], $8::text[], $9::bigint[], $10::bigint[], $11::text[])
		AS u (id, app_id, type, uid, tags, payload, targets, labels, deliver_at, expires_at, content_type)`,
		e.id, e.app, e.typ, e.uid, e.tags, e.payload, e.targets, e.labels, e.deliver, e.expires, e.contentType)
}

// fencedRows are the rows of outcomes with one verdict, as columns.
type fencedRows struct {
	subject, target, claim, next, tries []int64
	kind, state                         []int16
}

func (r *fencedRows) add(o *Outcome, tries int64, state hookswitch.DeliveryState) {
	r.subject, r.target, r.claim = append(r.subject, int64(o.Subject)), append(r.target, int64(o.Target)), append(r.claim, o.Claim)
	r.next, r.tries = append(r.next, millis(o.Next)), append(r.tries, tries)
	r.kind, r.state = append(r.kind, int16(o.Kind)), append(r.state, int16(state))
}

const (
	fencedFrom = ` FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[]) AS u (subject, target, kind, claim_no, next_at, tries, state)
		WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind AND d.claim_no = u.claim_no`
)

func (r *fencedRows) queue(q *pgx.Batch, statement string) {
	if len(r.subject) > 0 {
		q.Queue(statement, r.subject, r.target, r.kind, r.claim, r.next, r.tries, r.state)
	}
}

func queueOutcomes(q *pgx.Batch, list []*Outcome) {
	var done, again, postponed, ended, restored fencedRows
	for _, o := range list {
		switch o.Verdict {
		case Done:
			done.add(o, 0, 0)
		case Retry:
			again.add(o, 1, 0)
		case Postponed:
			postponed.add(o, 0, 0)
		case Exhausted:
			ended.add(o, 1, hookswitch.DeliveryFailed)
		case Canceled:
			ended.add(o, 0, hookswitch.DeliveryCanceled)
		case Restored:
			restored.add(o, 0, 0)
		}
	}
	if len(done.subject) > 0 {
		q.Queue(`DELETE FROM deliveries d USING unnest($1::bigint[], $2::bigint[], $3::smallint[]) AS u (subject, target, kind)
			WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind`, done.subject, done.target, done.kind)
	}
	again.queue(q, `UPDATE deliveries d SET `+letGo+`, next_at = u.next_at, tries = d.tries + u.tries, manual = FALSE, started_at = 0, task = 0`+fencedFrom+` AND d.state = 0 AND d.owner <> 0`)
	postponed.queue(q, `UPDATE deliveries d SET `+letGo+`, next_at = u.next_at, started_at = 0`+fencedFrom+` AND d.state = 0 AND d.owner <> 0`)
	ended.queue(q, `UPDATE deliveries d SET owner = 0, state = u.state, tries = d.tries + u.tries, next_at = 0, manual = FALSE, task = 0`+fencedFrom+` AND d.state = 0`)
	restored.queue(q, `DELETE FROM deliveries d USING unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::smallint[])
		AS u (subject, target, kind, claim_no, next_at, tries, state)
		WHERE d.subject = u.subject AND d.target = u.target AND d.kind = u.kind AND d.claim_no = u.claim_no AND d.restore = 1`)
	restored.queue(q, `UPDATE deliveries d SET owner = 0, state = d.restore, next_at = d.due_at, manual = FALSE, task = 0`+fencedFrom+` AND d.restore <> 1`)
	queueAttempts(q, list)
}

func queueAttempts(q *pgx.Batch, list []*Outcome) {
	var a struct {
		id, app, event, endpoint, code, dns, connect, tls, wait, total, signed []int64
		url, failure                                                           []string
		ok, manual                                                             []bool
		answer, headers, facts                                                 [][]byte
	}
	for _, o := range list {
		t := o.Attempt
		if t == nil {
			continue
		}
		a.id, a.app, a.event, a.endpoint = append(a.id, int64(t.Key)), append(a.app, int64(t.App)), append(a.event, int64(t.Event)), append(a.endpoint, int64(t.Endpoint))
		a.url, a.ok, a.code, a.failure = append(a.url, clean(t.URL)), append(a.ok, t.OK), append(a.code, int64(t.Code)), append(a.failure, clean(t.Failure))
		a.answer, a.headers, a.manual = append(a.answer, notNil(t.Answer)), append(a.headers, notNil(t.Headers)), append(a.manual, t.Manual)
		a.dns, a.connect, a.tls = append(a.dns, t.Timings.DNS.Microseconds()), append(a.connect, t.Timings.Connect.Microseconds()), append(a.tls, t.Timings.TLS.Microseconds())
		a.wait, a.total = append(a.wait, t.Timings.Wait.Microseconds()), append(a.total, t.Timings.Total.Microseconds())
		a.signed, a.facts = append(a.signed, signedAt(t)), append(a.facts, factsText(t.Facts))
	}
	if len(a.id) == 0 {
		return
	}
	q.Queue(`INSERT INTO attempts (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, expired, manual, dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts)
		SELECT id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, FALSE, manual, dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts
		FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[], $6::boolean[], $7::bigint[], $8::text[], $9::bytea[], $10::bytea[], $11::boolean[],
			$12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bytea[])
		AS u (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, manual, dns_us, connect_us, tls_us, wait_us, total_us, signed_at, facts)
		ON CONFLICT DO NOTHING`,
		a.id, a.app, a.event, a.endpoint, a.url, a.ok, a.code, a.failure, a.answer, a.headers, a.manual, a.dns, a.connect, a.tls, a.wait, a.total, a.signed, a.facts)
}

func queueTally(q *pgx.Batch, t tally, now int64) {
	if len(t.counts) > 0 {
		keys := slices.SortedFunc(maps.Keys(t.counts), func(a, b countKey) int {
			return cmp.Or(cmp.Compare(a.endpoint, b.endpoint), cmp.Compare(a.hour, b.hour), cmp.Compare(a.node, b.node))
		})
		var endpoint, hour, node, ok, failed []int64
		for _, k := range keys {
			endpoint, hour, node = append(endpoint, int64(k.endpoint)), append(hour, k.hour), append(node, int64(k.node))
			ok, failed = append(ok, t.counts[k][0]), append(failed, t.counts[k][1])
		}
		q.Queue(`INSERT INTO counters (endpoint_id, hour, node, ok, failed) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
			ON CONFLICT (endpoint_id, hour, node) DO UPDATE SET ok = counters.ok + excluded.ok, failed = counters.failed + excluded.failed`, endpoint, hour, node, ok, failed)
	}
	for _, endpoint := range t.marks {
		q.Queue(markOK, int64(endpoint), now)
	}
}
