package webhook_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/webhook"
)

// A receiver checks the bytes as they arrived before it looks at them.
func ExampleVerifier() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := webhook.NewVerifier(secret)

	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "body too large", http.StatusRequestEntityTooLarge)
			return
		}
		id, err := verifier.VerifyID(r.Header, body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		fmt.Printf("%s: %s\n", id, body) // keep the id to notice repeats
		w.WriteHeader(http.StatusNoContent)
	})

	body := `{"type":"message.inbound"}`
	request := httptest.NewRequest(http.MethodPost, "/hooks", strings.NewReader(body))
	if err := webhook.SetHeaders(request.Header, "msg_1", time.Now(), []byte(body), secret); err != nil {
		fmt.Println(err)
		return
	}
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	fmt.Println(answer.Code)

	// Output:
	// msg_1: {"type":"message.inbound"}
	// 204
}

func ExampleSign() {
	secret, err := webhook.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(webhook.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), secret))
	// Output: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=
}

// While an old secret is still honoured the sender signs with both, so each
// receiver may change over when it suits.
func ExampleSign_rotate() {
	old, current := webhook.NewSecret(), webhook.NewSecret()
	body, now := []byte(`{}`), time.Now()

	header := http.Header{}
	webhook.Svix.Set(header, "msg_1", now, webhook.Sign("msg_1", now, body, current, old))

	fmt.Println(webhook.NewVerifier(old).Verify(header, body))
	fmt.Println(webhook.NewVerifier(current).Verify(header, body))
	// Output:
	// <nil>
	// <nil>
}

// With ed25519 the receiver holds a key that verifies but cannot sign.
func ExampleNewSigningKey() {
	signing := webhook.NewSigningKey()
	public, err := webhook.ParseSecret(signing.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	header, body := http.Header{}, []byte(`{}`)
	if err := webhook.SetHeaders(header, "msg_1", time.Now(), body, signing); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(webhook.NewVerifier(public).Verify(header, body), public.CanSign())
	// Output: <nil> false
}

func ExampleTimedVerifier() {
	secret, err := webhook.ParseTextSecret("whsec_test_secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := webhook.NewTimedVerifier(secret)

	body := []byte(`{"type":"message.inbound"}`)
	header := http.Header{}
	header.Set(webhook.ZavuHeader, webhook.SignTimed(webhook.SchemeGuide, time.Now(), body, secret))

	fmt.Println(verifier.Verify(header, body))
	fmt.Println(errors.Is(verifier.Verify(header, []byte(`{}`)), webhook.ErrMismatch))
	// Output:
	// <nil>
	// true
}
