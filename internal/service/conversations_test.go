package service_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// TestSearchThreads_LooksAtEveryPersonAndEveryMessage has more conversations than a page, of which what is looked for is at the old end.
func TestSearchThreads_LooksAtEveryPersonAndEveryMessage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		w.Sender(app, "100", hookswitch.WhatsApp, false)
		say := func(i int, name, text string) {
			t.Helper()
			w.Clock.Advance(time.Second)
			u := servicetest.Text("100", fmt.Sprint("+2547000000", 10+i), fmt.Sprint("in.", i, ".", text), text)
			u.Message.ProfileName = name
			servicetest.Must(w.Push(u))(t)
		}
		say(0, "Wanjiru Kamau", "Is the ORDER to Nakuru on?")
		say(0, "Wanjiru Kamau", "Thanks")
		say(1, "Otieno", "Ça va à Nairobi")
		for i := 2; i < 60; i++ {
			say(i, fmt.Sprint("Person ", i), "Hello")
		}
		id := func(i int) hookswitch.Key {
			t.Helper()
			for _, m := range w.Messages(app) {
				if m.From == fmt.Sprint("+2547000000", 10+i) {
					return m.Conversation
				}
			}
			t.Fatalf("person %d has written nothing", i)
			return 0
		}
		find := func(what store.ConversationSearch, p store.Page) (keys []hookswitch.Key) {
			t.Helper()
			list, stopped, err := w.Service.SearchThreads(t.Context(), app.Key, what, p)
			if err != nil || stopped != 0 {
				t.Fatalf("%+v: stopped at %d, %v", what, stopped, err)
			}
			for _, one := range list {
				keys = append(keys, one.Key)
				if one.Contact == nil || one.Last == nil {
					t.Errorf("%+v: finds a conversation without its person or its last message", what)
				}
			}
			return keys
		}
		first, second := id(0), id(1)
		for text, want := range map[string][]hookswitch.Key{"wanjiru": {first}, "KAMAU wan": {first}, "order to nakuru": {first}, "+254 700 000 010": {first}, "000010": {first}, "Ça va": {second},
			"thanks": {first}, "o": {second, first}, "nobody": nil, "%": nil} {
			got := find(store.ConversationSearch{Text: text}, store.Page{Limit: 2})
			if text == "o" { // it is in every Hello
				if len(got) != 2 {
					t.Errorf("%q finds %d on the first page", text, len(got))
				}
				continue
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q finds %v, want %v", text, got, want)
			}
		}
		seen := make(map[hookswitch.Key]bool)
		for p := (store.Page{Limit: 25}); ; {
			got, _, err := w.Service.SearchThreads(t.Context(), app.Key, store.ConversationSearch{Text: "hello"}, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range got {
				seen[one.Key], p.Before = true, one.At
			}
			if len(got) < p.Limit {
				break
			}
		}
		if len(seen) != 58 || seen[first] || seen[second] {
			t.Errorf("the pages of a search hold %d conversations, want 58", len(seen))
		}
		if err := w.Service.SetHandover(t.Context(), app.Key, w.Service.IDs().Format(hookswitch.KindConversation, first), true); err != nil {
			t.Fatal(err)
		}
		servicetest.Must(w.Service.ReadConversation(t.Context(), app.Key, second, true))(t)
		all := store.Page{Limit: 100}
		human := store.ConversationFilter{Handover: true}
		for name, c := range map[string]struct {
			what store.ConversationSearch
			want int
		}{
			"everything":                {store.ConversationSearch{}, 60},
			"with a person":             {store.ConversationSearch{ConversationFilter: human}, 1},
			"with a person and a text":  {store.ConversationSearch{ConversationFilter: human, Text: "hello"}, 0},
			"not with a person":         {store.ConversationSearch{Bot: true}, 59},
			"unread":                    {store.ConversationSearch{Unread: true}, 59},
			"waiting":                   {store.ConversationSearch{Waiting: true}, 60},
			"failed":                    {store.ConversationSearch{Last: hookswitch.StatusFailed}, 0},
			"another channel":           {store.ConversationSearch{ConversationFilter: store.ConversationFilter{Channel: hookswitch.SMS}, Text: "hello"}, 0},
			"its channel, and its text": {store.ConversationSearch{ConversationFilter: store.ConversationFilter{Channel: hookswitch.WhatsApp}, Text: "nakuru", Waiting: true}, 1},
		} {
			if got := find(c.what, all); len(got) != c.want {
				t.Errorf("%s: finds %d, want %d", name, len(got), c.want)
			}
		}
		other := w.App()
		if list, _, err := w.Service.SearchThreads(t.Context(), other.Key, store.ConversationSearch{Text: "hello"}, all); err != nil || len(list) != 0 {
			t.Errorf("another application finds %d of them, %v", len(list), err)
		}
	})
}
