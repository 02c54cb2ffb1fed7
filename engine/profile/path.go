package profile

import (
	"maps"
	"strings"
)

// Path is a dotted attribute path: person.name.firstName.
type Path string

// Covers reports whether p is q or a parent of q.
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

// copied is a copy that is never nil.
func copied(attributes map[string]any) map[string]any {
	if attributes == nil {
		return map[string]any{}
	}
	return maps.Clone(attributes)
}
