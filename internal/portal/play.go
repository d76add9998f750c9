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

// play is the pages of the bins.
type play struct {
	*Pages
	mux      *http.ServeMux
	static   http.Handler
	making   *rate.Limiter
	watchers atomic.Int64
}

func newPlay(p *Pages) *play {
	pl := &play{Pages: p, mux: http.NewServeMux(), static: p.surface.Handle(serveAsset), making: rate.NewLimiter(newBinRate, newBinBurst)}
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(p.surface.Refuse(hookswitch.Errorf(hookswitch.Forbidden, "That came from another site's page. Open the bin here and try again.")))
	form := func(h http.Handler) http.Handler { return own.Handler(h) }
	for _, root := range []string{"/play", "/play/{$}"} {
		pl.mux.Handle("GET "+root, p.surface.Handle(pl.start))
		pl.mux.Handle("POST "+root, form(p.surface.Handle(pl.create)))
	}
	pl.mux.Handle("GET /play/{token}", p.surface.Handle(pl.bin))
	pl.mux.Handle("GET /play/{token}/requests.json", p.data.Handle(pl.requests))
	pl.mux.Handle("GET /play/{token}/events", p.data.Handle(pl.events))
	pl.mux.Handle("POST /play/{token}/secret", form(p.surface.Handle(pl.setSecret)))
	pl.mux.Handle("POST /play/{token}/sample", form(p.surface.Handle(pl.sample)))
	pl.mux.Handle("/", p.surface.Handle(func(http.ResponseWriter, *http.Request) error { return noSuchPage() }))
	return pl
}

func (pl *play) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Bins come before the mux, which would redirect paths that it could write more shortly.
	if rest, ok := strings.CutPrefix(r.URL.Path, binPath); ok {
		pl.serveTaking(w, r, rest)
		return
	}
	securityHeaders(w.Header())
	if strings.HasPrefix(r.URL.Path, staticPath) {
		pl.static.ServeHTTP(w, r)
		return
	}
	pl.mux.ServeHTTP(w, r)
}

func noSuchPage() error {
	return hookswitch.NotFoundf("This page does not exist, or it does no longer: bins are thrown away after a week.")
}

func (pl *play) start(w http.ResponseWriter, _ *http.Request) error {
	return pl.render(w, http.StatusOK, "start.html", struct{ Base string }{pl.svc.PublicURL()})
}

func (pl *play) create(w http.ResponseWriter, r *http.Request) error {
	if !pl.making.Allow() {
		return hookswitch.Errorf(hookswitch.RateLimited, "Many people are making bins at this moment. Please try again in a few seconds.")
	}
	b, err := pl.svc.CreateBin(r.Context())
	if err != nil {
		return err
	}
	return seeOther(w, "/play/"+b.Token)
}

func seeOther(w http.ResponseWriter, path string) error {
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return nil
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

func (pl *play) bin(w http.ResponseWriter, r *http.Request) error {
	b, err := pl.open(r)
	if err != nil {
		return err
	}
	return pl.showBin(w, r, http.StatusOK, b, "")
}

func (pl *play) showBin(w http.ResponseWriter, r *http.Request, status int, b *store.Bin, problem string) error {
	query := r.URL.Query()
	before, _ := parseKey(query.Get("before"))
	list, err := pl.svc.BinRequests(r.Context(), b.Token, store.Page{Limit: listLength + 1, Before: before})
	if err != nil {
		return err
	}
	page := &binPage{Token: b.Token, Address: pl.svc.PublicURL() + binPath + b.Token, Path: "/play/" + b.Token, Expires: b.ExpiresAt.UTC().Format("2 January 2006, 15:04 MST"),
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
	return pl.render(w, status, "bin.html", page)
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
func (pl *play) setSecret(w http.ResponseWriter, r *http.Request) error {
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
			return pl.showBin(w, r, http.StatusUnprocessableEntity, b, problem)
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
func (pl *play) sample(w http.ResponseWriter, r *http.Request) error {
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
