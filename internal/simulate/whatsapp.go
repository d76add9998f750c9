package simulate

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// WhatsApp is one business number of the WhatsApp Cloud API. Its methods make the pushes that Meta would make for it.
type WhatsApp struct {
	AppSecret     hookswitch.Secret
	VerifyToken   hookswitch.Secret
	PhoneNumberID string
	WABAID        string
	DisplayPhone  string
	// Path is where pushes go; empty: /api/channels/whatsapp.
	Path string
	// Now tells the time of messages; nil: time.Now.
	Now func() time.Time
}

// The number that is played when nobody names another: the one of the demo, so that it can be written to. What its secrets prove is of no worth.
const (
	DemoPhone         = "+15550783881"
	DemoPhoneNumberID = "106540352242922"
	DemoWABAID        = "102290129340398"
	DemoAppSecret     = "0123456789abcdef0123456789abcdef"
	DemoVerifyToken   = "meatyhamhock-42"
	DemoAccessToken   = "TEST-META-TOKEN"
)

// Demo is the demo number.
func Demo() WhatsApp {
	return WhatsApp{AppSecret: DemoAppSecret, VerifyToken: DemoVerifyToken, PhoneNumberID: DemoPhoneNumberID, WABAID: DemoWABAID, DisplayPhone: DemoPhone}
}

const (
	metaUserAgent     = "facebookexternalua"
	handshakeAgent    = "facebookplatform/1.0 (+http://developers.facebook.com)"
	signatureHeader   = "X-Hub-Signature-256"
	defaultPath       = "/api/channels/whatsapp"
	wabaObject        = "whatsapp_business_account"
	errorCodesPage    = "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/"
	mediaPage         = "https://lookaside.fbsbx.com/whatsapp_business/attachments/"
	unsupportedCode   = 131051
	conversationHours = 24
)

// Handshake is the request by which Meta asks a door to prove that it knows the verify token: a right answer is 200 with challenge as
// its body.
func (w WhatsApp) Handshake(challenge string) Push {
	q := "?hub.mode=subscribe&hub.challenge=" + url.QueryEscape(challenge) + "&hub.verify_token=" + url.QueryEscape(w.VerifyToken.Reveal())
	return Push{Method: http.MethodGet, Path: w.path() + q, Header: http.Header{"User-Agent": {handshakeAgent}}}
}

// Text is a text message. In all of these methods from is a phone number, with or without "+", and name the person's profile name.
func (w WhatsApp) Text(from, name, text string) Push {
	m := w.message(from, "text")
	m.Text = &textContent{Body: text}
	return w.received(from, name, m)
}

// Image is a picture, with a caption or without.
func (w WhatsApp) Image(from, name, caption string) Push {
	m := w.message(from, "image")
	id := strconv.FormatInt(1e15+int64(randomUint64()%9e15), 10)
	sum := sha256.Sum256([]byte(id))
	m.Image = &mediaContent{Caption: caption, MIMEType: "image/jpeg", SHA256: base64.StdEncoding.EncodeToString(sum[:]), ID: id,
		URL: mediaPage + "?mid=" + id + "&ext=" + strconv.FormatInt(w.now().Add(5*time.Minute).Unix(), 10) + "&hash=" + hex.EncodeToString(sum[:8])}
	return w.received(from, name, m)
}

// ButtonReply is the press of a reply button of the message that the business sent as wamid.
func (w WhatsApp) ButtonReply(from, name, wamid, id, title string) Push {
	m := w.message(from, "interactive")
	m.Context = &messageContext{From: digits(w.DisplayPhone), ID: wamid}
	m.Interactive = &interactiveContent{Type: "button_reply", ButtonReply: &buttonReply{ID: id, Title: title}}
	return w.received(from, name, m)
}

// Reaction is an emoji put to the message wamid; an empty emoji takes it back.
func (w WhatsApp) Reaction(from, name, wamid, emoji string) Push {
	m := w.message(from, "reaction")
	m.Reaction = &reactionContent{MessageID: wamid, Emoji: emoji}
	return w.received(from, name, m)
}

// Place is a location that a person shares.
type Place struct {
	Latitude, Longitude float64
	Name, Address       string
}

// Location is a shared place.
func (w WhatsApp) Location(from, name string, place Place) Push {
	m := w.message(from, "location")
	m.Location = &locationContent{Address: place.Address, Latitude: place.Latitude, Longitude: place.Longitude, Name: place.Name}
	return w.received(from, name, m)
}

// Card is a contact that a person shares.
type Card struct{ Name, Phone string }

// Contacts is a message of shared contacts.
func (w WhatsApp) Contacts(from, name string, cards ...Card) Push {
	m := w.message(from, "contacts")
	for _, c := range cards {
		first, last, _ := strings.Cut(c.Name, " ")
		m.Contacts = append(m.Contacts, cardContent{
			Name:   cardName{FirstName: first, LastName: last, FormattedName: c.Name},
			Phones: []cardPhone{{Phone: "+" + digits(c.Phone), WaID: digits(c.Phone), Type: "CELL"}},
		})
	}
	return w.received(from, name, m)
}

// Unsupported is a message that WhatsApp does not pass on to businesses, such as a poll.
func (w WhatsApp) Unsupported(from, name string) Push {
	m := w.message(from, "unsupported")
	m.Errors = []statusError{newStatusError(StatusError{Code: unsupportedCode, Title: "Message type unknown", Details: "Message type is currently not supported."})}
	m.Unsupported = &unsupportedContent{Type: "poll_creation"}
	return w.received(from, name, m)
}

// Edit is word that the person has edited the text message wamid.
func (w WhatsApp) Edit(from, name, wamid, text string) Push {
	m := w.message(from, "edit")
	m.Edit = &editContent{OriginalID: wamid, Message: message{Type: "text", Text: &textContent{Body: text}}}
	return w.received(from, name, m)
}

// Revoke is word that the person has deleted the message wamid.
func (w WhatsApp) Revoke(from, name, wamid string) Push {
	m := w.message(from, "revoke")
	m.Revoke = &revokeContent{OriginalID: wamid}
	return w.received(from, name, m)
}

// StatusError says why a message failed. Title and Details of well-known codes need not be given.
type StatusError struct {
	Code    int
	Title   string
	Details string
}

// Status reports on the message wamid that the business sent to recipient. ref comes back as biz_opaque_callback_data; empty: the send
// carried none.
func (w WhatsApp) Status(wamid string, status hookswitch.MessageStatus, recipient, ref string, errs ...StatusError) Push {
	s := statusReport{ID: wamid, Status: string(status), Timestamp: w.timestamp(), Ref: ref}
	if isUserID(recipient) {
		s.RecipientUserID = recipient
	} else {
		s.RecipientID = digits(recipient)
	}
	if status != hookswitch.StatusFailed {
		s.Conversation = &conversation{ID: hex.EncodeToString(sum16(recipient)), Origin: origin{Type: "service"}}
		if status == hookswitch.StatusSent {
			s.Conversation.Expires = strconv.FormatInt(w.now().Add(conversationHours*time.Hour).Unix(), 10)
		}
		s.Pricing = &pricing{Billable: true, Model: "PMP", Type: "regular", Category: "service"}
	}
	for _, e := range errs {
		s.Errors = append(s.Errors, newStatusError(e))
	}
	return w.push([]change{{Field: "messages", Value: value{Product: "whatsapp", Metadata: w.metadata(), Statuses: []statusReport{s}}}})
}

// reports makes the pushes that tell of s.
func (w WhatsApp) reports(s Sent) reporter {
	return reporter{
		statuses: []hookswitch.MessageStatus{hookswitch.StatusSent, hookswitch.StatusDelivered, hookswitch.StatusRead, hookswitch.StatusFailed},
		push: func(status hookswitch.MessageStatus, code int) Push {
			if status == hookswitch.StatusFailed {
				return w.Status(s.ID, status, s.To, s.Ref, StatusError{Code: code})
			}
			return w.Status(s.ID, status, s.To, s.Ref)
		},
	}
}

// Batch is everything the given pushes tell in one push: the messages in one change, the statuses in another, as Meta does when it has
// fallen behind. Handshakes tell nothing.
func (w WhatsApp) Batch(pushes ...Push) Push {
	messages := change{Field: "messages", Value: value{Product: "whatsapp", Metadata: w.metadata()}}
	statuses := messages
	known := map[string]bool{}
	for _, p := range pushes {
		for _, c := range p.changes {
			for _, person := range c.Value.Contacts {
				if !known[person.WaID] {
					known[person.WaID] = true
					messages.Value.Contacts = append(messages.Value.Contacts, person)
				}
			}
			messages.Value.Messages = append(messages.Value.Messages, c.Value.Messages...)
			statuses.Value.Statuses = append(statuses.Value.Statuses, c.Value.Statuses...)
		}
	}
	changes := []change{}
	if len(messages.Value.Messages) > 0 {
		changes = append(changes, messages)
	}
	if len(statuses.Value.Statuses) > 0 {
		changes = append(changes, statuses)
	}
	return w.push(changes)
}

// Forge is p with a signature made under another secret: a genuine-looking push of a stranger.
func (w WhatsApp) Forge(p Push) Push {
	p.Header = p.Header.Clone()
	p.Header.Set(signatureHeader, metaSignature(w.AppSecret.Reveal()+"?", p.Body))
	return p
}

func (w WhatsApp) received(from, name string, m message) Push {
	person := contact{WaID: digits(from)}
	person.Profile.Name = name
	return w.push([]change{{Field: "messages", Value: value{Product: "whatsapp", Metadata: w.metadata(), Contacts: []contact{person}, Messages: []message{m}}}})
}

func (w WhatsApp) push(changes []change) Push {
	body := metaJSON(envelope{Object: wabaObject, Entry: []entry{{ID: w.WABAID, Changes: changes}}})
	p := Push{Method: http.MethodPost, Path: w.path(), Body: body, changes: changes, Header: http.Header{
		"Content-Type":  {"application/json"},
		"User-Agent":    {metaUserAgent},
		signatureHeader: {metaSignature(w.AppSecret.Reveal(), body)},
	}}
	for _, c := range changes {
		for _, m := range c.Value.Messages {
			p.IDs = append(p.IDs, m.ID)
		}
		for _, s := range c.Value.Statuses {
			p.IDs = append(p.IDs, s.ID)
		}
	}
	return p
}

func (w WhatsApp) message(from, kind string) message {
	return message{From: digits(from), ID: newWAMID(from, inbound), Timestamp: w.timestamp(), Type: kind}
}

func (w WhatsApp) metadata() metadata {
	return metadata{DisplayPhone: digits(w.DisplayPhone), PhoneNumberID: w.PhoneNumberID}
}

func (w WhatsApp) path() string { return cmp.Or(w.Path, defaultPath) }

func (w WhatsApp) now() time.Time {
	if w.Now == nil {
		return time.Now()
	}
	return w.Now()
}

func (w WhatsApp) timestamp() string { return strconv.FormatInt(w.now().Unix(), 10) }

func metaSignature(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// The byte of a wamid that tells the direction.
const (
	outbound = 0x11
	inbound  = 0x12
)

// newWAMID makes the id of a message to or from a phone: a few bytes of framing, the number, and 80 random bits in hex, in base64.
func newWAMID(phone string, direction byte) string {
	phone = digits(phone)
	if len(phone) > 255 {
		phone = phone[:255]
	}
	var random [10]byte
	_, _ = rand.Read(random[:])
	raw := append([]byte{0x1c, 0x18, byte(len(phone))}, phone...)
	raw = append(raw, 0x15, 0x02, 0x00, direction, 0x18, 2*byte(len(random)))
	raw = append(raw, strings.ToUpper(hex.EncodeToString(random[:]))...)
	return "wamid." + base64.StdEncoding.EncodeToString(append(raw, 0))
}

func randomUint64() (n uint64) {
	var b [8]byte
	_, _ = rand.Read(b[:])
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n
}

// sum16 is a stable stand-in for a conversation's id.
func sum16(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:16]
}

// digits is a phone number as Meta writes it: without "+" and what people put between.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phone)
}

// isUserID tells a business-scoped user id, such as US.13491208655302741918, from a phone number.
func isUserID(s string) bool {
	return len(s) > 3 && s[2] == '.' && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
