package service

import (
	"context"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// How long browsers stay signed in.
const (
	SessionIdle   = 4 * time.Hour      // without a request
	DashboardLife = 7 * 24 * time.Hour // at the dashboard at most; in the portal the link says
	slideEvery    = time.Minute        // how often the end is moved at most
	maxAgent      = 300                // bytes
)

// Why a link to the portal does not open it.
const (
	LinkMissing = "missing_authorization" // there is no one-time token
	LinkInvalid = "invalid_authorization" // it is none of ours, or nothing is left of it
	LinkExpired = "expired_token"         // its time is over
	LinkUsed    = "used_token"            // it has been opened
)

// LinkError is why a link to the portal does not open it, one of LinkMissing and the others.
type LinkError struct{ Reason string }

func (e *LinkError) Error() string { return "the link does not open the portal: " + e.Reason }

// OpenSession signs a browser in to the portal with the one-time token of a link, once. The session may do what the link says, for as long at most. The error for a token that does not
// serve is a *LinkError.
func (s *Service) OpenSession(ctx context.Context, oneTime hookswitch.Secret, agent string) (*hookswitch.Token, hookswitch.Secret, error) {
	switch {
	case oneTime == "":
		return nil, "", &LinkError{LinkMissing}
	case !looksLike(oneTime, hookswitch.TokenOneTime):
		return nil, "", &LinkError{LinkInvalid}
	}
	text := newToken(hookswitch.TokenSession)
	var t hookswitch.Token
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		link, err := tx.TokenByHash(tx.Context(), hashText(oneTime.Reveal()))
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return &LinkError{LinkInvalid}
		}
		if err != nil {
			return err
		}
		now := s.now().UTC()
		t = *link
		t.Key, t.Kind, t.Ref, t.CreatedAt, t.Agent = s.keys.Next(), hookswitch.TokenSession, 0, now, cut(agent, maxAgent)
		t.ExpiresAt = sessionEnd(&t, now)
		used, err := tx.UseToken(link.App, link.Key, t.Key)
		switch {
		case err != nil:
			return err
		case !used:
			return &LinkError{LinkUsed}
		case !link.Live(now) || !t.Live(now):
			return &LinkError{LinkExpired}
		}
		return tx.InsertToken(&t, hashText(text.Reveal()), nil, time.Time{})
	})
	if err != nil {
		return nil, "", err
	}
	return &t, text, nil
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func sessionEnd(t *hookswitch.Token, now time.Time) time.Time {
	if end := now.Add(SessionIdle); t.Until.IsZero() || end.Before(t.Until) {
		return end
	}
	return t.Until
}

// OpenOperatorSession signs a browser in to the dashboard for the operator. credential tells the operator's token from others: with another one the session ends.
func (s *Service) OpenOperatorSession(ctx context.Context, credential hookswitch.Secret, agent string) (*hookswitch.Token, hookswitch.Secret, error) {
	return s.openDashboard(ctx, hookswitch.Token{App: hookswitch.OrganizationApp, Scope: operatorScope(credential)}, agent)
}

func operatorScope(credential hookswitch.Secret) string {
	return hashText("dashboard " + credential.Reveal())[:32]
}

// OpenKeySession signs a browser in to the dashboard of the App that an API key acts for. It ends with the key, and with its text. A key with scopes is refused: the dashboard shows, and
// can do, more than any of them says.
func (s *Service) OpenKeySession(ctx context.Context, key *hookswitch.APIKey, agent string) (*hookswitch.Token, hookswitch.Secret, error) {
	if len(key.Scopes) > 0 {
		return nil, "", hookswitch.Errorf(hookswitch.Forbidden, "This API key is for a few things only, and the dashboard needs one without scopes.")
	}
	return s.openDashboard(ctx, hookswitch.Token{App: key.App, Ref: key.Key}, agent)
}

func (s *Service) openDashboard(ctx context.Context, t hookswitch.Token, agent string) (*hookswitch.Token, hookswitch.Secret, error) {
	text := newToken(hookswitch.TokenDashboard)
	now := s.now().UTC()
	t.Kind, t.Capabilities, t.Agent = hookswitch.TokenDashboard, hookswitch.AllCapabilities, cut(agent, maxAgent)
	t.CreatedAt, t.Until = now, now.Add(DashboardLife)
	t.ExpiresAt = sessionEnd(&t, now)
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		t.Key = s.keys.Next()
		return tx.InsertToken(&t, hashText(text.Reveal()), nil, time.Time{})
	})
	if err != nil {
		return nil, "", err
	}
	return &t, text, nil
}

// Session is the live session with the text, in the portal or at the dashboard as kind says, and is kept from ending idly. operator is the operator's credential, which sessions of the
// operator hang on. The error is of kind Unauthorized for anything else.
func (s *Service) Session(ctx context.Context, text hookswitch.Secret, kind hookswitch.TokenKind, operator hookswitch.Secret) (*hookswitch.Token, error) {
	const over = "The session has ended."
	if !looksLike(text, kind) {
		return nil, unauthorized(over)
	}
	t, err := s.store.TokenByHash(ctx, hashText(text.Reveal()))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, unauthorized(over)
	}
	if err != nil {
		return nil, err
	}
	now := s.now().UTC()
	lives := t.Kind == kind && t.Live(now)
	if lives && t.App == hookswitch.OrganizationApp {
		lives = operator != "" && t.Scope == operatorScope(operator)
	} else if lives && t.Ref != 0 {
		if lives, err = s.keyHolds(ctx, t, now); err != nil {
			return nil, err
		}
	}
	if !lives {
		return nil, unauthorized(over)
	}
	if t.App != hookswitch.OrganizationApp {
		if _, err := s.AppByKey(ctx, t.App); hookswitch.KindOf(err) == hookswitch.NotFound {
			return nil, unauthorized(over)
		} else if err != nil {
			return nil, err
		}
	}
	if end := sessionEnd(t, now); end.Sub(t.ExpiresAt) >= slideEvery {
		if err := s.store.Update(ctx, func(tx *store.Tx) error { return tx.MoveToken(t.App, t.Key, now, end) }); err != nil {
			return nil, err
		}
		t.ExpiresAt = end
	}
	return t, nil
}

// keyHolds reports whether the API key that a session was opened with lives, and has not been given another text since, past the time that the old one went on.
func (s *Service) keyHolds(ctx context.Context, t *hookswitch.Token, now time.Time) (bool, error) {
	k, err := s.store.APIKey(ctx, t.App, t.Ref)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return k.RotatedAt.Before(t.CreatedAt) || now.Before(k.OldUntil), nil
}

// SessionSeen is about when a session made its last request.
func SessionSeen(t *hookswitch.Token) time.Time {
	if seen := t.ExpiresAt.Add(-SessionIdle); seen.After(t.CreatedAt) {
		return seen
	}
	return t.CreatedAt
}

// Sessions lists the sessions of an App that live, in the portal or at the dashboard.
func (s *Service) Sessions(ctx context.Context, app hookswitch.Key, kind hookswitch.TokenKind, p store.Page) ([]*hookswitch.Token, error) {
	return s.store.Sessions(ctx, app, kind, s.now(), p)
}

// EndAccess ends a session or a portal token of an App that somebody else has, and notes it. An error of kind NotFound says that there is none that lives.
func (s *Service) EndAccess(ctx context.Context, app, key hookswitch.Key) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		for kind, action := range map[hookswitch.TokenKind]hookswitch.Action{hookswitch.TokenSession: hookswitch.DidEndPortal, hookswitch.TokenPortal: hookswitch.DidEndToken} {
			list, err := tx.Sessions(tx.Context(), app, kind, s.now(), store.Page{After: key - 1, Before: key + 1, Limit: 1})
			if err != nil {
				return err
			}
			if len(list) == 0 {
				continue
			}
			if err := tx.EndToken(app, key, s.now()); err != nil {
				return err
			}
			name := list[0].Scope
			if kind == hookswitch.TokenPortal {
				name = list[0].Agent
			}
			return tx.InsertActivity(&hookswitch.Activity{Key: s.keys.Next(), App: app, Actor: actorOf(ctx), Action: action, Name: name})
		}
		return hookswitch.NotFoundf("There is no such session or token any more.")
	})
}

// EndSession ends a session of an App.
func (s *Service) EndSession(ctx context.Context, app, key hookswitch.Key) error {
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.EndToken(app, key, s.now()) })
}

// EndSessions ends all sessions of an App of the kind, and notes it.
func (s *Service) EndSessions(ctx context.Context, app hookswitch.Key, kind hookswitch.TokenKind) error {
	return s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.EndSessionsOf(app, kind, s.now()); err != nil {
			return err
		}
		return tx.InsertActivity(&hookswitch.Activity{Key: s.keys.Next(), App: app, Actor: actorOf(ctx), Action: hookswitch.DidEndPortals})
	})
}

// EndOperator signs a browser of the operator out.
func (s *Service) EndOperator(ctx context.Context, session hookswitch.Key) error {
	by := actorOf(ctx)
	return s.store.Update(ctx, func(tx *store.Tx) error {
		t, err := tx.Token(tx.Context(), hookswitch.OrganizationApp, session)
		if err != nil {
			return err
		}
		if t.Kind != hookswitch.TokenDashboard {
			return hookswitch.NotFoundf("session not found")
		}
		if err := tx.EndToken(hookswitch.OrganizationApp, session, s.now()); err != nil {
			return err
		}
		return s.noteServer(tx, by, hookswitch.DidEndSession, "A browser of the operator")
	})
}

// maxOperators is how many browsers of the operator EndOtherOperators signs out.
const maxOperators = 1000

// EndOtherOperators signs all browsers of the operator out but one, and returns how many.
func (s *Service) EndOtherOperators(ctx context.Context, but hookswitch.Key) (n int, err error) {
	by := actorOf(ctx)
	err = s.store.Update(ctx, func(tx *store.Tx) error {
		n = 0
		list, err := tx.Sessions(tx.Context(), hookswitch.OrganizationApp, hookswitch.TokenDashboard, s.now(), store.Page{Limit: maxOperators})
		if err != nil {
			return err
		}
		for _, t := range list {
			if t.Key == but {
				continue
			}
			if err := tx.EndToken(hookswitch.OrganizationApp, t.Key, s.now()); err != nil {
				return err
			}
			n++
		}
		if n == 0 {
			return nil
		}
		return s.noteServer(tx, by, hookswitch.DidEndSession, "All other browsers of the operator")
	})
	return n, err
}
