package portal

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/webhook"
)

// state sorts verdicts; it is also a class of the style sheet.
type state string

const (
	good     state = "good"     // a known secret made the signature
	bad      state = "bad"      // it is signed, and receivers would refuse it
	unknown  state = "unknown"  // it is signed, and whether rightly cannot be told
	unsigned state = "unsigned" // it carries no signature
)

// verdict is what can be said about the signature of a request.
type verdict struct {
	State  state  `json:"state"`
	Word   string `json:"word"`
	Reason string `json:"reason"`
	Scheme string `json:"scheme,omitempty"`
	// AskSecret says that a secret would settle it.
	AskSecret bool `json:"-"`
}

// judge gives verdicts with the secrets of a bin.
type judge struct {
	standard []webhook.Secret
	timed    []webhook.TextSecret
}

func newJudge(secrets []hookswitch.Secret) *judge {
	j := new(judge)
	for _, s := range secrets {
		if sec, err := webhook.ParseSecret(s.Reveal()); err == nil {
			j.standard = append(j.standard, sec)
		}
		if sec, err := webhook.ParseTextSecret(s.Reveal()); err == nil {
			j.timed = append(j.timed, sec)
		}
	}
	return j
}

// verify judges one scheme. Far takes any time for near enough.
type verify func(h http.Header, body []byte, far bool) error

// verdict judges a request as its receiver would have when it arrived.
func (j *judge) verdict(q *store.BinRequest) verdict {
	h := make(http.Header, len(q.Headers))
	for _, line := range q.Headers {
		h.Add(line.Name, line.Value)
	}
	arrived := q.Key.Time
	var verdicts []verdict
	if prefix := standardPrefix(h); prefix != "" {
		v := webhook.NewVerifier(j.standard...).WithNow(arrived)
		scheme := "Standard Webhooks (" + string(prefix) + "-* headers)"
		verdicts = append(verdicts, judgeScheme(q, h, scheme, h.Get(prefix.Timestamp()), len(j.standard) > 0, func(h http.Header, body []byte, far bool) error {
			if far {
				v = v.WithTolerance(math.MaxInt64, math.MaxInt64)
			}
			return v.Verify(h, body)
		}))
	}
	if value := h.Get(webhook.ZavuHeader); value != "" {
		v := webhook.NewTimedVerifier(j.timed...).WithNow(arrived).WithV1(webhook.V1Either)
		one := judgeScheme(q, h, webhook.ZavuHeader, timedAt(value), len(j.timed) > 0, func(h http.Header, body []byte, far bool) error {
			if far {
				v = v.WithTolerance(math.MaxInt64, math.MaxInt64)
			}
			return v.Verify(h, body)
		})
		if one.State == good && webhook.NewTimedVerifier(j.timed...).WithNow(arrived).WithV1(webhook.V1TimeAndBody).Verify(h, q.Body) != nil {
			one.Reason += " The signature covers the body alone, so its time proves nothing: v2 would."
		}
		verdicts = append(verdicts, one)
	}
	if len(verdicts) == 0 {
		return otherVerdict(h)
	}
	best := verdicts[0]
	for _, v := range verdicts[1:] {
		if v.State == good || best.State != good && v.State == bad {
			best = v
		}
	}
	return best
}

// standardPrefix is the prefix of the headers by which the request is signed, or "".
func standardPrefix(h http.Header) webhook.Prefix {
	for _, p := range []webhook.Prefix{webhook.Svix, webhook.Standard} {
		if h.Get(p.Signature()) != "" {
			return p
		}
	}
	return ""
}

// timedAt is the time in the header of timestamped signatures.
func timedAt(value string) string {
	for part := range strings.SplitSeq(value, ",") {
		if t, ok := strings.CutPrefix(part, "t="); ok {
			return t
		}
	}
	return ""
}

func judgeScheme(q *store.BinRequest, h http.Header, scheme, at string, known bool, check verify) verdict {
	v := verdict{Scheme: scheme}
	switch {
	case !known:
		v.State, v.Word, v.AskSecret = unknown, "signed, not checked", true
		v.Reason = "It is signed, but no secret for this kind of signature is known here. Paste one to check it."
		return v
	case q.Size > int64(len(q.Body)):
		v.State, v.Word = unknown, "signed, not checked"
		v.Reason = fmt.Sprintf("It is signed, but only the first %d KiB of its body are kept, and the signature covers all of it.", service.BinBody>>10)
		return v
	}
	err := check(h, q.Body, false)
	v.State, v.AskSecret = bad, errors.Is(err, webhook.ErrMismatch) || errors.Is(err, webhook.ErrVersion)
	switch {
	case err == nil:
		v.State, v.Word, v.Reason = good, "verified", "The signature was made with a secret that is known here, over exactly these bytes"+ageOf(at, q.Key.Time())+"."
	case errors.Is(err, webhook.ErrTooOld), errors.Is(err, webhook.ErrTooNew):
		v.Word = "too old"
		if errors.Is(err, webhook.ErrTooNew) {
			v.Word = "from the future"
		}
		v.Reason = "Receivers refuse it for its time: " + reasonOf(err) + "."
		if far := check(h, q.Body, true); far == nil {
			v.Reason += " Apart from that the signature fits."
		} else {
			v.Reason += " Nor does the signature fit."
		}
	case errors.Is(err, webhook.ErrMismatch):
		v.Word, v.Reason = "does not fit", "Another secret made the signature, or the body was changed after signing: "+reasonOf(err)+"."
	case errors.Is(err, webhook.ErrNoSignature):
		v.Word, v.Reason = "incomplete", "Part of the signature is missing: "+reasonOf(err)+"."
	default:
		v.Word, v.Reason = "not acceptable", "Receivers refuse it: "+reasonOf(err)+"."
	}
	return v
}

// ageOf tells how long before its arrival a request was signed.
func ageOf(seconds string, arrived time.Time) string {
	var unix int64
	if _, err := fmt.Sscan(seconds, &unix); err != nil {
		return ""
	}
	age := arrived.Unix() - unix
	switch {
	case age <= 0:
		return ", in the second of its arrival"
	case age == 1:
		return ", a second before it arrived"
	}
	return fmt.Sprintf(", %v before it arrived", time.Duration(age)*time.Second)
}

// reasonOf is the sentence of a webhook error without the words by which programs find it.
func reasonOf(err error) string {
	text := err.Error()
	for _, known := range []error{webhook.ErrTooOld, webhook.ErrTooNew, webhook.ErrNotSeconds, webhook.ErrTimestamp, webhook.ErrNoSignature, webhook.ErrMalformed,
		webhook.ErrVersion, webhook.ErrMismatch, webhook.ErrSecret} {
		if rest, ok := strings.CutPrefix(text, known.Error()+": "); ok {
			return rest
		}
	}
	return text
}

// otherVerdict is about requests without a signature that this page knows.
func otherVerdict(h http.Header) verdict {
	for _, name := range []string{"X-Hub-Signature-256", "X-Twilio-Signature", "Stripe-Signature", "X-Slack-Signature", "X-Shopify-Hmac-Sha256", "X-Signature",
		"X-Twitter-Webhooks-Signature", "X-Telegram-Bot-Api-Secret-Token", "Signature"} {
		if h.Get(name) != "" {
			return verdict{State: unknown, Word: "signed, not checked", Scheme: name, Reason: "It carries " + name + ", which is not checked here."}
		}
	}
	return verdict{State: unsigned, Word: "not signed", Reason: "It carries no signature, so nothing tells who sent it."}
}
