package scenarios

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
)

var update = flag.Bool("update", false, "write the golden files")

// Every message of the loader, with its hint, as its reader sees it.
func TestBroken(t *testing.T) {
	files, err := filepath.Glob("testdata/broken/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	var got strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(filepath.Base(file), content)
		if err == nil || s != nil {
			t.Errorf("%s: no problem", file)
			continue
		}
		got.WriteString(err.Error() + "\n\n")
		checkStyle(t, err)
	}
	const golden = "testdata/broken.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("messages differ from %s; look at them and run with -update:\n%s", golden, got.String())
	}
}

// checkStyle holds every message to the conventions of error texts.
func checkStyle(t *testing.T, err error) {
	t.Helper()
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("%T is not Problems", err)
	}
	for _, p := range problems {
		switch {
		case p.Pos.Line < 1 || p.Pos.Column < 1:
			t.Errorf("no position: %s", p)
		case p.Hint == "":
			t.Errorf("no hint: %s", p)
		case strings.HasSuffix(p.Message, ".") || strings.Contains(p.Message, "failed to") || strings.ContainsAny(p.Message, "\n"):
			t.Errorf("style: %s", p)
		case strings.Contains(p.String(), "s3cret") || strings.Contains(p.String(), "12345"):
			t.Errorf("a secret in: %s", p)
		}
	}
}

// Five mistakes are five problems, each where it was made.
func TestFiveMistakes(t *testing.T) {
	_, err := Load("testdata/broken/five-mistakes.yaml")
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("err = %v", err)
	}
	var lines []int
	for _, p := range problems {
		lines = append(lines, p.Pos.Line)
	}
	want := []int{2, 5, 7, 11, 13}
	if len(lines) != 5 {
		t.Fatalf("%d problems:\n%v", len(lines), err)
	}
	for i := range want {
		if lines[i] != want[i] {
			t.Errorf("problem %d is in line %d; want line %d", i+1, lines[i], want[i])
		}
	}
}

const minimal = "title: t\nrules: [trig-enter]\nexpect: []\n"

func write(t *testing.T, files ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, f := range files {
		p := filepath.Join(dir, filepath.FromSlash(f))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(minimal), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func ids(all []*Scenario) string {
	var out []string
	for _, s := range all {
		out = append(out, s.ID)
	}
	return strings.Join(out, " ")
}

func TestFind(t *testing.T) {
	dir := write(t, ".httpdest-root", "library/trigger/exit.yaml", "library/trigger/enter.yaml", "library/retry/max.yaml", "library/rules.yaml",
		"library/notes.txt", "library/testdata/x.yaml", "library/mutants/y.yaml", "library/.hidden/z.yaml", "other/trigger/enter.yaml")
	library, enter := filepath.Join(dir, "library"), filepath.Join(dir, "library", "trigger", "enter.yaml")
	for _, test := range []struct {
		name  string
		paths []string
		want  string
	}{
		{"a folder", []string{library}, "library/retry/max library/trigger/enter library/trigger/exit"},
		{"a folder below", []string{filepath.Join(library, "trigger")}, "library/trigger/enter library/trigger/exit"},
		{"a file", []string{enter}, "library/trigger/enter"},
		{"a file and its folder", []string{enter, library}, "library/trigger/enter library/retry/max library/trigger/exit"},
		{"what is skipped can be named", []string{filepath.Join(library, "testdata")}, "library/testdata/x"},
		{"nothing", nil, ""},
	} {
		all, err := Find(test.paths...)
		if err != nil || ids(all) != test.want {
			t.Errorf("%s: Find = %q, %v; want %q", test.name, ids(all), err, test.want)
		}
	}
	if _, err := FindBelow(filepath.Join(dir, "other"), library); err == nil || !strings.Contains(err.Error(), "is outside the root") {
		t.Errorf("a file outside the root: %v", err)
	}
	if all, err := FindBelow(library, enter); err != nil || ids(all) != "trigger/enter" {
		t.Errorf("FindBelow = %q, %v", ids(all), err)
	}
	missing := filepath.Join(dir, "missing.yaml")
	_, err := Find(missing, library)
	if want := filepath.ToSlash(missing) + ": cannot be read: no such file or directory\n    hint: check the path and its permissions"; err == nil || err.Error() != want {
		t.Errorf("a missing file: %v; want %s", err, want)
	}
	if _, err := Load(missing); err == nil {
		t.Error("Load read a missing file")
	}
}

// The problems of all files come together, in sorted order.
func TestFindReportsEveryFile(t *testing.T) {
	_, err := FindFS(fstest.MapFS{
		"b/two.yaml": {Data: []byte("title: t\nrules: [trig-enter]\n")},
		"a/one.yaml": {Data: []byte("title: t\nexpect: []\n")},
		"c/ok.yaml":  {Data: []byte(minimal)},
	}, "library")
	want := "library/a/one.yaml:1:1: a scenario has no rules\n    hint: name at least one rule, such as [trig-enter]\n" +
		"library/b/two.yaml:1:1: a scenario has no expect\n    hint: list the expected results; `expect: []` means no exports"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	all, err := FindFS(fstest.MapFS{"c/ok.yaml": {Data: []byte(minimal)}}, "library")
	if err != nil || ids(all) != "c/ok" || all[0].Pos.File != "library/c/ok.yaml" {
		t.Errorf("FindFS = %v, %v", all, err)
	}
}

func TestTooMuch(t *testing.T) {
	if _, err := Parse("big.yaml", make([]byte, maxFile+1)); err == nil || !strings.Contains(err.Error(), "larger than 16 MiB") {
		t.Errorf("a large file: %v", err)
	}
	many := minimal + "history:\n" + strings.Repeat("- x\n", maxProblems+5)
	_, err := Parse("many.yaml", []byte(many))
	var problems Problems
	if !errors.As(err, &problems) || len(problems) != maxProblems+1 || problems[maxProblems].Message != "more than 1000 problems, the rest is not listed" {
		t.Errorf("%d problems, want %d", len(problems), maxProblems+1)
	}
	var groups strings.Builder
	for i := range maxGroups + 1 {
		groups.WriteString("  p" + strings.Repeat("x", i%100) + "-" + string(rune('a'+i/10000)) + "-" + NameRange{Numbered: true, First: int64(i), Last: int64(i)}.At(0) + ":\n")
	}
	if _, err := Parse("groups.yaml", []byte(minimal+"profiles:\n"+groups.String())); err == nil || !strings.Contains(err.Error(), "more than 10000 names below profiles") {
		t.Errorf("many groups: %.200v", err)
	}
}

// A line says once which other line contradicts it: the first, whether that
// names one profile or a range.
func TestContradictions(t *testing.T) {
	const profiles = minimal + "profiles: {\"m-{1..9}\": , solo: }\nhistory: []\n"
	for _, test := range []struct{ lines, want string }{
		{"- {profile: m-1, exports: none}\n- {profile: m-2}\n- {profiles: \"m-{3..9}\"}\n", ""},
		{"- {profile: m-1, exports: none}\n- {profile: m-1, exports: none}\n- {decision: undecided}\n", ""},
		{"- {profile: m-1, exports: none}\n- {profile: m-2}\n- {profile: m-1}\n- {profiles: \"m-{1..9}\"}\n", "for m-1, but line 8 expects an export of m-1"},
		{"- {profile: m-1, exports: none}\n- {profile: m-2}\n- {profiles: \"m-{1..9}\"}\n- {profile: m-1}\n", "for m-1, but line 8 expects an export of m-{1..9}"},
		{"- {profile: solo}\n- {profile: m-3}\n- {profile: m-4}\n- {profiles: \"m-{2..5}\", exports: none}\n", "for m-{2..5}, but line 7 expects an export of m-3"},
		{"- {profiles: \"m-{5..9}\"}\n- {profile: m-2}\n- {profiles: \"m-{1..5}\", exports: none}\n", "for m-{1..5}, but line 6 expects an export of m-{5..9}"},
	} {
		_, err := Parse("c.yaml", []byte(strings.Replace(profiles, "expect: []\n", "", 1)+"expect:\n"+test.lines))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.lines, err)
		case test.want != "" && (err == nil || strings.Count(err.Error(), "hint") != 1 || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: %v; want %s", test.lines, err, test.want)
		}
	}
}

// Ten thousand groups and as many lines about them take no more than a moment:
// nothing looks at every group for every line.
func BenchmarkManyGroups(b *testing.B) {
	var groups, lines strings.Builder
	for i := range maxGroups {
		name := "p" + NameRange{Numbered: true, First: int64(i), Last: int64(i)}.At(0)
		groups.WriteString("  " + name + ":\n")
		lines.WriteString("  - {profile: " + name + ", exports: none}\n")
	}
	content := []byte("title: t\nrules: [trig-enter]\nprofiles:\n" + groups.String() + "expect:\n" + lines.String())
	for b.Loop() {
		if _, err := Parse("groups.yaml", content); err != nil {
			b.Fatal(err)
		}
	}
}
