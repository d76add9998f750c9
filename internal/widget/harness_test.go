package widget_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/widget"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const site = "https://www.oaktowers.example"

// door is the widget's door over a world.
type door struct {
	*servicetest.World
	url    string
	http   *http.Client
	app    *hookswitch.App
	sender *hookswitch.Sender
	stop   chan struct{}
}

func newDoor(t *testing.T, db *storetest.DB, change ...func(*widget.Options)) *door {
	t.Helper()
	w := servicetest.New(t, db, func(o *servicetest.Options) { o.Providers = append(o.Providers, webchat.New()) })
	d := serve(w, change...)
	d.app = w.App()
	d.sender = d.chat("Oak Towers", site)
	return d
}

// serve is a door of its own over a world.
func serve(w *servicetest.World, change ...func(*widget.Options)) *door {
	w.TB.Helper()
	d := &door{World: w, stop: make(chan struct{})}
	o := widget.Options{Service: w.Service, Key: []byte("0123456789abcdef0123456789abcdef"), Now: w.Clock.Now, Stopping: d.stop}
	for _, c := range change {
		c(&o)
	}
	mux := httpapi.NewMux(&httpapi.Surface{Name: "test"})
	servicetest.Must(widget.New(o))(w.TB).Register(mux)
	srv := httptest.NewServer(httpapi.Chain(mux, httpapi.WithRequestID, httpapi.SecurityHeaders, httpapi.Gzip))
	w.TB.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	d.url, d.http = srv.URL, srv.Client()
	d.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return d
}

// chat makes a sender with a web chat, answered by the responder of the test, that the origins may show.
func (d *door) chat(name string, origins ...string) *hookswitch.Sender {
	d.TB.Helper()
	spec := service.SenderSpec{Name: name, Channel: hookswitch.WebChat, Provider: "webchat",
		Credentials: hookswitch.Credentials{"allowed_origins": origins, "title": {name}, "greeting": {"Hello!"}, "colour": {"#1F4FD8"}},
		Responder:   &hookswitch.ResponderConfig{Kind: "test", Raw: []byte(`{"kind":"test"}`)}}
	return servicetest.Must(d.Service.ApplySenders(context.Background(), d.app.Key, []service.SenderSpec{spec}))(d.TB)[0].Sender
}

func (d *door) id(s *hookswitch.Sender) string {
	return d.Service.IDs().Format(hookswitch.KindSender, s.Key)
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (d *door) do(method, path, body string, header ...string) answer {
	d.TB.Helper()
	r, err := http.NewRequest(method, d.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		d.TB.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := d.http.Do(r)
	if err != nil {
		d.TB.Fatal(err)
	}
	defer res.Body.Close()
	return answer{res.StatusCode, res.Header, string(servicetest.Must(io.ReadAll(res.Body))(d.TB))}
}

// want fails the test unless an error has the status and the code.
func (a answer) want(tb testing.TB, status int, code string) {
	tb.Helper()
	var out struct{ Code, Message string }
	if json.Unmarshal([]byte(a.body), &out) != nil || a.status != status || out.Code != code || out.Message == "" {
		tb.Errorf("answered %d %s, want %d with the code %s", a.status, a.body, status, code)
	}
}

func decode[T any](tb testing.TB, a answer, status int) T {
	tb.Helper()
	var out T
	if a.status != status {
		tb.Fatalf("answered %d %s, want %d", a.status, a.body, status)
	}
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		tb.Fatalf("%v: %s", err, a.body)
	}
	return out
}

// message is a message as a browser gets it.
type message struct {
	ID, From, Text, ClientID string
	Read                     bool
	Choices                  []struct{ ID, Title string }
	Link                     *struct{ URL, Title string }
}

type started struct {
	Token, Cursor, Title, Greeting, Colour, ColourText string
	ConversationID                                     *string
	Resumed, Typing                                    bool
	Messages                                           []message
	Texts                                              map[string]string
	MaxLength                                          int
}

// visitor is somebody's browser.
type visitor struct {
	*door
	started
	last string // the id of the last event
}

// visit begins a session, or resumes the one of the token.
func (d *door) visit(token string) *visitor {
	d.TB.Helper()
	body := servicetest.Must(json.Marshal(map[string]string{"sender": d.id(d.sender), "token": token}))(d.TB)
	v := &visitor{door: d, started: decode[started](d.TB, d.do("POST", "/api/v1/widget/init", string(body), "Origin", site), 200)}
	v.last = v.Cursor
	return v
}

func (v *visitor) post(path string, in any) answer {
	v.TB.Helper()
	body := servicetest.Must(json.Marshal(in))(v.TB)
	return v.do("POST", "/api/v1/widget/"+path, string(body), "Origin", site, "Authorization", "Bearer "+v.Token)
}

// say writes a message under the browser's own id.
func (v *visitor) say(id, text string) message {
	v.TB.Helper()
	return decode[struct{ Message message }](v.TB, v.post("message", map[string]string{"id": id, "text": text}), 201).Message
}

// stream is an open stream of events.
type stream struct {
	v     *visitor
	lines *bufio.Scanner
	stop  func()
}

type event struct{ id, name, data string }

// watch opens a stream behind what the browser has.
func (v *visitor) watch() *stream {
	v.TB.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	r := servicetest.Must(http.NewRequestWithContext(ctx, "GET", v.url+"/api/v1/widget/events", nil))(v.TB)
	r.Header.Set("Origin", site)
	r.Header.Set("Authorization", "Bearer "+v.Token)
	if v.last != "" {
		r.Header.Set("Last-Event-ID", v.last)
	}
	res := servicetest.Must(v.http.Do(r))(v.TB)
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" || res.Header.Get("Access-Control-Allow-Origin") != site {
		v.TB.Fatalf("the stream answered %d %v", res.StatusCode, res.Header)
	}
	s := &stream{v: v, lines: bufio.NewScanner(res.Body), stop: func() {
		cancel()
		_ = res.Body.Close()
	}}
	s.lines.Buffer(nil, 1<<20)
	v.TB.Cleanup(s.stop)
	return s
}

// next waits for the next event; ok is false when the stream is over.
func (s *stream) next() (e event, ok bool) {
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name == "" {
				continue
			}
			if e.id != "" {
				s.v.last = e.id
			}
			return e, true
		}
	}
	return e, false
}

// messages waits for n messages.
func (s *stream) messages(n int) []message {
	s.v.TB.Helper()
	var out []message
	for len(out) < n {
		e, ok := s.next()
		if !ok {
			s.v.TB.Fatalf("the stream ended after %v, want %d messages", texts(out), n)
		}
		if e.name == "message" {
			out = append(out, servicetest.Must(decodeText[message](e.data))(s.v.TB))
		}
	}
	return out
}

func decodeText[T any](text string) (out T, err error) {
	return out, json.Unmarshal([]byte(text), &out)
}

func texts(list []message) []string {
	out := make([]string, len(list))
	for i, m := range list {
		out[i] = m.Text
	}
	return out
}

// echo answers every message with its text.
func echo(_ context.Context, turn *hookswitch.Turn) (hookswitch.Reply, error) {
	return hookswitch.Reply{Text: "You said " + turn.Text}, nil
}

// reply plays the engine: it has the responder answer all that waits for it, and queues the answers.
func (d *door) reply(text string) {
	d.TB.Helper()
	replied := 0
	for list := d.Claim(hookswitch.DeliverRespond); len(list) > 0; list = d.Claim(hookswitch.DeliverRespond) {
		for _, l := range list {
			replied++
			if err := d.Service.CommitReply(context.Background(), &l.Outcome, hookswitch.Reply{Text: text}); err != nil {
				d.TB.Fatal(err)
			}
		}
	}
	if replied == 0 {
		d.TB.Fatal("no message waits for an answer")
	}
}

// deliver plays the engine: it sends all that is queued.
func (d *door) deliver() {
	d.TB.Helper()
	ctx := context.Background()
	for list := d.Claim(hookswitch.DeliverMessage); len(list) > 0; list = d.Claim(hookswitch.DeliverMessage) {
		for _, l := range list {
			send := servicetest.Must(d.Service.BeginSend(ctx, &l.Outcome))(d.TB)
			acc, failure := send.Sender.Send(ctx, send.Out)
			servicetest.Must(d.Service.FinishSend(ctx, &l.Outcome, l.Tries, acc, failure))(d.TB)
		}
	}
}

func (d *door) conversations() []*hookswitch.Conversation {
	d.TB.Helper()
	return servicetest.Must(d.Service.Conversations(context.Background(), d.app.Key, store.Page{Limit: 100}))(d.TB)
}
