package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// GroupRef names a group: by its UUID, or by its external reference. One of them is empty.
type GroupRef struct{ UUID, ExternalRef string }

// newUUID is a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return hookswitch.FormatUUID(b)
}

// CreateGroup makes a group of an app. Without a UUID it gets one. A group that messages have named already becomes a configured one, with the UUID that is given. Two that
// messages have named, one by its UUID and the other by its reference, become one.
func (s *Service) CreateGroup(ctx context.Context, app hookswitch.Key, g hookswitch.Group) (*hookswitch.Group, error) {
	given := g.UUID != ""
	if !given {
		g.UUID = newUUID()
	}
	if err := g.Validate(); err != nil {
		return nil, err
	}
	g.UUID, _ = hookswitch.ParseUUID(g.UUID) // valid, now in lower case
	made := &g
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		made = &g
		if err := tx.HoldApp(app); err != nil { // two groups of the same name take turns
			return err
		}
		others, err := tx.GroupOfOthers(tx.Context(), app, g.UUID)
		if err != nil {
			return err
		}
		byUUID, err := orNone(tx.GroupByUUID(tx.Context(), app, g.UUID))
		if err != nil {
			return err
		}
		if others || byUUID != nil && byUUID.Configured {
			return hookswitch.Errorf(hookswitch.Conflict, "a group with this id exists already")
		}
		byRef, err := orNone(tx.GroupByRef(tx.Context(), app, g.ExternalRef))
		if err != nil {
			return err
		}
		if byRef != nil && byRef.Configured {
			return hookswitch.Errorf(hookswitch.Conflict, "a group with this external reference exists already")
		}
		have := cmp.Or(byRef, byUUID)
		if have != nil {
			if byUUID != nil && byUUID.Key != have.Key { // its messages have no reference, which they did not name
				if err := tx.RemoveGroup(app, byUUID.Key); err != nil {
					return err
				}
			}
			if given {
				have.UUID = g.UUID
			}
			have.ExternalRef, have.Name, have.Configured = g.ExternalRef, g.Name, true
			made = have
			return tx.UpdateGroup(have)
		}
		g.Key, g.App, g.Configured, g.CreatedAt = s.keys.Next(), app, true, s.now().UTC()
		return tx.InsertGroup(&g)
	})
	return made, err
}

// orNone makes an error of kind NotFound a nil.
func orNone[T any](v *T, err error) (*T, error) {
	if hookswitch.KindOf(err) == hookswitch.NotFound && err != nil {
		return nil, nil
	}
	return v, err
}

// Groups lists the groups of an app, those among them that messages have named.
func (s *Service) Groups(ctx context.Context, app hookswitch.Key, p store.Page) ([]*hookswitch.Group, error) {
	return s.store.Groups(ctx, app, p)
}

// DeleteGroup removes a configured group of an app. Messages that name it are refused, unless it was the last one: then any group is taken.
func (s *Service) DeleteGroup(ctx context.Context, app hookswitch.Key, uuid string) error {
	uuid, ok := hookswitch.ParseUUID(uuid)
	if !ok {
		return hookswitch.NotFoundf("group not found")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		g, err := tx.GroupByUUID(tx.Context(), app, uuid)
		if err != nil {
			return err
		}
		return tx.ForgetGroup(app, g.Key)
	})
}

// Errors about the group of a posting.
var (
	errNoAccessToGroup = &hookswitch.Error{Kind: hookswitch.Unauthorized, Code: "no_access_to_group", Message: "You do not have access to the group you have provided."}
	errGroupNotFound   = &hookswitch.Error{Kind: hookswitch.NotFound, Code: "group_not_found", Message: "We could not find a group with the ID you have provided."}
)

// CheckGroup says whether messages of the app may name the group. It may while the app has no configured groups at all.
func (s *Service) CheckGroup(ctx context.Context, app hookswitch.Key, ref GroupRef) error {
	_, err := groupOf(ctx, &s.store.Reader, app, ref)
	return err
}

// groupOf is the group that ref names; nil where it may be named and is not known yet.
func groupOf(ctx context.Context, r *store.Reader, app hookswitch.Key, ref GroupRef) (*hookswitch.Group, error) {
	var g *hookswitch.Group
	var err error
	if ref.UUID != "" {
		others, err := r.GroupOfOthers(ctx, app, ref.UUID)
		if err != nil {
			return nil, err
		}
		if others {
			return nil, errNoAccessToGroup
		}
		g, err = orNone(r.GroupByUUID(ctx, app, ref.UUID))
		if err != nil {
			return nil, err
		}
	} else if g, err = orNone(r.GroupByRef(ctx, app, ref.ExternalRef)); err != nil {
		return nil, err
	}
	if g != nil && g.Configured {
		return g, nil
	}
	configured, err := r.HasGroups(ctx, app)
	if err != nil {
		return nil, err
	}
	if configured {
		return nil, errGroupNotFound
	}
	return g, nil
}

// group is the group of a posting, which is remembered where it is not known yet.
func (s *Service) group(tx *store.Tx, app hookswitch.Key, ref GroupRef, now time.Time) (*hookswitch.Group, error) {
	g, err := groupOf(tx.Context(), &tx.Reader, app, ref)
	if g != nil || err != nil {
		return g, err
	}
	g = &hookswitch.Group{Key: s.keys.Next(), App: app, UUID: ref.UUID, ExternalRef: ref.ExternalRef, CreatedAt: now}
	if g.UUID == "" {
		g.UUID = newUUID()
	}
	return g, tx.InsertGroup(g)
}
