package oracle

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// separator stands between the keys of a path within the document: a key may
// hold a dot, and none holds this.
const separator = "\x00"

// fact is one leaf of a profile's attributes and when it had this value. Any
// value other than an object is a leaf, and so is an empty object.
type fact struct {
	value    any
	from, to int
}

// document is the attributes of a profile over the whole history: of every
// path at which there ever was a leaf, its facts, ascending and apart.
type document struct {
	leaves map[string][]fact
}

func (d *document) begin(attributes map[string]any) {
	d.leaves = map[string][]fact{}
	for key, value := range attributes {
		d.open(key, value, 0)
	}
}

// open states the leaves of a value from a tick on.
func (d *document) open(path string, value any, tick int) {
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		d.leaves[path] = append(d.leaves[path], fact{value, tick, endless})
		return
	}
	for key, child := range object {
		d.open(path+separator+key, child, tick)
	}
}

// end lets every leaf that is wanted end at a tick.
func (d *document) end(tick int, wanted func(path string) bool) {
	for path, facts := range d.leaves {
		if last := &facts[len(facts)-1]; last.to == endless && wanted(path) {
			last.to = tick
		}
	}
}

// set: a write ends what was at the path, below it, and in its way above it.
func (d *document) set(dotted string, value any, tick int) {
	at := inner(dotted)
	d.end(tick, func(path string) bool { return within(path, at) || within(at, path) })
	d.open(at, value, tick)
}

// gain opens a leaf that nothing is in the way of, but for empty objects above it.
func (d *document) gain(at string, value any, tick int) {
	d.end(tick, func(path string) bool { return within(at, path) })
	d.open(at, value, tick)
}

// remove ends what is at the path. The object it was in stays, though empty.
func (d *document) remove(dotted string, tick int) {
	at := inner(dotted)
	if !d.exists(at, tick) {
		return
	}
	d.end(tick, func(path string) bool { return within(path, at) })
	if cut := strings.LastIndex(at, separator); cut >= 0 && !d.exists(at[:cut], tick) {
		d.open(at[:cut], map[string]any{}, tick)
	}
}

// exists reports whether there is anything at a path after a tick.
func (d *document) exists(at string, tick int) bool {
	for path, facts := range d.leaves {
		if _, there := alive(facts, tick); there && within(path, at) {
			return true
		}
	}
	return false
}

// alive is the fact that holds after a tick.
func alive(facts []fact, tick int) (fact, bool) {
	n, _ := slices.BinarySearchFunc(facts, tick, func(f fact, k int) int {
		if f.from <= k {
			return -1
		}
		return 1
	})
	if n == 0 || facts[n-1].to <= tick {
		return fact{}, false
	}
	return facts[n-1], true
}

// at is every leaf below the mapped paths after a tick, without nulls and
// empty parts: what an export carries.
func (d *document) at(mapped []string, tick int) map[string]any {
	out := map[string]any{}
	for path, facts := range d.leaves {
		if !slices.ContainsFunc(mapped, func(m string) bool { return within(path, m) }) {
			continue
		}
		if f, there := alive(facts, tick); there {
			if value := solid(f.value); value != nil {
				out[path] = value
			}
		}
	}
	return out
}

// inner is a dotted path with the separator of documents.
func inner(dotted string) string { return strings.ReplaceAll(dotted, ".", separator) }

// dotted is a path as people write it.
func dotted(inner string) string { return strings.ReplaceAll(inner, separator, ".") }

// within reports whether a path is at another one or below it.
func within(path, at string) bool {
	return strings.HasPrefix(path, at) && (len(path) == len(at) || path[len(at):len(at)+1] == separator)
}

// solid is a value without its empty parts, nil when nothing is left (R39).
func solid(value any) any {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
	case []any:
		var kept []any
		for _, e := range v {
			if e = solid(e); e != nil {
				kept = append(kept, e)
			}
		}
		if kept == nil {
			return nil
		}
		return kept
	case map[string]any:
		kept := map[string]any{}
		for key, e := range v {
			if e = solid(e); e != nil {
				kept[key] = e
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	}
	return value
}

// flat lists the leaves of a JSON value by their paths.
func flat(into map[string]any, path string, value any) {
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		into[path] = value
		return
	}
	for key, child := range object {
		flat(into, path+separator+key, child)
	}
}

// parse reads a value of a recording; what is not acceptable JSON is nothing.
func parse(raw []byte) any {
	value, err := strictjson.Decode(raw)
	if err != nil {
		return nil
	}
	return value
}

// equal compares a value with what stands in a body. Numbers are compared by
// their spelling, or by their exact value.
func equal(want, got any, spelling bool) bool {
	inner := func(want, got any) bool { return equal(want, got, spelling) }
	switch w := want.(type) {
	case int64, float64:
		text, err := json.Marshal(w)
		return err == nil && equal(json.Number(text), got, spelling)
	case json.Number:
		g, ok := got.(json.Number)
		return ok && (w == g || !spelling && strictjson.SameNumber(w.String(), g.String()))
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, inner)
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && maps.EqualFunc(w, g, inner)
	}
	return want == got
}
