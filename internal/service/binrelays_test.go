package service_test

import (
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// relayingBin is a bin that forwards what arrives.
func relayingBin(t *testing.T, w *servicetest.World) *store.Bin {
	t.Helper()
	b := servicetest.Must(w.Service.CreateBin(t.Context()))(t)
	return servicetest.Must(w.Service.UpdateBin(t.Context(), b.Token, func(b *store.Bin) error {
		b.Relay = "https://staging.example/webhooks"
		return nil
	}))(t)
}

func takes(t *testing.T, w *servicetest.World, b *store.Bin, header ...store.HeaderLine) *store.BinRequest {
	t.Helper()
	q := &store.BinRequest{Token: b.Token, Method: "POST", URI: "/play/in/" + b.Token, Headers: header, Body: []byte("{}"), Size: 2}
	servicetest.Must(w.Service.TakeBinRequest(t.Context(), q))(t)
	return q
}

// claimed are the requests that are to be sent on now.
func claimed(t *testing.T, s *service.Service) (list []*store.BinRelay) {
	t.Helper()
	list, _, err := s.ClaimBinRelays(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestBins_WhatWaitsToBeForwardedOutlivesARestartAndKeepsItsOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		b, other := relayingBin(t, w), relayingBin(t, w)
		var want []hookswitch.Key
		for range 3 {
			want = append(want, takes(t, w, b).Key)
		}
		late := takes(t, w, other).Key
		if q := servicetest.Must(w.Service.BinRequest(t.Context(), b.Token, want[0]))(t); q.Relayed == nil || !q.Relayed.Waiting {
			t.Errorf("a request that waits is %+v", q.Relayed)
		}
		if got := claimed(t, w.Service); len(got) != 2 || got[0].Key != want[0] || got[1].Key != late || got[0].Target != b.Relay {
			t.Fatalf("claimed %+v, want the oldest of each bin", got)
		}
		if got := claimed(t, w.Service); len(got) != 0 {
			t.Errorf("claimed %+v while others of their bins are on the way", got)
		}
		if err := w.Store.Close(); err != nil { // the node ends without a word about the two
			t.Fatal(err)
		}
		w = w.Reopen()
		w.Clock.Advance(3 * time.Minute)
		for i, key := range want {
			var got []*store.BinRelay
			for _, r := range claimed(t, w.Service) {
				if r.Token == b.Token {
					got = append(got, r)
				}
			}
			if len(got) != 1 || got[0].Key != key {
				t.Fatalf("as number %d %+v is claimed, want %d", i, got, key)
			}
			if err := w.Service.NoteBinRelayed(t.Context(), b.Token, key, &store.BinRelayed{To: b.Relay, Status: 202, MS: 7}); err != nil {
				t.Fatal(err)
			}
			if q := servicetest.Must(w.Service.BinRequest(t.Context(), b.Token, key))(t); q.Relayed.Waiting || q.Relayed.Status != 202 || q.Relayed.At == 0 {
				t.Errorf("what became of it is %+v", q.Relayed)
			}
		}
	})
}

func TestBins_GiveBackWhatWasClaimed(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t))
	b := relayingBin(t, w)
	takes(t, w, b)
	bell := w.Service.BinRelayBell()
	for range 2 {
		got := claimed(t, w.Service)
		if len(got) != 1 {
			t.Fatalf("claimed %+v", got)
		}
		if err := w.Service.ReleaseBinRelay(t.Context(), got[0]); err != nil {
			t.Fatal(err)
		}
	}
	<-bell
}

func TestBins_WhatIsNotForwardedSaysWhy(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t))
	b := relayingBin(t, w)
	if q := takes(t, w, b, store.HeaderLine{Name: "x-hookswitch-play", Value: "forwarded by a bin"}); q.Relayed.Waiting || q.Relayed.Why == "" {
		t.Errorf("what a bin forwarded is %+v", q.Relayed)
	}
	if q := takes(t, w, b, store.HeaderLine{Name: service.PlayHeader, Value: "sent on by a person"}); !q.Relayed.Waiting {
		t.Errorf("what a person sent on is %+v", q.Relayed)
	}
	for range service.BinWaiting - 1 {
		takes(t, w, b)
	}
	if q := takes(t, w, b); q.Relayed.Waiting || q.Relayed.Why == "" {
		t.Errorf("what is too much is %+v", q.Relayed)
	}
	servicetest.Must(w.Service.UpdateBin(t.Context(), b.Token, func(b *store.Bin) error {
		b.Relay = ""
		return nil
	}))(t)
	if got := claimed(t, w.Service); len(got) != 0 {
		t.Errorf("%d are forwarded after it was stopped", len(got))
	}
	if list := servicetest.Must(w.Service.BinRequests(t.Context(), b.Token, store.Page{Limit: 2}))(t); list[1].Relayed.Waiting || list[1].Relayed.Why == "" {
		t.Errorf("what waited is %+v", list[1].Relayed)
	}
}

func TestBins_SendAgainAtASpeed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		b, other := servicetest.Must(w.Service.CreateBin(t.Context()))(t), servicetest.Must(w.Service.CreateBin(t.Context()))(t)
		keys := []hookswitch.Key{takes(t, w, b).Key, takes(t, w, b).Key, takes(t, w, other).Key}
		if n, err := w.Service.ReplayBinRequests(t.Context(), b.Token, "https://staging.example/", keys, 30*time.Second, true); n != 2 || err != nil {
			t.Fatalf("%d will be sent, %v; want the two of this bin", n, err)
		}
		got := claimed(t, w.Service)
		if len(got) != 1 || got[0].Key != keys[0] || got[0].How != store.RelayResign {
			t.Fatalf("claimed %+v", got)
		}
		if err := w.Service.NoteBinRelayed(t.Context(), b.Token, keys[0], &store.BinRelayed{Status: 200}); err != nil {
			t.Fatal(err)
		}
		list, next, err := w.Service.ClaimBinRelays(t.Context(), 10)
		if len(list) != 0 || err != nil || next.Sub(w.Clock.Now()).Round(time.Second) != 30*time.Second {
			t.Errorf("the second is due at %v, %v, %v", next, list, err)
		}
		w.Clock.Advance(time.Minute)
		if got := claimed(t, w.Service); len(got) != 1 || got[0].Key != keys[1] {
			t.Errorf("then %+v is claimed", got)
		}
		_, err = w.Service.ReplayBinRequests(t.Context(), b.Token, "ftp://x", keys, 0, false)
		wantKind(t, err, hookswitch.Invalid)
		if n := servicetest.Must(w.Service.StopBinReplays(t.Context(), b.Token))(t); n != 1 {
			t.Errorf("%d were stopped", n)
		}
		if err := w.Service.DeleteBin(t.Context(), b.Token); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBins_WhatWaitsAlreadyGoesWhereItIsToldLast(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		b := relayingBin(t, w)
		key := takes(t, w, b).Key
		const there = "https://elsewhere.example/"
		if n, err := w.Service.ReplayBinRequests(t.Context(), b.Token, there, []hookswitch.Key{key}, 0, true); n != 1 || err != nil {
			t.Fatalf("%d will be sent, %v", n, err)
		}
		if forwards, replays, err := w.Service.BinRelaysWaiting(t.Context(), b.Token); forwards != 0 || replays != 1 || err != nil {
			t.Errorf("%d forwards and %d replays wait, %v; want the replay alone", forwards, replays, err)
		}
		err := w.Store.Update(t.Context(), func(tx *store.Tx) error { // asked for once more, for later
			return tx.OweBinRelay(&store.BinRelay{Key: key, Token: b.Token, Target: there, How: store.RelayReplay}, w.Clock.Now().Add(time.Minute))
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := claimed(t, w.Service); len(got) != 0 {
			t.Errorf("claimed %+v before it is due", got)
		}
		w.Clock.Advance(time.Minute)
		if got := claimed(t, w.Service); len(got) != 1 || got[0].Key != key || got[0].Target != there || got[0].How != store.RelayReplay {
			t.Errorf("claimed %+v, want the request once, to where it was told last", got)
		}
	})
}
