package simulate

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// AfricasTalking is an app at Africa's Talking with a short code, a service code and a number for calls. Its methods make the notifications that
// Africa's Talking would make for it. None of them is ever made a second time: what a door does not take is lost.
type AfricasTalking struct {
	Username string
	APIKey   hookswitch.Secret
	// CallbackKey is the key in the addresses that are registered for notifications. Africa's Talking proves nothing by itself.
	CallbackKey hookswitch.Secret
	ShortCode   string // of SMS: digits, a name, or a number
	ServiceCode string // of USSD sessions, such as *384*1234#
	Number      string // of calls, E.164 with "+"
	// SMSPath, USSDPath and VoicePath are where notifications go, without the key; empty: the published doors.
	SMSPath, USSDPath, VoicePath string
	// Now tells the time of what happens; nil: time.Now.
	Now func() time.Time
}

// DemoAfricasTalking is what is played when nobody names another. What its secrets prove is of no worth.
func DemoAfricasTalking() AfricasTalking {
	return AfricasTalking{Username: "sandbox", APIKey: "TEST-AT-API-KEY", CallbackKey: "at-cb-6b1d7c0f5e", ShortCode: "21512", ServiceCode: "*384*1234#", Number: "+254711082369"}
}

const (
	africasForm    = "application/x-www-form-urlencoded"
	africasNetwork = "63902" // the country and network of people
	// africasTime is how times are written: in no zone that is told.
	africasTime = "2006-01-02 15:04:05"
)

// SMS is a text message of a person, whose number is E.164 with "+".
func (a AfricasTalking) SMS(from, text string) Push { return a.PremiumSMS(from, text, "") }

// PremiumSMS is a message to a premium short code; an answer to it has to name its link.
func (a AfricasTalking) PremiumSMS(from, text, linkID string) Push {
	id := newUUID()
	p := a.push(cmp.Or(a.SMSPath, "/api/channels/sms"), url.Values{"linkId": {linkID}, "text": {text}, "to": {a.ShortCode}, "id": {id}, "date": {a.now().Format(africasTime)},
		"from": {from}, "networkCode": {africasNetwork}, "cost": {"None"}})
	p.IDs = []string{id}
	return p
}

// Report says what became of the message id to a person, in Africa's Talking's words: Sent, Submitted, Buffered, Success, Rejected, Failed, Expired or AbsentSubscriber.
// Reason is why it failed; empty: not told.
func (a AfricasTalking) Report(id, recipient, status, reason string) Push {
	form := url.Values{"id": {id}, "status": {status}, "phoneNumber": {recipient}, "networkCode": {africasNetwork}, "retryCount": {"0"}}
	if reason != "" {
		form.Set("failureReason", reason)
	}
	p := a.push(cmp.Or(a.SMSPath, "/api/channels/sms"), form)
	p.IDs = []string{id}
	return p
}

// OptOut tells that a person wants no more messages of the short code.
func (a AfricasTalking) OptOut(from string) Push {
	return a.push(cmp.Or(a.SMSPath, "/api/channels/sms"), url.Values{"senderId": {a.ShortCode}, "phoneNumber": {from}})
}

// Subscription tells that a person has joined the premium service of the keyword, or left it.
func (a AfricasTalking) Subscription(from, keyword string, joined bool) Push {
	kind := "deletion"
	if joined {
		kind = "addition"
	}
	return a.push(cmp.Or(a.SMSPath, "/api/channels/sms"), url.Values{"phoneNumber": {from}, "shortCode": {a.ShortCode}, "keyword": {keyword}, "updateType": {kind}})
}

// Forge is p as somebody would make it who does not know the key.
func (a AfricasTalking) Forge(p Push) Push {
	p.Path = strings.Replace(p.Path, url.QueryEscape(a.CallbackKey.Reveal()), "guessed", 1)
	return p
}

func (a AfricasTalking) push(path string, form url.Values) Push {
	return Push{Method: http.MethodPost, Path: path + "?apiKey=" + url.QueryEscape(a.CallbackKey.Reveal()), Body: []byte(form.Encode()), Header: http.Header{
		"Content-Type": {africasForm}, "User-Agent": {"okhttp/4.9.3"}}}
}

func (a AfricasTalking) now() time.Time {
	if a.Now == nil {
		return time.Now().UTC()
	}
	return a.Now().UTC()
}

// newAfricasID makes an id such as ATXid_… of a message, ATUid_… of a session, or ATVId_… of a call.
func newAfricasID(prefix string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return prefix + hex.EncodeToString(b[:])
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
