package svix

import (
	"context"
	"net/http"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type appIn struct {
	Name         string            `json:"name"`
	UID          *string           `json:"uid"`
	ThrottleRate *int              `json:"throttleRate"`
	RateLimit    *int              `json:"rateLimit"`
	Metadata     map[string]string `json:"metadata"`
}

// apply makes a what in says, and reports what is wrong with in that a cannot express. at leads to in inside the body.
func (in *appIn) apply(a *hookswitch.App, at ...string) error {
	var c hookswitch.Checks
	a.Name, a.Metadata = in.Name, in.Metadata
	a.UID = uidOf(&c, in.UID, at...)
	a.ThrottleRate = rateOf(&c, in.ThrottleRate, in.RateLimit, at...)
	return c.Err()
}

// uidOf is a uid given by a caller: null is none, and "" is a mistake.
func uidOf(c *hookswitch.Checks, uid *string, at ...string) string {
	if uid == nil {
		return ""
	}
	if *uid == "" {
		c.Field("must not be empty", append(at, "uid")...)
	}
	return *uid
}

// rateOf is the throttle rate in either spelling.
func rateOf(c *hookswitch.Checks, throttleRate, rateLimit *int, at ...string) int {
	rate, name := throttleRate, "throttleRate"
	if rate == nil {
		rate, name = rateLimit, "rateLimit"
	}
	if rate == nil {
		return 0
	}
	if *rate < 1 || *rate > hookswitch.MaxThrottleRate {
		c.Field("must lie between 1 and 65535", append(at, name)...)
		return 0
	}
	return *rate
}

type appPatch struct {
	Name         httpapi.Optional[string]            `json:"name"`
	UID          httpapi.Optional[*string]           `json:"uid"`
	ThrottleRate httpapi.Optional[*int]              `json:"throttleRate"`
	RateLimit    httpapi.Optional[*int]              `json:"rateLimit"`
	Metadata     httpapi.Optional[map[string]string] `json:"metadata"`
}

func (in *appPatch) apply(a *hookswitch.App) error {
	var c hookswitch.Checks
	a.Name = needed(&c, in.Name, a.Name, "name")
	a.Metadata = in.Metadata.Or(a.Metadata)
	if in.UID.Set {
		a.UID = uidOf(&c, in.UID.Value)
	}
	if in.ThrottleRate.Set || in.RateLimit.Set {
		a.ThrottleRate = rateOf(&c, in.ThrottleRate.Value, in.RateLimit.Value)
	}
	return c.Err()
}

// needed is the value after a PATCH of a field that cannot be cleared.
func needed[T any](c *hookswitch.Checks, o httpapi.Optional[T], current T, name string) T {
	if o.Null {
		c.Field("must not be null", name)
		return current
	}
	return o.Or(current)
}

type appOut struct {
	ID           string            `json:"id"`
	UID          string            `json:"uid,omitempty"`
	Name         string            `json:"name"`
	RateLimit    *int              `json:"rateLimit"`
	ThrottleRate *int              `json:"throttleRate"`
	Metadata     map[string]string `json:"metadata"`
	CreatedAt    httpapi.MicroTime `json:"createdAt"`
	UpdatedAt    httpapi.MicroTime `json:"updatedAt"`
}

func (h *Handler) appOut(a *hookswitch.App) appOut {
	rate := httpapi.OrNull(a.ThrottleRate)
	return appOut{ID: h.ids.Format(hookswitch.KindApp, a.Key), UID: a.UID, Name: a.Name, RateLimit: rate, ThrottleRate: rate,
		Metadata: notNull(a.Metadata), CreatedAt: micros(a.CreatedAt), UpdatedAt: micros(a.UpdatedAt)}
}

func (h *Handler) listApps(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	p := h.pager(q, hookswitch.KindApp, orderOf(q, "ascending"))
	f := service.AppFilter{WithoutEndpoints: q.Bool("exclude_apps_with_no_endpoints", false), OnlyDisabled: q.Bool("exclude_apps_with_disabled_endpoints", false),
		OnlyBins: q.Bool("exclude_apps_with_svix_play_endpoints", false)}
	if err := q.Err(); err != nil {
		return err
	}
	apps, stopped, err := h.service.FilteredApps(r.Context(), f, p.store())
	if err != nil {
		return err
	}
	return writeList(w, p, list[*hookswitch.App]{rows: apps, stopped: stopped,
		key:  func(a *hookswitch.App) hookswitch.Key { return a.Key },
		item: func(b []byte, a *hookswitch.App) []byte { return appendJSON(b, h.appOut(a)) },
	})
}

func (h *Handler) createApp(w http.ResponseWriter, r *http.Request) error {
	q := httpapi.NewQuery(r)
	getIfExists := q.Bool("get_if_exists", false)
	if err := q.Err(); err != nil {
		return err
	}
	in, err := httpapi.Decode[appIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	var a hookswitch.App
	if err := in.apply(&a); err != nil {
		return err
	}
	if getIfExists && a.UID != "" {
		have, err := h.appByUID(r.Context(), a.UID)
		if err == nil {
			if made, err := h.service.Made(idem); err == nil && made == have.Key {
				return h.writeApp(w, http.StatusCreated, have, nil) // by this same request
			}
		}
		if hookswitch.KindOf(err) != hookswitch.NotFound {
			return h.writeApp(w, http.StatusOK, have, err)
		}
	}
	made, err := h.service.CreateApp(r.Context(), a, idem)
	if getIfExists && hookswitch.KindOf(err) == hookswitch.Conflict {
		have, err := h.appByUID(r.Context(), a.UID) // made by somebody else in between
		return h.writeApp(w, http.StatusOK, have, err)
	}
	return h.writeApp(w, http.StatusCreated, made, err)
}

func (h *Handler) appByUID(ctx context.Context, uid string) (*hookswitch.App, error) {
	a, err := h.service.App(ctx, uid)
	if err == nil && a.UID != uid {
		return nil, hookswitch.NotFoundf("application not found")
	}
	return a, err
}

func (h *Handler) writeApp(w http.ResponseWriter, status int, a *hookswitch.App, err error) error {
	if err != nil {
		return err
	}
	return httpapi.Encode(w, status, h.appOut(a))
}

func (h *Handler) getApp(w http.ResponseWriter, _ *http.Request, app *hookswitch.App) error {
	return h.writeApp(w, http.StatusOK, app, nil)
}

// replaceApp changes the application of the path, or creates one where there is none. The new one has the uid of the body, not that of the path.
func (h *Handler) replaceApp(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[appIn](r)
	if err != nil {
		return err
	}
	ref := r.PathValue("app_id")
	change := func() error {
		app, err := h.service.App(r.Context(), ref)
		if err != nil {
			return err
		}
		changed, err := h.service.UpdateApp(r.Context(), app.Key, func(a *hookswitch.App) error { return in.apply(a) })
		return h.writeApp(w, http.StatusOK, changed, err)
	}
	create := func() error {
		var a hookswitch.App
		if err := in.apply(&a); err != nil {
			return err
		}
		made, err := h.service.CreateApp(r.Context(), a, service.Idempotency{})
		return h.writeApp(w, http.StatusCreated, made, err)
	}
	return replace(change, create, h.ours(ref, hookswitch.KindApp, hookswitch.KindProject))
}

// replace is a PUT: change what is there, or else create it. Of several at once one creates, and the others, which find its uid taken, change what it
// has made. ours: the path names an id that the server has made.
func replace(change, create func() error, ours bool) error {
	err := change()
	if ours || hookswitch.KindOf(err) != hookswitch.NotFound {
		return err
	}
	if err = create(); hookswitch.KindOf(err) != hookswitch.Conflict {
		return err
	}
	if again := change(); hookswitch.KindOf(again) != hookswitch.NotFound {
		return again
	}
	return err
}

// ours reports whether ref is an id that the server has made, of something that is gone or another App's. A PUT to it must not create something with another id.
func (h *Handler) ours(ref string, kinds ...hookswitch.Kind) bool {
	return slices.ContainsFunc(kinds, func(k hookswitch.Kind) bool {
		_, ok := h.ids.Parse(k, ref)
		return ok
	})
}

func (h *Handler) changeApp(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[appPatch](r)
	if err != nil {
		return err
	}
	changed, err := h.service.UpdateApp(r.Context(), app.Key, func(a *hookswitch.App) error { return in.apply(a) })
	return h.writeApp(w, http.StatusOK, changed, err)
}

func (h *Handler) deleteApp(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	if err := h.service.DeleteApp(r.Context(), app.Key); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
