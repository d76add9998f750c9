//go:build unix

package safehttp

import "syscall"

// A probe asks the kernel whether anything has arrived on an idle connection. Nothing should have: the end
// of the stream, an error and unasked bytes all mean that it cannot be used again.
type probe struct {
	raw  syscall.RawConn
	look func(fd uintptr) bool
	one  [1]byte
	ok   bool
}

func (p *probe) open(sc syscall.Conn) {
	raw, err := sc.SyscallConn()
	if err != nil {
		return
	}
	p.raw = raw
	p.look = func(fd uintptr) bool {
		n, err := syscall.Read(int(fd), p.one[:])
		p.ok = n < 0 && (err == syscall.EAGAIN || err == syscall.EWOULDBLOCK)
		return true
	}
}

// quiet reports whether the connection is open with nothing to read.
func (p *probe) quiet() bool {
	if p.raw == nil {
		return true
	}
	p.ok = false
	return p.raw.Read(p.look) == nil && p.ok
}
