package travtus_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const customer = `{"clientId":"abc","source":"sms","customer":{"firstName":"Jane","lastName":"Doe","phoneNumber":"+15550001111","emailAddress":"jane@example.com",` +
	`"unitNumber":"4b","address":"1 Oak St"}}`

func (s *surface) session(body string) (session, user string) {
	s.t.Helper()
	out := s.decode(s.try("POST", "/v1/sessions", body), 200)
	session, user = out["sessionId"].(string), out["userId"].(string)
	hex32 := regexp.MustCompile(`^[0-9a-f]{32}$`)
	if out["status"] != 200.0 || !hex32.MatchString(session) || !hex32.MatchString(user) {
		s.t.Fatalf("got %v", out)
	}
	return session, user
}

func (s *surface) say(session, text string, status int) string {
	s.t.Helper()
	w := s.try("POST", "/v1/sessions/"+session+"/messages", `{"content":"`+text+`"}`)
	if w.Code != status {
		s.t.Fatalf("got %d %s, want %d", w.Code, w.Body, status)
	}
	return w.Body.String()
}

// Section 4: a session's answers are posted to those who asked for them, and to nobody else.
func TestSessions_AnswersArePushedToWhoAskedForThem(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		receiver := servicetest.NewReceiver(t)
		everything := servicetest.NewReceiver(t)
		s.Endpoint(s.app, everything.URL)
		for range 2 {
			if got := s.try("POST", "/v1/webhooks", `{"url":"`+receiver.URL+`","event":"message"}`); got.Code != 200 || got.Body.String() != `{"status":200}` {
				t.Fatalf("%d %s", got.Code, got.Body)
			}
		}
		s.withBot(&bot{})
		session, user := s.session(customer)
		if got := s.say(session, "Hello world", 200); got != `{"status":200}` {
			t.Errorf("got %s", got)
		}
		s.post(sms("1", "of version 2", "c"))
		s.waitAnswers("sms.respond", 1)
		got := s.waitAnswers("session.message", 1)
		want := `{"event":"message","data":{"sessionId":"` + session + `","userId":"` + user + `","content":"re: Hello world","participantType":"bot"}}`
		if len(got) != 1 || got[0] != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		servicetest.Eventually(t, "both receivers have one request each", func() bool { return len(receiver.Got()) > 0 && len(everything.Got()) > 0 })
		s.Flush()
		if a, b := receiver.Got(), everything.Got(); len(a) != 1 || string(a[0].Body) != want || len(b) != 1 || !strings.Contains(string(b[0].Body), "sms.respond") {
			t.Errorf("the sessions' receiver got %d, the other %d: %s", len(a), len(b), b[0].Body)
		}
		// What a person writes by hand is an agent's.
		servicetest.Must(s.Service.SendMessage(t.Context(), s.app.Key, service.NewMessage{Channel: hookswitch.SMS, To: "+15550001111", Text: "It is me"}, service.Idempotency{}))(t)
		if got := s.answers("session.message"); len(got) != 2 || !strings.Contains(got[1], `"content":"It is me","participantType":"agent"`) {
			t.Errorf("got %s", got)
		}
	})
}

// Section 4: the same customer, by phone or email, is the same user in another session.
func TestSessions_TheSameCustomerIsTheSameUser(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		first, user := s.session(customer)
		for body, same := range map[string]bool{
			customer: true,
			`{"source":"email","customer":{"emailAddress":"jane@example.com"}}`:     true,
			`{"source":"web_chat","customer":{"phoneNumber":"+15550001111"}}`:       true,
			`{"source":"sms","customer":{"phoneNumber":"+15550002222"}}`:            false,
			`{"source":"sms","customer":{"firstName":"Jane","lastName":"Nowhere"}}`: false,
		} {
			session, u := s.session(body)
			if session == first || (u == user) != same {
				t.Errorf("%s: session %s, user %s; before %s, %s", body, session, u, first, user)
			}
			s.say(session, "Hello", 200)
		}
		contacts := map[hookswitch.Key]bool{}
		for _, m := range s.Messages(s.app) {
			contacts[m.Contact] = true
		}
		if len(contacts) != 3 {
			t.Errorf("the messages are of %d people", len(contacts))
		}
	})
}

// Section 4: a session ends a day after its last message, and belongs to its account.
func TestSessions_EndADayAfterTheLastMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		_, key, err := s.Service.CreateAPIKey(t.Context(), s.app.Key, hookswitch.APIKey{})
		if err != nil {
			t.Fatal(err)
		}
		s.token = key.Reveal()
		gone := `{"status":404,"errorCode":"session_not_found"}`
		session, _ := s.session(customer)
		for range 3 {
			s.Clock.Advance(24*time.Hour - time.Second)
			s.say(session, "still here", 200)
		}
		other := s.newApp("Other")
		for _, id := range []string{strings.Repeat("0", 32), "x", strings.ToUpper(session), session + "0", session[:31]} {
			if got := s.say(id, "x", 404); got != gone {
				t.Errorf("%s: %s", id, got)
			}
		}
		if got := other.say(session, "x", 404); got != gone {
			t.Errorf("another account: %s", got)
		}
		s.Clock.Advance(24 * time.Hour)
		if got := s.say(session, "too late", 404); got != gone {
			t.Errorf("after a day: %s", got)
		}
		if n := len(s.Messages(s.app)); n != 3 {
			t.Errorf("%d messages", n)
		}
	})
}

// Section 4: errors carry their status and a word.
func TestSessions_ErrorsHaveTheirOwnShape(t *testing.T) {
	t.Parallel()
	s := newSurface(t, storetest.SQLite(t))
	for _, c := range []struct {
		path, body string
		status     int
		code       string
	}{
		{"/v1/sessions", `[]`, 400, "invalid_json"},
		{"/v1/sessions", `{}`, 400, "invalid_request"},
		{"/v1/sessions", `{"source":"fax","customer":{}}`, 400, "invalid_request"},
		{"/v1/sessions/x/messages", `{}`, 400, "invalid_request"},
		{"/v1/sessions/x/messages", `{"content":"x"}`, 404, "session_not_found"},
		{"/v1/webhooks", `{"url":"ftp://x","event":"message"}`, 400, "invalid_request"},
		{"/v1/webhooks", `{"url":"https://x.example","event":"other"}`, 400, "invalid_request"},
	} {
		w := s.try("POST", c.path, c.body)
		var out struct {
			Status    int
			ErrorCode string
		}
		if json.Unmarshal(w.Body.Bytes(), &out) != nil || w.Code != c.status || out.Status != c.status || out.ErrorCode != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.path, c.body, w.Code, w.Body, c.status, c.code)
		}
	}
	w := s.try("POST", "/v1/sessions", customer, func(r *http.Request) { r.Header.Del("Authorization") })
	if w.Code != 401 || w.Body.String() != `{"status":401,"errorCode":"missing_authorization"}` {
		t.Errorf("without a key: %d %s", w.Code, w.Body)
	}
}
