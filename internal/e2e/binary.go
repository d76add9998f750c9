package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// BinaryVariable names the environment variable with the program to drive. Without it the program is built.
const BinaryVariable = "HOOKSWITCH_BINARY"

var built struct {
	once sync.Once
	dir  string
	path string
	err  error
}

// Binary is the path of the program to drive. Where it is built here, Main removes it.
func Binary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv(BinaryVariable); path != "" {
		return path
	}
	built.once.Do(build)
	if built.err != nil {
		tb.Fatalf("build the program: %v", built.err)
	}
	return built.path
}

func build() {
	if built.dir, built.err = os.MkdirTemp("", "hookswitch-e2e-"); built.err != nil {
		return
	}
	built.path = filepath.Join(built.dir, "hookswitch")
	cmd := exec.Command("go", "build", "-o", built.path, "github.com/hookswitch/hookswitch/cmd/hookswitch")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := cmd.CombinedOutput(); err != nil {
		built.err = fmt.Errorf("%w\n%s", err, said)
	}
}

// Main runs the tests of a package that uses Binary, and removes what was built for them. It returns the exit code.
func Main(m *testing.M) int {
	code := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	return code
}
