package scenarios

import (
	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/notation"
)

// NameRange is a name, or a numbered range of names: "new-{1..5}" is new-1 to
// new-5. The zero value names nothing.
type NameRange = notation.Names

// ParseNameRange reads a name ("member-7") or a numbered range of names
// ("member-{1..100}").
func ParseNameRange(text string) (NameRange, error) { return notation.ParseNames(text) }

const nameHint = "write a name such as member-7, or a range such as member-{1..100}"

// nameRange reads a name or a range of names.
func (d *decoder) nameRange(n *yaml.Node, what string) NameRange {
	text := d.text(n, what)
	if n == nil || !isText(n) {
		return NameRange{}
	}
	r, err := ParseNameRange(text)
	if err != nil {
		d.problem(n, nameHint, "%s: %s", what, err)
	}
	return r
}
