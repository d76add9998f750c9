package operator

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/apitest"
)

//go:generate go test -run=TestTheDescriptionHasEveryRoute -describe

// shapes are those of all routes. A new route needs a line here.
var shapes = map[string]apitest.Shape{
	"GET /apps":          {Tag: "apps", List: true, Out: listOut[appOut]{}},
	"POST /apps":         {Tag: "apps", Status: 201, In: appIn{}, Out: appOut{}},
	"GET /apps/{app}":    {Tag: "apps", Out: appOut{}},
	"PATCH /apps/{app}":  {Tag: "apps", In: appIn{}, Out: appOut{}},
	"DELETE /apps/{app}": {Tag: "apps", Status: 204},

	"GET /apps/{app}/export":                    {Tag: "apps", Lines: true, Out: exportLine{}},
	"DELETE /apps/{app}/contacts/{contact}":     {Tag: "contacts", Status: 202, Out: erasureOut{}},
	"GET /apps/{app}/contacts/{contact}/export": {Tag: "contacts", Lines: true, Out: exportLine{}},

	"GET /apps/{app}/events":   {Tag: "apps", Query: []string{"q"}, List: true, Out: listOut[foundEventOut]{}},
	"GET /apps/{app}/activity": {Tag: "apps", Query: []string{"action", "actor"}, List: true, Out: listOut[activityOut]{}},

	"GET /apps/{app}/keys":               {Tag: "keys", List: true, Out: listOut[keyOut]{}},
	"POST /apps/{app}/keys":              {Tag: "keys", Status: 201, In: keyIn{}, Out: keyOut{}},
	"POST /apps/{app}/keys/{key}/rotate": {Tag: "keys", In: rotationIn{}, Out: keyOut{}},
	"DELETE /apps/{app}/keys/{key}":      {Tag: "keys", Status: 204},

	"GET /apps/{app}/portal":   {Tag: "apps", Out: portalOut{}},
	"PATCH /apps/{app}/portal": {Tag: "apps", In: portalIn{}, Out: portalOut{}},

	"GET /apps/{app}/clients":             {Tag: "clients", List: true, Out: listOut[clientOut]{}},
	"POST /apps/{app}/clients":            {Tag: "clients", Status: 201, In: clientIn{}, Out: clientOut{}},
	"DELETE /apps/{app}/clients/{client}": {Tag: "clients", Status: 204},

	"GET /apps/{app}/groups":            {Tag: "groups", List: true, Out: listOut[groupOut]{}},
	"POST /apps/{app}/groups":           {Tag: "groups", Status: 201, In: groupIn{}, Out: groupOut{}},
	"DELETE /apps/{app}/groups/{group}": {Tag: "groups", Status: 204},
	"PUT /apps/{app}/responder":         {Tag: "groups", In: hookswitch.ResponderConfig{}, Out: senderOut{}},

	"GET /apps/{app}/senders":                    {Tag: "senders", List: true, Out: listOut[senderOut]{}},
	"PUT /apps/{app}/senders":                    {Tag: "senders", In: senderFile{}, Out: listOut[senderOut]{}},
	"GET /apps/{app}/senders/{sender}":           {Tag: "senders", Out: senderOut{}},
	"DELETE /apps/{app}/senders/{sender}":        {Tag: "senders", Status: 204},
	"POST /apps/{app}/senders/{sender}/register": {Tag: "senders", Query: []string{"channel"}, Out: listOut[registrationOut]{}},

	"POST /apps/{app}/senders":                                      {Tag: "senders", Status: 201, In: senderIn{}, Out: senderOut{}},
	"PATCH /apps/{app}/senders/{sender}":                            {Tag: "senders", In: senderIn{}, Out: senderOut{}},
	"POST /apps/{app}/senders/{sender}/routes":                      {Tag: "senders", Status: 201, In: routeIn{}, Out: changedRouteOut{}},
	"PATCH /apps/{app}/senders/{sender}/routes/{route}":             {Tag: "senders", In: routeIn{}, Out: changedRouteOut{}},
	"DELETE /apps/{app}/senders/{sender}/routes/{route}":            {Tag: "senders", Status: 204},
	"POST /apps/{app}/senders/{sender}/routes/{route}/check":        {Tag: "senders", Out: routeCheckOut{}},
	"GET /apps/{app}/senders/{sender}/responder":                    {Tag: "responders", Out: senderResponderOut{}},
	"PUT /apps/{app}/senders/{sender}/responder":                    {Tag: "responders", In: hookswitch.ResponderConfig{}, Out: senderResponderOut{}},
	"DELETE /apps/{app}/senders/{sender}/responder":                 {Tag: "responders", Status: 204},
	"POST /apps/{app}/senders/{sender}/responder/check":             {Tag: "responders", Status: 204, In: hookswitch.ResponderConfig{}},
	"POST /apps/{app}/senders/{sender}/responder/try":               {Tag: "responders", In: trialIn{}, Out: trialOut{}},
	"PUT /apps/{app}/senders/{sender}/responder/channels/{channel}": {Tag: "responders", In: silenceIn{}, Out: senderResponderOut{}},
	"GET /apps/{app}/senders/{sender}/flow":                         {Tag: "responders", Query: []string{"channel", "days"}, Out: flowOut{}},
	"GET /apps/{app}/replies":                                       {Tag: "responders", Query: []string{"sender", "channel", "result"}, List: true, Out: listOut[replyOut]{}},
	"GET /apps/{app}/sessions":                                      {Tag: "conversations", Query: []string{"channel", "sender", "conversation"}, List: true, Out: listOut[sessionOut]{}},
	"GET /apps/{app}/sessions/{session}":                            {Tag: "conversations", Out: wholeSessionOut{}},
	"GET /providers":                                                {Tag: "senders", Out: providersOut{}},
	"POST /event-types/{type}/check":                                {Tag: "server", In: schemasIn{}, Out: comparisonsOut{}},

	"GET /apps/{app}/contacts/{contact}":            {Tag: "contacts", Out: contactOut{}},
	"DELETE /apps/{app}/contacts/{contact}/opt-out": {Tag: "contacts", Query: []string{"channel"}, Out: contactOut{}},

	"GET /apps/{app}/conversations":                  {Tag: "conversations", List: true, Out: listOut[conversationOut]{}},
	"PATCH /apps/{app}/conversations/{conversation}": {Tag: "conversations", In: handoverIn{}, Out: handoverOut{}},

	"GET /apps/{app}/messages":                 {Tag: "messages", Query: []string{"conversation", "channel", "status", "to"}, List: true, Out: listOut[messageOut]{}},
	"GET /apps/{app}/messages/{message}":       {Tag: "messages", Out: messageWithReceiptsOut{}},
	"POST /apps/{app}/messages/{message}/read": {Tag: "messages", Status: 204},
	"POST /messages":                           {Tag: "messages", Status: 202, Header: []string{"Idempotency-Key"}, In: messageIn{}, Out: messageOut{}},

	"GET /drafts":                  {Tag: "drafts", Query: []string{"app", "status"}, List: true, Out: listOut[draftOut]{}},
	"GET /drafts/{draft}":          {Tag: "drafts", Query: []string{"app"}, Out: draftOut{}},
	"PATCH /drafts/{draft}":        {Tag: "drafts", Query: []string{"app"}, In: draftIn{}, Out: draftOut{}},
	"POST /drafts/{draft}/approve": {Tag: "drafts", Query: []string{"app"}, Out: draftOut{}},
	"POST /drafts/{draft}/reject":  {Tag: "drafts", Query: []string{"app"}, Out: draftOut{}},

	"GET /templates":                     {Tag: "templates", Query: []string{"app", "status"}, List: true, Out: listOut[templateOut]{}},
	"GET /templates/{template}":          {Tag: "templates", Query: []string{"app"}, Out: templateOut{}},
	"POST /templates/{template}/approve": {Tag: "templates", Query: []string{"app"}, In: templateDecisionIn{}, Out: templateOut{}},
	"POST /templates/{template}/reject":  {Tag: "templates", Query: []string{"app"}, In: templateDecisionIn{}, Out: templateOut{}},

	"GET /invitations":                        {Tag: "invitations", Query: []string{"app", "status"}, List: true, Out: listOut[invitationOut]{}},
	"GET /invitations/{invitation}":           {Tag: "invitations", Query: []string{"app"}, Out: invitationOut{}},
	"POST /invitations/{invitation}/complete": {Tag: "invitations", Query: []string{"app"}, In: completionIn{}, Out: invitationOut{}},
	"POST /invitations/{invitation}/fail":     {Tag: "invitations", Query: []string{"app"}, In: failureIn{}, Out: invitationOut{}},
	"POST /invitations/{invitation}/cancel":   {Tag: "invitations", Query: []string{"app"}, Out: invitationOut{}},

	"GET /strays":            {Tag: "server", List: true, Out: listOut[strayOut]{}},
	"GET /strays/{stray}":    {Tag: "server", Out: wholeStrayOut{}},
	"DELETE /strays/{stray}": {Tag: "server", Status: 204},
	"GET /settings":          {Tag: "server", Out: settingsOut{}},

	"GET /checkup":               {Tag: "server", Out: checkupOut{}},
	"GET /overview":              {Tag: "server", Out: overviewOut{}},
	"GET /queues":                {Tag: "server", Out: queuesOut{}},
	"POST /pause":                {Tag: "server", In: pauseIn{}, Out: pauseOut{}},
	"DELETE /pause":              {Tag: "server", Status: 204},
	"GET /nodes":                 {Tag: "server", Out: nodesOut{}},
	"POST /nodes/{node}/drain":   {Tag: "server", Out: nodeOut{}},
	"DELETE /nodes/{node}/drain": {Tag: "server", Out: nodeOut{}},
	"GET /activity":              {Tag: "server", Query: []string{"q", "action", "actor"}, List: true, Out: listOut[activityOut]{}},
	"POST /activity/verify":      {Tag: "server", In: verifyIn{}, Out: verifyOut{}},
}

func TestTheDescriptionHasEveryRoute(t *testing.T) {
	t.Parallel()
	api := apitest.API{Name: "Operator", Tags: []string{"apps", "keys", "clients", "groups", "senders", "responders", "contacts", "conversations", "messages", "drafts", "templates", "invitations", "server"},
		Owns:     func(path string) bool { return strings.HasPrefix(path, Prefix+"/") },
		Security: "operatorToken", SecurityText: "The operator token.", Error: errorOut{}, Limit: defaultLimit, MaxLimit: maxLimit}
	for _, rt := range (&handler{}).routes() {
		api.Routes = append(api.Routes, apitest.Route{Method: rt.method, Path: Prefix + rt.path, Name: rt.name, Shape: shapes[rt.method+" "+rt.path]})
	}
	api.Check(t, "../../../openapi.json")
	if len(shapes) != len(api.Routes) {
		t.Errorf("%d shapes for %d routes", len(shapes), len(api.Routes))
	}
}
