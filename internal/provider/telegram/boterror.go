package telegram

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch"
)

// answer is what every method of the Bot API answers.
// https://core.telegram.org/bots/api#making-requests, https://core.telegram.org/bots/api#responseparameters
type answer struct {
	OK          text            `json:"ok"`
	Result      json.RawMessage `json:"result"`
	Code        text            `json:"error_code"`
	Description text            `json:"description"`
	Parameters  struct {
		RetryAfter text `json:"retry_after"`
		MigrateTo  text `json:"migrate_to_chat_id"`
	} `json:"parameters"`
}

// The categories of failures.
const (
	categoryAuth      = "auth"       // the token
	categoryMedia     = "media"      // a file that could not be fetched or shown
	categoryPermanent = "permanent"  // the message itself
	categoryPolicy    = "policy"     // the bot may not do that there
	categoryRateLimit = "rate_limit" // too much at once
	categoryRecipient = "recipient"  // the person cannot be reached
	categoryTemporary = "temporary"  // Telegram's own trouble
)

// codeBlocked is the code for a person who has blocked the bot.
const codeBlocked = "bot_blocked"

// Words by which descriptions tell failures apart, in lower case. Codes alone do not: 400 and 403 stand for most of what can go wrong. The first that
// fits counts.
var descriptions = []struct{ words, code, category string }{
	{"bot was blocked by the user", codeBlocked, categoryRecipient},
	{"user is deactivated", "user_deactivated", categoryRecipient},
	{"bot can't initiate conversation", "chat_not_started", categoryRecipient},
	{"bot can't send messages to bots", "recipient_is_bot", categoryRecipient},
	{"bot was kicked", "bot_kicked", categoryRecipient},
	{"bot is not a member", "bot_kicked", categoryRecipient},
	{"chat not found", "chat_not_found", categoryRecipient},
	{"peer_id_invalid", "chat_not_found", categoryRecipient},
	{"not enough rights", "no_rights", categoryPolicy},
	{"have no rights", "no_rights", categoryPolicy},
	{"message is too long", codeTooLong, categoryPermanent},
	{"caption is too long", codeTooLong, categoryPermanent},
	{"http url", "media_refused", categoryMedia},
	{"wrong file identifier", "media_refused", categoryMedia},
	{"wrong type of the web page content", "media_refused", categoryMedia},
	{"wrong remote file", "media_refused", categoryMedia},
	{"file is too big", "media_refused", categoryMedia},
	{"failed to get", "media_refused", categoryMedia},
}

// failure says what a refusal means for the message.
func (a *answer) failure() *hookswitch.SendError {
	fail := &hookswitch.SendError{Code: string(a.Code), Category: categoryPermanent, Message: bounded(string(a.Description))}
	code, _ := strconv.Atoi(string(a.Code))
	switch {
	case a.Parameters.MigrateTo != "" && isChat(string(a.Parameters.MigrateTo)):
		fail.Code, fail.Category = "chat_migrated", categoryRecipient
		fail.Message = "the group has become a supergroup, whose id is " + string(a.Parameters.MigrateTo)
		return fail
	case code == http.StatusTooManyRequests:
		fail.Category, fail.Temporary, fail.RetryAfter = categoryRateLimit, true, seconds(a.Parameters.RetryAfter)
		return fail
	case code == http.StatusUnauthorized, code == http.StatusNotFound: // no bot has the token
		fail.Category = categoryAuth
		return fail
	case code >= 500: // Telegram does not say whether it had got to the end
		fail.Category, fail.Unknown = categoryTemporary, true
		return fail
	case code == http.StatusForbidden:
		fail.Category = categoryRecipient
	}
	said := strings.ToLower(string(a.Description))
	for _, d := range descriptions {
		if strings.Contains(said, d.words) {
			fail.Code, fail.Category, fail.OptedOut = d.code, d.category, d.code == codeBlocked
			break
		}
	}
	return fail
}

// seconds is a wait that was asked for, of up to a day.
func seconds(t text) time.Duration {
	n, err := strconv.Atoi(string(t))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(min(n, 24*3600)) * time.Second
}

// bounded keeps what people read of a stranger's text.
func bounded(s string) string {
	const most = 500
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
