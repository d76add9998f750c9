package store_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestEvents_Filters(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		tags := [][]string{nil, {"red"}, {"Red", "a:b+c"}, {"r%d", "x_y"}, {"redder"}, {`<&>`}}
		var keys []hookswitch.Key
		ep := f.newEndpoint()
		for i, list := range tags {
			e := f.event(ep.Key)
			e.Tags, e.Type = list, fmt.Sprint("type.", i%3)
			f.accept(e, f.leased(e))
			o := f.outcome(f.leased(e)[0], []store.Verdict{store.Done, store.Retry}[i%2])
			if i == 3 {
				o.Attempt.Code = 0
			}
			f.record(o)
			keys = append(keys, e.Key)
		}
		for _, c := range []struct {
			f    store.EventFilter
			want []int
		}{
			{store.EventFilter{Tag: "red"}, []int{1}},
			{store.EventFilter{Tag: "Red"}, []int{2}},
			{store.EventFilter{Tag: "RED"}, nil},
			{store.EventFilter{Tag: "r%d"}, []int{3}},
			{store.EventFilter{Tag: "x_y"}, []int{3}},
			{store.EventFilter{Tag: "x-y"}, nil},
			{store.EventFilter{Tag: "a:b+c"}, []int{2}},
			{store.EventFilter{Tag: "<&>"}, []int{5}},
			{store.EventFilter{Tag: `red"`}, nil},
			{store.EventFilter{Tag: "red\x00"}, nil},
			{store.EventFilter{Types: []string{"type.0", "type.2"}}, []int{0, 2, 3, 5}},
			{store.EventFilter{Types: []string{"type.0"}, Tag: "red"}, nil},
		} {
			page := store.Page{Limit: 10, Ascending: true}
			list, _, err := f.Events(t.Context(), f.app, c.f, page)
			var got []int
			for _, e := range must(t, list, err) {
				got = append(got, slices.Index(keys, e.Key))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("events %+v: got %v, want %v", c.f, got, c.want)
			}
			attempts, _, err := f.AttemptsByEndpoint(t.Context(), f.app, ep.Key, store.AttemptFilter{Types: c.f.Types, Tag: c.f.Tag}, page)
			got = nil
			for _, a := range must(t, attempts, err) {
				got = append(got, slices.Index(keys, a.Event))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("attempts %+v: got %v, want %v", c.f, got, c.want)
			}
		}
		yes, no, none, server := true, false, 0, 500
		for _, c := range []struct {
			f    store.AttemptFilter
			want []int
		}{
			{store.AttemptFilter{OK: &yes}, []int{0, 2, 4}},
			{store.AttemptFilter{OK: &no}, []int{1, 3, 5}},
			{store.AttemptFilter{CodeClass: &none}, []int{3}},
			{store.AttemptFilter{CodeClass: &server}, []int{1, 5}},
			{store.AttemptFilter{Endpoint: 1}, nil},
		} {
			attempts, _, err := f.AttemptsByEndpoint(t.Context(), f.app, ep.Key, c.f, store.Page{Limit: 10, Ascending: true})
			var got []int
			for _, a := range must(t, attempts, err) {
				got = append(got, slices.Index(keys, a.Event))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("attempts %+v: got %v, want %v", c.f, got, c.want)
			}
		}
	})
}
