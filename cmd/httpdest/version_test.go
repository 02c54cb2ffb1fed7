package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The binary, the scripts that build a release and the changelog name one version.
func TestVersionIsTheNewestOfTheChangelog(t *testing.T) {
	content, err := os.ReadFile("../../CHANGELOG.md")
	if err != nil {
		t.Fatal(err)
	}
	headings := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$`).FindAllStringSubmatch(string(content), -1)
	if len(headings) == 0 {
		t.Fatal("CHANGELOG.md has no heading such as: ## [0.1.0] - 2026-11-30")
	}
	if want := "v" + headings[0][1]; newest != want {
		t.Errorf("the binary is %s, and the newest version in CHANGELOG.md is %s: change newest in version.go", newest, want)
	}
	if got := version(); got != newest+"-devel" {
		t.Errorf("an untagged build calls itself %s; want %s-devel", got, newest)
	}
}

// .ci/version names a release only where the tag is that of the changelog.
func TestVersionOfATree(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is missing; install git")
	}
	dir := t.TempDir()
	script, err := os.ReadFile("../../.ci/version")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, content []byte, mode os.FileMode) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
	}
	write(".ci/version", script, 0o755)
	write("CHANGELOG.md", []byte("# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2026-01-01\n\n## [1.2.2] - 2025-01-01\n"), 0o644)
	command := func(name string, args ...string) (string, error) {
		t.Helper()
		c := exec.Command(name, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := c.CombinedOutput()
		return strings.TrimSpace(string(out)), err
	}
	git := func(args ...string) {
		t.Helper()
		if out, err := command("git", append([]string{"-c", "user.name=test", "-c", "user.email=test@example.com"}, args...)...); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	version := func(want string, fails bool) {
		t.Helper()
		if got, err := command(".ci/version"); !strings.HasPrefix(got, want) || (err != nil) != fails {
			t.Errorf("version %q, error %v; want %q and an error %t", got, err, want, fails)
		}
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-q", "-m", "First")
	version("v1.2.3-devel", false)
	git("tag", "v1.2.3")
	version("v1.2.3", false)
	write("CHANGELOG.md", []byte("## [1.2.3] - 2026-01-01\n"), 0o644)
	version("v1.2.3-devel", false)
	git("tag", "-d", "v1.2.3")
	git("tag", "v1.2.4")
	version("HEAD is tagged v1.2.4, and the newest version in CHANGELOG.md is v1.2.3:", true)
}
