package operator

import (
	"net/http"

	"github.com/hookswitch/hookswitch/internal/httpapi"
	"github.com/hookswitch/hookswitch/internal/service"
)

// providerOut is a provider on one of its channels, and what a route over it wants to know.
type providerOut struct {
	Provider string `json:"provider"`
	Channel  string `json:"channel"`
	Receives bool   `json:"receives"`
	Sends    bool   `json:"sends"`
	// Challenged says that the provider asks the door to prove itself before it pushes, Tells that it can be told over its API where to push, and Checks that it can be asked whose account
	// credentials open.
	Challenged  bool            `json:"challenged"`
	Tells       bool            `json:"tells"`
	Checks      bool            `json:"checks"`
	Credentials []credentialOut `json:"credentials"`
}

// credentialOut is one of the credentials and settings that a provider knows.
type credentialOut struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Hint  string `json:"hint"`
	// Secret ones are never shown. Several may have more than one value, such as while one is being replaced. Rare ones most routes do without.
	Secret  bool `json:"secret"`
	Several bool `json:"several"`
	Rare    bool `json:"rare"`
	// Receives and Sends say that without it nothing is received, or sent.
	Receives bool `json:"receives"`
	Sends    bool `json:"sends"`
	// Chosen ones are made up on our side: a random one is made for a new route that is given none.
	Chosen  bool     `json:"chosen"`
	Choices []string `json:"choices"` // the only values there are; empty: any
}

func newProvider(info *service.ProviderInfo) providerOut {
	out := providerOut{Provider: info.Name, Channel: string(info.Channel), Receives: info.Receives, Sends: info.Sends, Challenged: info.Challenged, Tells: info.Tells, Checks: info.Checks,
		Credentials: make([]credentialOut, len(info.Fields))}
	for i, f := range info.Fields {
		out.Credentials[i] = credentialOut{Name: f.Name, Label: f.Label, Hint: f.Hint, Secret: !f.Public, Several: f.Several, Rare: f.Rare, Receives: f.Receives, Sends: f.Sends, Chosen: f.Chosen,
			Choices: append([]string{}, f.Choices...)}
	}
	return out
}

type providersOut struct {
	Items []providerOut `json:"items"`
}

func (h *handler) listProviders(w http.ResponseWriter, _ *http.Request) error {
	list := h.service.ProviderInfos()
	out := providersOut{Items: make([]providerOut, len(list))}
	for i := range list {
		out.Items[i] = newProvider(&list[i])
	}
	return httpapi.Encode(w, http.StatusOK, out)
}
