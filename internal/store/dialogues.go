package store

import (
	"context"
	"crypto/sha256"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

const dialogueColumns = `id, app_id, sender_id, route_id, contact_id, conversation_id, channel, session, direction, from_address, to_address, status, entered, steps, asked,
	silences, rest, state, seen_at, lease_until, node, created_at, ended_at`

func scanDialogue(row rowScanner) (*hookswitch.Dialogue, error) {
	var d hookswitch.Dialogue
	var seen, lease, created, ended int64
	err := row.Scan(&d.Key, &d.App, &d.Sender, &d.Route, &d.Contact, &d.Conversation, &d.Channel, &d.Session, &d.Direction, &d.From, &d.To, &d.Status, &d.Text, &d.Steps,
		&d.Asked, &d.Silences, &d.Rest, &d.State, &seen, &lease, &d.Node, &created, &ended)
	d.SeenAt, d.LeaseUntil, d.CreatedAt, d.EndedAt = fromMillis(seen), fromMillis(lease), fromMillis(created), fromMillis(ended)
	return &d, err
}

// Dialogue is the USSD session or call that the provider of a route knows by the id, or an error of kind NotFound.
func (r *Reader) Dialogue(ctx context.Context, route hookswitch.Key, session string) (*hookswitch.Dialogue, error) {
	d, err := scanDialogue(r.q.QueryRowContext(ctx, `SELECT `+dialogueColumns+` FROM dialogues WHERE route_id = $1 AND session = $2`, int64(route), session))
	return d, readErr(err, "dialogue")
}

// OpenDialogues are up to limit dialogues on a channel that are open, and were last heard of before.
func (r *Reader) OpenDialogues(ctx context.Context, ch hookswitch.Channel, before time.Time, limit int) ([]*hookswitch.Dialogue, error) {
	return scanAll(ctx, r, scanDialogue, `SELECT `+dialogueColumns+` FROM dialogues WHERE channel = $1 AND seen_at < $2 AND ended_at = 0 ORDER BY seen_at LIMIT $3`,
		string(ch), millis(before), limit)
}

// InsertDialogue stores a new dialogue. One of the same session stands in its way.
func (tx *Tx) InsertDialogue(d *hookswitch.Dialogue) error {
	_, err := tx.exec(`INSERT INTO dialogues (id, app_id, sender_id, route_id, contact_id, conversation_id, channel, session, direction, from_address, to_address, status, entered,
		steps, asked, silences, rest, state, seen_at, lease_until, node, created_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
		int64(d.Key), int64(d.App), int64(d.Sender), int64(d.Route), int64(d.Contact), int64(d.Conversation), string(d.Channel), d.Session, string(d.Direction), d.From, d.To,
		d.Status, d.Text, d.Steps, d.Asked, d.Silences, d.Rest, d.State, millis(d.SeenAt), millis(d.LeaseUntil), d.Node, millis(d.CreatedAt), millis(d.EndedAt))
	return err
}

// UpdateDialogue stores the changed fields of a dialogue but its end.
func (tx *Tx) UpdateDialogue(d *hookswitch.Dialogue) error {
	return tx.execOne("dialogue", `UPDATE dialogues SET contact_id = $2, conversation_id = $3, status = $4, entered = $5, steps = $6, asked = $7, silences = $8, rest = $9, state = $10,
		seen_at = $11, lease_until = $12, node = $13 WHERE id = $1`,
		int64(d.Key), int64(d.Contact), int64(d.Conversation), d.Status, d.Text, d.Steps, d.Asked, d.Silences, d.Rest, d.State, millis(d.SeenAt), millis(d.LeaseUntil),
		d.Node)
}

// EndDialogue ends a dialogue that is open, and reports whether it was. What was kept to go on with is forgotten.
func (tx *Tx) EndDialogue(key hookswitch.Key, status string, at time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE dialogues SET status = $2, ended_at = $3, rest = '', state = '', lease_until = 0 WHERE id = $1 AND ended_at = 0`,
		int64(key), status, millis(at))
	return n == 1, err
}

// DialogueStep is one request of a dialogue, and what was answered to it.
type DialogueStep struct {
	Dialogue hookswitch.Key
	Hash     [16]byte
	Number   int
	Message  hookswitch.Key // the message that it was; 0: none
	Input    string         // what is new in it
	Answered bool
	Reply    hookswitch.DialogueReply
	Screen   string // the place in a flow that the reply shows; empty: it is none of a flow
}

// StepHash is what a step is known by: a hash of what the provider tells of it, which is the same when it is told again.
func StepHash(turn int, input, dedup string) (hash [16]byte) {
	h := sha256.Sum256([]byte(strconv.Itoa(turn) + "\x00" + strconv.Itoa(len(input)) + "\x00" + input + dedup))
	copy(hash[:], h[:])
	return hash
}

// DialogueStep is a step of a dialogue, or an error of kind NotFound.
func (r *Reader) DialogueStep(ctx context.Context, dialogue hookswitch.Key, hash [16]byte) (*DialogueStep, error) {
	s := DialogueStep{Dialogue: dialogue, Hash: hash}
	err := r.q.QueryRowContext(ctx, `SELECT number, message_id, input, answered, reply, ends, dial, turn, screen FROM dialogue_steps WHERE dialogue_id = $1 AND hash = $2`,
		int64(dialogue), hash[:]).Scan(&s.Number, &s.Message, &s.Input, &s.Answered, &s.Reply.Text, &s.Reply.End, &s.Reply.Dial, &s.Reply.Turn, &s.Screen)
	return &s, readErr(err, "step of the dialogue")
}

// DialogueFilter narrows a list of dialogues. Zero: all.
type DialogueFilter struct {
	Channel      hookswitch.Channel
	Conversation hookswitch.Key
	Sender       hookswitch.Key
}

// Dialogues lists the USSD sessions and calls of an app.
func (r *Reader) Dialogues(ctx context.Context, app hookswitch.Key, f DialogueFilter, p Page) ([]*hookswitch.Dialogue, error) {
	args, where := []any{int64(app)}, ""
	if f.Conversation != 0 {
		args = append(args, int64(f.Conversation))
		where += ` AND conversation_id = ` + placeholder(args)
	}
	if f.Channel != "" {
		args = append(args, string(f.Channel))
		where += ` AND channel = ` + placeholder(args)
	}
	if f.Sender != 0 {
		args = append(args, int64(f.Sender))
		where += ` AND sender_id = ` + placeholder(args)
	}
	where += p.clause("id", &args)
	return scanAll(ctx, r, scanDialogue, `SELECT `+dialogueColumns+` FROM dialogues WHERE app_id = $1`+where, args...)
}

// DialogueByKey is a USSD session or call of an app.
func (r *Reader) DialogueByKey(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Dialogue, error) {
	d, err := scanDialogue(r.q.QueryRowContext(ctx, `SELECT `+dialogueColumns+` FROM dialogues WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return d, readErr(err, "dialogue")
}

// DialogueSteps are the first steps of a dialogue in their order, at most limit.
func (r *Reader) DialogueSteps(ctx context.Context, dialogue hookswitch.Key, limit int) ([]DialogueStep, error) {
	return scanAll(ctx, r, func(row rowScanner) (DialogueStep, error) {
		s := DialogueStep{Dialogue: dialogue}
		var hash []byte
		err := row.Scan(&hash, &s.Number, &s.Message, &s.Input, &s.Answered, &s.Reply.Text, &s.Reply.End, &s.Reply.Dial, &s.Reply.Turn, &s.Screen)
		copy(s.Hash[:], hash)
		return s, err
	}, `SELECT hash, number, message_id, input, answered, reply, ends, dial, turn, screen FROM dialogue_steps WHERE dialogue_id = $1 ORDER BY number LIMIT $2`, int64(dialogue), limit)
}

// DialogueCount is how many of the dialogues of a sender ended in one way.
type DialogueCount struct {
	Status string // how they ended; "" for those that go on
	N      int
	Steps  int64         // of all of them
	Took   time.Duration // of all of them that have ended
}

// ScreenCount is how often a place of a flow was shown, and how many dialogues came no further. Screen is empty for answers that are of no flow; then Number tells them apart by their place in the dialogue.
type ScreenCount struct {
	Screen   string
	Number   int
	Shown    int // answers
	Sessions int // dialogues
	Left     int // dialogues that ended here though more was asked
	Ended    int // dialogues that came to their end here
	Open     int // dialogues that are here now
}

// newestDialogues are the newest dialogues of a sender on a channel since a time, at most so many, as a part of a statement with four parameters and the limit.
const newestDialogues = `(SELECT id, status, steps, created_at, ended_at FROM dialogues WHERE app_id = $1 AND sender_id = $2 AND channel = $3 AND id >= $4 ORDER BY id DESC LIMIT $5) d`

// DialogueCounts count the newest dialogues of a sender on a channel since the time, at most limit of them, by how they ended.
func (r *Reader) DialogueCounts(ctx context.Context, app, sender hookswitch.Key, ch hookswitch.Channel, since time.Time, limit int) ([]DialogueCount, error) {
	return scanAll(ctx, r, func(row rowScanner) (c DialogueCount, err error) {
		var took int64
		err = row.Scan(&c.Status, &c.N, &c.Steps, &took)
		c.Took = time.Duration(took) * time.Millisecond
		return c, err
	}, `SELECT CASE WHEN d.ended_at = 0 THEN '' ELSE d.status END AS how, COUNT(*), CAST(SUM(d.steps + 1) AS BIGINT), CAST(SUM(CASE WHEN d.ended_at = 0 THEN 0 ELSE d.ended_at - d.created_at END) AS BIGINT)
		FROM `+newestDialogues+` GROUP BY how ORDER BY how`,
		int64(app), int64(sender), string(ch), int64(hookswitch.KeyAt(since)), limit)
}

// ScreenCounts count where the newest dialogues of a sender on a channel since the time, at most limit of them, came to.
func (r *Reader) ScreenCounts(ctx context.Context, app, sender hookswitch.Key, ch hookswitch.Channel, since time.Time, limit int) ([]ScreenCount, error) {
	return scanAll(ctx, r, func(row rowScanner) (c ScreenCount, err error) {
		err = row.Scan(&c.Screen, &c.Number, &c.Shown, &c.Sessions, &c.Left, &c.Ended, &c.Open)
		return c, err
	}, `SELECT s.screen, CASE WHEN s.screen = '' THEN s.number ELSE 0 END AS place, COUNT(*), COUNT(DISTINCT s.dialogue_id),
			CAST(SUM(CASE WHEN s.number = d.steps AND d.ended_at <> 0 AND NOT s.ends THEN 1 ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN s.number = d.steps AND d.ended_at <> 0 AND s.ends THEN 1 ELSE 0 END) AS BIGINT),
			CAST(SUM(CASE WHEN s.number = d.steps AND d.ended_at = 0 THEN 1 ELSE 0 END) AS BIGINT)
		FROM `+newestDialogues+` JOIN dialogue_steps s ON s.dialogue_id = d.id GROUP BY s.screen, place ORDER BY 4 DESC, s.screen, place LIMIT 1000`,
		int64(app), int64(sender), string(ch), int64(hookswitch.KeyAt(since)), limit)
}

// InsertDialogueStep stores a new step.
func (tx *Tx) InsertDialogueStep(s *DialogueStep) error {
	_, err := tx.exec(`INSERT INTO dialogue_steps (dialogue_id, hash, number, message_id, input, answered, reply, ends, dial, turn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		int64(s.Dialogue), s.Hash[:], s.Number, int64(s.Message), s.Input, s.Answered, s.Reply.Text, s.Reply.End, s.Reply.Dial, s.Reply.Turn)
	return err
}

// AnswerDialogueStep stores what is answered to a step, and reports whether nothing was before.
func (tx *Tx) AnswerDialogueStep(s *DialogueStep) (bool, error) {
	n, err := tx.exec(`UPDATE dialogue_steps SET answered = TRUE, reply = $3, ends = $4, dial = $5, turn = $6, screen = $7 WHERE dialogue_id = $1 AND hash = $2 AND answered = FALSE`,
		int64(s.Dialogue), s.Hash[:], s.Reply.Text, s.Reply.End, s.Reply.Dial, s.Reply.Turn, s.Screen)
	return n == 1, err
}

// DropDialoguesBefore removes up to limit dialogues that have ended and began before, with their steps, and returns how many.
func (tx *Tx) DropDialoguesBefore(before time.Time, limit int) (int, error) {
	keys, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (key hookswitch.Key, err error) {
		err = row.Scan(&key)
		return key, err
	}, `SELECT id FROM dialogues WHERE id < $1 AND ended_at > 0 ORDER BY id LIMIT $2`, int64(hookswitch.KeyAt(before)), limit)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	for _, statement := range []string{`DELETE FROM dialogue_steps WHERE dialogue_id IN `, `DELETE FROM dialogues WHERE id IN `} {
		var args []any
		if _, err := tx.exec(statement+padded(&args, keys), args...); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}
