package check

import (
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
)

// shownEntry is an entry of segmentMembership as far as the toggles for names
// and timestamps go.
type shownEntry struct {
	place         string
	named, mapped bool
	nameIsText    bool
	stamps        string
	whole         bool // the four, in milliseconds
}

// showing is what an entry shows of the toggles.
func showing(m membership) shownEntry {
	has := stamps(m)
	x := shownEntry{place: m.namespace + "/" + m.id, stamps: strings.Join(has, " ")}
	name, isText := m.fields["name"].(string)
	_, x.named = m.fields["name"]
	x.nameIsText = isText && name != ""
	x.mapped = slices.Contains(has, "mappingCreatedAt") || slices.Contains(has, "mappingUpdatedAt")
	x.whole = len(has) == len(timestamps)
	for _, key := range has {
		_, ok := millis(m.fields[key])
		x.whole = x.whole && ok
	}
	return x
}

// nameless: no name with the toggle off, nor for an audience that is not mapped
// (R67, R69).
func nameless(e evidence, x shownEntry) { e.note(!x.named, "%s has a name", e.place) }

// mappedName: a mapped audience has its name, a text (R68).
func mappedName(e evidence, x shownEntry) {
	e.note(x.nameIsText, "%s has no name, or one that is not a text", e.place)
}

// stampless: no timestamp with the toggle off, nor for an audience that is not
// mapped (R70, R72).
func stampless(e evidence, x shownEntry) {
	e.note(x.stamps == "", "%s has [%s]", e.place, x.stamps)
}

// unmappedStamps: an audience that is not mapped has no timestamps, or by a
// reading its own two (R72, A29).
func unmappedStamps(e evidence, x shownEntry) {
	want := ""
	if e.readings().Of(scenarios.ReadingUnmappedTimestamps) == "audience" {
		want = "createdAt updatedAt"
	}
	e.note(x.stamps == want, "%s has [%s]", e.place, x.stamps)
}

// mappedStamps: a mapped audience has all four timestamps, in milliseconds (R71).
func mappedStamps(e evidence, x shownEntry) {
	e.note(x.whole, "%s has [%s], or not in milliseconds", e.place, x.stamps)
}
