// Package all is the list of the adapters that the server offers. A new one is one line here.
//
// It builds them and nothing else: what an adapter does is in its own package.
package all

import (
	"context"
	"slices"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
	"github.com/hookswitch/hookswitch/internal/provider/api"
	"github.com/hookswitch/hookswitch/internal/provider/email"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/provider/x"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Doer performs one HTTP exchange, as safehttp.Client does.
type Doer interface {
	Do(ctx context.Context, r *safehttp.Request) (*safehttp.Response, error)
}

// Options are what the adapters share.
type Options struct {
	// BaseURLs replaces where a provider's API is, by the provider's name.
	BaseURLs map[string]string
	// HTTP makes the adapters' calls.
	HTTP Doer
}

// Providers returns one adapter of each provider. It panics where two have one name.
func Providers(o Options) []hookswitch.Provider {
	return distinct(
		africastalking.New(africastalking.Options{BaseURL: o.BaseURLs["africastalking"], HTTP: o.HTTP}),
		api.New(),
		meta.New(meta.Options{BaseURL: o.BaseURLs["meta"], HTTP: o.HTTP}),
		telegram.New(telegram.Options{BaseURL: o.BaseURLs["telegram"], HTTP: o.HTTP}),
		twilio.New(twilio.Options{BaseURL: o.BaseURLs["twilio"], HTTP: o.HTTP}),
		webchat.New(),
		x.New(x.Options{BaseURL: o.BaseURLs["x"], HTTP: o.HTTP}),
		email.Postmark(email.Options{BaseURL: o.BaseURLs["postmark"], HTTP: o.HTTP}),
		email.SendGrid(email.Options{BaseURL: o.BaseURLs["sendgrid"], HTTP: o.HTTP}),
		email.Mailgun(email.Options{BaseURL: o.BaseURLs["mailgun"], HTTP: o.HTTP}),
		email.Resend(email.Options{BaseURL: o.BaseURLs["resend"], HTTP: o.HTTP}),
	)
}

// distinct returns list, whose names must differ: a route names its adapter.
func distinct(list ...hookswitch.Provider) []hookswitch.Provider {
	for i, p := range list {
		if slices.ContainsFunc(list[:i], func(other hookswitch.Provider) bool { return other.Name() == p.Name() }) {
			panic("all: two providers are named " + p.Name())
		}
	}
	return list
}
