package respond_test

import (
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/respond"
)

func TestOptOut_HearsTheWords(t *testing.T) {
	t.Parallel()
	usual := respond.OptOutOf(config(t, `{"kind":"echo"}`))
	own := respond.OptOutOf(config(t, `{"kind":"test","optOut":{"words":["acha","ARRÊT","dur"],"back":["anza"]}}`))
	tests := []struct {
		o             *respond.OptOut
		text, replyID string
		want          respond.Wish
	}{
		{usual, "STOP", "", respond.WantsNone},
		{usual, " stop. ", "", respond.WantsNone},
		{usual, "Stop all!", "", respond.WantsNone},
		{usual, "unsubscribe", "", respond.WantsNone},
		{usual, "CANCEL", "", respond.WantsNone},
		{usual, "end", "", respond.WantsNone},
		{usual, "Quit", "", respond.WantsNone},
		{usual, "ｓｔｏｐ", "", respond.WantsNone},
		{usual, "Bitte nichts mehr", "stop", respond.WantsNone},
		{usual, "Nothing more, please", "UNSUBSCRIBE", respond.WantsNone},
		{usual, "Cancel my booking", "cancel", respond.NoWish},
		{usual, "Begin", "start", respond.NoWish},
		{usual, "cancel", "cancel", respond.WantsNone},
		{usual, "stop it", "", respond.NoWish},
		{usual, "cancel my order", "", respond.NoWish},
		{usual, "weekend", "", respond.NoWish},
		{usual, "", "", respond.NoWish},
		{usual, "stop " + strings.Repeat(" ", 1000), "", respond.NoWish},
		{usual, "START", "", respond.WantsAgain},
		{usual, "/start", "", respond.WantsAgain},
		{usual, "unstop", "", respond.WantsAgain},
		{usual, "acha", "", respond.NoWish},
		{own, "Acha", "", respond.WantsNone},
		{own, "arret", "", respond.WantsNone},
		{own, "stop", "", respond.WantsNone},
		{own, "anza!", "", respond.WantsAgain},
		{respond.OptOutOf(config(t, `{"kind":"echo","optOut":{"off":true}}`)), "STOP", "", respond.NoWish},
		{respond.OptOutOf(hookswitch.ResponderConfig{}), "STOP", "", respond.NoWish},
		{respond.OptOutOf(hookswitch.ResponderConfig{Kind: "echo", Raw: []byte("{")}), "STOP", "", respond.WantsNone},
	}
	for _, tt := range tests {
		if got := tt.o.Wish(tt.text, tt.replyID); got != tt.want {
			t.Errorf("%.40q %q: got %d, want %d", tt.text, tt.replyID, got, tt.want)
		}
	}
}

func TestOptOut_ConfirmsInItsOwnWords(t *testing.T) {
	t.Parallel()
	turn := &hookswitch.Turn{ProfileName: "Ada"}
	usual := respond.OptOutOf(config(t, `{"kind":"echo","optOut":{"confirmation":null}}`))
	if got := usual.Confirmation(respond.WantsNone, turn); !strings.Contains(got, "START") {
		t.Errorf("got %q, want a way back", got)
	}
	if got := usual.Confirmation(respond.WantsAgain, turn); !strings.Contains(got, "STOP") {
		t.Errorf("got %q, want a way out", got)
	}
	own := respond.OptOutOf(config(t, `{"kind":"echo","optOut":{"confirmation":"Kwaheri {name}","backConfirmation":""}}`))
	if got := own.Confirmation(respond.WantsNone, turn) + own.Confirmation(respond.WantsAgain, turn) + own.Confirmation(respond.NoWish, turn); got != "Kwaheri Ada" {
		t.Errorf("got %q, want only the words of the configuration", got)
	}
}

func TestOptOut_IsChecked(t *testing.T) {
	t.Parallel()
	err := respond.Validate(config(t, `{"kind":"silent","optOut":{"words":["?!"],"off":1,"confirm":"x"}}`), respond.Options{})
	for _, want := range []string{"optOut.words.[0]: must have a letter", "optOut.off: must be true or false", "optOut.confirm: is not a known field"} {
		if err == nil || !strings.Contains(err.Error(), "body.responder."+want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
