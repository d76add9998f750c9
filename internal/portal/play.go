package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/time/rate"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// Limits of the play pages.
const (
	listLength  = 50  // requests on a page
	maxWatchers = 256 // open live views of this process
	maxSecrets  = 5   // of one bin
	newBinRate  = 2   // a second, over all visitors
	newBinBurst = 60  // the same
)

var playRoutes = []route{
	{in: open, method: "GET", path: "/play", name: "See what your webhooks send", handle: onPlay((*play).start)},
	{in: open, method: "POST", path: "/play", name: "Make a bin", handle: onPlay((*play).create)},
	{in: open, method: "GET", path: "/play/{token}", name: "Bin", handle: onPlay((*play).bin), samples: []string{"/play/{bin}", "/play/{emptybin}", "/play/{bin}?view=hex"}},
	{in: open, method: "GET", path: "/play/{token}/requests.json", name: "Requests", handle: onPlay((*play).requests), data: true},
	{in: open, method: "GET", path: "/play/{token}/events", name: "Live view", handle: onPlay((*play).events), data: true},
	{in: open, method: "POST", path: "/play/{token}/secret", name: "Secrets of a bin", handle: onPlay((*play).setSecret)},
	{in: open, method: "POST", path: "/play/{token}/sample", name: "Send a sample", handle: onPlay((*play).sample)},
}

// onPlay is a handler of the play pages.
func onPlay(h func(*play, *view) error) func(*Pages, *view) error {
	return func(p *Pages, v *view) error { return h(p.play, v) }
}

// play is the pages of the bins.
type play struct {
	*Pages
	making   *rate.Limiter
	watchers atomic.Int64
}

func newPlay(p *Pages) *play {
	return &play{Pages: p, making: rate.NewLimiter(newBinRate, newBinBurst)}
}

// errManyBins asks for patience.
var errManyBins = hookswitch.Errorf(hookswitch.RateLimited, "Many people are making bins at this moment. Please try again in a few seconds.")

// startPage tells what a bin is.
type startPage struct {
	*view
	Address string
}

func (pl *play) start(v *view) error {
	v.Shell.Body = "start"
	return v.show("play/start", startPage{v, pl.svc.PublicURL()})
}

func (pl *play) create(v *view) error {
	w, r := v.w, v.r
	if !pl.making.Allow() {
		return errManyBins
	}
	b, err := pl.svc.CreateBin(r.Context())
	if err != nil {
		return err
	}
	return seeOther(w, "/play/"+b.Token)
}

// open is the bin that the path names.
func (pl *play) open(r *http.Request) (*store.Bin, error) {
	b, err := pl.svc.Bin(r.Context(), r.PathValue("token"))
	if hookswitch.KindOf(err) == hookswitch.NotFound {
		return nil, noSuchPage()
	}
	return b, err
}

// binPage is what the page of a bin shows.
type binPage struct {
	*view
	Token    string
	Address  string
	Path     string
	Expires  string
	Secrets  int
	Problem  string // with the secret that was pasted
	Rows     []row
	Newest   string // the key of the newest request, for the live view
	Selected *detail
	Chosen   bool // a request is named in the URL; else the newest is shown
	Older    string
	Paged    bool // not the first page of the list
}

func (pl *play) bin(v *view) error {
	w, r := v.w, v.r
	b, err := pl.open(r)
	if err != nil {
		return err
	}
	_ = w
	return pl.showBin(v, http.StatusOK, b, "")
}

func (pl *play) showBin(v *view, status int, b *store.Bin, problem string) error {
	r := v.r
	query := r.URL.Query()
	before, _ := parseKey(query.Get("before"))
	list, err := pl.svc.BinRequests(r.Context(), b.Token, store.Page{Limit: listLength + 1, Before: before})
	if err != nil {
		return err
	}
	page := &binPage{view: v, Token: b.Token, Address: pl.svc.PublicURL() + binPath + b.Token, Path: "/play/" + b.Token, Expires: b.ExpiresAt.UTC().Format("2 January 2006, 15:04 MST"),
		Secrets: len(b.Secrets), Problem: problem, Paged: before != 0, Newest: "0"}
	if len(list) > listLength {
		list = list[:listLength]
		page.Older = formatKey(list[listLength-1].Key)
	}
	j := newJudge(b.Secrets)
	for _, q := range list {
		page.Rows = append(page.Rows, newRow(q, j))
	}
	if len(list) > 0 && before == 0 {
		page.Newest = formatKey(list[0].Key)
	}
	selected, err := pl.selected(r.Context(), b.Token, query.Get("request"), list)
	if err != nil {
		return err
	}
	page.Chosen = query.Get("request") != ""
	if selected != nil {
		page.Selected = newDetail(selected, j, page.Path, query.Get("view"))
		for i := range page.Rows {
			page.Rows[i].Current = page.Rows[i].ID == page.Selected.ID
		}
	}
	v.Shell.Script, v.Shell.Body = "play.js", "bin"
	v.Shell.Data = map[string]string{"bin": page.Path, "newest": page.Newest}
	if page.Chosen {
		v.Shell.Data["chosen"] = "yes"
	}
	if page.Paged {
		v.Shell.Data["paged"] = "yes"
	}
	return v.write(status, "play/bin", page)
}

// selected is the request of the id, or the newest on the page without one.
func (pl *play) selected(ctx context.Context, token, id string, list []*store.BinRequest) (*store.BinRequest, error) {
	if id == "" {
		if len(list) == 0 {
			return nil, nil
		}
		return list[0], nil
	}
	key, ok := parseKey(id)
	if !ok {
		return nil, noSuchRequest()
	}
	if i := slices.IndexFunc(list, func(q *store.BinRequest) bool { return q.Key == key }); i >= 0 {
		return list[i], nil
	}
	found, err := pl.svc.BinRequests(ctx, token, store.Page{Limit: 1, Before: key + 1})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 || found[0].Key != key {
		return nil, noSuchRequest()
	}
	return found[0], nil
}

func noSuchRequest() error {
	return hookswitch.NotFoundf("The bin does not hold this request. A bin keeps the newest %d.", service.BinRequests)
}

// setSecret learns a secret to judge signatures with, or forgets them all.
func (pl *play) setSecret(v *view) error {
	w, r := v.w, v.r
	b, err := pl.open(r)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return hookswitch.Errorf(hookswitch.Invalid, "The form cannot be read: %w", err)
	}
	var secrets []hookswitch.Secret
	if r.PostForm.Get("forget") == "" {
		text := strings.TrimSpace(r.PostForm.Get("secret"))
		if problem := checkSecret(text); problem != "" {
			return pl.showBin(v, http.StatusUnprocessableEntity, b, problem)
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
	b, err := pl.open(r)
	if err != nil {
		return err
	}
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

// formatKey writes a key as pages and programs see it; later ones are greater numbers.
func formatKey(k hookswitch.Key) string { return strconv.FormatInt(int64(k), 10) }

func parseKey(s string) (hookswitch.Key, bool) {
	n, err := strconv.ParseInt(cmp.Or(s, "0"), 10, 63)
	return hookswitch.Key(max(n, 0)), err == nil && n >= 0
}
