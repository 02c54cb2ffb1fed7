package mutants

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sample has a function in every form that a mutant can be put into: a method,
// one without names, one without results, variadic, generic, with a closure,
// with an argument called _, and one that calls itself.
const sample = `package sample

import "fmt"

const Limit = 2

type pair[K comparable, V any] struct {
	key K
	value V
}

func (p *pair[K, V]) set(k K, _ int, values ...V) { p.key, p.value = k, values[0] }

type empty struct{}

func (empty) name(int, string) string { return "empty" }

func pick[T any](all []T, at int) (found T, ok bool) {
	if at < len(all) {
		return all[at], true
	}
	return found, false
}

func count(n int) int {
	if n < 2 {
		return 1
	}
	return 1 + count(n-1)
}

func joined(...string) string { return fmt.Sprint(func() int { return 7 }()) }

// Main prints what every function does.
func Main() {
	var p pair[string, int]
	p.set("k", 1, 2, 3)
	found, ok := pick([]string{"a", "b"}, 1)
	fmt.Println(p.key, p.value, empty{}.name(1, ""), found, ok, count(3), joined("x", "y"), Limit)
}
`

// A mutant chosen in a build of many changes what it would in a build of its
// own, and nothing changes while none is chosen.
func TestTogetherIsAsApart(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("go.mod", "module sample\n\ngo 1.26\n")
	write("main.go", "package main\n\nimport \"sample/sample\"\n\nfunc main() { sample.Main() }\n")
	write("sample/sample.go", sample)
	mutants := []struct{ id, old, new, want string }{
		{"none", "Main prints", "Main shows", ""}, // not code: left apart
		{"second-value", "values[0]", "values[1]", "k 3 empty b true 3 7 2"},
		{"no-value", "p.key, p.value = k, values[0]", "p.key = k", "k 0 empty b true 3 7 2"},
		{"another-name", `"empty"`, `"full"`, "k 2 full b true 3 7 2"},
		{"never-found", "at < len(all)", "at > len(all)", "k 2 empty  false 3 7 2"},
		{"one-more", "1 + count(n-1)", "2 + count(n-1)", "k 2 empty b true 5 7 2"},
		{"eight", "return 7", "return 8", "k 2 empty b true 3 8 2"},
		{"limit", "Limit = 2", "Limit = 3", ""}, // a constant
		{"signature", "pick[T any](all []T, at int) (found T, ok bool) {", "pick[T any](all []T, at int) (found T, ok bool) {\n\tat = 0", ""},
	}
	var all []Mutant
	for _, m := range mutants {
		all = append(all, Mutant{ID: m.id, File: "sample/sample.go", Old: m.old, New: m.new})
	}
	files, apart, err := Together(dir, all)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, m := range apart {
		left = append(left, m.ID)
	}
	if diff := cmp.Diff([]string{"none", "limit", "signature"}, left); diff != "" {
		t.Errorf("left apart: -want +got\n%s", diff)
	}
	for name, content := range files {
		write(name, content)
	}
	binary := filepath.Join(dir, "binary")
	build := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	reached := filepath.Join(dir, "reached")
	cmd := exec.Command(binary)
	cmd.Env = append(os.Environ(), ReachEnv+"="+reached)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	numbers, err := os.ReadFile(reached)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2", "3", "4", "5", "6", "7"}, slices.Sorted(slices.Values(strings.Fields(string(numbers))))); diff != "" {
		t.Errorf("mutants that the run came by: -want +got\n%s", diff)
	}
	for i, m := range mutants {
		want := m.want
		if want == "" {
			want = "k 2 empty b true 3 7 2" // not in this build: as without a mutant
		}
		cmd := exec.Command(binary)
		cmd.Env = append(os.Environ(), SwitchEnv+"="+strconv.Itoa(i+1))
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%s prints %q (%v); want %q", m.id, got, err, want)
		}
	}
}
