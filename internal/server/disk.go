package server

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/hookswitch/hookswitch/internal/portal"
)

// disk tells how much room the data directory has, and what lies in it.
func (s *Server) disk() (portal.Disk, error) {
	free, total, err := room(s.prepared.DataDir)
	if err != nil {
		return portal.Disk{}, err
	}
	d := portal.Disk{Free: free, Total: total}
	err = filepath.WalkDir(s.prepared.DataDir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, os.ErrNotExist) { // gone meanwhile
			return nil
		}
		if err == nil {
			d.Data += info.Size()
		}
		return err
	})
	return d, err
}

// databaseKind is the kind of the database, for people.
func (s *Server) databaseKind() string {
	if s.prepared.PostgresURL != "" {
		return "PostgreSQL"
	}
	return "SQLite"
}

// version is that of the program, as it was built.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return ""
}
