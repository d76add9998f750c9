package portal

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/doctor"
	"github.com/hookswitch/hookswitch/internal/portal/snippets"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/webhook"
)

var endpointSigningRoutes = []route{
	{in: appPages, method: "GET", path: endpointPath + "/signing", name: "Signing", tab: "Signing", under: "/endpoints", handle: (*Pages).signing,
		samples: []string{"/endpoints/{rotated}/signing", "/endpoints/{endpoint}/signing?snippet=rust&headers=svix", "/endpoints/{failing}/signing?message={event}&attempt={attempt}"}},
	{in: appPages, method: "POST", path: endpointPath + "/signing/reveal", name: "Signing", tab: "", under: "/endpoints", needs: hookswitch.ViewEndpointSecret, handle: (*Pages).revealSecrets},
	{in: appPages, method: "POST", path: endpointPath + "/signing/rotate", name: "Rotate the secret", needs: hookswitch.ManageEndpointSecret, handle: (*Pages).rotateSecret},
	{in: appPages, method: "POST", path: endpointPath + "/signing/cut", name: "Cut an old secret", needs: hookswitch.ManageEndpointSecret, handle: (*Pages).cutSecret},
	{in: open, method: "GET", path: keysPath, name: "Key set", handle: (*Pages).keySet, data: true},
}

// keysPath is where receivers get the public keys of an endpoint.
const keysPath = "/keys/{app}/{endpoint}"

// secretRow is one secret of an endpoint.
type secretRow struct {
	Shown   string // the text, once it has been asked for
	ID      string // of the element with it
	Mark    string // the fingerprint
	Kind    string
	State   ui.Badge
	Until   time.Time // zero: for ever
	Current bool
	Public  string // the key for receivers, of a pair
}

// signingPage is how an endpoint's requests are signed, and how receivers check that.
type signingPage struct {
	*view
	Head     endpointHead
	Rows     []secretRow
	Shown    bool
	Reveal   ui.Action
	MayNot   string // rotate and cut
	Overlap  ui.Field
	Own      ui.Field
	Kind     ui.Field
	KeySet   string // where receivers get the public keys; "": there are none
	Problems ui.Problems
	Prefix   string
	Snippets []ui.Tab
	Headers  []ui.Tab
	Snippet  snippets.Snippet
	Code     ui.Code
	Doctor   doctorForm
	Public   string
}

// doctorForm is the form of the signature doctor, filled where an attempt is to be examined.
type doctorForm struct {
	Words                      string // of what it finds
	Headers, Body, Secret, Old ui.Field
	Attempt                    *ui.Link  // whose request it is
	Sent                       []byte    // the body that was sent
	At                         int64     // when, in seconds; 0: now
	Fill                       ui.Action // puts the secrets of the endpoint in
}

// Base64 is the body that was sent, for the script: text in a page loses its carriage returns.
func (f doctorForm) Base64() string { return base64.StdEncoding.EncodeToString(f.Sent) }

// doctor is the form, with the attempt that the address names. shown are the secrets where they were asked for.
func (v *view) doctor(e *hookswitch.Endpoint, shown []hookswitch.EndpointSecret) (f doctorForm, err error) {
	text := func(name, label, kind string, rows int) ui.Field {
		return ui.Field{ID: "doctor-" + name, Name: name, Label: label, Kind: kind, Rows: rows, Mono: true, Autocomplete: "off"}
	}
	f = doctorForm{Words: doctor.WordsJSON(), Headers: text("headers", "Headers", "textarea", 5), Body: text("body", "Body", "textarea", 7), Secret: text("secret", "Secret", "password", 0),
		Old: text("old", "Earlier secrets", "textarea", 2)}
	f.Headers.Holder, f.Secret.Holder = "webhook-id: msg_…\nwebhook-timestamp: 1760000000\nwebhook-signature: v1,…", "whsec_…"
	f.Body.Hint, f.Old.Hint = "As your server has it when it checks.", "One on each line."
	if v.query("attempt") == "" {
		return f, nil
	}
	ev, err := v.p.svc.Event(v.ctx(), v.App.Key, v.query("message"))
	if err != nil {
		return f, err
	}
	a, err := v.p.svc.Attempt(v.ctx(), v.App.Key, ev.Key, v.query("attempt"))
	if err != nil {
		return f, err
	}
	if a.Endpoint != e.Key {
		return f, hookswitch.NotFoundf("There is no such attempt at this endpoint.")
	}
	sent, _ := v.sentLines(a, ev, e)
	if why := noDoctor(ev, sent); why != "" {
		return f, hookswitch.Errorf(hookswitch.Gone, "%s", why)
	}
	for _, l := range sent {
		if l.Value != hookswitch.HiddenValue {
			f.Headers.Value += l.Name + ": " + l.Value + "\n"
		}
	}
	f.Headers.Rows, f.Headers.Hint = 9, "As they were sent. Put those in that your server received, if they differ."
	f.Sent, f.Body.Value, f.Body.Hint = ev.Payload, string(ev.Payload), "As it was sent. Put what your server has when it checks in its place, and the doctor tells how it differs."
	if f.At = a.SignedAt.Unix(); a.SignedAt.IsZero() {
		f.At = a.CreatedAt().Unix()
	}
	f.Attempt = &ui.Link{Name: "the attempt of " + a.CreatedAt().UTC().Format("2 Jan, 15:04:05 MST"), URL: v.Page("messages", v.query("message"), "attempts", v.query("attempt"))}
	f.Fill = ui.Action{Name: "Put the secret in", Icon: "lock", Post: true, Refused: v.MayNot("secrets.read"),
		URL: v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "signing", "reveal") + "?" + url.Values{"message": {v.query("message")}, "attempt": {v.query("attempt")}}.Encode() + "#doctor-title"}
	for i, s := range shown {
		if i == 0 {
			f.Secret.Value = s.Secret.Reveal()
		} else {
			f.Old.Value += s.Secret.Reveal() + "\n"
		}
	}
	return f, nil
}

// overlaps are how long an old secret may go on signing.
var overlaps = []string{"0s", "At once: the old one stops now", "1h", "1 hour", "24h", "24 hours", "72h", "3 days", "168h", "7 days"}

func (p *Pages) signing(v *view) error { return p.showSigning(v, http.StatusOK, nil, nil, nil) }

// showSigning shows the page, with the secrets where they were asked for, and with what was chosen in the form that rotates and is wrong with it.
func (p *Pages) showSigning(v *view, status int, shown []hookswitch.EndpointSecret, form url.Values, wrong map[string]string) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	h, _, err := p.svc.HealthOfEndpoint(v.ctx(), e)
	if err != nil {
		return err
	}
	page := &signingPage{view: v, Head: v.endpointHead(h), Shown: shown != nil, MayNot: v.MayNot("secrets.write"), Prefix: snippets.Prefixes[0]}
	if page.Doctor, err = v.doctor(e, shown); err != nil {
		return err
	}
	for i, s := range e.Secrets {
		if i > 0 && !s.ExpiresAt.After(v.Now) {
			continue
		}
		page.Rows = append(page.Rows, newSecretRow(i, s, shown))
	}
	for i, r := range page.Rows {
		if i == 0 {
			page.Public = r.Public
		}
		if r.Public != "" {
			page.KeySet = p.svc.PublicURL() + "/keys/" + v.AppID() + "/" + page.Head.ID
		}
	}
	page.Reveal = ui.Action{Name: "Show secrets", Icon: "lock", Post: true, URL: v.Page("endpoints", page.Head.ID, "signing", "reveal"), Refused: v.MayNot("secrets.read")}
	if page.Shown {
		page.Reveal = ui.Action{Name: "Hide secrets", Icon: "lock", URL: v.Page("endpoints", page.Head.ID, "signing")}
	}
	page.Overlap = ui.Field{ID: "overlap", Name: "overlap", Label: "The old one signs along for", Kind: "select", Options: options(cmp.Or(form.Get("overlap"), "24h"), overlaps...), Refused: page.MayNot,
		Hint: "Meanwhile each request bears both signatures, so that your servers can change over one by one."}
	page.Own = ui.Field{ID: "secret", Name: "secret", Label: "Secret of your own", Optional: true, Mono: true, Autocomplete: "off", Holder: "made for you", Problem: wrong["secret"], Refused: page.MayNot,
		Hint: "whsec_ and 24 to 75 bytes in base64, or whsk_ and an ed25519 key."}
	page.Kind = ui.Field{ID: "kind", Name: "kind", Label: "The new one is", Kind: "select", Options: options(form.Get("kind"), "", "Of the same kind", "hmac", "HMAC-SHA256: one secret for both sides", signEd25519, "ed25519: a public key for your server"), Refused: page.MayNot,
		Hint: "With ed25519 your server cannot sign what it checks."}
	if wrong != nil {
		page.Problems = ui.Problems{Title: "The secret was not rotated", List: []ui.Problem{{Field: "secret", Text: wrong["secret"]}}}
	}
	if q := v.query("headers"); q == snippets.Prefixes[1] {
		page.Prefix = q
	}
	page.Snippet = snippets.Find(v.query("snippet"))
	base := v.Page("endpoints", page.Head.ID, "signing")
	for _, s := range snippets.All {
		page.Snippets = append(page.Snippets, ui.Tab{Name: s.Name, URL: base + "?snippet=" + s.ID + "&headers=" + page.Prefix + "#code", Current: s.ID == page.Snippet.ID})
	}
	for _, prefix := range snippets.Prefixes {
		page.Headers = append(page.Headers, ui.Tab{Name: prefix + "-…", URL: base + "?snippet=" + page.Snippet.ID + "&headers=" + prefix + "#code", Current: prefix == page.Prefix})
	}
	page.Code = ui.Code{ID: "snippet", Label: page.Snippet.File, Text: strings.TrimRight(page.Snippet.Text(page.Prefix), "\n")}
	v.Shell.Script = "doctor.js"
	if v.Shell.Title = "Signing · " + page.Head.Name; page.Shown {
		page.Head.Tabs = currentTab(page.Head.Tabs, "Signing")
	}
	v.api(http.MethodGet, "/app/"+v.AppID()+"/endpoint/"+page.Head.ID+"/secret", "hookswitch endpoint secret --app "+v.AppID()+" "+page.Head.ID)
	return v.write(status, "app/endpoint-signing", page)
}

// currentTab marks a tab, where the answer to a form shows its page.
func currentTab(tabs []ui.Tab, name string) []ui.Tab {
	for i := range tabs {
		tabs[i].Current = tabs[i].Name == name
	}
	return tabs
}

func newSecretRow(i int, s hookswitch.EndpointSecret, shown []hookswitch.EndpointSecret) secretRow {
	r := secretRow{Mark: service.Fingerprint(s.Secret), Current: i == 0, Until: s.ExpiresAt, Kind: "HMAC-SHA256", State: ui.Badge{Tone: ui.Good, Word: "Current", Icon: "key"}}
	r.ID = "secret-" + r.Mark
	if i > 0 {
		r.State = ui.Badge{Tone: ui.Warn, Word: "Old", Icon: "clock"}
	}
	if sec, err := webhook.ParseSecret(s.Secret.Reveal()); err == nil {
		if r.Public = sec.Public(); r.Public != "" {
			r.Kind = "ed25519"
		}
	}
	for _, known := range shown {
		if known.Secret == s.Secret {
			r.Shown = known.Secret.Reveal()
		}
	}
	return r
}

// revealSecrets shows the secrets, and notes that it did.
func (p *Pages) revealSecrets(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	list, err := p.svc.RevealSecrets(v.ctx(), v.App.Key, e.Key)
	if err != nil {
		return err
	}
	return p.showSigning(v, http.StatusOK, list, nil, nil)
}

func (p *Pages) rotateSecret(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	grace, err := time.ParseDuration(form.Get("overlap"))
	if err != nil || grace < 0 || grace > 7*24*time.Hour {
		return hookswitch.Errorf(hookswitch.Invalid, "Choose one of the overlaps.")
	}
	var secret webhook.Secret
	if own := strings.TrimSpace(form.Get("secret")); own != "" {
		if secret, err = webhook.ParseSecret(own); err != nil || !secret.CanSign() {
			return p.showSigning(v, http.StatusUnprocessableEntity, nil, form, map[string]string{"secret": "Your own secret has to be whsec_ and 24 to 75 bytes in base64, or whsk_ and an ed25519 key."})
		}
	} else {
		switch form.Get("kind") {
		case "hmac":
			secret = webhook.NewSecret()
		case signEd25519:
			secret = webhook.NewSigningKey()
		}
	}
	if err := p.svc.RotateSecret(v.ctx(), v.App.Key, e.Key, secret, grace, service.Idempotency{}); err != nil {
		return err
	}
	said := "Rotated. The old secret has stopped signing."
	if grace > 0 {
		said = "Rotated. The old secret signs along for " + ui.Span(grace) + "."
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "signing"), ui.Good, said+" Give the new one to your server.")
}

// keySet answers with the public keys of an endpoint's pairs as a JSON Web Key Set (RFC 7517, RFC 8037), the current one first, so that receivers can follow a rotation by themselves.
func (p *Pages) keySet(v *view) error {
	none := hookswitch.NotFoundf("There is no such key set.")
	app, ok := p.svc.IDs().Parse(hookswitch.KindApp, v.r.PathValue("app")) // ids alone: uids can be guessed
	if _, known := p.svc.IDs().Parse(hookswitch.KindEndpoint, v.r.PathValue("endpoint")); !ok || !known {
		return none
	}
	e, err := p.svc.Endpoint(v.ctx(), app, v.r.PathValue("endpoint"))
	if err != nil {
		return none
	}
	type key struct {
		Type  string `json:"kty"`
		Curve string `json:"crv"`
		Alg   string `json:"alg"`
		Use   string `json:"use"`
		ID    string `json:"kid"`
		X     string `json:"x"`
	}
	keys := []key{}
	for i, s := range e.Secrets {
		sec, err := webhook.ParseSecret(s.Secret.Reveal())
		if err != nil || sec.Public() == "" || i > 0 && !s.ExpiresAt.After(v.Now) {
			continue
		}
		_, text, _ := strings.Cut(sec.Public(), "_")
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return err
		}
		keys = append(keys, key{"OKP", "Ed25519", "EdDSA", "sig", service.Fingerprint(s.Secret), base64.RawURLEncoding.EncodeToString(raw)})
	}
	if len(keys) == 0 {
		return none
	}
	body, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		return err
	}
	v.w.Header().Set("Content-Type", "application/jwk-set+json")
	v.w.Header().Set("Cache-Control", "public, max-age=300")
	_, _ = v.w.Write(body) // the reader may have gone
	return nil
}

func (p *Pages) cutSecret(v *view) error {
	form, e, err := v.endpointForm()
	if err != nil {
		return err
	}
	if err := p.svc.CutSecret(v.ctx(), v.App.Key, e.Key, form.Get("mark")); err != nil {
		return err
	}
	return v.done(v.Page("endpoints", v.ID(hookswitch.KindEndpoint, e.Key), "signing"), ui.Good, "Cut. Requests are signed with the current secret alone from now on.")
}
