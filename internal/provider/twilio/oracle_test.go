package twilio_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twilio/twilio-go/client"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// signedText is what follows the URL in the text that Twilio signs for a form.
func signedText(form url.Values) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(form)) {
		for _, value := range slices.Compact(slices.Sorted(slices.Values(form[name]))) {
			b.WriteString(name + value)
		}
	}
	return b.String()
}

// oracleCase is a request as the official validators are asked about it. A request with JSON has a Body, one with a form its Parameters.
type oracleCase struct {
	URL        string              `json:"url"`
	Token      string              `json:"token"`
	Signature  string              `json:"signature"`
	Parameters map[string][]string `json:"parameters"`
	Body       *string             `json:"body"`

	genuine bool
	form    string
}

// dice make requests of all sorts.
type dice struct{ *rand.Rand }

func (d dice) chance(percent int) bool { return d.IntN(100) < percent }

func pick[T any](d dice, list ...T) T { return list[d.IntN(len(list))] }

var pieces = []string{"a", "Z", "0", "+", " ", "  ", "%", "&", "=", "?", "#", "/", "\"", "'", "<", "\n", "\r\n", "\t", "ä", "€", "👍", "日本", ";", ",", "STOP", "\\", "~", "*", "."}

func (d dice) text(most int) string {
	var b strings.Builder
	for range d.IntN(most + 1) {
		b.WriteString(pick(d, pieces...))
	}
	return b.String()
}

// query is what may follow the "?" of a registered address: escaped in one way or another, and none of what browsers would escape.
func (d dice) query() string {
	var parts []string
	for range d.IntN(4) {
		name := pick(d, "tenant", "ref", "note", "a%20b", "turn", "empty")
		parts = append(parts, name+pick(d, "=acme", "=it%27s+ok", "=it%27s%20ok", "=", "", "=%C3%A4", "=%c3%a4", "=a=b", "=x,y;z", "=(1)*~!", "=msg_1"))
	}
	if len(parts) == 0 {
		return ""
	}
	return "?" + strings.Join(parts, "&")
}

var fieldNames = []string{"MessageSid", "AccountSid", "Body", "From", "To", "NumMedia", "MediaUrl0", "Reason", "ReasonConferenceEnded", "Sid", "SidAccount", "a.b", "Tags", "x[]", "ü"}

// one makes a request that is genuine, and perhaps changes it afterwards.
func (d dice) one() oracleCase {
	scheme := pick(d, "https", "https", "http")
	user := pick(d, "", "", "", "user:pass@", "user@")
	host := pick(d, "gw.example.test", "mycompany.com", "127.0.0.1", "[2001:db8::1]")
	port := pick(d, "", "", ":443", ":80", ":8443")
	rest := pick(d, "/api/channels/sms", "/in/snd_0123456789/voice", "/", "/my%20app.php", "/a/b-c_d~e") + d.query()
	c := oracleCase{Token: "token-" + d.text(3), genuine: true}
	signed := ""
	if d.chance(15) {
		body := `{"a":"` + strings.NewReplacer(`"`, "", `\`, "", "\n", "", "\r", "", "\t", "").Replace(d.text(8)) + `"}`
		sum := sha256.Sum256([]byte(body))
		joint := "?"
		if strings.Contains(rest, "?") {
			joint = "&"
		}
		rest += joint + "bodySHA256=" + hex.EncodeToString(sum[:])
		c.Body = &body
	} else {
		c.Parameters = map[string][]string{}
		for range d.IntN(12) {
			name := pick(d, fieldNames...)
			for range pick(d, 1, 1, 1, 1, 3) {
				c.Parameters[name] = append(c.Parameters[name], d.text(6))
			}
		}
		signed = signedText(c.Parameters)
	}
	c.URL = scheme + "://" + user + host + port + rest
	// Signers differ in whether they name the port.
	signedPort := port
	switch standard := map[string]string{"https": ":443", "http": ":80"}[scheme]; {
	case port == "":
		signedPort = pick(d, "", standard)
	default:
		signedPort = pick(d, port, "")
	}
	c.Signature = sign(c.Token, scheme+"://"+user+host+signedPort+rest+signed)
	if d.chance(45) {
		d.spoil(&c, scheme, host)
	}
	if c.Body == nil {
		c.form = url.Values(c.Parameters).Encode()
	} else {
		c.form = *c.Body
	}
	return c
}

// spoil changes something that the signature covers.
func (d dice) spoil(c *oracleCase, scheme, host string) {
	c.genuine = false
	names := slices.Sorted(maps.Keys(c.Parameters))
	switch n := d.IntN(8); {
	case n == 0:
		i := d.IntN(len(c.Signature))
		c.Signature = c.Signature[:i] + pick(d, "A", "b", "7", "/", "=", "") + c.Signature[i:]
	case n == 1:
		c.Token += "x"
	case n == 2:
		c.URL = strings.Replace(c.URL, host, "other.example.test", 1)
	case n == 3:
		c.URL = strings.Replace(c.URL, scheme+"://", map[string]string{"http": "https", "https": "http"}[scheme]+"://", 1)
	case n == 4 && c.Body != nil:
		changed := *c.Body + " "
		c.Body = &changed
	case n == 5 && len(names) > 0:
		c.Parameters[names[0]] = append(c.Parameters[names[0]], "one more")
	case n == 6 && len(names) > 0:
		delete(c.Parameters, names[d.IntN(len(names))])
	case n == 7 && c.Body == nil:
		c.Parameters["New"] = []string{"y"}
	default:
		c.Signature = sign("other", c.URL)
	}
}

func oracleCases(n int) []oracleCase {
	d := dice{rand.New(rand.NewPCG(20260718, 1))}
	list := make([]oracleCase, n)
	for i := range list {
		list[i] = d.one()
	}
	return list
}

func (c *oracleCase) ours(t testing.TB) bool {
	t.Helper()
	return verify(request(t, c.URL, c.form, c.Signature), c.Token) == nil
}

// requests is how many the official validators are asked about.
const requests = 20_000

func TestVerify_AgreesWithTwiliosNodeLibrary(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("../../e2e/node/node_modules/twilio"); err != nil {
		storetest.Missing(t, "the Node packages are not installed: run ./test, or npm ci in internal/e2e/node")
	}
	cases := oracleCases(requests)
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "requests.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", "twilio.mjs", name)
	cmd.Dir = "../../e2e/node"
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, said.Bytes())
	}
	var verdicts []bool
	if err := json.Unmarshal(out, &verdicts); err != nil || len(verdicts) != len(cases) {
		t.Fatalf("%d verdicts on %d requests, %v", len(verdicts), len(cases), err)
	}
	counts := map[bool]int{}
	for i := range cases {
		compareVerdicts(t, &cases[i], verdicts[i])
		counts[verdicts[i]]++
	}
	if counts[true] < requests/3 || counts[false] < requests/5 {
		t.Errorf("%d genuine requests and %d others", counts[true], counts[false])
	}
}

func TestVerify_AgreesWithTwiliosGoLibrary(t *testing.T) {
	t.Parallel()
	asked := 0
	for _, c := range oracleCases(2 * requests) {
		if !c.fitsGo(t) {
			continue
		}
		asked++
		v := client.NewRequestValidator(c.Token)
		if c.Body != nil {
			compareVerdicts(t, &c, v.ValidateBody(c.URL, []byte(*c.Body), c.Signature))
			continue
		}
		single := map[string]string{}
		for name, values := range c.Parameters {
			single[name] = values[0]
		}
		compareVerdicts(t, &c, v.Validate(c.URL, single, c.Signature))
	}
	if asked < 10_000 {
		t.Errorf("asked about %d requests", asked)
	}
}

// fitsGo reports whether the Go library can be right about c: it knows one value for each name only, and writes the URL anew.
func (c *oracleCase) fitsGo(t testing.TB) bool {
	t.Helper()
	for _, values := range c.Parameters {
		if len(values) > 1 {
			return false
		}
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.String() == c.URL && !strings.Contains(u.Host, "[")
}

func compareVerdicts(t *testing.T, c *oracleCase, theirs bool) {
	t.Helper()
	if ours := c.ours(t); ours != theirs {
		said := "a form"
		if c.Body != nil {
			said = "JSON"
		}
		t.Errorf("we say %t and they say %t of %s %s %q with %s (made genuine: %t)", ours, theirs, c.URL, said, c.form, c.Signature, c.genuine)
	}
	if c.genuine && !theirs {
		t.Errorf("a request that was signed as it should is refused: %s", fmt.Sprint(c.URL, c.Parameters))
	}
}
