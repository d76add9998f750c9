package portal

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

var playShareRoutes = []route{
	{in: open, method: "GET", path: "/play/{token}/share", name: "Share and export", handle: onPlay((*play).share), samples: []string{"/play/{bin}/share", "/play/{emptybin}/share"}},
	{in: open, method: "POST", path: "/play/{token}/share", name: "Share and export", handle: onPlay((*play).saveShare)},
	{in: open, method: "POST", path: "/play/{token}/unlock", name: "Open a bin", handle: onPlay((*play).unlock)},
}

// shareRow is one link.
type shareRow struct {
	Link, URL string
	Password  bool
	Ends      string
	ID        string
}

// sharePage is the page of the links to a bin, and of its files.
type sharePage struct {
	*binHead
	Rows     []shareRow
	Password ui.Field
	Life     ui.Field
	Problems ui.Problems
	Count    int64
}

// lives are how long a link lives, in hours.
var lives = []string{"1", "An hour", "24", "A day", "168", "A week", "720", "30 days"}

func (pl *play) share(v *view) error {
	h, err := pl.owned(v)
	if err != nil {
		return err
	}
	return pl.showShare(h, http.StatusOK, "", "")
}

// showShare shows the page; life is what was chosen in a form that is told the problem with it.
func (pl *play) showShare(h *binHead, status int, life, problem string) error {
	list, err := pl.svc.BinShares(h.ctx(), h.Token)
	if err != nil {
		return err
	}
	page := sharePage{binHead: h, Count: h.bin.Taken,
		Password: ui.Field{ID: "password", Name: "password", Label: "Password", Kind: "password", Optional: true, Autocomplete: "new-password", Hint: "Whoever opens the link is asked for it."},
		Life:     ui.Field{ID: "life", Name: "life", Label: "Works for", Kind: "select", Options: options(cmp.Or(life, "24"), lives...)}}
	for i, s := range list {
		page.Rows = append(page.Rows, shareRow{Link: s.Link, URL: pl.svc.PublicURL() + playRoot + "/" + s.Link, Password: s.Password != "", Ends: "in " + ui.Span(s.ExpiresAt.Sub(h.Now)), ID: "link-" + strconv.Itoa(i)})
	}
	if problem != "" {
		page.Problems = ui.Problems{Title: "No link was made", List: []ui.Problem{{Text: problem}}}
	}
	return h.write(status, "play/share", page)
}

func (pl *play) saveShare(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	if link := form.Get("end"); link != "" {
		if err := pl.svc.EndBinShare(v.ctx(), h.Token, link); err != nil && hookswitch.KindOf(err) != hookswitch.NotFound {
			return err
		}
		return v.done(h.Path+"/share", ui.Good, "The link does not work any more.")
	}
	hours, err := strconv.Atoi(form.Get("life"))
	if err != nil || hours > 720 {
		return pl.showShare(h, http.StatusUnprocessableEntity, "", "Choose how long it works.")
	}
	_, err = pl.svc.ShareBin(v.ctx(), h.Token, hookswitch.Secret(form.Get("password")), time.Duration(hours)*time.Hour)
	switch hookswitch.KindOf(err) {
	case hookswitch.Conflict:
		return pl.showShare(h, http.StatusUnprocessableEntity, form.Get("life"), err.Error())
	case hookswitch.Invalid:
		return pl.showShare(h, http.StatusUnprocessableEntity, form.Get("life"), "The password "+fieldProblem(err)+".")
	}
	if err != nil {
		return err
	}
	return v.done(h.Path+"/share", ui.Good, "The link is made. Whoever has it sees the requests, and can change nothing.")
}

// errLocked says that a link wants a password first.
var errLocked = hookswitch.Errorf(hookswitch.Forbidden, "This link has a password. Open its page first.")

// unlockCookie is the name of the cookie that says that the browser knew the password of a link.
func unlockCookie(link string) string { return "hookswitch-open-" + link[:8] }

// proof is what the cookie holds: nobody makes it who does not know the hash of the password.
func proof(s *store.BinShare) string {
	sum := sha256.Sum256([]byte(s.Link + " " + s.Password))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (v *view) hasUnlocked(s *store.BinShare) bool {
	return s.Password == "" || sameText(hookswitch.Secret(proof(s)))(v.cookie(unlockCookie(s.Link)))
}

// lockedPage asks for the password of a link.
type lockedPage struct {
	*view
	Action   string
	Password ui.Field
}

func (pl *play) showLocked(v *view, status int, problem string) error {
	v.Shell.Bare = true
	v.Shell.Title = "This bin has a password"
	return v.write(status, "play/locked", lockedPage{v, playRoot + "/" + v.r.PathValue("token") + "/unlock",
		ui.Field{ID: "password", Name: "password", Label: "Password", Kind: "password", Problem: problem, Required: true, Autocomplete: "off"}})
}

func (pl *play) unlock(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	share, _, err := pl.svc.BinShare(v.ctx(), v.r.PathValue("token"))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return noSuchPage()
	}
	if err != nil {
		return err
	}
	if now := pl.now(); !pl.guessing.allow(v.visitor(), now) || !pl.guessing.allow(share.Link, now) {
		return hookswitch.Errorf(hookswitch.RateLimited, "Too many passwords are being tried at this moment. Please try again in a few seconds.")
	}
	if !service.OpensBin(share, form.Get("password")) {
		return pl.showLocked(v, http.StatusUnauthorized, "That is not the password of this link.")
	}
	v.setCookie(unlockCookie(share.Link), proof(share), share.ExpiresAt.Sub(v.Now))
	return seeOther(v.w, playRoot+"/"+share.Link)
}
