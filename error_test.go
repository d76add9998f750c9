package hookswitch_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestErrorf_ShowsTheSentenceAndKeepsTheCause(t *testing.T) {
	t.Parallel()
	err := hookswitch.Errorf(hookswitch.Conflict, "uid %q is taken: %w", "a", io.EOF)
	if err.Message != `uid "a" is taken` || !errors.Is(err, io.EOF) || err.Error() != `uid "a" is taken: EOF` {
		t.Errorf("got %+v, %s", err, err)
	}
	if err := hookswitch.NotFoundf("no such %s", "app"); err.Kind != hookswitch.NotFound || err.Message != "no such app" || err.Err != nil {
		t.Errorf("got %+v", err)
	}
}

func TestKindOf_LooksThroughWrapping(t *testing.T) {
	t.Parallel()
	for err, want := range map[error]hookswitch.ErrorKind{
		nil:    hookswitch.Internal,
		io.EOF: hookswitch.Internal,
		fmt.Errorf("get app: %w", hookswitch.NotFoundf("x")): hookswitch.NotFound,
		errors.Join(io.EOF, hookswitch.InvalidField("x")):    hookswitch.Invalid,
	} {
		if got := hookswitch.KindOf(err); got != want {
			t.Errorf("%v: got %d, want %d", err, got, want)
		}
	}
}

func TestError_WithFieldsNamesThem(t *testing.T) {
	t.Parallel()
	err := hookswitch.InvalidField("must not be empty", "channels", "[0]")
	if err.Error() != "body.channels.[0]: must not be empty" {
		t.Errorf("got %s", err)
	}
	if got := (&hookswitch.Error{Err: io.EOF}).Error(); got != "EOF" {
		t.Errorf("a bare cause: %s", got)
	}
}

func TestChecks_CollectsAllFieldsOrNothing(t *testing.T) {
	t.Parallel()
	var c hookswitch.Checks
	c.Add(nil)
	c.Add(io.EOF)
	if err := c.Err(); err != nil {
		t.Errorf("nothing was noted: %v", err)
	}
	c.Field("bad", "a")
	c.Add(fmt.Errorf("wrapped: %w", hookswitch.InvalidField("worse", "b")))
	if got := paths(t, c.Err()); len(got) != 2 || got[0] != "body.a" || got[1] != "body.b" {
		t.Errorf("got %v", got)
	}
}

func TestSendError_UnwrapsAndReads(t *testing.T) {
	t.Parallel()
	err := error(&hookswitch.SendError{Code: "131047", Message: "window closed", Err: io.EOF})
	if err.Error() != "131047: window closed" || !errors.Is(err, io.EOF) {
		t.Errorf("got %s", err)
	}
	if got := (&hookswitch.SendError{Code: "timeout"}).Error(); got != "timeout" {
		t.Errorf("got %s", got)
	}
}

func TestDeliveryState_Names(t *testing.T) {
	t.Parallel()
	for state, want := range map[hookswitch.DeliveryState]string{
		hookswitch.DeliveryPending: "pending", hookswitch.DeliveryDelivered: "delivered", hookswitch.DeliveryFailed: "failed", hookswitch.DeliveryCanceled: "canceled",
	} {
		if state.String() != want {
			t.Errorf("got %s, want %s", state, want)
		}
	}
}
