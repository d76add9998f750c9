package travtus

import (
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/api/apitest"
)

//go:generate go test -run=TestTheDescriptionHasEveryRoute -describe

// What requests look like. They are read field by field, so no type of the API says it; described_test.go holds these to what is read.
type (
	tokenIn struct {
		ClientID     string `json:"client_id" required:"yes"`
		ClientSecret string `json:"client_secret" required:"yes"`
		GrantType    string `json:"grant_type" required:"yes" enum:"client_credentials"`
	}
	// MessageIn is what is posted to /messages/: one of group_id and group_external_ref, and the object named like the channel.
	MessageIn struct {
		Channel          string            `json:"channel" required:"yes" enum:"sms,email,web_chat,call_transcript,review"`
		MessageDirection string            `json:"message_direction" enum:"Inbound,Outbound"`
		GroupID          string            `json:"group_id"`
		GroupExternalRef string            `json:"group_external_ref"`
		FirstName        string            `json:"first_name"`
		LastName         string            `json:"last_name"`
		AttachmentURLs   []string          `json:"attachment_urls"`
		MessageURI       string            `json:"message_uri"`
		SMS              *SMSIn            `json:"sms"`
		Email            *EmailIn          `json:"email"`
		WebChat          *WebChatIn        `json:"web_chat"`
		CallTranscript   *CallTranscriptIn `json:"call_transcript"`
		Review           *ReviewIn         `json:"review"`
	}
	agentIn struct {
		AgentID           string `json:"agent_id"`
		AgentFullName     string `json:"agent_full_name"`
		AgentFirstName    string `json:"agent_first_name"`
		AgentLastName     string `json:"agent_last_name"`
		AgentPhoneNumber  string `json:"agent_phone_number"`
		AgentEmailAddress string `json:"agent_email_address"`
	}
	// SMSIn is the object of the channel sms.
	SMSIn struct {
		MessageID         string `json:"message_id" required:"yes"`
		Text              string `json:"text" required:"yes"`
		CreatedDatetime   string `json:"created_datetime" required:"yes"`
		PhoneNumber       string `json:"phone_number" required:"yes"`
		ConversationID    string `json:"conversation_id" required:"yes"`
		Source            string `json:"source"`
		SentToPhoneNumber string `json:"sent_to_phone_number"`
		agentIn
	}
	// EmailIn is the object of the channel email. Its recipients are a text with commas, or a list of texts.
	EmailIn struct {
		MessageID        string   `json:"message_id" required:"yes"`
		Text             string   `json:"text" required:"yes"`
		CreatedDatetime  string   `json:"created_datetime" required:"yes"`
		FromEmailAddress string   `json:"from_email_address" required:"yes"`
		ToEmailAddresses any      `json:"to_email_addresses" required:"yes"`
		Subject          string   `json:"subject" required:"yes"`
		ConversationID   string   `json:"conversation_id" required:"yes"`
		References       []string `json:"references" required:"yes"`
		Source           string   `json:"source"`
		InReplyTo        string   `json:"in_reply_to"`
		agentIn
	}
	// WebChatIn is the object of the channel web_chat.
	WebChatIn struct {
		MessageID       string `json:"message_id" required:"yes"`
		Text            string `json:"text" required:"yes"`
		CreatedDatetime string `json:"created_datetime" required:"yes"`
		ConversationID  string `json:"conversation_id"`
		Source          string `json:"source"`
		SenderExtRef    string `json:"sender_ext_ref"`
		Name            string `json:"name"`
		agentIn
	}
	// CallTranscriptIn is the object of the channel call_transcript. Durations are texts or numbers.
	CallTranscriptIn struct {
		MessageID          string `json:"message_id" required:"yes"`
		CreatedDatetime    string `json:"created_datetime" required:"yes"`
		ConversationID     string `json:"conversation_id" required:"yes"`
		RecordingURL       string `json:"recording_url" required:"yes"`
		Source             string `json:"source"`
		Text               string `json:"text"`
		PhoneNumber        string `json:"phone_number"`
		NumberDialedByUser string `json:"number_dialed_by_user"`
		CallDurationInSec  any    `json:"call_duration_in_sec"`
		CallStatus         string `json:"call_status"`
		CallHandleTime     any    `json:"call_handle_time"`
		CallQueueWaitTime  any    `json:"call_queue_wait_time"`
		ForwardingNumber   string `json:"forwarding_number"`
		agentIn
	}
	// ReviewIn is the object of the channel review.
	ReviewIn struct {
		ReviewID        string `json:"review_id" required:"yes"`
		Source          string `json:"source"`
		Title           string `json:"title"`
		Comment         string `json:"comment"`
		Rating          any    `json:"rating"`
		CreatedDatetime string `json:"created_datetime"`
		UpdatedDatetime string `json:"updated_datetime"`
	}
	sessionIn struct {
		ClientID string     `json:"clientId"`
		Source   string     `json:"source" enum:"sms,email,web_chat"`
		Customer CustomerIn `json:"customer" required:"yes"`
	}
	// CustomerIn is whom a session is with.
	CustomerIn struct {
		FirstName    string `json:"firstName"`
		LastName     string `json:"lastName"`
		PhoneNumber  string `json:"phoneNumber"`
		EmailAddress string `json:"emailAddress"`
		UnitNumber   string `json:"unitNumber"`
		Address      string `json:"address"`
	}
	sessionMessageIn struct {
		Content string `json:"content" required:"yes"`
	}
	sessionWebhookIn struct {
		URL   string `json:"url" required:"yes"`
		Event string `json:"event" required:"yes" enum:"message"`
	}
	doneOut struct {
		Status int `json:"status"`
	}
)

// shapes are those of all routes. A new route needs a line here.
var shapes = map[string]apitest.Shape{
	"POST /oauth2/token":                   {Tag: "token", Open: true, Form: true, In: tokenIn{}, Out: tokenOut{}, Error: oauthError{}},
	"POST /messages/":                      {Tag: "messages", In: MessageIn{}, Out: postedOut{}},
	"GET /webhook/app-portal-access/":      {Tag: "portal", Query: []string{"icon"}, Out: portalOut{}},
	"POST /v1/sessions":                    {Tag: "sessions", In: sessionIn{}, Out: sessionOut{}, Error: sessionError{}},
	"POST /v1/sessions/{session}/messages": {Tag: "sessions", In: sessionMessageIn{}, Out: doneOut{}, Error: sessionError{}},
	"POST /v1/webhooks":                    {Tag: "sessions", In: sessionWebhookIn{}, Out: doneOut{}, Error: sessionError{}},
}

func TestTheDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	h, err := New(Options{Key: make([]byte, 16)})
	if err != nil {
		t.Fatal(err)
	}
	api := apitest.API{Name: "Travtus", Tags: []string{"token", "messages", "portal", "sessions"},
		Owns: func(path string) bool {
			return slices.ContainsFunc(Paths, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
		},
		Security: "clientToken", SecurityText: "A token of a client from /oauth2/token, or an API key.", Error: errorOut{}}
	for _, rt := range h.Routes() {
		path := rt.Path
		if path == "/messages" || path == "/webhook/app-portal-access" {
			path += "/" // the documented form; both are served
		}
		api.Routes = append(api.Routes, apitest.Route{Method: rt.Method, Path: path, Name: rt.Name, Shape: shapes[rt.Method+" "+path]})
	}
	api.Check(t, "../../../openapi.json")
	if len(shapes) != len(api.Routes) {
		t.Errorf("%d shapes for %d routes", len(shapes), len(api.Routes))
	}
}
