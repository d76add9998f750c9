package config

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

func prepare(t *testing.T, dir string, args ...string) *Prepared {
	t.Helper()
	p, err := mustParse(t, append(args, "--data-dir="+dir)...).Prepare()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPrepare_MakesPrivateFilesOnceAndReadsThemAfter(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a", "data")
	first := prepare(t, dir)
	if !regexp.MustCompile(`^hsk_[A-Z2-7]{26}$`).MatchString(first.OperatorToken.Reveal()) || len(first.MasterKey) != 32 {
		t.Errorf("token of %d, key of %d bytes", len(first.OperatorToken), len(first.MasterKey))
	}
	for path, want := range map[string]os.FileMode{dir: 0o700, first.OperatorTokenFile: 0o600, first.MasterKeyFile: 0o600} {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
	second := prepare(t, dir)
	if second.OperatorToken != first.OperatorToken || !bytes.Equal(second.MasterKey, first.MasterKey) || len(second.Warnings) > 0 {
		t.Errorf("the second start differs: %v", second.Warnings)
	}
	if second.SQLiteFile != filepath.Join(dir, "hookswitch.db") || second.PostgresURL != "" || !filepath.IsAbs(second.DataDir) {
		t.Errorf("got %+v", second)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if other := prepare(t, t.TempDir()); other.OperatorToken == first.OperatorToken || bytes.Equal(other.MasterKey, first.MasterKey) {
		t.Error("two installations share a secret")
	}
}

func TestPrepare_ProcessesThatStartAtOnceAgree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := mustParse(t, "--data-dir="+dir)
	var wg sync.WaitGroup
	got := make([]*Prepared, 8)
	for i := range got {
		wg.Go(func() {
			p, err := s.Prepare()
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = p
		})
	}
	wg.Wait()
	for _, p := range got[1:] {
		if p == nil || p.OperatorToken != got[0].OperatorToken || !bytes.Equal(p.MasterKey, got[0].MasterKey) {
			t.Fatal("they read different secrets")
		}
	}
}

func TestPrepare_GivenSecretsLeaveNoFiles(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), bytes.Repeat([]byte{0xfb, 0xff}, 16)
	for _, text := range []string{hex.EncodeToString(key), base64.StdEncoding.EncodeToString(key), base64.RawURLEncoding.EncodeToString(key)} {
		p := prepare(t, dir, "--operator-token=mine", "--master-key="+text, "--database=postgres://u:p@h/d")
		if p.OperatorToken.Reveal() != "mine" || !bytes.Equal(p.MasterKey, key) || p.OperatorTokenFile != "" || p.MasterKeyFile != "" {
			t.Errorf("%s: got %+v", text, p)
		}
		if p.PostgresURL.Reveal() != "postgres://u:p@h/d" || p.SQLiteFile != "" {
			t.Errorf("database: %+v", p)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("made %v", entries)
	}
}

func TestPrepare_BadSecretsAreRefusedWithoutShowingThem(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"short key":  "master.key:c2VjcmV0LXM1ZWNyZXQ=",
		"not a key":  "master.key:s5ecret!",
		"empty key":  "master.key:",
		"spaces":     "operator.token:s5ecret two",
		"no token":   "operator.token:\n",
		"bell token": "operator.token:s5ecret\a",
	} {
		dir := t.TempDir()
		base, text, _ := strings.Cut(file, ":")
		if err := os.WriteFile(filepath.Join(dir, base), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := mustParse(t, "--data-dir="+dir).Prepare()
		if err == nil || !strings.Contains(err.Error(), base) || strings.Contains(err.Error(), "s5ecret") ||
			base == "master.key" && !strings.Contains(err.Error(), "openssl rand -base64 32") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, key := range []string{"short", strings.Repeat("ab", 31), strings.Repeat("é", 32)} {
		_, err := mustParse(t, "--data-dir="+t.TempDir(), "--master-key="+key).Prepare()
		if err == nil || !strings.Contains(err.Error(), "master-key must hold 32 bytes") || !strings.Contains(err.Error(), "openssl") {
			t.Errorf("given %q: %v", key, err)
		}
	}
}

func TestPrepare_WarnsOfReadableSecrets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := prepare(t, dir)
	if err := os.Chmod(p.MasterKeyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if p := prepare(t, dir); len(p.Warnings) != 1 || !strings.Contains(p.Warnings[0], "chmod 600") {
		t.Errorf("got %q", p.Warnings)
	}
}

func TestPrepare_SaysWhereTheDataDirFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := mustParse(t, "--data-dir="+filepath.Join(file, "x")).Prepare(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("got %v", err)
	}
	s := Server{Database: "x.db", MaxBody: 1, DeliveryTimeout: Duration{1}, ZavuDeliveryTimeout: Duration{1}, DialogueTimeout: Duration{1}, TravtusTokenLife: Duration{time.Minute}}
	if _, err := s.Prepare(); err == nil || !strings.Contains(err.Error(), "data-dir") {
		t.Errorf("empty: %v", err)
	}
}

func TestWriteOnce_KeepsWhatIsThere(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	for _, text := range []string{"first", "second"} {
		if err := writeOnce(path, text); err != nil {
			t.Fatal(err)
		}
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "first" {
		t.Errorf("got %q, %v", b, err)
	}
}
