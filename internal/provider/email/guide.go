package email

import (
	"cmp"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// withPassword is door with words in place of the user and the password that prove pushes.
func withPassword(door string) string {
	scheme, rest, _ := strings.Cut(door, "://")
	return scheme + "://USER:PASSWORD@" + rest + ", with the sender's " + credUser + " and " + credPass + " in their place"
}

// Steps are the pages of the service's own site.
func (p *Provider) Steps(r *hookswitch.Route, door string, registered bool) []string {
	var steps []string
	if p.proof(r.Credentials) == "" {
		steps = append(steps, "Give the sender "+p.needs()+": without, nothing that comes in can be proved.")
	}
	return append(steps, p.steps(r.Credentials, door, registered)...)
}

func (postmark) needs() string { return "a " + credUser + " and a " + credPass + " of your choice" }

func (postmark) steps(_ hookswitch.Credentials, door string, registered bool) []string {
	var steps []string
	if !registered {
		steps = append(steps, "Under Server > Inbound stream > Settings > Webhook enter: "+withPassword(door))
	}
	return append(steps, "Under Outbound stream > Webhooks add, with delivery, bounce, spam complaint, open and subscription change: "+withPassword(door))
}

func (sendgrid) needs() string {
	return "a " + credUser + " and a " + credPass + " of your choice, or the " + credPublicKey + " of a security policy"
}

func (sendgrid) steps(c hookswitch.Credentials, door string, _ bool) []string {
	if c.First(credUser) != "" {
		door = withPassword(door)
	}
	return []string{
		"Under Settings > Inbound Parse enter: " + door,
		"Under Settings > Mail Settings > Event Webhook enter the same, switch Signed Event Webhook on, and add its key to the sender's " + credPublicKey + ".",
	}
}

func (mailgun) needs() string { return "the " + credSigningKey + " (HTTP webhook signing key)" }

func (mailgun) steps(c hookswitch.Credentials, door string, _ bool) []string {
	return []string{
		`Under Receiving > Routes make a route with the expression match_recipient("` + cmp.Or(c.First(credInbound), c.First(credAddress)) + `") and the action forward("` + door + `").`,
		"Under Sending > Webhooks enter for accepted, delivered, opened, permanent failure, complained and unsubscribed: " + door,
	}
}

func (resend) needs() string { return "the " + credSigningSecret + " (whsec_…) of the webhook" }

func (resend) steps(_ hookswitch.Credentials, door string, _ bool) []string {
	return []string{
		"Under Webhooks > Add enter, with email.received, email.sent, email.delivered, email.opened, email.bounced, email.failed, email.suppressed and email.complained: " + door,
		"Put the signing secret that Resend shows then into the sender's " + credSigningSecret + ".",
	}
}
