package respond_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

func TestWithTimeout_EndsASlowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		own := errors.New("model went away")
		slow := respond.Func(func(ctx context.Context, _ *hookswitch.Turn) (hookswitch.Reply, error) {
			<-ctx.Done()
			return hookswitch.Reply{}, own
		})
		begin := time.Now()
		_, err := respond.Wrap(slow, respond.WithTimeout(5*time.Second)).Respond(t.Context(), &hookswitch.Turn{})
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, own) || !strings.Contains(err.Error(), "no answer within 5s") {
			t.Errorf("got %v, want the deadline and the responder's own error", err)
		}
		if d := time.Since(begin); d != 5*time.Second {
			t.Errorf("took %v, want 5s", d)
		}
	})
}

func TestWithTimeout_LeavesTheCallersEndAlone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := respond.Wrap(newResponder(t, bank), respond.WithTimeout(time.Hour)).Respond(ctx, &hookswitch.Turn{})
	if !errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want only context.Canceled", err)
	}
}

func TestWithLimit_NamedChannelBeatsTheTurns(t *testing.T) {
	t.Parallel()
	r := respond.Wrap(newResponder(t, `{"kind":"echo"}`), respond.WithLimit(hookswitch.USSD))
	reply, err := r.Respond(t.Context(), &hookswitch.Turn{Text: strings.Repeat("a", 500), Channel: hookswitch.WhatsApp})
	if err != nil || len(reply.Text) != 182 {
		t.Errorf("got %d characters, %v; want 182", len(reply.Text), err)
	}
}

func TestWithRecover_TurnsAPanicIntoAnError(t *testing.T) {
	t.Parallel()
	panics := func(v any) hookswitch.Responder {
		return respond.Wrap(respond.Func(func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) { panic(v) }), respond.WithRecover())
	}
	_, err := panics("the person wrote: my PIN is 1234").Respond(t.Context(), &hookswitch.Turn{})
	var p *respond.PanicError
	if !errors.As(err, &p) || strings.Contains(err.Error(), "1234") || len(p.Stack) == 0 {
		t.Errorf("got %v, want a PanicError with a stack and without the text", err)
	}
	crash := respond.Func(func(_ context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
		return hookswitch.Reply{Text: turn.History[3].Text}, nil
	})
	if _, err := respond.Wrap(crash, respond.WithRecover()).Respond(t.Context(), &hookswitch.Turn{}); err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("got %v, want the run-time error", err)
	}
}

func TestWrap_FirstIsOutermost(t *testing.T) {
	t.Parallel()
	var order []string
	mark := func(name string) respond.Middleware {
		return func(next hookswitch.Responder) hookswitch.Responder {
			return respond.Func(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
				order = append(order, name)
				return next.Respond(ctx, turn)
			})
		}
	}
	r := respond.Wrap(respond.Func(func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) { return hookswitch.Reply{}, nil }), mark("a"), mark("b"))
	_, _ = r.Respond(t.Context(), &hookswitch.Turn{})
	if got := strings.Join(order, ""); got != "ab" {
		t.Errorf("got order %q, want ab", got)
	}
}
