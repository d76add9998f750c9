package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
)

// Option changes what Run demands.
type Option func(*suite)

// BodyUnsigned is for providers that prove who they are without signing the body, by a secret in a header or in the URL: a changed
// body is not refused.
func BodyUnsigned() Option { return func(s *suite) { s.bodyUnsigned = true } }

// AnswerProves is for providers whose handshake names no secret of ours and has it proved by the answer: other credentials give another answer in
// place of a refusal.
func AnswerProves() Option { return func(s *suite) { s.answerProves = true } }

// SameBody is for providers that take a body for another one, differently spelt, which the proof covers: same spells both in one way.
func SameBody(same func([]byte) []byte) Option { return func(s *suite) { s.sameBody = same } }

type suite struct {
	provider     hookswitch.Provider
	credentials  hookswitch.Credentials
	dir          string
	bodyUnsigned bool
	answerProves bool
	sameBody     func([]byte) []byte
}

// Run replays the fixtures of dir against p, which is set up with c, and checks the properties that every adapter has. With the
// flag -update it writes what the fixtures tell into *.golden.json files beside them.
func Run(t *testing.T, p hookswitch.Provider, c hookswitch.Credentials, dir string, opts ...Option) {
	s := &suite{provider: p, credentials: c, dir: dir}
	for _, o := range opts {
		o(s)
	}
	t.Run("adapter", s.adapter)
	for _, f := range Load(t, dir) {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			s.replay(t, &f)
		})
	}
}

// verdict is how far a push came.
type verdict struct {
	answer    hookswitch.Answer
	handshake bool
	genuine   bool // Verify let it pass
	updates   []hookswitch.Update
}

// pass takes a push through the adapter in the order of a door.
func (s *suite) pass(t testing.TB, door hookswitch.Door, push *hookswitch.Push) verdict {
	t.Helper()
	if int64(len(push.Body)) > door.MaxBody {
		return verdict{answer: hookswitch.Answer{Status: http.StatusRequestEntityTooLarge}}
	}
	if ch, ok := s.provider.(hookswitch.Challenger); ok {
		if a, ok, err := ch.Challenge(push, s.credentials); ok {
			return verdict{answer: challengeAnswer(t, a, err), handshake: true}
		}
	}
	if err := s.provider.Verify(push, s.credentials); err != nil {
		if !errors.Is(err, hookswitch.ErrSignature) {
			t.Errorf("Verify: %v does not wrap ErrSignature", err)
		}
		return verdict{answer: hookswitch.Answer{Status: http.StatusUnauthorized}}
	}
	updates, err := s.provider.Parse(push)
	if err != nil {
		if hookswitch.KindOf(err) != hookswitch.Invalid {
			t.Errorf("Parse: %v is not of kind Invalid", err)
		}
		if len(updates) > 0 {
			t.Errorf("Parse: %d updates together with the error %v", len(updates), err)
		}
		return verdict{answer: hookswitch.Answer{Status: http.StatusBadRequest}, genuine: true}
	}
	return verdict{answer: s.reply(push, updates), genuine: true, updates: updates}
}

func challengeAnswer(t testing.TB, a hookswitch.Answer, err error) hookswitch.Answer {
	t.Helper()
	switch {
	case err == nil:
		return a
	case errors.Is(err, hookswitch.ErrSignature):
		return hookswitch.Answer{Status: http.StatusForbidden}
	case hookswitch.KindOf(err) == hookswitch.Invalid:
		return hookswitch.Answer{Status: http.StatusBadRequest}
	}
	t.Errorf("Challenge: %v neither wraps ErrSignature nor is of kind Invalid", err)
	return hookswitch.Answer{}
}

func (s *suite) replay(t *testing.T, f *Fixture) {
	door := f.door(t, s.provider)
	first := s.pass(t, door, f.Push(t))
	s.checkAnswer(t, f, first.answer)

	// A repeat tells nothing new: its updates have the keys of the first.
	updates, seen := first.updates, keys(t, first.updates)
	for range f.Repeat - 1 {
		for _, u := range s.pass(t, door, f.Push(t)).updates {
			if !seen[u.Dedup] {
				t.Errorf("a repeat told %q, which the first push had not", u.Dedup)
			}
		}
	}

	checkNormalized(t, f, updates)
	checkStatusUpdates(t, f, updates)
	for i := range updates {
		checkUpdate(t, &updates[i], door)
	}
	checkGolden(t, s.dir, f, updates)
	if int64(len(f.body(t))) <= door.MaxBody {
		s.properties(t, f, &first)
	}
}

// keys are the Dedup keys of updates, of which there must be one each.
func keys(t testing.TB, updates []hookswitch.Update) map[string]bool {
	t.Helper()
	seen := map[string]bool{}
	for _, u := range updates {
		switch {
		case u.Dedup == "":
			t.Error("an update has no Dedup key")
		case seen[u.Dedup]:
			t.Errorf("two updates of one push have the key %q", u.Dedup)
		}
		seen[u.Dedup] = true
	}
	return seen
}

func (s *suite) checkAnswer(t *testing.T, f *Fixture, a hookswitch.Answer) {
	t.Helper()
	e := &f.Expect
	if a.Status != e.Status && !slices.Contains(e.StatusAny, a.Status) {
		t.Errorf("status %d, want %d", a.Status, e.Status)
	}
	body := string(a.Body)
	if e.ContentType != "" && !isType(a.ContentType, e.ContentType) {
		t.Errorf("content type %q, want %s", a.ContentType, e.ContentType)
	}
	if e.BodyEquals != nil && body != *e.BodyEquals {
		t.Errorf("body %q, want %q", body, *e.BodyEquals)
	}
	for _, part := range e.BodyContains {
		if !strings.Contains(body, part) {
			t.Errorf("body %q does not contain %q", body, part)
		}
	}
	for _, part := range e.BodyNotContains {
		if strings.Contains(body, part) {
			t.Errorf("body %q contains %q", body, part)
		}
	}
	if len(e.BodyPrefixAny) > 0 && !slices.ContainsFunc(e.BodyPrefixAny, func(p string) bool { return strings.HasPrefix(body, p) }) {
		t.Errorf("body %q begins with none of %q", body, e.BodyPrefixAny)
	}
	if e.BodyJSON != nil {
		compare(t, "body", e.BodyJSON, json.RawMessage(a.Body))
	}
}

func isType(header, want string) bool {
	got, _, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	if want == "xml" {
		return got == "text/xml" || got == "application/xml"
	}
	return got == want
}

// compare fails t where got does not match want.
func compare(t *testing.T, what string, want, got any) {
	t.Helper()
	w, err := plain(want)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	g, err := plain(got)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if diff := match(what, w, g); diff != "" {
		t.Error(diff)
	}
}

// checkNormalized compares the messages among updates, in order, in the shape of message.received.
func checkNormalized(t *testing.T, f *Fixture, updates []hookswitch.Update) {
	t.Helper()
	if f.Expect.NormalizedAny {
		return
	}
	var got []hookswitch.ReceivedMessage
	for i := range updates {
		if updates[i].Message != nil {
			got = append(got, hookswitch.NewReceivedMessage(&updates[i], received))
		}
		if s := updates[i].Dialogue; s != nil && s.Input != "" && s.End == nil {
			got = append(got, f.spoken(&updates[i]))
		}
	}
	if len(got) != len(f.Expect.Normalized) {
		t.Errorf("%d messages, want %d: %+v", len(got), len(f.Expect.Normalized), got)
		return
	}
	for i, want := range f.Expect.Normalized {
		compare(t, fmt.Sprintf("message %d", i), without(want, "metadata_ext"), got[i])
	}
}

// checkStatusUpdates compares the receipts among updates that move their message, in order, as far as they name the message they are about.
func checkStatusUpdates(t *testing.T, f *Fixture, updates []hookswitch.Update) {
	t.Helper()
	if f.Expect.StatusUpdates == nil && f.Expect.EventsAny {
		return
	}
	var got []any
	for _, u := range updates {
		if u.Receipt != nil && f.Setup.moves(u.Receipt) {
			for _, one := range f.meant(&u) {
				got = append(got, statusUpdate(one))
			}
		}
	}
	if len(got) != len(f.Expect.StatusUpdates) {
		t.Errorf("%d receipts, want %d: %v", len(got), len(f.Expect.StatusUpdates), got)
		return
	}
	for i, want := range f.Expect.StatusUpdates {
		compare(t, fmt.Sprintf("receipt %d", i), want, got[i])
	}
}

// meant are the receipt of u and, where it is about everything until a time, one for each message of the fixture's setup that is part of that.
func (f *Fixture) meant(u *hookswitch.Update) []*hookswitch.Update {
	r := u.Receipt
	if r.Upto.IsZero() {
		return []*hookswitch.Update{u}
	}
	var list []*hookswitch.Update
	for _, o := range f.Setup.Outbound {
		if o.To == r.Recipient && !o.SentAt.After(r.Upto) {
			one, receipt := *u, *r
			receipt.ProviderID, one.Receipt = o.MessageID, &receipt
			list = append(list, &one)
		}
	}
	return list
}

func statusUpdate(u *hookswitch.Update) map[string]any {
	r := u.Receipt
	out := map[string]any{
		"channel":     u.Channel.ReceivedName(),
		"messageId":   r.ProviderID,
		"status":      string(r.Status),
		"recipientId": r.Recipient,
		"timestamp":   hookswitch.ReceivedTime(u.At, received),
	}
	if r.ErrorCode != "" {
		// Fixtures write codes that are numbers as numbers.
		var code any = r.ErrorCode
		if strings.Trim(r.ErrorCode, "0123456789") == "" {
			code = json.Number(r.ErrorCode)
		}
		out["error"] = map[string]any{"code": code, "title": r.ErrorText}
	}
	return out
}
