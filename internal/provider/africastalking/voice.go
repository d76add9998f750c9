package africastalking

import (
	encxml "encoding/xml"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// turnParam is the parameter of our own addresses that counts the answers of a call.
const turnParam = "turn"

// The waits for keys to be pressed, and the key that ends the input.
const digitsSeconds, finishKey = 15, "#"

// call is a request about a call: while it is active it asks what to do next, and the last one tells how the call ended.
// https://developers.africastalking.com/docs/voice/handle_calls
func call(push *hookswitch.Push, f fields) (*hookswitch.Update, error) {
	id := f.get("sessionId")
	if id == "" {
		return nil, missing("sessionId")
	}
	// The caller is the person, whoever has called whom.
	person, ours := f.phone("callerNumber"), f.phone("destinationNumber")
	s := &hookswitch.DialogueStep{Session: id, From: person, To: ours, Direction: hookswitch.Inbound}
	if strings.EqualFold(f.get("direction"), "outbound") {
		s.From, s.To, s.Direction = ours, person, hookswitch.Outbound
	}
	m := facts{"provider": "africastalking", "callSid": id}
	m.text("to", s.To)
	for _, name := range []string{"callSessionState", "callerCountryCode", "callerCarrierName", "recordingUrl", "hangupCause"} {
		m.text(name, f.get(name))
	}
	s.Metadata = m
	u := &hookswitch.Update{Channel: hookswitch.Voice, Address: ours, At: f.time("callStartTime", push), Dialogue: s}
	if f.get("isActive") == "0" || f.get("isActive") == "" && f.has("durationInSeconds") {
		m.text("cost", strings.TrimSpace(f.get("currencyCode")+" "+f.get("amount")))
		s.End = &hookswitch.DialogueEnd{Status: callEnd(f), Duration: f.count("durationInSeconds", time.Second)}
		if s.End.Status != "completed" {
			s.End.ErrorText = f.get("hangupCause")
		}
		if !u.At.IsZero() {
			u.At = u.At.Add(s.End.Duration)
		}
		u.Dedup = "call-end:" + id
		return u, nil
	}
	s.Input = f.get("dtmfDigits")
	if push.URL != nil {
		s.Turn = max(atoi(push.URL.Query().Get(turnParam)), 0)
	}
	u.At = time.Time{} // of the call's beginning, not of this step
	u.Dedup = "call:" + id + ":" + strconv.Itoa(s.Turn) + ":" + s.Input
	return u, nil
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}

// count is the field as a number of units. It is zero where the field is no such number.
func (f fields) count(name string, unit time.Duration) time.Duration {
	n, err := strconv.ParseInt(f.get(name), 10, 64)
	if err != nil || n < 0 || n > int64(365*24*time.Hour/unit) {
		return 0
	}
	return time.Duration(n) * unit
}

// https://help.africastalking.com/en/articles/2948431-what-are-the-parameters-for-hang-up-cause
var hangupCauses = map[string]string{
	"NORMAL_CLEARING": "completed", "USER_BUSY": "busy", "CALL_REJECTED": "busy", "NO_ANSWER": "no-answer", "NO_USER_RESPONSE": "no-answer",
	"ORIGINATOR_CANCEL": "canceled", "LOSE_RACE": "canceled",
}

// callEnd is how a call ended, in the words that all providers share.
func callEnd(f fields) string {
	state := strings.ToLower(f.get("callSessionState"))
	switch cause := f.get("hangupCause"); {
	case strings.Contains(state, "completed"):
		return "completed"
	case hangupCauses[cause] != "":
		return hangupCauses[cause]
	case state == "notanswered":
		return "no-answer"
	case state == "aborted":
		return "canceled"
	case cause == "" && f.count("durationInSeconds", time.Second) > 0:
		return "completed"
	}
	return "failed"
}

// speak has words read to the caller and then waits for keys. Silence leads back to us as well, where the key that proves the request is in the address;
// otherwise it ends the call, and what is entered comes to the address that is registered.
func speak(push *hookswitch.Push, r hookswitch.DialogueReply) hookswitch.Answer {
	var b strings.Builder
	b.WriteString("<Response>")
	say := ""
	if text := strings.TrimSpace(r.Text); text != "" {
		say = "<Say>" + escape(text) + "</Say>"
	}
	switch next := nextURL(push, r.Turn); {
	case r.Dial != "":
		b.WriteString(say + `<Dial phoneNumbers="` + escape(r.Dial) + `"/>`)
	case r.End && say == "":
		b.WriteString("<Reject/>")
	case r.End:
		b.WriteString(say)
	case next == "":
		b.WriteString(`<GetDigits timeout="` + strconv.Itoa(digitsSeconds) + `" finishOnKey="` + finishKey + `">` + say + "</GetDigits>")
	default:
		b.WriteString(`<GetDigits timeout="` + strconv.Itoa(digitsSeconds) + `" finishOnKey="` + finishKey + `" callbackUrl="` + escape(next) + `">` + say + "</GetDigits>" +
			"<Redirect>" + escape(next) + "</Redirect>")
	}
	b.WriteString("</Response>")
	return xml(b.String())
}

// nextURL is where the next request of the call is to come: the address of this one, with the count of the answers. It is empty where this one was not
// proved by its address.
func nextURL(push *hookswitch.Push, turn int) string {
	if len(queryKeys(push.URL)) == 0 {
		return ""
	}
	next := url.URL{Scheme: push.URL.Scheme, Host: push.URL.Host, Path: push.URL.Path, RawPath: push.URL.RawPath}
	query := push.URL.Query()
	query.Set(turnParam, strconv.Itoa(turn))
	next.RawQuery = query.Encode()
	return next.String()
}

func escape(s string) string {
	var b strings.Builder
	_ = encxml.EscapeText(&b, []byte(s)) // a strings.Builder takes all
	return b.String()
}

func xml(body string) hookswitch.Answer {
	return hookswitch.Answer{Status: http.StatusOK, ContentType: "application/xml; charset=utf-8", Body: []byte(encxml.Header + body)}
}
