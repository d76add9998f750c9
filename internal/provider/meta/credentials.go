package meta

import "github.com/hookswitch/hookswitch"

var _ hookswitch.CredentialsDescriber = (*Provider)(nil)

// CredentialFields are those of the app, and then those of the number, page or account.
func (p *Provider) CredentialFields(ch hookswitch.Channel) []hookswitch.CredentialField {
	app := []hookswitch.CredentialField{
		{Name: credSecret, Label: "App secret", Hint: "Of the Meta app: App settings › Basic. It proves what comes in.", Several: true, Receives: true},
		{Name: credVerifyToken, Label: "Verify token", Hint: "A text of your choice. It is entered at Meta beside the address, for the handshake.", Several: true, Chosen: true},
	}
	switch ch {
	case hookswitch.Messenger:
		return append(app,
			hookswitch.CredentialField{Name: credAccessToken, Label: "Page token", Hint: "With pages_messaging.", Holder: "EAA…", Sends: true},
			hookswitch.CredentialField{Name: credPage, Label: "Page id", Hint: "Tells several pages apart.", Holder: "1906385232743451", Public: true})
	case hookswitch.Instagram:
		app[0].Hint += " Where the app has an Instagram app secret as well, set that after this one, and keep both."
		return append(app,
			hookswitch.CredentialField{Name: credAccessToken, Label: "Access token", Hint: "Of the account, or of the page that it is linked to.", Holder: "IG…", Sends: true},
			hookswitch.CredentialField{Name: credInstagram, Label: "Account id", Hint: "As Meta names the account in what it pushes. Tells several accounts apart.", Holder: "17841405822304914", Public: true},
			hookswitch.CredentialField{Name: credPage, Label: "Page id", Hint: "Of the page that the account is linked to, for sending over the page.", Public: true, Rare: true})
	}
	return append(app,
		hookswitch.CredentialField{Name: credAccessToken, Label: "Access token", Hint: "Of a system user, with whatsapp_business_messaging.", Holder: "EAA…", Sends: true},
		hookswitch.CredentialField{Name: credPhone, Label: "Phone number id", Hint: "The number's id at Meta, not the number itself.", Holder: "106540352242922", Public: true, Sends: true},
		hookswitch.CredentialField{Name: credWABA, Label: "WhatsApp Business Account id", Hint: "For templates that are submitted and read from here.", Holder: "102290129340398", Public: true, Rare: true})
}
