package bench

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
)

// ProfileVariable names the environment variable with the file that a benchmarked server writes its processor profile to.
const ProfileVariable = "HOOKSWITCH_CPUPROFILE"

// StartProfile starts the processor profile that the environment asks for, if it does. stop ends it and has to be called before the process ends.
func StartProfile() (stop func() error, err error) {
	file := os.Getenv(ProfileVariable)
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, fmt.Errorf("write a processor profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(fmt.Errorf("write a processor profile: %w", err), f.Close())
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}
