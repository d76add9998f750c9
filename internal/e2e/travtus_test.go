package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	svix "github.com/svix/svix-webhooks/go"
)

// command runs a command of the program against the server, and reads its JSON into out.
func (s *Server) command(out any, stdin string, args ...string) {
	s.tb.Helper()
	cmd := exec.Command(Binary(s.tb), append(args, "--json")...)
	cmd.Env = append(os.Environ(), "HOOKSWITCH_URL="+s.URL, "HOOKSWITCH_OPERATOR_TOKEN="+s.Token)
	cmd.Stdin = strings.NewReader(stdin)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		s.tb.Fatalf("hookswitch %s: %v: %s", strings.Join(args, " "), err, &said)
	}
	if err := json.Unmarshal(text, out); err != nil {
		s.tb.Fatalf("hookswitch %s: %v: %s", strings.Join(args, " "), err, text)
	}
}

// TestTravtus_AnIntegrationFromTheFirstTokenToTheAnswer does what an integration does, with the commands that set it up, the requests of its documentation, and the library that its
// receivers use.
func TestTravtus_AnIntegrationFromTheFirstTokenToTheAnswer(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		s := Start(t, Options{Kind: kind, Settings: map[string]string{"allow-networks": "127.0.0.0/8"}})
		var app struct{ ID, BotName string }
		s.command(&app, "", "app", "create", "Oak")
		s.command(&app, `{"kind":"echo"}`, "app", "set", app.ID, "--bot-name", "Iris", "--bot-ref", "bot_ai", "--company-id", "company_789", "--responder", "-")
		var group struct{ ID string }
		s.command(&group, "", "group", "create", "--app", app.ID, "--external-ref", "property_oak_towers")
		var client struct{ ClientID, ClientSecret string }
		s.command(&client, "", "client", "create", "--app", app.ID)

		got := make(chan *http.Request, 100)
		bodies := make(chan []byte, 100)
		receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			got <- r
			bodies <- body
		}))
		t.Cleanup(receiver.Close)
		var ep struct{ ID string }
		s.Call("POST", "/api/v1/app/"+app.ID+"/endpoint", map[string]any{"url": receiver.URL + "/hook"}, &ep, 201)
		var secret struct{ Key string }
		s.Call("GET", "/api/v1/app/"+app.ID+"/endpoint/"+ep.ID+"/secret", nil, &secret, 200)

		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client.ClientID}, "client_secret": {client.ClientSecret}}
		answer, err := http.PostForm(s.URL+"/oauth2/token", form)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var token struct {
			AccessToken string `json:"access_token"`
			TokenType   string `json:"token_type"`
		}
		if err := json.NewDecoder(answer.Body).Decode(&token); err != nil || token.TokenType != "Bearer" {
			t.Fatalf("%d %+v, %v", answer.StatusCode, token, err)
		}
		do := func(method, path, body string) *Response {
			t.Helper()
			header := http.Header{"Authorization": {"Bearer " + token.AccessToken}}
			resp, err := s.Do(context.Background(), method, path, []byte(body), header)
			if err != nil {
				t.Fatal(err)
			}
			return resp
		}
		posted := do("POST", "/messages/", `{"channel":"web_chat","message_direction":"Inbound","group_id":"`+group.ID+
			`","web_chat":{"message_id":"m-1","text":"Is it free?","created_datetime":"2024-03-15T11:30:00Z","conversation_id":"conv_abc123"}}`)
		var request struct {
			ID string `json:"request_id"`
		}
		if json.Unmarshal(posted.Body, &request) != nil || posted.Status != 200 {
			t.Fatalf("%d %s", posted.Status, posted.Body)
		}

		var r *http.Request
		var body []byte
		select {
		case r = <-got:
			body = <-bodies
		case <-time.After(30 * time.Second):
			t.Fatal("no answer has come")
		}
		hook, err := svix.NewWebhook(secret.Key)
		if err != nil {
			t.Fatal(err)
		}
		if err := hook.Verify(body, r.Header); err != nil {
			t.Errorf("the official library: %v", err)
		}
		published, err := svix.NewWebhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
		if err != nil {
			t.Fatal(err)
		}
		example := http.Header{"Svix-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Svix-Timestamp": {"1614265330"}, "Svix-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}}
		if err := published.VerifyIgnoringTimestamp([]byte(`{"test": 2432232314}`), example); err != nil {
			t.Errorf("the example of the portal page: %v", err)
		}
		if kind := r.Header.Get("Content-Type"); r.Method != "POST" || kind != "application/json" || r.Header.Get("User-Agent") == "" {
			t.Errorf("%s, Content-Type %q, User-Agent %q", r.Method, kind, r.Header.Get("User-Agent"))
		}
		want := `{"event_type":"web_chat.respond","message_id":"` + request.ID + `","body":{"message_id":"m-1","conversation_id":"conv_abc123","sender_name":"Iris",` +
			`"message_text":"Is it free?","channel":"website","company_id":"company_789","sender_external_ref":"bot_ai","human_handover_ind":false,` +
			`"portfolio_external_ref":"property_oak_towers"}}`
		if string(body) != want {
			t.Errorf("got  %s\nwant %s", body, want)
		}

		link := do("GET", "/webhook/app-portal-access/", "")
		var portal map[string]string
		if json.Unmarshal(link.Body, &portal) != nil || len(portal) != 1 {
			t.Fatalf("%d %s", link.Status, link.Body)
		}
		_, key, _ := strings.Cut(portal["url"], "#key=")
		login, err := base64.StdEncoding.DecodeString(key)
		if err != nil || !bytes.Contains(login, []byte(`"appId":"`+app.ID+`"`)) {
			t.Errorf("%s: %s, %v", portal["url"], login, err)
		}
		if again := do("POST", "/messages", `{"channel":"sms","group_external_ref":"elsewhere"}`); again.Status != 404 || !bytes.Contains(again.Body, []byte("group_not_found")) {
			t.Errorf("another group: %d %s", again.Status, again.Body)
		}
		if refused := do("POST", "/v1/sessions/x/messages", `{"content":"x"}`); string(refused.Body) != `{"status":404,"errorCode":"session_not_found"}` {
			t.Errorf("an unknown session: %d %s", refused.Status, refused.Body)
		}
		var revoked struct{ Deleted bool }
		s.command(&revoked, "", "client", "revoke", "--app", app.ID, client.ClientID)
		if refused := do("POST", "/messages/", "{}"); refused.Status != 401 || !bytes.Contains(refused.Body, []byte("invalid_authorization")) {
			t.Errorf("after the client was revoked: %d %s", refused.Status, refused.Body)
		}
	})
}
