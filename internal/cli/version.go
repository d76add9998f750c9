package cli

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

type versionCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is kong's.
func (versionCmd) Help() string {
	return `Prints the version of this program, the commit it was built from, and the version of Go that built it.

    hookswitch version
    hookswitch version --json`
}

type version struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// versionOf is what is known about this build.
func (d Deps) versionOf() version {
	v := version{Version: d.Version, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.Version = cmp.Or(v.Version, info.Main.Version)
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				v.Revision = s.Value
			}
		}
	}
	v.Version = cmp.Or(v.Version, "(devel)")
	return v
}

// Run prints the version.
func (c *versionCmd) Run(e *env) error {
	v := e.versionOf()
	return e.show(c.JSON, v, func(p *printer) {
		line := "hookswitch " + v.Version
		if v.Revision != "" {
			line += " (" + v.Revision[:min(12, len(v.Revision))] + ")"
		}
		p.line("%s, %s, %s", line, v.Go, v.Platform)
	})
}
