package store

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

const draftColumns = `id, app_id, sender_id, conversation_id, message_id, answer_id, post_id, author, post_text, reply, status, failure, created_at, updated_at`

func scanDraft(row rowScanner) (*hookswitch.Draft, error) {
	var d hookswitch.Draft
	var created, updated int64
	err := row.Scan(&d.Key, &d.App, &d.Sender, &d.Conversation, &d.Message, &d.Answer, &d.PostID, &d.Author, &d.PostText, &d.Reply, &d.Status, &d.Failure, &created, &updated)
	d.CreatedAt, d.UpdatedAt = fromMillis(created), fromMillis(updated)
	return &d, err
}

// Draft is a draft of an app.
func (r *Reader) Draft(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Draft, error) {
	d, err := scanDraft(r.q.QueryRowContext(ctx, `SELECT `+draftColumns+` FROM drafts WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return d, readErr(err, "draft")
}

// DraftOf is the draft that the message was made of.
func (r *Reader) DraftOf(ctx context.Context, app, answer hookswitch.Key) (*hookswitch.Draft, error) {
	d, err := scanDraft(r.q.QueryRowContext(ctx, `SELECT `+draftColumns+` FROM drafts WHERE answer_id = $1 AND answer_id <> 0 AND app_id = $2`, int64(answer), int64(app)))
	return d, readErr(err, "draft")
}

// Drafts lists the drafts of an app, those of one status where it is not empty.
func (r *Reader) Drafts(ctx context.Context, app hookswitch.Key, status hookswitch.DraftStatus, p Page) ([]*hookswitch.Draft, error) {
	args, where := []any{int64(app)}, ""
	if status != "" {
		args, where = append(args, string(status)), " AND status = $2"
	}
	return scanAll(ctx, r, scanDraft, `SELECT `+draftColumns+` FROM drafts WHERE app_id = $1`+where+p.clause("id", &args), args...)
}

// InsertDraft stores a new draft.
func (tx *Tx) InsertDraft(d *hookswitch.Draft) error {
	_, err := tx.exec(`INSERT INTO drafts (`+draftColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		int64(d.Key), int64(d.App), int64(d.Sender), int64(d.Conversation), int64(d.Message), int64(d.Answer), clean(d.PostID), clean(d.Author), clean(d.PostText),
		clean(d.Reply), string(d.Status), clean(d.Failure), millis(d.CreatedAt), millis(d.UpdatedAt))
	return err
}

// UpdateDraft stores what may change of a draft, as long as its status is still from. Otherwise the error is of kind Conflict.
func (tx *Tx) UpdateDraft(d *hookswitch.Draft, from hookswitch.DraftStatus) error {
	n, err := tx.exec(`UPDATE drafts SET answer_id = $3, reply = $4, status = $5, failure = $6, updated_at = $7 WHERE id = $1 AND app_id = $2 AND status = $8`,
		int64(d.Key), int64(d.App), int64(d.Answer), clean(d.Reply), string(d.Status), clean(d.Failure), millis(d.UpdatedAt), string(from))
	if err == nil && n == 0 {
		return hookswitch.Errorf(hookswitch.Conflict, "the draft has been decided on already")
	}
	return err
}
