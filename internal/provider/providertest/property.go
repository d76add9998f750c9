package providertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

// adapter checks what an adapter says about itself.
func (s *suite) adapter(t *testing.T) {
	t.Parallel()
	p := s.provider
	if diff := hookswitch.CheckName(p.Name()); diff != "" {
		t.Errorf("name %q %s", p.Name(), diff)
	}
	if len(p.Doors()) == 0 {
		t.Error("no doors")
	}
	paths := map[string]bool{}
	for _, d := range p.Doors() {
		if !strings.HasPrefix(d.Path, "/") || strings.HasSuffix(d.Path, "/") || paths[d.Path] {
			t.Errorf("door %q: want a path of its own that begins with a slash and does not end with one", d.Path)
		}
		paths[d.Path] = true
		if d.MaxBody <= 0 {
			t.Errorf("door %s has no size limit", d.Path)
		}
		if len(d.Channels) == 0 || slices.ContainsFunc(d.Channels, func(c hookswitch.Channel) bool { return !c.Valid() }) {
			t.Errorf("door %s has the channels %q", d.Path, d.Channels)
		}
	}

	account := p.Account(s.credentials)
	switch {
	case account == "":
		t.Error("the credentials name no account")
	case account != p.Account(maps.Clone(s.credentials)):
		t.Error("the account of the same credentials differs")
	case account == p.Account(s.wrongCredentials()):
		t.Error("other credentials name the same account")
	}
	for name, values := range s.credentials {
		if slices.ContainsFunc(values, func(v string) bool { return len(v) >= 8 && strings.Contains(account, v) }) && isSecret(name) {
			t.Errorf("the account shows %s", name)
		}
	}
	for _, empty := range []hookswitch.Credentials{nil, {}} {
		if got := p.Account(empty); got != "" {
			t.Errorf("no credentials name the account %q", got)
		}
		for _, ch := range hookswitch.Channels {
			if got := p.Address(ch, empty, ""); got != "" {
				t.Errorf("no credentials name the address %q on %s", got, ch)
			}
		}
	}
}

// isSecret tells credentials that prove something from ids, by their name.
func isSecret(name string) bool {
	return strings.Contains(name, "secret") || strings.Contains(name, "token") || strings.Contains(name, "key") || strings.Contains(name, "pass")
}

// wrongCredentials are credentials of the same names, with other values.
func (s *suite) wrongCredentials() hookswitch.Credentials {
	wrong := hookswitch.Credentials{}
	for name, values := range s.credentials {
		for _, v := range values {
			wrong[name] = append(wrong[name], "x"+v)
		}
	}
	return wrong
}

// properties checks what holds for every push that is not too large.
func (s *suite) properties(t *testing.T, f *Fixture, first *verdict) {
	t.Helper()
	s.refusals(t, f, first)
	if first.handshake {
		return
	}
	s.purity(t, f, first)
	s.truncation(t, f)
}

// refusals demands that a push which passes does so for its credentials and, where it is signed, for its body only.
func (s *suite) refusals(t *testing.T, f *Fixture, first *verdict) {
	t.Helper()
	for name, c := range map[string]hookswitch.Credentials{"no": nil, "empty": {}, "wrong": s.wrongCredentials()} {
		push := f.Push(t)
		if ch, ok := s.provider.(hookswitch.Challenger); ok {
			if a, ok, err := ch.Challenge(push, c); ok {
				if s.answerProves && name == "wrong" {
					if err == nil && bytes.Equal(a.Body, first.answer.Body) {
						t.Errorf("Challenge with wrong credentials gives the right answer %q", a.Body)
					}
					continue
				}
				if err == nil || a.Status != 0 || len(a.Body) > 0 {
					t.Errorf("Challenge with %s credentials: answer %d %q, error %v; want a refusal", name, a.Status, a.Body, err)
				}
				continue
			}
		}
		if err := s.provider.Verify(push, c); !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("Verify with %s credentials: %v, want a refusal", name, err)
		}
	}
	if !first.genuine {
		return
	}
	s.proof(t, f)
	if s.bodyUnsigned {
		return
	}
	push := f.Push(t)
	body := push.Body
	for i := 0; i < len(body); i += 1 + len(body)/64 {
		push.Body = bytes.Clone(body)
		push.Body[i] ^= 1
		if s.provider.Verify(push, s.credentials) == nil {
			t.Fatalf("Verify passes a body with its byte %d changed", i)
		}
	}
	for _, changed := range [][]byte{append(bytes.Clone(body), '\n'), body[:max(0, len(body)-1)]} {
		if push.Body = changed; len(changed) != len(body) && s.provider.Verify(push, s.credentials) == nil {
			t.Error("Verify passes a body of another length")
		}
	}
}

// proof demands that a push which passes does so no longer when one byte of what carries its proof is another one: of each header, and of the query, without which it does not pass; and of
// the path, where the proof covers that.
func (s *suite) proof(t *testing.T, f *Fixture) {
	t.Helper()
	passes := func(push *hookswitch.Push) bool { return s.provider.Verify(push, s.credentials) == nil }
	for name := range f.Headers {
		without := f.Push(t)
		if without.Header.Del(name); passes(without) {
			continue
		}
		value := f.Push(t).Header.Get(name)
		for i := range len(value) {
			changed := []byte(value)
			changed[i] ^= 1
			push := f.Push(t)
			if push.Header.Set(name, string(changed)); passes(push) {
				t.Errorf("Verify passes with the byte %d of %s changed: %q", i, name, changed)
			}
		}
	}
	for what, part := range map[string]func(u *url.URL) *string{"query": func(u *url.URL) *string { return &u.RawQuery }, "path": func(u *url.URL) *string { return &u.Path }} {
		without := f.Push(t)
		at := part(without.URL)
		value := *at
		if *at = ""; value == "" || passes(without) {
			continue
		}
		for i := range len(value) {
			changed := []byte(value)
			changed[i] ^= 1
			push := f.Push(t)
			if *part(push.URL) = string(changed); passes(push) {
				t.Errorf("Verify passes with the byte %d of the %s changed: %q", i, what, changed)
			}
		}
	}
}

// purity demands that no method changes a push, and that reading does not depend on what was called before.
func (s *suite) purity(t *testing.T, f *Fixture, first *verdict) {
	t.Helper()
	push, untouched := f.Push(t), f.Push(t)
	again, errAgain := s.provider.Parse(push)
	_ = s.provider.Verify(push, s.credentials)
	_ = s.provider.Ack(push)
	third, errThird := s.provider.Parse(push)
	if !reflect.DeepEqual(push, untouched) {
		t.Error("the push was changed")
	}
	if (errAgain == nil) != (errThird == nil) || !reflect.DeepEqual(goldenOf(again), goldenOf(third)) {
		t.Error("Parse told something else the second time")
	}
	if first.genuine && !reflect.DeepEqual(goldenOf(again), goldenOf(first.updates)) {
		t.Error("Parse told something else without Verify before it")
	}
}

// truncation reads everything that a connection may leave of a body.
func (s *suite) truncation(t *testing.T, f *Fixture) {
	t.Helper()
	push := f.Push(t)
	body := push.Body
	step := 1 + len(body)/4096
	for n := 0; n < len(body); n += step {
		push.Body = body[:n:n]
		updates, err := s.provider.Parse(push)
		if err != nil && hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Fatalf("Parse of the first %d bytes: %v is not of kind Invalid", n, err)
		}
		if err != nil && len(updates) > 0 {
			t.Fatalf("Parse of the first %d bytes: %d updates together with the error %v", n, len(updates), err)
		}
	}
}

// checkUpdate demands what the gateway relies on in each update.
func checkUpdate(t *testing.T, u *hookswitch.Update, door hookswitch.Door) {
	t.Helper()
	set := 0
	for _, is := range []bool{u.Message != nil, u.Receipt != nil, u.Contact != nil, u.Change != nil, u.OptOut != nil, u.Dialogue != nil, u.Template != nil,
		u.Revoked != nil, u.Broken != nil} {
		if is {
			set++
		}
	}
	if set != 1 {
		t.Errorf("update %q tells %d things, want one", u.Dedup, set)
	}
	if !slices.Contains(door.Channels, u.Channel) {
		t.Errorf("update %q is of channel %q, which does not come in by %s", u.Dedup, u.Channel, door.Path)
	}
	switch {
	case u.Message != nil:
		checkMessage(t, u.Message)
	case u.Receipt != nil:
		if u.Receipt.Status == "" || u.Receipt.ProviderID == "" && u.Receipt.Ref == "" && u.Receipt.Recipient == "" {
			t.Errorf("receipt %+v does not say what became of which message", u.Receipt)
		}
		if !u.Receipt.Upto.IsZero() && u.Receipt.Recipient == "" {
			t.Errorf("receipt %+v is about everything sent to nobody", u.Receipt)
		}
	case u.Contact != nil:
		if u.Contact.From == "" || u.Contact.To == "" {
			t.Errorf("contact change %+v is half empty", u.Contact)
		}
	case u.Change != nil:
		if u.Change.ProviderID == "" || u.Change.Deleted && u.Change.Text != "" {
			t.Errorf("change %+v does not say of what, or what is gone has a text", u.Change)
		}
	case u.OptOut != nil:
		if u.OptOut.From == "" {
			t.Errorf("opt-out %+v does not say whose", u.OptOut)
		}
	}
}

func checkMessage(t *testing.T, m *hookswitch.InboundMessage) {
	t.Helper()
	if m.ProviderID == "" || m.From == "" || m.Type == "" {
		t.Errorf("message %+v lacks id, sender or type", m)
	}
	if m.Unsupported && !m.Quiet {
		t.Error("an unsupported message would be answered")
	}
	for name, v := range m.Metadata {
		switch v.(type) {
		case string, bool, int, int64, float64, json.Number:
		default:
			t.Errorf("metadata %s is a %T, want a text, number or boolean", name, v)
		}
	}
	if kind, _ := m.Metadata["messageType"].(string); kind != m.Kind {
		t.Errorf("metadata says messageType %q of a message of kind %q", kind, m.Kind)
	}
	if _, err := json.Marshal(m.Content); err != nil {
		t.Errorf("content: %v", err)
	}
}

// FuzzParse feeds Parse with bodies grown from the fixtures of dir. It must not panic, and must tell the same twice.
func FuzzParse(f *testing.F, p hookswitch.Provider, dir string) {
	fixtures := Load(f, dir)
	seedBodies(f, fixtures)
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		push := fixtures[int(which)%len(fixtures)].Push(t)
		push.Method, push.Body = http.MethodPost, body
		updates, err := p.Parse(push)
		if err != nil && hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("%v is not of kind Invalid", err)
		}
		for i := range updates {
			u := &updates[i]
			if u.Dedup == "" {
				t.Error("an update has no Dedup key")
			}
			if u.Message != nil {
				checkMessage(t, u.Message)
				if _, err := json.Marshal(hookswitch.NewReceivedMessage(u, received)); err != nil {
					t.Error(err)
				}
			}
		}
		again, _ := p.Parse(push)
		if !reflect.DeepEqual(goldenOf(updates), goldenOf(again)) {
			t.Error("Parse told something else the second time")
		}
	})
}

// FuzzVerify feeds Verify with bodies and values of the header that carries the proof. Whatever passes must be a push of the fixtures of dir,
// unchanged in what the proof covers.
func FuzzVerify(f *testing.F, p hookswitch.Provider, c hookswitch.Credentials, dir, header string, opts ...Option) {
	s := &suite{sameBody: func(body []byte) []byte { return body }}
	for _, o := range opts {
		o(s)
	}
	covered := func(value string, body []byte) string {
		if s.bodyUnsigned {
			return value
		}
		return value + "\x00" + string(s.sameBody(body))
	}
	fixtures := Load(f, dir)
	genuine := map[string]bool{}
	for i := range fixtures {
		if fixtures[i].BodyGen != nil {
			continue
		}
		push := fixtures[i].Push(f)
		if p.Verify(push, c) == nil {
			genuine[covered(push.Header.Get(header), push.Body)] = true
		}
		f.Add(uint8(i), push.Header.Get(header), push.Body)
	}
	f.Fuzz(func(t *testing.T, which uint8, value string, body []byte) {
		push := fixtures[int(which)%len(fixtures)].Push(t)
		push.Header.Set(header, value)
		push.Body = body
		err := p.Verify(push, c)
		switch {
		case err != nil && !errors.Is(err, hookswitch.ErrSignature):
			t.Errorf("%v does not wrap ErrSignature", err)
		case err == nil && !genuine[covered(value, body)]:
			t.Errorf("%s %q passes for the body %q", header, value, body)
		}
		if p.Verify(push, nil) == nil {
			t.Error("passes without credentials")
		}
	})
}

func seedBodies(f *testing.F, fixtures []Fixture) {
	for i := range fixtures {
		if fixtures[i].BodyGen == nil {
			f.Add(uint8(i), fixtures[i].body(f))
		}
	}
}
