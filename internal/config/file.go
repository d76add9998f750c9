package config

import (
	"encoding"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"
)

// File names a YAML file with settings. Each key is the name of a setting. A list may be written as a list or as text with commas, and what
// maps names to values as a map.
type File string

const maxFile = 1 << 20

// BeforeResolve makes kong take the settings that neither flags nor the environment give from the file.
func (f File) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	path, _ := ctx.FlagValue(trace.Flag).(File)
	if path == "" || !inCommand(ctx, trace.Flag) {
		return nil
	}
	resolver, err := readFile(string(path))
	if err != nil {
		return err
	}
	ctx.AddResolver(resolver)
	return nil
}

// inCommand reports whether flag belongs to the command that was called. kong runs hooks for all commands that have the flag in common
// when its value comes from the environment.
func inCommand(ctx *kong.Context, flag *kong.Flag) bool {
	return slices.ContainsFunc(ctx.Path, func(p *kong.Path) bool { return p.Flag == flag || slices.Contains(p.Flags, flag) })
}

// fileSettings are the settings of one file.
type fileSettings struct {
	path   string
	values map[string]*yaml.Node
}

func readFile(path string) (*fileSettings, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is larger than 1 MiB", path)
	}
	return parseFile(path, b)
}

func parseFile(path string, b []byte) (*fileSettings, error) {
	s := &fileSettings{path: path, values: map[string]*yaml.Node{}}
	var doc yaml.Node
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if doc.Kind == 0 || doc.Content[0].Tag == "!!null" {
		return s, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s line %d: must consist of lines such as listen: 127.0.0.1:8420", path, root.Line)
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		if err := s.add(key, value); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, key.Line, err)
		}
	}
	return s, nil
}

func (s *fileSettings) add(key, value *yaml.Node) error {
	settings := Settings()
	if !slices.ContainsFunc(settings, func(t Setting) bool { return t.Name == key.Value && t.Name != "config" }) {
		return fmt.Errorf("there is no setting %q%s", key.Value, suggestion(key.Value, settings))
	}
	if s.values[key.Value] != nil {
		return fmt.Errorf("%s is there twice", key.Value)
	}
	s.values[key.Value] = value
	return nil
}

// Validate is part of kong.Resolver. Unknown keys have been refused already.
func (s *fileSettings) Validate(*kong.Application) error { return nil }

// Resolve gives the text of a setting to kong, or nil when the file lacks it or the environment has it.
func (s *fileSettings) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	node := s.values[flag.Name]
	if node == nil || slices.ContainsFunc(flag.Tag.Envs, func(env string) bool { _, ok := os.LookupEnv(env); return ok }) {
		return nil, nil
	}
	text, err := settingText(node)
	if err == nil {
		err = tryText(flag, text)
	}
	if err != nil {
		return nil, fmt.Errorf("%s line %d: %w", s.path, node.Line, err)
	}
	return text, nil
}

// tryText reads text as the type of flag, so that an error can name the file and the line.
func tryText(flag *kong.Flag, text string) error {
	v, ok := reflect.New(flag.Target.Type()).Interface().(encoding.TextUnmarshaler)
	if !ok {
		return nil
	}
	return v.UnmarshalText([]byte(text))
}

// settingText is a YAML value as one would write it in a flag.
func settingText(node *yaml.Node) (string, error) {
	switch node.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!null" {
			return "", errors.New("has no value; leave the line out to get the default")
		}
		return node.Value, nil
	case yaml.SequenceNode, yaml.MappingNode:
		var parts []string
		for i, item := range node.Content {
			if item.Kind != yaml.ScalarNode || strings.Contains(item.Value, ",") {
				return "", errors.New("must hold plain values without commas")
			}
			if node.Kind == yaml.MappingNode && i%2 == 1 {
				parts[len(parts)-1] += "=" + item.Value
			} else {
				parts = append(parts, item.Value)
			}
		}
		return strings.Join(parts, ","), nil
	}
	return "", errors.New("must be a plain value, a list or a map")
}

// suggestion names the setting that looks most like name.
func suggestion(name string, settings []Setting) string {
	best, least := "", 1+len(name)/3
	for _, s := range settings {
		if d := distance(strings.ReplaceAll(strings.ToLower(name), "_", "-"), s.Name); d <= least && s.Name != "config" {
			best, least = s.Name, d-1
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is the number of letters to insert, delete or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
