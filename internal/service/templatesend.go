package service

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

// templateContent is what the content of a message says of the template that it is made of.
type templateContent struct {
	TemplateID      string            `json:"templateId"`
	Variables       map[string]string `json:"templateVariables"`
	ButtonVariables map[string]string `json:"templateButtonVariables"`
	HeaderVariables map[string]string `json:"templateHeaderVariables"`
}

// filledTemplate is the content of a message on WhatsApp that is made of a template. The provider reads the names from templateName on.
type filledTemplate struct {
	templateContent
	Name           string `json:"templateName"`
	Language       string `json:"templateLanguage"`
	HeaderType     string `json:"templateHeaderType,omitempty"`
	HeaderMediaURL string `json:"templateHeaderMediaUrl,omitempty"`
}

// templateOf is the template that a message to send is made of; nil: it is made of none, or says itself what the provider knows it as.
func (s *Service) templateOf(tx *store.Tx, app hookswitch.Key, in *NewMessage) (*hookswitch.Template, error) {
	if in.Type != "template" {
		return nil, nil
	}
	var c struct {
		ID   string `json:"templateId"`
		Name string `json:"templateName"`
	}
	if len(in.Content) > 0 && json.Unmarshal(in.Content, &c) != nil {
		return nil, hookswitch.InvalidField("must be an object with the text templateId", "content")
	}
	switch {
	case c.ID == "" && c.Name != "":
		return nil, nil
	case c.ID == "":
		return nil, hookswitch.InvalidField("is required", "content", "templateId")
	}
	key, ok := s.ids.Parse(hookswitch.KindTemplate, c.ID)
	if !ok {
		return nil, hookswitch.NotFoundf("template not found")
	}
	return tx.Template(tx.Context(), app, key)
}

// filledIn is in itself or, where it is made of a template, what the sender brings to the person in its place: a call of the template over WhatsApp, or a text.
func (s *Service) filledIn(tx *store.Tx, sender *hookswitch.Sender, in *NewMessage) (*NewMessage, error) {
	t, err := s.templateOf(tx, sender.App, in)
	if err != nil || t == nil {
		return in, err
	}
	filled := *in // the transaction may run again
	if filled.Channel, err = s.templateChannel(sender, in); err != nil {
		return in, err
	}
	err = s.fillTemplate(t, &filled)
	return &filled, err
}

// templateChannel is the channel that a message made of a template goes over. Where none is said that is WhatsApp, if the sender can bring it there; else one on which it is a text. A message that is accepted
// also where the sender has no channel for it is one for WhatsApp.
func (s *Service) templateChannel(sender *hookswitch.Sender, in *NewMessage) (hookswitch.Channel, error) {
	if in.Channel != "" && in.Channel != AutoChannel {
		return in.Channel, nil
	}
	whatsApp := checkRecipient(hookswitch.WhatsApp, in.To) == ""
	if whatsApp && s.carrying(sender, hookswitch.WhatsApp, "template") != nil {
		return hookswitch.WhatsApp, nil
	}
	text := *in
	text.Type = "text"
	if !in.Anyway && in.Channel != AutoChannel {
		route, err := s.routeOver(sender, "", text.Type)
		if err != nil {
			return "", err
		}
		return route.Channel, nil
	}
	route, ch := s.transport(sender, &text)
	if route == nil && whatsApp {
		ch = hookswitch.WhatsApp
	}
	return ch, nil
}

// fillTemplate makes in what the template says on its channel with the blanks filled in: on WhatsApp the call of the approved template, elsewhere a text. The error is of kind Invalid where the
// template may not be sent, or a blank has no value. What is only simulated needs no approval.
func (s *Service) fillTemplate(t *hookswitch.Template, in *NewMessage) error {
	ch := in.Channel.Medium()
	var c templateContent
	if err := json.Unmarshal(in.Content, &c); err != nil {
		return hookswitch.InvalidField("must have texts as the values of templateVariables, templateButtonVariables and templateHeaderVariables", "content")
	}
	if ch == hookswitch.WhatsApp && t.Status != hookswitch.TemplateApproved && !in.Test {
		why := map[hookswitch.TemplateStatus]string{
			hookswitch.TemplateDraft:    "names a template that has not been submitted: only an approved one can be sent on WhatsApp",
			hookswitch.TemplatePending:  "names a template that waits for its approval: only an approved one can be sent on WhatsApp",
			hookswitch.TemplateRejected: "names a template that was rejected: only an approved one can be sent on WhatsApp",
		}
		return hookswitch.InvalidField(why[t.Status], "content", "templateId")
	}
	value := valuesOf(t, c.Variables)
	text, missing := hookswitch.Fill(t.BodyFor(ch), value)
	if err := wantValues(missing, "templateVariables"); err != nil {
		return err
	}
	in.Text = text
	if ch != hookswitch.WhatsApp {
		in.Type = "text"
		return nil
	}
	f := filledTemplate{templateContent: c, Name: t.Provider.Name, Language: t.Language}
	if f.Name == "" {
		f.Name = t.Name
	}
	var err error
	if f.Variables, err = parametersOf(t, t.Body, value, "templateVariables"); err != nil {
		return err
	}
	if err := f.header(t, c.HeaderVariables); err != nil {
		return err
	}
	if err := f.buttons(t, c.ButtonVariables, value); err != nil {
		return err
	}
	in.Content, err = mergedContent(in.Content, f)
	return err
}

// valuesOf looks the value of a blank up: by what the blank is called, by its number, or by what the template says that it stands for.
func valuesOf(t *hookswitch.Template, variables map[string]string) func(name string) (string, bool) {
	names, _ := hookswitch.Blanks(t.Body) // checked when the template was made
	return func(name string) (string, bool) {
		if v, ok := variables[name]; ok {
			return v, true
		}
		if n, err := strconv.Atoi(name); err == nil {
			if n < 1 || n > len(t.Variables) {
				return "", false
			}
			v, ok := variables[t.Variables[n-1]]
			return v, ok
		}
		for i, known := range names {
			if known == name {
				v, ok := variables[strconv.Itoa(i+1)]
				return v, ok
			}
		}
		return "", false
	}
}

func wantValues(missing []string, field string) error {
	if len(missing) == 0 {
		return nil
	}
	return hookswitch.InvalidField("has no value for {{"+strings.Join(missing, "}}, {{")+"}}", "content", field)
}

// parametersOf are the values of the blanks of a text under the names that the provider has for them.
func parametersOf(t *hookswitch.Template, text string, value func(string) (string, bool), field string) (map[string]string, error) {
	names, _ := hookswitch.Blanks(text)
	if len(names) == 0 {
		return nil, nil
	}
	out := make(map[string]string, len(names))
	for i, name := range names {
		v, ok := value(name)
		if !ok {
			return nil, wantValues([]string{name}, field)
		}
		if _, err := strconv.Atoi(name); err != nil && !t.Named {
			name = strconv.Itoa(i + 1)
		}
		out[name] = v
	}
	return out, nil
}

func (f *filledTemplate) header(t *hookswitch.Template, variables map[string]string) (err error) {
	switch t.HeaderType {
	case "":
		f.HeaderVariables = nil
	case "text":
		f.HeaderVariables, err = parametersOf(t, t.HeaderContent, func(name string) (string, bool) {
			v, ok := variables[name]
			if !ok {
				v, ok = variables["1"]
			}
			return v, ok
		}, "templateHeaderVariables")
	default:
		f.HeaderType, f.HeaderMediaURL, f.HeaderVariables = t.HeaderType, t.HeaderContent, nil
		if own := variables["1"]; own != "" {
			f.HeaderMediaURL = own
		}
	}
	return err
}

// buttons keeps the values of buttons that take one. The code of a button for one is the one in the text, where none is said.
func (f *filledTemplate) buttons(t *hookswitch.Template, variables map[string]string, value func(string) (string, bool)) error {
	f.ButtonVariables = nil
	for i := range t.Buttons {
		b := &t.Buttons[i]
		if !b.Dynamic() {
			continue
		}
		index := strconv.Itoa(i)
		v, ok := variables[index]
		if !ok && b.Type == hookswitch.ButtonOTP {
			v, ok = value("1")
		}
		if !ok {
			return hookswitch.InvalidField("has no value for the button "+index+": "+b.Text, "content", "templateButtonVariables")
		}
		if f.ButtonVariables == nil {
			f.ButtonVariables = make(map[string]string)
		}
		f.ButtonVariables[index] = v
	}
	return nil
}

// mergedContent is content with what f says in it. What f does not know stays.
func mergedContent(content json.RawMessage, f filledTemplate) (json.RawMessage, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	own, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(own, &all); err != nil {
		return nil, err
	}
	for _, name := range []string{"templateVariables", "templateButtonVariables", "templateHeaderVariables"} {
		if bytes.Equal(all[name], []byte("null")) {
			delete(all, name)
		}
	}
	return json.Marshal(all)
}
