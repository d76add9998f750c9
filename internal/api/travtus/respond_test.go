package travtus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/deliver"
	"github.com/hookswitch/hookswitch/internal/service"
	"github.com/hookswitch/hookswitch/internal/service/servicetest"
	"github.com/hookswitch/hookswitch/internal/storetest"
	"github.com/hookswitch/hookswitch/internal/work"
)

// Section 6.2: every field, in the order of the published example, compact.
func TestRespond_PayloadIsAsPublished(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		s.withBot(&bot{reply: func(*hookswitch.Turn) (hookswitch.Reply, error) {
			return hookswitch.Reply{Text: "Thank you for your inquiry! <2 bedrooms> & \"more\""}, nil
		}})
		id := s.post(webChat("msg_1", "Is it free?", `,"conversation_id":"conv_abc123","sender_ext_ref":"visitor-1"`))
		got := s.waitAnswers("web_chat.respond", 1)
		want := `{"event_type":"web_chat.respond","message_id":"` + id + `","body":{"message_id":"msg_1","conversation_id":"conv_abc123","sender_name":"Iris",` +
			`"message_text":"Thank you for your inquiry! <2 bedrooms> & \"more\"","channel":"website","company_id":"company_789","sender_external_ref":"bot-7",` +
			`"human_handover_ind":false,"portfolio_external_ref":"portfolio_123"}}`
		if len(got) != 1 || got[0] != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		// The event is found by the id of the request.
		ev := servicetest.Must(s.Service.Event(t.Context(), s.app.Key, id))(t)
		if string(ev.Payload) != want || ev.UID != id {
			t.Errorf("by its eventId: %+v", ev)
		}
		if types := s.Types(s.app); !slices.Equal(types, []string{"web_chat.respond"}) {
			t.Errorf("the events are %v: what has been posted is told to nobody who has not asked for it", types)
		}
		list := s.Messages(s.app)
		if len(list) != 2 || list[1].Status != hookswitch.StatusSent || list[1].InReplyTo != list[0].Key || list[0].Text != "Is it free?" {
			t.Errorf("messages: %+v", list)
		}
	})
}

// Section 6.2: sms and email, and what stands for things that are not known.
func TestRespond_EachChannelHasItsEvent(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		s.withBot(&bot{})
		group := "550E8400-e29b-41d4-a716-446655440000"
		s.post(`{"channel":"email","group_id":"` + group + `","email":{"message_id":"<1@x>","text":"Hi","created_datetime":"2024-03-15T11:30:00+02:00",` +
			`"from_email_address":"jane@example.com","to_email_addresses":"a@example.com, b@example.com","subject":"Flat","conversation_id":"c1","references":[]}}`)
		s.post(sms("SM1", "Hello", "c1"))
		s.post(webChat("w1", "Hi", ""))
		body := func(eventType string) object {
			var out struct{ Body object }
			if err := json.Unmarshal([]byte(s.waitAnswers(eventType, 1)[0]), &out); err != nil {
				t.Fatal(err)
			}
			return out.Body
		}
		mail, text, chat := body("email.respond"), body("sms.respond"), body("web_chat.respond")
		if mail["channel"] != "email" || mail["portfolio_external_ref"] != "" || mail["conversation_id"] != "c1" || mail["message_id"] != "<1@x>" {
			t.Errorf("email: %v", mail)
		}
		if text["channel"] != "sms" || text["message_text"] != "re: Hello" || text["message_id"] != "SM1" {
			t.Errorf("sms: %v", text)
		}
		if made, _ := chat["conversation_id"].(string); chat["channel"] != "website" || len(made) != 36 {
			t.Errorf("web chat without a conversation: %v", chat)
		}
	})
}

// Section 3.9: two conversations of one person are two threads, and each is answered in the order in which its messages came.
func TestRespond_AnswersEachConversationInOrderWithItsOwnHistory(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		b := &bot{}
		s.withBot(b)
		for i := range 4 {
			s.post(sms(fmt.Sprint("a", i), fmt.Sprint("first ", i), "one"))
			s.post(sms(fmt.Sprint("b", i), fmt.Sprint("second ", i), "two"))
		}
		got := s.waitAnswers("sms.respond", 8)
		for conversation, word := range map[string]string{"one": "first", "two": "second"} {
			n := 0
			for _, payload := range got {
				if strings.Contains(payload, `"conversation_id":"`+conversation+`"`) {
					if !strings.Contains(payload, fmt.Sprintf(`"message_text":"re: %s %d"`, word, n)) {
						t.Errorf("answer %d in %s: %s", n, conversation, payload)
					}
					n++
				}
			}
			if n != 4 {
				t.Errorf("%d answers in %s", n, conversation)
			}
		}
		for _, turn := range b.seen() {
			word, _, _ := strings.Cut(turn.Text, " ")
			for _, line := range turn.History {
				if !strings.Contains(line.Text, word) {
					t.Errorf("%q comes with %q of the other conversation", turn.Text, line.Text)
				}
			}
		}
		people := servicetest.Must(s.Service.Conversations(t.Context(), s.app.Key, page))(t)
		if len(people) != 2 || people[0].Contact != people[1].Contact {
			t.Errorf("conversations: %+v, want two of one person", people)
		}
	})
}

// Section 3.9: what an agent has written is context, and is not answered.
func TestRespond_OutboundIsContextOnly(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		b := &bot{}
		s.withBot(b)
		s.post(strings.Replace(sms("a1", "I am the agent", "c"), "Inbound", "oUtbound", 1))
		s.post(sms("a2", "I am the tenant", "c"))
		s.waitAnswers("sms.respond", 1)
		turns := b.seen()
		if len(turns) != 1 || len(turns[0].History) != 1 || turns[0].History[0].Direction != hookswitch.Outbound || turns[0].History[0].Text != "I am the agent" {
			t.Errorf("turns: %+v", turns)
		}
		if n := len(s.answers("sms.respond")); n != 1 {
			t.Errorf("%d answers", n)
		}
	})
}

// Section 6.2: the second event of a request has an id of its own. A message that is sent into the conversation by other ways leaves as an event too.
func TestRespond_AMessageSentByHandLeavesAsAnEventToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		s.withBot(&bot{})
		id := s.post(sms("a1", "Hello", "conv-9"))
		s.waitAnswers("sms.respond", 1)
		m := servicetest.Must(s.Service.SendMessage(context.Background(), s.app.Key, service.NewMessage{Channel: hookswitch.SMS, To: "+1234567890", Text: "It is me, Bob"},
			service.Idempotency{}))(t)
		if m.Status != hookswitch.StatusSent {
			t.Errorf("the message is %s", m.Status)
		}
		got := s.answers("sms.respond")
		var second struct {
			MessageID string `json:"message_id"`
			Body      object
		}
		if len(got) != 2 || json.Unmarshal([]byte(got[1]), &second) != nil {
			t.Fatalf("events: %v", got)
		}
		if second.MessageID == id || len(second.MessageID) != 36 || second.Body["message_id"] != "a1" || second.Body["conversation_id"] != "conv-9" ||
			second.Body["message_text"] != "It is me, Bob" || second.Body["portfolio_external_ref"] != "portfolio_123" {
			t.Errorf("the second event: %s", got[1])
		}
	})
}

// Section 3.5, 3.6: transcripts and reviews are stored, and lead to nothing.
func TestRespond_TranscriptsAndReviewsAreOnlyStored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		b := &bot{}
		s.withBot(b)
		s.post(`{"channel":"call_transcript","group_external_ref":"g","call_transcript":{"message_id":"call1","created_datetime":"2024-03-15 11:30:00","conversation_id":"k",` +
			`"recording_url":"https://rec.example/1.mp3","call_duration_in_sec":12.5,"text":"Hello?"}}`)
		review := `{"channel":"review","group_external_ref":"g","review":{"source":"google","review_id":"r1","title":"Good","rating":5}}`
		first := s.post(review)
		if again := s.post(review); again != first {
			t.Errorf("the same review: %s, then %s", first, again)
		}
		s.post(sms("a", "Hello", "k"))
		s.waitAnswers("sms.respond", 1)
		if turns := b.seen(); len(turns) != 1 {
			t.Errorf("turns: %+v", turns)
		}
		list := s.Messages(s.app)
		if len(list) != 3 || list[0].Channel != hookswitch.Voice || list[0].Text != "Hello?" || !strings.Contains(string(list[0].Content), "rec.example") {
			t.Errorf("messages: %+v", list)
		}
	})
}

// Section 3.9: a responder that fails is asked again; when that does not help, the fallback is said, and a person is suggested. The next message is answered again.
func TestRespond_FallbackSuggestsAPerson(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		b := &bot{reply: func(turn *hookswitch.Turn) (hookswitch.Reply, error) {
			if turn.Text == "fail" {
				return hookswitch.Reply{}, &hookswitch.ResponderError{Message: "away", Permanent: true}
			}
			return hookswitch.Reply{Text: "fine", Handover: turn.Text == "person"}, nil
		}}
		servicetest.Must(s.Service.SetResponder(t.Context(), s.app.Key, hookswitch.ResponderConfig{Kind: "test", Raw: []byte(`{"kind":"test"}`)}))(t)
		s.Run(nil, func(d *deliver.Options, _ *work.Options) {
			d.NewResponder = func(hookswitch.ResponderConfig) (hookswitch.Responder, error) { return withFallback{b}, nil }
		})
		var got []string
		for i, text := range []string{"fail", "works", "person"} {
			s.post(sms(fmt.Sprint(i), text, "c"))
			got = s.waitAnswers("sms.respond", i+1)
		}
		for i, want := range []string{`"message_text":"Somebody will call you."`, `"message_text":"fine"`, `"message_text":"fine"`} {
			suggested := fmt.Sprintf(`"human_handover_ind":%t`, i != 1)
			if !strings.Contains(got[i], want) || !strings.Contains(got[i], suggested) {
				t.Errorf("answer %d: %s, want %s and %s", i, got[i], want, suggested)
			}
		}
	})
}

type withFallback struct{ *bot }

func (w withFallback) Respond(ctx context.Context, t *hookswitch.Turn) (hookswitch.Reply, error) {
	return w.respond(ctx, t)
}

func (withFallback) Fallback(*hookswitch.Turn) hookswitch.Reply {
	return hookswitch.Reply{Text: "Somebody will call you.", Unsolved: true}
}

// An app that has chosen no responder for what is posted answers with that of its other senders.
func TestRespond_AnotherSenderLendsItsResponder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		b := &bot{}
		s.post(sms("1", "nobody answers", "c"))
		s.Sender(s.app, "support", hookswitch.WhatsApp, true)
		s.Run(b.respond)
		s.post(sms("2", "Hello", "c"))
		if got := s.waitAnswers("sms.respond", 1); !strings.Contains(got[0], `"message_text":"re: Hello"`) {
			t.Errorf("got %s", got)
		}
	})
}

// The words of an endpoint's filter bring the events of the Zavu-shaped API too.
func TestRespond_FiltersMayNameTheOtherEvents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		all, some := s.Endpoint(s.app, "https://all.example/"), s.Endpoint(s.app, "https://some.example/", servicetest.Filter("message.inbound", "message.sent", "sms.respond"))
		s.withBot(&bot{})
		s.post(sms("1", "Hello", "c"))
		s.waitAnswers("sms.respond", 1)
		got := map[string][]hookswitch.Key{}
		for _, e := range s.Events(s.app) {
			for _, target := range e.Targets {
				got[e.Type] = append(got[e.Type], target.Endpoint)
			}
		}
		want := map[string][]hookswitch.Key{"message.inbound": {some.Key}, "message.sent": {some.Key}, "sms.respond": {all.Key, some.Key}}
		if !maps.EqualFunc(got, want, slices.Equal) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// Two people turn out to be one: their conversations stay two, because the caller tells them apart.
func TestRespond_MergingPeopleKeepsTheirConversationsApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := newSurface(t, db)
		s.post(sms("1", "one", "first"))
		s.post(strings.Replace(sms("2", "two", "second"), "+1234567890", "+1234567899", 1))
		list := servicetest.Must(s.Service.Conversations(t.Context(), s.app.Key, page))(t)
		ids := s.Service.IDs()
		servicetest.Must(s.Service.MergeContacts(t.Context(), s.app.Key, list[0].Contact, ids.Format(hookswitch.KindContact, list[1].Contact)))(t)
		s.withBot(&bot{})
		s.post(strings.Replace(sms("3", "three", "second"), "+1234567890", "+1234567899", 1))
		if got := s.waitAnswers("sms.respond", 1); !strings.Contains(got[0], `"conversation_id":"second"`) {
			t.Errorf("got %s", got)
		}
		list = servicetest.Must(s.Service.Conversations(t.Context(), s.app.Key, page))(t)
		if len(list) != 2 || list[0].Contact != list[1].Contact || list[0].Inbound != 1 || list[1].Inbound != 2 {
			t.Errorf("conversations: %+v", list)
		}
	})
}
