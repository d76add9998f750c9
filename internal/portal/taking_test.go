package portal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestPlay_WhatABinAnswersIsNoScript(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b := s.bin()
	script := store.HeaderLine{Name: "Content-Type", Value: "text/javascript"}
	if err := s.svc.SetBinAnswer(context.Background(), b.Token, &store.BinAnswer{Headers: []store.HeaderLine{script, {Name: "Location", Value: "https://evil.example"}}, Body: "alert(1)"}); err != nil {
		t.Fatal(err)
	}
	for _, dest := range []string{"script", "worker", "serviceworker", "style", "document", "image", "json"} {
		a := s.do("GET", "/play/in/"+b.Token, nil, "Sec-Fetch-Dest", dest)
		if kind := a.header.Get("Content-Type"); !strings.HasPrefix(kind, "text/plain") || a.header.Get("X-Content-Type-Options") != "nosniff" || a.header.Get("Location") != "" {
			t.Errorf("for a %s it answers %s, to %q", dest, kind, a.header.Get("Location"))
		}
	}
	for _, dest := range []string{"", "empty"} {
		if a := s.do("POST", "/play/in/"+b.Token, nil, "Sec-Fetch-Dest", dest); a.header.Get("Content-Type") != "text/javascript" {
			t.Errorf("for %q it answers %s", dest, a.header.Get("Content-Type"))
		}
	}
}
