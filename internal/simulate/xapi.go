package simulate

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// XAccount is an account in whose name calls can be made: with Token alone, as a token of OAuth 2.0, or with TokenSecret and the app's ConsumerKey, signed as
// OAuth 1.0a asks for.
type XAccount struct {
	X
	Token       hookswitch.Secret
	TokenSecret hookswitch.Secret
	ConsumerKey string
}

// XAPIOptions set up an XAPI. Zero values are usable.
type XAPIOptions struct {
	Accounts []XAccount
	// Callback is the base URL that reports are pushed to; empty: none are.
	Callback string
	// Client makes the pushes; nil: LoopbackClient's.
	Client *http.Client
	// Delay lies before each report; 0: 5 ms.
	Delay time.Duration
	// Keep is how many accepted sends can be looked at later, the newest; 0: 1000.
	Keep int
	// MaxPending is how many messages may have reports outstanding; with more, sends are refused with the status 429. 0: 10000.
	MaxPending int
	Faults     []Fault
	// OnSend is told of each accepted send before it is answered. It is called from many goroutines at once.
	OnSend func(Sent)
}

// XAPI stands in for the API of X: an http.Handler that takes direct messages and posts that answer posts, and refuses what X would refuse. Of a direct
// message it pushes what X pushes: that the account has sent it, then that the person has read it. The handler works by itself; reports are pushed while Run
// runs, and repeated up to three times within five minutes.
type XAPI struct {
	*ledger
	*outbox
	accounts []XAccount
}

// NewXAPI returns a stand-in. It starts nothing.
func NewXAPI(opts XAPIOptions) *XAPI {
	return &XAPI{
		ledger:   newLedger(cmp.Or(opts.Keep, 1000), opts.OnSend, opts.Faults),
		outbox:   newOutbox(opts.Client, opts.Callback, opts.Delay, xRepeats, opts.MaxPending, xRepeatWait),
		accounts: slices.Clone(opts.Accounts),
	}
}

// xProblem is a refusal as X answers it.
type xProblem struct {
	status int
	reset  time.Time // when more calls may be made; zero: this is not about that
	body   any
}

func problemOfX(status int, kind, title, detail string) *xProblem {
	return &xProblem{status: status, body: members{"title": title, "detail": detail, "type": kind, "status": status}}
}

func invalidX(detail string) *xProblem {
	return problemOfX(http.StatusBadRequest, "https://api.x.com/2/problems/invalid-request", "Invalid Request", detail)
}

// ServeHTTP answers POST /2/dm_conversations/with/{id}/messages and POST /2/tweets.
func (a *XAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, fault, refused := a.answer(w, r)
	switch {
	case fault != nil && fault.html():
		writeBadGateway(w, fault.HTTPStatus)
	case refused != nil:
		if !refused.reset.IsZero() {
			w.Header().Set("x-rate-limit-reset", strconv.FormatInt(refused.reset.Unix(), 10))
			w.Header().Set("x-rate-limit-remaining", "0")
		}
		writeBot(w, refused.status, refused.body)
	case fault != nil && fault.Hang:
		select {
		case <-r.Context().Done():
		case <-a.stop:
		}
		panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
	default:
		writeBot(w, http.StatusCreated, members{"data": answer})
	}
}

// xSend is what the two calls take.
type xSend struct {
	Text        string `json:"text"`
	Attachments []struct {
		MediaID string `json:"media_id"`
	} `json:"attachments"`
	Reply *struct {
		To string `json:"in_reply_to_tweet_id"`
	} `json:"reply"`
	Media *struct {
		IDs []string `json:"media_ids"`
	} `json:"media"`
}

func (a *XAPI) answer(w http.ResponseWriter, r *http.Request) (any, *Fault, *xProblem) {
	account := a.authorize(r)
	if account == nil {
		return nil, nil, problemOfX(http.StatusUnauthorized, "about:blank", "Unauthorized", "Unauthorized")
	}
	person, direct := strings.CutPrefix(r.URL.Path, "/2/dm_conversations/with/")
	person, fits := strings.CutSuffix(person, "/messages")
	if r.Method != http.MethodPost || direct != fits || !direct && r.URL.Path != "/2/tweets" {
		return nil, nil, problemOfX(http.StatusNotFound, "about:blank", "Not Found", "Not Found")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	if err != nil {
		return nil, nil, problemOfX(http.StatusRequestEntityTooLarge, "about:blank", "Payload Too Large", "Payload Too Large")
	}
	var in xSend
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" || json.Unmarshal(body, &in) != nil {
		return nil, nil, invalidX("The body is not valid JSON.")
	}
	if direct {
		return a.direct(account, person, &in, body)
	}
	return a.post(account, &in, body)
}

// authorize is the account in whose name r is made; nil: none.
func (a *XAPI) authorize(r *http.Request) *XAccount {
	header := r.Header.Get("Authorization")
	for i := range a.accounts {
		account := &a.accounts[i]
		if account.TokenSecret == "" {
			if subtle.ConstantTimeCompare([]byte(header), []byte("Bearer "+account.Token.Reveal())) == 1 {
				return account
			}
		} else if account.signed10a(r, header) {
			return account
		}
	}
	return nil
}

// signed10a reports whether the header signs r with the account's token.
// https://docs.x.com/fundamentals/authentication/oauth-1-0a/creating-a-signature
func (x *XAccount) signed10a(r *http.Request, header string) bool {
	list, ok := strings.CutPrefix(header, "OAuth ")
	if !ok {
		return false
	}
	var pairs []string
	given := map[string]string{}
	for part := range strings.SplitSeq(list, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.Trim(value, `"`)
		given[name], _ = url.PathUnescape(value)
		if name != "oauth_signature" {
			pairs = append(pairs, name+"="+value)
		}
	}
	slices.Sort(pairs)
	target := "http://" + r.Host + r.URL.EscapedPath()
	if r.TLS != nil {
		target = "https" + strings.TrimPrefix(target, "http")
	}
	percent := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	mac := hmac.New(sha1.New, []byte(percent(x.ConsumerSecret.Reveal())+"&"+percent(x.TokenSecret.Reveal())))
	mac.Write([]byte(r.Method + "&" + percent(target) + "&" + percent(strings.Join(pairs, "&"))))
	return given["oauth_token"] == x.Token.Reveal() && given["oauth_consumer_key"] == x.ConsumerKey && given["oauth_nonce"] != "" &&
		given["oauth_signature_method"] == "HMAC-SHA1" && given["oauth_version"] == "1.0" &&
		hmac.Equal([]byte(given["oauth_signature"]), []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil))))
}

// direct takes a direct message.
func (a *XAPI) direct(account *XAccount, person string, in *xSend, body []byte) (any, *Fault, *xProblem) {
	switch {
	case digits(person) != person || person == "" || len(person) > 19:
		return nil, nil, invalidX("The `participant_id` path parameter value [" + person + "] is not valid.")
	case person == account.UserID:
		return nil, nil, problemOfX(http.StatusForbidden, "about:blank", "Forbidden", "You cannot send messages to yourself.")
	case in.Text == "" && len(in.Attachments) == 0:
		return nil, nil, invalidX("One of text and attachments is required.")
	case len(in.Attachments) > 1 || len(in.Attachments) == 1 && digits(in.Attachments[0].MediaID) != in.Attachments[0].MediaID:
		return nil, nil, invalidX("attachments must be one media_id.")
	case utf8.RuneCountInString(in.Text) > 10_000:
		return nil, nil, problemOfX(http.StatusForbidden, "about:blank", "Forbidden", "The text of your direct message is over the max character limit.")
	}
	s := a.sent(account, person, in.Text, body)
	if len(in.Attachments) > 0 {
		s.Type = "image"
	}
	r := reporter{statuses: []hookswitch.MessageStatus{hookswitch.StatusRead}, push: func(hookswitch.MessageStatus, int) Push { return account.Read(person, s.ID) }}
	fault, refused := a.take(s, func(fault *Fault) []func() Push {
		own := func() Push { return account.Own(s.ID, person, s.Text) }
		return append([]func() Push{own}, r.pushes(fault)...)
	})
	return members{"dm_conversation_id": account.UserID + "-" + person, "dm_event_id": s.ID}, fault, refused
}

// post takes a post that answers another. Gateways write no others.
func (a *XAPI) post(account *XAccount, in *xSend, body []byte) (any, *Fault, *xProblem) {
	switch {
	case in.Reply == nil || digits(in.Reply.To) != in.Reply.To || in.Reply.To == "":
		return nil, nil, invalidX("The `reply.in_reply_to_tweet_id` value is not valid.")
	case in.Text == "" && (in.Media == nil || len(in.Media.IDs) == 0):
		return nil, nil, invalidX("One of text and media is required.")
	case utf8.RuneCountInString(in.Text) > 280:
		return nil, nil, problemOfX(http.StatusForbidden, "about:blank", "Forbidden", "Your Tweet text is too long.")
	}
	for _, before := range a.Sent() {
		if before.Account == account.UserID && before.To == "" && before.Text == in.Text && before.ReplyTo == in.Reply.To {
			return nil, nil, problemOfX(http.StatusForbidden, "about:blank", "Forbidden", "You are not allowed to create a Tweet with duplicate content.")
		}
	}
	s := a.sent(account, "", in.Text, body)
	s.ReplyTo = in.Reply.To
	fault, refused := a.take(s, func(*Fault) []func() Push { return nil })
	return members{"id": s.ID, "text": s.Text, "edit_history_tweet_ids": []string{s.ID}}, fault, refused
}

func (a *XAPI) sent(account *XAccount, to, text string, body []byte) *Sent {
	return &Sent{Channel: hookswitch.X, Account: account.UserID, ID: account.newID(), To: to, Type: "text", Text: text, Body: bytes.Clone(body), At: account.now()}
}

// take decides on a send that is in order: it is refused by a fault, or kept and its reports planned.
func (a *XAPI) take(s *Sent, reports func(*Fault) []func() Push) (fault *Fault, refused *xProblem) {
	a.ledger.take(s, func(f *Fault) bool {
		fault = f
		switch {
		case f != nil && (f.Code != 0 || f.HTTPStatus != 0):
			refused = f.xRefusal(s.At)
		case !a.plan(reports(f)...):
			fault, refused = nil, problemOfX(http.StatusTooManyRequests, "about:blank", "Too Many Requests", "Too Many Requests")
		}
		return refused == nil
	})
	return fault, refused
}

// xRefusal is what f answers in place of taking a send.
func (f *Fault) xRefusal(now time.Time) *xProblem {
	status := cmp.Or(f.HTTPStatus, f.Code)
	if f.Code != 0 && (f.Code < 400 || f.Code > 599) {
		if status == f.Code {
			status = http.StatusForbidden
		}
		return &xProblem{status: status, body: members{"errors": []members{{"code": f.Code, "message": map[int]string{
			89: "Invalid or expired token.", 88: "Rate limit exceeded", 130: "Over capacity", 131: "Internal error", 187: "Status is a duplicate.",
			349: "You cannot send messages to this user.",
		}[f.Code]}}}}
	}
	detail := cmp.Or(map[int]string{403: "You do not have permission to DM one or more participants."}[status], http.StatusText(status))
	p := problemOfX(status, "about:blank", cmp.Or(http.StatusText(status), "Error"), detail)
	if f.RetryAfter > 0 {
		p.reset = now.Add(f.RetryAfter)
	}
	return p
}
