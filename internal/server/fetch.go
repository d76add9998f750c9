package server

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// fetchTimeout bounds how long a request waits for a file that it names.
const fetchTimeout = 20 * time.Second

// fetch gets a file that a caller has named, of at most so many bytes. Like everything that goes out it passes the guard.
func (s *Server) fetch(ctx context.Context, link string, most int) (bytes []byte, contentType string, err error) {
	u, err := s.guard.ParseURL(link)
	if err != nil {
		return nil, "", err
	}
	resp, err := s.client.Do(ctx, &safehttp.Request{Method: http.MethodGet, URL: u, Header: []safehttp.Field{{Name: "User-Agent", Value: "Hookswitch"}, {Name: "Accept", Value: "*/*"}},
		Timeout: fetchTimeout, Keep: most + 1})
	switch {
	case err != nil:
		return nil, "", err
	case resp.Status != http.StatusOK:
		return nil, "", errors.New("its server answers " + strconv.Itoa(resp.Status))
	case len(resp.Body) > most:
		return nil, "", errors.New("it is larger than the " + strconv.Itoa(most) + " bytes that are left")
	case resp.Truncated:
		return nil, "", errors.New("its server broke off")
	}
	return resp.Body, resp.Header.Get("Content-Type"), nil
}
