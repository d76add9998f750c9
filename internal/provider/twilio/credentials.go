package twilio

import "github.com/hookswitch/hookswitch"

var (
	_ hookswitch.CredentialsDescriber = (*Provider)(nil)
	_ hookswitch.SendingChecker       = (*Provider)(nil)
)

// CredentialFields are the account's, and what a channel is sent from.
func (p *Provider) CredentialFields(ch hookswitch.Channel) []hookswitch.CredentialField {
	list := []hookswitch.CredentialField{
		{Name: credToken, Label: "Auth token", Hint: "The account's primary one. It proves what comes in and, without an API key, sends.", Several: true, Receives: true},
		{Name: credAccount, Label: "Account SID", Hint: "Console, Account info.", Holder: "AC…", Public: true, Sends: true},
	}
	if ch != hookswitch.Voice {
		list = append(list, hookswitch.CredentialField{Name: credService, Label: "Messaging service SID", Hint: "To send over a messaging service instead of one number.", Holder: "MG…", Public: true, Rare: true})
	}
	return append(list,
		hookswitch.CredentialField{Name: credKey, Label: "API key SID", Hint: "Console, API keys & tokens. With its secret, to send without the auth token.", Holder: "SK…", Public: true, Rare: true},
		hookswitch.CredentialField{Name: credKeySecret, Label: "API key secret", Rare: true},
		hookswitch.CredentialField{Name: credFrom, Label: "Number or name", Hint: "What is sent from and written to in place of the sender's phone number: a short code, a name, the number of the sandbox.", Public: true, Rare: true})
}

// LacksToSend are the account, its auth token where no API key stands in for that, and what is sent from.
func (p *Provider) LacksToSend(r *hookswitch.Route) (names []string) {
	c := r.Credentials
	if c.First(credAccount) == "" {
		names = append(names, credAccount)
	}
	if c.First(credToken) == "" && (c.First(credKey) == "" || c.First(credKeySecret) == "") {
		names = append(names, credToken)
	}
	if _, from := splitAddress(r.Address); from == "" && c.First(credService) == "" {
		names = append(names, credFrom)
	}
	return names
}
