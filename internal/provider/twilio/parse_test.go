package twilio_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/twilio"
)

// message reads a message of WhatsApp with the parameters beside those that all have.
func message(t *testing.T, parameters map[string]string) *hookswitch.InboundMessage {
	t.Helper()
	form := url.Values{"MessageSid": {"SM1"}, "From": {"whatsapp:+254712345678"}, "To": {"whatsapp:+14155238886"}}
	for name, v := range parameters {
		form.Set(name, v)
	}
	updates := parse(t, "/api/channels/sms", form)
	if len(updates) == 0 || updates[0].Message == nil {
		t.Fatalf("%v: %+v, want a message", parameters, updates)
	}
	return updates[0].Message
}

func TestParse_ReadsEachKindOfMessage(t *testing.T) {
	t.Parallel()
	type object = map[string]any
	type list = []any
	for name, tt := range map[string]struct {
		in                      map[string]string
		kind, typ, text, marker string
		content, metadata       object
		unsupported             bool
	}{
		"text":    {map[string]string{"MessageType": "text", "Body": "  hi\n"}, "", "text", "  hi\n", "", nil, object{}, false},
		"nothing": {map[string]string{"Body": ""}, "", "text", "", "", nil, object{}, false},
		"a button without a text of its own": {
			map[string]string{"MessageType": "interactive", "Body": "Yes", "ButtonPayload": "y"}, "button_reply", "text", "Yes", "[button_reply]",
			object{"payload": "y"}, object{"messageType": "button_reply", "payload": "y"}, false,
		},
		"a row of a list": {
			map[string]string{"MessageType": "interactive", "Body": "One", "ListId": "1", "ListTitle": "One", "ListDescription": "the first"}, "list_reply", "text", "One", "[list_reply]",
			object{"replyId": "1", "replyDescription": "the first"}, object{"messageType": "list_reply", "replyId": "1"}, false,
		},
		"a place": {
			map[string]string{"MessageType": "location", "Latitude": "-1.2921", "Longitude": "36.8219", "Label": "Market", "Address": "1 Way"}, "location", "location", "", "[location]",
			object{"latitude": -1.2921, "longitude": 36.8219, "locationName": "Market", "locationAddress": "1 Way"},
			object{"messageType": "location", "latitude": -1.2921, "longitude": 36.8219, "locationName": "Market", "locationAddress": "1 Way"}, false,
		},
		"a place that is none": {
			map[string]string{"Latitude": "NaN", "Longitude": "x"}, "location", "location", "", "[location]", nil, object{"messageType": "location"}, false,
		},
		"a voice note": {
			map[string]string{"MessageType": "audio", "NumMedia": "1", "MediaUrl0": "https://api.twilio.com/m", "MediaContentType0": "audio/ogg"}, "audio", "audio", "", "[audio]",
			object{"mediaUrl": "https://api.twilio.com/m", "mimeType": "audio/ogg"}, object{"messageType": "audio", "mediaUrl": "https://api.twilio.com/m", "mimeType": "audio/ogg"}, false,
		},
		"a sticker": {
			map[string]string{"MessageType": "sticker", "MediaUrl0": "https://api.twilio.com/m", "MediaContentType0": "image/webp"}, "sticker", "sticker", "", "[sticker]",
			object{"mediaUrl": "https://api.twilio.com/m", "mimeType": "image/webp"}, object{"messageType": "sticker", "mediaUrl": "https://api.twilio.com/m", "mimeType": "image/webp"}, false,
		},
		"a card": {
			map[string]string{"MessageType": "contacts", "MediaUrl0": "https://api.twilio.com/m", "MediaContentType0": "text/vcard"}, "contacts", "document", "", "[contacts]",
			object{"mediaUrl": "https://api.twilio.com/m", "mimeType": "text/vcard"}, object{"messageType": "contacts", "mediaUrl": "https://api.twilio.com/m", "mimeType": "text/vcard"}, false,
		},
		"a file with a caption": {
			map[string]string{"MessageType": "document", "Body": "yours", "MediaUrl0": "https://api.twilio.com/m"}, "document", "document", "yours", "[document]",
			object{"mediaUrl": "https://api.twilio.com/m"}, object{"messageType": "document", "mediaUrl": "https://api.twilio.com/m"}, false,
		},
		"an answer that was forwarded": {
			map[string]string{
				"Body": "ok", "Forwarded": "true", "FrequentlyForwarded": "false", "OriginalRepliedMessageSid": "SM0", "OriginalRepliedMessageSender": "whatsapp:+14155238886",
				"ExternalUserId": "whatsapp:KE.456", "ProfileName": "Zoë",
			}, "", "text", "ok", "",
			object{"replyToProviderMessageId": "SM0", "replyToFrom": "+14155238886"},
			object{"replyToMessageId": "SM0", "forwarded": true, "userId": "KE.456", "profileName": "Zoë"}, false,
		},
		"from an ad": {
			map[string]string{
				"Body": "hi", "ReferralCtwaClid": "c", "ReferralSourceId": "1", "ReferralSourceType": "ad", "ReferralSourceUrl": "https://fb.me/1", "ReferralHeadline": "Chat",
				"ReferralBody": "Sale", "ReferralMediaContentType": "video/mp4", "ReferralMediaUrl": "https://x.test/v",
			}, "", "text", "hi", "",
			object{"referral": object{
				"ctwaClid": "c", "sourceId": "1", "sourceType": "ad", "sourceUrl": "https://fb.me/1", "headline": "Chat", "body": "Sale", "mediaType": "video", "videoUrl": "https://x.test/v",
			}}, object{}, false,
		},
		"of a kind that does not exist yet": {
			map[string]string{"MessageType": "hologram"}, "unsupported", "text", "", "[unsupported]",
			object{"kind": "unsupported", "unsupportedType": "hologram"}, object{"messageType": "unsupported", "actionable": false}, true,
		},
		"of a kind that does not exist yet, with a text": {map[string]string{"MessageType": "hologram", "Body": "hi"}, "", "text", "hi", "", nil, object{}, false},
		"two files": {
			map[string]string{"MediaUrl0": "u0", "MediaContentType0": "video/mp4", "MediaUrl1": "u1", "MediaUrl3": "u3"}, "video", "video", "", "[video]",
			object{"mediaUrl": "u0", "mimeType": "video/mp4", "media": list{object{"type": "video", "mediaUrl": "u0", "mimeType": "video/mp4"}, object{"type": "document", "mediaUrl": "u1"}}},
			object{"messageType": "video", "mediaUrl": "u0", "mimeType": "video/mp4", "numMedia": 2}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := message(t, tt.in)
			tt.metadata["provider"], tt.metadata["to"] = "twilio", "+14155238886"
			want := &hookswitch.InboundMessage{
				ProviderID: "SM1", From: "+254712345678", To: "+14155238886", ProfileName: tt.in["ProfileName"], Text: tt.text, Marker: tt.marker, Kind: tt.kind, Type: tt.typ,
				Content: tt.content, Metadata: tt.metadata, Unsupported: tt.unsupported, Quiet: tt.unsupported,
			}
			if diff := cmp.Diff(want, m); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestParse_KnowsTheChannelByTheAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		from, to, wantFrom, wantTo string
		ch                         hookswitch.Channel
	}{
		{"+15551234567", "+12028831111", "+15551234567", "+12028831111", hookswitch.SMS},
		{"12345", "+12028831111", "12345", "+12028831111", hookswitch.SMS},
		{"ACME", "+12028831111", "ACME", "+12028831111", hookswitch.SMS},
		{"whatsapp:+15551234567", "whatsapp:+14155238886", "+15551234567", "+14155238886", hookswitch.WhatsApp},
		{"whatsapp:15551234567", "whatsapp:+14155238886", "+15551234567", "+14155238886", hookswitch.WhatsApp},
		{"whatsapp:US.13491208655302741918", "whatsapp:+14155238886", "US.13491208655302741918", "+14155238886", hookswitch.WhatsApp},
		{"rcs:+15551234567", "rcs:acme_agent", "+15551234567", "acme_agent", hookswitch.SMS},
	} {
		u := parse(t, "/api/channels/sms", url.Values{"MessageSid": {"SM1"}, "From": {tt.from}, "To": {tt.to}, "Body": {"hi"}})[0]
		if u.Message == nil || u.Channel != tt.ch || u.Message.From != tt.wantFrom || u.Message.To != tt.wantTo || u.Address != tt.wantTo {
			t.Errorf("from %s: %+v %+v", tt.from, u, u.Message)
		}
	}
}

func TestParse_TellsOfOptingOutBesideTheMessage(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]*hookswitch.OptOut{
		"STOP": {From: "+15551234567"}, "START": {From: "+15551234567", Again: true}, "start": {From: "+15551234567", Again: true}, "HELP": nil, "": nil,
	} {
		updates := parse(t, "/api/channels/sms", url.Values{"MessageSid": {"SM1"}, "From": {"+15551234567"}, "To": {"+12028831111"}, "Body": {word}, "OptOutType": {word}})
		if m := updates[0].Message; m == nil || m.Quiet != (word != "") {
			t.Errorf("%s: %+v", word, m)
		}
		if want == nil {
			if len(updates) != 1 {
				t.Errorf("%s: %d updates", word, len(updates))
			}
			continue
		}
		if len(updates) != 2 || updates[1].OptOut == nil || *updates[1].OptOut != *want || updates[1].Dedup == updates[0].Dedup || updates[1].Address != "+12028831111" {
			t.Errorf("%s: %+v", word, updates)
		}
	}
}

func TestParse_KeepsAsideWhatItCannotRead(t *testing.T) {
	t.Parallel()
	for name, form := range map[string]url.Values{
		"no sender":            {"MessageSid": {"SM1"}, "Body": {"hi"}},
		"an unknown channel":   {"MessageSid": {"SM1"}, "From": {"messenger:123"}, "To": {"messenger:4"}, "Body": {"hi"}},
		"a report about it":    {"MessageSid": {"SM1"}, "To": {"messenger:123"}, "MessageStatus": {"sent"}},
		"a message without id": {"MessageSid": {""}, "From": {"+1"}, "Body": {"hi"}},
		"a call without id":    {"CallSid": {""}, "From": {"+1"}},
	} {
		updates := parse(t, "/api/channels/sms", form)
		if len(updates) != 1 || updates[0].Broken == nil || updates[0].Dedup == "" {
			t.Errorf("%s: %+v", name, updates)
		}
	}
	for name, form := range map[string]url.Values{
		"another product":           {"VerificationSid": {"VE1"}},
		"a status of another time":  {"MessageSid": {"SM1"}, "To": {"+1"}, "MessageStatus": {"teleported"}},
		"a call state of that sort": {"CallSid": {"CA1"}, "CallStatus": {"levitating"}, "CallbackSource": {"x"}},
		"nothing":                   {},
	} {
		if updates := parse(t, "/api/channels/sms", form); len(updates) != 0 {
			t.Errorf("%s: %+v", name, updates)
		}
	}
}

func TestParse_RefusesABodyThatIsNoForm(t *testing.T) {
	t.Parallel()
	for contentType, body := range map[string]string{formType: "Body=%zz", "application/json": `[{"a":`} {
		push := request(t, "https://gw.example.test/api/channels/sms", body, "")
		push.Header.Set("Content-Type", contentType)
		if updates, err := twilio.New(twilio.Options{}).Parse(push); hookswitch.KindOf(err) != hookswitch.Invalid || len(updates) > 0 {
			t.Errorf("%s: %v, %v", body, updates, err)
		}
	}
}

func TestParse_ReadsEachStatus(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]hookswitch.MessageStatus{
		"accepted": "queued", "scheduled": "queued", "queued": "queued", "sending": "queued", "sent": "sent", "delivered": "delivered", "read": "read",
		"undelivered": "failed", "failed": "failed", "canceled": "failed",
	} {
		u := parse(t, "/in/snd_1/whatsapp?ref=msg_7", url.Values{
			"MessageSid": {"SM1"}, "MessageStatus": {word}, "To": {"whatsapp:+254712345678"}, "From": {"whatsapp:+14155238886"}, "RawDlrDoneDate": {"2607181030"},
		})[0]
		r := u.Receipt
		if r == nil || r.Status != want || r.Ref != "msg_7" || r.ProviderID != "SM1" || r.Recipient != "+254712345678" || u.Address != "+14155238886" ||
			u.Channel != hookswitch.WhatsApp || u.Dedup != "status:SM1:"+word || !u.At.IsZero() {
			t.Errorf("%s: %+v %+v", word, u, r)
		}
		if (r.ErrorCode != "") != (want == "failed") || (r.ErrorText != "") != (want == "failed") {
			t.Errorf("%s: code %q, text %q", word, r.ErrorCode, r.ErrorText)
		}
	}
	older := parse(t, "/api/channels/sms", url.Values{"SmsSid": {"SM1"}, "SmsStatus": {"delivered"}, "To": {"+1"}})
	if len(older) != 1 || older[0].Receipt == nil || older[0].Receipt.Status != "delivered" {
		t.Errorf("in the older form: %+v", older)
	}
}

func TestParse_ExplainsFailures(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]struct {
		category  string
		retriable bool
	}{
		"21610": {"recipient", false}, "30003": {"recipient", true}, "30005": {"recipient", false}, "30007": {"policy", false}, "30008": {"temporary", true},
		"30034": {"policy", false}, "63016": {"window", false}, "63018": {"rate_limit", true}, "63019": {"media", true}, "99999": {"permanent", false}, "": {"permanent", false},
	} {
		r := parse(t, "/api/channels/sms", url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"undelivered"}, "To": {"+1"}, "ErrorCode": {code}})[0].Receipt
		if r.ErrorCategory != want.category || r.Retriable != want.retriable || r.ErrorText == "" || code != "" && r.ErrorCode != code {
			t.Errorf("%s: %+v", code, r)
		}
	}
	r := parse(t, "/api/channels/sms", url.Values{"MessageSid": {"SM1"}, "MessageStatus": {"failed"}, "To": {"+1"}, "ErrorCode": {"30003"}, "ErrorMessage": {"Unreachable"}})[0].Receipt
	if r.ErrorText != "Unreachable" {
		t.Errorf("Twilio's own words: %q", r.ErrorText)
	}
}
