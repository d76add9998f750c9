package safehttp_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/safehttp"
)

func TestDo_SendsTheRequestAsGiven(t *testing.T) {
	t.Parallel()
	const want = "POST /hook/a%20b?x=1%20y&z=%C3%BC HTTP/1.1\r\nHost: %s\r\ncontent-type: application/json\r\nX-Multi: 1\r\nX-Multi: 2\r\nwebhook-id: msg_1\r\nContent-Length: 7\r\n\r\n{\"a\":1}"
	got := make(chan string, 1)
	u := serve(t, func(p *peer) {
		buf := make([]byte, 4096)
		n, _ := p.Read(buf) // one write, so one read
		got <- string(buf[:n])
		p.say(okAnswer)
		p.gone()
	})
	u.Path, u.RawQuery, u.Fragment = "/hook/a b", "x=1 y&z=ü", "frag"
	r := &safehttp.Request{Method: "POST", URL: u, Body: []byte(`{"a":1}`), Header: []safehttp.Field{
		{Name: "content-type", Value: "application/json"}, {Name: "X-Multi", Value: "1"}, {Name: "X-Multi", Value: "2"}, {Name: "webhook-id", Value: "msg_1"},
	}}
	resp := success(t, newClient(t), r)
	if sent := <-got; sent != strings.Replace(want, "%s", u.Host, 1) {
		t.Errorf("sent %q", sent)
	}
	if resp.Status != 200 || string(resp.Body) != "ok" || resp.Truncated || resp.BodyErr != nil || resp.RemoteAddr != u.Host || resp.Header.Get("Content-Length") != "2" {
		t.Errorf("answer %+v", resp)
	}
}

func TestDo_SendsLargeBodiesWhole(t *testing.T) {
	t.Parallel()
	got := make(chan string, 8)
	u := serve(t, func(p *peer) {
		for {
			_, body, ok := p.request()
			if !ok {
				return
			}
			got <- body
			p.say(okAnswer)
		}
	})
	c := newClient(t)
	for _, size := range []int{0, 1, 12 << 10, 12<<10 + 1, 300 << 10} {
		body := strings.Repeat("b", size)
		success(t, c, post(u, body))
		if sent := <-got; sent != body {
			t.Errorf("of %d bytes %d arrived", size, len(sent))
		}
	}
}

func TestDo_RefusesInjectionAndReservedHeaders(t *testing.T) {
	t.Parallel()
	u := serve(t, func(p *peer) { t.Error("a connection was made") })
	c := newClient(t)
	with := func(name, value string) *safehttp.Request {
		r := post(u, "x")
		r.Header = []safehttp.Field{{Name: name, Value: value}}
		return r
	}
	requests := []*safehttp.Request{
		with("X-A", "1\r\nX-B: 2"), with("X-A", "1\nX-B: 2"), with("X-A", "1\r"), with("X-A", "a\x00b"), with("X-A", "\x7f"), with("X-A", "\x1b[2J"),
		with("X-A\r\nX-B", "1"), with("X A", "1"), with("X-A:", "1"), with("", "1"), with("X-Ä", "1"), with("X\x00", "1"),
		with("Host", "evil"), with("hOST", "evil"), with("Content-Length", "0"), with("Transfer-Encoding", "chunked"), with("Connection", "close"),
		with("Upgrade", "h2c"), with("TE", "trailers"), with("Trailer", "x"), with("Expect", "100-continue"), with("Keep-Alive", "x"), with("Proxy-Connection", "x"),
	}
	method := func(m string) *safehttp.Request { r := post(u, ""); r.Method = m; return r }
	requests = append(requests, method(""), method("GET /x HTTP/1.1\r\nX: y"), method("GE T"), method("CONNECT"))
	for _, raw := range []func(v *safehttp.Request){
		func(r *safehttp.Request) { r.URL = nil },
		func(r *safehttp.Request) { w := *u; w.RawQuery = "a\r\nX: y"; r.URL = &w },
		func(r *safehttp.Request) { w := *u; w.RawQuery = "a\x00"; r.URL = &w },
		func(r *safehttp.Request) { w := *u; w.Host += "\r\nX: y"; r.URL = &w },
		func(r *safehttp.Request) { w := *u; w.Host = "a b"; r.URL = &w },
		func(r *safehttp.Request) { w := *u; w.Scheme = "ftp"; r.URL = &w },
		func(r *safehttp.Request) { w := *u; w.Opaque = "//x"; r.URL = &w },
	} {
		r := post(u, "x")
		raw(r)
		requests = append(requests, r)
	}
	for _, r := range requests {
		if fail := failure(t, c, r, safehttp.CodeInvalidRequest); fail.Written {
			t.Errorf("%q %v: counts as written", r.Method, r.Header)
		}
	}
	if err := safehttp.CheckHeader("X-Fine", "a\tb ü"); err != nil {
		t.Errorf("an ordinary header is refused: %v", err)
	}
}

func TestDo_PathsCannotBreakOutOfTheRequestLine(t *testing.T) {
	t.Parallel()
	target := make(chan string, 1)
	u := serve(t, func(p *peer) {
		r, _, _ := p.request()
		target <- r.RequestURI
		p.say(okAnswer)
		p.gone()
	})
	u.Path = "/a\r\nX: y\x00 b\\"
	success(t, newClient(t), post(u, ""))
	if got := <-target; got != "/a%0D%0AX:%20y%00%20b%5C" {
		t.Errorf("asked for %q", got)
	}
}

func TestDo_NeverFollowsRedirects(t *testing.T) {
	t.Parallel()
	for status := 300; status <= 308; status++ {
		u := serve(t, func(p *peer) {
			if p.n > 1 {
				t.Errorf("%d: a second connection was made", status)
			}
			if r, _, _ := p.request(); r == nil || r.URL.Path != "/hook" {
				t.Errorf("%d: unexpected request", status)
			}
			p.say(fmt.Sprintf("HTTP/1.1 %d Elsewhere\r\nLocation: /hook2\r\nContent-Length: 0\r\n\r\n", status))
			if _, _, ok := p.request(); ok {
				t.Errorf("%d: was followed", status)
			}
		})
		resp := success(t, newClient(t), post(u, "x"))
		if resp.Status != status || resp.Header.Get("Location") != "/hook2" {
			t.Errorf("got %d %v", resp.Status, resp.Header)
		}
	}
}

func TestDo_DoesNotUnpack(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write(make([]byte, 8<<20))
	_ = z.Close()
	u := answering(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", bomb.Len(), bomb.String()))
	c := newClient(t)
	if resp := success(t, c, post(u, "")); !bytes.Equal(resp.Body, bomb.Bytes()) || resp.Truncated {
		t.Errorf("body of %d bytes, want the %d packed ones", len(resp.Body), bomb.Len())
	}
	resp, err := c.HTTPClient(0).Get(u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got, _ := io.ReadAll(resp.Body); !bytes.Equal(got, bomb.Bytes()) {
		t.Errorf("net/http: body of %d bytes, want the %d packed ones", len(got), bomb.Len())
	}
}

func TestDo_BoundsTheHead(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	// Exactly at the limit: passes, body and all, and the connection serves again.
	head := "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Pad: %s\r\n\r\n"
	pad := strings.Repeat("p", safehttp.MaxHead-len(head)+len("%s"))
	u := answering(t, fmt.Sprintf(head, pad)+"whole")
	for i := range 2 {
		resp := success(t, c, post(u, ""))
		if string(resp.Body) != "whole" || resp.Header.Get("X-Pad") != pad || resp.Timings.Reused != (i == 1) {
			t.Errorf("exchange %d: body %q, reused %v", i, resp.Body, resp.Timings.Reused)
		}
	}
	failure(t, c, post(answering(t, fmt.Sprintf(head, pad+"p")+"whole"), ""), safehttp.CodeHeadersTooLarge)
	failure(t, c, post(answering(t, fmt.Sprintf(head, strings.Repeat("p", 2<<20))), ""), safehttp.CodeHeadersTooLarge)
	failure(t, c, post(answering(t, "HTTP/1.1 200 OK\r\n"+strings.Repeat("A: bcdefg\r\n", 10_000)+"\r\n"), ""), safehttp.CodeHeadersTooLarge)
	failure(t, c, post(answering(t, "HTTP/1.1 200 "+strings.Repeat("O", 100<<10)), ""), safehttp.CodeHeadersTooLarge)
}

func TestDo_RefusesMalformedHeads(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, head := range []string{
		"HTTP/1.1 200 OK\r\nX-A: 1\r\n folded\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-A: 1\r\n\tfolded\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nX-A: \x1b[31mred\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 O\x1bK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n", "HTTP/1.1 099 Low\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n", "220 mail ESMTP\r\n\r\n", "\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		u := answering(t, head)
		if fail := failure(t, c, post(u, "x"), safehttp.CodeBadAnswer); !fail.Written || fail.RemoteAddr != u.Host {
			t.Errorf("%q: written %v, remote %q", head, fail.Written, fail.RemoteAddr)
		}
	}
}

func TestDo_BoundsInformationalAnswers(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	const hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	resp := success(t, c, post(answering(t, strings.Repeat(hint, safehttp.MaxInformational)+okAnswer), "x"))
	if resp.Status != 200 || resp.Header.Get("Link") != "" {
		t.Errorf("got %d %v", resp.Status, resp.Header)
	}
	failure(t, c, post(answering(t, strings.Repeat(hint, safehttp.MaxInformational+1)+okAnswer), "x"), safehttp.CodeTooManyInformational)

	ended := make(chan struct{})
	endless := serve(t, func(p *peer) {
		defer close(ended)
		p.request()
		for {
			if _, err := io.WriteString(p, hint); err != nil {
				return
			}
		}
	})
	failure(t, c, post(endless, "x"), safehttp.CodeTooManyInformational)
	<-ended // the connection was closed
}

func TestDo_RefusesProtocolSwitch(t *testing.T) {
	t.Parallel()
	closed := make(chan struct{}, 2)
	u := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		p.gone()
		closed <- struct{}{}
	})
	c := newClient(t)
	failure(t, c, post(u, "x"), safehttp.CodeProtocolSwitch)
	<-closed
	_, err := c.HTTPClient(0).Get(u.String())
	asFailure(t, err, safehttp.CodeProtocolSwitch)
	<-closed
}

func TestDo_KeepsTheBeginningOfLongBodies(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1000, strings.Repeat("c", 1000))
	for name, head := range map[string]string{
		"chunked":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
		"length":          "HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n",
		"until the close": "HTTP/1.1 200 OK\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ended := make(chan struct{})
			u := serve(t, func(p *peer) {
				defer close(ended)
				p.request()
				p.say(head)
				for {
					if _, err := io.WriteString(p, chunk); err != nil {
						return
					}
				}
			})
			resp := success(t, c, post(u, "x"))
			if resp.Status != 200 || len(resp.Body) != safehttp.MaxAnswer || !resp.Truncated || resp.BodyErr != nil {
				t.Errorf("status %d, %d bytes, truncated %v, %v", resp.Status, len(resp.Body), resp.Truncated, resp.BodyErr)
			}
			<-ended
		})
	}
}

func TestDo_KeepsBodiesUpToTheLimitWhole(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, size := range []int{0, 1, 511, 512, 513, safehttp.MaxAnswer - 1, safehttp.MaxAnswer, safehttp.MaxAnswer + 1} {
		body := strings.Repeat("x", size)
		chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		if size > 0 {
			chunked += fmt.Sprintf("%x\r\n%s\r\n", size, body)
		}
		for kind, u := range map[string]string{
			"length":  fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", size, body),
			"chunked": chunked + "0\r\n\r\n",
		} {
			target := answering(t, u)
			for i := range 2 {
				resp := success(t, c, post(target, ""))
				fits := size <= safehttp.MaxAnswer
				if resp.Truncated == fits || len(resp.Body) != min(size, safehttp.MaxAnswer) || resp.BodyErr != nil {
					t.Errorf("%s %d: %d bytes, truncated %v, %v", kind, size, len(resp.Body), resp.Truncated, resp.BodyErr)
				}
				if want := i == 1 && fits; resp.Timings.Reused != want {
					t.Errorf("%s %d, exchange %d: reused %v, want %v", kind, size, i, resp.Timings.Reused, want)
				}
			}
		}
	}
}

func TestDo_StatusCountsWhenTheBodyFails(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for name, tc := range map[string]struct {
		say  string
		end  func(p *peer)
		body string
		code string
	}{
		"short":          {"HTTP/1.1 201 OK\r\nContent-Length: 100\r\n\r\n0123456789", func(*peer) {}, "0123456789", safehttp.CodeAnswerCutOff},
		"nothing at all": {"HTTP/1.1 201 OK\r\nContent-Length: 100\r\n\r\n", func(*peer) {}, "", safehttp.CodeAnswerCutOff},
		"chunks cut off": {"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", func(*peer) {}, "abcde", safehttp.CodeAnswerCutOff},
		"broken chunks":  {"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\nzz\r\n", (*peer).gone, "abcde", safehttp.CodeBadAnswer},
		"reset":          {"HTTP/1.1 201 OK\r\nContent-Length: 100\r\n\r\n", (*peer).reset, "", safehttp.CodeConnectionReset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := serve(t, func(p *peer) {
				p.request()
				p.say(tc.say)
				tc.end(p)
			})
			resp := success(t, c, post(u, "x"))
			if resp.Status != 201 || string(resp.Body) != tc.body || !resp.Truncated {
				t.Errorf("status %d, body %q, truncated %v", resp.Status, resp.Body, resp.Truncated)
			}
			asFailure(t, resp.BodyErr, tc.code)
		})
	}
}

func TestDo_DrippingBodyEndsAfterGrace(t *testing.T) {
	t.Parallel()
	u := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
		drip(p, strings.Repeat("d", 60_000))
	})
	c := newClient(t, func(o *safehttp.Options) { o.BodyGrace = 60 * time.Millisecond })
	resp := success(t, c, post(u, "x"))
	if resp.Status != 200 || !resp.Truncated || len(resp.Body) == 60_000 {
		t.Errorf("status %d, %d bytes, truncated %v", resp.Status, len(resp.Body), resp.Truncated)
	}
	asFailure(t, resp.BodyErr, safehttp.CodeTimeout)
	if resp.Timings.Total > 5*time.Second {
		t.Errorf("took %v", resp.Timings.Total)
	}
}

func TestDo_TotalDeadlineCoversTheBody(t *testing.T) {
	t.Parallel()
	u := serve(t, func(p *peer) {
		p.request()
		p.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		drip(p, strings.Repeat("1\r\nd\r\n", 10_000))
	})
	resp := success(t, newClient(t), within(post(u, "x"), 100*time.Millisecond))
	asFailure(t, resp.BodyErr, safehttp.CodeTimeout)
	if resp.Status != 200 || resp.Timings.Total > 3*time.Second {
		t.Errorf("status %d after %v", resp.Status, resp.Timings.Total)
	}
}

func TestDo_DrippingHeadEndsAtTheDeadline(t *testing.T) {
	t.Parallel()
	for _, head := range []string{"", "HTTP/1.1 200 OK\r\nX-Pad: " + strings.Repeat("p", 60_000)} {
		u := serve(t, func(p *peer) {
			p.request()
			drip(p, head)
			p.gone()
		})
		fail := failure(t, newClient(t), within(post(u, "x"), 80*time.Millisecond), safehttp.CodeTimeout)
		if !fail.Written || !fail.Timeout() || fail.Timings.Total < 80*time.Millisecond || fail.Timings.Total > 3*time.Second {
			t.Errorf("written %v, timings %+v", fail.Written, fail.Timings)
		}
	}
}

// drip says text one byte per millisecond until the client is tired of it.
func drip(p *peer, text string) {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := range len(text) {
		<-tick.C
		if _, err := p.Write([]byte{text[i]}); err != nil {
			return
		}
	}
}

func TestDo_NoBodyWhereNoneBelongs(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for method, answer := range map[string]string{
		"HEAD": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
		"GET":  "HTTP/1.1 204 No Content\r\n\r\n",
		"PUT":  "HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n",
	} {
		u := answering(t, answer)
		for i := range 2 {
			resp := success(t, c, &safehttp.Request{Method: method, URL: u})
			if len(resp.Body) != 0 || resp.BodyErr != nil || resp.Timings.Reused != (i == 1) {
				t.Errorf("%s, exchange %d: %q %v, reused %v", method, i, resp.Body, resp.BodyErr, resp.Timings.Reused)
			}
		}
	}
}

func TestDo_TakesAnAnswerGivenBeforeTheRequestWasWhole(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("b", 32<<20)
	for name, closes := range map[string]bool{"then closes": true, "then stops reading": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			over := make(chan struct{})
			u := serve(t, func(p *peer) {
				_, _ = http.ReadRequest(p.br)
				p.say("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
				if !closes {
					<-over
				}
			})
			defer close(over)
			resp := success(t, newClient(t), within(post(u, big), 400*time.Millisecond))
			if resp.Status != 413 {
				t.Errorf("status %d", resp.Status)
			}
		})
	}
}

func TestDo_KeepsAsMuchOfABodyAsTheRequestAllows(t *testing.T) {
	t.Parallel()
	const size = 300 << 10
	for _, kind := range []string{"length", "close"} {
		for _, keep := range []int{10, safehttp.MaxAnswer + 1, size - 1, size, 1 << 20} {
			u := serve(t, func(p *peer) {
				if _, _, ok := p.request(); !ok {
					return
				}
				if kind == "length" {
					p.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
				} else {
					p.say("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
				}
				p.say(strings.Repeat("b", size))
			})
			r := post(u, "")
			r.Keep = keep
			resp := success(t, newClient(t), r)
			if len(resp.Body) != min(keep, size) || resp.Truncated != (keep < size) || resp.BodyErr != nil {
				t.Errorf("%s, keep %d: %d bytes, truncated %v, %v", kind, keep, len(resp.Body), resp.Truncated, resp.BodyErr)
			}
		}
	}
}
