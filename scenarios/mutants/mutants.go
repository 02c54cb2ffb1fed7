// Package mutants proves that the checks bite: each file next to this one makes
// the engine or the endpoint wrong in one way, by a small text replacement that
// go build -overlay applies, and names the rule it breaks and the cases that
// must turn red.
//
// `make mutants` builds and plays them all, and writes down in matrix.json
// which case turned red under which: what a rule's coverage is read from. A
// mutant that no case of its rule finds is a hole in the library.
package mutants

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed *.yaml
var files embed.FS

// Mutant is one wrong engine or endpoint.
type Mutant struct {
	ID     string   `yaml:"-"` // the file name without .yaml
	Title  string   `yaml:"title"`
	Rule   string   `yaml:"rule"`  // id of a rule or of a clause in rules.yaml
	Kills  []string `yaml:"kills"` // cases that must turn red, each citing the rule
	File   string   `yaml:"file"`  // below the module root
	Old    string   `yaml:"old"`   // occurs exactly once in the file
	New    string   `yaml:"new"`
	Digest string   `yaml:"-"` // of the mutant's file, to see whether it was measured as it is
}

// All reads every mutant, in the order of their ids.
func All() ([]Mutant, error) {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]Mutant, 0, len(names))
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(content)
		m := Mutant{ID: strings.TrimSuffix(name, ".yaml"), Digest: hex.EncodeToString(sum[:6])}
		if err := yaml.Load(content, &m, yaml.WithKnownFields()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// Area is the part of the program that the mutant makes wrong: engine for the
// packages that decide, the package's own name for those around them.
func (m Mutant) Area() string {
	folder, rest, _ := strings.Cut(m.File, "/")
	below, _, _ := strings.Cut(rest, "/")
	switch folder {
	case "mockendpoint":
		return "endpoint"
	case "engine":
		switch below {
		case "delivery", "live", "monitor", "platform", "store":
			return below
		}
	}
	return folder
}

// Apply returns the content of the mutant's file, below root, with the
// replacement made. It is an error when the old text is not there exactly
// once: the code has moved on, and the mutant must follow.
func (m Mutant) Apply(root string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return nil, fmt.Errorf("mutant %s: %w", m.ID, err)
	}
	if n := strings.Count(string(content), m.Old); n != 1 {
		return nil, fmt.Errorf("mutant %s: the old text occurs %d times in %s, and must occur exactly once", m.ID, n, m.File)
	}
	return []byte(strings.Replace(string(content), m.Old, m.New, 1)), nil
}

// Overlay writes the mutated file into dir, and next to it the list that go
// build -overlay puts it in place with, whose path it returns.
func (m Mutant) Overlay(root, dir string) (string, error) {
	content, err := m.Apply(root)
	if err != nil {
		return "", err
	}
	return Overlay(root, dir, map[string]string{m.File: string(content)})
}

// Overlay writes files into dir, and next to them the list by which go build
// -overlay puts them in the place of those with their path below root. It
// returns the path of the list.
func Overlay(root, dir string, files map[string]string) (string, error) {
	replace := map[string]string{}
	for name, content := range files {
		original, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil {
			return "", err
		}
		replace[original] = filepath.Join(dir, strings.ReplaceAll(name, "/", "-"))
		if err := os.WriteFile(replace[original], []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	j, err := json.Marshal(map[string]map[string]string{"Replace": replace})
	if err != nil {
		return "", err
	}
	list := filepath.Join(dir, "overlay.json")
	return list, os.WriteFile(list, j, 0o600)
}
