package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hookswitch/hookswitch/internal/storetest"
)

// The clients of these languages take long to fetch and to build, so they are driven in long runs only, and on one database: what they differ in is how
// they write requests and read answers.

// needProgram skips the test where a program is missing, or fails it in a complete run.
func needProgram(t *testing.T, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		storetest.Missing(t, name+" is missing: run ./test --long")
	}
}

// buildFolder is where what a language's tools make of a suite is kept between runs, outside of the repository.
func buildFolder(t *testing.T, language string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "hookswitch-test", language)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// prepare runs a step of building a suite.
func prepare(t *testing.T, dir string, env []string, command ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}

// TestSDK_Python runs both generations of the official client for Python.
func TestSDK_Python(t *testing.T) {
	storetest.NeedLong(t)
	t.Parallel()
	for _, major := range []string{"1", "2"} {
		t.Run(major+".x", func(t *testing.T) {
			t.Parallel()
			python, err := filepath.Abs("python/venv-" + major + "/bin/python")
			if err != nil {
				t.Fatal(err)
			}
			needProgram(t, python)
			suite{dir: "python", command: []string{python, "-B", "suite.py"}, atLeast: 14, limit: 5 * time.Minute}.run(t, startForSDK(t, SQLite))
		})
	}
}

// TestSDK_Rust runs the official client for Rust, whose types notice every field that is missing.
func TestSDK_Rust(t *testing.T) {
	storetest.NeedLong(t)
	t.Parallel()
	needProgram(t, "cargo")
	target := buildFolder(t, "rust")
	prepare(t, "rust", []string{"CARGO_TARGET_DIR=" + target}, "cargo", "build", "--locked", "--quiet")
	suite{dir: "rust", command: []string{filepath.Join(target, "debug", "suite")}, atLeast: 12, limit: 5 * time.Minute}.run(t, startForSDK(t, SQLite))
}

// TestSDK_Java runs the official client for Java.
func TestSDK_Java(t *testing.T) {
	storetest.NeedLong(t)
	t.Parallel()
	needProgram(t, "mvn")
	needProgram(t, "java")
	target := buildFolder(t, "java")
	prepare(t, "java", nil, "mvn", "--batch-mode", "--quiet", "-DbuildFolder="+target, "package")
	suite{dir: "java", command: []string{"java", "-cp", filepath.Join(target, "suite.jar") + ":" + filepath.Join(target, "dependency", "*"), "Suite"}, atLeast: 12, limit: 5 * time.Minute}.
		run(t, startForSDK(t, SQLite))
}
