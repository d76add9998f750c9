// Package config owns the settings of the server: their names, defaults and meanings, where they may come from (flags, then the
// environment, then a file, then the default), and the files that the first start makes in the data directory.
//
// It reads and checks. What the settings are used for is up to internal/server; commands and their other flags are internal/cli's.
package config
