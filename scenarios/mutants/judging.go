package mutants

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"go.yaml.in/yaml/v4"
)

//go:embed judge/*.yaml
var judgingFiles embed.FS

// Judging is a mutant of the judge. Some points are judged only in what somebody
// else sent or received, so that no engine can be wrong in them: a mutant of the
// judge that names such a clause proves it, and a test of the judge must find it.
type Judging struct {
	ID     string `yaml:"-"` // the file name without .yaml
	Title  string `yaml:"title"`
	Clause string `yaml:"clause"` // id in rules.yaml; "" where it is about something else
	Test   string `yaml:"test"`   // package and test that must turn red
}

// OfJudge reads every mutant of the judge, in the order of their ids.
func OfJudge() ([]Judging, error) {
	names, err := fs.Glob(judgingFiles, "judge/*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]Judging, len(names))
	for i, name := range names {
		content, err := judgingFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		all[i].ID = strings.TrimSuffix(path.Base(name), ".yaml")
		if err := yaml.Load(content, &all[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}
