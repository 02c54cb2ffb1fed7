package export

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/plainjson"
	"github.com/httpdest/httpdest/engine/profile"
)

// ExitedRetention is how long an exited entry is carried after the exit (R79,
// design §4).
const ExitedRetention = 30 * 24 * time.Hour

// Body is the profile object that travels: the mapped attributes that are
// present, segmentMembership and identityMap (R40, R57–R60). Keys are sorted,
// as in captured payloads (A26). The two maps are always there; nothing else
// is ever empty (R39, A38).
func Body(p profile.Profile, r Reasons, flow *dataflow.Snapshot, now time.Time) []byte {
	body := map[string]any{}
	for _, path := range flow.Flow.Attributes {
		if value, ok := profile.Lookup(p.Attributes, path); ok {
			if value = prune(value); value != nil {
				place(body, path, value)
			}
		}
	}
	body["segmentMembership"] = memberships(p, r, flow, now)
	body["identityMap"] = identities(p)
	var b bytes.Buffer
	b.Grow(1024)                        // what a body takes
	encoder := plainjson.NewEncoder(&b) // the body is for a parser, not for a page
	if err := encoder.Encode(body); err != nil {
		// Attribute values are checked when they enter; see profile.Profile.
		panic(fmt.Sprintf("export: a profile holds a value JSON cannot carry: %v", err))
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}

// prune returns the value without nulls and empty parts, nil when nothing is
// left of it.
func prune(value any) any {
	switch v := value.(type) {
	case string:
		if v == "" {
			return nil
		}
	case map[string]any:
		kept := map[string]any{}
		for key, child := range v {
			if child = prune(child); child != nil {
				kept[key] = child
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	case []any:
		var kept []any
		for _, child := range v {
			if child = prune(child); child != nil {
				kept = append(kept, child)
			}
		}
		if len(kept) == 0 {
			return nil
		}
		return kept
	}
	return value
}

// place puts a value at a dotted path (R78). Mapped paths may lie within each
// other (person, and person.name): the union of them is exported.
func place(body map[string]any, path profile.Path, value any) {
	head, rest, nested := strings.Cut(string(path), ".")
	if !nested {
		fresh, isMap := value.(map[string]any)
		if there, ok := body[head].(map[string]any); ok && isMap {
			maps.Copy(there, fresh)
			return
		}
		body[head] = value
		return
	}
	child, ok := body[head].(map[string]any)
	if !ok {
		child = map[string]any{}
		body[head] = child
	}
	place(child, profile.Path(rest), value)
}

// identities is the whole identityMap: every identity of every namespace, as
// lists of {"id": …} (R60).
func identities(p profile.Profile) map[string]any {
	out := map[string]any{}
	for namespace, ids := range p.Identities {
		list := make([]any, len(ids))
		for i, id := range ids {
			list[i] = map[string]any{"id": id}
		}
		out[namespace] = list
	}
	return out
}
