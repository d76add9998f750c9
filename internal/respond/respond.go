// Package respond builds the Responders that answer received messages, from the configuration of a Sender, and wraps them: a time
// limit, the length limit of the channel, words that ask for a person, an end to loops of two machines, and errors in place of panics.
// It also knows the words by which people end what is written to them.
//
// It decides what to say and nothing else. When a responder is asked, what becomes of its answer, and whether a person has taken
// over are decided by the packages that call it.
package respond

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Options are what responders get from the process that runs them.
type Options struct {
	// Timeout bounds one answer; 0: only the caller's context does.
	Timeout time.Duration
	// HTTP calls the servers of responders that are somebody else's; nil: they fail.
	HTTP *safehttp.Client
	// Guard decides which servers a configuration may name; nil: public ones.
	Guard *safehttp.Guard
	// Now is the time; nil: the system's.
	Now func() time.Time
}

// kinds are the responders that can be configured. A new one is a file and a line here.
var kinds = []struct {
	name  string
	build func(*fields, *settings, Options) hookswitch.Responder
}{
	{"rules", buildRules},
	{"http", buildHTTP},
	{"openai", buildOpenAI},
	{"echo", buildEcho},
	{"menu", buildMenu},
	{"silent", buildSilent},
}

// Kinds are the names a configuration may have as its kind.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// New builds the responder that cfg describes, within opts.Timeout and safe against panics. What is said in calls is cut to their limit; elsewhere what is too long goes
// out in parts or in pages.
// A configuration without a kind gives one that never says anything. The error is of kind Invalid and names every wrong field
// below "responder". It is a hookswitch.Fallbacker and hookswitch.Attentive.
func New(cfg hookswitch.ResponderConfig, opts Options) (hookswitch.Responder, error) {
	r, s, err := build(cfg, opts)
	if err != nil {
		return nil, err
	}
	timeout := opts.Timeout
	if s.timeout > 0 && (timeout <= 0 || s.timeout < timeout) {
		timeout = s.timeout
	}
	return &complete{Wrap(s.apply(r), withVoiceLimit, WithTimeout(timeout), WithRecover()), s}, nil
}

// complete is a responder with everything around it.
type complete struct {
	hookswitch.Responder
	settings *settings
}

var (
	_ hookswitch.Fallbacker = (*complete)(nil)
	_ hookswitch.Attentive  = (*complete)(nil)
)

// Attends is what the configuration says.
func (c *complete) Attends(*hookswitch.Turn) bool { return c.settings.typing }

// Fallback is what the configuration has for a responder that has failed for good. Nothing is solved by it, and what the responder remembers stays.
func (c *complete) Fallback(turn *hookswitch.Turn) hookswitch.Reply {
	return c.settings.unsolved(hookswitch.Reply{Text: expand(c.settings.fallback, turn), Unsolved: true, State: turn.State}, turn)
}

// Fallback is what cfg has for a responder that has failed for good, also where no responder can be built of it: a field that is wrong counts as left out.
func Fallback(cfg hookswitch.ResponderConfig, turn *hookswitch.Turn) hookswitch.Reply {
	var unheeded hookswitch.Checks
	f := readFields(cfg.Raw, &unheeded, "responder")
	s := readSettings(f)
	s.readHandover(f)
	return (&complete{settings: s}).Fallback(turn)
}

// Validate reports every wrong field of cfg, as New would.
func Validate(cfg hookswitch.ResponderConfig, opts Options) error {
	_, _, err := build(cfg, opts)
	return err
}

func build(cfg hookswitch.ResponderConfig, opts Options) (hookswitch.Responder, *settings, error) {
	if opts.Guard == nil {
		opts.Guard = safehttp.NewGuard(nil)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	raw := cfg.Raw
	if cfg.Kind == "" && len(raw) == 0 {
		return silent{}, &settings{}, nil
	}
	if len(raw) == 0 {
		raw = json.RawMessage("{}")
	}
	for _, k := range kinds {
		if k.name != cfg.Kind {
			continue
		}
		var c hookswitch.Checks
		f := readFields(raw, &c, "responder")
		f.skip("kind")
		s := readSettings(f)
		r := k.build(f, s, opts)
		s.readHandover(f)
		f.done()
		if err := c.Err(); err != nil {
			return nil, nil, err
		}
		return r, s, nil
	}
	return nil, nil, hookswitch.InvalidField("must be one of "+strings.Join(Kinds(), ", "), "responder", "kind")
}

// silent never says anything: for senders whose messages a person, or a program behind a webhook, answers.
type silent struct{}

func buildSilent(*fields, *settings, Options) hookswitch.Responder { return silent{} }

func (silent) Respond(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) {
	return hookswitch.Reply{}, nil
}
