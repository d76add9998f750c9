package widget

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

const (
	// sessionLife is how long a session's token opens the door, and resumeLife how long a new one is given for it.
	sessionLife = time.Hour
	resumeLife  = 30 * 24 * time.Hour
)

// session is an anonymous visitor of one sender's web chat. It is not stored: the token that the browser keeps is all there is.
type session struct {
	sender  hookswitch.Key
	visitor string // the id of the person on the channel
	issued  time.Time
}

const (
	tokenMark    = "wcs_"
	visitorMark  = "vis_"
	visitorBytes = 16
	tokenVersion = 1
	// version, sender, visitor, second of issue
	claimBytes = 1 + 8 + visitorBytes + 8
)

// newVisitor is a session of somebody who has not been here before. It has no key of the store, so whoever only looks leaves nothing behind.
func newVisitor(sender hookswitch.Key) *session {
	id := make([]byte, visitorBytes)
	_, _ = rand.Read(id) // it does not fail
	return &session{sender: sender, visitor: visitorMark + hex.EncodeToString(id)}
}

// issue is the token of s from now on.
func (wg *Widget) issue(s *session, now time.Time) string {
	claims := make([]byte, 0, claimBytes+sha256.Size)
	claims = append(claims, tokenVersion)
	claims = binary.BigEndian.AppendUint64(claims, uint64(s.sender))
	id, _ := hex.DecodeString(strings.TrimPrefix(s.visitor, visitorMark)) // made by newVisitor, or checked by read
	claims = append(claims, id...)
	claims = binary.BigEndian.AppendUint64(claims, uint64(now.Unix()))
	return tokenMark + base64.RawURLEncoding.EncodeToString(append(claims, wg.sign(claims)...))
}

func (wg *Widget) sign(claims []byte) []byte {
	mac := hmac.New(sha256.New, wg.key)
	mac.Write(claims)
	return mac.Sum(nil)
}

// read is the session of a genuine token, however old.
func (wg *Widget) read(token string) (*session, bool) {
	text, ok := strings.CutPrefix(token, tokenMark)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(claimBytes+sha256.Size) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, false
	}
	claims := raw[:claimBytes]
	if !hmac.Equal(wg.sign(claims), raw[claimBytes:]) || claims[0] != tokenVersion {
		return nil, false
	}
	return &session{
		sender:  hookswitch.Key(binary.BigEndian.Uint64(claims[1:])),
		visitor: visitorMark + hex.EncodeToString(claims[9:9+visitorBytes]),
		issued:  time.Unix(int64(binary.BigEndian.Uint64(claims[9+visitorBytes:])), 0),
	}, true
}

// resume is the session of a token that a browser has kept, if it was one of the sender's and is not too old.
func (wg *Widget) resume(token string, sender hookswitch.Key, now time.Time) (*session, bool) {
	s, ok := wg.read(token)
	if !ok || s.sender != sender || now.Sub(s.issued) > resumeLife {
		return nil, false
	}
	return s, true
}

// enter is the session of a request and the web chat that it belongs to. The answer is for the request's origin from then on.
func (wg *Widget) enter(w http.ResponseWriter, r *http.Request, token string) (*session, *chat, error) {
	s, ok := wg.read(token)
	if !ok {
		return nil, nil, wg.openly(w, r, unauthorized("invalid_session", "A token of /init is needed."))
	}
	c, err := wg.chatOf(r.Context(), wg.svc.IDs().Format(hookswitch.KindSender, s.sender))
	if err != nil {
		return nil, nil, wg.openly(w, r, err)
	}
	if err := wg.admit(w, r, c); err != nil {
		return nil, nil, err
	}
	if wg.now().Sub(s.issued) > sessionLife {
		return nil, nil, unauthorized("expired_session", "The session is over; resume it with /init.")
	}
	return s, c, nil
}

func unauthorized(code, message string) error {
	return &hookswitch.Error{Kind: hookswitch.Unauthorized, Code: code, Message: message}
}

// tokenOf is the token of a request: in the header, or in the query where a browser's EventSource asks, which cannot set headers.
func tokenOf(r *http.Request) string {
	if t := httpapi.BearerToken(r); t != "" || r.Method != http.MethodGet {
		return t
	}
	return r.URL.Query().Get("token")
}

// detached is a context for storing what was read, which goes on when the visitor has left the page.
func detached(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), storeTime)
}

const storeTime = 10 * time.Second
