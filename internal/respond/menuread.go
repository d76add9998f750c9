package respond

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/hookswitch/hookswitch"
)

// nameForm is the form of the names of screens and of what is entered.
var nameForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)

// variableForm is the form of the names that texts can show.
var variableForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// buildMenu reads a menu: its fields beside the kind, or all of them in the text of one field, document, as YAML.
func buildMenu(f *fields, _ *settings, _ Options) hookswitch.Responder {
	if raw, ok := f.take("document"); ok {
		for _, name := range slices.Sorted(maps.Keys(f.raw)) {
			f.wrong("stands beside the document; write it there", name)
			f.skip(name)
		}
		text, ok := f.checkText(raw, MaxMenuDocument, "document")
		if !ok {
			return silent{}
		}
		doc, err := documentJSON(text)
		if err != nil {
			f.wrong(err.Error(), "document")
			return silent{}
		}
		d := f.below(doc, "document")
		m := readMenu(d)
		d.done()
		return m
	}
	return readMenu(f)
}

// documentJSON turns a document in YAML, of which JSON is a part, into JSON. Keys of maps become texts, so that 1: needs no quotation marks.
func documentJSON(text string) (json.RawMessage, error) {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		return nil, fmt.Errorf("cannot be read: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	if node.Kind == 0 {
		return nil, fmt.Errorf("is empty")
	}
	v, err := plainValue(&node, 0)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// maxDepth is how deep a document may be nested.
const maxDepth = 20

func plainValue(n *yaml.Node, depth int) (any, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("line %d is nested too deeply", n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return plainValue(n.Content[0], depth+1)
	case yaml.MappingNode:
		out := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("line %d: a name must be a plain text", key.Line)
			}
			if _, twice := out[key.Value]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", key.Line, strconv.Quote(key.Value))
			}
			v, err := plainValue(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			out[key.Value] = v
		}
		return out, nil
	case yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			v, err := plainValue(item, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!int":
			return scalarNumber(n), nil
		case "!!bool":
			var b bool
			err := n.Decode(&b)
			return b, err
		case "!!null":
			return nil, nil
		}
		return n.Value, nil
	}
	return nil, fmt.Errorf("line %d: references to other parts are not supported", n.Line)
}

// scalarNumber is a number as JSON writes it, or the text for one that JSON would write otherwise, such as 007.
func scalarNumber(n *yaml.Node) any {
	if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil && strconv.FormatInt(i, 10) == n.Value {
		return json.Number(n.Value)
	}
	return n.Value
}

func readMenu(f *fields) *menu {
	m := &menu{
		start:         f.text("start", MaxName),
		handover:      readKeywords(f, "handover"),
		handoverReply: cmp.Or(f.text("handoverReply", MaxScreenText), menuHandover),
		unknown:       cmp.Or(f.text("unknown", MaxScreenText), menuUnknown),
		screens:       make(map[string]*menuScreen),
	}
	n := f.each("screens", MaxScreens, func(raw json.RawMessage, name string) {
		if len(name) > MaxName || !nameForm.MatchString(name) {
			f.wrong("the name of a screen must be a letter and up to "+strconv.Itoa(MaxName-1)+" letters, digits, - and _", "screens", name)
			return
		}
		m.screens[name] = readScreen(f.below(raw, "screens", name))
	})
	if n == 0 {
		f.wrong("must have at least one screen", "screens")
	}
	if n > 0 {
		m.check(f)
	}
	return m
}

func readScreen(f *fields) *menuScreen {
	if f.raw == nil {
		return &menuScreen{} // it is no object, which is noted
	}
	s := &menuScreen{text: f.text("text", MaxScreenText), as: f.text("as", MaxName), goTo: f.text("goTo", MaxName), end: f.flag("end"), handover: f.flag("handover")}
	if s.text == "" {
		f.wrong("must have a text", "text")
	}
	f.list("options", MaxOptions, func(raw json.RawMessage, at string) {
		s.options = append(s.options, readOption(f.below(raw, "options", at)))
	})
	if raw, ok := f.take("input"); ok {
		s.input = readInput(f.below(raw, "input"))
		if s.as == "" {
			f.wrong("must name what is entered", "as")
		}
		if s.goTo == "" {
			f.wrong("must name the screen that comes after the input", "goTo")
		}
	} else if s.goTo != "" {
		f.wrong("is for screens with an input; options have their own", "goTo")
	}
	if s.as != "" && !variableForm.MatchString(s.as) {
		f.wrong("must be a letter and then letters, digits and _", "as")
	}
	ways := 0
	for _, way := range []bool{len(s.options) > 0, s.input != nil, s.end, s.handover} {
		if way {
			ways++
		}
	}
	if ways != 1 {
		f.wrong("must have one of options, input, end and handover")
	}
	keys := make(map[string]bool)
	for i, o := range s.options {
		if key := strings.ToLower(o.key); o.key != "" && keys[key] {
			f.wrong("is the key of another option too", "options", "["+strconv.Itoa(i)+"]", "key")
		} else {
			keys[key] = true
		}
	}
	f.done()
	return s
}

func readOption(f *fields) menuOption {
	if f.raw == nil {
		return menuOption{}
	}
	o := menuOption{key: strings.TrimSpace(f.textOrNumber("key", MaxName)), label: f.textOrNumber("label", MaxLabel), words: readKeywords(f, "words"), goTo: f.text("goTo", MaxName)}
	o.value = cmp.Or(f.textOrNumber("value", MaxLabel), o.label)
	switch {
	case o.key == "":
		f.wrong("must say what chooses the option", "key")
	case strings.Contains(o.key, "*") || strings.Contains(o.key, "#"):
		f.wrong("must not contain * or #, which cannot be entered", "key")
	}
	if o.label == "" {
		f.wrong("must say what the option is", "label")
	}
	if o.goTo == "" {
		f.wrong("must name the screen that comes next", "goTo")
	}
	f.done()
	return o
}

func readInput(f *fields) *menuInput {
	if f.raw == nil {
		return &menuInput{}
	}
	in := &menuInput{kind: inputKind(cmp.Or(f.text("kind", MaxName), string(inputText))), wrong: cmp.Or(f.text("error", MaxScreenText), inputWrong)}
	low, high, least, most := int64(1), int64(MaxEntered), int64(1), int64(MaxEntered)
	switch in.kind {
	case inputNumber:
		low, high, least, most = math.MinInt64, math.MaxInt64, math.MinInt64, math.MaxInt64
	case inputText, inputDigits, inputPhone:
	default:
		f.wrong("must be one of text, number, digits, phone", "kind")
	}
	in.low, in.high = f.number("min", least, most, low), f.number("max", least, most, high)
	if in.low > in.high {
		f.wrong("must not be less than min", "max")
	}
	if p := f.text("pattern", MaxScreenText); p != "" {
		var err error
		if in.pattern, err = regexp.Compile(`^(?:` + p + `)$`); err != nil {
			f.wrong("is not a regular expression: "+err.Error(), "pattern")
		}
	}
	f.done()
	return in
}

// check finds what is wrong between screens: ways that lead nowhere, and names that nothing is entered under.
func (m *menu) check(f *fields) {
	switch {
	case m.start == "":
		f.wrong("must name the first screen", "start")
	case m.screens[m.start] == nil:
		f.wrong(m.noScreen(m.start), "start")
	case m.screens[m.start].end || m.screens[m.start].handover:
		f.wrong("must be a screen with options or an input", "start")
	}
	entered := make(map[string]bool)
	for _, s := range m.screens {
		if s.as != "" {
			entered[s.as] = true
		}
	}
	if len(entered) > MaxVariables {
		f.wrong("must have at most "+strconv.Itoa(MaxVariables)+" different names in as", "screens")
	}
	for _, name := range slices.Sorted(maps.Keys(m.screens)) {
		s := m.screens[name]
		shows(f, entered, s.text, "screens", name, "text")
		if s.input != nil {
			shows(f, entered, s.input.wrong, "screens", name, "input", "error")
		}
		if s.goTo != "" && m.screens[s.goTo] == nil {
			f.wrong(m.noScreen(s.goTo), "screens", name, "goTo")
		}
		for i, o := range s.options {
			at := "[" + strconv.Itoa(i) + "]"
			shows(f, entered, o.label, "screens", name, "options", at, "label")
			if o.goTo != "" && m.screens[o.goTo] == nil {
				f.wrong(m.noScreen(o.goTo), "screens", name, "options", at, "goTo")
			}
		}
	}
	shows(f, entered, m.unknown, "unknown")
	shows(f, entered, m.handoverReply, "handoverReply")
}

// maxNamed is how many screens an error names.
const maxNamed = 20

func (m *menu) noScreen(name string) string {
	names := slices.Sorted(maps.Keys(m.screens))
	if len(names) > maxNamed {
		names = append(names[:maxNamed], "…")
	}
	return fmt.Sprintf("there is no screen %q; there are %s", name, strings.Join(names, ", "))
}

// shows notes names in braces that nothing is entered under.
func shows(f *fields, entered map[string]bool, text string, path ...string) {
	for _, p := range placeholders.FindAllStringSubmatch(text, -1) {
		if _, known := placeholder(p[1], &hookswitch.Turn{}); !known && !entered[p[1]] {
			f.wrong("shows {"+p[1]+"}, which is entered nowhere", path...)
		}
	}
}
