package scenarios

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v4"
)

// field is one key of a mapping with its value, aliases followed.
type field struct {
	name       string
	key, value *yaml.Node
	number     int64 // of a key that was spread out of a range
	numbered   bool
}

// object is a mapping being read. A key that is never read is unknown, so the
// reading code is the only list of keys. A nil object has no fields: a value
// other than a mapping was reported already.
type object struct {
	d      *decoder
	node   *yaml.Node
	what   string // for messages: "a fault"
	fields []field
	asked  []string
	alien  []string // asked for only to say that they do not fit
}

// object reads a mapping; what names it in messages.
func (d *decoder) object(n *yaml.Node, what string) *object {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.problem(n, "write it as key: value", "%s must be a mapping, but is %s", what, found(n))
		return nil
	}
	return &object{d: d, node: n, what: what, fields: d.fields(n)}
}

// fields lists the keys in file order, then those that << brings in and the
// mapping does not have itself; of two merged mappings the first wins.
func (d *decoder) fields(n *yaml.Node) []field {
	own := make([]field, 0, len(n.Content)/2)
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), resolve(n.Content[i+1])
		switch {
		case key.Kind != yaml.ScalarNode:
			d.problem(key, "use a plain word as the key", "a key must be text, but is %s", found(key))
		case key.ShortTag() == "!!merge":
			merged = append(merged, d.mergeSources(value)...)
		case seen[key.Value] != nil:
			d.problem(key, "merge the two", "duplicate key %q, first in line %d", short(key.Value), seen[key.Value].Line)
		default:
			seen[key.Value] = key
			own = append(own, field{name: key.Value, key: key, value: value})
		}
	}
	for _, source := range merged {
		for _, f := range d.fields(source) {
			if seen[f.name] == nil {
				seen[f.name] = f.key
				own = append(own, f)
			}
		}
	}
	return own
}

// mergeSources are the mappings a << names: one, or a list of them.
func (d *decoder) mergeSources(n *yaml.Node) []*yaml.Node {
	sources := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		sources = nil
		for _, c := range n.Content {
			sources = append(sources, resolve(c))
		}
	}
	return slices.DeleteFunc(sources, func(s *yaml.Node) bool {
		if s.Kind == yaml.MappingNode {
			return false
		}
		d.problem(s, "write <<: *name of a mapping", "<< merges mappings, but this is %s", found(s))
		return true
	})
}

// field finds a key and makes it a known one.
func (o *object) field(name string) (field, bool) {
	if o == nil {
		return field{}, false
	}
	if !slices.Contains(o.asked, name) {
		o.asked = append(o.asked, name)
	}
	for _, f := range o.fields {
		if f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// has reports whether a key is given, whatever its value.
func (o *object) has(name string) bool {
	_, ok := o.field(name)
	return ok
}

// take is the value of a key, or nil. A key without a value is a problem: it is
// more often a forgotten line than a wish for the default.
func (o *object) take(name string) *yaml.Node {
	f, ok := o.field(name)
	if !ok {
		return nil
	}
	if isNull(f.value) {
		o.d.problem(f.key, "give it a value, or leave the key out", "%s has no value", name)
		return nil
	}
	return f.value
}

// valueOf is the value of a key, without judging it.
func (o *object) valueOf(name string) *yaml.Node {
	f, _ := o.field(name)
	return f.value
}

// require is take for a key that must be there.
func (o *object) require(name, hint string) *yaml.Node {
	if o != nil && !o.has(name) {
		o.d.problem(o.node, hint, "%s has no %s", o.what, name)
	}
	return o.take(name)
}

// at is the node to blame for a key: its key, or the whole mapping.
func (o *object) at(name string) *yaml.Node {
	if f, ok := o.field(name); ok {
		return f.key
	}
	return o.node
}

// exclude reports keys that do not go with what the mapping turned out to be.
func (o *object) exclude(why, hint string, names ...string) {
	if o == nil {
		return
	}
	o.alien = append(o.alien, names...)
	for _, name := range names {
		if o.has(name) {
			o.d.problem(o.at(name), hint, "%s does not go with %s", name, why)
		}
	}
}

// end reports the keys nobody asked for.
func (o *object) end() {
	if o == nil {
		return
	}
	for _, f := range o.fields {
		if !slices.Contains(o.asked, f.name) {
			known := slices.DeleteFunc(slices.Clone(o.asked), func(k string) bool { return slices.Contains(o.alien, k) })
			o.d.problem(f.key, didYouMean(f.name, known), "unknown key %q in %s", short(f.name), o.what)
		}
	}
}

// list is the entries of a list, aliases followed.
func (d *decoder) list(n *yaml.Node, what string) []*yaml.Node {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		d.problem(n, "start each entry with a dash", "%s must be a list, but is %s", what, found(n))
		return nil
	}
	return resolved(n.Content)
}

// oneOrList is list, where a single value may stand for a list of one.
func (d *decoder) oneOrList(n *yaml.Node) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.SequenceNode:
		return resolved(n.Content)
	}
	return []*yaml.Node{n}
}

func resolved(nodes []*yaml.Node) []*yaml.Node {
	out := make([]*yaml.Node, len(nodes))
	for i, n := range nodes {
		out[i] = resolve(n)
	}
	return out
}

// unique reports the entries of a list that are there twice.
func (d *decoder) unique(nodes []*yaml.Node, what string) {
	seen := map[string]bool{}
	for _, n := range nodes {
		if n.Kind != yaml.ScalarNode {
			continue
		}
		if seen[n.Value] {
			d.problem(n, "leave one out", "%s names %q twice", what, short(n.Value))
		}
		seen[n.Value] = true
	}
}

// wrongType is the message every scalar shares.
func (d *decoder) wrongType(n *yaml.Node, what, want, hint string) {
	d.problem(n, hint, "%s must be %s, but is %s", what, want, found(n))
}

// entry names the nth entry of a list in messages, counted from 1.
func entry(what string, i int) string { return fmt.Sprintf("entry %d of %s", i+1, what) }
