package ui

import "html/template"

// icons are drawn on a grid of 16, in lines of the text's colour.
var icons = map[string]string{
	"alert":    `<path d="M8 2.200 14.600 13.500H1.400z"/><path d="M8 6.500v3M8 11.600v.1"/>`,
	"apps":     `<path d="M2.500 2.500h4.500v4.500H2.500zM9 2.500h4.500v4.500H9zM2.500 9h4.500v4.500H2.500zM9 9h4.500v4.500H9z"/>`,
	"arrow":    `<path d="M3 8h10M9 4l4 4-4 4"/>`,
	"ban":      `<circle cx="8" cy="8" r="5.800"/><path d="m4 12 8-8"/>`,
	"bell":     `<path d="M4 11V7a4 4 0 0 1 8 0v4l1.200 1.500H2.800zM6.800 14.200h2.400"/>`,
	"book":     `<path d="M8 3.600C6.500 2.500 4.500 2.300 2.300 2.500v10C4.500 12.300 6.500 12.500 8 13.600c1.500-1.100 3.500-1.300 5.700-1.100v-10C11.500 2.300 9.500 2.500 8 3.600zM8 3.600v10"/>`,
	"check":    `<path d="m3 8.500 3.300 3.300L13 4.600"/>`,
	"chevron":  `<path d="m6 3.500 4.500 4.500L6 12.500"/>`,
	"clock":    `<circle cx="8" cy="8" r="5.800"/><path d="M8 4.600V8l2.300 1.500"/>`,
	"code":     `<path d="m5 4.500-3.500 3.500L5 11.500M11 4.500l3.500 3.500-3.500 3.500M9.200 3l-2.400 10"/>`,
	"copy":     `<path d="M5.500 5.500v-3h8v8h-3M2.500 5.500h8v8h-8z"/>`,
	"cross":    `<path d="m4 4 8 8M12 4l-8 8"/>`,
	"dot":      `<circle cx="8" cy="8" r="3.200" fill="currentColor" stroke="none"/>`,
	"down":     `<path d="M8 2.500v8M4.500 7.500 8 11l3.500-3.500M2.500 13.500h11"/>`,
	"edit":     `<path d="M2.500 13.500 3.300 10 10.800 2.500l2.700 2.700L6 12.700zM9.300 4l2.700 2.700"/>`,
	"endpoint": `<circle cx="3.600" cy="8" r="2.100"/><path d="M5.700 8H14M11 5l3 3-3 3"/>`,
	"external": `<path d="M6.500 3.500h-4v10h10v-4M9 2.500h4.500V7M13.500 2.500 7 9"/>`,
	"filter":   `<path d="M2 3.500h12M4.500 8h7M7 12.500h2"/>`,
	"gear":     `<path d="M2 4.500h6M11.500 4.500H14M2 11.500h2.500M8 11.500h6"/><circle cx="9.700" cy="4.500" r="1.800"/><circle cx="6.200" cy="11.500" r="1.800"/>`,
	"handset":  `<path d="M4.800 1.500h6.400v13H4.800zM7.200 12.400h1.600"/>`,
	"home":     `<path d="M2.500 7.300 8 2.500l5.500 4.800v6.200h-4v-4h-3v4h-4z"/>`,
	"info":     `<circle cx="8" cy="8" r="5.800"/><path d="M8 7.300v3.600M8 5v.1"/>`,
	"key":      `<circle cx="5" cy="10.800" r="2.700"/><path d="m7 8.800 6-6M10.500 5.300l2.200 2.200"/>`,
	"list":     `<path d="M5.500 3.500H14M5.500 8H14M5.500 12.500H14M2.200 3.500h.1M2.200 8h.1M2.200 12.500h.1"/>`,
	"lock":     `<path d="M3.500 7.500h9v6h-9zM5.300 7.500V5a2.700 2.700 0 0 1 5.400 0v2.500"/>`,
	"menu":     `<path d="M2 4h12M2 8h12M2 12h12"/>`,
	"message":  `<path d="M2.500 3.500h11v7.500H7.500L4.500 13.500V11h-2z"/>`,
	"out":      `<path d="M9 13.500H2.500v-11H9M6.500 8H14M11 5l3 3-3 3"/>`,
	"pause":    `<path d="M5.500 3.500v9M10.500 3.500v9"/>`,
	"phone":    `<path d="M3 4h5M5.500 4v6a4 4 0 0 0 8 0V7.600"/><circle cx="13.500" cy="5.400" r="1.300"/>`,
	"pin":      `<path d="M6 2.500h4M6.800 2.500v4L4.500 9.200h7L9.200 6.500v-4M8 9.200v4.300"/>`,
	"play":     `<path d="m5 3 8 5-8 5z"/>`,
	"plus":     `<path d="M8 3v10M3 8h10"/>`,
	"pulse":    `<path d="M1.500 8.500h3l2-5 3 9 2-4h3"/>`,
	"question": `<circle cx="8" cy="8" r="5.800"/><path d="M6.200 6.300a1.900 1.900 0 1 1 2.600 1.800c-.6.200-.8.600-.8 1.200M8 11.300v.1"/>`,
	"search":   `<circle cx="7" cy="7" r="4.300"/><path d="m10.200 10.200 3.600 3.600"/>`,
	"send":     `<path d="M14 2.500 2 7l4.800 2L9 14zM6.800 9 14 2.500"/>`,
	"shield":   `<path d="M8 2 3 3.800v4c0 3 2.100 5.100 5 6.200 2.900-1.100 5-3.200 5-6.200v-4z"/>`,
	"sound":    `<path d="M2 6v4h2.500L8 13V3L4.500 6zM10.500 6a3 3 0 0 1 0 4M12.500 4a6 6 0 0 1 0 8"/>`,
	"theme":    `<circle cx="8" cy="8" r="5.800"/><path d="M8 2.200a5.800 5.800 0 0 1 0 11.600z" fill="currentColor"/>`,
	"turn":     `<path d="M13.500 8a5.500 5.500 0 1 1-1.700-4M13.500 2v3.200h-3.200"/>`,
	"user":     `<circle cx="8" cy="5.300" r="2.700"/><path d="M2.800 13.700c.6-2.700 2.600-4 5.200-4s4.600 1.300 5.200 4"/>`,
}

// Icon is the drawing with the name. It means nothing to who does not see it: a word has to stand beside it. It panics for a name that there is none of, which a test would meet.
func Icon(name string) template.HTML {
	lines, ok := icons[name]
	if !ok {
		panic("ui: there is no icon " + name)
	}
	return template.HTML(`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + lines + `</svg>`) //nolint:gosec // constants
}
