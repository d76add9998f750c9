package simulate

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Twilio is one number of a Twilio account, which can be texted, written to in WhatsApp and called. Its methods make the pushes that Twilio would make for it.
type Twilio struct {
	AccountSID string
	AuthToken  hookswitch.Secret
	Number     string // E.164 with "+"
	// PublicURL is the gateway's as Twilio knows it: its signatures cover the whole of an address. What is sent may go elsewhere.
	PublicURL string
	// MessagePath, CallPath and CallStatusPath are where pushes go; empty: the published doors.
	MessagePath    string
	CallPath       string
	CallStatusPath string
	// FallbackPath is where a push goes once that its door has not taken; empty: nowhere.
	FallbackPath string
	// Now tells the time of reports about calls; nil: time.Now.
	Now func() time.Time
}

// What is played when nobody names another. What its secrets prove is of no worth.
const (
	DemoTwilioAccountSID = "AC0000000000000000000000000000beef"
	DemoTwilioAuthToken  = "test-twilio-auth-token-00000001"
	DemoTwilioNumber     = "+12028831111"
)

// DemoTwilio is the demo number of the gateway at publicURL.
func DemoTwilio(publicURL string) Twilio {
	return Twilio{AccountSID: DemoTwilioAccountSID, AuthToken: DemoTwilioAuthToken, Number: DemoTwilioNumber, PublicURL: publicURL}
}

const (
	twilioAgent           = "TwilioProxy/1.1"
	twilioForm            = "application/x-www-form-urlencoded; charset=UTF-8"
	twilioSignatureHeader = "X-Twilio-Signature"
	twilioVersion         = "2010-04-01"
	twilioTime            = 15 * time.Second // for one answer
)

// twilioField is one parameter of a push. Twilio sends them in no order that means anything.
type twilioField struct{ name, value string }

// SMS is a text message. In all of these methods from is a phone number in E.164 form.
func (t Twilio) SMS(from, text string) Push {
	return t.message("SM", from, t.Number, twilioField{"Body", text}, twilioField{"NumMedia", "0"})
}

// File is a file that a person sends: where it is, and its MIME type.
type File struct{ URL, MIMEType string }

// MMS is a message with files, and with a text or without.
func (t Twilio) MMS(from, text string, files ...File) Push {
	return t.message("MM", from, t.Number, append(fileFields(files), twilioField{"Body", text})...)
}

func fileFields(files []File) []twilioField {
	fields := []twilioField{{"NumMedia", strconv.Itoa(len(files))}}
	for i, f := range files {
		n := strconv.Itoa(i)
		fields = append(fields, twilioField{"MediaContentType" + n, f.MIMEType}, twilioField{"MediaUrl" + n, f.URL})
	}
	return fields
}

// File is where Twilio keeps a file of the account that a person has sent.
func (t Twilio) File(mimeType string) File {
	return File{URL: "https://api.twilio.com/" + twilioVersion + "/Accounts/" + t.AccountSID + "/Messages/" + newSID("MM") + "/Media/" + newSID("ME"), MIMEType: mimeType}
}

// OptOut is the word by which a person asks for no more messages, STOP, wants them again, START, or asks for HELP. Twilio answers it itself.
func (t Twilio) OptOut(from, word string) Push {
	return t.message("SM", from, t.Number, twilioField{"Body", word}, twilioField{"NumMedia", "0"}, twilioField{"OptOutType", strings.ToUpper(word)})
}

// WhatsAppText is a text in WhatsApp. In this method and those that follow name is the person's profile name.
func (t Twilio) WhatsAppText(from, name, text string) Push {
	return t.whatsApp(from, name, "text", twilioField{"Body", text}, twilioField{"NumMedia", "0"})
}

// WhatsAppFile is a file in WhatsApp, of the kind image, video, audio, document, sticker or contacts.
func (t Twilio) WhatsAppFile(from, name, kind, caption string, f File) Push {
	return t.whatsApp(from, name, kind, append(fileFields([]File{f}), twilioField{"Body", caption})...)
}

// WhatsAppButton is the press of a button of the message that was sent as sid.
func (t Twilio) WhatsAppButton(from, name, sid, payload, title string) Push {
	return t.whatsApp(from, name, "button", twilioField{"Body", title}, twilioField{"ButtonText", title}, twilioField{"ButtonPayload", payload},
		twilioField{"OriginalRepliedMessageSid", sid}, twilioField{"OriginalRepliedMessageSender", "whatsapp:" + t.Number}, twilioField{"NumMedia", "0"})
}

// WhatsAppLocation is a shared place.
func (t Twilio) WhatsAppLocation(from, name string, place Place) Push {
	coordinate := func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
	return t.whatsApp(from, name, "location", twilioField{"Latitude", coordinate(place.Latitude)}, twilioField{"Longitude", coordinate(place.Longitude)},
		twilioField{"Label", place.Name}, twilioField{"Address", place.Address}, twilioField{"Body", ""}, twilioField{"NumMedia", "0"})
}

func (t Twilio) whatsApp(from, name, kind string, fields ...twilioField) Push {
	fields = append(fields, twilioField{"ProfileName", name}, twilioField{"WaId", digits(from)}, twilioField{"MessageType", kind}, twilioField{"ReferralNumMedia", "0"})
	return t.message("SM", "whatsapp:"+from, "whatsapp:"+t.Number, fields...)
}

func (t Twilio) message(kind, from, to string, fields ...twilioField) Push {
	sid := newSID(kind)
	fields = append(fields, twilioField{"SmsMessageSid", sid}, twilioField{"SmsSid", sid}, twilioField{"MessageSid", sid}, twilioField{"SmsStatus", "received"},
		twilioField{"NumSegments", "1"}, twilioField{"To", to}, twilioField{"From", from})
	p := t.push(cmp.Or(t.MessagePath, "/api/channels/sms"), fields)
	p.IDs = []string{sid}
	return p
}

// Status reports that the message sid to the recipient, in E.164 form with "whatsapp:" in front where that is the channel, has reached the status, in Twilio's
// words: queued, sending, sent, delivered, read, undelivered, failed or canceled. Code says why it failed; 0: it has not. Path is that of the address for
// reports, with its query; empty: the door for messages.
func (t Twilio) Status(path, sid, recipient, status string, code int) Push {
	from := t.Number
	if prefix, _, ok := strings.Cut(recipient, ":"); ok {
		from = prefix + ":" + from
	}
	fields := []twilioField{{"SmsSid", sid}, {"SmsStatus", status}, {"MessageStatus", status}, {"To", recipient}, {"MessageSid", sid}, {"From", from}}
	if code != 0 {
		fields = append(fields, twilioField{"ErrorCode", strconv.Itoa(code)})
	}
	if status == "delivered" || status == "undelivered" {
		fields = append(fields, twilioField{"RawDlrDoneDate", t.now().UTC().Format("0601021504")})
	}
	p := t.push(cmp.Or(path, t.MessagePath, "/api/channels/sms"), fields)
	p.IDs = []string{sid}
	return p
}

// Forge is p with a signature made under another token: a genuine-looking push of a stranger.
func (t Twilio) Forge(p Push) Push {
	p.Header = p.Header.Clone()
	p.Header.Set(twilioSignatureHeader, twilioSignature(t.AuthToken.Reveal()+"?", t.PublicURL+p.Path, readFields(p.Body)))
	return p
}

// push is a form for the path, signed.
func (t Twilio) push(path string, fields []twilioField) Push {
	fields = append(fields, twilioField{"AccountSid", t.AccountSID}, twilioField{"ApiVersion", twilioVersion})
	var body strings.Builder
	for i, f := range fields {
		if i > 0 {
			body.WriteByte('&')
		}
		body.WriteString(url.QueryEscape(f.name) + "=" + url.QueryEscape(f.value))
	}
	return Push{Method: http.MethodPost, Path: path, Body: []byte(body.String()), Header: http.Header{
		"Content-Type":               {twilioForm},
		"User-Agent":                 {twilioAgent},
		"Accept":                     {"*/*"},
		"I-Twilio-Idempotency-Token": {newSID("")},
		twilioSignatureHeader:        {twilioSignature(t.AuthToken.Reveal(), strings.TrimSuffix(t.PublicURL, "/")+path, fields)},
	}}
}

// readFields is a body of push's making as its parameters.
func readFields(body []byte) []twilioField {
	var fields []twilioField
	for part := range strings.SplitSeq(string(body), "&") {
		name, value, _ := strings.Cut(part, "=")
		name, _ = url.QueryUnescape(name)
		value, _ = url.QueryUnescape(value)
		fields = append(fields, twilioField{name, value})
	}
	return fields
}

// twilioSignature is made from the address and all parameters, by name.
// https://www.twilio.com/docs/usage/security#validating-requests
func twilioSignature(token, address string, fields []twilioField) string {
	sorted := slices.SortedFunc(slices.Values(fields), func(a, b twilioField) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	mac := hmac.New(sha1.New, []byte(token))
	mac.Write([]byte(address))
	for _, f := range slices.Compact(sorted) {
		mac.Write([]byte(f.name + f.value))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (t Twilio) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// newSID makes an id: two letters for its kind and 32 hexadecimal digits.
func newSID(kind string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return kind + hex.EncodeToString(b[:])
}

// The codes that Twilio tells a fallback address.
// https://www.twilio.com/docs/api/errors
const (
	twilioNoAnswer  = "11205" // no connection, or no answer in time
	twilioBadAnswer = "11200" // not 2xx
)

// Deliver sends p to the server at baseURL as Twilio does: where no connection can be made it tries once more, and what is not taken within 15 seconds goes to
// the fallback address, once, with what was wrong. Otherwise nothing is repeated. The answer is the last one.
// https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides
func (t Twilio) Deliver(ctx context.Context, client *http.Client, baseURL string, p Push) (Result, error) {
	res, err := postTwilio(ctx, client, baseURL, p, twilioDefaults)
	if t.FallbackPath == "" || err == nil && res.Status/100 == 2 || ctx.Err() != nil {
		return res, err
	}
	code := twilioBadAnswer
	if err != nil {
		code = twilioNoAnswer
	}
	fields := append(readFields(p.Body), twilioField{"ErrorCode", code}, twilioField{"ErrorUrl", strings.TrimSuffix(t.PublicURL, "/") + p.Path})
	fields = slices.DeleteFunc(fields, func(f twilioField) bool { return f.name == "AccountSid" || f.name == "ApiVersion" }) // push adds them
	again := t.push(t.FallbackPath, fields)
	again.IDs = p.IDs
	return postTwilio(ctx, client, baseURL, again, twilioDefaults)
}

// twilioRetries is how often Twilio calls an address again, and after what: "ct" no connection, "rt" no answer, "4xx", "5xx".
type twilioRetries struct {
	count int
	after []string
}

var twilioDefaults = twilioRetries{count: 1, after: []string{"ct"}}

// readRetries reads the part of an address that tells Twilio to deviate from the defaults.
func readRetries(fragment string) twilioRetries {
	r := twilioRetries{count: twilioDefaults.count, after: slices.Clone(twilioDefaults.after)}
	values, err := url.ParseQuery(fragment)
	if err != nil {
		return r
	}
	if n, err := strconv.Atoi(values.Get("rc")); err == nil && 0 <= n && n <= 5 {
		r.count = n
	}
	if policy := values.Get("rp"); policy != "" {
		r.after = strings.Split(policy, ",")
	}
	return r
}

// again is a repeats. Twilio does not wait.
func (r twilioRetries) again(tries int, res Result, err error) (time.Duration, bool) {
	return 0, tries < r.count && r.apply(res, err)
}

func (r twilioRetries) apply(res Result, err error) bool {
	var dial *net.OpError
	word := ""
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		word = "ct"
	case err != nil:
		word = "rt"
	case res.Status/100 == 4 || res.Status/100 == 5:
		word = strconv.Itoa(res.Status/100) + "xx"
	default:
		return false
	}
	return slices.Contains(r.after, word) || slices.Contains(r.after, "all")
}

// postTwilio sends p, and again as r says.
func postTwilio(ctx context.Context, client *http.Client, baseURL string, p Push, r twilioRetries) (res Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, twilioTime, fmt.Errorf("twilio waits %s for an answer", twilioTime))
	defer cancel()
	for tries := 0; ; tries++ {
		res, err = p.Post(ctx, client, baseURL)
		if _, again := r.again(tries, res, err); !again || ctx.Err() != nil {
			return res, err
		}
	}
}
