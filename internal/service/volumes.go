package service

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// recordVolumesEvery is how often it is stored how much Apps have made.
const recordVolumesEvery = 10 * time.Second

// volumes is what Apps have made and is not stored yet. The zero volumes is ready. What a crash loses of it is missing from statistics, and from nothing else.
type volumes struct {
	mu sync.Mutex
	by map[volumeKey]*store.Volume
}

type volumeKey struct {
	app  hookswitch.Key
	hour int64
}

func (v *volumes) add(events []*hookswitch.Event, now time.Time) {
	if len(events) == 0 {
		return
	}
	hour := now.UnixMilli() / time.Hour.Milliseconds()
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.by == nil {
		v.by = make(map[volumeKey]*store.Volume)
	}
	for _, ev := range events {
		key := volumeKey{ev.App, hour}
		one := v.by[key]
		if one == nil {
			one = &store.Volume{App: ev.App, Hour: time.UnixMilli(hour * time.Hour.Milliseconds()).UTC()}
			v.by[key] = one
		}
		one.Events++
		one.Bytes += int64(len(ev.Payload))
	}
}

// take is what has to be stored, in one order on all nodes, so that none waits for another in a circle.
func (v *volumes) take() []store.Volume {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := make([]store.Volume, 0, len(v.by))
	for _, one := range v.by {
		list = append(list, *one)
	}
	clear(v.by)
	slices.SortFunc(list, func(a, b store.Volume) int { return cmp.Or(a.Hour.Compare(b.Hour), cmp.Compare(a.App, b.App)) })
	return list
}

// putBack is for what could not be stored.
func (v *volumes) putBack(list []store.Volume) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, was := range list {
		key := volumeKey{was.App, was.Hour.UnixMilli() / time.Hour.Milliseconds()}
		if one := v.by[key]; one != nil {
			one.Events, one.Bytes = one.Events+was.Events, one.Bytes+was.Bytes
		} else {
			v.by[key] = &was
		}
	}
}

// RecordVolumes stores how much Apps have made since it did so last.
func (s *Service) RecordVolumes(ctx context.Context) error {
	list := s.volumes.take()
	if len(list) == 0 {
		return nil
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		for _, v := range list {
			if err := tx.AddVolume(v, s.store.Node().Number); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.volumes.putBack(list)
	}
	return err
}

// AppVolume is how much an App has made in a day.
type AppVolume struct {
	App           *hookswitch.App
	Events, Bytes int64
	Share         float64 // of what all Apps have made, from 0 to 1
	LastHour      int64   // events of the last whole hour
}

// loudest is how many Apps Loudest names.
const loudest = 5

// Loudest are the Apps that have made the most events in a day, the most first.
func (s *Service) Loudest(ctx context.Context) (list []AppVolume, err error) {
	if err := s.RecordVolumes(ctx); err != nil {
		return nil, err
	}
	now := s.now().UTC()
	first := now.Truncate(time.Hour).Add(-(HealthHours - 1) * time.Hour)
	all, err := s.store.Volumes(ctx, 0, first)
	if err != nil {
		return nil, err
	}
	var sum int64
	for _, v := range all {
		sum += v.Events
	}
	greatest, err := s.store.GreatestVolumes(ctx, first, loudest)
	if err != nil {
		return nil, err
	}
	for _, v := range greatest {
		app, err := s.AppByKey(ctx, v.App)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		one := AppVolume{App: app, Events: v.Events, Bytes: v.Bytes, Share: float64(v.Events) / float64(max(sum, 1))}
		hours, err := s.store.Volumes(ctx, v.App, now.Truncate(time.Hour).Add(-time.Hour))
		if err != nil {
			return nil, err
		}
		for _, h := range hours {
			if h.Hour.Before(now.Truncate(time.Hour)) {
				one.LastHour += h.Events
			}
		}
		list = append(list, one)
	}
	return list, nil
}

// Usual is how many events the App makes in an hour, by those of the day but the last whole one.
func (v AppVolume) Usual() int64 { return max(v.Events-v.LastHour, 0) / (HealthHours - 2) }

// Surges reports whether the App has made far more in the last whole hour than it usually does.
func (v AppVolume) Surges() bool { return v.LastHour > 1000 && v.LastHour > 3*max(v.Usual(), 1) }

// AppVolume is how many events an App has made in a day, and how many bytes their payloads had.
func (s *Service) AppVolume(ctx context.Context, app hookswitch.Key) (events, bytes int64, err error) {
	list, err := s.store.Volumes(ctx, app, s.now().UTC().Truncate(time.Hour).Add(-(HealthHours-1)*time.Hour))
	for _, v := range list {
		events, bytes = events+v.Events, bytes+v.Bytes
	}
	return events, bytes, err
}
