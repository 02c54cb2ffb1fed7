package profile

import (
	"maps"
	"strings"
)

// Path is a dotted attribute path: person.name.firstName.
type Path string

// Covers says whether p is q or a parent of q.
func (p Path) Covers(q Path) bool {
	return q == p || strings.HasPrefix(string(q), string(p)+".")
}

// Lookup finds the value at path; ok is false when the profile lacks it.
func Lookup(attributes map[string]any, path Path) (value any, ok bool) {
	head, rest, nested := strings.Cut(string(path), ".")
	value, ok = attributes[head]
	if !ok || !nested {
		return value, ok
	}
	child, isMap := value.(map[string]any)
	if !isMap {
		return nil, false
	}
	return Lookup(child, Path(rest))
}

// set returns a copy of attributes with the value at path. Only the maps along
// the path are copied. A scalar in the way is replaced: the update says the
// path is an object now.
func set(attributes map[string]any, path Path, value any) map[string]any {
	copied := maps.Clone(attributes)
	if copied == nil {
		copied = map[string]any{}
	}
	head, rest, nested := strings.Cut(string(path), ".")
	if !nested {
		copied[head] = value
		return copied
	}
	child, _ := copied[head].(map[string]any)
	copied[head] = set(child, Path(rest), value)
	return copied
}

// remove returns a copy of attributes without the value at path.
func remove(attributes map[string]any, path Path) map[string]any {
	head, rest, nested := strings.Cut(string(path), ".")
	if _, ok := attributes[head]; !ok {
		return attributes
	}
	copied := maps.Clone(attributes)
	if !nested {
		delete(copied, head)
		return copied
	}
	if child, ok := copied[head].(map[string]any); ok {
		copied[head] = remove(child, Path(rest))
	}
	return copied
}
