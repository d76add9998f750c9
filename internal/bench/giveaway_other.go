//go:build !unix

package bench

import "os/exec"

// giveAway does nothing where there is no root.
func giveAway(string) (func(*exec.Cmd), error) { return func(*exec.Cmd) {}, nil }
