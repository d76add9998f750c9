package portal_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func (s *site) share(b *store.Bin, password string) *store.BinShare {
	s.t.Helper()
	share, err := s.svc.ShareBin(context.Background(), b.Token, hookswitch.Secret(password), time.Hour)
	if err != nil {
		s.t.Fatal(err)
	}
	return share
}

func TestPlay_ALockedLinkRefusesInWords(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	at := "/play/" + s.share(s.bin(), "sesame").Link
	for _, path := range []string{"/requests.json", "/events", "/export?as=har", "/settings", "/answer", "/send", "/share"} {
		if a := s.get(at + path); a.status != 403 || !strings.Contains(a.body, "has a password") {
			t.Errorf("%s: %d %.300s", path, a.status, a.body)
		}
	}
	for _, path := range []string{"/secret", "/sample", "/pin", "/settings", "/answer", "/relay", "/trigger", "/send", "/share"} {
		if a := s.form(at+path, "do=delete"); a.status != 403 || !strings.Contains(a.body, "has a password") {
			t.Errorf("POST %s: %d %.300s", path, a.status, a.body)
		}
	}
}
