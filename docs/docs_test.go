package docs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/docs"
	"github.com/httpdest/httpdest/scenarios"
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

// The page on rules states the number of rules in the catalogue.
func TestNumberOfRules(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("explanation/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	if says := fmt.Sprintf("reads them as %d rules", len(rules)); !strings.Contains(string(page), says) {
		t.Errorf("explanation/rules.md must say %q", says)
	}
}

// Files that CONTRIBUTING names are there. A name without a folder stands next to one
// that was named with its folder.
func TestContributingNamesFiles(t *testing.T) {
	content, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	var folder string
	found := 0
	for i, line := range strings.Split(string(content), "\n") {
		for _, m := range regexp.MustCompile("`([A-Za-z0-9_./*-]+)`").FindAllStringSubmatch(line, -1) {
			name := m[1]
			if strings.Contains(name, "/") {
				if name == "dist/" || strings.HasPrefix(name, "pgregory.net/") {
					continue
				}
				folder = filepath.Dir(name)
			} else if filepath.Ext(name) != ".go" {
				continue
			} else {
				name = filepath.Join(folder, name)
			}
			found++
			if there, err := filepath.Glob(filepath.Join("..", name)); err != nil || len(there) == 0 {
				t.Errorf("CONTRIBUTING.md:%d: there is no file %s", i+1, name)
			}
		}
	}
	if found < 60 {
		t.Errorf("found %d names of files; there are more", found)
	}
}

// The README leads to every page.
func TestReadmeLeadsToEveryPage(t *testing.T) {
	content, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range docs.Pages() {
		if link := "docs/" + p.Kind + "/" + p.Name + ".md"; !strings.Contains(string(content), "("+link) {
			t.Errorf("README.md has no link to %s: add one to the table under \"Where to look\"", link)
		}
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
