package simulate

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// NumberSettings is what has been entered at a number, as the parameters of Twilio's API name it.
func (a *TwilioAPI) NumberSettings(number string) url.Values {
	a.numbersMu.Lock()
	defer a.numbersMu.Unlock()
	return maps.Clone(a.numbers[number])
}

// numberSID is the id of a number of Twilio's.
func numberSID(number string) string {
	return "PN" + strings.Repeat("0", max(0, 32-len(digits(number)))) + digits(number)
}

// answerNumbers does what r asks of the numbers of the account: GET IncomingPhoneNumbers.json?PhoneNumber=…, POST IncomingPhoneNumbers/{Sid}.json. ok is false for
// anything else. The path is checked as far as the account.
// https://www.twilio.com/docs/phone-numbers/api/incomingphonenumber-resource
func (a *TwilioAPI) answerNumbers(r *http.Request) (answer any, refused *twilioError, ok bool) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	if len(parts) < 4 || parts[0] != twilioVersion || parts[1] != "Accounts" || !strings.HasPrefix(parts[3], "IncomingPhoneNumbers") {
		return nil, nil, false
	}
	account := parts[2]
	if refused := a.admits(r, account); refused != nil {
		return nil, refused, true
	}
	own := slices.DeleteFunc(slices.Clone(a.opts.Numbers), func(n Twilio) bool { return n.AccountSID != account })
	switch {
	case len(parts) == 4 && parts[3] == "IncomingPhoneNumbers.json" && r.Method == http.MethodGet:
		list := []any{}
		for _, n := range own {
			if n.Number == r.URL.Query().Get("PhoneNumber") {
				list = append(list, a.numberResource(n.Number))
			}
		}
		return map[string]any{"incoming_phone_numbers": list}, nil, true
	case len(parts) == 5 && r.Method == http.MethodPost:
		i := slices.IndexFunc(own, func(n Twilio) bool { return numberSID(n.Number)+".json" == parts[4] })
		if i < 0 {
			break
		}
		r.Body = http.MaxBytesReader(nil, r.Body, maxSendBody)
		if err := r.ParseForm(); err != nil {
			return nil, refuseTwilio(20001, "Unable to parse the parameters"), true
		}
		a.numbersMu.Lock()
		if a.numbers == nil {
			a.numbers = map[string]url.Values{}
		}
		if a.numbers[own[i].Number] == nil {
			a.numbers[own[i].Number] = url.Values{}
		}
		maps.Copy(a.numbers[own[i].Number], r.PostForm)
		a.numbersMu.Unlock()
		return a.numberResource(own[i].Number), nil, true
	}
	return nil, refuseTwilio(20404, "The requested resource "+r.URL.Path+" was not found"), true
}

func (a *TwilioAPI) numberResource(number string) any {
	set := a.NumberSettings(number)
	return map[string]string{"sid": numberSID(number), "phone_number": number, "sms_url": set.Get("SmsUrl"), "voice_url": set.Get("VoiceUrl")}
}
