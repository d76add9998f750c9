package service

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// CreateInvitation stores a new invitation of an app that can be used for so many days; 0: the usual number. Where the same request has been made before, that one's invitation is returned.
func (s *Service) CreateInvitation(ctx context.Context, app hookswitch.Key, i hookswitch.Invitation, days int, idem Idempotency) (*hookswitch.Invitation, error) {
	i.App, i.Status, i.ConnectionType = app, hookswitch.InvitationPending, cmp.Or(i.ConnectionType, hookswitch.ConnectWhatsApp)
	var c hookswitch.Checks
	for n, country := range i.Countries {
		i.Countries[n] = strings.ToUpper(country)
	}
	c.Add(i.Validate())
	if days == 0 {
		days = hookswitch.DefaultInvitationDays
	}
	if days < 1 || days > hookswitch.MaxInvitationDays {
		c.Field("must lie between 1 and "+strconv.Itoa(hookswitch.MaxInvitationDays), "expiresInDays")
	}
	if err := c.Err(); err != nil {
		return nil, err
	}
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		now := s.now().UTC()
		i.Key, i.Token, i.CreatedAt, i.UpdatedAt = s.keys.Next(), hookswitch.Secret(rand.Text()), now, now
		i.ExpiresAt = now.Add(time.Duration(days) * 24 * time.Hour)
		if err := idem.claim(tx, i.Key, s); err != nil {
			return err
		}
		if _, err := tx.App(tx.Context(), app); err != nil {
			return err
		}
		return tx.InsertInvitation(&i)
	})
	if ref, again := replayed(err); again {
		return s.store.Invitation(ctx, app, ref)
	}
	return &i, err
}

// InvitationURL is the address of the page of an invitation.
func (s *Service) InvitationURL(i *hookswitch.Invitation) string {
	return s.o.PublicURL + "/invite/" + i.Token.Reveal()
}

// Invitation is the invitation of an app with the id.
func (s *Service) Invitation(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Invitation, error) {
	key, ok := s.ids.Parse(hookswitch.KindInvitation, id)
	if !ok {
		return nil, hookswitch.NotFoundf("invitation not found")
	}
	return s.store.Invitation(ctx, app, key)
}

// Invitations lists the invitations of an app, those of one status where it is not empty.
func (s *Service) Invitations(ctx context.Context, app hookswitch.Key, status hookswitch.InvitationStatus, p store.Page) ([]*hookswitch.Invitation, error) {
	return s.store.Invitations(ctx, app, status, p)
}

// InvitationByToken is the invitation whose page has the token in its address. One whose time is over is expired, also before that has been noted.
func (s *Service) InvitationByToken(ctx context.Context, token hookswitch.Secret) (*hookswitch.Invitation, error) {
	i, err := s.store.InvitationByToken(ctx, token)
	if err == nil && i.Status.Open() && !s.now().Before(i.ExpiresAt) {
		i.Status = hookswitch.InvitationExpired
	}
	return i, err
}

// ViewInvitation notes that the page of an invitation has been looked at, the first time.
func (s *Service) ViewInvitation(ctx context.Context, i *hookswitch.Invitation) error {
	if !i.ViewedAt.IsZero() || !i.Status.Open() {
		return nil
	}
	return s.store.Update(ctx, func(tx *store.Tx) error {
		have, err := tx.Invitation(tx.Context(), i.App, i.Key)
		if err != nil || !have.ViewedAt.IsZero() || !have.Status.Open() {
			return err
		}
		have.ViewedAt = s.now().UTC()
		have.UpdatedAt = have.ViewedAt
		*i = *have
		return tx.UpdateInvitation(have, have.Status)
	})
}

// StartInvitation notes that the client has begun to connect an account. Doing so again changes nothing.
func (s *Service) StartInvitation(ctx context.Context, app, key hookswitch.Key) (*hookswitch.Invitation, error) {
	return s.changeInvitation(ctx, app, key, func(tx *store.Tx, b *births, i *hookswitch.Invitation) error {
		if i.Status == hookswitch.InvitationInProgress {
			return nil
		}
		return b.invitationStatus(tx, i, hookswitch.InvitationInProgress)
	})
}

// CancelInvitation ends an invitation that can still be used.
func (s *Service) CancelInvitation(ctx context.Context, app hookswitch.Key, id string) (*hookswitch.Invitation, error) {
	key, ok := s.ids.Parse(hookswitch.KindInvitation, id)
	if !ok {
		return nil, hookswitch.NotFoundf("invitation not found")
	}
	return s.changeInvitation(ctx, app, key, func(tx *store.Tx, b *births, i *hookswitch.Invitation) error {
		return b.invitationStatus(tx, i, hookswitch.InvitationCancelled)
	})
}

// FailInvitation notes that connecting an account has failed, for the reason: a word for programs, such as hookswitch.FailureCancelled. The invitation can be used again. One that nobody has begun is
// begun by it.
func (s *Service) FailInvitation(ctx context.Context, app, key hookswitch.Key, reason string) (*hookswitch.Invitation, error) {
	if utf8.RuneCountInString(reason) > hookswitch.MaxFailureReason || hookswitch.CheckText(reason) != "" {
		return nil, hookswitch.InvalidField("must have at most "+strconv.Itoa(hookswitch.MaxFailureReason)+" characters, none of them control characters", "reason")
	}
	return s.changeInvitation(ctx, app, key, func(tx *store.Tx, b *births, i *hookswitch.Invitation) error {
		if i.Status == hookswitch.InvitationPending {
			if err := b.invitationStatus(tx, i, hookswitch.InvitationInProgress); err != nil {
				return err
			}
		}
		i.FailureReason = cmp.Or(reason, hookswitch.FailureInternal)
		return b.invitationStatus(tx, i, hookswitch.InvitationFailed)
	})
}

// Connection is what an invitation is completed with: the credentials of an account, which becomes a new sender, or a sender that is there.
type Connection struct {
	Sender      string // by id or name; "": a new one
	Name        string // of the new sender; "": the client's, or the account's
	Provider    string
	Credentials hookswitch.Credentials
	// Account is what is known of the account. Where it has no id it is the address of the route.
	Account hookswitch.ConnectedAccount
}

// errInvitationOver refuses what can be done only to an invitation that is open.
func errInvitationOver(status hookswitch.InvitationStatus) error {
	return hookswitch.Errorf(hookswitch.Invalid, "the invitation is %s", status)
}

// ConnectInvitation asks the provider about the account that the credentials open, and completes the invitation with it. What the client leaves out of what proves the provider's pushes is that of the
// App's newest route at the provider.
func (s *Service) ConnectInvitation(ctx context.Context, i *hookswitch.Invitation, c hookswitch.Credentials) (*hookswitch.Invitation, *hookswitch.Sender, error) {
	const provider = "meta"
	p, ok := s.providers[provider].(hookswitch.Connector)
	if !ok {
		return nil, nil, hookswitch.Errorf(hookswitch.Unsupported, "accounts cannot be connected over the provider %s", provider)
	}
	if !i.Status.Open() {
		return nil, nil, errInvitationOver(i.Status)
	}
	if err := s.shareSecrets(ctx, i.App, provider, c); err != nil {
		return nil, nil, err
	}
	account, err := p.Connect(ctx, i.ConnectionType.Channel(), c)
	if err != nil {
		return nil, nil, err
	}
	if allowed, _ := i.AllowsPhone(account.Phone); !allowed {
		return nil, nil, hookswitch.InvalidField("belongs to a number of a country from which none may be connected; allowed are "+strings.Join(i.Countries, ", "), "phone_number_id")
	}
	return s.CompleteInvitation(ctx, i.App, i.Key, Connection{Provider: provider, Credentials: c, Account: account})
}

// sharedSecrets are the credentials that belong to the App's own account at a provider, not to what is connected to it.
var sharedSecrets = []string{"app_secret", "verify_token"}

// shareSecrets gives credentials the shared secrets of the App's newest route at the provider, where they have none themselves.
func (s *Service) shareSecrets(ctx context.Context, app hookswitch.Key, provider string, c hookswitch.Credentials) error {
	if c.First("app_secret") == "" {
		routes, err := s.Routes(ctx)
		if err != nil {
			return err
		}
		for i := len(routes) - 1; i >= 0; i-- {
			r := &routes[i]
			if r.App != app || r.Provider != provider || r.Credentials.First("app_secret") == "" {
				continue
			}
			for _, name := range sharedSecrets {
				if c.First(name) == "" && len(r.Credentials[name]) > 0 {
					c[name] = r.Credentials[name]
				}
			}
			break
		}
	}
	if c.First("app_secret") == "" {
		return hookswitch.InvalidField("is needed: nothing is known here that could prove the messages of the account", "app_secret")
	}
	if c.First("verify_token") == "" {
		c["verify_token"] = []string{rand.Text()}
	}
	return nil
}

// CompleteInvitation ends an invitation with the account that was connected, and returns it with the sender that the account is. One that nobody has begun, or that has failed, is begun by it.
func (s *Service) CompleteInvitation(ctx context.Context, app, key hookswitch.Key, c Connection) (*hookswitch.Invitation, *hookswitch.Sender, error) {
	var sender *hookswitch.Sender
	i, err := s.changeInvitation(ctx, app, key, func(tx *store.Tx, b *births, i *hookswitch.Invitation) error {
		if i.Status == hookswitch.InvitationPending || i.Status == hookswitch.InvitationFailed {
			if err := b.invitationStatus(tx, i, hookswitch.InvitationInProgress); err != nil {
				return err
			}
		}
		var err error
		if c.Sender != "" {
			sender, err = s.senderNamed(tx, app, c.Sender)
		} else if i.Status.CanBecome(hookswitch.InvitationCompleted) {
			sender, err = s.connectedSender(tx, i, c)
		}
		if err != nil {
			return err
		}
		if sender != nil {
			i.Sender, i.Account = sender.Key, accountOf(sender, i, c.Account)
		}
		return b.invitationStatus(tx, i, hookswitch.InvitationCompleted)
	})
	s.cache.forget(app)
	s.routes.forget()
	return i, sender, err
}

// accountOf is what is known of the account of a sender on the channel that the invitation is about.
func accountOf(sender *hookswitch.Sender, i *hookswitch.Invitation, told hookswitch.ConnectedAccount) hookswitch.ConnectedAccount {
	told.Channel = i.ConnectionType.Channel()
	for _, r := range sender.Routes {
		if r.Channel == told.Channel {
			told.ID = cmp.Or(told.ID, r.Address)
			told.Parent = cmp.Or(told.Parent, r.Credentials.First("waba_id"))
			break
		}
	}
	told.Name = cmp.Or(told.Name, sender.Name)
	return told
}

// connectedSender makes the sender that an account becomes, with one route.
func (s *Service) connectedSender(tx *store.Tx, i *hookswitch.Invitation, c Connection) (*hookswitch.Sender, error) {
	ch, now := i.ConnectionType.Channel(), s.now().UTC()
	name := cmp.Or(strings.TrimSpace(c.Name), strings.TrimSpace(i.ClientName), strings.TrimSpace(c.Account.Name), string(ch)+" "+c.Account.ID)
	spec := SenderSpec{Name: name, Channel: ch, Provider: c.Provider, PhoneNumber: c.Account.Phone, Credentials: c.Credentials}
	if err := s.checkSpecs([]SenderSpec{spec}); err != nil {
		return nil, atCredentials(err)
	}
	applied := AppliedSender{Sender: &hookswitch.Sender{Key: s.keys.Next(), App: i.App, Name: spec.Name, PhoneNumber: spec.PhoneNumber, CreatedAt: now, UpdatedAt: now}, Created: true}
	if err := tx.InsertSender(applied.Sender); err != nil {
		return nil, err
	}
	if err := s.applyRoute(tx, &applied, spec, 0); err != nil {
		if hookswitch.KindOf(err) == hookswitch.Conflict {
			return nil, &hookswitch.Error{Kind: hookswitch.Conflict, Message: "the account is connected already", Err: err}
		}
		return nil, err
	}
	return applied.Sender, tx.TouchApp(i.App, now)
}

// atCredentials is err about the only entry of a sender file as one about the credentials alone, by their names.
func atCredentials(err error) error {
	var e *hookswitch.Error
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Fields = nil
	for _, f := range e.Fields {
		path := f.Path
		for len(path) > 2 {
			path = path[1:]
		}
		out.Fields = append(out.Fields, hookswitch.FieldError{Path: []string{"body", path[len(path)-1]}, Message: f.Message, Type: f.Type})
	}
	return &out
}

// changeInvitation changes an invitation in one transaction that may tell of it. One whose time is over expires instead, and the error is of kind Invalid.
func (s *Service) changeInvitation(ctx context.Context, app, key hookswitch.Key, change func(*store.Tx, *births, *hookswitch.Invitation) error) (*hookswitch.Invitation, error) {
	var i *hookswitch.Invitation
	expired := false
	err := s.update(ctx, []hookswitch.Key{app}, func(tx *store.Tx, b *births) (err error) {
		expired = false
		if i, err = tx.Invitation(tx.Context(), app, key); err != nil {
			return err
		}
		if i.Status.Open() && !b.now.Before(i.ExpiresAt) {
			expired = true
			return b.invitationStatus(tx, i, hookswitch.InvitationExpired)
		}
		return change(tx, b, i)
	})
	if err == nil && expired {
		err = errInvitationOver(hookswitch.InvitationExpired)
	}
	return i, err
}

// invitationStatus stores the next status of an invitation and tells of it. The error is of kind Invalid where the status cannot follow.
func (b *births) invitationStatus(tx *store.Tx, i *hookswitch.Invitation, next hookswitch.InvitationStatus) error {
	from := i.Status
	if !from.CanBecome(next) {
		return errInvitationOver(from)
	}
	now := b.now.UTC()
	i.Status, i.UpdatedAt = next, now
	switch next {
	case hookswitch.InvitationInProgress:
		i.StartedAt, i.FailureReason, i.FailedAt = now, "", time.Time{}
	case hookswitch.InvitationCompleted:
		i.CompletedAt = now
	case hookswitch.InvitationFailed:
		i.FailedAt = now
	}
	if err := tx.UpdateInvitation(i, from); err != nil {
		return err
	}
	ids := b.s.ids
	data := object{
		{"invitationId", ids.Format(hookswitch.KindInvitation, i.Key)},
		{"clientName", orNil(i.ClientName)},
		{"clientEmail", orNil(i.ClientEmail)},
		{"connectionType", string(i.ConnectionType)},
		{"previousStatus", string(from)},
		{"currentStatus", string(next)},
	}
	switch next {
	case hookswitch.InvitationCompleted:
		sender := ids.Format(hookswitch.KindSender, i.Sender)
		data = append(data, field{"newSenderId", sender})
		if i.Account.Parent != "" {
			data = append(data, field{"wabaAccountId", i.Account.Parent})
		}
		data = append(data, field{"senderId", sender}, field{"connectedAccount", object{
			{"channel", string(i.Account.Channel)}, {"id", i.Account.ID}, {"name", i.Account.Name},
		}})
	case hookswitch.InvitationFailed:
		data = append(data, field{"failureReason", i.FailureReason})
	}
	b.envelope(i.App, hookswitch.EventInvitationStatus, hookswitch.WebhookOfProject, data)
	return nil
}

// How often it is looked for invitations whose time is over, how many are ended at once, and after how long one that was begun counts as given up.
const (
	invitationEvery    = 15 * time.Second
	invitationChunk    = 100
	invitationPatience = 24 * time.Hour
)

// SweepInvitations ends invitations whose time is over, and notes which were begun and given up. Several nodes may do it at once: each change is told once.
func (s *Service) SweepInvitations(ctx context.Context) error {
	for {
		now := s.now()
		list, err := s.store.InvitationsDue(ctx, now, now.Add(-invitationPatience), invitationChunk)
		if err != nil {
			return err
		}
		for _, i := range list {
			_, err := s.changeInvitation(ctx, i.App, i.Key, func(tx *store.Tx, b *births, i *hookswitch.Invitation) error {
				if i.Status != hookswitch.InvitationInProgress || b.now.Sub(i.StartedAt) < invitationPatience {
					return nil // another node was faster, or the client has begun again
				}
				i.FailureReason = hookswitch.FailureAbandoned
				return b.invitationStatus(tx, i, hookswitch.InvitationFailed)
			})
			if err != nil && hookswitch.KindOf(err) != hookswitch.Invalid && hookswitch.KindOf(err) != hookswitch.NotFound {
				return err
			}
		}
		if len(list) < invitationChunk {
			return nil
		}
	}
}
