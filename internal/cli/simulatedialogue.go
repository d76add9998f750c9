package cli

import (
	"errors"
	"fmt"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// simulateDialogue plays a call or a USSD session.
type simulateDialogue struct {
	played
	Enter  []string `name:"enter" sep:"none" placeholder:"INPUT" help:"What the person enters, presses or says, in order; one flag for each."`
	Repeat bool     `name:"repeat" help:"Make each request twice, as a network does that has lost the answer. The answers have to be the same."`
	Leave  bool     `name:"hang-up" help:"Hang up after the last input, in place of waiting for the end."`
}

// Help is kong's.
func (c *simulateDialogue) Help() string {
	example := "hookswitch simulate " + string(c.Channel)
	return `Plays a person in a dialogue: opens it, shows what the server answers, enters what the flags say, and tells the server of the end.

    ` + example + ` --enter 1 --enter 2
    ` + example + ` -f senders.json --from +254712345678 --enter 1 --hang-up
    ` + example + ` --enter 1 --repeat --json`
}

// screen is what is shown, as JSON.
type screen struct {
	Text  string `json:"text"`
	More  bool   `json:"more"`
	Input string `json:"input,omitempty"` // what it answers
	Error string `json:"error,omitempty"`
}

// Run plays.
func (c *simulateDialogue) Run(e *env) error {
	s, a, err := c.account(e)
	if err != nil {
		return err
	}
	if c.List {
		return c.providers(e)
	}
	d, err := s.Dial(a, nil, c.baseURL(), c.From)
	if err != nil {
		return err
	}
	err = c.talk(e, d)
	if err != nil && !errors.Is(err, simulate.ErrNoRepeat) {
		return hinted(err, "a server that knows the sender: hookswitch sender apply --app APP -f FILE")
	}
	return err
}

func (c *simulateDialogue) providers(e *env) error {
	var list []player
	var rows [][]string
	for _, s := range simulate.All() {
		if s.Channel == c.Channel {
			list = append(list, player{string(s.Channel), s.Provider, []string{}, s.Habit})
			rows = append(rows, []string{s.Provider, s.Habit})
		}
	}
	return e.show(c.JSON, list, func(p *printer) { p.table([]string{"PROVIDER", "WHAT IS NOT TAKEN"}, rows) })
}

func (c *simulateDialogue) talk(e *env, d simulate.Dialogue) error {
	s, err := d.Open(e.ctx)
	if err := c.shown(e, d, s, "", err); err != nil {
		return err
	}
	for _, input := range c.Enter {
		if !s.More {
			return fmt.Errorf("the server ended before %q was entered", input)
		}
		s, err = d.Answer(e.ctx, input)
		if err := c.shown(e, d, s, input, err); err != nil {
			return err
		}
	}
	if s.More {
		return d.HangUp(e.ctx)
	}
	return nil
}

// shown shows a screen, and its repetition where that is asked for.
func (c *simulateDialogue) shown(e *env, d simulate.Dialogue, s simulate.Screen, input string, err error) error {
	if err != nil {
		return err
	}
	if err := e.show(c.JSON, screen{Text: s.Text, More: s.More, Input: input}, func(p *printer) {
		if input != "" {
			p.line("> %s", input)
		}
		p.line("%s  %s", screenWord(c.Channel, s), s.Text)
	}); err != nil {
		return err
	}
	if !c.Repeat {
		return nil
	}
	again, err := d.Repeat(e.ctx)
	if err == nil && again != s {
		err = fmt.Errorf("the repeated request was answered %q", again.Text)
	}
	return err
}

// screenWord is what stands before a screen.
func screenWord(ch hookswitch.Channel, s simulate.Screen) string {
	switch {
	case ch == hookswitch.USSD && s.More:
		return "CON"
	case ch == hookswitch.USSD:
		return "END"
	case s.More:
		return "…"
	}
	return "."
}
