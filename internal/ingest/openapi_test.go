package ingest_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hookswitch/hookswitch"
	"github.com/hookswitch/hookswitch/internal/api/apitest"
	"github.com/hookswitch/hookswitch/internal/provider/all"
)

//go:generate go test -run=TestTheDescriptionHasEveryDoor -describe

func TestTheDescriptionHasEveryDoor(t *testing.T) {
	t.Parallel()
	var paths []string
	providers, proves := map[string][]string{}, map[string]bool{}
	for _, p := range all.Providers(all.Options{}) {
		_, challenger := p.(hookswitch.Challenger)
		for _, d := range p.Doors() {
			if !slices.Contains(paths, d.Path) {
				paths = append(paths, d.Path)
			}
			providers[d.Path] = append(providers[d.Path], p.Name())
			proves[d.Path] = proves[d.Path] || challenger
		}
	}
	api := apitest.API{Name: "Doors", Tags: []string{""},
		Owns: func(path string) bool { return slices.Contains(paths, path) || strings.HasPrefix(path, "/in/") }}
	add := func(path, name, description string, get bool) {
		api.Routes = append(api.Routes, apitest.Route{Method: http.MethodPost, Path: path, Name: name, Description: description})
		if get {
			api.Routes = append(api.Routes, apitest.Route{Method: http.MethodGet, Path: path, Name: "handshake of a " + name, Description: description})
		}
	}
	for _, path := range paths {
		// Two doors of one provider need two names.
		name := "push of " + strings.Join(providers[path], " or ") + " to " + strings.TrimPrefix(path, "/api/")
		add(path, name, "Takes what the provider pushes, proved as the provider does it, and answers as the provider wants it.", proves[path])
	}
	const own = "Takes what any provider of the sender pushes, as the doors of the providers do, without having to find out whose it is."
	add("/in/{sender}", "push for one sender", own, true)
	add("/in/{sender}/{channel}", "push for one channel of a sender", own, true)
	api.Check(t, "../../openapi.json")
}
