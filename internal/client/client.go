// Package client is a Go client of the gateway's own APIs, as the command line needs it: the operator's API for apps, keys, senders, and the
// Svix-shaped one for endpoints, events and attempts. It speaks both in one manner: one kind of page, one kind of error.
//
// It knows paths and wire names. How answers are shown, and what to do about an error, is up to its callers.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/hookswitch/hookswitch"
)

// Options are what New needs. Only URL has to be set.
type Options struct {
	// URL is the address of the server, such as http://127.0.0.1:8420.
	URL string
	// Token is the operator token.
	Token     hookswitch.Secret
	UserAgent string
	// Timeout bounds one call; 0: 30 seconds.
	Timeout time.Duration
	// RetryWait lies before the second try of a call that found nobody listening; 0: 300 ms.
	RetryWait time.Duration
	// Transport makes the connections; nil: http.DefaultTransport.
	Transport http.RoundTripper
}

// Client calls one server. It may be used from many goroutines.
type Client struct {
	base      string
	token     hookswitch.Secret
	userAgent string
	retryWait time.Duration
	http      *http.Client
}

// New returns a client. It does not connect.
func New(o Options) (*Client, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%q is not the address of a server, such as http://127.0.0.1:8420", o.URL)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return nil, fmt.Errorf("the address of the server, %s, must have no user, query or fragment", u.Redacted())
	}
	return &Client{
		base: strings.TrimRight(u.String(), "/"), token: o.Token, userAgent: cmp.Or(o.UserAgent, "hookswitch"),
		retryWait: cmp.Or(o.RetryWait, 300*time.Millisecond),
		http: &http.Client{
			Transport: o.Transport,
			Timeout:   cmp.Or(o.Timeout, 30*time.Second),
			// The APIs never redirect. Whoever does is not the server, and must not get the token.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// URL is the server's address without a slash at its end.
func (c *Client) URL() string { return c.base }

// maxAnswer bounds what is read of one answer.
const maxAnswer = 256 << 20

// call makes a request with in as its JSON body, or none for nil, and reads the answer into out unless that is nil.
func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body []byte
	switch v := in.(type) {
	case nil:
	case json.RawMessage: // as it is, spaces and all
		body = v
	default:
		var err error
		if body, err = json.Marshal(in); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
	}
	res, err := c.send(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	case len(answer) > maxAnswer:
		return fmt.Errorf("the answer to %s %s is larger than %d bytes; ask for fewer items", method, path, maxAnswer)
	case res.StatusCode < 200 || res.StatusCode > 299:
		return newError(res, answer)
	case out == nil || len(answer) == 0:
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return &Error{Status: res.StatusCode, Code: CodeForeign, Message: "the answer is not what this API gives: " + err.Error(), RequestID: requestID(res)}
	}
	return nil
}

// copy writes an answer of any length to w. It may take as long as ctx allows.
func (c *Client) copy(ctx context.Context, path string, w io.Writer) error {
	long := *c
	unbounded := *c.http
	unbounded.Timeout = 0
	long.http = &unbounded
	res, err := long.send(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return err
		}
		return newError(res, answer)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fmt.Errorf("read the answer to GET %s: %w", path, err)
	}
	return nil
}

// send makes a request. A safe one that finds nobody listening is made a second time after a moment: the server may be starting.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	res, err := c.try(ctx, method, path, body)
	if method != http.MethodGet || !errors.Is(err, syscall.ECONNREFUSED) {
		return res, err
	}
	timer := time.NewTimer(c.retryWait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return c.try(ctx, method, path, body)
	case <-ctx.Done():
		return nil, err
	}
}

func (c *Client) try(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", c.userAgent)
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	res, err := c.http.Do(r)
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // its text repeats method and URL, which the caller knows
	}
	if err != nil {
		return nil, &UnreachableError{URL: c.base, Err: err}
	}
	return res, nil
}

// seg is a path segment.
func seg(s string) string { return url.PathEscape(s) }
