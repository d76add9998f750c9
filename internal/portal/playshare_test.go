package portal_test

import (
	"context"
	"strconv"
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

func TestPlay_ALinkForLookingDoesNotTellTheTokenHoweverThePathWasWritten(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	at := "/play/" + s.share(b, "").Link
	escaped := "%" + strconv.FormatInt(int64(b.Token[0]), 16) + b.Token[1:]
	for _, path := range []string{"/play/in/" + b.Token, "/pl%61y/in/" + b.Token, "/play/%69n/" + b.Token, "/play/in/" + escaped} {
		if a := s.do("POST", path+"/a%20b/c?d=%26", []byte(`{}`)); a.status != 200 {
			t.Fatalf("%s answers %d", path, a.status)
		}
	}
	for _, path := range []string{"", "/requests.json", "/export?as=har", "/export?as=curl", "/export?as=http", "/export?as=fixture"} {
		a := s.get(at + path)
		if a.status != 200 || strings.Contains(a.body, b.Token[1:]) {
			t.Errorf("%q: %d, and the token is told", path, a.status)
		}
		if n := strings.Count(a.body, "/a%20b/c?d=%26"); n < 4 && path != "" {
			t.Errorf("%q has the path %d times: %s", path, n, a.body)
		}
	}
}
