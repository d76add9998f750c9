package africastalking

import (
	"time"

	"github.com/hookswitch/hookswitch"
)

// The words that an answer to a hop begins with.
const (
	proceed = "CON "
	end     = "END "
)

// hop is one request of a USSD session. Its text is all that was entered in the session, and not only what is new.
// https://developers.africastalking.com/docs/ussd/overview
func hop(f fields) (*hookswitch.Update, error) {
	s, err := session(f)
	if err != nil {
		return nil, err
	}
	s.Input = f["text"]
	s.Metadata["text"] = s.Input
	return &hookswitch.Update{Channel: hookswitch.USSD, Address: s.To, Dedup: "ussd:" + s.Session + ":" + s.Input, Dialogue: s}, nil
}

func session(f fields) (*hookswitch.DialogueStep, error) {
	id := f.get("sessionId")
	if id == "" {
		return nil, missing("sessionId")
	}
	m := facts{"provider": "africastalking", "sessionId": id}
	m.text("serviceCode", f.get("serviceCode"))
	m.text("networkCode", f.get("networkCode"))
	return &hookswitch.DialogueStep{Session: id, From: f.phone("phoneNumber"), To: f.get("serviceCode"), Direction: hookswitch.Inbound, Metadata: m}, nil
}

var sessionEnds = map[string]string{"Success": "completed", "Incomplete": "aborted", "Failed": "error"}

// sessionEnd is the word that a session is over, whoever ended it.
func sessionEnd(push *hookswitch.Push, f fields) (*hookswitch.Update, error) {
	s, err := session(f)
	if err != nil {
		return nil, err
	}
	m := facts(s.Metadata)
	m.text("providerStatus", f.get("status"))
	for _, name := range []string{"cost", "hopsCount", "input", "lastAppResponse", "errorMessage"} {
		m.text(name, f.get(name))
	}
	s.End = &hookswitch.DialogueEnd{Status: sessionEnds[f.get("status")], Duration: f.count("durationInMillis", time.Millisecond), ErrorText: f.get("errorMessage")}
	if s.End.Status == "" {
		s.End.Status = "error"
	}
	return &hookswitch.Update{Channel: hookswitch.USSD, Address: s.To, Dedup: "ussd-end:" + s.Session, At: f.time("date", push), Dialogue: s}, nil
}

// Say writes the answer to a hop, which is one screen of plain text, or to a request of a call. Pages of a long text have been made before; what is
// still too long for a screen is cut at a word.
func (p *Provider) Say(push *hookswitch.Push, s *hookswitch.DialogueStep, r hookswitch.DialogueReply) hookswitch.Answer {
	if f, err := read(push); err == nil && f.isCall() {
		return speak(push, r)
	}
	if r.End {
		return plainText(end + screen(r.Text))
	}
	return plainText(proceed + screen(r.Text))
}
