// Package mutants proves that the checks bite: each file beside this one makes
// the engine or the endpoint wrong in one way, by a small text replacement
// that go build -overlay applies, and names the rule it breaks and the cases
// that must turn red.
//
// `make mutants` builds and runs them all. A mutant that no case of its rule
// finds is a hole in the library.
package mutants

import (
	"embed"
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
	ID    string   `yaml:"-"` // the file name without .yaml
	Title string   `yaml:"title"`
	Rule  string   `yaml:"rule"`  // id in rules.yaml
	Kills []string `yaml:"kills"` // cases that must turn red, each citing the rule
	File  string   `yaml:"file"`  // below the module root
	Old   string   `yaml:"old"`   // occurs exactly once in the file
	New   string   `yaml:"new"`
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
		m := Mutant{ID: strings.TrimSuffix(name, ".yaml")}
		if err := yaml.Load(content, &m, yaml.WithKnownFields()); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, m)
	}
	return all, nil
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
		return nil, fmt.Errorf("mutant %s: the old text is %d times in %s, and must be there once", m.ID, n, m.File)
	}
	return []byte(strings.Replace(string(content), m.Old, m.New, 1)), nil
}
