package operator

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

type errorOut struct {
	Code    string     `json:"code"`
	Message string     `json:"message"`
	Fields  []fieldOut `json:"fields,omitempty"`
}

type fieldOut struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

func writeError(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	out := errorOut{Code: cmp.Or(e.Code, httpapi.Code(e.Kind)), Message: e.Message}
	sentences := make([]string, len(e.Fields))
	for i, f := range e.Fields {
		out.Fields = append(out.Fields, fieldOut{f.Name(), f.Message})
		sentences[i] = strings.TrimSpace(f.Name() + " " + f.Message)
	}
	if len(sentences) > 0 {
		out.Message = strings.Join(sentences, "; ")
	}
	_ = httpapi.Encode(w, status, out) // an answer that cannot be sent has nobody to tell
}
