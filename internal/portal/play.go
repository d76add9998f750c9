package portal

import (
	"cmp"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// Limits of the play pages.
const (
	listLength  = 50  // requests on a page
	maxWatchers = 256 // open live views of bins of this process
	maxOfOneBin = 32  // of them of one bin
	// maxSearches is how many bins are searched at a time, each of which may be read whole, and maxSearchesOfBin how often one.
	maxSearches      = 8
	maxSearchesOfBin = 3
	maxSecrets       = 5  // of one bin
	newBinRate       = 2  // a second, over all visitors
	newBinBurst      = 60 // the same
	sendRate         = 5  // requests a second that are sent on, over all visitors
	sendBurst        = 60
	guessRate        = 1 // passwords a second, of one visitor and of one link
	guessBurst       = 20
	maxMine          = 12 // bins that a browser remembers
)

var playRoutes = slices.Concat([]route{
	{in: open, method: "GET", path: "/play", name: "See what your webhooks send", handle: onPlay((*play).start)},
	{in: open, method: "POST", path: "/play", name: "Make a bin", handle: onPlay((*play).create)},
	{in: open, method: "GET", path: "/play/{token}", name: "Bin", handle: onPlay((*play).bin),
		samples: []string{"/play/{bin}", "/play/{emptybin}", "/play/{bin}?view=hex", "/play/{bin}?q=nothing-like-it", "/play/{manybin}", "/play/{manybin}?q=twilio", "/play/{share}", "/play/{lockedshare}"}},
	{in: open, method: "GET", path: "/play/{token}/requests.json", name: "Requests", handle: onPlay((*play).requests), data: true},
	{in: open, method: "GET", path: "/play/{token}/events", name: "Live view", handle: onPlay((*play).events), data: true, stream: true},
	{in: open, method: "POST", path: "/play/{token}/secret", name: "Secrets of a bin", handle: onPlay((*play).setSecret)},
	{in: open, method: "POST", path: "/play/{token}/sample", name: "Send a sample", handle: onPlay((*play).sample)},
	{in: open, method: "POST", path: "/play/{token}/pin", name: "Pin a request", handle: onPlay((*play).pin)},
	{in: open, method: "GET", path: "/play/{token}/settings", name: "Settings of the bin", handle: onPlay((*play).settings), samples: []string{"/play/{bin}/settings"}},
	{in: open, method: "POST", path: "/play/{token}/settings", name: "Settings of the bin", handle: onPlay((*play).saveSettings)},
}, playAnswerRoutes, playSendRoutes, playRelayRoutes, playShareRoutes, playExportRoutes, playCompareRoutes)

// onPlay is a handler of the play pages.
func onPlay(h func(*play, *view) error) func(*Pages, *view) error {
	return func(p *Pages, v *view) error { return h(p.play, v) }
}

// play is the pages of the bins.
type play struct {
	*Pages
	making   *rate.Limiter
	watchers *seats
	files    *seats
	searches *seats
	held     atomic.Int64 // requests of bins that are being answered
	sending  *rate.Limiter
	guessing *turns
	relaying *rate.Limiter
}

func newPlay(p *Pages) *play {
	return &play{Pages: p, making: rate.NewLimiter(newBinRate, newBinBurst), sending: rate.NewLimiter(sendRate, sendBurst), guessing: newTurns(guessRate, guessBurst),
		watchers: newSeats(maxWatchers, maxOfOneBin), files: newSeats(maxPlayFiles, maxFilesOfBin), searches: newSeats(maxSearches, maxSearchesOfBin), relaying: rate.NewLimiter(relayRate, relayBurst)}
}

// errManyBins asks for patience.
var errManyBins = hookswitch.Errorf(hookswitch.RateLimited, "Many people are making bins at this moment. Please try again in a few seconds.")

// startPage tells what a bin is, and lists those of the browser.
type startPage struct {
	*view
	Address string
	Mine    []myBin
	Problem string
}

// myBin is a bin that the browser made or looked at.
type myBin struct {
	Name, URL, Short string
	Taken            int64
	Last             template.HTML
	Expires          string
}

func (pl *play) start(v *view) error { return pl.showStart(v, http.StatusOK, "") }

func (pl *play) showStart(v *view, status int, problem string) error {
	v.Shell.Body = "start"
	page := startPage{view: v, Address: pl.svc.PublicURL(), Problem: problem}
	for _, token := range v.mine() {
		b, err := pl.svc.Bin(v.ctx(), token)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		one := myBin{Name: b.Name, URL: playRoot + "/" + token, Short: token[:6] + "…", Taken: b.Taken, Last: ui.Time(time.Time{}, v.Now), Expires: "in " + ui.Span(b.ExpiresAt.Sub(v.Now))}
		if newest, err := pl.svc.BinRequests(v.ctx(), token, store.Page{Limit: 1}); err != nil {
			return err
		} else if len(newest) > 0 {
			one.Last = v.Ago(newest[0].Key.Time())
		}
		page.Mine = append(page.Mine, one)
	}
	return v.write(status, "play/start", page)
}

// binsCookie remembers the bins of a browser.
const binsCookie = "hookswitch-bins"

func (v *view) mine() []string {
	var list []string
	for token := range strings.SplitSeq(v.cookie(binsCookie), ".") {
		if token != "" && hookswitch.CheckName(token) == "" && len(list) < maxMine {
			list = append(list, token)
		}
	}
	return list
}

// remember puts a bin first among those of the browser; forget takes it away.
func (v *view) remember(token string, forget bool) {
	have := v.mine()
	list := slices.DeleteFunc(slices.Clone(have), func(t string) bool { return t == token })
	if !forget {
		list = append([]string{token}, list[:min(len(list), maxMine-1)]...)
	}
	if !slices.Equal(have, list) {
		v.setCookie(binsCookie, strings.Join(list, "."), service.NamedBinLife)
	}
}

func (pl *play) create(v *view) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	if !pl.making.Allow() {
		return errManyBins
	}
	b, err := pl.svc.CreateBin(v.ctx())
	if err != nil {
		return err
	}
	if name := strings.TrimSpace(form.Get("name")); name != "" {
		_, err := pl.svc.UpdateBin(v.ctx(), b.Token, func(b *store.Bin) error {
			b.Name = name
			return nil
		})
		if hookswitch.KindOf(err) == hookswitch.Invalid {
			return pl.showStart(v, http.StatusUnprocessableEntity, "The name "+fieldProblem(err)+".")
		}
		if err != nil {
			return err
		}
	}
	v.remember(b.Token, false)
	return seeOther(v.w, playRoot+"/"+b.Token)
}

// fieldProblem is what is wrong with the first field of an error.
func fieldProblem(err error) string {
	var e *hookswitch.Error
	if errors.As(err, &e) && len(e.Fields) > 0 {
		return e.Fields[0].Message
	}
	return "cannot be used"
}

// binHead is what all pages of a bin have: the bin, and who looks.
type binHead struct {
	*view
	Token    string
	Name     string
	Address  string // that takes requests; "" for who may only look
	Path     string // of the page
	Expires  string
	ReadOnly bool
	Tabs     []ui.Tab
	bin      *store.Bin
}

// open is the bin that the path names, by its token or by a link for looking.
func (pl *play) open(v *view) (*binHead, error) {
	text := v.r.PathValue("token")
	h := &binHead{view: v, Path: playRoot + "/" + text}
	var err error
	if service.IsBinShare(text) {
		h.ReadOnly = true
		var share *store.BinShare
		if share, h.bin, err = pl.svc.BinShare(v.ctx(), text); err == nil && !v.hasUnlocked(share) {
			return nil, errLocked
		}
	} else {
		h.bin, err = pl.svc.Bin(v.ctx(), text)
	}
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, noSuchPage()
	}
	if err != nil {
		return nil, err
	}
	b := h.bin
	h.Token, h.Name, h.Expires = b.Token, excerpt(b.Name, 80), b.ExpiresAt.UTC().Format("2 January 2006, 15:04 MST")
	if !h.ReadOnly {
		h.Address = pl.svc.PublicURL() + binPath + b.Token
	}
	add := func(name, path, count string) {
		url := h.Path + path
		h.Tabs = append(h.Tabs, ui.Tab{Name: name, URL: url, Count: count, Current: v.r.URL.Path == url || path == "" && strings.HasSuffix(v.route.path, "compare")})
	}
	add("Requests", "", "")
	if !h.ReadOnly {
		add("Answer", "/answer", answerWord(b.Answer))
		add("Send on", "/send", "")
		add("Share and export", "/share", "")
		add("Settings", "/settings", "")
	}
	v.Shell.Body = "bin"
	if b.Name != "" {
		v.Shell.Title = h.Name
	}
	return h, nil
}

// own is open for those who may change the bin.
func (pl *play) owned(v *view) (*binHead, error) {
	h, err := pl.open(v)
	if err == nil && h.ReadOnly {
		return nil, hookswitch.Errorf(hookswitch.Forbidden, "This link is for looking. Ask whoever gave it to you for the address of the bin.")
	}
	return h, err
}

// posted is the bin of a form that only who owns the bin may send, and the form.
func (pl *play) posted(v *view) (*binHead, url.Values, error) {
	h, err := pl.owned(v)
	if err != nil {
		return nil, nil, err
	}
	form, err := v.form()
	return h, form, err
}

// binPage is what the page of a bin shows.
type binPage struct {
	*binHead
	Secrets  int
	Problem  string // with the secret that was pasted
	Rows     []row
	Newest   string // the key of the newest request, for the live view
	Selected *detail
	Chosen   bool // a request is named in the URL; else the newest is shown
	Older    string
	Paged    bool // not the first page of the list
	Filter   ui.Filter
	Filtered bool
	Keep     string // the conditions of the list, as a query
	Replays  int    // requests that wait to be sent again
}

func (pl *play) bin(v *view) error {
	h, err := pl.open(v)
	if errors.Is(err, errLocked) {
		return pl.showLocked(v, http.StatusOK, "")
	}
	if err != nil {
		return err
	}
	if !h.ReadOnly {
		v.remember(h.Token, false)
	}
	return pl.showBin(h, http.StatusOK, "")
}

func (pl *play) showBin(h *binHead, status int, problem string) error {
	v, b, r := h.view, h.bin, h.r
	query := r.URL.Query()
	before, _ := parseKey(query.Get("before"))
	c := v.conditions()
	filtered := c != conditions{}
	j := newJudge(b.Secrets)
	var list []*store.BinRequest
	var err error
	if filtered {
		list, err = pl.search(r.Context(), b.Token, before, listLength+1, func(q *store.BinRequest) bool { return c.match(q, j) })
	} else {
		list, err = pl.svc.BinRequests(r.Context(), b.Token, store.Page{Limit: listLength + 1, Before: before})
	}
	if err != nil {
		return err
	}
	page := &binPage{binHead: h, Secrets: len(b.Secrets), Problem: problem, Paged: before != 0, Newest: "0", Filtered: filtered}
	page.Filter = ui.Filter{Action: h.Path, Target: "listing", Label: "Search requests", Text: query.Get("q"), Holder: "Words in path, headers or body", Clear: h.Path, Fields: []ui.Field{
		{ID: "method", Name: "method", Label: "Method", Kind: "select", Options: options(c.method, "", "Method", "GET", "GET", "POST", "POST", "PUT", "PUT", "PATCH", "PATCH", "DELETE", "DELETE")},
		{ID: "verdict", Name: "verdict", Label: "Signature", Kind: "select", Options: options(c.verdict, "", "Signature", "good", "Verified", "bad", "Refused", "unknown", "Not checked", "unsigned", "Not signed")},
		{ID: "pinned", Name: "pinned", Label: "Pinned", Kind: "select", Options: options(c.pinned, "", "All", "yes", "Pinned")}}}
	if b.Relay != "" || c.forwarded != "" {
		page.Filter.Fields = append(page.Filter.Fields, ui.Field{ID: "forwarded", Name: "forwarded", Label: "Sent on", Kind: "select",
			Options: options(c.forwarded, "", "Sent on", "good", "Taken", "refused", "Refused", "bad", "No answer", "waiting", "On its way")})
	}
	if _, more := fewWords(query.Get("q")); more {
		page.Filter.Wrong = []string{"The search has more than " + strconv.Itoa(filter.MaxTerms) + " words; the others are left out."}
	}
	keep := make(url.Values)
	for _, chip := range [][2]string{{"q", "text"}, {"method", "method"}, {"verdict", "signature"}, {"pinned", "pinned"}, {"forwarded", "sent on"}} {
		if value := query.Get(chip[0]); value != "" {
			page.Filter.Chips = append(page.Filter.Chips, ui.Chip{Name: chip[1], Value: value, Without: v.Link(chip[0], "", "before", "")})
			keep.Set(chip[0], value)
		}
	}
	if page.Keep = "?"; len(keep) > 0 {
		page.Keep += keep.Encode() + "&"
	}
	if len(list) > listLength {
		list = list[:listLength]
		page.Older = formatKey(list[listLength-1].Key)
	}
	for _, q := range list {
		page.Rows = append(page.Rows, h.row(q, j))
	}
	if len(list) > 0 && before == 0 && !filtered {
		page.Newest = formatKey(list[0].Key)
	}
	if filtered { // the live view begins with what there is now
		newest, err := pl.svc.BinRequests(r.Context(), b.Token, store.Page{Limit: 1})
		if err != nil {
			return err
		}
		if len(newest) > 0 {
			page.Newest = formatKey(newest[0].Key)
		}
	}
	selected, err := pl.selected(r.Context(), b.Token, query.Get("request"), list)
	if err != nil {
		return err
	}
	page.Chosen = query.Get("request") != ""
	if selected != nil {
		page.Selected = newDetail(selected, j, h.Path, query.Get("view"))
		page.Selected.Forwarded = newForwarded(selected.Relayed, !h.ReadOnly)
		for i := range page.Rows {
			page.Rows[i].Current = page.Rows[i].ID == page.Selected.ID
		}
	}
	if _, page.Replays, err = pl.svc.BinRelaysWaiting(r.Context(), b.Token); err != nil {
		return err
	}
	v.Shell.Script = "play.js"
	v.Shell.Data = map[string]string{"bin": h.Path, "newest": page.Newest, "name": cmp.Or(h.Name, "Play"), "waiting": strconv.Itoa(page.Replays)}
	if page.Chosen {
		v.Shell.Data["chosen"] = "yes"
	}
	if page.Paged {
		v.Shell.Data["paged"] = "yes"
	}
	cli := ""
	if !h.ReadOnly {
		cli = "hookswitch listen --bin " + h.Address
	}
	v.call(http.MethodGet, h.Path+"/requests.json", cli)
	return v.write(status, "play/bin", page)
}

// setSecret learns a secret to judge signatures with, or forgets them all.
func (pl *play) setSecret(v *view) error {
	w, r := v.w, v.r
	h, err := pl.owned(v)
	if err != nil {
		return err
	}
	b := h.bin
	if err := r.ParseForm(); err != nil {
		return hookswitch.Errorf(hookswitch.Invalid, "The form cannot be read: %w", err)
	}
	var secrets []hookswitch.Secret
	if r.PostForm.Get("forget") == "" {
		text := strings.TrimSpace(r.PostForm.Get("secret"))
		if problem := checkSecret(text); problem != "" {
			return pl.showBin(h, http.StatusUnprocessableEntity, problem)
		}
		secrets = append(secrets, hookswitch.Secret(text))
		for _, have := range b.Secrets {
			if have.Reveal() != text && len(secrets) < maxSecrets {
				secrets = append(secrets, have)
			}
		}
	}
	if err := pl.svc.SetBinSecrets(r.Context(), b.Token, secrets...); err != nil {
		return err
	}
	return seeOther(w, "/play/"+b.Token)
}

// checkSecret says what is wrong with a text that should be a secret.
func checkSecret(text string) string {
	if text == "" {
		return "Paste the signing secret first. It begins with whsec_."
	}
	if _, err := webhook.ParseSecret(text); err == nil {
		return ""
	}
	if _, err := webhook.ParseTextSecret(text); err != nil {
		return "That is not a signing secret: " + reasonOf(err) + "."
	}
	return ""
}

// samplePayload is a small event to look at.
const samplePayload = `{"type":"message.inbound","timestamp":%d,"data":{"from":"+15551234567","channel":"whatsapp","messageType":"text","text":"Hello from your new bin"}}`

// sample puts an invented request into the bin, signed where a secret is known.
func (pl *play) sample(v *view) error {
	w, r := v.w, v.r
	head, err := pl.owned(v)
	if err != nil {
		return err
	}
	b := head.bin
	at := pl.now()
	body := []byte(strings.Replace(samplePayload, "%d", strconv.FormatInt(at.UnixMilli(), 10), 1))
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"Hookswitch-Sample/1"}}
	for _, s := range b.Secrets {
		if sec, err := webhook.ParseSecret(s.Reveal()); err == nil && sec.CanSign() {
			if err := webhook.SetHeaders(h, "msg_sample_"+strconv.FormatInt(at.UnixMilli(), 36), at, body, sec); err != nil {
				return err
			}
			break
		}
		if sec, err := webhook.ParseTextSecret(s.Reveal()); err == nil {
			h.Set(webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeV2, at, body, sec))
			break
		}
	}
	q := &store.BinRequest{Token: b.Token, Method: http.MethodPost, URI: binPath + b.Token, Remote: "this page", Headers: headerLines("", h), Body: body, Size: int64(len(body))}
	if err := pl.svc.AddBinRequest(r.Context(), q); err != nil {
		return err
	}
	return seeOther(w, "/play/"+b.Token)
}

// pin has a request stay while others go, or lets it go.
func (pl *play) pin(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	key, ok := parseKey(form.Get("request"))
	if !ok {
		return noSuchRequest()
	}
	pinned := form.Get("pinned") == "yes"
	if err := pl.svc.PinBinRequest(v.ctx(), h.Token, key, pinned); err != nil {
		return err
	}
	sentence := "The request is not pinned any more."
	if pinned {
		sentence = "The request is pinned: it stays while the bin does."
	}
	return v.done(h.Path+"?request="+formatKey(key), ui.Good, sentence)
}

// binSettings is the page of what a bin is called, and how it is emptied.
type binSettings struct {
	*binHead
	Field    ui.Field
	Problems ui.Problems
	Taken    int64
	Named    bool
}

func (pl *play) settings(v *view) error {
	h, err := pl.owned(v)
	if err != nil {
		return err
	}
	return pl.showSettings(h, http.StatusOK, h.Name, "")
}

func (pl *play) showSettings(h *binHead, status int, name, problem string) error {
	page := binSettings{binHead: h, Taken: h.bin.Taken, Named: h.bin.Name != "", Field: ui.Field{ID: "name", Name: "name", Label: "Name", Value: name, Optional: true, Holder: "Checkout, staging", Problem: problem,
		Hint: "A bin with a name is kept for 30 days after its last request, so its address stays the same. One without is thrown away after a week."}}
	if problem != "" {
		page.Problems = ui.Problems{Title: "The name was not saved", List: []ui.Problem{{Field: "name", Text: problem}}}
	}
	return h.write(status, "play/settings", page)
}

func (pl *play) saveSettings(v *view) error {
	h, form, err := pl.posted(v)
	if err != nil {
		return err
	}
	switch form.Get("do") {
	case "empty":
		if err := pl.svc.EmptyBin(v.ctx(), h.Token); err != nil {
			return err
		}
		return v.done(h.Path, ui.Good, "The bin is empty.")
	case "delete":
		if err := pl.svc.DeleteBin(v.ctx(), h.Token); err != nil {
			return err
		}
		v.remember(h.Token, true)
		return v.done(playRoot, ui.Good, "The bin is gone, with all that it took.")
	}
	name := strings.TrimSpace(form.Get("name"))
	_, err = pl.svc.UpdateBin(v.ctx(), h.Token, func(b *store.Bin) error {
		b.Name = name
		return nil
	})
	if hookswitch.KindOf(err) == hookswitch.Invalid {
		return pl.showSettings(h, http.StatusUnprocessableEntity, name, "The name "+fieldProblem(err)+".")
	}
	if err != nil {
		return err
	}
	return v.done(h.Path+"/settings", ui.Good, "Saved.")
}

// formatKey writes a key as pages and programs see it; later ones are greater numbers.
func formatKey(k hookswitch.Key) string { return strconv.FormatInt(int64(k), 10) }

func parseKey(s string) (hookswitch.Key, bool) {
	n, err := strconv.ParseInt(cmp.Or(s, "0"), 10, 63)
	return hookswitch.Key(max(n, 0)), err == nil && n >= 0
}
