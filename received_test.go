package hookswitch

import (
	"encoding/json"
	"testing"
	"time"
)

func TestReceivedTime_ShowsOnlyFractionsThatTheProviderGave(t *testing.T) {
	t.Parallel()
	received := time.Date(2024, 1, 15, 10, 30, 0, 987654321, time.UTC)
	tests := []struct {
		name string
		at   time.Time
		want string
	}{
		{"whole seconds", time.Unix(1705314600, 0), "2024-01-15T10:30:00Z"},
		{"milliseconds", time.UnixMilli(1518452444662), "2018-02-12T16:20:44.662Z"},
		{"trailing zero stays", time.UnixMilli(1518452444600), "2018-02-12T16:20:44.600Z"},
		{"less than a millisecond", time.Unix(1705314600, 999_999), "2024-01-15T10:30:00Z"},
		{"another zone", time.Unix(1705314600, 0).In(time.FixedZone("", 3*3600)), "2024-01-15T10:30:00Z"},
		{"none: time of receipt", time.Time{}, "2024-01-15T10:30:00Z"},
	}
	for _, tt := range tests {
		if got := ReceivedTime(tt.at, received); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNewReceivedMessage_FillsTheShape(t *testing.T) {
	t.Parallel()
	at := time.Unix(1705314600, 0)
	tests := []struct {
		name string
		u    Update
		want string
	}{
		{
			"text",
			Update{Channel: WhatsApp, At: at, Message: &InboundMessage{
				ProviderID: "wamid.abc123", From: "+254712345678", Text: "What is my balance?", Metadata: map[string]any{"phoneNumberId": "123456"},
			}},
			`{"channel":"whatsapp","senderId":"+254712345678","message":"What is my balance?","messageId":"wamid.abc123","timestamp":"2024-01-15T10:30:00Z","metadata":{"phoneNumberId":"123456"}}`,
		},
		{
			"marker instead of text, old channel name, no metadata",
			Update{Channel: X, Message: &InboundMessage{ProviderID: "900", From: "55", Marker: "[image]"}},
			`{"channel":"twitter","senderId":"55","message":"[image]","messageId":"900","timestamp":"2024-01-15T10:30:00Z","metadata":{}}`,
		},
	}
	for _, tt := range tests {
		got, err := json.Marshal(NewReceivedMessage(&tt.u, at))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
	}
}
