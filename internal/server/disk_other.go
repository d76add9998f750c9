//go:build !linux && !darwin && !freebsd

package server

import (
	"errors"
	"time"
)

// room is what is free for this process on the file system of dir, and its size, in bytes.
func room(string) (free, total int64, err error) {
	return 0, 0, errors.ErrUnsupported
}

// cpuTime is how much of the CPU the process has used; 0: that is not known.
func cpuTime() time.Duration { return 0 }
