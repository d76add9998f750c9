package portal

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	// maxExport is how many rows a file has at most, exportPage how many are read at a time, and exportTime how long that goes on.
	maxExport  = 50_000
	exportPage = 500
	exportTime = 2 * time.Minute
	// maxFiles is how many files are made at a time, and maxFilesOf of one App.
	maxFiles   = 32
	maxFilesOf = 4
)

// sheet writes rows as CSV, or as JSON line by line.
type sheet struct {
	names []string
	csv   *csv.Writer
	w     io.Writer
	leave func()
}

// download begins a file of rows with the names.
func (v *view) download(name string, columns ...string) (*sheet, error) {
	format := v.query("format")
	if format != "csv" && format != "ndjson" {
		return nil, hookswitch.Errorf(hookswitch.Invalid, "format is csv or ndjson.")
	}
	leave, ok := v.p.files.take(v.owner())
	if !ok {
		return nil, errManyFiles
	}
	h := v.w.Header()
	kind := map[string]string{"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}[format]
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+"-"+v.Now.UTC().Format("20060102-150405")+"."+format+`"`)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s := &sheet{names: columns, w: v.w, leave: leave}
	if format == "csv" {
		s.csv = csv.NewWriter(v.w)
		_ = s.csv.Write(columns) // it is only noted, until there is more
	}
	return s, nil
}

// row writes values in the order of the columns.
func (s *sheet) row(values ...any) error {
	if s.csv != nil {
		line := make([]string, len(values))
		for i, value := range values {
			line[i] = cell(value)
		}
		return s.csv.Write(line)
	}
	var b strings.Builder
	for i, value := range values {
		text, err := json.Marshal(value)
		if err != nil {
			return err
		}
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + strconv.Quote(s.names[i]) + ":")
		b.Write(text)
	}
	_, err := io.WriteString(s.w, b.String()+"}\n")
	return err
}

// flush ends the file.
func (s *sheet) flush() {
	defer s.leave()
	if s.csv != nil {
		s.csv.Flush()
	}
}

// cell is a value as a spreadsheet may have it: a text of a stranger's is never a formula. Numbers are ours, and stay as they are.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case int:
		return strconv.Itoa(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case *string:
		if v == nil {
			return ""
		}
		return cell(*v)
	case string:
		return harmless(v)
	}
	return ""
}

// formulaSigns are what spreadsheets take for the beginning of a formula, also in the width of Chinese and Japanese letters. https://owasp.org/www-community/attacks/CSV_Injection
const formulaSigns = "=+-@＝＋－＠"

// harmless is a text with an apostrophe wherever a spreadsheet might read a formula: at its beginning, and behind what some take for the end of a cell or row, though the sheet has commas and quotes.
// Where a list is written with semicolons, Excel splits at them and knows of no quotes in the middle of a cell.
func harmless(text string) string {
	var b strings.Builder
	if text != "" && strings.ContainsAny(text[:1], "\t\r\n") {
		b.WriteByte('\'')
	}
	begins := func(rest string) bool {
		r, _ := utf8.DecodeRuneInString(rest)
		return rest != "" && strings.ContainsRune(formulaSigns, r)
	}
	if begins(text) {
		b.WriteByte('\'')
	}
	for i := range len(text) {
		b.WriteByte(text[i])
		if strings.IndexByte(";\t\r\n", text[i]) >= 0 && begins(strings.TrimLeft(text[i+1:], ` "`)) {
			b.WriteByte('\'')
		}
	}
	return b.String()
}

// at is a time as files have it; nil for none.
func at(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// each reads a search to its end, or to the bounds of a file.
func each[T any](v *view, limit int, find func(p store.Page) ([]T, hookswitch.Key, error), key func(T) hookswitch.Key, row func(T) error) error {
	rc := http.NewResponseController(v.w)
	until := time.Now().Add(exportTime)
	p := store.Page{Limit: exportPage}
	for n := 0; n < limit && time.Now().Before(until) && v.ctx().Err() == nil; {
		list, stopped, err := find(p)
		if err != nil {
			return err
		}
		_ = rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines has none to move
		for _, item := range list {
			if err := row(item); err != nil {
				return nil // the reader has gone
			}
			p.Before = key(item)
			n++
		}
		switch {
		case stopped != 0:
			p.Before = stopped
		case len(list) < exportPage:
			return nil
		}
	}
	return nil
}

func (p *Pages) exportDeliveries(v *view) error {
	e, err := v.endpointOf()
	if err != nil {
		return err
	}
	q, _ := filter.Parse(v.query("q"), v.Now)
	s, err := v.download("deliveries", "time", "outcome", "eventType", "messageId", "attemptId", "attempt", "scheduled", "manual", "code", "milliseconds", "failure", "sentence", "nextAttempt", "url")
	if err != nil {
		return err
	}
	defer s.flush()
	return each(v, maxExport, func(at store.Page) ([]service.FoundAttempt, hookswitch.Key, error) {
		list, stopped, _, err := p.svc.FindAttempts(v.ctx(), e, q, at)
		return list, stopped, err
	}, func(f service.FoundAttempt) hookswitch.Key { return f.Key }, func(f service.FoundAttempt) error {
		r := v.attemptRow(e, &f)
		return s.row(at(f.CreatedAt()), r.Outcome.Word, r.Type, r.Message, r.ID, f.Number, f.Scheduled, yes(f.Manual), f.Code, f.Timings.Total.Milliseconds(), f.Reason.Code, f.Reason.Sentence, at(r.Next), f.URL)
	})
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (p *Pages) exportLogs(v *view) error {
	q, _ := filter.Parse(v.query("q"), v.Now)
	s, err := v.download("messages", "time", "outcome", "eventType", "messageId", "yourId", "channels", "delivered", "waiting", "givenUp", "keptBack", "attempts", "lastCode", "nextAttempt")
	if err != nil {
		return err
	}
	defer s.flush()
	return each(v, maxExport, func(at store.Page) ([]service.FoundEvent, hookswitch.Key, error) {
		list, stopped, _, err := p.svc.FindEvents(v.ctx(), v.App.Key, q, at)
		return list, stopped, err
	}, func(f service.FoundEvent) hookswitch.Key { return f.Key }, func(f service.FoundEvent) error {
		r := v.messageRow(&f)
		return s.row(at(r.At), r.Outcome.Word, r.Type, r.ID, f.UID, strings.Join(f.Tags, " "), f.Delivered, f.Waiting, f.Failed, f.Held, f.Tries, r.Code, at(r.Next))
	})
}
