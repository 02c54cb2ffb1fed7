package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// mappedWhole are the cases that are about mapped objects and lists. No final
// version of the documentation exports these to this destination, so that all
// other cases map leaves (R78).
var mappedWhole = []string{
	"content/empty-values", "content/large-parts", "content/nested", "content/numbers", "content/odd-texts", "content/values",
	"trigger/object-overwritten", "trigger/overwrite-number-and-object",
}

func TestLibraryMapsLeaves(t *testing.T) {
	all, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, sc := range all {
		if path := wholeValue(sc); path != "" {
			found = append(found, sc.ID)
			if !slices.Contains(mappedWhole, sc.ID) {
				t.Errorf("%s maps %s, which is an object or a list there: map its leaves", sc.ID, path)
			}
		}
	}
	for _, id := range mappedWhole {
		if !slices.Contains(found, id) {
			t.Errorf("%s maps no object and no list: take it off the list of the test", id)
		}
	}
}

// wholeValue is a mapped path at which a profile holds, or is given, an object or
// a list.
func wholeValue(sc *scenarios.Scenario) string {
	whole := func(at string, value any) string {
		for _, path := range sc.Dataflow.Attributes {
			rest, below := strings.CutPrefix(path+".", at+".")
			if at == "" {
				rest, below = path+".", true
			}
			if below && isWhole(value, strings.Split(strings.TrimSuffix(rest, "."), ".")) {
				return path
			}
		}
		return ""
	}
	for i := range sc.Profiles {
		if path := whole("", sc.Profiles[i].Attributes); path != "" {
			return path
		}
	}
	for _, step := range sc.History {
		for _, c := range step.Changes {
			if path := whole(c.Path, c.Value); c.Path != "" && path != "" {
				return path
			}
		}
	}
	return ""
}

// isWhole reports whether there is an object or a list at a path within a
// value.
func isWhole(value any, path []string) bool {
	object, isObject := value.(map[string]any)
	_, isList := value.([]any)
	if len(path) == 0 || path[0] == "" {
		return isObject || isList
	}
	return isObject && isWhole(object[path[0]], path[1:])
}
