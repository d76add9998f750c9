package travtus

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type portalOut struct {
	URL string `json:"url"`
}

// maxIcon is the greatest length of the address of an icon, in bytes.
const maxIcon = 2048

// portalAccess makes a new link into the portal of the caller's app.
func (h *handler) portalAccess(w http.ResponseWriter, r *http.Request) error {
	link, err := h.service.OpenPortal(r.Context(), appOf(r), service.PortalAccess{Capabilities: hookswitch.AllCapabilities}, service.Idempotency{})
	if err != nil {
		return err
	}
	address := link.URL.Reveal()
	if icon := r.URL.Query().Get("icon"); isWebURL(icon) && len(icon) <= maxIcon {
		address = strings.Replace(address, "#", "?icon="+url.QueryEscape(icon)+"#", 1)
	}
	noStore(w)
	return httpapi.Encode(w, http.StatusOK, portalOut{address})
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
