package widget_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestScript_MayBeUsedAndKeptByAnySite(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	a := d.do("GET", "/widget/chat.js", "", "Accept-Encoding", "identity")
	if a.status != 200 || a.header.Get("Content-Type") != "text/javascript; charset=utf-8" || a.header.Get("Cross-Origin-Resource-Policy") != "cross-origin" ||
		!strings.Contains(a.header.Get("Cache-Control"), "max-age=3600") || a.header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.body, "hookswitch-chat") {
		t.Errorf("%d %v", a.status, a.header)
	}
	if again := d.do("GET", "/widget/chat.js", "", "If-None-Match", a.header.Get("ETag")); again.status != 304 || again.body != "" {
		t.Errorf("the same again: %d", again.status)
	}
}

func TestDemo_ShowsTheChatOfASender(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	evil := d.chat(`<script>alert(1)</script>"'`)
	for _, s := range []*hookswitch.Sender{d.sender, evil} {
		path := "/widget/demo?here=1&sender=" + d.id(s)
		a := d.do("GET", path, "")
		if a.status != 200 || !strings.Contains(a.body, `<script src="/widget/chat.js" data-sender="`+d.id(s)+`" async></script>`) || strings.Count(a.body, "<script") != 1 {
			t.Errorf("%d %s", a.status, a.body)
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(a.header.Get("Content-Security-Policy"), part) {
				t.Errorf("the policy %q lacks %s", a.header.Get("Content-Security-Policy"), part)
			}
		}
	}
	// The chat is allowed on pages of the public address, so people are led there.
	if a := d.do("GET", "/widget/demo?sender="+d.id(d.sender), ""); a.status != 302 || a.header.Get("Location") != servicetest.PublicURL+"/widget/demo?here=1&sender="+d.id(d.sender) {
		t.Errorf("by another name: %d to %s", a.status, a.header.Get("Location"))
	}
	for query, status := range map[string]int{"": 400, "?sender=": 400, "?sender=snd_x": 404, "?sender=" + `"><script>`: 404} {
		a := d.do("GET", "/widget/demo"+query, "")
		if a.status != status || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") || strings.Contains(a.body, "<script") {
			t.Errorf("%s: %d %s", query, a.status, a.body)
		}
	}
	if a := d.do("GET", "/widget/demo.css", ""); a.status != 200 || !strings.HasPrefix(a.header.Get("Content-Type"), "text/css") {
		t.Errorf("the style: %d", a.status)
	}
}

func TestSenderFile_IsRefusedForSettingsThatCannotWork(t *testing.T) {
	t.Parallel()
	d := newDoor(t, storetest.SQLite(t))
	_, err := d.Service.ApplySenders(context.Background(), d.app.Key, []service.SenderSpec{{Name: "A", Channel: hookswitch.WebChat, Provider: "webchat",
		Credentials: hookswitch.Credentials{"allowed_origins": {"https://fine.example", "https://fine.example/path"}, "colour": {"red"}, "text_nonsense": {"x"}}}})
	if hookswitch.KindOf(err) != hookswitch.Invalid {
		t.Fatalf("got %v", err)
	}
	for _, part := range []string{"senders.[0].credentials.allowed_origins", "senders.[0].credentials.colour", "senders.[0].credentials.text_nonsense"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not name %s", err, part)
		}
	}
}
