package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const replyColumns = `id, app_id, sender_id, conversation_id, message_id, dialogue_id, channel, kind, model, result, try, took_ms, tokens_in, tokens_out, problem`

func scanReply(row rowScanner) (*hookswitch.ReplyRecord, error) {
	var r hookswitch.ReplyRecord
	var took int64
	err := row.Scan(&r.Key, &r.App, &r.Sender, &r.Conversation, &r.Message, &r.Dialogue, &r.Channel, &r.Use.Kind, &r.Use.Model, &r.Result, &r.Try, &took, &r.Use.TokensIn, &r.Use.TokensOut, &r.Problem)
	r.Use.Took, r.Use.Refused = time.Duration(took)*time.Millisecond, r.Result == hookswitch.ReplyRefused
	return &r, err
}

// InsertReply notes that a responder was asked.
func (tx *Tx) InsertReply(r *hookswitch.ReplyRecord) error {
	_, err := tx.exec(`INSERT INTO replies (`+replyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		int64(r.Key), int64(r.App), int64(r.Sender), int64(r.Conversation), int64(r.Message), int64(r.Dialogue), string(r.Channel), r.Use.Kind, r.Use.Model, string(r.Result), r.Try,
		r.Use.Took.Milliseconds(), r.Use.TokensIn, r.Use.TokensOut, r.Problem)
	return err
}

// ReplyFilter narrows a list of replies. Zero: all of the app.
type ReplyFilter struct {
	Sender  hookswitch.Key
	Channel hookswitch.Channel
	Result  hookswitch.ReplyResult
}

// Replies lists what responders of an app were asked for.
func (r *Reader) Replies(ctx context.Context, app hookswitch.Key, f ReplyFilter, p Page) ([]*hookswitch.ReplyRecord, error) {
	args, where := []any{int64(app)}, ""
	and := func(column string, value any) {
		args = append(args, value)
		where += ` AND ` + column + ` = ` + placeholder(args)
	}
	if f.Sender != 0 {
		and("sender_id", int64(f.Sender))
	}
	if f.Channel != "" {
		and("channel", string(f.Channel))
	}
	if f.Result != "" {
		and("result", string(f.Result))
	}
	where += p.clause("id", &args)
	return scanAll(ctx, r, scanReply, `SELECT `+replyColumns+` FROM replies WHERE app_id = $1`+where, args...)
}

// ReplyCount is how often a sender's responder was asked on a channel with one result, and what that cost.
type ReplyCount struct {
	Sender              hookswitch.Key
	Channel             hookswitch.Channel
	Result              hookswitch.ReplyResult
	N                   int
	TokensIn, TokensOut int64
}

// ReplyCounts count what responders of an app were asked for since the time, among the newest of it, at most limit.
func (r *Reader) ReplyCounts(ctx context.Context, app hookswitch.Key, since time.Time, limit int) ([]ReplyCount, error) {
	return scanAll(ctx, r, func(row rowScanner) (c ReplyCount, err error) {
		err = row.Scan(&c.Sender, &c.Channel, &c.Result, &c.N, &c.TokensIn, &c.TokensOut)
		return c, err
	}, `SELECT sender_id, channel, result, COUNT(*), CAST(SUM(tokens_in) AS BIGINT), CAST(SUM(tokens_out) AS BIGINT)
		FROM (SELECT sender_id, channel, result, tokens_in, tokens_out FROM replies WHERE app_id = $1 AND id >= $2 ORDER BY id DESC LIMIT $3) newest
		GROUP BY sender_id, channel, result ORDER BY sender_id, channel, result`,
		int64(app), int64(hookswitch.KeyAt(since)), limit)
}

// ReplyTimes are how long the newest answers of a sender's responder since the time took, shortest first, at most limit.
func (r *Reader) ReplyTimes(ctx context.Context, app, sender hookswitch.Key, since time.Time, limit int) ([]time.Duration, error) {
	return scanAll(ctx, r, func(row rowScanner) (d time.Duration, err error) {
		var ms int64
		err = row.Scan(&ms)
		return time.Duration(ms) * time.Millisecond, err
	}, `SELECT took_ms FROM (SELECT took_ms FROM replies WHERE app_id = $1 AND sender_id = $2 AND id >= $3 ORDER BY id DESC LIMIT $4) newest ORDER BY took_ms`,
		int64(app), int64(sender), int64(hookswitch.KeyAt(since)), limit)
}

// DropRepliesBefore removes up to limit replies older than before, and returns how many.
func (tx *Tx) DropRepliesBefore(before time.Time, limit int) (int, error) {
	n, err := tx.exec(`DELETE FROM replies WHERE id IN (SELECT id FROM replies WHERE id < $1 ORDER BY id LIMIT $2)`, int64(hookswitch.KeyAt(before)), limit)
	return int(n), err
}
