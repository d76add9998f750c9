package travtus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// fails posts a body that has to be refused, and returns the error.
func (s *surface) fails(status int, kind, body string) object {
	s.t.Helper()
	w := s.try("POST", "/messages/", body)
	out, _ := s.decode(w, status)["error"].(object)
	if out["type"] != kind || out["message"] == "" || out["message"] == nil {
		s.t.Errorf("%s: got %s, want %s", body, w.Body, kind)
	}
	return out
}

// Section 3.1 to 3.6: what each channel needs, by name.
func TestMessages_NamesEveryFieldThatIsMissing(t *testing.T) {
	t.Parallel()
	s := newSurface(t, storetest.SQLite(t))
	for channel, want := range map[string][]string{
		"sms":             {"message_id", "text", "created_datetime", "phone_number", "conversation_id"},
		"email":           {"message_id", "text", "created_datetime", "from_email_address", "to_email_addresses", "subject", "conversation_id", "references"},
		"web_chat":        {"message_id", "text", "created_datetime"},
		"call_transcript": {"message_id", "created_datetime", "conversation_id", "recording_url"},
		"review":          {"review_id"},
	} {
		for _, inside := range []string{`{}`, `{"message_id":null,"text":"","review_id":""}`} {
			got := s.fails(400, "invalid_request", `{"channel":"`+channel+`","group_external_ref":"g","`+channel+`":`+inside+`}`)["fields"].(object)
			names := slices.Sorted(maps.Keys(got))
			full := make([]string, len(want))
			for i, name := range want {
				full[i] = channel + "." + name
				if got[full[i]] != "required" {
					t.Errorf("%s is %v", full[i], got[full[i]])
				}
			}
			slices.Sort(full)
			if !slices.Equal(names, full) {
				t.Errorf("%s: got %v, want %v", channel, names, full)
			}
		}
		if got := s.fails(400, "invalid_request", `{"channel":"`+channel+`","group_external_ref":"g"}`)["fields"].(object); got[channel] != "required" {
			t.Errorf("%s without its object: %v", channel, got)
		}
	}
}

// Section 3: fields of the wrong type, all told at once.
func TestMessages_NamesFieldsThatAreWrong(t *testing.T) {
	t.Parallel()
	s := newSurface(t, storetest.SQLite(t))
	for body, want := range map[string]string{
		`{"channel":7}`:                      "channel",
		`{"channel":"fax"}`:                  "channel",
		`{}`:                                 "channel",
		`{"channel":"sms","group_id":7}`:     "group_id",
		`{"channel":"sms","group_id":"abc"}`: "group_id",
		`{"channel":"sms","group_external_ref":"g","sms":[]}`:                                                  "sms",
		strings.Replace(sms("1", "x", "c"), "Inbound", "sideways", 1):                                          "message_direction",
		strings.Replace(sms("1", "x", "c"), `"Jane"`, `[]`, 1):                                                 "first_name",
		strings.Replace(sms("1", "x", "c"), `"2024-03-15T11:30:00Z"`, `"yesterday"`, 1):                        "sms.created_datetime",
		strings.Replace(sms("1", "x", "c"), `"+1234567890"`, `1234567890`, 1):                                  "sms.phone_number",
		strings.Replace(sms("1", "x", "c"), `"first_name"`, `"attachment_urls":"https://x","first_name"`, 1):   "attachment_urls",
		sms("1", "x", strings.Repeat("c", 1025)):                                                               "sms.conversation_id",
		`{"channel":"review","group_external_ref":"g","review":{"review_id":"1","created_datetime":"12/1"}}`:   "review.created_datetime",
		`{"channel":"web_chat","group_external_ref":"g","web_chat":{"message_id":{},"text":1,"name":[]}}`:      "web_chat.message_id",
		`{"channel":"call_transcript","group_external_ref":"g","call_transcript":{"call_duration_in_sec":[]}}`: "call_transcript.call_duration_in_sec",
	} {
		if got, _ := s.fails(400, "invalid_request", body)["fields"].(object); got[want] == nil {
			t.Errorf("%s: got %v, want %s among them", body, got, want)
		}
	}
}

// Section 3.1: times with and without an offset, with fractions, and what is not known is ignored.
func TestMessages_TakesWhatTheDocumentationShows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		for i, at := range []string{"2024-03-15T11:30:00Z", "2024-03-15T11:30:00", "2024-03-15T13:30:00+02:00", "2024-03-15T11:30:00.000000", "2024-03-15 11:30:00"} {
			body := strings.Replace(sms(fmt.Sprint(i), "x", "c"), "2024-03-15T11:30:00Z", at, 1)
			s.post(strings.Replace(body, `{"channel"`, `{"colour":{"a":[1]},"message_uri":"https://x","attachment_urls":["https://a"],"channel"`, 1))
		}
		for _, m := range s.Messages(s.app) {
			if !m.ProviderAt.Equal(time.Date(2024, 3, 15, 11, 30, 0, 0, time.UTC)) || m.From != "+1234567890" || m.ProfileName != "Jane" || !strings.Contains(string(m.Content), `"attachmentUrls":["https://a"]`) {
				t.Errorf("got %+v %s", m, m.Content)
			}
		}
		s.post(`{"channel":"email","group_external_ref":"g","email":{"message_id":"e1","text":"x","created_datetime":"2024-03-15T11:30:00Z","from_email_address":"j@x.example",` +
			`"to_email_addresses":["a@x.example","b@x.example"],"subject":"s","conversation_id":"c","references":["<1>","<2>"],"in_reply_to":"<2>"}}`)
		list := s.Messages(s.app)
		if m := list[len(list)-1]; m.To != "a@x.example, b@x.example" || m.Channel != hookswitch.Email || m.From != "j@x.example" {
			t.Errorf("email: %+v", m)
		}
		w := s.try("POST", "/messages/", webChat("w1", "x", ""))
		if w.Code != 200 || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d %v", w.Code, w.Header())
		}
	})
}

// Section 3.8: errors in the order of checks.
func TestMessages_ChecksInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		other := s.newApp("Other")
		theirs := servicetest.Must(s.Service.CreateGroup(t.Context(), other.app.Key, hookswitch.Group{ExternalRef: "theirs"}))(t)
		ours := servicetest.Must(s.Service.CreateGroup(t.Context(), s.app.Key, hookswitch.Group{ExternalRef: "ours"}))(t)
		unknown := "00000000-0000-4000-8000-000000000000"
		for _, body := range []string{"", "null", "[]", `"x"`, "7", "{", `{"a":1} x`, "{\"channel\":\"\xff\"}"} {
			s.fails(400, "invalid_json", body)
		}
		s.fails(400, "invalid_request", `{"channel":"fax","group_id":"`+unknown+`"}`)
		for body, message := range map[string]string{
			`{"channel":"sms"}`: "You must either provide a group id or group external reference in the request body.",
			`{"channel":"sms","group_id":"","group_external_ref":null}`: "You must either provide a group id or group external reference in the request body.",
		} {
			if e := s.fails(400, "no_group", body); e["message"] != message {
				t.Errorf("%s: %v", body, e)
			}
		}
		s.fails(400, "both_group_identifiers_provided", `{"channel":"sms","group_id":"`+ours.UUID+`","group_external_ref":"ours"}`)
		if e := s.fails(401, "no_access_to_group", `{"channel":"sms","group_id":"`+theirs.UUID+`"}`); e["message"] != "You do not have access to the group you have provided." {
			t.Errorf("%v", e)
		}
		for _, group := range []string{`"group_id":"` + unknown + `"`, `"group_external_ref":"theirs"`, `"group_external_ref":"other"`} {
			if e := s.fails(404, "group_not_found", `{"channel":"sms",`+group+`}`); e["message"] != "We could not find a group with the ID you have provided." {
				t.Errorf("%s: %v", group, e)
			}
		}
		s.fails(400, "invalid_request", `{"channel":"sms","group_id":"`+strings.ToUpper(ours.UUID)+`"}`)
		if n := len(s.Messages(s.app)); n != 0 {
			t.Errorf("%d messages were stored", n)
		}
		if s.refused("", missingBody); t.Failed() {
			t.Log("authorization comes first")
		}
	})
}

// Section 3.8: while there are no groups any is taken and remembered; deleting the last one brings that back.
func TestMessages_AnyGroupIsTakenWhileThereAreNone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		s.post(sms("1", "x", "c"))
		s.post(strings.Replace(sms("2", "x", "c"), `"group_external_ref":"portfolio_123"`, `"group_id":"550E8400-E29B-41D4-A716-446655440000"`, 1))
		s.post(sms("3", "x", "c"))
		groups := servicetest.Must(s.Service.Groups(t.Context(), s.app.Key, page))(t)
		if len(groups) != 2 || groups[0].ExternalRef != "portfolio_123" || len(groups[0].UUID) != 36 || groups[0].Configured || groups[1].UUID != "550e8400-e29b-41d4-a716-446655440000" {
			t.Fatalf("groups: %+v", groups)
		}
		// Another account may use the same names.
		other := s.newApp("Other")
		other.post(sms("1", "x", "c"))
		made := servicetest.Must(s.Service.CreateGroup(t.Context(), s.app.Key, hookswitch.Group{UUID: groups[1].UUID, ExternalRef: "oak"}))(t)
		if made.Key != groups[1].Key {
			t.Errorf("a remembered group became another: %+v", made)
		}
		s.fails(404, "group_not_found", sms("4", "x", "c"))
		s.post(strings.Replace(sms("5", "x", "c"), "portfolio_123", "oak", 1))
		if err := s.Service.DeleteGroup(t.Context(), s.app.Key, made.UUID); err != nil {
			t.Fatal(err)
		}
		s.post(sms("6", "x", "c"))
	})
}

// A group that messages have named before it was made has, from then on, the id and the reference that it was made with, whichever of them they had named.
func TestMessages_AGroupThatIsMadeAfterItsMessagesIsTheirs(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		named := func(id, group string) string {
			return strings.Replace(sms(id, "x", "c"), `"group_external_ref":"portfolio_123"`, group, 1)
		}
		const oak, elm = "550e8400-e29b-41d4-a716-446655440000", "660e8400-e29b-41d4-a716-446655440000"
		for i, group := range []string{`"group_external_ref":"oak"`, `"group_id":"` + elm + `"`, `"group_external_ref":"elm"`} {
			s.post(named(fmt.Sprint(i), group))
		}
		made := servicetest.Must(s.Service.CreateGroup(t.Context(), s.app.Key, hookswitch.Group{UUID: oak, ExternalRef: "oak"}))(t)
		if made.UUID != oak || made.ExternalRef != "oak" || !made.Configured {
			t.Errorf("named by its reference before: %+v", made)
		}
		made = servicetest.Must(s.Service.CreateGroup(t.Context(), s.app.Key, hookswitch.Group{UUID: elm, ExternalRef: "elm"}))(t)
		if made.UUID != elm || made.ExternalRef != "elm" || !made.Configured {
			t.Errorf("named by both before: %+v", made)
		}
		for i, group := range []string{`"group_external_ref":"oak"`, `"group_id":"` + oak + `"`, `"group_external_ref":"elm"`, `"group_id":"` + elm + `"`} {
			s.post(named(fmt.Sprint("after ", i), group))
		}
		if groups := servicetest.Must(s.Service.Groups(t.Context(), s.app.Key, page))(t); len(groups) != 2 {
			t.Errorf("groups: %+v", groups)
		}
		for _, again := range []hookswitch.Group{{UUID: oak}, {ExternalRef: "elm"}, {UUID: oak, ExternalRef: "elm"}} {
			if _, err := s.Service.CreateGroup(t.Context(), s.app.Key, again); hookswitch.KindOf(err) != hookswitch.Conflict {
				t.Errorf("%+v again: %v", again, err)
			}
		}
	})
}

// Section 3.9: the same message again has its first effect and its first answer, also when both come at once.
func TestMessages_TheSameMessageAgainHasNoSecondEffect(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		b := &bot{}
		s.withBot(b)
		const n = 16
		ids := make([]string, n)
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				w := s.try("POST", "/messages/", sms("SM1", "Hello", "c"))
				var out struct {
					ID string `json:"request_id"`
				}
				if w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &out) != nil {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				ids[i] = out.ID
			})
		}
		wg.Wait()
		slices.Sort(ids)
		if ids[0] != ids[n-1] || len(ids[0]) != 36 {
			t.Errorf("request ids: %v", slices.Compact(ids))
		}
		s.post(webChat("SM1", "Hello", "")) // the same id on another channel is another message
		other := s.newApp("Other")
		if id := other.post(sms("SM1", "Hello", "c")); id == ids[0] {
			t.Error("another account's message has the same request id")
		}
		s.waitAnswers("web_chat.respond", 1)
		if got := s.waitAnswers("sms.respond", 1); len(got) != 1 || len(s.Messages(s.app)) != 4 {
			t.Errorf("%d answers, %d messages", len(got), len(s.Messages(s.app)))
		}
		s.Clock.Advance(400 * 24 * time.Hour)
		s.token = s.newToken()
		if id := s.post(sms("SM1", "Hello", "c")); id != ids[0] {
			t.Errorf("after a year: %s", id)
		}
	})
}

// Section 3.8: size, content type, method, and paths.
func TestMessages_RefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	s := newSurface(t, storetest.SQLite(t))
	if w := s.try("POST", "/messages/", `{"channel":"`+strings.Repeat("x", 1<<20)+`"}`); w.Code != 413 || !strings.Contains(w.Body.String(), `"payload_too_large"`) {
		t.Errorf("too large: %d %.200s", w.Code, w.Body)
	}
	for kind, status := range map[string]int{"": 200, "application/json": 200, "application/json; charset=utf-8": 200, "application/vnd.x+json": 200, "text/plain": 415,
		"application/x-www-form-urlencoded": 415, ";": 415} {
		w := s.try("POST", "/messages/", sms("1", "x", "c"), func(r *http.Request) {
			r.Header.Del("Content-Type")
			if kind != "" {
				r.Header.Set("Content-Type", kind)
			}
		})
		if w.Code != status || status == 415 && !strings.Contains(w.Body.String(), `"unsupported_media_type"`) {
			t.Errorf("%q: %d %s", kind, w.Code, w.Body)
		}
	}
	for path, allow := range map[string]string{"/messages/": "POST", "/messages": "POST", "/webhook/app-portal-access/": "GET, HEAD"} {
		w := s.try("DELETE", path, "")
		if w.Code != 405 || w.Header().Get("Allow") != allow || !strings.Contains(w.Body.String(), `"method_not_allowed"`) {
			t.Errorf("DELETE %s: %d %s, Allow %q", path, w.Code, w.Body, w.Header().Get("Allow"))
		}
	}
	if w := s.try("POST", "/messages/x", "{}"); w.Code != 404 || !strings.Contains(w.Body.String(), `{"error":{"type":"not_found"`) {
		t.Errorf("an unknown path: %d %s", w.Code, w.Body)
	}
	s.decode(s.try("POST", "/messages", sms("2", "x", "c")), 200)
}

// Section 3.9: two first messages of one conversation at once make one conversation and one sender.
func TestMessages_FirstOnesAtOnceShareTheirConversation(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		var wg sync.WaitGroup
		for i := range 12 {
			wg.Go(func() {
				if w := s.try("POST", "/messages/", sms(fmt.Sprint(i), "x", "c")); w.Code != 200 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		wg.Wait()
		conversations := servicetest.Must(s.Service.Conversations(t.Context(), s.app.Key, page))(t)
		senders := servicetest.Must(s.Service.Senders(context.Background(), s.app.Key, page))(t)
		if len(conversations) != 1 || conversations[0].Inbound != 12 || len(senders) != 1 || len(senders[0].Routes) != 1 {
			t.Errorf("conversations %+v, senders %+v", conversations, senders)
		}
	})
}
