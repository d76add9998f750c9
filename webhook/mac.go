package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"strconv"
	"sync"
)

// macs lends out HMAC-SHA256 states that have taken in the key already, which
// is a good part of the work for a small body. Safe for concurrent use.
type macs struct {
	pool sync.Pool
}

// mac is one such state. The buffer travels with it, because whatever is
// handed to a hash.Hash would otherwise be allocated anew each time.
type mac struct {
	hash hash.Hash
	buf  []byte
}

func newMACs(key []byte) *macs {
	m := &macs{}
	m.pool.New = func() any {
		return &mac{hash: hmac.New(sha256.New, key), buf: make([]byte, 0, 128)}
	}
	return m
}

// get lends a state ready for a new text; it goes back with put.
func (m *macs) get() *mac {
	st := m.pool.Get().(*mac)
	st.hash.Reset()
	st.buf = st.buf[:0]
	return st
}

func (m *macs) put(st *mac) { m.pool.Put(st) }

// sum digests the buffer followed by body. The result lives in the buffer and
// is valid until put.
func (st *mac) sum(body []byte) []byte {
	st.hash.Write(st.buf)
	st.hash.Write(body)
	st.buf = st.hash.Sum(st.buf[:0])
	return st.buf
}

// appendPreamble appends what stands before the body in the text that Standard
// Webhooks sign.
func appendPreamble(dst []byte, id string, unix int64) []byte {
	dst = append(dst, id...)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, unix, 10)
	return append(dst, '.')
}
