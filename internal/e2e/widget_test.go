package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// widgetSite is a page that a customer of the operator might serve, as strict as a page can be about what it loads: the widget's script and its door, and no
// style but its own.
const widgetSite = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Oak Towers</title>
<link rel="stylesheet" href="/site.css">
<a href="#rooms">Rooms</a><h1>Oak Towers</h1><p>Flats by the park, from one room to four.</p>
<script src="%[1]s/widget/chat.js" data-sender="%[2]s" data-visitor-name="&lt;b onclick=x()&gt;Jamie&lt;/b&gt;" async></script>`

const (
	widgetGreeting = "Hello! Ask us anything about the flats, or about <b>viewings</b>."
	viewingReply   = "We have viewings on Tuesday and Friday, 4 to 7 pm.\n\nHere is how to find us: https://oaktowers.example/map."
)

func serveWidgetSite(t *testing.T, s *Server) (site *httptest.Server, sender *string) {
	t.Helper()
	sender = new(string)
	site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src "+s.URL+"; connect-src "+s.URL+"; require-trusted-types-for 'script'")
			fmt.Fprintf(w, widgetSite, s.URL, *sender)
		case "/site.css":
			w.Header().Set("Content-Type", "text/css")
			_, _ = io.WriteString(w, "html{color-scheme:light dark}body{font:17px/1.6 Georgia,serif;max-width:40em;margin:3em auto;padding:0 1em}button{background:red!important}")
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(site.Close)
	return site, sender
}

// widgetSender makes a sender with a web chat that the origin may show, answered by rules.
func widgetSender(s *Server, app, origin string) string {
	s.tb.Helper()
	type object = map[string]any
	var out struct{ Items []struct{ ID string } }
	s.Call(http.MethodPut, "/operator/v1/apps/"+app+"/senders", object{"senders": []any{object{
		"name": "Oak Towers", "channel": "web_chat", "provider": "webchat",
		"credentials": object{"allowed_origins": []string{origin}, "title": "Oak Towers <i>", "greeting": widgetGreeting, "colour": "#1f4fd8"},
		"responder": object{"kind": "rules", "rules": []any{object{"keywords": []string{"viewing", "viewings"}, "reply": viewingReply}},
			"fallback": "I did not get that. Ask me about viewings."},
	}}}, &out, http.StatusOK)
	return out.Items[0].ID
}

// The parts of the widget.
const (
	chatRoot   = `document.querySelector("hookswitch-chat")?.shadowRoot`
	chatFocus  = chatRoot + `?.activeElement`
	chatRows   = `[...` + chatRoot + `.querySelectorAll(".row")]`
	chatAnswer = chatRows + `.filter(r => !r.matches(".me")).slice(1)` // behind the greeting
	chatOwn    = chatRows + `.filter(r => r.matches(".me"))`
)

func TestWidget_AVisitorWritesByKeyboardAndIsAnsweredLive(t *testing.T) {
	Each(t, func(t *testing.T, kind Kind) {
		chromium(t)
		s := Start(t, Options{Kind: kind})
		site, sender := serveWidgetSite(t, s)
		b := newTab(t)
		app := s.CreateApp("Oak Towers")
		*sender = widgetSender(s, app, site.URL)

		b.look("light", 1200, 800)
		b.open(site.URL)
		b.until(chatRoot + `?.querySelector(".launch")`)
		if kept := b.text(`localStorage.length + sessionStorage.length + document.cookie.length`); kept != "0" {
			t.Error("something is kept of a visitor who has done nothing")
		}
		b.shoot("closed")
		b.press(kb.Tab, kb.Tab)
		if label := b.text(chatFocus + `.getAttribute("aria-label")`); label != "Open the chat" {
			t.Fatalf("the focus is on %q", label)
		}
		b.press(kb.Enter)
		b.until(chatFocus + `?.matches("textarea")`)
		b.shoot("opened")
		b.press("When are your viewings?", kb.Enter)
		b.until(chatOwn + `.length === 1 && ` + chatAnswer + `.length === 1`)
		if said := b.text(chatAnswer + `[0].querySelector(".bubble").textContent`); said != "Answer: "+viewingReply {
			t.Errorf("the answer reads %q", said)
		}
		if link := b.text(chatAnswer + `[0].querySelector("a").href`); link != "https://oaktowers.example/map" {
			t.Errorf("the answer links to %s", link)
		}
		b.press("<img src=x onerror=alert(1)>", kb.Enter)
		b.until(chatAnswer + `.length === 2 && ` + chatOwn + `.every(r => !r.matches(".wait"))`)
		if n := b.text(chatRoot + `.querySelectorAll("img, b, i:not(.dots i), script").length`); n != "0" {
			t.Errorf("%s elements were made of texts", n)
		}
		if said := b.text(chatOwn + `[1].querySelector(".bubble").textContent`); said != "You said: <img src=x onerror=alert(1)>" {
			t.Errorf("what was written reads %q", said)
		}
		b.shoot("answered")
		waitForStatus(t, s, app, "read", 2)

		b.open(site.URL)
		b.until(chatRoot + ` && ` + chatAnswer + `.length === 2 && ` + chatOwn + `.length === 2`)
		b.until(`!` + chatRoot + `.querySelector(".panel").hidden`)
		b.shoot("reloaded")

		// By keyboard alone: into the panel, and out of it.
		b.text(`document.querySelector("a").focus()`)
		b.press(kb.Tab, kb.Tab, kb.Escape)
		if label := b.text(chatRoot + `.querySelector(".panel").hidden + " " + ` + chatFocus + `.getAttribute("aria-label")`); label != "true Open the chat" {
			t.Errorf("after Escape: %s", label)
		}
		if name := contactName(s, app); name != "<b onclick=x()>Jamie</b>" {
			t.Errorf("the visitor is called %q", name)
		}
		for _, look := range []struct {
			name, scheme  string
			width, height int64
		}{{"light", "light", 1200, 800}, {"dark", "dark", 1200, 800}, {"small-light", "light", 320, 568}, {"small-dark", "dark", 320, 568}} {
			b.look(look.scheme, look.width, look.height)
			b.shoot(look.name + "-closed")
			b.press(kb.Enter)
			b.until(`!` + chatRoot + `.querySelector(".panel").hidden`)
			if wide := b.text(`document.documentElement.scrollWidth > innerWidth || ` + chatRoot + `.querySelector(".talk").scrollWidth > ` + chatRoot + `.querySelector(".talk").clientWidth`); wide != "false" {
				t.Errorf("%s: something is wider than the window", look.name)
			}
			b.shoot(look.name)
			b.press(kb.Escape)
		}
	})
}

// A visitor goes on writing while the server is away, and nothing is lost or comes twice.
func TestWidget_OutlivesTheServer(t *testing.T) {
	t.Parallel()
	chromium(t)
	s := Start(t, Options{})
	app := s.CreateApp("Oak Towers")
	sender := widgetSender(s, app, "https://www.oaktowers.example")
	b := newTab(t)
	b.look("light", 1200, 800)
	b.open(s.URL + "/widget/demo?sender=" + sender) // pages of our own may show any chat
	b.until(chatRoot + `?.querySelector(".launch")`)
	b.shoot("demo")
	b.text(`document.querySelector("hookswitch-chat").open()`)
	b.press("viewings?", kb.Enter)
	b.until(chatAnswer + `.length === 1`)
	s.Kill()
	b.press("are you there?", kb.Enter)
	b.until(chatOwn + `[1].querySelector(".meta").textContent === "Sending…"`)
	b.until(chatRoot + `.querySelector(".state").textContent === "Connecting again…"`)
	s.Start()
	b.until(chatAnswer + `.length === 2 && ` + chatOwn + `.every(r => !r.matches(".wait"))`)
	b.until(chatRoot + `.querySelector(".state").textContent === ""`)
	b.press("viewings, then", kb.Enter)
	b.until(chatAnswer + `.length === 3`)
	if said := b.text(chatOwn + `.map(r => r.querySelector(".bubble").textContent).join("|")`); said != "You said: viewings?|You said: are you there?|You said: viewings, then" {
		t.Errorf("the visitor has written %q", said)
	}
	b.look("light", 320, 568)
	b.text(`document.querySelector("hookswitch-chat").close()`)
	b.shoot("demo-small")
	if hidden := b.text(chatRoot + `.querySelector(".badge").hidden`); hidden != "true" {
		t.Error("what has been seen counts as new")
	}
	if wide := b.text(`document.documentElement.scrollWidth > innerWidth`); wide != "false" {
		t.Error("the page is wider than the window")
	}
}

// waitForStatus waits until n messages of an App have the status.
func waitForStatus(t *testing.T, s *Server, app, status string, n int) {
	t.Helper()
	var seen []string
	defer func() {
		if t.Failed() {
			t.Logf("the messages are %s", strings.Join(seen, ", "))
		}
	}()
	until(t, fmt.Sprintf("%d messages are %s", n, status), func() bool {
		var out struct {
			Items []struct{ Status string }
		}
		s.Call(http.MethodGet, "/operator/v1/apps/"+app+"/messages", nil, &out, http.StatusOK)
		seen = nil
		have := 0
		for _, m := range out.Items {
			seen = append(seen, m.Status)
			if m.Status == status {
				have++
			}
		}
		return have == n
	})
}

func contactName(s *Server, app string) string {
	var out struct {
		Items []struct{ ProfileName *string }
	}
	s.Call(http.MethodGet, "/operator/v1/apps/"+app+"/messages", nil, &out, http.StatusOK)
	for _, m := range out.Items {
		if m.ProfileName != nil {
			return *m.ProfileName
		}
	}
	return ""
}
