package httpapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Handler answers one request. It either writes an answer and returns nil, or writes nothing and returns an error, which its
// Surface turns into an answer. An error after the answer has begun cuts the connection.
type Handler func(w http.ResponseWriter, r *http.Request) error

// DefaultMaxBody is the limit, in bytes, of request bodies on a Surface that sets none.
const DefaultMaxBody = 2 << 20

// Surface is what the handlers of one API have in common. Its fields are set before the first use and not changed after.
type Surface struct {
	// Name tells the APIs apart in the log.
	Name string
	// Auth checks the credential of a request and returns the context its handler gets. nil lets everybody in.
	Auth func(r *http.Request) (context.Context, error)
	// Wrap puts something around every handler, inside authentication and limits, such as the repetition of stored answers. nil adds nothing.
	Wrap func(Handler) Handler
	// MaxBody is the greatest size of a request body in bytes; 0 means DefaultMaxBody.
	MaxBody int64
	// Statuses are those that differ from Status. The one of Invalid is for errors with Fields; others of that kind are always 400.
	Statuses map[hookswitch.ErrorKind]int
	// WriteError writes e in the shape of the API with the status. Whatever must not be shown has been removed, and Message is never
	// empty. nil writes {"code", "message"}.
	WriteError func(w http.ResponseWriter, r *http.Request, status int, e *hookswitch.Error)
	// Log gets the causes of errors that are not shown. nil drops them.
	Log *slog.Logger
}

// With is s with the changes of f, for a group of routes that differs in a field or two.
func (s *Surface) With(f func(*Surface)) *Surface {
	c := *s
	f(&c)
	return &c
}

// Handle makes h an http.Handler: it limits the body, authenticates, calls h, and answers errors and panics.
func (s *Surface) Handle(h Handler) http.Handler {
	if s.Wrap != nil {
		h = s.Wrap(h)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, h) })
}

// Refuse answers every request with err.
func (s *Surface) Refuse(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, trackerOf(w), r.Body, err) })
}

func (s *Surface) serve(w http.ResponseWriter, r *http.Request, h Handler) {
	t := trackerOf(w)
	if t == nil {
		rec := &recorder{ResponseWriter: w}
		w, t = rec, rec
	}
	body := r.Body
	defer func() {
		if v := recover(); v != nil {
			s.recovered(w, r, t, v)
		}
	}()
	if err := s.run(w, r, h); err != nil {
		s.fail(w, r, t, body, err)
	}
}

func (s *Surface) run(w http.ResponseWriter, r *http.Request, h Handler) error {
	if s.Auth != nil {
		ctx, err := s.Auth(r)
		if err != nil {
			return err
		}
		if ctx != r.Context() {
			r = r.WithContext(ctx)
		}
	}
	limit := s.MaxBody
	if limit <= 0 {
		limit = DefaultMaxBody
	}
	if r.ContentLength > limit {
		return tooLarge(limit)
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(nil, r.Body, limit)
	}
	return h(w, r)
}

// recovered answers a panic. http.ErrAbortHandler goes on: it is how a handler asks for the connection to be cut.
func (s *Surface) recovered(w http.ResponseWriter, r *http.Request, t tracker, v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	s.logAttrs(r, slog.LevelError, "handler panicked", slog.String("panic", fmt.Sprint(v)), slog.String("stack", string(debug.Stack())))
	if t.begun() {
		panic(http.ErrAbortHandler)
	}
	s.write(w, r, &hookswitch.Error{Kind: hookswitch.Internal})
}

func (s *Surface) fail(w http.ResponseWriter, r *http.Request, t tracker, body io.Reader, err error) {
	e := errorOf(err)
	s.report(r, e, err)
	if t != nil && t.begun() {
		panic(http.ErrAbortHandler)
	}
	if e.Kind != hookswitch.TooLarge {
		s.write(w, r, e)
		return
	}
	w.Header()["Connection"] = headerClose
	s.write(w, r, e)
	drain(w, r, body)
}

const (
	maxDrain  = 16 << 20
	drainTime = 5 * time.Second
)

// drain reads on after an answer was given early. A client that writes its whole body before it reads would otherwise find the
// connection reset and never see the answer. One that waits for leave to send its body is not given it.
func drain(w http.ResponseWriter, r *http.Request, body io.Reader) {
	rc := http.NewResponseController(w)
	if body == nil || rc.Flush() != nil || rc.SetReadDeadline(time.Now().Add(drainTime)) != nil || r.Header.Get("Expect") != "" {
		return
	}
	_, _ = io.CopyN(io.Discard, body, maxDrain)
}

// errorOf is the Error that err wraps, or one made of it.
func errorOf(err error) *hookswitch.Error {
	var e *hookswitch.Error
	if errors.As(err, &e) {
		return e
	}
	var tooMuch *http.MaxBytesError
	switch {
	case errors.As(err, &tooMuch):
		return tooLarge(tooMuch.Limit)
	case errors.Is(err, context.DeadlineExceeded):
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Err: err}
	}
	return &hookswitch.Error{Kind: hookswitch.Internal, Err: err}
}

func tooLarge(limit int64) *hookswitch.Error {
	return &hookswitch.Error{Kind: hookswitch.TooLarge, Message: fmt.Sprintf("The request body must be at most %d bytes.", limit)}
}

// report logs what is not shown: once, here at the edge.
func (s *Surface) report(r *http.Request, e *hookswitch.Error, err error) {
	var gone *writeError
	switch {
	case errors.As(err, &gone), r.Context().Err() != nil && errors.Is(err, context.Canceled):
		s.logAttrs(r, slog.LevelDebug, "client went away", slog.Any("error", err))
	case e.Kind == hookswitch.Internal:
		s.logAttrs(r, slog.LevelError, "request failed", slog.Any("error", err))
	case e.Kind == hookswitch.Unavailable:
		s.logAttrs(r, slog.LevelWarn, "request refused", slog.Any("error", err))
	case e.Err != nil:
		s.logAttrs(r, slog.LevelDebug, "request refused", slog.Any("error", err))
	}
}

func (s *Surface) logAttrs(r *http.Request, level slog.Level, msg string, attrs ...slog.Attr) {
	if s.Log == nil || !s.Log.Enabled(r.Context(), level) {
		return
	}
	attrs = append(attrs, slog.String("api", s.Name), slog.String("method", r.Method), // the access log has the path
		slog.String("request_id", RequestID(r.Context())))
	s.Log.LogAttrs(r.Context(), level, msg, attrs...)
}

// write answers with e, stripped of what must not be shown.
func (s *Surface) write(w http.ResponseWriter, r *http.Request, e *hookswitch.Error) {
	shown := hookswitch.Error{Kind: e.Kind, Code: e.Code, Message: e.Message, Fields: e.Fields, Details: e.Details, RetryAfter: e.RetryAfter}
	if e.Kind == hookswitch.Internal {
		shown = hookswitch.Error{Kind: e.Kind}
	}
	if shown.Message == "" {
		shown.Message = sentence(&shown)
	}
	h := w.Header()
	for _, name := range [...]string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified"} {
		delete(h, name)
	}
	busy := e.Kind == hookswitch.RateLimited || e.Kind == hookswitch.Unavailable
	if e.RetryAfter > 0 || busy {
		h.Set("Retry-After", strconv.FormatInt(max(1, int64((e.RetryAfter+time.Second-1)/time.Second)), 10))
	}
	if e.Kind == hookswitch.Unauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", "Bearer")
	}
	writeError := s.WriteError
	if writeError == nil {
		writeError = writePlain
	}
	writeError(w, r, s.status(e), &shown)
}

func writePlain(w http.ResponseWriter, _ *http.Request, status int, e *hookswitch.Error) {
	type problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	code := e.Code
	if code == "" {
		code = Code(e.Kind)
	}
	_ = Encode(w, status, problem{code, e.Message})
}
