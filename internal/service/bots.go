package service

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// telegram is the name of the provider whose bots ConnectBot connects, and botToken and botSecret are what it calls a bot's credentials.
const (
	telegram  = "telegram"
	botToken  = "bot_token"
	botSecret = "secret_token"
)

// ConnectBot gives the sender with the id a route on Telegram over the bot with the token, in place of what it had there, and has Telegram push what comes for the bot. It may be called again. An error about the
// token names the field botToken.
func (s *Service) ConnectBot(ctx context.Context, app hookswitch.Key, id string, token hookswitch.Secret) (hookswitch.ConnectedAccount, error) {
	key, ok := s.ids.Parse(hookswitch.KindSender, id)
	if !ok {
		return hookswitch.ConnectedAccount{}, hookswitch.NotFoundf("sender not found")
	}
	if _, err := s.store.Sender(ctx, app, key); err != nil {
		return hookswitch.ConnectedAccount{}, err
	}
	p, ok := s.providers[telegram].(interface {
		hookswitch.Connector
		hookswitch.Registrar
	})
	if !ok {
		return hookswitch.ConnectedAccount{}, hookswitch.Errorf(hookswitch.Unsupported, "bots of Telegram cannot be connected to this server")
	}
	if err := s.reachable(); err != nil {
		return hookswitch.ConnectedAccount{}, err
	}
	credentials := hookswitch.Credentials{botToken: {token.Reveal()}}
	bot, err := p.Connect(ctx, hookswitch.Telegram, credentials)
	if err != nil {
		return hookswitch.ConnectedAccount{}, ofBotToken(err)
	}
	route, fresh, err := s.putBot(ctx, app, key, credentials)
	if err != nil {
		return hookswitch.ConnectedAccount{}, err
	}
	if err := p.Register(ctx, route, s.doorOf(route)); err != nil {
		if fresh { // a route that nothing comes over would look connected
			err = errors.Join(err, s.dropBots(ctx, app, key, func(r *hookswitch.Route) bool { return r.Key == route.Key }))
		}
		return hookswitch.ConnectedAccount{}, err
	}
	return bot, nil
}

// putBot stores the sender's route over a bot, and reports whether the sender did not have it before. One that it had keeps its secret: what Telegram has been told stays true.
func (s *Service) putBot(ctx context.Context, app, sender hookswitch.Key, c hookswitch.Credentials) (route *hookswitch.Route, fresh bool, err error) {
	p := s.providers[telegram]
	address := p.Address(hookswitch.Telegram, c, "")
	err = s.changeBots(ctx, app, sender, func(tx *store.Tx, from *hookswitch.Sender) error {
		all, err := tx.AllRoutes(tx.Context())
		if err != nil {
			return err
		}
		if slices.ContainsFunc(all, func(r hookswitch.Route) bool {
			return r.Provider == telegram && r.Address == address && r.Sender != sender
		}) {
			return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "the bot is connected to another sender; disconnect it there first"}
		}
		want := hookswitch.Route{App: app, Sender: sender, Channel: hookswitch.Telegram, Provider: telegram, Address: address, Credentials: hookswitch.Credentials{botToken: c[botToken]}}
		fresh = true
		for _, r := range from.Routes {
			switch {
			case r.Channel != hookswitch.Telegram:
			case r.Provider == telegram && r.Address == address:
				want.Key, want.Rate, want.Credentials[botSecret], fresh = r.Key, r.Rate, r.Credentials[botSecret], false
			default:
				if err := tx.DeleteRoute(app, r.Key, s.now()); err != nil {
					return err
				}
			}
		}
		if want.Credentials.First(botSecret) == "" {
			want.Credentials[botSecret] = []string{rand.Text()}
		}
		if fresh {
			want.Key = s.keys.Next()
		}
		want.Account = p.Account(want.Credentials)
		route = &want
		return tx.PutRoute(&want)
	})
	return route, fresh, err
}

// DisconnectBot takes the sender with the id off Telegram, and has Telegram push nothing more for its bot. One that is not on Telegram stays so.
func (s *Service) DisconnectBot(ctx context.Context, app hookswitch.Key, id string) error {
	sender, err := s.Sender(ctx, app, id)
	if err != nil {
		return err
	}
	on := func(r *hookswitch.Route) bool { return r.Channel == hookswitch.Telegram }
	for i := range sender.Routes {
		r := &sender.Routes[i]
		p, ok := s.providers[r.Provider].(hookswitch.Unregistrar)
		if !on(r) || !ok {
			continue
		}
		// A bot whose token is no longer good is disconnected as well.
		if err := p.Unregister(ctx, r); hookswitch.KindOf(err) == hookswitch.Unavailable {
			return err
		}
	}
	return s.dropBots(ctx, app, sender.Key, on)
}

// dropBots removes the routes of a sender that go.
func (s *Service) dropBots(ctx context.Context, app, sender hookswitch.Key, goes func(*hookswitch.Route) bool) error {
	return s.changeBots(ctx, app, sender, func(tx *store.Tx, from *hookswitch.Sender) error {
		for i := range from.Routes {
			if r := &from.Routes[i]; goes(r) {
				if err := tx.DeleteRoute(app, r.Key, s.now()); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// changeBots changes the routes of a sender. Changes to one App's senders are made one after the other.
func (s *Service) changeBots(ctx context.Context, app, sender hookswitch.Key, change func(*store.Tx, *hookswitch.Sender) error) error {
	err := s.store.Update(ctx, func(tx *store.Tx) error {
		if err := tx.HoldApp(app); err != nil {
			return err
		}
		from, err := tx.Sender(tx.Context(), app, sender)
		if err != nil {
			return err
		}
		if err := change(tx, from); err != nil {
			return err
		}
		from.UpdatedAt = s.now().UTC()
		if err := tx.UpdateSender(from); err != nil {
			return err
		}
		return s.touch(tx, app, s.now())
	})
	s.cache.forget(app)
	s.routes.forget()
	return err
}

// ofBotToken is err with its field named as in the Zavu-shaped API.
func ofBotToken(err error) error {
	var e *hookswitch.Error
	if !errors.As(err, &e) || len(e.Fields) == 0 {
		return err
	}
	return hookswitch.InvalidField(e.Fields[0].Message, "botToken")
}
