package africastalking

import "strings"

// verdict is what a code or word of Africa's Talking means for the message it is about.
type verdict struct {
	category  string
	temporary bool // a later send may succeed
	sentence  string
}

// The categories of failures.
const (
	categoryAuth      = "auth"
	categoryBalance   = "balance"
	categoryPermanent = "permanent"
	categoryPolicy    = "policy"
	categoryRateLimit = "rate_limit"
	categoryRecipient = "recipient"
	categoryTemporary = "temporary"
)

// verdicts are by word in lower case: status words of answers, failure reasons of reports.
// https://developers.africastalking.com/docs/sms/sending/bulk and https://developers.africastalking.com/docs/sms/notifications
var verdicts = map[string]verdict{
	"riskhold":              {categoryPolicy, false, "the message was held back because it may do harm"},
	"invalidsenderid":       {categoryAuth, false, "the short code or sender name does not belong to the account"},
	"invalidphonenumber":    {categoryRecipient, false, "the recipient is not a valid phone number"},
	"unsupportednumbertype": {categoryRecipient, false, "the recipient's number is of a kind that takes no messages"},
	"insufficientbalance":   {categoryBalance, false, "the account's balance does not cover the message"},
	"userinblacklist":       {categoryRecipient, false, "the recipient has asked for no more messages of this sender"},
	"couldnotroute":         {categoryRecipient, false, "no network was found that reaches the recipient"},
	"donotdisturb":          {categoryPolicy, false, "the recipient's network takes no messages for them"},
	"donotdisturbrejection": {categoryPolicy, false, "the recipient's network takes no messages for them"},
	"internalservererror":   {categoryTemporary, true, "africastalking has failed"},
	"gatewayerror":          {categoryTemporary, true, "africastalking has failed"},
	"rejectedbygateway":     {categoryPermanent, false, "the network has rejected the message"},

	"insufficientcredit":         {categoryRecipient, false, "the recipient has not enough credit for a premium message"},
	"invalidlinkid":              {categoryPermanent, false, "the message that was to be answered is not known, or too old"},
	"userisinactive":             {categoryRecipient, false, "the recipient's number is not active"},
	"useraccountsuspended":       {categoryRecipient, false, "the recipient's number is suspended"},
	"notnetworksubscriber":       {categoryRecipient, false, "the recipient's number does not belong to the network"},
	"usernotsubscribedtoproduct": {categoryRecipient, false, "the recipient has not subscribed to the service"},
	"userdoesnotexist":           {categoryRecipient, false, "the recipient's number does not exist"},
	"deliveryfailure":            {categoryPermanent, false, "the network could not deliver the message, and has not said why"},
	"absentsubscriber":           {categoryRecipient, true, "the recipient's phone is switched off or out of reach"},
	"expired":                    {categoryRecipient, true, "the recipient's phone was out of reach for too long"},
	"rejected":                   {categoryPermanent, false, "the network has rejected the message"},
	"failed":                     {categoryPermanent, false, "the message could not be delivered"},
}

// optedOut reports whether a word says that the person has asked for no more messages.
func optedOut(word string) bool { return strings.EqualFold(word, "UserInBlacklist") }

// verdictOf judges by a word. One that is not known is taken as it is.
func verdictOf(word string) verdict {
	if v, ok := verdicts[strings.ToLower(word)]; ok {
		return v
	}
	return verdict{category: categoryPermanent, sentence: bounded(word)}
}

// statusCodes are the words for the codes of recipients in an answer. From 400 on the message was not taken.
var statusCodes = map[int]string{
	401: "RiskHold", 402: "InvalidSenderId", 403: "InvalidPhoneNumber", 404: "UnsupportedNumberType", 405: "InsufficientBalance", 406: "UserInBlacklist",
	407: "CouldNotRoute", 409: "DoNotDisturb", 500: "InternalServerError", 501: "GatewayError", 502: "RejectedByGateway",
}

// bounded keeps what people read of a stranger's text.
func bounded(s string) string {
	const most = 300
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
