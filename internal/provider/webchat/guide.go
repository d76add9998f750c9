package webchat

import (
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Steps are the line that shows the widget, and what a server of the operator's posts to.
func (p *Provider) Steps(r *hookswitch.Route, door string, _ bool) []string {
	var steps []string
	if len(r.Credentials.All(setOrigins)) == 0 {
		steps = append(steps, "Name the sites that may show the widget in the sender's "+setOrigins+".")
	} else if before, sender, ok := strings.Cut(door, "/in/"); ok {
		sender, _, _ = strings.Cut(sender, "/")
		steps = append(steps, `Put this line into the pages of the site: <script src="`+before+`/widget/chat.js" data-sender="`+sender+`" async></script>`)
	}
	if p.Account(r.Credentials) != "" {
		steps = append(steps, "A server of yours posts what visitors write, with the sender's "+credToken+" as its bearer token, to: "+door)
	}
	return steps
}
