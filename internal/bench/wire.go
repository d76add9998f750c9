package bench

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
)

// wire reads HTTP/1.1 messages from a connection with as little work as possible, so that the machine is left to what is measured. It understands
// what the systems under test send: Content-Length, and chunks in answers.
type wire struct {
	net.Conn
	buf      []byte
	from, to int // what is read and not yet used
}

const wireBuffer = 16 << 10

func newWire(c net.Conn) *wire { return &wire{Conn: c, buf: make([]byte, wireBuffer)} }

var (
	errHead   = errors.New("the head of the message cannot be read")
	errTooBig = errors.New("the message is larger than this benchmark reads")
	headEnd   = []byte("\r\n\r\n")
	chunkEnd  = []byte("0\r\n\r\n")
	lengths   = [][]byte{[]byte("\r\nContent-Length:"), []byte("\r\ncontent-length:"), []byte("\r\nContent-length:")}
	chunked   = []byte("\r\nTransfer-Encoding: chunked")
)

// message reads the next message. Head and body are valid until the next call.
func (w *wire) message(bodyless func(head []byte) bool) (head, body []byte, err error) {
	end := -1
	for {
		if end = bytes.Index(w.buf[w.from:w.to], headEnd); end >= 0 {
			break
		}
		if err := w.more(); err != nil {
			return nil, nil, err
		}
	}
	size := end + len(headEnd)
	head = w.buf[w.from : w.from+size]
	if bodyless != nil && bodyless(head) {
		w.from += size
		return head, nil, nil
	}
	length, ok := contentLength(head)
	if !ok {
		return w.chunks(size, head)
	}
	for w.to-w.from < size+length {
		if err := w.more(); err != nil {
			return nil, nil, err
		}
	}
	head, body = w.buf[w.from:w.from+size], w.buf[w.from+size:w.from+size+length]
	w.from += size + length
	return head, body, nil
}

// chunks skips a chunked body. Nobody looks into one.
func (w *wire) chunks(size int, head []byte) ([]byte, []byte, error) {
	if !bytes.Contains(head, chunked) {
		return nil, nil, errHead
	}
	for {
		if end := bytes.Index(w.buf[w.from+size-2:w.to], chunkEnd); end >= 0 {
			head = w.buf[w.from : w.from+size]
			w.from += size - 2 + end + len(chunkEnd)
			return head, nil, nil
		}
		if err := w.more(); err != nil {
			return nil, nil, err
		}
	}
}

// more reads what is there, behind what has been read.
func (w *wire) more() error {
	switch {
	case w.from == w.to:
		w.from, w.to = 0, 0
	case w.to == len(w.buf) && w.from > 0:
		w.to = copy(w.buf, w.buf[w.from:w.to])
		w.from = 0
	case w.to == len(w.buf):
		if len(w.buf) > 2*maxPayload {
			return errTooBig
		}
		w.buf = append(w.buf, make([]byte, len(w.buf))...)
	}
	n, err := w.Read(w.buf[w.to:])
	w.to += n
	if n > 0 {
		return nil
	}
	return err
}

func contentLength(head []byte) (int, bool) {
	for _, name := range lengths {
		at := bytes.Index(head, name)
		if at < 0 {
			continue
		}
		value := head[at+len(name):]
		end := bytes.IndexByte(value, '\r')
		n, err := strconv.Atoi(string(bytes.TrimSpace(value[:end])))
		if err != nil || n < 0 || n > 2*maxPayload {
			return 0, false
		}
		return n, true
	}
	return 0, false
}

// status is the number in the first line of an answer.
func status(head []byte) (int, error) {
	if len(head) < len("HTTP/1.1 200\r\n") || !bytes.HasPrefix(head, []byte("HTTP/1.")) {
		return 0, errHead
	}
	n, err := strconv.Atoi(string(head[9:12]))
	if err != nil {
		return 0, fmt.Errorf("%w: %q", errHead, head[:12])
	}
	return n, nil
}

// The number of an event stands at a fixed place at the beginning of its payload.
const (
	payloadStart = `{"n":"`
	digits       = 16
)

// payload is an event's payload of size bytes, as number 0.
func payload(size int) []byte {
	b := append([]byte(payloadStart), bytes.Repeat([]byte{'0'}, digits)...)
	b = append(b, `","pad":"`...)
	b = append(b, bytes.Repeat([]byte{'x'}, size-len(b)-2)...)
	return append(b, `"}`...)
}

// putNumber writes n into a payload.
func putNumber(payload []byte, n int64) {
	for i := len(payloadStart) + digits - 1; i >= len(payloadStart); i-- {
		payload[i] = byte('0' + n%10)
		n /= 10
	}
}

// number reads the number of an event back, or reports -1.
func number(payload []byte) int64 {
	if len(payload) < minPayload || string(payload[:len(payloadStart)]) != payloadStart {
		return -1
	}
	var n int64
	for _, c := range payload[len(payloadStart) : len(payloadStart)+digits] {
		if c < '0' || c > '9' {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
