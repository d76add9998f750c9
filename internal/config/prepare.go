package config

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Prepared is what a server needs from the file system before it can start.
type Prepared struct {
	DataDir string // absolute
	// SQLiteFile or PostgresURL is set, the other empty.
	SQLiteFile  string
	PostgresURL hookswitch.Secret

	OperatorToken     hookswitch.Secret
	OperatorTokenFile string // where the token lies; empty: it was given
	MasterKey         Key
	MasterKeyFile     string // where the key lies; empty: it was given
	// Warnings are sentences for the operator about things that work and should not stay so.
	Warnings []string
}

// TokenFile is the name of the file in the data directory that holds the operator token, unless that was given.
const TokenFile = "operator.token"

const (
	keyFile   = "master.key"
	tokenMark = "hsk_"
	keyHelp   = "make one with: openssl rand -base64 32"
)

// Prepare makes the data directory, and in it the operator token and the master key unless they are there or given, and reads
// them. Any number of processes may do so at once: all get the same.
func (s *Server) Prepare() (*Prepared, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if s.DataDir == "" {
		return nil, errors.New("data-dir must not be empty")
	}
	dir, err := filepath.Abs(s.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data-dir %s: %w", s.DataDir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data-dir: %w", err)
	}
	p := &Prepared{DataDir: dir}
	if err := s.Database.Validate(); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	p.SQLiteFile, _ = s.Database.SQLite(dir)
	p.PostgresURL, _ = s.Database.Postgres()
	if err := s.prepareToken(p); err != nil {
		return nil, err
	}
	if err := s.prepareKey(p); err != nil {
		return nil, err
	}
	return p, nil
}

func (s *Server) prepareToken(p *Prepared) error {
	token := s.OperatorToken.Reveal()
	source := "operator-token"
	if token == "" {
		p.OperatorTokenFile = filepath.Join(p.DataDir, TokenFile)
		source = p.OperatorTokenFile
		var err error
		if token, err = p.secretFile(source, newToken); err != nil {
			return err
		}
	}
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("%s must hold a token of visible characters without spaces", source)
	}
	p.OperatorToken = hookswitch.Secret(token)
	return nil
}

func (s *Server) prepareKey(p *Prepared) error {
	text := s.MasterKey.Reveal()
	source := "master-key"
	if text == "" {
		p.MasterKeyFile = filepath.Join(p.DataDir, keyFile)
		source = p.MasterKeyFile
		var err error
		if text, err = p.secretFile(source, newKey); err != nil {
			return err
		}
	}
	key, ok := parseKey(text)
	if !ok {
		return fmt.Errorf("%s must hold 32 bytes in base64 or hex; %s", source, keyHelp)
	}
	p.MasterKey = key
	return nil
}

// newToken has 130 bits of chance.
func newToken() string { return tokenMark + rand.Text() }

func newKey() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // crypto/rand does not fail
	return base64.StdEncoding.EncodeToString(b[:])
}

func parseKey(text string) (Key, bool) {
	text = strings.TrimSpace(text)
	if b, err := hex.DecodeString(text); err == nil && len(b) == 32 {
		return b, true
	}
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	b, err := base64.RawStdEncoding.DecodeString(text)
	return b, err == nil && len(b) == 32
}

// secretFile is the text of the file at path, which is made with fresh content when there is none.
func (p *Prepared) secretFile(path string, fresh func() string) (string, error) {
	text, err := p.readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if err := writeOnce(path, fresh()+"\n"); err != nil {
		return "", fmt.Errorf("make %s: %w", path, err)
	}
	// Another process may have been first: what lies there counts.
	return p.readSecret(path)
}

func (p *Prepared) readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		p.Warnings = append(p.Warnings, fmt.Sprintf("%s can be read by other users (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path))
	}
	b, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// writeOnce makes the file at path with text, on stable storage, or leaves one that is there as it is. The name appears only with the whole
// content behind it, so neither a crash nor another process ever finds half a key.
func writeOnce(path, text string) error {
	dir := filepath.Dir(path)
	draft := filepath.Join(dir, "."+filepath.Base(path)+"."+rand.Text())
	if err := writeNew(draft, text); err != nil {
		return err
	}
	defer os.Remove(draft)
	err := os.Link(draft, path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = writeNew(path, text) // some file systems have no links
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(path)
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
