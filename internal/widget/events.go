package widget

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/store"
)

const (
	// A stream is woken by what happens on its node, and looks for what other nodes do: often while an answer is near, else seldom.
	lookSoon  = time.Second
	lookLater = 3 * time.Second
	// busyTime is how long after the last sign of life an answer counts as near.
	busyTime = 30 * time.Second
	// aliveEvery is how often a stream that has nothing to say says so: proxies end what is silent for a minute, and browsers notice a dead connection by it.
	aliveEvery = 15 * time.Second
	// writeTime is how long a browser may take for what is sent to it.
	writeTime = 10 * time.Second
	// batch is how many messages are read at a time.
	batch = 100
)

// events streams what comes to be seen of the visitor's conversation as server-sent events: "message" for each message, once, with the cursor behind it as id;
// "typing" when an answer is on its way, or no longer; "replaced" when the visitor has opened too many tabs.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (wg *Widget) events(w http.ResponseWriter, r *http.Request) error {
	s, c, err := wg.enter(w, r, tokenOf(r))
	if err != nil {
		return err
	}
	now := wg.now()
	if err := wg.limits.watch.take(s.visitor, now); err != nil {
		return err
	}
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after")
	}
	from, ok := parseCursor(after)
	if after != "" && !ok {
		return &hookswitch.Error{Kind: hookswitch.Invalid, Code: "invalid_cursor", Message: "Last-Event-ID must be the cursor of /init, or the id of an event."}
	}
	place, err := wg.streams.enter(s.visitor, addressOf(r))
	if err != nil {
		return err
	}
	defer wg.streams.leave(place)
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Time{}) // where the server sets none, there is none to clear
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	st := &stream{wg: wg, session: s, chat: c, cursor: from, place: place, w: w, rc: rc}
	if st.write(": connected\nretry: 2000\n\n") != nil {
		return nil
	}
	if after == "" {
		if err := st.begin(r.Context(), now); err != nil {
			return ended(r, err)
		}
	}
	return ended(r, st.run(r.Context()))
}

// ended is what becomes of an error in the midst of a stream: the connection is cut, and the browser comes back, unless it has left.
func ended(r *http.Request, err error) error {
	if r.Context().Err() != nil {
		return nil
	}
	return err
}

// stream is one browser that waits.
type stream struct {
	wg           *Widget
	session      *session
	chat         *chat
	conversation hookswitch.Key // 0: there is none yet
	cursor       cursor
	typing       bool
	place        *place
	w            io.Writer
	rc           *http.ResponseController
	gone         bool // the browser has left
}

// begin sends the conversation so far to a browser that has no cursor.
func (st *stream) begin(ctx context.Context, now time.Time) error {
	h, err := st.wg.history(ctx, st.chat, st.session, now)
	if err != nil {
		return err
	}
	behind := h.cursor
	if len(h.messages) > 0 {
		st.cursor = cursor{mark: min(behind.mark, h.messages[0].Key-1)}
	}
	for _, m := range h.messages {
		st.send(m)
	}
	st.cursor = behind
	return nil
}

func (st *stream) run(ctx context.Context) error {
	look, alive := time.NewTimer(lookSoon), time.NewTicker(aliveEvery)
	defer look.Stop()
	defer alive.Stop()
	over := time.NewTimer(sessionLife - st.wg.now().Sub(st.session.issued))
	defer over.Stop()
	busy := time.Now()
	for {
		bell := st.wg.svc.VisitorBell(st.chat.visitor(st.session)) // before looking, so that nothing comes in between
		news, err := st.forward(ctx)
		if err != nil || st.gone {
			return err
		}
		if news || st.typing {
			busy = time.Now()
		}
		wait := lookLater
		if time.Since(busy) < busyTime {
			wait = lookSoon
		}
		look.Reset(wait)
		select {
		case <-ctx.Done():
			return nil
		case <-st.wg.stopping:
			return nil
		case <-over.C: // the browser comes back with a new token
			return nil
		case <-st.place.replaced:
			_ = st.write("event: replaced\ndata: {}\n\n")
			return nil
		case <-bell:
		case <-look.C:
		case <-alive.C:
			if st.write(": alive\n\n") != nil {
				return nil
			}
		}
	}
}

// forward sends what is new, and reports whether there was anything.
func (st *stream) forward(ctx context.Context) (news bool, err error) {
	svc, visitor := st.wg.svc, st.chat.visitor(st.session)
	if st.conversation == 0 {
		conv, err := svc.VisitorConversation(ctx, visitor)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		st.conversation = conv.Key
	}
	// Whether an answer is near is read before the messages: an answer that is sent in between is then seen while it is still on its way, and never the
	// other way round, where it would be gone and not there yet.
	typing, err := svc.Answering(ctx, st.conversation)
	if err != nil {
		return false, err
	}
	clock := st.wg.now()
	var open []hookswitch.Key
	for after := st.cursor.mark; ; {
		page, err := svc.VisitorMessages(ctx, visitor, st.conversation, store.Page{Limit: batch, After: after, Ascending: true})
		if err != nil {
			return news, err
		}
		open = append(open, page.Open...)
		for _, m := range st.cursor.fresh(&page) {
			news = true
			if st.send(m); st.gone {
				return news, nil
			}
		}
		if !page.Full {
			break
		}
		after = page.Last
	}
	st.cursor.advance(clock, open)
	if typing != st.typing {
		st.typing, news = typing, true
		st.event("typing", "", map[string]bool{"typing": typing})
	}
	return news, nil
}

// send sends one message. The cursor has it from then on.
func (st *stream) send(m *hookswitch.Message) {
	st.cursor.add(m.Key)
	if out, ok := st.wg.newMessage(m, st.session.visitor); ok {
		st.event("message", st.cursor.String(), out)
	}
}

// event writes one event. Data is one line: encoded JSON has no line breaks.
func (st *stream) event(name, id string, v any) {
	data, err := json.Marshal(v)
	if err != nil || st.gone {
		return // what is sent can be encoded
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	st.gone = st.write(id+"event: "+name+"\ndata: "+string(data)+"\n\n") != nil
}

func (st *stream) write(text string) error {
	_ = st.rc.SetWriteDeadline(time.Now().Add(writeTime)) // a writer without deadlines has none to move
	if _, err := io.WriteString(st.w, text); err != nil {
		return err
	}
	return st.rc.Flush()
}
