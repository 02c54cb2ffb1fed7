package scenarios

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

//go:embed sources.yaml
var sourcesFile []byte

// Source is a page that rules rest on, or another origin of them.
type Source struct {
	Name     string   `json:"name"`               // "HTTP API destination": how the sources of rules begin
	Path     string   `json:"path,omitempty"`     // of the page in its repository; "" where it is not a page, or several
	Versions []string `json:"versions,omitempty"` // commits, dates or translations that were read, the newest first
	Rules    []string `json:"rules"`              // numbers of the rules and clauses that rest on it, in their order
}

// Sources are all origins of the rules, each with the rules that rest on it. An
// error names a rule whose source is not listed, or a mistake of the list.
func Sources() ([]Source, error) {
	all, err := parseSources("scenarios/sources.yaml", sourcesFile)
	if err != nil {
		return nil, err
	}
	rules, err := Rules()
	if err != nil {
		return nil, err
	}
	return all, attribute(all, rules)
}

// attribute gives each source its rules and clauses: a part of the source of one,
// between semicolons, begins with the name of the page. The longest name counts.
func attribute(all []Source, rules Catalogue) error {
	for _, r := range rules.All() {
		for part := range strings.SplitSeq(r.Source, "; ") {
			best := named(all, part)
			if best < 0 {
				return fmt.Errorf("%s: %s: source %q is not in sources.yaml", r.Pos, r.ID, part)
			}
			if !slices.Contains(all[best].Rules, r.Ref) {
				all[best].Rules = append(all[best].Rules, r.Ref)
			}
		}
	}
	return nil
}

// named is the index of the source that a part of a rule's source begins with, or
// -1.
func named(all []Source, part string) int {
	best := -1
	for i, s := range all {
		begins := part == s.Name || strings.HasPrefix(part, s.Name+",")
		if begins && (best < 0 || len(s.Name) > len(all[best].Name)) {
			best = i
		}
	}
	return best
}

// SourceOf is the source that a part of a rule's source begins with; the parts are
// joined by semicolons.
func SourceOf(all []Source, part string) (Source, bool) {
	i := named(all, part)
	if i < 0 {
		return Source{}, false
	}
	return all[i], true
}

// parseSources reads the list as strictly as a scenario.
func parseSources(name string, content []byte) ([]Source, error) {
	d := &decoder{file: name}
	var out []Source
	if root := d.document(content); root != nil {
		seen := map[string]int{}
		for _, n := range d.list(root, "the list of sources") {
			o := d.object(n, "a source")
			if o == nil {
				continue
			}
			s := Source{Name: d.line(o.require("name", "every source has one"), "name"), Path: o.line("path")}
			if versions := o.take("versions"); versions != nil {
				for _, v := range d.list(versions, "versions") {
					s.Versions = append(s.Versions, d.line(v, "an entry of versions"))
				}
			}
			if line := seen[s.Name]; line > 0 {
				d.problem(n, "list each once", "%s is also in line %d", s.Name, line)
			}
			seen[s.Name] = n.Line
			o.end()
			out = append(out, s)
		}
	}
	if problems := d.result(); len(problems) > 0 {
		return nil, problems
	}
	return out, nil
}
