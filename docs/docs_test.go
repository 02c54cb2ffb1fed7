package docs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/docs"
)

// Every Markdown file of the four folders is a page, has a title, and has a name
// that `httpdest help` can tell from the others.
func TestPages(t *testing.T) {
	seen := map[string]string{}
	for _, p := range docs.Pages() {
		if other, twice := seen[p.Name]; twice {
			t.Errorf("%s/%s.md and %s/%s.md have one name: rename one", p.Kind, p.Name, other, p.Name)
		}
		seen[p.Name] = p.Kind
		if !strings.HasPrefix(p.Text, "# ") || p.Title == "" {
			t.Errorf("%s/%s.md must begin with a heading: # TITLE", p.Kind, p.Name)
		}
		if !slices.Contains(docs.Kinds, p.Kind) {
			t.Errorf("%s/%s.md is in a folder that docs.Kinds does not list", p.Kind, p.Name)
		}
	}
	for _, kind := range docs.Kinds {
		files, err := filepath.Glob(filepath.Join(kind, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			name, markdown := strings.CutSuffix(filepath.Base(file), ".md")
			if info, err := os.Stat(file); markdown && (err != nil || seen[name] != kind || info.Size() == 0) {
				t.Errorf("%s is not among the pages", file)
			}
		}
	}
	if len(seen) < 12 {
		t.Errorf("%d pages; there were at least 12", len(seen))
	}
}

// The README is what a stranger reads whole.
func TestReadmeIsShort(t *testing.T) {
	content, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(content), "\n"); n > 150 {
		t.Errorf("README.md has %d lines; 150 are enough: move details to docs/", n)
	}
	for i, line := range strings.Split(string(content), "\n") {
		if n := len([]rune(line)); n > 400 {
			t.Errorf("README.md:%d has %d characters", i+1, n)
		}
	}
}
