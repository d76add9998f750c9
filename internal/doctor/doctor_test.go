package doctor

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

func TestExamine_FindsEachCase(t *testing.T) {
	t.Parallel()
	for _, v := range vectors() {
		t.Run(v.Name, func(t *testing.T) {
			t.Parallel()
			if got := Examine(v.Input); !reflect.DeepEqual(got, v.Report) {
				t.Errorf("got  %+v\nwant %+v", got, v.Report)
			}
		})
	}
}

// said is what one of both says about a vector.
type said struct {
	Name   string     `json:"name"`
	Report Report     `json:"report"`
	Words  [][]string `json:"words"`
}

// The script of the pages is held to what the package finds, and to how it says it.
func TestScript_FindsTheSame(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		storetest.Missing(t, "node is not installed")
	}
	script, err := filepath.Abs("../portal/ui/static/doctor.js")
	if err != nil {
		t.Fatal(err)
	}
	var want []said
	for _, v := range vectors() {
		w := said{Name: v.Name, Report: v.Report}
		for _, f := range v.Report.Findings {
			what, advice := f.Say()
			w.Words = append(w.Words, []string{what, advice})
		}
		want = append(want, w)
	}
	in, err := json.Marshal(map[string]any{"vectors": vectors(), "words": json.RawMessage(WordsJSON())})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(node, "-e", `
		require(process.argv[1]);
		const { vectors, words } = JSON.parse(require("fs").readFileSync(0, "utf8"));
		(async () => {
			const out = [];
			for (const v of vectors) {
				const report = await hookswitchDoctor.examine(v.input);
				out.push({ name: v.name, report, words: report.findings.map((f) => hookswitchDoctor.say(f, words)) });
			}
			console.log(JSON.stringify(out));
		})();`, script)
	cmd.Stdin = bytes.NewReader(in)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.Bytes())
	}
	var got []said
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != len(want) {
		t.Fatalf("got %d reports, want %d", len(got), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: got  %+v\nwant %+v", want[i].Name, got[i], want[i])
		}
	}
}

func TestWords_AreThereForAllThatIsFound(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for _, v := range vectors() {
		for _, f := range append(v.Report.Findings, v.Report.Computed...) {
			seen[f.Code] = true
			if what, advice := f.Say(); what == "" || advice == "" || bytes.ContainsAny([]byte(what+advice), "{}") {
				t.Errorf("%+v says %q, %q", f, what, advice)
			}
		}
	}
	for code := range words {
		if !seen[code] {
			t.Errorf("%s has words and no vector", code)
		}
	}
}
