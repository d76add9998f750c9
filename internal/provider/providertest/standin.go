package providertest

import (
	"context"
	"net/http"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// API stands in for the server of a provider: it keeps the last request and gives one answer, or Err.
type API struct {
	Status int
	Header http.Header
	Body   string
	Err    error
	Calls  int
	Got    *safehttp.Request
}

// Do is the call of an adapter.
func (a *API) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	a.Calls++
	a.Got = r
	if a.Err != nil {
		return nil, a.Err
	}
	h := a.Header
	if h == nil {
		h = http.Header{}
	}
	return &safehttp.Response{Status: a.Status, Header: h, Body: []byte(a.Body)}, nil
}
