package deliver_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/diagnose"
	"github.com/hookswitch/hookswitch/internal/filter"
	"github.com/hookswitch/hookswitch/internal/safehttp"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// issuer issues certificates for 127.0.0.1.
type issuer struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newIssuer(t *testing.T) *issuer {
	key := servicetest.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test Authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der := servicetest.Must(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))(t)
	i := &issuer{t: t, key: key, pool: x509.NewCertPool()}
	i.cert = servicetest.Must(x509.ParseCertificate(der))(t)
	i.pool.AddCert(i.cert)
	return i
}

func (i *issuer) issue(change func(*x509.Certificate)) tls.Certificate {
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "receiver"}, NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	if change != nil {
		change(template)
	}
	key := servicetest.Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))(i.t)
	parent, signer := i.cert, i.key
	if template.Issuer.CommonName == "self" {
		parent, signer = template, key
	}
	der := servicetest.Must(x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer))(i.t)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// server serves connections on loopback until the test is over.
func server(t *testing.T, cfg *tls.Config, handle func(net.Conn, *bufio.Reader)) (port string) {
	l := servicetest.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	if cfg != nil {
		l = tls.NewListener(l, cfg)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wg.Go(func() {
				defer c.Close()
				handle(c, bufio.NewReader(c))
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		mu.Lock()
		for _, c := range open {
			_ = c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// says answers the first request of each connection with the text.
func says(text string) func(net.Conn, *bufio.Reader) {
	return func(c net.Conn, r *bufio.Reader) {
		q, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		_, _ = io.WriteString(c, text)
	}
}

// answers is a whole answer.
func answers(status int, body string, headers ...string) func(net.Conn, *bufio.Reader) {
	text := "HTTP/1.1 " + strconv.Itoa(status) + " " + http.StatusText(status) + "\r\nConnection: close\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
	for i := 0; i+1 < len(headers); i += 2 {
		text += headers[i] + ": " + headers[i+1] + "\r\n"
	}
	return says(text + "\r\n" + body)
}

// names answers every question for a name: nowhere.test does not exist, inside.test is a private address, and anything else makes the name server fail.
func names(t *testing.T) *net.Resolver {
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		wg.Go(func() {
			defer theirs.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(theirs, size[:]); err != nil {
					return
				}
				msg := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(theirs, msg); err != nil {
					return
				}
				end := 12
				for msg[end] != 0 {
					end += 1 + int(msg[end])
				}
				name, kind := string(msg[13:end]), msg[end+2]
				code, found := byte(2), byte(0)
				var record []byte
				switch {
				case strings.HasPrefix(name, "nowhere"):
					code = 3
				case strings.HasPrefix(name, "inside"):
					code = 0
					if kind == 1 {
						found, record = 1, []byte{0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 7}
					}
				}
				out := append([]byte{msg[0], msg[1], 0x81, 0x80 | code, 0, 1, 0, found, 0, 0, 0, 0}, msg[12:end+5]...)
				out = append(out, record...)
				if _, err := theirs.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(out))), out...)); err != nil {
					return
				}
			}
		})
		return ours, nil
	}}
}

// fault is something that goes wrong, and what is said about it.
type fault struct {
	name string
	url  string
	code string
	// says is what has to be in the sentence, the cause, the next step or the quote.
	says   string
	target string
	change func(*hookswitch.Endpoint)
}

// faults starts the servers that go wrong.
func faults(t *testing.T, known, other *issuer) []fault {
	http1 := func(handle func(net.Conn, *bufio.Reader)) string {
		return "http://127.0.0.1:" + server(t, nil, handle) + "/hook"
	}
	secure := func(cfg *tls.Config, handle func(net.Conn, *bufio.Reader)) string {
		return "https://127.0.0.1:" + server(t, cfg, handle) + "/hook"
	}
	with := func(c tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{c}} }
	ok := answers(200, "ok")
	good := known.issue(nil)
	closed := servicetest.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	refusing := "http://" + closed.Addr().String() + "/hook"
	_ = closed.Close()
	html := "<!doctype html><html><head><title>Sign in to Acme</title></head><body><form><input type=\"password\"></form></body></html>"
	secret := "whsec_" + strings.Repeat("MTIz", 8)
	own := func(e *hookswitch.Endpoint) {
		e.Secrets = []hookswitch.EndpointSecret{{Secret: hookswitch.Secret(secret)}}
	}
	plain := http1(answers(400, "<center>The plain HTTP request was sent to HTTPS port</center>"))
	silent := func(_ net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) }
	return []fault{
		{name: "name does not exist", url: "https://nowhere.test/hook", code: "dns_not_found", says: "nowhere.test does not exist"},
		{name: "name server fails", url: "https://broken.test/hook", code: "dns_failed", says: "name servers"},
		{name: "private address by name", url: "https://inside.test/hook", code: "blocked_address", says: "tunnel or a play bin"},
		{name: "private address", url: "https://10.0.0.8/hook", code: "blocked_address", says: "private or blocked"},
		{name: "refused", url: refusing, code: "connection_refused", says: "Nothing listens on port"},
		{name: "reset", url: http1(func(c net.Conn, r *bufio.Reader) {
			_, _ = http.ReadRequest(r)
			_ = c.(*net.TCPConn).SetLinger(0)
		}), code: "connection_reset", says: "cut while the request"},
		{name: "expired certificate", url: secure(with(known.issue(func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-48 * time.Hour)
			c.NotBefore = time.Now().Add(-72 * time.Hour)
		})), ok),
			code: "tls_expired", says: "It ended on "},
		{name: "certificate of the future", url: secure(with(known.issue(func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) })), ok), code: "tls_not_yet_valid", says: "not valid yet"},
		{name: "certificate for another name", url: secure(with(known.issue(func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"other.example"} })), ok),
			code: "tls_wrong_name", says: "It is for other.example."},
		{name: "unknown issuer", url: secure(with(other.issue(nil)), ok), code: "tls_unknown_authority", says: "issued by Test Authority"},
		{name: "self-signed", url: secure(with(other.issue(func(c *x509.Certificate) { c.Issuer.CommonName = "self" })), ok), code: "tls_self_signed", says: "signed by itself"},
		{name: "old TLS", url: secure(&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ok), code: "tls_too_old", says: "TLS 1.2 or 1.3"},
		{name: "client certificate", url: secure(&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, ok), code: "tls_client_certificate", says: "mutual TLS"},
		{name: "https to a plain port", url: "https://127.0.0.1:" + server(t, nil, func(c net.Conn, r *bufio.Reader) {
			_, _ = r.ReadByte()
			_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}) + "/", code: "tls_not_spoken", says: "speaks no TLS"},
		{name: "another protocol", url: secure(&tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{"other/1"}}, ok), code: "tls_no_http1", says: "does not offer HTTP/1.1"},
		{name: "handshake stalls", url: "https://127.0.0.1:" + server(t, nil, silent) + "/", code: "tls_timeout", says: "did not finish the TLS handshake"},
		{name: "plain to a TLS port", url: plain, code: "plain_to_tls", says: "Begin the address with https", target: strings.Replace(plain, "http:", "https:", 1)},
		{name: "no answer", url: http1(silent), code: "timeout", says: "No answer within"},
		{name: "cut off", url: http1(says("HTTP/1.1 200 OK\r\nContent-Le")), code: "answer_cut_off", says: "without a whole answer"},
		{name: "large headers", url: http1(says("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 70<<10) + "\r\n\r\n")), code: "headers_too_large", says: "64 KiB"},
		{name: "no HTTP", url: http1(says("SSH-2.0-OpenSSH_9.7\r\n\r\n")), code: "bad_answer", says: "not HTTP/1.1"},
		{name: "interim answers", url: http1(says(strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 9))), code: "too_many_informational", says: "interim"},
		{name: "WebSocket", url: http1(says("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n")), code: "protocol_switch", says: "WebSockets"},
		{name: "redirect", url: http1(answers(301, "", "Location", "https://new.example/hook?a=1")), code: "redirect", says: "leads to https://new.example/hook?a=1", target: "https://new.example/hook?a=1"},
		{name: "redirect to a log-in", url: http1(answers(302, "", "Location", "/login?next=%2Fhook")), code: "redirect_to_login", says: "signed in only"},
		{name: "not modified", url: http1(answers(304, "")), code: "redirect", says: "cache"},
		{name: "signature refused", url: http1(answers(401, `{"error":"No matching signature found"}`)), code: "signature", says: "does not accept the signature"},
		{name: "clock", url: http1(answers(400, `Message timestamp too old`)), code: "clock_skew", says: "clock"},
		{name: "Basic wanted", url: http1(answers(401, "", "WWW-Authenticate", `Basic realm="x"`)), code: "unauthorized", says: "Basic authentication"},
		{name: "Cloudflare", url: http1(answers(403, "<html><title>Just a moment...</title></html>", "Server", "cloudflare", "cf-mitigated", "challenge")), code: "firewall", says: "Cloudflare"},
		{name: "Akamai", url: http1(answers(403, "<h1>Access Denied</h1>", "Server", "AkamaiGHost")), code: "firewall", says: "Akamai"},
		{name: "CSRF", url: http1(answers(403, "CSRF verification failed. Request aborted.")), code: "csrf", says: "CSRF"},
		{name: "forbidden", url: http1(answers(403, "no")), code: "forbidden", says: "refuses it"},
		{name: "tunnel gone", url: http1(answers(404, "The endpoint x.ngrok.app is offline. ERR_NGROK_3200", "Ngrok-Error-Code", "ERR_NGROK_3200")), code: "tunnel_gone", says: "ngrok"},
		{name: "wrong path", url: http1(answers(404, "Cannot POST /hook")), code: "not_found", says: "nothing at this path"},
		{name: "wrong method", url: http1(answers(405, "", "Allow", "GET, HEAD")), code: "method_not_allowed", says: "It takes GET, HEAD there"},
		{name: "proxy", url: http1(answers(407, "")), code: "proxy_refused", says: "proxy"},
		{name: "gone", url: http1(answers(410, "")), code: "gone", says: "no more events"},
		{name: "too large", url: http1(answers(413, "")), code: "too_large", says: "client_max_body_size"},
		{name: "content type", url: http1(answers(415, "")), code: "content_type", says: "application/json"},
		{name: "allowed hosts", url: http1(answers(400, "DisallowedHost at /hook: Invalid HTTP_HOST header")), code: "unknown_host", says: "ALLOWED_HOSTS"},
		{name: "rejected", url: http1(answers(422, `{"detail":[{"loc":["body","id"],"msg":"field required"}]}`)), code: "rejected_payload", says: "field required"},
		{name: "rate", url: http1(answers(429, "slow down", "Retry-After", "120")), code: "rate_limited", says: "wait for 120 s"},
		{name: "exception", url: http1(answers(500, "Traceback (most recent call last):\n  File \"app.py\"")), code: "server_error", says: "exception"},
		{name: "database", url: http1(answers(500, `SQLSTATE[42P01]: relation "contacts" does not exist`)), code: "server_error", says: "database"},
		{name: "bad gateway", url: http1(answers(502, "<html><head><title>502 Bad Gateway</title></head></html>", "Content-Type", "text/html")), code: "bad_gateway", says: "502 Bad Gateway"},
		{name: "maintenance", url: http1(answers(503, "Down for maintenance", "Retry-After", "60")), code: "unavailable", says: "maintenance"},
		{name: "gateway waits", url: http1(answers(504, "")), code: "gateway_timeout", says: "Answer with 200 first"},
		{name: "behind Cloudflare", url: http1(answers(521, "")), code: "origin_down", says: "refuses Cloudflare"},
		{name: "log-in page", url: http1(answers(200, html, "Content-Type", "text/html")), code: "html_login", says: "log-in page"},
		{name: "HTML page", url: http1(answers(200, "<!DOCTYPE html><title>Welcome</title>")), code: "html_page", says: "page of HTML"},
		{name: "secret in the answer", url: http1(answers(200, `{"env":{"WEBHOOK_SECRET":"`+secret+`"}}`)), code: "secret_echoed", says: "rotate the secret", change: own},
		{name: "body cut off", url: http1(says("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort")), code: "body_cut_off", says: "The status counts"},
		{name: "certificate ends soon", url: secure(with(known.issue(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(5*24*time.Hour + time.Hour) })), ok), code: "certificate_expiring", says: "in 5 days"},
	}
}

// TestWebhook_EveryFaultHasItsDiagnosis makes each fault happen, and looks at what is said about the attempt that is recorded of it.
func TestWebhook_EveryFaultHasItsDiagnosis(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		known, other := newIssuer(t), newIssuer(t)
		list := faults(t, known, other)
		w := servicetest.New(t, db, func(o *servicetest.Options) {
			o.Now = time.Now
			o.Profiles[hookswitch.ProfileSvix] = hookswitch.Profile{Name: hookswitch.ProfileSvix, Timeout: 700 * time.Millisecond, Waits: []time.Duration{time.Hour}}
		})
		client := safehttp.New(safehttp.Options{Guard: safehttp.NewGuard([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), RootCAs: known.pool, Resolver: names(t)})
		t.Cleanup(client.Close)
		w.Run(nil, func(o *deliver.Options, _ *work.Options) { o.HTTP = client })
		app := w.App()
		endpoints := make([]*hookswitch.Endpoint, len(list))
		for i, f := range list {
			endpoints[i] = w.Endpoint(app, f.url, func(e *hookswitch.Endpoint) {
				if f.change != nil {
					f.change(e)
				}
			})
		}
		ev := servicetest.Must(w.Service.PublishEvent(t.Context(), app, service.Publish{Type: "a.b", Payload: []byte(`{"a":1}`)}, none))(t)
		tried := make(map[hookswitch.Key]*hookswitch.Attempt)
		servicetest.Eventually(t, "every endpoint was tried", func() bool {
			for _, a := range attempts(w, ev) {
				tried[a.Endpoint] = a
			}
			return len(tried) == len(list)
		})
		if len(list) < 30 {
			t.Errorf("%d faults are too few", len(list))
		}
		for i, f := range list {
			a := tried[endpoints[i].Key]
			all := diagnose.Of(a, w.Service.Known(endpoints[i]))
			if len(all) == 0 {
				t.Errorf("%s: nothing is said about %+v", f.name, a)
				continue
			}
			d := all[0]
			if d.Code != f.code || d.Warning != a.OK || d.Target != f.target {
				t.Errorf("%s: %+v, want %s %s", f.name, d, f.code, f.target)
			}
			if text := strings.Join([]string{d.Sentence, d.Cause, d.Next, d.Said}, " "); !strings.Contains(text, f.says) {
				t.Errorf("%s: %q does not say %q", f.name, text, f.says)
			}
			if d.Sentence == "" || d.Next == "" || !strings.HasSuffix(d.Sentence, ".") || !strings.HasSuffix(d.Next, ".") {
				t.Errorf("%s: the sentences are %+v", f.name, d)
			}
			if !a.OK && !strings.Contains(a.Facts.Sent, "svix-signature: v1,") {
				t.Errorf("%s: the headers that were sent are %q", f.name, a.Facts.Sent)
			}
			if age := time.Since(a.SignedAt); age < 0 || age > time.Minute {
				t.Errorf("%s: signed at %v", f.name, a.SignedAt)
			}
		}
	})
}

// TestWebhook_FactsHoldNoSecrets looks at what is kept of the headers that were sent.
func TestWebhook_FactsHoldNoSecrets(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		w.Run(nil)
		r := servicetest.NewReceiver(t)
		r.Answer(servicetest.Status(500))
		app := w.App()
		w.Endpoint(app, strings.Replace(r.URL, "http://", "http://me:password@", 1), func(e *hookswitch.Endpoint) {
			e.Headers = map[string]string{"X-Api-Key": "key-of-mine", "X-Tenant": "seven"}
		})
		a := attempted(w, w.Publish(app, "a.b"), 1)[0]
		if got := a.Facts.Sent; strings.Contains(got, "key-of-mine") || strings.Contains(got, "Basic") || !strings.Contains(got, "X-Tenant: seven\n") || !strings.Contains(got, "X-Api-Key: ***\n") {
			t.Errorf("kept is %q", got)
		}
		found, _, _, err := w.Service.FindAttempts(t.Context(), servicetest.Must(w.Service.AttemptedEndpoint(t.Context(), a))(t), parsed("status:failed code:500"), store.Page{Limit: 5})
		if err != nil || len(found) != 1 || found[0].Number != 1 || !found[0].Latest || found[0].Status.Next.IsZero() {
			t.Errorf("found %+v %v", found, err)
		}
	})
}

func parsed(text string) filter.Query {
	q, _ := filter.Parse(text, servicetest.Start)
	return q
}
