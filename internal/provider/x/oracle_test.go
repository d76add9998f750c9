package x_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/x"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// question is one line for the other implementation; the lists of bytes go out in base64.
type question struct {
	Secret    []byte `json:"secret"`
	Message   []byte `json:"message"`
	Signature string `json:"signature"`
}

type verdict struct {
	Made  string `json:"made"`
	Valid bool   `json:"valid"`
}

// ask has Node's crypto, with which X's own samples sign, sign and check.
func ask(t *testing.T, questions []question) []verdict {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		storetest.Missing(t, "node is not installed")
	}
	var in, out bytes.Buffer
	enc := json.NewEncoder(&in)
	for _, q := range questions {
		if err := enc.Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), node, "testdata/sign.mjs")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, os.Stderr
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	var verdicts []verdict
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatal(err)
		}
		verdicts = append(verdicts, v)
	}
	if len(verdicts) != len(questions) {
		t.Fatalf("%d verdicts on %d questions", len(verdicts), len(questions))
	}
	return verdicts
}

// generated is a request of any length, sometimes empty, sometimes a push, with a secret shorter or longer than the hash's block.
func generated(r *rand.Rand) question {
	q := question{Secret: make([]byte, 1+r.IntN(150)), Message: make([]byte, r.IntN(3000))}
	for i := range q.Secret {
		q.Secret[i] = byte(33 + r.IntN(94))
	}
	for i := range q.Message {
		q.Message[i] = byte(r.IntN(256))
	}
	switch r.IntN(4) {
	case 0:
		q.Message = fmt.Appendf(nil, `{"for_user_id":"%d","text":"Grüße 👋 &lt;%d"}`, r.Uint64(), r.Uint64())
	case 1:
		q.Message = q.Message[:min(len(q.Message), r.IntN(3))]
	}
	return q
}

func TestVerify_AgreesWithAnotherImplementation(t *testing.T) {
	t.Parallel()
	const requests = 3000
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	questions := make([]question, requests)
	for i := range questions {
		questions[i] = generated(r)
	}
	made := ask(t, questions)
	// Each is shown as it was signed, or with a bit of the body, the signature or the secret changed.
	for i := range questions {
		q := &questions[i]
		q.Signature = made[i].Made
		switch r.IntN(4) {
		case 0:
			if n := len(q.Message); n > 0 {
				q.Message[r.IntN(n)] ^= 1 << r.IntN(8)
			}
		case 1:
			changed := []byte(q.Signature)
			changed[r.IntN(len(changed))] ^= 1 << r.IntN(7)
			if bytes.IndexFunc(changed, func(c rune) bool { return c < ' ' || c > '~' }) < 0 {
				q.Signature = string(changed)
			}
		case 2:
			q.Secret[r.IntN(len(q.Secret))] ^= 1
		}
	}
	p, valid := x.New(x.Options{}), 0
	for i, v := range ask(t, questions) {
		q := &questions[i]
		for name, secret := range map[string]string{header: "consumer_secret", headerClient: "client_secret"} {
			push := &hookswitch.Push{Method: http.MethodPost, Header: http.Header{}, Body: q.Message}
			push.Header.Set(name, q.Signature)
			if err := p.Verify(push, hookswitch.Credentials{secret: {string(q.Secret)}}); (err == nil) != v.Valid {
				t.Fatalf("seed %d, request %d: %v, the other says valid %t", seed, i, err, v.Valid)
			}
		}
		if v.Valid {
			valid++
		}
	}
	if valid < requests/8 || valid > requests/2 {
		t.Errorf("%d of %d were valid, which proves little", valid, requests)
	}
}

func TestChallenge_AgreesWithAnotherImplementation(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(rand.Uint64(), 2))
	questions := make([]question, 500)
	for i := range questions {
		questions[i] = generated(r)
		questions[i].Message = fmt.Appendf(nil, "%x+/=é %%%d", r.Uint64(), i)
	}
	for i, v := range ask(t, questions) {
		q := &questions[i]
		a, _, err := challenge(t, http.MethodGet, url.Values{"crc_token": {string(q.Message)}}.Encode(),
			hookswitch.Credentials{"consumer_secret": {string(q.Secret)}})
		want, _ := json.Marshal(map[string]string{"response_token": v.Made})
		if err != nil || !bytes.Equal(a.Body, want) {
			t.Fatalf("%q: got %s, %v; want %s", q.Message, a.Body, err, want)
		}
	}
}
