package telegram

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// The kinds of updates that are read here. Telegram keeps the others to itself.
var allowedUpdates = []string{"message", "edited_message", "callback_query", "my_chat_member"}

// maxConnections is how many updates Telegram pushes at once. It is Telegram's own choice, made explicit because Telegram otherwise keeps what it was told
// before.
const maxConnections = 40

// Register has Telegram push the bot's updates to door, with the secret token by which they are proved. What waits at Telegram is pushed too.
// https://core.telegram.org/bots/api#setwebhook
func (p *Provider) Register(ctx context.Context, r *hookswitch.Route, door string) error {
	secret := r.Credentials.All(credSecretToken)
	if len(secret) == 0 {
		return hookswitch.Errorf(hookswitch.Invalid, "The sender has no %s: choose one of 1 to 256 letters, digits, - and _.", credSecretToken)
	}
	body, err := json.Marshal(struct {
		URL            string   `json:"url"`
		Secret         string   `json:"secret_token"`
		AllowedUpdates []string `json:"allowed_updates"`
		MaxConnections int      `json:"max_connections"`
	}{door, secret[0], allowedUpdates, maxConnections})
	if err != nil {
		return hookswitch.Errorf(hookswitch.Invalid, "The address cannot be written as JSON: %w", err)
	}
	resp, fail := p.post(ctx, r.Credentials, "setWebhook", body)
	if fail == nil {
		_, fail = readAnswer(resp)
	}
	switch {
	case fail == nil:
		return nil
	case fail.Unknown: // setting it twice does no harm
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Telegram has not said whether it took the address; try again.", Err: fail}
	case fail.Temporary:
		return &hookswitch.Error{
			Kind: hookswitch.Unavailable, Message: "Telegram could not be told: " + fail.Message + ".", RetryAfter: fail.RetryAfter, Err: fail,
		}
	}
	return &hookswitch.Error{Kind: hookswitch.Invalid, Message: "Telegram refused: " + fail.Message + ".", Err: fail}
}

// Steps are those of setWebhook where Telegram has not been told yet, and what only BotFather can set.
func (p *Provider) Steps(r *hookswitch.Route, door string, registered bool) []string {
	var steps []string
	if !registered {
		for _, cred := range []struct{ name, how string }{
			{credBotToken, "Write /newbot to @BotFather, answer its questions, and put the token it gives into " + credBotToken + "."},
			{credSecretToken, "Choose a " + credSecretToken + " of 1 to 256 letters, digits, - and _, for this bot alone."},
		} {
			if r.Credentials.First(cred.name) == "" {
				steps = append(steps, cred.how)
			}
		}
		steps = append(steps, "Call setWebhook of the Bot API with the url "+door+", the secret_token of the sender, and allowed_updates "+strings.Join(allowedUpdates, ", ")+".")
	}
	return append(steps, "For a bot that is to read everything in groups, write /setprivacy to @BotFather and choose Disable.")
}
