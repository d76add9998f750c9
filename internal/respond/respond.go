// Package respond builds the Responders that answer received messages, from the configuration of a Sender, and wraps them: a time
// limit, the length limit of the channel, and errors in place of panics.
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
)

// Options are what responders get from the process that runs them.
type Options struct {
	// Timeout bounds one answer; 0: only the caller's context does.
	Timeout time.Duration
}

// kinds are the responders that can be configured. A new one is a file and a line here.
var kinds = []struct {
	name  string
	build func(*fields, Options) hookswitch.Responder
}{
	{"rules", buildRules},
	{"echo", buildEcho},
	{"menu", buildMenu},
}

// Kinds are the names a configuration may have as its kind.
func Kinds() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// New builds the responder that cfg describes, within opts.Timeout, cut to the limit of each turn's channel, and safe against panics. Answers in a USSD session
// are left whole: they are shown in pages.
// A configuration without a kind gives one that never says anything. The error is of kind Invalid and names every wrong field
// below "responder".
func New(cfg hookswitch.ResponderConfig, opts Options) (hookswitch.Responder, error) {
	r, err := build(cfg, opts)
	if err != nil {
		return nil, err
	}
	return Wrap(r, withChannelLimit, WithTimeout(opts.Timeout), WithRecover()), nil
}

// Validate reports every wrong field of cfg, as New would.
func Validate(cfg hookswitch.ResponderConfig) error {
	_, err := build(cfg, Options{})
	return err
}

func build(cfg hookswitch.ResponderConfig, opts Options) (hookswitch.Responder, error) {
	raw := cfg.Raw
	if cfg.Kind == "" && len(raw) == 0 {
		return silent{}, nil
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
		r := k.build(f, opts)
		f.done()
		if err := c.Err(); err != nil {
			return nil, err
		}
		return r, nil
	}
	return nil, hookswitch.InvalidField("must be one of "+strings.Join(Kinds(), ", "), "responder", "kind")
}

// silent is the responder of a Sender that has none.
type silent struct{}

func (silent) Respond(context.Context, *hookswitch.Turn) (hookswitch.Reply, error) {
	return hookswitch.Reply{}, nil
}
