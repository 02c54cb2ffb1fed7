package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// body is a parsed request body. problems are what keeps it from being strict
// JSON, with their places.
type body struct {
	object   map[string]any // the profile; nil when the body is something else
	parsed   bool           // it is JSON at all
	problems []string
	// profiles are the profile objects of a message: the one, those of a list,
	// or those of a list in the wrapper; form says which.
	profiles []map[string]any
	form     string
}

// The forms of a message (A23); wrapper is also the key of the list.
const (
	alone   = "the profile object"
	array   = "array"
	wrapper = "profiles"
)

// parseBody reads strictly: JSON that strictjson accepts, no null, nothing empty
// but the two maps at the top (R39). Text that other readers accept as JSON is
// read all the same: the rest of a body with a duplicate key can be judged.
func parseBody(text string) *body {
	b := &body{}
	if err := strictjson.Check([]byte(text)); err != nil {
		b.problems = append(b.problems, err.Error())
		if !json.Valid([]byte(text)) {
			return b
		}
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	value, err := b.value(d, "")
	if err != nil {
		b.problems = append(b.problems, "not JSON: "+err.Error())
		return b
	}
	b.parsed = true
	object, _ := value.(map[string]any)
	_, segments := object["segmentMembership"]
	_, identities := object["identityMap"]
	list, isList := value.([]any)
	wrapped, isWrapped := object[wrapper].([]any)
	switch {
	case segments || identities:
		b.object, b.form, b.profiles = object, alone, []map[string]any{object}
	case isList:
		b.form, b.profiles = array, objects(list)
	case isWrapped && len(object) == 1:
		b.form, b.profiles = wrapper, objects(wrapped)
	}
	return b
}

// objects are the entries of a list; any other value is an empty object.
func objects(list []any) []map[string]any {
	out := make([]map[string]any, len(list))
	for i, e := range list {
		out[i], _ = e.(map[string]any)
	}
	return out
}

// value reads the next value by its tokens, since decoding into a map hides
// duplicate keys.
func (b *body) value(d *json.Decoder, path string) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return b.readObject(d, path)
		}
		return b.readArray(d, path)
	case nil:
		b.problem(path, "null")
	case string:
		if t == "" {
			b.problem(path, "an empty text")
		}
	}
	return token, nil
}

func (b *body) readObject(d *json.Decoder, path string) (any, error) {
	out := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		key := token.(string) // the decoder accepts nothing else as a key
		at := strings.TrimPrefix(path+"."+key, ".")
		if out[key], err = b.value(d, at); err != nil {
			return nil, err
		}
	}
	if place := withinProfile(path); len(out) == 0 && place != "" && place != "segmentMembership" && place != "identityMap" {
		b.problem(path, "an empty object")
	}
	_, err := d.Token() // }
	return out, err
}

// withinProfile is a path without the place of the profile in a message of
// several.
func withinProfile(path string) string {
	if place, rest, ok := strings.Cut(path, "]."); ok && (place[0] == '[' || strings.HasPrefix(place, wrapper+"[")) {
		return rest
	}
	return path
}

func (b *body) readArray(d *json.Decoder, path string) (any, error) {
	out := []any{}
	for n := 0; d.More(); n++ {
		value, err := b.value(d, fmt.Sprintf("%s[%d]", path, n))
		if err != nil {
			return nil, err
		}
		out = append(out, value)
	}
	if len(out) == 0 {
		b.problem(path, "an empty list")
	}
	_, err := d.Token() // ]
	return out, err
}

func (b *body) problem(path, what string) {
	if path == "" {
		path = "the body"
	}
	b.problems = append(b.problems, what+" at "+path)
}

// membership is one entry of a body's segmentMembership.
type membership struct {
	namespace, id string
	fields        map[string]any // nil when it is not an object
}

// memberships lists the entries in a fixed order.
func (b *body) memberships() []membership {
	var out []membership
	all, _ := b.object["segmentMembership"].(map[string]any)
	for _, namespace := range sortedKeys(all) {
		entries, _ := all[namespace].(map[string]any)
		for _, id := range sortedKeys(entries) {
			fields, _ := entries[id].(map[string]any)
			out = append(out, membership{namespace, id, fields})
		}
	}
	return out
}

// identities lists the entries of identityMap as namespace:id, sorted.
func (b *body) identities() []string {
	var out []string
	all, _ := b.object["identityMap"].(map[string]any)
	for namespace, list := range all {
		entries, _ := list.([]any)
		for _, e := range entries {
			fields, _ := e.(map[string]any)
			out = append(out, fmt.Sprintf("%s:%v", namespace, fields["id"]))
		}
	}
	slices.Sort(out)
	return out
}

// attributes is the body without its two maps.
func (b *body) attributes() map[string]any {
	out := map[string]any{}
	for key, value := range b.object {
		if key != "segmentMembership" && key != "identityMap" {
			out[key] = value
		}
	}
	return out
}

// lookup finds the value at a dotted path.
func lookup(value any, path string) (any, bool) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, false
	}
	if child, ok := object[path]; ok {
		return child, true
	}
	// A key may hold dots itself: every key that begins the path is tried.
	for _, key := range sortedKeys(object) {
		if rest, below := strings.CutPrefix(path, key+"."); below {
			if found, ok := lookup(object[key], rest); ok {
				return found, true
			}
		}
	}
	return nil, false
}

// leaves lists the dotted paths of all values that are not objects.
func leaves(value any, path string) []string {
	object, ok := value.(map[string]any)
	if !ok {
		return []string{path}
	}
	var out []string
	for _, key := range sortedKeys(object) {
		out = append(out, leaves(object[key], strings.TrimPrefix(path+"."+key, "."))...)
	}
	return out
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// normal is a value as a body would carry it, so that both sides compare alike.
func normal(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return value
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.UseNumber()
	var out any
	if d.Decode(&out) != nil {
		return value
	}
	return out
}

// same compares two normal values. Numbers are the same in the same spelling:
// the engine must not change what it was given.
func same(want, got any) bool {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && maps.EqualFunc(w, g, same)
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, same)
	}
	return want == got
}

// covers reports whether everything in want is in got, with these values; lists
// are compared whole.
func covers(want, got any) bool {
	w, ok := want.(map[string]any)
	if !ok {
		return same(want, got)
	}
	g, ok := got.(map[string]any)
	if !ok {
		return false
	}
	for key, value := range w {
		there, ok := g[key]
		if !ok || !covers(value, there) {
			return false
		}
	}
	return true
}

// text prints a value the way a reader compares it.
func text(value any) string {
	out, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(out)
}
