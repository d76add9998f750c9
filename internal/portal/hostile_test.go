package portal_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
)

// tourist looks at a site as a browser without scripts would, signed in everywhere.
type tourist struct {
	*testing.T
	site *portaltest.Site
	http *http.Client
}

func newTourist(t *testing.T, s *portaltest.Site) *tourist {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &tourist{t, s, &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	t.Cleanup(v.http.CloseIdleConnections)
	v.signIn()
	return v
}

func (v *tourist) signIn() {
	v.Helper()
	link, err := v.site.Service.OpenPortal(context.Background(), v.site.App.Key, service.PortalAccess{Capabilities: hookswitch.AllCapabilities}, service.Idempotency{})
	if err != nil {
		v.Fatal(err)
	}
	for path, token := range map[string]string{"/portal/login": link.OneTime.Reveal(), "/dashboard/login": portaltest.Token} {
		if a := v.submit(path, url.Values{"token": {token}}); a.status != http.StatusSeeOther {
			v.Fatalf("%s: %d", path, a.status)
		}
	}
}

func (v *tourist) ask(r *http.Request) answer {
	v.Helper()
	r.Header.Set("User-Agent", strings.ReplaceAll(strings.Join(portaltest.Hostile[:8], " "), "\t", " "))
	res, err := v.http.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		v.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(b)}
}

func (v *tourist) visit(path string) answer {
	v.Helper()
	r, err := http.NewRequest(http.MethodGet, v.site.URL+path, nil)
	if err != nil {
		v.Fatal(err)
	}
	return v.ask(r)
}

func (v *tourist) submit(path string, form url.Values, header ...string) answer {
	v.Helper()
	r, err := http.NewRequest(http.MethodPost, v.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return v.ask(r)
}

// elements are all that pages are made of.
var elements = strings.Fields(`html head meta title link script style body a header nav main footer section search aside article div span p h1 h2 h3 h4 ul ol li dl dt dd table caption
	thead tbody tr th td form fieldset legend label input select option optgroup datalist textarea button details summary figure figcaption pre code blockquote q b strong em i s del ins time small
	progress dialog output noscript template kbd svg path circle rect line img br hr`)

var (
	attributeName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*$`)
	addresses     = strings.Fields("href src action formaction hx-get hx-post hx-put hx-delete hx-patch data-tail data-event-source poster cite background xlink:href manifest ping")
	refused       = strings.Fields("style srcdoc http-equiv hx-on hx-vals hx-headers hx-vars srcset formtarget sandbox")
)

// page parses what a page is and reports what is in it that pages are not made of. It returns the text that people see, in order, and its links.
func (v *tourist) page(where string, a answer) (text string, links []string, forms []*html.Node) {
	v.Helper()
	if !utf8.ValidString(a.body) {
		v.Errorf("%s: is not UTF-8", where)
	}
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		v.Fatalf("%s: %v", where, err)
	}
	_, nonce, _ := strings.Cut(a.header.Get("Content-Security-Policy"), "script-src 'nonce-")
	nonce, _, _ = strings.Cut(nonce, "'")
	var b strings.Builder
	for n := range doc.Descendants() {
		switch n.Type {
		case html.CommentNode:
			v.Errorf("%s: has the comment %q", where, n.Data)
		case html.TextNode:
			if p := n.Parent.Data; p == "script" || p == "style" && strings.Contains(n.Data, portaltest.Mark) {
				v.Errorf("%s: <%s> holds %q", where, p, n.Data)
			}
			b.WriteString(n.Data)
			b.WriteByte('\n')
		case html.ElementNode:
			if !slices.Contains(elements, n.Data) {
				v.Errorf("%s: has the element <%s>", where, n.Data)
			}
			if (n.Data == "script" || n.Data == "style") && (nonce == "" || attribute(n, "nonce") != nonce) {
				v.Errorf("%s: <%s> without the nonce of the page", where, n.Data)
			}
			if n.Data == "title" || n.Data == "h1" {
				v.title(where, n)
			}
			if n.Data == "form" {
				forms = append(forms, n)
			}
			for _, at := range n.Attr {
				v.attribute(where, n, at)
				b.WriteString(at.Val)
				b.WriteByte('\n')
				if at.Key == "href" && n.Data == "a" {
					links = append(links, at.Val)
				}
			}
		}
	}
	return b.String(), links, forms
}

// title looks at what names a page: it is short, and turns nothing around.
func (v *tourist) title(where string, n *html.Node) {
	v.Helper()
	text := ""
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			text += d.Data
		}
	}
	if utf8.RuneCountInString(text) > 450 || strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Bidi_Control, r) }) {
		v.Errorf("%s: <%s> is %q", where, n.Data, text)
	}
}

func (v *tourist) attribute(where string, n *html.Node, at html.Attribute) {
	v.Helper()
	name := strings.ToLower(at.Key)
	if !attributeName.MatchString(at.Key) || strings.HasPrefix(name, "on") || strings.HasPrefix(name, "hx-on") || slices.Contains(refused, name) || strings.Contains(name, portaltest.Mark) {
		v.Errorf("%s: <%s> has the attribute %s=%q", where, n.Data, at.Key, at.Val)
	}
	if name == "id" && strings.Contains(at.Val, portaltest.Mark+"(") {
		v.Errorf("%s: <%s> has the id %q", where, n.Data, at.Val)
	}
	if !slices.Contains(addresses, name) {
		return
	}
	u, err := url.Parse(at.Val)
	if err != nil || u.Scheme != "" || u.Host != "" || u.Opaque != "" || strings.HasPrefix(at.Val, "//") || strings.ContainsAny(at.Val, "\\\t\n\r") {
		v.Errorf("%s: <%s> leads to %s=%q", where, n.Data, at.Key, at.Val)
	}
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// TestHostile_TextsStayText has everybody who can write something, customers, their servers, the people who write to them and the providers, write what wants to be more than text, and looks at every page.
func TestHostile_TextsStayText(t *testing.T) {
	t.Parallel()
	s, err := portaltest.Open(context.Background(), t.TempDir(), portaltest.Options{Hostile: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	v := newTourist(t, s)
	pages := []string{}
	for _, p := range portal.Registry() {
		pages = append(pages, s.Path(p.Path))
	}
	for _, sample := range []string{"/catalogue/{hostiletype}", "/messages/{hostilea}", "/messages/{hostilea}?view=raw", "/messages/{hostileb}", "/messages/{hostileb}?view=hex", "/messages/{hostilec}",
		"/endpoints/{endpoint}/testing?type={hostiletype}", "/endpoints/new", "/activity"} {
		pages = append(pages, s.Path("/portal"+sample), s.Path("/dashboard/apps/{app}"+sample))
	}
	var seen strings.Builder
	known := make(map[string]string) // where links lead, by the shape of their paths
	var forms []string
	reflected, filled := make(map[string]bool), make(map[string]bool)
	for _, path := range pages {
		a := v.visit(path)
		if a.status != http.StatusOK {
			t.Errorf("%s: %d", path, a.status)
			continue
		}
		if csp := a.header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "frame-ancestors 'none'") || a.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s may be framed: %s", path, csp)
		}
		text, links, list := v.page(path, a)
		seen.WriteString(text)
		for _, link := range links {
			note(known, path, link)
		}
		if len(list) > 0 {
			forms = append(forms, path)
		}
		if shape := shapeOf(path); !reflected[shape] {
			reflected[shape] = true
			v.reflects(path)
		}
	}
	all := squeezed(seen.String())
	for _, text := range portaltest.Hostile {
		if !strings.Contains(all, squeezed(text)) {
			t.Errorf("no page shows %q", text)
		}
	}
	for path, texts := range shown {
		text, _, _ := v.page(path, v.visit(s.Path(path)))
		text = squeezed(text)
		for _, begins := range texts {
			i := slices.IndexFunc(s.Fouled, func(f string) bool { return strings.HasPrefix(f, begins+" ") })
			if i < 0 {
				t.Errorf("nobody wrote %q", begins)
			} else if want := squeezed(s.Fouled[i]); !strings.Contains(text, want[:min(len(want), len(begins)+25)]) {
				t.Errorf("%s does not show %.60q", path, want)
			}
		}
	}
	for shape, link := range known {
		if path, _, _ := strings.Cut(shape, "?"); path == "/openapi.json" {
			continue // it is beside the pages
		}
		a := v.visit(link)
		kind := a.header.Get("Content-Type")
		switch {
		case a.status >= 300 && a.status < 400:
		case a.status != http.StatusOK:
			t.Errorf("%s leads nowhere: %d", link, a.status)
		case strings.HasPrefix(kind, "text/html"):
			if !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment") {
				v.page(link, a)
			}
		case a.header.Get("X-Content-Type-Options") != "nosniff", !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment"):
			t.Errorf("%s: is %s, not downloaded: %v", link, kind, a.header)
		}
	}
	// Forms come last: they change what there is.
	for _, path := range forms {
		v.fill(path, filled)
	}
}

// shown are pages with the beginnings of what hostile people wrote there.
var shown = map[string][]string{
	"/portal":                              {"Acme Telecom", "Billing", "CRM"},
	"/portal/endpoints":                    {"Data warehouse", "Old help desk", "Accounting"},
	"/portal/endpoints/{failing}/settings": {"eu-1", "crm"},
	"/portal/issues/{failing}/{cause}":     {"Grace is looking at the migration of the contacts table."},
	"/portal/messages/{event}/attempts/{attempt}?answer=raw": {"none", "Let's Encrypt", "*.acme.example", `{"error":"relation \"contacts\" does not exist"}`},
	"/portal/activity":                                   {"Billing"},
	"/portal/catalogue/{hostiletype}":                    {"Something", "A description"},
	"/dashboard/apps":                                    {"Acme Telecom"},
	"/dashboard/apps/{app}/senders":                      {"Support line", "Money menu", "Sales, Mombasa"},
	"/dashboard/apps/{app}/keys":                         {"Backend, production"},
	"/dashboard/apps/{app}/invitations":                  {"Mama Njeri's Kiosk"},
	"/dashboard/apps/{app}/conversations/{conversation}": {"What is my balance?", "Amina Njeri"},
	"/dashboard/apps/{app}/conversations/{handed}":       {"Hello Juma, this is Wairimu. How can I help?"},
	"/dashboard/apps/{app}/templates/{template}":         {"Acme Telecom", "Hello {{1}}, your bill of KES {{2}} is due on {{3}}."},
	"/dashboard/strays/{stray}":                          {"Is this the right page?"},
	"/play/{manybin}":                                    {"Checkout, staging"},
}

// squeezed is a text as pages show it: what is no text is replaced, and spaces are one.
func squeezed(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", "\ufffd"), "\ufffd")), " ")
}

// shapeOf is a path without its query and without the ids in it. The pages of an App have the same one in both areas: their handlers are the same.
func shapeOf(path string) string {
	path, _, _ = strings.Cut(path, "?")
	return strings.Replace(idInPath.ReplaceAllString(path, "…"), "/dashboard/apps/…", "/portal", 1)
}

var idInPath = regexp.MustCompile(`[a-z]+_[0-9A-Za-z]{20,}|[0-9]{6,}|[A-Za-z0-9_-]{20,}`)

// note remembers one link of each shape.
func note(known map[string]string, from, link string) {
	u, err := url.Parse(link)
	if err != nil || !strings.HasPrefix(link, "/") && !strings.HasPrefix(link, "?") {
		return
	}
	base, err := url.Parse(from)
	if err != nil {
		return
	}
	u = base.ResolveReference(u)
	var names []string
	for name := range u.Query() {
		names = append(names, name)
	}
	slices.Sort(names)
	u.Fragment = ""
	known[idInPath.ReplaceAllString(u.Path, "…")+"?"+strings.Join(names, "&")] = u.RequestURI()
}

// reflects asks for a page with hostile texts in all that its address can say.
func (v *tourist) reflects(path string) {
	v.Helper()
	u, err := url.Parse(path)
	if err != nil {
		v.Fatal(err)
	}
	q := u.Query()
	for _, name := range []string{"q", "before", "after", "view", "answer", "what", "last", "from", "until", "rate", "type", "types", "state", "status", "who", "action", "example", "fault", "snippet", "headers",
		"next", "code", "channel", "url", "primaryColor", "fontFamily", "icon", "darkMode", "request", "app", "all", "archived", "path", "method"} {
		q.Set(name, strings.Join(portaltest.Hostile[:12], " "))
	}
	a := v.visit(u.Path + "?" + q.Encode())
	if a.status >= 500 {
		v.Errorf("%s with hostile parameters: %d", u.Path, a.status)
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		v.page(u.Path+" with hostile parameters", a)
	}
	if to := a.header.Get("Location"); strings.Contains(to, "://") || strings.HasPrefix(to, "//") {
		v.Errorf("%s with hostile parameters: goes to %s", u.Path, to)
	}
}

// fill sends every form of a page that was not sent yet with hostile texts in all that can be typed.
func (v *tourist) fill(path string, done map[string]bool) {
	v.Helper()
	a := v.visit(path)
	if a.status == http.StatusUnauthorized {
		v.signIn()
		a = v.visit(path)
	}
	_, _, forms := v.page(path, a)
	for _, form := range forms {
		action := attribute(form, "action")
		shape := shapeOf(action)
		if !strings.EqualFold(attribute(form, "method"), "post") || strings.HasSuffix(action, "/logout") || done[shape] {
			continue
		}
		done[shape] = true
		values := make(url.Values)
		for n := range form.Descendants() {
			name := attribute(n, "name")
			if n.Type != html.ElementNode || name == "" {
				continue
			}
			switch kind := attribute(n, "type"); {
			case n.Data == "input" && kind == "hidden", n.Data == "button" && !values.Has(name):
				values.Add(name, attribute(n, "value"))
			case n.Data == "textarea", n.Data == "input" && kind != "checkbox" && kind != "radio":
				values.Set(name, strings.Join(portaltest.Hostile, " ")[:1500])
			case n.Data == "select":
				values.Set(name, portaltest.Hostile[5])
			}
		}
		for _, header := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Origin", "https://evil.example"}} {
			if a := v.submit(action, values, header...); a.status != http.StatusForbidden || !strings.Contains(a.body, "came from another site") {
				v.Errorf("%s from another site, by its %s: %d", action, header[0], a.status)
			}
		}
		a := v.submit(action, values)
		where := fmt.Sprintf("the form of %s to %s", path, action)
		if a.status >= 500 {
			v.Errorf("%s: %d %.300s", where, a.status, a.body)
		}
		if to := a.header.Get("Location"); strings.Contains(to, "://") || strings.HasPrefix(to, "//") {
			v.Errorf("%s: goes to %s", where, to)
		}
		if a.status == http.StatusSeeOther {
			a = v.visit(a.header.Get("Location"))
		}
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			v.page(where, a)
		}
	}
}
