package store_test

import (
	"encoding/json"
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

// same compares what was written with what was read, secrets by their text.
func same[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmp.Transformer("Reveal", func(s hookswitch.Secret) string { return s.Reveal() }),
		cmp.Transformer("RevealAll", func(c hookswitch.Credentials) map[string][]string { return c })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// strange is text that databases are known to stumble over.
const strange = `O'Hara "%_\!ä€😀` + "\n\t"

func TestApps_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		a := &hookswitch.App{Key: f.keys.Next(), UID: "acme", Name: strange, ThrottleRate: 7, Metadata: map[string]string{"k": strange}, BotName: "b", BotRef: "r", CompanyID: "c",
			Version: 1, CreatedAt: now, UpdatedAt: now}
		f.update(func(tx *store.Tx) error { return tx.InsertApp(a) })
		got, err := f.App(ctx, a.Key)
		must(t, got, err)
		same(t, "app", a, got)
		a.Name, a.UID, a.Metadata, a.UpdatedAt = "other", "acme2", nil, now.Add(time.Second)
		f.update(func(tx *store.Tx) error { return tx.UpdateApp(a) })
		a.Version = 2
		got, err = f.AppByUID(ctx, "acme2")
		same(t, "changed app", a, must(t, got, err))

		twin := &hookswitch.App{Key: f.keys.Next(), UID: "acme2", Name: "twin", Version: 1}
		err = f.Update(ctx, func(tx *store.Tx) error { return tx.InsertApp(twin) })
		wantKind(t, err, hookswitch.Conflict)
		twin.UID = "free"
		f.update(func(tx *store.Tx) error { return tx.InsertApp(twin) })
		twin.UID = "acme2"
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.UpdateApp(twin) }), hookswitch.Conflict)

		changed, err := f.AppsChangedSince(ctx, now.Add(time.Second))
		if err != nil || len(changed) != 1 || changed[0].App != a.Key || changed[0].Version != 2 || changed[0].Deleted {
			t.Errorf("got changes %+v, %v", changed, err)
		}
		f.update(func(tx *store.Tx) error { return tx.DeleteApp(a.Key, now.Add(2*time.Second)) })
		_, err = f.App(ctx, a.Key)
		wantKind(t, err, hookswitch.NotFound)
		_, err = f.AppByUID(ctx, "acme2")
		wantKind(t, err, hookswitch.NotFound)
		f.update(func(tx *store.Tx) error { return tx.UpdateApp(twin) }) // the uid is free
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.DeleteApp(a.Key, now) }), hookswitch.NotFound)
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.UpdateApp(a) }), hookswitch.NotFound)
		changed, err = f.AppsChangedSince(ctx, now.Add(2*time.Second))
		if err != nil || len(changed) != 1 || !changed[0].Deleted {
			t.Errorf("got changes %+v, %v", changed, err)
		}
	})
}

func TestEndpoints_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		full := f.newEndpoint(func(e *hookswitch.Endpoint) {
			e.UID, e.Description, e.EventTypes, e.Tags = "u", strange, []string{"a.b", "c"}, []string{"t"}
			e.Metadata, e.Headers = map[string]string{"m": "1"}, map[string]string{"Authorization": "Bearer " + strange}
			e.Secrets = []hookswitch.EndpointSecret{{Secret: "whsec_new"}, {Secret: "whsec_old", ExpiresAt: now.Add(time.Hour)}}
			e.ThrottleRate, e.SignatureVersion, e.Disabled, e.DisabledBy = 3, "v1+v2", true, "manual"
		})
		bare := f.newEndpoint()
		none := f.newEndpoint(func(e *hookswitch.Endpoint) { e.EventTypes, e.Tags = []string{}, []string{} })
		sender := f.keys.Next()
		hook := f.newEndpoint(func(e *hookswitch.Endpoint) { e.Sender, e.Profile = sender, "zavu" })
		for _, e := range []*hookswitch.Endpoint{full, bare, none, hook} {
			got, err := f.Endpoint(ctx, f.app, e.Key)
			same(t, "endpoint", e, must(t, got, err))
		}
		got, err := f.EndpointByUID(ctx, f.app, "u")
		same(t, "endpoint by uid", full, must(t, got, err))
		got, err = f.SenderWebhook(ctx, f.app, sender)
		same(t, "webhook of a sender", hook, must(t, got, err))

		full.URL, full.Secrets, full.FailSince, full.CanceledUpto, full.Disabled, full.DisabledBy = "https://x/", nil, now, 99, false, ""
		f.update(func(tx *store.Tx) error { return tx.UpdateEndpoint(full) })
		got, err = f.Endpoint(ctx, f.app, full.Key)
		same(t, "changed endpoint", full, must(t, got, err))

		bare.UID = "u"
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.UpdateEndpoint(bare) }), hookswitch.Conflict)
		other := f.newApp()
		f.update(func(tx *store.Tx) error { // unique in the app only
			return tx.InsertEndpoint(&hookswitch.Endpoint{Key: f.keys.Next(), App: other, UID: "u", Profile: "svix", URL: "https://x/"})
		})

		keys := func(list []*hookswitch.Endpoint, err error) (k []hookswitch.Key) {
			t.Helper()
			for _, e := range must(t, list, err) {
				k = append(k, e.Key)
			}
			return k
		}
		if got := keys(f.Endpoints(ctx, f.app, store.Page{Limit: 10, Ascending: true})); !slices.Equal(got, []hookswitch.Key{full.Key, bare.Key, none.Key}) {
			t.Errorf("list: %v", got)
		}
		f.update(func(tx *store.Tx) error { return tx.DeleteEndpoint(f.app, bare.Key, 7, now) })
		if got := keys(f.AllEndpoints(ctx, f.app)); !slices.Equal(got, []hookswitch.Key{full.Key, none.Key, hook.Key}) {
			t.Errorf("all: %v", got)
		}
		if got := keys(f.EndpointsByKeys(ctx, f.app, []hookswitch.Key{bare.Key, hook.Key, 12})); !slices.Equal(got, []hookswitch.Key{bare.Key, hook.Key}) {
			t.Errorf("by keys: %v", got)
		}
		_, err = f.Endpoint(ctx, f.app, bare.Key)
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestSecrets_AreSealedAndBoundToTheirRow(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx := t.Context()
		a, b := f.newEndpoint(), f.newEndpoint()
		if n := must2(t)(f.Int(ctx, `SELECT COUNT(*) FROM endpoints WHERE sealed LIKE $1`, []byte("%whsec%"))); n != 0 {
			t.Errorf("%d secrets lie open", n)
		}
		if _, err := f.Exec(ctx, `UPDATE endpoints SET sealed = (SELECT sealed FROM endpoints WHERE id = $1) WHERE id = $2`, int64(a.Key), int64(b.Key)); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Endpoint(ctx, f.app, b.Key); err == nil {
			t.Error("a record moved from another row opens")
		}
		if _, err := f.Endpoint(ctx, f.app, a.Key); err != nil {
			t.Error(err)
		}
	})
}

func TestSeal_OpensOnlyWhatItSealed(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		record := f.SealRecord([]byte("plain"), "row 1")
		if plain, err := f.OpenRecord(record, "row 1"); err != nil || string(plain) != "plain" {
			t.Fatalf("got %q, %v", plain, err)
		}
		if strings.Contains(string(record), "plain") {
			t.Error("it lies open")
		}
		for i := range record {
			altered := slices.Clone(record)
			altered[i] ^= 1
			if _, err := f.OpenRecord(altered, "row 1"); err == nil {
				t.Fatalf("it opens with byte %d altered", i)
			}
			if _, err := f.OpenRecord(record[:i], "row 1"); err == nil {
				t.Fatalf("it opens cut to %d bytes", i)
			}
		}
		if _, err := f.OpenRecord(record, "row 2"); err == nil {
			t.Error("it opens for another row")
		}
	})
}

func must2(t *testing.T) func(int64, error) int64 {
	return func(n int64, err error) int64 {
		t.Helper()
		return must(t, n, err)
	}
}

func TestSenders_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		s := &hookswitch.Sender{Key: f.keys.Next(), App: f.app, Name: "support", PhoneNumber: "+15551234567", Default: true,
			Responder: hookswitch.ResponderConfig{Kind: "rules", Raw: json.RawMessage(`{"kind":"rules","token":"s3cret"}`)}, CreatedAt: now, UpdatedAt: now}
		r := hookswitch.Route{Key: f.keys.Next(), App: f.app, Sender: s.Key, Channel: hookswitch.SMS, Provider: "twilio", Account: "acc", Address: "+15551234567",
			Credentials: hookswitch.Credentials{"auth_token": {"new", "old"}}}
		f.update(func(tx *store.Tx) error {
			if err := tx.InsertSender(s); err != nil {
				return err
			}
			return tx.PutRoute(&r)
		})
		s.Routes = []hookswitch.Route{r}
		got, err := f.Sender(ctx, f.app, s.Key)
		same(t, "sender", s, must(t, got, err))
		got, err = f.SenderByName(ctx, f.app, "support")
		same(t, "sender by name", s, must(t, got, err))

		plain := &hookswitch.Sender{Key: f.keys.Next(), App: f.app, Name: "plain", CreatedAt: now, UpdatedAt: now}
		f.update(func(tx *store.Tx) error { return tx.InsertSender(plain) })
		got, err = f.Sender(ctx, f.app, plain.Key)
		same(t, "sender without anything", plain, must(t, got, err))
		plain.Name, plain.Enabled, plain.Email = "support", []string{"sms", "sms_oneway"}, hookswitch.SenderEmail{Address: "a@example.com", DomainID: "d", FromName: "A", Receiving: true, CatchAll: true}
		f.update(func(tx *store.Tx) error { return tx.UpdateSender(plain) })
		got, err = f.Sender(ctx, f.app, plain.Key)
		same(t, "changed sender", plain, must(t, got, err))
		_, err = f.SenderByName(ctx, f.app, "support")
		wantKind(t, err, hookswitch.Conflict)
		plain.Default = true
		if err := f.Update(ctx, func(tx *store.Tx) error { return tx.UpdateSender(plain) }); err == nil {
			t.Error("an app has two default senders")
		}
		f.update(func(tx *store.Tx) error {
			if err := tx.ClearDefault(f.app); err != nil {
				return err
			}
			return tx.UpdateSender(plain)
		})
		if got, err := f.Sender(ctx, f.app, s.Key); err != nil || got.Default {
			t.Errorf("the default before is still one: %v", err)
		}

		twin := r
		twin.Key, twin.App = f.keys.Next(), f.newApp()
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.PutRoute(&twin) }), hookswitch.Conflict)
		twin.Account = "another"
		f.update(func(tx *store.Tx) error { return tx.PutRoute(&twin) })
		r.Address, r.Credentials = "+15557654321", hookswitch.Credentials{"auth_token": {"newest"}}
		f.update(func(tx *store.Tx) error { return tx.PutRoute(&r) })
		routes, err := f.AllRoutes(ctx)
		same(t, "routes", []hookswitch.Route{r, twin}, must(t, routes, err))

		list, err := f.Senders(ctx, f.app, store.Page{Limit: 5, Ascending: true})
		if must(t, list, err); len(list) != 2 || len(list[0].Routes) != 1 || len(list[1].Routes) != 0 {
			t.Errorf("got %+v", list)
		}
		f.update(func(tx *store.Tx) error { return tx.DeleteApp(twin.App, now) })
		f.update(func(tx *store.Tx) error { return tx.DeleteSender(f.app, s.Key, now) })
		_, err = f.Sender(ctx, f.app, s.Key)
		wantKind(t, err, hookswitch.NotFound)
		if routes, err := f.AllRoutes(ctx); err != nil || len(routes) != 0 {
			t.Errorf("got routes %v, %v, want none", routes, err)
		}
		r.Key = f.keys.Next()
		f.update(func(tx *store.Tx) error { return tx.PutRoute(&r) }) // the address is free
	})
}

func TestContactsAndConversations_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		c := &hookswitch.Contact{Key: f.keys.Next(), App: f.app, Name: strange, Metadata: map[string]string{"a": "b"}, CreatedAt: now, UpdatedAt: now}
		f.update(func(tx *store.Tx) error {
			if err := tx.InsertContact(c, hookswitch.SMS, "+1555"); err != nil {
				return err
			}
			if err := tx.AddIdentifier(f.app, c.Key, hookswitch.WhatsApp, "1555", 12, now); err != nil {
				return err
			}
			if err := tx.AddIdentifier(f.app, f.keys.Next(), hookswitch.SMS, "+1555", 13, now); err != nil { // stays whose it is
				return err
			}
			return tx.SeeContact(f.app, c.Key, hookswitch.SMS, "+1555", "Ada", now.Add(time.Second))
		})
		c.Name, c.UpdatedAt = "Ada", now.Add(time.Second)
		c.Identifiers = []hookswitch.Identifier{{Key: c.Key, Channel: hookswitch.SMS, Value: "+1555", Primary: true, LastInboundAt: now.Add(time.Second), CreatedAt: now, UpdatedAt: now},
			{Key: 12, Channel: hookswitch.WhatsApp, Value: "1555", Primary: true, CreatedAt: now, UpdatedAt: now}}
		got, err := f.Contact(ctx, f.app, c.Key)
		same(t, "contact", c, must(t, got, err))
		if k, err := f.ContactBy(ctx, f.app, hookswitch.SMS, "+1555"); err != nil || k != c.Key {
			t.Errorf("got %d, %v", k, err)
		}
		_, err = f.ContactBy(ctx, f.app, hookswitch.SMS, "+1555\x00")
		wantKind(t, err, hookswitch.NotFound)

		v := &hookswitch.Conversation{Key: f.keys.Next(), App: f.app, Sender: 5, Contact: c.Key, LastInboundAt: now, Inbound: 1, Messages: 2, Unread: 3, LastMessage: 4, CreatedAt: now, UpdatedAt: now}
		f.update(func(tx *store.Tx) error { return tx.InsertConversation(v) })
		gotV, err := f.ConversationOf(ctx, 5, c.Key)
		same(t, "conversation", v, must(t, gotV, err))
		v.Messages, v.UpdatedAt = 9, now.Add(time.Minute)
		f.update(func(tx *store.Tx) error {
			if err := tx.UpdateConversation(v); err != nil {
				return err
			}
			return tx.SetHandover(f.app, v.Key, true, v.UpdatedAt)
		})
		v.Handover = true
		gotV, err = f.Conversation(ctx, f.app, v.Key)
		same(t, "changed conversation", v, must(t, gotV, err))
		list, err := f.Conversations(ctx, f.app, store.Page{Limit: 3})
		if must(t, list, err); len(list) != 1 {
			t.Errorf("got %v", list)
		}
		wantKind(t, f.Update(ctx, func(tx *store.Tx) error { return tx.SetHandover(f.app, 1, true, now) }), hookswitch.NotFound)
	})
}

func TestMessagesAndReceipts_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		m := &hookswitch.Message{Key: f.keys.Next(), App: f.app, Sender: 2, Route: 3, Conversation: 4, Contact: 5, Direction: hookswitch.Outbound, Channel: hookswitch.WhatsApp,
			Type: "image", Status: hookswitch.StatusQueued, From: "a", To: "b", Text: strange, Content: json.RawMessage(`{"b": 1, "a":"\u0000"}`), Metadata: map[string]string{"k": "v"},
			ProviderAt: now, ProfileName: "Ada", InReplyTo: 6, CreatedAt: now, UpdatedAt: now}
		bare := &hookswitch.Message{Key: f.keys.Next(), App: f.app, Direction: hookswitch.Inbound, Channel: hookswitch.SMS, Status: hookswitch.StatusReceived, ProviderID: "wamid.1", Route: 3, Conversation: 8, To: "x"}
		f.update(func(tx *store.Tx) error {
			if err := tx.InsertMessage(m); err != nil {
				return err
			}
			return tx.InsertMessage(bare)
		})
		for _, want := range []*hookswitch.Message{m, bare} {
			got, err := f.Message(ctx, f.app, want.Key)
			same(t, "message", want, must(t, got, err))
		}
		early := hookswitch.Receipt{Key: f.keys.Next(), App: f.app, Route: 3, ProviderID: "wamid.9", Status: hookswitch.StatusDelivered, At: now, ErrorCode: "c", ErrorText: "t\x00"}
		foreign := hookswitch.Receipt{Key: f.keys.Next(), App: f.app, Route: 4, ProviderID: "wamid.9", Status: hookswitch.StatusRead}
		m.Status, m.ProviderID, m.ErrorCode, m.ErrorText, m.UpdatedAt = hookswitch.StatusSent, "wamid.9", "x", "y", now.Add(time.Second)
		f.update(func(tx *store.Tx) error {
			for _, r := range []*hookswitch.Receipt{&early, &foreign} {
				if err := tx.InsertReceipt(r); err != nil {
					return err
				}
			}
			if err := tx.UpdateMessage(m); err != nil {
				return err
			}
			list, err := tx.AdoptReceipts(m.Key, 3, "wamid.9")
			if len(list) != 1 || list[0].Key != early.Key {
				t.Errorf("adopted %+v", list)
			}
			return err
		})
		got, err := f.Message(ctx, f.app, m.Key)
		same(t, "changed message", m, must(t, got, err))
		early.Message, early.ErrorText = m.Key, "t\uFFFD"
		receipts, err := f.Receipts(ctx, m.Key)
		same(t, "receipts", []hookswitch.Receipt{early}, must(t, receipts, err))

		byID := func(id string, dir hookswitch.Direction, routes ...hookswitch.Key) hookswitch.Key {
			m, err := f.MessageByProviderID(ctx, id, dir, routes)
			if err != nil {
				wantKind(t, err, hookswitch.NotFound)
				return 0
			}
			return m.Key
		}
		if byID("wamid.9", hookswitch.Outbound, 1, 3) != m.Key || byID("wamid.9", hookswitch.Inbound, 3) != 0 || byID("wamid.9", hookswitch.Outbound, 4) != 0 ||
			byID("", hookswitch.Outbound, 3) != 0 || byID("wamid.9", hookswitch.Outbound) != 0 {
			t.Error("messages are found by the wrong provider ids")
		}
		for name, c := range map[string]struct {
			f    store.MessageFilter
			want []hookswitch.Key
		}{
			"all":          {store.MessageFilter{}, []hookswitch.Key{bare.Key, m.Key}},
			"conversation": {store.MessageFilter{Conversation: 8}, []hookswitch.Key{bare.Key}},
			"channel":      {store.MessageFilter{Channel: hookswitch.WhatsApp}, []hookswitch.Key{m.Key}},
			"status":       {store.MessageFilter{Status: hookswitch.StatusSent}, []hookswitch.Key{m.Key}},
			"to":           {store.MessageFilter{To: "x", Channel: hookswitch.SMS}, []hookswitch.Key{bare.Key}},
			"NUL":          {store.MessageFilter{To: "x\x00"}, nil},
		} {
			var keys []hookswitch.Key
			list, err := f.Messages(ctx, f.app, c.f, store.Page{Limit: 9})
			for _, m := range must(t, list, err) {
				keys = append(keys, m.Key)
			}
			if !slices.Equal(keys, c.want) {
				t.Errorf("%s: got %v, want %v", name, keys, c.want)
			}
		}
		stray := store.Stray{Key: f.keys.Next(), Provider: "twilio", Door: "sms", Reason: "no route", Body: []byte("\x00\xff")}
		f.update(func(tx *store.Tx) error {
			return tx.InsertStray(stray.Key, stray.Provider, stray.Door, stray.Reason, stray.Body)
		})
		strays, err := f.Strays(ctx, store.Page{Limit: 5})
		same(t, "strays", []store.Stray{stray}, must(t, strays, err))
	})
}

func TestBinsAndKeys_RoundTrip(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		b := &store.Bin{Token: "tok", Secrets: []hookswitch.Secret{"whsec_x"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
		f.update(func(tx *store.Tx) error { return tx.PutBin(b) })
		got, err := f.Bin(ctx, "tok")
		same(t, "bin", b, must(t, got, err))
		b.Secrets, b.ExpiresAt = nil, now.Add(2*time.Hour)
		f.update(func(tx *store.Tx) error { return tx.PutBin(b) })
		got, err = f.Bin(ctx, "tok")
		same(t, "changed bin", b, must(t, got, err))
		var want []*store.BinRequest
		for i := range 5 {
			q := &store.BinRequest{Key: f.keys.Next(), Token: "tok", Method: "POST", URI: fmt.Sprint("/", i), Remote: "127.0.0.1", Headers: []store.HeaderLine{{Name: "A", Value: strange}, {Name: "A", Value: "2"}},
				Body: []byte("\x00\xff"), Size: 2}
			f.update(func(tx *store.Tx) error { return errors.Join(tx.InsertBinRequest(q), tx.TrimBin("tok", 3, 0, 1)) })
			want = append(want, q)
		}
		list, err := f.BinRequests(ctx, "tok", store.Page{Limit: 9, Ascending: true})
		same(t, "requests", want[2:], must(t, list, err))
		_, err = f.Bin(ctx, "other")
		wantKind(t, err, hookswitch.NotFound)

		k := &hookswitch.APIKey{Key: f.keys.Next(), App: f.app, Test: true, Name: strange, Scopes: []hookswitch.Scope{"a:read", "b:write"}, Hint: "zv_…x", CreatedAt: now}
		f.update(func(tx *store.Tx) error { return tx.InsertAPIKey(k, "hash") })
		gotK, err := f.APIKeyByHash(ctx, "hash", now)
		same(t, "key", k, must(t, gotK, err))
		k.Hint, k.RotatedAt, k.OldUntil, k.UsedAt = "new", now, now.Add(time.Hour), now.Add(time.Minute)
		f.update(func(tx *store.Tx) error { return tx.RotateAPIKey(k, "new hash") })
		for _, at := range []time.Time{k.UsedAt, now} { // an earlier use does not undo a later one
			f.update(func(tx *store.Tx) error { return tx.UseAPIKey(k.Key, at) })
		}
		for _, hash := range []string{"hash", "new hash"} {
			gotK, err = f.APIKeyByHash(ctx, hash, k.OldUntil.Add(-time.Millisecond))
			same(t, "key", k, must(t, gotK, err))
		}
		_, err = f.APIKeyByHash(ctx, "hash", k.OldUntil)
		wantKind(t, err, hookswitch.NotFound)
		_, err = f.APIKeyByHash(ctx, "", now)
		wantKind(t, err, hookswitch.NotFound)
		if keys, err := f.APIKeys(ctx, f.app, store.Page{Limit: 5}); err != nil || len(keys) != 1 {
			t.Errorf("got %v, %v", keys, err)
		}
		f.update(func(tx *store.Tx) error { return tx.DeleteAPIKey(f.app, k.Key, now) })
		_, err = f.APIKeyByHash(ctx, "new hash", now)
		wantKind(t, err, hookswitch.NotFound)
	})
}

func TestTenants_SeeAndChangeNothingOfEachOther(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		ctx, now := t.Context(), f.clock.Now()
		ep := f.newEndpoint(func(e *hookswitch.Endpoint) { e.UID, e.Sender = "u", 44 })
		e := f.event(ep.Key)
		f.accept(e, nil)
		s := &hookswitch.Sender{Key: f.keys.Next(), App: f.app, Name: "n"}
		c := &hookswitch.Contact{Key: f.keys.Next(), App: f.app}
		v := &hookswitch.Conversation{Key: f.keys.Next(), App: f.app, Sender: s.Key, Contact: c.Key}
		m := &hookswitch.Message{Key: f.keys.Next(), App: f.app}
		k := &hookswitch.APIKey{Key: f.keys.Next(), App: f.app}
		f.update(func(tx *store.Tx) error {
			for _, err := range []error{tx.InsertSender(s), tx.InsertContact(c, hookswitch.SMS, "+1"), tx.InsertConversation(v), tx.InsertMessage(m), tx.InsertAPIKey(k, "h")} {
				if err != nil {
					return err
				}
			}
			return nil
		})
		other := f.newApp()
		page := store.Page{Limit: 10}
		one := func(what string, err error) {
			t.Helper()
			if hookswitch.KindOf(err) != hookswitch.NotFound {
				t.Errorf("%s of another app: got %v, want not found", what, err)
			}
		}
		none := func(what string, n int, err error) {
			t.Helper()
			if n != 0 || err != nil {
				t.Errorf("%s of another app: got %d, %v", what, n, err)
			}
		}
		_, err := f.Event(ctx, other, e.Key)
		one("event", err)
		_, err = f.Endpoint(ctx, other, ep.Key)
		one("endpoint", err)
		_, err = f.EndpointByUID(ctx, other, "u")
		one("endpoint by uid", err)
		_, err = f.SenderWebhook(ctx, other, 44)
		one("webhook", err)
		_, err = f.Sender(ctx, other, s.Key)
		one("sender", err)
		_, err = f.SenderByName(ctx, other, "n")
		one("sender by name", err)
		_, err = f.Contact(ctx, other, c.Key)
		one("contact", err)
		_, err = f.ContactBy(ctx, other, hookswitch.SMS, "+1")
		one("contact by number", err)
		_, err = f.Conversation(ctx, other, v.Key)
		one("conversation", err)
		_, err = f.Message(ctx, other, m.Key)
		one("message", err)
		events, _, err := f.Events(ctx, other, store.EventFilter{}, page)
		none("events", len(events), err)
		eps, err := f.AllEndpoints(ctx, other)
		none("endpoints", len(eps), err)
		eps, err = f.EndpointsByKeys(ctx, other, []hookswitch.Key{ep.Key})
		none("endpoints by key", len(eps), err)
		eps, err = f.SenderWebhooks(ctx, other, []hookswitch.Key{44})
		none("webhooks", len(eps), err)
		senders, err := f.Senders(ctx, other, page)
		none("senders", len(senders), err)
		convs, err := f.Conversations(ctx, other, page)
		none("conversations", len(convs), err)
		msgs, err := f.Messages(ctx, other, store.MessageFilter{}, page)
		none("messages", len(msgs), err)
		ks, err := f.APIKeys(ctx, other, page)
		none("keys", len(ks), err)
		ep2, s2, v2, m2 := *ep, *s, *v, *m
		ep2.App, s2.App, v2.App, m2.App = other, other, other, other
		for what, fn := range map[string]func(tx *store.Tx) error{
			"endpoint":     func(tx *store.Tx) error { return tx.UpdateEndpoint(&ep2) },
			"del endpoint": func(tx *store.Tx) error { return tx.DeleteEndpoint(other, ep.Key, 1, now) },
			"sender":       func(tx *store.Tx) error { return tx.UpdateSender(&s2) },
			"del sender":   func(tx *store.Tx) error { return tx.DeleteSender(other, s.Key, now) },
			"handover":     func(tx *store.Tx) error { return tx.SetHandover(other, v.Key, true, now) },
			"key":          func(tx *store.Tx) error { return tx.DeleteAPIKey(other, k.Key, now) },
			"key's text":   func(tx *store.Tx) error { return tx.RotateAPIKey(&hookswitch.APIKey{Key: k.Key, App: other}, "h2") },
		} {
			one("change "+what, f.Update(ctx, fn))
		}
		// These are for what the transaction has read, so they do not tell that they have found nothing.
		v2.Messages, m2.Status = 7, hookswitch.StatusRead
		f.update(func(tx *store.Tx) error { return errors.Join(tx.UpdateConversation(&v2), tx.UpdateMessage(&m2)) })
		v3, err := f.Conversation(ctx, f.app, v.Key)
		if err != nil || v3.Messages != 0 {
			t.Errorf("the conversation became %+v, %v", v3, err)
		}
		m3, err := f.Message(ctx, f.app, m.Key)
		if err != nil || m3.Status != "" {
			t.Errorf("the message became %+v, %v", m3, err)
		}
	})
}

func TestPage_BoundsAndOrder(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		var keys []hookswitch.Key
		for range 10 {
			e := f.event()
			f.accept(e, nil)
			keys = append(keys, e.Key)
		}
		for name, c := range map[string]struct {
			p    store.Page
			want []int
		}{
			"newest":    {store.Page{Limit: 3}, []int{9, 8, 7}},
			"before":    {store.Page{Limit: 3, Before: keys[7]}, []int{6, 5, 4}},
			"oldest":    {store.Page{Limit: 3, Ascending: true}, []int{0, 1, 2}},
			"after":     {store.Page{Limit: 3, After: keys[2], Ascending: true}, []int{3, 4, 5}},
			"both":      {store.Page{Limit: 9, After: keys[2], Before: keys[5]}, []int{4, 3}},
			"last page": {store.Page{Limit: 5, Before: keys[2]}, []int{1, 0}},
			"past it":   {store.Page{Limit: 5, Before: keys[0]}, nil},
		} {
			list, _, err := f.Events(t.Context(), f.app, store.EventFilter{}, c.p)
			var got []int
			for _, e := range must(t, list, err) {
				got = append(got, slices.Index(keys, e.Key))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%s: got %v, want %v", name, got, c.want)
			}
		}
	})
}

func TestReads_GoOnBeyondTheStatementCache(t *testing.T) {
	eachFixture(t, func(t *testing.T, f *fixture) {
		f.accept(f.event(), nil)
		var types []string
		for i := range store.StmtLimit + 20 { // each with a text of its own
			if i%8 == 0 {
				types = append(types, "order.paid")
			}
			p := store.Page{Limit: 5, Ascending: i&1 != 0}
			if i&2 != 0 {
				p.Before = 1 << 62
			}
			if i&4 != 0 {
				p.After = 1
			}
			list, _, err := f.Events(t.Context(), f.app, store.EventFilter{Types: types}, p)
			if err != nil || len(list) != 1 {
				t.Fatalf("got %d, %v", len(list), err)
			}
		}
	})
}
