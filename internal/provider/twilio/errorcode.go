package twilio

import "strings"

// verdict is what an error code means for the message it is about.
type verdict struct {
	category  string
	temporary bool   // the same message may get through later
	sentence  string // for reports, which often come without one
}

// The categories of failures.
const (
	categoryAuth      = "auth"       // the credentials, or what they may do
	categoryMedia     = "media"      // a file that could not be fetched or carried
	categoryPermanent = "permanent"  // the message itself, or the number it is sent from
	categoryPolicy    = "policy"     // a carrier, WhatsApp or Twilio will not carry it
	categoryRateLimit = "rate_limit" // too much at once
	categoryRecipient = "recipient"  // the person cannot be reached
	categoryTemplate  = "template"
	categoryTemporary = "temporary" // trouble on the way
	categoryWindow    = "window"    // more than 24 hours since the person last wrote
)

// codeOptedOut is the code for a person who has said that they want no messages.
const codeOptedOut = "21610"

// verdicts are the codes that say more than that the message failed. https://www.twilio.com/docs/api/errors
var verdicts = map[string]verdict{
	"20003": {categoryAuth, false, "the credentials are not valid"},
	"20404": {categoryAuth, false, "there is no such account"},
	"20429": {categoryRateLimit, true, "too many requests"},

	"21211":      {categoryRecipient, false, "the recipient's number is not valid"},
	"21217":      {categoryRecipient, false, "the recipient's number is not valid"},
	"21408":      {categoryPolicy, false, "sending to this region is not permitted"},
	"21606":      {categoryPermanent, false, "messages cannot be sent from this number to this destination"},
	"21608":      {categoryPolicy, false, "a trial account sends to verified numbers only"},
	"21609":      {categoryPermanent, false, "the address for reports is not valid"},
	codeOptedOut: {categoryRecipient, false, "the recipient has opted out"},
	"21611":      {categoryRateLimit, true, "the queue of the sending number is full"},
	"21612":      {categoryRecipient, false, "the recipient cannot be reached from this number"},
	"21614":      {categoryRecipient, false, "the recipient's number is not a mobile number"},
	"21617":      {categoryPermanent, false, "the text is too long"},
	"21620":      {categoryMedia, false, "the address of the file is not valid"},
	"21635":      {categoryRecipient, false, "the recipient's number is a landline"},
	"21655":      {categoryTemplate, false, "the template does not exist"},
	"21656":      {categoryTemplate, false, "the variables of the template are not valid"},
	"21703":      {categoryPermanent, false, "the messaging service has no number that can send this"},

	"30001": {categoryRateLimit, true, "the queue is full"},
	"30002": {categoryAuth, false, "the account is suspended"},
	"30003": {categoryRecipient, true, "the recipient's phone cannot be reached"},
	"30004": {categoryRecipient, false, "the message was blocked"},
	"30005": {categoryRecipient, false, "the recipient's number is unknown"},
	"30006": {categoryRecipient, false, "the recipient's number is a landline, or its carrier cannot be reached"},
	"30007": {categoryPolicy, false, "the message was filtered"},
	"30008": {categoryTemporary, true, "the message was not delivered, for an unknown reason"},
	"30011": {categoryMedia, false, "the recipient cannot receive files"},
	"30017": {categoryTemporary, true, "the carrier's network is congested"},
	"30019": {categoryMedia, false, "the file is larger than the carrier takes"},
	"30022": {categoryRateLimit, true, "more messages than the campaign may send"},
	"30023": {categoryRateLimit, true, "more messages than the brand may send on one day"},
	"30032": {categoryPolicy, false, "the toll-free number is not verified"},
	"30034": {categoryPolicy, false, "the number belongs to no registered campaign"},
	"30036": {categoryTemporary, true, "the message was not delivered in time"},
	"30410": {categoryTemporary, true, "the carrier did not answer in time"},

	"63001": {categoryAuth, false, "the channel does not accept its credentials"},
	"63003": {categoryRecipient, false, "the recipient is not on the channel"},
	"63007": {categoryAuth, false, "the account has no such sender on the channel"},
	"63010": {categoryTemporary, true, "the channel failed"},
	"63012": {categoryTemporary, true, "the channel's provider failed"},
	"63013": {categoryPolicy, false, "the message violates the channel's policy"},
	"63014": {categoryRecipient, false, "the recipient has blocked the sender"},
	"63015": {categoryRecipient, false, "the recipient has not joined the sandbox"},
	"63016": {categoryWindow, false, "more than 24 hours have passed since the recipient last wrote; only templates may be sent"},
	"63017": {categoryRateLimit, true, "too many messages for the channel"},
	"63018": {categoryRateLimit, true, "too many messages for the channel"},
	"63019": {categoryMedia, true, "the file could not be fetched"},
	"63021": {categoryPermanent, false, "the channel does not accept the content"},
	"63024": {categoryRecipient, false, "the recipient is not valid on the channel"},
	"63027": {categoryTemplate, false, "the template does not exist in this language"},
	"63028": {categoryTemplate, false, "the variables do not fit the template"},
	"63032": {categoryPolicy, false, "the channel limits messages to this recipient"},
	"63033": {categoryRecipient, false, "the recipient has blocked the sender"},
	"63038": {categoryRateLimit, false, "the account's daily limit is reached"},
	"63040": {categoryTemplate, false, "the template was rejected"},
	"63041": {categoryTemplate, false, "the template is paused"},
	"63042": {categoryTemplate, false, "the template is disabled"},
	"63049": {categoryPolicy, false, "WhatsApp chose not to deliver this marketing message"},
	"63051": {categoryPolicy, false, "the WhatsApp Business account is locked"},
}

// verdictOf is what a code means. One that is not listed says that the message failed for good.
func verdictOf(code string) verdict {
	if v, ok := verdicts[code]; ok {
		return v
	}
	v := verdict{category: categoryPermanent, sentence: "the message was not delivered"}
	switch {
	case code == "canceled":
		v.sentence = "the message was canceled"
	case strings.HasPrefix(code, "200"):
		v.category = categoryAuth
	}
	return v
}
