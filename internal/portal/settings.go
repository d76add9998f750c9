package portal

import (
	"net/http"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
)

var settingsRoutes = []route{
	{in: operator, method: "GET", path: "/settings", name: "Settings and health", nav: &nav{"Server", "gear"}, handle: (*Pages).settings,
		samples: []string{"/settings", "/settings?q=nothing-like-it"}},
}

type settingsPage struct {
	*view
	Filter ui.Filter
	Rows   []settingRow
	Blank  *ui.Blank
	Facts  []pair
	Checks []healthRow
	Worst  ui.Tone
	Health string
}

// healthRow is one thing that was looked at.
type healthRow struct {
	service.Check
	State ui.Badge
}

type settingRow struct {
	Setting
	From ui.Badge
}

func (p *Pages) settings(v *view) error {
	page := &settingsPage{view: v}
	text := strings.ToLower(strings.TrimSpace(v.query("q")))
	changed := v.query("changed") != ""
	for _, s := range p.Settings {
		if !strings.Contains(strings.ToLower(s.Name+" "+s.Help+" "+s.Value), text) || changed && s.Source == "default" {
			continue
		}
		row := settingRow{Setting: s, From: ui.Badge{Tone: ui.Idle, Word: "Default"}}
		switch s.Source {
		case "flag":
			row.From = ui.Badge{Tone: ui.Info, Word: "Flag", Icon: "code"}
		case "environment":
			row.From = ui.Badge{Tone: ui.Info, Word: "Environment", Icon: "gear"}
		case "file":
			row.From = ui.Badge{Tone: ui.Info, Word: "File", Icon: "book"}
		}
		page.Rows = append(page.Rows, row)
	}
	page.Filter = ui.Filter{Action: dashboardRoot + "/settings", Target: "settings", Label: "Search settings", Text: v.query("q"), Holder: "Name, value or meaning", Clear: dashboardRoot + "/settings",
		Fields: []ui.Field{{ID: "changed", Name: "changed", Label: "Which", Kind: "select", Options: options(v.query("changed"), "", "All settings", "yes", "Those that were set")}}}
	if text != "" {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "text", Value: v.query("q"), Without: v.Link("q", "")})
	}
	if changed {
		page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: "which", Value: "that were set", Without: v.Link("changed", "")})
	}
	switch {
	case len(page.Rows) > 0:
	case text == "" && !changed:
		page.Blank = &ui.Blank{Kind: "empty", Title: "The settings are not known here", Text: "This server was put together by another program, which has not told its settings."}
	default:
		page.Blank = &ui.Blank{Kind: "nomatch", Title: "No setting matches", Links: []ui.Action{{Name: "Clear the conditions", URL: dashboardRoot + "/settings"}}}
	}
	page.Facts = []pair{{"Public address", p.svc.PublicURL()}}
	if p.Version != "" {
		page.Facts = append(page.Facts, pair{"Version", p.Version})
	}
	if p.Database != "" {
		page.Facts = append(page.Facts, pair{"Database", p.Database})
	}
	if p.Disk != nil {
		if d, err := p.Disk(); err == nil {
			page.Facts = append(page.Facts, pair{"Data", ui.Bytes(d.Data)}, pair{"Free on its disk", ui.Bytes(d.Free) + " of " + ui.Bytes(d.Total)})
		}
	}
	page.Facts = slices.Clip(page.Facts)
	if err := page.checkup(); err != nil {
		return err
	}
	v.call(http.MethodGet, "/operator/v1/checkup", "hookswitch checkup")
	return v.show("dashboard/settings", page)
}

// surroundings are what the process knows and the service does not.
func (p *Pages) surroundings() service.Surroundings {
	around := service.Surroundings{Version: p.Version, Networks: first(p, "allow-networks")}
	if p.Disk != nil {
		if d, err := p.Disk(); err == nil {
			around.DiskFree, around.DiskAll = d.Free, d.Total
		}
	}
	return around
}

// checkup fills in what the server stands on.
func (s *settingsPage) checkup() error {
	checks, err := s.p.svc.Checkup(s.ctx(), s.p.surroundings())
	if err != nil {
		return err
	}
	look := 0
	s.Worst, s.Health = ui.Good, "Everything that was looked at is fine."
	for _, c := range checks {
		row := healthRow{Check: c, State: ui.Badge{Tone: ui.Good, Word: "Fine"}}
		switch c.State {
		case service.CheckLook:
			row.State = ui.Badge{Tone: ui.Warn, Word: "Look"}
			look++
		case service.CheckBad:
			row.State = ui.Badge{Tone: ui.Bad, Word: "Wrong"}
			look++
			s.Worst = ui.Bad
		}
		s.Checks = append(s.Checks, row)
	}
	if look > 0 {
		if s.Worst != ui.Bad {
			s.Worst = ui.Warn
		}
		s.Health = ui.Plural(look, "thing needs", "things need") + " a look."
	}
	return nil
}
