package server

import "os"

// envGC reports whether the environment sets how Go collects garbage.
func envGC() bool { return os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" }
