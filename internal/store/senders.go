package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

const senderColumns = `id, app_id, name, phone_number, is_default, responder, dialogue, enabled, silenced, email, created_at, updated_at`

func senderOwner(key hookswitch.Key) string { return "sender " + strconv.FormatInt(int64(key), 10) }

func routeOwner(key hookswitch.Key) string { return "route " + strconv.FormatInt(int64(key), 10) }

func (r *Reader) scanSender(row rowScanner) (*hookswitch.Sender, error) {
	var s hookswitch.Sender
	var responder []byte
	var dialogue, email string
	var enabled, silenced sql.NullString
	var created, updated int64
	if err := row.Scan(&s.Key, &s.App, &s.Name, &s.PhoneNumber, &s.Default, &responder, &dialogue, &enabled, &silenced, &email, &created, &updated); err != nil {
		return nil, err
	}
	s.Enabled = textList(enabled)
	for _, name := range textList(silenced) {
		s.Silenced = append(s.Silenced, hookswitch.Channel(name))
	}
	s.CreatedAt, s.UpdatedAt = fromMillis(created), fromMillis(updated)
	plain, err := r.box.open(responder, senderOwner(s.Key))
	if err != nil {
		return nil, fmt.Errorf("open the responder of a sender: %w", err)
	}
	if dialogue != "" {
		if err := json.Unmarshal([]byte(dialogue), &s.Dialogue); err != nil {
			return nil, fmt.Errorf("read the dialogue texts of a sender: %w", err)
		}
	}
	if email != "" {
		if err := json.Unmarshal([]byte(email), &s.Email); err != nil {
			return nil, fmt.Errorf("read the email settings of a sender: %w", err)
		}
	}
	return &s, json.Unmarshal(plain, &s.Responder)
}

// settingText is a part of a sender's settings as stored: JSON, "" for the zero value.
func settingText[T comparable](v T) (string, error) {
	var zero T
	if v == zero {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

func (r *Reader) scanRoute(row rowScanner) (hookswitch.Route, error) {
	var rt hookswitch.Route
	var sealed []byte
	var rate string
	var disabled int64
	if err := row.Scan(&rt.Key, &rt.App, &rt.Sender, &rt.Channel, &rt.Provider, &rt.Account, &rt.Address, &sealed, &rate, &disabled, &rt.DisabledCause); err != nil {
		return rt, err
	}
	rt.DisabledAt = fromMillis(disabled)
	var err error
	if rt.Rate, err = hookswitch.ParseRate(rate); err != nil {
		return rt, fmt.Errorf("read the rate of a route: %w", err)
	}
	plain, err := r.box.open(sealed, routeOwner(rt.Key))
	if err != nil {
		return rt, fmt.Errorf("open the credentials of a route: %w", err)
	}
	return rt, json.Unmarshal(plain, &rt.Credentials)
}

const routeColumns = `id, app_id, sender_id, channel, provider, account, address, credentials, rate, disabled_at, disabled_cause`

// Sender is a sender of an app with its routes.
func (r *Reader) Sender(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Sender, error) {
	s, err := r.scanSender(r.q.QueryRowContext(ctx, `SELECT `+senderColumns+` FROM senders WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app)))
	if err != nil {
		return nil, readErr(err, "sender")
	}
	s.Routes, err = r.routesOf(ctx, app, key)
	return s, err
}

// SenderByName is the sender of an app with the name. The error is of kind Conflict when several have it.
func (r *Reader) SenderByName(ctx context.Context, app hookswitch.Key, name string) (*hookswitch.Sender, error) {
	list, err := scanAll(ctx, r, r.scanSender, `SELECT `+senderColumns+` FROM senders WHERE app_id = $1 AND name = $2 AND deleted_at = 0 ORDER BY id LIMIT 2`, int64(app), name)
	switch {
	case err != nil:
		return nil, err
	case len(list) == 0:
		return nil, hookswitch.NotFoundf("sender not found")
	case len(list) > 1:
		return nil, hookswitch.Errorf(hookswitch.Conflict, "several senders have the name %q; name the one that is meant by its id", name)
	}
	list[0].Routes, err = r.routesOf(ctx, app, list[0].Key)
	return list[0], err
}

func (r *Reader) routesOf(ctx context.Context, app, sender hookswitch.Key) ([]hookswitch.Route, error) {
	return scanAll(ctx, r, r.scanRoute, `SELECT `+routeColumns+` FROM routes WHERE sender_id = $1 AND app_id = $2 AND deleted_at = 0 ORDER BY id`, int64(sender), int64(app))
}

// RouteOver is the oldest live route of an app over the provider, on the channel where that is not empty.
func (r *Reader) RouteOver(ctx context.Context, app hookswitch.Key, provider string, ch hookswitch.Channel) (*hookswitch.Route, error) {
	rt, err := r.scanRoute(r.q.QueryRowContext(ctx, `SELECT `+routeColumns+` FROM routes WHERE app_id = $1 AND provider = $2 AND deleted_at = 0 AND (channel = $3 OR $3 = '') ORDER BY id LIMIT 1`,
		int64(app), provider, string(ch)))
	if err != nil {
		return nil, readErr(err, "route")
	}
	return &rt, nil
}

// RouteProvider is the provider of a route of an app, also of one that is gone; "": there never was one.
func (r *Reader) RouteProvider(ctx context.Context, app, route hookswitch.Key) (provider string, err error) {
	err = r.q.QueryRowContext(ctx, `SELECT provider FROM routes WHERE id = $1 AND app_id = $2`, int64(route), int64(app)).Scan(&provider)
	if err = readErr(err, "route"); hookswitch.KindOf(err) == hookswitch.NotFound {
		return "", nil
	}
	return provider, err
}

// DefaultSender is the sender of an app that sends use which name none, or an error of kind NotFound.
func (r *Reader) DefaultSender(ctx context.Context, app hookswitch.Key) (*hookswitch.Sender, error) {
	s, err := r.scanSender(r.q.QueryRowContext(ctx, `SELECT `+senderColumns+` FROM senders WHERE app_id = $1 AND is_default AND deleted_at = 0 ORDER BY id LIMIT 1`, int64(app)))
	if err != nil {
		return nil, readErr(err, "sender")
	}
	s.Routes, err = r.routesOf(ctx, app, s.Key)
	return s, err
}

// Senders lists the senders of an app with their routes.
func (r *Reader) Senders(ctx context.Context, app hookswitch.Key, p Page) ([]*hookswitch.Sender, error) {
	args := []any{int64(app)}
	list, err := scanAll(ctx, r, r.scanSender, `SELECT `+senderColumns+` FROM senders WHERE app_id = $1 AND deleted_at = 0`+p.clause("id", &args), args...)
	for i := 0; i < len(list) && err == nil; i++ {
		list[i].Routes, err = r.routesOf(ctx, app, list[i].Key)
	}
	return list, err
}

// AllRoutes are the live routes of all apps: what doors look at.
func (r *Reader) AllRoutes(ctx context.Context) ([]hookswitch.Route, error) {
	return scanAll(ctx, r, r.scanRoute, `SELECT `+routeColumns+` FROM routes WHERE deleted_at = 0 ORDER BY id`)
}

func (tx *Tx) sealResponder(s *hookswitch.Sender) ([]byte, error) {
	plain, err := s.Responder.MarshalJSON() // json.Marshal would write the object in its own way, and applying it again would look like a change
	if err != nil {
		return nil, err
	}
	return tx.box.seal(plain, senderOwner(s.Key)), nil
}

// InsertSender stores a new sender without its routes.
func (tx *Tx) InsertSender(s *hookswitch.Sender) error {
	responder, err := tx.sealResponder(s)
	if err != nil {
		return err
	}
	dialogue, err := settingText(s.Dialogue)
	if err != nil {
		return err
	}
	email, err := settingText(s.Email)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO senders (id, app_id, name, phone_number, is_default, responder, dialogue, enabled, silenced, email, created_at, updated_at, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0)`,
		int64(s.Key), int64(s.App), s.Name, s.PhoneNumber, s.Default, responder, dialogue, listText(s.Enabled), listText(channelTexts(s.Silenced)), email, millis(s.CreatedAt), millis(s.UpdatedAt))
	return err
}

// UpdateSender stores the changed fields of a sender without its routes.
func (tx *Tx) UpdateSender(s *hookswitch.Sender) error {
	responder, err := tx.sealResponder(s)
	if err != nil {
		return err
	}
	dialogue, err := settingText(s.Dialogue)
	if err != nil {
		return err
	}
	email, err := settingText(s.Email)
	if err != nil {
		return err
	}
	return tx.execOne("sender", `UPDATE senders SET name = $3, phone_number = $4, is_default = $5, responder = $6, dialogue = $7, enabled = $8, silenced = $9, email = $10, updated_at = $11
		WHERE id = $1 AND app_id = $2 AND deleted_at = 0`,
		int64(s.Key), int64(s.App), s.Name, s.PhoneNumber, s.Default, responder, dialogue, listText(s.Enabled), listText(channelTexts(s.Silenced)), email, millis(s.UpdatedAt))
}

func channelTexts(list []hookswitch.Channel) (names []string) {
	for _, ch := range list {
		names = append(names, string(ch))
	}
	return names
}

// ClearDefault makes none of the app's senders its default.
func (tx *Tx) ClearDefault(app hookswitch.Key) error {
	_, err := tx.exec(`UPDATE senders SET is_default = FALSE WHERE app_id = $1 AND is_default AND deleted_at = 0`, int64(app))
	return err
}

// DeleteSender hides a sender and its routes.
func (tx *Tx) DeleteSender(app, key hookswitch.Key, now time.Time) error {
	if err := tx.execOne("sender", `UPDATE senders SET deleted_at = $3 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app), millis(now)); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE routes SET deleted_at = $2 WHERE sender_id = $1 AND deleted_at = 0`, int64(key), millis(now))
	return err
}

// DeleteRoute hides a route.
func (tx *Tx) DeleteRoute(app, key hookswitch.Key, now time.Time) error {
	return tx.execOne("route", `UPDATE routes SET deleted_at = $3 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app), millis(now))
}

// DisableRoute notes since when, and why, nothing can be sent over a route. It reports false where that is known, and where the route is gone.
func (tx *Tx) DisableRoute(app, key hookswitch.Key, cause string, now time.Time) (bool, error) {
	n, err := tx.exec(`UPDATE routes SET disabled_at = $3, disabled_cause = $4 WHERE id = $1 AND app_id = $2 AND disabled_at = 0 AND deleted_at = 0`,
		int64(key), int64(app), millis(now), cause)
	return n > 0, err
}

// PutRoute stores a route, new or changed, with its credentials, which makes it one that is not disabled. The error is of kind Conflict when another one has its address.
func (tx *Tx) PutRoute(rt *hookswitch.Route) error {
	plain, err := rt.Credentials.RevealJSON()
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO routes (id, app_id, sender_id, channel, provider, account, address, credentials, rate, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)
		ON CONFLICT (id) DO UPDATE SET channel = excluded.channel, provider = excluded.provider, account = excluded.account,
			address = excluded.address, credentials = excluded.credentials, rate = excluded.rate,
			disabled_at = 0, disabled_cause = ''`,
		int64(rt.Key), int64(rt.App), int64(rt.Sender), string(rt.Channel), rt.Provider, rt.Account, rt.Address, tx.box.seal(plain, routeOwner(rt.Key)), rt.Rate.String())
	return tx.unique(err, fmt.Sprintf("another route of %s over %s has the address %q already", rt.Channel, rt.Provider, rt.Address))
}
