package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
)

var _ hookswitch.TemplateRegistrar = (*Provider)(nil)

// TemplateAccount is the WhatsApp Business Account, where the route says it and can act for it.
func (p *Provider) TemplateAccount(r *hookswitch.Route) string {
	if r.Channel != hookswitch.WhatsApp || r.Credentials.First(credAccessToken) == "" {
		return ""
	}
	return r.Credentials.First(credWABA)
}

// graphTemplate is a template as the Graph API takes and gives it.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-account/template-api
type graphTemplate struct {
	ID             text             `json:"id,omitempty"`
	Name           string           `json:"name"`
	Language       string           `json:"language"`
	Category       string           `json:"category"`
	Status         string           `json:"status,omitempty"`
	RejectedReason string           `json:"rejected_reason,omitempty"`
	Format         string           `json:"parameter_format,omitempty"`
	Components     []graphComponent `json:"components"`
}

type graphComponent struct {
	Type     string        `json:"type"`
	Format   string        `json:"format,omitempty"`
	Text     string        `json:"text,omitempty"`
	Security *bool         `json:"add_security_recommendation,omitempty"`
	Minutes  int           `json:"code_expiration_minutes,omitempty"`
	Example  *graphExample `json:"example,omitempty"`
	Buttons  []graphButton `json:"buttons,omitempty"`
}

// graphExample holds what stands for blanks while a template is judged.
type graphExample struct {
	HeaderText   []string   `json:"header_text,omitempty"`
	HeaderHandle []string   `json:"header_handle,omitempty"`
	BodyText     [][]string `json:"body_text,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler. Examples come in many forms, and only the file of a header is read.
func (e *graphExample) UnmarshalJSON(raw []byte) error {
	var known struct {
		HeaderHandle []string `json:"header_handle"`
	}
	_ = json.Unmarshal(raw, &known)
	*e = graphExample{HeaderHandle: known.HeaderHandle}
	return nil
}

type graphButton struct {
	Type        string          `json:"type"`
	Text        string          `json:"text,omitempty"`
	URL         string          `json:"url,omitempty"`
	PhoneNumber string          `json:"phone_number,omitempty"`
	Example     json.RawMessage `json:"example,omitempty"`
	OTPType     string          `json:"otp_type,omitempty"`
	Apps        []graphApp      `json:"supported_apps,omitempty"`
}

type graphApp struct {
	Package   string `json:"package_name"`
	Signature string `json:"signature_hash"`
}

// SubmitTemplate makes the template at the account, which begins its review.
func (p *Provider) SubmitTemplate(ctx context.Context, r *hookswitch.Route, t *hookswitch.Template) (hookswitch.TemplateNews, error) {
	account := p.TemplateAccount(r)
	out, err := newGraphTemplate(t)
	if err != nil {
		return hookswitch.TemplateNews{}, err
	}
	var got struct {
		ID       text `json:"id"`
		Status   text `json:"status"`
		Category text `json:"category"`
	}
	if err := p.graphCall(ctx, r.Credentials.First(credAccessToken), http.MethodPost, "/"+url.PathEscape(account)+"/message_templates", nil, out, &got); err != nil {
		return hookswitch.TemplateNews{}, err
	}
	return hookswitch.TemplateNews{Account: account, ID: string(got.ID), Name: t.Name, Language: t.Language, Word: cmp.Or(string(got.Status), "PENDING"),
		Status: hookswitch.TemplateStatusOf(string(got.Status)), Category: hookswitch.TemplateCategory(got.Category)}, nil
}

func newGraphTemplate(t *hookswitch.Template) (*graphTemplate, error) {
	if strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return nil, hookswitch.InvalidField("may have only the letters a to z, digits and _ for WhatsApp", "name")
	}
	if t.HeaderType != "" && t.HeaderType != "text" {
		return nil, hookswitch.InvalidField("cannot be submitted from here: make a template with a file in its header in WhatsApp Manager, and take it over by a sync", "headerType")
	}
	out := &graphTemplate{Name: t.Name, Language: t.Language, Category: string(t.Category)}
	if t.HeaderType == "text" {
		header := graphComponent{Type: "HEADER", Format: "TEXT", Text: numbered(t.HeaderContent)}
		if strings.Contains(header.Text, "{{") {
			header.Example = &graphExample{HeaderText: []string{"example"}}
		}
		out.Components = append(out.Components, header)
	}
	if t.Category == hookswitch.TemplateAuthentication {
		// Meta writes the text of these itself.
		yes := t.AddSecurityRecommendation
		out.Components = append(out.Components, graphComponent{Type: "BODY", Security: &yes})
		if t.CodeExpirationMinutes > 0 {
			out.Components = append(out.Components, graphComponent{Type: "FOOTER", Minutes: t.CodeExpirationMinutes})
		}
	} else {
		body := graphComponent{Type: "BODY", Text: numbered(t.Body)}
		if examples := examplesOf(t); len(examples) > 0 {
			body.Example = &graphExample{BodyText: [][]string{examples}}
		}
		out.Components = append(out.Components, body)
		if t.Footer != "" {
			out.Components = append(out.Components, graphComponent{Type: "FOOTER", Text: t.Footer})
		}
	}
	if len(t.Buttons) > 0 {
		list := make([]graphButton, len(t.Buttons))
		for i := range t.Buttons {
			list[i] = newGraphButton(&t.Buttons[i])
		}
		out.Components = append(out.Components, graphComponent{Type: "BUTTONS", Buttons: list})
	}
	return out, nil
}

func newGraphButton(b *hookswitch.TemplateButton) graphButton {
	out := graphButton{Text: b.Text}
	switch b.Type {
	case hookswitch.ButtonQuickReply:
		out.Type = "QUICK_REPLY"
	case hookswitch.ButtonURL:
		out.Type, out.URL = "URL", b.URL
		if b.Dynamic() {
			example := cmp.Or(b.Example, "example")
			if !strings.HasPrefix(example, "http") { // Meta wants the whole address
				example = strings.Replace(b.URL, "{{1}}", example, 1)
			}
			out.Example, _ = json.Marshal([]string{example}) // a list of texts can be encoded
		}
	case hookswitch.ButtonPhone:
		out.Type, out.PhoneNumber = "PHONE_NUMBER", b.PhoneNumber
	case hookswitch.ButtonOTP:
		out.Type, out.OTPType = "OTP", b.OTPType
		if b.OTPType == hookswitch.OTPOneTap {
			out.Apps = []graphApp{{b.PackageName, b.Signature}}
		}
	case hookswitch.ButtonContactInfo:
		out = graphButton{Type: "REQUEST_CONTACT_INFO"}
	}
	return out
}

// numbered is a text whose blanks have numbers, in the order in which they stand there first.
func numbered(text string) string {
	names, _ := hookswitch.Blanks(text) // checked when the template was made
	for i, name := range names {
		if _, err := strconv.Atoi(name); err == nil {
			return text
		}
		names[i] = name
	}
	out, _ := hookswitch.Fill(text, func(name string) (string, bool) {
		return "{{" + strconv.Itoa(slices.Index(names, name)+1) + "}}", true
	})
	return out
}

// examplesOf are texts for the blanks of the body, in the order of their numbers.
func examplesOf(t *hookswitch.Template) []string {
	names, _ := hookswitch.Blanks(t.Body) // checked when the template was made
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = name
		if _, err := strconv.Atoi(name); err == nil {
			out[i] = "example"
		}
		if i < len(t.Variables) && t.Variables[i] != "" {
			out[i] = t.Variables[i]
		}
	}
	return out
}

// maxTemplatePages bounds how many pages of an account's templates are read, of a hundred each. An account can have 6000.
const maxTemplatePages = 80

// Templates reads all pages of the account's templates.
func (p *Provider) Templates(ctx context.Context, r *hookswitch.Route) ([]*hookswitch.Template, error) {
	account := p.TemplateAccount(r)
	query := url.Values{"fields": {"id,name,language,status,category,rejected_reason,parameter_format,components"}, "limit": {"100"}}
	var list []*hookswitch.Template
	for range maxTemplatePages {
		var page struct {
			Data   []json.RawMessage `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		if err := p.graphCall(ctx, r.Credentials.First(credAccessToken), http.MethodGet, "/"+url.PathEscape(account)+"/message_templates", query, nil, &page); err != nil {
			return nil, err
		}
		for _, raw := range page.Data {
			var t graphTemplate
			if json.Unmarshal(raw, &t) == nil && t.ID != "" && t.Name != "" {
				list = append(list, t.template(account))
			}
		}
		if page.Paging.Next == "" || page.Paging.Cursors.After == "" {
			return list, nil
		}
		query.Set("after", page.Paging.Cursors.After)
	}
	return list, nil
}

// template is what t says in the gateway's shape.
func (t *graphTemplate) template(account string) *hookswitch.Template {
	out := &hookswitch.Template{Name: t.Name, Language: t.Language, Category: hookswitch.TemplateCategory(strings.ToUpper(t.Category)), Status: hookswitch.TemplateStatusOf(t.Status),
		Named:    t.Format == "NAMED",
		Provider: hookswitch.TemplateAtProvider{Account: account, ID: string(t.ID), Name: t.Name, Status: t.Status}}
	if !slices.Contains(hookswitch.TemplateCategories, out.Category) {
		out.Category = hookswitch.TemplateUtility
	}
	if t.RejectedReason != "NONE" {
		out.RejectionReason = t.RejectedReason
	}
	for _, c := range t.Components {
		switch strings.ToUpper(c.Type) {
		case "HEADER":
			out.HeaderType, out.HeaderContent = strings.ToLower(cmp.Or(c.Format, "TEXT")), c.Text
			if c.Example != nil && out.HeaderType != "text" && len(c.Example.HeaderHandle) > 0 {
				out.HeaderContent = c.Example.HeaderHandle[0]
			}
		case "BODY":
			out.Body = c.Text
			out.AddSecurityRecommendation = c.Security != nil && *c.Security
		case "FOOTER":
			out.Footer, out.CodeExpirationMinutes = c.Text, c.Minutes
		case "BUTTONS":
			for _, b := range c.Buttons {
				out.Buttons = append(out.Buttons, b.button())
			}
		}
	}
	return out
}

func (b *graphButton) button() hookswitch.TemplateButton {
	out := hookswitch.TemplateButton{Text: b.Text, URL: b.URL, PhoneNumber: b.PhoneNumber, OTPType: b.OTPType}
	switch b.Type {
	case "QUICK_REPLY":
		out.Type = hookswitch.ButtonQuickReply
	case "URL":
		out.Type = hookswitch.ButtonURL
		var examples []string
		if json.Unmarshal(b.Example, &examples) == nil && len(examples) > 0 {
			out.Example = examples[0]
		}
		if strings.Contains(b.URL, "otp_code") || strings.Contains(b.URL, "{{1}}") && strings.Contains(b.URL, "whatsapp.com/otp") {
			out.Type, out.URL, out.Example, out.OTPType = hookswitch.ButtonOTP, "", "", cmp.Or(b.OTPType, hookswitch.OTPCopyCode)
		}
	case "PHONE_NUMBER":
		out.Type = hookswitch.ButtonPhone
	case "OTP":
		out.Type = hookswitch.ButtonOTP
		if len(b.Apps) > 0 {
			out.PackageName, out.Signature = b.Apps[0].Package, b.Apps[0].Signature
		}
	case "REQUEST_CONTACT_INFO":
		out.Type = hookswitch.ButtonContactInfo
	default: // catalogues, flows and what comes after them: shown under Meta's own word
		out.Type = strings.ToLower(b.Type)
	}
	return out
}

// templateStatusUpdate is what Meta pushes when it has decided on a template.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
type templateStatusUpdate struct {
	Event    text `json:"event"`
	ID       text `json:"message_template_id"`
	Name     text `json:"message_template_name"`
	Language text `json:"message_template_language"`
	Reason   text `json:"reason"`
	Other    struct {
		Title       text `json:"title"`
		Description text `json:"description"`
	} `json:"other_info"`
	Rejection struct {
		Reason         text `json:"reason"`
		Recommendation text `json:"recommendation"`
	} `json:"rejection_info"`
}

// templateNews reads a push about a template of the account of e.
func (e *entry) templateNews(raw json.RawMessage) hookswitch.Update {
	var s templateStatusUpdate
	if err := json.Unmarshal(raw, &s); err != nil {
		return broken(hookswitch.WhatsApp, "", raw, fmt.Errorf("read template status: %w", err))
	}
	if s.ID == "" && s.Name == "" {
		return broken(hookswitch.WhatsApp, "", raw, errNoID)
	}
	news := &hookswitch.TemplateNews{Account: string(e.ID), ID: string(s.ID), Name: string(s.Name), Language: string(s.Language), Word: string(s.Event),
		Status: hookswitch.TemplateStatusOf(string(s.Event))}
	if s.Reason != "NONE" {
		news.Reason = bounded(string(s.Reason))
	}
	if why := cmp.Or(s.Rejection.Reason, s.Other.Description); why != "" {
		news.Reason = bounded(strings.TrimPrefix(news.Reason+": "+string(why), ": "))
	}
	return hookswitch.Update{
		Channel: hookswitch.WhatsApp, At: e.Time.clock(), Template: news,
		Dedup: "template:" + string(s.ID) + ":" + string(s.Name) + ":" + string(s.Language) + ":" + string(s.Event) + ":" + string(e.Time),
	}
}
