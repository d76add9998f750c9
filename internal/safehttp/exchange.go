package safehttp

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

const (
	// readBuffer holds the head of an ordinary answer and a short body.
	readBuffer = 4 << 10
	// writeTogether is the size up to which a body is copied behind the head, to leave in one write and,
	// under TLS, in one record.
	writeTogether = 12 << 10
	// lateAnswer is how long to look for an answer after writing the request has failed.
	lateAnswer = 20 * time.Millisecond
)

// An exchange is one call of Do: one try, or two if a kept connection was dead.
type exchange struct {
	client   *Client
	req      *Request
	scratch  *scratch
	start    time.Time
	deadline time.Time
	timings  Timings
	remote   string
	tls      *TLS
	written  bool // may bytes of the request have reached the peer
	retried  bool
}

func (x *exchange) run(ctx context.Context) (*Response, *Error) {
	if err := ctx.Err(); err != nil {
		return nil, x.fail(endCode(ctx), err)
	}
	head, err := x.req.appendHead(x.scratch.out[:0])
	if err != nil {
		return nil, x.fail(CodeInvalidRequest, err)
	}
	x.scratch.out = head

	x.deadline = x.start.Add(positive(x.req.Timeout, x.client.opts.Timeout))
	if d, ok := ctx.Deadline(); ok && d.Before(x.deadline) {
		x.deadline = d
	}
	key := poolKey{secure: x.req.URL.Scheme == "https", host: x.req.URL.Host}

	if cn := x.client.pool.take(key, x.start, x.deadline); cn != nil {
		x.timings.Reused = true
		resp, fail, dead := x.attempt(ctx, cn)
		if !dead || x.written && x.req.Once {
			return resp, fail
		}
		x.retried = true
		x.timings = Timings{}
	}
	cn, fail := x.client.dial(ctx, key, x.req.URL, x.deadline, &x.timings)
	if fail != nil {
		x.remote, x.tls = fail.RemoteAddr, fail.TLS
		return nil, x.fail(fail.Code, fail.Err)
	}
	resp, fail, _ := x.attempt(ctx, cn)
	return resp, fail
}

// fail makes the error of the whole exchange.
func (x *exchange) fail(code string, err error) *Error {
	x.timings.Total = time.Since(x.start)
	return &Error{Code: code, Err: err, Timings: x.timings, RemoteAddr: x.remote, TLS: x.tls, Written: x.written, Retried: x.retried}
}

// attempt performs the exchange on cn, and keeps or closes it. dead reports that cn had served before and
// was closed by the peer before the first byte of an answer.
func (x *exchange) attempt(ctx context.Context, cn *conn) (resp *Response, fail *Error, dead bool) {
	x.remote, x.tls = cn.remote, cn.tls
	stop := func() bool { return true }
	if ctx.Done() != nil {
		stop = context.AfterFunc(ctx, cn.expire)
	}
	resp, fail, keep := x.converse(ctx, cn)
	if !stop() {
		keep = false // its deadline is no longer ours
	}
	if fail != nil {
		cn.close()
		dead = x.timings.Reused && x.scratch.first.at.IsZero() && isGone(fail.Err)
		return nil, x.fail(fail.Code, fail.Err), dead
	}
	now := time.Now()
	resp.Timings = x.timings
	resp.Timings.Total = now.Sub(x.start)
	if keep {
		x.client.pool.put(cn, now)
	} else {
		cn.close()
	}
	return resp, nil, false
}

// converse writes the request and reads the answer. keep reports that cn may carry another exchange.
func (x *exchange) converse(ctx context.Context, cn *conn) (resp *Response, fail *Error, keep bool) {
	sendErr := x.send(cn)
	if sendErr != nil && !x.salvage(ctx, cn, sendErr) {
		return nil, &Error{Code: exchangeCode(ctx, sendErr), Err: sendErr}, false
	}
	x.scratch.first = firstByte{conn: cn.Conn}
	sent := time.Now()
	answer, br, fail := x.head(ctx)
	if at := x.scratch.first.at; !at.IsZero() {
		x.timings.Wait = at.Sub(sent)
	}
	if fail != nil {
		if sendErr != nil {
			fail = &Error{Code: exchangeCode(ctx, sendErr), Err: sendErr}
		}
		return nil, fail, false
	}
	resp = &Response{
		Status:     answer.StatusCode,
		Header:     answer.Header,
		RemoteAddr: x.remote,
		Retried:    x.retried,
		TLS:        cn.tls,
	}
	if cn.tls != nil {
		resp.CertificateEnds = cn.tls.Ends
	}
	whole := x.body(ctx, cn, br, answer, resp)
	return resp, nil, whole && sendErr == nil && !answer.Close && br.Buffered() == 0
}

// send writes the request, in one piece if it is small.
func (x *exchange) send(cn *conn) error {
	s, body := x.scratch, x.req.Body
	out := s.out
	if pause := x.req.Pause; pause > 0 {
		k, err := cn.Write(out)
		if x.written = x.written || k > 0 || cn.key.secure; err != nil {
			return err
		}
		time.Sleep(min(pause, time.Until(x.deadline)))
		out = out[len(out):]
	}
	if len(body) <= writeTogether {
		out = append(out, body...)
		body = nil
		if x.req.Pause == 0 {
			s.out = out[:len(s.out)] // the head stays in place for a second try
		}
	}
	var n int64
	var err error
	switch {
	case len(body) == 0:
		var k int
		k, err = cn.Write(out)
		n = int64(k)
	case cn.key.secure:
		var k int
		if k, err = cn.Write(out); err == nil {
			n = int64(k)
			k, err = cn.Write(body)
		}
		n += int64(k)
	default:
		s.vectors = [2][]byte{out, body}
		vectors := net.Buffers(s.vectors[:])
		n, err = vectors.WriteTo(cn.Conn)
	}
	// What TLS has put on the wire when it reports an error cannot be known.
	x.written = x.written || n > 0 || cn.key.secure
	return err
}

// salvage reports whether an answer is worth looking for although the request could not be written to its
// end: a peer may answer early, and close or stop reading.
func (x *exchange) salvage(ctx context.Context, cn *conn, err error) bool {
	if !x.written || canceled(ctx) || !isReset(err) && !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	return cn.socket.SetDeadline(time.Now().Add(lateAnswer)) == nil
}

// head reads up to the end of the final answer's head. The reader it returns continues with the body.
func (x *exchange) head(ctx context.Context) (*http.Response, *bufio.Reader, *Error) {
	br := x.scratch.br
	br.Reset(&x.scratch.first)
	for informational := 0; ; informational++ {
		var err error
		if br, err = fillHead(br, &x.scratch.first); err != nil {
			return nil, nil, &Error{Code: exchangeCode(ctx, err), Err: err}
		}
		answer, err := http.ReadResponse(br, answerTo(x.req.Method))
		switch {
		case err != nil:
			return nil, nil, &Error{Code: CodeBadAnswer, Err: err}
		case answer.ProtoMajor != 1 || answer.StatusCode < 100:
			return nil, nil, &Error{Code: CodeBadAnswer, Err: errNotHTTP}
		case answer.StatusCode >= 200:
			return answer, br, nil
		case answer.StatusCode == http.StatusSwitchingProtocols:
			return nil, nil, &Error{Code: CodeProtocolSwitch, Err: errors.New("answer 101")}
		case informational == MaxInformational:
			return nil, nil, &Error{Code: CodeTooManyInformational, Err: errors.New("more informational answers than allowed")}
		}
	}
}

// fillHead reads until br holds a whole head, so that parsing it never waits and its size is known. A head
// that is larger than br's buffer moves to a reader with a buffer of MaxHead.
func fillHead(br *bufio.Reader, conn io.Reader) (*bufio.Reader, error) {
	var scan headScan
	for {
		data, _ := br.Peek(br.Buffered())
		done, err := scan.next(data)
		if done || err != nil {
			return br, err
		}
		if len(data) == br.Size() {
			if br.Size() >= MaxHead {
				return br, errHeadTooLarge
			}
			br = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(bytes.Clone(data)), conn), MaxHead)
		}
		if _, err := br.Peek(len(data) + 1); err != nil {
			return br, err
		}
	}
}

// A headScan looks for the empty line that ends a head, and for what a head must not contain: bytes that
// could forge lines further on, and folded lines, which every reader joins differently.
type headScan struct {
	line int // where the current line begins
}

func (h *headScan) next(data []byte) (done bool, err error) {
	for {
		i := bytes.IndexByte(data[h.line:], '\n')
		if i < 0 {
			return false, nil
		}
		line := data[h.line : h.line+i]
		if i > 0 && line[i-1] == '\r' {
			line = line[:i-1]
		}
		if len(line) == 0 {
			// An empty line before the status line is no answer.
			if h.line == 0 {
				return false, errBadHead
			}
			return true, nil
		}
		if line[0] == ' ' || line[0] == '\t' {
			return false, errBadHead
		}
		for _, b := range line {
			if b < ' ' && b != '\t' || b == 0x7f {
				return false, errBadHead
			}
		}
		h.line += i + 1
	}
}

// answerTo returns the request that http.ReadResponse needs to know of: only HEAD changes how bodies are read.
func answerTo(method string) *http.Request {
	if method == http.MethodHead {
		return &http.Request{Method: http.MethodHead}
	}
	return nil
}

// body reads what is worth keeping. It reports whether the body was read to its end, so that the connection
// stands at the beginning of the next answer. Whatever goes wrong here, the status has been given.
func (x *exchange) body(ctx context.Context, cn *conn, br *bufio.Reader, answer *http.Response, resp *Response) (whole bool) {
	length := answer.ContentLength
	if length == 0 || answer.Body == http.NoBody {
		return true
	}
	if length < 0 || length > int64(br.Buffered()) {
		limit := time.Now().Add(x.client.opts.BodyGrace)
		if limit.Before(x.deadline) {
			_ = cn.socket.SetDeadline(limit)
			if ctx.Err() != nil { // the cancellation's own deadline may just have been overwritten
				cn.expire()
			}
		}
	}
	keep := positive(x.req.Keep, MaxAnswer)
	var n int
	var err error
	if length > 0 && length <= min(int64(keep), MaxAnswer) {
		resp.Body = make([]byte, length)
		n, err = io.ReadFull(answer.Body, resp.Body)
		resp.Body = resp.Body[:n]
	} else {
		resp.Body, err = readUpTo(answer.Body, keep)
	}
	switch {
	case err == nil:
		return true
	case errors.Is(err, errBodyTooLong):
		resp.Truncated = true
	default:
		resp.Truncated = true
		resp.BodyErr = x.fail(bodyCode(ctx, err), err)
	}
	return false
}

func bodyCode(ctx context.Context, err error) string {
	if code := exchangeCode(ctx, err); code != CodeConnectionFailed {
		return code
	}
	return CodeBadAnswer // broken chunks
}

var errBodyTooLong = errors.New("body exceeds the limit")

// readUpTo reads r to its end, or limit bytes of it and errBodyTooLong.
func readUpTo(r io.Reader, limit int) ([]byte, error) {
	buf := make([]byte, 0, 512)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return buf[:limit:limit], errBodyTooLong
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return buf, err
		}
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(2*cap(buf), limit+1))
			copy(grown, buf)
			buf = grown
		}
	}
}

// A firstByte is the connection as the reader sees it, noting when it first said something.
type firstByte struct {
	conn net.Conn
	at   time.Time
}

func (f *firstByte) Read(p []byte) (int, error) {
	n, err := f.conn.Read(p)
	if n > 0 && f.at.IsZero() {
		f.at = time.Now()
	}
	return n, err
}
