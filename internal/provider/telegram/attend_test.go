package telegram_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/provider/providertest"
	"github.com/hookswitch/hookswitch/internal/provider/telegram"
)

func TestAttend_ShowsThatTheBotIsWritingWhereTheMessageCameFrom(t *testing.T) {
	t.Parallel()
	a := &providertest.API{Status: 200, Body: `{"ok":true,"result":true}`}
	p := telegram.New(telegram.Options{HTTP: a})
	for _, tt := range []struct{ id, content, want string }{
		{"77:42", "", `{"chat_id":77,"action":"typing"}`},
		{"-1001234567890123:42:9", `{"threadId":"4"}`, `{"chat_id":-1001234567890123,"message_thread_id":4,"action":"typing"}`},
	} {
		m := &hookswitch.Message{ProviderID: tt.id, Content: json.RawMessage(tt.content)}
		if err := p.Attend(t.Context(), route(), m, true); err != nil || string(a.Got.Body) != tt.want || a.Got.URL.Path != "/bot"+botToken+"/sendChatAction" {
			t.Errorf("%s: %s %s, %v", tt.id, a.Got.URL, a.Got.Body, err)
		}
	}
	calls := a.Calls
	if err := p.Attend(t.Context(), route(), &hookswitch.Message{ProviderID: "77:42"}, false); err != nil || a.Calls != calls {
		t.Errorf("a bot that cannot mark what it has read: %v after %d calls", err, a.Calls-calls)
	}
	var e *hookswitch.SendError
	if err := p.Attend(t.Context(), route(), &hookswitch.Message{ProviderID: "x"}, true); !errors.As(err, &e) || e.Code != "invalid_recipient" {
		t.Errorf("a message of nowhere: %v", err)
	}
	a.Status, a.Body = 403, `{"ok":false,"error_code":403,"description":"Forbidden: bot was blocked by the user"}`
	if err := p.Attend(t.Context(), route(), &hookswitch.Message{ProviderID: "77:42"}, true); !errors.As(err, &e) || e.Code != "bot_blocked" {
		t.Errorf("somebody who has blocked the bot: %v", err)
	}
}
