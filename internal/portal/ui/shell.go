package ui

import (
	"html/template"

	"github.com/hookswitch/hookswitch"
)

// Shell is what surrounds the content of a page.
type Shell struct {
	Title string // of the page; the window's title adds the place
	Area  string // portal, dashboard, play or open: which navigation, and how wide
	Place string // what the area is called
	Home  string // where the brand leads
	Nonce string // of the page's scripts and styles
	Look  hookswitch.Look

	Nav     []NavGroup
	Subject string // whose things are shown: the name of the App
	Back    *Link  // out of the things of one App
	Who     *Who   // nil: nobody is signed in
	Banners []Banner
	Flash   *Flash
	Trail   []Link // the pages above this one

	// Call is the request of the API that the page shows, for people who would rather have that.
	Call *Call

	// Here is the path and query of the page, and Posted says that it is the answer to a form: it is not to be sent again by who reloads or comes back.
	Here   string
	Posted bool
	// Root is the path of the area.
	Root string
	// Charts asks for the script that draws charts.
	Charts bool
	// Script names a script of the page's own.
	Script string
	// Framed says that the page stands in a frame of another one.
	Framed bool
	// Bare leaves the navigation out.
	Bare bool
	// Body is a class of the page's own, and Data the attributes of its body that its script reads, by name without "data-".
	Body string
	Data map[string]string
}

// Style is the rule that the look of the page is made with; "" for our own.
func (s *Shell) Style() template.CSS { return styleOf(s.Look) }

// NavGroup is a part of the navigation, with a name or without.
type NavGroup struct {
	Name  string
	Links []NavLink
}

// NavLink leads to a page.
type NavLink struct {
	Name, URL, Icon string
	Current         bool
	Count           int    // of what waits there for a person; 0: nothing is shown
	CountName       string // what the count counts: "open issues"
}

// Link is a name and where it leads.
type Link struct{ Name, URL string }

// Who is who is signed in.
type Who struct {
	Name    string // "Operator", "Portal session"
	Detail  string
	SignOut string // where the form posts to
}

// Banner is a sentence about the whole page or area.
type Banner struct {
	Tone Tone
	Text string
	Link *Link
}

// Flash says what became of what was just done.
type Flash struct {
	Tone Tone   `json:"t"`
	Text string `json:"s"`
	// Link leads to what came of it.
	LinkName string `json:"n,omitempty"`
	LinkURL  string `json:"u,omitempty"`
	Away     bool   `json:"-"` // the link leads out of the frame
	// Event is what a page that frames this one is told, and Detail what it is about; "": nothing.
	Event  string `json:"e,omitempty"`
	Detail string `json:"d,omitempty"`
}

// Call is a request of the API.
type Call struct {
	Method, Path string
	Curl         string
	CLI          string
}

// Tone is what something means: each has an icon and a colour, which never stand alone.
type Tone string

// The tones.
const (
	Good Tone = "good"
	Bad  Tone = "bad"
	Warn Tone = "warn"
	Info Tone = "info"
	Idle Tone = "idle"
)

// Icon is the icon of the tone.
func (t Tone) Icon() string {
	switch t {
	case Good:
		return "check"
	case Bad:
		return "cross"
	case Warn:
		return "alert"
	case Info:
		return "info"
	}
	return "dot"
}
