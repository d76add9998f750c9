package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
)

// portalOut is how the portal of an app looks, and who may frame it.
type portalOut struct {
	Theme          *string  `json:"theme"`
	Color          *string  `json:"color"`
	Logo           *string  `json:"logo"`
	Font           *string  `json:"font"`
	Radius         *int     `json:"radius"`
	Density        *string  `json:"density"`
	Direction      *string  `json:"direction"` // ltr or rtl
	Refused        *string  `json:"refused"`   // what a session may not do: show, with the reason, or hide
	FrameAncestors []string `json:"frameAncestors"`
}

func newPortal(s hookswitch.PortalSettings) portalOut {
	out := portalOut{Theme: httpapi.OrNull(s.Theme), Color: httpapi.OrNull(s.Color), Logo: httpapi.OrNull(s.Logo), Font: httpapi.OrNull(s.Font), Radius: s.Radius,
		Density: httpapi.OrNull(s.Density), Direction: httpapi.OrNull(s.Direction), Refused: httpapi.OrNull(s.Refused), FrameAncestors: s.FrameAncestors}
	if out.FrameAncestors == nil {
		out.FrameAncestors = []string{}
	}
	return out
}

// portalIn are the fields that can be set. An absent one stays as it is, null clears it.
type portalIn struct {
	Theme          httpapi.Optional[string]   `json:"theme"`
	Color          httpapi.Optional[string]   `json:"color"`
	Logo           httpapi.Optional[string]   `json:"logo"`
	Font           httpapi.Optional[string]   `json:"font"`
	Radius         httpapi.Optional[int]      `json:"radius"`
	Density        httpapi.Optional[string]   `json:"density"`
	Direction      httpapi.Optional[string]   `json:"direction"` // ltr or rtl
	Refused        httpapi.Optional[string]   `json:"refused"`   // what a session may not do: show, with the reason, or hide
	FrameAncestors httpapi.Optional[[]string] `json:"frameAncestors"`
}

func (in *portalIn) apply(s *hookswitch.PortalSettings) {
	s.Theme, s.Color, s.Logo, s.Font = in.Theme.Or(s.Theme), in.Color.Or(s.Color), in.Logo.Or(s.Logo), in.Font.Or(s.Font)
	s.Direction, s.Refused = in.Direction.Or(s.Direction), in.Refused.Or(s.Refused)
	s.Density, s.FrameAncestors = in.Density.Or(s.Density), in.FrameAncestors.Or(s.FrameAncestors)
	if in.Radius.Set {
		if s.Radius = nil; !in.Radius.Null {
			s.Radius = &in.Radius.Value
		}
	}
}

func (h *handler) getPortal(w http.ResponseWriter, r *http.Request) error {
	a, err := h.app(r)
	if err != nil {
		return err
	}
	s, err := h.service.PortalSettings(r.Context(), a.Key)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newPortal(s))
}

func (h *handler) updatePortal(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.Decode[portalIn](r)
	if err != nil {
		return err
	}
	a, err := h.app(r)
	if err != nil {
		return err
	}
	s, err := h.service.UpdatePortalSettings(r.Context(), a.Key, in.apply)
	if err != nil {
		return err
	}
	return httpapi.Encode(w, http.StatusOK, newPortal(s))
}
