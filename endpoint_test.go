package hookswitch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestEndpoint_Matches(t *testing.T) {
	t.Parallel()
	const sender = hookswitch.Key(7)
	type endpoint = hookswitch.Endpoint
	for _, c := range []struct {
		name   string
		ep     endpoint
		typ    string
		tags   []string
		sender hookswitch.Key
		own    bool
		want   bool
	}{
		{"no filter", endpoint{}, "user.signup", nil, 0, false, true},
		{"no filter takes tagged events", endpoint{}, "user.signup", []string{"a"}, 0, false, true},
		{"disabled ones match too", endpoint{Disabled: true}, "user.signup", nil, 0, false, true},
		{"named type", endpoint{EventTypes: []string{"a", "b"}}, "b", nil, 0, false, true},
		{"other type", endpoint{EventTypes: []string{"a"}}, "b", nil, 0, false, false},
		{"no wildcards", endpoint{EventTypes: []string{"a"}}, "a.b", nil, 0, false, false},
		{"one tag in common", endpoint{Tags: []string{"x", "y"}}, "a", []string{"z", "y"}, 0, false, true},
		{"no tag in common", endpoint{Tags: []string{"x"}}, "a", []string{"y"}, 0, false, false},
		{"untagged event, tagged endpoint", endpoint{Tags: []string{"x"}}, "a", nil, 0, false, false},
		{"type and tag", endpoint{EventTypes: []string{"a"}, Tags: []string{"x"}}, "a", []string{"x"}, 0, false, true},
		{"tag but not type", endpoint{EventTypes: []string{"b"}, Tags: []string{"x"}}, "a", []string{"x"}, 0, false, false},

		{"our own on request, not asked for", endpoint{}, "message.received", nil, sender, true, false},
		{"our own on request, asked for", endpoint{EventTypes: []string{"message.received"}}, "message.received", nil, sender, true, true},
		{"a caller's of that name", endpoint{}, "message.received", nil, 0, false, true},
		{"disabling is told on request", endpoint{}, "endpoint.disabled", nil, 0, true, false},
		{"our own otherwise", endpoint{}, "message.inbound", nil, sender, true, true},

		{"sender's webhook, its event", endpoint{Sender: sender}, "message.inbound", nil, sender, true, true},
		{"sender's webhook, another's event", endpoint{Sender: sender}, "message.inbound", nil, sender + 1, true, false},
		{"sender's webhook, an event of none", endpoint{Sender: sender}, "message.inbound", nil, 0, true, false},
		{"sender's webhook, a caller's event", endpoint{Sender: sender}, "message.inbound", nil, sender, false, false},
		{"sender's webhook with a filter", endpoint{Sender: sender, EventTypes: []string{"message.read"}}, "message.inbound", nil, sender, true, false},
	} {
		if got := c.ep.Matches(c.typ, c.tags, c.sender, c.own); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestParseEndpointURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://example.com":                               "https://example.com/",
		"HTTPS://EXAMPLE.com/Path?Q=1":                      "https://example.com/Path?Q=1",
		"http://127.0.0.1:8080/hook":                        "http://127.0.0.1:8080/hook",
		"http://[::1]:80/":                                  "http://[::1]:80/",
		"https://user:pa%20ss@example.com/x":                "https://user:pa%20ss@example.com/x",
		"https://example.com/a%2Fb":                         "https://example.com/a%2Fb",
		"https://example.com/x#fragment":                    "https://example.com/x",
		"https://example.com/bücher/a%2Fb|c%7c[1]?q=é%2F":   "https://example.com/b%C3%BCcher/a%2Fb%7Cc%7c[1]?q=é%2F",
		"https://xn--bcher-kva.example/":                    "https://xn--bcher-kva.example/",
		"https://example.com:65535?x":                       "https://example.com:65535/?x",
		"https://example.com/" + strings.Repeat("x", 65000): "https://example.com/" + strings.Repeat("x", 65000),
	} {
		u, message := hookswitch.ParseEndpointURL(in)
		if message != "" || u.String() != want {
			t.Errorf("%.60s: got %v, %q, want %s", in, u, message, want)
		}
	}
	for _, in := range []string{"", "example.com", "/hook", "ftp://example.com", "javascript:alert(1)", "file:///etc/passwd", "https://", "https:///x",
		"https://:443/", "https://example.com:0/", "https://example.com:65536/", "https://example.com:http/", "https://exa mple.com", " https://example.com",
		"https://example.com/\n", "https://example.com\\@evil.example", "https://example.com/\x7f", "https://[::1", "https://example.com/%zz",
		"https://bücher.example/", "https://b%C3%BCcher.example/",
		"https://example.com/" + strings.Repeat("x", hookswitch.MaxURL)} {
		if u, message := hookswitch.ParseEndpointURL(in); message == "" {
			t.Errorf("%.60q is taken as %v", in, u)
		}
	}
}

func TestCheckHeader(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		good        bool
	}{
		{"X-Tenant", "acme", true},
		{"authorization", "Bearer x", true},
		{"x_y.z!", "tab\tis fine", true},
		{"X-Utf8", "ü", true},
		{"X-Empty", "", true},
		{"X-Long", strings.Repeat("x", 4096), true},
		{"X-Long", strings.Repeat("x", 4097), false},
		{"X-Split", "a\r\nSet-Cookie: b", false},
		{"X-Nul", "a\x00", false},
		{"X-Del", "a\x7f", false},
		{"", "x", false},
		{"two words", "x", false},
		{"x:y", "x", false},
		{"x\r\ny", "x", false},
		{"ünï", "x", false},
		{strings.Repeat("x", 257), "x", false},
		{"Host", "x", false},
		{"User-Agent", "x", false},
		{"Content-Type", "x", false},
		{"CONTENT-LENGTH", "1", false},
		{"Transfer-Encoding", "chunked", false},
		{"Connection", "close", false},
		{"svix-signature", "x", false},
		{"Webhook-Id", "x", false},
		{"X-Zavu-Signature", "x", false},
		{"X-Forwarded-For", "127.0.0.1", false},
		{"Metadata-Flavor", "Google", false},
		{"X-aws-ec2", "x", true},
	} {
		if got := hookswitch.CheckHeader(c.name, c.value); (got == "") != c.good {
			t.Errorf("%.20q: %.20q: %q", c.name, c.value, got)
		}
	}
}

func TestSensitiveHeader(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{"authorization": true, "X-API-Key": true, "x-auth-token": true, "Proxy-Authorization": true, "X-Tenant": false} {
		if hookswitch.SensitiveHeader(name) != want {
			t.Errorf("%s: want %v", name, want)
		}
	}
}

func TestEndpoint_ValidateNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	ep := hookswitch.Endpoint{
		URL: "nowhere", Description: "\x01", UID: "ep_1", EventTypes: []string{"good", "not good"}, Tags: []string{"a", ""}, ThrottleRate: 65536,
		Metadata: map[string]string{"k": strings.Repeat("x", 5000)}, Headers: map[string]string{"Host": "x"},
	}
	want := []string{"body.url", "body.description", "body.uid", "body.eventTypes.[1]", "body.channels.[1]", "body.throttleRate", "body.metadata", "body.headers.Host"}
	if got := paths(t, ep.Validate()); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	ep = hookswitch.Endpoint{URL: "https://x.example", EventTypes: []string{}, Tags: []string{}}
	if got := paths(t, ep.Validate()); strings.Join(got, " ") != "body.eventTypes body.channels" {
		t.Errorf("empty lists: got %v", got)
	}
	ep = hookswitch.Endpoint{URL: "HTTPS://X.example", UID: "mine", Tags: []string{"a"}, ThrottleRate: 65535}
	if err := ep.Validate(); err != nil || ep.URL != "https://x.example/" {
		t.Errorf("a good one: %v, %s", err, ep.URL)
	}
}

func TestApp_ValidateNamesEveryWrongField(t *testing.T) {
	t.Parallel()
	bad := hookswitch.App{Name: " ", UID: "app_x", ThrottleRate: -1, Metadata: map[string]string{"k": strings.Repeat("x", 5000)}}
	if got := paths(t, bad.Validate()); strings.Join(got, " ") != "body.name body.uid body.throttleRate body.metadata" {
		t.Errorf("got %v", got)
	}
	if err := (&hookswitch.App{Name: "Acme", UID: "acme"}).Validate(); err != nil {
		t.Error(err)
	}
}

// paths are the fields that err names.
func paths(t *testing.T, err error) (list []string) {
	t.Helper()
	var e *hookswitch.Error
	if !errors.As(err, &e) || e.Kind != hookswitch.Invalid {
		t.Fatalf("got %v, want an Invalid error", err)
	}
	for _, f := range e.Fields {
		list = append(list, strings.Join(f.Path, "."))
	}
	return list
}

func TestEndpoint_OperationalEndpointsGetAllButTheLog(t *testing.T) {
	t.Parallel()
	all, log := hookswitch.Endpoint{App: hookswitch.OrganizationApp}, hookswitch.Endpoint{App: hookswitch.OrganizationApp, EventTypes: []string{hookswitch.EventAttemptLog}}
	for _, typ := range hookswitch.OperationalEvents {
		if got, want := all.Matches(typ, nil, 0, true), typ != hookswitch.EventAttemptLog; got != want {
			t.Errorf("%s goes to an endpoint without a filter: %t, want %t", typ, got, want)
		}
		if got, want := log.Matches(typ, nil, 0, true), typ == hookswitch.EventAttemptLog; got != want {
			t.Errorf("%s goes to an endpoint that names the log: %t, want %t", typ, got, want)
		}
	}
	for types, ok := range map[string]bool{hookswitch.EventEndpointDisabled: true, hookswitch.EventAttemptLog: true, "user.signup": false, hookswitch.EventMessageSent: false} {
		e := hookswitch.Endpoint{App: hookswitch.OrganizationApp, URL: "https://x.example", EventTypes: []string{types}}
		if err := e.Validate(); (err == nil) != ok {
			t.Errorf("a filter that names %s: %v", types, err)
		}
	}
}
