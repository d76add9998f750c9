package portal_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// publish publishes events of the types to the App.
func (c *customer) publish(types ...string) {
	c.t.Helper()
	for _, kind := range types {
		if _, err := c.site.Service.PublishEvent(context.Background(), c.site.App, service.Publish{Type: kind, Payload: []byte(`{"order":17}`)}, service.Idempotency{}); err != nil {
			c.t.Fatal(err)
		}
	}
}

// describe puts event types into the catalogue.
func (c *customer) describe(types ...string) {
	c.t.Helper()
	for _, name := range types {
		if _, err := c.site.Service.CreateEventType(context.Background(), hookswitch.EventType{Name: name}, service.Idempotency{}); err != nil {
			c.t.Fatal(err)
		}
	}
}

func (c *customer) says(body string, list ...string) {
	c.t.Helper()
	body = html.UnescapeString(body)
	for _, want := range list {
		if !strings.Contains(body, want) {
			c.t.Errorf("the page does not say %q", want)
		}
	}
}

func TestRecover_SaysHowMuchHowLongAndWhatGoesFirst(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	off := func(is bool) {
		if _, err := c.site.Service.UpdateEndpoint(context.Background(), c.site.App.Key, c.endpoint.Key, func(e *hookswitch.Endpoint) error {
			e.Disabled = is
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	off(true)
	for range 4 {
		c.publish("order.paid", "order.sent", "invoice.paid")
	}
	off(false)
	c.says(c.get(c.base+"/recover?what=never&last=1h&rate=2"), "12 events will be sent.", "<dt>Size</dt><dd>144 bytes</dd>", "<dt>Takes</dt><dd>≈ 6 s</dd>", "The first 10 go alone. The other 2 follow when all of those got through.",
		`"canary":10`, `"onlyOwed":true`, "hookswitch endpoint recover --app "+c.site.Service.IDs().Format(hookswitch.KindApp, c.site.App.Key), "--what never")
	if body := c.get(c.base + "/recover?what=never&last=1h&canary=0"); strings.Contains(body, "go alone") {
		t.Error("some go alone where all are to go at once")
	}
	c.says(c.get(c.base+"/recover?what=never&last=1h&text=order%3A17&types=some&type=invoice.paid"), "4 events will be sent.")
	c.says(c.get(c.base+"/recover?what=never&last=1h&text=order%3A18"), "Nothing in that time fits what it is narrowed to.")
	c.says(c.get(c.base+"/recover?what=never&last=1h&tag=vip"), "Nothing in that time fits what it is narrowed to.")
	if status, body, _ := c.do("GET", c.base+"/recover?what=never&last=1h&text=status%3Afailed", nil); status != 422 || !strings.Contains(body, "Text in the payload may have") {
		t.Errorf("a condition as text answers %d", status)
	}
	// What has the form of a time in another zone comes back in the one that browsers read.
	c.says(c.get(c.base+"/recover?from="+url.QueryEscape(time.Now().Add(-time.Hour).In(time.FixedZone("", 3*3600)).Format(time.RFC3339))), `value="`+time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04"))

	from := time.Now().Add(-time.Hour).UTC().Format("2006-01-02T15:04")
	c.done(c.base+"/recover", url.Values{"what": {"never"}, "from": {from}, "rate": {"1"}, "canary": {"10"}, "types": {"some"}, "other": {"order.paid"}})
	list := func() []*hookswitch.Task {
		tasks, err := c.site.Service.Recoveries(context.Background(), c.site.App.Key, c.endpoint.Key, 10)
		if err != nil {
			t.Fatal(err)
		}
		return tasks
	}
	id := c.site.Service.IDs().Format(hookswitch.KindTask, list()[0].Key)
	c.says(c.get(c.base+"/recover"), "order.paid · 1 a second · 10 first", "0 of 4")
	if status, _, _ := c.post(c.base+"/recover/resume", url.Values{"task": {id}}); status != 409 {
		t.Errorf("going on with one that runs answers %d", status)
	}
	c.done(c.base+"/recover/cancel", url.Values{"task": {id}})
	c.says(c.get(c.base+"/recover"), "/recover/resume")
	c.done(c.base+"/recover/resume", url.Values{"task": {id}})
	if tasks := list(); len(tasks) != 2 || tasks[0].Total != 4 {
		t.Fatalf("after going on: %+v", tasks)
	}
	body := c.get(c.base + "/recover")
	c.says(body, "goes on with an earlier one")
	if strings.Contains(body, "/recover/resume") {
		t.Error("what was gone on with is offered again")
	}
}

func TestAddEndpoint_TakesTypesByGroupAndByName(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	c.describe("order.paid", "order.sent")
	all, err := c.site.Service.EventTypes(context.Background(), service.EventTypeQuery{}, store.NamePage{Limit: 500, Ascending: true})
	if err != nil {
		t.Fatal(err)
	}
	var messages []string
	for _, kind := range all {
		if strings.HasPrefix(kind.Name, "message.") && !strings.HasPrefix(kind.Name, "message.attempt.") { // those are the operator's
			messages = append(messages, kind.Name)
		}
	}
	if len(messages) < 3 {
		t.Fatalf("the catalogue has %v", messages)
	}
	newest := func() *hookswitch.Endpoint {
		list, err := c.site.Service.Endpoints(context.Background(), c.site.App.Key, store.Page{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		return list[0]
	}
	c.done("/portal/endpoints/new", url.Values{"url": {c.endpoint.URL}, "types": {"some"}, "other": {"message.*, order.paid"}})
	if got := newest().EventTypes; !slices.Equal(got, append(slices.Clone(messages), "order.paid")) {
		t.Errorf("got %v", got)
	}
	group := all[slices.IndexFunc(all, func(k *hookswitch.EventType) bool { return k.Name == messages[0] })].GroupName
	slices.Sort(messages)
	if group == "" {
		group = "message"
	}
	c.done("/portal/endpoints/new", url.Values{"url": {c.endpoint.URL}, "types": {"some"}, "group": {group}, "type": {"order.sent"}})
	made := newest()
	if !slices.Contains(made.EventTypes, messages[0]) || !slices.Contains(made.EventTypes, "order.sent") {
		t.Errorf("got %v", made.EventTypes)
	}
	if status, body, _ := c.post("/portal/endpoints/new", url.Values{"url": {c.endpoint.URL}, "types": {"some"}, "other": {"nothing.*"}}); status != 422 || !strings.Contains(body, "nothing in the catalogue begins as in nothing.*") {
		t.Errorf("a name for nothing answers %d", status)
	}
	// A type that the catalogue does not have any more is not lost when something else is changed.
	if err := c.site.Service.ArchiveEventType(context.Background(), "order.sent"); err != nil {
		t.Fatal(err)
	}
	base := "/portal/endpoints/" + c.site.Service.IDs().Format(hookswitch.KindEndpoint, made.Key)
	c.says(c.get(base+"/settings"), "Not in the catalogue", `value="order.sent" checked`)
}

func TestAddEndpoint_PreviewsChecksAndTests(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	c.publish("order.paid", "order.paid", "order.sent")
	preview := func(form url.Values) string {
		status, body, _ := c.post("/portal/endpoints/preview", form)
		if status != 200 {
			t.Fatalf("the preview answers %d", status)
		}
		return body
	}
	c.says(preview(url.Values{"types": {"all"}}), "matched 3 of the 3 events")
	c.says(preview(url.Values{"types": {"some"}, "type": {"order.paid"}}), "matched 2 of the 3 events")
	c.says(preview(url.Values{"types": {"some"}}), "matched 0 of the 3 events")
	c.says(preview(url.Values{"types": {"all"}, "tags": {"vip"}}), "matched 0 of the 3 events")

	status, body, _ := c.post("/portal/endpoints/new", url.Values{"url": {"ftp://x"}, "types": {"all"}, "name": {"Keep me"}, "do": {"check"}})
	if status != 200 {
		t.Errorf("checking answers %d", status)
	}
	c.says(body, "The address must start with http:// or https://.", `value="Keep me"`)

	status, _, header := c.post("/portal/endpoints/new", url.Values{"url": {c.endpoint.URL}, "types": {"all"}, "signature": {"ed25519"}, "do": {"test"}})
	if status != 303 || !strings.HasPrefix(header.Get("Location"), "/portal/messages/msg_") {
		t.Fatalf("creating and testing answers %d %s", status, header.Get("Location"))
	}
	list, err := c.site.Service.Endpoints(context.Background(), c.site.App.Key, store.Page{Limit: 1})
	if err != nil || !strings.HasPrefix(list[0].Secrets[0].Secret.Reveal(), "whsk_") {
		t.Fatalf("the new one signs with %v, %v", list, err)
	}

	// Its public keys are there for everybody who knows its id, and follow a rotation.
	id := c.site.Service.IDs().Format(hookswitch.KindEndpoint, list[0].Key)
	path := "/keys/" + c.site.Service.IDs().Format(hookswitch.KindApp, c.site.App.Key) + "/" + id
	c.says(c.get("/portal/endpoints/"+id+"/signing"), path)
	c.done("/portal/endpoints/"+id+"/signing/rotate", url.Values{"overlap": {"1h"}})
	var set struct {
		Keys []struct{ Kty, Crv, X string }
	}
	if err := json.Unmarshal([]byte(c.get(path)), &set); err != nil || len(set.Keys) != 2 {
		t.Fatalf("the key set is %+v, %v", set, err)
	}
	for _, k := range set.Keys {
		if raw, err := base64.RawURLEncoding.DecodeString(k.X); err != nil || len(raw) != ed25519.PublicKeySize || k.Kty != "OKP" || k.Crv != "Ed25519" {
			t.Errorf("the key %+v: %v", k, err)
		}
	}
	c.done("/portal/endpoints/"+id+"/signing/rotate", url.Values{"overlap": {"0s"}, "kind": {"hmac"}})
	if now, err := c.site.Service.Endpoint(context.Background(), c.site.App.Key, id); err != nil || !strings.HasPrefix(now.Secrets[0].Secret.Reveal(), "whsec_") {
		t.Errorf("after a rotation to a shared secret: %v", err)
	}
	for _, none := range []string{"/keys/acme/" + id, "/keys/" + strings.Split(path, "/")[2] + strings.TrimPrefix(c.base, "/portal/endpoints")} {
		if status, _, _ := c.do("GET", none, nil); status != 404 {
			t.Errorf("%s answers %d", none, status)
		}
	}
}

func TestSettings_WhatWasSavedCanBeUndone(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	c.describe("order.paid")
	was := c.now()
	status, body, _ := c.post(c.base+"/settings", url.Values{"url": {c.endpoint.URL}, "name": {"CRM"}, "types": {"some"}, "type": {"order.paid"}, "tags": {"vip"}, "rate": {"7"}, "auth": {"keep"}, "headers": {"X-Zone: b"}, "do": {"save"}})
	if status != 200 {
		t.Fatalf("saving answers %d %s", status, problemsOf(body))
	}
	c.says(body, "Saved: Name, Event types, Tags, Rate, Header X-Region, Header X-Zone.", "What was changed", "<ins>7 a second</ins>", "Undo")
	// The form behind Undo.
	_, after, _ := strings.Cut(body, `id="saved"`)
	after, _, _ = strings.Cut(after, "</form>")
	form := url.Values{"do": {"save"}}
	for _, part := range strings.Split(after, `<input type="hidden" name="`)[1:] {
		name, rest, _ := strings.Cut(part, `" value="`)
		value, _, _ := strings.Cut(rest, `">`)
		form.Add(name, html.UnescapeString(value))
	}
	if status, _, _ := c.post(c.base+"/settings", form); status != 200 {
		t.Fatalf("undoing answers %d", status)
	}
	now := c.now()
	if now.Description != was.Description || now.EventTypes != nil || now.Tags != nil || now.ThrottleRate != 0 || now.Headers["X-Region"] != "eu" || now.Headers["X-Zone"] != "" || now.Headers["Authorization"] != "Bearer very-secret" {
		t.Errorf("after undoing: %+v", now)
	}
}

func TestDeliveries_WhatMatchesIsSentByARecovery(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	c.answer = 500
	for range 2 {
		ev, err := c.site.Service.PublishEvent(context.Background(), c.site.App, service.Publish{Type: "order.paid", Payload: []byte(`{"order":17}`)}, service.Idempotency{})
		if err != nil {
			t.Fatal(err)
		}
		list, err := c.site.Store.ClaimDue(context.Background(), store.ClaimRequest{Kind: hookswitch.DeliverWebhook, Now: time.Now(), Lease: time.Now().Add(time.Hour), Max: 10, PerTarget: func(hookswitch.Key) int { return 10 }})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list.Deliveries {
			c.site.Service.Record(&store.Outcome{Kind: d.Kind, App: d.App, Subject: d.Subject, Target: d.Target, Claim: d.Claim, Verdict: store.Exhausted,
				Attempt: &hookswitch.Attempt{Key: c.site.Service.NextKey(), App: d.App, Event: ev.Key, Endpoint: d.Target, Code: 500}})
		}
		_ = c.site.Store.Accept(&store.Accept{}) // commits what waits, and is refused
	}
	for q, want := range map[string]string{
		"status:failed code:5xx":           "what=failed&answers=500",
		"type:order.* order:17":            "what=all&text=order:17&types=some&other=order.*",
		"status:failed channel:sms":        `what=failed&text=""channel":"sms""`,
		"status:failed channel:vip":        "what=failed&tag=vip",
		"status:delivered":                 "what=all&answers=200",
		"code:none after:2026-11-01T10:00": "what=all&answers=0&from=2026-11-01T10:00",
	} {
		body := html.UnescapeString(c.get(c.base + "/deliveries?q=" + url.QueryEscape(q)))
		_, link, found := strings.Cut(body, `href="`+c.base+`/recover?`)
		if !found {
			if strings.Contains(q, "5xx") || strings.Contains(q, "order:17") {
				t.Errorf("%s: nothing leads to a recovery", q)
			}
			continue // nothing matches
		}
		link, _, _ = strings.Cut(link, `"`)
		got, _ := url.ParseQuery(link)
		for _, part := range strings.Split(want, "&") {
			if name, value, _ := strings.Cut(part, "="); got.Get(name) != value {
				t.Errorf("%s: %s is %q, want %q", q, name, got.Get(name), value)
			}
		}
	}
	for _, q := range []string{"", "code:503", "message:x", "code:5xx code:4xx"} {
		if body := c.get(c.base + "/deliveries?q=" + url.QueryEscape(q)); strings.Contains(body, "Send all that match") {
			t.Errorf("%q leads to a recovery that would send something else", q)
		}
	}
	c.says(c.get(c.base+"/recover?what=failed&last=1h&text=order%3A17"), "2 events will be sent.")
}

func TestEndpoints_AreFoundHoweverManyThereAre(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	for i := range 230 {
		e := hookswitch.Endpoint{URL: "https://receiver.example/hook", Description: fmt.Sprintf("Branch %03d", i), Disabled: i < 3}
		if _, err := c.site.Service.CreateEndpoint(context.Background(), c.site.App.Key, e, service.Idempotency{}); err != nil {
			t.Fatal(err)
		}
	}
	names := func(body string) (list []string) {
		for _, part := range strings.Split(body, `aria-label="Choose `)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			list = append(list, name)
		}
		return list
	}
	older := func(body string) string {
		before, _, found := strings.Cut(body, `" rel="next">Older`)
		if !found {
			return ""
		}
		return html.UnescapeString(before[strings.LastIndex(before, `href="`)+len(`href="`):])
	}
	var all []string
	for path := "/portal/endpoints"; path != ""; {
		body := c.get(path)
		all = append(all, names(body)...)
		path = older(body)
	}
	if len(all) != 231 || all[0] != "Branch 229" || all[229] != "Branch 000" {
		t.Errorf("%d endpoints on all pages, from %s", len(all), all[0])
	}
	if got := names(c.get("/portal/endpoints?q=branch+001")); !slices.Equal(got, []string{"Branch 001"}) {
		t.Errorf("the search finds %v", got)
	}
	if got := names(c.get("/portal/endpoints?state=disabled")); !slices.Equal(got, []string{"Branch 002", "Branch 001", "Branch 000"}) {
		t.Errorf("those that are off: %v", got)
	}
	c.says(c.get("/portal/endpoints?q=nothing-like-it"), "No endpoint matches")
}

// problemsOf is what the summary of a form says.
func problemsOf(body string) string {
	_, after, _ := strings.Cut(body, `id="problems"`)
	list, _, _ := strings.Cut(after, "</div>")
	return list
}

func TestForms_KeepWhatWasChosenWhenTheyAreRefused(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	for _, form := range []struct {
		path string
		sent url.Values
		want []string
	}{
		{c.base + "/signing/rotate", url.Values{"secret": {"mine"}, "overlap": {"0s"}, "kind": {"ed25519"}}, []string{`value="0s" selected`, `value="ed25519" selected`}},
		{"/portal/access/tokens", url.Values{"name": {""}, "rights": {"resend"}, "life": {"168"}}, []string{`value="resend" selected`, `value="168" selected`}},
	} {
		status, body, _ := c.post(form.path, form.sent)
		if status != 422 {
			t.Errorf("%s answers %d", form.path, status)
		}
		c.says(body, form.want...)
	}
	bin, err := c.site.Service.CreateBin(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	status, body, _ := c.post("/play/"+bin.Token+"/share", url.Values{"password": {strings.Repeat("x", 5000)}, "life": {"1"}})
	if status != 422 {
		t.Errorf("a long password answers %d", status)
	}
	c.says(body, `value="1" selected`)
}

func TestSettings_WhatNobodyTouchedStaysAsProgramsWroteIt(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, hookswitch.AllCapabilities)
	const name = "CRM \nof Nairobi"
	metadata := map[string]string{"note": " one\ntwo = 2", "a=b": "c"}
	if _, err := c.site.Service.UpdateEndpoint(context.Background(), c.site.App.Key, c.endpoint.Key, func(e *hookswitch.Endpoint) error {
		e.Description, e.Metadata = name, metadata
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	// As browsers send what they were shown.
	form := url.Values{"url": {c.endpoint.URL}, "name": {"CRM of Nairobi"}, "types": {"all"}, "rate": {"7"}, "auth": {"keep"}, "headers": {"X-Region: eu"}, "metadata": {"a=b = c\r\nnote =  one\r\ntwo = 2"}, "do": {"save"}}
	status, body, _ := c.post(c.base+"/settings", form)
	if status != 200 {
		t.Fatalf("saving answers %d %s", status, problemsOf(body))
	}
	c.says(body, "Saved: Rate.")
	if now := c.now(); now.Description != name || !maps.Equal(now.Metadata, metadata) || now.ThrottleRate != 7 {
		t.Errorf("after a change of the rate: %q %q, %d a second", now.Description, now.Metadata, now.ThrottleRate)
	}
	form.Set("name", "CRM")
	form.Set("metadata", "team = payments")
	if status, body, _ := c.post(c.base+"/settings", form); status != 200 {
		t.Fatalf("changing answers %d %s", status, problemsOf(body))
	}
	if now := c.now(); now.Description != "CRM" || !maps.Equal(now.Metadata, map[string]string{"team": "payments"}) {
		t.Errorf("after a change of name and metadata: %q %q", now.Description, now.Metadata)
	}
}
