package svix_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// The rules of the transport hold on every route, those of tomorrow too: these tests go over the route table.

// sdkHeaders are what client libraries send besides their token.
var sdkHeaders = []string{"Svix-Req-Id", "1234567890", "Svix-Retry-Count", "1", "User-Agent", "svix-libs/1.99.1/javascript", "Accept", "application/json, */*;q=0.8",
	"X-Anything", strings.Repeat("x", 1000)}

func TestTrailingSlashesContentTypesAndForeignHeadersMakeNoDifference(t *testing.T) {
	each(t, func(a *api) {
		kinds := []string{"application/json; charset=utf-8", "text/plain", "application/x-www-form-urlencoded", "///"}
		for i, rt := range a.routes() {
			things, kind := a.things(), kinds[i%len(kinds)]
			headers := append([]string{"Content-Type", kind, "Idempotency-Key", fmt.Sprintf("auto_%d", i)}, sdkHeaders...)
			if an := a.as(rt, things).do(rt.Method, things.at(a.t, rt.Path)+"/", things.body(example(rt)), headers...); an.status/100 != 2 {
				a.t.Errorf("%s as %s: %d %s", an.what, kind, an.status, an.body)
			}
		}
	})
}

func TestFieldsThatNobodyKnowsAreIgnored(t *testing.T) {
	each(t, func(a *api) {
		for _, rt := range a.routes() {
			things := a.things()
			body := things.body(example(rt))
			if body == "" {
				body = "{}"
			}
			var v map[string]any
			if err := json.Unmarshal([]byte(body), &v); err != nil {
				a.t.Fatal(err)
			}
			v["nobodyKnows"], v["norThis"] = []any{map[string]any{"a": nil}, 1.5}, nil
			extended, err := json.Marshal(v)
			if err != nil {
				a.t.Fatal(err)
			}
			if an := a.as(rt, things).do(rt.Method, things.at(a.t, rt.Path)+"?nobody=knows&nor[]=this", string(extended)); an.status/100 != 2 {
				a.t.Errorf("%s with more fields: %d %s", an.what, an.status, an.body)
			}
		}
	})
}

func TestEveryPostMayComeWithoutABody(t *testing.T) {
	each(t, func(a *api) {
		for _, rt := range a.routes() {
			if rt.Method != "POST" {
				continue
			}
			var statuses []int
			for _, body := range []string{"", "{}", " \n", "null", "\ufeff{}"} {
				things := a.things()
				an := a.as(rt, things).do("POST", things.at(a.t, rt.Path), body)
				if an.status/100 != 2 && an.status != 422 && an.status != 400 { // 422 names the fields that are missing
					a.t.Errorf("%s with the body %q: %d %s", an.what, body, an.status, an.body)
				}
				statuses = append(statuses, an.status)
			}
			if slices.Max(statuses) != slices.Min(statuses) {
				a.t.Errorf("%s: the empty bodies are treated differently: %v", name(rt), statuses)
			}
		}
	})
}

func TestEveryRouteMayBeCalledFromAnyOrigin(t *testing.T) {
	each(t, func(a *api) {
		origin := []string{"Origin", "https://customer.example"}
		for _, rt := range a.routes() {
			things := a.things()
			path := things.at(a.t, rt.Path)
			preflight := a.with("").do("OPTIONS", path, "", append(origin, "Access-Control-Request-Method", rt.Method, "Access-Control-Request-Headers", "authorization,x-whatever")...).is(204)
			for header, want := range map[string]string{"Access-Control-Allow-Origin": "*", "Access-Control-Max-Age": "600", "Access-Control-Allow-Headers": "authorization,x-whatever"} {
				if got := preflight.header.Get(header); got != want {
					a.t.Errorf("%s: %s is %q, want %q", preflight.what, header, got, want)
				}
			}
			if !strings.Contains(preflight.header.Get("Access-Control-Allow-Methods"), rt.Method) {
				a.t.Errorf("%s: methods %q", preflight.what, preflight.header.Get("Access-Control-Allow-Methods"))
			}
			for _, an := range []answer{
				a.do(rt.Method, path, things.body(example(rt)), origin...), a.with("wrong").do(rt.Method, path, "", origin...), a.do(rt.Method, path+"/nothing", "", origin...),
				a.do(rt.Method, path, `{"`, origin...), a.do("TRACE", path, "", origin...), a.do(rt.Method, path, strings.Repeat("x", httpapi.DefaultMaxBody+1), origin...),
			} {
				if got := an.header.Get("Access-Control-Allow-Origin"); got != "*" {
					a.t.Errorf("%s: %d is allowed to %q", an.what, an.status, got)
				}
			}
		}
	})
}

func TestMethodsThatARouteLacksAreToldInJSON(t *testing.T) {
	each(t, func(a *api) {
		things := a.things()
		has := make(map[string][]string)
		for _, rt := range a.routes() {
			has[rt.Path] = append(has[rt.Path], rt.Method)
		}
		for path, methods := range has {
			for _, m := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"} {
				if slices.Contains(methods, m) {
					continue
				}
				an := a.do(m, things.at(a.t, path), "{}")
				if an.status == 404 || an.status == 501 { // a part of another route's path, or one that is not offered
					continue
				}
				an.code(405, "method_not_allowed")
				for _, want := range methods {
					if !strings.Contains(an.header.Get("Allow"), want) {
						a.t.Errorf("%s: Allow is %q, without %s", an.what, an.header.Get("Allow"), want)
					}
				}
			}
		}
	})
}

func TestHeadIsAGetWithoutItsBody(t *testing.T) {
	each(t, func(a *api) {
		server := httptest.NewServer(a.handler)
		defer server.Close()
		things := a.things()
		for _, rt := range a.routes() {
			if rt.Method != "GET" {
				continue
			}
			path := things.at(a.t, rt.Path)
			r, err := http.NewRequest("HEAD", server.URL+"/api/v1"+path, nil)
			if err != nil {
				a.t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token)
			res, err := server.Client().Do(r)
			if err != nil {
				a.t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			if err := errors.Join(err, res.Body.Close()); err != nil {
				a.t.Fatal(err)
			}
			get := a.do("GET", path, "")
			if res.StatusCode != get.status || len(body) != 0 || res.Header.Get("Content-Type") != get.header.Get("Content-Type") {
				a.t.Errorf("HEAD %s: %d %v, want as GET: %d %v", path, res.StatusCode, res.Header, get.status, get.header)
			}
		}
	})
}

// hostile are what a stranger may put into a path or a query.
var hostile = []string{"%00", "a%00b", "%ff%fe", "%e2%80%a8", "..%2f..", "%2F", "a%20b", "%27%22%3Cscript%3E", "%25s%25n", "$1", "-", "_", "app_", "ep_", "msg_x", "%F0%9F%92%A9",
	"app_0000000000000000000000000%00", strings.Repeat("x", 257), strings.Repeat("9", 1000), strings.Repeat("%00", 1000), strings.Repeat("x", 100_000)}

// What is asked for under such a name does not exist, or gets it; nothing fails at it. The fixture looks at the shapes.
func TestHostileNamesAreUnknownNames(t *testing.T) {
	each(t, func(a *api) {
		things := a.things()
		for _, rt := range a.routes() {
			if rt.Method == "DELETE" {
				continue // below
			}
			for _, target := range params(rt.Path) {
				for _, bad := range hostile {
					path := fill(rt.Path, func(prefix string) string {
						if prefix == target {
							return bad
						}
						return things.of(prefix)[0]
					})
					body := things.body(example(rt))
					if rt.Method == "PUT" {
						body = "" // a PUT may create
					}
					if an := a.do(rt.Method, path, body); an.status >= 500 || an.status/100 == 2 && paramOf(target) != "endpoint_id" && !objectOf(a.t, target).opens {
						a.t.Errorf("%.200s: %d %s", an.what, an.status, an.body)
					}
				}
			}
		}
		for _, rt := range a.routes() {
			if op := a.described(rt); rt.Method == "GET" {
				for _, p := range op.Parameters {
					for _, bad := range hostile {
						if p.In != "query" {
							continue
						}
						if an := a.do("GET", things.at(a.t, rt.Path)+"?"+p.Name+"="+bad, ""); an.status >= 500 {
							a.t.Errorf("%.200s: %d %s", an.what, an.status, an.body)
						}
					}
				}
			}
			if rt.Method == "DELETE" && len(params(rt.Path)) > 0 {
				for _, bad := range hostile {
					list := params(rt.Path)
					a.do("DELETE", fill(rt.Path, func(prefix string) string {
						if prefix == list[len(list)-1] {
							return bad
						}
						return things.of(prefix)[0]
					}), "").code(404, "not_found")
				}
			}
		}
	})
}

// raw sends bytes over a connection of its own and reads the answer.
func raw(t *testing.T, server *httptest.Server, request string, body io.Reader) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(conn, body) // the server may have answered and closed
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func TestTooLargeAnswersReachTheClient(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	server := httptest.NewServer(a.handler)
	t.Cleanup(server.Close)
	large := bytes.Repeat([]byte("x"), 5<<20)
	head := "POST /api/v1/app HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token + "\r\n"
	chunks := new(bytes.Buffer)
	for i := 0; i < len(large); i += 64 << 10 {
		fmt.Fprintf(chunks, "%x\r\n%s\r\n", 64<<10, large[i:i+64<<10])
	}
	chunks.WriteString("0\r\n\r\n")
	for what, res := range map[string]*http.Response{
		"with a length":      raw(t, server, head+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(large)), bytes.NewReader(large)),
		"in chunks":          raw(t, server, head+"Transfer-Encoding: chunked\r\n\r\n", chunks),
		"announced only":     raw(t, server, head+"Expect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n", strings.NewReader("")),
		"cut in the middle":  raw(t, server, head+"Connection: close\r\nContent-Length: 3000000\r\n\r\n", bytes.NewReader(large[:100])),
		"without permission": raw(t, server, "POST /api/v1/app HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", bytes.NewReader([]byte("5\r\nhello\r\n0\r\n\r\n"))),
	} {
		want := 413
		if what == "without permission" {
			want = 401
		}
		var v struct{ Code, Detail string }
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode != want || v.Code == "" || v.Detail == "" || res.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %v %+v, %v", what, res.StatusCode, res.Header, v, err)
		}
	}
}

func TestNothingIsEverRedirected(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t))
	for _, path := range []string{"", "/", "//", "//app", "/app//", "/app/./x", "/app/../app", "/app/x/../y", "/%2e%2e/app", "/app/%2e", "/APP"} {
		for _, method := range []string{"GET", "POST"} {
			an := a.do(method, path, "{}")
			if an.status/100 == 3 || an.status >= 500 || an.header.Get("Location") != "" {
				t.Errorf("%s %q: %d %v", method, path, an.status, an.header)
			}
		}
	}
}
