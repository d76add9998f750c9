package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

const senderColumns = `id, app_id, name, phone_number, is_default, responder, dialogue, created_at, updated_at`

func senderOwner(key hookswitch.Key) string { return "sender " + strconv.FormatInt(int64(key), 10) }

func routeOwner(key hookswitch.Key) string { return "route " + strconv.FormatInt(int64(key), 10) }

func (r *Reader) scanSender(row rowScanner) (*hookswitch.Sender, error) {
	var s hookswitch.Sender
	var responder []byte
	var dialogue string
	var created, updated int64
	if err := row.Scan(&s.Key, &s.App, &s.Name, &s.PhoneNumber, &s.Default, &responder, &dialogue, &created, &updated); err != nil {
		return nil, err
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
	return &s, json.Unmarshal(plain, &s.Responder)
}

// dialogueText is what a sender says in dialogues, as stored: JSON, "" for nothing of its own.
func dialogueText(t hookswitch.DialogueTexts) (string, error) {
	if t == (hookswitch.DialogueTexts{}) {
		return "", nil
	}
	b, err := json.Marshal(t)
	return string(b), err
}

func (r *Reader) scanRoute(row rowScanner) (hookswitch.Route, error) {
	var rt hookswitch.Route
	var sealed []byte
	var rate string
	if err := row.Scan(&rt.Key, &rt.App, &rt.Sender, &rt.Channel, &rt.Provider, &rt.Account, &rt.Address, &sealed, &rate); err != nil {
		return rt, err
	}
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

const routeColumns = `id, app_id, sender_id, channel, provider, account, address, credentials, rate`

// Sender is a sender of an app with its routes.
func (r *Reader) Sender(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Sender, error) {
	s, err := r.scanSender(r.q.QueryRowContext(ctx, `SELECT `+senderColumns+` FROM senders WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app)))
	if err != nil {
		return nil, readErr(err, "sender")
	}
	s.Routes, err = r.routesOf(ctx, app, key)
	return s, err
}

// SenderByName is a sender of an app by its name.
func (r *Reader) SenderByName(ctx context.Context, app hookswitch.Key, name string) (*hookswitch.Sender, error) {
	s, err := r.scanSender(r.q.QueryRowContext(ctx, `SELECT `+senderColumns+` FROM senders WHERE app_id = $1 AND name = $2 AND deleted_at = 0`, int64(app), name))
	if err != nil {
		return nil, readErr(err, "sender")
	}
	s.Routes, err = r.routesOf(ctx, app, s.Key)
	return s, err
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

// InsertSender stores a new sender without its routes. The error is of kind Conflict when its name is taken.
func (tx *Tx) InsertSender(s *hookswitch.Sender) error {
	responder, err := tx.sealResponder(s)
	if err != nil {
		return err
	}
	dialogue, err := dialogueText(s.Dialogue)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO senders (id, app_id, name, phone_number, is_default, responder, dialogue, created_at, updated_at, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)`,
		int64(s.Key), int64(s.App), s.Name, s.PhoneNumber, s.Default, responder, dialogue, millis(s.CreatedAt), millis(s.UpdatedAt))
	return tx.unique(err, "a sender with this name exists already")
}

// UpdateSender stores the changed fields of a sender without its routes.
func (tx *Tx) UpdateSender(s *hookswitch.Sender) error {
	responder, err := tx.sealResponder(s)
	if err != nil {
		return err
	}
	dialogue, err := dialogueText(s.Dialogue)
	if err != nil {
		return err
	}
	err = tx.execOne("sender", `UPDATE senders SET name = $3, phone_number = $4, is_default = $5, responder = $6, dialogue = $7, updated_at = $8
		WHERE id = $1 AND app_id = $2 AND deleted_at = 0`,
		int64(s.Key), int64(s.App), s.Name, s.PhoneNumber, s.Default, responder, dialogue, millis(s.UpdatedAt))
	return tx.unique(err, "a sender with this name exists already")
}

// DeleteSender hides a sender and its routes.
func (tx *Tx) DeleteSender(app, key hookswitch.Key, now time.Time) error {
	if err := tx.execOne("sender", `UPDATE senders SET deleted_at = $3 WHERE id = $1 AND app_id = $2 AND deleted_at = 0`, int64(key), int64(app), millis(now)); err != nil {
		return err
	}
	_, err := tx.exec(`UPDATE routes SET deleted_at = $2 WHERE sender_id = $1 AND deleted_at = 0`, int64(key), millis(now))
	return err
}

// PutRoute stores a route, new or changed. The error is of kind Conflict when another one has its address.
func (tx *Tx) PutRoute(rt *hookswitch.Route) error {
	plain, err := rt.Credentials.RevealJSON()
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO routes (id, app_id, sender_id, channel, provider, account, address, credentials, rate, deleted_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0)
		ON CONFLICT (id) DO UPDATE SET channel = excluded.channel, provider = excluded.provider, account = excluded.account,
			address = excluded.address, credentials = excluded.credentials, rate = excluded.rate`,
		int64(rt.Key), int64(rt.App), int64(rt.Sender), string(rt.Channel), rt.Provider, rt.Account, rt.Address, tx.box.seal(plain, routeOwner(rt.Key)), rt.Rate.String())
	return tx.unique(err, fmt.Sprintf("another route of %s over %s has the address %q already", rt.Channel, rt.Provider, rt.Address))
}
