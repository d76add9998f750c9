package svix_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// named is a field with a name in it: how to make something with it, and where an error points.
type named struct {
	what   string
	prefix string // that names must not have; "" for none
	loc    []string
	create func(a *api, app, name string) answer
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

var nameFields = []named{
	{"application uid", "app_", []string{"body", "uid"}, func(a *api, _, name string) answer { return a.do("POST", "/app", `{"name":"x","uid":`+quote(name)+`}`) }},
	{"endpoint uid", "ep_", []string{"body", "uid"}, func(a *api, app, name string) answer {
		return a.do("POST", "/app/"+app+"/endpoint", `{"url":"https://receiver.example/","uid":`+quote(name)+`}`)
	}},
	{"eventId", "msg_", []string{"body", "eventId"}, func(a *api, app, name string) answer {
		return a.do("POST", "/app/"+app+"/msg", `{"eventType":"x","payload":{},"eventId":`+quote(name)+`}`)
	}},
	{"event type", "", []string{"body", "eventType"}, func(a *api, app, name string) answer {
		return a.do("POST", "/app/"+app+"/msg", `{"payload":{},"eventType":`+quote(name)+`}`)
	}},
}

func TestNames_OneTo256OfTheirCharacters(t *testing.T) {
	t.Parallel()
	for _, f := range nameFields {
		t.Run(f.what, func(t *testing.T) {
			each(t, func(a *api) {
				app := a.app("a")
				for _, good := range []string{"a", "A-Z_0.9", "..", "-", strings.Repeat("x", 256), "zzz_1"} {
					if an := f.create(a, app, good); an.status/100 != 2 {
						t.Errorf("%.20q: status %d, %s", good, an.status, an.body)
					}
				}
				wrong := []string{"", strings.Repeat("x", 257), "a b", "a/b", "a:b", "a+b", "é", "a\n", "a\x00", "a%20", "😀"}
				if f.prefix != "" {
					wrong = append(wrong, f.prefix, f.prefix+"x")
				}
				for _, name := range wrong {
					f.create(a, app, name).invalid(f.loc...)
				}
			})
		})
	}
}

func TestNames_ChannelsAndTags(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for _, c := range []struct {
			field       string
			most        int
			good, wrong []string
		}{
			{"channels", 10, []string{"a", "a-Z_0.9:+", strings.Repeat("x", 128)}, []string{"", strings.Repeat("x", 129), "a b", "a/b", `a\b`, "a#b", "é", "a\x00"}},
			{"tags", 5, []string{"a", `a-Z_0.9/\#`, strings.Repeat("x", 128)}, []string{"", strings.Repeat("x", 129), "a b", "a:b", "a+b", "é", "a\x00"}},
		} {
			create := func(list ...string) answer {
				b, _ := json.Marshal(list)
				return a.do("POST", "/app/"+app+"/msg", `{"eventType":"x","payload":{},"`+c.field+`":`+string(b)+`}`)
			}
			create(c.good...).is(202)
			for _, w := range c.wrong {
				create("fine", w).invalid("body", c.field, "[1]")
			}
			var many []string
			for i := range c.most + 1 {
				many = append(many, fmt.Sprint("n", i))
			}
			create(many[:c.most]...).is(202)
			create(many...).invalid("body", c.field)
		}
	})
}

func TestNames_FreeTextHasNoControlCharacters(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for _, c := range []struct {
			field  string
			create func(text string) answer
		}{
			{"name", func(text string) answer { return a.do("POST", "/app", `{"name":`+quote(text)+`}`) }},
			{"description", func(text string) answer {
				return a.do("POST", "/app/"+app+"/endpoint", `{"url":"https://receiver.example/","description":`+quote(text)+`}`)
			}},
		} {
			c.create("Ünï\tcode\n😀 <&>").is(201)
			for _, wrong := range []string{"a\x00", "\x01", "a\x08b"} {
				c.create(wrong).invalid("body", c.field)
			}
		}
		a.do("POST", "/app", `{"name":""}`).invalid("body", "name")
	})
}

func TestNames_MetadataOfAtMost4096Bytes(t *testing.T) {
	each(t, func(a *api) {
		app := a.app("a")
		for _, c := range []struct{ method, path, rest string }{
			{"POST", "/app", `"name":"x"`}, {"POST", "/app/" + app + "/endpoint", `"url":"https://receiver.example/"`}, {"PATCH", "/app/" + app, `"name":"x"`},
		} {
			fits := strings.Repeat("x", 4096-len(`{"k":""}`))
			for metadata, ok := range map[string]bool{`{"k":"` + fits + `"}`: true, `{"k":"` + fits + `x"}`: false, `{}`: true, `{"a":"1","é":"2"}`: true} {
				an := a.do(c.method, c.path, `{`+c.rest+`,"metadata":`+metadata+`}`)
				if !ok {
					an.invalid("body", "metadata")
				} else if an.status/100 != 2 || an.json()["metadata"] == nil {
					t.Errorf("%s %s: status %d, %s", c.method, c.path, an.status, an.body)
				}
			}
			a.do(c.method, c.path, `{`+c.rest+`,"metadata":{"k":1}}`).invalid("body", "metadata", "k")
			if got := a.do(c.method, c.path, `{`+c.rest+`,"metadata":null}`).json()["metadata"]; got == nil || len(got.(map[string]any)) != 0 {
				t.Errorf("%s %s: metadata null gives %v", c.method, c.path, got)
			}
		}
	})
}
