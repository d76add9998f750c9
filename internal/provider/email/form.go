package email

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// form is a form that was posted, either way. Of a name that comes twice, the first counts.
type form struct {
	values map[string]string // as bytes, in whatever charset
	files  []formFile
}

type formFile struct {
	field, filename, mimeType string
	bytes                     []byte
}

func (f *form) get(name string) string { return f.values[name] }

// maxParts bounds what is read of a form.
const maxParts = 1000

// isForm reports whether the push is a form, going by its content type.
func isForm(p *hookswitch.Push) bool {
	kind, _, _ := strings.Cut(strings.ToLower(p.Header.Get("Content-Type")), ";")
	kind = strings.TrimSpace(kind)
	return kind == "multipart/form-data" || kind == "application/x-www-form-urlencoded"
}

// readForm reads a push that is a form. The error is of kind Invalid.
func readForm(p *hookswitch.Push) (*form, error) {
	kind, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the content type cannot be read")
	}
	f := &form{values: map[string]string{}}
	if kind != "multipart/form-data" {
		values, err := url.ParseQuery(string(p.Body))
		if err != nil {
			return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not a valid form")
		}
		for name, list := range values {
			f.values[name] = list[0]
		}
		return f, nil
	}
	if params["boundary"] == "" {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "the content type names no boundary")
	}
	r := multipart.NewReader(bytes.NewReader(p.Body), params["boundary"])
	for range maxParts {
		part, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err == nil {
			err = f.take(part)
		}
		if err != nil {
			return nil, hookswitch.Errorf(hookswitch.Invalid, "the body is not a valid form")
		}
	}
	return f, nil
}

func (f *form) take(part *multipart.Part) error {
	name, filename := part.FormName(), part.FileName()
	if filename != "" {
		bytes, err := io.ReadAll(part)
		f.files = append(f.files, formFile{name, filename, part.Header.Get("Content-Type"), bytes})
		return err
	}
	value, err := io.ReadAll(part)
	if err != nil {
		return err
	}
	if _, ok := f.values[name]; !ok && name != "" {
		f.values[name] = string(value)
	}
	return nil
}
