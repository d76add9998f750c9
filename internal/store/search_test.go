package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

func TestSearchEvents_GoesOnForAsLongAsItsPageSays(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var events []*hookswitch.Event
		for range 1200 {
			events = append(events, f.event())
		}
		events[0].Type = "order.sought"
		f.update(func(tx *store.Tx) error { return tx.Append(events, nil) })
		search := func(p store.Page) (int, hookswitch.Key) {
			t.Helper()
			p.Limit = 10
			list, stopped, err := f.SearchEvents(t.Context(), f.app, store.Search{Types: []string{"order.sought"}}, p)
			if err != nil {
				t.Fatal(err)
			}
			return len(list), stopped
		}
		n, stopped := search(store.Page{Within: 1})
		if n != 0 || stopped == 0 || stopped <= events[0].Key {
			t.Errorf("without time: found %d and stopped at %d, want none, and before the oldest %d", n, stopped, events[0].Key)
		}
		steps := 1
		for n == 0 && stopped != 0 && steps < 100 {
			n, stopped = search(store.Page{Before: stopped, Within: 1})
			steps++
		}
		if n != 1 || steps < 3 {
			t.Errorf("going on: found %d after %d searches, want one after several", n, steps)
		}
		if n, stopped := search(store.Page{Within: time.Hour}); n != 1 || stopped != 0 {
			t.Errorf("with time: found %d and stopped at %d, want one, and the end", n, stopped)
		}
	})
}

func TestSearchEvents_FindsWordsWhateverTheirCase(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		payloads := []string{
			`{"name":"Ada LOVELACE","note":"paid"}`,
			`{"name":"ada lovelace"}`,
			"{\"raw\":\"Ada Lovelace\"}\x00\xff\xfe",
			"\xff\xfe ada LoveLace",
			`{"name":"Adam","city":"K\u00D6LN"}`,
			`{"city":"KÖLN"}`,
			`{"city":"köln 303 251a"}`,
			`{}`,
		}
		var events []*hookswitch.Event
		for _, text := range payloads {
			ev := f.event()
			ev.Payload = []byte(text)
			events = append(events, ev)
		}
		f.update(func(tx *store.Tx) error { return tx.Append(events, nil) })
		for _, c := range []struct {
			texts []string
			want  []int
		}{
			{[]string{"lovelace"}, []int{3, 2, 1, 0}},
			{[]string{"LOVELACE"}, []int{3, 2, 1, 0}},
			{[]string{"aDA lOVELACE"}, []int{3, 2, 1, 0}},
			{[]string{`"Name":"ADA`}, []int{4, 1, 0}},
			{[]string{"\x00"}, []int{2}},
			{[]string{"a\x00"}, nil},
			{[]string{"\xff"}, []int{3, 2}},
			{[]string{"303"}, []int{6}},
			{[]string{"251a"}, []int{6}},
			{[]string{"226ln"}, nil},
			{[]string{"K\u00f6ln", `k\u00f6ln`, "K\u00d6LN", `K\u00D6LN`}, []int{6, 5, 4}},
			{[]string{"nobody"}, nil},
			{[]string{"E"}, []int{4, 3, 2, 1, 0}},
		} {
			list, stopped, err := f.SearchEvents(t.Context(), f.app, store.Search{Texts: [][]string{c.texts}}, store.Page{Limit: 10, Within: time.Hour})
			if err != nil || stopped != 0 {
				t.Fatal(c.texts, err, stopped)
			}
			var got []int
			for _, found := range list {
				got = append(got, slices.IndexFunc(events, func(ev *hookswitch.Event) bool { return ev.Key == found.Key }))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q: found %v, want %v", c.texts, got, c.want)
			}
		}
	})
}

func TestSearchEvents_FindsWhatIsToldOfAChannel(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var events []*hookswitch.Event
		for _, e := range []struct {
			tags    []string
			payload string
		}{
			{nil, `{"type":"message.inbound","data":{"channel":"sms","text":"whatsapp"}}`},
			{[]string{"sms"}, `{}`},
			{nil, `{"data":{"channel":"sms_oneway"}}`},
			{[]string{"vip"}, `{"data":{"channel":"whatsapp"}}`},
			{nil, `{"data":{"channel":"vip"}}`}, // no channel of ours: a member like any other
		} {
			ev := f.event()
			ev.Tags, ev.Payload = e.tags, []byte(e.payload)
			events = append(events, ev)
		}
		f.update(func(tx *store.Tx) error { return tx.Append(events, nil) })
		for _, c := range []struct {
			tags []string
			want []int
		}{{[]string{"sms"}, []int{1, 0}}, {[]string{"whatsapp"}, []int{3}}, {[]string{"vip"}, []int{3}}, {[]string{"sms", "vip"}, []int{3, 1, 0}}, {[]string{"ussd"}, nil}} {
			list, _, err := f.SearchEvents(t.Context(), f.app, store.Search{Tags: c.tags}, store.Page{Limit: 10, Within: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			var got []int
			for _, found := range list {
				got = append(got, slices.IndexFunc(events, func(ev *hookswitch.Event) bool { return ev.Key == found.Key }))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q: found %v, want %v", c.tags, got, c.want)
			}
		}
	})
}
