package africastalking

import (
	"github.com/hookswitch/hookswitch"
)

// Steps are the fields of the dashboard.
func (p *Provider) Steps(r *hookswitch.Route, door string, _ bool) []string {
	var steps []string
	if len(keysOf(r.Credentials)) == 0 {
		steps = append(steps, "Choose a long random text as the sender's "+credCallbackKey+": it proves what comes in.")
	}
	at := door + "?apiKey=CALLBACK_KEY, with the sender's " + credCallbackKey + " in its place"
	switch r.Channel {
	case hookswitch.USSD:
		return append(steps, "In the dashboard, under USSD > Service Codes > the code > Callback, enter: "+at, "Enter the same there as Events callback.")
	case hookswitch.Voice:
		return append(steps, "In the dashboard, under Voice > Phone Numbers > the number > Callback URL, enter: "+at, "Leave Events URL empty.")
	}
	return append(steps, "In the dashboard, under SMS > SMS Callback URLs > Incoming Messages, enter: "+at,
		"Enter the same under Delivery Reports, Bulk SMS Opt Out and Subscription Notifications.")
}
