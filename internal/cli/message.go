package cli

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/hookswitch/hookswitch/internal/client"
)

type messageCmd struct {
	Send messageSend `cmd:"" help:"Send a message to a person"`
	List messageList `cmd:"" help:"List the messages of an app"`
	Get  messageGet  `cmd:"" help:"Show a message, how far it has come, and what its provider has reported"`
	Read messageRead `cmd:"" help:"Show a person that their message was read"`
}

// Help is kong's.
func (messageCmd) Help() string {
	return `A message is one chat message, received or sent. A sent one is queued, sending, sent, delivered and read, or failed.

    hookswitch message send --app acme --to +15551234567 "Your table is ready."
    hookswitch message list --app acme --status failed`
}

type messageSend struct {
	ofApp
	To       string       `name:"to" required:"" placeholder:"PERSON" help:"Phone number, address or id of the person."`
	Sender   string       `name:"sender" placeholder:"SENDER" help:"Sender, by name or id; may be left out where the app has only one."`
	Channel  string       `name:"channel" placeholder:"CHANNEL" help:"Channel; may be left out where the sender sends on only one."`
	Type     string       `name:"type" default:"text" placeholder:"TYPE" help:"Type of the message, such as text, image or buttons."`
	Content  string       `name:"content" placeholder:"JSON" help:"What a type other than text carries: a JSON object, @FILE, or - for standard input."`
	Metadata metadataFlag `name:"metadata" placeholder:"KEY=VALUE" help:"Facts of your own that events about the message repeat: a flag for each."`
	Text     string       `arg:"" optional:"" help:"Text, or caption."`
}

// Help is kong's.
func (messageSend) Help() string {
	return `Queues a message. When the command ends with success the message is on stable storage; whether the provider takes it is told by its status and by events.
A text that is too long for the channel goes out in parts.

    hookswitch message send --app acme --to +15551234567 "Your table is ready."
    hookswitch message send --app acme --sender support --channel whatsapp --to +15551234567 --type image \
      --content '{"mediaUrl": "https://example.com/menu.png"}' "Our menu"`
}

// Run sends the message.
func (c *messageSend) Run(e *env) error {
	in := client.NewMessage{App: c.App, Sender: c.Sender, Channel: c.Channel, To: c.To, Type: c.Type, Text: c.Text, Metadata: c.Metadata}
	if c.Content != "" {
		content, err := (&eventSend{Payload: c.Content}).payload(e)
		if err != nil {
			return err
		}
		in.Content = json.RawMessage(content)
	}
	m, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Message, error) { return cl.SendMessage(ctx, in) })
	if err != nil {
		return err
	}
	return e.show(c.JSON, m, func(p *printer) {
		p.line("%s", m.ID)
		p.line("See what became of it with: hookswitch message get --app %s %s", c.App, m.ID)
	})
}

type messageList struct {
	ofApp
	paging
	Conversation string `name:"conversation" placeholder:"ID" help:"Only messages of this conversation."`
	Channel      string `name:"channel" placeholder:"CHANNEL" help:"Only messages on this channel."`
	Status       string `name:"status" placeholder:"STATUS" help:"Only messages of this status."`
	To           string `name:"to" placeholder:"PERSON" help:"Only messages to this number, address or id."`
}

// Help is kong's.
func (messageList) Help() string {
	return `Lists the messages of an app, received and sent, newest first.

    hookswitch message list --app acme
    hookswitch message list --app acme --channel sms --status failed --json`
}

// Run lists the messages.
func (c *messageList) Run(e *env) error {
	page, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Page[client.Message], error) {
		return cl.Messages(ctx, c.App, client.MessageFilter{Conversation: c.Conversation, Channel: c.Channel, Status: c.Status, To: c.To}, c.list())
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, page, func(p *printer) {
		listed(p, page, "There are no such messages. Send one with: hookswitch message send --app APP --to PERSON TEXT",
			[]string{"ID", "TIME", "CHANNEL", "FROM", "TO", "STATUS", "TEXT"}, func(m client.Message) []string {
				return []string{m.ID, clock(m.CreatedAt), m.Channel, m.From, m.To, m.Status, short(m.Text)}
			})
	})
}

type messageGet struct {
	ofApp
	Message string `arg:"" help:"The message, by its id."`
}

// Help is kong's.
func (messageGet) Help() string {
	return `Shows a message, how far it has come, and every report of its provider about it.

    hookswitch message get --app acme msg_…
    hookswitch message get --app acme msg_… --json`
}

// Run shows the message.
func (c *messageGet) Run(e *env) error {
	m, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (client.Message, error) {
		return cl.Message(ctx, c.App, c.Message)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, m, func(p *printer) {
		p.fields(field{"id", m.ID}, field{"status", m.Status}, field{"error", strings.TrimSpace(text(m.ErrorCode) + " " + text(m.ErrorMessage))}, field{"channel", m.Channel},
			field{"type", m.Type}, field{"from", m.From}, field{"to", m.To}, field{"conversation", m.ConversationID}, field{"provider's id", text(m.ProviderMessageID)},
			field{"metadata", pairs(m.Metadata)}, field{"time", clock(m.CreatedAt)})
		if m.Text != "" {
			p.line("\n%s", m.Text)
		}
		if len(m.Parts) > 0 {
			rows := make([][]string, len(m.Parts))
			for i, part := range m.Parts {
				rows[i] = []string{strconv.Itoa(part.Number), part.Status, text(part.ProviderMessageID), strings.TrimSpace(text(part.ErrorCode) + " " + text(part.ErrorMessage)), short(part.Text)}
			}
			p.line("")
			p.table([]string{"PART", "STATUS", "PROVIDER'S ID", "ERROR", "TEXT"}, rows)
		}
		if len(m.Receipts) == 0 {
			return
		}
		rows := make([][]string, len(m.Receipts))
		for i, r := range m.Receipts {
			rows[i] = []string{clock(r.ReceivedAt), r.Status, r.ProviderMessageID, strings.TrimSpace(text(r.ErrorCode) + " " + text(r.ErrorMessage))}
		}
		p.line("")
		p.table([]string{"REPORTED", "STATUS", "PROVIDER'S ID", "ERROR"}, rows)
	})
}

type messageRead struct {
	ofApp
	Typing  bool   `name:"typing" help:"Show that an answer is being written, too, which ends after some seconds."`
	Message string `arg:"" help:"The received message, by its id."`
}

// Help is kong's.
func (messageRead) Help() string {
	return `Shows the person who has written a message that it was read, on channels that can: WhatsApp, Messenger and Instagram. With --typing, also on Telegram, that
an answer is being written. Nothing is sent.

    hookswitch message read --app acme msg_…
    hookswitch message read --app acme msg_… --typing --json`
}

// Run shows it.
func (c *messageRead) Run(e *env) error {
	_, err := ask(e, &c.remote, func(ctx context.Context, cl *client.Client) (struct{}, error) {
		return struct{}{}, cl.ReadMessage(ctx, c.App, c.Message, c.Typing)
	})
	if err != nil {
		return err
	}
	return e.show(c.JSON, shown{c.Message, true, c.Typing}, func(p *printer) { p.line("Shown to the person who wrote %s.", c.Message) })
}

// shown is what message read prints as JSON.
type shown struct {
	ID     string `json:"id"`
	Read   bool   `json:"read"`
	Typing bool   `json:"typing"`
}
