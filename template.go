package hookswitch

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Template is a text with blanks that is written once and sent often. On WhatsApp it is all that may be sent to a person who has not written for a day, and only after the provider has approved it.
type Template struct {
	Key      Key
	App      Key
	Name     string
	Language string // as WhatsApp writes it: en, en_US
	// Body is what the template says where a channel has no text of its own. Its blanks are numbered, {{1}}, or named, {{customer_name}}.
	Body                      string
	Category                  TemplateCategory
	Status                    TemplateStatus
	Variables                 []string // what the blanks stand for, in their order
	Buttons                   []TemplateButton
	Footer                    string
	HeaderType                string // "", text, image, video or document
	HeaderContent             string // the text, or the URL of the file
	SMSBody                   string
	TelegramBody              string
	InstagramBody             string
	AddSecurityRecommendation bool
	CodeExpirationMinutes     int // 0: not said
	// Named says that the provider knows the blanks by their names. Otherwise it numbers them.
	Named bool

	// What is known of it once it has been submitted, or was found at a provider.
	Sender   Key // it was submitted with; 0: none
	Provider TemplateAtProvider
	// RejectionReason says why it was rejected, in the provider's or the operator's words.
	RejectionReason string
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

// TemplateAtProvider is what a provider knows a Template as.
type TemplateAtProvider struct {
	Account   string // such as the id of a WhatsApp Business Account; empty: no provider has it
	ID        string
	Name      string
	Namespace string
	Status    string // in the provider's words, such as PENDING
}

// TemplateCategory is what a template is for. The price of a message depends on it.
type TemplateCategory string

// The categories.
const (
	TemplateUtility        TemplateCategory = "UTILITY"
	TemplateMarketing      TemplateCategory = "MARKETING"
	TemplateAuthentication TemplateCategory = "AUTHENTICATION"
)

// TemplateCategories are all of them.
var TemplateCategories = []TemplateCategory{TemplateUtility, TemplateMarketing, TemplateAuthentication}

// TemplateStatus is what has been decided about a template.
type TemplateStatus string

// The statuses of templates.
const (
	TemplateDraft    TemplateStatus = "draft"
	TemplatePending  TemplateStatus = "pending"
	TemplateApproved TemplateStatus = "approved"
	TemplateRejected TemplateStatus = "rejected"
)

// TemplateStatusOf is the status that a provider's word for one stands for; "" for a word that changes none, such as PAUSED.
func TemplateStatusOf(word string) TemplateStatus {
	switch word {
	case "PENDING", "IN_APPEAL":
		return TemplatePending
	case "APPROVED", "REINSTATED", "FLAGGED":
		return TemplateApproved
	case "REJECTED", "DISABLED":
		return TemplateRejected
	}
	return ""
}

// TemplateButton is a button under a template. What is empty is not said.
type TemplateButton struct {
	Type        string `json:"type"`
	Text        string `json:"text,omitempty"`
	URL         string `json:"url,omitempty"`
	PhoneNumber string `json:"phoneNumber,omitempty"`
	Example     string `json:"example,omitempty"` // stands for {{1}} of the URL while the template is judged
	OTPType     string `json:"otpType,omitempty"`
	PackageName string `json:"packageName,omitempty"`
	Signature   string `json:"signatureHash,omitempty"`
}

// The types of buttons.
const (
	ButtonQuickReply  = "quick_reply"
	ButtonURL         = "url"
	ButtonPhone       = "phone"
	ButtonOTP         = "otp"
	ButtonContactInfo = "request_contact_info"
)

// The types of one-time-password buttons.
const (
	OTPCopyCode = "COPY_CODE"
	OTPOneTap   = "ONE_TAP"
)

var (
	templateButtonTypes = []string{ButtonQuickReply, ButtonURL, ButtonPhone, ButtonOTP, ButtonContactInfo}
	templateHeaderTypes = []string{"text", "image", "video", "document"}
	otpTypes            = []string{OTPCopyCode, OTPOneTap}
)

// Bounds of a template. Lengths are in characters. Those of the body, the header, the footer and the buttons are WhatsApp's.
const (
	MaxTemplateName      = 512
	MaxTemplateBody      = 1024
	MaxTemplateText      = 4096 // of the text for one channel
	MaxTemplateFooter    = 60
	MaxTemplateHeader    = 60
	MaxTemplateButtons   = 3
	MaxTemplateButton    = 25
	MaxTemplateVariables = 100
	MaxCodeExpiration    = 90
)

// Dynamic reports whether each message has to say a part of the button itself: the end of its URL, or the code.
func (b *TemplateButton) Dynamic() bool {
	return b.Type == ButtonOTP || b.Type == ButtonURL && strings.Contains(b.URL, "{{1}}")
}

// Validate reports every wrong field of t, under the names of the Zavu-shaped API.
func (t *Template) Validate() error {
	var c Checks
	required := func(s string, most int, name string) {
		switch {
		case strings.TrimSpace(s) == "":
			c.Field("is required", name)
		case utf8.RuneCountInString(s) > most:
			c.Field("must have at most "+strconv.Itoa(most)+" characters", name)
		}
	}
	required(t.Name, MaxTemplateName, "name")
	if m := CheckText(t.Name); m != "" {
		c.Field(m, "name")
	}
	required(t.Body, MaxTemplateBody, "body")
	if t.Language == "" {
		c.Field("is required", "language")
	} else if !isLanguage(t.Language) {
		c.Field("must be a language such as en or pt_BR", "language")
	}
	if !slices.Contains(TemplateCategories, t.Category) {
		c.Field("must be UTILITY, MARKETING or AUTHENTICATION", "whatsappCategory")
	}
	if m := CheckBlanks(t.Body); m != "" {
		c.Field(m, "body")
	}
	// The texts for other channels may leave out some of the blanks.
	for _, text := range []struct{ name, body string }{{"smsBody", t.SMSBody}, {"telegramBody", t.TelegramBody}, {"instagramBody", t.InstagramBody}} {
		if utf8.RuneCountInString(text.body) > MaxTemplateText {
			c.Field("must have at most "+strconv.Itoa(MaxTemplateText)+" characters", text.name)
		}
		if _, m := Blanks(text.body); m != "" {
			c.Field(m, text.name)
		}
	}
	if len(t.Variables) > MaxTemplateVariables {
		c.Field("must have at most "+strconv.Itoa(MaxTemplateVariables)+" entries", "variables")
	}
	t.checkHeader(&c)
	switch {
	case utf8.RuneCountInString(t.Footer) > MaxTemplateFooter:
		c.Field("must have at most "+strconv.Itoa(MaxTemplateFooter)+" characters", "footer")
	case strings.Contains(t.Footer, "{{"):
		c.Field("cannot have blanks such as {{1}}", "footer")
	}
	if len(t.Buttons) > MaxTemplateButtons {
		c.Field("must have at most "+strconv.Itoa(MaxTemplateButtons)+" entries", "buttons")
	}
	for i := range t.Buttons {
		t.Buttons[i].check(func(message, name string) { c.Field(message, "buttons", "["+strconv.Itoa(i)+"]", name) })
	}
	if t.CodeExpirationMinutes < 0 || t.CodeExpirationMinutes > MaxCodeExpiration {
		c.Field("must lie between 1 and 90", "codeExpirationMinutes")
	}
	return c.Err()
}

func (t *Template) checkHeader(c *Checks) {
	switch {
	case t.HeaderType == "" && t.HeaderContent != "":
		c.Field("required with headerContent", "headerType")
	case t.HeaderType == "":
	case !slices.Contains(templateHeaderTypes, t.HeaderType):
		c.Field("must be one of "+strings.Join(templateHeaderTypes, ", "), "headerType")
	case strings.TrimSpace(t.HeaderContent) == "":
		c.Field("required with headerType", "headerContent")
	case t.HeaderType == "text":
		blanks, m := Blanks(t.HeaderContent)
		switch {
		case utf8.RuneCountInString(t.HeaderContent) > MaxTemplateHeader:
			c.Field("must have at most "+strconv.Itoa(MaxTemplateHeader)+" characters", "headerContent")
		case m != "":
			c.Field(m, "headerContent")
		case len(blanks) > 1:
			c.Field("can have one blank", "headerContent")
		}
	default:
		if !isWebURL(t.HeaderContent) {
			c.Field("must be the http or https URL of the file", "headerContent")
		}
	}
}

func (b *TemplateButton) check(wrong func(message, name string)) {
	if !slices.Contains(templateButtonTypes, b.Type) {
		wrong("must be one of "+strings.Join(templateButtonTypes, ", "), "type")
		return
	}
	if b.Type != ButtonContactInfo {
		switch {
		case strings.TrimSpace(b.Text) == "":
			wrong("is required", "text")
		case utf8.RuneCountInString(b.Text) > MaxTemplateButton:
			wrong("must have at most "+strconv.Itoa(MaxTemplateButton)+" characters", "text")
		}
	}
	switch b.Type {
	case ButtonURL:
		switch static := strings.Replace(b.URL, "{{1}}", "", 1); {
		case b.URL == "":
			wrong("is required", "url")
		case strings.Contains(static, "{{"):
			wrong("can have the blank {{1}} once, and no other", "url")
		case !isWebURL(static):
			wrong("must start with https:// or http:// and name a host", "url")
		}
	case ButtonPhone:
		if m := CheckPhone(b.PhoneNumber); m != "" {
			wrong(m, "phoneNumber")
		}
	case ButtonOTP:
		if !slices.Contains(otpTypes, b.OTPType) {
			wrong("must be "+strings.Join(otpTypes, " or "), "otpType")
		}
		if b.OTPType == OTPOneTap && b.PackageName == "" {
			wrong("required for ONE_TAP", "packageName")
		}
		if b.OTPType == OTPOneTap && b.Signature == "" {
			wrong("required for ONE_TAP", "signatureHash")
		}
	}
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// isLanguage reports whether s looks like a language tag: two or three letters, and further parts behind "_" or "-".
func isLanguage(s string) bool {
	for i, part := range strings.FieldsFunc(s, func(r rune) bool { return r == '_' || r == '-' }) {
		if i == 0 && (len(part) < 2 || len(part) > 3) || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9')
		}) {
			return false
		}
	}
	return s[0] != '_' && s[0] != '-'
}

// Blanks are the names between {{ and }} in a text, each once, in the order in which they first stand there. message says what is wrong with one of them.
func Blanks(text string) (names []string, message string) {
	for {
		_, rest, found := strings.Cut(text, "{{")
		if !found {
			return names, ""
		}
		inner, after, closed := strings.Cut(rest, "}}")
		name := strings.TrimSpace(inner)
		if !closed {
			return nil, "has a {{ without its }}"
		}
		if name == "" || len(name) > MaxName || strings.ContainsFunc(name, func(r rune) bool { return !nameRune(r) || r == '-' }) {
			return nil, "has a blank {{" + inner + "}}: it must be a number such as {{1}}, or a name such as {{customer_name}}"
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		text = after
	}
}

// CheckBlanks says what is wrong with the blanks of a text: all have names, or they are numbered from 1 without a gap.
func CheckBlanks(text string) string {
	names, message := Blanks(text)
	if message != "" {
		return message
	}
	numbers := make([]int, 0, len(names))
	for _, name := range names {
		if n, err := strconv.Atoi(name); err == nil {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return ""
	}
	if len(numbers) < len(names) {
		return "has blanks with numbers and blanks with names; use the one or the other"
	}
	slices.Sort(numbers)
	for i, n := range numbers {
		if n != i+1 {
			return "must number its blanks from {{1}} without a gap: {{" + strconv.Itoa(i+1) + "}} is missing"
		}
	}
	return ""
}

// Fill is the text with its blanks filled in: value gives what stands for one, and whether there is anything. missing are those for which there is nothing.
func Fill(text string, value func(name string) (string, bool)) (filled string, missing []string) {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "{{")
		b.WriteString(before)
		inner, after, closed := strings.Cut(rest, "}}")
		if !found || !closed {
			b.WriteString(text[len(before):])
			return b.String(), missing
		}
		name := strings.TrimSpace(inner)
		if v, ok := value(name); ok {
			b.WriteString(v)
		} else if !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
		text = after
	}
}

// BodyFor is what the template says on a channel.
func (t *Template) BodyFor(ch Channel) string {
	own := ""
	switch ch {
	case SMS:
		own = t.SMSBody
	case Telegram:
		own = t.TelegramBody
	case Instagram:
		own = t.InstagramBody
	}
	if own != "" {
		return own
	}
	return t.Body
}

// TemplateNews is what a provider says has become of a template.
type TemplateNews struct {
	Account  string // as in TemplateAtProvider
	ID       string
	Name     string
	Language string
	Status   TemplateStatus // "" for news that do not change it
	Word     string         // the status in the provider's words
	Category TemplateCategory
	Reason   string // why it was rejected
}
