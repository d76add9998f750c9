package portaltest_test

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal"
	"github.com/hookswitch/hookswitch/internal/portal/portaltest"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// slow is the first byte that no page is to be later than.
const slow = 200 * time.Millisecond

// BenchmarkPages measures the time to the first byte of each page of the registry over the business of the demonstration after it has had as many events as HOOKSWITCH_BENCH_ROWS says, an attempt for
// each, and a message to or from a person for each fifth. HOOKSWITCH_TEST_PAGES, a regular expression, chooses pages. It reports the slowest page, and logs those above 200 ms. Filling two million takes
// minutes and some gigabytes. Run it with -benchtime=5x.
func BenchmarkPages(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("HOOKSWITCH_BENCH_ROWS"))
	if err != nil || n < 100_000 {
		b.Skip("HOOKSWITCH_BENCH_ROWS is not set to 100000 or more")
	}
	b.Run("sqlite", func(b *testing.B) { benchmarkPages(b, storetest.SQLite(b), n) })
	b.Run("postgres", func(b *testing.B) { benchmarkPages(b, storetest.Postgres(b), n) })
}

func benchmarkPages(b *testing.B, db *storetest.DB, n int) {
	s, err := portaltest.Open(b.Context(), db.Dir, portaltest.Options{Database: db.URL})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	grow(b, s, db, n)
	client := signedIn(b, s)
	only := regexp.MustCompile(os.Getenv("HOOKSWITCH_TEST_PAGES"))
	var late []string
	var worst time.Duration
	for _, p := range portal.Registry() {
		if !only.MatchString(p.Path) {
			continue
		}
		var took []time.Duration
		b.Run(strings.Trim(strings.ReplaceAll(p.Path, "/", "_"), "_"), func(b *testing.B) {
			took = took[:0]
			for b.Loop() {
				took = append(took, firstByte(b, client, s.URL+s.Path(p.Path)))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "max-ms")
		})
		if len(took) == 0 {
			continue
		}
		worst = max(worst, took[len(took)-1])
		if took[len(took)/2] > slow {
			late = append(late, fmt.Sprintf("%s: %s, at most %s", p.Path, took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond)))
		}
	}
	b.ReportMetric(float64(worst.Milliseconds()), "worst-ms")
	b.Logf("%d pages come later than %s:\n%s", len(late), slow, strings.Join(late, "\n"))
}

// signedIn is a client that may see all pages.
func signedIn(b *testing.B, s *portaltest.Site) *http.Client {
	b.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	link, err := s.Service.OpenPortal(b.Context(), s.App.Key, service.PortalAccess{Capabilities: hookswitch.AllCapabilities}, service.Idempotency{})
	if err != nil {
		b.Fatal(err)
	}
	for path, token := range map[string]string{"/dashboard/login": portaltest.Token, "/portal/login": link.OneTime.Reveal()} {
		res, err := client.PostForm(s.URL+path, url.Values{"token": {token}})
		if err != nil {
			b.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusSeeOther {
			b.Fatalf("%s answers %d, %v", path, res.StatusCode, err)
		}
	}
	return client
}

// firstByte is how long the first byte of a page takes.
func firstByte(b *testing.B, client *http.Client, address string) time.Duration {
	b.Helper()
	begun := time.Now()
	res, err := client.Get(address)
	if err != nil {
		b.Fatal(err)
	}
	defer res.Body.Close()
	var first [1]byte
	_, err = res.Body.Read(first[:])
	took := time.Since(begun)
	if res.StatusCode != http.StatusOK {
		b.Fatalf("%s answers %d, %v", address, res.StatusCode, err)
	}
	return took
}

// grow gives the business a history of sixty days: n events, most of which are its first App's, as many attempts, and conversations with an eighth as many people as there are messages.
func grow(b *testing.B, s *portaltest.Site, db *storetest.DB, n int) {
	b.Helper()
	driver, source := "sqlite", strings.TrimPrefix(db.URL, "sqlite:")
	if db.Postgres {
		driver, source = "pgx", db.URL
	}
	raw, err := sql.Open(driver, source)
	if err != nil {
		b.Fatal(err)
	}
	defer raw.Close()
	raw.SetMaxOpenConns(1)
	ctx := b.Context()
	exec := func(text string, args ...any) {
		b.Helper()
		if _, err := raw.ExecContext(ctx, text, args...); err != nil {
			b.Fatalf("%s: %v", text, err)
		}
	}
	if db.Postgres {
		exec(`SET synchronous_commit = off`)
	} else {
		exec(`PRAGMA synchronous = off`)
		exec(`PRAGMA busy_timeout = 60000`)
	}
	key := func(kind hookswitch.Kind, name string) int64 {
		k, ok := s.Service.IDs().Parse(kind, s.Names[name])
		if !ok {
			b.Fatalf("the demonstration has no %s", name)
		}
		return int64(k)
	}
	begun := time.Now()
	const span = 60 * 24 * time.Hour
	first := int64(hookswitch.KeyAt(begun.Add(-span)))
	step := (int64(hookswitch.KeyAt(begun)) - first) / int64(n) &^ (1<<12 - 1)
	people := n / 40
	at := fmt.Sprintf("(%d + i * CAST(%d AS BIGINT))", first, step)
	millis := fmt.Sprintf("(CAST(%d AS BIGINT) + i * CAST(%d AS BIGINT))", begun.Add(-span).UnixMilli(), max(1, span.Milliseconds()/int64(n)))
	app := fmt.Sprintf("CASE WHEN i %% 10 = 0 THEN %d ELSE %d END", int64(s.Empty.Key), int64(s.App.Key))
	endpoint := fmt.Sprintf("CASE WHEN i %% 5000 = 7 THEN %d WHEN i %% 10 < 3 THEN %d ELSE %d END", key(hookswitch.KindEndpoint, "failing"), key(hookswitch.KindEndpoint, "good"), key(hookswitch.KindEndpoint, "endpoint"))
	const failed = "(i % 50 = 9 OR i % 97 = 3)"
	route, sender := key(hookswitch.KindRoute, "route"), key(hookswitch.KindSender, "sender")
	ofPeople := fmt.Sprintf("(%d + (i %% %d) * CAST(%d AS BIGINT))", first, people, step)
	var targets []byte
	if err := raw.QueryRowContext(ctx, `SELECT targets FROM events WHERE app_id = $1 ORDER BY id DESC LIMIT 1`, int64(s.App.Key)).Scan(&targets); err != nil {
		b.Fatal(err)
	}
	payload := []byte(`{"type":"message.inbound","data":{"text":"` + strings.Repeat("x", 350) + `"}}`)
	fill := func(count int, insert string, args ...any) {
		b.Helper()
		const chunk = 20_000
		for from := 0; from < count; from += chunk {
			exec(fmt.Sprintf(`WITH RECURSIVE n (i) AS (SELECT CAST(%d AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < %d) `, from, min(from+chunk, count)-1)+insert, args...)
		}
	}
	fill(n, `INSERT INTO events (id, app_id, type, uid, tags, payload, targets, expired) SELECT `+at+`, `+app+`, CASE i % 4 WHEN 0 THEN 'message.inbound' WHEN 1 THEN 'message.delivered' WHEN 2 THEN 'conversation.new'
		ELSE 'message.failed' END, '', CASE WHEN i % 3 = 0 THEN '["sms"]' ELSE '["whatsapp"]' END, $1, $2, FALSE FROM n`, payload, targets)
	fill(n, `INSERT INTO attempts (id, app_id, event_id, endpoint_id, url, ok, code, failure, answer, headers, expired, manual, dns_us, connect_us, tls_us, wait_us, total_us)
		SELECT `+at+` + 4194304, `+app+`, `+at+`, `+endpoint+`, 'https://shop.example/hook', NOT `+failed+`, CASE WHEN `+failed+` THEN 503 ELSE 200 END, '', $1, $2, FALSE, FALSE, 0, 0, 0, 900, 1000 FROM n`,
		[]byte(`{"ok":true}`), []byte("Content-Type: application/json\n"))
	fill(n, `INSERT INTO deliveries (subject, target, kind, app_id, state, owner, next_at, tries, claim_no, manual, restore, due_at, started_at)
		SELECT `+at+`, `+endpoint+`, 1, `+app+`, CASE WHEN i % 3 = 0 THEN 0 WHEN i % 3 = 1 THEN 2 ELSE 3 END, 0, 4000000000000, 1, 1, FALSE, 0, 0, 0 FROM n WHERE `+failed)
	for _, name := range []string{"failing", "good", "endpoint"} {
		fill(60*24, fmt.Sprintf(`INSERT INTO counters (endpoint_id, hour, node, ok, failed) SELECT %d, %d - i, 99, 1000, 10 FROM n`, key(hookswitch.KindEndpoint, name), begun.Unix()/3600))
	}
	fill(people, fmt.Sprintf(`INSERT INTO contacts (id, app_id, name, metadata, created_at, updated_at) SELECT %s + 1, %d, 'Person ' || i, '', %s, %[3]s FROM n`, at, int64(s.App.Key), millis))
	fill(people, fmt.Sprintf(`INSERT INTO contact_terms (app_id, term, contact_id) SELECT %d, 'person', %s + 1 FROM n`, int64(s.App.Key), at))
	fill(people, fmt.Sprintf(`INSERT INTO contact_terms (app_id, term, contact_id) SELECT %d, CAST(2547000000000 + i AS TEXT), %s + 1 FROM n`, int64(s.App.Key), at))
	fill(people, fmt.Sprintf(`INSERT INTO identifiers (app_id, channel, value, contact_id, last_inbound_at, id) SELECT %d, 'whatsapp', '+' || (2547000000000 + i), %s + 1, %s, %[2]s + 1 FROM n`, int64(s.App.Key), at, millis))
	last := fmt.Sprintf("(%d + (i + %d) * 5 * CAST(%d AS BIGINT) + 2)", first, people*7, step)
	fill(people, fmt.Sprintf(`INSERT INTO conversations (id, app_id, sender_id, contact_id, handover, last_inbound_at, inbound, messages, unread, last_message, created_at, updated_at)
		SELECT %[1]s + 1, %[2]d, %[3]d, %[1]s + 1, i %% 1000 = 5, %[4]s, 4, 8, 1, %[5]s, %[4]s, %[4]s FROM n`, at, int64(s.App.Key), sender, millis, last))
	fill(people, fmt.Sprintf(`INSERT INTO conversation_channels (conversation_id, channel, app_id, sender_id, last_message, last_inbound_at) SELECT %s + 1, 'whatsapp', %d, %d, %s, %s FROM n`,
		at, int64(s.App.Key), sender, last, millis))
	fill(people*8, fmt.Sprintf(`INSERT INTO messages (id, app_id, sender_id, route_id, conversation_id, contact_id, direction, channel, type, status, from_address, to_address, body, content, metadata, provider_id, provider_at,
		profile_name, in_reply_to, error_code, error_text, created_at, updated_at)
		SELECT %d + i * 5 * CAST(%d AS BIGINT) + 2, %d, %d, %d, %s + 1, %[6]s + 1, CASE WHEN i / %d %% 2 = 0 THEN 'inbound' ELSE 'outbound' END, 'whatsapp', 'text',
		CASE WHEN i / %[7]d %% 2 = 0 THEN 'received' WHEN i %% 50 = 1 THEN 'failed' ELSE 'delivered' END, '+254', '+255', 'Hello', $1, '', 'wamid.' || i, 0, 'Person', 0, '', '', %[8]s, %[8]s FROM n`,
		first, step, int64(s.App.Key), sender, route, ofPeople, people, millis), []byte{})
	exec(`ANALYZE`)
	b.Logf("filled with %d events and %d messages in %s", n, people*8, time.Since(begun).Round(time.Second))
}
