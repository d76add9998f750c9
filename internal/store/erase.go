package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// EraseMessages removes up to limit messages of an App with all that is kept about them, and returns how many. conversation narrows it to one; 0: those of all. What runs at this moment ends by
// itself.
func (tx *Tx) EraseMessages(app, conversation hookswitch.Key, limit int) (int, error) {
	args := []any{int64(app), limit}
	query := `SELECT id FROM messages WHERE app_id = $1`
	if conversation != 0 {
		args = append(args, int64(conversation))
		query = `SELECT id FROM messages WHERE conversation_id = $3 AND app_id = $1`
	}
	keys, err := scanAll(tx.ctx, &tx.Reader, scanKeyOnly, query+` ORDER BY id LIMIT $2`, args...)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	args = nil
	list := padded(&args, int64s(keys))
	for _, statement := range []string{
		`DELETE FROM deliveries WHERE owner = 0 AND kind IN (2, 3) AND subject IN ` + list,
		`DELETE FROM receipts WHERE message_id IN ` + list,
		`DELETE FROM message_versions WHERE message_id IN ` + list,
		`DELETE FROM message_parts WHERE message_id IN ` + list,
		`DELETE FROM drafts WHERE answer_id <> 0 AND answer_id IN ` + list,
		`DELETE FROM postings WHERE id IN ` + list,
		`DELETE FROM attachment_data WHERE id IN (SELECT id FROM attachments WHERE message_id IN ` + list + `)`,
		`DELETE FROM attachments WHERE message_id IN ` + list,
		`DELETE FROM messages WHERE id IN ` + list,
	} {
		if _, err := tx.exec(statement, args...); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// EraseDialogues removes up to limit calls and USSD sessions of an App with their steps, and returns how many. conversation narrows it to one; 0: those of all.
func (tx *Tx) EraseDialogues(app, conversation hookswitch.Key, limit int) (int, error) {
	args := []any{int64(app), limit}
	query := `SELECT id FROM dialogues WHERE app_id = $1`
	if conversation != 0 {
		args = append(args, int64(conversation))
		query = `SELECT id FROM dialogues WHERE conversation_id = $3 AND conversation_id > 0 AND app_id = $1`
	}
	keys, err := scanAll(tx.ctx, &tx.Reader, scanKeyOnly, query+` ORDER BY id LIMIT $2`, args...)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	args = nil
	list := padded(&args, int64s(keys))
	for _, statement := range []string{`DELETE FROM dialogue_steps WHERE dialogue_id IN ` + list, `DELETE FROM dialogues WHERE id IN ` + list} {
		if _, err := tx.exec(statement, args...); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// eraseEvents removes up to limit events of an App with the attempts and what is owed for them, and returns how many.
func (tx *Tx) eraseEvents(app hookswitch.Key, limit int) (int, error) {
	keys, err := scanAll(tx.ctx, &tx.Reader, scanKeyOnly, `SELECT id FROM events WHERE app_id = $1 ORDER BY id LIMIT $2`, int64(app), limit)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	var args []any
	list := padded(&args, int64s(keys))
	for _, statement := range []string{`DELETE FROM attempts WHERE event_id IN ` + list, `DELETE FROM deliveries WHERE kind IN (1, 5) AND subject IN ` + list, `DELETE FROM events WHERE id IN ` + list} {
		if _, err := tx.exec(statement, args...); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// DeletedFor is how long an App has to be deleted before what it had is removed: nothing of it runs any more by then.
const DeletedFor = time.Hour

// eraseRounds is how many chunks of one App are removed before the other work of a housekeeping has its turn.
const eraseRounds = 400

// eraseDeleted removes what Apps had that were deleted. Who did what to them stays.
func (s *Store) eraseDeleted(ctx context.Context, sum *int) error {
	apps, err := scanAll(ctx, &s.Reader, scanKeyOnly, `SELECT id FROM apps WHERE deleted_at > 0 AND deleted_at < $1 AND erased_at = 0 ORDER BY deleted_at LIMIT 20`, millis(s.now().Add(-DeletedFor)))
	if err != nil {
		return err
	}
	for _, app := range apps {
		if err := s.eraseApp(ctx, app, sum); err != nil {
			return err
		}
	}
	return nil
}

// eraseApp removes a stretch of what an App had, and notes when nothing is left of it.
func (s *Store) eraseApp(ctx context.Context, app hookswitch.Key, sum *int) error {
	for range eraseRounds {
		start, n := time.Now(), 0
		if err := s.Update(ctx, func(tx *Tx) (err error) {
			n = 0
			for _, step := range []func() (int, error){
				func() (int, error) { return tx.eraseEvents(app, housekeepChunk/2) },
				func() (int, error) { return tx.EraseMessages(app, 0, housekeepChunk/2) },
				func() (int, error) { return tx.EraseDialogues(app, 0, housekeepChunk/2) },
				func() (int, error) { return tx.erasePeople(app, housekeepChunk/2) },
			} {
				if n, err = step(); n > 0 || err != nil {
					return err
				}
			}
			return tx.eraseRest(app, s.now())
		}); err != nil {
			return err
		}
		*sum += n
		if n == 0 {
			return nil
		}
		if err := pauseFor(ctx, time.Since(start)); err != nil {
			return err
		}
	}
	return nil
}

// erasePeople removes up to limit contacts of an App with their conversations, and returns how many.
func (tx *Tx) erasePeople(app hookswitch.Key, limit int) (int, error) {
	keys, err := scanAll(tx.ctx, &tx.Reader, scanKeyOnly, `SELECT id FROM contacts WHERE app_id = $1 ORDER BY id LIMIT $2`, int64(app), limit)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	var args []any
	list := padded(&args, int64s(keys))
	for _, statement := range []string{
		`DELETE FROM conversation_channels WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id IN ` + list + `)`,
		`DELETE FROM conversations WHERE contact_id IN ` + list,
		`DELETE FROM identifiers WHERE contact_id IN ` + list,
		`DELETE FROM contacts_to_index WHERE contact_id IN ` + list,
		`DELETE FROM contact_terms WHERE contact_id IN ` + list,
		`DELETE FROM contacts WHERE id IN ` + list,
	} {
		if _, err := tx.exec(statement, args...); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// eraseRest removes what little is left of an App that was deleted, and its name.
func (tx *Tx) eraseRest(app hookswitch.Key, now time.Time) error {
	for _, statement := range []string{
		`DELETE FROM conversation_channels WHERE app_id = $1`,
		`DELETE FROM conversations WHERE app_id = $1`,
		`DELETE FROM counters WHERE endpoint_id IN (SELECT id FROM endpoints WHERE app_id = $1)`,
		`DELETE FROM positions WHERE endpoint_id IN (SELECT id FROM endpoints WHERE app_id = $1)`,
		`DELETE FROM door_notes WHERE sender_id IN (SELECT id FROM senders WHERE app_id = $1)`,
		`DELETE FROM consumers WHERE poller_id IN (SELECT id FROM pollers WHERE app_id = $1)`,
		`DELETE FROM pollers WHERE app_id = $1`,
		`DELETE FROM endpoints WHERE app_id = $1`,
		`DELETE FROM routes WHERE sender_id IN (SELECT id FROM senders WHERE app_id = $1)`,
		`DELETE FROM senders WHERE app_id = $1`,
		`DELETE FROM drafts WHERE app_id = $1`,
		`DELETE FROM templates WHERE app_id = $1`,
		`DELETE FROM invitations WHERE app_id = $1`,
		`DELETE FROM integrations WHERE app_id = $1`,
		`DELETE FROM message_groups WHERE app_id = $1`,
		`DELETE FROM clients WHERE app_id = $1`,
		`DELETE FROM api_keys WHERE app_id = $1`,
		`DELETE FROM tokens WHERE app_id = $1`,
		`DELETE FROM issues WHERE app_id = $1`,
		`DELETE FROM app_portals WHERE app_id = $1`,
		`DELETE FROM app_steps WHERE app_id = $1`,
		`DELETE FROM volumes WHERE app_id = $1`,
		`DELETE FROM tasks WHERE app_id = $1 AND status <> 'running'`,
	} {
		if _, err := tx.exec(statement, int64(app)); err != nil {
			return err
		}
	}
	return tx.execOne("application", `UPDATE apps SET name = '', metadata = '', bot_name = '', bot_ref = '', company_id = '', erased_at = $2 WHERE id = $1 AND deleted_at > 0`, int64(app), millis(now))
}

// pauseFor waits, unless ctx ends.
func pauseFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
