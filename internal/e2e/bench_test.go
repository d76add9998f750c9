package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"github.com/hookswitch/hookswitch/internal/bench"
	"github.com/hookswitch/hookswitch/internal/storetest"
)

// TestBench_RunsAllScenariosWithoutLoss runs the benchmark for moments: its figures mean nothing then, but that everything arrives does.
func TestBench_RunsAllScenariosWithoutLoss(t *testing.T) {
	t.Parallel()
	postgres := os.Getenv(storetest.PostgresVariable)
	systems := 2
	if postgres == "" {
		postgres, systems = "none", 1
	}
	cmd := exec.CommandContext(t.Context(), Binary(t), "bench", "--duration", "300ms", "--warmup", "100ms", "--rounds", "1", "--connections", "8",
		"--postgres", postgres, "--dir", t.TempDir(), "--json")
	cmd.Env = environment(nil)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("hookswitch bench: %v\n%s%s", err, stderr.Bytes(), stdout.Bytes())
	}
	var report bench.Report
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatalf("hookswitch bench --json: %v: %s", err, stdout.Bytes())
	}
	want := map[string]int{"S1": 1 + systems, "S2": 1 + systems, "S3": 1 + systems, "S4": 2 * systems, "S5": systems, "S6": systems}
	for _, sc := range report.Scenarios {
		if len(sc.Results) != want[sc.Name] {
			t.Errorf("%s has %d results, want %d", sc.Name, len(sc.Results), want[sc.Name])
		}
		delete(want, sc.Name)
		for _, f := range sc.Results {
			if f.Delivered <= 0 || f.Lost > 0 || f.Refused > 0 || f.Unanswered > 0 || f.Stray > 0 {
				t.Errorf("%s, %s: %+v", sc.Name, f.System, f.Measurement)
			}
			if f.Pushes && (f.Answers == 0 || f.Unstored > 0 || f.Repeated > 0) {
				t.Errorf("%s, %s: %+v", sc.Name, f.System, f.Measurement)
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("the report lacks %v", want)
	}
}
