package portal_test

import (
	"context"
	"encoding/json"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"html"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/openapi"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func openTour(t *testing.T) (*portaltest.Site, *tourist) {
	t.Helper()
	s, err := portaltest.Open(context.Background(), t.TempDir(), portaltest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, newTourist(t, s)
}

// download reads a file, and looks at what files are sent with.
func (v *tourist) download(path, kind string) string {
	v.Helper()
	a := v.visit(path)
	if got := a.header.Get("Content-Type"); a.status != 200 || got != kind || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment; ") || a.header.Get("X-Content-Type-Options") != "nosniff" {
		v.Fatalf("%s: %d, %s, %s: %s", path, a.status, got, a.header.Get("Content-Disposition"), a.body)
	}
	return a.body
}

func TestCatalogue_IsDownloadedInEveryForm(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	all, err := s.Service.EventTypes(context.Background(), service.EventTypeQuery{Schemas: true}, store.NamePage{Limit: 1000, Ascending: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		if !strings.HasPrefix(e.Name, "endpoint.") && !strings.HasPrefix(e.Name, "message.attempt.") && !strings.HasPrefix(e.Name, "background_task.") {
			names = append(names, e.Name)
		}
	}
	page := html.UnescapeString(v.visit("/portal/catalogue").body)
	for _, as := range []string{"openapi", "asyncapi", "schema", "typescript", "go"} {
		if !strings.Contains(page, `href="/portal/event-types/download?as=`+as+`"`) {
			t.Errorf("the page does not offer %s", as)
		}
	}

	// OpenAPI is what the gateway itself reads.
	hooks, err := openapi.Read([]byte(v.download("/portal/event-types/download?as=openapi", "application/json")))
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	for _, h := range hooks {
		read = append(read, h.Name)
		if h.Name == "order.shipped" && (!strings.Contains(string(h.Schema), `"parcels"`) || !strings.Contains(string(h.Schema), `"code"`) || h.GroupName == nil || *h.GroupName != "order") {
			t.Errorf("order.shipped is %s", h.Schema)
		}
	}
	slices.Sort(read)
	if !slices.Equal(read, names) {
		t.Errorf("OpenAPI has %v, want %v", read, names)
	}

	if a := v.visit("/portal/event-types/download?as=pdf"); a.status != 400 {
		t.Errorf("an unknown form: %d", a.status)
	}

	// Each schema says the same of payloads as in the catalogue.
	payload := `{"order":"A-1","parcels":[{"code":7}]}`
	for _, c := range []struct{ as, kind, at string }{{"schema", "application/schema+json", "#/definitions/"}, {"asyncapi", "application/json", "#/components/schemas/"}, {"openapi", "application/json", "#/components/schemas/"}} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(v.download("/portal/event-types/download?as="+c.as, c.kind)))
		if err != nil {
			t.Fatal(err)
		}
		compiler := jsonschema.NewCompiler()
		compiler.DefaultDraft(jsonschema.Draft7)
		if err := compiler.AddResource("file:///doc.json", doc); err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			compiled, err := compiler.Compile("file:///doc.json" + c.at + name)
			if err != nil {
				t.Errorf("%s, %s: %v", c.as, name, err)
				continue
			}
			if name != "order.shipped" {
				continue
			}
			wrong, _ := jsonschema.UnmarshalJSON(strings.NewReader(payload))
			right, _ := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(payload, "7", `"7"`, 1)))
			if err := compiled.Validate(right); err != nil {
				t.Errorf("%s refuses what is right: %v", c.as, err)
			}
			if compiled.Validate(wrong) == nil {
				t.Errorf("%s lets a code pass that is no text", c.as)
			}
		}
	}
	var async struct {
		AsyncAPI string
		Channels struct {
			Webhooks struct{ Messages map[string]map[string]string }
		}
		Components struct {
			Messages map[string]struct{ Payload, Headers map[string]string }
		}
	}
	if err := json.Unmarshal([]byte(v.download("/portal/event-types/download?as=asyncapi", "application/json")), &async); err != nil {
		t.Fatal(err)
	}
	if m := async.Components.Messages["order.shipped"]; async.AsyncAPI != "3.0.0" || len(async.Channels.Webhooks.Messages) != len(names) ||
		async.Channels.Webhooks.Messages["order.shipped"]["$ref"] != "#/components/messages/order.shipped" || m.Payload["$ref"] != "#/components/schemas/order.shipped" {
		t.Errorf("AsyncAPI %s: %d messages; %v", async.AsyncAPI, len(async.Channels.Webhooks.Messages), m)
	}

	// Go compiles.
	text := v.download("/portal/event-types/download?as=go", "text/plain; charset=utf-8")
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, "webhooks.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := (&types.Config{Importer: importer.ForCompiler(files, "source", nil)}).Check("events", files, []*ast.File{parsed}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"MessageInbound", "OrderShipped"} {
		if pkg.Scope().Lookup(name) == nil {
			t.Errorf("Go has no %s", name)
		}
	}

	// TypeScript is understood.
	text = v.download("/portal/event-types/download?as=typescript", "text/plain; charset=utf-8")
	if !strings.Contains(text, `"order.shipped": OrderShipped;`) || !strings.Contains(text, "export type OrderShipped = {") {
		t.Errorf("TypeScript: %.600s", text)
	}
	esbuild, err := filepath.Abs("../e2e/node/node_modules/.bin/esbuild")
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command(esbuild, "--loader=ts")
	build.Stdin = strings.NewReader(text)
	if out, err := build.CombinedOutput(); err != nil {
		if _, missing := err.(*exec.ExitError); !missing {
			storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
		}
		t.Errorf("TypeScript: %v\n%s", err, out)
	}
}

func TestEventType_SaysWhatAVersionChanged(t *testing.T) {
	t.Parallel()
	_, v := openTour(t)
	page := v.visit("/portal/catalogue/order.shipped")
	text := html.UnescapeString(page.body)
	for _, want := range []string{"since version 1", "Now also \"gls\".", "Not always there any more.", "Type integer before, number now.", ">parcels<", ">parcels.code<", "Always there.", ">note<", "Removed"} {
		if !strings.Contains(text, want) {
			t.Errorf("version 2 does not say %q", want)
		}
	}
	if first := v.visit("/portal/catalogue/order.shipped?version=1"); strings.Contains(first.body, "since version") {
		t.Error("the first version has changed something")
	}
}

func TestMessage_BecomesATestCase(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	path := s.Path("/portal/messages/{event}/test-case?as=")
	var list []struct {
		Received, Method, Path, Body, Secret, Signature string
		Headers                                         map[string]string
	}
	fixture := v.download(path+"fixture", "application/json")
	if err := json.Unmarshal([]byte(fixture), &list); err != nil || len(list) != 1 {
		t.Fatalf("%v: %s", err, fixture)
	}
	ev, err := s.Service.Event(context.Background(), s.App.Key, s.Names["event"])
	if err != nil {
		t.Fatal(err)
	}
	c := list[0]
	if c.Method != "POST" || c.Body != string(ev.Payload) || c.Headers["Webhook-Id"] != s.Names["event"] || c.Signature != "verified" || !strings.HasPrefix(c.Secret, "whsec_") {
		t.Errorf("the test case is %+v", c)
	}
	for _, e := range []string{s.Names["failing"], s.Names["good"]} {
		ep, err := s.Service.Endpoint(context.Background(), s.App.Key, e)
		if err != nil {
			t.Fatal(err)
		}
		if ep.Secrets[0].Secret.Reveal() == c.Secret {
			t.Error("it has the secret of an endpoint")
		}
	}
	if again := v.download(path+"fixture", "application/json"); again != fixture {
		t.Error("it is another one each time")
	}
	if text := v.download(path+"http", "text/plain; charset=utf-8"); !strings.HasPrefix(text, "POST /webhooks HTTP/1.1\r\n") || !strings.HasSuffix(text, string(ev.Payload)) {
		t.Errorf("as HTTP it is %s", text)
	}
	if text := v.download(path+"curl", "text/x-shellscript; charset=utf-8"); !strings.Contains(text, "curl ") {
		t.Errorf("as curl it is %s", text)
	}
	for path, want := range map[string]int{path + "exe": 400, s.Path("/portal/messages/{expired}/test-case?as=http"): 410} {
		if a := v.visit(path); a.status != want {
			t.Errorf("%s: %d, want %d", path, a.status, want)
		}
	}
}

func TestMessage_IsOpenedInPlay(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	a := v.submit(s.Path("/portal/messages/{event}/play"), url.Values{})
	if a.status != 303 || !strings.HasPrefix(a.header.Get("Location"), "/play/") {
		t.Fatalf("%d, to %s", a.status, a.header.Get("Location"))
	}
	if bin := v.visit(a.header.Get("Location")); bin.status != 200 || !strings.Contains(bin.body, s.Names["event"]) || !strings.Contains(bin.body, "erified") {
		t.Errorf("the bin: %d", bin.status)
	}
	framed := v.submit(s.Path("/portal/messages/{event}/play"), url.Values{}, "Sec-Fetch-Dest", "iframe")
	if to := framed.header.Get("Location"); framed.status != 303 || to != s.Path("/portal/messages/{event}") {
		t.Errorf("in a frame: %d, to %s", framed.status, to)
	}
	if a := v.submit(s.Path("/portal/messages/{expired}/play"), url.Values{}); a.status != 410 {
		t.Errorf("without payload: %d", a.status)
	}
}

func TestMessage_ThatIsNotThereSaysWhy(t *testing.T) {
	t.Parallel()
	s, v := openTour(t)
	ids := s.Service.IDs()
	old := hookswitch.KeyAt(time.Now().Add(-100 * 24 * time.Hour))
	young := hookswitch.KeyAt(time.Now().Add(-time.Hour))
	for ref, want := range map[string]struct {
		status int
		text   string
	}{
		ids.Format(hookswitch.KindEvent, old):        {410, "This message is of " + old.Time().UTC().Format("2 January 2006") + ". Messages are kept for 90 days"},
		ids.Format(hookswitch.KindEvent, young):      {404, "It belongs to another application, or was removed by request."},
		ids.Format(hookswitch.KindEvent, young)[:20]: {404, "is not the whole id of a message"},
		"invoice-4711": {404, "There is no message that you have given the id “invoice-4711”."},
	} {
		a := v.visit("/portal/messages/" + ref)
		text := html.UnescapeString(a.body)
		if a.status != want.status || !strings.Contains(text, want.text) || !strings.Contains(text, `href="/portal/logs"`) {
			t.Errorf("%s: %d, without %q", ref, a.status, want.text)
		}
	}
}
