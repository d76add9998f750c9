package widget

import (
	"net/http"
	"strconv"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/provider/webchat"
)

type receiptsIn struct {
	Status string   `json:"status"` // delivered or read
	IDs    []string `json:"ids"`
}

// receipts takes what a browser has fetched, or its visitor has seen, of the answers. Ids of anything else are passed over.
func (wg *Widget) receipts(w http.ResponseWriter, r *http.Request) error {
	s, c, err := wg.enter(w, r, tokenOf(r))
	if err != nil {
		return err
	}
	now := wg.now()
	if err := wg.limits.report.take(s.visitor, now); err != nil {
		return err
	}
	in, err := httpapi.Decode[receiptsIn](r)
	if err != nil {
		return err
	}
	status := hookswitch.MessageStatus(in.Status)
	var checks hookswitch.Checks
	if status != hookswitch.StatusDelivered && status != hookswitch.StatusRead {
		checks.Field("must be delivered or read", "status")
	}
	if len(in.IDs) == 0 || len(in.IDs) > historyLength {
		checks.Field("must name 1 to "+strconv.Itoa(historyLength)+" messages", "ids")
	}
	if err := checks.Err(); err != nil {
		return err
	}
	ctx, cancel := detached(r)
	defer cancel()
	var updates []hookswitch.Update
	for _, id := range in.IDs {
		m, err := wg.svc.Message(ctx, c.route.App, id)
		if hookswitch.KindOf(err) == hookswitch.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		own := m.Direction == hookswitch.Outbound && m.Sender == s.sender && m.Channel == hookswitch.WebChat && m.To == s.visitor
		if own && m.Status.CanBecome(status) && m.Status != hookswitch.StatusQueued && m.Status != hookswitch.StatusSending {
			updates = append(updates, webchat.Seen(s.visitor, id, status, now))
		}
	}
	if len(updates) > 0 {
		if _, err := wg.receive(ctx, r, c, updates...); err != nil {
			return err
		}
	}
	return httpapi.NoContent(w)
}
