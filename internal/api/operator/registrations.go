package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

type registrationOut struct {
	RouteID  string `json:"routeId"`
	Channel  string `json:"channel"`
	Provider string `json:"provider"`
	// DoorURL is where the provider is to push what comes for the route.
	DoorURL string `json:"doorUrl"`
	// Result is registered, failed, or by_hand where the provider cannot be told by a call.
	Result string `json:"result"`
	// Error is why the provider has not taken the address; null unless it failed.
	Error *registrationError `json:"error"`
	// Steps is what is left for a person to do at the provider.
	Steps []string `json:"steps"`
}

type registrationError struct {
	Message string `json:"message"`
	// Again says that the same call may do better later.
	Again bool `json:"again"`
}

func (h *handler) newRegistration(reg *service.Registration) registrationOut {
	out := registrationOut{RouteID: h.id(hookswitch.KindRoute, reg.Route.Key), Channel: string(reg.Route.Channel), Provider: reg.Route.Provider, DoorURL: reg.Door,
		Result: "by_hand", Steps: append([]string{}, reg.Steps...)}
	switch {
	case reg.Registered:
		out.Result = "registered"
	case reg.Err != nil:
		out.Result, out.Error = "failed", &registrationError{reg.Err.Message, reg.Err.Kind == hookswitch.Unavailable}
	}
	return out
}

func (h *handler) registerSender(w http.ResponseWriter, r *http.Request) error {
	channel, err := channelOf(r)
	if err != nil {
		return err
	}
	s, err := h.sender(r)
	if err != nil {
		return err
	}
	list, err := h.service.RegisterSender(r.Context(), s, channel)
	if err != nil {
		return err
	}
	out := listOut[registrationOut]{Items: make([]registrationOut, len(list))}
	for i := range list {
		out.Items[i] = h.newRegistration(&list[i])
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
