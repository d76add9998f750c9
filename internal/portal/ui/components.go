package ui

import (
	"html/template"
	"net/url"
	"strconv"
	"time"
)

// Badge is a state: an icon and a word.
type Badge struct {
	Tone Tone
	Word string
	Icon string // other than the tone's
}

// Sign is the icon.
func (b Badge) Sign() string {
	if b.Icon != "" {
		return b.Icon
	}
	return b.Tone.Icon()
}

// Tile is one number with what it is.
type Tile struct {
	Name  string
	Value string
	Note  string
	Tone  Tone // "" for a number that is neither good nor bad
	URL   string
	Trend template.HTML // a sparkline
}

// Pager leads through a list.
type Pager struct {
	Newer, Older string // "": there is nothing
	Shown        string // "50 deliveries"
}

// Blank is what stands in place of a list: that there is nothing yet, that nothing matches, that it may not be seen, that it has gone, or that it could not be read.
type Blank struct {
	Kind  string // empty, nomatch, denied, expired or error
	Title string
	Text  string
	Links []Action
}

// Icon is the drawing of the state.
func (b Blank) Icon() string {
	switch b.Kind {
	case "nomatch":
		return "search"
	case "denied":
		return "lock"
	case "expired":
		return "clock"
	case "error":
		return "alert"
	}
	return "phone"
}

// Action is a button. With Post it is a form that posts to URL, else a link.
type Action struct {
	Name    string
	Of      string // what it is about, for who hears the button without what stands around it: "to CRM"
	URL     string
	Icon    string
	Post    bool
	Fields  map[string]string // of the form
	Look    string            // primary, danger, quiet or ""
	Refused string            // why it cannot be used now; the button is shown and does nothing
	ID      string
}

// Field is a field of a form.
type Field struct {
	ID, Name, Label string
	Kind            string // text, url, password, number, search, textarea, select, checkbox; "" is text
	Value           string
	Checked         bool
	Hint            string // how to fill it in
	Problem         string // what is wrong with it
	Holder          string // an example, shown while it is empty
	Options         []Option
	Rows            int
	Required        bool
	Optional        bool // says so beside the label
	Refused         string
	Mono            bool
	Autocomplete    string
	Attrs           map[string]string // such as hx-post; the names and values are ours, never a stranger's
}

// Option is a choice of a select.
type Option struct {
	Value, Name string
	Chosen      bool
}

// Described is the ids of what describes the field, for aria-describedby.
func (f Field) Described() string {
	s := ""
	add := func(have bool, suffix string) {
		if have {
			if s != "" {
				s += " "
			}
			s += f.ID + suffix
		}
	}
	add(f.Problem != "", "-problem")
	add(f.Hint != "", "-hint")
	add(f.Refused != "", "-refused")
	return s
}

// Extra is Attrs as a template can put them into a tag.
func (f Field) Extra() template.HTMLAttr {
	s := ""
	for name, value := range f.Attrs {
		s += " " + name + `="` + template.HTMLEscapeString(value) + `"`
	}
	return template.HTMLAttr(s) //nolint:gosec // names are constants, values escaped
}

// Problems is what is wrong with a form, on top of it, each with a link to its field.
type Problems struct {
	Title string
	List  []Problem
}

// Problem is one thing that is wrong.
type Problem struct {
	Field string // the id of the field; "": the form as a whole
	Text  string
}

// Tab is one of several views of a thing.
type Tab struct {
	Name, URL string
	Current   bool
	Count     string
}

// Chip is one condition of a filter, and where the list is without it.
type Chip struct{ Name, Value, Without string }

// Filter is the bar above a list.
type Filter struct {
	Action string // where the form leads
	Target string // the id of the list that scripts put the answer into
	Label  string
	Text   string // what is searched for, in the grammar of filters
	Holder string
	NoText bool // there is no search
	Hint   string
	Fields []Field // selects beside it
	Chips  []Chip
	Clear  string   // where the list is without any condition; "": there is none
	Link   string   // the whole address of the list with the conditions, to be copied; "": none is offered
	Quick  []Link   // conditions that can be added with one press
	Wrong  []string // what of the text is not understood, in sentences
	// Suggest are conditions that can be written, offered while somebody writes; Views filters that were given names, and Keep the form that names the one in effect, nil where there is none.
	Suggest []string
	Views   []SavedView
	Keep    *Keep
}

// SavedView is a filter with a name, and where the list is with it.
type SavedView struct {
	Name, URL string
	Current   bool
}

// Keep is the form that gives the filter in effect a name; Kept is the one that it has.
type Keep struct {
	URL    string
	Fields map[string]string
	Kept   string
}

// Check is one step of a list of steps.
type Check struct {
	Done  bool
	Name  string
	Text  string
	Links []Action
}

// Code is a text to copy.
type Code struct {
	ID, Label, Text string
	Lang            string
}

// CopyButton copies the text of the element with the id.
type CopyButton struct {
	Of   string // the id
	Name string // "Copy address"
}

// Time is a time relative to now, with the absolute one beside it.
func Time(at, now time.Time) template.HTML {
	if at.IsZero() {
		return `<span class="muted">never</span>`
	}
	utc := at.UTC()
	return template.HTML(`<time datetime="` + utc.Format(time.RFC3339Nano) + `" title="` + utc.Format("2 Jan 2006, 15:04:05 MST") + `">` + Ago(at, now) + `</time>`) //nolint:gosec // digits and constants
}

// Clock is a time of day with its date where that is not today's, and the whole in its title.
func Clock(at, now time.Time) template.HTML {
	utc := at.UTC()
	form := "15:04:05"
	if utc.Format(time.DateOnly) != now.UTC().Format(time.DateOnly) {
		form = "2 Jan, 15:04:05"
	}
	return template.HTML(`<time class="clock" datetime="` + utc.Format(time.RFC3339Nano) + `" title="` + utc.Format("2 Jan 2006, 15:04:05.000 MST") + `">` + utc.Format(form) + `</time>`) //nolint:gosec // the same
}

// Ago says how far a time is from now.
func Ago(at, now time.Time) string {
	d := now.Sub(at)
	switch {
	case d < 0 && d > -time.Second, d >= 0 && d < 2*time.Second:
		return "just now"
	case d < 0:
		return "in " + rough(-d)
	case d > 365*24*time.Hour:
		return at.UTC().Format("2 Jan 2006")
	case d > 14*24*time.Hour:
		return at.UTC().Format("2 Jan")
	}
	return rough(d) + " ago"
}

// rough is a time in its greatest unit.
func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	}
	return strconv.Itoa(int(d.Hours()/24)) + " days"
}

// With is a URL with its parameters changed: names and values in turn, where an empty value takes the parameter away.
func With(u *url.URL, pairs ...string) string {
	q := u.Query()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	if len(q) == 0 {
		return u.Path
	}
	return u.Path + "?" + q.Encode()
}
