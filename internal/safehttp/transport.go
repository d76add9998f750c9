package safehttp

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

// MaxClientBody is how much of an answer's body a client of [Client.HTTPClient] can read. It is above the
// largest media file that any provider hands out.
const MaxClientBody = 128 << 20

// HTTPClient returns a net/http client behind the same guard, for libraries that want one. It follows no
// redirects, unpacks nothing and uses no proxy. Its errors are net/http's own and may contain the URL; a
// refused address can be found in them with errors.As and *BlockedError. Where it matters whether a request
// was written before it failed, use [Client.Do].
func (c *Client) HTTPClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Transport:     boundedTransport{c.transport},
		Timeout:       positive(timeout, c.opts.Timeout),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (c *Client) newTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			host, port, err := net.SplitHostPort(addr)
			if err != nil {
				return nil, err
			}
			socket, fail := c.connect(ctx, host, port, new(Timings))
			if fail != nil {
				return nil, fail
			}
			return socket, nil
		},
		TLSClientConfig:        c.tls.Clone(),
		TLSHandshakeTimeout:    c.opts.ConnectTimeout,
		DisableCompression:     true,
		MaxIdleConns:           c.opts.MaxIdle,
		MaxIdleConnsPerHost:    c.opts.MaxIdlePerHost,
		IdleConnTimeout:        c.opts.IdleTimeout,
		MaxResponseHeaderBytes: MaxHead,
		Protocols:              protocols,
	}
}

// A boundedTransport ends bodies with an error when they grow beyond MaxClientBody, and refuses to hand out
// a connection that has changed its protocol.
type boundedTransport struct {
	*http.Transport
}

func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusSwitchingProtocols {
		_ = resp.Body.Close()
		return nil, &Error{Code: CodeProtocolSwitch, Err: errors.New("answer 101"), Written: true}
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: MaxClientBody}
	return resp, nil
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBodyTooLong
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	return n, err
}
