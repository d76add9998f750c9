package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

const appColumns = `id, uid, name, throttle_rate, metadata, bot_name, bot_ref, company_id, version, created_at, updated_at`

func scanApp(row rowScanner) (*hookswitch.App, error) {
	var a hookswitch.App
	var uid sql.NullString
	var metadata string
	var created, updated int64
	err := row.Scan(&a.Key, &uid, &a.Name, &a.ThrottleRate, &metadata, &a.BotName, &a.BotRef, &a.CompanyID, &a.Version, &created, &updated)
	a.UID, a.Metadata, a.CreatedAt, a.UpdatedAt = uid.String, textPairs(metadata), fromMillis(created), fromMillis(updated)
	return &a, err
}

// App is the app by key.
func (r *Reader) App(ctx context.Context, key hookswitch.Key) (*hookswitch.App, error) {
	a, err := scanApp(r.q.QueryRowContext(ctx, `SELECT `+appColumns+` FROM apps WHERE id = $1 AND deleted_at = 0`, int64(key)))
	return a, readErr(err, "application")
}

// AppByUID is the app by its caller's name.
func (r *Reader) AppByUID(ctx context.Context, uid string) (*hookswitch.App, error) {
	a, err := scanApp(r.q.QueryRowContext(ctx, `SELECT `+appColumns+` FROM apps WHERE uid = $1 AND deleted_at = 0`, uid))
	return a, readErr(err, "application")
}

// Apps lists the apps, all but the organisation's own.
func (r *Reader) Apps(ctx context.Context, p Page) ([]*hookswitch.App, error) {
	args := []any{int64(hookswitch.OrganizationApp)}
	query := `SELECT ` + appColumns + ` FROM apps WHERE deleted_at = 0 AND id <> $1`
	return scanAll(ctx, r, scanApp, query+p.clause("id", &args), args...)
}

// AppFilter leaves apps out of a list by the endpoints that they have. Webhooks of senders do not count.
type AppFilter struct {
	WithoutEndpoints bool   // those that have none
	OnlyDisabled     bool   // those whose endpoints are all disabled
	OnlyAt           string // those whose endpoints all have URLs that begin so; "": none is left out for that
}

const (
	ofApp       = `SELECT 1 FROM endpoints e WHERE e.app_id = apps.id AND e.sender_id = 0 AND e.deleted_at = 0`
	hasEndpoint = `EXISTS (` + ofApp + `)`
)

func (f AppFilter) clause(args *[]any) string {
	var b strings.Builder
	if f.WithoutEndpoints {
		b.WriteString(" AND " + hasEndpoint)
	}
	if f.OnlyDisabled {
		b.WriteString(" AND (EXISTS (" + ofApp + " AND NOT e.disabled) OR NOT " + hasEndpoint + ")")
	}
	if f.OnlyAt != "" {
		*args = append(*args, f.OnlyAt)
		b.WriteString(" AND (EXISTS (" + ofApp + " AND substr(e.url, 1, " + strconv.Itoa(utf8.RuneCountInString(f.OnlyAt)) + ") <> " + placeholder(*args) + ") OR NOT " + hasEndpoint + ")")
	}
	return b.String()
}

// walkApps is how many apps one filtered list looks at before it gives up and says where.
const walkApps = 10_000

// FilteredApps lists the apps that f leaves, but not the organisation's own. stopped is where the walk gave up when there may be more behind it, else 0.
func (r *Reader) FilteredApps(ctx context.Context, f AppFilter, p Page) (list []*hookswitch.App, stopped hookswitch.Key, err error) {
	args := []any{int64(hookswitch.OrganizationApp)}
	end := p
	end.Limit = 1
	query := `SELECT id FROM apps WHERE deleted_at = 0 AND id <> $1` + end.clause("id", &args) + " OFFSET " + strconv.Itoa(walkApps-1)
	switch err := r.q.QueryRowContext(ctx, query, args...).Scan(&stopped); {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return nil, 0, readErr(err, "application")
	case p.Ascending:
		p.Before = stopped + 1
	default:
		p.After = stopped - 1
	}
	args = args[:1]
	query = `SELECT ` + appColumns + ` FROM apps WHERE deleted_at = 0 AND id <> $1` + f.clause(&args)
	list, err = scanAll(ctx, r, scanApp, query+p.clause("id", &args), args...)
	if len(list) >= p.Limit {
		stopped = 0
	}
	return list, stopped, err
}

// AppVersion is the version of an app.
type AppVersion struct {
	App     hookswitch.Key
	Version int64
	Deleted bool
	Changed time.Time
}

// AppsChangedSince lists the apps whose way of fanning out has changed at or after since.
func (r *Reader) AppsChangedSince(ctx context.Context, since time.Time) ([]AppVersion, error) {
	return scanAll(ctx, r, func(row rowScanner) (v AppVersion, err error) {
		var deleted, changed int64
		err = row.Scan(&v.App, &v.Version, &deleted, &changed)
		v.Deleted, v.Changed = deleted != 0, fromMillis(changed)
		return v, err
	}, `SELECT id, version, deleted_at, changed_at FROM apps WHERE changed_at >= $1 ORDER BY changed_at LIMIT 10000`, millis(since))
}

// InsertApp stores a new app. The error is of kind Conflict when its uid is taken.
func (tx *Tx) InsertApp(a *hookswitch.App) error {
	_, err := tx.exec(`INSERT INTO apps (id, uid, name, throttle_rate, metadata, bot_name, bot_ref, company_id, version, changed_at, created_at, updated_at, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`,
		int64(a.Key), nullText(a.UID), a.Name, a.ThrottleRate, pairsText(a.Metadata), a.BotName, a.BotRef, a.CompanyID, a.Version,
		millis(a.CreatedAt), millis(a.CreatedAt), millis(a.UpdatedAt))
	return tx.unique(err, "an application with this uid exists already")
}

// ensureOrganization makes the organisation's own app where there is none yet.
func (tx *Tx) ensureOrganization(now time.Time) error {
	_, err := tx.exec(`INSERT INTO apps (id, uid, name, throttle_rate, metadata, bot_name, bot_ref, company_id, version, changed_at, created_at, updated_at, deleted_at)
		VALUES ($1, NULL, 'Organization', 0, '', '', '', '', 1, $2, $2, $2, 0) ON CONFLICT DO NOTHING`, int64(hookswitch.OrganizationApp), millis(now))
	return err
}

// UpdateApp stores the changed fields of an app under a new version.
func (tx *Tx) UpdateApp(a *hookswitch.App) error {
	err := tx.changeApp(a.Key, `UPDATE apps SET uid = $2, name = $3, throttle_rate = $4, metadata = $5, bot_name = $6, bot_ref = $7, company_id = $8,
		updated_at = $9, changed_at = $9, version = version + 1 WHERE id = $1 AND deleted_at = 0`,
		nullText(a.UID), a.Name, a.ThrottleRate, pairsText(a.Metadata), a.BotName, a.BotRef, a.CompanyID, millis(a.UpdatedAt))
	return tx.unique(err, "an application with this uid exists already")
}

// TouchApp gives an app a new version: where its events go has changed.
func (tx *Tx) TouchApp(app hookswitch.Key, now time.Time) error {
	return tx.changeApp(app, `UPDATE apps SET version = version + 1, changed_at = $2 WHERE id = $1 AND deleted_at = 0`, millis(now))
}

// HoldApp makes transactions that hold the same app run one after the other. Nothing about the app changes.
func (tx *Tx) HoldApp(app hookswitch.Key) error {
	return tx.execOne("application", `UPDATE apps SET version = version WHERE id = $1 AND deleted_at = 0`, int64(app))
}

// DeleteApp hides an app with all it has, and frees its uid and the addresses of its routes.
func (tx *Tx) DeleteApp(app hookswitch.Key, now time.Time) error {
	if err := tx.changeApp(app, `UPDATE apps SET deleted_at = $2, changed_at = $2, version = version + 1 WHERE id = $1 AND deleted_at = 0`, millis(now)); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE endpoints SET deleted_at = $2 WHERE app_id = $1 AND deleted_at = 0`,
		`UPDATE routes SET deleted_at = $2 WHERE app_id = $1 AND deleted_at = 0`,
		`UPDATE senders SET deleted_at = $2 WHERE app_id = $1 AND deleted_at = 0`,
		`UPDATE api_keys SET deleted_at = $2 WHERE app_id = $1 AND deleted_at = 0`,
		`UPDATE clients SET deleted_at = $2 WHERE app_id = $1 AND deleted_at = 0`,
		`UPDATE tokens SET expires_at = $2 WHERE app_id = $1 AND (expires_at = 0 OR expires_at > $2)`,
	} {
		if _, err := tx.exec(statement, int64(app), millis(now)); err != nil {
			return err
		}
	}
	_, err := tx.exec(`UPDATE message_groups SET configured = FALSE WHERE app_id = $1 AND configured`, int64(app))
	return err
}

// CheckVersion ends the transaction with ErrStale unless the app still has the version. It may do so later than here.
func (tx *Tx) CheckVersion(app hookswitch.Key, version int64) error {
	if have, ok := tx.versions[app]; ok {
		return sameVersion(have, version)
	}
	return tx.check(func(row rowScanner) error {
		var have int64
		if err := row.Scan(&have); err != nil {
			return readErr(err, "application")
		}
		if tx.versions != nil {
			tx.versions[app] = have
		}
		return sameVersion(have, version)
	}, selectVersion, int64(app))
}

func sameVersion(have, want int64) error {
	if have != want {
		return ErrStale
	}
	return nil
}

// changeApp runs a statement that gives an app another version.
func (tx *Tx) changeApp(app hookswitch.Key, query string, args ...any) error {
	delete(tx.versions, app)
	return tx.execOne("application", query, append([]any{int64(app)}, args...)...)
}

const selectVersion = `SELECT version FROM apps WHERE id = $1 AND deleted_at = 0`

// FindApps lists the apps whose name, uid or, where it is one, key fits the text, but not the organisation's own. It looks at names and uids without regard to capitals of ASCII.
func (r *Reader) FindApps(ctx context.Context, text string, key hookswitch.Key, p Page) ([]*hookswitch.App, error) {
	args := []any{int64(hookswitch.OrganizationApp), strings.ToLower(text), int64(key)}
	return scanAll(ctx, r, scanApp, `SELECT `+appColumns+` FROM apps WHERE deleted_at = 0 AND id <> $1
		AND (replace(lower(name), $2, '') <> lower(name) OR replace(lower(COALESCE(uid, '')), $2, '') <> lower(COALESCE(uid, '')) OR id = $3)`+p.clause("id", &args), args...)
}
