package store

import "github.com/hookswitch/hookswitch"

// PurgeContents removes the payloads of up to limit events of an App behind after and below until, and what was answered to their attempts. place is where it
// has come to, 0 at the end; purged is how many payloads were there.
func (tx *Tx) PurgeContents(app, after, until hookswitch.Key, limit int) (place hookswitch.Key, purged int, err error) {
	keys, err := scanAll(tx.ctx, &tx.Reader, func(row rowScanner) (key hookswitch.Key, err error) {
		err = row.Scan(&key)
		return key, err
	}, `SELECT id FROM events WHERE app_id = $1 AND id > $2 AND id < $3 ORDER BY id LIMIT $4`, int64(app), int64(after), int64(until), limit)
	if err != nil || len(keys) == 0 {
		return 0, 0, err
	}
	place = keys[len(keys)-1]
	n, err := tx.exec(`UPDATE events SET payload = $4, expired = TRUE WHERE app_id = $1 AND id > $2 AND id <= $3 AND expired = FALSE`,
		int64(app), int64(after), int64(place), []byte{})
	if err != nil {
		return 0, 0, err
	}
	for len(keys) > 0 {
		some := keys[:min(len(keys), MaxTryRequest)]
		args := []any{int64(app), []byte{}}
		if _, err := tx.exec(`UPDATE attempts SET answer = $2, headers = $2, expired = TRUE WHERE app_id = $1 AND expired = FALSE AND event_id IN `+padded(&args, int64s(some)), args...); err != nil {
			return 0, 0, err
		}
		keys = keys[len(some):]
	}
	return place, int(n), nil
}
