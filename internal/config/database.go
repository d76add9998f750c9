package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/hookswitch/hookswitch"
)

// Database says where everything is stored: sqlite:FILE, a bare file name, or a postgres:// URL. Printed, it lacks the password.
type Database string

// Validate reports whether d can be used. Its errors do not repeat a URL, which may hold a password. It is apart from reading because
// kong puts the text it could not read into its message.
func (d Database) Validate() error {
	scheme, rest, isURL := strings.Cut(string(d), "://")
	switch {
	case d.postgres():
		u, err := url.Parse(string(d))
		if err != nil || u.Opaque != "" {
			return errors.New("is not a valid postgres:// URL; special characters in user and password must be percent-encoded")
		}
		return nil
	case isURL && scheme != "sqlite":
		return fmt.Errorf("%q is no kind of database; use sqlite:FILE or postgres://…", scheme)
	case strings.HasPrefix(string(d), "postgres:"), strings.HasPrefix(string(d), "postgresql:"),
		strings.HasPrefix(string(d), "host="), strings.HasPrefix(string(d), "dbname="):
		return errors.New("must be written as postgres://USER:PASSWORD@HOST:PORT/NAME")
	case isURL && rest == "", d.file() == "":
		return errors.New("names no file; use sqlite:FILE or postgres://…")
	case strings.Contains(d.file(), ":memory:"), strings.ContainsAny(d.file(), "?\x00"), strings.HasPrefix(d.file(), "file:"):
		return errors.New("must name a file, without parameters")
	}
	return nil
}

func (d Database) postgres() bool {
	return strings.HasPrefix(string(d), "postgres://") || strings.HasPrefix(string(d), "postgresql://")
}

func (d Database) file() string {
	name, _ := strings.CutPrefix(string(d), "sqlite:")
	return strings.TrimPrefix(name, "//")
}

// Postgres is the URL of a PostgreSQL database. It reports false for SQLite.
func (d Database) Postgres() (hookswitch.Secret, bool) {
	if !d.postgres() {
		return "", false
	}
	return hookswitch.Secret(d), true
}

// SQLite is the path of the database file, which is relative to dataDir. It reports false for PostgreSQL.
func (d Database) SQLite(dataDir string) (string, bool) {
	if d.postgres() {
		return "", false
	}
	if filepath.IsAbs(d.file()) {
		return filepath.Clean(d.file()), true
	}
	return filepath.Join(dataDir, d.file()), true
}

func (d Database) String() string {
	if !d.postgres() {
		return string(d)
	}
	u, err := url.Parse(string(d))
	if err != nil {
		return "postgres://***"
	}
	if u.Query().Has("password") {
		u.RawQuery = "***"
	}
	return u.Redacted()
}

// Format keeps the password out of every verb.
func (d Database) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, d.String()) }

// LogValue keeps the password out of logs.
func (d Database) LogValue() slog.Value { return slog.StringValue(d.String()) }

// MarshalText keeps the password out of JSON.
func (d Database) MarshalText() ([]byte, error) { return []byte(d.String()), nil }
