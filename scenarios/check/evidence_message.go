package check

import (
	"strings"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// postJSON: a POST with one Content-Type, which is application/json (R33). method
// and contentType say which of the two is known: without both nothing passes.
func postJSON(e evidence, r *recording.Request, method, contentType bool) {
	post := r.Method == "POST"
	if method && !post {
		e.note(false, "%smethod %.20s", e.place, r.Method)
	}
	if !contentType {
		return
	}
	types := headers(r, "Content-Type")
	json := len(types) == 1
	if json {
		kind, _, _ := strings.Cut(strings.ToLower(types[0]), ";")
		json = strings.TrimSpace(kind) == "application/json"
	}
	if !json || method && post {
		e.note(json, "%scontent type %.60q", e.place, types)
	}
}

// strictJSON: JSON that every reader understands (R39). That nothing is null or
// empty, and that both maps are there, is documented for ingested fields and in
// samples only (A38).
func strictJSON(e evidence, b *body) {
	problems, empty := b.slips()
	e.note(len(problems) == 0, "%s%s", e.place, some(problems))
	for _, slip := range empty {
		e.of("valid-json/no-empties").note(false, "%s%s", e.place, slip)
	}
}

// bothMaps looks for the two maps of a profile (R39).
func bothMaps(e evidence, profile map[string]any) {
	for _, key := range []string{"segmentMembership", "identityMap"} {
		_, there := profile[key]
		e.of("valid-json/both-maps").note(there, "%sno %s", e.place, key)
	}
}

// slips are the problems of a body: those that keep it from being strict JSON,
// and its nulls and empty values.
func (b *body) slips() (problems, empty []string) {
	for _, p := range b.problems {
		if strings.HasPrefix(p, "null ") || strings.HasPrefix(p, "an empty ") {
			empty = append(empty, p)
		} else {
			problems = append(problems, p)
		}
	}
	return problems, empty
}

// fewProfiles: no more profiles in a message than there may be (R36).
func fewProfiles(e evidence, n, most int) {
	e.note(n <= most, "%s carries %d profiles", e.place, n)
}

// bare: nothing is around the one profile of a message (R40).
func bare(e evidence, b *body) {
	e.note(b.object != nil, "%sneither segmentMembership nor identityMap at the top", e.place)
}
