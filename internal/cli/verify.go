package cli

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/hookswitch/hookswitch/internal/doctor"
)

type verifyCmd struct {
	Request     string   `name:"request" placeholder:"FILE" help:"A file with the whole request as it arrived: the line, the headers, an empty line, the body; - for standard input."`
	Header      []string `name:"header" sep:"none" short:"H" placeholder:"NAME: VALUE" help:"A header of the request; may be given several times."`
	Body        string   `name:"body" placeholder:"FILE" help:"A file with the body; - for standard input."`
	URL         string   `name:"url" placeholder:"URL" help:"The address as the receiver sees it, for Twilio."`
	Secret      string   `name:"secret" env:"WEBHOOK_SECRET" placeholder:"TEXT" help:"The secret that the receiver checks with."`
	SecretFile  string   `name:"secret-file" placeholder:"FILE" help:"A file with the secret, which keeps it out of the list of processes."`
	OldSecret   []string `name:"old-secret" sep:"none" placeholder:"TEXT" help:"An earlier secret; may be given several times."`
	OtherSecret []string `name:"other-secret" sep:"none" placeholder:"TEXT" help:"The secret of another endpoint; may be given several times."`
	Computed    string   `name:"computed" placeholder:"TEXT" help:"The signature that the receiver's code comes to."`
	Sent        string   `name:"sent" placeholder:"FILE" help:"A file with the body as it was sent, where that is known."`
	ID          []string `name:"id" sep:"none" placeholder:"ID" help:"Another id that may have been meant; may be given several times."`
	Host        []string `name:"host" sep:"none" placeholder:"HOST" help:"Another host that may have been called; may be given several times."`
	At          string   `name:"at" placeholder:"TIME" help:"When the request arrived, as 2026-01-31T14:00:00Z; now unless given."`
	JSON        bool     `name:"json" help:"Print JSON."`
}

// Help is kong's.
func (verifyCmd) Help() string {
	return `Checks the signature of a webhook on this machine, and says why it does not fit: the secret in the wrong form or an old one, a body that was written anew, another
id, milliseconds, hex instead of base64, what a proxy does to a URL, and so on. It knows Standard Webhooks, X-Zavu-Signature, Twilio's and Meta's. Nothing is sent anywhere.
It exits with 0 when the signature fits, and with 1 when not.

    hookswitch verify --secret-file secret.txt --request request.txt
    hookswitch verify -H 'webhook-id: msg_1' -H 'webhook-timestamp: 1760000000' -H 'webhook-signature: v1,…' --body body.json --secret whsec_…`
}

// verified is what verify prints as JSON.
type verified struct {
	doctor.Report
	Says     []string `json:"says"`
	YourCode []string `json:"yourCode,omitempty"`
}

// errNotGenuine ends the command with the exit code of failures.
var errNotGenuine = errors.New("the signature does not fit")

// Run examines a request.
func (c *verifyCmd) Run(e *env) error {
	in := doctor.Input{URL: c.URL, Secret: c.Secret, Old: c.OldSecret, Others: c.OtherSecret, Computed: c.Computed, IDs: c.ID, Hosts: c.Host, Now: time.Now().Unix()}
	if c.At != "" {
		at, err := time.Parse(time.RFC3339, c.At)
		if err != nil {
			return usagef("--at has to be a time such as 2026-01-31T14:00:00Z")
		}
		in.Now = at.Unix()
	}
	if err := c.read(e, &in); err != nil {
		return err
	}
	if len(in.Headers) == 0 {
		return usagef("there are no headers: give --request, or --header once for each")
	}
	r := doctor.Examine(in)
	out := verified{Report: r, Says: says(r.Findings), YourCode: says(r.Computed)}
	err := e.show(c.JSON, out, func(p *printer) {
		for _, s := range out.Says {
			p.line("%s", s)
		}
		if out.YourCode != nil {
			p.line("Your code:")
		}
		for _, s := range out.YourCode {
			p.line("%s", s)
		}
	})
	if err == nil && !r.Valid {
		return errNotGenuine
	}
	return err
}

func says(list []doctor.Finding) (out []string) {
	for _, f := range list {
		what, advice := f.Say()
		out = append(out, what+" "+advice)
	}
	return out
}

// read takes what the flags name into in.
func (c *verifyCmd) read(e *env, in *doctor.Input) error {
	for _, h := range c.Header {
		name, value, ok := strings.Cut(h, ":")
		if !ok {
			return usagef("--header %q has no colon", h)
		}
		in.Headers = append(in.Headers, [2]string{name, value})
	}
	text := func(file string, to *string) error {
		if file == "" {
			return nil
		}
		b, err := c.file(e, file)
		*to = string(b)
		return err
	}
	if c.Request != "" {
		b, err := c.file(e, c.Request)
		if err != nil {
			return err
		}
		if err := readRequest(string(b), in); err != nil {
			return err
		}
	}
	if err := errors.Join(text(c.Body, &in.Body), text(c.Sent, &in.Sent)); err != nil {
		return err
	}
	if c.SecretFile == "" {
		return nil
	}
	err := text(c.SecretFile, &in.Secret)
	in.Secret = strings.TrimRight(in.Secret, "\r\n")
	return err
}

// mostRead bounds what is read of a file.
const mostRead = 64 << 20

func (c *verifyCmd) file(e *env, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(io.LimitReader(e.Stdin, mostRead))
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, mostRead))
}

// readRequest takes a request apart. Its body is all behind the first empty line, whatever Content-Length says.
func readRequest(text string, in *doctor.Input) error {
	at, gap := strings.Index(text, "\r\n\r\n"), 4
	if lf := strings.Index(text, "\n\n"); at < 0 || lf >= 0 && lf < at {
		at, gap = lf, 2
	}
	if at < 0 {
		at, gap = len(text), 0
	}
	head := strings.ReplaceAll(text[:at], "\r\n", "\n")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		return usagef("the request cannot be read: %w", err)
	}
	for name, values := range r.Header {
		for _, value := range values {
			in.Headers = append(in.Headers, [2]string{name, value})
		}
	}
	in.Body = text[at+gap:]
	if in.URL == "" && r.Host != "" {
		in.URL = "https://" + r.Host + r.URL.RequestURI()
	}
	return nil
}
