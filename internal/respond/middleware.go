package respond

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Middleware puts something around a Responder.
type Middleware func(hookswitch.Responder) hookswitch.Responder

// Wrap puts the middlewares around r, the first outermost.
func Wrap(r hookswitch.Responder, around ...Middleware) hookswitch.Responder {
	for i := len(around) - 1; i >= 0; i-- {
		r = around[i](r)
	}
	return r
}

// Func is a function as a Responder.
type Func func(context.Context, *hookswitch.Turn) (hookswitch.Reply, error)

// Respond calls f.
func (f Func) Respond(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	return f(ctx, turn)
}

// WithTimeout ends the context of an answer after d; 0 leaves it alone. An answer that is ready in spite of it counts. The error then wraps
// context.DeadlineExceeded.
func WithTimeout(d time.Duration) Middleware {
	return func(next hookswitch.Responder) hookswitch.Responder {
		if d <= 0 {
			return next
		}
		return Func(func(parent context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			ctx, cancel := context.WithTimeout(parent, d)
			defer cancel()
			reply, err := next.Respond(ctx, turn)
			if err != nil && ctx.Err() != nil && parent.Err() == nil {
				if !errors.Is(err, context.DeadlineExceeded) {
					err = errors.Join(context.DeadlineExceeded, err)
				}
				return reply, fmt.Errorf("no answer within %v: %w", d, err)
			}
			return reply, err
		})
	}
}

// WithLimit cuts answers to what one message of the channel carries; an empty channel means that of each turn. What does not fit is
// not said.
func WithLimit(channel hookswitch.Channel) Middleware {
	return func(next hookswitch.Responder) hookswitch.Responder {
		return Func(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
			reply, err := next.Respond(ctx, turn)
			c := channel
			if c == "" {
				c = turn.Channel
			}
			reply.Text, _ = LimitOf(c).Cut(reply.Text)
			return reply, err
		})
	}
}

// withVoiceLimit cuts what is said in calls. What is too long elsewhere goes out in parts, or in pages.
func withVoiceLimit(next hookswitch.Responder) hookswitch.Responder {
	limited := WithLimit(hookswitch.Voice)(next)
	return Func(func(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
		if turn.Channel == hookswitch.Voice {
			return limited.Respond(ctx, turn)
		}
		return next.Respond(ctx, turn)
	})
}

// PanicError is the error of a responder that panicked. Its text leaves the value out unless that is an error of the run time,
// because it may quote what a person wrote.
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string {
	if err, ok := e.Value.(runtime.Error); ok {
		return "responder panicked: " + err.Error()
	}
	return fmt.Sprintf("responder panicked with a %T", e.Value)
}

// WithRecover turns a panic into a *PanicError.
func WithRecover() Middleware {
	return func(next hookswitch.Responder) hookswitch.Responder {
		return Func(func(ctx context.Context, turn *hookswitch.Turn) (reply hookswitch.Reply, err error) {
			defer func() {
				if v := recover(); v != nil {
					reply, err = hookswitch.Reply{}, &PanicError{Value: v, Stack: debug.Stack()}
				}
			}()
			return next.Respond(ctx, turn)
		})
	}
}
