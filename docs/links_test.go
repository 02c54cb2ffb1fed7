package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// documents are all Markdown files of the repository that people read, by their
// paths from this folder.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	add := func(path string) {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.ToSlash(path)] = string(content)
	}
	top, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range top {
		add(path)
	}
	for _, dir := range []string{".", "../examples"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".md" {
				add(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 30 {
		t.Fatalf("%d documents; there are more", len(out))
	}
	return out
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	mark    = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the fragments of a page's headings, as GitHub makes them.
func anchors(page string) map[string]bool {
	out := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		out[strings.ReplaceAll(mark.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return out
}

// broken says what is wrong with a link from a page; "" if nothing is.
func broken(from, target string, pages map[string]string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return "" // tests ask no other host
	}
	path, fragment, _ := strings.Cut(target, "#")
	to := filepath.ToSlash(from)
	if path != "" {
		to = filepath.ToSlash(filepath.Join(filepath.Dir(from), path))
		if _, err := os.Stat(to); err != nil {
			return "no such file"
		}
	}
	if fragment != "" && !anchors(pages[strings.TrimPrefix(to, "../docs/")])[fragment] {
		return "no such heading"
	}
	return ""
}

// Every link within the repository leads to a file, and to a heading of it.
func TestLinks(t *testing.T) {
	pages := documents(t)
	links := 0
	for from, page := range pages {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			links++
			if why := broken(from, m[1], pages); why != "" {
				t.Errorf("%s links to %s: %s", from, m[1], why)
			}
		}
	}
	if links < 20 {
		t.Errorf("found %d links; there are more", links)
	}
	for target, want := range map[string]string{
		"no-such.md": "no such file", "docs.go#x": "no such heading", "../README.md#no-such-heading": "no such heading", "https://example.com/x": "",
	} {
		if got := broken("x.md", target, pages); got != want {
			t.Errorf("a link to %s: %q; want %q", target, got, want)
		}
	}
}

var path = regexp.MustCompile("`((?:cmd|docs|engine|examples|internal|loadtest|mockendpoint|reports|scenarios|\\.github|\\.ci)/[A-Za-z0-9_./-]*)`")

// A file or folder that a document names in backquotes exists.
func TestPathsInDocuments(t *testing.T) {
	found := 0
	for from, page := range documents(t) {
		if strings.HasSuffix(from, "CHANGELOG.md") {
			continue // a changelog describes the past
		}
		for _, m := range path.FindAllStringSubmatch(page, -1) {
			found++
			if _, err := os.Stat("../" + m[1]); err != nil {
				t.Errorf("%s names %s, which does not exist", from, m[1])
			}
		}
	}
	if found < 30 {
		t.Errorf("found %d paths; there are more", found)
	}
}

// The records of decisions are numbered from 1, and their list has all of them.
func TestDecisions(t *testing.T) {
	files, err := filepath.Glob("decisions/[0-9]*.md")
	if err != nil || len(files) < 19 {
		t.Fatalf("%d records, %v; there are at least 19", len(files), err)
	}
	list, err := os.ReadFile("decisions/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		title, _, _ := strings.Cut(string(content), "\n")
		number, name, ok := strings.Cut(strings.TrimPrefix(title, "# "), ". ")
		if !ok || number != strings.TrimLeft(filepath.Base(file)[:4], "0") || number != strconv.Itoa(i+1) {
			t.Errorf("%s begins %q; want the number %d", file, title, i+1)
		}
		if !strings.Contains(string(list), "["+number+". "+name+"]("+filepath.Base(file)+")") {
			t.Errorf("decisions/README.md does not list %s by its title", file)
		}
		for _, part := range []string{"\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"} {
			if !strings.Contains(string(content), part) {
				t.Errorf("%s lacks %q", file, strings.TrimSpace(part))
			}
		}
	}
}
