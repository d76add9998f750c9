package x

import "github.com/hookswitch/hookswitch"

var (
	_ hookswitch.CredentialsDescriber = (*Provider)(nil)
	_ hookswitch.SendingChecker       = (*Provider)(nil)
)

// CredentialFields are the app's, and then the account's.
func (p *Provider) CredentialFields(hookswitch.Channel) []hookswitch.CredentialField {
	return []hookswitch.CredentialField{
		{Name: credConsumerSecret, Label: "API key secret", Hint: "Of the app: Keys and tokens. It proves what comes in and answers X's checks; or the client secret does.", Several: true, Receives: true},
		{Name: credClientSecret, Label: "Client secret", Hint: "Of the app's OAuth 2.0. Where an app has one, checks are answered with it.", Several: true, Rare: true},
		{Name: credConsumerKey, Label: "API key", Hint: "Of the app, for sending with OAuth 1.0a.", Public: true},
		{Name: credToken, Label: "Access token", Hint: "Of the account.", Sends: true},
		{Name: credTokenSecret, Label: "Access token secret", Hint: "With it the token is one of OAuth 1.0a, which lives until it is revoked. One of OAuth 2.0 lives for two hours."},
		{Name: credUser, Label: "Account id", Hint: "A number. Tells several accounts apart.", Holder: "4337869213", Public: true},
	}
}

// LacksToSend are the account's token and, where it is one of OAuth 1.0a, the keys of the app.
func (p *Provider) LacksToSend(r *hookswitch.Route) (names []string) {
	needed := []string{credToken}
	if r.Credentials.First(credTokenSecret) != "" {
		needed = append(needed, credConsumerKey, credConsumerSecret)
	}
	for _, name := range needed {
		if r.Credentials.First(name) == "" {
			names = append(names, name)
		}
	}
	return names
}
