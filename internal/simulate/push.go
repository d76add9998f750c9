// Package simulate plays the messaging providers: it makes their pushes, signed and spelt as theirs are, and it stands in for the
// APIs over which they take messages, faults and all. The command line, the dev server and tests use it in place of a provider's
// test account.
//
// It knows a provider's side of the wire and nothing of the gateway's: what a push means is decided by the provider adapters, and
// the two are tested against each other.
//
// Its requests are made with a plain net/http client and not with the guarded one of the gateway, because here it is the provider
// that calls. The client it uses on its own reaches loopback addresses only.
package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// Push is one request of a provider, ready to be sent any number of times.
type Push struct {
	Method string
	Path   string // with the query, as it follows the base URL
	Header http.Header
	Body   []byte
	IDs    []string // the provider's ids of the messages in it, received or reported on

	changes []change     // of WhatsApp
	items   []directItem // of Messenger and Instagram
}

// Result is what a push was answered.
type Result struct {
	Status int
	Header http.Header
	Body   []byte // the first 64 KiB
	Took   time.Duration
}

const maxAnswer = 64 << 10

// Request is p as a request to the server at baseURL.
func (p Push) Request(ctx context.Context, baseURL string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, p.Method, strings.TrimSuffix(baseURL, "/")+p.Path, bytes.NewReader(p.Body))
	if err != nil {
		return nil, fmt.Errorf("make push: %w", err)
	}
	maps.Copy(r.Header, p.Header.Clone())
	return r, nil
}

// Post sends p to the server at baseURL and returns its answer, whatever its status. A nil client is LoopbackClient's.
func (p Push) Post(ctx context.Context, client *http.Client, baseURL string) (Result, error) {
	if client == nil {
		client = LoopbackClient()
		defer client.CloseIdleConnections()
	}
	r, err := p.Request(ctx, baseURL)
	if err != nil {
		return Result{}, err
	}
	begin := time.Now()
	res, err := client.Do(r)
	if err != nil {
		return Result{}, fmt.Errorf("push to %s: %w", r.URL.Host, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return Result{}, fmt.Errorf("read answer to push: %w", err)
	}
	return Result{Status: res.StatusCode, Header: res.Header, Body: body, Took: time.Since(begin)}, nil
}

// ErrNotLoopback is the cause when LoopbackClient's client is asked to leave the machine.
var ErrNotLoopback = errors.New("simulated providers talk to this machine only")

// LoopbackClient returns a client that reaches loopback addresses only, uses no proxy, follows no redirect and gives up after 20 seconds,
// as Meta does. The address is checked when it is dialled, whatever its name was.
func LoopbackClient() *http.Client {
	dialer := &net.Dialer{Timeout: 5 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		if ap, err := netip.ParseAddrPort(address); err != nil || !ap.Addr().Unmap().IsLoopback() {
			return ErrNotLoopback
		}
		return nil
	}}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       20 * time.Second,
	}
}
