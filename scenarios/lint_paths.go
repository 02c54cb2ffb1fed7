package scenarios

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/generate"
)

// attributePaths are the attributes that some profile has at some time.
type attributePaths struct {
	trees []map[string]any // of groups, generated ones laid under
	sets  []Change
	known []string // dotted paths of values, sorted, for suggestions
}

func newAttributePaths(s *Scenario) *attributePaths {
	a := &attributePaths{}
	seen := map[string]bool{}
	for i := range s.Profiles {
		g := &s.Profiles[i]
		tree := g.Attributes
		if g.Generate != nil && g.Names.Len() > 0 {
			tree = overlay(g.Generate.keptAttributes(generate.Person(s.seedOf(g), g.Names.At(0)).Attributes), tree)
		}
		if len(tree) > 0 {
			a.trees = append(a.trees, tree)
			leavesOf(tree, "", seen)
		}
	}
	for _, step := range s.History {
		for _, c := range step.Changes {
			if c.Op == "set" {
				a.sets = append(a.sets, c)
				leavesOf(c.Value, c.Path, seen)
			}
		}
	}
	a.known = slices.Sorted(maps.Keys(seen))
	return a
}

// leavesOf notes the paths of a value, those of objects on the way included.
func leavesOf(value any, path string, seen map[string]bool) {
	const enough = 10_000
	if len(seen) > enough {
		return
	}
	if path != "" {
		seen[path] = true
	}
	object, _ := value.(map[string]any)
	for key, child := range object {
		below := key
		if path != "" {
			below = path + "." + key
		}
		leavesOf(child, below, seen)
	}
}

// none reports whether no profile ever has an attribute: the scenario is about
// something else, and its mapping only fills the place.
func (a *attributePaths) none() bool { return len(a.trees) == 0 && len(a.sets) == 0 }

// has reports whether a profile has a value at a path at some time. list is the
// list on the way to the path, where there is one.
func (a *attributePaths) has(path string) (there bool, list string) {
	look := func(tree map[string]any, path, before string) {
		if _, ok := valueAt(tree, path); ok {
			there = true
			return
		}
		if at, value := blocking(tree, path); list == "" {
			if _, isList := value.([]any); isList {
				list = before + at
			}
		}
	}
	for _, tree := range a.trees {
		look(tree, path, "")
	}
	for _, c := range a.sets {
		if c.Path == path || strings.HasPrefix(c.Path, path+".") {
			there = true
		}
		below, inside := strings.CutPrefix(path, c.Path+".")
		switch value := c.Value.(type) {
		case map[string]any:
			if inside {
				look(value, below, c.Path+".")
			}
		case []any:
			if inside && list == "" {
				list = c.Path
			}
		}
	}
	return there, list
}

// throughLists are the errors of mapped paths that lead through a list: nothing
// is exported for them, whatever the profile has.
func (a *attributePaths) throughLists(s *Scenario) (out Problems) {
	for _, path := range s.Dataflow.Attributes {
		if there, list := a.has(path); !there && list != "" {
			out = append(out, Problem{s.attributePlace(path), fmt.Sprintf("dataflow.attributes: %s leads through the list %s, and a path cannot go into a list", path, list),
				"map the whole list: " + list})
		}
	}
	return out
}

// attributePlace is where a mapped attribute stands in the file.
func (s *Scenario) attributePlace(path string) Position {
	if at, ok := s.attributesAt[mappedPath{s.Dataflow.Key, path}]; ok {
		return at
	}
	return s.Place("dataflow.attributes")
}

// mappedPaths reports mapped attributes that no profile has, and those that
// another one holds already.
func (l *linter) mappedPaths(a *attributePaths) {
	s := l.s
	for i, path := range s.Dataflow.Attributes {
		over := slices.IndexFunc(s.Dataflow.Attributes, func(p string) bool { return strings.HasPrefix(path, p+".") })
		if over >= 0 && !slices.Contains(s.Rules, "nested-attributes") {
			l.warn(s.attributePlace(path), "leave one of them out", "%s is within %s, which is mapped too", path, s.Dataflow.Attributes[over])
		}
		if a.none() || l.ops["upload"] || slices.Contains(s.Dataflow.Attributes[:i], path) || l.meantAbsent(path) {
			continue
		}
		if there, list := a.has(path); !there && list == "" {
			l.warn(s.attributePlace(path), cmp.Or(suggestion(path, a.known), "give it to a profile, or expect it absent: ["+path+"]"),
				"no profile has %s, and no step sets it: it is never exported", path)
		}
	}
}

// meantAbsent reports whether a line expects that the attribute is not
// exported, or it is one of experience events.
func (l *linter) meantAbsent(path string) bool {
	covers := func(p string) bool {
		return p == path || strings.HasPrefix(path, p+".") || strings.HasPrefix(p, path+".")
	}
	return slices.ContainsFunc(l.s.Organisation.EventAttributes, covers) ||
		slices.ContainsFunc(l.s.Expect, func(e Expectation) bool { return slices.ContainsFunc(e.Absent, covers) })
}

// absentPaths reports paths of absent: that no body could ever have.
func (l *linter) absentPaths(a *attributePaths) {
	namespaces := l.identityNamespaces()
	for i := range l.s.Expect {
		for _, path := range l.s.Expect[i].Absent {
			head, rest, _ := strings.Cut(path, ".")
			switch {
			case head == "identityMap":
				namespace, _, _ := strings.Cut(rest, ".")
				if namespace != "" && !namespaces[strings.ToLower(namespace)] {
					l.warn(l.s.Expect[i].Pos, "correct the namespace", "absent: no profile has an identity in %s, so this line cannot fail", namespace)
				}
			case head == "segmentMembership" || a.none():
			default:
				if there, list := a.has(path); !there && list == "" && suggestion(path, a.known) != "" {
					l.warn(l.s.Expect[i].Pos, suggestion(path, a.known), "absent: no profile has %s, so this line cannot fail", path)
				}
			}
		}
	}
}

// identityNamespaces are those of any profile at any time, in lower case.
func (l *linter) identityNamespaces() map[string]bool {
	out := map[string]bool{}
	for i := range l.s.Profiles {
		g := &l.s.Profiles[i]
		out["ecid"] = out["ecid"] || g.Synthetic()
		for _, identity := range g.Identities {
			out[strings.ToLower(identity.Namespace)] = true
		}
		if g.Generate != nil {
			for _, namespace := range generate.Namespaces() {
				out[namespace] = true
			}
		}
	}
	for _, step := range l.s.History {
		for _, c := range step.Changes {
			out[strings.ToLower(c.Identity.Namespace)] = true
		}
	}
	for _, a := range l.s.Audiences {
		if a.Upload != nil {
			out[strings.ToLower(a.Upload.Namespace)] = true
		}
	}
	return out
}

// suggestion is the hint of the path that was probably meant; "" for none.
func suggestion(path string, known []string) string {
	if nearest(path, known) == "" {
		return ""
	}
	return didYouMean(path, known)
}
