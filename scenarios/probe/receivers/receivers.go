// Package receivers holds what the probe is tried on. Below right/ are receivers
// to copy from, in Go, Node and Python, and nginx in front of one. Each file in
// wrong/ makes the Go one wrong in one way, by a small text replacement that go
// build -overlay applies or by what it is started with, and names exactly the
// rules that the probe must find broken. `make probe-examples` starts and probes
// them all. Those in stateful/ are wrong in what they keep of several messages, which random
// histories show: `make histories`.
package receivers

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/scenarios"
)

// Source is the folder of the right receiver in Go, below the module root: what
// a patch changes a file of.
const Source = "scenarios/probe/receivers/right/go"

var (
	//go:embed wrong/*.yaml
	wrong embed.FS
	//go:embed stateful/*.yaml
	stateful embed.FS
	//go:embed fronts.yaml
	fronts []byte
	//go:embed right/go/*.go right/nginx right/haproxy right/apache right/caddy
	source embed.FS
)

// Receiver is one wrong receiver.
type Receiver struct {
	Name    string            `yaml:"name"` // the file name without .yaml, for one in wrong/
	Title   string            `yaml:"title"`
	Fails   []string          `yaml:"fails"`   // ids in rules.yaml: these and no others
	Class   string            `yaml:"class"`   // of every failure
	Server  string            `yaml:"server"`  // of the cause that a response names; "": none does
	Answers []Answer          `yaml:"answers"` // of a receiver in this process
	Flaw    string            `yaml:"flaw"`    // of a receiver in this process: one of Flaws
	Plan    string            `yaml:"plan"`    // of what it is started with and probed for; "" is mtls
	Front   string            `yaml:"front"`   // server in front of the Go receiver, a folder of right/; "": none
	Patches []Patch           `yaml:"patches"` // of the Go receiver or, with a server in front, of its configuration; may be none
	Env     map[string]string `yaml:"env"`     // changes to the environment of the plan
	Probe   map[string]any    `yaml:"probe"`   // changes to the configuration of the plan's probe, map by map; null takes away
}

// Patch replaces a text.
type Patch struct {
	File string `yaml:"file"` // in Source, or in the folder of the server in front
	Old  string `yaml:"old"`  // occurs exactly once in the file
	New  string `yaml:"new"`
}

// Plans are the plans of a receiver, the default first: bearer token and mTLS
// with messages of up to ten profiles, the same with TLS alone and one profile
// a message, and OAuth 2 client credentials.
var Plans = []string{"mtls", "tls", "oauth"}

// FrontPlan is the plan of receivers in this process: plain HTTP and a bearer
// token, one profile a message.
const FrontPlan = "front"

// Classes are the classes of failures.
var Classes = []string{"form", "throttled", "down", "flaky", "credentials", "gateway", "mtls", "cold", "late", "lost", "tls", "status", "unreadable"}

// Wrong reads every wrong receiver, in the order of their names. A description
// that would prove nothing is an error: one with unknown keys or rules, or whose
// patches do not fit the Go receiver any more.
func Wrong() ([]Receiver, error) {
	rules, err := scenarios.Rules()
	if err != nil {
		return nil, err
	}
	all, err := readAll(wrong, "wrong", rules)
	if err != nil {
		return nil, err
	}
	inProcess, err := readFronts(rules)
	return append(all, inProcess...), err
}

// Stateful reads the receivers that are wrong in what they keep of several messages, in the
// order of their names. Each breaks one or more of its rules in a random history, and none
// besides them.
func Stateful() ([]Receiver, error) {
	rules, err := scenarios.Rules()
	if err != nil {
		return nil, err
	}
	return readAll(stateful, "stateful", rules)
}

// readAll reads the descriptions of a folder.
func readAll(from embed.FS, folder string, rules scenarios.Catalogue) ([]Receiver, error) {
	names, err := fs.Glob(from, folder+"/*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]Receiver, 0, len(names))
	for _, name := range names {
		content, err := from.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r, err := read(content, rules, folder == "stateful")
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		r.Name = strings.TrimSuffix(strings.TrimPrefix(name, folder+"/"), ".yaml")
		all = append(all, r)
	}
	return all, nil
}

// readFronts reads the receivers that run in this process.
func readFronts(rules scenarios.Catalogue) ([]Receiver, error) {
	var all []Receiver
	if err := yaml.Load(fronts, &all, yaml.WithKnownFields()); err != nil {
		return nil, fmt.Errorf("fronts.yaml: %w", err)
	}
	for i := range all {
		r := &all[i]
		r.Plan = FrontPlan
		if err := r.check(rules); err != nil {
			return nil, fmt.Errorf("fronts.yaml: %s: %w", r.Name, err)
		}
	}
	return all, nil
}

// InProcess reports whether a receiver runs in the process of the test.
func (r Receiver) InProcess() bool { return r.Plan == FrontPlan }

// read parses and checks one description. The class of a stateful receiver is lost.
func read(content []byte, rules scenarios.Catalogue, stateful bool) (Receiver, error) {
	var r Receiver
	if err := yaml.Load(content, &r, yaml.WithKnownFields()); err != nil {
		return r, err
	}
	if stateful {
		r.Class = "lost"
	}
	if r.Plan == "" {
		r.Plan = Plans[0]
	}
	return r, r.check(rules)
}

// check refuses a description that would prove nothing.
func (r Receiver) check(rules scenarios.Catalogue) error {
	switch {
	case r.Title == "":
		return errors.New("no title")
	case len(r.Fails) == 0:
		return errors.New("fails no rule, so that it proves nothing")
	case !slices.Contains(Classes, r.Class):
		return fmt.Errorf("no class %q: there are %s", r.Class, strings.Join(Classes, ", "))
	case r.Flaw != "" && !slices.Contains(Flaws, r.Flaw):
		return fmt.Errorf("no flaw %q: there are %s", r.Flaw, strings.Join(Flaws, ", "))
	case r.InProcess() && (len(r.Answers) == 0) == (r.Flaw == ""):
		return errors.New("answers or a flaw, and not both")
	case len(r.Patches) == 0 && len(r.Env) == 0 && len(r.Probe) == 0 && !r.InProcess():
		return errors.New("changes nothing")
	case !slices.Contains(Plans, r.Plan) && !r.InProcess():
		return fmt.Errorf("no plan %q: there are %s", r.Plan, strings.Join(Plans, ", "))
	}
	for i, id := range r.Fails {
		rule, ok := rules.Find(id)
		switch {
		case !ok:
			return fmt.Errorf("rule %q is not in rules.yaml", id)
		case rule.Side == "sender":
			return fmt.Errorf("rule %s binds no receiver", id)
		case slices.Contains(r.Fails[:i], id):
			return fmt.Errorf("rule %s is there twice", id)
		}
	}
	_, err := r.Files()
	return err
}

// here is the folder of this package, below the module root.
const here = "scenarios/probe/receivers"

// folder is where the files are that the patches change.
func (r Receiver) folder() string {
	if r.Front != "" {
		return here + "/right/" + r.Front
	}
	return Source
}

// Files are the files that the patches change, by their path
// below the module root. It is an error when an old text is not there exactly
// once: the receiver has moved on, and the patch must follow.
func (r Receiver) Files() (map[string]string, error) {
	files := map[string]string{}
	for _, p := range r.Patches {
		path := r.folder() + "/" + p.File
		if _, patched := files[path]; !patched {
			content, err := source.ReadFile(strings.TrimPrefix(path, here+"/"))
			if err != nil {
				return nil, err
			}
			files[path] = string(content)
		}
		if n := strings.Count(files[path], p.Old); n != 1 {
			return nil, fmt.Errorf("the old text is %d times in %s, and must be there once: %q", n, p.File, p.Old)
		}
		if p.Old == p.New {
			return nil, fmt.Errorf("a patch of %s changes nothing: %q", p.File, p.Old)
		}
		files[path] = strings.Replace(files[path], p.Old, p.New, 1)
	}
	return files, nil
}
