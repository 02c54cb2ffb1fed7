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

// write puts the value at path into attributes, which are the caller's own. The
// maps along the path are copied. A scalar in the way is replaced: the update
// says the path is an object now.
func write(attributes map[string]any, path Path, value any) {
	head, rest, nested := strings.Cut(string(path), ".")
	if !nested {
		attributes[head] = value
		return
	}
	child, _ := attributes[head].(map[string]any)
	child = copied(child)
	write(child, Path(rest), value)
	attributes[head] = child
}

// copied is a copy that is never nil.
func copied(attributes map[string]any) map[string]any {
	if attributes == nil {
		return map[string]any{}
	}
	return maps.Clone(attributes)
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
