package hookswitch

import (
	"slices"
	"time"
)

// Channel is the medium a message travels on.
type Channel string

// The channels.
const (
	WhatsApp  Channel = "whatsapp"
	SMS       Channel = "sms"
	USSD      Channel = "ussd"
	Voice     Channel = "voice"
	Telegram  Channel = "telegram"
	Messenger Channel = "messenger"
	Instagram Channel = "instagram"
	X         Channel = "x"
	Email     Channel = "email"
	WebChat   Channel = "web_chat"
)

// Channels are all of them, in the order in which they are listed to people.
var Channels = []Channel{WhatsApp, SMS, USSD, Voice, Telegram, Messenger, Instagram, X, Email, WebChat}

// Medium is the channel on which routes carry, and persons get, the messages of c: of what is sent as SMSOneWay it is SMS.
func (c Channel) Medium() Channel {
	if c == SMSOneWay {
		return SMS
	}
	return c
}

// ByPhone reports whether a person is known by their phone number on the channel. A number is the same person on all of them.
func (c Channel) ByPhone() bool {
	switch c.Medium() {
	case WhatsApp, SMS, USSD, Voice:
		return true
	}
	return false
}

// Valid reports whether c is one of Channels.
func (c Channel) Valid() bool { return slices.Contains(Channels, c) }

// ReceivedName is c in the shape of message.received, where X is still "twitter" and web chat one word.
func (c Channel) ReceivedName() string {
	switch c {
	case X:
		return "twitter"
	case WebChat:
		return "webchat"
	}
	return string(c)
}

// Window is how long after a person's last message a free-form answer may be sent on the channel. 0: always.
func (c Channel) Window() time.Duration {
	switch c {
	case WhatsApp, Messenger, Instagram:
		return 24 * time.Hour
	}
	return 0
}

// HumanWindow is how long after a person's last message an answer that a person has written may be sent on the channel. Where it is longer than Window, the
// provider has to be told that it is one.
func (c Channel) HumanWindow() time.Duration {
	switch c {
	case Messenger, Instagram:
		return 7 * 24 * time.Hour
	}
	return c.Window()
}
