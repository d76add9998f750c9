package ui

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/hookswitch/hookswitch"
)

// maxWeight is what scripts and style sheets weigh together at most, compressed, in bytes.
const maxWeight = 100_000

func TestAssets_WeighLittle(t *testing.T) {
	t.Parallel()
	total := 0
	for name, a := range Assets() {
		if ext := path.Ext(name); ext == ".js" || ext == ".css" {
			total += len(a.Packed)
			t.Logf("%-12s %6d", name, len(a.Packed))
		}
	}
	if total > maxWeight {
		t.Errorf("they weigh %d bytes, %d at most", total, maxWeight)
	}
}

func TestAssets_AreKeptForEverByTheirHash(t *testing.T) {
	t.Parallel()
	get := func(path, accept string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", path, nil)
		r.Header.Set("Accept-Encoding", accept)
		if err := ServeAsset(w, r); err != nil {
			w.WriteHeader(http.StatusNotFound)
		}
		return w
	}
	a := Assets()["app.css"]
	if w := get(a.URL, ""); w.Code != 200 || w.Body.String() != string(a.Content) || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("by its hash: %d %v", w.Code, w.Header())
	}
	if w := get(a.URL, "gzip, br"); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() != len(a.Packed) {
		t.Errorf("packed: %v", w.Header())
	}
	if w := get("/static/app.css", ""); w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("by its name: %d %v", w.Code, w.Header())
	}
	for _, path := range []string{"/static/app.0123456789ab.css", "/static/nothing.css", "/static/", "/static/app"} {
		if w := get(path, ""); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

// Whatever brand somebody has, words in its colour and on it can be read in both themes.
func TestStyle_BrandColoursCanBeRead(t *testing.T) {
	t.Parallel()
	light, _ := parseColor(lightGround)
	dark, _ := parseColor(darkGround)
	for r := 0; r < 256; r += 51 {
		for g := 0; g < 256; g += 51 {
			for b := 0; b < 256; b += 51 {
				c := color{float64(r) / 255, float64(g) / 255, float64(b) / 255}
				style := string(styleOf(hookswitch.Look{Color: c.String()}))
				part := func(name string) color {
					_, rest, _ := strings.Cut(style, "--"+name+":")
					hex, _, _ := strings.Cut(rest, ";")
					got, ok := parseColor(hex)
					if !ok {
						t.Fatalf("%s of %s is %q", name, c, hex)
					}
					return got
				}
				for _, p := range []struct {
					what  string
					words color
					on    color
				}{{"on light", part("brand-day"), light}, {"on dark", part("brand-night"), dark}, {"over the day's", part("over-day"), part("brand-day")},
					{"over the night's", part("over-night"), part("brand-night")}} {
					if got := contrast(p.words, p.on); got < 4.45 { // written with 8 bits for each part
						t.Errorf("%s: the contrast %s is %.2f", c, p.what, got)
					}
				}
			}
		}
	}
	if s := styleOf(hookswitch.Look{}); s != "" {
		t.Errorf("our own look is changed by %s", s)
	}
}

func TestLookOf_ReadsWhatEmbeddingPagesSend(t *testing.T) {
	t.Parallel()
	q := url.Values{"darkMode": {"false"}, "primaryColor": {"#abc"}, "fontFamily": {"Inter, sans-serif"}, "icon": {"https://x.example/i.svg"}, "radius": {"0"}, "density": {"compact"}}
	l := LookOf(q)
	if l.Theme != "light" || l.Color != "#aabbcc" || l.Font != "Inter" || l.Logo != "https://x.example/i.svg" || l.Radius == nil || *l.Radius != 0 || l.Density != "compact" {
		t.Errorf("got %+v", l)
	}
	bad := url.Values{"darkMode": {"maybe"}, "primaryColor": {"reddish"}, "fontFamily": {"a{}"}, "icon": {"http://x.example/i.svg"}, "radius": {"99"}, "density": {"huge"}}
	if l := LookOf(bad); l != (hookswitch.Look{}) {
		t.Errorf("got %+v", l)
	}
	if l := LookOf(url.Values{"icon": {"https://x.example; script-src *"}}); l.Logo != "" || LogoOrigin(hookswitch.Look{Logo: "https://x.example'*/i"}) != "" {
		t.Errorf("got %+v", l)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Count(0): "0", Count(999): "999", Count(12480): "12,480", Count(int64(-1234567)): "-1,234,567",
		Percent(0, 0): "–", Percent(0, 7): "0 %", Percent(7, 7): "100 %", Percent(99999, 100000): "> 99.9 %", Percent(1, 100000): "< 0.1 %", Percent(1, 8): "12.5 %",
		Span(45 * time.Second): "45 s", Span(4*time.Hour + 8*time.Minute): "4 h 8 min", Span(76 * time.Hour): "3 d 4 h", Span(3 * time.Hour): "3 h",
		Millis(84 * time.Millisecond): "84 ms", Millis(1250 * time.Millisecond): "1.25 s", Millis(time.Microsecond): "< 1 ms", Bytes(1): "1 byte", Bytes(4096): "4.0 KiB",
		Plural(1, "endpoint"): "1 endpoint", Plural(2, "reply", "replies"): "2 replies",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestSparkline_SaysTheSameInWords(t *testing.T) {
	t.Parallel()
	s := string(Sparkline([]int64{3, 0, 9}, []int64{0, 0, 1}, `3 "fine" <b>`))
	if !strings.Contains(s, `role="img" aria-label="3 &#34;fine&#34; &lt;b&gt;"`) || strings.Count(s, `class="ok"`) != 2 || strings.Count(s, `class="no"`) != 1 || strings.Count(s, `class="nil"`) != 1 {
		t.Error(s)
	}
}

// A page that cannot be parsed is named by Check, fails when it is shown, and keeps none of the others from being shown.
func TestTemplates_NameThePageThatCannotBeParsed(t *testing.T) {
	t.Parallel()
	pages := Load(fstest.MapFS{
		"p/area/_shared.html": {Data: []byte(`{{define "greeting"}}Hello{{end}}`)},
		"p/area/fine.html":    {Data: []byte(`{{define "content"}}{{template "greeting"}} {{.}}{{end}}`)},
		"p/area/broken.html":  {Data: []byte(`{{define "content"}}{{if}}{{end}}`)},
	}, "p")
	if err := pages.Check(); err == nil || !strings.Contains(err.Error(), "area/broken: ") || strings.Contains(err.Error(), "fine") {
		t.Errorf("check: %v", err)
	}
	if _, err := pages.Part("area/broken", "content", nil); err == nil {
		t.Error("a broken page was shown")
	}
	for range 2 {
		if got, err := pages.Part("area/fine", "content", "Ada"); err != nil || string(got) != "Hello Ada" {
			t.Errorf("%q, %v", got, err)
		}
	}
}
