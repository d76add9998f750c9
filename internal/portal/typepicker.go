package portal

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// typePicker is the part of a form that chooses event types: all, or some of the catalogue and others by name.
type typePicker struct {
	All      bool
	Groups   []typeGroup
	Other    ui.Field
	Refused  string
	Examples string // where the catalogue is
}

// typeGroup is a part of the catalogue of event types, to choose from.
type typeGroup struct {
	ID    string
	Name  string
	Types []typeChoice
	Open  bool
}

type typeChoice struct {
	ID, Name, Text string
	Chosen         bool
	Known          bool // the catalogue has it
}

// catalogueBound is how many event types are offered to choose from.
const catalogueBound = 500

// otherTypes is the group of types that the catalogue does not have.
const otherTypes = "Not in the catalogue"

// typePicker makes the part of the form, with what the form has chosen.
func (p *Pages) typePicker(v *view, form url.Values, refused string) (t typePicker, err error) {
	t = typePicker{All: form.Get("types") != "some", Refused: refused, Examples: v.Page("catalogue"),
		Other: ui.Field{ID: "other", Name: "other", Label: "By name", Value: form.Get("other"), Mono: true, Autocomplete: "off", Optional: true, Refused: refused,
			Hint: "Separated by commas. order.* stands for all in the catalogue that begin so now."}}
	t.Groups, err = p.typeGroups(v, form["type"])
	for i := range t.Groups {
		t.Groups[i].Open = !t.All && slices.ContainsFunc(t.Groups[i].Types, func(c typeChoice) bool { return c.Chosen })
	}
	slices.SortStableFunc(t.Groups, func(a, b typeGroup) int { // what is chosen is seen without a search
		switch {
		case a.Open == b.Open:
			return 0
		case a.Open:
			return -1
		}
		return 1
	})
	return t, err
}

// typeGroups are the event types to choose from: by the group that they name, else by the first part of their names; at the end those that are chosen and that the catalogue does not have.
func (p *Pages) typeGroups(v *view, chosen []string) ([]typeGroup, error) {
	types, err := p.offeredTypes(v)
	if err != nil {
		return nil, err
	}
	var groups []typeGroup
	add := func(name string, c typeChoice) {
		i := slices.IndexFunc(groups, func(g typeGroup) bool { return g.Name == name })
		if i < 0 {
			i = len(groups)
			groups = append(groups, typeGroup{Name: name})
		}
		groups[i].Types = append(groups[i].Types, c)
	}
	for _, t := range types {
		add(groupOf(t), typeChoice{"type-" + t.Name, t.Name, t.Description, slices.Contains(chosen, t.Name), true})
	}
	for i, name := range chosen {
		if !slices.ContainsFunc(types, func(t *hookswitch.EventType) bool { return t.Name == name }) {
			add(otherTypes, typeChoice{ID: "other-" + strconv.Itoa(i), Name: name, Chosen: true})
		}
	}
	for i := range groups {
		groups[i].ID = "group-" + strconv.Itoa(i)
	}
	return groups, nil
}

// offeredTypes are the event types that Apps get.
func (p *Pages) offeredTypes(v *view) ([]*hookswitch.EventType, error) {
	types, err := p.svc.EventTypes(v.ctx(), service.EventTypeQuery{}, store.NamePage{Limit: catalogueBound, Ascending: true})
	return slices.DeleteFunc(types, func(t *hookswitch.EventType) bool { return operationalType(t.Name) }), err
}

// expandTypes puts into the form's types what its groups, and its names with and without *, stand for.
func (p *Pages) expandTypes(v *view, form url.Values, wrong map[string]string) error {
	names := strings.FieldsFunc(form.Get("other"), func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
	if form.Get("types") != "some" || len(names)+len(form["group"]) == 0 {
		return nil
	}
	types, err := p.offeredTypes(v)
	if err != nil {
		return err
	}
	list := slices.Clone(form["type"])
	for _, t := range types {
		if slices.Contains(form["group"], groupOf(t)) {
			list = append(list, t.Name)
		}
	}
	for _, name := range names {
		start, many := strings.CutSuffix(name, "*")
		if !many {
			list = append(list, name)
			continue
		}
		found := false
		for _, t := range types {
			if strings.HasPrefix(t.Name, start) {
				list, found = append(list, t.Name), true
			}
		}
		if !found {
			wrong["other"] = "nothing in the catalogue begins as in " + name
		}
	}
	slices.Sort(list)
	form["type"] = slices.Compact(list)
	if delete(form, "group"); wrong["other"] == "" {
		delete(form, "other")
	}
	return nil
}

// problems says what is wrong with the choice, and with the form as a whole.
func (t *typePicker) problems(list *ui.Problems, wrong map[string]string) {
	for _, id := range []string{"types", ""} {
		text := wrong[id]
		if id == "types" && strings.HasPrefix(text, "names ") {
			text = "The choice " + text
		}
		if text != "" {
			list.List = append(list.List, ui.Problem{Field: id, Text: text})
		}
	}
	if text := wrong["other"]; text != "" {
		t.Other.Problem = t.Other.Label + ": " + text + "."
		list.List = append(list.List, ui.Problem{Field: t.Other.ID, Text: t.Other.Label + ": " + text})
	}
}
