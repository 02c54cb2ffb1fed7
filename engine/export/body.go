package export

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/plainjson"
	"github.com/httpdest/httpdest/engine/profile"
)

// usual is how many bytes most bodies take.
const usual = 1024

// Body is the profile object that travels: the mapped attributes that are
// present, segmentMembership and identityMap (R40, R57–R60). Keys are sorted,
// as in captured payloads (A26). The two maps are always there; nothing else
// is ever empty (R39, A38). The body is for a parser, not for a page: nothing
// is escaped but what JSON demands.
//
// Decision: it is written in one go, along the tree of the mapped paths.
// Reason: every export has a body, and to put one together of maps first was
// the largest part of deciding. Cost: keys are written in the order in which
// they are sorted, which this code has to know.
func Body(p profile.Profile, r Reasons, flow *dataflow.Snapshot, now time.Time) []byte {
	w := plainjson.NewWriter(make([]byte, 0, usual))
	w.Begin('{')
	for _, branch := range flow.Body().Below {
		switch branch.Name {
		case dataflow.IdentityMap:
			w.Key(branch.Name)
			identities(w, p)
		case dataflow.SegmentMembership:
			w.Key(branch.Name)
			memberships(w, p, r, flow, now)
		default:
			attribute(w, p.Attributes, branch)
		}
	}
	w.End('}')
	return w.Bytes()
}

// attribute writes the value of a branch, or what its paths select of it (R78).
// Mapped paths may lie within each other (person, and person.name): the union of
// them is exported. It reports whether anything was written.
func attribute(w *plainjson.Writer, values map[string]any, branch *profile.Branch) bool {
	value, ok := values[branch.Name]
	if !ok {
		return false
	}
	mark := w.Mark()
	w.Key(branch.Name)
	if branch.Whole {
		if !present(w, value) {
			w.Back(mark)
			return false
		}
		return true
	}
	inner, _ := value.(map[string]any)
	some := false
	w.Begin('{')
	for _, child := range branch.Below {
		some = attribute(w, inner, child) || some
	}
	w.End('}')
	if !some {
		w.Back(mark)
	}
	return some
}

// present writes a value without nulls and empty parts. It reports whether
// anything is left of it; otherwise nothing is written.
func present(w *plainjson.Writer, value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case string:
		if v == "" {
			return false
		}
		w.Text(v)
		return true
	case map[string]any:
		return presentObject(w, v)
	case []any:
		return presentList(w, v)
	}
	if err := w.Value(value); err != nil {
		// Attribute values are checked when they enter; see profile.Profile.
		panic(fmt.Sprintf("export: a profile holds a value JSON cannot carry: %v", err))
	}
	return true
}

func presentObject(w *plainjson.Writer, object map[string]any) bool {
	start, some := w.Mark(), false
	w.Begin('{')
	var few [16]string
	for _, key := range plainjson.Keys(few[:0], object) {
		mark := w.Mark()
		w.Key(key)
		if !present(w, object[key]) {
			w.Back(mark)
			continue
		}
		some = true
	}
	w.End('}')
	if !some {
		w.Back(start)
	}
	return some
}

func presentList(w *plainjson.Writer, list []any) bool {
	start, some := w.Mark(), false
	w.Begin('[')
	for _, child := range list {
		mark := w.Mark()
		w.Next()
		if !present(w, child) {
			w.Back(mark)
			continue
		}
		some = true
	}
	w.End(']')
	if !some {
		w.Back(start)
	}
	return some
}

// identities writes the whole identityMap: every identity of every namespace,
// as lists of {"id": …} (R60).
func identities(w *plainjson.Writer, p profile.Profile) {
	w.Begin('{')
	var few [16]string
	for _, namespace := range plainjson.Keys(few[:0], p.Identities) {
		ids := p.Identities[namespace]
		w.Key(namespace)
		w.Begin('[')
		for _, id := range ids {
			w.Next()
			w.Begin('{')
			w.Key("id")
			w.Text(id)
			w.End('}')
		}
		w.End(']')
	}
	w.End('}')
}
