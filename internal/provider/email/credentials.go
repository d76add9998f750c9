package email

import "github.com/hookswitch/hookswitch"

var (
	_ hookswitch.CredentialsDescriber = (*Provider)(nil)
	_ hookswitch.SendingChecker       = (*Provider)(nil)
)

// CredentialFields are the address, and what the service proves and sends with.
func (p *Provider) CredentialFields(hookswitch.Channel) []hookswitch.CredentialField {
	list := []hookswitch.CredentialField{
		{Name: credAddress, Label: "Address", Hint: "What people write to, and what mail is sent from.", Holder: "support@example.com", Public: true, Sends: true},
		{Name: credFromName, Label: "Name beside the address", Public: true},
	}
	return append(append(list, p.fields()...), hookswitch.CredentialField{Name: credInbound, Label: "Address that receives", Hint: "Where the service receives, if that is another address.", Public: true, Rare: true})
}

// LacksToSend are the service's key, and the address where mail is not sent from another that the sender has.
func (p *Provider) LacksToSend(r *hookswitch.Route) (names []string) {
	for _, f := range p.CredentialFields(r.Channel) {
		if f.Sends && r.Credentials.First(f.Name) == "" && (f.Name != credAddress || r.Address == "") {
			names = append(names, f.Name)
		}
	}
	return names
}

// basicFields are the user and password in the address that a service calls. alone says that nothing else proves what it pushes.
func basicFields(alone bool) []hookswitch.CredentialField {
	return []hookswitch.CredentialField{
		{Name: credUser, Label: "User of the address", Hint: "A user and a password of your choice are part of the address that the service calls, and prove that it does.", Several: true, Receives: alone, Chosen: alone, Rare: !alone},
		{Name: credPass, Label: "Password of the address", Several: true, Receives: alone, Chosen: alone, Rare: !alone},
	}
}

var regionField = hookswitch.CredentialField{Name: credRegion, Label: "Region", Hint: "eu for an account there.", Public: true, Rare: true, Choices: []string{"eu"}}

func (postmark) fields() []hookswitch.CredentialField {
	return append(basicFields(true),
		hookswitch.CredentialField{Name: credServerToken, Label: "Server API token", Sends: true},
		hookswitch.CredentialField{Name: credStream, Label: "Message stream", Hint: "To send over.", Holder: "outbound", Public: true, Rare: true})
}

func (sendgrid) fields() []hookswitch.CredentialField {
	list := []hookswitch.CredentialField{
		{Name: credPublicKey, Label: "Verification key", Hint: "Of a parse setting's security policy, of the event webhook, or both. Without one, a user and a password prove what comes.", Several: true, Public: true, Receives: true},
		{Name: credAPIKey, Label: "API key", Holder: "SG.…", Sends: true},
	}
	return append(append(list, basicFields(false)...), regionField)
}

func (mailgun) fields() []hookswitch.CredentialField {
	return []hookswitch.CredentialField{
		{Name: credSigningKey, Label: "HTTP webhook signing key", Several: true, Receives: true},
		{Name: credAPIKey, Label: "API key", Sends: true},
		{Name: credDomain, Label: "Sending domain", Hint: "That of the address, where nothing is said.", Public: true, Rare: true},
		{Name: credMaxAge, Label: "Greatest age", Hint: "A duration: what was signed longer ago is refused. Without it any age passes.", Holder: "24h", Public: true, Rare: true},
		regionField,
	}
}

func (resend) fields() []hookswitch.CredentialField {
	return []hookswitch.CredentialField{
		{Name: credSigningSecret, Label: "Signing secret", Hint: "Of the webhook; of several webhooks, each.", Holder: "whsec_…", Several: true, Receives: true},
		{Name: credAPIKey, Label: "API key", Hint: "With full access: it also fetches what was received.", Holder: "re_…", Sends: true},
	}
}
