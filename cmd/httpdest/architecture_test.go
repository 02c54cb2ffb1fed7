package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/httpdest/httpdest"

// pkg is one package of the module as its files say.
type pkg struct {
	imports map[string]string // path -> a file that imports it; nil: there are only tests
	calls   map[string]string // "time.Now" -> a file that calls it
	docs    int               // files with a package comment
	tests   map[string]string // path -> a test file that imports it
	short   bool              // a test asks for testing.Short()
}

// graph is every package by its folder below the module root, "" the root.
type graph map[string]*pkg

// pure are the packages that decide and judge: functions of their arguments.
var pure = []string{"engine", "engine/agenda", "engine/flow", "engine/profile", "engine/audience", "engine/audience/upload", "engine/dataflow", "engine/export", "engine/retry", "engine/recent", "engine/plainjson", "engine/intake",
	"engine/monitor", "mockendpoint/fault", "scenarios/recording", "scenarios/capture", "scenarios/check", "scenarios/exercise", "scenarios/generate", "scenarios/oracle", "scenarios/probe/histories", "loadtest/model", "internal/faultspec", "internal/limits", "internal/notation", "internal/secret", "internal/strictjson"}

// harmless are packages below net that a pure package may import, and why.
var harmless = map[string]string{
	"net/url":   "takes texts apart; no I/O",
	"net/netip": "addresses as values; no I/O",
}

// leaf is the package of the grammar of faults. The judge and the judged share its words: of our packages it imports two
// that read notation, and of them few import it.
var leaf = struct {
	dir               string
	imports, importer []string
}{"internal/faultspec", []string{"internal/notation", "internal/strictjson"}, []string{"mockendpoint/fault", "scenarios"}}

// notBuiltYet are packages of the design that a rule will hold for.
var notBuiltYet []string

// use is who may import a module: packages, with their tests; the tests of more
// packages, "*" those of any; and why it is there.
type use struct {
	packages, tests []string
	because         string
}

var anywhere = []string{"*"}

// thirdParty is every module that go.mod requires.
var thirdParty = map[string]use{
	"github.com/spf13/cobra":                   {[]string{"cmd/httpdest"}, nil, "commands, help and completion"},
	"github.com/spf13/pflag":                   {[]string{"cmd/httpdest"}, nil, "cobra's flags by name, to say which one was meant"},
	"github.com/onsi/ginkgo/v2":                {[]string{"cmd/httpdest"}, anywhere, "suites; and its label grammar, so that a filter means the same to both"},
	"go.yaml.in/yaml/v4":                       {[]string{"scenarios", "scenarios/mutants", "scenarios/probe", "scenarios/probe/receivers"}, []string{"tests/containers", "internal/packaging"}, "scenario files with positions; likely causes, wrong receivers, and the statement of a probe; tests of CI and Compose files"},
	"github.com/google/go-cmp":                 {[]string{"engine/store/storetest"}, anywhere, "diffs, also in the suite of every store"},
	"github.com/cockroachdb/pebble/v2":         {[]string{"engine/store/local"}, []string{"engine/live", "cmd/httpdest", "scenarios/simulate"}, "the durable local store: state larger than memory, atomic batches, grouped syncs"},
	"github.com/cespare/xxhash/v2":             {[]string{"engine/store/local"}, nil, "the hash of every byte a store has synced; Pebble brings it along"},
	"github.com/onsi/gomega":                   {nil, anywhere, "matchers of the suites"},
	"golang.org/x/time":                        {[]string{"mockendpoint/fault"}, nil, "the token bucket of a rate limit, by explicit times"},
	"golang.org/x/oauth2":                      {nil, []string{"mockendpoint"}, "an OAuth 2 client, as an independent witness of the token endpoint"},
	"github.com/prometheus/client_golang":      {[]string{"mockendpoint/admin", "loadtest/metrics"}, nil, "metrics of the mock endpoint and of a load for Prometheus"},
	"github.com/pb33f/libopenapi":              {nil, []string{"mockendpoint/admin"}, "reads the OpenAPI document of the admin API, as an independent witness"},
	"github.com/pb33f/libopenapi-validator":    {nil, []string{"mockendpoint/admin"}, "holds requests and answers to that document (3.1, which kin-openapi does not fully know)"},
	"github.com/chromedp/chromedp":             {nil, []string{"mockendpoint/admin", "tests/browser"}, "pages in a browser"},
	"github.com/chromedp/cdproto":              {nil, []string{"mockendpoint/admin", "tests/browser"}, "the browser's events and commands, which chromedp hands on"},
	"github.com/tsenart/vegeta/v12":            {[]string{"loadtest"}, []string{"tests/ratios"}, "paces and sends: an open model, whose workers grow"},
	"github.com/HdrHistogram/hdrhistogram-go":  {[]string{"loadtest", "reports"}, nil, "latencies whose percentiles survive a merge, and their pictures"},
	"gonum.org/v1/gonum":                       {[]string{"loadtest", "reports"}, nil, "the incomplete beta function, Student's t and the beta distribution of intervals"},
	"pgregory.net/rapid":                       {nil, anywhere, "properties"},
	"github.com/go-json-experiment/json":       {[]string{"internal/strictjson"}, nil, "the grammar of strict JSON: the tagged mirror of Go 1.27's encoding/json/jsontext"},
	"golang.org/x/net":                         {nil, []string{"reports/page"}, "reads our HTML, as an independent witness"},
	"github.com/yuin/goldmark":                 {nil, []string{"reports"}, "reads our Markdown, as an independent witness"},
	"github.com/joshdk/go-junit":               {nil, []string{"reports"}, "reads our JUnit, as an independent witness"},
	"github.com/rogpeppe/go-internal":          {nil, []string{"cmd/httpdest"}, "scripts of the command"},
	"github.com/santhosh-tekuri/jsonschema/v6": {[]string{"mockendpoint/payload"}, []string{"reports", "scenarios"}, "payloads against schemas; reports and scenarios, as an independent witness"},
	"golang.org/x/text":                        {[]string{"mockendpoint/payload", "reports"}, nil, "words what jsonschema finds: its printer is an argument; and how wide a character is on a terminal"},

	"github.com/testcontainers/testcontainers-go": {nil, []string{"tests/containers"}, "receiver and sender in containers"},
	"github.com/moby/moby/client":                 {nil, []string{"tests/containers"}, "pauses, kills and network cuts, which testcontainers has no name for"},
	"github.com/moby/moby/api":                    {nil, []string{"tests/containers"}, "what that client takes and answers"},
}

// violations holds the graph against every rule of the design (§1 idea 4, §2).
func violations(g graph, direct []string) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for dir, s := range g {
		under := func(top string) bool { return dir == top || strings.HasPrefix(dir, top+"/") }
		for _, ban := range []struct {
			is      bool
			top     string
			because string
		}{
			{under("engine"), "mockendpoint", "the two ends of the wire must not agree by construction"},
			{under("mockendpoint"), "engine", "the two ends of the wire must not agree by construction"},
			{slices.Contains([]string{"scenarios", "scenarios/recording", "scenarios/capture", "scenarios/oracle", "scenarios/check", "scenarios/exercise", "scenarios/generate"}, dir), "engine", "the judge shares no code with the judged"},
			{slices.Contains([]string{"scenarios", "scenarios/recording", "scenarios/capture", "scenarios/oracle", "scenarios/check", "scenarios/exercise", "scenarios/generate"}, dir), "mockendpoint", "the judge shares no code with the judged"},
			{dir == "internal/strictjson", "", "a leaf: both ends of the wire and the judge import it"},
			{dir == "reports", "", "reports are functions of verdicts and import nothing of ours"},
		} {
			if way := g.reaches(dir, ban.top, nil); ban.is && way != nil {
				add("%s reaches %s by %s: %s", dir, ban.top, strings.Join(way, " -> "), ban.because)
			}
		}
		if slices.Contains(pure, dir) {
			out = append(out, s.impurities(dir)...)
		}
		for imported, file := range s.imports {
			if store, ok := strings.CutPrefix(imported, module+"/engine/store/"); ok && (store == "memory" || store == "local") && dir != "cmd/httpdest" {
				add("%s imports the store %s: only cmd chooses one", file, store)
			}
			if dir == "scenarios/conformance" && strings.HasPrefix(imported, module+"/engine") {
				add("%s imports %s: a sender's author is judged without the engine; simulate translates", file, imported)
			}
			if theirs, ours := strings.CutPrefix(imported, module+"/"); ours && dir == leaf.dir && !slices.Contains(leaf.imports, theirs) {
				add("%s imports %s: the grammar of faults imports %v of our packages", file, theirs, leaf.imports)
			} else if theirs == leaf.dir && !slices.Contains(leaf.importer, dir) {
				add("%s of %s imports %s, which is there for %v: the judge and the model state the effects of faults by themselves", file, dir, theirs, leaf.importer)
			}
			out = append(out, foreign(dir, imported, file, false)...)
		}
		for imported, file := range s.tests {
			out = append(out, foreign(dir, imported, file, true)...)
		}
		if s.imports != nil && s.docs != 1 {
			add("package %s has %d package comments; want one", dir, s.docs)
		}
	}
	for _, dir := range slices.Concat(pure, notBuiltYet) {
		if _, there := g[dir]; there == slices.Contains(notBuiltYet, dir) {
			add("package %s: the lists of this test and the tree do not agree", dir)
		}
	}
	for _, m := range direct {
		if _, known := thirdParty[m]; !known {
			add("go.mod requires %s, which the table of this test does not give a reason for", m)
		}
	}
	out = append(out, stale(g, direct)...)
	slices.Sort(out)
	return slices.Compact(out)
}

// stale are the permissions that nothing uses: each would let the next one in
// unseen.
func stale(g graph, direct []string) []string {
	var out []string
	for m, u := range thirdParty {
		if !slices.Contains(direct, m) {
			out = append(out, fmt.Sprintf("the table lists %s, which go.mod does not require", m))
		}
		for _, dir := range u.packages {
			if p := g[dir]; p == nil || !from(p.imports, m) {
				out = append(out, fmt.Sprintf("the table lets %s import %s, and it does not", dir, m))
			}
		}
		for _, dir := range u.tests {
			if p := g[dir]; dir != "*" && (p == nil || !from(p.tests, m)) {
				out = append(out, fmt.Sprintf("the table lets tests of %s import %s, and they do not", dir, m))
			}
		}
	}
	return out
}

// from reports whether one of the imports is of a module.
func from(imports map[string]string, m string) bool {
	for imported := range imports {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			return true
		}
	}
	return false
}

// foreign checks an import of another module against the table.
func foreign(dir, imported, file string, test bool) []string {
	if !strings.Contains(strings.Split(imported, "/")[0], ".") || strings.HasPrefix(imported, module) {
		return nil
	}
	for m, u := range thirdParty {
		if imported == m || strings.HasPrefix(imported, m+"/") {
			if slices.Contains(u.packages, dir) || test && (slices.Contains(u.tests, dir) || slices.Contains(u.tests, "*")) {
				return nil
			}
			return []string{fmt.Sprintf("%s imports %s, which is there for %v and tests of %v (%s)", file, imported, u.packages, u.tests, u.because)}
		}
	}
	return []string{fmt.Sprintf("%s imports %s, which is in no table", file, imported)}
}

// impurities are the ways by which a pure package knows more than it is told.
func (s *pkg) impurities(dir string) []string {
	var out []string
	for imported, file := range s.imports {
		io := (imported == "net" || strings.HasPrefix(imported, "net/")) && harmless[imported] == ""
		if io || slices.Contains([]string{"os", "context", "math/rand"}, imported) {
			out = append(out, fmt.Sprintf("%s imports %s, and %s is pure", file, imported, dir))
		}
	}
	for call, file := range s.calls {
		out = append(out, fmt.Sprintf("%s calls %s, and %s is pure", file, call, dir))
	}
	return out
}

// reaches finds a way along imports from a package to one under top ("" is any
// of our packages); nil without one.
func (g graph) reaches(from, top string, seen map[string]bool) []string {
	if seen == nil {
		seen = map[string]bool{}
	}
	seen[from] = true
	for imported := range g[from].imports {
		dir, ours := strings.CutPrefix(imported, module+"/")
		if !ours || seen[dir] || g[dir] == nil {
			continue
		}
		if top == "" || dir == top || strings.HasPrefix(dir, top+"/") {
			return []string{from, dir}
		}
		if way := g.reaches(dir, top, seen); way != nil {
			return append([]string{from}, way...)
		}
	}
	return nil
}

// clocks are the functions that tell or wait for time.
var clocks = []string{"Now", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Since", "Until", "Tick"}

// seeded are what math/rand/v2 has of generators with a seed of their own, which give
// the same numbers every time; its other functions do not.
var seeded = []string{"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf"}

// impure reports whether a name of a package knows more than it is told.
var impure = map[string]func(name string) bool{
	"time":         func(name string) bool { return slices.Contains(clocks, name) },
	"math/rand/v2": func(name string) bool { return !slices.Contains(seeded, name) },
}

// read parses the module below root.
func read(t *testing.T, root string) graph {
	t.Helper()
	g := graph{}
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && file != root) {
			return fs.SkipDir
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			return err
		}
		g.add(filepath.ToSlash(dir), filepath.ToSlash(file), parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func (g graph) add(dir, file string, parsed *ast.File) {
	s := g[dir]
	if s == nil {
		s = &pkg{tests: map[string]string{}}
		g[dir] = s
	}
	test := strings.HasSuffix(file, "_test.go")
	if !test && s.imports == nil {
		s.imports, s.calls = map[string]string{}, map[string]string{}
	}
	names := map[string]string{} // of the packages of impure in this file
	for _, i := range parsed.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		switch {
		case err != nil:
		case test:
			s.tests[p] = file
		default:
			s.imports[p] = file
			if impure[p] != nil {
				name := path.Base(strings.TrimSuffix(p, "/v2"))
				if i.Name != nil {
					name = i.Name.Name
				}
				names[name] = p
			}
		}
	}
	if test {
		ast.Inspect(parsed, func(n ast.Node) bool {
			if x, ok := n.(*ast.SelectorExpr); ok && x.Sel.Name == "Short" {
				id, ok := x.X.(*ast.Ident)
				s.short = s.short || ok && id.Name == "testing"
			}
			return true
		})
		return
	}
	if parsed.Doc != nil {
		s.docs++
	}
	if p := names["."]; p != "" {
		s.calls[p+" by a dot import"] = file // whose calls have no package to be seen by
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		if x, ok := n.(*ast.SelectorExpr); ok {
			if id, ok := x.X.(*ast.Ident); ok && names[id.Name] != "" && impure[names[id.Name]](x.Sel.Name) {
				s.calls[names[id.Name]+"."+x.Sel.Name] = file
			}
		}
		return true
	})
}

// requires lists the direct requirements of go.mod.
func requires(t *testing.T, root string) []string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, line := range strings.Split(string(content), "\n") {
		if fields := strings.Fields(line); len(fields) == 2 && strings.Contains(fields[0], "/") && strings.HasPrefix(fields[1], "v") {
			out = append(out, fields[0])
		}
	}
	return out
}

func TestArchitecture(t *testing.T) {
	direct := requires(t, "../..")
	if len(direct) < 5 {
		t.Fatalf("read %v from go.mod; there is more", direct)
	}
	for _, v := range violations(read(t, "../.."), direct) {
		t.Error(v)
	}
}

// Each rule must be able to fail: a graph that breaks all of them.
func TestArchitectureRulesCanFail(t *testing.T) {
	g := read(t, "../..")
	breaks := map[string]func(){
		"engine/delivery reaches mockendpoint":         func() { g["engine/delivery"].imports[module+"/mockendpoint"] = "f" },
		"mockendpoint reaches engine":                  func() { g["mockendpoint"].imports[module+"/engine/retry"] = "f" },
		"scenarios/check reaches engine by":            func() { g["reports"].imports[module+"/engine/retry"] = "f" },
		"reports reaches ":                             func() {},
		"internal/strictjson reaches  by":              func() { g["internal/strictjson"].imports[module+"/reports"] = "f" },
		"f imports mockendpoint/fault: the grammar of": func() { g["internal/faultspec"].imports[module+"/mockendpoint/fault"] = "f" },
		"f of scenarios/check imports internal/faults": func() { g["scenarios/check"].imports[module+"/internal/faultspec"] = "f" },
		"f of scenarios/oracle imports internal/fault": func() { g["scenarios/oracle"].imports[module+"/internal/faultspec"] = "f" },
		"f imports net/http, and engine/retry is":      func() { g["engine/retry"].imports["net/http"] = "f" },
		"f calls time.Now, and engine/export is":       func() { g["engine/export"].calls["time.Now"] = "f" },
		"f imports the store memory":                   func() { g["scenarios/simulate"].imports[module+"/engine/store/memory"] = "f" },
		"f imports github.com/spf13/cobra, which is":   func() { g["scenarios"].imports["github.com/spf13/cobra"] = "f" },
		"f imports github.com/joshdk/go-junit, which":  func() { g["engine"].tests["github.com/joshdk/go-junit"] = "f" },
		"the table lets engine/store/storetest import": func() { delete(g["engine/store/storetest"].imports, "github.com/google/go-cmp/cmp") },
		"the table lets tests of cmd/httpdest import github.com/rogpeppe/go-internal": func() {
			delete(g["cmd/httpdest"].tests, "github.com/rogpeppe/go-internal/testscript")
		},
		"the table lists github.com/spf13/cobra, which go.mod": func() {},
		"f imports example.com/x, which is in no":              func() { g["scenarios"].imports["example.com/x"] = "f" },
		"package engine has 2 package comments":                func() { g["engine"].docs = 2 },
		"package engine/monitor: the lists":                    func() { delete(g, "engine/monitor") },
		"go.mod requires example.com/y":                        func() {},
	}
	for _, change := range breaks {
		change()
	}
	got := strings.Join(violations(g, []string{"example.com/y"}), "\n")
	for want := range breaks {
		if !strings.Contains(got, want) {
			t.Errorf("no violation begins %q in:\n%s", want, got)
		}
	}
}

// The clock is found under whatever name a file imports it, and so is chance.
func TestClocksAndChanceAreFound(t *testing.T) {
	for source, want := range map[string]string{
		`import "time"; var _ = time.Now()`:                              "time.Now",
		`import "time"; var _ = time.Now`:                                "time.Now",
		`import t "time"; var _ = t.Since(x)`:                            "time.Since",
		`import . "time"; var _ = Now()`:                                 "time by a dot import",
		`import "time"; var _ = time.Second`:                             "",
		`import time "example.com/x"; var _ = 1`:                         "",
		`import t "time"; var _ = time.Now() + t.Hour`:                   "",
		`import "math/rand/v2"; var _ = rand.IntN(5)`:                    "math/rand/v2.IntN",
		`import r "math/rand/v2"; var _ = r.New(r.NewPCG(1, 2)).IntN(5)`: "",
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), "f.go", "package p; "+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		g := graph{}
		g.add("p", "f.go", parsed)
		got := ""
		for call := range g["p"].calls {
			got += call
		}
		if got != want {
			t.Errorf("in %s found %q; want %q", source, got, want)
		}
	}
}

// A file where everything lands, and a name that says nothing.
func TestFilesStaySmall(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir("../..", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		if name := strings.TrimSuffix(path.Base(filepath.ToSlash(file)), ".go"); slices.Contains([]string{"util", "utils", "helpers", "common", "types", "misc"}, name) {
			t.Errorf("%s says nothing about what is in it", file)
		}
		parsed, err := parser.ParseFile(files, file, nil, 0)
		if err != nil {
			return err
		}
		if n := files.File(parsed.Pos()).LineCount(); n > 500 {
			t.Errorf("%s has %d lines; 500 are enough for one noun", file, n)
		}
		for _, d := range parsed.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || strings.HasSuffix(file, "_test.go") {
				continue
			}
			if n := files.Position(f.End()).Line - files.Position(f.Pos()).Line + 1; n > 60 {
				t.Errorf("%s: %s has %d lines; 60 are enough", files.Position(f.Pos()), f.Name.Name, n)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A test that leaves something out where the race detector looks on is one of a
// package that make test plays once more without it.
func TestWhatIsLeftOutIsPlayed(t *testing.T) {
	makefile, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(makefile), "\nLONG := ")
	line, _, _ := strings.Cut(rest, "\n")
	long := strings.Fields(line)
	if !found || len(long) == 0 {
		t.Fatal("the Makefile names no packages with tests of volume")
	}
	for _, command := range []string{"\t\tapart=\"$$apart $(LONG)\"\n", "\n\tCGO_ENABLED=0 go test -timeout 30m $$(printf './%s ' $$apart)\n"} {
		if !strings.Contains(string(makefile), command) {
			t.Errorf("make test does not play LONG once more: %q is not in the Makefile", command)
		}
	}
	asking := map[string]bool{}
	for dir, p := range read(t, "../..") {
		if p.short {
			asking[dir] = true
		}
	}
	if got := slices.Sorted(maps.Keys(asking)); !slices.Equal(got, long) {
		t.Errorf("tests of %v ask for testing.Short(); LONG of the Makefile has %v", got, long)
	}
}
