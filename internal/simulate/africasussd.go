package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxScreen is how many characters a phone shows of a screen.
const maxScreen = 182

// USSD is a phone in a USSD session: it shows screens, and asks for the next with what its owner enters. One goroutine may use it at a time.
type USSD struct {
	account AfricasTalking
	client  *http.Client
	baseURL string

	ID    string // of the session
	Phone string // E.164 with "+"
	Text  string // all that was entered so far, joined with "*"
	// Screens are those that were shown.
	Screens []Screen

	begun time.Time
	dials bool // the first request is still to be made
	over  bool
}

// Screen is what a phone shows.
type Screen struct {
	Text string
	More bool // the owner may answer
}

// ErrSessionOver is the cause when something is entered into a session that is over.
var ErrSessionOver = errors.New("the session is over")

// USSD makes a phone that is about to dial the service code of the server at baseURL. A nil client is LoopbackClient's, whose connections stay open
// for a while.
func (a AfricasTalking) USSD(client *http.Client, baseURL, phone string) *USSD {
	if client == nil {
		client = LoopbackClient()
	}
	return &USSD{account: a, client: client, baseURL: baseURL, ID: newAfricasID("ATUid_"), Phone: phone, begun: a.now(), dials: true}
}

// Dial opens the session. What is dialled behind the service code, as in *384*1234*1*2#, is entered at once.
func (u *USSD) Dial(ctx context.Context, inputs ...string) (Screen, error) {
	if !u.dials {
		return Screen{}, errors.New("the session has been dialled")
	}
	u.dials = false
	u.Text = strings.Join(inputs, "*")
	return u.hop(ctx)
}

// Enter answers the screen. An answer that is no screen, and none at all, end the session as they do at the provider: with an error for its owner, and the word
// Failed to the server.
func (u *USSD) Enter(ctx context.Context, input string) (Screen, error) {
	switch {
	case u.over:
		return Screen{}, ErrSessionOver
	case u.dials:
		return Screen{}, errors.New("nothing has been dialled")
	case u.Text == "":
		u.Text = input
	default:
		u.Text += "*" + input
	}
	return u.hop(ctx)
}

// Repeat makes the last request once more, as a network does that lost the answer.
func (u *USSD) Repeat(ctx context.Context) (Screen, error) { return u.hop(ctx) }

// HangUp leaves the session.
func (u *USSD) HangUp(ctx context.Context) error {
	if u.over {
		return ErrSessionOver
	}
	return u.end(ctx, "Incomplete", "")
}

// Push is the request with which the phone asks for its next screen.
func (u *USSD) Push() Push {
	return u.account.push(cmp.Or(u.account.USSDPath, "/api/channels/ussd"), url.Values{"sessionId": {u.ID}, "phoneNumber": {u.Phone}, "networkCode": {africasNetwork},
		"serviceCode": {u.account.ServiceCode}, "text": {u.Text}})
}

func (u *USSD) hop(ctx context.Context) (Screen, error) {
	res, err := u.Push().Post(ctx, u.client, u.baseURL)
	if err != nil {
		return Screen{}, u.fail(ctx, err)
	}
	word, text, _ := strings.Cut(string(res.Body), " ")
	switch {
	case res.Status != http.StatusOK:
		return Screen{}, u.fail(ctx, fmt.Errorf("the server answered %d", res.Status))
	case word != "CON" && word != "END":
		return Screen{}, u.fail(ctx, fmt.Errorf("the server answered neither CON nor END, but %.20q", res.Body))
	case utf8.RuneCountInString(text) > maxScreen:
		return Screen{}, u.fail(ctx, fmt.Errorf("the screen has %d characters, of which %d fit", utf8.RuneCountInString(text), maxScreen))
	}
	s := Screen{Text: text, More: word == "CON"}
	u.Screens = append(u.Screens, s)
	if !s.More && !u.over {
		return s, u.end(ctx, "Success", "")
	}
	return s, nil
}

// fail ends the session over an error.
func (u *USSD) fail(ctx context.Context, err error) error {
	if !u.over {
		err = errors.Join(err, u.end(ctx, "Failed", "An error occurred while contacting the application"))
	}
	return err
}

// end tells the server that the session is over, once.
func (u *USSD) end(ctx context.Context, status, problem string) error {
	u.over = true
	last := ""
	if n := len(u.Screens); n > 0 {
		last = "END " + u.Screens[n-1].Text
		if u.Screens[n-1].More {
			last = "CON " + u.Screens[n-1].Text
		}
	}
	p := u.account.push(cmp.Or(u.account.USSDPath, "/api/channels/ussd"), url.Values{"date": {u.account.now().Format(africasTime)}, "sessionId": {u.ID},
		"serviceCode": {u.account.ServiceCode}, "networkCode": {africasNetwork}, "phoneNumber": {u.Phone}, "status": {status}, "cost": {"KES 0.10"},
		"durationInMillis": {milliseconds(u.account.now().Sub(u.begun))}, "hopsCount": {strconv.Itoa(len(u.Screens))}, "input": {u.Text}, "lastAppResponse": {last},
		"errorMessage": {problem}})
	res, err := p.Post(context.WithoutCancel(ctx), u.client, u.baseURL)
	if err == nil && res.Status != http.StatusOK {
		err = fmt.Errorf("the server answered the end of the session with %d", res.Status)
	}
	return err
}
