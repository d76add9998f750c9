package meta

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hookswitch/hookswitch"
)

const objectWhatsApp = "whatsapp_business_account"

// value is what one change of the field "messages" holds.
type value struct {
	Metadata struct {
		DisplayPhoneNumber text `json:"display_phone_number"`
		PhoneNumberID      text `json:"phone_number_id"`
	} `json:"metadata"`
	Contacts []profile         `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Statuses []json.RawMessage `json:"statuses"`
	Errors   []graphError      `json:"errors"`
}

// profile is a person as a push introduces them. People who hide their number have no wa_id.
type profile struct {
	WaID    text `json:"wa_id"`
	UserID  text `json:"user_id"`
	Profile struct {
		Name     text `json:"name"`
		Username text `json:"username"`
	} `json:"profile"`
}

// parseWhatsApp reads the messages and statuses of all accounts in a push, and what was decided on templates. The other fields (calls, what the business
// writes from its own phone, …) tell nothing that is needed here.
func parseWhatsApp(env *envelope) []hookswitch.Update {
	var updates []hookswitch.Update
	for _, e := range env.Entry {
		for _, c := range e.Changes {
			switch {
			case len(c.Value) == 0:
			case c.Field == "messages":
				updates = appendValue(updates, c.Value)
			case c.Field == "message_template_status_update":
				updates = append(updates, e.templateNews(c.Value))
			}
		}
	}
	return updates
}

func appendValue(updates []hookswitch.Update, raw json.RawMessage) []hookswitch.Update {
	var v value
	err := json.Unmarshal(raw, &v)
	address := string(v.Metadata.PhoneNumberID)
	for _, item := range v.Messages {
		list, err := v.message(item)
		if err != nil {
			list = []hookswitch.Update{broken(hookswitch.WhatsApp, address, item, fmt.Errorf("read message: %w", err))}
		}
		updates = append(updates, list...)
	}
	for _, item := range v.Statuses {
		u, ok, err := v.status(item)
		if err != nil {
			u, ok = broken(hookswitch.WhatsApp, address, item, fmt.Errorf("read status: %w", err)), true
		}
		if ok {
			updates = append(updates, u)
		}
	}
	if err != nil {
		updates = append(updates, broken(hookswitch.WhatsApp, address, raw, fmt.Errorf("read change: %w", err)))
	}
	return updates
}

// message reads one received message. What is none, such as a group's, tells nothing; a change of identity may tell two things.
func (v *value) message(raw json.RawMessage) ([]hookswitch.Update, error) {
	var m message
	if err := json.Unmarshal(raw, &m); spoilt(err, raw, string(m.Type)) {
		return nil, err
	}
	switch {
	case m.GroupID != "":
		return nil, nil
	case m.ID == "":
		return nil, errNoID
	}
	u := hookswitch.Update{
		Channel: hookswitch.WhatsApp,
		Address: string(v.Metadata.PhoneNumberID),
		Dedup:   "message:" + string(m.ID),
		At:      m.Timestamp.clock(),
	}
	switch m.Type {
	case "system":
		return m.contactChanges(u), nil
	case "edit", "revoke":
		if u.Change = m.change(); u.Change == nil {
			return nil, errors.New(string(m.Type) + " names no message")
		}
		return []hookswitch.Update{u}, nil
	}
	if m.sender() == "" {
		return nil, errors.New("message has no sender")
	}
	u.Message = v.inbound(&m)
	return []hookswitch.Update{u}, nil
}

// spoilt reports whether err, of reading the item raw, is about more than members that only describe it further, such as its context: one of those may be of another form than expected,
// and all others have been read. The member that is named as needed must be as it should be; "": none is.
func spoilt(err error, raw json.RawMessage, needed string) bool {
	if err == nil {
		return false
	}
	var odd *json.UnmarshalTypeError
	if !errors.As(err, &odd) || odd.Field == "" {
		return true
	}
	if first, _, _ := strings.Cut(odd.Field, "."); first == needed {
		return true
	}
	var members map[string]json.RawMessage // of several odd members the error names the first
	_ = json.Unmarshal(raw, &members)
	return len(members[needed]) > 0 && members[needed][0] != '{' && members[needed][0] != '['
}

// profileOf is what the push tells of the sender of m. Profiles are matched by id, never by position.
func (v *value) profileOf(m *message) (name, username string) {
	for _, p := range v.Contacts {
		if m.From != "" && p.WaID == m.From || m.FromUserID != "" && p.UserID == m.FromUserID {
			return string(p.Profile.Name), string(p.Profile.Username)
		}
	}
	return "", ""
}

// ownNumber is the number that was written to. It is a display text: some come with spaces.
func (v *value) ownNumber() string {
	digits := make([]byte, 0, len(v.Metadata.DisplayPhoneNumber))
	for _, b := range []byte(v.Metadata.DisplayPhoneNumber) {
		if '0' <= b && b <= '9' {
			digits = append(digits, b)
		}
	}
	return text(digits).phone()
}
