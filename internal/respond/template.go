package respond

import (
	"strings"
	"unicode"

	"github.com/hookswitch/hookswitch"
)

// maxExpanded bounds what a template grows to, in bytes, whatever a person writes into it.
const maxExpanded = 32 << 10

// expand fills in a reply: {name} is the person's name on the channel, {text} what they wrote, {channel} where. Everything else in
// braces stays as it is, and what was filled in is not looked at again. A placeholder with nothing to show takes the space
// before it along, so that "Hello {name}!" becomes "Hello!".
func expand(template string, turn *hookswitch.Turn) string {
	var b strings.Builder
	for template != "" && b.Len() <= maxExpanded {
		open := strings.IndexByte(template, '{')
		if open < 0 {
			b.WriteString(template)
			break
		}
		before, rest := template[:open], template[open+1:]
		value, known := "", false
		name, after, closed := strings.Cut(rest, "}")
		if closed {
			value, known = placeholder(name, turn)
		}
		switch {
		case !known:
			b.WriteString(before)
			b.WriteByte('{')
			template = rest
			continue
		case value == "":
			b.WriteString(strings.TrimSuffix(before, " "))
		default:
			b.WriteString(before)
			b.WriteString(value)
		}
		template = after
	}
	if b.Len() > maxExpanded {
		return strings.ToValidUTF8(b.String()[:maxExpanded], "")
	}
	return b.String()
}

func placeholder(name string, turn *hookswitch.Turn) (value string, known bool) {
	switch name {
	case "name":
		return oneLine(turn.ProfileName), true
	case "text":
		return strings.TrimSpace(turn.Text), true
	case "channel":
		return channelLabel(turn.Channel), true
	}
	return "", false
}

// oneLine keeps a name that a stranger chose from breaking the layout of a reply.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// channelLabel is the channel as it is written in a sentence.
func channelLabel(c hookswitch.Channel) string {
	switch c {
	case hookswitch.WhatsApp:
		return "WhatsApp"
	case hookswitch.SMS, hookswitch.USSD, hookswitch.X:
		return strings.ToUpper(string(c))
	case hookswitch.Telegram:
		return "Telegram"
	case hookswitch.Messenger:
		return "Messenger"
	case hookswitch.Instagram:
		return "Instagram"
	case hookswitch.WebChat:
		return "web chat"
	}
	return string(c)
}
