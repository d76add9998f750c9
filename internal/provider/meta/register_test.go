package meta_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/meta"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// talk answers calls one after the other, and remembers them.
type talk struct {
	answers []string
	status  int
	err     error
	got     []string
}

func (k *talk) Do(_ context.Context, r *safehttp.Request) (*safehttp.Response, error) {
	k.got = append(k.got, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(r.Body)))
	if k.err != nil {
		return nil, k.err
	}
	body := `{"success":true}`
	if len(k.answers) > 0 {
		body, k.answers = k.answers[0], k.answers[1:]
	}
	if k.status == 0 {
		k.status = 200
	}
	return &safehttp.Response{Status: k.status, Body: []byte(body)}, nil
}

const door = "https://gw.example.test/in/snd_1/whatsapp"

func TestRegister_MakesTheCallsOfEachChannel(t *testing.T) {
	t.Parallel()
	const graphURL = "https://graph.facebook.com/v23.0/"
	const override = "POST " + graphURL + `7 {"webhook_configuration":{"override_callback_uri":"` + door + `","verify_token":"vt"}}`
	number := hookswitch.Credentials{"access_token": {"T"}, "phone_number_id": {"7"}, "verify_token": {"vt"}}
	account := hookswitch.Credentials{"access_token": {"T"}, "phone_number_id": {"7"}, "verify_token": {"vt"}, "waba_id": {"9"}}
	const pageFields = "?subscribed_fields=messages%2Cmessaging_postbacks%2Cmessage_reactions%2Cmessage_deliveries%2Cmessage_reads%2Cmessage_edits"
	for name, tt := range map[string]struct {
		ch      hookswitch.Channel
		c       hookswitch.Credentials
		answers []string
		want    []string
	}{
		"a number":                 {hookswitch.WhatsApp, number, nil, []string{override}},
		"a number of an account":   {hookswitch.WhatsApp, account, []string{`{"data":[]}`}, []string{"GET " + graphURL + "9/subscribed_apps", "POST " + graphURL + "9/subscribed_apps", override}},
		"an account with override": {hookswitch.WhatsApp, account, []string{`{"data":[{"override_callback_uri":"https://a.test"}]}`}, []string{"GET " + graphURL + "9/subscribed_apps", override}},
		"a page":                   {hookswitch.Messenger, hookswitch.Credentials{"access_token": {"EAAx"}, "page_id": {"5"}}, nil, []string{"POST " + graphURL + "5/subscribed_apps" + pageFields}},
		"Instagram over a page":    {hookswitch.Instagram, hookswitch.Credentials{"access_token": {"EAAx"}, "page_id": {"5"}, "ig_user_id": {"6"}}, nil, []string{"POST " + graphURL + "5/subscribed_apps" + pageFields}},
		"Instagram itself": {hookswitch.Instagram, hookswitch.Credentials{"access_token": {"IGx"}, "ig_user_id": {"6"}}, nil, []string{
			"POST https://graph.instagram.com/v23.0/6/subscribed_apps?subscribed_fields=messages%2Cmessaging_postbacks%2Cmessage_reactions%2Cmessaging_seen"}},
	} {
		k := &talk{answers: tt.answers}
		if err := meta.New(meta.Options{HTTP: k}).Register(t.Context(), &hookswitch.Route{Channel: tt.ch, Credentials: tt.c}, door); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, k.got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestRegister_SaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	full := hookswitch.Credentials{"access_token": {"TEST-META-TOKEN"}, "phone_number_id": {"7"}, "verify_token": {"vt"}}
	for name, tt := range map[string]struct {
		c    hookswitch.Credentials
		k    talk
		kind hookswitch.ErrorKind
		said string
	}{
		"no number":       {hookswitch.Credentials{"access_token": {"T"}, "verify_token": {"vt"}}, talk{}, hookswitch.Invalid, "phone_number_id"},
		"no verify token": {hookswitch.Credentials{"access_token": {"T"}, "phone_number_id": {"7"}}, talk{}, hookswitch.Invalid, "verify_token"},
		"no token":        {hookswitch.Credentials{"phone_number_id": {"7"}, "verify_token": {"vt"}}, talk{}, hookswitch.Invalid, "access_token"},
		"a bad address": {full, talk{status: 400, answers: []string{`{"error":{"code":2200,"message":"(#2200) Callback verification failed"}}`}},
			hookswitch.Invalid, "Callback verification failed"},
		"too much":  {full, talk{status: 400, answers: []string{`{"error":{"code":4,"message":"too many"}}`}}, hookswitch.Unavailable, "try again"},
		"no answer": {full, talk{err: errors.New("cut off")}, hookswitch.Unavailable, "try again"},
		"a proxy":   {full, talk{status: 502, answers: []string{"<html>"}}, hookswitch.Unavailable, "try again"},
	} {
		err := meta.New(meta.Options{HTTP: &tt.k}).Register(t.Context(), &hookswitch.Route{Channel: hookswitch.WhatsApp, Credentials: tt.c}, door)
		var e *hookswitch.Error
		if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.said) || strings.Contains(err.Error(), "TEST-META-TOKEN") {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestSteps_NameThePlaceOfTheVerifyTokenAndNotTheToken(t *testing.T) {
	t.Parallel()
	p := meta.New(meta.Options{})
	for _, ch := range []hookswitch.Channel{hookswitch.WhatsApp, hookswitch.Messenger, hookswitch.Instagram} {
		r := &hookswitch.Route{Channel: ch, Credentials: hookswitch.Credentials{"app_secret": {"SECRET"}, "verify_token": {"SECRET"}}}
		all := strings.Join(p.Steps(r, door, false), "\n")
		if !strings.Contains(all, door) || !strings.Contains(all, "verify_token") || strings.Contains(all, "SECRET") {
			t.Errorf("%s: %s", ch, all)
		}
	}
	left := strings.Join(p.Steps(&hookswitch.Route{Channel: hookswitch.WhatsApp, Credentials: hookswitch.Credentials{"app_secret": {"s"}}}, door, true), "\n")
	if strings.Contains(left, door) || !strings.Contains(left, "messages") {
		t.Errorf("left to do after registering: %s", left)
	}
}
