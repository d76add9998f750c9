package simulate_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

const gateway = "https://gateway.test"

func number() simulate.Twilio { return simulate.DemoTwilio(gateway) }

var twilioCredentials = hookswitch.Credentials{"account_sid": {simulate.DemoTwilioAccountSID}, "auth_token": {simulate.DemoTwilioAuthToken}}

// genuine is what the adapter reads from a push, which must be genuine.
func genuine(t *testing.T, p simulate.Push) []hookswitch.Update {
	t.Helper()
	adapter, push := twilio.New(twilio.Options{}), received(t, p)
	if err := adapter.Verify(push, twilioCredentials); err != nil {
		t.Errorf("%s %s: %v", p.Path, p.Body, err)
	}
	updates, err := adapter.Parse(push)
	if err != nil || len(updates) == 0 {
		t.Fatalf("%s: %v, %v", p.Body, updates, err)
	}
	return updates
}

func TestTwilio_IsUnderstoodByTheAdapter(t *testing.T) {
	t.Parallel()
	n := number()
	const from, name, text = "+254712345678", "Zoë 🦊 & co", " 50% off + \"free\"\n=?&"
	for what, tt := range map[string]struct {
		push            simulate.Push
		channel         hookswitch.Channel
		kind, text, key string
		value           any
	}{
		"SMS":      {n.SMS(from, text), hookswitch.SMS, "", text, "provider", "twilio"},
		"MMS":      {n.MMS(from, "", n.File("image/jpeg"), n.File("video/mp4")), hookswitch.SMS, "image", "", "numMedia", 2},
		"STOP":     {n.OptOut(from, "stop"), hookswitch.SMS, "", "stop", "optOut", "STOP"},
		"WhatsApp": {n.WhatsAppText(from, name, text), hookswitch.WhatsApp, "", text, "profileName", name},
		"sticker":  {n.WhatsAppFile(from, name, "sticker", "", n.File("image/webp")), hookswitch.WhatsApp, "sticker", "", "mimeType", "image/webp"},
		"button":   {n.WhatsAppButton(from, name, "SM1", "yes", "Ja ✔"), hookswitch.WhatsApp, "button_reply", "Ja ✔", "payload", "yes"},
		"place":    {n.WhatsAppLocation(from, name, simulate.Place{Latitude: -1.5, Longitude: 36.25, Name: "HQ"}), hookswitch.WhatsApp, "location", "", "longitude", 36.25},
	} {
		u := genuine(t, tt.push)[0]
		m := u.Message
		if m == nil || u.Channel != tt.channel || u.Address != n.Number || m.From != from || m.Kind != tt.kind || m.Text != tt.text || m.Metadata[tt.key] != tt.value ||
			m.ProviderID != tt.push.IDs[0] {
			t.Errorf("%s: %+v %+v", what, u, m)
		}
		if twilio.New(twilio.Options{}).Verify(received(t, n.Forge(tt.push)), twilioCredentials) == nil {
			t.Errorf("%s: a forged push proves genuine", what)
		}
	}
	if updates := genuine(t, n.OptOut(from, "STOP")); len(updates) != 2 || updates[1].OptOut == nil {
		t.Errorf("STOP: %+v", updates)
	}
	r := genuine(t, n.Status("/in/snd_1/whatsapp?ref=msg_1", "SM1", "whatsapp:"+from, "undelivered", 63016))[0]
	if r.Receipt == nil || r.Channel != hookswitch.WhatsApp || r.Receipt.Ref != "msg_1" || r.Receipt.ErrorCode != "63016" || r.Receipt.Recipient != from || r.Address != n.Number {
		t.Errorf("report: %+v %+v", r, r.Receipt)
	}
	c := genuine(t, n.CallStatus("CA1", from, "completed", 90*time.Second))[0]
	if c.Dialogue == nil || c.Dialogue.End == nil || c.Dialogue.End.Duration != 90*time.Second || c.At.IsZero() {
		t.Errorf("report of a call: %+v %+v", c, c.Dialogue)
	}
}

// doorstep is a server that counts what is pushed to each path and answers what it is told to.
type doorstep struct {
	mu     sync.Mutex
	pushes []*hookswitch.Push
	status map[string]int // of a path; 0: 200
}

func (d *doorstep) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u, _ := url.Parse(gateway + r.URL.RequestURI())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pushes = append(d.pushes, &hookswitch.Push{Method: r.Method, URL: u, Header: r.Header, Body: body})
	if s := d.status[r.URL.Path]; s != 0 {
		w.WriteHeader(s)
	}
}

func (d *doorstep) paths() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, p := range d.pushes {
		list = append(list, p.URL.Path)
	}
	return list
}

func TestTwilio_DeliversAsTwilioDoes(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status   map[string]int
		fallback string
		want     []string
		code     string // of the push to the fallback address
		answer   int
	}{
		"taken":                      {nil, "/fallback", []string{"/api/channels/sms"}, "", 200},
		"refused without a fallback": {map[string]int{"/api/channels/sms": 503}, "", []string{"/api/channels/sms"}, "", 503},
		"refused":                    {map[string]int{"/api/channels/sms": 503}, "/fallback", []string{"/api/channels/sms", "/fallback"}, "11200", 200},
		"refused twice":              {map[string]int{"/api/channels/sms": 401, "/fallback": 500}, "/fallback", []string{"/api/channels/sms", "/fallback"}, "11200", 500},
	} {
		d := &doorstep{status: tt.status}
		n := number()
		n.FallbackPath = tt.fallback
		p := n.SMS("+254712345678", "hi")
		res, err := n.Deliver(t.Context(), &http.Client{Transport: direct{d}}, gateway, p)
		if err != nil || res.Status != tt.answer {
			t.Errorf("%s: %d, %v", name, res.Status, err)
		}
		if diff := cmp.Diff(tt.want, d.paths()); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		last := d.pushes[len(d.pushes)-1]
		form, _ := url.ParseQuery(string(last.Body))
		if form.Get("ErrorCode") != tt.code || form.Get("MessageSid") != p.IDs[0] || tt.code != "" && form.Get("ErrorUrl") != gateway+"/api/channels/sms" {
			t.Errorf("%s: last pushed %v", name, form)
		}
		if err := twilio.New(twilio.Options{}).Verify(last, twilioCredentials); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// deaf is a network on which nothing can be connected to.
type deaf struct{ tries int }

func (d *deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	d.tries++
	var none http.Transport
	return none.RoundTrip(r)
}

func TestTwilio_TriesToConnectTwice(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close() // its port refuses
	n, d := number(), &deaf{}
	if _, err := n.Deliver(t.Context(), &http.Client{Transport: d}, srv.URL, n.SMS("+1", "hi")); err == nil || d.tries != 2 {
		t.Errorf("%d tries, %v", d.tries, err)
	}
}

func TestTwilio_PlaysACall(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		replies []hookswitch.DialogueReply
		answers []string
		want    simulate.Call
		heard   []string // by the gateway, turn by turn
	}{
		"to its end": {
			[]hookswitch.DialogueReply{{Text: "Hello <you> & yours."}, {Text: "Press 1."}, {Text: "Anybody there?"}, {Text: "Bye.", End: true}},
			[]string{"What now?", "1#", ""},
			simulate.Call{HungUp: true, Lines: []simulate.CallLine{{"Hello <you> & yours.", "What now?"}, {"Press 1.", "1#"}, {"Anybody there?", ""}, {"Bye.", ""}}},
			[]string{"0 ", "1 What now?", "2 1#", "3 ", "completed"},
		},
		"the caller hangs up": {
			[]hookswitch.DialogueReply{{Text: "Hello."}}, nil, simulate.Call{Lines: []simulate.CallLine{{"Hello.", ""}}}, []string{"0 ", "completed"},
		},
		"connected": {
			[]hookswitch.DialogueReply{{Text: "One moment.", Dial: "+15551234567"}}, []string{"never said"},
			simulate.Call{Dialled: "+15551234567", Lines: []simulate.CallLine{{"One moment.", ""}}}, []string{"0 ", "completed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			adapter := twilio.New(twilio.Options{})
			var heard []string
			n := 0
			gate := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				d := &doorstep{}
				d.ServeHTTP(httptest.NewRecorder(), r)
				push := d.pushes[0]
				if err := adapter.Verify(push, twilioCredentials); err != nil {
					t.Error(err)
				}
				updates, err := adapter.Parse(push)
				if err != nil || len(updates) != 1 {
					t.Errorf("%v, %v", updates, err)
					return
				}
				s := updates[0].Dialogue
				a := adapter.Ack(push)
				if s.End != nil {
					heard = append(heard, s.End.Status)
				} else {
					heard = append(heard, string(rune('0'+s.Turn))+" "+s.Input)
					reply := tt.replies[n]
					n++
					reply.Turn = n
					a = adapter.Say(push, s, reply)
				}
				w.Header().Set("Content-Type", a.ContentType)
				_, _ = w.Write(a.Body)
			})
			call, err := number().Call(t.Context(), &http.Client{Transport: direct{gate}}, gateway, "+254712345678", tt.answers...)
			if err != nil {
				t.Fatal(err)
			}
			tt.want.SID = call.SID
			if diff := cmp.Diff(tt.want, call); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(tt.heard, heard); diff != "" {
				t.Errorf("the gateway heard: -want +got\n%s", diff)
			}
		})
	}
}

func TestTwilio_FollowsNoAnswerThatTwilioWouldNot(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status     int
		kind, body string
	}{
		"an error":              {500, "text/xml", "<Response/>"},
		"a plain text":          {200, "text/plain", "hello"},
		"no TwiML":              {200, "text/xml", "<Reply/>"},
		"broken":                {200, "text/xml", "<Response><Say>a & b</Say></Response>"},
		"an unknown verb":       {200, "text/xml", "<Response><Sing>la</Sing></Response>"},
		"silence leads nowhere": {200, "text/xml", `<Response><Gather action="/x"/></Response>`},
		"away from us":          {200, "text/xml", `<Response><Gather action="https://other.test/x" actionOnEmptyResult="true"/></Response>`},
	} {
		gate := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/status") {
				return
			}
			w.Header().Set("Content-Type", tt.kind)
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.body))
		})
		if call, err := number().Call(t.Context(), &http.Client{Transport: direct{gate}}, gateway, "+254712345678", "hi", "hi"); err == nil {
			t.Errorf("%s: %+v, want an error", name, call)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := number().Call(ctx, &http.Client{Transport: direct{http.NotFoundHandler()}}, gateway, "+1"); err == nil {
		t.Error("a call goes on after its context has ended")
	}
}
