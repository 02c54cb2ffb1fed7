package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
)

// extras are the keys an entry of segmentMembership has for the two toggles.
var timestamps = []string{"createdAt", "updatedAt", "mappingCreatedAt", "mappingUpdatedAt"}

// content compares what a line says about the body of an export.
func (v *view) content(e *scenarios.Expectation, x *exported) []mismatch {
	if e.Payload == nil && !e.HasAudience && e.Attributes == nil && !e.HasIdentity && len(e.Absent) == 0 {
		return nil
	}
	raw, ok := x.text()
	if !ok {
		return []mismatch{{x.ID + ": body", "a body", "it was never attempted"}}
	}
	b := v.body(raw)
	if b.object == nil {
		return []mismatch{{x.ID + ": body", "the profile object", raw}}
	}
	_, n, _ := v.scenario.Group(x.Profile) // {n} is the profile's number, whatever the line names
	var wrong []mismatch
	if e.Payload != nil {
		if want := v.shown(normal(scenarios.Expand(e.Payload, n))); !covers(want, b.object) {
			wrong = append(wrong, mismatch{x.ID + ": a part of the body", text(want), text(part(want, b.object))})
		}
	}
	if e.Attributes != nil {
		if want := v.shown(normal(scenarios.Expand(e.Attributes, n))); !same(want, b.attributes()) {
			wrong = append(wrong, mismatch{x.ID + ": attributes", text(want), text(b.attributes())})
		}
	}
	if e.HasAudience {
		wrong = append(wrong, v.entries(e, x, b)...)
	}
	if e.HasIdentity {
		wrong = append(wrong, v.identities(e, x, b, n)...)
	}
	for _, path := range e.Absent {
		if got, there := lookup(b.object, path); there {
			wrong = append(wrong, mismatch{fmt.Sprintf("%s: %s", x.ID, path), "absent", text(got)})
		}
	}
	return wrong
}

// part is the part of the body that corresponds to the expected one: a reader
// compares the two without the whole document.
func part(want, got any) any {
	w, ok := want.(map[string]any)
	g, isObject := got.(map[string]any)
	if !ok || !isObject {
		return got
	}
	out := map[string]any{}
	for key, value := range w {
		if there, ok := g[key]; ok {
			out[key] = part(value, there)
		}
	}
	return out
}

// entries compares the entries of segmentMembership with the whole expected
// set, in the words of the scenario.
func (v *view) entries(e *scenarios.Expectation, x *exported, b *body) []mismatch {
	var want, got []string
	detailed := map[string]scenarios.AudienceEntry{}
	for _, a := range e.Audiences {
		want = append(want, a.Audience+": "+a.Status)
		if a.Detailed {
			detailed[a.Audience] = a
		}
	}
	var wrong []mismatch
	for _, m := range b.memberships() {
		a, known := v.audiences[m.id]
		name := a.Key
		if !known || a.Namespace != m.namespace {
			name = m.namespace + "/" + m.id
		}
		got = append(got, fmt.Sprintf("%s: %v", name, m.fields["status"]))
		if d, ok := detailed[name]; ok {
			d.Name = v.redactor.Text(d.Name)
			wrong = append(wrong, details(x, d, m)...)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		wrong = append(wrong, mismatch{x.ID + ": audiences", "{" + strings.Join(want, ", ") + "}", "{" + strings.Join(got, ", ") + "}"})
	}
	return wrong
}

// details compares the name and the timestamps of one entry.
func details(x *exported, want scenarios.AudienceEntry, m membership) []mismatch {
	var wrong []mismatch
	name, there := m.fields["name"]
	if want.Name == "" && there || want.Name != "" && name != want.Name {
		wrong = append(wrong, mismatch{fmt.Sprintf("%s: name of audience %s", x.ID, want.Audience), orNone(want.Name), orNone(name)})
	}
	for _, key := range timestamps {
		if _, there := m.fields[key]; there != want.Timestamps {
			words := map[bool]string{true: "there", false: "absent"}
			wrong = append(wrong, mismatch{fmt.Sprintf("%s: %s of audience %s", x.ID, key, want.Audience), words[want.Timestamps], words[there]})
		}
	}
	return wrong
}

func orNone(name any) string {
	if name == nil || name == "" {
		return "none"
	}
	return fmt.Sprint(name)
}

// identities compares the identityMap without the synthetic ecid.
func (v *view) identities(e *scenarios.Expectation, x *exported, b *body, n int64) []mismatch {
	got := slices.DeleteFunc(b.identities(), func(i string) bool { return v.synthetic(x.Profile, i) })
	want := make([]string, len(e.Identities))
	for i, identity := range e.Identities {
		want[i] = v.shownIdentity(fmt.Sprintf("%s:%v", identity.Namespace, scenarios.Expand(identity.ID, n)))
	}
	slices.Sort(want)
	if !slices.Equal(want, got) {
		return []mismatch{{x.ID + ": identities besides the synthetic ecid", list(want), list(got)}}
	}
	return nil
}
