package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// However a path is typed, and from wherever, its id is the same.
func TestCaseIDsDoNotDependOnTheSpelling(t *testing.T) {
	for _, test := range []struct{ name, marker, want string }{
		{"with a marker", RootMarker, "cases/deep/a"},
		{"in a repository", ".git/HEAD", "cases/deep/a"},
		{"in a Go module", "go.mod", "cases/deep/a"},
		{"without a root", "notes.txt", "deep/a"},
		{"with a root below", "cases/go.mod", "deep/a"},
	} {
		dir := write(t, test.marker, "cases/deep/a.yaml")
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(filepath.Join(dir, "cases"), link); err != nil {
			t.Fatal(err)
		}
		absolute := filepath.Join(dir, "cases", "deep", "a.yaml")
		for _, typed := range []struct{ from, path string }{
			{".", absolute}, {".", filepath.Join(dir, "cases")}, {".", link},
			{dir, "cases"}, {dir, "./cases/"}, {dir, "cases/deep/a.yaml"}, {dir, "./cases//deep/../deep/a.yaml"}, {dir, "."},
			{filepath.Join(dir, "cases"), "."}, {filepath.Join(dir, "cases"), "deep"}, {filepath.Join(dir, "cases", "deep"), "a.yaml"},
			{filepath.Join(dir, "cases", "deep"), ".."},
		} {
			t.Run(test.name+" from "+filepath.Base(typed.from)+" "+typed.path, func(t *testing.T) {
				t.Chdir(typed.from)
				all, err := Find(typed.path)
				if err != nil || ids(all) != test.want {
					t.Errorf("Find(%q) = %q, %v; want %q", typed.path, ids(all), err, test.want)
				}
			})
		}
	}
}

func TestCaseIDs(t *testing.T) {
	dir := write(t, "p/x/in.yaml", "q/x/in.yaml", "p/x/in.har", "p/go.mod", "q/y.yaml")
	at := func(names ...string) (out []string) {
		for _, name := range names {
			out = append(out, filepath.Join(dir, name))
		}
		return out
	}
	outside := filepath.Base(dir)
	for _, test := range []struct {
		name, root string
		files      []string
		want       string
	}{
		{"a root for all", dir, at("p/x/in.yaml", "q/x/in.yaml"), "p/x/in q/x/in"},
		{"two roots that clash", "", at("p/x/in.yaml", "q/x/in.yaml"), "p/x/in q/x/in"},
		{"a file given twice", "", at("p/x/in.yaml", "p/x/in.yaml"), "x/in x/in"},
		{"two kinds of file", "", at("p/x/in.yaml", "p/x/in.har"), "x/in.yaml x/in.har"},
		{"no root at all", "", at("q/y.yaml"), "q/y"},
		{"an outer root", filepath.Dir(dir), at("q/y.yaml"), outside + "/q/y"},
		{"no file", dir, nil, ""},
	} {
		got, err := CaseIDs(test.root, test.files...)
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%s: CaseIDs = %q, %v; want %q", test.name, got, err, test.want)
		}
	}
	for _, root := range []string{filepath.Join(dir, "none"), filepath.Join(dir, "q/y.yaml"), filepath.Join(dir, "p")} {
		if _, err := CaseIDs(root, at("q/y.yaml")...); err == nil {
			t.Errorf("the root %s was taken", root)
		}
	}
}

// Different files never share an id, and one file never has two.
func TestCaseIDsAreDistinct(t *testing.T) {
	part := rapid.SampledFrom([]string{"a", "b"})
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		var files []string
		for range rapid.IntRange(1, 6).Draw(r, "files") {
			folder := filepath.Join(append([]string{dir}, rapid.SliceOfN(part, 0, 3).Draw(r, "folders")...)...)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				r.Fatal(err)
			}
			files = append(files, filepath.Join(folder, part.Draw(r, "name")+rapid.SampledFrom([]string{".yaml", ".har"}).Draw(r, "kind")))
		}
		got, err := CaseIDs("", files...)
		if err != nil {
			r.Fatal(err)
		}
		for i, file := range files {
			first := slices.Index(files, file)
			if j := slices.Index(got, got[i]); j != first {
				r.Fatalf("%q and %q both have %q", files[j], file, got[i])
			}
		}
	})
}
