package respond

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Mask stands for a secret in a configuration that is shown, and in one that is given back for the secret that was there.
const Mask = "***"

// member is one field of an object, in the order in which they are written.
type member struct {
	name  string
	value json.RawMessage
}

// members are the fields of an object; nil for something that is none.
func members(raw []byte) (list []member) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if token, err := dec.Token(); err != nil || token != json.Delim('{') {
		return nil
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil
		}
		name, _ := token.(string)
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil
		}
		list = append(list, member{name, value})
	}
	return list
}

func object(list []member) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(quoted(m.name))
		b.WriteByte(':')
		b.Write(m.value)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func quoted(text string) json.RawMessage {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // texts can be encoded
	return bytes.TrimSpace(b.Bytes())
}

// isSecret reports whether a field of a configuration is never shown.
func isSecret(name string) bool { return name == "apiKey" || name == "secret" }

// Show is a configuration as it may be shown: with Mask in place of keys, secrets, the values of headers, and what stands behind the "?" of an address. Its fields keep their order.
func Show(cfg hookswitch.ResponderConfig) json.RawMessage {
	list := members(cfg.Raw)
	if list == nil {
		return nil
	}
	for i, m := range list {
		switch {
		case string(m.value) == "null":
		case isSecret(m.name):
			list[i].value = quoted(Mask)
		case m.name == "headers":
			headers := members(m.value)
			for j := range headers {
				headers[j].value = quoted(Mask)
			}
			list[i].value = object(headers)
		case m.name == "url", m.name == "baseUrl":
			if address, _, ok := strings.Cut(textOf(m.value), "?"); ok {
				list[i].value = quoted(address + "?" + Mask)
			}
		}
	}
	return object(list)
}

// Fill is cfg with old's secrets where cfg has Mask. A secret is not kept for another server than it was given for. The error is of kind Invalid and names each field below "responder" that has to be given.
func Fill(cfg, old hookswitch.ResponderConfig) (hookswitch.ResponderConfig, error) {
	list, before := members(cfg.Raw), make(map[string]json.RawMessage)
	for _, m := range members(old.Raw) {
		before[m.name] = m.value
	}
	var c hookswitch.Checks
	for i, m := range list {
		if m.name != "url" && m.name != "baseUrl" {
			continue
		}
		text, was := textOf(m.value), textOf(before[m.name])
		if address, ok := strings.CutSuffix(text, "?"+Mask); ok {
			if had, _, _ := strings.Cut(was, "?"); had != address {
				c.Field("is another address than before: write out what stands behind the “?”", "responder", m.name)
				continue
			}
			list[i].value = before[m.name]
		}
	}
	same := cfg.Kind == old.Kind && serverOf(list) == serverOf(members(old.Raw))
	keep := func(path []string, was json.RawMessage) json.RawMessage {
		switch {
		case was == nil:
			c.Field("has to be given: there is none yet", path...)
		case !same:
			c.Field("has to be given anew: it was for another server", path...)
		}
		return was
	}
	for i, m := range list {
		switch {
		case isSecret(m.name) && textOf(m.value) == Mask:
			list[i].value = keep([]string{"responder", m.name}, before[m.name])
		case m.name == "headers":
			had := make(map[string]json.RawMessage)
			for _, h := range members(before["headers"]) {
				had[h.name] = h.value
			}
			headers := members(m.value)
			if headers == nil {
				continue // it is wrong, and is judged later
			}
			for j, h := range headers {
				if textOf(h.value) == Mask {
					headers[j].value = keep([]string{"responder", "headers", h.name}, had[h.name])
				}
			}
			list[i].value = object(headers)
		}
	}
	if err := c.Err(); err != nil || list == nil {
		return cfg, err
	}
	return hookswitch.ResponderConfig{Kind: cfg.Kind, Raw: object(list)}, nil
}

func textOf(raw json.RawMessage) (text string) {
	if len(raw) > 0 && raw[0] == '"' {
		_ = json.Unmarshal(raw, &text) // what is no text is none
	}
	return text
}

// serverOf is the server that a configuration names: of two, the one that would be called.
func serverOf(list []member) string {
	for _, m := range slices.Backward(list) {
		if m.name == "url" || m.name == "baseUrl" {
			if u, err := url.Parse(textOf(m.value)); err == nil {
				return u.Scheme + "://" + u.Host
			}
		}
	}
	return ""
}

// Effect is what is in effect of a configuration: what it sets, and what stands in for the rest.
type Effect struct {
	Kind string
	// Server is where a responder of somebody else's is, without what may be secret; empty: the answers are made here.
	Server string
	// Keyed says that calls of it carry a key or are signed, and Headers are the names of the headers that they carry besides.
	Keyed   bool
	Headers []string
	// Timeout bounds one answer; 0: it needs no time.
	Timeout time.Duration
	// Of a language model.
	Model, System   string
	Temperature     float64 // below 0: the model's own
	Effort          string  // empty: the model's own
	ReasoningTokens int
	History         int // messages that a server is told of
	ContextTokens   int
	Marks           bool
	// Caps are how long answers are on each channel. They are nil where answers are written out in the configuration.
	Caps map[hookswitch.Channel]Caps
	// Of all responders.
	Fallback      string
	HandoverReply string
	Handover      []string // words that ask for a person
	HandoverAfter int      // 0: never
	LoopAnswers   int      // 0: any number
	LoopWithin    time.Duration
	LoopRepeats   int
	Typing        bool
	OptOut        bool // words end what is written to people
}

// InEffect is what is in effect of a configuration.
func InEffect(cfg hookswitch.ResponderConfig) (Effect, error) {
	anywhere := safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}) // where it may be was judged when it was set
	r, s, err := build(cfg, Options{Guard: anywhere})
	if err != nil {
		return Effect{}, err
	}
	e := Effect{Kind: cfg.Kind, Timeout: s.timeout, Fallback: s.fallback, HandoverReply: s.handoverReply, HandoverAfter: s.handoverAfter, LoopAnswers: s.loop.answers, LoopWithin: s.loop.within,
		LoopRepeats: s.loop.repeats, Typing: s.typing, OptOut: OptOutOf(cfg) != nil, Temperature: -1}
	var words struct {
		Handover []string `json:"handover"`
	}
	if len(cfg.Raw) > 0 {
		_ = json.Unmarshal(cfg.Raw, &words) // it has been read before
	}
	e.Handover = words.Handover
	var at *remote
	var caps capsByChannel
	switch r := r.(type) {
	case *model:
		at, caps, e.Server, e.Keyed = &r.remote, r.caps, shortURL(r.base), r.key != ""
		e.Model, e.System, e.Effort, e.ReasoningTokens, e.History, e.ContextTokens, e.Marks = r.name, r.system, r.effort, r.reasoning, r.history, r.contextTokens, r.marks
		if r.temperature > 0 {
			if e.Temperature = float64(r.temperature); r.temperature <= coldest {
				e.Temperature = 0
			}
		}
	case *bot:
		at, caps, e.Server, e.Keyed, e.History = &r.remote, r.caps, shortURL(r.url), true, r.history
	}
	if at == nil {
		return e, nil
	}
	e.Timeout = at.timeout
	for _, h := range at.header {
		e.Headers = append(e.Headers, h.Name)
	}
	e.Caps = make(map[hookswitch.Channel]Caps)
	for _, ch := range hookswitch.Channels {
		e.Caps[ch] = caps.of(ch)
	}
	return e, nil
}

// shortURL is an address without what may be secret.
func shortURL(u *url.URL) string {
	if u == nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

// With is a configuration with some of its fields set, in the order of their names where they are new; nil takes one away. Values are encoded as JSON.
func With(cfg hookswitch.ResponderConfig, fields map[string]any) (hookswitch.ResponderConfig, error) {
	list := members(cfg.Raw)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		at := slices.IndexFunc(list, func(m member) bool { return m.name == name })
		if fields[name] == nil {
			if at >= 0 {
				list = slices.Delete(list, at, at+1)
			}
			continue
		}
		value, err := json.Marshal(fields[name])
		if err != nil {
			return cfg, fmt.Errorf("encode the field %s of a responder: %w", name, err)
		}
		if at >= 0 {
			list[at].value = value
		} else {
			list = append(list, member{name, value})
		}
	}
	var out hookswitch.ResponderConfig
	return out, json.Unmarshal(object(list), &out)
}
