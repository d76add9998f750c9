package portal

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
)

var appearanceRoutes = []route{
	{in: tenant, method: "GET", path: "/appearance", name: "Portal", nav: &nav{"Settings", "theme"}, handle: (*Pages).appearance},
	{in: tenant, method: "POST", path: "/appearance", name: "Portal", needs: hookswitch.ManageEndpoint, handle: (*Pages).saveAppearance},
}

// appearancePage is how the portal of an App looks, and who may frame it.
type appearancePage struct {
	*view
	Problems                                                              ui.Problems
	Theme, Color, Logo, Font, Radius, Density, Direction, Refused, Frames ui.Field
	Shades                                                                []ui.Shade
	May                                                                   string
	Embed                                                                 string
	Origins                                                               []string
}

func (p *Pages) appearance(v *view) error {
	s, err := p.svc.PortalSettings(v.ctx(), v.App.Key)
	if err != nil {
		return err
	}
	return p.showAppearance(v, http.StatusOK, s, nil, "")
}

func (p *Pages) showAppearance(v *view, status int, s hookswitch.PortalSettings, wrong map[string]string, radius string) error {
	if s.Radius != nil {
		radius = strconv.Itoa(*s.Radius)
	}
	field := func(name, label, value, hint, holder string) ui.Field {
		return ui.Field{ID: name, Name: name, Label: label, Value: value, Hint: hint, Holder: holder, Problem: wrong[name], Optional: true, Autocomplete: "off"}
	}
	page := &appearancePage{view: v, May: v.MayNot("endpoints.write"), Shades: ui.Shades(s.Color), Origins: p.FrameAncestors,
		Color:  field("color", "Brand colour", s.Color, "It is made darker or lighter until words in it can be read.", "#0d5c4d"),
		Logo:   field("logo", "Logo", s.Logo, "An https address of a picture. It is shown 24 pixels high.", "https://acme.example/logo.svg"),
		Font:   field("font", "Font", s.Font, "The name of a font that readers have. None is loaded.", "Inter"),
		Radius: field("radius", "Roundness of corners, in pixels", radius, "0 to 16.", "9"),
		Theme: ui.Field{ID: "theme", Name: "theme", Label: "Colours", Kind: "select", Problem: wrong["theme"], Options: options(s.Theme, "", "As the reader's system", "light", "Light", "dark", "Dark"),
			Hint: "Readers can choose another."},
		Density:   ui.Field{ID: "density", Name: "density", Label: "Density", Kind: "select", Problem: wrong["density"], Options: options(s.Density, "", "Comfortable", "compact", "Compact")},
		Direction: ui.Field{ID: "direction", Name: "direction", Label: "Read from", Kind: "select", Problem: wrong["direction"], Options: options(s.Direction, "", "Left to right", "rtl", "Right to left")},
		Refused:   ui.Field{ID: "refused", Name: "refused", Label: "What a reader may not do", Kind: "select", Problem: wrong["refused"], Options: options(s.Refused, "", "Is shown, with the reason", "hide", "Is left out")},
		Frames: ui.Field{ID: "frameAncestors", Name: "frameAncestors", Label: "Who may show it in a frame", Kind: "textarea", Rows: 3, Mono: true, Optional: true, Value: strings.Join(s.FrameAncestors, "\n"),
			Problem: wrong["frameAncestors"], Holder: "https://app.acme.example", Hint: "One origin a line, such as https://app.acme.example or https://*.acme.example. Nobody else may."},
		Embed: "<script type=\"module\" src=\"" + p.svc.PublicURL() + embedPath + "\"></script>\n<hookswitch-portal url=\"THE LINK YOUR SERVER ASKED FOR\"></hookswitch-portal>"}
	if len(wrong) > 0 {
		page.Problems.Title = "The portal was not changed"
		for _, name := range []string{"color", "logo", "font", "radius", "theme", "density", "direction", "refused", "frameAncestors"} {
			if wrong[name] != "" {
				page.Problems.List = append(page.Problems.List, ui.Problem{Field: name, Text: "It " + wrong[name] + "."})
			}
		}
	}
	v.Shell.Title = "The customer's portal"
	v.call(http.MethodGet, "/operator/v1/apps/"+v.AppID()+"/portal", "hookswitch app set "+v.AppID()+" --portal-color '#0d5c4d'")
	return v.write(status, "app/appearance", page)
}

func (p *Pages) saveAppearance(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	text := func(name string) string { return strings.TrimSpace(form.Get(name)) }
	s := hookswitch.PortalSettings{Look: hookswitch.Look{Theme: text("theme"), Color: text("color"), Logo: text("logo"), Font: text("font"), Density: text("density"), Direction: text("direction"), Refused: text("refused")}}
	wrong := make(map[string]string)
	radius := text("radius")
	if radius != "" {
		n, err := strconv.Atoi(radius)
		if err != nil {
			wrong["radius"] = "must be a whole number"
		} else {
			s.Radius = &n
		}
	}
	for line := range strings.FieldsSeq(form.Get("frameAncestors")) {
		s.FrameAncestors = append(s.FrameAncestors, strings.TrimRight(line, "/,"))
	}
	if len(wrong) == 0 {
		names := map[string]string{"color": "color", "logo": "logo", "font": "font", "radius": "radius", "theme": "theme", "density": "density", "direction": "direction", "refused": "refused", "frameAncestors": "frameAncestors"}
		if err := p.svc.SetPortalSettings(v.ctx(), v.App.Key, s); err != nil && !noteFields(err, wrong, names) {
			return err
		}
	}
	if len(wrong) > 0 {
		return p.showAppearance(v, http.StatusUnprocessableEntity, s, wrong, radius)
	}
	return v.done(v.Page("appearance"), ui.Good, "The portal looks like this from now on.")
}
