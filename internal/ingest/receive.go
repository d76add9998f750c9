package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// storeTime is how long a push that was read may take to be stored. It is less than any provider waits. A step of a dialogue has the time of the responder
// besides, and that of the run which it may have to wait for.
const storeTime = 10 * time.Second

// receive proves a push, reads it, stores what it tells, and returns the acknowledgement.
func (d *Doors) receive(r *http.Request, in entrance, push *hookswitch.Push, out *outcome) (hookswitch.Answer, error) {
	// What has been read is stored even when the provider hangs up meanwhile: some of them never call again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTime)
	defer cancel()
	account, err := d.prove(ctx, in, push, out)
	if err != nil {
		return hookswitch.Answer{}, err
	}
	p := account.Provider
	out.provider = p.Name()
	updates, err := p.Parse(push)
	if err != nil {
		return hookswitch.Answer{}, refuse(BadPayload, hookswitch.Invalid, codePayload, sentenceOf(err, "The body cannot be read."))
	}
	if c, ok := p.(hookswitch.Completer); ok {
		if err := c.Complete(ctx, push, account.Credentials, updates); err != nil {
			return hookswitch.Answer{}, err
		}
	}
	if in.sender != 0 {
		if err := d.widen(ctx, account, push, updates); err != nil {
			return hookswitch.Answer{}, err
		}
	}
	out.routes = meant(account, updates)
	received := service.Received{Account: account, Updates: updates, Door: r.URL.Path, At: push.At, Body: push.Body}
	if i := asked(updates); i >= 0 {
		if talker, ok := p.(hookswitch.Dialoguer); ok {
			step := updates[i]
			if received.Updates = slices.Delete(updates, i, i+1); len(received.Updates) > 0 {
				if _, err := d.store(ctx, received); err != nil {
					return hookswitch.Answer{}, err
				}
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTime+2*d.o.Service.DialogueTimeout())
			defer cancel()
			return d.converse(ctx, talker, received, &step, push, out)
		}
	}
	res, err := d.store(ctx, received)
	if err != nil {
		return hookswitch.Answer{}, err
	}
	out.result = Accepted
	if res.Duplicates > 0 && res.Duplicates == len(updates) {
		out.result = Duplicate
	}
	d.o.Logger.LogAttrs(ctx, slog.LevelDebug, "push stored", slog.String("provider", p.Name()), slog.Int("messages", len(res.Messages)),
		slog.Int("receipts", res.Receipts), slog.Int("duplicates", res.Duplicates), slog.Int("strays", res.Strays),
		slog.String("request_id", httpapi.RequestID(ctx)))
	return p.Ack(push), nil
}

// prove finds the account that a push comes from. All accounts are tried, so that the time tells nothing about them; several may prove it while one of
// them is changing its secret, and then it is for the routes of them all.
func (d *Doors) prove(ctx context.Context, in entrance, push *hookswitch.Push, out *outcome) (*service.Account, error) {
	var proved *service.Account
	known := false
	for _, o := range in.adapters {
		accounts, err := d.o.Service.Accounts(ctx, o.provider.Name(), in.sender, in.channel)
		if err != nil {
			return nil, err
		}
		known = known || len(accounts) > 0
		if int64(len(push.Body)) > o.maxBody {
			continue
		}
		for i := range accounts {
			a := &accounts[i]
			if err := o.provider.Verify(push, a.Credentials); err != nil {
				if out.cause == "" {
					out.provider, out.cause = o.provider.Name(), causeOf(err)
				}
				continue
			}
			switch {
			case proved == nil:
				own := *a // the service's are shared
				own.Routes = slices.Clip(own.Routes)
				proved = &own
			case proved.Provider == a.Provider:
				proved.Routes = append(proved.Routes, a.Routes...)
			}
		}
	}
	switch {
	case proved != nil:
		out.cause = ""
		return proved, nil
	case !known:
		return nil, notConfigured()
	}
	return nil, refuse(BadSignature, hookswitch.Unauthorized, codeSignature, "Invalid webhook signature")
}

// widen adds to an account, narrowed to one sender, the routes of other senders that the push names, if their credentials prove it too: an address belongs to
// one route whatever door is used.
func (d *Doors) widen(ctx context.Context, a *service.Account, push *hookswitch.Push, updates []hookswitch.Update) error {
	all, err := d.o.Service.Accounts(ctx, a.Provider.Name(), 0, "")
	if err != nil {
		return err
	}
	for _, other := range all {
		if !slices.ContainsFunc(a.Routes, func(r hookswitch.Route) bool { return r.Account == other.Name }) || a.Provider.Verify(push, other.Credentials) != nil {
			continue
		}
		for _, r := range other.Routes {
			named := r.Address != "" && slices.ContainsFunc(updates, func(u hookswitch.Update) bool { return u.Channel == r.Channel && u.Address == r.Address })
			if named && !slices.ContainsFunc(a.Routes, func(have hookswitch.Route) bool { return have.Key == r.Key }) {
				a.Routes = append(a.Routes, r)
			}
		}
	}
	return nil
}

// store hands a genuine push to the service. One whose application or sender has just been deleted is kept aside like any other that belongs to
// nobody: the provider did nothing wrong, and would repeat it for days.
func (d *Doors) store(ctx context.Context, in service.Received) (service.ReceivedResult, error) {
	res, err := d.o.Service.Receive(ctx, in)
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		var alive *service.Account
		if alive, err = d.living(ctx, in.Account); err == nil {
			in.Account = alive
			res, err = d.o.Service.Receive(ctx, in)
		}
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		res = service.ReceivedResult{Strays: len(in.Updates)}
		err = d.o.Service.KeepStray(ctx, in.Account.Provider.Name(), in.Door, "its application has been deleted", in.Body)
	}
	return res, storeError(err)
}

// storeError is what a provider is told when a push could not be stored: whatever kind the error has, it is not the provider's fault.
func storeError(err error) error {
	if err == nil || hookswitch.KindOf(err) == hookswitch.Unavailable {
		return err
	}
	kind := hookswitch.Internal
	if errors.Is(err, context.DeadlineExceeded) {
		kind = hookswitch.Unavailable
	}
	return &hookswitch.Error{Kind: kind, Err: fmt.Errorf("store push: %w", err)}
}

// living is a, where routes of applications and senders that are gone have lost their address. They are not taken out: what was meant for them must not
// fall to the only route that is left.
func (d *Doors) living(ctx context.Context, a *service.Account) (*service.Account, error) {
	svc := d.o.Service
	out := *a
	out.Routes = slices.Clone(a.Routes)
	for i := range out.Routes {
		r := &out.Routes[i]
		_, err := svc.AppByKey(ctx, r.App)
		if err == nil {
			_, err = svc.Sender(ctx, r.App, svc.IDs().Format(hookswitch.KindSender, r.Sender))
		}
		switch {
		case hookswitch.KindOf(err) == hookswitch.NotFound:
			r.Address = ""
		case err != nil:
			return nil, err
		}
	}
	return &out, nil
}
