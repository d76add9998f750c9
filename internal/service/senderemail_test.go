package service_test

import (
	"fmt"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/store"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestSenderEmail_SteersWhatIsReceivedAndSent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		w := servicetest.New(t, db)
		app := w.App()
		sender := w.Sender(app, "inbound@mail.example", hookswitch.Email, false)
		n := 0
		// mail says whether mail to the address is taken and, where it is not, why.
		mail := func(to string) (taken bool, why string) {
			t.Helper()
			n++
			u := servicetest.Text(to, "ana@example.org", fmt.Sprint("mail.", n), "Hi")
			u.Channel = hookswitch.Email
			w.Clock.Advance(1e9)
			res := servicetest.Must(w.Push(u))(t)
			if res.Strays > 0 {
				why = servicetest.Must(w.Store.Strays(t.Context(), store.Page{Limit: 1}))(t)[0].Reason
			}
			return len(res.Messages) == 1, why
		}
		set := func(in service.SenderChange) {
			t.Helper()
			servicetest.Must(w.Service.UpdateSender(t.Context(), app.Key, snd(w, sender), in))(t)
		}
		yes, no, address, name := true, false, "Support@acme.example", "Acme Support"
		if taken, why := mail("inbound@mail.example"); !taken {
			t.Errorf("a sender whose email nobody has set: %s", why)
		}
		set(service.SenderChange{EmailAddress: &address, EmailFromName: &name})
		if taken, why := mail("inbound@mail.example"); taken || why != "the sender receives no mail" {
			t.Errorf("without receiving: taken %v, %q", taken, why)
		}
		set(service.SenderChange{EmailReceiving: &yes})
		for _, to := range []string{"inbound@mail.example", "support@acme.example"} {
			if taken, why := mail(to); !taken {
				t.Errorf("to %s: %s", to, why)
			}
		}
		if taken, why := mail("sales@acme.example"); taken || why != "the sender takes no mail to other addresses than its own" {
			t.Errorf("without catch-all: taken %v, %q", taken, why)
		}
		set(service.SenderChange{EmailCatchAll: &yes})
		w.Sender(app, "other@mail.example", hookswitch.Email, false)
		if taken, why := mail("sales@acme.example"); !taken {
			t.Errorf("catch-all beside another sender of the account: %s", why)
		}
		if taken, _ := mail("sales@elsewhere.example"); taken {
			t.Error("catch-all takes mail of another domain")
		}
		set(service.SenderChange{EmailReceiving: &no})
		if taken, _ := mail("sales@acme.example"); taken {
			t.Error("catch-all counts while nothing is received")
		}

		servicetest.Must(w.Service.SendMessage(t.Context(), app.Key, service.NewMessage{Sender: snd(w, sender), To: "ana@example.org", Channel: hookswitch.Email, Type: "text", Text: "Hi"}, none))(t)
		due := w.Claim(hookswitch.DeliverMessage)
		if begun := servicetest.Must(w.Service.BeginSend(t.Context(), &due[0].Outcome))(t); begun.Out == nil || begun.Out.FromName != name {
			t.Errorf("sent as %+v", begun.Out)
		}
	})
}
