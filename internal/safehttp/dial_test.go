package safehttp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// named returns u with its host replaced.
func named(u *url.URL, host string) *url.URL {
	w := *u
	w.Host = net.JoinHostPort(host, u.Port())
	return &w
}

func TestDo_RefusesBlockedLiterals(t *testing.T) {
	t.Parallel()
	u := serve(t, func(*peer) { t.Error("a connection was made") })
	c := newClient(t, func(o *safehttp.Options) { o.Guard = nil })
	for _, host := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.1", "localhost", "localhost.", "10.0.0.1", "169.254.169.254", "0.0.0.0", "::", "64:ff9b::7f00:1"} {
		r := post(named(u, host), "x")
		fail := failure(t, c, r, safehttp.CodeBlockedAddress)
		if want := "address " + host + " is in a range"; fail.Written || fail.RemoteAddr != "" || !strings.HasPrefix(fail.Error(), want) {
			t.Errorf("%s: %+v %v", host, fail, fail)
		}
	}
	for _, host := range []string{"2130706433", "0x7f000001", "127.1", "0177.0.0.1", "127.0.0.1."} {
		failure(t, newClient(t), post(named(u, host), "x"), safehttp.CodeBlockedAddress)
	}
}

func TestDo_ChecksEveryResolvedAddress(t *testing.T) {
	t.Parallel()
	u := answering(t, okAnswer)
	n := &names{answers: map[string][][]string{
		"good.test":    {{"127.0.0.1"}},
		"private.test": {{"10.1.2.3"}},
		"mixed.test":   {{"10.1.2.3", "169.254.169.254", "127.0.0.1"}},
		"rebind.test":  {{"127.0.0.1"}, {"10.1.2.3"}},
		"many.test":    {make([]string, 100)},
		"broken.test":  {{}},
	}}
	for i := range n.answers["many.test"][0] {
		n.answers["many.test"][0][i] = "10.9.8.7"
	}
	resolve := func(o *safehttp.Options) { o.Resolver = n.resolver(t) }
	c := newClient(t, resolve)

	resp := success(t, c, post(named(u, "good.test"), "x"))
	if resp.Timings.DNS <= 0 || resp.Timings.Connect <= 0 || resp.RemoteAddr != u.Host {
		t.Errorf("timings %+v, remote %s", resp.Timings, resp.RemoteAddr)
	}
	if resp := success(t, c, post(named(u, "mixed.test"), "x")); resp.RemoteAddr != u.Host {
		t.Errorf("mixed addresses: connected to %s", resp.RemoteAddr)
	}
	for _, host := range []string{"private.test", "many.test"} {
		fail := failure(t, c, post(named(u, host), "x"), safehttp.CodeBlockedAddress)
		var blocked *safehttp.BlockedError
		if !errors.As(fail, &blocked) || blocked.Addr.String()[:3] != "10." {
			t.Errorf("%s: cause %v", host, fail.Err)
		}
		if strings.Contains(fail.Error(), "10.") || !strings.Contains(fail.Error(), host) {
			t.Errorf("%s: %q shows what the name resolves to", host, fail)
		}
	}
	success(t, c, post(named(u, "rebind.test"), "x"))
	failure(t, newClient(t, resolve), post(named(u, "rebind.test"), "x"), safehttp.CodeBlockedAddress)

	failure(t, c, post(named(u, "missing.test"), "x"), safehttp.CodeDNSNotFound)
	if fail := failure(t, c, post(named(u, "broken.test"), "x"), safehttp.CodeDNSFailed); fail.Timings.DNS <= 0 || fail.Timings.Connect != 0 {
		t.Errorf("timings %+v", fail.Timings)
	}

	plain, err := c.HTTPClient(0).Get(named(u, "mixed.test").String())
	if err != nil {
		t.Fatal(err)
	}
	_ = plain.Body.Close()
	var blocked *safehttp.BlockedError
	if _, err := c.HTTPClient(0).Get(named(u, "private.test").String()); !errors.As(err, &blocked) {
		t.Errorf("net/http: %v", err)
	}
}

func TestDo_SilentNameServerIsAFailure(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 8)
	silent := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		asked <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	c := newClient(t, func(o *safehttp.Options) { o.Resolver, o.ConnectTimeout = silent, 50*time.Millisecond })
	u := &url.URL{Scheme: "http", Host: "slow.test"}
	if fail := failure(t, c, post(u, "x"), safehttp.CodeDNSFailed); fail.Written || fail.Timings.DNS < 50*time.Millisecond {
		t.Errorf("%+v", fail)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for len(asked) > 0 {
		<-asked
	}
	go func() { <-asked; cancel() }()
	_, err := newClient(t, func(o *safehttp.Options) { o.Resolver = silent }).Do(ctx, post(u, "x"))
	asFailure(t, err, safehttp.CodeCanceled)
}

func TestDo_NamesRefusedConnections(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	_ = listener.Close()
	if fail := failure(t, newClient(t), post(u, "x"), safehttp.CodeConnectionRefused); fail.Written || fail.Timings.Connect <= 0 {
		t.Errorf("%+v", fail)
	}
}

// An authority issues certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	a := &authority{pool: x509.NewCertPool()}
	a.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.cert, _ = x509.ParseCertificate(der)
	a.pool.AddCert(a.cert)
	return a
}

func (a *authority) issue(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "receiver"},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"secure.test"},
	}
	if change != nil {
		change(template)
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func serveTLS(t *testing.T, cfg *tls.Config) *url.URL {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatal(err)
	}
	return serveOn(t, listener, "https", func(p *peer) {
		for {
			if _, _, ok := p.request(); !ok {
				return
			}
			p.say(okAnswer)
		}
	})
}

func TestDo_NamesTLSFailures(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	trusting := func(o *safehttp.Options) { o.RootCAs = a.pool }
	good := a.issue(t, nil)
	for name, tc := range map[string]struct {
		server *tls.Config
		trust  bool
		code   string
	}{
		"expired": {&tls.Config{Certificates: []tls.Certificate{a.issue(t, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Hour) })}}, true, safehttp.CodeTLSExpired},
		"not yet": {&tls.Config{Certificates: []tls.Certificate{a.issue(t, func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour / 2) })}}, true, safehttp.CodeTLSExpired},
		"other name": {&tls.Config{Certificates: []tls.Certificate{a.issue(t, func(c *x509.Certificate) {
			c.IPAddresses, c.DNSNames = nil, []string{"other.test"}
		})}}, true, safehttp.CodeTLSWrongName},
		"unknown issuer":     {&tls.Config{Certificates: []tls.Certificate{good}}, false, safehttp.CodeTLSUnknownAuthority},
		"TLS 1.0":            {&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, true, safehttp.CodeTLSTooOld},
		"TLS 1.1":            {&tls.Config{Certificates: []tls.Certificate{good}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, true, safehttp.CodeTLSTooOld},
		"client certificate": {&tls.Config{Certificates: []tls.Certificate{good}, ClientAuth: tls.RequireAnyClientCert}, true, safehttp.CodeTLSClientCertificate},
		"other protocol":     {&tls.Config{Certificates: []tls.Certificate{good}, NextProtos: []string{"smtp"}}, true, safehttp.CodeTLSNoHTTP1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, func(o *safehttp.Options) {
				if trusting(o); !tc.trust {
					o.RootCAs = x509.NewCertPool()
				}
			})
			u := serveTLS(t, tc.server)
			if fail := failure(t, c, post(u, "x"), tc.code); fail.RemoteAddr != u.Host || fail.Timings.Connect <= 0 || fail.Timings.TLS <= 0 || fail.Written != (name == "client certificate") {
				t.Errorf("%+v", fail)
			}
		})
	}
	t.Run("no TLS at all", func(t *testing.T) {
		t.Parallel()
		u := serve(t, func(p *peer) { p.say("HTTP/1.1 400 Bad Request\r\n\r\n"); p.gone() })
		u.Scheme = "https"
		failure(t, newClient(t), post(u, "x"), safehttp.CodeTLSNotSpoken)
	})
	t.Run("stalled handshake", func(t *testing.T) {
		t.Parallel()
		u := serve(t, func(p *peer) { p.gone() })
		u.Scheme = "https"
		if fail := failure(t, newClient(t), within(post(u, "x"), 60*time.Millisecond), safehttp.CodeTLSTimeout); fail.Written || fail.Timings.TLS <= 0 {
			t.Errorf("%+v", fail)
		}
	})
	t.Run("canceled handshake", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		u := serve(t, func(p *peer) { _, _ = p.br.ReadByte(); cancel(); p.gone() })
		u.Scheme = "https"
		_, err := newClient(t).Do(ctx, post(u, "x"))
		asFailure(t, err, safehttp.CodeCanceled)
	})
}

func TestDo_SpeaksTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		u := serveTLS(t, &tls.Config{Certificates: []tls.Certificate{a.issue(t, nil)}, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}})
		n := &names{answers: map[string][][]string{"secure.test": {{"127.0.0.1"}}, "secure.test.": {{"127.0.0.1"}}}}
		c := newClient(t, func(o *safehttp.Options) { o.RootCAs, o.Resolver = a.pool, n.resolver(t) })
		for _, host := range []string{"secure.test", "127.0.0.1", "secure.test."} {
			for i, body := range []string{"small", strings.Repeat("large", 20_000), "small"} {
				resp := success(t, c, post(named(u, host), body))
				if string(resp.Body) != "ok" || resp.Timings.Reused != (i > 0) || (resp.Timings.TLS > 0) == resp.Timings.Reused {
					t.Errorf("%s over %x, exchange %d: %q %+v", host, version, i, resp.Body, resp.Timings)
				}
			}
		}
		resp, err := c.HTTPClient(0).Get(named(u, "secure.test").String())
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
}
