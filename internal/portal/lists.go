package portal

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/portal/ui"
	"github.com/hookswitch/hookswitch/internal/store"
)

// turned is what of list is shown, newest first, of a list that was read by pageAt, and the pager to it. key is what the list is in the order of.
func turned[T any](v *view, kind hookswitch.Kind, list []T, at store.Page, key func(T) hookswitch.Key) ([]T, ui.Pager) {
	var p ui.Pager
	more := len(list) > pageLength
	list = list[:min(len(list), pageLength)]
	if at.Ascending {
		slices.Reverse(list)
	}
	if len(list) > 0 {
		first, last := v.ID(kind, key(list[0])), v.ID(kind, key(list[len(list)-1]))
		if more && !at.Ascending || at.Ascending {
			p.Older = v.Link("before", last, "after", "")
		}
		if at.Before != 0 || more && at.Ascending {
			p.Newer = v.Link("after", first, "before", "")
		}
	}
	return list, p
}

// channelName is the channel in words.
func channelName(c hookswitch.Channel) string {
	switch c {
	case hookswitch.WhatsApp:
		return "WhatsApp"
	case hookswitch.SMS:
		return "SMS"
	case hookswitch.USSD:
		return "USSD"
	case hookswitch.Voice:
		return "Voice"
	case hookswitch.WebChat:
		return "Web chat"
	case hookswitch.Email:
		return "Email"
	case hookswitch.X:
		return "X"
	case hookswitch.SMSOneWay:
		return "SMS, one way"
	}
	s := string(c)
	if s == "" {
		return "Any"
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// channelNames are the channels in words.
func channelNames(list []hookswitch.Channel) string {
	names := make([]string, len(list))
	for i, c := range list {
		names[i] = channelName(c)
	}
	return strings.Join(names, ", ")
}

// channelOptions are the choices of a filter by channel.
func channelOptions(chosen string) []ui.Option {
	list := []ui.Option{{Name: "Any channel", Chosen: chosen == ""}}
	for _, c := range hookswitch.Channels {
		list = append(list, ui.Option{Value: string(c), Name: channelName(c), Chosen: chosen == string(c)})
	}
	return list
}

// excerpt is the beginning of a text, in one line, without what is no character to see or would turn the words around it.
func excerpt(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > most {
		return strings.TrimSpace(string(r[:most-1])) + "…"
	}
	return s
}

// statusBadge is how far a message has come.
func statusBadge(s hookswitch.MessageStatus) ui.Badge {
	switch s {
	case hookswitch.StatusReceived:
		return ui.Badge{Tone: ui.Info, Word: "Received", Icon: "down"}
	case hookswitch.StatusQueued:
		return ui.Badge{Tone: ui.Idle, Word: "Queued", Icon: "clock"}
	case hookswitch.StatusSending:
		return ui.Badge{Tone: ui.Idle, Word: "Being sent", Icon: "send"}
	case hookswitch.StatusSent:
		return ui.Badge{Tone: ui.Info, Word: "Sent", Icon: "send"}
	case hookswitch.StatusDelivered:
		return ui.Badge{Tone: ui.Good, Word: "Delivered"}
	case hookswitch.StatusRead:
		return ui.Badge{Tone: ui.Good, Word: "Read", Icon: "user"}
	case hookswitch.StatusFailed:
		return ui.Badge{Tone: ui.Bad, Word: "Failed"}
	}
	return ui.Badge{Tone: ui.Idle, Word: string(s)}
}

// since says for how long something has been so.
func (v *view) since(t time.Time) string { return ui.Span(v.Now.Sub(t)) }

// Channel is the channel in words.
func (v *view) Channel(c hookswitch.Channel) string { return channelName(c) }
