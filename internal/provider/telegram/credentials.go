package telegram

import "github.com/hookswitch/hookswitch"

var _ hookswitch.CredentialsDescriber = (*Provider)(nil)

// CredentialFields are the bot's.
func (p *Provider) CredentialFields(hookswitch.Channel) []hookswitch.CredentialField {
	return []hookswitch.CredentialField{
		{Name: credBotToken, Label: "Bot token", Hint: "BotFather gives it: the bot's id, a colon, and a secret.", Holder: "110201543:AAH…", Sends: true},
		{Name: credSecretToken, Label: "Secret token", Hint: "A text of your choice, of letters, digits, - and _. Telegram repeats it with each push. Give each bot one of its own.", Several: true, Receives: true, Chosen: true},
	}
}
