package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/hookswitch/hookswitch/webhook"
)

// Response is an answer of the server, read to its end.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 32 << 20

// Do sends a request with the operator's token. Body is sent as it is. The error is one of not getting an answer.
func (s *Server) Do(ctx context.Context, method, path string, body []byte, header http.Header) (*Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+s.Token)
	}
	if body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	return &Response{Status: resp.StatusCode, Header: resp.Header, Body: answer}, nil
}

// Call sends in as JSON, nothing when it is nil, and reads the answer into out unless that is nil. The test fails when the status is not want.
func (s *Server) Call(method, path string, in, out any, want int) {
	s.tb.Helper()
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			s.tb.Fatal(err)
		}
	}
	resp, err := s.Do(context.Background(), method, path, body, nil)
	if err != nil {
		s.tb.Fatalf("%s %s: %v", method, path, err)
	}
	if resp.Status != want {
		s.tb.Fatalf("%s %s: got status %d, want %d: %s", method, path, resp.Status, want, resp.Body)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		s.tb.Fatalf("%s %s: %v: %s", method, path, err, resp.Body)
	}
}

// CreateApp makes an app and returns its id.
func (s *Server) CreateApp(name string) string {
	s.tb.Helper()
	var out struct{ ID string }
	s.Call(http.MethodPost, "/api/v1/app", map[string]any{"name": name}, &out, http.StatusCreated)
	return out.ID
}

// CreateEventTypes enters event types into the catalogue, so that endpoints can name them in their filters.
func (s *Server) CreateEventTypes(names ...string) {
	s.tb.Helper()
	for _, name := range names {
		s.Call(http.MethodPost, "/api/v1/event-type", map[string]any{"name": name, "description": name}, nil, http.StatusCreated)
	}
}

// EndpointIn is an endpoint to make.
type EndpointIn struct {
	URL        string   `json:"url"`
	EventTypes []string `json:"eventTypes,omitempty"`
	Channels   []string `json:"channels,omitempty"`
	Secret     string   `json:"secret"`
}

// CreateEndpoint makes an endpoint of an app, with a secret of its own where in has none, and returns its id and what proves its requests.
func (s *Server) CreateEndpoint(app string, in EndpointIn) (id string, proof *webhook.Verifier) {
	s.tb.Helper()
	if in.Secret == "" {
		in.Secret = webhook.NewSecret().Reveal()
	}
	secret, err := webhook.ParseSecret(in.Secret)
	if err != nil {
		s.tb.Fatal(err)
	}
	var out struct{ ID string }
	s.Call(http.MethodPost, "/api/v1/app/"+app+"/endpoint", in, &out, http.StatusCreated)
	return out.ID, webhook.NewVerifier(secret)
}

// Attempt is an attempt as the Svix-shaped API lists it.
type Attempt struct {
	ID         string `json:"id"`
	MsgID      string `json:"msgId"`
	EndpointID string `json:"endpointId"`
	Status     int    `json:"status"`
	StatusText string `json:"statusText"`
	StatusCode int    `json:"responseStatusCode"`
}

// Attempts are all attempts at delivering an event, newest first.
func (s *Server) Attempts(app, event string) []Attempt {
	s.tb.Helper()
	var list []Attempt
	for iterator := ""; ; {
		var page struct {
			Data     []Attempt
			Iterator string
			Done     bool
		}
		s.Call(http.MethodGet, "/api/v1/app/"+app+"/attempt/msg/"+event+"?limit=250&with_content=false&iterator="+iterator, nil, &page, http.StatusOK)
		list = append(list, page.Data...)
		if page.Done || page.Iterator == iterator {
			return list
		}
		iterator = page.Iterator
	}
}
