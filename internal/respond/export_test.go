package respond

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/sashabaranov/go-openai"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/safehttp"
)

// ReadBot is how an answer of a bot is read.
func ReadBot(status int, body []byte) (hookswitch.Reply, error) {
	return readBot(&safehttp.Response{Status: status, Header: http.Header{}, Body: body}, time.Now())
}

// ReadModel is how an answer of a model is read, through the library that the chat API is spoken with.
func ReadModel(ctx context.Context, body []byte) (hookswitch.Reply, error) {
	cfg := openai.DefaultConfig("")
	cfg.HTTPClient = canned(body)
	out, err := openai.NewClientWithConfig(cfg).CreateChatCompletion(ctx, openai.ChatCompletionRequest{Model: "m"})
	if err != nil {
		return hookswitch.Reply{}, unreadable(err)
	}
	return (&model{marks: true}).read(&out)
}

type canned []byte

func (c canned) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c))}, nil
}
