package config

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/hookswitch/hookswitch"
)

// Server holds the settings of a server, to be embedded in commands that kong parses.
type Server struct {
	Config File `name:"config" env:"HOOKSWITCH_CONFIG" placeholder:"FILE" help:"YAML file with settings, under the same names as these flags."`

	Listen    Listen   `name:"listen" env:"HOOKSWITCH_LISTEN" default:"127.0.0.1:8420" placeholder:"HOST:PORT" help:"Address to listen on; port 0 takes a free one, which is printed."`
	Database  Database `name:"database" env:"HOOKSWITCH_DATABASE" default:"sqlite:hookswitch.db" placeholder:"URL" help:"Where everything is stored: sqlite:FILE (relative to the data directory) or postgres://…."`
	DataDir   string   `name:"data-dir" env:"HOOKSWITCH_DATA_DIR" default:"hookswitch-data" placeholder:"DIR" help:"Directory for the database file and generated keys."`
	PublicURL URL      `name:"public-url" env:"HOOKSWITCH_PUBLIC_URL" placeholder:"URL" help:"How providers and people reach this server; made from the listen address when left out."`

	OperatorToken hookswitch.Secret `name:"operator-token" env:"HOOKSWITCH_OPERATOR_TOKEN" placeholder:"TOKEN" help:"Bearer token of the operator; made once and kept in operator.token in the data directory when left out."`
	MasterKey     hookswitch.Secret `name:"master-key" env:"HOOKSWITCH_MASTER_KEY" placeholder:"KEY" help:"Key that encrypts secrets at rest, 32 bytes in base64 or hex; made once and kept in master.key in the data directory when left out."`
	AllowNetworks Networks          `name:"allow-networks" env:"HOOKSWITCH_ALLOW_NETWORKS" placeholder:"CIDR,…" help:"Private networks that deliveries may reach, also over plain http."`

	RetrySchedule        Durations `name:"retry-schedule" env:"HOOKSWITCH_RETRY_SCHEDULE" default:"5s,5m,30m,2h,5h,10h,10h" placeholder:"WAIT,…" help:"Waits between the attempts of a delivery to an endpoint; none for a single attempt."`
	ZavuRetrySchedule    Durations `name:"zavu-retry-schedule" env:"HOOKSWITCH_ZAVU_RETRY_SCHEDULE" default:"1m,5m,15m,1h,4h" placeholder:"WAIT,…" help:"The same for webhooks of senders and projects."`
	DeliveryTimeout      Duration  `name:"delivery-timeout" env:"HOOKSWITCH_DELIVERY_TIMEOUT" default:"15s" placeholder:"TIME" help:"Longest time of one attempt to an endpoint."`
	ZavuDeliveryTimeout  Duration  `name:"zavu-delivery-timeout" env:"HOOKSWITCH_ZAVU_DELIVERY_TIMEOUT" default:"30s" placeholder:"TIME" help:"The same for webhooks of senders and projects."`
	ZavuSignatureProfile string    `name:"zavu-signature-profile" env:"HOOKSWITCH_ZAVU_SIGNATURE_PROFILE" default:"guide" enum:"guide,strict" help:"How webhooks of senders and projects that choose no signature version are signed, one of ${enum}: guide satisfies receivers written from either of the published guides, strict those written from the newer one alone."`
	DialogueTimeout      Duration  `name:"dialogue-timeout" env:"HOOKSWITCH_DIALOGUE_TIMEOUT" default:"5s" placeholder:"TIME" help:"Longest time that a responder may take for an answer in a call or a USSD session."`
	DisableAfter         Duration  `name:"disable-after" env:"HOOKSWITCH_DISABLE_AFTER" default:"120h" placeholder:"TIME" help:"How long an endpoint may do nothing but fail before it is disabled; 0 never disables."`
	DeliveryObjective    float64   `name:"delivery-objective" env:"HOOKSWITCH_DELIVERY_OBJECTIVE" default:"99" placeholder:"PERCENT" help:"Share of attempts that are to succeed, in percent, by which the dashboard tells how fast the budget of failures is used up."`
	Retention            Duration  `name:"retention" env:"HOOKSWITCH_RETENTION" default:"90d" placeholder:"TIME" help:"How long events, attempts and receipts are kept; 0 keeps them for ever."`

	PortalFrameAncestors Origins  `name:"portal-frame-ancestors" env:"HOOKSWITCH_PORTAL_FRAME_ANCESTORS" placeholder:"ORIGIN,…" help:"Sites that may show the portal in a frame, besides those that an application names itself."`
	ProviderBaseURLs     BaseURLs `name:"provider-base-urls" env:"HOOKSWITCH_PROVIDER_BASE_URLS" placeholder:"NAME=URL,…" help:"Addresses to call providers at instead of their own, for simulators and proxies."`

	MaxBody     Size `name:"max-body" env:"HOOKSWITCH_MAX_BODY" default:"2MiB" placeholder:"SIZE" help:"Largest request body of the APIs."`
	MaxPayload  Size `name:"max-payload" env:"HOOKSWITCH_MAX_PAYLOAD" default:"1MiB" placeholder:"SIZE" help:"Largest payload of one event."`
	MaxInFlight int  `name:"max-in-flight" env:"HOOKSWITCH_MAX_IN_FLIGHT" default:"2048" placeholder:"N" help:"Requests answered at the same time; others are told to come back. 0 sets no limit."`

	KeyPrefix     KeyPrefix `name:"key-prefix" env:"HOOKSWITCH_KEY_PREFIX" default:"zv" placeholder:"WORD" help:"How the texts of new API keys begin: WORD_live_… and WORD_test_…. Older keys stay valid."`
	ZavuRateLimit int       `name:"zavu-rate-limit" env:"HOOKSWITCH_ZAVU_RATE_LIMIT" default:"600" placeholder:"N" help:"Requests a minute that a project may make to the Zavu-shaped API; 0 sets no limit."`

	TravtusTokenLife   Duration `name:"travtus-token-life" env:"HOOKSWITCH_TRAVTUS_TOKEN_LIFE" default:"1h" placeholder:"TIME" help:"How long a token of a client lives, from 1s to 1h."`
	TravtusTokenRate   int      `name:"travtus-token-rate" env:"HOOKSWITCH_TRAVTUS_TOKEN_RATE" default:"100" placeholder:"N" help:"Requests a second for tokens of clients, of all together; 0 sets no limit."`
	TravtusTokenBurst  int      `name:"travtus-token-burst" env:"HOOKSWITCH_TRAVTUS_TOKEN_BURST" default:"200" placeholder:"N" help:"How many of them may come at once."`
	TravtusRate        int      `name:"travtus-rate" env:"HOOKSWITCH_TRAVTUS_RATE" default:"10000" placeholder:"N" help:"Requests a second that an app may make to the Travtus-shaped API; 0 sets no limit."`
	TravtusBurst       int      `name:"travtus-burst" env:"HOOKSWITCH_TRAVTUS_BURST" default:"5000" placeholder:"N" help:"How many of them may come at once."`
	TravtusSessionLife Duration `name:"travtus-session-life" env:"HOOKSWITCH_TRAVTUS_SESSION_LIFE" default:"24h" placeholder:"TIME" help:"How long after its last message a session of the Travtus-shaped API ends."`

	LogLevel        string   `name:"log-level" env:"HOOKSWITCH_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least important lines to log: ${enum}."`
	LogFormat       string   `name:"log-format" env:"HOOKSWITCH_LOG_FORMAT" default:"text" enum:"text,json" help:"Form of log lines: ${enum}."`
	Metrics         bool     `name:"metrics" env:"HOOKSWITCH_METRICS" default:"true" negatable:"" help:"Serve /metrics for Prometheus."`
	ShutdownTimeout Duration `name:"shutdown-timeout" env:"HOOKSWITCH_SHUTDOWN_TIMEOUT" default:"20s" placeholder:"TIME" help:"How long a stop waits for work that is running."`

	sources map[string]string // where values come from that are not the defaults, by the names of settings
}

// Setting describes one setting, for documentation and for checking files.
type Setting struct {
	Name, Env, Default, Help string
}

// Settings are all settings of Server, in the order in which they are listed.
func Settings() []Setting {
	var list []Setting
	for f := range reflect.TypeFor[Server]().Fields() {
		if !f.IsExported() {
			continue
		}
		get := f.Tag.Get
		list = append(list, Setting{get("name"), get("env"), get("default"), strings.ReplaceAll(get("help"), "${enum}", get("enum"))})
	}
	return list
}

// AfterApply is kong's: it notes where the values come from.
func (s *Server) AfterApply(ctx *kong.Context) error {
	s.sources = make(map[string]string)
	for _, t := range Settings() {
		if _, ok := os.LookupEnv(t.Env); ok {
			s.sources[t.Name] = "environment"
		}
	}
	for _, p := range ctx.Path {
		switch {
		case p.Flag == nil:
		case p.Resolved:
			s.sources[p.Flag.Name] = "file"
		default:
			s.sources[p.Flag.Name] = "flag"
		}
	}
	return nil
}

// Source is where the value of the setting comes from: flag, environment, file or default.
func (s *Server) Source(name string) string {
	if from := s.sources[name]; from != "" {
		return from
	}
	return "default"
}

// check finds settings that are fine alone and wrong together.
func (s *Server) check() error {
	for _, d := range []struct {
		name string
		Duration
	}{{"delivery-timeout", s.DeliveryTimeout}, {"zavu-delivery-timeout", s.ZavuDeliveryTimeout}, {"dialogue-timeout", s.DialogueTimeout}} {
		if d.Duration.Duration == 0 {
			return fmt.Errorf("%s must be longer than 0", d.name)
		}
	}
	if life := s.TravtusTokenLife.Duration; life < time.Second || life > time.Hour {
		return fmt.Errorf("travtus-token-life must be between 1s and 1h, and is %s", s.TravtusTokenLife)
	}
	if o := s.DeliveryObjective; !(o >= 0 && o < 100) {
		return fmt.Errorf("delivery-objective must be below 100, and is %v", o)
	}
	if s.MaxPayload > s.MaxBody {
		return fmt.Errorf("max-payload (%s) must not exceed max-body (%s)", s.MaxPayload, s.MaxBody)
	}
	if s.MaxInFlight < 0 {
		return fmt.Errorf("max-in-flight must not be negative, and is %d", s.MaxInFlight)
	}
	for _, n := range []struct {
		name string
		n    int
	}{{"travtus-token-rate", s.TravtusTokenRate}, {"travtus-token-burst", s.TravtusTokenBurst}, {"travtus-rate", s.TravtusRate}, {"travtus-burst", s.TravtusBurst}} {
		if n.n < 0 {
			return fmt.Errorf("%s must not be negative, and is %d", n.name, n.n)
		}
	}
	if s.ZavuRateLimit < 0 {
		return fmt.Errorf("zavu-rate-limit must not be negative, and is %d", s.ZavuRateLimit)
	}
	for _, d := range []struct {
		name string
		Durations
	}{{"retry-schedule", s.RetrySchedule}, {"zavu-retry-schedule", s.ZavuRetrySchedule}} {
		if keep := s.Retention.Duration; keep > 0 && keep <= d.total() {
			return fmt.Errorf("retention (%s) must be longer than all the waits of %s together (%s): shorten the schedule or keep for longer",
				keep, d.name, d.total())
		}
	}
	return nil
}

// BaseURL is the public URL without a trailing slash. Unless it is set it is made from the address that the server listens on.
func (s *Server) BaseURL(listening net.Addr) string {
	if s.PublicURL != "" {
		return string(s.PublicURL)
	}
	host, port, err := net.SplitHostPort(listening.String())
	if err != nil {
		return "http://" + listening.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Profiles are the delivery profiles with what the settings change about them.
func (s *Server) Profiles() (svix, zavu hookswitch.Profile) {
	svix, zavu = hookswitch.SvixProfile(), hookswitch.ZavuProfile()
	svix.Waits, svix.Timeout, svix.DisableAfter = []time.Duration(s.RetrySchedule), s.DeliveryTimeout.Duration, s.DisableAfter.Duration
	zavu.Waits, zavu.Timeout = []time.Duration(s.ZavuRetrySchedule), s.ZavuDeliveryTimeout.Duration
	return svix, zavu
}

// Logger writes to w in the form and from the level that the settings say.
func (s *Server) Logger(w io.Writer) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(s.LogLevel)) != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if s.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
