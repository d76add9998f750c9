package ingest_test

import (
	"context"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

const directDoor = "/api/v1/channels/meta/webhook"

func directText(object, account, mid string) string {
	return `{"object":"` + object + `","entry":[{"id":"` + account + `","messaging":[{"sender":{"id":"5934885523264821"},"recipient":{"id":"` + account +
		`"},"timestamp":1749854574567,"message":{"mid":"` + mid + `","text":"hi"}}]}]}`
}

// A second secret of one sender proves pushes for that sender and for nobody else, even where the first secret is the same.
func TestDoors_AFurtherSecretProvesForItsOwnSender(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		g := newGateway(t, db)
		one, two := g.app("one"), g.app("two")
		apply := func(app *hookswitch.App, spec service.SenderSpec) *hookswitch.Sender {
			t.Helper()
			spec.Provider = "meta"
			out, err := g.svc.ApplySenders(context.Background(), app.Key, []service.SenderSpec{spec})
			if err != nil {
				t.Fatal(err)
			}
			return out[0].Sender
		}
		apply(one, service.SenderSpec{Name: "page", Channel: hookswitch.Messenger, Credentials: hookswitch.Credentials{"app_secret": {appSecret}, "page_id": {"11"}}})
		account := apply(two, service.SenderSpec{Name: "account", Channel: hookswitch.Instagram,
			Credentials: hookswitch.Credentials{"app_secret": {appSecret, "the secret of the Instagram app"}, "ig_user_id": {"22"}}})

		for _, secret := range []string{appSecret, "the secret of the Instagram app"} {
			if a := g.push(directDoor, secret, directText("instagram", "22", "aWd"+secret)); a.status != 200 {
				t.Errorf("answered %d %s", a.status, a.body)
			}
		}
		if n := len(g.messages(two)); n != 2 {
			t.Errorf("%d messages came in by two secrets", n)
		}
		g.push(directDoor, appSecret, directText("page", "11", "m_1"))
		for _, door := range []string{directDoor, "/in/" + g.id(account)} {
			if a := g.push(door, "the secret of the Instagram app", directText("page", "11", "m_2"+door)); a.status != 200 {
				t.Errorf("%s: answered %d %s", door, a.status, a.body)
			}
		}
		if n := len(g.messages(one)); n != 1 {
			t.Errorf("%d messages of the page, want the one that its own secret proves", n)
		}
		if n := len(g.strays()); n != 2 {
			t.Errorf("%d pushes kept aside, want 2", n)
		}
		// The shared secret proves for whoever is named, at whatever door.
		g.push("/in/"+g.id(account), appSecret, directText("page", "11", "m_3"))
		if n := len(g.messages(one)); n != 2 {
			t.Errorf("%d messages of the page, want 2", n)
		}
		wantRefusal(t, g.push(directDoor, "another", directText("page", "11", "m_4")), 401, "SIGNATURE_INVALID")
	})
}
