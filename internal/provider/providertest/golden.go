package providertest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch"
)

var update = flag.Bool("update", false, "write the golden files of the providers' fixtures anew")

// golden is an Update as a golden file shows it.
type golden struct {
	Channel  hookswitch.Channel
	Address  string `json:",omitempty"`
	Dedup    string
	Tokens   []string                   `json:",omitempty"`
	At       *time.Time                 `json:",omitempty"`
	Message  *hookswitch.InboundMessage `json:",omitempty"`
	Receipt  *hookswitch.MessageReceipt `json:",omitempty"`
	Contact  *hookswitch.ContactChange  `json:",omitempty"`
	Change   *hookswitch.MessageChange  `json:",omitempty"`
	OptOut   *hookswitch.OptOut         `json:",omitempty"`
	Dialogue *hookswitch.DialogueStep   `json:",omitempty"`
	Broken   string                     `json:",omitempty"`
}

func goldenOf(updates []hookswitch.Update) []golden {
	list := make([]golden, len(updates))
	for i, u := range updates {
		list[i] = golden{
			Channel: u.Channel, Address: u.Address, Dedup: u.Dedup, Tokens: u.Tokens,
			Message: u.Message, Receipt: u.Receipt, Contact: u.Contact,
			Change: u.Change, OptOut: u.OptOut, Dialogue: u.Dialogue,
		}
		if !u.At.IsZero() {
			list[i].At = &u.At
		}
		if u.Broken != nil {
			list[i].Broken = u.Broken.Error()
		}
	}
	return list
}

// checkGolden compares all that updates say with the golden file of f. A request that tells nothing has no such file.
func checkGolden(t *testing.T, dir string, f *Fixture, updates []hookswitch.Update) {
	t.Helper()
	name := filepath.Join(dir, f.Name+goldenSuffix)
	var got bytes.Buffer
	if len(updates) > 0 {
		enc := json.NewEncoder(&got)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(goldenOf(updates)); err != nil {
			t.Fatal(err)
		}
	}
	if *update {
		writeGolden(t, name, got.Bytes())
		return
	}
	want, err := os.ReadFile(name)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the updates differ from %s (run with -update to accept them)\n got %s\nwant %s", name, got.Bytes(), want)
	}
}

func writeGolden(t *testing.T, name string, data []byte) {
	t.Helper()
	if len(data) == 0 {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
