package store

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Volume is how many events an App made in an hour, and how many bytes their payloads had.
type Volume struct {
	App    hookswitch.Key // 0: all Apps
	Hour   time.Time      // its beginning
	Events int64
	Bytes  int64
}

// AddVolume adds to what an App has made in an hour, as this node has seen it.
func (tx *Tx) AddVolume(v Volume, node int) error {
	_, err := tx.exec(`INSERT INTO volumes (hour, app_id, node, events, bytes) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (hour, app_id, node) DO UPDATE SET events = volumes.events + excluded.events, bytes = volumes.bytes + excluded.bytes`,
		v.Hour.UnixMilli()/time.Hour.Milliseconds(), int64(v.App), node, v.Events, v.Bytes)
	return err
}

// Volumes are what all Apps together or, where app is not 0, one App has made, hour by hour from the hour of since on. Hours without are left out.
func (r *Reader) Volumes(ctx context.Context, app hookswitch.Key, since time.Time) ([]Volume, error) {
	args := []any{since.UnixMilli() / time.Hour.Milliseconds()}
	query := `SELECT 0, hour, SUM(events), SUM(bytes) FROM volumes WHERE hour >= $1`
	if app != 0 {
		args = append(args, int64(app))
		query += ` AND app_id = $2`
	}
	return scanAll(ctx, r, scanVolume, query+` GROUP BY hour ORDER BY hour`, args...)
}

// GreatestVolumes are what the Apps have made that made the most events from the hour of since on, the most first. Hour is that of since. The organisation's own is left out.
func (r *Reader) GreatestVolumes(ctx context.Context, since time.Time, limit int) ([]Volume, error) {
	hour := since.UnixMilli() / time.Hour.Milliseconds()
	return scanAll(ctx, r, scanVolume, `SELECT app_id, CAST($1 AS BIGINT), SUM(events) AS made, SUM(bytes) FROM volumes WHERE hour >= $1 AND app_id <> $2
		GROUP BY app_id ORDER BY made DESC, app_id LIMIT $3`, hour, int64(hookswitch.OrganizationApp), limit)
}

func scanVolume(row rowScanner) (v Volume, err error) {
	var hour int64
	err = row.Scan(&v.App, &hour, &v.Events, &v.Bytes)
	v.Hour = time.UnixMilli(hour * time.Hour.Milliseconds()).UTC()
	return v, err
}

// DropVolumesBefore removes up to limit counts of hours before the one of before, and returns how many.
func (tx *Tx) DropVolumesBefore(before time.Time, limit int) (int, error) {
	return tx.dropBefore(`DELETE FROM volumes WHERE (hour, app_id, node) IN (SELECT hour, app_id, node FROM volumes WHERE hour < $1 ORDER BY hour LIMIT $2)`,
		before.UnixMilli()/time.Hour.Milliseconds(), limit)
}
