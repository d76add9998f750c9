package portal

import (
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch/internal/portal/ui"
)

// schemaChange is one difference between two versions of a schema.
type schemaChange struct {
	Path  string // of the field, as data.text
	Badge ui.Badge
	Text  string
}

// schemaChanges are the differences of a schema from an earlier one: what is gone first, then what is another, then what is new.
func schemaChanges(was, is *schema) (list []schemaChange) {
	before, after := allFields(was), allFields(is)
	find := func(list []schemaRow, path string) *schemaRow {
		if at := slices.IndexFunc(list, func(r schemaRow) bool { return r.Name == path }); at >= 0 {
			return &list[at]
		}
		return nil
	}
	var changed, added []schemaChange
	for _, r := range before {
		if find(after, r.Name) == nil {
			list = append(list, schemaChange{r.Name, ui.Badge{Tone: ui.Bad, Word: "Removed"}, "Type " + r.Type + "."})
		}
	}
	for _, r := range after {
		old := find(before, r.Name)
		if old == nil {
			text := "Type " + r.Type + "."
			if r.Required {
				text = "Type " + r.Type + ". Always there."
			}
			added = append(added, schemaChange{r.Name, ui.Badge{Tone: ui.Good, Word: "New", Icon: "plus"}, text})
			continue
		}
		var words []string
		if old.Type != r.Type {
			words = append(words, "Type "+old.Type+" before, "+r.Type+" now.")
		}
		if old.Required && !r.Required {
			words = append(words, "Not always there any more.")
		}
		if !old.Required && r.Required {
			words = append(words, "Always there now.")
		}
		if more := without(r.Values, old.Values); len(more) > 0 && len(old.Values) > 0 {
			words = append(words, "Now also "+strings.Join(more, ", ")+".")
		}
		if less := without(old.Values, r.Values); len(less) > 0 && len(r.Values) > 0 {
			words = append(words, "Never "+strings.Join(less, ", ")+" any more.")
		}
		if words != nil {
			changed = append(changed, schemaChange{r.Name, ui.Badge{Tone: ui.Warn, Word: "Changed", Icon: "edit"}, strings.Join(words, " ")})
		}
	}
	return slices.Concat(list, changed, added)
}

// without are the texts of a list that are not in another.
func without(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(other, s) })
}

// allFields are all fields of a schema, each by its path.
func allFields(s *schema) (list []schemaRow) {
	if s == nil {
		return nil
	}
	var walk func(rows []schemaRow, above string)
	walk = func(rows []schemaRow, above string) {
		for _, r := range rows {
			children := r.Children
			r.Name, r.Children = above+r.Name, nil
			list = append(list, r)
			walk(children, r.Name+".")
		}
	}
	walk((&schemaReader{root: s}).rows(s, 0), "")
	return list
}
