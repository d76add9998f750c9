package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// What contacts are found by is written behind their changes: it is rows all over an index, and whoever writes to us for the first time need not wait for them. A search writes what is
// still to be written before it looks.
const (
	indexEvery = time.Second
	// indexStep is how many contacts one transaction indexes.
	indexStep = 32
	// indexBurst is how many new contacts within indexEvery are a burst, whose end is waited for, and indexPatience for how long.
	indexBurst    = 100
	indexPatience = 30 * time.Second
	// searchIndexes is how many contacts a search indexes at most. What more there is it finds when the burst is over.
	searchIndexes = 16 * indexStep
)

// indexLater notes that what a contact is found by may have changed. The row is written again where there is one, so that whoever indexes the contact meanwhile begins again.
func (tx *Tx) indexLater(app, contact hookswitch.Key) error {
	return tx.write(`INSERT INTO contacts_to_index (contact_id, app_id) VALUES ($1, $2) ON CONFLICT (contact_id) DO UPDATE SET app_id = excluded.app_id`, int64(contact), int64(app))
}

// indexSome indexes up to indexStep contacts of an App, or of all with app 0, and returns how many there were.
func (s *Store) indexSome(ctx context.Context, app hookswitch.Key) (n int, err error) {
	type waiting struct{ contact, app hookswitch.Key }
	args, where := []any{indexStep}, ""
	if app != 0 {
		args, where = append(args, int64(app)), "WHERE app_id = $2 "
	}
	err = s.Update(ctx, func(tx *Tx) error {
		list, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (w waiting, err error) {
			err = row.Scan(&w.contact, &w.app)
			return w, err
		}, `SELECT contact_id, app_id FROM contacts_to_index `+where+`ORDER BY contact_id LIMIT $1`+tx.d.skipLocked, args...)
		if n = len(list); err != nil || n == 0 {
			return err
		}
		apps := make(map[hookswitch.Key][]hookswitch.Key)
		keys := make([]int64, n)
		for i, w := range list {
			apps[w.app], keys[i] = append(apps[w.app], w.contact), int64(w.contact)
		}
		for app, contacts := range apps {
			if err := tx.indexContacts(app, contacts); err != nil {
				return err
			}
		}
		var args []any
		return tx.write(`DELETE FROM contacts_to_index WHERE contact_id IN `+padded(&args, keys), args...)
	})
	return n, err
}

// indexDue reports whether contacts are to be indexed now: some wait, and either there is no burst or they have waited for its end for long enough.
func (s *Store) indexDue(ctx context.Context) (due bool, err error) {
	now := s.now()
	var oldest hookswitch.Key
	var fresh int
	err = s.q.QueryRowContext(ctx, `SELECT COALESCE((SELECT contact_id FROM contacts_to_index ORDER BY contact_id LIMIT 1), 0),
		(SELECT COUNT(*) FROM (SELECT 1 FROM contacts_to_index WHERE contact_id > $1 ORDER BY contact_id LIMIT $2) fresh)`,
		int64(hookswitch.KeyAt(now.Add(-indexEvery))), indexBurst+1).Scan(&oldest, &fresh)
	return oldest != 0 && (fresh <= indexBurst || oldest < hookswitch.KeyAt(now.Add(-indexPatience))), readErr(err, "contact")
}

// indexLoop indexes contacts until the store is closed.
func (s *Store) indexLoop() {
	ctx := Background(context.Background())
	ticker := time.NewTicker(indexEvery)
	defer ticker.Stop()
	for failed := false; ; {
		select {
		case <-s.closing:
			return
		case <-ticker.C:
		}
		for {
			due, err := s.indexDue(ctx)
			n := 0
			if err == nil && due {
				n, err = s.indexSome(ctx, 0)
			}
			if err != nil && !failed && !s.closed.Load() { // said once, not with each try
				s.log.Warn("index contacts", "error", err)
			}
			failed = err != nil
			if n < indexStep || s.closed.Load() {
				break
			}
		}
	}
}

// indexNow indexes what waits of an App before a search looks. Where that fails the search finds what was there before.
func (s *Store) indexNow(ctx context.Context, app hookswitch.Key) {
	for range searchIndexes / indexStep {
		var some bool
		if err := s.q.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM contacts_to_index WHERE app_id = $1)`, int64(app)).Scan(&some); err != nil || !some {
			return
		}
		n, err := s.indexSome(ctx, app)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("index contacts", "error", err)
		}
		if n < indexStep {
			return
		}
	}
}

// FindContacts is that of Reader, and finds what has changed up to now.
func (s *Store) FindContacts(ctx context.Context, app hookswitch.Key, text string, after Found, limit int) (list []Found, next *Found, err error) {
	s.indexNow(ctx, app)
	return s.Reader.FindContacts(ctx, app, text, after, limit)
}

// SearchConversations is that of Reader, and finds people by what has changed up to now.
func (s *Store) SearchConversations(ctx context.Context, app hookswitch.Key, search ConversationSearch, p Page) (list []ListedConversation, stopped hookswitch.Key, err error) {
	if search.Text != "" {
		s.indexNow(ctx, app)
	}
	return s.Reader.SearchConversations(ctx, app, search, p)
}
