package hookswitch_test

import (
	"testing"

	"github.com/hookswitch/hookswitch"
)

func TestMessageStatus_CanBecome(t *testing.T) {
	t.Parallel()
	columns := []hookswitch.MessageStatus{hookswitch.StatusReceived, hookswitch.StatusQueued, hookswitch.StatusSending, hookswitch.StatusSent,
		hookswitch.StatusDelivered, hookswitch.StatusRead, hookswitch.StatusFailed, "unheard-of"}
	for from, row := range map[hookswitch.MessageStatus]string{
		//                           received queued sending sent delivered read failed unknown
		hookswitch.StatusReceived:  "........",
		hookswitch.StatusQueued:    "..xxxxx.",
		hookswitch.StatusSending:   "...xxxx.",
		hookswitch.StatusSent:      "....xxx.",
		hookswitch.StatusDelivered: ".....x..",
		hookswitch.StatusRead:      "........",
		hookswitch.StatusFailed:    "....xx..",
		"unheard-of":               "........",
	} {
		for i, to := range columns {
			if want := row[i] == 'x'; from.CanBecome(to) != want {
				t.Errorf("%s to %s: want %v", from, to, want)
			}
		}
	}
}

func TestMessageStatus_EventType(t *testing.T) {
	t.Parallel()
	for status, want := range map[hookswitch.MessageStatus]string{
		hookswitch.StatusQueued: hookswitch.EventMessageQueued, hookswitch.StatusSent: hookswitch.EventMessageSent,
		hookswitch.StatusDelivered: hookswitch.EventMessageDelivered, hookswitch.StatusRead: hookswitch.EventMessageRead,
		hookswitch.StatusFailed: hookswitch.EventMessageFailed, hookswitch.StatusSending: "", hookswitch.StatusReceived: "",
	} {
		if got := status.EventType(); got != want {
			t.Errorf("%s: got %q, want %q", status, got, want)
		}
	}
}

func TestChannel_NamesAndWindow(t *testing.T) {
	t.Parallel()
	for _, c := range hookswitch.Channels {
		want := string(c)
		switch c {
		case hookswitch.X:
			want = "twitter"
		case hookswitch.WebChat:
			want = "webchat"
		}
		if !c.Valid() || c.ReceivedName() != want {
			t.Errorf("%s: valid %v, %s", c, c.Valid(), c.ReceivedName())
		}
	}
	if hookswitch.Channel("fax").Valid() || hookswitch.Channel("").Valid() {
		t.Error("an unknown channel is valid")
	}
	if hookswitch.WhatsApp.Window() == 0 || hookswitch.SMS.Window() != 0 {
		t.Error("only some channels have a window")
	}
}

func TestMessage_ByHumanNeedsTheTagAndNoResponder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		m    hookswitch.Message
		want bool
	}{
		{hookswitch.Message{}, false},
		{hookswitch.Message{Content: []byte(`{"messageTag":"HUMAN_AGENT"}`)}, true},
		{hookswitch.Message{Content: []byte(`{"messageTag":"ACCOUNT_UPDATE"}`)}, false},
		{hookswitch.Message{Content: []byte(`{"messageTag":7}`)}, false},
		{hookswitch.Message{Content: []byte(`{"messageTag":"HUMAN_AGENT"}`), InReplyTo: 5}, false},
	} {
		if got := tt.m.ByHuman(); got != tt.want {
			t.Errorf("%s in reply to %d: got %t, want %t", tt.m.Content, tt.m.InReplyTo, got, tt.want)
		}
	}
}
