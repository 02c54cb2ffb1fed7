package scenarios

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/limits"
)

const pathHint = "write it as person.name.firstName"

// value reads any JSON-like value: string, bool, json.Number, []any,
// map[string]any. A number keeps its spelling, and YAML times stay the text they
// are written as. nullHint is what to do instead of writing null, which no
// profile holds (R39).
func (d *decoder) value(n *yaml.Node, what, nullHint string) any {
	v := d.nested(n, what, nullHint)
	if !d.within(n, what, limits.Value(v)) {
		return nil
	}
	return v
}

// nested is value for what may be within another.
func (d *decoder) nested(n *yaml.Node, what, nullHint string) any {
	switch n = resolve(n); {
	case n.Kind == yaml.MappingNode:
		out := map[string]any{}
		for _, f := range d.fields(n) {
			out[f.name] = d.nested(f.value, what, nullHint)
		}
		return out
	case n.Kind == yaml.SequenceNode:
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			out = append(out, d.nested(c, what, nullHint))
		}
		return out
	}
	if isNumber(n) {
		return d.number(n, what)
	}
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		return n.Value
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int", "!!float":
		return d.number(n, what)
	case "!!null":
		d.problem(n, nullHint, "%s has an empty value", what)
	default:
		d.problem(n, "write the plain value", "%s has a value %s", what, found(n))
	}
	return nil
}

// attributes reads the nested attributes of a profile, as they are or as they
// are expected.
func (d *decoder) attributes(n *yaml.Node, what string) map[string]any {
	o := d.object(n, what)
	if o == nil {
		return nil
	}
	out := map[string]any{}
	for _, f := range o.fields {
		switch {
		case f.name == "segmentMembership" || f.name == "identityMap":
			d.problem(f.key, "write `audiences:` or `identities:` next to `attributes:`", "%s is not an attribute", f.name)
		case strings.Contains(f.name, "."):
			d.problem(f.key, "nest it: person: {name: …}", "the attribute %q has a dot", short(f.name))
		case strings.TrimSpace(f.name) == "":
			d.problem(f.key, "give it a name", "an attribute without a name")
		default:
			out[f.name] = d.value(f.value, "the attribute "+f.name, "leave it out: a profile holds no empty attributes")
		}
	}
	return out
}

// path reads a dotted attribute path.
func (d *decoder) path(n *yaml.Node, what string) string {
	p := d.line(n, what)
	parts := strings.Split(p, ".")
	switch {
	case p == "":
		return ""
	case slices.Contains(parts, "") || strings.ContainsAny(p, " {}[]"):
		d.problem(n, pathHint, "%s: %q is not a dotted path", what, short(p))
		return ""
	case !d.within(n, what, limits.Path(p)):
		return ""
	}
	return p
}

// attributePath is a path that is not one of the two maps every export has
// anyway, and which no attribute can reach into.
func (d *decoder) attributePath(n *yaml.Node, what string) string {
	p := d.path(n, what)
	switch first, _, _ := strings.Cut(p, "."); first {
	case "identityMap":
		d.problem(n, "leave it out, or use addIdentity and removeIdentity in a history", "%s: identities are not attributes", what)
		return ""
	case "segmentMembership":
		d.problem(n, "leave it out, or use qualify and exit in a history", "%s: memberships are not attributes", what)
		return ""
	}
	return p
}

// words reads one word or a list of them, each with read, none twice.
func (d *decoder) words(n *yaml.Node, what string, read func(*yaml.Node, string) string) []string {
	var out []string
	nodes := d.oneOrList(n)
	for _, c := range nodes {
		if w := read(c, what); w != "" {
			out = append(out, w)
		}
	}
	d.unique(nodes, what)
	return out
}
