package portal

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

// chat is a conversation with a responder that nobody else sees.
type chat struct {
	Lines    []chatLine
	Said     string // the lines again, for the next form
	State    string
	Unsolved int
	Channel  ui.Field
	Name     ui.Field
	Text     ui.Field
	NoChat   string // why there is none
	Over     string // why it does not go on; "": it does
}

// chatLine is what was said. The names are those of a form.
type chatLine struct {
	Own  bool   `json:"o,omitempty"` // the responder's
	Text string `json:"t"`
	Note string `json:"n,omitempty"` // how long it took, and what it cost
	Bad  string `json:"b,omitempty"` // why there was no answer
}

// maxChat is how many lines a chat keeps.
const maxChat = 60

// newChat begins a chat, or goes on with the one that a form has.
func (page *responderPage) newChat(form map[string][]string) chat {
	first := func(name string) string {
		if l := form[name]; len(l) > 0 {
			return l[0]
		}
		return ""
	}
	c := chat{State: first("state")}
	c.Unsolved, _ = strconv.Atoi(first("unsolved")) // 0 for what is no number
	_ = json.Unmarshal([]byte(first("said")), &c.Lines)
	if len(c.Lines) > maxChat {
		c.Lines = c.Lines[len(c.Lines)-maxChat:]
	}
	var list []ui.Option
	for _, ch := range answerable(page.Sender) {
		list = append(list, ui.Option{Value: string(ch), Name: channelName(ch), Chosen: string(ch) == first("channel")})
	}
	switch {
	case page.Sender.Responder.Kind == "":
		c.NoChat = "There is no responder to talk to."
	case list == nil:
		list = []ui.Option{{Value: string(hookswitch.WhatsApp), Name: channelName(hookswitch.WhatsApp)}, {Value: string(hookswitch.SMS), Name: channelName(hookswitch.SMS)}}
	}
	c.Channel = ui.Field{ID: "try-channel", Name: "channel", Label: "Channel", Kind: "select", Options: list}
	c.Name = ui.Field{ID: "try-name", Name: "name", Label: "Name of the person", Value: first("name"), Optional: true}
	c.Text = ui.Field{ID: "try-text", Name: "text", Label: "Message", Kind: "textarea", Rows: 2, Autocomplete: "off", Hint: "Empty begins a call or a USSD session."}
	c.keep()
	return c
}

// keep writes the lines out for the next form.
func (c *chat) keep() {
	b, _ := json.Marshal(c.Lines) // texts can be encoded
	c.Said = string(b)
}

// tryResponder asks the responder what it would say. Nothing is sent to anybody.
func (p *Pages) tryResponder(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	page, err := p.responderPageOf(v)
	if err != nil {
		return err
	}
	page.Form = newResponderForm(page, page.Kind, nil)
	if form.Get("do") == "anew" {
		return seeOther(v.w, page.Path+"#try")
	}
	c := page.newChat(form)
	text := strings.TrimSpace(strings.ReplaceAll(form.Get("text"), "\r\n", "\n"))
	trial := service.Trial{Channel: hookswitch.Channel(form.Get("channel")), Text: text, Name: strings.TrimSpace(form.Get("name")), State: c.State, Unsolved: c.Unsolved}
	for _, l := range c.Lines {
		d := hookswitch.Inbound
		if l.Own {
			d = hookswitch.Outbound
		}
		if l.Text != "" {
			trial.History = append(trial.History, hookswitch.Line{Direction: d, Type: "text", Text: l.Text, Answer: l.Own, At: v.Now})
		}
	}
	got, err := p.svc.TryResponder(v.ctx(), v.App.Key, page.ID, trial)
	wrong := make(map[string]string)
	if noteFields(err, wrong, map[string]string{"text": "text", "channel": "channel"}) {
		c.Text.Value = text
		fieldProblems(&page.Problems, "The responder was not asked", wrong, &c.Text, &c.Channel)
		page.Chat = c
		return v.write(http.StatusUnprocessableEntity, "dashboard/responder", page)
	}
	if err != nil {
		return err
	}
	said := chatLine{Text: text}
	if text == "" {
		said.Note = "dials, or calls"
	}
	c.Lines = append(c.Lines, said, answerLine(&got))
	c.State, c.Unsolved = got.Reply.State, got.Unsolved
	switch {
	case got.Reply.Handover:
		c.Over = "A person takes over here. The responder is silent until they hand it back."
	case got.Reply.End:
		c.Over = "The session ends here."
	case got.OptOut:
		c.Over = "The person gets no more messages on this channel."
	}
	c.keep()
	page.Chat = c
	return v.show("dashboard/responder", page)
}

// answerLine is what a responder has said, with what it took.
func answerLine(got *service.Tried) chatLine {
	use := got.Reply.Use
	parts := []string{ui.Millis(got.Took)}
	if use.Model != "" {
		parts = append(parts, use.Model)
	}
	if use.TokensIn+use.TokensOut > 0 {
		parts = append(parts, ui.Count(use.TokensIn)+" tokens in, "+ui.Count(use.TokensOut)+" out")
	}
	if got.Reply.Screen != "" {
		parts = append(parts, "screen "+got.Reply.Screen)
	}
	if use.Refused {
		parts = append(parts, "the model refused")
	}
	if got.OptOut {
		parts = []string{"the words end messages; the responder was not asked"}
	}
	l := chatLine{Own: true, Text: got.Reply.Text, Note: strings.Join(parts, " · "), Bad: got.Failure}
	if strings.TrimSpace(l.Text) == "" {
		l.Note = strings.Join(slices.Concat([]string{"says nothing"}, parts), " · ")
	}
	return l
}
