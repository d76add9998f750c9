package simulate_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// The adapter and the stand-in, about templates and accounts.
func TestGraph_TemplatesAndAccounts(t *testing.T) {
	t.Parallel()
	secret := hookswitch.Secret("app-secret")
	w := simulate.WhatsApp{AppSecret: secret, PhoneNumberID: "106", WABAID: "102", DisplayPhone: "+254 712 345678"}
	pushes := make(chan *hookswitch.Push, 8)
	door := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		pushes <- &hookswitch.Push{Method: r.Method, URL: r.URL, Header: r.Header, Body: body}
	}))
	defer door.Close()
	g := simulate.NewGraph(simulate.GraphOptions{Accounts: []simulate.WhatsApp{w}, Direct: []simulate.Direct{{Channel: hookswitch.Messenger, ID: "900"}}, Token: "T", Callback: door.URL})
	api := httptest.NewServer(g)
	defer api.Close()
	done := make(chan error, 1)
	ctx := t.Context()
	go func() { done <- g.Run(ctx) }()
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
	defer client.Close()
	p := meta.New(meta.Options{BaseURL: api.URL, HTTP: client})
	route := &hookswitch.Route{Channel: hookswitch.WhatsApp, Provider: "meta", Credentials: hookswitch.Credentials{"app_secret": {secret.Reveal()}, "access_token": {"T"}, "waba_id": {"102"},
		"phone_number_id": {"106"}}}

	tpl := &hookswitch.Template{Name: "order_update", Language: "en", Body: "Hi {{who}}, order {{number}}", Category: hookswitch.TemplateUtility, Footer: "Thanks", HeaderType: "text",
		HeaderContent: "News", Buttons: []hookswitch.TemplateButton{{Type: "url", Text: "Track", URL: "https://example.com/{{1}}", Example: "42"}, {Type: "quick_reply", Text: "Stop"},
			{Type: "phone", Text: "Call", PhoneNumber: "+15551234567"}}}
	news, err := p.SubmitTemplate(ctx, route, tpl)
	if err != nil || news.ID == "" || news.Account != "102" || news.Status != hookswitch.TemplatePending {
		t.Fatalf("submitted: %+v, %v", news, err)
	}
	if _, err := p.SubmitTemplate(ctx, route, tpl); hookswitch.KindOf(err) != hookswitch.Conflict {
		t.Errorf("submitted twice: %v", err)
	}
	push := <-pushes
	if err := p.Verify(push, route.Credentials); err != nil {
		t.Fatal(err)
	}
	updates, err := p.Parse(push)
	if err != nil || len(updates) != 1 {
		t.Fatalf("%d updates, %v", len(updates), err)
	}
	if diff := cmp.Diff(&hookswitch.TemplateNews{Account: "102", ID: news.ID, Name: "order_update", Language: "en", Status: hookswitch.TemplateApproved, Word: "APPROVED"}, updates[0].Template); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if updates[0].At.IsZero() || updates[0].Dedup == "" {
		t.Errorf("%+v", updates[0])
	}
	if _, err := p.SubmitTemplate(ctx, route, &hookswitch.Template{Name: "rejected_one", Language: "en", Body: "x", Category: hookswitch.TemplateMarketing}); err != nil {
		t.Fatal(err)
	}
	updates, err = p.Parse(<-pushes)
	if err != nil || updates[0].Template.Status != hookswitch.TemplateRejected || updates[0].Template.Reason != "INVALID_FORMAT" {
		t.Errorf("rejected: %+v, %v", updates, err)
	}
	list, err := p.Templates(ctx, route)
	if err != nil || len(list) != 2 {
		t.Fatalf("%d templates, %v", len(list), err)
	}
	want := *tpl
	want.Body, want.Status = "Hi {{1}}, order {{2}}", hookswitch.TemplateApproved
	want.Buttons = slices.Clone(tpl.Buttons)
	want.Buttons[0].Example = "https://example.com/42"
	want.Provider = hookswitch.TemplateAtProvider{Account: "102", ID: news.ID, Name: "order_update", Status: "APPROVED"}
	if diff := cmp.Diff(&want, list[0]); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}

	account, err := p.Connect(ctx, hookswitch.WhatsApp, route.Credentials)
	if diff := cmp.Diff(hookswitch.ConnectedAccount{Channel: hookswitch.WhatsApp, ID: "106", Name: "Demo Business", Parent: "102", Phone: "+254712345678"}, account); diff != "" || err != nil {
		t.Errorf("connected: %v (-want +got):\n%s", err, diff)
	}
	page, err := p.Connect(ctx, hookswitch.Messenger, hookswitch.Credentials{"page_id": {"900"}, "access_token": {"T"}})
	if err != nil || page.ID != "900" || page.Name != "Demo Page" {
		t.Errorf("a page: %+v, %v", page, err)
	}
	for field, c := range map[string]hookswitch.Credentials{
		"phone_number_id":  {"access_token": {"T"}, "waba_id": {"102"}, "phone_number_id": {"107"}},
		"phone_number_id ": {"access_token": {"wrong"}, "waba_id": {"102"}, "phone_number_id": {"106"}},
		"waba_id":          {"access_token": {"T"}, "waba_id": {"103"}, "phone_number_id": {"106"}},
		"waba_id ":         {"access_token": {"T"}, "waba_id": {"../me"}, "phone_number_id": {"106"}},
		"access_token":     {"waba_id": {"102"}, "phone_number_id": {"106"}},
	} {
		_, err := p.Connect(ctx, hookswitch.WhatsApp, c)
		if hookswitch.KindOf(err) != hookswitch.Invalid || !strings.Contains(err.Error(), "body."+strings.TrimSpace(field)) {
			t.Errorf("%s: %v", field, err)
		}
	}
	api.Close()
	if _, err := p.Templates(ctx, route); hookswitch.KindOf(err) != hookswitch.Unavailable {
		t.Errorf("Meta is away: %v", err)
	}
}

func TestSubmitTemplate_RefusesWhatWhatsAppCannotHave(t *testing.T) {
	t.Parallel()
	p := meta.New(meta.Options{})
	for name, tpl := range map[string]*hookswitch.Template{
		"name":       {Name: "Order Update", Language: "en", Body: "x", Category: hookswitch.TemplateUtility},
		"headerType": {Name: "order", Language: "en", Body: "x", Category: hookswitch.TemplateUtility, HeaderType: "image", HeaderContent: "https://example.com/a.jpg"},
	} {
		_, err := p.SubmitTemplate(t.Context(), &hookswitch.Route{}, tpl)
		if hookswitch.KindOf(err) != hookswitch.Invalid || !strings.Contains(err.Error(), "body."+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
