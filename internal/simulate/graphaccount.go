package simulate

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Template is a template that a stand-in's account has.
type Template struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Language   string          `json:"language"`
	Category   string          `json:"category"`
	Status     string          `json:"status"`
	Reason     string          `json:"rejected_reason"`
	Components json.RawMessage `json:"components"`

	WABAID string `json:"-"`
}

// templateBook is the templates of a stand-in's accounts.
type templateBook struct {
	mu   sync.Mutex
	list []Template
}

// Templates is the templates of all accounts, oldest first.
func (g *Graph) Templates() []Template {
	g.templates.mu.Lock()
	defer g.templates.mu.Unlock()
	return slices.Clone(g.templates.list)
}

// AddTemplate is a template that somebody has made in WhatsApp Manager. Nothing is pushed.
func (g *Graph) AddTemplate(t Template) {
	g.templates.mu.Lock()
	defer g.templates.mu.Unlock()
	g.templates.list = append(g.templates.list, t)
}

// DecideTemplate gives a template another status, such as APPROVED, and pushes the word of it. It reports false when there is no such template.
func (g *Graph) DecideTemplate(id, status, reason string) bool {
	g.templates.mu.Lock()
	i := slices.IndexFunc(g.templates.list, func(t Template) bool { return t.ID == id })
	if i < 0 {
		g.templates.mu.Unlock()
		return false
	}
	t := &g.templates.list[i]
	t.Status, t.Reason = status, reason
	decided := *t
	g.templates.mu.Unlock()
	for _, w := range g.opts.Accounts {
		if w.WABAID == decided.WABAID {
			return g.plan(func() Push { return w.TemplateStatus(decided, status, reason) })
		}
	}
	return true
}

// TemplateStatus is word that WhatsApp has decided on a template.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/message_template_status_update
func (w WhatsApp) TemplateStatus(t Template, status, reason string) Push {
	id, _ := strconv.ParseInt(t.ID, 10, 64)
	why := reason
	if why == "" {
		why = "NONE"
	}
	body := metaJSON(map[string]any{"object": wabaObject, "entry": []any{map[string]any{"id": w.WABAID, "time": w.now().Unix(), "changes": []any{map[string]any{
		"field": "message_template_status_update",
		"value": map[string]any{"event": status, "message_template_id": id, "message_template_name": t.Name, "message_template_language": t.Language, "reason": why},
	}}}}})
	return Push{Method: http.MethodPost, Path: w.path(), Body: body, Header: http.Header{
		"Content-Type": {"application/json"}, "User-Agent": {metaUserAgent}, signatureHeader: {metaSignature(w.AppSecret.Reveal(), body)},
	}}
}

// accountEdges are what can be asked of accounts.
var accountEdges = []string{"message_templates", "phone_numbers"}

// accountCall answers what is asked about accounts: their templates and numbers. ok is false for every other call.
func (g *Graph) accountCall(w http.ResponseWriter, r *http.Request) (answer any, refused *graphError, ok bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 2 || len(parts) > 3 || !versionPath.MatchString(parts[0]) || len(parts) == 3 && !slices.Contains(accountEdges, parts[2]) || len(parts) == 2 && r.Method != http.MethodGet {
		return nil, nil, false
	}
	if refused := g.bears(r); refused != nil {
		return nil, refused, true
	}
	node, edge := parts[1], ""
	if len(parts) == 3 {
		edge = parts[2]
	}
	var numbers []WhatsApp
	for _, a := range g.opts.Accounts {
		if a.WABAID == node {
			numbers = append(numbers, a)
		}
	}
	page := len(g.directs(node)) > 0 && node != "me"
	number, isNumber := g.accounts[node]
	switch {
	case edge == "message_templates" && len(numbers) > 0 && r.Method == http.MethodGet:
		return g.listTemplates(node), nil, true
	case edge == "message_templates" && len(numbers) > 0 && r.Method == http.MethodPost:
		answer, refused = g.createTemplate(w, r, node)
		return answer, refused, true
	case edge == "phone_numbers" && len(numbers) > 0:
		list := make([]any, len(numbers))
		for i, n := range numbers {
			list[i] = map[string]string{"id": n.PhoneNumberID, "display_phone_number": n.DisplayPhone}
		}
		return map[string]any{"data": list}, nil, true
	case edge == "" && isNumber:
		return map[string]string{"id": node, "display_phone_number": number.DisplayPhone, "verified_name": "Demo Business"}, nil, true
	case edge == "" && page:
		return map[string]string{"id": node, "name": "Demo Page"}, nil, true
	}
	return nil, unknownObject(r.Method, node), true
}

func (g *Graph) listTemplates(waba string) any {
	list := []Template{}
	for _, t := range g.Templates() {
		if t.WABAID == waba {
			list = append(list, t)
		}
	}
	return map[string]any{"data": list, "paging": map[string]any{"cursors": map[string]string{"before": "MAZDZD", "after": "MjQZD"}}}
}

// createTemplate takes a template for review, which is over at once: unless its name begins with "rejected", it is approved.
func (g *Graph) createTemplate(w http.ResponseWriter, r *http.Request, waba string) (any, *graphError) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	var tooLarge *http.MaxBytesError
	if err != nil {
		if errors.As(err, &tooLarge) {
			return nil, parameterError("Request body is too large.")
		}
		return nil, parameterError("Request body cannot be read.")
	}
	var t Template
	if json.Unmarshal(body, &t) != nil || t.Name == "" || t.Language == "" || t.Category == "" || len(t.Components) == 0 {
		return nil, parameterError("name, language, category and components are required.")
	}
	if strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
		return nil, parameterError("Template name can only have lowercase letters and underscores.")
	}
	t.ID, t.WABAID, t.Status, t.Reason = strconv.FormatInt(1e15+int64(randomUint64()%9e15), 10), waba, "PENDING", "NONE"
	g.templates.mu.Lock()
	for _, have := range g.templates.list {
		if have.WABAID == waba && have.Name == t.Name && have.Language == t.Language {
			g.templates.mu.Unlock()
			e := parameterError("Invalid parameter")
			e.body.Subcode = 2388024
			return nil, e
		}
	}
	g.templates.list = append(g.templates.list, t)
	g.templates.mu.Unlock()
	status, reason := "APPROVED", ""
	if strings.HasPrefix(t.Name, "rejected") {
		status, reason = "REJECTED", "INVALID_FORMAT"
	}
	g.DecideTemplate(t.ID, status, reason)
	return map[string]string{"id": t.ID, "status": "PENDING", "category": t.Category}, nil
}

func unknownObject(method, node string) *graphError {
	e := parameterError("")
	e.body.Message = "Unsupported " + strings.ToLower(method) + " request. Object with ID '" + node + "' does not exist, cannot be loaded due to missing permissions, or does not support this operation."
	e.body.Type, e.body.Subcode = "GraphMethodException", 33
	return e
}
