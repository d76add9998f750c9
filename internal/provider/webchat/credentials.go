package webchat

import (
	"maps"
	"slices"
	"strings"

	"github.com/hookswitch/hookswitch"
)

var _ hookswitch.CredentialsDescriber = (*Provider)(nil)

// CredentialFields are where the chat is and what it looks like, and the token of servers.
func (p *Provider) CredentialFields(hookswitch.Channel) []hookswitch.CredentialField {
	list := []hookswitch.CredentialField{
		{Name: setOrigins, Label: "Sites that may show the chat", Hint: "Each as browsers name it, without a path.", Holder: "https://www.example.com", Public: true, Several: true},
		{Name: setTitle, Label: "Title", Hint: "What heads the chat, at most 60 characters.", Holder: defaultTitle, Public: true},
		{Name: setGreeting, Label: "Greeting", Hint: "What a visitor reads before anybody has written. It is shown, and not sent.", Public: true},
		{Name: setColour, Label: "Colour", Hint: "Of the brand.", Holder: DefaultColour, Public: true},
		{Name: credToken, Label: "Token for servers", Hint: "A long random text of your choice, for servers that post what visitors write. The widget needs none; it must never reach a browser.", Several: true},
	}
	for _, name := range slices.Sorted(maps.Keys(words)) {
		list = append(list, hookswitch.CredentialField{Name: textPrefix + name, Label: "Words for “" + strings.TrimRight(words[name], ".…:") + "”", Holder: words[name], Public: true, Rare: true})
	}
	return list
}
