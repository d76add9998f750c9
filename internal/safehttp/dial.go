package safehttp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// dial opens a connection for u, with TLS where the scheme asks for it, and notes in t how long it took.
func (c *Client) dial(ctx context.Context, key poolKey, u *url.URL, deadline time.Time, t *Timings) (*conn, *Error) {
	host, port := u.Hostname(), u.Port()
	if port == "" {
		port = "80"
		if key.secure {
			port = "443"
		}
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	socket, err := c.connect(ctx, host, port, t)
	if err != nil {
		return nil, err
	}
	cn := newConn(key, socket)
	if err := socket.SetDeadline(deadline); err != nil {
		cn.close()
		return nil, &Error{Code: CodeConnectionFailed, Err: err, RemoteAddr: cn.remote}
	}
	if !key.secure {
		return cn, nil
	}

	begin := time.Now()
	cfg := c.tls.Clone()
	cfg.ServerName = strings.TrimSuffix(host, ".")
	layer := tls.Client(socket, cfg)
	if err := layer.HandshakeContext(ctx); err != nil {
		t.TLS = time.Since(begin)
		cn.close()
		return nil, &Error{Code: tlsCode(ctx, err), Err: err, RemoteAddr: cn.remote, TLS: refused(err)}
	}
	t.TLS = time.Since(begin)
	cn.Conn = layer
	state := layer.ConnectionState()
	cn.tls = describe(state.Version, state.PeerCertificates)
	return cn, nil
}

// connect resolves host and opens a TCP connection to one of its addresses. Addresses that the guard
// refuses are passed over like dead ones; if no other can be reached, the refusal is the error.
func (c *Client) connect(ctx context.Context, host, port string, t *Timings) (net.Conn, *Error) {
	if err := checkPort(port); err != nil {
		return nil, &Error{Code: CodeBlockedAddress, Err: err}
	}
	if err := c.opts.Guard.checkHost(host); err != nil {
		return nil, &Error{Code: CodeBlockedAddress, Err: err}
	}
	ctx, cancel := context.WithTimeout(ctx, c.opts.ConnectTimeout)
	defer cancel()

	var (
		begin     = time.Now()
		resolving bool
		refused   atomic.Pointer[BlockedError]
	)
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { resolving = true },
		DNSDone: func(info httptrace.DNSDoneInfo) {
			resolving = info.Err != nil
			t.DNS = time.Since(begin)
		},
	})
	dialer := net.Dialer{
		Resolver:  c.opts.Resolver,
		KeepAlive: -1, // idle connections do not live long enough to need it
		Control: func(network, address string, raw syscall.RawConn) error {
			err := c.opts.Guard.Control(network, address, raw)
			var blocked *BlockedError
			if errors.As(err, &blocked) {
				blocked.Host = host
				refused.Store(blocked)
			}
			return err
		},
	}
	socket, err := dialer.DialContext(traced, "tcp", net.JoinHostPort(host, port))
	t.Connect = time.Since(begin) - t.DNS
	if err == nil {
		return socket, nil
	}
	if resolving {
		t.DNS, t.Connect = time.Since(begin), 0
	}
	if blocked := refused.Load(); blocked != nil {
		err = blocked
	}
	return nil, &Error{Code: dialCode(ctx, err, resolving), Err: err}
}
