package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/hookswitch/hookswitch/internal/client"
)

// show prints v as JSON on one line, or what human prints.
func (e *env) show(asJSON bool, v any, human func(*printer)) error {
	if !asJSON {
		p := &printer{out: e.Stdout}
		human(p)
		return p.err
	}
	enc := json.NewEncoder(e.Stdout)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// printer prints for people. What comes from elsewhere is made harmless for terminals. The first error is kept.
type printer struct {
	out io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.out, plain(fmt.Sprintf(format, args...)))
	}
}

// field is a name and a value of one thing.
type field struct{ name, value string }

// fields prints the fields of one thing, values under each other. Those without a value are left out.
func (p *printer) fields(list ...field) {
	width := 0
	for _, f := range list {
		width = max(width, len(f.name))
	}
	for _, f := range list {
		if f.value != "" {
			p.line("%-*s  %s", width, f.name, oneLine(f.value))
		}
	}
}

// table prints rows under their heads.
func (p *printer) table(head []string, rows [][]string) {
	if p.err != nil {
		return
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{head}, rows...) {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = plain(oneLine(cell))
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	_ = w.Flush() // a strings.Builder takes everything
	for line := range strings.Lines(b.String()) {
		p.line("%s", strings.TrimRight(line, " \n"))
	}
}

// listed prints a list: its table, what to do when it is empty, and how it goes on.
func listed[T any](p *printer, page client.Page[T], empty string, head []string, row func(T) []string) {
	if len(page.Items) == 0 {
		p.line("%s", empty)
		return
	}
	rows := make([][]string, len(page.Items))
	for i, item := range page.Items {
		rows[i] = row(item)
	}
	p.table(head, rows)
	if page.NextCursor != nil {
		p.line("More: --cursor %s", *page.NextCursor)
	}
}

// plain is s without anything that a terminal acts on or that changes the order of letters: such characters show as their codes.
func plain(s string) string {
	if !strings.ContainsFunc(s, dangerous) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if dangerous(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// oneLine is s without line ends and tabs, which would look like another field or another row.
func oneLine(s string) string { return lineEnds.Replace(s) }

var lineEnds = strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ")

func dangerous(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029'
}

// text is what s points to, or "".
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

func pairs(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	b, err := json.Marshal(m)
	if err != nil {
		return ""
	}
	return string(b)
}

func clock(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04:05Z")
}

// clockOrNone is a time that there may not be.
func clockOrNone(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return clock(*t)
}

// anything is a list of names, where none means that all are meant.
func anything(names []string) string {
	if names == nil {
		return "all"
	}
	return strings.Join(names, ", ")
}

// yesNo writes a statement.
func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
