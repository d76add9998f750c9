package twilio_test

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
)

// turn reads a push about a call.
func turn(t *testing.T, address string, parameters map[string]string) hookswitch.Update {
	t.Helper()
	form := url.Values{"CallSid": {"CA1"}, "From": {"+254712345678"}, "To": {"+12028831111"}, "Direction": {"inbound"}, "CallStatus": {"in-progress"}}
	for name, v := range parameters {
		form.Set(name, v)
	}
	updates := parse(t, address, form)
	if len(updates) != 1 || updates[0].Dialogue == nil || updates[0].Channel != hookswitch.Voice {
		t.Fatalf("%v: %+v, want a step of a call", parameters, updates)
	}
	return updates[0]
}

func TestParse_CountsTheTurnsOfACall(t *testing.T) {
	t.Parallel()
	const door = "/api/v1/voice/inbound"
	for name, tt := range map[string]struct {
		address, dedup, input string
		parameters            map[string]string
		turn                  int
	}{
		"the first": {door, "call:CA1:turn:0", "", map[string]string{"CallStatus": "ringing"}, 0},
		"speech":    {door + "?turn=3", "call:CA1:turn:3", "What now?", map[string]string{"SpeechResult": "What now?", "Confidence": "0.9"}, 3},
		"keys":      {"/in/snd_1/voice?a=b&turn=1", "call:CA1:turn:1", "1#2", map[string]string{"Digits": "1#2"}, 1},
		"silence":   {door + "?turn=2", "call:CA1:turn:2", "", map[string]string{"SpeechResult": ""}, 2},
		"at the fallback address": {
			"/in/snd_1/voice", "call:CA1:turn:4", "yes",
			map[string]string{"SpeechResult": "yes", "ErrorCode": "11205", "ErrorUrl": "https://gw.example.test" + door + "?turn=4"}, 4,
		},
		"a turn that is none":      {door + "?turn=-1", "call:CA1:turn:0", "", nil, 0},
		"a turn that is no number": {door + "?turn=x", "call:CA1:turn:0", "", nil, 0},
	} {
		u := turn(t, tt.address, tt.parameters)
		s := u.Dialogue
		if u.Dedup != tt.dedup || s.Turn != tt.turn || s.Input != tt.input || s.Progress != "" || s.End != nil || s.Session != "CA1" || u.Address != "+12028831111" {
			t.Errorf("%s: %+v %+v", name, u, s)
		}
	}
	for _, silent := range []map[string]string{{"CallStatus": "in-progress"}, {"CallStatus": "ringing", "SpeechResult": ""}, {"CallStatus": "ringing", "Digits": ""}} {
		if !turn(t, door, silent).Dialogue.Silent {
			t.Errorf("%v: not silent", silent)
		}
	}
	for address, speaks := range map[string]map[string]string{door: {"CallStatus": "ringing"}, door + "?": {"SpeechResult": "yes"}, door + "?turn=1": {"SpeechResult": ""},
		"/in/snd_1/voice": {"ErrorCode": "11205", "ErrorUrl": "https://gw.example.test" + door}} {
		if turn(t, address, speaks).Dialogue.Silent {
			t.Errorf("%s %v: silent", address, speaks)
		}
	}
	a, b := turn(t, door, map[string]string{"SpeechResult": "one"}), turn(t, door, map[string]string{"SpeechResult": "two"})
	if again := turn(t, door, map[string]string{"SpeechResult": "one"}); a.Dedup == b.Dedup || a.Dedup != again.Dedup || a.Dedup == "call:CA1:turn:0" {
		t.Errorf("what a Gather of somebody else's heard: %s, %s and again %s", a.Dedup, b.Dedup, again.Dedup)
	}
}

func TestParse_ReadsHowACallGoesOn(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{
		"initiated": "initiated", "ringing": "ringing", "in-progress": "in-progress", "answered": "in-progress",
		"completed": "", "busy": "", "failed": "", "no-answer": "", "canceled": "",
	} {
		u := turn(t, "/api/v1/voice/status", map[string]string{"CallStatus": word, "CallDuration": "34", "Timestamp": "Sat, 18 Jul 2026 10:31:05 +0000"})
		s := u.Dialogue
		if s.Progress != want || (s.End == nil) == (want == "") || u.Dedup != "call:CA1:status:"+word || !u.At.Equal(time.Date(2026, 7, 18, 10, 31, 5, 0, time.UTC)) {
			t.Errorf("%s: %+v %+v", word, u, s)
		}
		if s.End != nil && (s.End.Status != word || s.End.Duration != 34*time.Second) {
			t.Errorf("%s: ends with %+v", word, s.End)
		}
	}
	failed := turn(t, "/in/snd_1/voice", map[string]string{"CallStatus": "failed", "SipResponseCode": "404", "CallDuration": "0"}).Dialogue.End
	if failed.ErrorText != "SIP response 404" || failed.Duration != 0 {
		t.Errorf("%+v", failed)
	}
}

// Word of a call that waits for its turn at the provider begins nothing: nobody's telephone rings yet.
func TestParse_ACallThatIsQueuedHasNotBegun(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"queued", "something new"} {
		if updates := parse(t, "/api/v1/voice/status", url.Values{"CallSid": {"CA1"}, "To": {"+12028831111"}, "CallStatus": {word}}); len(updates) > 0 {
			t.Errorf("%s: %+v", word, updates)
		}
	}
}

func TestParse_KnowsWhoIsThePersonInACall(t *testing.T) {
	t.Parallel()
	s := turn(t, "/api/v1/voice/status", map[string]string{"Direction": "outbound-api", "From": "+12028831111", "To": "+254712345678", "CallStatus": "no-answer"})
	if s.Address != "+12028831111" || s.Dialogue.Direction != hookswitch.Outbound || s.Dialogue.To != "+254712345678" || s.Dialogue.End.Status != "no-answer" {
		t.Errorf("a call of ours: %+v %+v", s, s.Dialogue)
	}
	for _, hidden := range []string{"anonymous", "Anonymous", "+266696687", "+7378742833", ""} {
		if from := turn(t, "/api/v1/voice/inbound", map[string]string{"From": hidden}).Dialogue.From; from != "" {
			t.Errorf("%q: from %q", hidden, from)
		}
	}
	for _, other := range []string{"client:ada", "sip:ada@example.test"} {
		if from := turn(t, "/api/v1/voice/inbound", map[string]string{"From": other}).Dialogue.From; from != other {
			t.Errorf("%q: from %q", other, from)
		}
	}
}

func TestParse_NotesWhatIsKnownOfATurn(t *testing.T) {
	t.Parallel()
	got := turn(t, "/api/v1/voice/inbound?turn=1", map[string]string{"Digits": "5", "CallerName": "ADA", "ForwardedFrom": "+1", "StirVerstat": "TN-Validation-Passed-A"}).Dialogue.Metadata
	want := map[string]any{
		"provider": "twilio", "callSid": "CA1", "to": "+12028831111", "digits": "5", "callerName": "ADA", "forwardedFrom": "+1", "stirVerstat": "TN-Validation-Passed-A",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// say is the TwiML for a reply to a push at the address.
func say(t *testing.T, address string, r hookswitch.DialogueReply) string {
	t.Helper()
	push := request(t, address, "CallSid=CA1&CallStatus=ringing", "")
	a := twilio.New(twilio.Options{}).Say(push, &hookswitch.DialogueStep{Session: "CA1"}, r)
	if a.Status != 200 || !strings.HasPrefix(a.ContentType, "text/xml") {
		t.Errorf("status %d, content type %s", a.Status, a.ContentType)
	}
	rest, ok := strings.CutPrefix(string(a.Body), `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Response>")
	if err := xml.Unmarshal(a.Body, new(struct{})); err != nil || !ok {
		t.Errorf("%s: %v", a.Body, err)
	}
	return strings.TrimSuffix(rest, "</Response>")
}

func TestSay_WritesTwiML(t *testing.T) {
	t.Parallel()
	const listen = `<Gather input="speech dtmf" action="https://gw.example.test/api/v1/voice/inbound?turn=2" method="POST" timeout="5" speechTimeout="auto" actionOnEmptyResult="true">`
	const door = "https://gw.example.test/api/v1/voice/inbound"
	for name, tt := range map[string]struct {
		r    hookswitch.DialogueReply
		want string
	}{
		"a question":               {hookswitch.DialogueReply{Text: "How can we help?", Turn: 2}, listen + "<Say>How can we help?</Say></Gather>"},
		"no words":                 {hookswitch.DialogueReply{Turn: 2}, listen + "</Gather>"},
		"markup":                   {hookswitch.DialogueReply{Text: `</Say><Dial>+1</Dial> & "co"`, End: true}, "<Say>&lt;/Say&gt;&lt;Dial&gt;+1&lt;/Dial&gt; &amp; &#34;co&#34;</Say><Hangup/>"},
		"what XML has no sign for": {hookswitch.DialogueReply{Text: "a\x00b\xffc", End: true}, "<Say>a\uFFFDb\uFFFDc</Say><Hangup/>"},
		"the end":                  {hookswitch.DialogueReply{Text: "Bye.", End: true}, "<Say>Bye.</Say><Hangup/>"},
		"the end without words":    {hookswitch.DialogueReply{End: true}, "<Hangup/>"},
		"a person":                 {hookswitch.DialogueReply{Text: "One moment.", Dial: "+15551234567", End: true}, "<Say>One moment.</Say><Dial>+15551234567</Dial>"},
	} {
		if got := say(t, door, tt.r); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, tt.want)
		}
	}
	if got := say(t, door, hookswitch.DialogueReply{Text: strings.Repeat("ä", 5000), End: true}); strings.Count(got, "ä") != 4096 {
		t.Errorf("%d characters are said", strings.Count(got, "ä"))
	}
}

func TestSay_HasTheNextTurnComeToTheSameDoor(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"https://gw.example.test/in/snd_1/voice":                         "https://gw.example.test/in/snd_1/voice?turn=2",
		"https://gw.example.test/in/snd_1/voice?turn=1":                  "https://gw.example.test/in/snd_1/voice?turn=2",
		"https://gw.example.test/p/in/snd_1/voice?a=it's%20ok&turn=1&b=": "https://gw.example.test/p/in/snd_1/voice?a=it's%20ok&b=&turn=2",
		"https://user:pass@gw.example.test/in/snd_1/voice":               "https://user:pass@gw.example.test/in/snd_1/voice?turn=2",
	} {
		a := twilio.New(twilio.Options{}).Say(request(t, from, "CallSid=CA1", ""), nil, hookswitch.DialogueReply{Turn: 2})
		var got struct {
			Gather struct {
				Action string `xml:"action,attr"`
			}
		}
		if err := xml.Unmarshal(a.Body, &got); err != nil || got.Gather.Action != want {
			t.Errorf("%s: %q, %v; want %q", from, got.Gather.Action, err, want)
		}
	}
}
