package deliver_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
	"github.com/hookswitch/hookswitch/webhook"
)

// The waits that the published page promises after the first to the fifth failure.
var publishedDelays = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 4 * time.Hour}

// timeOf is the t of a request's signature.
func timeOf(t *testing.T, r servicetest.Request) int64 {
	t.Helper()
	text, _, _ := strings.Cut(strings.TrimPrefix(r.Header.Get(webhook.ZavuHeader), "t="), ",")
	return servicetest.Must(strconv.ParseInt(text, 10, 64))(t)
}

// Section 8 of the contract: six attempts, the first at once, the others 1 minute, 5 minutes, 15 minutes, 1 hour and 4 hours after the one before. Nobody moves the clock here: time passes
// because everything waits.
func TestZavu_SixAttemptsAtThePublishedDelays(t *testing.T) {
	t.Parallel()
	r := servicetest.NewReceiver(t) // it lives outside: what waits on a network would keep time from passing
	r.Answer(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7200") // it counts for nothing
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(servicetest.Start)) // such a clock begins in the year 2000
		w := servicetest.New(t, storetest.SQLite(t), func(o *servicetest.Options) { o.Now = time.Now })
		running := w.Run(nil, func(_ *deliver.Options, o *work.Options) { o.PollEvery = time.Hour }) // the waits are kept by alarms
		app := w.App()
		hook := zavuHook(w, app, r.URL, "")
		began := time.Now()
		servicetest.Must(w.Push(servicetest.Text("100", "+1", "w1", "Hi")))(t)
		time.Sleep(24 * time.Hour)
		synctest.Wait()

		got := r.Got()
		if len(got) != 6 {
			t.Fatalf("%d attempts in a day, want 6", len(got))
		}
		ev := w.Events(app)[1]
		list := attempts(w, ev)
		verify := webhook.NewTimedVerifier(servicetest.Must(webhook.ParseTextSecret(hook.Secrets[0].Secret.Reveal()))(t))
		due := began
		for i, a := range list {
			if at := a.Key.Time(); at.Before(due.Add(-time.Millisecond)) || at.After(due.Add(100*time.Millisecond)) {
				t.Errorf("attempt %d is made at %v, want %v", i+1, at.Sub(began), due.Sub(began))
			}
			if at := timeOf(t, got[i]); at != a.Key.Time().Unix() {
				t.Errorf("attempt %d is signed at %d, and was made at %d", i+1, at, a.Key.Time().Unix())
			}
			if err := verify.WithNow(a.Key.Time).Verify(got[i].Header, got[i].Body); err != nil {
				t.Errorf("attempt %d: %v", i+1, err)
			}
			if string(got[i].Body) != string(got[0].Body) {
				t.Errorf("attempt %d has another body: %s", i+1, got[i].Body)
			}
			if i < len(publishedDelays) {
				due = a.Key.Time().Add(publishedDelays[i])
			}
		}
		if d := w.Delivery(hookswitch.DeliverWebhook, ev.Key, hook.Key); d == nil || d.State != hookswitch.DeliveryFailed {
			t.Errorf("after the last attempt it is %+v, want it kept as failed", d)
		}
		if err := running.Stop(); err != nil {
			t.Error(err)
		}
	})
}

// changeHook changes the webhook of the sender called 100, as the API would.
func changeHook(w *servicetest.World, hook *hookswitch.Endpoint, c service.WebhookChange) *hookswitch.Endpoint {
	w.TB.Helper()
	id := w.Service.IDs().Format(hookswitch.KindSender, hook.Sender)
	return servicetest.Must(w.Service.UpdateSender(context.Background(), hook.App, id, service.SenderChange{Webhook: c}))(w.TB).Webhook
}

// inbound has a person write to the sender called 100, and returns the event that tells of it.
func inbound(w *servicetest.World, app *hookswitch.App, id string) *hookswitch.Event {
	w.TB.Helper()
	servicetest.Must(w.Push(servicetest.Text("100", "+1", id, "Hi")))(w.TB)
	list := w.Events(app)
	return list[len(list)-1]
}

// Section 8: the clock of a wait runs from the end of the attempt that failed.
func TestZavu_AWaitBeginsWhenTheAttemptBeforeHasEnded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		r.Answer(func(rw http.ResponseWriter, _ *http.Request) {
			w.Clock.Advance(10 * time.Second)
			rw.WriteHeader(500)
		})
		app := w.App()
		hook := zavuHook(w, app, r.URL, "")
		ev := inbound(w, app, "w1")
		for try, wait := range publishedDelays {
			attempted(w, ev, try+1)
			d := waiting(w, ev, hook)
			if got := d.NextAt.Sub(w.Clock.Now()); got != wait {
				t.Errorf("after attempt %d it waits %v from its end, want %v", try+1, got, wait)
			}
			w.Clock.Advance(wait)
		}
	})
}

// Section 8: success is any 2xx, everything else a failure that is tried again on the same schedule. No answer has a meaning of its own.
func TestZavu_NoAnswerMeansMoreThanFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := o.Profiles[hookswitch.ProfileZavu]
			p.Timeout = 2 * time.Second
			o.Profiles[hookswitch.ProfileZavu] = p
		})
		w.Run(nil)
		good := servicetest.NewReceiver(t)
		status := func(code int, headers ...string) http.HandlerFunc {
			return func(rw http.ResponseWriter, _ *http.Request) {
				for i := 0; i < len(headers); i += 2 {
					rw.Header().Set(headers[i], headers[i+1])
				}
				rw.WriteHeader(code)
			}
		}
		r := servicetest.NewReceiver(t)
		r.Answer(status(204))
		untrusted := httptest.NewTLSServer(status(200))
		t.Cleanup(untrusted.Close)
		untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
		closed := httptest.NewServer(status(200))
		closed.Close()

		app := w.App()
		hook := zavuHook(w, app, r.URL, "")
		n := 0
		try := func() (*hookswitch.Event, *hookswitch.Attempt) {
			n++
			ev := inbound(w, app, fmt.Sprint("w", n))
			return ev, attempted(w, ev, 1)[0]
		}
		for _, code := range []int{200, 201, 202, 204, 206, 299} {
			r.Answer(status(code))
			if ev, a := try(); !a.OK || a.Code != code || waiting(w, ev, hook) != nil {
				t.Errorf("%d: %+v", code, a)
			}
		}
		for what, c := range map[string]struct {
			url     string
			answer  http.HandlerFunc
			code    int
			failure string
		}{
			"not found":                   {r.URL, status(404), 404, "status"},
			"gone":                        {r.URL, status(410), 410, "status"},
			"too many requests":           {r.URL, status(429, "Retry-After", "3600"), 429, "status"},
			"unavailable":                 {r.URL, status(503, "Retry-After", "0"), 503, "status"},
			"asking to be disabled":       {r.URL, status(500, "Webhook-Delivery", "disable"), 500, "status"},
			"asking for no more of it":    {r.URL, status(500, "Webhook-Delivery", "abort-message"), 500, "status"},
			"redirect to what would take": {r.URL, status(307, "Location", good.URL), 307, "status"},
			"redirect for good":           {r.URL, status(301, "Location", good.URL), 301, "status"},
			"not modified":                {r.URL, status(304), 304, "status"},
			"no answer in time":           {r.URL, func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, 0, safehttp.CodeTimeout},
			"nobody there":                {closed.URL, nil, 0, safehttp.CodeConnectionRefused},
			"a certificate of nobody":     {untrusted.URL, nil, 0, "tls_"},
		} {
			r.Answer(c.answer)
			changeHook(w, hook, service.WebhookChange{URL: &c.url})
			ev, a := try()
			if a.OK || a.Code != c.code || !strings.HasPrefix(a.Failure, c.failure) {
				t.Errorf("%s: got %d %s, want %d %s", what, a.Code, a.Failure, c.code, c.failure)
			}
			if d := waiting(w, ev, hook); d == nil || d.State != hookswitch.DeliveryPending || d.NextAt.Sub(w.Clock.Now()) != time.Minute {
				t.Errorf("%s: %+v, want the first wait of a minute", what, d)
			}
		}
		if got := good.Got(); len(got) != 0 {
			t.Error("a redirect was followed")
		}
		if e := servicetest.Must(w.Store.Endpoint(t.Context(), app.Key, hook.Key))(t); e.Disabled || !e.FailSince.IsZero() {
			t.Errorf("failures have changed the webhook: %+v", e)
		}
	})
}

// Section 7: the header of each configuration, and what its digests cover.
func TestZavu_SignaturesOfEachConfiguration(t *testing.T) {
	t.Parallel()
	const hex = `[0-9a-f]{64}`
	for _, c := range []struct {
		version, profile string
		form             string
		v1Covers         webhook.V1Meaning // V1Refused: there is no v1
		v2               bool
		reported         string
	}{
		{"", "guide", `t=\d+,v1=(` + hex + `),v2=(` + hex + `)`, webhook.V1TimeAndBody, true, "v2"},
		{"", "strict", `t=\d+,v2=` + hex, webhook.V1Refused, true, "v2"},
		{"", "", `t=\d+,v1=(` + hex + `),v2=(` + hex + `)`, webhook.V1TimeAndBody, true, "v2"},
		{"v1", "guide", `t=\d+,v1=` + hex, webhook.V1Body, false, "v1"},
		{"v1", "strict", `t=\d+,v1=` + hex, webhook.V1Body, false, "v1"},
		{"v1+v2", "guide", `t=\d+,v1=(` + hex + `),v2=(` + hex + `)`, webhook.V1Body, true, "v1+v2"},
		{"v1+v2", "strict", `t=\d+,v1=(` + hex + `),v2=(` + hex + `)`, webhook.V1Body, true, "v1+v2"},
		{"v2", "guide", `t=\d+,v2=` + hex, webhook.V1Refused, true, "v2"},
		{"v2", "strict", `t=\d+,v2=` + hex, webhook.V1Refused, true, "v2"},
	} {
		t.Run(c.version+" "+c.profile, func(t *testing.T) {
			t.Parallel()
			w := servicetest.New(t, storetest.SQLite(t))
			w.Run(nil, func(d *deliver.Options, _ *work.Options) {
				d.Scheme, d.UserAgent = c.profile, map[hookswitch.ProfileName]string{hookswitch.ProfileZavu: "Zavu-Webhook/1.0"}
			})
			url, heads := rawServer(t, func(string) string { return okAnswer })
			app := w.App()
			hook := zavuHook(w, app, url+"/webhooks/zavu", c.version)
			ev := inbound(w, app, "w1")
			head := <-heads
			lines := strings.Split(head, "\r\n")
			want := []string{"POST /webhooks/zavu HTTP/1.1", "Host: " + strings.TrimPrefix(url, "http://"), "Content-Type: application/json", "User-Agent: Zavu-Webhook/1.0", "Accept: */*",
				"X-Zavu-Event: message.inbound", "", "Content-Length: " + strconv.Itoa(len(ev.Payload))}
			const at = 6
			if len(lines) != len(want) {
				t.Fatalf("the request is\n%s", head)
			}
			for i := range want {
				if i != at && lines[i] != want[i] {
					t.Errorf("line %q, want %q", lines[i], want[i])
				}
			}
			signature, ok := strings.CutPrefix(lines[at], "X-Zavu-Signature: ")
			if !ok || !regexp.MustCompile("^"+c.form+"$").MatchString(signature) || !strings.HasPrefix(signature, fmt.Sprintf("t=%d,", w.Clock.Now().Unix())) {
				t.Errorf("the signature is %q", lines[at])
			}
			if got := service.SignatureVersion(hook); got != c.reported {
				t.Errorf("reported is %q", got)
			}
			// Each part is judged for itself.
			verify := webhook.NewTimedVerifier(servicetest.Must(webhook.ParseTextSecret(hook.Secrets[0].Secret.Reveal()))(t)).WithNow(w.Clock.Now)
			judge := func(part string, meaning webhook.V1Meaning) error {
				var kept []string
				for _, p := range strings.Split(signature, ",") {
					if strings.HasPrefix(p, "t=") || strings.HasPrefix(p, part) {
						kept = append(kept, p)
					}
				}
				return verify.WithV1(meaning).Verify(http.Header{webhook.ZavuHeader: {strings.Join(kept, ",")}}, ev.Payload)
			}
			if err := judge("v2=", webhook.V1Refused); (err == nil) != c.v2 {
				t.Errorf("v2: %v", err)
			}
			for _, meaning := range []webhook.V1Meaning{webhook.V1Body, webhook.V1TimeAndBody} {
				if err := judge("v1=", meaning); (err == nil) != (meaning == c.v1Covers) {
					t.Errorf("v1 taken as %d: %v", meaning, err)
				}
			}
		})
	}
}

// Sections 2.3 and 7: what waits goes on with the URL and the secret of the moment.
func TestZavu_ARetryUsesTheNewURLAndTheNewSecretAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		r.Answer(servicetest.Status(500))
		app := w.App()
		hook := zavuHook(w, app, r.URL+"/old", "")
		ev := inbound(w, app, "w1")
		attempted(w, ev, 1)
		waiting(w, ev, hook)
		secret := servicetest.Must(w.Service.RegenerateWebhookSecret(t.Context(), app.Key, w.Service.IDs().Format(hookswitch.KindSender, hook.Sender)))(t)
		changeHook(w, hook, service.WebhookChange{URL: new(r.URL + "/new"), Events: []string{"message.read"}}) // what it is owed already stays owed
		w.Clock.Advance(time.Minute)
		attempted(w, ev, 2)
		got := r.Got()
		old := webhook.NewTimedVerifier(servicetest.Must(webhook.ParseTextSecret(hook.Secrets[0].Secret.Reveal()))(t)).WithNow(w.Clock.Now)
		now := webhook.NewTimedVerifier(servicetest.Must(webhook.ParseTextSecret(secret.Reveal()))(t)).WithNow(w.Clock.Now)
		if got[0].URI != "/old" || got[1].URI != "/new" || old.Verify(got[1].Header, got[1].Body) == nil {
			t.Errorf("to %s and %s; the old secret still signs: %t", got[0].URI, got[1].URI, old.Verify(got[1].Header, got[1].Body) == nil)
		}
		if err := now.Verify(got[1].Header, got[1].Body); err != nil {
			t.Error(err)
		}
	})
}

// Section 2.3: webhookActive false and webhookUrl null stop what waits, and it does not come back.
func TestZavu_WhatWaitsStopsWithItsWebhook(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		app := w.App()
		hook := zavuHook(w, app, r.URL, "")
		for _, c := range []struct {
			what       string
			stop, back service.WebhookChange
		}{
			{"inactive", service.WebhookChange{Active: new(false)}, service.WebhookChange{Active: new(true)}},
			{"removed", service.WebhookChange{Remove: true}, service.WebhookChange{URL: new(r.URL), Events: []string{"message.inbound"}}},
		} {
			r.Answer(servicetest.Status(500))
			waits := inbound(w, app, c.what+" 1")
			attempted(w, waits, 1)
			waiting(w, waits, hook)
			before := len(r.Got())
			stopped := changeHook(w, hook, c.stop)
			r.Answer(nil)
			meanwhile := inbound(w, app, c.what+" 2")
			back := changeHook(w, hook, c.back)
			if c.stop.Remove && (stopped != nil || back.Key == hook.Key) {
				t.Errorf("%s: %+v came back", c.what, back)
			}
			w.Clock.Advance(5 * time.Hour)
			after := inbound(w, app, c.what+" 3")
			attempted(w, after, 1)
			servicetest.Eventually(t, "it is ended", func() bool {
				d := w.Delivery(hookswitch.DeliverWebhook, waits.Key, hook.Key)
				return d.State == hookswitch.DeliveryCanceled
			})
			if got := r.Got()[before:]; len(got) != 1 || string(got[0].Body) != string(after.Payload) || len(meanwhile.Targets) != 0 {
				t.Errorf("%s: %d requests since it was stopped, the event meanwhile is owed to %v", c.what, len(got), meanwhile.Targets)
			}
		}
	})
}

// Section 8: a resend by hand of what has failed for good, or was delivered, has the same id and body, and a new t.
func TestZavu_AResendByHandIsTheSameEventSignedAnew(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			p := o.Profiles[hookswitch.ProfileZavu]
			p.Waits = nil
			o.Profiles[hookswitch.ProfileZavu] = p
		})
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		r.Answer(servicetest.Status(500))
		app := w.App()
		hook := zavuHook(w, app, r.URL, "")
		ev := inbound(w, app, "w1")
		attempted(w, ev, 1)
		if d := waiting(w, ev, hook); d == nil || d.State != hookswitch.DeliveryFailed {
			t.Fatalf("after its only attempt it is %+v", d)
		}
		r.Answer(nil)
		for try := 2; try <= 3; try++ {
			w.Clock.Advance(time.Hour)
			resend(w, ev, hook)
			if a := attempted(w, ev, try)[try-1]; !a.OK || !a.Manual {
				t.Errorf("attempt %d: %+v", try, a)
			}
			waiting(w, ev, hook)
		}
		got := r.Got()
		for i := 1; i < len(got); i++ {
			if string(got[i].Body) != string(got[0].Body) || timeOf(t, got[i]) != timeOf(t, got[0])+int64(i)*3600 {
				t.Errorf("attempt %d: %s\n%s", i+1, got[i].Header.Get(webhook.ZavuHeader), got[i].Body)
			}
		}
	})
}
