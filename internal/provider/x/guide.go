package x

import (
	"cmp"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// events are the kinds of the X Activity API that are read here.
var events = []string{"dm.received", "dm.read", "post.mention.create", "post.reply.create", "chat.received"}

// Steps are calls of X's API with tokens that a sender does not have.
// https://docs.x.com/x-api/webhooks/introduction, https://docs.x.com/x-api/activity/introduction
func (p *Provider) Steps(r *hookswitch.Route, door string, _ bool) []string {
	var steps []string
	if len(r.Credentials.All(credConsumerSecret)) == 0 && len(r.Credentials.All(credClientSecret)) == 0 {
		steps = append(steps, "Put the app's API key secret into "+credConsumerSecret+", or its OAuth 2.0 client secret into "+credClientSecret+": it proves what X pushes.")
	}
	return append(steps,
		"In the developer console, under User authentication settings, give the app Read and write and Direct message.",
		`With the app's bearer token: POST https://api.x.com/2/webhooks {"url": "`+door+`"}. X checks the address at once.`,
		"With the account's token, for each of "+strings.Join(events, ", ")+`: POST https://api.x.com/2/activity/subscriptions {"event_type": "…", "filter": {"user_id": "`+
			cmp.Or(r.Credentials.First(credUser), "USER_ID")+`"}, "webhook_id": "the id that the call before gave"}.`)
}
