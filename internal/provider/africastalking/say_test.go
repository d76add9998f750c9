package africastalking_test

import (
	"encoding/xml"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/africastalking"
)

const ussdDoor = "https://gw.example.test/api/channels/ussd?apiKey=" + key

// say is the body of the answer to a hop.
func say(t testing.TB, r hookswitch.DialogueReply) string {
	t.Helper()
	push := notification(t, ussdDoor, "sessionId=ATUid_1&phoneNumber=%2B254711082300&serviceCode=*384%23&text=")
	a := africastalking.New(africastalking.Options{}).Say(push, &hookswitch.DialogueStep{Session: "ATUid_1"}, r)
	if a.Status != 200 || !strings.HasPrefix(a.ContentType, "text/plain") {
		t.Errorf("answered %d %s", a.Status, a.ContentType)
	}
	return string(a.Body)
}

func TestSay_WritesPlainScreens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"1. Balance\n2. Airtime":          "1. Balance\n2. Airtime",
		"“It’s — fine…”":                  `"It's - fine..."`,
		"Amina Wanjirũ, Zoë & Ọbẹ́":       "Amina Wanjiru, Zoe & Obe",
		"Ɗan ƙasa · Ŋutɔ":                 "Dan kasa - Ngut" + "o",
		"Hello 👋🏾 there 🇰🇪!":              "Hello there !",
		"a\u00a0b\tc\r\nd\x00e":           "a b c\nde",
		"₦500 or €1 → pay":                "NGN500 or EUR1 -> pay",
		"ሰላም السلام":                      "ሰላም السلام",
		"ﬁne ½ ²":                         "fine 1/2 2",
		"✅ done":                          "done",
		"two  spaces stay, trailing go  ": "two  spaces stay, trailing go",
		"":                                "",
	} {
		if got := say(t, hookswitch.DialogueReply{Text: text}); got != "CON "+want {
			t.Errorf("%q: %q, want %q", text, got, "CON "+want)
		}
	}
	if got := say(t, hookswitch.DialogueReply{Text: "Bye", End: true}); got != "END Bye" {
		t.Errorf("the last screen: %q", got)
	}
}

func TestSay_KeepsTheLimitOfAScreen(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("abcdefghi ", 18) + "ab"
	for text, want := range map[string]string{
		full:                                full,
		full + "c":                          strings.TrimSpace(full[:180]),
		strings.Repeat("x", 183):            strings.Repeat("x", 182),
		strings.Repeat("…", 182):            strings.Repeat(".", 182), // one character each, where three would not fit
		strings.Repeat("a", 181) + "…":      strings.Repeat("a", 181) + ".",
		strings.Repeat("a\n", 91) + "b":     strings.Repeat("a\n", 90) + "a",
		strings.Repeat("ũ", 182):            strings.Repeat("u", 182),
		strings.Repeat("é", 100) + " words": strings.Repeat("e", 100) + " words",
	} {
		if got := say(t, hookswitch.DialogueReply{Text: text}); got != "CON "+want {
			t.Errorf("%q: %d characters %q, want %q", text, utf8.RuneCountInString(got)-4, got, want)
		}
	}
}

func FuzzSay(f *testing.F) {
	f.Add("1. Balance\n2. “Airtime”…", false)
	f.Add(strings.Repeat("ẹ́ ", 200), true)
	f.Fuzz(func(t *testing.T, text string, end bool) {
		body := say(t, hookswitch.DialogueReply{Text: text, End: end})
		prefix := "CON "
		if end {
			prefix = "END "
		}
		rest, ok := strings.CutPrefix(body, prefix)
		if n := utf8.RuneCountInString(rest); !ok || n > 182 || !utf8.ValidString(rest) || strings.ContainsAny(rest, "\x00\r\t‘’“”…") {
			t.Errorf("%q: %q, %d characters", text, body, n)
		}
		if ascii := strings.TrimRight(text, " \n"); len(ascii) <= 182 && !strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~' || r == '`') }) && rest != ascii {
			t.Errorf("plain text %q became %q", text, rest)
		}
	})
}

const (
	voiceDoor = "https://gw.example.test/api/v1/voice/inbound?apiKey=" + key
	ringing   = "isActive=1&sessionId=ATVId_1&direction=Inbound&callerNumber=%2B254711082300&destinationNumber=%2B254711082369&callSessionState=Ringing&callStartTime=2022-03-01+16%3A13%3A56"
)

func TestCall_LeadsFromRingingToTheEnd(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	first := notification(t, voiceDoor, ringing)
	u := only(t, first)
	s := u.Dialogue
	if s == nil || s.Session != "ATVId_1" || s.From != "+254711082300" || s.To != "+254711082369" || s.Input != "" || s.Turn != 0 || u.Channel != hookswitch.Voice || u.Address != s.To {
		t.Fatalf("got %+v of %+v", s, u)
	}
	a := p.Say(first, s, hookswitch.DialogueReply{Text: `Press 1 for <"B&B">`, Turn: 1})
	var said struct {
		Digits struct {
			Callback string `xml:"callbackUrl,attr"`
			Finish   string `xml:"finishOnKey,attr"`
			Say      string
		} `xml:"GetDigits"`
		Redirect string
	}
	if err := xml.Unmarshal(a.Body, &said); err != nil || !strings.HasPrefix(a.ContentType, "application/xml") {
		t.Fatalf("%s %s: %v", a.ContentType, a.Body, err)
	}
	if said.Digits.Say != `Press 1 for <"B&B">` || said.Digits.Finish != "#" || said.Redirect != said.Digits.Callback {
		t.Errorf("said %+v", said)
	}

	// What the caller enters comes back with the count of the answers, and the same key.
	pressed := notification(t, said.Digits.Callback, ringing+"&dtmfDigits=42")
	if err := p.Verify(pressed, hookswitch.Credentials{"callback_key": {key}}); err != nil {
		t.Error(err)
	}
	next := only(t, pressed)
	if next.Dialogue.Turn != 1 || next.Dialogue.Input != "42" || next.Dedup == u.Dedup {
		t.Errorf("after the keys: %+v", next.Dialogue)
	}
	silent := only(t, notification(t, said.Redirect, ringing))
	if silent.Dialogue.Turn != 1 || silent.Dialogue.Input != "" || silent.Dedup == next.Dedup || silent.Dedup == u.Dedup {
		t.Errorf("after silence: %+v", silent.Dialogue)
	}
	third := p.Say(pressed, next.Dialogue, hookswitch.DialogueReply{Text: "Again", Turn: 2})
	if !strings.Contains(string(third.Body), "turn=2") || strings.Contains(string(third.Body), "turn=1") {
		t.Errorf("the next address: %s", third.Body)
	}

	over := only(t, notification(t, voiceDoor, strings.Replace(ringing, "isActive=1", "isActive=0", 1)+"&durationInSeconds=47&currencyCode=KES&amount=2.35&hangupCause=NORMAL_CLEARING"))
	e := over.Dialogue.End
	if e == nil || e.Status != "completed" || e.Duration != 47*time.Second || over.Dialogue.Metadata["cost"] != "KES 2.35" {
		t.Errorf("the end: %+v", over.Dialogue)
	}
	if want := time.Date(2022, 3, 1, 16, 14, 43, 0, time.UTC); !over.At.Equal(want) {
		t.Errorf("ended %s, want %s", over.At, want)
	}
}

func TestCall_EndsAndConnects(t *testing.T) {
	t.Parallel()
	p := africastalking.New(africastalking.Options{})
	push := notification(t, voiceDoor, ringing)
	for want, r := range map[string]hookswitch.DialogueReply{
		"<Response><Say>Bye</Say></Response>":                                                  {Text: "Bye", End: true},
		"<Response><Reject/></Response>":                                                       {End: true},
		`<Response><Say>Wait</Say><Dial phoneNumbers="+254700000001"/></Response>`:             {Text: "Wait", Dial: "+254700000001"},
		`<Response><Say>Wait</Say><Dial phoneNumbers="&#34;/&gt;&lt;Reject/&gt;"/></Response>`: {Text: "Wait", Dial: `"/><Reject/>`, End: true},
	} {
		if got := string(p.Say(push, &hookswitch.DialogueStep{}, r).Body); !strings.HasSuffix(got, want) {
			t.Errorf("%+v: %s, want %s", r, got, want)
		}
	}
	// A key in a header would be missing where the provider calls by itself.
	push.URL = &url.URL{Scheme: "https", Host: "gw.example.test", Path: "/api/v1/voice/inbound"}
	if got := string(p.Say(push, &hookswitch.DialogueStep{}, hookswitch.DialogueReply{Text: "1?", Turn: 1}).Body); strings.Contains(got, "http") || !strings.Contains(got, "<Say>1?</Say></GetDigits></Response>") {
		t.Errorf("without a key in the address: %s", got)
	}
}

func TestCall_SaysHowItEnded(t *testing.T) {
	t.Parallel()
	for rest, want := range map[string]string{
		"callSessionState=Completed":                             "completed",
		"callSessionState=Completed&hangupCause=NO_ANSWER":       "completed",
		"callSessionState=NotAnswered&hangupCause=USER_BUSY":     "busy",
		"callSessionState=NotAnswered":                           "no-answer",
		"callSessionState=Aborted&hangupCause=ORIGINATOR_CANCEL": "canceled",
		"callSessionState=Failed&hangupCause=UNSPECIFIED":        "failed",
		"durationInSeconds=5":                                    "completed",
		"durationInSeconds=0":                                    "failed",
	} {
		body := "isActive=0&sessionId=ATVId_1&direction=Outbound&callerNumber=%2B254705336634&destinationNumber=%2B254711082369&callStartTime=None&" + rest
		u := only(t, notification(t, voiceDoor, body))
		s := u.Dialogue
		if s.End == nil || s.End.Status != want || (s.End.ErrorText != "") != (want != "completed" && strings.Contains(rest, "hangupCause")) {
			t.Errorf("%s: %+v, want %s", rest, s.End, want)
		}
		if s.Direction != hookswitch.Outbound || s.To != "+254705336634" || s.From != "+254711082369" || u.Address != s.From || u.Dedup != "call-end:ATVId_1" {
			t.Errorf("a call that was made: %+v", s)
		}
	}
}
