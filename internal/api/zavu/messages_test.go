package zavu_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/zavu"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
)

// bare makes a sender that has no route.
func (a *api) bare(name string) string {
	a.TB.Helper()
	phone := "+15551234567"
	s := servicetest.Must(a.Service.CreateSender(a.TB.Context(), a.app.Key, service.SenderChange{Name: &name, PhoneNumber: &phone}))(a.TB)
	return a.Service.IDs().Format(hookswitch.KindSender, s.Sender.Key)
}

// whatsApp makes a sender that the fake provider reaches on WhatsApp at the address.
func (a *api) whatsApp(address string) {
	a.TB.Helper()
	a.Sender(a.app, address, hookswitch.WhatsApp, false)
}

// hear has a person write to a sender on WhatsApp. It returns the message as the API shows it.
func (a *api) hear(address, from, text string) object {
	a.TB.Helper()
	servicetest.Must(a.Push(servicetest.Text(address, from, "in."+from+text, text)))(a.TB)
	return a.do("GET", "/messages?limit=1", "").is(200).json()["items"].([]any)[0].(object)
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// Section 3.2: the message object, and its envelope.
func TestMessages_AreShownAsTheContractSays(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		sender := a.bare("Shop")
		m := a.do("POST", "/messages", `{"to":"+14155551234","text":"Hello","metadata":{"orderId":"42"},"unknown":1}`).is(202).json()["message"].(object)
		want := object{
			"id": m["id"], "direction": "outbound", "channel": "sms", "messageType": "text", "status": "queued", "to": "+14155551234", "from": "+15551234567", "senderId": sender,
			"conversationId": m["conversationId"], "text": "Hello", "content": object{}, "metadata": object{"orderId": "42"}, "errorCode": nil, "errorMessage": nil,
			"cost": nil, "costProvider": nil, "costTotal": nil, "createdAt": "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z",
		}
		if d := cmp.Diff(want, m); d != "" {
			t.Error(d)
		}
		if !strings.HasPrefix(m["id"].(string), "msg_") || !strings.HasPrefix(m["conversationId"].(string), "conv_") {
			t.Error(m)
		}
		if d := cmp.Diff(object{"message": m}, a.do("GET", "/messages/"+m["id"].(string), "").is(200).json()); d != "" {
			t.Error(d)
		}
		a.project("Other").do("GET", "/messages/"+m["id"].(string), "").fails(404, "not_found")
		a.do("GET", "/messages/msg_1", "").fails(404, "not_found")
	})
}

// Section 3.1: Zavu-Sender, and which field is wrong.
func TestMessages_NameWhatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.do("POST", "/messages", `{"to":"+14155551234","text":"x"}`).fails(400, "invalid_request")
		one, two := a.bare("one"), a.bare("two")
		a.do("POST", "/messages", `{"to":"+14155551234","text":"x"}`).fails(400, "invalid_request")
		for _, id := range []string{one, two} {
			m := a.do("POST", "/messages", `{"to":"+14155551234","text":"x"}`, header("Zavu-Sender", id)).is(202).json()["message"].(object)
			if m["senderId"] != id {
				t.Errorf("sender %v", m["senderId"])
			}
		}
		a.do("POST", "/messages", `{"to":"+14155551234","text":"x"}`, header("Zavu-Sender", "snd_unknown")).fails(404, "not_found")
		for body, field := range map[string]string{
			`{"text":"x"}`:          "to",
			`{"to":"+14155551234"}`: "text",
			`{"to":"+14155551234","text":"x","channel":"fax"}`:                                     "channel",
			`{"to":"+14155551234","text":"x","channel":"web_chat"}`:                                "channel",
			`{"to":"+14155551234","text":"x","messageType":"fax"}`:                                 "messageType",
			`{"to":"+14155551234","messageType":"image","content":{}}`:                             "content.mediaUrl",
			`{"to":"+14155551234","text":"x","metadata":{"a":1}}`:                                  "metadata.a",
			`{"to":"+14155551234","text":"x","metadata":{"a":null}}`:                               "metadata.a",
			`{"to":"+14155551234","text":"x","idempotencyKey":"` + strings.Repeat("k", 257) + `"}`: "idempotencyKey",
		} {
			fields, _ := a.do("POST", "/messages", body, header("Zavu-Sender", one)).fails(400, "invalid_request")["fields"].(object)
			if fields[field] == nil {
				t.Errorf("%s: wrong are %v, want %s", body, fields, field)
			}
		}
		details := a.do("POST", "/messages", `{"to":"+14155551234","text":"x","channel":"fax"}`).fails(400, "invalid_request")
		if list, _ := details["allowed"].([]any); len(list) != 9 {
			t.Errorf("allowed are %v", details["allowed"])
		}
		a.do("POST", "/messages", `{"to":`).fails(400, "invalid_request")
		a.whatsApp("100")
		sender := servicetest.Must(a.Service.Senders(t.Context(), a.app.Key, servicetestPage))(t)[0]
		id := a.Service.IDs().Format(hookswitch.KindSender, sender.Key)
		a.do("POST", "/messages", `{"to":"+14155551234","text":"x","channel":"whatsapp"}`, header("Zavu-Sender", id)).fails(400, "whatsapp_window_closed")
	})
}

// Section 3.3: the answer to a repetition.
func TestMessages_AKeyIsUsedOnce(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.bare("Shop")
		m := a.do("POST", "/messages", `{"to":"+14155551234","text":"x","idempotencyKey":"k"}`, header("Idempotency-Key", "other")).is(202).json()["message"]
		again := func(an *answer) {
			t.Helper()
			details := an.fails(409, "idempotency_conflict")
			if an.header.Get("x-should-retry") != "false" || an.json()["message"] != "A message with this idempotency key already exists" {
				t.Errorf("%s %v", an.body, an.header)
			}
			if d := cmp.Diff(object{"messageId": m.(object)["id"], "message": m}, details); d != "" {
				t.Error(d)
			}
		}
		again(a.do("POST", "/messages", `{"to":"+14155551234","text":"x","idempotencyKey":"k"}`))
		again(a.do("POST", "/messages", `{"to":"","idempotencyKey":"k"}`))
		again(a.do("POST", "/messages", `{"to":"+14155551234","text":"x"}`, header("Idempotency-Key", "k")))
		again(a.with(a.newKey(true)).do("POST", "/messages", `{"to":"+14155551234","text":"x","idempotencyKey":"k"}`))
		a.do("POST", "/messages", `{"to":"+14155551234","text":"x"}`, header("Idempotency-Key", "other")).is(202) // the one in the body counted
		b := a.project("Other")
		b.bare("Shop")
		b.do("POST", "/messages", `{"to":"+14155551234","text":"x","idempotencyKey":"k"}`).is(202)
		a.do("POST", "/messages", `{"to":"+14155551234","idempotencyKey":"k2"}`).fails(400, "invalid_request")
		a.do("POST", "/messages", `{"to":"+14155551234","text":"x","idempotencyKey":"k2"}`).is(202)
	})
}

// Section 3.2: filters of the list; section 1.3: pages.
func TestMessages_AreListedByChannelStatusAndRecipient(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.bare("Shop")
		a.whatsApp("100")
		bare := servicetest.Must(a.Service.Senders(t.Context(), a.app.Key, servicetestPage))(t)
		id := a.Service.IDs().Format(hookswitch.KindSender, bare[len(bare)-1].Key)
		send := func(body string) string {
			a.Clock.Advance(1e6)
			return a.do("POST", "/messages", body, header("Zavu-Sender", id)).is(202).json()["message"].(object)["id"].(string)
		}
		sms := send(`{"to":"+14155551234","text":"1"}`)
		oneWay := send(`{"to":"+14155551234","text":"2","channel":"sms_oneway"}`)
		mail := send(`{"to":"ana@example.org","text":"3"}`)
		heard := a.hear("100", "+14155559999", "Hi")["id"].(string)
		for query, want := range map[string][]string{
			"":                               {heard, mail, oneWay, sms},
			"?channel=sms":                   {sms},
			"?channel=sms_oneway":            {oneWay},
			"?status=queued":                 {mail, oneWay, sms},
			"?status=received":               {heard},
			"?status=queued&channel=email":   {mail},
			"?to=%2B14155551234":             {oneWay, sms},
			"?to=%2B14155551234&channel=sms": {sms},
			"?to=nobody":                     nil,
			"?status=failed":                 nil,
		} {
			var got []string
			cursor := ""
			for {
				q := "?limit=1"
				if query != "" {
					q = query + "&limit=1"
				}
				page := a.do("GET", "/messages"+q+cursor, "").is(200).json()
				for _, it := range page["items"].([]any) {
					got = append(got, it.(object)["id"].(string))
				}
				next, ok := page["nextCursor"].(string)
				if !ok {
					break
				}
				cursor = "&cursor=" + url.QueryEscape(next)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%q: %s", query, d)
			}
		}
		// A plus that was not escaped reads as a space.
		if got := a.do("GET", "/messages?to=+14155551234", "").is(200).body; got != a.do("GET", "/messages?to=%2B14155551234", "").is(200).body || !strings.Contains(got, "+14155551234") {
			t.Errorf("to=+1415…: %s", got)
		}
		a.do("GET", "/messages?channel=fax", "").fails(400, "invalid_request")
		a.do("GET", "/messages?limit=0", "").fails(400, "invalid_request")
		a.do("GET", "/messages?cursor=x", "").fails(400, "invalid_request")
	})
}

// Section 3.2: reactions, typing, attachments.
func TestMessages_ReactionsTypingAndAttachments(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.whatsApp("100")
		m := a.hear("100", "+14155559999", "Hi")
		path := "/messages/" + m["id"].(string)
		r := a.do("POST", path+"/reactions", `{"emoji":"👍"}`).is(202).json()["message"].(object)
		if r["messageType"] != "reaction" || r["to"] != "+14155559999" || cmp.Diff(object{"emoji": "👍", "reactToMessageId": m["id"]}, r["content"]) != "" {
			t.Errorf("reaction %v", r)
		}
		a.do("POST", path+"/reactions", `{}`).fails(400, "invalid_request")
		a.do("POST", path+"/reactions", `{"emoji":"👍"}`, header("Zavu-Sender", "snd_x")).fails(404, "not_found")
		for _, p := range []string{path, "/messages/" + r["id"].(string)} {
			if got := a.do("POST", p+"/typing", "").is(200).json(); cmp.Diff(object{"success": true}, got) != "" {
				t.Errorf("typing %v", got)
			}
		}
		if got := a.do("GET", path+"/attachments", "").is(200).json(); cmp.Diff(object{"items": []any{}}, got) != "" {
			t.Errorf("attachments %v", got)
		}
		for _, p := range []string{"/reactions", "/typing"} {
			a.do("POST", "/messages/msg_1"+p, `{"emoji":"x"}`).fails(404, "not_found")
		}

		a.bare("mail")
		sender := servicetest.Must(a.Service.Senders(t.Context(), a.app.Key, servicetestPage))(t)[0]
		id := a.Service.IDs().Format(hookswitch.KindSender, sender.Key)
		mail := a.do("POST", "/messages", `{"to":"ana@example.org","text":"x","attachments":[{"filename":"naïve.html","content":"PGI+"}]}`, header("Zavu-Sender", id)).is(202).json()["message"].(object)
		list := a.do("GET", "/messages/"+mail["id"].(string)+"/attachments", "").is(200).json()["items"].([]any)
		f := list[0].(object)
		link, _ := f["downloadUrl"].(string)
		want := object{"id": f["id"], "filename": "naïve.html", "mimeType": "text/html", "size": 3.0, "contentId": nil, "isInline": false, "downloadUrl": link, "createdAt": "2025-03-14T12:00:00.000Z"}
		if d := cmp.Diff(want, f); d != "" || !strings.HasPrefix(f["id"].(string), "att_") {
			t.Error(d)
		}
		u, err := url.Parse(link)
		if err != nil || !strings.HasPrefix(link, servicetest.PublicURL+zavu.Base) {
			t.Fatal(link, err)
		}
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, httptest.NewRequest("GET", u.RequestURI(), nil)) // without a key
		if w.Code != 200 || w.Body.String() != "<b>" || w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
			t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
		}
		a.do("GET", "/attachments/"+f["id"].(string), "").fails(403, "forbidden")
		a.project("Other").do("GET", "/messages/"+mail["id"].(string)+"/attachments", "").fails(404, "not_found")
	})
}
