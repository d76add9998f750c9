package meta

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// maxGraphAnswer is how much is read of an answer that is no message's: a page of templates can be long.
const maxGraphAnswer = 4 << 20

// subcodeSameTemplate says that the account has a template of the name in the language already.
const subcodeSameTemplate = "2388024"

// graphCall makes one call of the Graph API about what accounts are and have, and reads the answer into out unless that is nil. The error is of kind Invalid, Conflict or Unavailable, its sentence
// for the person whose account it is.
func (p *Provider) graphCall(ctx context.Context, token, method, path string, query url.Values, in, out any) error {
	if p.http == nil {
		return hookswitch.Errorf(hookswitch.Unavailable, "calls of Meta's API are switched off")
	}
	target, err := url.Parse(p.base + path)
	if err != nil {
		return hookswitch.Errorf(hookswitch.Unavailable, "the base URL of meta is not a URL: %w", err)
	}
	target.RawQuery = query.Encode()
	r := &safehttp.Request{Method: method, URL: target, Keep: maxGraphAnswer, Once: method != http.MethodGet, Header: []safehttp.Field{
		{Name: "Authorization", Value: "Bearer " + token}, {Name: "Accept", Value: "application/json"},
	}}
	if in != nil {
		body, fail := encode(in)
		if fail != nil {
			return hookswitch.Errorf(hookswitch.Invalid, "%s", fail.Message)
		}
		r.Body, r.Header = body, append(r.Header, safehttp.Field{Name: "Content-Type", Value: "application/json"})
	}
	resp, err := p.http.Do(ctx, r)
	if err != nil {
		return hookswitch.Errorf(hookswitch.Unavailable, "Meta does not answer; please try again in a moment: %w", err)
	}
	var refused struct {
		Error *struct {
			graphError
			UserTitle   text `json:"error_user_title"`
			UserMessage text `json:"error_user_msg"`
		} `json:"error"`
	}
	_ = json.Unmarshal(resp.Body, &refused) // what is no JSON says nothing
	switch e := refused.Error; {
	case e != nil && (e.Code != "" || resp.Status/100 != 2):
		said := bounded(string(cmp.Or(e.UserMessage, text(e.sentence()))))
		kind := hookswitch.Invalid
		switch {
		case e.Subcode == subcodeSameTemplate:
			kind = hookswitch.Conflict
		case e.verdict(false).temporary || resp.Status >= 500:
			kind = hookswitch.Unavailable
		}
		return hookswitch.Errorf(kind, "Meta says: %s", strings.TrimSpace(cmp.Or(said, "error "+string(e.Code))))
	case resp.Status == http.StatusTooManyRequests, resp.Status >= 500:
		return hookswitch.Errorf(hookswitch.Unavailable, "Meta cannot answer at the moment; please try again later")
	case resp.Status/100 != 2:
		return hookswitch.Errorf(hookswitch.Invalid, "Meta refused the call without saying why")
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(resp.Body, out); err != nil {
		return hookswitch.Errorf(hookswitch.Unavailable, "Meta's answer cannot be read: %w", err)
	}
	return nil
}
