package all

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/simulate"
)

// pages are the pages of docs/channels that say what the credentials of a provider mean.
var pages = map[string][]string{"meta": {"whatsapp", "messenger", "instagram"}, "twilio": {"twilio"}, "telegram": {"telegram"}, "africastalking": {"africastalking"}, "x": {"x"}, "webchat": {"webchat"},
	"postmark": {"email"}, "sendgrid": {"email"}, "mailgun": {"email"}, "resend": {"email"}}

var credentialRow = regexp.MustCompile("(?m)^\\| ((?:`[a-z_]+`(?:, )?)+) \\|")

func TestProviders_AskForTheCredentialsThatTheDocsExplain(t *testing.T) {
	t.Parallel()
	documented, asked := make(map[string]bool), make(map[string]bool)
	for _, p := range Providers(Options{}) {
		if p.Name() == hookswitch.ProviderAPI {
			continue
		}
		d, ok := p.(hookswitch.CredentialsDescriber)
		if !ok {
			t.Errorf("%s does not say which credentials it takes", p.Name())
			continue
		}
		known := make(map[string]bool)
		for _, page := range pages[p.Name()] {
			text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "channels", page+".md"))
			if err != nil {
				t.Fatal(err)
			}
			_, part, _ := strings.Cut(string(text), "| name | what it is |")
			part, _, _ = strings.Cut(part, "\n\n")
			for _, row := range credentialRow.FindAllStringSubmatch(part, -1) {
				for _, name := range strings.Split(row[1], ", ") {
					known[strings.Trim(name, "`")], documented[strings.Trim(name, "`")] = true, true
				}
			}
		}
		if len(known) == 0 {
			t.Errorf("no page explains the credentials of %s", p.Name())
		}
		for _, door := range p.Doors() {
			for _, ch := range door.Channels {
				fields := d.CredentialFields(ch)
				var names []string
				proves := false
				for _, f := range fields {
					names, asked[f.Name], proves = append(names, f.Name), true, proves || f.Receives || p.Name() == "webchat"
					if f.Label == "" || slices.Index(names, f.Name) != len(names)-1 {
						t.Errorf("%s on %s: the field %q is labelled %q", p.Name(), ch, f.Name, f.Label)
					}
					if !known[f.Name] && !strings.HasPrefix(f.Name, "text_") {
						t.Errorf("%s on %s asks for %s, which no page explains", p.Name(), ch, f.Name)
					}
				}
				if !proves {
					t.Errorf("%s on %s: nothing proves what comes", p.Name(), ch)
				}
				sim, err := simulate.Of(ch, p.Name())
				if err != nil {
					continue
				}
				for name := range sim.Demo.Credentials {
					if !slices.Contains(names, name) {
						t.Errorf("%s on %s works with %s, and does not ask for it", p.Name(), ch, name)
					}
				}
			}
		}
	}
	for name := range documented {
		if !asked[name] {
			t.Errorf("a page explains %s, and nobody asks for it", name)
		}
	}
}

// What a field says to be needed is what makes the adapter receive.
func TestProviders_ReceiveWithWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	for _, p := range Providers(Options{}) {
		d, ok := p.(hookswitch.CredentialsDescriber)
		if !ok || p.Name() == "webchat" {
			continue
		}
		for _, door := range p.Doors() {
			for _, ch := range door.Channels {
				all, without := hookswitch.Credentials{}, hookswitch.Credentials{}
				for _, f := range d.CredentialFields(ch) {
					if f.Receives {
						all[f.Name] = []string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
					} else if !f.Rare && f.Name != "client_secret" {
						without[f.Name] = []string{"x"}
					}
				}
				if p.Account(all) == "" {
					t.Errorf("%s on %s receives nothing with all that it says to need", p.Name(), ch)
				}
				if p.Name() != "africastalking" && p.Account(without) != "" { // its API key proves notifications as well
					t.Errorf("%s on %s receives without what it says to need", p.Name(), ch)
				}
			}
		}
	}
}
