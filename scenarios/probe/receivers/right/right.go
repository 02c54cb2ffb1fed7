// Package right has the receivers to copy from, as texts: in Go, Node and Python,
// with nothing but what these bring along.
package right

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	//go:embed go/main.go
	goServing string
	//go:embed go/profiles.go
	goProfiles string
	//go:embed node/receiver.mjs
	node string
	//go:embed python/receiver.py
	python string
)

// Languages are the languages that have a receiver.
func Languages() []string { return []string{"go", "node", "python"} }

// Example is the receiver in a language as one file; ok is false for an unknown
// language.
func Example(language string) (program string, ok bool) {
	switch language {
	case "go":
		return joined(goServing, goProfiles), true
	case "node":
		return node, true
	case "python":
		return python, true
	}
	return "", false
}

// joined is one Go file with what two have: the imports of both, and then their
// declarations.
func joined(first, second string) string {
	head, imports, rest := parts(first)
	_, more, declarations := parts(second)
	maps.Copy(imports, more)
	var b strings.Builder
	b.WriteString(head + "import (\n")
	for _, path := range slices.Sorted(maps.Keys(imports)) {
		fmt.Fprintf(&b, "\t%s\n", path)
	}
	b.WriteString(")" + rest + declarations)
	return b.String()
}

// parts are the text before the imports of a file, the imports, and the text
// after them.
func parts(file string) (head string, imports map[string]bool, rest string) {
	head, block, _ := strings.Cut(file, "import (\n")
	block, rest, _ = strings.Cut(block, ")")
	imports = map[string]bool{}
	for _, line := range strings.Split(block, "\n") {
		if path := strings.TrimSpace(line); path != "" {
			imports[path] = true
		}
	}
	return head, imports, rest
}
