package scenarios

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// extension ends the name of every scenario file.
const extension = ".yaml"

// Parse reads one scenario. name is the file in positions, and the id without
// its extension. The error is Problems, all of them.
func Parse(name string, content []byte) (*Scenario, error) {
	s, problems := parse(place{file: name, id: strings.TrimSuffix(filepath.ToSlash(name), extension)}, content)
	return s, problems.err()
}

// Load reads one file. Its id is that of CaseIDs.
func Load(file string) (*Scenario, error) {
	s, problems := load(file)
	if len(problems) > 0 {
		return nil, problems
	}
	return s, identify("", []*Scenario{s}).err()
}

// Find reads files, and every *.yaml below folders, in sorted order. The ids of
// the scenarios are those of CaseIDs, with the root it finds. Left out below a
// folder are rules.yaml, hidden folders, and everything called testdata or
// mutants. The problems of all files come back together, and no scenarios with
// them. Finding no scenario is not a problem of a file, so the caller must check.
func Find(paths ...string) ([]*Scenario, error) { return FindBelow("", paths...) }

// FindBelow is Find with ids below the folder root; "" finds the root of each
// file as CaseIDs does. A file outside root is a problem.
func FindBelow(root string, paths ...string) ([]*Scenario, error) {
	var all []*Scenario
	var problems Problems
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			problems = append(problems, unreadable(p, err))
			continue
		}
		var found []*Scenario
		var more Problems
		if info.IsDir() {
			found, more = findIn(os.DirFS(p), p)
		} else {
			s, wrong := load(p)
			found, more = []*Scenario{s}, wrong
		}
		all, problems = append(all, found...), append(problems, more...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	if problems = identify(root, all); len(problems) > 0 {
		return nil, problems
	}
	return onceEach(all), nil
}

// FindFS is Find for one folder of any file system, such as the library within
// the binary. root stands before every file name in positions.
func FindFS(fsys fs.FS, root string) ([]*Scenario, error) {
	found, problems := findIn(fsys, root)
	if len(problems) > 0 {
		return nil, problems
	}
	return found, nil
}

// findIn reads every scenario of a file system, in sorted order.
func findIn(fsys fs.FS, root string) ([]*Scenario, Problems) {
	var found []*Scenario
	var problems Problems
	at := func(name string) string { return path.Join(filepath.ToSlash(root), name) }
	// The walk reports its errors as problems, so that it goes on after each.
	_ = fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			problems = append(problems, unreadable(at(name), err))
			return nil
		case name != "." && skipped(entry):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir() || path.Ext(name) != extension:
			return nil
		}
		file, err := fsys.Open(name)
		if err != nil {
			problems = append(problems, unreadable(at(name), err))
			return nil
		}
		beside := func(rel string) (io.ReadCloser, error) { return fsys.Open(path.Join(path.Dir(name), rel)) }
		s, more := readAll(file, place{at(name), strings.TrimSuffix(name, extension), beside})
		found, problems = append(found, s), append(problems, more...)
		return nil
	})
	return found, problems
}

// skipped are the files and folders that hold no scenarios of their own.
func skipped(entry fs.DirEntry) bool {
	switch entry.Name() {
	case "testdata", "mutants", "rules.yaml":
		return true
	}
	return strings.HasPrefix(entry.Name(), ".")
}

// identify gives scenarios the ids of their files.
func identify(root string, all []*Scenario) Problems {
	files := make([]string, len(all))
	for i, s := range all {
		files[i] = s.Pos.File
	}
	ids, err := CaseIDs(root, files...)
	if err != nil {
		return Problems{{Message: err.Error(), Hint: "give a root above all files, or leave it out"}}
	}
	for i, s := range all {
		s.ID = ids[i]
	}
	return nil
}

// onceEach drops files that were named twice: they have one id.
func onceEach(all []*Scenario) []*Scenario {
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(s *Scenario) bool {
		twice := seen[s.ID]
		seen[s.ID] = true
		return twice
	})
}

func load(name string) (*Scenario, Problems) {
	file, err := os.Open(name)
	if err != nil {
		return nil, Problems{unreadable(name, err)}
	}
	beside := func(rel string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(filepath.Dir(name), filepath.FromSlash(rel)))
	}
	return readAll(file, place{file: filepath.ToSlash(name), beside: beside})
}

// place is where a scenario is: the name of its file in positions, its id, and
// how to open a file next to it (nil when it is in no folder).
type place struct {
	file, id string
	beside   func(name string) (io.ReadCloser, error)
}

// readAll reads one byte more than allowed, so that parse sees a file too large.
func readAll(file io.ReadCloser, p place) (*Scenario, Problems) {
	content, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err = cmp.Or(err, file.Close()); err != nil {
		return nil, Problems{unreadable(p.file, err)}
	}
	return parse(p, content)
}

// contentOf reads a file other than a scenario, one byte more than allowed.
// The error is Problems.
func contentOf(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, Problems{unreadable(file, err)}
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = cmp.Or(err, f.Close()); err != nil {
		return nil, Problems{unreadable(file, err)}
	}
	return content, nil
}

// unreadable is the problem of a whole file. The path is in the position, so
// it is cut from the error.
func unreadable(name string, err error) Problem {
	return Problem{Position{File: filepath.ToSlash(name)}, "cannot be read: " + withoutPath(err).Error(), "check the path and its permissions"}
}

// withoutPath is an error of the file system without the path it names.
func withoutPath(err error) error {
	if wrapped, ok := errors.AsType[*fs.PathError](err); ok {
		return wrapped.Err
	}
	return err
}

// reader reads the sections of one scenario. Later sections refer to earlier
// ones, so the order of reading is fixed and that of the file is free.
type reader struct {
	*decoder
	scenario     *Scenario
	audienceKeys []string
	to           Destination           // that of the dataflow, endpoint or step that is read
	activated    map[string]*yaml.Node // `activated` of each dataflow, for the history to contradict
	excluded     map[string]*yaml.Node // `exclude` of each, which names profiles
	ruleIDs      []string
	clauseIDs    []string                                 // of rules and of their clauses
	receivers    []string                                 // ids of the rules of receivers
	files        func(name string) (io.ReadCloser, error) // next to the scenario; nil without a folder
	// configurationUnderTest: values of the configuration go to the engine as
	// they are, which a line of `expect:` is about.
	configurationUnderTest bool
	service                bool // profiles and files come while it runs: any name may be one
}

func newReader(d *decoder, s *Scenario) *reader {
	s.attributesAt = map[mappedPath]Position{}
	return &reader{decoder: d, scenario: s, activated: map[string]*yaml.Node{}, excluded: map[string]*yaml.Node{}}
}

func parse(p place, content []byte) (*Scenario, Problems) {
	d := &decoder{file: p.file}
	rules, err := Rules()
	if err != nil {
		d.problemAt(1, 1, "the catalogue is part of the program: report this defect", err.Error())
		return nil, d.result()
	}
	root := d.document(content)
	if root == nil {
		return nil, d.result()
	}
	r := newReader(d, &Scenario{ID: p.id, Seed: 1, Pos: d.pos(root)})
	r.ruleIDs, r.clauseIDs, r.receivers, r.files = rules.ids(), rules.clauseIDs(), rules.of("receiver").ids(), p.beside
	r.read(root)
	if problems := d.result(); len(problems) > 0 {
		return nil, problems
	}
	return r.scenario, nil
}

// read reads every section.
func (r *reader) read(root *yaml.Node) {
	o := r.object(root, "a scenario")
	if o == nil {
		return
	}
	s := r.scenario
	r.configurationUnderTest = underTest(o)
	s.Title = r.line(o.require("title", "add one sentence: what the case proves"), "title")
	s.Rules = r.words(o.require("rules", "name at least one rule, such as [trig-enter]"), "rules", r.cited)
	if n := o.valueOf("rules"); n != nil && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
		r.problem(n, "name at least one, such as [trig-enter]", "rules names no rule")
	}
	s.Start = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	if start, given := o.instant("start"); given {
		s.Start = start
	}
	s.Until, _ = o.duration("until")
	s.Seed = uint64(o.integer("seed", 0, 1<<63-1, 1))

	r.readAudiences(o.take("audiences"))
	r.readOrganisation(o.take("organisation"), o.take("users"))
	r.readFlows(o)
	r.readProfiles(o.take("profiles"))
	r.readExclusions()
	r.readUploaded()
	r.readPlatform(o.take("platform"))
	r.readEndpoints(o)
	r.readHistory(o.take("history"))
	r.readExpect(o.require("expect", "list the expected results; `expect: []` means no exports"))
	s.OthersAllowed = r.word(o.take("others"), "others", "allowed") == "allowed"
	o.end()
	if len(r.problems) == 0 { // what is wrong already would only be said again
		r.slips()
	}
}

// slips reports what is well-formed and makes the result wrong.
func (r *reader) slips() {
	var found Problems
	if !r.configurationUnderTest {
		found = append(found, r.scenario.undeclaredPolicies()...)
		paths := newAttributePaths(r.scenario)
		for _, part := range r.scenario.Split() {
			found = append(found, paths.throughLists(part)...)
		}
	}
	found = append(found, replayHistory(r.scenario).errors...)
	r.problems = append(r.problems, found...)
}

// cited reads the id of a rule that the scenario exercises, and where it stands.
// A run has no receiver but the mock, so it cannot judge one.
func (r *reader) cited(n *yaml.Node, what string) string {
	id := r.rule(n, what)
	if id == "" {
		return ""
	}
	if slices.Contains(r.receivers, id) {
		r.problem(n, "remove it: `httpdest probe` checks receivers", "%s: %s is a rule of receivers, and a run has only the mock", what, id)
		return ""
	}
	r.scenario.citedAt = append(r.scenario.citedAt, r.pos(n))
	return id
}

// rule reads the id of a rule of the catalogue.
func (r *reader) rule(n *yaml.Node, what string) string { return r.ruleAmong(n, what, r.ruleIDs) }

// ruleAmong reads one of some ids of rules and clauses.
func (r *reader) ruleAmong(n *yaml.Node, what string, ids []string) string {
	id := r.line(n, what)
	if id != "" && !slices.Contains(ids, id) {
		hint := "`httpdest rules` lists them"
		if nearest(id, ids) != "" {
			hint = didYouMean(id, ids)
		}
		r.problem(n, hint, "%s: no rule %q", what, short(id))
		return ""
	}
	return id
}
