package simulate

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Call is a telephone call as the caller remembers it.
type Call struct {
	SID   string
	Lines []CallLine
	// Dialled is the number that the caller was connected to; empty: none.
	Dialled string
	// HungUp says that the gateway ended the call. Otherwise the caller had nothing more to say.
	HungUp bool
}

// CallLine is one thing that was said in a call, and what the caller said or pressed then.
type CallLine struct {
	Said   string
	Answer string // empty: nothing
}

// maxCallLines ends a call that would go on for ever.
const maxCallLines = 100

// Call plays a caller: it rings at the gateway at baseURL, listens, and says one of answers whenever it is asked something. An answer of digits, "*" and "#" is
// pressed on the keys, an empty one is silence. After the last answer the caller hangs up. Then the end of the call is reported.
func (t Twilio) Call(ctx context.Context, client *http.Client, baseURL, from string, answers ...string) (Call, error) {
	if client == nil {
		client = LoopbackClient()
		defer client.CloseIdleConnections()
	}
	c := Call{SID: newSID("CA")}
	begin := t.now()
	err := t.talk(ctx, client, baseURL, from, answers, &c)
	if ctx.Err() != nil {
		return c, context.Cause(ctx)
	}
	status := "completed"
	if err != nil && len(c.Lines) == 0 {
		status = "failed"
	}
	res, reported := t.Deliver(ctx, client, baseURL, t.CallStatus(c.SID, from, status, t.now().Sub(begin)))
	if reported == nil && res.Status/100 != 2 {
		reported = fmt.Errorf("the report of the call's end was answered %d", res.Status)
	}
	return c, errors.Join(err, reported)
}

// talk goes through the call until one side ends it.
func (t Twilio) talk(ctx context.Context, client *http.Client, baseURL, from string, answers []string, c *Call) error {
	p := t.Ring(c.SID, from)
	for range maxCallLines {
		res, err := t.Deliver(ctx, client, baseURL, p)
		if err != nil {
			return err
		}
		heard, err := readTwiML(res)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Path, err)
		}
		line := CallLine{Said: heard.said}
		if heard.action == "" {
			c.Lines = append(c.Lines, line)
			c.Dialled, c.HungUp = heard.dial, heard.dial == ""
			return nil
		}
		if len(answers) > 0 {
			line.Answer = answers[0]
		}
		c.Lines = append(c.Lines, line)
		if len(answers) == 0 {
			return nil
		}
		answers = answers[1:]
		if p, err = t.answer(c.SID, from, heard.action, line.Answer); err != nil {
			return err
		}
	}
	return errors.New("the call does not come to an end")
}

// Ring is the first request of a call.
func (t Twilio) Ring(sid, from string) Push {
	return t.callPush(cmp.Or(t.CallPath, "/api/v1/voice/inbound"), sid, from, "ringing")
}

// answer is what the caller says or presses, for the address that a Gather names.
func (t Twilio) answer(sid, from, action, words string) (Push, error) {
	base, err := url.Parse(strings.TrimSuffix(t.PublicURL, "/") + cmp.Or(t.CallPath, "/api/v1/voice/inbound"))
	if err != nil {
		return Push{}, err
	}
	u, err := base.Parse(action)
	if err != nil {
		return Push{}, err
	}
	path, ok := strings.CutPrefix(u.String(), strings.TrimSuffix(t.PublicURL, "/"))
	if !ok {
		return Push{}, fmt.Errorf("the call leads away from the gateway, to %s", u.Host)
	}
	if words != "" && strings.Trim(words, "0123456789*#") == "" {
		return t.callPush(path, sid, from, "in-progress", twilioField{"Digits", words}, twilioField{"msg", "Gather End"}), nil
	}
	heard := []twilioField{{"SpeechResult", words}, {"Language", "en-US"}}
	if words != "" {
		heard = append(heard, twilioField{"Confidence", "0.91273814"})
	}
	return t.callPush(path, sid, from, "in-progress", heard...), nil
}

// CallStatus reports where a call is: initiated, ringing, in-progress, or one of the ends completed, busy, failed, no-answer and canceled.
func (t Twilio) CallStatus(sid, from, status string, lasted time.Duration) Push {
	seconds := int(lasted / time.Second)
	return t.callPush(cmp.Or(t.CallStatusPath, "/api/v1/voice/status"), sid, from, status,
		twilioField{"Timestamp", t.now().UTC().Format(time.RFC1123Z)}, twilioField{"CallbackSource", "call-progress-events"}, twilioField{"SequenceNumber", "2"},
		twilioField{"CallDuration", strconv.Itoa(seconds)}, twilioField{"Duration", strconv.Itoa((seconds + 59) / 60)})
}

func (t Twilio) callPush(path, sid, from, status string, fields ...twilioField) Push {
	fields = append(fields, twilioField{"CallSid", sid}, twilioField{"CallStatus", status}, twilioField{"Direction", "inbound"}, twilioField{"From", from},
		twilioField{"Caller", from}, twilioField{"To", t.Number}, twilioField{"Called", t.Number}, twilioField{"StirVerstat", "TN-Validation-Passed-A"})
	p := t.push(path, fields)
	p.IDs = []string{sid}
	return p
}

// twiML is what an answer has a caller hear, and what follows.
type twiML struct{ said, action, dial string }

// readTwiML follows an answer as Twilio would. It knows the verbs that a gateway answers with, and takes no other.
// https://www.twilio.com/docs/voice/twiml
func readTwiML(res Result) (twiML, error) {
	var out twiML
	if res.Status/100 != 2 {
		return out, fmt.Errorf("answered %d, and the caller hears that an error has occurred", res.Status)
	}
	switch kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind {
	case "text/xml", "application/xml", "text/html":
	default:
		return out, fmt.Errorf("the answer is of the type %q, which is no TwiML", kind)
	}
	var doc struct {
		XMLName xml.Name `xml:"Response"`
		Verbs   []struct {
			XMLName xml.Name
			Text    string `xml:",chardata"`
			Action  string `xml:"action,attr"`
			Always  string `xml:"actionOnEmptyResult,attr"`
			Say     string `xml:"Say"`
		} `xml:",any"`
	}
	if err := xml.Unmarshal(res.Body, &doc); err != nil {
		return out, fmt.Errorf("the answer is no TwiML: %w", err)
	}
	for _, verb := range doc.Verbs {
		switch verb.XMLName.Local {
		case "Say":
			out.said = strings.TrimSpace(out.said + " " + verb.Text)
		case "Gather":
			out.said = strings.TrimSpace(out.said + " " + verb.Say)
			if verb.Action == "" || verb.Always != "true" {
				return out, errors.New("a Gather does not say where silence leads")
			}
			out.action = verb.Action
			return out, nil
		case "Dial":
			out.dial = verb.Text
			return out, nil
		case "Hangup":
			return out, nil
		default:
			return out, fmt.Errorf("the answer has a verb %s", verb.XMLName.Local)
		}
	}
	return out, nil
}
