package meta

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
)

var _ hookswitch.Connector = (*Provider)(nil)

// Connect asks Meta about the number or the page.
// https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-account/phone-number-management-api
func (p *Provider) Connect(ctx context.Context, ch hookswitch.Channel, c hookswitch.Credentials) (hookswitch.ConnectedAccount, error) {
	var wrong hookswitch.Checks
	wanted := []string{credPhone, credWABA, credAccessToken}
	if ch == hookswitch.Messenger {
		wanted = []string{credPage, credAccessToken}
	}
	for _, name := range wanted {
		if v := c.First(name); v == "" {
			wrong.Field("is needed", name)
		} else if name != credAccessToken && strings.Trim(v, "0123456789") != "" {
			wrong.Field("must be a number, as Meta shows it", name)
		} else if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
			wrong.Field("must be copied as it is, without spaces", name)
		}
	}
	if err := wrong.Err(); err != nil {
		return hookswitch.ConnectedAccount{}, err
	}
	switch ch {
	case hookswitch.WhatsApp:
		return p.connectNumber(ctx, c)
	case hookswitch.Messenger:
		return p.connectPage(ctx, c)
	}
	return hookswitch.ConnectedAccount{}, hookswitch.Errorf(hookswitch.Invalid, "accounts on %s cannot be connected so", ch)
}

// at is err about one of the credentials.
func at(err error, name string) error {
	if hookswitch.KindOf(err) != hookswitch.Invalid {
		return err
	}
	return hookswitch.InvalidField("was not accepted. "+err.Error(), name)
}

func (p *Provider) connectNumber(ctx context.Context, c hookswitch.Credentials) (a hookswitch.ConnectedAccount, err error) {
	token, id, waba := c.First(credAccessToken), c.First(credPhone), c.First(credWABA)
	var number struct {
		ID      text `json:"id"`
		Name    text `json:"verified_name"`
		Display text `json:"display_phone_number"`
	}
	if err := p.graphCall(ctx, token, http.MethodGet, "/"+id, url.Values{"fields": {"id,verified_name,display_phone_number"}}, nil, &number); err != nil {
		return a, at(err, credPhone)
	}
	var list struct {
		Data []struct {
			ID text `json:"id"`
		} `json:"data"`
	}
	if err := p.graphCall(ctx, token, http.MethodGet, "/"+waba+"/phone_numbers", url.Values{"fields": {"id"}, "limit": {"100"}}, nil, &list); err != nil {
		return a, at(err, credWABA)
	}
	has := false
	for _, n := range list.Data {
		has = has || string(n.ID) == id
	}
	if !has {
		return a, hookswitch.InvalidField("is not the account that the phone number belongs to", credWABA)
	}
	a = hookswitch.ConnectedAccount{Channel: hookswitch.WhatsApp, ID: id, Name: string(number.Name), Parent: waba}
	if phone := "+" + digitsOf(string(number.Display)); hookswitch.CheckPhone(phone) == "" {
		a.Phone = phone
	}
	return a, nil
}

func (p *Provider) connectPage(ctx context.Context, c hookswitch.Credentials) (a hookswitch.ConnectedAccount, err error) {
	token, id := c.First(credAccessToken), c.First(credPage)
	var page struct {
		Name text `json:"name"`
	}
	if err := p.graphCall(ctx, token, http.MethodGet, "/"+id, url.Values{"fields": {"id,name"}}, nil, &page); err != nil {
		return a, at(err, credPage)
	}
	return hookswitch.ConnectedAccount{Channel: hookswitch.Messenger, ID: id, Name: string(page.Name)}, nil
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
