package widget

import (
	"encoding/json"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
)

// Show is what a browser gets of a message, without what is the same for all; empty: nothing.
func Show(svc *service.Service, m *hookswitch.Message) string {
	out, ok := (&Widget{svc: svc}).newMessage(m, "vis_x")
	if !ok {
		return ""
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(struct {
		Text    string      `json:"text"`
		Choices []choiceOut `json:"choices,omitempty"`
		Link    *linkOut    `json:"link,omitempty"`
	}{out.Text, out.Choices, out.Link}); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}
