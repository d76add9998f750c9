package twilio

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// maxSaid is how many characters one Say may have.
// https://www.twilio.com/docs/voice/twiml/say
const maxSaid = 4096

// response is TwiML for a call. Its members are done in this order.
// https://www.twilio.com/docs/voice/twiml
type response struct {
	XMLName xml.Name  `xml:"Response"`
	Gather  *gather   `xml:"Gather"`
	Say     string    `xml:"Say,omitempty"`
	Dial    string    `xml:"Dial,omitempty"`
	Hangup  *struct{} `xml:"Hangup"`
}

// gather says something and listens meanwhile: who speaks or presses a key ends it. Silence calls the action too, with nothing heard.
// https://www.twilio.com/docs/voice/twiml/gather
type gather struct {
	Input         string `xml:"input,attr"`
	Action        string `xml:"action,attr"`
	Method        string `xml:"method,attr"`
	Timeout       int    `xml:"timeout,attr"` // seconds
	SpeechTimeout string `xml:"speechTimeout,attr"`
	Always        bool   `xml:"actionOnEmptyResult,attr"`
	Say           string `xml:"Say,omitempty"`
}

// Say is the TwiML that has a voice read r's text. Then the call ends, is connected to another number, or listens for what comes to the same door as the next
// turn.
func (p *Provider) Say(push *hookswitch.Push, _ *hookswitch.DialogueStep, r hookswitch.DialogueReply) hookswitch.Answer {
	text := cut(strings.ToValidUTF8(r.Text, "\uFFFD"), maxSaid)
	var out response
	switch {
	case r.Dial != "":
		out.Say, out.Dial = text, r.Dial
	case r.End:
		out.Say, out.Hangup = text, &struct{}{}
	default:
		out.Gather = &gather{
			Input: "speech dtmf", Action: nextTurn(push, r.Turn), Method: "POST", Timeout: 5, SpeechTimeout: "auto", Always: true, Say: text,
		}
	}
	body, err := xml.Marshal(out)
	if err != nil { // texts and numbers have no values that XML cannot take
		body = []byte("<Response/>")
	}
	// The encoder knows no empty elements; Twilio's own libraries write them, and so do its examples.
	body = bytes.Replace(body, []byte("<Hangup></Hangup>"), []byte("<Hangup/>"), 1)
	return xmlAnswer(append([]byte(xml.Header), body...))
}

// nextTurn is the address of this door for the turn. Whatever else the query holds stays, and so do the name and password that Twilio was given with the
// address: a proxy may ask for them again.
func nextTurn(push *hookswitch.Push, turn int) string {
	u := *push.URL
	u.Fragment, u.RawFragment, u.ForceQuery = "", "", false
	if u.User == nil {
		u.User = basicUser(push.Header)
	}
	var kept []string
	for part := range strings.SplitSeq(u.RawQuery, "&") {
		if name, _, _ := strings.Cut(part, "="); part != "" && name != turnParameter {
			kept = append(kept, part)
		}
	}
	u.RawQuery = strings.Join(append(kept, turnParameter+"="+strconv.Itoa(turn)), "&")
	return u.String()
}

// cut leaves the first most characters of s.
func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i]
		}
	}
	return s
}

// bounded keeps what people read of a stranger's text.
func bounded(s string) string {
	const most = 500
	if short := cut(s, most); short != s {
		return short + "…"
	}
	return s
}
