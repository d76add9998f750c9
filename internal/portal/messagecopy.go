package portal

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

var messageCopyRoutes = []route{
	{in: appPages, method: "GET", path: "/messages/{event}/test-case", name: "Test case of a message", handle: (*Pages).testCase, data: true},
	{in: appPages, method: "POST", path: "/messages/{event}/play", name: "Open a message in Play", handle: (*Pages).playMessage},
}

// messageRequest is a message as a request that an endpoint gets, signed with the secret at the time.
func (v *view) messageRequest(ev *hookswitch.Event, secret webhook.Secret, at time.Time) (*store.BinRequest, error) {
	kind := ev.ContentType
	if kind == "" {
		kind = "application/json"
	}
	h := http.Header{"Content-Type": {kind}, "User-Agent": {"Hookswitch"}}
	if err := webhook.SetHeaders(h, v.ID(hookswitch.KindEvent, ev.Key), at, ev.Payload, secret); err != nil {
		return nil, err
	}
	return &store.BinRequest{Key: hookswitch.KeyAt(at), Method: http.MethodPost, URI: "/webhooks", Headers: headerLines("", h), Body: ev.Payload, Size: int64(len(ev.Payload))}, nil
}

// testSecret is the secret that the test case of a message is signed with: the same each time, and no endpoint's.
func testSecret(id string) (webhook.Secret, error) {
	sum := sha256.Sum256([]byte("test case of " + id))
	return webhook.ParseSecret("whsec_" + base64.StdEncoding.EncodeToString(sum[:24]))
}

// unkept refuses a message whose payload has been removed.
func unkept(ev *hookswitch.Event) error {
	if ev.Expired {
		return &hookswitch.Error{Kind: hookswitch.Gone, Message: "The payload of this message is not kept any more, so nothing can be made of it."}
	}
	return nil
}

// testCase is a message as a file that a test of the receiver can read, with a secret of its own.
func (p *Pages) testCase(v *view) error {
	ev, err := v.eventOf()
	if err != nil {
		return err
	}
	if err := unkept(ev); err != nil {
		return err
	}
	id := v.ID(hookswitch.KindEvent, ev.Key)
	secret, err := testSecret(id)
	if err != nil {
		return err
	}
	q, err := v.messageRequest(ev, secret, ev.CreatedAt())
	if err != nil {
		return err
	}
	list := []*store.BinRequest{q}
	var body []byte
	var name, kind string
	switch v.query("as") {
	case "fixture":
		name, kind = id+".json", "application/json"
		body, err = fixtureOf(list, newJudge([]hookswitch.Secret{hookswitch.Secret(secret.Reveal())}), secret.Reveal())
	case "http":
		name, kind = id+".http", "text/plain; charset=utf-8"
		body = httpOf(list, "")
	case "curl":
		name, kind = id+".sh", "text/x-shellscript; charset=utf-8"
		body = []byte(curlOf(list))
	default:
		err = hookswitch.InvalidField("must be fixture, http or curl", "as")
	}
	if err != nil {
		return err
	}
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = v.w.Write(body) // an error means that the reader has gone
	return nil
}

// testCases are the downloads of a message as a test case.
func (v *view) testCases(id string) []ui.Action {
	link := func(as string) string {
		return v.Page("messages", id, "test-case") + "?" + url.Values{"as": {as}}.Encode()
	}
	return []ui.Action{{Name: "JSON", Of: "test case", URL: link("fixture"), Icon: "down", Look: "small"}, {Name: "Raw HTTP", Of: "test case", URL: link("http"), Icon: "down", Look: "small"},
		{Name: "curl script", Of: "test case", URL: link("curl"), Icon: "down", Look: "small"}}
}

// playMessage puts a message into a new play bin, signed with a secret that the bin knows.
func (p *Pages) playMessage(v *view) error {
	ev, err := v.eventOf()
	if err != nil {
		return err
	}
	if err := unkept(ev); err != nil {
		return err
	}
	if !p.play.making.Allow() {
		return errManyBins
	}
	secret := webhook.NewSecret()
	q, err := v.messageRequest(ev, secret, v.Now)
	if err != nil {
		return err
	}
	b, err := p.svc.CreateBin(v.ctx(), hookswitch.Secret(secret.Reveal()))
	if err != nil {
		return err
	}
	q.Token, q.URI, q.Remote = b.Token, binPath+b.Token, "the page of a message"
	if err := p.svc.AddBinRequest(v.ctx(), q); err != nil {
		return err
	}
	v.remember(b.Token, false)
	if v.Shell.Framed {
		return v.done(v.Page("messages", v.ID(hookswitch.KindEvent, ev.Key)), ui.Good, "A play bin has the message, signed with a secret of its own.", "Open the bin", playRoot+"/"+b.Token)
	}
	return seeOther(v.w, playRoot+"/"+b.Token)
}
