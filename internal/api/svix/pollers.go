package svix

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// The iterator of a poller is the id of the message at its place, how many milliseconds after it was made that has its turn, and the epoch of the consumer:
// msg_….0.0. To its callers it is a word.

func (h *Handler) appendIterator(b []byte, it service.ConsumerIterator) []byte {
	key := max(it.Place.Key, 1) // nothing has a lower key
	b = h.ids.Append(append(b, '"'), hookswitch.KindEvent, key)
	b = strconv.AppendInt(append(b, '.'), max(it.Place.At-key.Millis(), 0), 36)
	return append(strconv.AppendInt(append(b, '.'), it.Epoch, 36), '"')
}

func (h *Handler) parseIterator(s string) (it service.ConsumerIterator, ok bool) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return it, false
	}
	key, ok := h.ids.Parse(hookswitch.KindEvent, parts[0])
	if !ok {
		return it, false
	}
	delay, err := strconv.ParseUint(parts[1], 36, 32)
	if err != nil {
		return it, false
	}
	epoch, err := strconv.ParseUint(parts[2], 36, 63)
	if err != nil {
		return it, false
	}
	return service.ConsumerIterator{Place: hookswitch.Place{At: key.Millis() + int64(delay), Key: key}, Epoch: int64(epoch)}, true
}

// appendPolled appends a message as pollers get it. headers are those that a webhook would have beyond the usual ones.
func (h *Handler) appendPolled(b []byte, ev *hookswitch.Event) []byte {
	b = h.appendMessageFields(b, ev, true)
	if ev.ContentType != "" {
		b = append(appendText(append(b, `,"headers":{"content-type":`...), ev.ContentType), '}')
	}
	return append(b, '}')
}

// writePolled answers with events, oldest first.
func (h *Handler) writePolled(w http.ResponseWriter, got store.Stream, it service.ConsumerIterator) error {
	b := append(make([]byte, 0, 512*(len(got.Events)+1)), `{"data":[`...)
	for i, ev := range got.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = h.appendPolled(b, ev)
	}
	b = h.appendIterator(append(b, `],"iterator":`...), it)
	b = strconv.AppendBool(append(b, `,"done":`...), got.Done)
	return writeJSON(w, http.StatusOK, append(b, '}'))
}

// poller is the poller of the path. It opens on first use. For whoever may not read from it, it does not exist.
func (h *Handler) poller(r *http.Request, app *hookswitch.App) (*hookswitch.Poller, error) {
	if !callerOf(r).mayPoll(app.Key, r.PathValue("sink_id")) {
		return nil, hookswitch.NotFoundf("poller not found")
	}
	return h.service.Poller(r.Context(), app.Key, r.PathValue("sink_id"))
}

// poll reads the messages of an application in the order in which they were made. Without an iterator it gives the first one, and no messages.
func (h *Handler) poll(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	limit := q.Int("limit", defaultLimit, 1, maxLimit)
	var f store.EventFilter
	if name := q.Text("event_type"); name != "" {
		if m := hookswitch.CheckName(name); m != "" {
			q.Fail(m, "event_type")
		}
		f.Types = []string{name}
	}
	if f.Tag = q.Text("channel"); f.Tag != "" {
		if m := hookswitch.CheckTag(f.Tag); m != "" {
			q.Fail(m, "channel")
		}
	}
	var it service.ConsumerIterator
	first := true
	if s := q.Text("iterator"); s != "" {
		var ok bool
		if it, ok = h.parseIterator(s); !ok {
			q.Fail("is not an iterator of this list", "iterator")
		}
		first = false
	}
	if after := q.Time("after"); !after.IsZero() {
		if p := placeBefore(after); it.Place.Less(p) {
			it.Place = p
		}
	}
	if err := q.Err(); err != nil {
		return err
	}
	if _, err := h.poller(r, app); err != nil {
		return err
	}
	if first {
		return h.writePolled(w, store.Stream{}, it)
	}
	got, err := h.service.Poll(r.Context(), app.Key, f, it.Place, limit)
	if err != nil {
		return err
	}
	return h.writePolled(w, got, service.ConsumerIterator{Place: got.Next})
}

// placeBefore is hookswitch.PlaceBefore for any time, also for those that keys cannot express.
func placeBefore(t time.Time) hookswitch.Place {
	key := keyAt(t) - 1
	return hookswitch.Place{At: key.Millis(), Key: key}
}

// pollConsumer is poll for a consumer whose place the server keeps. The iterator of an answer, given back, says that what came with it has been dealt with.
func (h *Handler) pollConsumer(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	limit := q.Int("limit", defaultLimit, 1, maxLimit)
	var it *service.ConsumerIterator
	if s := q.Text("iterator"); s != "" {
		given, ok := h.parseIterator(s)
		if !ok {
			q.Fail("is not an iterator of this list", "iterator")
		}
		it = &given
	}
	if err := q.Err(); err != nil {
		return err
	}
	p, err := h.poller(r, app)
	if err != nil {
		return err
	}
	got, next, err := h.service.PollConsumer(r.Context(), p, r.PathValue("consumer_id"), it, limit)
	if err != nil {
		return err
	}
	return h.writePolled(w, got, next)
}

type seekIn struct {
	After *string `json:"after"`
}

// seekConsumer sets a consumer's place to a time.
func (h *Handler) seekConsumer(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	in, err := httpapi.Decode[seekIn](r)
	if err != nil {
		return err
	}
	idem, err := idempotency(r)
	if err != nil {
		return err
	}
	if in.After == nil {
		return hookswitch.InvalidField("is required", "after")
	}
	after, ok := httpapi.ParseTime(*in.After)
	if !ok {
		return hookswitch.InvalidField("must be a time such as 2025-01-31T12:00:00Z", "after")
	}
	p, err := h.poller(r, app)
	if err != nil {
		return err
	}
	it, err := h.service.SeekConsumer(r.Context(), p, r.PathValue("consumer_id"), placeBefore(after), idem)
	if err != nil {
		return err
	}
	return writeJSON(w, http.StatusOK, append(h.appendIterator([]byte(`{"iterator":`), it), '}'))
}

// receiveConsumer gives a consumer messages with numbers, which it commits.
func (h *Handler) receiveConsumer(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	q := httpapi.NewQuery(r)
	l := service.Lease{
		Limit:  q.Int("limit", defaultLimit, 1, maxLimit),
		For:    time.Duration(q.Int("lease_duration_ms", 0, 0, int(service.MaxLease.Milliseconds()))) * time.Millisecond,
		Latest: q.OneOf("starting_position", "earliest", "earliest", "latest") == "latest",
	}
	if err := q.Err(); err != nil {
		return err
	}
	p, err := h.poller(r, app)
	if err != nil {
		return err
	}
	got, err := h.service.ReceiveConsumer(r.Context(), p, r.PathValue("consumer_id"), l)
	if err != nil {
		return err
	}
	b := append(make([]byte, 0, 512*(len(got.Events)+1)), `{"data":[`...)
	for i, ev := range got.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(append(b, `{"offset":`...), got.First+int64(i), 10)
		b = append(append(b, ','), h.appendPolled(nil, ev)[1:]...)
	}
	b = strconv.AppendBool(append(b, `],"done":`...), got.Done)
	return writeJSON(w, http.StatusOK, append(b, '}'))
}

type commitIn struct {
	Offset *int64 `json:"offset"`
}

// commitConsumer says that a consumer has dealt with the messages up to a number.
func (h *Handler) commitConsumer(w http.ResponseWriter, r *http.Request, app *hookswitch.App) error {
	if _, err := idempotency(r); err != nil {
		return err
	}
	in, err := httpapi.Decode[commitIn](r)
	if err != nil {
		return err
	}
	if in.Offset == nil || *in.Offset < 0 {
		return hookswitch.InvalidField("must be the offset of a message", "offset")
	}
	p, err := h.poller(r, app)
	if err != nil {
		return err
	}
	if err := h.service.CommitConsumer(r.Context(), p, r.PathValue("consumer_id"), *in.Offset); err != nil {
		return err
	}
	return httpapi.NoContent(w)
}
