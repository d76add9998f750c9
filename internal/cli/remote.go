package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/client"
	"github.com/hookswitch/hookswitch/internal/config"
)

const defaultURL = "http://127.0.0.1:8420"

// remote are the flags of commands that talk to a server.
type remote struct {
	URL     string            `name:"url" env:"HOOKSWITCH_URL" default:"http://127.0.0.1:8420" placeholder:"URL" group:"connection" help:"Address of the server."`
	Token   hookswitch.Secret `name:"token" env:"HOOKSWITCH_OPERATOR_TOKEN" placeholder:"TOKEN" group:"connection" help:"Operator token; when not given, the one in operator.token in the data directory."`
	DataDir string            `name:"data-dir" env:"HOOKSWITCH_DATA_DIR" default:"hookswitch-data" placeholder:"DIR" group:"connection" help:"Data directory of a server on this machine."`
	JSON    bool              `name:"json" help:"Print JSON."`
}

// client is a client of the server that the flags name.
func (r *remote) client(d Deps) (*client.Client, error) {
	token := hookswitch.Secret(strings.TrimSpace(r.Token.Reveal()))
	if token == "" {
		var err error
		if token, err = readToken(filepath.Join(r.DataDir, config.TokenFile)); err != nil {
			return nil, hinted(fmt.Errorf("there is no operator token: HOOKSWITCH_OPERATOR_TOKEN is not set, and %w", err),
				"set HOOKSWITCH_OPERATOR_TOKEN, or --data-dir to the server's data directory")
		}
	}
	c, err := client.New(client.Options{URL: cmp.Or(r.URL, defaultURL), Token: token, UserAgent: "hookswitch/" + d.versionOf().Version})
	if err != nil {
		return nil, &usageError{err}
	}
	return c, nil
}

func readToken(path string) (hookswitch.Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		var at *os.PathError
		if errors.As(err, &at) {
			err = at.Err
		}
		return "", fmt.Errorf("%s cannot be read: %w", path, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", path, err)
	}
	token := strings.TrimSpace(string(b))
	if token == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return hookswitch.Secret(token), nil
}

// ofApp are the flags of commands about something that an app has.
type ofApp struct {
	remote
	App string `name:"app" env:"HOOKSWITCH_APP" required:"" placeholder:"APP" help:"The app, by id or uid."`
}

// paging are the flags of lists.
type paging struct {
	Limit  int    `name:"limit" default:"50" placeholder:"N" help:"Most items to print, up to 100."`
	Cursor string `name:"cursor" placeholder:"CURSOR" help:"Go on where the list before has ended."`
}

func (p paging) list() client.List { return client.List{Limit: p.Limit, Cursor: p.Cursor} }

// Validate is called by kong.
func (p paging) Validate() error { return checkLimit(p.Limit, 100) }

func checkLimit(limit, most int) error {
	if limit < 1 || limit > most {
		return fmt.Errorf("--limit must lie between 1 and %d, and is %d", most, limit)
	}
	return nil
}

// metadataFlag is a flag KEY=VALUE that may be given several times. All that stands behind the first "=" is the value, commas and semicolons too; an empty one clears what there is.
type metadataFlag map[string]string

// Decode is called by kong.
func (m *metadataFlag) Decode(ctx *kong.DecodeContext) error {
	var pair string
	if err := ctx.Scan.PopValueInto("KEY=VALUE", &pair); err != nil {
		return err
	}
	if *m == nil {
		*m = metadataFlag{}
	}
	key, value, ok := strings.Cut(pair, "=")
	switch {
	case pair == "":
		clear(*m)
	case !ok || key == "":
		return fmt.Errorf("takes KEY=VALUE, a flag for each, and got %q", pair)
	default:
		(*m)[key] = value
	}
	return nil
}

// ask makes a client and one call with it.
func ask[T any](e *env, r *remote, call func(context.Context, *client.Client) (T, error)) (T, error) {
	var zero T
	c, err := r.client(e.Deps)
	if err != nil {
		return zero, err
	}
	return call(e.ctx, c)
}

// gone is what a deletion prints as JSON.
type gone struct {
	ID      string `json:"id"`
	Deleted bool   `json:"deleted"`
}

// remove deletes something and says so.
func remove(e *env, r *remote, what, id string, call func(context.Context, *client.Client) error) error {
	c, err := r.client(e.Deps)
	if err != nil {
		return err
	}
	if err := call(e.ctx, c); err != nil {
		return err
	}
	return e.show(r.JSON, gone{id, true}, func(p *printer) { p.line("Deleted %s %s.", what, id) })
}
