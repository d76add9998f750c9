package safehttp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// MaxAnswer is how much of a body is kept.
	MaxAnswer = 64 << 10
	// MaxHead is how long status line and headers may be, for each informational answer and the final one.
	MaxHead = 64 << 10
	// MaxInformational is how many 1xx answers may precede the final one.
	MaxInformational = 5
)

// Options are the settings of a [Client]. The zero value is usable: nothing private may be reached.
type Options struct {
	// Guard decides which addresses may be dialled. nil permits public addresses only.
	Guard *Guard
	// Timeout bounds exchanges whose request names none. Default 30 s.
	Timeout time.Duration
	// ConnectTimeout bounds resolving and connecting. Default 10 s.
	ConnectTimeout time.Duration
	// BodyGrace is how long a body may take once the head is there. Default 5 s.
	BodyGrace time.Duration
	// IdleTimeout is how long unused connections are kept. Default 4 s, since servers commonly close after 5.
	IdleTimeout time.Duration
	// MaxIdlePerHost and MaxIdle bound the kept connections. Defaults 64 and 1024.
	MaxIdlePerHost, MaxIdle int
	// RootCAs replaces the system's certificate authorities.
	RootCAs *x509.CertPool
	// Resolver replaces the system's name servers.
	Resolver *net.Resolver
}

// A Client performs exchanges. It is safe for concurrent use and starts no goroutines of its own; a timer
// closes idle connections. Proxy settings of the environment are ignored.
type Client struct {
	opts      Options
	tls       *tls.Config
	pool      pool
	scratch   sync.Pool
	transport *http.Transport
}

// New returns a client.
func New(o Options) *Client {
	if o.Guard == nil {
		o.Guard = NewGuard(nil)
	}
	if o.Resolver == nil {
		// The pure Go resolver reads no numbers as addresses, whatever the C library would do.
		o.Resolver = &net.Resolver{PreferGo: true}
	}
	o.Timeout = positive(o.Timeout, 30*time.Second)
	o.ConnectTimeout = positive(o.ConnectTimeout, 10*time.Second)
	o.BodyGrace = positive(o.BodyGrace, 5*time.Second)
	o.IdleTimeout = positive(o.IdleTimeout, 4*time.Second)
	o.MaxIdlePerHost = positive(o.MaxIdlePerHost, 64)
	o.MaxIdle = positive(o.MaxIdle, 1024)

	c := &Client{
		opts: o,
		tls: &tls.Config{
			MinVersion:         tls.VersionTLS12,
			NextProtos:         []string{"http/1.1"},
			RootCAs:            o.RootCAs,
			ClientSessionCache: tls.NewLRUClientSessionCache(256),
		},
		pool: pool{
			idleTimeout: o.IdleTimeout,
			perHost:     o.MaxIdlePerHost,
			max:         o.MaxIdle,
			idle:        map[poolKey][]*conn{},
		},
	}
	c.scratch.New = func() any {
		return &scratch{br: bufio.NewReaderSize(nil, readBuffer), out: make([]byte, 0, 2048)}
	}
	c.transport = c.newTransport()
	return c
}

func positive[T ~int | ~int64](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Close closes the idle connections, and returns when nothing of the client runs any more but exchanges
// still under way. Those end normally; their connections are not kept.
func (c *Client) Close() {
	c.pool.close()
	c.transport.CloseIdleConnections()
}

// Do sends r and returns what was answered, whatever the status. It never follows redirects, never unpacks
// bodies and never reads more than [MaxHead] and little more than [MaxAnswer] or what [Request.Keep] allows. It returns when ctx is
// canceled or time has run out. The error is always an *Error.
//
// When a kept connection turns out to have been closed by the peer before anything was answered, the request
// is sent once more on a fresh connection, unless r.Once forbids it.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	s := c.scratch.Get().(*scratch)
	x := exchange{client: c, req: r, scratch: s, start: time.Now()}
	resp, fail := x.run(ctx)
	s.clear()
	c.scratch.Put(s)
	if fail != nil {
		return nil, fail
	}
	return resp, nil
}

// A scratch holds the buffers of one exchange, so that idle connections hold none.
type scratch struct {
	br      *bufio.Reader
	first   firstByte
	out     []byte
	vectors [2][]byte
}

// clear lets go of everything that belongs to the exchange that is over.
func (s *scratch) clear() {
	s.first = firstByte{}
	s.br.Reset(nil)
	s.vectors = [2][]byte{}
	if cap(s.out) > MaxAnswer {
		s.out = make([]byte, 0, 2048)
	}
}
