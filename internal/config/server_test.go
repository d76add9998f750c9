package config

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// grammar is a command line like the real one: some commands have settings, some do not.
type grammar struct {
	Serve   struct{ Server } `cmd:""`
	Migrate struct{ Server } `cmd:""`
	Version struct{}         `cmd:""`
}

// parse reads a command line for serve.
func parse(t *testing.T, args ...string) (*Server, error) {
	t.Helper()
	var g grammar
	k, err := kong.New(&g, kong.Name("hookswitch"), kong.Exit(func(int) { t.Error("kong wants to exit") }), kong.Writers(io.Discard, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	_, err = k.Parse(append([]string{"serve"}, args...))
	return &g.Serve.Server, err
}

func mustParse(t *testing.T, args ...string) *Server {
	t.Helper()
	s, err := parse(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hookswitch.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServer_DefaultsWorkWithNothingSet(t *testing.T) {
	t.Parallel()
	s := mustParse(t)
	svix, zavu := s.Profiles()
	if s.Listen != "127.0.0.1:8420" || s.DataDir != "hookswitch-data" || string(s.Database) != "sqlite:hookswitch.db" || s.AllowNetworks != nil ||
		s.DisableAfter.Duration != 120*time.Hour || s.Retention.Duration != 90*24*time.Hour || s.MaxPayload != 1<<20 || !s.Metrics || s.LogLevel != "info" {
		t.Errorf("got %+v", s)
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
	if svix.Span() != 27*time.Hour+35*time.Minute+5*time.Second || svix.DisableAfter != 120*time.Hour || !svix.RetryAfter {
		t.Errorf("svix profile %+v", svix)
	}
	if len(zavu.Waits) != 5 || zavu.Waits[4] != 4*time.Hour || zavu.DisableAfter != 0 || zavu.Timeout != 30*time.Second {
		t.Errorf("zavu profile %+v", zavu)
	}
}

func TestServer_FlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	file := writeFile(t, "listen: 127.0.0.1:1\ndisable-after: 1h\nlog-format: json\nmetrics: false\nretry-schedule: [1s, 2s]\n"+
		"provider-base-urls:\n  meta: http://127.0.0.1:9\n  twilio: http://127.0.0.1:8/\nmax-in-flight: 7\n")
	t.Setenv("HOOKSWITCH_CONFIG", file)
	t.Setenv("HOOKSWITCH_LISTEN", "127.0.0.1:2")
	t.Setenv("HOOKSWITCH_DISABLE_AFTER", "2h")
	t.Setenv("HOOKSWITCH_ALLOW_NETWORKS", "127.0.0.0/8")
	s := mustParse(t, "--listen=127.0.0.1:3")
	if s.Listen != "127.0.0.1:3" {
		t.Errorf("flag: listen is %s", s.Listen)
	}
	if s.DisableAfter.Duration != 2*time.Hour || len(s.AllowNetworks) != 1 {
		t.Errorf("environment: %s, %v", s.DisableAfter, s.AllowNetworks)
	}
	if s.LogFormat != "json" || s.Metrics || s.MaxInFlight != 7 || !slices.Equal(s.RetrySchedule, Durations{time.Second, 2 * time.Second}) {
		t.Errorf("file: %+v", s)
	}
	if diff := cmp.Diff(BaseURLs{"meta": "http://127.0.0.1:9", "twilio": "http://127.0.0.1:8"}, s.ProviderBaseURLs); diff != "" {
		t.Error(diff)
	}
	if s.LogLevel != "info" || len(s.ZavuRetrySchedule) != 5 {
		t.Errorf("default: %s, %v", s.LogLevel, s.ZavuRetrySchedule)
	}
	if s := mustParse(t, "--config", writeFile(t, "log-format: text\n")); s.LogFormat != "text" {
		t.Errorf("the flag's file must replace the environment's: %s", s.LogFormat)
	}
}

func TestServer_FileOfAnotherCommandIsLeftAlone(t *testing.T) {
	t.Setenv("HOOKSWITCH_CONFIG", "/does/not/exist.yaml")
	var g grammar
	k, err := kong.New(&g, kong.Exit(func(int) { t.Error("kong wants to exit") }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"version"}); err != nil {
		t.Errorf("version: %v", err)
	}
	if _, err := k.Parse([]string{"migrate"}); err == nil || !strings.Contains(err.Error(), "/does/not/exist.yaml") {
		t.Errorf("migrate: %v", err)
	}
}

func TestServer_BadValuesNameSettingAndValue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ flag, value, want string }{
		{"listen", "8420", `"8420" is not HOST:PORT`},
		{"listen", "", `is not HOST:PORT`},
		{"listen", "127.0.0.1:http", `no port from 0 to 65535`},
		{"listen", "127.0.0.1:65536", `no port from 0 to 65535`},
		{"database", "mysql://db", `"mysql" is no kind of database`},
		{"database", "sqlite:", `names no file`},
		{"database", "", `names no file`},
		{"database", "sqlite::memory:", `must name a file`},
		{"database", "sqlite:a.db?mode=ro", `must name a file`},
		{"database", "postgres:db", `postgres://USER`},
		{"database", "host=db user=x", `postgres://USER`},
		{"public-url", "hooks.example.com", `is not an address`},
		{"public-url", "ftp://hooks.example.com", `is not an address`},
		{"public-url", "https://hooks.example.com/?a=1", `no user, query or fragment`},
		{"allow-networks", "10.0.0.0/33", `"10.0.0.0/33" is neither a network`},
		{"allow-networks", "localhost", `"localhost" is neither a network`},
		{"allow-networks", "fe80::1%eth0", `is neither a network`},
		{"allow-networks", "::ffff:10.0.0.0/104", `write it as IPv4`},
		{"retry-schedule", "", `one wait at least`},
		{"retry-schedule", "5", `"5" is not a duration`},
		{"retry-schedule", "5s;6s", `is not a duration`},
		{"retry-schedule", "1s,-5s", `"-5s" is a negative duration`},
		{"retry-schedule", "0s", `between 1ms and 30d`},
		{"retry-schedule", "999us", `between 1ms and 30d`},
		{"zavu-retry-schedule", "31d", `between 1ms and 30d`},
		{"zavu-retry-schedule", strings.Repeat("1s,", 33), `33 waits`},
		{"disable-after", "five days", `"five days" is not a duration`},
		{"disable-after", "-1h", `negative`},
		{"retention", "d", `is not a duration`},
		{"portal-frame-ancestors", "app.example.com", `is not an origin`},
		{"portal-frame-ancestors", "https://a.example; script-src *", `is not an origin`},
		{"portal-frame-ancestors", "https://a.example/path", `is not an origin`},
		{"portal-frame-ancestors", "*", `is not an origin`},
		{"provider-base-urls", "http://127.0.0.1:9", `is not NAME=URL`},
		{"provider-base-urls", "meta=127.0.0.1:9", `meta: "127.0.0.1:9" is not an address`},
		{"max-body", "0", `is not a size`},
		{"max-body", "2 parsecs", `is not a size`},
		{"max-payload", "9000GiB", `is not a size`},
		{"max-in-flight", "many", `expected`},
		{"log-level", "loud", `must be one of`},
		{"log-format", "xml", `must be one of`},
	} {
		_, err := parse(t, "--"+c.flag+"="+c.value)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "--"+c.flag) {
			t.Errorf("--%s=%s: %v, want %q", c.flag, c.value, err, c.want)
		}
	}
}

func TestServer_BadEnvironmentIsNamed(t *testing.T) {
	t.Setenv("HOOKSWITCH_LISTEN", "nowhere")
	if _, err := parse(t); err == nil || !strings.Contains(err.Error(), "HOOKSWITCH_LISTEN") {
		t.Errorf("got %v", err)
	}
	var g grammar
	k, err := kong.New(&g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Parse([]string{"version"}); err != nil {
		t.Errorf("a command without that setting: %v", err)
	}
}

func TestServer_BadDatabaseDoesNotShowItsPassword(t *testing.T) {
	const bad = "postgres://hook:s3same%zz@db/x"
	check := func(source string, args ...string) {
		s, err := parse(t, append(args, "--data-dir="+t.TempDir())...)
		if err == nil {
			_, err = s.Prepare()
		}
		if err == nil || !strings.Contains(err.Error(), "database: is not a valid postgres:// URL") || strings.Contains(err.Error(), "s3same") {
			t.Errorf("%s: %v", source, err)
		}
	}
	check("flag", "--database="+bad)
	check("file", "--config="+writeFile(t, "database: "+bad+"\n"))
	t.Setenv("HOOKSWITCH_DATABASE", bad)
	check("environment")
}

func TestServer_WordsAreCheckedWhereverTheyComeFrom(t *testing.T) {
	if _, err := parse(t, "--config="+writeFile(t, "log-level: loud\n")); err == nil || !strings.Contains(err.Error(), "log-level") {
		t.Errorf("file: %v", err)
	}
	t.Setenv("HOOKSWITCH_LOG_LEVEL", "loud")
	if _, err := parse(t); err == nil || !strings.Contains(err.Error(), "log-level") {
		t.Errorf("environment: %v", err)
	}
}

func TestFile_ErrorsNameFileLineAndNearestSetting(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"listen: 127.0.0.1:1\nretry-schedul: 1s\n": `line 2: there is no setting "retry-schedul"; did you mean retry-schedule?`,
		"retry_schedule: 1s":                       `there is no setting "retry_schedule"; did you mean retry-schedule?`,
		"colour: blue":                             `line 1: there is no setting "colour"`,
		"config: other.yaml":                       `there is no setting "config"`,
		"listen: 127.0.0.1:1\nlisten: 127.0.0.1:2": `line 2: listen is there twice`,
		"retry-schedule:\n  - 1s\n  - soon":        `line 2: "soon" is not a duration`,
		"allow-networks:\n  - [10.0.0.0/8]":        `must hold plain values`,
		"listen:":                                  `line 1: has no value`,
		"- listen":                                 `must consist of lines such as`,
		"listen: [":                                `yaml:`,
	} {
		path := writeFile(t, text)
		_, err := parse(t, "--config", path)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n"} {
		if _, err := parse(t, "--config", writeFile(t, text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := parse(t, "--config", writeFile(t, strings.Repeat("#\n", 1<<20))); err == nil || !strings.Contains(err.Error(), "1 MiB") {
		t.Errorf("huge: %v", err)
	}
}

func TestServer_ChecksWhatDoesNotFitTogether(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--max-payload=3MiB":                    "max-payload (3MiB) must not exceed max-body (2MiB)",
		"--retention=1h":                        "retention (1h0m0s) must be longer than all the waits of retry-schedule",
		"--retention=4h --retry-schedule=1s":    "zavu-retry-schedule",
		"--delivery-timeout=0s":                 "delivery-timeout must be longer than 0",
		"--max-in-flight=-1":                    "max-in-flight must not be negative",
		"--travtus-token-life=999ms":            "travtus-token-life must be between 1s and 1h, and is 999ms",
		"--travtus-token-life=61m":              "travtus-token-life must be between 1s and 1h, and is 1h1m0s",
		"--zavu-rate-limit=-1":                  "zavu-rate-limit must not be negative",
		"--data-dir= ":                          "",
		"--retention=0s --disable-after=0s":     "",
		"--retry-schedule=none --retention=30d": "",
	} {
		s := mustParse(t, strings.Fields(args)...)
		if err := s.check(); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", args, err, want)
		}
	}
}

func TestDurations_ReadWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Durations{
		"200ms,400ms,800ms": {200 * time.Millisecond, 400 * time.Millisecond, 800 * time.Millisecond},
		" 1s , 2m,":         {time.Second, 2 * time.Minute},
		"1d,1d12h,30d":      {24 * time.Hour, 36 * time.Hour, 720 * time.Hour},
		"none":              {},
	} {
		var got Durations
		if err := got.UnmarshalText([]byte(text)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

func TestNetworks_TakeCIDRsAndAddresses(t *testing.T) {
	t.Parallel()
	var got Networks
	if err := got.UnmarshalText([]byte("127.0.0.0/8, 10.1.2.3/8,::1,192.0.2.7,::ffff:192.0.2.8")); err != nil {
		t.Fatal(err)
	}
	if want := "[127.0.0.0/8 10.0.0.0/8 ::1/128 192.0.2.7/32 192.0.2.8/32]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
}

func TestDatabase_FindsItsFileOrURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"sqlite:hookswitch.db":      "/data/hookswitch.db",
		"sqlite:sub/x.db":           "/data/sub/x.db",
		"sqlite:/var/lib/x.db":      "/var/lib/x.db",
		"sqlite:///var/lib/x.db":    "/var/lib/x.db",
		"x.db":                      "/data/x.db",
		"/var/lib/x.db":             "/var/lib/x.db",
		"postgres://u:p@h:5432/d":   "postgres://u:p@h:5432/d",
		"postgresql:///d?host=/run": "postgresql:///d?host=/run",
	} {
		d := Database(text)
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		file, ok := d.SQLite("/data")
		url, isURL := d.Postgres()
		if got := file + url.Reveal(); got != want || ok == isURL {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestServer_NeverPrintsSecrets(t *testing.T) {
	t.Parallel()
	s := mustParse(t, "--operator-token=tok-s3same", "--master-key="+strings.Repeat("ab", 32), "--database=postgres://u:s3same@h/d", "--data-dir="+t.TempDir())
	p, err := s.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb, *s)
		fmt.Fprintf(&out, verb, p.MasterKey)
		fmt.Fprintf(&out, verb, *p)
	}
	for _, log := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		log.Info("x", "server", s, "prepared", p, "database", s.Database, "key", p.MasterKey)
	}
	for _, secret := range []string{"s3same", "abab", "73337361", "171 171", "q6ur"} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q shows in %s", secret, &out)
		}
	}
	withParameter := Database("postgres://h/d?user=u&password=s3same")
	if got := withParameter.String(); strings.Contains(got, "s3same") {
		t.Error(got)
	}
}

func TestServer_BaseURLFollowsTheListener(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:43210": "http://127.0.0.1:43210",
		"0.0.0.0:8420":    "http://localhost:8420",
		"[::]:8420":       "http://localhost:8420",
		"[::1]:8420":      "http://[::1]:8420",
	} {
		addr, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t).BaseURL(addr); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
		if got := mustParse(t, "--public-url=HTTPS://Hooks.Example.com/x/").BaseURL(addr); got != "https://Hooks.Example.com/x" {
			t.Errorf("set: got %s", got)
		}
	}
}

func TestServer_LoggerFollowsLevelAndForm(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := mustParse(t, "--log-level=warn", "--log-format=json").Logger(&out)
	log.Info("hidden")
	log.Warn("shown")
	if strings.Contains(out.String(), "hidden") || !strings.HasPrefix(out.String(), "{") {
		t.Errorf("got %s", &out)
	}
}

func TestSettings_HaveOneNameEach(t *testing.T) {
	t.Parallel()
	for _, s := range Settings() {
		if want := "HOOKSWITCH_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_")); s.Env != want {
			t.Errorf("%s has the variable %s, want %s", s.Name, s.Env, want)
		}
		if !strings.HasSuffix(s.Help, ".") {
			t.Errorf("%s: the help is no sentence: %q", s.Name, s.Help)
		}
	}
	var g grammar
	k, err := kong.New(&g)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range k.Model.Children[0].Flags {
		names[f.Name] = true
	}
	for _, s := range Settings() {
		if !names[s.Name] {
			t.Errorf("kong does not know %s", s.Name)
		}
	}
}

func TestDistance_IsAMetric(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-c-]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) || d > distance(a, c)+distance(c, b) {
			t.Fatalf("distance(%q, %q) = %d", a, b, d)
		}
	})
}
