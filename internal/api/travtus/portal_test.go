package travtus_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// Section 5: the answer has one field, and its fragment holds what the portal needs.
func TestPortalAccess_GivesALinkWithItsSecretInTheFragment(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		seen := map[string]bool{}
		for _, path := range []string{"/webhook/app-portal-access/", "/webhook/app-portal-access", "/webhook/app-portal-access/?icon=https%3A%2F%2Fx.example%2Fa+b.png",
			"/webhook/app-portal-access/?icon=javascript:alert(1)"} {
			w := s.try("GET", path, "")
			out := s.decode(w, 200)
			link, _ := out["url"].(string)
			u, err := url.Parse(link)
			if err != nil || len(out) != 1 || u.Path != "/portal/login" || !strings.HasPrefix(u.Fragment, "key=") || w.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%s: %s %v", path, w.Body, w.Header())
			}
			icon := ""
			if strings.Contains(path, "x.example") {
				icon = "https://x.example/a b.png"
			}
			if u.Query().Get("icon") != icon || icon == "" && u.RawQuery != "" {
				t.Errorf("%s: %s", path, link)
			}
			_, fragment, _ := strings.Cut(link, "#key=")
			text, err := base64.StdEncoding.DecodeString(fragment)
			var login map[string]string
			if err != nil || json.Unmarshal(text, &login) != nil || len(login) != 3 || login["region"] != "self" ||
				login["appId"] != s.Service.IDs().Format(hookswitch.KindApp, s.app.Key) || seen[login["oneTimeToken"]] {
				t.Fatalf("%s: %s, %v", path, text, err)
			}
			seen[login["oneTimeToken"]] = true
		}
		for oneTime := range seen {
			token, _, err := s.Service.ExchangeOneTime(t.Context(), hookswitch.Secret(oneTime), service.Idempotency{})
			if err != nil || token.App != s.app.Key || !token.ExpiresAt.Equal(servicetest.Start.Add(7*24*time.Hour)) {
				t.Errorf("%+v, %v", token, err)
			}
			if _, _, err := s.Service.ExchangeOneTime(t.Context(), hookswitch.Secret(oneTime), service.Idempotency{}); hookswitch.KindOf(err) != hookswitch.Unauthorized {
				t.Errorf("a second use: %v", err)
			}
			delete(seen, oneTime)
			break
		}
		s.Clock.Advance(time.Hour)
		for oneTime := range seen {
			if _, _, err := s.Service.ExchangeOneTime(t.Context(), hookswitch.Secret(oneTime), service.Idempotency{}); hookswitch.KindOf(err) != hookswitch.Unauthorized {
				t.Errorf("after an hour: %v", err)
			}
		}
	})
}
