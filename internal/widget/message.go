package widget

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
)

const (
	maxName    = 100
	maxPageURL = 2048
	maxReplyID = 256
)

type messageIn struct {
	// ID is the browser's own id of the message: the same one again is the same message.
	ID      string `json:"id"`
	Text    string `json:"text"`
	ReplyID string `json:"replyId"` // of the choice whose title the text is
	Name    string `json:"name"`    // of the visitor, as the page says
	PageURL string `json:"pageUrl"`
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,64}$`)

// message takes what a visitor has written. It is on stable storage when it is answered.
func (wg *Widget) message(w http.ResponseWriter, r *http.Request) error {
	s, c, err := wg.enter(w, r, tokenOf(r))
	if err != nil {
		return err
	}
	now := wg.now()
	if err := wg.limits.write.take(s.visitor, now); err != nil {
		return err
	}
	if err := wg.limits.writeFrom.take(addressOf(r), now); err != nil {
		return err
	}
	in, err := httpapi.Decode[messageIn](r)
	if err != nil {
		return err
	}
	in.Text, in.Name = strings.TrimSpace(plain(in.Text, true)), clip(strings.TrimSpace(plain(in.Name, false)), maxName)
	var checks hookswitch.Checks
	if !clientID.MatchString(in.ID) {
		checks.Field("must be 8 to 64 letters, digits, hyphens and underscores, new for each message", "id")
	}
	if n := utf8.RuneCountInString(in.Text); n == 0 || n > webchat.MaxText {
		checks.Field("must have 1 to "+strconv.Itoa(webchat.MaxText)+" characters", "text")
	}
	if len(in.ReplyID) > maxReplyID {
		checks.Field("must have at most "+strconv.Itoa(maxReplyID)+" bytes", "replyId")
	}
	if err := checks.Err(); err != nil {
		return err
	}
	// Ids of browsers are their own, and those of two visitors may be the same.
	m := webchat.Message{ID: s.visitor + "." + in.ID, VisitorID: s.visitor, VisitorName: in.Name, Text: in.Text, ReplyID: in.ReplyID, SentAt: now, PageURL: pageOf(in.PageURL)}
	ctx, cancel := detached(r)
	defer cancel()
	res, err := wg.receive(ctx, r, c, m.Update())
	if err != nil {
		return err
	}
	stored, err := wg.svc.VisitorMessage(ctx, c.visitor(s), m.ID)
	if err != nil {
		return err
	}
	out := struct {
		Message messageOut `json:"message"`
	}{}
	out.Message, _ = wg.newMessage(stored, s.visitor)
	status := http.StatusCreated
	if res.Duplicates > 0 {
		status = http.StatusOK
	}
	return httpapi.Encode(w, status, out)
}

// plain is s without control characters. Line breaks and tabs of a text stay.
func plain(s string, lines bool) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && (!lines || r != '\n' && r != '\t') {
			return -1
		}
		return r
	}, s)
}

// pageOf is where a page is, without what may be secret or personal in its address.
func pageOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > maxPageURL || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}).String()
}

func clip(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n])
}
