package zavu_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch/internal/store"
)

var servicetestPage = store.Page{Limit: 10}

func names(list any) (out []string) {
	for _, it := range list.([]any) {
		name, _ := it.(object)["displayName"].(string)
		out = append(out, name)
	}
	return out
}

// Section 9: contacts.
func TestContacts_FromCreateToDelete(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		c := a.do("POST", "/contacts", `{"displayName":"Ada Lovelace","metadata":{"tier":"gold"},"channels":[
			{"channel":"sms","identifier":"+14155551234","isPrimary":true,"label":"work","countryCode":"us"},{"channel":"email","identifier":"Ada@Example.org"}]}`).is(201).json()
		channels := c["channels"].([]any)
		mail, sms := channels[0].(object), channels[1].(object)
		want := object{
			"id": c["id"], "displayName": "Ada Lovelace", "primaryPhone": "+14155551234", "primaryEmail": "ada@example.org", "phoneNumber": "+14155551234", "profileName": nil,
			"availableChannels": []any{"sms", "email"}, "countryCode": "US", "metadata": object{"tier": "gold"}, "verified": false,
			"createdAt": "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z",
			"channels": []any{
				object{"id": mail["id"], "channel": "email", "identifier": "ada@example.org", "isPrimary": true, "verified": false, "metadata": object{},
					"createdAt": "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z"},
				object{"id": sms["id"], "channel": "sms", "identifier": "+14155551234", "isPrimary": true, "verified": false, "label": "work", "countryCode": "US", "metadata": object{},
					"createdAt": "2025-03-14T12:00:00.000Z", "updatedAt": "2025-03-14T12:00:00.000Z"},
			},
		}
		if d := cmp.Diff(want, c); d != "" {
			t.Error(d)
		}
		id := c["id"].(string)
		for _, path := range []string{"/contacts/" + id, "/contacts/phone/+14155551234", "/contacts/phone/%2B14155551234", "/contacts/phone/14155551234"} {
			if d := cmp.Diff(c, a.do("GET", path, "").is(200).json()); d != "" {
				t.Errorf("%s: %s", path, d)
			}
		}
		a.do("GET", "/contacts/phone/+14155550000", "").fails(404, "not_found")
		a.project("Other").do("GET", "/contacts/"+id, "").fails(404, "not_found")
		a.project("Third").do("GET", "/contacts/phone/+14155551234", "").fails(404, "not_found")

		// Duplicates, also of a number on another channel.
		for _, ch := range []string{`{"channel":"sms","identifier":"+14155551234"}`, `{"channel":"whatsapp","identifier":"+14155551234"}`, `{"channel":"email","identifier":"ADA@example.org"}`} {
			an := a.do("POST", "/contacts", `{"channels":[`+ch+`]}`)
			if details := an.fails(409, "conflict"); details["contactId"] != id || an.header.Get("X-Should-Retry") != "false" {
				t.Errorf("%s %v", an.body, an.header)
			}
		}
		for body, field := range map[string]string{
			`{}`:              "channels",
			`{"channels":[]}`: "channels",
			`{"channels":[{"channel":"fax","identifier":"1"}]}`:                                              "channels[0].channel",
			`{"channels":[{"channel":"sms","identifier":"555"}]}`:                                            "channels[0].identifier",
			`{"channels":[{"channel":"email","identifier":"x"}]}`:                                            "channels[0].identifier",
			`{"channels":[{"channel":"sms","identifier":"+14155550001","countryCode":"USA"}]}`:               "channels[0].countryCode",
			`{"channels":[{"channel":"telegram","identifier":"1"},{"channel":"telegram","identifier":"1"}]}`: "channels[1].identifier",
			`{"channels":[{"channel":"telegram","identifier":"1"}],"metadata":{"a":null}}`:                   "metadata.a",
			`{"channels":[{"channel":"telegram","identifier":"1"}],"metadata":{"a":[]}}`:                     "metadata.a",
		} {
			if fields, _ := a.do("POST", "/contacts", body).fails(400, "invalid_request")["fields"].(object); fields[field] == nil {
				t.Errorf("%s: wrong are %v, want %s", body, fields, field)
			}
		}

		// PATCH: absent leaves, null clears, metadata replaces.
		c = a.do("PATCH", "/contacts/"+id, `{"defaultChannel":"sms","metadata":{"a":"b"}}`).is(200).json()
		if c["defaultChannel"] != "sms" || c["displayName"] != "Ada Lovelace" || cmp.Diff(object{"a": "b"}, c["metadata"]) != "" {
			t.Errorf("got %v", c)
		}
		c = a.do("PATCH", "/contacts/"+id, `{"displayName":null,"defaultChannel":null}`).is(200).json()
		if c["displayName"] != nil || c["defaultChannel"] != nil || cmp.Diff(object{"a": "b"}, c["metadata"]) != "" {
			t.Errorf("got %v", c)
		}
		a.do("PATCH", "/contacts/"+id, `{"defaultChannel":"fax"}`).fails(400, "invalid_request")
		if an := a.do("DELETE", "/contacts/"+id, "").is(204); an.body != "" {
			t.Errorf("body %q", an.body)
		}
		a.do("GET", "/contacts/"+id, "").fails(404, "not_found")
		a.do("DELETE", "/contacts/"+id, "").fails(404, "not_found")
		a.do("POST", "/contacts", `{"channels":[{"channel":"sms","identifier":"+14155551234"}]}`).is(201)
	})
}

func TestContacts_Channels(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		c := a.do("POST", "/contacts", `{"channels":[{"channel":"email","identifier":"a@example.org"}]}`).is(201).json()
		path := "/contacts/" + c["id"].(string) + "/channels"
		first := c["channels"].([]any)[0].(object)["id"].(string)
		a.do("DELETE", path+"/"+first, "").fails(400, "invalid_request") // the last one
		work := a.do("POST", path, `{"channel":"email","identifier":"b@example.org","label":"work"}`).is(201).json()["channel"].(object)
		if work["isPrimary"] != false || work["label"] != "work" {
			t.Errorf("got %v", work)
		}
		a.do("POST", path, `{"channel":"email","identifier":"b@example.org"}`).fails(409, "conflict")
		got := a.do("POST", path+"/"+work["id"].(string)+"/primary", "").is(200).json()["channel"].(object)
		if got["isPrimary"] != true {
			t.Errorf("got %v", got)
		}
		c = a.do("GET", "/contacts/"+c["id"].(string), "").is(200).json()
		if c["primaryEmail"] != "b@example.org" || c["channels"].([]any)[0].(object)["isPrimary"] != false {
			t.Errorf("got %v", c)
		}
		got = a.do("PATCH", path+"/"+work["id"].(string), `{"label":null,"verified":true,"metadata":{"x":"y"}}`).is(200).json()["channel"].(object)
		if got["label"] != nil || got["verified"] != true || cmp.Diff(object{"x": "y"}, got["metadata"]) != "" {
			t.Errorf("got %v", got)
		}
		if a.do("GET", "/contacts/"+c["id"].(string), "").is(200).json()["verified"] != true {
			t.Error("the contact is not verified")
		}
		a.do("DELETE", path+"/"+work["id"].(string), "").is(204)
		c = a.do("GET", "/contacts/"+c["id"].(string), "").is(200).json()
		if list := c["channels"].([]any); len(list) != 1 || list[0].(object)["isPrimary"] != true {
			t.Errorf("got %v", list)
		}
		for _, try := range []func() *answer{
			func() *answer { return a.do("PATCH", path+"/"+work["id"].(string), `{}`) },
			func() *answer { return a.do("POST", path+"/cch_x/primary", "") },
			func() *answer {
				return a.project("Other").do("POST", path, `{"channel":"email","identifier":"z@example.org"}`)
			},
		} {
			try().fails(404, "not_found")
		}
	})
}

func TestContacts_AreListedAndSearched(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		for _, body := range []string{
			`{"displayName":"Ada Lovelace","channels":[{"channel":"sms","identifier":"+14155551234"}]}`,
			`{"displayName":"José Ángel","channels":[{"channel":"email","identifier":"maria@example.com"}]}`,
			`{"displayName":"Adam Ada","channels":[{"channel":"sms","identifier":"+442071838750"}]}`,
		} {
			a.Clock.Advance(1e6)
			a.do("POST", "/contacts", body).is(201)
		}
		for query, want := range map[string][]string{
			"":                            {"Ada Lovelace", "José Ángel", "Adam Ada"},
			"?phoneNumber=%2B14155551234": {"Ada Lovelace"},
			"?phoneNumber=+14155551234":   {"Ada Lovelace"},
			"?phoneNumber=%2B1415555":     nil,
			"?search=ada":                 {"Ada Lovelace", "Adam Ada"},
			"?search=ADAM":                {"Adam Ada"},
			"?search=jose":                {"José Ángel"},
			"?search=ang":                 {"José Ángel"},
			"?search=maria":               {"José Ángel"},
			"?search=Maria@Example.com":   {"José Ángel"},
			"?search=5551234":             {"Ada Lovelace"},
			"?search=%2B1+(415)":          {"Ada Lovelace"},
			"?search=ada+love":            {"Ada Lovelace"},
			"?search=love+ada":            {"Ada Lovelace"},
			"?search=nobody":              nil,
		} {
			var got []string
			cursor := ""
			for {
				q := "?limit=1" + cursor
				if query != "" {
					q = query + "&limit=1" + cursor
				}
				page := a.do("GET", "/contacts"+q, "").is(200).json()
				got = append(got, names(page["items"])...)
				next, ok := page["nextCursor"].(string)
				if !ok {
					break
				}
				cursor = "&cursor=" + next
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%q: %s", query, d)
			}
		}
		for _, query := range []string{"tag=vip", "tag=vip&search=ada", "tag=vip&phoneNumber=%2B14155551234"} { // nobody has a tag
			if got := a.do("GET", "/contacts?"+query, "").is(200).json(); len(got["items"].([]any)) != 0 || got["nextCursor"] != nil {
				t.Errorf("%s finds %v", query, got)
			}
		}
		a.do("GET", "/contacts?tag=vip&limit=0", "").fails(400, "invalid_request")
		a.do("GET", "/contacts?search=a&cursor=x", "").fails(400, "invalid_request")
		if got := a.project("Other").do("GET", "/contacts?search=ada", "").is(200).json(); len(got["items"].([]any)) != 0 {
			t.Errorf("another project finds %v", got)
		}
	})
}

func TestContacts_Merge(t *testing.T) {
	each(t, func(t *testing.T, a *api) {
		a.whatsApp("100")
		a.whatsApp("200")
		a.hear("100", "+14155550001", "one")
		a.hear("100", "+14155550002", "two")
		a.hear("200", "+14155550002", "three")
		one := a.do("GET", "/contacts/phone/+14155550001", "").is(200).json()["id"].(string)
		two := a.do("GET", "/contacts/phone/+14155550002", "").is(200).json()["id"].(string)
		a.do("POST", "/contacts/"+one+"/merge", `{}`).fails(400, "invalid_request")
		a.do("POST", "/contacts/"+one+"/merge", `{"sourceContactId":"`+one+`"}`).fails(400, "invalid_request")
		a.do("POST", "/contacts/"+one+"/merge", `{"sourceContactId":"con_x"}`).fails(404, "not_found")
		c := a.do("POST", "/contacts/"+one+"/merge", `{"sourceContactId":"`+two+`"}`).is(200).json()
		if c["id"] != one || len(c["channels"].([]any)) != 2 || c["primaryPhone"] != "+14155550001" {
			t.Errorf("got %v", c)
		}
		a.do("GET", "/contacts/"+two, "").fails(404, "not_found")
		if got := a.do("GET", "/contacts/phone/+14155550002", "").is(200).json()["id"]; got != one {
			t.Errorf("the number is %v's", got)
		}
		list := a.do("GET", "/conversations", "").is(200).json()["items"].([]any)
		if len(list) != 2 {
			t.Fatalf("%d conversations, want one for each sender", len(list))
		}
		for i, n := range []float64{1, 2} {
			if c := list[i].(object); c["messageCount"] != n || c["unreadCount"] != n || c["contactId"] != one {
				t.Errorf("got %v", c)
			}
		}
	})
}
