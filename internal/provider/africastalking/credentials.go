package africastalking

import "github.com/hookswitch/hookswitch"

var _ hookswitch.CredentialsDescriber = (*Provider)(nil)

// CredentialFields are the app's, and what people write to, dial or call.
func (p *Provider) CredentialFields(ch hookswitch.Channel) []hookswitch.CredentialField {
	list := []hookswitch.CredentialField{
		{Name: credCallbackKey, Label: "Callback key", Hint: "A long random text of your choice. It becomes part of the addresses that are entered at Africa's Talking, and proves what comes there.", Several: true, Receives: true, Chosen: true},
	}
	user := hookswitch.CredentialField{Name: credUsername, Label: "Username", Hint: "Of the app; sandbox for every test app.", Holder: "sandbox", Public: true}
	key := hookswitch.CredentialField{Name: credAPIKey, Label: "API key", Hint: "Of the app: Settings › API Key."}
	switch ch {
	case hookswitch.USSD:
		user.Rare, key.Rare = true, true
		return append(list, hookswitch.CredentialField{Name: credServiceCode, Label: "Service code", Hint: "As it is dialled. Tells several apart.", Holder: "*384*1234#", Public: true}, user, key)
	case hookswitch.Voice:
		user.Rare, key.Rare = true, true
		return append(list, hookswitch.CredentialField{Name: credPhone, Label: "Number of calls", Hint: "Where it is not the sender's phone number.", Holder: "+254711082000", Public: true}, user, key)
	}
	user.Sends, key.Sends = true, true
	return append(list, user, key,
		hookswitch.CredentialField{Name: credShortCode, Label: "Short code", Hint: "The short code, name or number that messages come to and go out from.", Holder: "21512", Public: true},
		hookswitch.CredentialField{Name: credKeyword, Label: "Keyword", Hint: "Of a premium service, whose messages the recipient pays for.", Public: true, Rare: true})
}
