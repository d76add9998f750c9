package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

const attachmentColumns = `a.id, a.app_id, a.message_id, a.name, a.mime_type, a.content_id, a.is_inline, a.size`

func scanAttachment(row rowScanner, more ...any) (hookswitch.Attachment, error) {
	var a hookswitch.Attachment
	err := row.Scan(append([]any{&a.Key, &a.App, &a.Message, &a.Name, &a.MIMEType, &a.ContentID, &a.Inline, &a.Size}, more...)...)
	return a, err
}

// InsertAttachment stores a file of a message. nil bytes are those of a file that is only known by its description.
func (tx *Tx) InsertAttachment(a *hookswitch.Attachment, bytes []byte) error {
	if _, err := tx.exec(`INSERT INTO attachments (id, app_id, message_id, name, mime_type, content_id, is_inline, size) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		int64(a.Key), int64(a.App), int64(a.Message), clean(a.Name), clean(a.MIMEType), clean(a.ContentID), a.Inline, a.Size); err != nil {
		return err
	}
	if bytes == nil {
		return nil
	}
	_, err := tx.exec(`INSERT INTO attachment_data (id, bytes) VALUES ($1, $2)`, int64(a.Key), bytes)
	return err
}

// Attachments are the files of a message of an app, in their order.
func (r *Reader) Attachments(ctx context.Context, app, message hookswitch.Key) ([]hookswitch.Attachment, error) {
	return scanAll(ctx, r, func(row rowScanner) (hookswitch.Attachment, error) {
		var kept bool
		a, err := scanAttachment(row, &kept)
		a.Kept = kept
		return a, err
	}, `SELECT `+attachmentColumns+`, EXISTS (SELECT 1 FROM attachment_data d WHERE d.id = a.id) FROM attachments a WHERE a.message_id = $1 AND a.app_id = $2 ORDER BY a.id`,
		int64(message), int64(app))
}

// Attachment is a file with its bytes. The error is of kind NotFound also when those have been dropped.
func (r *Reader) Attachment(ctx context.Context, key hookswitch.Key) (hookswitch.Attachment, []byte, error) {
	var bytes []byte
	a, err := scanAttachment(r.q.QueryRowContext(ctx, `SELECT `+attachmentColumns+`, d.bytes FROM attachments a JOIN attachment_data d ON d.id = a.id WHERE a.id = $1`, int64(key)), &bytes)
	a.Kept = true
	return a, bytes, readErr(err, "attachment")
}

// DropAttachmentsBefore drops the bytes of up to limit files older than before, and returns of how many.
func (tx *Tx) DropAttachmentsBefore(before time.Time, limit int) (int, error) {
	return tx.dropBefore(`DELETE FROM attachment_data WHERE id IN (SELECT id FROM attachment_data WHERE id < $1 ORDER BY id LIMIT $2)`, int64(hookswitch.KeyAt(before)), limit)
}
