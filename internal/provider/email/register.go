package email

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// Register has Postmark's inbound stream push to door, with the user and the password that prove it. The other services have no call that does as much.
// https://postmarkapp.com/developer/api/server-api#edit-server
func (p *Provider) Register(ctx context.Context, r *hookswitch.Route, door string) error {
	if _, ok := p.service.(postmark); !ok {
		return hookswitch.Errorf(hookswitch.Unsupported, "The address is entered at %s by hand.", p.name())
	}
	user, pass, token := r.Credentials.First(credUser), r.Credentials.First(credPass), r.Credentials.First(credServerToken)
	at, err := url.Parse(door)
	switch {
	case err != nil:
		return hookswitch.Errorf(hookswitch.Invalid, "The address is not a URL: %w", err)
	case user == "" || pass == "":
		return hookswitch.Errorf(hookswitch.Invalid, "The sender has no %s or no %s: choose both.", credUser, credPass)
	case token == "":
		return hookswitch.Errorf(hookswitch.Invalid, "The sender has no %s.", credServerToken)
	}
	at.User = url.UserPassword(user, pass)
	body, err := json.Marshal(struct{ InboundHookUrl string }{at.String()})
	if err != nil {
		return hookswitch.Errorf(hookswitch.Invalid, "The address cannot be written as JSON: %w", err)
	}
	resp, err := p.do(ctx, r.Credentials, call{method: http.MethodPut, path: "/server", body: body, header: []safehttp.Field{
		{Name: "X-Postmark-Server-Token", Value: token}, {Name: "Content-Type", Value: "application/json"}, {Name: "Accept", Value: "application/json"}}})
	fail, _ := err.(*hookswitch.SendError)
	if err == nil && resp.Status/100 != 2 {
		fail = p.failure(resp)
	}
	switch {
	case fail == nil:
		return nil
	case fail.Temporary || fail.Unknown: // telling it twice does no harm
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Postmark could not be told; try again.", RetryAfter: fail.RetryAfter, Err: fail}
	}
	return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "Postmark did not take the address: " + strings.TrimSuffix(fail.Message, ".") + ".", Err: fail}
}
