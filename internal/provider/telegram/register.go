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
	_, fail := p.ask(ctx, r.Credentials, "setWebhook", body)
	return told(fail)
}

// Unregister has Telegram push nothing more for the bot. What waits at Telegram stays there for as long as Telegram keeps it.
// https://core.telegram.org/bots/api#deletewebhook
func (p *Provider) Unregister(ctx context.Context, r *hookswitch.Route) error {
	_, fail := p.ask(ctx, r.Credentials, "deleteWebhook", []byte("{}"))
	return told(fail)
}

// Connect asks Telegram whose token it is.
// https://core.telegram.org/bots/api#getme
func (p *Provider) Connect(ctx context.Context, ch hookswitch.Channel, c hookswitch.Credentials) (hookswitch.ConnectedAccount, error) {
	id := p.Address(ch, c, "")
	if id == "" || strings.ContainsFunc(c.First(credBotToken), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return hookswitch.ConnectedAccount{}, hookswitch.InvalidField("must be the token that BotFather gives: the id of the bot, a colon, and letters and digits", credBotToken)
	}
	a, fail := p.ask(ctx, c, "getMe", []byte("{}"))
	if fail != nil {
		err := told(fail)
		if hookswitch.KindOf(err) == hookswitch.Invalid {
			err = hookswitch.InvalidField("was not accepted by Telegram: "+fail.Message, credBotToken)
		}
		return hookswitch.ConnectedAccount{}, err
	}
	var me struct {
		Username text `json:"username"`
	}
	// An odd result leaves the name empty.
	_ = json.Unmarshal(a.Result, &me)
	return hookswitch.ConnectedAccount{Channel: ch, ID: id, Name: string(me.Username)}, nil
}

// ask calls a method of the bot and reads the answer.
func (p *Provider) ask(ctx context.Context, c hookswitch.Credentials, method string, body []byte) (*answer, *hookswitch.SendError) {
	resp, fail := p.post(ctx, c, method, body)
	if fail != nil {
		return nil, fail
	}
	return readAnswer(resp)
}

// told is what became of a call that is no send, and that may be made twice.
func told(fail *hookswitch.SendError) error {
	switch {
	case fail == nil:
		return nil
	case fail.Unknown:
		return &hookswitch.Error{Kind: hookswitch.Unavailable, Message: "Telegram has not answered; try again.", Err: fail}
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
