package mutants

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// switchName is the function that reports whether a mutant is the chosen one in
// a build with many of them. SwitchEnv, of the environment, chooses it;
// ReachEnv names a file to which the number of every mutant is added that could
// have been chosen where the run came by, one a line.
const (
	switchName = "isActiveMutant"
	SwitchEnv  = "HTTPDEST_MUTANT"
	ReachEnv   = "HTTPDEST_MUTANTS_REACHED"
)

// switchSource is what a package with mutants gets.
const switchSource = `package %s

import (
	"os"
	"sync"
)

var (
	activeMutant       = os.Getenv("` + SwitchEnv + `")
	reachedMutantsFile = os.Getenv("` + ReachEnv + `")
	reachedMutants     sync.Map
)

func ` + switchName + `(number string) bool {
	if reachedMutantsFile != "" {
		noteMutant(number)
	}
	return number == activeMutant
}

func noteMutant(number string) {
	if _, known := reachedMutants.LoadOrStore(number, true); known {
		return
	}
	f, err := os.OpenFile(reachedMutantsFile, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		panic(err)
	}
	if _, err := f.WriteString(number + "\n"); err != nil {
		panic(err)
	}
	if err := f.Close(); err != nil {
		panic(err)
	}
}
`

// Together puts as many mutants into one build as it can: the function that a
// mutant changes gets a changed twin, and hands over to it when that mutant is
// the chosen one. A build for each mutant took four seconds of a core, and
// twenty times as long as the play. A mutant that cannot be built so, such as
// another value of a constant, needs a build of its own.
//
// files are the changed sources by their path below root. The mutant of number
// n, counted from 1, is chosen by setting SwitchEnv to n. A run that does not
// come by the function of a mutant (ReachEnv) is the same with it as without.
func Together(root string, all []Mutant) (files map[string]string, apart []Mutant, err error) {
	files = map[string]string{}
	byFile := map[string][]twin{}
	for i, m := range all {
		t, ok, err := m.twin(root, i+1)
		switch {
		case err != nil:
			return nil, nil, err
		case ok:
			byFile[m.File] = append(byFile[m.File], t)
		default:
			apart = append(apart, m)
		}
	}
	for file, twins := range byFile {
		content := twins[0].source
		var edits []edit
		for _, t := range twins {
			edits = append(edits, t.edits...)
		}
		// From the end, so that offsets stay true; mutants of one function ask
		// for the same names of parameters.
		slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Compare(b.at, a.at) })
		for i, e := range edits {
			if i > 0 && e.once && edits[i-1] == e {
				continue
			}
			content = content[:e.at] + e.text + content[e.at+e.drop:]
		}
		for _, t := range twins {
			// An error in a twin names the mutant, not the file it is put in.
			content += fmt.Sprintf("\n//line scenarios/mutants/%s.yaml:1\n%s\n", t.id, t.code)
		}
		files[file] = content
		files[path.Join(path.Dir(file), "active_mutant.go")] = fmt.Sprintf(switchSource, twins[0].pkg)
	}
	return files, apart, nil
}

// twin is a changed copy of a function, and the edits that make the function
// hand over to it.
type twin struct {
	id, pkg, source, code string
	edits                 []edit
}

// edit replaces drop bytes at an offset; once: the same edit is made once,
// however often it is asked for.
type edit struct {
	at, drop int
	text     string
	once     bool
}

// twin is false for a mutant that is not within the body of one function.
func (m Mutant) twin(root string, number int) (twin, bool, error) {
	if _, err := m.Apply(root); err != nil {
		return twin{}, false, err
	}
	content, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return twin{}, false, err
	}
	source, from := string(content), strings.Index(string(content), m.Old)
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, m.File, source, parser.SkipObjectResolution)
	if err != nil {
		return twin{}, false, err
	}
	offset := func(p token.Pos) int { return set.Position(p).Offset }
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil || f.Name.Name == "init" || f.Name.Name == "main" || f.Name.Name == "_" {
			continue
		}
		if from <= offset(f.Body.Lbrace) || from+len(m.Old) > offset(f.Body.Rbrace) {
			continue
		}
		name := fmt.Sprintf("%sMutant%d", f.Name.Name, number)
		t := twin{id: m.ID, pkg: file.Name.Name, source: source}
		t.code = source[offset(f.Pos()):offset(f.Name.Pos())] + name + source[offset(f.Name.End()):from] + m.New + source[from+len(m.Old):offset(f.End())]
		call, edits := handOver(f, name, offset)
		if f.Type.Results == nil {
			call += "; return"
		} else {
			call = "return " + call
		}
		t.edits = append(edits, edit{at: offset(f.Body.Lbrace) + 1, text: fmt.Sprintf(" if %s(\"%d\") { %s };", switchName, number, call)})
		return t, true, nil
	}
	return twin{}, false, nil
}

// handOver is the call of a function's twin with the function's own arguments,
// and the edits that name the unnamed ones.
func handOver(f *ast.FuncDecl, name string, offset func(token.Pos) int) (string, []edit) {
	var edits []edit
	names := func(list *ast.FieldList) []string {
		var out []string
		if list == nil {
			return nil
		}
		for _, field := range list.List {
			if len(field.Names) == 0 {
				at := offset(field.Type.Pos())
				argument := fmt.Sprintf("mutantArgument%d", at)
				edits = append(edits, edit{at: at, text: argument + " ", once: true})
				out = append(out, argument)
			}
			for _, n := range field.Names {
				argument := n.Name
				if argument == "_" {
					argument = fmt.Sprintf("mutantArgument%d", offset(n.Pos()))
					edits = append(edits, edit{at: offset(n.Pos()), drop: 1, text: argument, once: true})
				}
				out = append(out, argument)
			}
			if _, variadic := field.Type.(*ast.Ellipsis); variadic {
				out[len(out)-1] += "..."
			}
		}
		return out
	}
	if f.Recv != nil {
		name = names(f.Recv)[0] + "." + name
	}
	if types := names(f.Type.TypeParams); len(types) > 0 {
		name += "[" + strings.Join(types, ", ") + "]"
	}
	return name + "(" + strings.Join(names(f.Type.Params), ", ") + ")", edits
}
