package deliver_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
	"github.com/hookswitch/hookswitch/webhook"
)

var none service.Idempotency

// attempts are those for an event, oldest first.
func attempts(w *servicetest.World, ev *hookswitch.Event) []*hookswitch.Attempt {
	w.TB.Helper()
	return servicetest.Must(w.Service.AttemptsByEvent(context.Background(), ev.App, ev.Key, store.AttemptFilter{}, store.Page{Limit: 1000, Ascending: true}))(w.TB)
}

// attempted waits for so many attempts.
func attempted(w *servicetest.World, ev *hookswitch.Event, n int) []*hookswitch.Attempt {
	w.TB.Helper()
	var list []*hookswitch.Attempt
	servicetest.Eventually(w.TB, fmt.Sprintf("attempt %d", n), func() bool {
		list = attempts(w, ev)
		return len(list) >= n
	})
	if len(list) > n {
		w.TB.Fatalf("%d attempts, want %d", len(list), n)
	}
	return list
}

// waiting waits until the delivery is not in flight, and returns its row, nil when it is over.
func waiting(w *servicetest.World, ev *hookswitch.Event, ep *hookswitch.Endpoint) *store.Delivery {
	w.TB.Helper()
	var d *store.Delivery
	servicetest.Eventually(w.TB, "it is not in flight", func() bool {
		d = w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key)
		return d == nil || d.Owner == 0
	})
	return d
}

func resend(w *servicetest.World, ev *hookswitch.Event, ep *hookswitch.Endpoint) {
	w.TB.Helper()
	ids := w.Service.IDs()
	if err := w.Service.Resend(context.Background(), ev.App, ids.Format(hookswitch.KindEvent, ev.Key), ids.Format(hookswitch.KindEndpoint, ep.Key), none); err != nil {
		w.TB.Fatal(err)
	}
}

// zavuHook makes a sender with a webhook.
func zavuHook(w *servicetest.World, app *hookswitch.App, url, version string) *hookswitch.Endpoint {
	w.TB.Helper()
	hook := servicetest.Must(w.Service.ApplySenders(context.Background(), app.Key, []service.SenderSpec{{Name: "100", Channel: hookswitch.WhatsApp, Provider: servicetest.FakeName,
		Credentials: hookswitch.Credentials{"secret": {"fake-secret"}, "address": {"100"}},
		Webhook:     &service.WebhookSpec{URL: url, Events: []string{"message.inbound"}}}}))(w.TB)[0].Webhook
	return servicetest.Must(w.Service.UpdateEndpoint(context.Background(), app.Key, hook.Key, func(e *hookswitch.Endpoint) error {
		e.SignatureVersion = version
		return nil
	}))(w.TB)
}

// rawServer notes requests as they stand on the wire, and answers each with what answer makes of its path.
func rawServer(t *testing.T, answer func(path string) string) (url string, heads <-chan string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 4096)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				var raw bytes.Buffer
				r := bufio.NewReader(io.TeeReader(c, &raw))
				q, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				if _, err := io.Copy(io.Discard, q.Body); err != nil {
					return
				}
				head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
				got <- head
				_, _ = io.WriteString(c, answer(q.URL.Path))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return "http://" + l.Addr().String(), got
}

const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

func TestWebhook_HeadersOfTheSvixProfile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		url, heads := rawServer(t, func(string) string { return okAnswer })
		host := strings.TrimPrefix(url, "http://")
		app := w.App()
		ep := w.Endpoint(app, "http://us%20er:pa:ss@"+host+"/hook?a=1", func(e *hookswitch.Endpoint) {
			e.Headers = map[string]string{"X-Second": "2", "X-First": "1"}
		})
		ev := servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "user.created", Payload: []byte(`{ "a": 1 }`)}, none))(t)
		secret := servicetest.Must(webhook.ParseSecret(ep.Secrets[0].Secret.Reveal()))(t)
		id := w.Service.IDs().Format(hookswitch.KindEvent, ev.Key)
		unix := strconv.FormatInt(w.Clock.Now().Unix(), 10)
		signature := webhook.Sign(id, w.Clock.Now(), []byte(`{ "a": 1 }`), secret)
		want := strings.Join([]string{
			"POST /hook?a=1 HTTP/1.1", "Host: " + host, "Content-Type: application/json", "User-Agent: Svix-Test/1", "Accept: */*",
			"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("us er:pa:ss")),
			"svix-id: " + id, "svix-timestamp: " + unix, "svix-signature: " + signature,
			"webhook-id: " + id, "webhook-timestamp: " + unix, "webhook-signature: " + signature,
			"X-First: 1", "X-Second: 2", "Content-Length: 10",
		}, "\r\n")
		if diff := cmp.Diff(want, <-heads); diff != "" {
			t.Error(diff)
		}
		attempted(w, ev, 1)

		servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
			e.Headers = map[string]string{"authorization": "Bearer x", "accept": "text/plain"}
			return nil
		}))(t)
		w.Publish(app, "user.created")
		head := <-heads
		if strings.Contains(head, "Basic") || strings.Contains(head, "*/*") || !strings.Contains(head, "\r\nauthorization: Bearer x") || !strings.Contains(head, "\r\naccept: text/plain") {
			t.Errorf("the endpoint's own headers do not take the place of ours:\n%s", head)
		}
	})
}

func TestWebhook_OfficialLibrariesVerify(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		old, current := webhook.NewSecret(), webhook.NewSecret()
		expires := w.Clock.Now().Add(time.Hour)
		ep := w.Endpoint(app, r.URL)
		servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
			e.Secrets = []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(current.Reveal())}, {Secret: hookswitch.Secret(old.Reveal()), ExpiresAt: expires}}
			return nil
		}))(t)
		check := func(when string, secret webhook.Secret, want bool) {
			t.Helper()
			payload := []byte("{\"text\": \"caf\u00e9 \\u003c\", \"n\":1.0}\n")
			servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: payload}, none))(t)
			got := <-r.C
			if !bytes.Equal(got.Body, payload) {
				t.Errorf("%s: the body became %q", when, got.Body)
			}
			sv, sw := servicetest.Must(svix.NewWebhook(secret.Reveal()))(t), servicetest.Must(standardwebhooks.NewWebhook(secret.Reveal()))(t)
			if err := sv.VerifyIgnoringTimestamp(got.Body, got.Header); (err == nil) != want {
				t.Errorf("%s: svix says %v", when, err)
			}
			if err := sw.VerifyIgnoringTimestamp(got.Body, got.Header); (err == nil) != want {
				t.Errorf("%s: standard-webhooks says %v", when, err)
			}
		}
		check("the current secret", current, true)
		check("the one before", old, true)
		w.Clock.Advance(time.Hour)
		check("the current secret after an hour", current, true)
		check("the one before, expired", old, false)
	})
}

func TestWebhook_HeadersOfTheZavuProfile(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		n := 0
		for version, want := range map[string]struct {
			parts int
			v1    webhook.V1Meaning
		}{"": {3, webhook.V1TimeAndBody}, "v1": {2, webhook.V1Body}, "v1+v2": {3, webhook.V1Body}, "v2": {2, webhook.V1Refused}} {
			hook := zavuHook(w, app, r.URL, version)
			n++
			servicetest.Must(w.Push(servicetest.Text("100", "+1", fmt.Sprint("w.", n), "Hi")))(t)
			got := <-r.C
			secret := servicetest.Must(webhook.ParseTextSecret(hook.Secrets[0].Secret.Reveal()))(t)
			v := webhook.NewTimedVerifier(secret).WithNow(w.Clock.Now)
			if err := v.Verify(got.Header, got.Body); err != nil {
				t.Errorf("version %q: %v", version, err)
			}
			if err := v.WithV1(want.v1).Verify(got.Header, got.Body); err != nil {
				t.Errorf("version %q, v1 taken as %d: %v", version, want.v1, err)
			}
			header := got.Header.Get(webhook.ZavuHeader)
			if parts := strings.Split(header, ","); len(parts) != want.parts || parts[0] != "t="+strconv.FormatInt(w.Clock.Now().Unix(), 10) {
				t.Errorf("version %q: %s", version, header)
			}
			if got.Header.Get("X-Zavu-Event") != "message.inbound" || got.Header.Get("User-Agent") != "Zavu-Test/1" || got.Header.Get("Content-Type") != "application/json" {
				t.Errorf("version %q: headers %v", version, got.Header)
			}
			for name := range got.Header {
				if strings.HasPrefix(name, "Svix-") || strings.HasPrefix(name, "Webhook-") {
					t.Errorf("version %q: header %s", version, name)
				}
			}
		}
	})
}

func TestWebhook_RetriesOnTheProfilesSchedule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    hookswitch.ProfileName
		profile hookswitch.Profile
		random  float64
	}{
		{hookswitch.ProfileSvix, hookswitch.SvixProfile(), 0}, {hookswitch.ProfileSvix, hookswitch.SvixProfile(), 0.999999},
		{hookswitch.ProfileZavu, hookswitch.ZavuProfile(), 0.999999},
	} {
		t.Run(fmt.Sprint(c.name, c.random), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *storetest.DB) {
				w := servicetest.New(t, db)
				w.Run(nil, func(d *deliver.Options, _ *work.Options) { d.Random = func() float64 { return c.random } })
				r := servicetest.NewReceiver(t)
				r.Answer(servicetest.Status(http.StatusInternalServerError))
				app := w.App()
				var ep *hookswitch.Endpoint
				var ev *hookswitch.Event
				if c.name == hookswitch.ProfileSvix {
					ep = w.Endpoint(app, r.URL)
					ev = w.Publish(app, "a")
				} else {
					ep = zavuHook(w, app, r.URL, "")
					servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "Hi")))(t)
					ev = w.Events(app)[1]
				}
				var signatures []string
				for try := 1; try <= len(c.profile.Waits)+1; try++ {
					got := <-r.C
					signatures = append(signatures, got.Header.Get("Webhook-Signature")+got.Header.Get(webhook.ZavuHeader))
					if id := got.Header.Get("Webhook-Id"); c.name == hookswitch.ProfileSvix && id != w.Service.IDs().Format(hookswitch.KindEvent, ev.Key) {
						t.Errorf("attempt %d has the id %s", try, id)
					}
					attempted(w, ev, try)
					d := waiting(w, ev, ep)
					if try > len(c.profile.Waits) {
						if d.State != hookswitch.DeliveryFailed {
							t.Errorf("after the last attempt it is %v", d.State)
						}
						break
					}
					wait, share := c.profile.Waits[try-1], c.profile.Jitter*(2*c.random-1)
					got2 := d.NextAt.Sub(w.Clock.Now())
					if want := wait + time.Duration(float64(wait)*share); got2 < want-time.Millisecond || got2 > want+time.Millisecond {
						t.Errorf("after attempt %d it waits %v, want %v", try, got2, want)
					}
					w.Clock.Advance(got2 - time.Millisecond)
					if d := waiting(w, ev, ep); len(attempts(w, ev)) != try || d.Tries != try {
						t.Errorf("attempt %d came too early", try+1)
					}
					w.Clock.Advance(time.Millisecond)
				}
				w.Clock.Advance(100 * 24 * time.Hour)
				if slices.Sort(signatures); len(slices.Compact(signatures)) != len(c.profile.Waits)+1 {
					t.Error("a retry was not signed anew")
				}
				for _, a := range attempts(w, ev) {
					if a.OK || a.Code != 500 || a.Manual || a.Failure != "status" {
						t.Errorf("attempt %+v", a)
					}
				}
			})
		})
	}
}

func TestWebhook_WaitsAsTheReceiverAsks(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := o.Profiles[hookswitch.ProfileSvix]
			p.Timeout = 2 * time.Second
			o.Profiles[hookswitch.ProfileSvix] = p
		})
		w.Run(nil)
		app := w.App()
		answer := func(code int, retryAfter string) http.HandlerFunc {
			return func(rw http.ResponseWriter, _ *http.Request) {
				if retryAfter != "" {
					rw.Header().Set("Retry-After", retryAfter)
				}
				rw.WriteHeader(code)
			}
		}
		hang := func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }
		for name, c := range map[string]struct {
			answer http.HandlerFunc
			want   time.Duration
		}{
			"nothing asked":     {answer(503, ""), 5 * time.Second},
			"less than planned": {answer(503, "1"), 5 * time.Second},
			"a little more":     {answer(503, "7"), 7 * time.Second},
			"much more":         {answer(500, "3600"), 10 * time.Second},
			"for ever":          {answer(500, strings.Repeat("9", 400)), 10 * time.Second},
			"ten years":         {answer(500, "315360000"), 10 * time.Second},
			"a far date":        {answer(500, w.Clock.Now().AddDate(10, 0, 0).Format(http.TimeFormat)), 10 * time.Second},
			"rounded up":        {answer(500, "6.01"), 7 * time.Second},
			"negative":          {answer(500, "-7"), 5 * time.Second},
			"no finite number":  {answer(500, "Inf"), 5 * time.Second},
			"another notation":  {answer(500, "1e1"), 5 * time.Second},
			"a date":            {answer(503, w.Clock.Now().Add(8*time.Second).Format(http.TimeFormat)), 8 * time.Second},
			"a past date":       {answer(503, "Wed, 21 Oct 2015 07:28:00 GMT"), 5 * time.Second},
			"nonsense":          {answer(503, "soon"), 5 * time.Second},
			"too many requests": {answer(429, ""), time.Minute},
			"429 with a time":   {answer(429, "90"), 90 * time.Second},
			"no answer":         {hang, time.Minute},
		} {
			r := servicetest.NewReceiver(t)
			r.Answer(c.answer)
			ep := w.Endpoint(app, r.URL, servicetest.Filter("t"))
			ev := w.Publish(app, "t")
			attempted(w, ev, 1)
			if got := waiting(w, ev, ep).NextAt.Sub(w.Clock.Now()); got != c.want {
				t.Errorf("%s: it waits %v, want %v", name, got, c.want)
			}
			if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
				t.Fatal(err)
			}
		}
		r := servicetest.NewReceiver(t)
		r.Answer(answer(429, "3600"))
		hook := zavuHook(w, app, r.URL, "")
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "Hi")))(t)
		events := w.Events(app)
		ev := events[len(events)-1]
		attempted(w, ev, 1)
		if got := waiting(w, ev, hook).NextAt.Sub(w.Clock.Now()); got != time.Minute {
			t.Errorf("a sender's webhook waits %v, want its own minute", got)
		}
	})
}

func TestWebhook_OnlySuccessSucceeds(t *testing.T) {
	t.Parallel()
	w := servicetest.New(t, storetest.SQLite(t))
	w.Run(nil)
	url, heads := rawServer(t, func(path string) string {
		return fmt.Sprintf("HTTP/1.1 %s Answer\r\nContent-Length: 0\r\nLocation: /200\r\nConnection: close\r\n\r\n", path[1:])
	})
	app := w.App()
	for code := 100; code < 600; code++ {
		w.Endpoint(app, fmt.Sprintf("%s/%d", url, code))
	}
	ev := w.Publish(app, "a")
	for _, a := range attempted(w, ev, 500) {
		code, err := strconv.Atoi(a.URL[strings.LastIndexByte(a.URL, '/')+1:])
		if err != nil {
			t.Fatal(err)
		}
		if a.OK != (code/100 == 2) {
			t.Errorf("%d counts as success: %t", code, a.OK)
		}
		if code >= 200 && a.Code != code || code < 200 && (a.Code != 0 || len(a.Answer) == 0) {
			t.Errorf("%d is kept as %d %q", code, a.Code, a.Answer)
		}
	}
	if n := len(heads); n < 500 || n > 510 { // informational answers may be tried once more on a fresh connection
		t.Errorf("%d requests arrived, want 500", n)
	}
	for _, ep := range servicetest.Must(w.Service.Endpoints(t.Context(), app.Key, store.Page{Limit: 1000}))(t) {
		if ep.Disabled != strings.HasSuffix(ep.URL, "/410") {
			t.Errorf("%s: disabled %t", ep.URL, ep.Disabled)
		}
	}
}

func TestWebhook_AManualResendIsOneTry(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		ep := w.Endpoint(app, r.URL)
		ev := w.Publish(app, "a")
		attempted(w, ev, 1)
		r.Answer(servicetest.Status(500))
		resend(w, ev, ep)
		list := attempted(w, ev, 2)
		if !list[1].Manual || list[1].OK {
			t.Errorf("attempt %+v", list[1])
		}
		if d := waiting(w, ev, ep); d != nil {
			t.Errorf("the row %+v is left", d)
		}
		w.Clock.Advance(100 * time.Hour)
		if n := len(r.Got()); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		first, second := r.Got()[0], r.Got()[1]
		if first.Header.Get("Webhook-Id") != second.Header.Get("Webhook-Id") || !bytes.Equal(first.Body, second.Body) {
			t.Error("the resend differs in id or body")
		}
	})
}

func TestWebhook_CutOffByAStopIsNoAttempt(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		r := servicetest.NewReceiver(t)
		r.Answer(func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() })
		app := w.App()
		ep := w.Endpoint(app, r.URL)
		first := w.Run(nil, func(_ *deliver.Options, o *work.Options) { o.Grace = -1 })
		ev := w.Publish(app, "a")
		<-r.C
		if err := first.Stop(); err != nil {
			t.Fatal(err)
		}
		w.Flush()
		if list := attempts(w, ev); len(list) != 0 {
			t.Errorf("a failed attempt was recorded: %+v", list[0])
		}
		if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key); d == nil || d.Owner != 0 || d.Tries != 0 || d.NextAt.After(w.Clock.Now()) {
			t.Errorf("the row is %+v", d)
		}
		r.Answer(nil)
		w.Run(nil)
		if a := attempted(w, ev, 1)[0]; !a.OK {
			t.Errorf("the next engine's attempt %+v", a)
		}
	})
}

func TestWebhook_UsesTheEndpointAsItIsNow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		before, after := servicetest.NewReceiver(t), servicetest.NewReceiver(t)
		before.Answer(servicetest.Status(500))
		app := w.App()
		ep := w.Endpoint(app, before.URL)
		ev := w.Publish(app, "a")
		attempted(w, ev, 1)
		d := waiting(w, ev, ep)
		secret := webhook.NewSecret()
		servicetest.Must(w.Service.UpdateEndpoint(t.Context(), app.Key, ep.Key, func(e *hookswitch.Endpoint) error {
			e.URL, e.Secrets = after.URL, []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(secret.Reveal())}}
			return nil
		}))(t)
		w.Clock.Advance(d.NextAt.Sub(w.Clock.Now()))
		got := <-after.C
		if err := webhook.NewVerifier(secret).WithNow(w.Clock.Now).Verify(got.Header, got.Body); err != nil {
			t.Error(err)
		}
		attempted(w, ev, 2)

		// Disabled and deleted ones get nothing more, and what was owed reads as canceled.
		for _, end := range []func(){func() { w.Disable(ep) }, func() {
			w.Enable(ep)
			if err := w.Service.DeleteEndpoint(t.Context(), app.Key, ep.Key); err != nil {
				t.Fatal(err)
			}
		}} {
			after.Answer(servicetest.Status(500))
			if end := fresh(w, ep); end.Disabled {
				w.Enable(ep)
			}
			ev := w.Publish(app, "a")
			attempted(w, ev, 1)
			d := waiting(w, ev, ep)
			n := len(after.Got())
			end()
			w.Clock.Advance(d.NextAt.Sub(w.Clock.Now()))
			servicetest.Eventually(t, "the row is canceled", func() bool {
				return w.Delivery(hookswitch.DeliverWebhook, ev.Key, ep.Key).State == hookswitch.DeliveryCanceled
			})
			if len(after.Got()) != n {
				t.Error("it got another request")
			}
		}
	})
}

func fresh(w *servicetest.World, ep *hookswitch.Endpoint) *hookswitch.Endpoint {
	w.TB.Helper()
	return servicetest.Must(w.Store.Endpoint(context.Background(), ep.App, ep.Key))(w.TB)
}

func TestWebhook_EveryPlaceIsReturned(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		run := w.Run(nil, func(_ *deliver.Options, o *work.Options) { o.QueuePerLane = 16 })
		good, bad := servicetest.NewReceiver(t), servicetest.NewReceiver(t)
		bad.Answer(servicetest.Status(500))
		app := w.App()
		w.Endpoint(app, good.URL)
		w.Endpoint(app, bad.URL)
		const n = 200
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range n / 8 {
					idem := service.Idempotency{Caller: "c", Key: fmt.Sprint(i, j/2), Route: "r"} // every other one is a duplicate
					if _, err := w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a", Payload: []byte(`{}`)}, idem); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		events := len(w.Events(app))
		servicetest.Eventually(t, "all are delivered and no place is taken", func() bool {
			s := run.Engine.Stats()
			return len(good.Got()) >= events && len(bad.Got()) >= events && s.Queued == 0 && s.Serving == 0
		})
		if events < n/2 || len(good.Got()) != events || len(bad.Got()) != events {
			t.Errorf("%d and %d requests for %d events", len(good.Got()), len(bad.Got()), events)
		}
	})
}
