package simulate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/hookswitch/hookswitch"
)

// BotAPIOptions set up a BotAPI. Zero values are usable.
type BotAPIOptions struct {
	Bots []Telegram
	// Keep is how many accepted sends can be looked at later, the newest; 0: 1000.
	Keep   int
	Faults []Fault
	// OnSend is told of each accepted send before it is answered. It is called from many goroutines at once.
	OnSend func(Sent)
}

// Webhook is what a bot has been told to push to.
type Webhook struct {
	URL            string   `json:"url"`
	Secret         string   `json:"secret_token"`
	AllowedUpdates []string `json:"allowed_updates"`
	MaxConnections int      `json:"max_connections"`
}

// BotAPI stands in for Telegram's Bot API: an http.Handler that takes what bots send, refuses what Telegram would refuse, and remembers webhooks and answered
// buttons. Telegram reports nothing about what it has taken, and so does this.
type BotAPI struct {
	*ledger
	*outbox
	bots map[string]Telegram

	botMu    sync.Mutex
	webhooks map[string]Webhook // by token
	answered []string
}

// NewBotAPI returns a stand-in. It starts nothing.
func NewBotAPI(opts BotAPIOptions) *BotAPI {
	a := &BotAPI{
		ledger: newLedger(cmp.Or(opts.Keep, 1000), opts.OnSend, opts.Faults), outbox: newOutbox(nil, "", 0, 0, 0, nil),
		bots: map[string]Telegram{}, webhooks: map[string]Webhook{},
	}
	for _, b := range opts.Bots {
		a.bots[b.BotToken.Reveal()] = b
	}
	return a
}

// Webhook is what the bot with the token has been told to push to. The zero Webhook: nothing yet.
func (a *BotAPI) Webhook(token hookswitch.Secret) Webhook {
	a.botMu.Lock()
	defer a.botMu.Unlock()
	return a.webhooks[token.Reveal()]
}

// Answered is the ids of the presses of buttons that a bot has answered, oldest first. A button that is pressed seems to hang until then.
func (a *BotAPI) Answered() []string {
	a.botMu.Lock()
	defer a.botMu.Unlock()
	return slices.Clone(a.answered)
}

// Reply does what an answer to an update of the bot asks for: one in JSON that names a method is a call of it. Telegram does not say what became of the call;
// the error does.
// https://core.telegram.org/bots/api#making-requests-when-getting-updates
func (a *BotAPI) Reply(b Telegram, res Result) error {
	var in struct {
		Method string `json:"method"`
	}
	if len(res.Body) == 0 || json.Unmarshal(res.Body, &in) != nil || in.Method == "" {
		return nil
	}
	_, _, refused := a.call(b, in.Method, res.Body)
	if refused != nil {
		return errors.New(refused.Description)
	}
	return nil
}

// botError is a refusal as the Bot API answers it.
type botError struct {
	OK          bool           `json:"ok"`
	Code        int            `json:"error_code"`
	Description string         `json:"description"`
	Parameters  map[string]any `json:"parameters,omitempty"`
}

func badRequest(why string) *botError {
	return &botError{Code: 400, Description: "Bad Request: " + why}
}

// ServeHTTP answers POST /bot{token}/{method}.
func (a *BotAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, fault, refused := a.answer(w, r)
	switch {
	case fault != nil && fault.html():
		writeBadGateway(w, fault.HTTPStatus)
	case refused != nil:
		writeBot(w, refused.Code, refused)
	case fault != nil && fault.Hang:
		select {
		case <-r.Context().Done():
		case <-a.stop:
		}
		panic(http.ErrAbortHandler) // the server's word for dropping the connection without an answer
	default:
		writeBot(w, http.StatusOK, members{"ok": true, "result": answer})
	}
}

func writeBot(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the caller has gone
}

func (a *BotAPI) answer(w http.ResponseWriter, r *http.Request) (any, *Fault, *botError) {
	token, method, ok := strings.Cut(strings.TrimPrefix(r.URL.Path, "/bot"), "/")
	b, known := a.bots[token]
	switch {
	case !strings.HasPrefix(r.URL.Path, "/bot") || !ok:
		return nil, nil, &botError{Code: 404, Description: "Not Found"}
	case !known:
		return nil, nil, &botError{Code: 401, Description: "Unauthorized"}
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodPost || err != nil || kind != "application/json" {
		return nil, nil, badRequest("message text is empty") // a body that is no JSON has no parameters
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSendBody))
	if err != nil {
		return nil, nil, &botError{Code: 413, Description: "Request Entity Too Large"}
	}
	return a.call(b, method, body)
}

// botCall is what the methods take.
type botCall struct {
	ChatID    json.RawMessage `json:"chat_id"`
	Thread    int64           `json:"message_thread_id"`
	Text      string          `json:"text"`
	Photo     string          `json:"photo"`
	Video     string          `json:"video"`
	Audio     string          `json:"audio"`
	Voice     string          `json:"voice"`
	Document  string          `json:"document"`
	Sticker   string          `json:"sticker"`
	Caption   string          `json:"caption"`
	Latitude  *float64        `json:"latitude"`
	Longitude *float64        `json:"longitude"`
	Title     string          `json:"title"`
	Address   string          `json:"address"`
	Phone     string          `json:"phone_number"`
	FirstName string          `json:"first_name"`
	MessageID int64           `json:"message_id"`
	Reaction  *[]struct {
		Type  string `json:"type"`
		Emoji string `json:"emoji"`
	} `json:"reaction"`
	Action string `json:"action"`
	Reply  *struct {
		MessageID int64 `json:"message_id"`
	} `json:"reply_parameters"`
	Markup *struct {
		Inline [][]struct {
			Text string  `json:"text"`
			Data *string `json:"callback_data"`
			URL  *string `json:"url"`
		} `json:"inline_keyboard"`
		Keys [][]struct {
			Text string `json:"text"`
		} `json:"keyboard"`
	} `json:"reply_markup"`
	QueryID string `json:"callback_query_id"`
	Webhook
}

// call does one call of a method.
func (a *BotAPI) call(b Telegram, method string, body []byte) (any, *Fault, *botError) {
	in := &botCall{}
	if err := json.Unmarshal(body, in); err != nil {
		return nil, nil, badRequest("can't parse the parameters: " + err.Error())
	}
	switch method {
	case "getMe":
		id, _, _ := strings.Cut(b.BotToken.Reveal(), ":")
		number, _ := strconv.ParseInt(id, 10, 64)
		return map[string]any{"id": number, "is_bot": true, "first_name": b.Username, "username": b.Username}, nil, nil
	case "setWebhook":
		return a.setWebhook(b, in)
	case "deleteWebhook":
		a.botMu.Lock()
		defer a.botMu.Unlock()
		delete(a.webhooks, b.BotToken.Reveal())
		return true, nil, nil
	case "answerCallbackQuery":
		if in.QueryID == "" {
			return nil, nil, badRequest("query is too old and response timeout expired or query ID is invalid")
		}
		a.botMu.Lock()
		defer a.botMu.Unlock()
		a.answered = keepNewest(a.answered, in.QueryID, a.keep)
		return true, nil, nil
	case "sendChatAction":
		if in.chat() == "" || in.Action == "" {
			return nil, nil, badRequest("wrong parameter action in request")
		}
		return true, nil, nil
	}
	typ, text, refused := in.check(method)
	if refused != nil {
		return nil, nil, refused
	}
	return a.send(b, in, typ, text, body)
}

func (a *BotAPI) setWebhook(b Telegram, in *botCall) (any, *Fault, *botError) {
	u, err := url.Parse(in.Webhook.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Hostname() != "127.0.0.1":
		return nil, nil, badRequest("bad webhook: An HTTPS URL must be provided for webhook")
	case len(in.Secret) > 256 || strings.ContainsFunc(in.Secret, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && r != '_' && r != '-'
	}):
		return nil, nil, badRequest("secret token contains unallowed characters")
	case in.MaxConnections < 0 || in.MaxConnections > 100:
		return nil, nil, badRequest("max_connections must be between 1 and 100")
	}
	a.botMu.Lock()
	defer a.botMu.Unlock()
	a.webhooks[b.BotToken.Reveal()] = in.Webhook
	return true, nil, nil
}

// chat is the id or the @name of the chat, or "".
func (in *botCall) chat() string {
	s := strings.Trim(string(in.ChatID), `"`)
	if strings.HasPrefix(s, "@") && len(s) > 4 {
		return s
	}
	if n, err := strconv.ParseInt(s, 10, 64); err != nil || n == 0 {
		return ""
	}
	return s
}

// check says what a call sends, in the words of sends, or why Telegram would not.
// https://core.telegram.org/bots/api#available-methods
func (in *botCall) check(method string) (typ, text string, refused *botError) {
	file := ""
	switch method {
	case "sendMessage":
		switch n := utf8.RuneCountInString(in.Text); {
		case n == 0:
			return "", "", badRequest("message text is empty")
		case n > maxText:
			return "", "", badRequest("message is too long")
		}
		typ = "text"
	case "sendPhoto":
		typ, file = "image", in.Photo
	case "sendVideo":
		typ, file = "video", in.Video
	case "sendAudio":
		typ, file = "audio", in.Audio
	case "sendVoice":
		typ, file = "voice", in.Voice
	case "sendDocument":
		typ, file = "document", in.Document
	case "sendSticker":
		typ, file = "sticker", in.Sticker
	case "sendLocation", "sendVenue":
		typ = "location"
		if in.Latitude == nil || in.Longitude == nil || method == "sendVenue" && (in.Title == "" || in.Address == "") {
			return "", "", badRequest("parameters of the location are missing")
		}
	case "sendContact":
		typ = "contact"
		if in.Phone == "" || in.FirstName == "" {
			return "", "", badRequest("contact phone number or first name is empty")
		}
	case "setMessageReaction":
		typ = "reaction"
		if in.MessageID <= 0 || in.Reaction == nil || len(*in.Reaction) > 1 {
			return "", "", badRequest("message to react not found")
		}
		for _, r := range *in.Reaction {
			if text = r.Emoji; r.Type != "emoji" || text == "" {
				return "", "", badRequest("REACTION_INVALID")
			}
		}
	default:
		return "", "", &botError{Code: 404, Description: "Not Found: method not found"}
	}
	isFile := slices.Contains([]string{"image", "video", "audio", "voice", "document", "sticker"}, typ)
	switch {
	case in.chat() == "":
		return "", "", badRequest("chat_id is empty")
	case isFile && file == "":
		return "", "", badRequest("there is no " + typ + " in the request")
	case utf8.RuneCountInString(in.Caption) > maxCaption:
		return "", "", badRequest("message caption is too long")
	case in.Reply != nil && in.Reply.MessageID <= 0:
		return "", "", badRequest("message to be replied not found")
	}
	return typ, cmp.Or(text, in.Text, in.Caption), in.checkMarkup()
}

func (in *botCall) checkMarkup() *botError {
	if in.Markup == nil {
		return nil
	}
	for _, row := range in.Markup.Inline {
		for _, b := range row {
			switch {
			case b.Text == "":
				return badRequest("BUTTON_TEXT_INVALID")
			case (b.Data == nil) == (b.URL == nil):
				return badRequest("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
			case b.Data != nil && (*b.Data == "" || len(*b.Data) > 64):
				return badRequest("BUTTON_DATA_INVALID")
			case b.URL != nil && !strings.Contains(*b.URL, "://"):
				return badRequest("BUTTON_URL_INVALID")
			}
		}
	}
	for _, row := range in.Markup.Keys {
		for _, k := range row {
			if k.Text == "" {
				return badRequest("can't parse keyboard button: text must be non-empty")
			}
		}
	}
	return nil
}

// send takes what is in order, unless a fault will not have it.
func (a *BotAPI) send(b Telegram, in *botCall, typ, text string, body []byte) (answer any, fault *Fault, refused *botError) {
	bot, _, _ := strings.Cut(b.BotToken.Reveal(), ":")
	message, chat := newTelegramNumber(), in.chat()
	where := members{"id": json.Number(chat), "type": chatType(chat)}
	if name, ok := strings.CutPrefix(chat, "@"); ok {
		where, chat = members{"id": json.Number(publicChat), "username": name, "type": "channel"}, publicChat
	}
	s := &Sent{Channel: hookswitch.Telegram, Account: bot, ID: chat + ":" + message.String(), To: in.chat(), Type: typ, Text: text, Body: bytes.Clone(body), At: b.now()}
	if in.Reply != nil {
		s.ReplyTo = chat + ":" + strconv.FormatInt(in.Reply.MessageID, 10)
	}
	if typ == "reaction" {
		s.ID, s.ReplyTo = "", chat+":"+strconv.FormatInt(in.MessageID, 10)
	}
	a.take(s, func(f *Fault) bool {
		if fault = f; f != nil && (f.Code != 0 || f.HTTPStatus != 0) {
			refused = f.botRefusal()
		}
		return refused == nil
	})
	if typ == "reaction" {
		return true, fault, refused
	}
	return members{"message_id": message, "from": b.self(), "chat": where, "date": b.now().Unix(), "text": text}, fault, refused
}

// publicChat is the id of every channel that has a name.
const publicChat = "-1001000000001"

// botRefusal is what f answers in place of taking a send.
func (f *Fault) botRefusal() *botError {
	code := cmp.Or(f.Code, f.HTTPStatus)
	e := &botError{Code: code, Description: map[int]string{
		400: "Bad Request: chat not found", 401: "Unauthorized", 403: "Forbidden: bot was blocked by the user", 404: "Not Found",
		500: "Internal Server Error",
	}[code]}
	if code == http.StatusTooManyRequests {
		seconds := max(1, int((f.RetryAfter+time.Second-1)/time.Second))
		e.Description = "Too Many Requests: retry after " + strconv.Itoa(seconds)
		e.Parameters = map[string]any{"retry_after": seconds}
	}
	e.Description = cmp.Or(e.Description, "Bad Request: simulated fault")
	return e
}
