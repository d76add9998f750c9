package operator_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/operator"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/provider/all"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/simulate"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const (
	token  = "hsk_test"
	public = "https://hooks.example.com"
)

// object is a JSON object as a client sees it.
type object = map[string]any

// api is the API over a real store.
type api struct {
	*testing.T
	service *service.Service
	store   *store.Store
	handler http.Handler
}

func newAPI(t *testing.T, db *storetest.DB) *api {
	t.Helper()
	st := db.Open()
	providers := all.Providers(all.Options{})
	s, err := service.New(service.Options{Store: st, Providers: providers, PublicURL: public, Profiles: map[hookswitch.ProfileName]hookswitch.Profile{
		hookswitch.ProfileSvix: hookswitch.SvixProfile(), hookswitch.ProfileZavu: hookswitch.ZavuProfile()}})
	if err != nil {
		t.Fatal(err)
	}
	return &api{t, s, st, operator.New(operator.Options{Service: s, Token: token, Providers: providers, Strays: st.Strays,
		Settings: []operator.Setting{{Name: "listen", Value: "127.0.0.1:0"}}})}
}

// try makes a request and returns the status and the answer.
func (a *api) try(method, path, body string) (int, []byte) {
	a.Helper()
	r := httptest.NewRequest(method, operator.Prefix+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	b, _ := io.ReadAll(w.Result().Body)
	return w.Code, b
}

// do is try for a request that has to be answered with status.
func (a *api) do(status int, method, path, body string) object {
	a.Helper()
	code, b := a.try(method, path, body)
	if code != status {
		a.Fatalf("%s %s %s: %d %s, want %d", method, path, body, code, b, status)
	}
	if len(b) == 0 {
		return nil
	}
	var out object
	if err := json.Unmarshal(b, &out); err != nil {
		a.Fatalf("%s %s: answer %s: %v", method, path, b, err)
	}
	return out
}

func (a *api) items(path string) []any {
	a.Helper()
	return a.do(200, "GET", path, "")["items"].([]any)
}

func (a *api) newApp(name string) string {
	a.Helper()
	return a.do(201, "POST", "/apps", `{"name":"`+name+`"}`)["id"].(string)
}

// same fails unless got and want read the same.
func (a *api) same(what string, got, want any) {
	a.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		a.Errorf("%s: got %s, want %s", what, g, w)
	}
}

func each(t *testing.T, test func(a *api)) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) { test(newAPI(t, db)) })
}

func TestOperator_TakesOnlyTheOperatorToken(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		key := a.do(201, "POST", "/apps/"+app+"/keys", "")["key"].(string)
		for _, given := range []string{"", "Bearer", "Bearer ", "Bearer wrong", "Basic " + token, token, "Bearer " + key, "Bearer " + token + "x"} {
			r := httptest.NewRequest("GET", operator.Prefix+"/apps", nil)
			r.Header.Set("Authorization", given)
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, r)
			if w.Code != 401 || !strings.Contains(w.Body.String(), `"code":"unauthorized"`) {
				a.Errorf("%q: %d %s", given, w.Code, w.Body)
			}
		}
		r := httptest.NewRequest("GET", operator.Prefix+"/apps", nil)
		r.Header.Set("Authorization", "bearer "+token)
		w := httptest.NewRecorder()
		if a.handler.ServeHTTP(w, r); w.Code != 200 {
			a.Errorf("scheme in lower case: %d", w.Code)
		}
	})
}

func TestOperator_WithoutATokenLetsNobodyIn(t *testing.T) {
	t.Parallel()
	h := operator.New(operator.Options{})
	for _, given := range []string{"", "Bearer ", "Bearer"} {
		r := httptest.NewRequest("GET", operator.Prefix+"/settings", nil)
		r.Header.Set("Authorization", given)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != 401 {
			t.Errorf("%q: %d", given, w.Code)
		}
	}
}

func TestApps_LiveFromCreationToDeletion(t *testing.T) {
	each(t, func(a *api) {
		made := a.do(201, "POST", "/apps", `{"name":"Acme","uid":"acme","botName":"Iris","throttleRate":7,"metadata":{"plan":"gold"},"unknown":1}`)
		id := made["id"].(string)
		if !strings.HasPrefix(id, "app_") || !strings.HasPrefix(made["projectId"].(string), "prj_") {
			a.Errorf("ids: %v", made)
		}
		for _, ref := range []string{id, "acme", made["projectId"].(string)} {
			a.same(ref, a.do(200, "GET", "/apps/"+ref, ""), made)
		}
		got := a.do(200, "PATCH", "/apps/acme", `{"botRef":"bot-1","companyId":"co-9","throttleRate":null,"uid":null}`)
		for field, want := range map[string]any{"name": "Acme", "uid": nil, "botName": "Iris", "botRef": "bot-1", "companyId": "co-9", "throttleRate": nil,
			"metadata": object{"plan": "gold"}} {
			a.same(field, got[field], want)
		}
		a.do(404, "GET", "/apps/acme", "")
		a.do(204, "DELETE", "/apps/"+id, "")
		a.do(404, "GET", "/apps/"+id, "")
		a.do(404, "PATCH", "/apps/"+id, `{"name":"x"}`)
		a.same("apps left", a.items("/apps"), []any{})
	})
}

func TestApps_ErrorsNameEveryWrongField(t *testing.T) {
	each(t, func(a *api) {
		a.newApp("Acme")
		a.do(200, "PATCH", "/apps/"+a.newApp("Other"), `{"uid":"taken"}`)
		for body, want := range map[string]string{
			`{}`:                           `{"code":"invalid_request","message":"name must not be empty","fields":[{"path":"name","message":"must not be empty"}]}`,
			`{"name":7,"throttleRate":""}`: `{"code":"invalid_request","message":"name must be a string; throttleRate must be a whole number","fields":[{"path":"name","message":"must be a string"},{"path":"throttleRate","message":"must be a whole number"}]}`,
			`{"name":"x","uid":"app_1"}`:   `"path":"uid"`,
			`[]`:                           `"path":"body","message":"must be an object"`,
			`{"name"`:                      `is not valid JSON`,
			`{"name":"x","uid":"taken"}`:   `"code":"conflict"`,
		} {
			code, b := a.try("POST", "/apps", body)
			if !strings.Contains(string(b), want) || code != 400 && code != 409 {
				a.Errorf("%s: %d %s, want %s", body, code, b, want)
			}
		}
		if code, b := a.try("PUT", "/apps", ""); code != 405 || !strings.Contains(string(b), "method_not_allowed") {
			a.Errorf("PUT: %d %s", code, b)
		}
		a.do(404, "GET", "/nothing", "")
	})
}

func TestLists_PageNewestFirstToTheEnd(t *testing.T) {
	each(t, func(a *api) {
		var want []string
		for i := range 5 {
			want = append([]string{a.newApp("app " + fmt.Sprint(i))}, want...)
		}
		var got []string
		cursor := ""
		for pages := 0; pages < 9; pages++ {
			out := a.do(200, "GET", "/apps?limit=2&cursor="+url.QueryEscape(cursor), "")
			for _, it := range out["items"].([]any) {
				got = append(got, it.(object)["id"].(string))
			}
			if out["nextCursor"] == nil {
				break
			}
			cursor = out["nextCursor"].(string)
		}
		a.same("ids", got, want)
		for query, field := range map[string]string{"limit=0": "limit", "limit=101": "limit", "cursor=app_123": "cursor", "cursor=" + got[0]: "cursor"} {
			if code, b := a.try("GET", "/apps?"+query, ""); code != 400 || !strings.Contains(string(b), `"path":"`+field+`"`) {
				a.Errorf("%s: %d %s", query, code, b)
			}
		}
		a.do(200, "GET", "/apps?limit=100", "")
	})
}

func TestKeys_ShowTheirTextOnce(t *testing.T) {
	each(t, func(a *api) {
		app, other := a.newApp("Acme"), a.newApp("Other")
		made := a.do(201, "POST", "/apps/"+app+"/keys", `{"test":true}`)
		text, id := made["key"].(string), made["id"].(string)
		if !strings.HasPrefix(text, "zv_test_") || made["test"] != true || !strings.HasSuffix(text, made["hint"].(string)) {
			a.Errorf("made %v", made)
		}
		if live := a.do(201, "POST", "/apps/"+app+"/keys", "")["key"].(string); !strings.HasPrefix(live, "zv_live_") {
			a.Errorf("live key %s", live)
		}
		if _, b := a.try("GET", "/apps/"+app+"/keys", ""); strings.Contains(string(b), text) || len(a.items("/apps/"+app+"/keys")) != 2 {
			a.Errorf("list: %s", b)
		}
		a.same("keys of the other app", a.items("/apps/"+other+"/keys"), []any{})
		a.do(404, "DELETE", "/apps/"+other+"/keys/"+id, "")
		if _, err := a.service.APIKey(a.Context(), text); err != nil {
			a.Errorf("the other app revoked the key: %v", err)
		}
		a.do(204, "DELETE", "/apps/"+app+"/keys/"+id, "")
		if _, err := a.service.APIKey(a.Context(), text); hookswitch.KindOf(err) != hookswitch.Unauthorized {
			a.Errorf("a revoked key: %v", err)
		}
		a.do(404, "POST", "/apps/app_nope/keys", "")
	})
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSenders_TheFixtureFileAppliesAsItIsAndTwiceChangesNothing(t *testing.T) {
	each(t, func(a *api) {
		app, file := a.newApp("Acme"), readFile(a.T, "testdata/senders.json")
		first := a.do(200, "PUT", "/apps/"+app+"/senders", file)["items"].([]any)
		second := a.do(200, "PUT", "/apps/"+app+"/senders", file)["items"].([]any)
		if len(first) != 14 || len(second) != 14 {
			a.Fatalf("%d and %d senders, want 14", len(first), len(second))
		}
		for i := range first {
			x, y := first[i].(object), second[i].(object)
			a.same("first result", x["result"], "created")
			a.same("second result", y["result"], "unchanged")
			a.same("id", y["id"], x["id"])
			for _, r := range x["routes"].([]any) {
				a.same("ignored", r.(object)["ignored"], []any{})
			}
		}
		s := first[0].(object)
		door := public + "/in/" + s["id"].(string)
		a.same("door", s["doorUrl"], door)
		route := s["routes"].([]any)[0].(object)
		delete(route, "id")
		a.same("route", route, object{"channel": "whatsapp", "provider": "meta", "address": "106540352242922", "known": true, "rate": nil, "disabled": nil, "receives": true, "sends": true, "lacks": []any{}, "ignored": []any{},
			"doorUrl": door, "sharedDoorUrls": []any{public + "/api/channels/whatsapp"}})
	})
}

func TestSenders_ShowWhyARouteIsDisabled(t *testing.T) {
	each(t, func(a *api) {
		app, file := a.newApp("Acme"), readFile(a.T, "testdata/senders.json")
		s := a.do(200, "PUT", "/apps/"+app+"/senders", file)["items"].([]any)[0].(object)
		for _, r := range servicetest.Must(a.service.Routes(a.Context()))(a) {
			if r.Channel == hookswitch.WhatsApp {
				if err := a.service.DisableRoute(a.Context(), &r, "190: revoked"); err != nil {
					a.Fatal(err)
				}
			}
		}
		of := func(s object) any { return s["routes"].([]any)[0].(object)["disabled"] }
		got, _ := of(a.do(200, "GET", "/apps/"+app+"/senders/"+s["id"].(string), "")).(object)
		if at, _ := got["at"].(string); at == "" {
			a.Errorf("disabled since when: %v", got)
		}
		a.same("cause", got["cause"], "190: revoked")
		again := a.do(200, "PUT", "/apps/"+app+"/senders", file)["items"].([]any)[0].(object)
		a.same("disabled after it was applied again", of(again), nil)
		a.same("result", again["result"], "changed")
	})
}

func TestSenders_SeveralRoutesOfOneNameAreOneSender(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		out := a.do(200, "PUT", "/apps/"+app+"/senders", `{"senders":[
			{"name":"support","channel":"whatsapp","provider":"meta","credentials":{"app_secret":"s","phone_number_id":"1"},"responder":{"kind":"echo","apiKey":"hush-hush"}},
			{"name":"support","channel":"messenger","provider":"meta","credentials":{"app_secret":"s","page_id":"2"}},
			{"name":"support","channel":"sms","provider":"carrier-pigeon"}]}`)
		s := out["items"].([]any)[0].(object)
		routes := s["routes"].([]any)
		if len(out["items"].([]any)) != 1 || len(routes) != 3 {
			a.Fatalf("got %v", out)
		}
		a.same("door of messenger", routes[1].(object)["doorUrl"], s["doorUrl"].(string)+"/messenger")
		a.same("pigeon", fmt.Sprint(routes[2].(object)["known"], routes[2].(object)["receives"], routes[2].(object)["sends"]), "false false false")
		a.same("responder", s["responder"], object{"kind": "echo"})
	})
}

func TestSenders_WebhookSecretIsShownWhenItIsMade(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		file := `{"senders":[{"name":"support","channel":"sms","provider":"x","webhook":{"url":"https://a.example/%s","events":["message.inbound"]}}]}`
		apply := func(path string) (object, object) {
			s := a.do(200, "PUT", "/apps/"+app+"/senders", fmt.Sprintf(file, path))["items"].([]any)[0].(object)
			return s, s["webhook"].(object)
		}
		s, hook := apply("one")
		secret, _ := hook["secret"].(string)
		if len(secret) < 20 || hook["active"] != true || hook["url"] != "https://a.example/one" || fmt.Sprint(hook["events"]) != "[message.inbound]" {
			a.Errorf("made %v", hook)
		}
		s2, hook := apply("two")
		if s2["result"] != "changed" || hook["secret"] != nil || hook["url"] != "https://a.example/two" {
			a.Errorf("changed: %v", s2)
		}
		for _, path := range []string{"/senders", "/senders/" + s["id"].(string)} {
			if _, b := a.try("GET", "/apps/"+app+path, ""); strings.Contains(string(b), secret) || !strings.Contains(string(b), "https://a.example/two") {
				a.Errorf("%s: %s", path, b)
			}
		}
	})
}

func TestSenders_ErrorsNameTheEntryAndTheField(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		for body, want := range map[string]string{
			`{}`:             `"path":"senders","message":"must have at least one entry"`,
			`{"senders":{}}`: `"path":"senders","message":"must be a list"`,
			`{"senders":[{"name":"a","channel":"pigeon","provider":"meta"}]}`:                                                         `"path":"senders[0].channel","message":"must be one of whatsapp`,
			`{"senders":[{"name":"a","channel":"sms","provider":"x"},{"name":"b","channel":"sms","provider":"x","phoneNumber":"1"}]}`: `"path":"senders[1].phoneNumber"`,
			`{"senders":[{"name":"a","channel":"sms","provider":"x","credentials":{"k":{}}}]}`:                                        `"path":"senders[0].credentials"`,
			`{"senders":[{"name":"a","channel":"sms","provider":"x","webhook":{"url":"http://a.example"}}]}`:                          `"path":"senders[0].webhook.url"`,
			`{"senders":[{"name":"a","channel":"sms","provider":"x","webhook":{"url":"https://a.example","events":["nope"]}}]}`:       `"path":"senders[0].webhook.events"`,
			`{"senders":[{"name":"a","channel":"sms","provider":"x","responder":"echo"}]}`:                                            `"path":"senders[0].responder"`,
		} {
			if code, b := a.try("PUT", "/apps/"+app+"/senders", body); code != 400 || !strings.Contains(string(b), want) {
				a.Errorf("%s: %d %s, want %s", body, code, b, want)
			}
		}
		a.same("senders after nothing but errors", a.items("/apps/"+app+"/senders"), []any{})
	})
}

func TestSenders_BelongToOneApp(t *testing.T) {
	each(t, func(a *api) {
		app, other := a.newApp("Acme"), a.newApp("Other")
		file := `{"senders":[{"name":"wa","channel":"whatsapp","provider":"meta","credentials":{"app_secret":"s","phone_number_id":"1"}}]}`
		id := a.do(200, "PUT", "/apps/"+app+"/senders", file)["items"].([]any)[0].(object)["id"].(string)
		if code, b := a.try("PUT", "/apps/"+other+"/senders", file); code != 409 || !strings.Contains(string(b), "senders[0] (wa)") {
			a.Errorf("the same address for another app: %d %s", code, b)
		}
		a.do(404, "GET", "/apps/"+other+"/senders/"+id, "")
		a.do(404, "DELETE", "/apps/"+other+"/senders/"+id, "")
		a.same("senders of the other app", a.items("/apps/"+other+"/senders"), []any{})
		a.do(200, "GET", "/apps/"+app+"/senders/"+id, "")
		a.do(204, "DELETE", "/apps/"+app+"/senders/"+id, "")
		a.do(404, "GET", "/apps/"+app+"/senders/"+id, "")
		a.do(200, "PUT", "/apps/"+other+"/senders", file)
	})
}

// TestOperator_AnswersHoldNoSecrets looks at all there is to read after secrets were put in wherever they can be.
func TestOperator_AnswersHoldNoSecrets(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		text := readFile(a.T, "testdata/senders.json")
		_, applied := a.try("PUT", "/apps/"+app+"/senders", text)
		_, again := a.try("PUT", "/apps/"+app+"/senders", `{"senders":[{"name":"whatsapp","channel":"whatsapp","provider":"meta",
			"credentials":{"app_secret":["NEW-HUSH","OLD-HUSH"],"phone_number_id":"106540352242922"},"responder":{"kind":"http","secret":"RESPONDER-HUSH"}}]}`)
		answers := [][]byte{applied, again}
		for _, path := range []string{"/apps", "/apps/" + app, "/apps/" + app + "/senders?limit=100", "/apps/" + app + "/keys", "/settings", "/strays"} {
			_, b := a.try("GET", path, "")
			answers = append(answers, b)
		}
		if !bytes.Contains(again, []byte(`"result":"changed"`)) {
			a.Errorf("applied: %s", again)
		}
		var file struct {
			Senders []struct{ Credentials map[string]string }
		}
		if err := json.Unmarshal([]byte(text), &file); err != nil {
			a.Fatal(err)
		}
		secrets := map[string]bool{"NEW-HUSH": true, "OLD-HUSH": true, "RESPONDER-HUSH": true}
		for _, s := range file.Senders {
			for name, value := range s.Credentials {
				switch name {
				case "phone_number_id", "page_id", "ig_user_id", "username", "basic_user", "user_id": // names and addresses
				default:
					secrets[value] = true
				}
			}
		}
		for secret := range secrets {
			for _, b := range answers {
				if bytes.Contains(b, []byte(secret)) {
					a.Errorf("%s shows in %s", secret, b)
				}
			}
		}
	})
}

// wa is a WhatsApp number that pushes to the app.
var wa = simulate.WhatsApp{AppSecret: "s", PhoneNumberID: "1", WABAID: "2", DisplayPhone: "+15550001111"}

// receive has the gateway take a push.
func (a *api) receive(p simulate.Push) {
	a.Helper()
	ctx := context.Background()
	accounts, err := a.service.Accounts(ctx, "meta", 0, "")
	if err != nil || len(accounts) != 1 {
		a.Fatalf("%d accounts, %v", len(accounts), err)
	}
	r, err := p.Request(ctx, public)
	if err != nil {
		a.Fatal(err)
	}
	push := &hookswitch.Push{Method: p.Method, URL: r.URL, Header: p.Header, Body: p.Body, At: time.Now()}
	if err := accounts[0].Provider.Verify(push, accounts[0].Credentials); err != nil {
		a.Fatal(err)
	}
	updates, err := accounts[0].Provider.Parse(push)
	if err != nil {
		a.Fatal(err)
	}
	if _, err := a.service.Receive(ctx, service.Received{Account: &accounts[0], Updates: updates, Door: p.Path, At: push.At, Body: p.Body}); err != nil {
		a.Fatal(err)
	}
}

func TestMessages_AreFilteredAndBelongToOneApp(t *testing.T) {
	each(t, func(a *api) {
		app, other := a.newApp("Acme"), a.newApp("Other")
		a.do(200, "PUT", "/apps/"+app+"/senders", `{"senders":[{"name":"wa","channel":"whatsapp","provider":"meta","credentials":{"app_secret":"s","phone_number_id":"1"}}]}`)
		a.receive(wa.Text("+254700000001", "Amina", "one"))
		a.receive(wa.Text("+254700000002", "Brian", "two"))
		a.receive(wa.Image("+254700000002", "Brian", "three"))
		list := a.items("/apps/" + app + "/messages")
		if len(list) != 3 || list[0].(object)["text"] != "three" || list[2].(object)["from"] != "+254700000001" {
			a.Fatalf("messages: %v", list)
		}
		brian := list[0].(object)["conversationId"].(string)
		for query, want := range map[string]int{"?conversation=" + brian: 2, "?channel=whatsapp": 3, "?channel=sms": 0, "?status=received": 3, "?status=failed": 0,
			"?to=%2B15550001111": 3, "?to=1": 0, "?limit=1": 1} {
			if got := len(a.items("/apps/" + app + "/messages" + query)); got != want {
				a.Errorf("%s: %d messages, want %d", query, got, want)
			}
		}
		for query, field := range map[string]string{"?channel=pigeon": "channel", "?status=lost": "status", "?conversation=x": "conversation"} {
			if code, b := a.try("GET", "/apps/"+app+"/messages"+query, ""); code != 400 || !strings.Contains(string(b), `"path":"`+field+`"`) {
				a.Errorf("%s: %d %s", query, code, b)
			}
		}
		id := list[0].(object)["id"].(string)
		one := a.do(200, "GET", "/apps/"+app+"/messages/"+id, "")
		a.same("receipts", one["receipts"], []any{})
		a.same("text", one["text"], "three")
		a.do(404, "GET", "/apps/"+other+"/messages/"+id, "")
		a.same("messages of the other app", a.items("/apps/"+other+"/messages?conversation="+brian), []any{})
	})
}

func TestMessages_ShowTheirReceipts(t *testing.T) {
	each(t, func(a *api) {
		app := a.newApp("Acme")
		a.do(200, "PUT", "/apps/"+app+"/senders",
			`{"senders":[{"name":"wa","channel":"whatsapp","provider":"meta","credentials":{"app_secret":"s","phone_number_id":"1"},"responder":{"kind":"echo"}}]}`)
		a.receive(wa.Text("+254700000001", "Amina", "one"))
		in := a.items("/apps/" + app + "/messages")[0].(object)
		ids := a.service.IDs()
		key, _ := ids.Parse(hookswitch.KindMessage, in["id"].(string))
		conv, _ := ids.Parse(hookswitch.KindConversation, in["conversationId"].(string))
		appKey, _ := ids.Parse(hookswitch.KindApp, app)
		o := &store.Outcome{Kind: hookswitch.DeliverRespond, App: appKey, Subject: key, Target: conv, Claim: 1}
		if err := a.service.CommitReply(a.Context(), o, hookswitch.Reply{Text: "hi"}); err != nil {
			a.Fatal(err)
		}
		out := a.items("/apps/" + app + "/messages")[0].(object)
		a.receive(wa.Status("wamid.X", hookswitch.StatusFailed, "+254700000001", out["id"].(string), simulate.StatusError{Code: 131047}))
		got := a.do(200, "GET", "/apps/"+app+"/messages/"+out["id"].(string), "")
		receipts := got["receipts"].([]any)
		if got["status"] != "failed" || got["inReplyTo"] != in["id"] || len(receipts) != 1 {
			a.Fatalf("got %v", got)
		}
		rc := receipts[0].(object)
		a.same("receipt", fmt.Sprint(rc["status"], " ", rc["providerMessageId"], " ", rc["errorCode"]), "failed wamid.X 131047")
	})
}

func TestConversations_AreTakenOverAndGivenBack(t *testing.T) {
	each(t, func(a *api) {
		app, other := a.newApp("Acme"), a.newApp("Other")
		a.do(200, "PUT", "/apps/"+app+"/senders", `{"senders":[{"name":"wa","channel":"whatsapp","provider":"meta","credentials":{"app_secret":"s","phone_number_id":"1"}}]}`)
		a.receive(wa.Text("+254700000001", "Amina", "one"))
		conv := a.items("/apps/" + app + "/conversations")[0].(object)
		id := conv["id"].(string)
		a.same("conversation", fmt.Sprint(conv["handover"], conv["inbound"], conv["messages"]), "false 1 1")
		for _, handover := range []bool{true, false} {
			a.do(200, "PATCH", "/apps/"+app+"/conversations/"+id, fmt.Sprintf(`{"handover":%v}`, handover))
			a.same("handover", a.items("/apps/" + app + "/conversations")[0].(object)["handover"], handover)
		}
		a.do(404, "PATCH", "/apps/"+other+"/conversations/"+id, `{"handover":true}`)
		a.same("after the other app's try", a.items("/apps/" + app + "/conversations")[0].(object)["handover"], false)
		a.same("conversations of the other app", a.items("/apps/"+other+"/conversations"), []any{})
		for _, body := range []string{`{}`, `{"handover":null}`, `{"handover":"yes"}`} {
			if code, b := a.try("PATCH", "/apps/"+app+"/conversations/"+id, body); code != 400 || !strings.Contains(string(b), `"path":"handover"`) {
				a.Errorf("%s: %d %s", body, code, b)
			}
		}
	})
}

func TestStrays_ShowTheBeginningOfWhatWasKeptAside(t *testing.T) {
	each(t, func(a *api) {
		for _, body := range []string{`{"a":"b"}`, strings.Repeat("é", 10_000), "\xff\xfe"} {
			if err := a.service.KeepStray(a.Context(), "meta", "/api/channels/whatsapp", "no route", []byte(body)); err != nil {
				a.Fatal(err)
			}
		}
		list := a.items("/strays")
		if len(list) != 3 {
			a.Fatalf("strays: %v", list)
		}
		a.same("not text", list[0].(object)["body"], nil)
		long := list[1].(object)
		a.same("long", fmt.Sprint(len(long["body"].(string)), " ", long["bodyBytes"]), "16384 20000")
		a.same("short", fmt.Sprint(list[2].(object)["body"], list[2].(object)["reason"], list[2].(object)["door"]), `{"a":"b"}no route/api/channels/whatsapp`)
		a.do(400, "GET", "/strays?limit=21", "")
	})
}

func TestSettings_AreThoseInEffectWithoutSecrets(t *testing.T) {
	t.Parallel()
	var c struct {
		Serve struct{ config.Server } `cmd:""`
	}
	k, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"serve", "--operator-token=hush", "--master-key=hush", "--database=postgres://u:hush@h/d", "--retry-schedule=1s,2s",
		"--allow-networks=10.0.0.0/8,127.0.0.1", "--provider-base-urls=x=http://127.0.0.1:2,meta=http://127.0.0.1:1", "--max-body=3MiB"}); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range operator.Settings(&c.Serve.Server) {
		got[s.Name] = s.Value
		if strings.Contains(cmp.Or(s.Value, s.Default), "hush") {
			t.Errorf("%s shows a secret: %s", s.Name, s.Value)
		}
	}
	for name, want := range map[string]string{"listen": "127.0.0.1:8420", "database": "postgres://u:xxxxx@h/d", "retry-schedule": "1s,2s",
		"allow-networks": "10.0.0.0/8,127.0.0.1/32", "provider-base-urls": "meta=http://127.0.0.1:1,x=http://127.0.0.1:2", "max-body": "3MiB",
		"metrics": "true", "disable-after": "120h0m0s", "operator-token": "", "master-key": ""} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %q", name, got[name], want)
		}
	}
}

func TestSettings_AreListed(t *testing.T) {
	each(t, func(a *api) {
		a.same("settings", a.items("/settings")[0].(object)["value"], "127.0.0.1:0")
	})
}
