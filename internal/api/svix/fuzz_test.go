package svix_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// FuzzQuery: no query makes a list answer anything but a page or a 4xx in JSON.
func FuzzQuery(f *testing.F) {
	a := newAPI(f, storetest.SQLite(f))
	app := a.app("a")
	ep := a.endpoint(app, "")
	msg := a.message(app, "")
	for _, q := range []string{"", "limit=1", "limit=99999999999999999999", "iterator=" + msg, "iterator=-" + msg, "iterator=" + ep, "iterator=%00", "before=9999-12-31T23:59:59Z",
		"after=0001-01-01T00:00:00Z", "after=2024-01-01T00:00:00Z&before=2024-01-01T00:00:00Z", "event_types=a,b&event_types[]=c&event_types[7]=d", "channel=x", "status=2&status_code_class=500",
		"with_content=x", "order=descending", "%zz", "channel=%25_%27"} {
		f.Add(q)
	}
	paths := []string{"/app", "/app/" + app + "/endpoint", "/app/" + app + "/msg", "/app/" + app + "/attempt/endpoint/" + ep, "/app/" + app + "/attempt/msg/" + msg,
		"/app/" + app + "/endpoint/" + ep + "/msg", "/app/" + app + "/msg/" + msg + "/endpoint", "/app/" + app + "/endpoint/" + ep + "/stats", "/background-task"}
	f.Fuzz(func(t *testing.T, q string) {
		for _, path := range paths {
			r := httptest.NewRequest("GET", "/api/v1"+path, nil)
			r.URL = &url.URL{Path: r.URL.Path, RawQuery: q}
			r.Header.Set("Authorization", "Bearer "+token)
			w := httptest.NewRecorder()
			a.handler.ServeHTTP(w, r)
			an := answer{t, path + "?" + q, w.Code, w.Header(), w.Body.Bytes()}
			switch w.Code {
			case http.StatusOK:
				an.json()
			case http.StatusUnprocessableEntity:
				an.matches("HTTPValidationError")
			case http.StatusBadRequest, http.StatusNotImplemented:
				an.matches("HttpErrorOut")
			default:
				t.Errorf("%s: status %d: %s", an.what, w.Code, strings.TrimSpace(w.Body.String()))
			}
		}
	})
}

// FuzzMessage: no body makes a publish answer anything but a message or a 4xx in JSON.
func FuzzMessage(f *testing.F) {
	a := newAPI(f, storetest.SQLite(f))
	app := a.app("a")
	for _, body := range []string{"", "{}", `{"eventType":"x","payload":{"a":1}}`, `{"eventType":"x","payload":{},"transformationsParams":{"rawPayload":"\u0000","headers":{"content-type":1}}}`,
		`{"eventType":"x","data":{},"channels":["a"],"application":{"name":"x","uid":"y"}}`, "[]", "null", `{"payload":{"a":{"a":[]}},"eventType":"x"}`, "\xff"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		b := *a
		b.t = t
		an := b.do("POST", "/app/"+app+"/msg", body)
		switch an.status {
		case http.StatusAccepted:
			an.matches("MessageOut")
		case http.StatusUnprocessableEntity:
			an.matches("HTTPValidationError")
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusNotImplemented, http.StatusConflict:
			an.matches("HttpErrorOut")
		default:
			t.Errorf("status %d: %s", an.status, an.body)
		}
	})
}

// FuzzToken: no credential that was not given out opens anything, and none makes an answer that cannot be read.
func FuzzToken(f *testing.F) {
	a := newAPI(f, storetest.SQLite(f))
	app := a.app("a")
	portal := a.open(app, "")
	for _, s := range []string{"", "Bearer", "Bearer ", "Bearer " + portal[:20], "Basic " + portal, "Bearer appsk_" + strings.Repeat("a", 36), "Bearer otp_\x00", "bearer sk_poll_.", "Bearer eyJ.eyJ.x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/api/v1/app/"+app, nil)
		r.Header["Authorization"] = []string{header}
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r)
		given := strings.Contains(header, portal) || strings.Contains(header, token) || strings.Contains(header, "portal_")
		if w.Code != http.StatusUnauthorized && !given {
			t.Errorf("%q: status %d", header, w.Code)
		}
	})
}

// FuzzPortalAccess: no body makes a link to the portal answer anything but a link or a 4xx in JSON.
func FuzzPortalAccess(f *testing.F) {
	a := newAPI(f, storetest.SQLite(f))
	app := a.app("a")
	for _, body := range []string{"", "{}", `{"expiry":3600,"capabilities":["ViewBase"],"readOnly":true,"sessionId":"s","featureFlags":["f"]}`, `{"expiry":-1e9}`, `{"application":{"uid":"x"}}`, "[]", "null", "\xff"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		b := *a
		b.t = t
		for _, path := range []string{"/auth/app-portal-access/" + app, "/auth/one-time-token", "/auth/app/" + app + "/expire-all", "/auth/app/" + app + "/poller/p/token/rotate"} {
			an := b.do("POST", path, body)
			switch an.status {
			case http.StatusOK:
				an.json()
			case http.StatusNoContent:
			case http.StatusUnprocessableEntity:
				an.matches("HTTPValidationError")
			case http.StatusUnauthorized, http.StatusRequestEntityTooLarge:
				an.matches("HttpErrorOut")
			default:
				t.Errorf("%s: status %d: %s", path, an.status, an.body)
			}
		}
	})
}
