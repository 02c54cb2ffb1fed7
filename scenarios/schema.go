package scenarios

import (
	_ "embed"
	"slices"
)

//go:embed scenario.schema.json
var schemaFile []byte

// JSONSchema is the JSON Schema (draft-07) of a scenario file, for editors. The
// loader may still refuse a file that it accepts: a schema cannot know whether
// a name is defined elsewhere in the file. The slice is the caller's own.
func JSONSchema() []byte { return slices.Clone(schemaFile) }
