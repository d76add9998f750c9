package respond

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// The bounds of a menu.
const (
	MaxScreens      = 500       // screens
	MaxOptions      = 30        // options of one screen
	MaxScreenText   = 1000      // characters of the text of one screen
	MaxLabel        = 100       // characters of the label of an option
	MaxName         = 40        // characters of the name of a screen or of what is entered
	MaxEntered      = 182       // characters of what a person enters at an input
	MaxVariables    = 100       // different names of what is entered
	MaxMenuDocument = 256 << 10 // bytes of a menu written as a document
)

// menu leads through screens, in a call, a USSD session or a chat. A screen has a text and one way on: options to choose from, an input that is checked, or none, which
// ends the dialogue or gives it to a person. What was entered can be shown on later screens. Where a dialogue or a chat stands is kept with it, not here.
type menu struct {
	start         string
	screens       map[string]*menuScreen
	handover      []keyword
	handoverReply string
	unknown       string // before a screen whose options do not have what was entered
}

type menuScreen struct {
	text     string
	options  []menuOption
	as       string // the name of what is chosen or entered; empty: it is not kept
	input    *menuInput
	goTo     string // after an input
	end      bool
	handover bool
}

type menuOption struct {
	key   string
	label string
	words []keyword // that choose it too, of a caller who speaks
	goTo  string
	value string // what is kept when it is chosen
}

// menuInput is what may be entered. low and high bound the number of a number, and the length of everything else.
type menuInput struct {
	kind      inputKind
	low, high int64
	pattern   *regexp.Regexp // nil: any
	wrong     string         // said before the screen is shown again
}

type inputKind string

const (
	inputText   inputKind = "text"
	inputNumber inputKind = "number"
	inputDigits inputKind = "digits"
	inputPhone  inputKind = "phone"
)

// The texts of a menu that has none of its own.
const (
	menuUnknown  = "Please choose one of these."
	menuHandover = "Somebody will get back to you."
	inputWrong   = "That cannot be right. Please try again."
)

// menuState is where a dialogue stands.
type menuState struct {
	Screen  string            `json:"screen"`
	Entered map[string]string `json:"entered,omitempty"`
}

func (m *menu) Respond(ctx context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	if err := ctx.Err(); err != nil {
		return hookswitch.Reply{}, err
	}
	at := m.stand(turn.State)
	if turn.Opens || turn.State == "" && !isDialogue(turn.Channel) {
		return m.show(at, "", turn), nil
	}
	if hear(turn.Text, "").any(m.handover, matchWord) {
		return hookswitch.Reply{Text: m.fill(m.handoverReply, at, turn), Handover: true}, nil
	}
	reply, _ := m.next(turn)
	return reply, nil
}

// next is the screen that comes next or, when what was entered does not lead on, the same again.
func (m *menu) next(turn *hookswitch.Turn) (reply hookswitch.Reply, moved bool) {
	at := m.stand(turn.State)
	inputs := []string{turn.Text}
	if turn.Channel == hookswitch.USSD { // who knows the way dials it at once: *384*1*2#
		inputs = strings.Split(turn.Text, "*")
	}
	for _, in := range inputs {
		if wrong := m.screens[at.Screen].take(strings.TrimSpace(in), &at, m.unknown); wrong != "" {
			return m.show(at, wrong, turn), false
		}
		if s := m.screens[at.Screen]; s.end || s.handover {
			break
		}
	}
	return m.show(at, "", turn), true
}

// stand reads where a dialogue stands. It stands at the start when it has just begun, or the menu has changed so much that its screen is gone.
func (m *menu) stand(state string) menuState {
	var at menuState
	if state == "" || json.Unmarshal([]byte(state), &at) != nil {
		at = menuState{}
	}
	if s := m.screens[at.Screen]; s == nil || s.end || s.handover {
		at.Screen = m.start
	}
	if at.Entered == nil {
		at.Entered = make(map[string]string)
	}
	return at
}

// take moves on from the screen by what was entered, or says what is wrong with it.
func (s *menuScreen) take(entered string, at *menuState, unknown string) (wrong string) {
	value, goTo := entered, s.goTo
	if s.input == nil {
		o := s.chosen(entered)
		if o == nil {
			return unknown
		}
		value, goTo = o.value, o.goTo
	} else if value = s.input.read(entered); value == "" {
		return s.input.wrong
	}
	if s.as != "" {
		at.Entered[s.as] = value
	}
	at.Screen = goTo
	return ""
}

// chosen is the option that was entered, by its key, or said, by its label or one of its words; nil for none, or several.
func (s *menuScreen) chosen(entered string) *menuOption {
	for i := range s.options {
		if strings.EqualFold(s.options[i].key, entered) {
			return &s.options[i]
		}
	}
	said := hear(entered, "")
	if said.spaced == "" {
		return nil
	}
	for i := range s.options {
		if newKeyword(s.options[i].key).spaced == said.spaced || newKeyword(s.options[i].label).spaced == said.spaced {
			return &s.options[i]
		}
	}
	var found *menuOption
	for i := range s.options {
		if !said.any(s.options[i].words, matchWord) {
			continue
		}
		if found != nil {
			return nil
		}
		found = &s.options[i]
	}
	return found
}

// show is the screen as a person sees it, with a word before it where something was wrong.
func (m *menu) show(at menuState, before string, turn *hookswitch.Turn) hookswitch.Reply {
	s := m.screens[at.Screen]
	var b strings.Builder
	if before != "" {
		b.WriteString(m.fill(before, at, turn))
		b.WriteByte('\n')
	}
	b.WriteString(m.fill(s.text, at, turn))
	for _, o := range s.options {
		b.WriteByte('\n')
		b.WriteString(o.key)
		b.WriteString(". ")
		b.WriteString(m.fill(o.label, at, turn))
	}
	reply := hookswitch.Reply{Text: b.String(), End: s.end, Handover: s.handover, Unsolved: before != "", Screen: at.Screen}
	if !s.end && !s.handover {
		state, _ := json.Marshal(at) // texts can be encoded
		reply.State = string(state)
	}
	return reply
}

// placeholders are what a text may show: {amount} is what was entered under that name.
var placeholders = regexp.MustCompile(`\{([A-Za-z][A-Za-z0-9_]*)\}`)

// fill fills in a text: what was entered first, and then what every reply may show. What was entered is not looked at again.
func (m *menu) fill(text string, at menuState, turn *hookswitch.Turn) string {
	var b strings.Builder
	last := 0
	for _, p := range placeholders.FindAllStringSubmatchIndex(text, -1) {
		name := text[p[2]:p[3]]
		value, entered := at.Entered[name]
		if !entered {
			if value, entered = placeholder(name, turn); !entered {
				value = "" // not yet
			}
		}
		before := text[last:p[0]]
		if value = oneLine(value); value == "" {
			before = strings.TrimSuffix(before, " ") // "Hello {name}!" becomes "Hello!"
		}
		b.WriteString(before)
		b.WriteString(value)
		last = p[1]
	}
	b.WriteString(text[last:])
	return b.String()
}
