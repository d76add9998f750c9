package email

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"mime"
	"path"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// letter is a mail to send, before a service's form is given to it.
type letter struct {
	id      string // the Message-ID, made of ref
	ref     string // our id of the message
	route   string // the address of the route, for reports
	from    address
	to      string
	replyTo string
	subject string
	text    string
	html    string
	headers []headerField

	attachments []file
}

// file is an attachment of a mail to send, in the names of the Zavu-shaped API: with its content in base64, or with the URL that it is at.
type file struct {
	Filename    string `json:"filename"`
	Content     string `json:"content"`
	Path        string `json:"path"`
	ContentType string `json:"content_type"`
	ContentID   string `json:"content_id"`
}

// content is what the caller's message carries beside its text.
type content struct {
	Subject     string `json:"subject"`
	HTMLBody    string `json:"htmlBody"`
	ReplyTo     string `json:"replyTo"`
	Attachments []file `json:"attachments"`

	MediaURL string `json:"mediaUrl"`
	MIMEType string `json:"mimeType"`
	Filename string `json:"filename"`

	Latitude        json.Number `json:"latitude"`
	Longitude       json.Number `json:"longitude"`
	LocationName    string      `json:"locationName"`
	LocationAddress string      `json:"locationAddress"`

	Contacts []struct {
		Name   string   `json:"name"`
		Phones []string `json:"phones"`
	} `json:"contacts"`

	FooterText     string `json:"footerText"`
	CTAURL         string `json:"ctaUrl"`
	CTADisplayText string `json:"ctaDisplayText"`
}

// answered is what is used of the received mail that this one answers.
type answered struct {
	Subject           string `json:"subject"`
	InternetMessageID string `json:"internetMessageId"`
	References        string `json:"references"`
	ReplyTo           string `json:"replyTo"`
}

// metadata is what services give back with reports. Postmark takes no value of more than 80 characters.
func (l *letter) metadata() map[string]string {
	m := map[string]string{}
	for name, value := range map[string]string{metaMessage: l.ref, metaAddress: l.route} {
		if value != "" && len(value) <= 80 {
			m[name] = value
		}
	}
	return m
}

// String is the address as a header has it, with the name in quotes.
func (a address) String() string {
	if a.name == "" {
		return a.addr
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.name) + `" <` + a.addr + `>`
}

// compose makes the mail that says what out does. links reports that the service fetches files from URLs; otherwise the text names them.
func compose(out *hookswitch.Outgoing, links bool) (*letter, *hookswitch.SendError) {
	m, c := out.Message, out.Route.Credentials
	var in content
	if len(m.Content) > 0 {
		if err := json.Unmarshal(m.Content, &in); err != nil {
			return nil, &hookswitch.SendError{Code: codeInvalid, Category: categoryPermanent, Message: "the content of the message has an unexpected form", Err: err}
		}
	}
	l := &letter{ref: out.Ref, route: routeAddress(c), text: m.Text, html: in.HTMLBody}
	l.from = parseAddress(cmp.Or(c.First(credAddress), m.From))
	l.from.name = cmp.Or(line(out.FromName), line(c.First(credFromName)), l.from.name)
	if l.from.addr == "" {
		return nil, lacks(credAddress)
	}
	_, domain, _ := cutLast(l.from.addr, "@")
	l.id = "<" + out.Ref + "@" + strings.ToLower(domain) + ">"

	l.to = parseAddress(m.To).addr
	if l.to == "" || l.to != strings.TrimSpace(m.To) {
		return nil, refusal(codeBadRecipient, categoryRecipient, "the recipient is not an email address")
	}
	if in.ReplyTo != "" {
		if l.replyTo = parseAddress(in.ReplyTo).addr; l.replyTo == "" {
			return nil, invalid("replyTo is not an email address")
		}
	}
	if fail := l.say(m, &in, links); fail != nil {
		return nil, fail
	}
	l.thread(out, &in)
	if strings.TrimSpace(l.text) == "" && l.html == "" {
		return nil, invalid("a mail needs a text or an htmlBody")
	}
	if strings.TrimSpace(l.text) == "" {
		l.text = htmlText(l.html)
	}
	return l, nil
}

// say puts into words what the type of the message is.
func (l *letter) say(m *hookswitch.Message, c *content, links bool) *hookswitch.SendError {
	files := c.Attachments
	switch m.Type {
	case "", "text", "template": // a template is sent as the text that was made of it
	case "image", "video", "audio", "document":
		if c.MediaURL == "" {
			return invalid("a message of type " + m.Type + " needs mediaUrl")
		}
		files = append(files, file{Filename: c.Filename, Path: c.MediaURL, ContentType: c.MIMEType})
	case "location":
		if c.Latitude == "" || c.Longitude == "" {
			return invalid("a location needs latitude and longitude")
		}
		at := string(c.Latitude) + "," + string(c.Longitude)
		l.paragraph(c.LocationName, c.LocationAddress, at, "geo:"+at)
	case "contact":
		if len(c.Contacts) == 0 {
			return invalid("a message of type contact needs contacts")
		}
		for _, card := range c.Contacts {
			l.paragraph(append([]string{card.Name}, card.Phones...)...)
		}
	case "cta_url":
		if c.CTAURL == "" || c.CTADisplayText == "" {
			return invalid("a message of type cta_url needs ctaUrl and ctaDisplayText")
		}
		l.paragraph(c.CTADisplayText + ": " + c.CTAURL)
		l.paragraph(c.FooterText)
	default:
		return refusal(codeUnsupported, categoryPermanent, "messages of type "+line(m.Type)+" cannot be sent by email")
	}
	return l.attach(files, links)
}

// paragraph adds lines to the text, an empty one before them.
func (l *letter) paragraph(lines ...string) {
	var said []string
	for _, s := range lines {
		if s != "" {
			said = append(said, s)
		}
	}
	if len(said) == 0 {
		return
	}
	if l.text != "" {
		l.text += "\n\n"
	}
	l.text += strings.Join(said, "\n")
}

func (l *letter) attach(files []file, links bool) *hookswitch.SendError {
	for _, f := range files {
		switch {
		case f.Content != "":
			if _, err := base64.StdEncoding.DecodeString(f.Content); err != nil {
				return invalid("the content of an attachment is not base64")
			}
		case f.Path == "":
			return invalid("an attachment needs content or path")
		case !strings.HasPrefix(f.Path, "https://") && !strings.HasPrefix(f.Path, "http://"):
			return invalid("the path of an attachment is not a URL")
		case !links:
			l.paragraph(f.Filename, f.Path)
			continue
		}
		f.Filename = line(f.Filename)
		if f.Filename == "" {
			f.Filename = "attachment"
			if base := path.Base(strings.SplitN(f.Path, "?", 2)[0]); f.Path != "" && strings.Contains(base, ".") {
				f.Filename = line(base)
			}
		}
		f.ContentType, f.ContentID = line(f.ContentType), strings.Trim(line(f.ContentID), "<>")
		if f.ContentType == "" {
			f.ContentType = cmp.Or(mime.TypeByExtension(path.Ext(f.Filename)), "application/octet-stream")
		}
		l.attachments = append(l.attachments, f)
		if l.text == "" && l.html == "" {
			l.text = f.Filename // services take no mail that says nothing
		}
	}
	return nil
}

// thread gives the mail its subject and, where it answers one, what keeps the two together. An answer that brings a subject of its own begins a new thread.
func (l *letter) thread(out *hookswitch.Outgoing, c *content) {
	l.subject = line(c.Subject)
	var was answered
	parent := ""
	if a := out.Answers; a != nil {
		_ = json.Unmarshal(a.Content, &was)
		parent = cmp.Or(was.InternetMessageID, a.ProviderID)
	}
	if out.ReplyTo != "" {
		parent = out.ReplyTo
	}
	ids := messageIDs(parent)
	again := reply(was.Subject)
	if len(ids) == 1 && (l.subject == "" || strings.EqualFold(l.subject, again) || out.ReplyTo != "") {
		l.headers = append(l.headers, headerField{"In-Reply-To", ids[0]}, headerField{"References", boundedRefs(append(messageIDs(was.References), ids[0]))})
	}
	if out.Answers != nil && l.subject == "" {
		l.subject = again
	}
	if out.Message.InReplyTo != 0 {
		if to := parseAddress(was.ReplyTo).addr; to != "" {
			l.to = to
		}
		// Other machines know by this that nobody waits for their answer.
		l.headers = append(l.headers, headerField{"Auto-Submitted", "auto-replied"})
	}
	if l.subject == "" {
		l.subject = titleOf(l.text, l.html)
	}
}

// reply is the subject of an answer to a mail with the subject s.
func reply(s string) string {
	s = line(s)
	if s == "" || len(s) >= 3 && strings.EqualFold(s[:3], "re:") {
		return s
	}
	return line("Re: " + s)
}

// titleOf is the beginning of what a mail says: what a person would write as its subject when they were asked for one.
func titleOf(text, html string) string {
	const most = 70
	if strings.TrimSpace(text) == "" {
		text = htmlText(html)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	first = line(first)
	short, whole := cut(first, most)
	if whole {
		return cmp.Or(first, "(no subject)")
	}
	if before, _, ok := cutLast(short, " "); ok {
		short = before
	}
	return short + "…"
}
