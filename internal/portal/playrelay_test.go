package portal_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// heard is a request that a server has taken.
type heard struct {
	method, uri, body string
	header            http.Header
}

// listening is a server that tells what it hears, and answers 202.
func listening(t *testing.T) (address string, calls <-chan heard) {
	t.Helper()
	c := make(chan heard, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		c <- heard{r.Method, r.RequestURI, string(body), r.Header}
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, c
}

func (s *site) relay(b *store.Bin, to string) answer {
	s.t.Helper()
	return s.form("/play/"+b.Token+"/relay", "relay="+url.QueryEscape(to))
}

// relayed waits until it is known what became of forwarding the newest request of a bin.
func (s *site) relayed(b *store.Bin) *store.BinRelayed {
	s.t.Helper()
	var did *store.BinRelayed
	servicetest.Eventually(s.t, "it is known what became of it", func() bool {
		list, err := s.svc.BinRequests(context.Background(), b.Token, store.Page{Limit: 1})
		if err != nil {
			s.t.Fatal(err)
		}
		did = list[0].Relayed
		return did != nil && !did.Waiting
	})
	return did
}

func withClient(t *testing.T, loopback bool) func(*portal.Options) {
	var open []netip.Prefix
	if loopback {
		open = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	}
	client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard(open)})
	t.Cleanup(client.Close)
	return func(o *portal.Options) { o.HTTP = client }
}

func TestPlay_ForwardsWhatArrivesAsItCame(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil, withClient(t, true))
		to, calls := listening(t)
		b := s.bin()
		if a := s.relay(b, to+"/hooks?a=1"); a.status != 303 {
			t.Fatalf("forwarding answers %d: %s", a.status, a.body)
		}
		s.do("PUT", "/play/in/"+b.Token+"/deep?b=2", []byte("{\"n\": 1,\r\n\"m\":2}"), "Content-Type", "application/json", "X-Own", "7")
		got := <-calls
		if got.method != "PUT" || got.uri != "/hooks/deep?a=1&b=2" || got.body != "{\"n\": 1,\r\n\"m\":2}" || got.header.Get("X-Own") != "7" || got.header.Get("X-Hookswitch-Play") != "forwarded by a bin" {
			t.Errorf("it arrives as %+v", got)
		}
		if did := s.relayed(b); did.Status != 202 || did.To != to+"/hooks?a=1" || did.Why != "" {
			t.Errorf("what became of it is %+v", did)
		}
		for _, path := range []string{"", "/send"} {
			if a := s.get("/play/" + b.Token + path); !strings.Contains(a.body, "202") || !strings.Contains(html.UnescapeString(a.body), to+"/hooks?a=1") {
				t.Errorf("%q does not say what became of it", path)
			}
		}
		share, err := s.svc.ShareBin(t.Context(), b.Token, "", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.get("/play/" + share.Link); !strings.Contains(a.body, "202 in") || strings.Contains(a.body, strings.TrimPrefix(to, "http://")) {
			t.Error("who has a link for looking sees where to, or not what became of it")
		}

		// What a bin has forwarded is not forwarded again, and what is cut is not forwarded at all.
		s.do("POST", "/play/in/"+b.Token, []byte("{}"), "X-Hookswitch-Play", "forwarded by a bin")
		if did := s.relayed(b); did.Status != 0 || !strings.Contains(did.Why, "circles") {
			t.Errorf("what came from a bin: %+v", did)
		}
		s.do("POST", "/play/in/"+b.Token, make([]byte, 300<<10))
		if did := s.relayed(b); did.Status != 0 || !strings.Contains(did.Why, "larger than") {
			t.Errorf("what is large: %+v", did)
		}
		if a := s.form("/play/"+b.Token+"/relay", "stop=yes"); a.status != 303 {
			t.Fatalf("stopping answers %d", a.status)
		}
		s.send(b, `{"n":4}`)
		s.relay(b, to)
		s.send(b, `{"n":5}`)
		if got := <-calls; got.body != `{"n":5}` {
			t.Errorf("after it was stopped, %s was forwarded", got.body)
		}
	})
}

func TestPlay_ForwardsNowhereThatItMayNot(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil, withClient(t, false))
	to, calls := listening(t)
	b := s.bin()
	if a := s.relay(b, to); a.status != 303 { // a name could lead there as well: it is the dialling that is guarded
		t.Fatalf("answers %d", a.status)
	}
	s.send(b, `{"n":1}`)
	if did := s.relayed(b); did.Status != 0 || did.Why == "" {
		t.Errorf("a private address: %+v", did)
	}
	if len(calls) != 0 {
		t.Error("a private address was reached")
	}
	for _, target := range []string{"", "ftp://x", "https://hooks.example.test/play/in/" + b.Token} {
		if a := s.relay(b, target); a.status != 422 || !strings.Contains(a.body, "Nothing is forwarded") {
			t.Errorf("%q answers %d", target, a.status)
		}
	}
	share, err := s.svc.ShareBin(t.Context(), b.Token, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.form("/play/"+share.Link+"/relay", "relay=https%3A%2F%2Felsewhere.example"); a.status != 403 {
		t.Errorf("who may only look has it forward: %d", a.status)
	}
}

func TestPlay_ATriggerIsSentAgainAndAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil, withClient(t, true))
		to, calls := listening(t)
		b := s.bin(svixSecret)
		s.send(b, `{"type":"payment.late"}`, "X-Own", "7")
		list, _ := s.requests(b.Token, "")
		id, page := list[0].ID, "/play/"+b.Token
		if a := s.get(page); !strings.Contains(a.body, "Make this a trigger") {
			t.Error("nothing makes the request a trigger")
		}
		for name, status := range map[string]int{"": 422, strings.Repeat("x", 81): 422, "%01": 422, "Late+payment": 303} {
			if a := s.form(page+"/trigger", "request="+id+"&name="+name); a.status != status {
				t.Errorf("the name %q answers %d", name, a.status)
			}
		}
		if a := s.form(page+"/trigger", "request=1&name=x"); a.status != 404 {
			t.Errorf("another's request answers %d", a.status)
		}
		for range 2 {
			if a := s.form(page+"/send", "request="+id+"&url="+url.QueryEscape(to)+"&resign=on"); a.status != 200 {
				t.Fatalf("sending it answers %d", a.status)
			}
			if got := <-calls; got.body != `{"type":"payment.late"}` || got.header.Get("X-Own") != "7" || got.header.Get("Webhook-Signature")+got.header.Get("Svix-Signature") == "" {
				t.Errorf("it arrives as %+v", got)
			}
		}
		a := s.get(page + "/send")
		if !strings.Contains(a.body, "Late payment") || !strings.Contains(html.UnescapeString(a.body), `name="url" value="`+to+`"`) {
			t.Error("the trigger cannot be sent with one press")
		}
		key, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		q, err := s.svc.BinRequest(t.Context(), b.Token, hookswitch.Key(key))
		if err != nil || !q.Pinned || q.Trigger != "Late payment" {
			t.Errorf("the request is %+v, %v", q, err)
		}
		s.form(page+"/trigger", "request="+id+"&end=yes")
		if a := s.get(page + "/send"); strings.Contains(a.body, "Triggers</h2>") {
			t.Error("it is a trigger still")
		}
	})
}

func TestPlay_ManyAreSentAgainInTheBackgroundInTheirOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSite(t, db, nil, withClient(t, true))
		to, calls := listening(t)
		b := s.bin()
		for i := range 60 {
			s.send(b, `{"n":`+strconv.Itoa(i)+`}`)
		}
		page, other := "/play/"+b.Token, "&url="+url.QueryEscape(to)
		if a := s.get(page + "/send?all=yes&q=n"); !strings.Contains(a.body, "Send 60 requests on") || !strings.Contains(a.body, "and 10 newer ones") {
			t.Error("the form does not say how many there are")
		}
		if a := s.form(page+"/send", "all=yes&rate=10"+strings.Replace(other, "http", "ftp", 1)); a.status != 422 {
			t.Errorf("a strange address: %d", a.status)
		}
		if a := s.form(page+"/send", "all=yes&q=n"+other); a.status != 303 || a.header.Get("Location") != page {
			t.Fatalf("sending all answers %d", a.status)
		}
		for i := range 60 {
			if got := <-calls; got.body != `{"n":`+strconv.Itoa(i)+`}` || got.header.Get("X-Hookswitch-Play") != "sent on by a person" {
				t.Fatalf("as number %d arrives %s", i, got.body)
			}
		}
		s.relayed(b)
		if a := s.get(page + "?forwarded=good"); strings.Count(a.body, `class="went good"`) != 50 || !strings.Contains(a.body, ">Older<") {
			t.Errorf("the list shows %d of them", strings.Count(a.body, `class="went good"`))
		}
		if a := s.get(page + "?forwarded=bad"); !strings.Contains(a.body, "No request matches") {
			t.Error("the list shows what did not fail")
		}

		// At one a second nothing but the first goes before it is stopped.
		if a := s.form(page+"/send", "all=yes&rate=1"+other); a.status != 303 {
			t.Fatalf("sending all slowly answers %d", a.status)
		}
		<-calls
		if a := s.get(page); !strings.Contains(a.body, "still to be sent again") {
			t.Error("the page does not say that some wait")
		}
		if a := s.form(page+"/send", "stop=yes"); a.status != 303 {
			t.Fatalf("stopping answers %d", a.status)
		}
		if did := s.relayed(b); did.Status != 0 || !strings.Contains(did.Why, "stopped") {
			t.Errorf("of the last one it says %+v", did)
		}
		if forwards, replays, err := s.svc.BinRelaysWaiting(t.Context(), b.Token); forwards+replays > 1 || err != nil {
			t.Errorf("%d wait still, %v", replays, err)
		}
	})
}

func TestPlay_LiveViewTellsWhatBecameOfSendingOn(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil, withClient(t, true))
	to, calls := listening(t)
	b := s.bin()
	s.relay(b, to)
	next, stop := s.watch(b, "")
	defer stop()
	s.send(b, `{"n":1}`)
	<-calls
	for m := next(); ; m = next() {
		if m == nil {
			t.Fatal("the live view ends")
		}
		if m.event == "forwarded" && m.id == "" && strings.Contains(m.data, `"state":"good","word":"202"`) {
			break
		}
	}
}

func TestPlay_WhoListensSaysWhatBecameOfIt(t *testing.T) {
	t.Parallel()
	s := newSite(t, storetest.SQLite(t), nil)
	b, other := s.bin(), s.bin()
	s.send(b, `{"n":1}`)
	s.send(other, `{"n":2}`)
	mine, _ := s.requests(b.Token, "")
	theirs, _ := s.requests(other.Token, "")
	share, err := s.svc.ShareBin(t.Context(), b.Token, "", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	to := "&ms=12&to=" + url.QueryEscape("http://localhost:3000/webhooks")
	for _, c := range []struct {
		path, form string
		status     int
	}{
		{b.Token, "request=" + mine[0].ID + "&status=201" + to, 204},
		{b.Token, "request=" + theirs[0].ID + "&status=200" + to, 404},
		{b.Token, "request=" + mine[0].ID + "&status=-1" + to, 400},
		{b.Token, "request=" + mine[0].ID + "&status=200", 400},
		{b.Token, "request=" + mine[0].ID + "&why=" + strings.Repeat("x", 501) + to, 400},
		{share.Link, "request=" + mine[0].ID + "&status=200" + to, 403},
	} {
		if a := s.form("/play/"+c.path+"/forwarded", c.form); a.status != c.status {
			t.Errorf("%s answers %d: %s", c.form, a.status, a.body)
		}
	}
	if did := s.relayed(b); did.Status != 201 || did.MS != 12 {
		t.Errorf("it was noted as %+v", did)
	}
	if a := s.get("/play/" + b.Token); !strings.Contains(a.body, "201 in 12 ms, from http://localhost:3000/webhooks") {
		t.Error("the page does not show it")
	}
}
