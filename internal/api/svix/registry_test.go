package svix_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/store"
)

// object is a thing that a path parameter stands for. A new parameter needs a line in objects, and so the tests over the whole route table know it.
type object struct {
	// param is the parameter's name or, where one name stands for different things, the path up to and with it.
	param string
	// make makes one in the application, or in the organization, and returns what may stand for it in a path: its id and its caller's own name.
	make func(a *api, app things) []string
	// opens says that a name is free in every application, and opens a new one where it is not known.
	opens bool
}

var objects = []object{
	{param: "app_id", make: func(a *api, _ things) []string {
		uid := a.unique("app")
		return []string{a.do("POST", "/app", `{"name":"n","uid":"`+uid+`","metadata":{"k":"v"},"throttleRate":7}`).is(201).text("id"), uid}
	}},
	{param: "endpoint_id", make: func(a *api, app things) []string {
		uid := a.unique("ep")
		id := a.endpoint(app.id("app_id"), `,"uid":"`+uid+`","description":"d","eventTypes":["user.signup"],"channels":["c"],"throttleRate":3,"metadata":{"k":"v"},"headers":{"X-A":"1"}`)
		return []string{id, uid}
	}},
	{param: "msg_id", make: func(a *api, app things) []string {
		uid := a.unique("ev")
		return []string{a.message(app.id("app_id"), `,"channels":["c"],"eventId":"`+uid+`"`), uid}
	}},
	{param: "attempt_id", make: func(a *api, app things) []string {
		return []string{a.try(app.id("app_id"), app.id("endpoint_id"), app.id("msg_id"), store.Retry)}
	}},
	{param: "/operational-webhook/endpoint/{endpoint_id}", make: func(a *api, _ things) []string {
		uid := a.unique("op")
		return []string{a.do("POST", "/operational-webhook/endpoint", `{"url":"https://receiver.example/operations","uid":"`+uid+`"}`).is(201).text("id"), uid}
	}},
	{param: "event_type_name", make: func(a *api, _ things) []string {
		name := a.unique("thing.happened")
		a.do("POST", "/event-type", `{"name":"`+name+`","description":"d"}`).is(201)
		return []string{name}
	}},
	{param: "integ_id", make: func(a *api, app things) []string {
		return []string{a.do("POST", "/app/"+app.id("app_id")+"/integration", `{"name":"i"}`).is(201).text("id")}
	}},
	{param: "one_time_token", make: func(a *api, app things) []string {
		once, _ := oneTime(a.t, a.do("POST", "/auth/app-portal-access/"+app.id("app_id"), "").is(200).text("url"))
		return []string{once}
	}},
	{param: "sink_id", opens: true, make: func(a *api, app things) []string {
		name := a.unique("poller")
		a.do("GET", "/app/"+app.id("app_id")+"/poller/"+name, "").is(200)
		a.do("POST", "/auth/app/"+app.id("app_id")+"/poller/"+name+"/token/rotate", "")
		return []string{name}
	}},
	{param: "consumer_id", opens: true, make: func(a *api, app things) []string {
		name := a.unique("consumer")
		// Beyond the end, so that what it shows does not change when time goes by.
		a.do("POST", "/app/"+app.id("app_id")+"/poller/"+app.id("sink_id")+"/consumer/"+name+"/seek", `{"after":"2090-01-01T00:00:00Z"}`).is(200)
		return []string{name}
	}},
	{param: "task_id", make: func(a *api, app things) []string {
		id := a.do("POST", "/app/"+app.id("app_id")+"/endpoint/"+app.id("endpoint_id")+"/replay-missing", `{"since":"2025-01-31T12:00:00Z"}`).is(202).text("id")
		a.do("POST", "/background-task/"+id+"/cancel", "").is(200) // one that ran on could not be resumed
		return []string{id}
	}},
}

// examples are the bodies of requests that succeed, by route, for every POST, PUT and PATCH that needs one. A parameter in braces stands for the id of an object, {unique} for a
// name that nothing has. The first is the one with every field where there is more than one.
var examples = map[string][]string{
	"POST /app":           {`{"name":"Acme","uid":null,"throttleRate":7,"rateLimit":7,"metadata":{"k":"v"}}`, `{"name":"Acme"}`},
	"PUT /app/{app_id}":   {`{"name":"Acme","uid":null,"throttleRate":7,"rateLimit":7,"metadata":{"k":"v"}}`, `{"name":"Acme"}`},
	"PATCH /app/{app_id}": {`{"name":"Acme","uid":"{unique}","throttleRate":5,"rateLimit":5,"metadata":{"k":"w"}}`, `{"throttleRate":null,"rateLimit":null,"metadata":{}}`, `{}`},
	"POST /app/{app_id}/endpoint": {`{"url":"https://receiver.example/hook","description":"d","uid":"{unique}","throttleRate":1,"rateLimit":1,"disabled":true,"eventTypes":["user.signup"],
		"filterTypes":["user.signup"],"channels":["c"],"version":1,"metadata":{"k":"v"},"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","headers":{"X-A":"1"}}`,
		`{"url":"https://receiver.example/hook"}`, `{"url":"https://receiver.example/hook","eventTypes":null,"filterTypes":null,"channels":null,"uid":null,"throttleRate":null,"metadata":null}`},
	"PUT /app/{app_id}/endpoint/{endpoint_id}": {`{"url":"https://receiver.example/hook","description":"d","uid":"{unique}","throttleRate":1,"rateLimit":1,"disabled":true,
		"eventTypes":["user.signup"],"filterTypes":["user.signup"],"channels":["c"],"version":1,"metadata":{"k":"v"}}`, `{"url":"https://receiver.example/hook"}`},
	"PATCH /app/{app_id}/endpoint/{endpoint_id}": {`{"url":"https://receiver.example/hook","description":"d","uid":"{unique}","throttleRate":1,"rateLimit":1,"disabled":true,
		"eventTypes":["user.signup"],"filterTypes":["user.signup"],"channels":["c"],"version":1,"metadata":{"k":"v"}}`, `{}`},
	"POST /app/{app_id}/endpoint/{endpoint_id}/secret/rotate": {`{"key":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","gracePeriodSeconds":60}`, `{}`, ""},
	"PUT /app/{app_id}/endpoint/{endpoint_id}/headers":        {`{"headers":{"X-B":"2"}}`, `{"headers":{}}`},
	"PATCH /app/{app_id}/endpoint/{endpoint_id}/headers":      {`{"headers":{"X-B":"2","X-A":null},"deleteHeaders":["X-C"]}`, `{"headers":{}}`},
	"POST /app/{app_id}/msg": {`{"eventType":"user.signup","payload":{"n":1},"eventId":"{unique}","channels":["c"],"tags":["t"],"payloadRetentionPeriod":1,"application":null,
		"transformationsParams":{"rawPayload":"text","headers":{"content-type":"text/plain"}}}`, `{"eventType":"user.signup","payload":{},"payloadRetentionHours":1}`, `{"eventType":"user.signup","data":{}}`},
	"POST /app/{app_id}/msg/bulk-expunge":                                         {`{"ids":["{msg_id}","none"]}`, `{}`, ""},
	"POST /app/{app_id}/msg/precheck/active":                                      {`{"eventType":"user.signup","channels":["c"]}`, `{"eventType":"user.signup"}`},
	"POST /app/{app_id}/poller/{sink_id}/consumer/{consumer_id}/seek":             {`{"after":"2025-01-01T00:00:00Z"}`},
	"POST /app/{app_id}/polling-endpoint/{sink_id}/consumer/{consumer_id}/commit": {`{"offset":0}`},
	"POST /app/{app_id}/msg/{msg_id}/endpoint/{endpoint_id}/resend":               {"", `{}`},
	"POST /app/{app_id}/endpoint/{endpoint_id}/recover":                           {`{"since":"` + hourAgo + `","until":"` + hourAgo + `","ratePerSecond":10,"eventTypes":["user.signup"],"channel":"c","tag":"t","statusCodeClass":500,"canary":10,"text":"order:17"}`, `{"since":"` + hourAgo + `","until":null,"ratePerSecond":null}`},
	"POST /app/{app_id}/endpoint/{endpoint_id}/replay-missing": {`{"since":"2025-01-31T12:00:00Z","until":"2025-02-28T12:00:00Z","ratePerSecond":10,"onlyOwed":true,"eventTypes":["user.signup"],"channel":"c","tag":"t","statusCodeClass":500,"canary":10,"text":"order:17"}`,
		`{"since":"2025-01-31T12:00:00+01:00"}`},
	"POST /app/{app_id}/endpoint/{endpoint_id}/bulk-replay": {`{"since":"2025-01-31T12:00:00Z","until":"2025-02-28T12:00:00Z","ratePerSecond":10,"eventTypes":["user.signup"],"channel":"c",
		"tag":"t","status":2,"statusCodeClass":500,"canary":10,"text":"order:17"}`, `{"since":"2025-01-31T12:00:00Z","eventTypes":null,"channel":null,"tag":null,"status":null,"statusCodeClass":null}`},
	"POST /app/{app_id}/msg/expunge-all-contents": {"", `{}`},
	"POST /background-task/{task_id}/cancel":      {"", `{}`},
	"POST /background-task/{task_id}/resume":      {"", `{}`},
	"POST /event-type": {`{"name":"{unique}","description":"d","archived":false,"deprecated":true,"schemas":{"1":{"type":"object"}},"featureFlags":["f"],"featureFlag":"f","groupName":"g"}`,
		`{"name":"{unique}.least","description":""}`},
	"PUT /event-type/{event_type_name}": {`{"description":"d","archived":true,"deprecated":true,"schemas":{"1":{"type":"object"}},"featureFlags":["f"],"featureFlag":"f","groupName":"g"}`,
		`{"description":""}`},
	"PATCH /event-type/{event_type_name}": {`{"description":"d","archived":true,"deprecated":true,"schemas":{"1":{"type":"object"}},"featureFlags":["f"],"featureFlag":"f","groupName":"g"}`,
		`{"schemas":null,"featureFlags":null,"groupName":null}`, `{}`},
	"POST /event-type/import/openapi": {`{"spec":{"openapi":"3.1.0","webhooks":{"{unique}":{"post":{"description":"d"}}}},"dryRun":true,"replaceAll":false}`, `{"spec":{"openapi":"3.1.0","webhooks":{}}}`,
		`{"specRaw":"openapi: 3.1.0\nwebhooks: {}"}`},
	"POST /environment/import":                               {`{"eventTypes":[{"name":"{unique}","description":"d"}],"settings":null,"connectors":null}`, `{"eventTypes":null}`, `{}`},
	"POST /app/{app_id}/endpoint/{endpoint_id}/send-example": {`{"eventType":"message.queued","exampleIndex":0}`, `{"eventType":"message.queued"}`},
	"POST /auth/app-portal-access/{app_id}":                  {`{"application":null,"capabilities":["ViewBase"],"expiry":3600,"featureFlags":["f"],"readOnly":null,"sessionId":"s"}`, `{"readOnly":true}`, `{}`, ""},
	"POST /auth/app/{app_id}/expire-all":                     {`{"expiry":0,"sessionIds":["s"]}`, `{"expiry":null,"sessionIds":null}`, `{}`, ""},
	"POST /auth/app/{app_id}/poller/{sink_id}/token/rotate":  {`{"expiry":3600,"oldTokenExpiry":60}`, `{}`, ""},
	"POST /app/{app_id}/integration":                         {`{"name":"i","featureFlags":["f"]}`, `{"name":"i"}`},
	"PUT /app/{app_id}/integration/{integ_id}":               {`{"name":"j","featureFlags":["f"]}`, `{"name":"j"}`},
	"POST /operational-webhook/endpoint": {`{"url":"https://receiver.example/hook","description":"d","uid":"{unique}","throttleRate":1,"rateLimit":1,"disabled":true,"eventTypes":["endpoint.disabled"],
		"filterTypes":["endpoint.disabled"],"version":1,"metadata":{"k":"v"},"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","headers":{"X-A":"1"}}`, `{"url":"https://receiver.example/hook"}`},
	"PUT /operational-webhook/endpoint/{endpoint_id}": {`{"url":"https://receiver.example/hook","description":"d","uid":"{unique}","throttleRate":1,"rateLimit":1,"disabled":true,
		"eventTypes":["endpoint.disabled"],"filterTypes":["endpoint.disabled"],"version":1,"metadata":{"k":"v"}}`, `{"url":"https://receiver.example/hook"}`},
	"PUT /operational-webhook/endpoint/{endpoint_id}/headers":        {`{"headers":{"X-B":"2"}}`, `{"headers":{}}`},
	"POST /operational-webhook/endpoint/{endpoint_id}/secret/rotate": {`{"key":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","gracePeriodSeconds":60}`, `{}`, ""},
	"POST /app/{app_id}/endpoint/{endpoint_id}/cancel-msgs":          {`{"createdBefore":"2025-01-01T00:00:00Z"}`, `{"createdBefore":null}`, `{}`, ""},
	"POST /auth/one-time-token":                                      {`{"oneTimeToken":"{one_time_token}"}`},
	"POST /stats/usage/app": {`{"since":"2025-01-31T12:00:00Z","until":"2025-02-28T12:00:00Z","appIds":["{app_id}"],"appUids":["{app_id}"]}`,
		`{"since":"2025-01-31T12:00:00Z","until":"2025-02-28T12:00:00Z"}`},
}

// things are the objects of one application by their parameter: for each the id, and the caller's own name where it may have one.
type things map[string][]string

func (th things) id(param string) string { return th[param][0] }

// of is what stands for the parameter at the end of prefix, or nil.
func (th things) of(prefix string) []string {
	if refs, ok := th[prefix]; ok {
		return refs
	}
	return th[paramOf(prefix)]
}

func paramOf(prefix string) string {
	return strings.Trim(prefix[strings.LastIndexByte(prefix, '/')+1:], "{}")
}

// unique is a name that nothing has had in this test.
func (a *api) unique(prefix string) string {
	a.names.Add(1)
	return fmt.Sprintf("%s-%d", prefix, a.names.Load())
}

// things makes an application with one of everything.
func (a *api) things() things {
	a.t.Helper()
	th := things{"unique": {a.unique("new")}}
	for _, o := range objects {
		th[o.param] = o.make(a, th)
	}
	return th
}

// params are the parameters of a route's path, each as the path up to and with it.
func params(path string) []string {
	var list []string
	for i, c := range path {
		if c == '}' {
			list = append(list, path[:i+1])
		}
	}
	return list
}

// object is what the registry says about the parameter at the end of prefix.
func objectOf(t testing.TB, prefix string) object {
	t.Helper()
	for _, name := range []string{prefix, paramOf(prefix)} {
		for _, o := range objects {
			if o.param == name {
				return o
			}
		}
	}
	t.Fatalf("the path parameter of %s has no object: add one to objects in registry_test.go", prefix)
	return object{}
}

// fill is the path with what pick chooses for each parameter.
func fill(path string, pick func(prefix string) string) string {
	for _, prefix := range params(path) {
		path = strings.Replace(path, "{"+paramOf(prefix)+"}", pick(prefix), 1)
	}
	return path
}

// at is the path about the things, by their ids.
func (th things) at(t testing.TB, path string) string {
	return fill(path, func(prefix string) string {
		objectOf(t, prefix)
		return th.of(prefix)[0]
	})
}

// body is an example about the things.
func (th things) body(example string) string {
	for param, refs := range th {
		example = strings.ReplaceAll(example, "{"+paramOf(param)+"}", refs[0])
	}
	return example
}

// routes are the routes as requests name them: without the base.
func (a *api) routes() []httpapi.Route {
	list := a.handler.Routes()
	for i := range list {
		list[i].Path = strings.TrimPrefix(list[i].Path, "/api/v1")
	}
	return list
}

// as is a with the credential that rt is for. Only tokens of the portal can be logged out.
func (a *api) as(rt httpapi.Route, th things) *api {
	a.t.Helper()
	if name(rt) == "POST /auth/logout" {
		return a.with(a.open(th.id("app_id"), ""))
	}
	return a
}

func name(rt httpapi.Route) string { return rt.Method + " " + rt.Path }

// example is one body with which the route succeeds.
func example(rt httpapi.Route) string {
	if list := examples[name(rt)]; len(list) > 0 {
		return list[0]
	}
	return ""
}
