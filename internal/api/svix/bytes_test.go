package svix_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/service/servicetest"
)

// payloads are spelled as no encoder would spell them.
var payloads = []string{
	`{"big":12345678901234567890123,"price":1.10,"exp":1E5,"neg":-0,"tiny":1e-400,"huge":1e308}`,
	`{ "z" : 1 ,"a":[ 1,  2 ],` + "\r\n\t" + `"dup":1,"dup":2 , "":null}`,
	`{"html":"<b>&amp;</b>","sep":"` + "\u2028\u2029\u0085\u00a0" + `","esc":"\u0041\/\ud83d\ude00\u003c","emoji":"😀","del":"` + "\u007f" + `"}`,
	`{"nested":{"expired":true},"rawPayload":"x"}`,
	`{}`,
}

var rawPayloads = []string{
	"plain <text> \n \"quoted\" \u2028 \x7f é", ` {"a" : 1.0, "a":2} ` + "\n", `[1.10]`, `{"broken":`, "", " ", "\u0000\ufffd", `{"a":1}{"b":2}`,
}

func TestPayloadBytes_FromAcceptToTheWireAndBack(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.app("a")
		ep := w.do("POST", "/app/"+app+"/endpoint", fmt.Sprintf(`{"url":%q}`, r.URL)).is(201).text("id")
		type sent struct{ id, wire, shown string }
		var all []sent
		check := func(what, body, wire, shown string) {
			t.Helper()
			an := w.do("POST", "/app/"+app+"/msg", body).is(202)
			if !strings.Contains(string(an.body), `"payload":`+shown+`,`) {
				t.Errorf("%s: accepted as %s", what, an.body)
			}
			if got := <-r.C; string(got.Body) != wire {
				t.Errorf("%s: sent as %q, want %q", what, got.Body, wire)
			}
			all = append(all, sent{an.text("id"), wire, shown})
		}
		for _, p := range payloads {
			for _, name := range []string{"payload", "data"} {
				check(name+" "+p, `{"eventType":"x", "`+name+`" :  `+p+"\n"+`  ,"channels":null}`, p, p)
			}
		}
		for _, p := range rawPayloads {
			given, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			shown := p
			if !strings.HasPrefix(strings.TrimSpace(p), "{") || !json.Valid([]byte(p)) {
				shown = ""
			}
			body := `{"eventType":"x","payload":{},"transformationsParams":{"rawPayload":` + string(given) + `}}`
			if shown != "" {
				check("raw "+p, body, p, shown)
				continue
			}
			an := w.do("POST", "/app/"+app+"/msg", body).is(202)
			if got := <-r.C; string(got.Body) != p {
				t.Errorf("raw %q: sent as %q", p, got.Body)
			}
			if got := an.json()["payload"].(map[string]any)["rawPayload"]; got != p {
				t.Errorf("raw %q: shown as %q", p, got)
			}
			if got := w.do("GET", "/app/"+app+"/msg/"+an.text("id")+"/raw", "").is(200).text("payload"); got != p {
				t.Errorf("raw %q: raw again %q", p, got)
			}
		}
		servicetest.Eventually(t, "all attempts are recorded", func() bool {
			return len(w.do("GET", "/app/"+app+"/attempt/endpoint/"+ep+"?limit=250", "").rows()) == len(all)+len(rawPayloads)-1
		})
		w.settle()
		_, first, _ := w.do("GET", "/app/"+app+"/poller/p", "").polled()
		lists := map[string]answer{}
		for _, path := range []string{"/msg?limit=250", "/endpoint/" + ep + "/msg?limit=250", "/poller/p" + query("limit", "250", "iterator", first), "/poller/p/consumer/c?limit=250", "/polling-endpoint/p/consumer/d?limit=250"} {
			lists[path] = w.do("GET", "/app/"+app+path, "").is(200)
		}
		for _, s := range all {
			lists["/msg/{id}"] = w.do("GET", "/app/"+app+"/msg/"+s.id, "").is(200)
			for path, an := range lists {
				if i := strings.Index(string(an.body), s.id); i < 0 || !strings.Contains(string(an.body)[i:], `"payload":`+s.shown+`,`) {
					t.Errorf("%s does not show %s as it was given", path, s.shown)
				}
			}
			if got := w.do("GET", "/app/"+app+"/msg/"+s.id+"/raw", "").is(200).text("payload"); got != s.wire {
				t.Errorf("raw %q, want %q", got, s.wire)
			}
		}
		// Sent again it is the same.
		w.do("POST", "/app/"+app+"/msg/"+all[2].id+"/endpoint/"+ep+"/resend", "").is(202)
		if got := <-r.C; string(got.Body) != all[2].wire {
			t.Errorf("sent again as %q", got.Body)
		}
	})
}
