package zavu

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// errorOut is an error flat, as it is described today, and nested, as older clients read it.
type errorOut struct {
	Code    string         `json:"code"`
	Message string         `json:"message"`
	Details map[string]any `json:"details,omitempty"`
	Error   nestedOut      `json:"error"`
}

type nestedOut struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func writeError(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	if status == http.StatusConflict {
		w.Header()["X-Should-Retry"] = []string{"false"} // the client library repeats conflicts unless it is told not to
	}
	message := sentence(e.Message)
	_ = httpapi.Encode(w, status, errorOut{code(e), message, details(e), nestedOut{code(e), message}}) // fails only when the client has gone
}

// sentence begins s with a capital letter.
func sentence(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// details are what is known about e besides its sentence: those it brings along, the wrong fields with what is wrong about each, the words that are
// allowed, and what it is that was not found.
func details(e *hookswitch.Error) map[string]any {
	d := maps.Clone(e.Details)
	set := func(name string, value any) {
		if d == nil {
			d = make(map[string]any)
		}
		if _, ok := d[name]; !ok {
			d[name] = value
		}
	}
	if len(e.Fields) > 0 {
		fields := make(map[string]string, len(e.Fields))
		var allowed []string
		for _, f := range e.Fields {
			if _, ok := fields[f.Name()]; !ok {
				fields[f.Name()] = f.Message
				if f.Message == "is required" {
					fields[f.Name()] = "required" // one word, for programs
				}
			}
			if allowed == nil {
				allowed = slices.Clone(f.Allowed)
			}
		}
		set("fields", fields)
		if allowed != nil {
			set("allowed", allowed)
		}
	}
	// Whoever does not find a thing says "sender not found".
	if what, ok := strings.CutSuffix(e.Message, " not found"); ok && e.Kind == hookswitch.NotFound && len(what) < 32 {
		set("resource", strings.ReplaceAll(strings.ToLower(what), " ", "_"))
	}
	return d
}
