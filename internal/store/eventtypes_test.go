package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func (f *fixture) eventType(name string, change ...func(*hookswitch.EventType)) *hookswitch.EventType {
	f.t.Helper()
	now := f.clock.Now().UTC().Truncate(time.Millisecond)
	t := &hookswitch.EventType{Key: f.keys.Next(), Name: name, CreatedAt: now, UpdatedAt: now}
	for _, c := range change {
		c(t)
	}
	f.update(func(tx *store.Tx) error { return tx.InsertEventType(t) })
	return t
}

func namesOf(list []*hookswitch.EventType) string {
	var names []string
	for _, t := range list {
		names = append(names, t.Name)
	}
	return strings.Join(names, " ")
}

func TestEventTypes_ComeBackAsTheyWereStored(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		full := f.eventType("full", func(e *hookswitch.EventType) {
			e.Description, e.Archived, e.Deprecated, e.FeatureFlags, e.GroupName = "d", true, true, []string{"b", "a"}, "g"
			e.Schemas = []byte("{\"1\": {\"default\":\"\\u0000\", \"maximum\":12345678901234567890.10}}")
		})
		bare := f.eventType("bare")
		for _, want := range []*hookswitch.EventType{full, bare} {
			byName, err := f.EventType(t.Context(), want.Name)
			if err != nil {
				t.Fatal(err)
			}
			byKey, err := f.EventTypeByKey(t.Context(), want.Key)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]*hookswitch.EventType{want, want}, []*hookswitch.EventType{byName, byKey}); diff != "" {
				t.Error(diff)
			}
		}
		full.Description, full.Archived, full.Schemas, full.FeatureFlags, full.UpdatedAt = "e", false, nil, nil, full.UpdatedAt.Add(time.Second)
		f.update(func(tx *store.Tx) error { return tx.UpdateEventType(full) })
		got, err := f.EventType(t.Context(), "full")
		if diff := cmp.Diff(full, got); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
		wantKind(t, f.Update(t.Context(), func(tx *store.Tx) error {
			return tx.InsertEventType(&hookswitch.EventType{Key: f.keys.Next(), Name: "bare"})
		}), hookswitch.Conflict)
		f.update(func(tx *store.Tx) error { return tx.DeleteEventType("bare") })
		_, err = f.EventType(t.Context(), "bare")
		wantKind(t, err, hookswitch.NotFound)
		for what, fn := range map[string]func(tx *store.Tx) error{
			"delete":  func(tx *store.Tx) error { return tx.DeleteEventType("bare") },
			"update":  func(tx *store.Tx) error { return tx.UpdateEventType(bare) },
			"archive": func(tx *store.Tx) error { return tx.ArchiveEventType(bare.Key, f.clock.Now()) },
		} {
			if err := f.Update(t.Context(), fn); hookswitch.KindOf(err) != hookswitch.NotFound {
				t.Errorf("%s of one that is gone: %v", what, err)
			}
		}
	})
}

// TestEventTypes_AreListedInTheOrderOfBytes: on both databases, whatever their collation, and so that pages fit together in both directions.
func TestEventTypes_AreListedInTheOrderOfBytes(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		names := []string{"-a", ".a", "0", "A", "A.b", "B", "Z", "_", "a", "a-b", "a.b", "a_b", "ab", "b"}
		for i := range names {
			f.eventType(names[(i*5)%len(names)]) // 5 and 14 have no common divisor
		}
		list := func(p store.NamePage) string {
			got, err := f.EventTypes(t.Context(), store.EventTypeFilter{}, p)
			if err != nil {
				t.Fatal(err)
			}
			return namesOf(got)
		}
		if got, want := list(store.NamePage{Limit: 100, Ascending: true}), strings.Join(names, " "); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		for i := range names {
			if got, want := list(store.NamePage{Limit: 3, After: names[i], Ascending: true}), strings.Join(names[i+1:min(len(names), i+4)], " "); got != want {
				t.Errorf("after %s: got %s, want %s", names[i], got, want)
			}
			before := slices.Clone(names[max(0, i-3):i])
			slices.Reverse(before)
			if got, want := list(store.NamePage{Limit: 3, Before: names[i]}), strings.Join(before, " "); got != want {
				t.Errorf("before %s: got %s, want %s", names[i], got, want)
			}
		}
		if got := list(store.NamePage{Limit: 9, After: "a", Before: "ab", Ascending: true}); got != "a-b a.b a_b" {
			t.Errorf("between: got %s", got)
		}
	})
}

func TestEventTypes_AreFiltered(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		f.eventType("plain", func(e *hookswitch.EventType) { e.Schemas = []byte(`{"1":{}}`) })
		f.eventType("old", func(e *hookswitch.EventType) { e.Archived = true })
		f.eventType("beta", func(e *hookswitch.EventType) { e.FeatureFlags = []string{"beta", "x_y"} })
		f.eventType("both", func(e *hookswitch.EventType) { e.FeatureFlags = []string{"gamma", "beta.2"} })
		for _, c := range []struct {
			filter store.EventTypeFilter
			want   string
		}{
			{store.EventTypeFilter{}, "beta both plain"},
			{store.EventTypeFilter{Archived: true}, "beta both old plain"},
			{store.EventTypeFilter{Restricted: true}, "plain"},
			{store.EventTypeFilter{Restricted: true, Archived: true}, "old plain"},
			{store.EventTypeFilter{Restricted: true, Flags: []string{"beta"}}, "beta plain"},
			{store.EventTypeFilter{Restricted: true, Flags: []string{"BETA", "bet", "beta.", "x%y", "eta"}}, "plain"},
			{store.EventTypeFilter{Restricted: true, Flags: []string{"x_y", "gamma"}}, "beta both plain"},
		} {
			got, err := f.EventTypes(t.Context(), c.filter, store.NamePage{Limit: 10, Ascending: true})
			if err != nil {
				t.Fatal(err)
			}
			if namesOf(got) != c.want {
				t.Errorf("%+v: got %s, want %s", c.filter, namesOf(got), c.want)
			}
		}
		for _, schemas := range []bool{true, false} {
			got, err := f.EventTypes(t.Context(), store.EventTypeFilter{Schemas: schemas}, store.NamePage{Limit: 1, After: "both", Ascending: true})
			if err != nil || len(got) != 1 || (got[0].Schemas != nil) != schemas {
				t.Errorf("with schemas %v: %v %v", schemas, got, err)
			}
		}
	})
}

func TestEventTypes_AreFoundByManyNames(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var names []string
		f.update(func(tx *store.Tx) error {
			names = nil
			for i := range 1300 {
				names = append(names, fmt.Sprintf("type.%04d", i))
				if err := tx.InsertEventType(&hookswitch.EventType{Key: f.keys.Next(), Name: names[i]}); err != nil {
					return err
				}
			}
			return nil
		})
		for _, n := range []int{0, 1, 2, 3, 5, 512, 513, 1300} {
			got, err := f.EventTypesNamed(t.Context(), append([]string{"none\x00", "none"}, names[:n]...))
			if err != nil || len(got) != n {
				t.Errorf("%d names: got %d, %v", n, len(got), err)
			}
		}
	})
}

// TestEventTypes_AreRegisteredOnce: what has been registered once is left to the operator for good.
func TestEventTypes_AreRegisteredOnce(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		register := func(names ...string) {
			f.update(func(tx *store.Tx) error {
				var list []*hookswitch.EventType
				for _, n := range names {
					list = append(list, &hookswitch.EventType{Key: f.keys.Next(), Name: n, Description: "ours"})
				}
				return tx.RegisterEventTypes(list)
			})
		}
		f.eventType("theirs")
		register("theirs", "changed", "removed", "stays")
		f.update(func(tx *store.Tx) error {
			changed, err := tx.EventType(tx.Context(), "changed")
			if err != nil {
				return err
			}
			changed.Description = "mine"
			return errors.Join(tx.UpdateEventType(changed), tx.DeleteEventType("removed"))
		})
		register("theirs", "changed", "removed", "stays", "new")
		register("changed")
		got, err := f.EventTypes(t.Context(), store.EventTypeFilter{Archived: true}, store.NamePage{Limit: 10, Ascending: true})
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, e := range got {
			text += e.Name + ":" + e.Description + " "
		}
		if want := "changed:mine new:ours stays:ours theirs: "; text != want {
			t.Errorf("got %s, want %s", text, want)
		}
	})
}
