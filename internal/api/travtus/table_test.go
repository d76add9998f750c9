package travtus_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/api/travtus"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// Section 2.2, and 1.4 of whatever the path's API is: no route does anything without a credential, but for the one that gives them; and whatever is sent to a route, the caller is told
// what is wrong with it.
func TestTable_EveryRouteAsksWhoItIsAndRefusesNonsense(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		session, _ := s.session(customer)
		nonsense := []string{"", "null", "[]", "7", `"x"`, "{", `{"a":1}{`, "{}", `{"":{}}`, strings.Repeat(`{"a":`, 20_000), strings.Repeat("[", 100_000), "{\"channel\":\"\xff\"}", `{"channel":"\ud800"}`,
			`{"channel":["sms"],"source":7,"customer":[],"content":{},"url":1,"event":[]}`, `{"channel":1e999,"content":1e999}`, `{"channel":"sms","sms":{"message_id":` + strings.Repeat("9", 5000) + `}}`,
			`{"channel":"sms","group_external_ref":"a\u0000b"}`, `{"content":""}`, `{"url":"http://[","event":"message"}`, `{"url":"https://x.example/\u0000","event":"message"}`}
		for _, rt := range s.api.(*travtus.API).Routes() {
			path := strings.ReplaceAll(rt.Path, "{session}", session)
			if rt.Path != "/oauth2/token" {
				if w := s.try(rt.Method, path, "{}", func(r *http.Request) { r.Header.Del("Authorization") }); w.Code != 401 || !strings.Contains(w.Body.String(), "missing_authorization") {
					t.Errorf("%s %s without a token: %d %s", rt.Method, path, w.Code, w.Body)
				}
			}
			if rt.Method == http.MethodGet {
				continue
			}
			for _, body := range nonsense {
				if w := s.try(rt.Method, path, body); w.Code < 400 || w.Code > 499 || !strings.HasPrefix(w.Body.String(), `{"`) {
					t.Errorf("%s %s with %.60q: %d %s", rt.Method, path, body, w.Code, w.Body)
				}
			}
		}
	})
}
