package oracle

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Difference is a place at which a state is not what the history leads to.
type Difference struct {
	Clause string // of rules.yaml that it breaks; "" where the state does not show the place
	Path   string // dotted, in the state
	Want   string
	Got    string
	// Open differences are those about which the documentation is silent: an attribute or
	// an identity that a later message no longer has, or an exit that shares its time.
	Open bool
}

// Unknown reports whether the state does not show the place, so that nothing is known.
func (d Difference) Unknown() bool { return d.Clause == "" }

// Differences compares what a receiver holds with what it may hold. state is decoded JSON
// in the form of a message, with numbers as json.Number; nil for a profile that is not
// there. Dotted paths in ignore, and everything below them, are not compared; "attributes" is
// all of them. The rest of the state is the receiver's own.
func (h Held) Differences(state any, ignore []string) []Difference {
	d := &differing{held: h, ignore: ignore}
	if state == nil {
		if h.must {
			d.wrong("rcv-2xx", "the profile", "stored: a message about it was answered with 2xx", "absent")
		}
		return d.all
	}
	object, ok := h.oracle.hidden(state).(map[string]any)
	if !ok {
		d.unknown("the state", "an object")
		return d.all
	}
	d.memberships(object["segmentMembership"])
	d.identities(object["identityMap"])
	d.attributes(object)
	return d.all
}

// differing collects differences.
type differing struct {
	held   Held
	ignore []string
	all    []Difference
}

func (d *differing) add(x Difference) {
	path, _, _ := strings.Cut(x.Path, " ")
	for _, i := range d.ignore {
		if path == i || strings.HasPrefix(path, i+".") {
			return
		}
	}
	d.all = append(d.all, x)
}

func (d *differing) wrong(clause, path, want, got string) {
	d.add(Difference{Clause: clause, Path: path, Want: want, Got: got})
}

func (d *differing) open(clause, path, want, got string) {
	d.add(Difference{Clause: clause, Path: path, Want: want, Got: got, Open: true})
}

func (d *differing) unknown(path, want string) {
	d.add(Difference{Path: path, Want: want, Got: "absent"})
}

// identities compares those of a state, which has each once.
func (d *differing) identities(value any) {
	namespaces, ok := value.(map[string]any)
	if !ok {
		if len(d.held.identities) > 0 {
			d.unknown("identityMap", "an object")
		}
		return
	}
	got := map[string]int{}
	for namespace, value := range namespaces {
		list, _ := value.([]any)
		for _, e := range list {
			fields, _ := e.(map[string]any)
			if id, isText := fields["id"].(string); isText {
				got[namespace+":"+id]++
			}
		}
	}
	for _, identity := range sortedKeys(d.held.identities) {
		if m := d.held.identities[identity]; got[identity] == 0 && !m.absent {
			d.wrong("rcv-2xx", identityPath(identity), "there", "absent")
		}
	}
	for _, identity := range sortedKeys(got) {
		switch {
		case got[identity] > 1:
			d.wrong("rcv-idempotent", identityPath(identity), "there once", count(got[identity]))
		case d.held.identities[identity].held:
		case d.held.foreign[identity]:
			d.wrong("rcv-ids", identityPath(identity), "absent: it is of another profile", "there")
		case slices.ContainsFunc(d.held.superseded, func(c *content) bool { return slices.Contains(c.identities, identity) }):
			d.open("rcv-order", identityPath(identity), "absent: the last message does not have it", "there")
		}
	}
}

func identityPath(identity string) string {
	namespace, id, _ := strings.Cut(identity, ":")
	return "identityMap." + namespace + " " + id
}

func count(n int) string {
	if n == 2 {
		return "there twice"
	}
	return "there more than twice"
}

// attributes compares every leaf of a state outside of the two maps.
func (d *differing) attributes(object map[string]any) {
	if slices.Contains(d.ignore, "attributes") {
		return
	}
	got := map[string]any{}
	for key, value := range object {
		if key != "segmentMembership" && key != "identityMap" {
			flat(got, key, value)
		}
	}
	if len(got) == 0 && slices.ContainsFunc(slices.Collect(maps.Values(d.held.attributes)), certain) {
		d.unknown("attributes", strings.Join(paths(d.held.attributes), ", "))
		return
	}
	for _, path := range sortedKeys(d.held.attributes) {
		value, there := got[path]
		if !there {
			value = nil
		}
		values := d.held.attributes[path]
		if slices.ContainsFunc(values, func(want any) bool { return equal(want, value, false) }) {
			continue
		}
		if slices.ContainsFunc(values, func(want any) bool { return rounds(want, value) }) {
			d.open("rcv-schema", dotted(path), either(values), text(value))
			continue
		}
		clause := "rcv-2xx"
		if slices.ContainsFunc(values, func(want any) bool { return repeats(want, value) }) {
			clause = "rcv-idempotent"
		}
		d.wrong(clause, dotted(path), either(values), text(value))
	}
	for _, path := range sortedKeys(got) {
		_, wanted := d.held.attributes[path]
		old := func(c *content) bool { return c.attributes[path] != nil }
		if !wanted && solid(got[path]) != nil && slices.ContainsFunc(d.held.superseded, old) {
			d.open("rcv-order", dotted(path), "absent: the last message does not have it", text(got[path]))
		}
	}
}

// certain reports whether none of the values is nothing.
func certain(values []any) bool { return !slices.Contains(values, nil) }

// repeats reports whether a list has the elements of another one, and some of them again.
func repeats(want, got any) bool {
	w, isList := want.([]any)
	g, both := got.([]any)
	if !isList || !both || len(g) <= len(w) {
		return false
	}
	return !slices.ContainsFunc(g, func(e any) bool {
		return !slices.ContainsFunc(w, func(one any) bool { return equal(one, e, false) })
	})
}

// rounds reports whether a value differs from another one only in digits, or a range, that
// a double does not have: RFC 8259 section 6 lets a receiver keep numbers as doubles.
func rounds(want, got any) bool {
	switch w := want.(type) {
	case int64, float64:
		return rounds(json.Number(text(w)), got)
	case json.Number:
		x, err := strconv.ParseFloat(w.String(), 64)
		g, isNumber := got.(json.Number)
		if err != nil { // beyond the range
			return true
		}
		y, _ := strconv.ParseFloat(g.String(), 64)
		return isNumber && x == y
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(w, g, rounds)
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && maps.EqualFunc(w, g, rounds)
	}
	return equal(want, got, false)
}

// either is what a place may have, each value once.
func either(values []any) string {
	var out []string
	for _, v := range values {
		if t := text(v); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return strings.Join(out, " or ")
}

func paths(all map[string][]any) []string {
	var out []string
	for _, path := range sortedKeys(all) {
		out = append(out, dotted(path))
	}
	return out
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
