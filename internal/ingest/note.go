package ingest

import (
	"net/http"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/store"
)

// note tells the service what has come to a door, and for whom where that is known. Who is not at fault, and what no provider sends, leaves no note.
func (d *Doors) note(r *http.Request, out *outcome) {
	switch out.result {
	case UnknownSender, BadMethod, NotConfigured, Unavailable:
		return
	}
	n := store.DoorNote{Sender: out.sender, Channel: out.channel, Provider: out.provider, Result: out.result.String(), Door: r.URL.Path, Cause: out.cause}
	if len(out.routes) == 0 {
		d.o.Service.NoteDoor(n)
		return
	}
	for _, route := range out.routes {
		n.Sender, n.Channel = route.Sender, route.Channel
		d.o.Service.NoteDoor(n)
	}
}

// meant are the routes of an account that the updates of a push are for, each once.
func meant(a *service.Account, updates []hookswitch.Update) []hookswitch.Route {
	var list []hookswitch.Route
	seen := make(map[hookswitch.Key]bool)
	for i := range updates {
		if r := a.Match(&updates[i]); r != nil && !seen[r.Key] {
			seen[r.Key] = true
			list = append(list, *r)
		}
	}
	return list
}

// causeOf is why a push was not proved genuine, in the adapter's words. They say what is missing or malformed, and never what would be right.
func causeOf(err error) string {
	text := strings.TrimSuffix(err.Error(), hookswitch.ErrSignature.Error())
	if text = strings.TrimSuffix(text, ": "); text == "" {
		return "the signature was made with another secret, or the body was changed on the way"
	}
	return text
}
