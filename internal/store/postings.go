package store

import (
	"context"

	"github.com/hookswitch/hookswitch"
)

const postingColumns = `id, app_id, request_id, channel, message_ref, conversation_ref, conversation_id, group_id, answered, body`

func scanPosting(row rowScanner) (*hookswitch.Posting, error) {
	var p hookswitch.Posting
	err := row.Scan(&p.Key, &p.App, &p.RequestID, &p.Channel, &p.MessageID, &p.ConversationID, &p.Conversation, &p.Group, &p.Answered, &p.Body)
	return &p, err
}

// Posting is a posting of an app by key.
func (r *Reader) Posting(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Posting, error) {
	p, err := scanPosting(r.q.QueryRowContext(ctx, `SELECT `+postingColumns+` FROM postings WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return p, readErr(err, "posting")
}

// LastPosting is the newest posting of a conversation that was a message of the person, else the newest.
func (r *Reader) LastPosting(ctx context.Context, app, conversation hookswitch.Key) (*hookswitch.Posting, error) {
	for _, where := range []string{` AND id IN (SELECT id FROM messages WHERE conversation_id = $1 AND direction = 'inbound')`, ``} {
		p, err := scanPosting(r.q.QueryRowContext(ctx, `SELECT `+postingColumns+` FROM postings WHERE conversation_id = $1 AND conversation_id <> 0 AND app_id = $2`+where+
			` ORDER BY id DESC LIMIT 1`, int64(conversation), int64(app)))
		if err = readErr(err, "posting"); hookswitch.KindOf(err) != hookswitch.NotFound {
			return p, err
		}
	}
	return nil, hookswitch.NotFoundf("posting not found")
}

// InsertPosting stores what was posted.
func (tx *Tx) InsertPosting(p *hookswitch.Posting) error {
	_, err := tx.exec(`INSERT INTO postings (`+postingColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		int64(p.Key), int64(p.App), p.RequestID, p.Channel, clean(p.MessageID), clean(p.ConversationID), int64(p.Conversation), int64(p.Group), p.Answered, notNil(p.Body))
	return err
}

// PlacePosting notes which conversation a posting belongs to.
func (tx *Tx) PlacePosting(app, key, conversation hookswitch.Key) error {
	return tx.execOne("posting", `UPDATE postings SET conversation_id = $3 WHERE id = $1 AND app_id = $2`, int64(key), int64(app), int64(conversation))
}

// AnswerPosting notes that an event tells of an answer to a posting, and reports false where one had before.
func (tx *Tx) AnswerPosting(app, key hookswitch.Key) (bool, error) {
	n, err := tx.exec(`UPDATE postings SET answered = TRUE WHERE id = $1 AND app_id = $2 AND NOT answered`, int64(key), int64(app))
	return n == 1, err
}
