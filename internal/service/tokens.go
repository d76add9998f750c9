package service

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// How long tokens live.
const (
	MinPortalLife = time.Hour
	MaxPortalLife = 7 * 24 * time.Hour // also what a portal token has whose maker says nothing
	// OneTimeLife is how long a link to the portal may be opened, unless its session ends earlier.
	OneTimeLife = time.Hour
	// MaxPortalGrace is the longest that ExpirePortal may leave to tokens.
	MaxPortalGrace = 3 * 24 * time.Hour

	MaxPollerLife    = 365 * 24 * time.Hour
	MaxOldPollerLife = 24 * time.Hour
	// OldPollerLife is what is left to a replaced key of a poller unless its caller says otherwise.
	OldPollerLife = 5 * time.Minute
)

const (
	tokenLen    = 36  // letters and digits after the prefix: 214 bits
	maxSession  = 256 // bytes
	maxSessions = 1000
)

// newToken is a new text of a token. It has no dot: client libraries read a region behind the first one.
func newToken(kind hookswitch.TokenKind) hookswitch.Secret {
	return hookswitch.Secret(kind.Prefix() + randomText(tokenLen))
}

// looksLike reports whether a text has the form of a token of one of the kinds. What has not is refused without a look into the store.
func looksLike(text hookswitch.Secret, kinds ...hookswitch.TokenKind) bool {
	for _, k := range kinds {
		if random, ok := strings.CutPrefix(text.Reveal(), k.Prefix()); ok && len(random) == tokenLen && strings.Trim(random, letters) == "" {
			return true
		}
	}
	return false
}

func unauthorized(sentence string) error {
	return &hookswitch.Error{Kind: hookswitch.Unauthorized, Message: sentence}
}

// Token is the live token with the text, of a kind that a request may bear. Anything else is an error of kind Unauthorized: unknown, ended, of an app that has been
// deleted, or a one-time token.
func (s *Service) Token(ctx context.Context, text hookswitch.Secret) (*hookswitch.Token, error) {
	if !looksLike(text, hookswitch.TokenPortal, hookswitch.TokenIntegration, hookswitch.TokenPoller) {
		return nil, unauthorized("Invalid token")
	}
	t, err := s.store.TokenByHash(ctx, hashText(text.Reveal()))
	if err == nil {
		_, err = s.AppByKey(ctx, t.App)
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound || err == nil && !t.Live(s.now()) {
		return nil, unauthorized("Invalid token")
	}
	return t, err
}

// PortalAccess is what a portal token is made for.
type PortalAccess struct {
	Capabilities hookswitch.Capabilities // ViewBase comes with any
	FeatureFlags []string
	Session      string        // "": none
	Life         time.Duration // 0: MaxPortalLife
}

func (a *PortalAccess) validate() error {
	var c hookswitch.Checks
	hookswitch.CheckFeatureFlags(&c, a.FeatureFlags, "featureFlags")
	if m := checkSession(a.Session); a.Session != "" && m != "" {
		c.Field(m, "sessionId")
	}
	if a.Life < MinPortalLife || a.Life > MaxPortalLife {
		c.Field("must lie between 3600 and 604800", "expiry")
	}
	return c.Err()
}

func checkSession(session string) string {
	switch {
	case session == "":
		return "must not be empty"
	case len(session) > maxSession:
		return "must be at most " + strconv.Itoa(maxSession) + " bytes long"
	}
	return hookswitch.CheckText(session)
}

// PortalLink is a way into the portal: a token for programs, and a link for a browser, which is exchanged for a token of its own.
type PortalLink struct {
	Token   hookswitch.Secret
	OneTime hookswitch.Secret // the one-time token in the link
	URL     hookswitch.Secret
}

// portalLink builds the link. What is secret lies in its fragment, which browsers send to nobody; the App stands before it, so that the page that takes the fragment can say who may
// show it in a frame.
func (s *Service) portalLink(app hookswitch.Key, text store.TokenText) (*PortalLink, error) {
	login, err := json.Marshal(struct {
		AppID        string `json:"appId"`
		OneTimeToken string `json:"oneTimeToken"`
		Region       string `json:"region"`
	}{s.ids.Format(hookswitch.KindApp, app), text.OneTime.Reveal(), "self"})
	if err != nil {
		return nil, err
	}
	url := s.o.PublicURL + "/portal/login?app=" + s.ids.Format(hookswitch.KindApp, app) + "#key=" + base64.StdEncoding.EncodeToString(login)
	return &PortalLink{Token: text.Text, OneTime: text.OneTime, URL: hookswitch.Secret(url)}, nil
}

// OpenPortal makes a portal token of an app, and a link with a one-time token that gives the same rights for the same time. Where the same request has been made before, that
// one's are returned.
func (s *Service) OpenPortal(ctx context.Context, app hookswitch.Key, a PortalAccess, idem Idempotency) (*PortalLink, error) {
	if a.Life == 0 {
		a.Life = MaxPortalLife
	}
	if err := a.validate(); err != nil {
		return nil, err
	}
	text := store.TokenText{Text: newToken(hookswitch.TokenPortal), OneTime: newToken(hookswitch.TokenOneTime)}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		now := s.now().UTC()
		t := hookswitch.Token{Key: s.keys.Next(), App: app, Kind: hookswitch.TokenPortal, Scope: a.Session, FeatureFlags: a.FeatureFlags,
			Capabilities: a.Capabilities | hookswitch.ViewBase, ExpiresAt: now.Add(a.Life), CreatedAt: now}
		if err := idem.claim(tx, t.Key, s); err != nil {
			return err
		}
		link := t
		link.Key, link.Kind, link.Until, link.ExpiresAt = s.keys.Next(), hookswitch.TokenOneTime, t.ExpiresAt, now.Add(min(a.Life, OneTimeLife))
		if err := s.insertToken(tx, &t, text, idem); err != nil {
			return err
		}
		return tx.InsertToken(&link, hashText(text.OneTime.Reveal()), nil, time.Time{})
	})
	if ref, again := replayed(err); again {
		text, err = s.store.TokenText(ctx, app, ref)
	}
	if err != nil {
		return nil, err
	}
	return s.portalLink(app, text)
}

// OperatorSession is the session of the links by which the operator opens the portals of customers: what is done there is the operator's. The names of callers hold no control
// characters, so that none of theirs is taken for it.
const OperatorSession = "\x01operator"

// OperatorPortalLife is how long the operator is in a customer's portal at most.
const OperatorPortalLife = time.Hour

// OpenPortalAs makes a link by which the operator opens the portal of an app once, as the customer sees it, and notes it in the app's Activity. There is no token for programs beside it.
func (s *Service) OpenPortalAs(ctx context.Context, app hookswitch.Key, c hookswitch.Capabilities) (*PortalLink, error) {
	text := store.TokenText{OneTime: newToken(hookswitch.TokenOneTime)}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		a, err := tx.App(tx.Context(), app)
		if err != nil {
			return err
		}
		now := s.now().UTC()
		link := hookswitch.Token{Key: s.keys.Next(), App: app, Kind: hookswitch.TokenOneTime, Scope: OperatorSession, Capabilities: c | hookswitch.ViewBase, Until: now.Add(OperatorPortalLife),
			ExpiresAt: now.Add(OneTimeLife), CreatedAt: now}
		if err := tx.InsertToken(&link, hashText(text.OneTime.Reveal()), nil, time.Time{}); err != nil {
			return err
		}
		rights := "read-only"
		if link.Capabilities&^hookswitch.ViewingCapabilities != 0 {
			rights = "everything"
		}
		return tx.InsertActivity(&hookswitch.Activity{Key: s.keys.Next(), App: app, Actor: actorOf(ctx), Action: hookswitch.DidOpenPortal, Name: a.Name, Details: map[string]string{"Rights": rights}})
	})
	if err != nil {
		return nil, err
	}
	return s.portalLink(app, text)
}

// insertToken stores a portal token. Its text is kept only where the request may be repeated, and only for as long.
func (s *Service) insertToken(tx *store.Tx, t *hookswitch.Token, text store.TokenText, idem Idempotency) error {
	kept := &text
	if idem.Key == "" {
		kept = nil
	}
	return tx.InsertToken(t, hashText(text.Text.Reveal()), kept, t.CreatedAt.Add(store.TokenGrace))
}

// ExchangeOneTime makes a portal token of the one-time token of a link, once. Where the same request, with the same one-time token, has been made before, that one's is
// returned. The error is of kind Unauthorized, and says why, when there is nothing to be had for the token.
func (s *Service) ExchangeOneTime(ctx context.Context, oneTime hookswitch.Secret, idem Idempotency) (*hookswitch.Token, hookswitch.Secret, error) {
	if !looksLike(oneTime, hookswitch.TokenOneTime) {
		return nil, "", unauthorized("This link is not valid. Ask for a new one.")
	}
	// Whoever repeats the request has no other credential than the one-time token.
	hash := hashText(oneTime.Reveal())
	idem.Caller = "one-time " + hash
	text := newToken(hookswitch.TokenPortal)
	var link *hookswitch.Token
	var t hookswitch.Token
	err := s.store.Update(ctx, func(tx *store.Tx) (err error) {
		if link, err = tx.TokenByHash(tx.Context(), hash); err != nil {
			return err
		}
		now := s.now().UTC()
		t = *link
		t.Key, t.Kind, t.Ref, t.Until, t.ExpiresAt, t.CreatedAt = s.keys.Next(), hookswitch.TokenPortal, 0, time.Time{}, link.Until, now
		if err := idem.claim(tx, t.Key, s); err != nil {
			return err
		}
		used, err := tx.UseToken(link.App, link.Key, t.Key)
		switch {
		case err != nil:
			return err
		case !used:
			return unauthorized("This link has been used already; it works once. Ask for a new one.")
		case !link.Live(now) || !t.Live(now):
			return unauthorized("This link has expired. Ask for a new one.")
		}
		return s.insertToken(tx, &t, store.TokenText{Text: text}, idem)
	})
	if ref, again := replayed(err); again {
		return s.tokenAndText(ctx, link.App, ref)
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, "", unauthorized("This link is not valid any more. Ask for a new one.")
	}
	if err != nil {
		return nil, "", err
	}
	return &t, text, nil
}

func (s *Service) tokenAndText(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Token, hookswitch.Secret, error) {
	t, err := s.store.Token(ctx, app, key)
	if err != nil {
		return nil, "", err
	}
	text, err := s.store.TokenText(ctx, app, key)
	return t, text.Text, err
}

// Logout ends a portal token. t is what the caller has shown; nil for a credential that is no token of an app.
func (s *Service) Logout(ctx context.Context, t *hookswitch.Token) error {
	if t == nil || t.Kind != hookswitch.TokenPortal {
		return hookswitch.Errorf(hookswitch.Invalid, "Only a portal token can be logged out; the one shown is another kind of credential.")
	}
	return s.store.Update(ctx, func(tx *store.Tx) error { return tx.EndToken(t.App, t.Key, s.now()) })
}

// ExpirePortal makes the portal tokens of an app, and the links that lead to some, end after a time, those that would live longer. With sessions it ends only theirs.
func (s *Service) ExpirePortal(ctx context.Context, app hookswitch.Key, sessions []string, after time.Duration, idem Idempotency) error {
	var c hookswitch.Checks
	if after < 0 || after > MaxPortalGrace {
		c.Field("must lie between 0 and 259200", "expiry")
	}
	if len(sessions) > maxSessions {
		c.Field("must have at most "+strconv.Itoa(maxSessions)+" entries", "sessionIds")
	} else {
		for i, session := range sessions {
			if m := checkSession(session); m != "" {
				c.Field(m, "sessionIds", "["+strconv.Itoa(i)+"]")
			}
		}
	}
	if err := c.Err(); err != nil {
		return err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := idem.claim(tx, app, s); err != nil {
			return err
		}
		at := s.now().Add(after)
		if len(sessions) == 0 {
			return tx.EndPortal(app, at)
		}
		for _, session := range sessions {
			if err := tx.EndSession(app, session, at); err != nil {
				return err
			}
		}
		return nil
	})
	if _, again := replayed(err); again {
		return nil
	}
	return err
}

// PollerToken is the key of a poller of an app, and its text. The error is of kind NotFound where none has been made, or the last one has ended.
func (s *Service) PollerToken(ctx context.Context, app hookswitch.Key, poller string) (*hookswitch.Token, hookswitch.Secret, error) {
	if hookswitch.CheckName(poller) != "" {
		return nil, "", hookswitch.NotFoundf("poller not found")
	}
	t, err := s.store.NewestToken(ctx, app, hookswitch.TokenPoller, poller, 0, s.now())
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, "", hookswitch.NotFoundf("the poller has no key; rotating makes one")
	}
	if err != nil {
		return nil, "", err
	}
	text, err := s.store.TokenText(ctx, app, t.Key)
	return t, text.Text, err
}

// PollerRotation says how a poller gets a new key.
type PollerRotation struct {
	Life    time.Duration // of the new key; 0: it does not end
	OldLife time.Duration // what is left to the keys before
}

// RotatePollerToken makes a new key of a poller of an app; the keys before end soon. Where the same request has been made before, that one's key is
// returned.
func (s *Service) RotatePollerToken(ctx context.Context, app hookswitch.Key, poller string, r PollerRotation, idem Idempotency) (*hookswitch.Token, hookswitch.Secret, error) {
	if hookswitch.CheckName(poller) != "" {
		return nil, "", hookswitch.NotFoundf("poller not found")
	}
	var c hookswitch.Checks
	if r.Life < 0 || r.Life > MaxPollerLife {
		c.Field("must lie between 1 and 31536000", "expiry")
	}
	if r.OldLife < 0 || r.OldLife > MaxOldPollerLife {
		c.Field("must lie between 0 and 86400", "oldTokenExpiry")
	}
	if err := c.Err(); err != nil {
		return nil, "", err
	}
	text := newToken(hookswitch.TokenPoller)
	var t hookswitch.Token
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.now().UTC()
		t = hookswitch.Token{Key: s.keys.Next(), App: app, Kind: hookswitch.TokenPoller, Scope: poller, Capabilities: hookswitch.ViewBase, CreatedAt: now}
		if r.Life > 0 {
			t.ExpiresAt = now.Add(r.Life)
		}
		if err := idem.claim(tx, t.Key, s); err != nil {
			return err
		}
		if err := tx.HoldApp(app); err != nil {
			return err
		}
		if err := tx.EndTokens(app, hookswitch.TokenPoller, poller, 0, now.Add(r.OldLife)); err != nil {
			return err
		}
		return tx.InsertToken(&t, hashText(text.Reveal()), &store.TokenText{Text: text}, time.Time{})
	})
	if ref, again := replayed(err); again {
		return s.tokenAndText(ctx, app, ref)
	}
	if err != nil {
		return nil, "", err
	}
	return &t, text, nil
}

// AccessToken is what a token is made for that a person asks for by hand.
type AccessToken struct {
	Name         string
	Capabilities hookswitch.Capabilities
	Life         time.Duration
}

// Bounds of tokens that people ask for by hand.
const (
	MaxTokenName    = 80  // bytes of a name
	MaxAccessTokens = 100 // of an App that live
)

// CreateAccessToken makes a portal token of an App for the one whose session it is: it may do no more than that one, and lives no longer. Its text is returned this once.
func (s *Service) CreateAccessToken(ctx context.Context, app hookswitch.Key, by *hookswitch.Token, a AccessToken) (*hookswitch.Token, hookswitch.Secret, error) {
	var c hookswitch.Checks
	switch {
	case a.Name == "":
		c.Field("must not be empty", "name")
	case len(a.Name) > MaxTokenName:
		c.Field("must be at most 80 bytes long", "name")
	default:
		if m := hookswitch.CheckText(a.Name); m != "" {
			c.Field(m, "name")
		}
	}
	if a.Life < MinPortalLife || a.Life > MaxPortalLife {
		c.Field("must lie between an hour and seven days", "expiry")
	}
	if err := c.Err(); err != nil {
		return nil, "", err
	}
	text := newToken(hookswitch.TokenPortal)
	now := s.now().UTC()
	t := hookswitch.Token{App: app, Kind: hookswitch.TokenPortal, FeatureFlags: by.FeatureFlags, Capabilities: a.Capabilities&by.Capabilities | hookswitch.ViewBase, ExpiresAt: now.Add(a.Life),
		CreatedAt: now, Agent: a.Name}
	if by.Kind == hookswitch.TokenSession {
		t.Scope = by.Scope
	}
	if !by.Until.IsZero() && by.Until.Before(t.ExpiresAt) {
		t.ExpiresAt = by.Until
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		if n, err := tx.CountAccessTokens(tx.Context(), app, now); err != nil {
			return err
		} else if n >= MaxAccessTokens {
			return hookswitch.Errorf(hookswitch.Conflict, "There are %d tokens already, and no more can be made. End one first.", n)
		}
		t.Key = s.keys.Next()
		if err := tx.InsertToken(&t, hashText(text.Reveal()), nil, time.Time{}); err != nil {
			return err
		}
		return tx.InsertActivity(&hookswitch.Activity{Key: s.keys.Next(), App: app, Actor: actorOf(ctx), Action: hookswitch.DidCreateToken, Name: a.Name,
			Details: map[string]string{"Rights": strings.Join(t.Capabilities.Names(), ", "), "Ends": t.ExpiresAt.UTC().Format(time.RFC3339)}})
	})
	if err != nil {
		return nil, "", err
	}
	return &t, text, nil
}
