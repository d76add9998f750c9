package store_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// crowdedRows is how many messages the lists below are read from.
const crowdedRows = 60_000

// crowdedList is a list of few among many rows, and how many there have to be.
type crowdedList struct {
	read func() (int, error)
	want int
}

// crowdedLists are lists of messages, conversations and contacts that look at few more rows than they show, whatever they are filtered by: what is rare is at the old end, behind all
// else.
func crowdedLists(t testing.TB) map[string]crowdedList {
	t.Helper()
	f := newFixture(t, storetest.SQLite(t))
	first := int64(hookswitch.KeyAt(f.clock.Now().Add(-time.Hour)))
	fill := func(text string, args ...any) {
		t.Helper()
		for at := 0; at < crowdedRows; at += 20_000 {
			with := fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) `, at, at+19_999)
			if _, err := f.Exec(t.Context(), with+text, args...); err != nil {
				t.Fatal(err)
			}
		}
	}
	app := int64(f.app)
	fill(fmt.Sprintf(`INSERT INTO messages (id, app_id, sender_id, route_id, conversation_id, contact_id, direction, channel, type, status, from_address, to_address, body, content, metadata,
		provider_id, provider_at, profile_name, in_reply_to, error_code, error_text, created_at, updated_at)
		SELECT %d + i * 4096, %d, 1, 1, i, i, 'outbound', CASE WHEN i < 3 THEN 'email' ELSE 'sms' END, 'text', CASE WHEN i < 7 THEN 'failed' ELSE 'delivered' END, '',
		CASE WHEN i < 2 THEN 'rare' ELSE '+1' || i END, 'x', $1, '', '', 0, '', 0, '', '', 0, 0 FROM n`, first, app), []byte{})
	fill(fmt.Sprintf(`INSERT INTO conversations (id, app_id, sender_id, contact_id, handover, last_inbound_at, inbound, messages, unread, last_message, created_at, updated_at)
		SELECT i + 1, %d, CASE WHEN i < 2 THEN 2 ELSE 1 END, i + 1, FALSE, 0, 1, 1, 1, %d + i * 4096, 0, 0 FROM n`, app, first))
	fill(fmt.Sprintf(`INSERT INTO conversation_channels (conversation_id, channel, app_id, sender_id, last_message, last_inbound_at)
		SELECT i + 1, CASE WHEN i < 2 THEN 'email' ELSE 'sms' END, %d, CASE WHEN i < 2 THEN 2 ELSE 1 END, %d + i * 4096, 0 FROM n`, app, first))
	fill(fmt.Sprintf(`INSERT INTO contacts (id, app_id, name, metadata, created_at, updated_at) SELECT i + 1, %d, '', '', 0, 0 FROM n`, app))
	fill(fmt.Sprintf(`INSERT INTO contact_terms (app_id, term, contact_id) SELECT %d, CASE WHEN i < 2 THEN 'zoe' ELSE 'anna' || i END, i + 1 FROM n`, app))
	page := store.Page{Limit: 51}
	messages := func(filter store.MessageFilter) func() (int, error) {
		return func() (int, error) {
			list, err := f.Messages(t.Context(), f.app, filter, page)
			return len(list), err
		}
	}
	threads := func(filter store.ConversationFilter) func() (int, error) {
		return func() (int, error) {
			list, err := f.BusyConversations(t.Context(), f.app, filter, page)
			return len(list), err
		}
	}
	find := func(text string) func() (int, error) {
		return func() (int, error) {
			list, _, err := f.FindContacts(t.Context(), f.app, text, store.Found{}, 51)
			return len(list), err
		}
	}
	return map[string]crowdedList{
		"all messages":              {messages(store.MessageFilter{}), 51},
		"a common status":           {messages(store.MessageFilter{Status: hookswitch.StatusDelivered}), 51},
		"a rare status":             {messages(store.MessageFilter{Status: hookswitch.StatusFailed}), 7},
		"a rare channel":            {messages(store.MessageFilter{Channel: hookswitch.Email}), 3},
		"a channel and a status":    {messages(store.MessageFilter{Channel: hookswitch.SMS, Status: hookswitch.StatusFailed}), 4},
		"no such message":           {messages(store.MessageFilter{Channel: hookswitch.Telegram, Status: hookswitch.StatusRead}), 0},
		"a rare recipient":          {messages(store.MessageFilter{To: "rare"}), 2},
		"a recipient and a status":  {messages(store.MessageFilter{To: "rare", Status: hookswitch.StatusFailed}), 2},
		"all conversations":         {threads(store.ConversationFilter{}), 51},
		"a rare sender":             {threads(store.ConversationFilter{Sender: 2}), 2},
		"a rare channel of threads": {threads(store.ConversationFilter{Channel: hookswitch.Email}), 2},
		"a sender and a channel":    {threads(store.ConversationFilter{Sender: 1, Channel: hookswitch.Email}), 0},
		"a common beginning":        {find("ann"), 51},
		"a rare word":               {find("zoe"), 2},
		"two words":                 {find("anna77 zo"), 0},
	}
}

func TestMessages_ListsFindWhatIsRareAmongMany(t *testing.T) {
	t.Parallel()
	for name, c := range crowdedLists(t) {
		if n, err := c.read(); err != nil || n != c.want {
			t.Errorf("%s: %d rows, %v; want %d", name, n, err, c.want)
		}
	}
}

// BenchmarkMessages_Lists times the lists. None should take longer than that of all messages by much.
func BenchmarkMessages_Lists(b *testing.B) {
	lists := crowdedLists(b)
	for _, name := range slices.Sorted(maps.Keys(lists)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := lists[name].read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
