package twilio

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// turnParameter is the parameter of a Gather's action that counts our answers.
const turnParameter = "turn"

// callEnds are the words for a call that is over.
var callEnds = map[string]bool{"completed": true, "busy": true, "failed": true, "no-answer": true, "canceled": true}

// isCallReport tells word of how a call goes on from a request for what the caller is to hear: by its door, by a field that only such word has, or because the
// call is over.
func isCallReport(push *hookswitch.Push, f form) bool {
	if f.get("CallSid") == "" {
		return false
	}
	return strings.HasSuffix(strings.TrimSuffix(push.URL.Path, "/"), statusDoorPath) || f.has("CallbackSource") || callEnds[f.get("CallStatus")]
}

// callProgress are the words for where a call is that goes on. A call that is queued has not begun: others wait before it.
var callProgress = map[string]string{
	"initiated": "initiated", "ringing": "ringing", "answered": "in-progress", "in-progress": "in-progress",
}

// call reads a push about a call. ok is false for word that tells nothing.
// https://www.twilio.com/docs/voice/twiml#request-parameters
// https://www.twilio.com/docs/voice/api/call-resource#statuscallback
func call(push *hookswitch.Push, f form) (u hookswitch.Update, ok bool) {
	id, status := f.get("CallSid"), f.get("CallStatus")
	s := &hookswitch.DialogueStep{Session: id, Direction: hookswitch.Inbound, Metadata: stepMetadata(f)}
	s.From, s.To = shown(f.first("From", "Caller")), shown(f.first("To", "Called"))
	u = hookswitch.Update{Channel: hookswitch.Voice, Address: s.To, Dialogue: s}
	if direction := f.get("Direction"); strings.HasPrefix(direction, "outbound") {
		s.Direction, u.Address = hookswitch.Outbound, s.From
	}
	if isCallReport(push, f) {
		u.Dedup = "call:" + id + ":status:" + status
		u.At = callTime(f.get("Timestamp"))
		if callEnds[status] {
			s.End = callEnd(f, status)
			return u, true
		}
		s.Progress = callProgress[status]
		return u, s.Progress != ""
	}
	s.Input = f.first("SpeechResult", "Digits")
	u.Dedup = "call:" + id + ":turn:"
	if turn, ok := turnOf(push.URL, f); ok {
		s.Turn = turn
		u.Dedup += strconv.Itoa(turn)
		return u, true
	}
	u.Dedup += "0"
	if s.Input != "" { // heard by a Gather that is not ours
		sum := sha256.Sum256([]byte(s.Input))
		u.Dedup += ":" + hex.EncodeToString(sum[:16])
		return u, true
	}
	// A Gather that is not ours, or whose action has lost its query, has heard nothing. The first request of a call finds it ringing, also at the fallback address.
	s.Silent = f.has("SpeechResult") || f.has("Digits") || status == "in-progress" && !f.has("ErrorUrl")
	return u, true
}

// withheld are what stands in the place of a number that the caller does not show: words, and the same words as they are keyed in on a telephone.
var withheld = []string{
	"anonymous", "restricted", "unavailable", "unknown", "blocked", "+266696687", "+7378742833", "+86282452253", "+8656696", "+2562533",
}

// shown is a number, or "" for one that is withheld.
func shown(number string) string {
	if slices.Contains(withheld, strings.ToLower(number)) {
		return ""
	}
	return number
}

// turnOf is which of our answers a request follows. A request to the fallback address does not carry it: the address that failed does.
func turnOf(called *url.URL, f form) (int, bool) {
	turn := queryOf(called, turnParameter)
	if turn == "" {
		if failed, err := url.Parse(f.get("ErrorUrl")); err == nil {
			turn = queryOf(failed, turnParameter)
		}
	}
	n, err := strconv.Atoi(turn)
	return n, err == nil && n >= 0
}

func stepMetadata(f form) map[string]any {
	m := facts{"provider": "twilio"}
	m.text("callSid", f.get("CallSid"))
	m.text("to", f.first("To", "Called"))
	m.number("confidence", f.get("Confidence"))
	m.text("language", f.get("Language"))
	m.text("callerName", f.get("CallerName"))
	m.text("forwardedFrom", f.get("ForwardedFrom"))
	m.text("parentCallSid", f.get("ParentCallSid"))
	m.text("stirVerstat", f.get("StirVerstat"))
	m.text("dialCallStatus", f.get("DialCallStatus"))
	if f.get("SpeechResult") == "" {
		m.text("digits", f.get("Digits"))
	}
	return m
}

func callEnd(f form, status string) *hookswitch.DialogueEnd {
	end := &hookswitch.DialogueEnd{Status: status}
	if n, err := strconv.Atoi(f.get("CallDuration")); err == nil && n > 0 && n < 1e6 {
		end.Duration = time.Duration(n) * time.Second
	}
	if status != "completed" {
		end.ErrorText = bounded(f.first("ErrorMessage", "ErrorCode"))
		if code := f.get("SipResponseCode"); end.ErrorText == "" && code != "" {
			end.ErrorText = bounded("SIP response " + code)
		}
	}
	return end
}

// callTime reads a time in the form of RFC 2822. Anything else is the zero time.
func callTime(s string) time.Time {
	t, err := time.Parse(time.RFC1123Z, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
