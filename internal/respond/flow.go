package respond

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/hookswitch/hookswitch"
)

// Flow is a menu as people draw it: the screens, and which ways lead from one to another.
type Flow struct {
	Start   string
	Screens []FlowScreen // as they are reached from the start, and behind them those to which no way leads
}

// FlowScreen is one screen.
type FlowScreen struct {
	Name, Text string
	Options    []FlowOption
	As         string // what is entered or chosen is kept under this name
	Input      string // what may be entered: text, number, digits or phone; empty: there are options, or it is the last screen
	GoTo       string // behind the input
	End        bool
	Handover   bool
	Reached    bool // a way leads to it
	// Size is how long it is as a person sees it, before names in braces are filled in, and Pages how many screens of a telephone it takes.
	Size, Pages int
}

// FlowOption is one of the things to choose.
type FlowOption struct{ Key, Label, GoTo string }

// menuPart is the menu of a configuration: all of it, or the field of that name. nil: it has none.
func menuPart(cfg hookswitch.ResponderConfig) (json.RawMessage, bool) {
	for _, m := range members(cfg.Raw) {
		if m.name == "menu" && cfg.Kind == "rules" {
			return m.value, true
		}
	}
	return cfg.Raw, cfg.Kind == "menu"
}

// FlowOf is the menu of a configuration as it is drawn. ok is false for one that has none, and for one that is wrong.
func FlowOf(cfg hookswitch.ResponderConfig) (f Flow, ok bool) {
	if _, has := menuPart(cfg); !has {
		return Flow{}, false
	}
	r, _, err := build(cfg, Options{})
	if err != nil {
		return Flow{}, false
	}
	m, _ := r.(*menu)
	if list, is := r.(*rules); is {
		m = list.menu
	}
	if m == nil {
		return Flow{}, false
	}
	return m.flow(), true
}

func (m *menu) flow() Flow {
	f := Flow{Start: m.start}
	seen := make(map[string]bool)
	draw := func(name string, reached bool) {
		s := m.screens[name]
		one := FlowScreen{Name: name, Text: s.text, As: s.as, GoTo: s.goTo, End: s.end, Handover: s.handover, Reached: reached}
		shown := s.text
		for _, o := range s.options {
			one.Options = append(one.Options, FlowOption{o.key, o.label, o.goTo})
			shown += "\n" + o.key + ". " + o.label
		}
		if s.input != nil {
			one.Input = string(s.input.kind)
		}
		limit := LimitOf(hookswitch.USSD)
		one.Size, one.Pages = limit.Size(shown), 1
		for rest := shown; ; one.Pages++ {
			if _, rest = limit.Cut(rest); rest == "" {
				break
			}
		}
		f.Screens = append(f.Screens, one)
	}
	var visit func(name string)
	visit = func(name string) {
		s := m.screens[name]
		if s == nil || seen[name] {
			return
		}
		seen[name] = true
		draw(name, true)
		for _, o := range s.options {
			visit(o.goTo)
		}
		visit(s.goTo)
	}
	visit(m.start)
	for _, name := range slices.Sorted(maps.Keys(m.screens)) {
		if !seen[name] {
			draw(name, false)
		}
	}
	return f
}

// commonFields are those that a menu shares with every responder: they stand beside a document.
var commonFields = []string{"kind", "fallback", "timeout", "handoverAfter", "loop", "typing", "optOut"}

// MenuText is the menu of a configuration as it is written: the document, or the same made of its fields. It is empty where there is none.
func MenuText(cfg hookswitch.ResponderConfig) string {
	part, ok := menuPart(cfg)
	if !ok {
		return ""
	}
	list := members(part)
	for _, m := range list {
		if m.name == "document" && cfg.Kind == "menu" {
			return textOf(m.value)
		}
	}
	if cfg.Kind == "menu" {
		list = slices.DeleteFunc(list, func(m member) bool { return slices.Contains(commonFields, m.name) })
	}
	if len(list) == 0 {
		return ""
	}
	var node yaml.Node
	if yaml.Unmarshal(object(list), &node) != nil {
		return ""
	}
	loosen(&node, 0)
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if enc.Encode(&node) != nil || enc.Close() != nil {
		return ""
	}
	return b.String()
}

// loosen has JSON written as people write YAML: one field a line, texts without quotation marks where they need none.
func loosen(n *yaml.Node, depth int) {
	switch {
	case n.Kind == yaml.ScalarNode && n.Tag != "!!str":
		n.Style = 0
	case n.Kind == yaml.ScalarNode && len(n.Value) > 0 && bytes.ContainsRune([]byte(n.Value), '\n'):
		n.Style = yaml.LiteralStyle
	default:
		n.Style = 0
	}
	if depth > maxDepth {
		return
	}
	for _, child := range n.Content {
		loosen(child, depth+1)
	}
}

// WithMenuText is a configuration with another menu, which is written as a document. What is wrong with the document is found by Validate. The error is for a document that cannot be read, and of kind Invalid.
func WithMenuText(cfg hookswitch.ResponderConfig, text string) (hookswitch.ResponderConfig, error) {
	var out hookswitch.ResponderConfig
	if cfg.Kind == "rules" {
		doc, err := documentJSON(text)
		if err != nil {
			return cfg, hookswitch.InvalidField(err.Error(), "responder", "menu")
		}
		return With(cfg, map[string]any{"menu": doc})
	}
	list := []member{{"kind", quoted("menu")}, {"document", quoted(text)}}
	if cfg.Kind == "menu" {
		for _, m := range members(cfg.Raw) {
			if m.name != "kind" && slices.Contains(commonFields, m.name) {
				list = append(list, m)
			}
		}
	}
	if err := json.Unmarshal(object(list), &out); err != nil {
		return cfg, fmt.Errorf("write a menu: %w", err)
	}
	return out, nil
}
