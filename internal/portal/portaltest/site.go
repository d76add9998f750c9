// Package portaltest is the pages over a small business that has been going on for a day: applications, endpoints that do well, fail and are turned off, events, attempts and play bins.
// Tests of pages look at it, and so do pictures.
package portaltest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/ingest"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/provider/all"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// Token is the operator's.
const Token = "operator-token-of-the-demonstration"

// Site is a running server of pages.
type Site struct {
	URL     string
	Service *service.Service
	Store   *store.Store
	Pages   *portal.Pages
	// App is the customer that most is shown of, and Empty one to which nothing has happened.
	App, Empty *hookswitch.App
	// Names are what the braces in the samples of the registry stand for: {app}, {endpoint}, {failing}, {off}, {invitation}, {event}, {attempt}, {quiet}, {inbound}, {reply}, {expired},
	// {okevent}, {okattempt}, {redirectevent}, {redirectattempt}, and of bins {bin} with {binone} and {bintwo}, {emptybin}, {manybin}, {share} and {lockedshare}.
	Names map[string]string

	// Fouled are the texts of hostile people, as they were given to the pages.
	Fouled []string

	hostile bool
	clock   clock
	rand    *rand.Rand
	http    *http.Server
	client  *safehttp.Client
	done    chan error
	ran     chan error // tells when the pages have stopped running
	stop    func()
}

// clock shows the time of the demonstration, and after it the real one.
type clock struct {
	ms   atomic.Int64
	real atomic.Bool
}

func (c *clock) now() time.Time {
	if c.real.Load() {
		return time.Now()
	}
	return time.UnixMilli(c.ms.Load()).UTC()
}

func (c *clock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// Options change a Site.
type Options struct {
	// Bare leaves the business out: there is a server, and nothing in it.
	Bare bool
	// Hostile has whoever can write anything write what wants to be more than text: {hostiletype}, {hostilea}, {hostileb} and {hostilec} are names too.
	Hostile bool
	// Database is where it lies; "": an SQLite file in dir.
	Database       string
	FrameAncestors []string
	PublicURL      string
	Logger         *slog.Logger // nil: what is wrong goes to standard error
}

// version is that of the program of the demonstration.
const version = "v1.0.0"

// Open makes a site whose files lie in dir, and serves it until Close.
func Open(ctx context.Context, dir string, o Options) (*Site, error) {
	s := &Site{hostile: o.Hostile, Names: make(map[string]string), rand: rand.New(rand.NewPCG(4, 2)), done: make(chan error, 1), ran: make(chan error, 1)}
	s.clock.ms.Store(time.Now().Add(-30 * time.Hour).UnixMilli())
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.URL = "http://" + listener.Addr().String()
	if o.PublicURL == "" {
		o.PublicURL = s.URL
	}
	s.Store, err = store.Open(ctx, store.Options{Database: cmp.Or(o.Database, "sqlite:"+filepath.Join(dir, "site.db")), DataDir: dir, MasterKey: make([]byte, 32), Now: s.clock.now})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	guard := safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})
	s.client = safehttp.New(safehttp.Options{Guard: guard})
	providers := all.Providers(all.Options{HTTP: s.client})
	redirected := make([]string, len(providers)) // there is a stand-in for each, of which the demonstration sees nothing
	for i, p := range providers {
		redirected[i] = p.Name()
	}
	s.Service, err = service.New(service.Options{Store: s.Store, Now: s.clock.now, Providers: providers, Redirected: redirected, PublicURL: o.PublicURL, Retention: 90 * 24 * time.Hour,
		CheckURL: func(u *url.URL) error { return guard.CheckURL(u) }, AllowPlain: guard.AllowsPlain,
		CheckResponder: func(c hookswitch.ResponderConfig) error {
			if o.Hostile && !s.clock.real.Load() { // what hostile people write is no good menu
				return nil
			}
			return respond.Validate(c, respond.Options{Guard: guard})
		},
		NewResponder: func(c hookswitch.ResponderConfig) (hookswitch.Responder, error) {
			return respond.New(c, respond.Options{HTTP: s.client, Guard: guard, Now: s.clock.now})
		},
		Profiles: map[hookswitch.ProfileName]hookswitch.Profile{hookswitch.ProfileSvix: hookswitch.SvixProfile(), hookswitch.ProfileZavu: hookswitch.ZavuProfile()}})
	if err == nil {
		err = s.Service.RegisterEventTypes(ctx)
	}
	doors := httpapi.NewMux(&httpapi.Surface{Name: "doors", Log: o.Logger})
	if err == nil {
		ingest.New(ingest.Options{Service: s.Service, Providers: providers, Now: s.clock.now, NewResponder: func(c hookswitch.ResponderConfig) (hookswitch.Responder, error) {
			return respond.New(c, respond.Options{Now: s.clock.now})
		}}).Register(doors)
		err = s.seed(ctx, o.Bare)
	}
	if err == nil && !o.Bare {
		err = s.messaging(ctx, doors)
	}
	if err == nil && o.Hostile {
		err = s.harm(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the demonstration: %w", err), listener.Close(), s.Store.Close())
	}
	s.clock.real.Store(true)
	if _, err := s.Store.Heartbeat(ctx, store.NodeLoad{Version: version, Cores: 4, CPU: 730, Memory: 94 << 20}); err != nil {
		return nil, errors.Join(err, listener.Close(), s.Store.Close())
	}
	mux := httpapi.NewMux(&httpapi.Surface{Name: "pages", Log: o.Logger})
	s.Pages = portal.New(portal.Options{Service: s.Service, Now: s.clock.now, OperatorToken: Token, FrameAncestors: o.FrameAncestors, HTTP: s.client, Logger: o.Logger, Doors: doors, Database: "SQLite",
		Settings: settings(), Version: version, Disk: func() (portal.Disk, error) {
			return portal.Disk{Data: 61 << 20, Free: 212 << 30, Total: 480 << 30}, nil
		}})
	s.Pages.Register(mux)
	s.http = &http.Server{Handler: httpapi.Chain(mux, httpapi.WithRequestID, httpapi.SecurityHeaders, httpapi.Gzip), ReadHeaderTimeout: 10 * time.Second}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() { s.ran <- s.Pages.Run(run) }()
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

// settings are what a server would tell of its own.
func settings() (list []portal.Setting) {
	for i, one := range config.Settings() {
		set := portal.Setting{Name: one.Name, Env: one.Env, Value: one.Default, Default: one.Default, Help: one.Help, Source: "default"}
		if i%5 == 2 {
			set.Source = []string{"flag", "environment", "file"}[i%3]
		}
		if one.Name != "operator-token" && one.Name != "master-key" {
			list = append(list, set)
		}
	}
	return list
}

// Close ends the site.
func (s *Site) Close() error {
	err := s.http.Close()
	<-s.done
	s.stop()
	err = errors.Join(err, <-s.ran)
	s.client.Close()
	return errors.Join(err, s.Store.Close())
}

// Path puts names into the braces of a sample.
func (s *Site) Path(sample string) string {
	for name, value := range s.Names {
		sample = strings.ReplaceAll(sample, "{"+name+"}", value)
	}
	return sample
}

// PortalLink is a link into the portal of the App.
func (s *Site) PortalLink(ctx context.Context, app *hookswitch.App, a service.PortalAccess) (string, error) {
	if a.Capabilities == 0 {
		a.Capabilities = hookswitch.AllCapabilities
	}
	link, err := s.Service.OpenPortal(ctx, app.Key, a, service.Idempotency{})
	if err != nil {
		return "", err
	}
	return link.URL.Reveal(), nil
}

// Get is a page as a program without scripts sees it, with the cookies of jar.
func Get(client *http.Client, address string) (status int, body string, header http.Header, err error) {
	res, err := client.Get(address)
	if err != nil {
		return 0, "", nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header, err
}
