package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

const invitationColumns = `id, app_id, token, connection_type, status, client_name, client_email, client_phone, countries, phone_number_id, sender_id, account, failure_reason,
	viewed_at, started_at, completed_at, failed_at, expires_at, created_at, updated_at`

func invitationOwner(key hookswitch.Key) string {
	return "invitation " + strconv.FormatInt(int64(key), 10)
}

// invitationHash is what an invitation with the token is found by.
func invitationHash(token hookswitch.Secret) string {
	sum := sha256.Sum256([]byte("hookswitch invitation\x00" + token.Reveal()))
	return hex.EncodeToString(sum[:])
}

// connectedAccount is what is stored of a connected account.
type connectedAccount struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Parent string `json:"parent,omitempty"`
	Phone  string `json:"phone,omitempty"`
}

func (r *Reader) scanInvitation(row rowScanner) (*hookswitch.Invitation, error) {
	var i hookswitch.Invitation
	var token []byte
	var countries sql.NullString
	var account string
	var viewed, started, completed, failed, expires, created, updated int64
	if err := row.Scan(&i.Key, &i.App, &token, &i.ConnectionType, &i.Status, &i.ClientName, &i.ClientEmail, &i.ClientPhone, &countries, &i.PhoneNumberID, &i.Sender, &account, &i.FailureReason,
		&viewed, &started, &completed, &failed, &expires, &created, &updated); err != nil {
		return nil, err
	}
	plain, err := r.box.open(token, invitationOwner(i.Key))
	if err != nil {
		return nil, fmt.Errorf("open the token of an invitation: %w", err)
	}
	if account != "" {
		var a connectedAccount
		if err := json.Unmarshal([]byte(account), &a); err != nil {
			return nil, fmt.Errorf("read the account of an invitation: %w", err)
		}
		i.Account = hookswitch.ConnectedAccount{Channel: i.ConnectionType.Channel(), ID: a.ID, Name: a.Name, Parent: a.Parent, Phone: a.Phone}
	}
	i.Token, i.Countries = hookswitch.Secret(plain), textList(countries)
	i.ViewedAt, i.StartedAt, i.CompletedAt, i.FailedAt = fromMillis(viewed), fromMillis(started), fromMillis(completed), fromMillis(failed)
	i.ExpiresAt, i.CreatedAt, i.UpdatedAt = fromMillis(expires), fromMillis(created), fromMillis(updated)
	return &i, nil
}

// Invitation is an invitation of an app.
func (r *Reader) Invitation(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Invitation, error) {
	i, err := r.scanInvitation(r.q.QueryRowContext(ctx, `SELECT `+invitationColumns+` FROM invitations WHERE id = $1 AND app_id = $2`, int64(key), int64(app)))
	return i, readErr(err, "invitation")
}

// InvitationByToken is the invitation with the token, whichever app's it is, as long as the app is there.
func (r *Reader) InvitationByToken(ctx context.Context, token hookswitch.Secret) (*hookswitch.Invitation, error) {
	i, err := r.scanInvitation(r.q.QueryRowContext(ctx, `SELECT `+invitationColumns+` FROM invitations WHERE token_hash = $1
		AND EXISTS (SELECT 1 FROM apps a WHERE a.id = app_id AND a.deleted_at = 0)`, invitationHash(token)))
	return i, readErr(err, "invitation")
}

// Invitations lists the invitations of an app, those of one status where it is not empty.
func (r *Reader) Invitations(ctx context.Context, app hookswitch.Key, status hookswitch.InvitationStatus, p Page) ([]*hookswitch.Invitation, error) {
	args, where := []any{int64(app)}, ""
	if status != "" {
		args, where = append(args, string(status)), " AND status = $2"
	}
	return scanAll(ctx, r, r.scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE app_id = $1`+where+p.clause("id", &args), args...)
}

// InvitationsDue are up to limit invitations, of all apps that are there, that can still be used and have expired at the time or, in progress, were begun before abandoned.
func (r *Reader) InvitationsDue(ctx context.Context, now, abandoned time.Time, limit int) ([]*hookswitch.Invitation, error) {
	return scanAll(ctx, r, r.scanInvitation, `SELECT `+invitationColumns+` FROM invitations WHERE ended = FALSE AND (expires_at <= $1 OR status = $2 AND started_at <= $3)
		AND EXISTS (SELECT 1 FROM apps a WHERE a.id = app_id AND a.deleted_at = 0) ORDER BY expires_at LIMIT $4`,
		millis(now), string(hookswitch.InvitationInProgress), millis(abandoned), limit)
}

// InsertInvitation stores a new invitation.
func (tx *Tx) InsertInvitation(i *hookswitch.Invitation) error {
	_, err := tx.exec(`INSERT INTO invitations (id, app_id, token_hash, token, connection_type, status, client_name, client_email, client_phone, countries, phone_number_id, sender_id, account,
		failure_reason, ended, viewed_at, started_at, completed_at, failed_at, expires_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, '', '', FALSE, 0, 0, 0, 0, $12, $13, $14)`,
		int64(i.Key), int64(i.App), invitationHash(i.Token), tx.box.seal([]byte(i.Token.Reveal()), invitationOwner(i.Key)), string(i.ConnectionType), string(i.Status), clean(i.ClientName),
		clean(i.ClientEmail), clean(i.ClientPhone), listText(i.Countries), clean(i.PhoneNumberID), millis(i.ExpiresAt), millis(i.CreatedAt), millis(i.UpdatedAt))
	return err
}

// UpdateInvitation stores what may change of an invitation, as long as its status is still from. Otherwise the error is of kind Conflict.
func (tx *Tx) UpdateInvitation(i *hookswitch.Invitation, from hookswitch.InvitationStatus) error {
	account := ""
	if a := i.Account; a.ID != "" || a.Parent != "" || a.Name != "" {
		b, err := json.Marshal(connectedAccount{ID: clean(a.ID), Name: clean(a.Name), Parent: clean(a.Parent), Phone: clean(a.Phone)})
		if err != nil {
			return err
		}
		account = string(b)
	}
	n, err := tx.exec(`UPDATE invitations SET status = $3, sender_id = $4, account = $5, failure_reason = $6, ended = $7, viewed_at = $8, started_at = $9, completed_at = $10, failed_at = $11,
		updated_at = $12 WHERE id = $1 AND app_id = $2 AND status = $13`,
		int64(i.Key), int64(i.App), string(i.Status), int64(i.Sender), account, clean(i.FailureReason), !i.Status.Open(), millis(i.ViewedAt), millis(i.StartedAt), millis(i.CompletedAt),
		millis(i.FailedAt), millis(i.UpdatedAt), string(from))
	if err == nil && n == 0 {
		return hookswitch.Errorf(hookswitch.Conflict, "the invitation has changed meanwhile")
	}
	return err
}
