package meta

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/hookswitch/hookswitch"
)

// outTemplate is a message that Meta has approved, with its blanks filled in. Outside the 24-hour window it is all that may be sent.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/overview
type outTemplate struct {
	Name     string `json:"name"`
	Language struct {
		Code string `json:"code"`
	} `json:"language"`
	Components []outComponent `json:"components,omitempty"`
}

type outComponent struct {
	Type       string         `json:"type"`
	SubType    string         `json:"sub_type,omitempty"`
	Index      string         `json:"index,omitempty"`
	Parameters []outParameter `json:"parameters"`
}

type outParameter struct {
	Type string `json:"type"`
	Name string `json:"parameter_name,omitempty"`
	Text string `json:"text,omitempty"`
	// A header can hold a file.
	Image    *outMedia `json:"image,omitempty"`
	Video    *outMedia `json:"video,omitempty"`
	Document *outMedia `json:"document,omitempty"`
}

func (o *outgoing) template(c *content) *hookswitch.SendError {
	if c.TemplateName == "" || c.TemplateLanguage == "" {
		return invalid("a template needs the name and the language under which Meta knows it")
	}
	t := &outTemplate{Name: c.TemplateName}
	t.Language.Code = c.TemplateLanguage
	file := &outMedia{Link: c.TemplateHeaderMediaURL}
	switch c.TemplateHeaderType {
	case "image":
		t.Components = append(t.Components, outComponent{Type: "header", Parameters: []outParameter{{Type: "image", Image: file}}})
	case "video":
		t.Components = append(t.Components, outComponent{Type: "header", Parameters: []outParameter{{Type: "video", Video: file}}})
	case "document":
		t.Components = append(t.Components, outComponent{Type: "header", Parameters: []outParameter{{Type: "document", Document: file}}})
	}
	if p := parameters(c.TemplateHeaderVariables); len(p) > 0 {
		t.Components = append(t.Components, outComponent{Type: "header", Parameters: p})
	}
	if p := parameters(c.TemplateVariables); len(p) > 0 {
		t.Components = append(t.Components, outComponent{Type: "body", Parameters: p})
	}
	for _, index := range inOrder(c.TemplateButtonVariables) {
		if _, err := strconv.ParseUint(index, 10, 8); err != nil {
			return invalid("templateButtonVariables must be named by the position of the button, from 0")
		}
		t.Components = append(t.Components, outComponent{
			Type: "button", SubType: "url", Index: index,
			Parameters: []outParameter{{Type: "text", Text: c.TemplateButtonVariables[index]}},
		})
	}
	o.Template = t
	return nil
}

// parameters are the values of variables: numbered ones by position, others by name.
func parameters(variables map[string]string) []outParameter {
	list := make([]outParameter, 0, len(variables))
	for _, name := range inOrder(variables) {
		p := outParameter{Type: "text", Text: variables[name]}
		if _, err := strconv.Atoi(name); err != nil {
			p.Name = name
		}
		list = append(list, p)
	}
	return list
}

// inOrder sorts numbered names by their number, and before the others.
func inOrder(variables map[string]string) []string {
	return slices.SortedFunc(maps.Keys(variables), func(a, b string) int {
		m, errM := strconv.Atoi(a)
		n, errN := strconv.Atoi(b)
		switch {
		case errM == nil && errN == nil:
			return cmp.Or(cmp.Compare(m, n), cmp.Compare(a, b))
		case errM == nil:
			return -1
		case errN == nil:
			return 1
		}
		return cmp.Compare(a, b)
	})
}
