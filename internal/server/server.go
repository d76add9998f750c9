// Package server builds everything from the settings: store, service, engine, doors and surfaces. Every route is on one screen, in routes.go, and so is the
// order in which things start and stop, in Run.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/travtus"
	"github.com/hookswitch/hookswitch/internal/config"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/provider/all"
	"github.com/hookswitch/hookswitch/internal/respond"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/widget"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Server is a gateway that has been built and listens, but does not run yet.
type Server struct {
	settings  *config.Server
	prepared  *config.Prepared
	log       *slog.Logger
	listener  net.Listener
	url       string
	store     *store.Store
	service   *service.Service
	engine    *work.Engine
	guard     *safehttp.Guard
	client    *safehttp.Client
	providers []hookswitch.Provider
	widget    *widget.Widget
	pages     *portal.Pages
	travtus   *travtus.API
	metrics   *metrics
	http      *http.Server
	stopping  chan struct{}
	loads     loads
}

// New opens the store and listens. Run or Close has to follow.
func New(ctx context.Context, settings *config.Server, log *slog.Logger) (*Server, error) {
	prepared, err := settings.Prepare()
	if err != nil {
		return nil, err
	}
	for _, w := range prepared.Warnings {
		log.Warn(w)
	}
	s := &Server{settings: settings, prepared: prepared, log: log, metrics: newMetrics(), stopping: make(chan struct{})}
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Migrate brings the schema of the database up to date and returns the versions it applied.
func Migrate(ctx context.Context, settings *config.Server, log *slog.Logger) ([]int64, error) {
	prepared, err := settings.Prepare()
	if err != nil {
		return nil, err
	}
	return store.Migrate(ctx, storeOptions(prepared, log))
}

func storeOptions(p *config.Prepared, log *slog.Logger) store.Options {
	database := p.PostgresURL.Reveal()
	if database == "" {
		database = "sqlite:" + p.SQLiteFile
	}
	return store.Options{Database: database, DataDir: p.DataDir, MasterKey: p.MasterKey, Logger: log}
}

func (s *Server) build(ctx context.Context) error {
	opts := storeOptions(s.prepared, s.log)
	opts.Observe = s.metrics.commit
	var err error
	if s.store, err = store.Open(ctx, opts); err != nil {
		return err
	}
	if s.listener, err = net.Listen("tcp", string(s.settings.Listen)); err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with --listen", s.settings.Listen, err)
	}
	s.url = s.settings.BaseURL(s.listener.Addr())

	s.guard = safehttp.NewGuard(s.settings.AllowNetworks)
	guard := s.guard
	s.client = safehttp.New(safehttp.Options{Guard: guard, MaxIdle: 4096})
	s.providers = all.Providers(all.Options{BaseURLs: s.settings.ProviderBaseURLs, HTTP: s.client})
	if err := checkProviderNames(s.settings.ProviderBaseURLs, s.providers); err != nil {
		return err
	}
	svix, zavu := s.settings.Profiles()
	s.service, err = service.New(service.Options{
		Store: s.store, Logger: s.log, Providers: s.providers,
		Profiles:       map[hookswitch.ProfileName]hookswitch.Profile{svix.Name: svix, zavu.Name: zavu},
		AllowPlain:     guard.AllowsPlain,
		CheckURL:       func(u *url.URL) error { return guard.CheckURL(u) },
		CheckResponder: func(c hookswitch.ResponderConfig) error { return respond.Validate(c, respond.Options{Guard: guard}) },
		NewResponder:   s.newResponder,
		PublicURL:      s.url, Redirected: slices.Sorted(maps.Keys(s.settings.ProviderBaseURLs)), Fetch: s.fetch,
		Retention: s.settings.Retention.Duration, DialogueTimeout: s.settings.DialogueTimeout.Duration,
		MaxPayload: int(s.settings.MaxPayload), SessionLife: s.settings.TravtusSessionLife.Duration, KeyPrefix: string(s.settings.KeyPrefix),
		Load: s.loads.load, Objective: s.settings.DeliveryObjective / 100,
	})
	if err != nil {
		return err
	}
	if err := s.service.RegisterEventTypes(ctx); err != nil {
		return err
	}
	kinds := deliver.Kinds(deliver.Options{
		Service: s.service, HTTP: s.client, Logger: s.log, Now: time.Now,
		UserAgent:    map[hookswitch.ProfileName]string{svix.Name: "Svix-Webhooks/1.0 (Hookswitch)", zavu.Name: "Zavu-Webhook/1.0"},
		Scheme:       s.settings.ZavuSignatureProfile,
		NewResponder: s.newResponder,
		Wake:         func(k work.Kind, at time.Time) { s.engine.Wake(k, at) },
		Observe:      s.metrics.attempt,
	})
	s.engine, err = work.New(work.Options{
		Store: deliver.NewQueue(s.store, kinds), Kinds: kinds, Logger: s.log, Grace: s.settings.ShutdownTimeout.Duration / 2,
	})
	if err != nil {
		return err
	}
	s.service.Attach(s.engine)
	if err := s.service.FollowPause(ctx); err != nil {
		return err
	}
	s.metrics.watch(s)
	if s.widget, err = widget.New(widget.Options{
		Service: s.service, Key: s.prepared.MasterKey, Logger: s.log, MaxStreams: s.settings.MaxInFlight / 2, Stopping: s.stopping,
	}); err != nil {
		return err
	}
	if s.travtus, err = travtus.New(travtus.Options{
		Service: s.service, Key: s.prepared.MasterKey, Log: s.log, TokenLife: s.settings.TravtusTokenLife.Duration,
		TokenRates: travtus.Rates{Requests: s.settings.TravtusTokenRate, Burst: s.settings.TravtusTokenBurst},
		Rates:      travtus.Rates{Requests: s.settings.TravtusRate, Burst: s.settings.TravtusBurst},
	}); err != nil {
		return err
	}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		WriteTimeout:      2 * time.Minute, // live views move their own
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	return nil
}

// newResponder builds the responder of a configuration.
func (s *Server) newResponder(c hookswitch.ResponderConfig) (hookswitch.Responder, error) {
	return respond.New(c, respond.Options{HTTP: s.client, Guard: s.guard})
}

// checkProviderNames refuses a base URL for a provider that does not exist: a misspelt one would send to the real provider.
func checkProviderNames(urls map[string]string, providers []hookswitch.Provider) error {
	names := make([]string, len(providers))
	for i, p := range providers {
		names[i] = p.Name()
	}
	for name := range urls {
		if !slices.Contains(names, name) {
			return fmt.Errorf("provider-base-urls names the unknown provider %q; known are %s", name, strings.Join(names, ", "))
		}
	}
	return nil
}

// URL is how people and providers reach the server, without a slash at its end.
func (s *Server) URL() string { return s.url }

// Addr is the address it listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Service is the server's rules, for programs that run in the same process.
func (s *Server) Service() *service.Service { return s.service }

// OperatorToken is the operator's bearer token, and the file it lies in where it was not given.
func (s *Server) OperatorToken() (token hookswitch.Secret, file string) {
	return s.prepared.OperatorToken, s.prepared.OperatorTokenFile
}

// Close closes what New has opened. It is for a server that is not run.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		errs = append(errs, s.listener.Close())
	}
	if s.client != nil {
		s.client.Close()
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}

// Heap settings under load: fewer collections than Go's default, for a little memory. An environment that sets GOGC or GOMEMLIMIT is left alone.
const gcPercent = 400

// Run serves until ctx ends, and then stops in order: no new requests, no new claims, running work ends within its grace, outcomes are
// written, the store is closed. It returns an error when the storage fails or a part ends by itself.
func (s *Server) Run(ctx context.Context) error {
	if !envGC() {
		debug.SetGCPercent(gcPercent)
	}
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	service, stopService := context.WithCancel(context.WithoutCancel(ctx))
	defer stopService()
	engineDone, serviceDone, pagesDone, httpDone := make(chan error, 1), make(chan error, 1), make(chan error, 1), make(chan error, 1)
	go func() { engineDone <- s.engine.Run(work) }()
	go func() { serviceDone <- s.service.Run(service, s.engine.SetNodes) }()
	go func() { pagesDone <- s.pages.Run(work) }()
	go func() { httpDone <- s.http.Serve(s.listener) }()

	var failure error
	select {
	case <-ctx.Done():
		s.log.Info("stopping")
	case failure = <-s.store.Fatal():
		s.log.Error("the storage failed; stopping", "error", failure)
	case failure = <-httpDone:
		httpDone <- nil
	}
	close(s.stopping)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.settings.ShutdownTimeout.Duration/2)
	defer cancel()
	if err := s.http.Shutdown(grace); err != nil {
		_ = s.http.Close() // requests that do not end are cut off
	}
	if err := <-httpDone; err != nil && !errors.Is(err, http.ErrServerClosed) {
		failure = errors.Join(failure, err)
	}
	stopWork()
	failure = errors.Join(failure, <-engineDone, <-pagesDone)
	stopService()
	failure = errors.Join(failure, <-serviceDone)
	s.client.Close()
	return errors.Join(failure, s.store.Close())
}

// Serve builds a server and runs it until ctx ends. Where it can be reached goes to out.
func Serve(ctx context.Context, settings config.Server, out io.Writer, log *slog.Logger) error {
	s, err := New(ctx, &settings, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Hookswitch runs at %s\n", s.url)
	if _, file := s.OperatorToken(); file != "" {
		fmt.Fprintf(out, "The operator's token is in %s\n", file)
	}
	return s.Run(ctx)
}
