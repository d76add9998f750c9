package zavu

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/api/apitest"
)

//go:generate go test -run=TestTheDescriptionHasEveryRoute -describe

const descriptionFile = "../../../openapi.json"

// shapes are those of all routes. A new route needs a line here.
var shapes = map[string]apitest.Shape{
	"GET /me": {Tag: "key", Out: meOut{}},

	"POST /senders":                         {Tag: "senders", Status: 201, In: senderIn{}, Out: senderOut{}},
	"GET /senders":                          {Tag: "senders", List: true, Out: listOut[senderOut]{}},
	"GET /senders/{sender}":                 {Tag: "senders", Out: senderOut{}},
	"PATCH /senders/{sender}":               {Tag: "senders", In: senderIn{}, Out: senderOut{}},
	"DELETE /senders/{sender}":              {Tag: "senders", Status: 204},
	"POST /senders/{sender}/webhook/secret": {Tag: "senders", Out: secretOut{}},
	"POST /senders/{sender}/telegram":       {Tag: "senders", In: telegramIn{}, Out: wrappedTelegram{}},
	"DELETE /senders/{sender}/telegram":     {Tag: "senders", Status: 204},

	"POST /messages":                     {Tag: "messages", Status: 202, Header: []string{senderHeader, "Idempotency-Key"}, In: messageIn{}, Out: wrappedMessage{}},
	"GET /messages":                      {Tag: "messages", Query: []string{"channel", "status", "to"}, List: true, Out: listOut[messageOut]{}},
	"GET /messages/{message}":            {Tag: "messages", Out: wrappedMessage{}},
	"POST /messages/{message}/reactions": {Tag: "messages", Status: 202, Header: []string{senderHeader, "Idempotency-Key"}, In: reactionIn{}, Out: wrappedMessage{}},
	"POST /messages/{message}/typing": {Tag: "messages", Header: []string{senderHeader}, Out: struct {
		Success bool `json:"success"`
	}{}},
	"GET /messages/{message}/attachments": {Tag: "messages", Out: struct {
		Items []attachmentOut `json:"items"`
	}{}},

	"POST /contacts":                                      {Tag: "contacts", Status: 201, In: contactIn{}, Out: contactOut{}},
	"GET /contacts":                                       {Tag: "contacts", Query: []string{"phoneNumber", "search", "tag"}, List: true, Out: listOut[contactOut]{}},
	"GET /contacts/phone/{phone}":                         {Tag: "contacts", Out: contactOut{}},
	"GET /contacts/{contact}":                             {Tag: "contacts", Out: contactOut{}},
	"PATCH /contacts/{contact}":                           {Tag: "contacts", In: contactPatch{}, Out: contactOut{}},
	"DELETE /contacts/{contact}":                          {Tag: "contacts", Status: 204},
	"POST /contacts/{contact}/merge":                      {Tag: "contacts", In: mergeIn{}, Out: contactOut{}},
	"POST /contacts/{contact}/channels":                   {Tag: "contacts", Status: 201, In: contactChannelIn{}, Out: wrappedChannel{}},
	"PATCH /contacts/{contact}/channels/{channel}":        {Tag: "contacts", In: contactChannelPatch{}, Out: wrappedChannel{}},
	"DELETE /contacts/{contact}/channels/{channel}":       {Tag: "contacts", Status: 204},
	"POST /contacts/{contact}/channels/{channel}/primary": {Tag: "contacts", Out: wrappedChannel{}},

	"GET /conversations":                         {Tag: "conversations", Query: []string{"channel", "senderId", "search"}, List: true, Out: listOut[conversationOut]{}},
	"GET /conversations/{conversation}":          {Tag: "conversations", Out: wrappedConversation{}},
	"GET /conversations/{conversation}/messages": {Tag: "conversations", List: true, Out: listOut[messageOut]{}},
	"POST /conversations/{conversation}/read":    {Tag: "conversations", Out: wrappedConversation{}},

	"POST /templates":                   {Tag: "templates", Status: 201, Header: []string{"Idempotency-Key"}, In: templateIn{}, Out: templateOut{}},
	"GET /templates":                    {Tag: "templates", Query: []string{"status"}, List: true, Out: listOut[templateOut]{}},
	"POST /templates/sync":              {Tag: "templates", In: syncIn{}, Out: syncOut{}},
	"GET /templates/{template}":         {Tag: "templates", Out: templateOut{}},
	"DELETE /templates/{template}":      {Tag: "templates", Status: 204},
	"POST /templates/{template}/submit": {Tag: "templates", In: submitIn{}, Out: templateOut{}},

	"POST /invitations":                     {Tag: "invitations", Status: 201, Header: []string{"Idempotency-Key"}, In: invitationIn{}, Out: oneInvitationOut{}},
	"GET /invitations":                      {Tag: "invitations", Query: []string{"status"}, List: true, Out: listOut[invitationOut]{}},
	"POST /invitations/webhook":             {Tag: "invitations", Status: 201, In: projectWebhookIn{}, Out: oneProjectWebhookOut{}},
	"GET /invitations/webhook":              {Tag: "invitations", Out: oneProjectWebhookOut{}},
	"PATCH /invitations/webhook":            {Tag: "invitations", In: projectWebhookIn{}, Out: oneProjectWebhookOut{}},
	"DELETE /invitations/webhook":           {Tag: "invitations", Status: 204},
	"GET /invitations/{invitation}":         {Tag: "invitations", Out: oneInvitationOut{}},
	"POST /invitations/{invitation}/cancel": {Tag: "invitations", Out: oneInvitationOut{}},
}

func TestTheDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	api := apitest.API{Name: "Zavu", Tags: []string{"key", "senders", "messages", "contacts", "conversations", "templates", "invitations"},
		Owns: func(path string) bool {
			return strings.HasPrefix(path, Base+"/") && !strings.HasPrefix(path, Base+"/sessions") && path != Base+"/webhooks" // which are another API's
		},
		Security: "apiKey", SecurityText: "An API key of a project, live or for tests.", Error: errorOut{}, Limit: defaultLimit, MaxLimit: maxLimit}
	for _, rt := range (&handler{}).routes() {
		needs := "Any API key."
		if rt.scope != anyScope {
			needs = "An API key for " + string(rt.scope) + "."
		}
		api.Routes = append(api.Routes, apitest.Route{Method: rt.method, Path: Base + rt.path, Name: rt.name, Description: needs, Shape: shapes[rt.method+" "+rt.path]})
	}
	api.Check(t, descriptionFile)
	if len(shapes) != len(api.Routes) {
		t.Errorf("%d shapes for %d routes", len(shapes), len(api.Routes))
	}
}
