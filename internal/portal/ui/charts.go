package ui

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// Sparkline draws a day of outcomes as bars: what went well, and on top of it, in another shade and hatched, what failed. text is the same in words.
func Sparkline(ok, failed []int64, text string) template.HTML {
	const width, height, gap = 96.0, 24.0, 1.0
	n := max(len(ok), len(failed))
	var most int64 = 1
	at := func(list []int64, i int) int64 {
		if i < len(list) {
			return list[i]
		}
		return 0
	}
	for i := range n {
		most = max(most, at(ok, i)+at(failed, i))
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="spark" viewBox="0 0 %g %g" role="img" aria-label="%s" preserveAspectRatio="none">`, width, height, template.HTMLEscapeString(text))
	w := width / float64(max(n, 1))
	bar := func(class string, x, from, tall float64) {
		fmt.Fprintf(&b, `<rect class="%s" x="%.2f" y="%.2f" width="%.2f" height="%.2f"/>`, class, x, height-from-tall, max(w-gap, 0.5), tall)
	}
	for i := range n {
		x := float64(i) * w
		good, bad := float64(at(ok, i))/float64(most)*(height-1), float64(at(failed, i))/float64(most)*(height-1)
		if at(ok, i) > 0 {
			good = max(good, 1.5)
			bar("ok", x, 0, good)
		}
		if at(failed, i) > 0 {
			bad = max(bad, 2)
			bar("no", x, good, bad)
		}
		if at(ok, i)+at(failed, i) == 0 {
			bar("nil", x, 0, 1)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and escaped text
}

// Chart is numbers over time. It is drawn by a script, and is there as a table without one.
type Chart struct {
	ID     string
	Title  string
	Unit   string // of the values, such as "attempts" or "ms"
	Times  []time.Time
	Series []Series
	Stack  bool // the series add up
	Form   string
}

// Series is one line or layer of a chart.
type Series struct {
	Name   string
	Tone   Tone
	Values []int64
	Gaps   bool // 0 stands for nothing that is known
}

// Row is one line of the chart's table.
type Row struct {
	Time  string
	Cells []string
}

// Rows are the chart as a table, newest first.
func (c Chart) Rows() []Row {
	form := c.Form
	if form == "" {
		form = "2 Jan, 15:04"
	}
	list := make([]Row, 0, len(c.Times))
	for i := len(c.Times) - 1; i >= 0; i-- {
		r := Row{Time: c.Times[i].UTC().Format(form)}
		for _, s := range c.Series {
			cell := "–"
			if i < len(s.Values) && !(s.Gaps && s.Values[i] == 0) {
				cell = Count(s.Values[i])
			}
			r.Cells = append(r.Cells, cell)
		}
		list = append(list, r)
	}
	return list
}

// Data is the chart as its script reads it.
func (c Chart) Data() string {
	type series struct {
		Name   string   `json:"name"`
		Tone   Tone     `json:"tone"`
		Values []*int64 `json:"values"`
	}
	out := struct {
		Unit   string   `json:"unit"`
		Stack  bool     `json:"stack"`
		Times  []int64  `json:"times"`
		Series []series `json:"series"`
	}{Unit: c.Unit, Stack: c.Stack}
	for _, t := range c.Times {
		out.Times = append(out.Times, t.Unix())
	}
	for _, s := range c.Series {
		one := series{Name: s.Name, Tone: s.Tone, Values: []*int64{}}
		for i := range s.Values {
			if s.Gaps && s.Values[i] == 0 {
				one.Values = append(one.Values, nil)
			} else {
				one.Values = append(one.Values, &s.Values[i])
			}
		}
		out.Series = append(out.Series, one)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return strconv.Quote(err.Error()) // numbers and names can be encoded
	}
	return string(b)
}

// Phase is a part of a time.
type Phase struct {
	Name string
	Took time.Duration
}

// Phases draws a time by its parts, one behind the other. It says nothing that is not said in words beside it.
func Phases(parts []Phase) template.HTML {
	const width = 600.0
	var whole time.Duration
	for _, p := range parts {
		whole += p.Took
	}
	if whole <= 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="phases" viewBox="0 0 %g 12" preserveAspectRatio="none" aria-hidden="true" focusable="false">`, width)
	x := 0.0
	for i, p := range parts {
		w := float64(p.Took) / float64(whole) * width
		if p.Took > 0 {
			fmt.Fprintf(&b, `<rect class="phase-%d" x="%.2f" y="0" width="%.2f" height="12"/>`, i, x, max(w-1, 1))
		}
		x += w
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and constants
}

// Bar draws a share of 100 as a bar. It says nothing that is not said in words beside it.
func Bar(share int, tone Tone) template.HTML {
	return template.HTML(fmt.Sprintf(`<svg class="bar %s" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true" focusable="false"><rect class="bar-of" width="100" height="6"/><rect class="bar-is" width="%d" height="6"/></svg>`, tone, min(max(share, 0), 100))) //nolint:gosec // a number and a constant
}
