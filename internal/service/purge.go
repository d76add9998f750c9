package service

import (
	"context"
	"encoding/json"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// PurgeContents starts a task that removes the payloads of all events that an App has made so far, and what endpoints have answered to them.
func (s *Service) PurgeContents(ctx context.Context, app hookswitch.Key, idem Idempotency) (*hookswitch.Task, error) {
	return s.startTask(ctx, hookswitch.Task{Key: s.keys.Next(), App: app, Kind: hookswitch.TaskPurgeContent, Total: hookswitch.TaskUncounted, CreatedAt: s.now().UTC()}, idem)
}

// purgeStretch is how many events one step looks at.
const purgeStretch = 256

func (s *Service) stepPurge(ctx context.Context, t *hookswitch.Task) (taskStep, error) {
	var of eraseParams
	if len(t.Params) > 0 {
		if err := json.Unmarshal(t.Params, &of); err != nil {
			return taskStep{}, err
		}
	}
	if of.Contact != 0 {
		return s.stepErase(ctx, t, of.Contact)
	}
	return s.advance(ctx, t, func(tx *store.Tx, b *births, next *hookswitch.Task) error {
		place, purged, err := tx.PurgeContents(t.App, t.Place, endOf(t.Key, t.CreatedAt), purgeStretch)
		if err != nil {
			return err
		}
		next.Place, next.Done, next.UpdatedAt = place, t.Done+int64(purged), b.now
		if place == 0 {
			next.Status = hookswitch.TaskFinished
		}
		return nil
	})
}

func (s *Service) purgeData(t *hookswitch.Task, _ int64) object {
	return object{{"appId", s.ids.Format(hookswitch.KindApp, t.App)}, {"messagesPurged", t.Done}}
}
