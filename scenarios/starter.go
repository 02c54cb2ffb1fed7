package scenarios

import (
	_ "embed"
	"slices"
)

//go:embed starter.yaml
var starterFile []byte

// Starter is a complete scenario that passes, commented for who writes a first
// one. Its first line names the file of JSONSchema next to it. The slice is the
// caller's own.
func Starter() []byte { return slices.Clone(starterFile) }
