package simulate

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// AfricasCall is a call to the number of an app: it hears what the server says and presses keys. One goroutine may use it at a time.
type AfricasCall struct {
	account AfricasTalking
	client  *http.Client
	baseURL string

	ID    string
	Phone string // of the caller, E.164 with "+"

	begun          time.Time
	target         string // of the next request, with its query
	keys, redirect string // where keys and silence lead
	over           bool
}

// Heard is what the server says, and what it waits for.
type Heard struct {
	Text string
	Keys bool   // keys may be pressed
	Dial string // the number that the call is connected to
}

// Call makes a call that is about to be answered by the server at baseURL. A nil client is LoopbackClient's, whose connections stay open for a while.
func (a AfricasTalking) Call(client *http.Client, baseURL, phone string) *AfricasCall {
	if client == nil {
		client = LoopbackClient()
	}
	c := &AfricasCall{account: a, client: client, baseURL: baseURL, ID: newAfricasID("ATVId_"), Phone: phone, begun: a.now()}
	c.target = a.push(cmp.Or(a.VoicePath, "/api/v1/voice/inbound"), nil).Path
	return c
}

// Ring opens the call.
func (c *AfricasCall) Ring(ctx context.Context) (Heard, error) { return c.ask(ctx, "Ringing", "") }

// Press enters keys and the hash sign.
func (c *AfricasCall) Press(ctx context.Context, keys string) (Heard, error) {
	c.target = cmp.Or(c.keys, c.target)
	return c.ask(ctx, "Active", keys)
}

// Silence presses nothing. The call ends where the server has not said what then.
func (c *AfricasCall) Silence(ctx context.Context) (Heard, error) {
	if c.redirect == "" {
		return Heard{}, c.HangUp(ctx)
	}
	c.target = c.redirect
	return c.ask(ctx, "Active", "")
}

// HangUp ends the call.
func (c *AfricasCall) HangUp(ctx context.Context) error {
	if c.over {
		return ErrSessionOver
	}
	c.over = true
	form := c.form("Completed", "0")
	form.Set("durationInSeconds", strconv.Itoa(int(c.account.now().Sub(c.begun)/time.Second)))
	form.Set("currencyCode", "KES")
	form.Set("amount", "1.10")
	form.Set("hangupCause", "NORMAL_CLEARING")
	p := c.account.push(cmp.Or(c.account.VoicePath, "/api/v1/voice/inbound"), form)
	res, err := p.Post(context.WithoutCancel(ctx), c.client, c.baseURL)
	if err == nil && res.Status != http.StatusOK {
		err = fmt.Errorf("the server answered the end of the call with %d", res.Status)
	}
	return err
}

func (c *AfricasCall) form(state, active string) url.Values {
	return url.Values{"isActive": {active}, "sessionId": {c.ID}, "direction": {"Inbound"}, "callerNumber": {c.Phone}, "destinationNumber": {c.account.Number},
		"callSessionState": {state}, "callStartTime": {c.begun.Format("2006-01-02+15:04:05")}, "callerCountryCode": {"254"}, "callerCarrierName": {"Safaricom"}}
}

// ask makes the next request and does what the answer says. A call that the server does not go on with is hung up.
func (c *AfricasCall) ask(ctx context.Context, state, keys string) (Heard, error) {
	if c.over {
		return Heard{}, ErrSessionOver
	}
	form := c.form(state, "1")
	if keys != "" {
		form.Set("dtmfDigits", keys)
	}
	p := c.account.push("", form)
	p.Path = c.target
	res, err := p.Post(ctx, c.client, c.baseURL)
	if err == nil && res.Status != http.StatusOK {
		err = fmt.Errorf("the server answered %d", res.Status)
	}
	if err != nil {
		return Heard{}, errors.Join(err, c.HangUp(ctx))
	}
	var said struct {
		XMLName xml.Name `xml:"Response"`
		Say     string
		Dial    struct {
			Numbers string `xml:"phoneNumbers,attr"`
		}
		Digits *struct {
			Callback string `xml:"callbackUrl,attr"`
			Say      string
		} `xml:"GetDigits"`
		Redirect string
	}
	if err := xml.Unmarshal(res.Body, &said); err != nil {
		return Heard{}, errors.Join(fmt.Errorf("read answer: %w", err), c.HangUp(ctx))
	}
	h := Heard{Text: said.Say, Dial: said.Dial.Numbers}
	if said.Digits == nil {
		return h, c.HangUp(ctx)
	}
	h.Text, h.Keys = cmp.Or(said.Digits.Say, h.Text), true
	c.keys, err = pathOf(said.Digits.Callback)
	if err == nil {
		c.redirect, err = pathOf(said.Redirect)
	}
	return h, err
}

// pathOf is the path and query of an address of the server's, which is reached by another host here.
func pathOf(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", fmt.Errorf("the address %q is not a URL", address)
	}
	return u.RequestURI(), nil
}
