package check

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// place names a request.
func place(r *recording.Request) string {
	return fmt.Sprintf("request %d on socket %d", r.Number, r.Socket)
}

// eachBody calls look for the body of every export that was attempted.
func (v *view) eachBody(look func(x *exported, b *body)) {
	for _, x := range v.exports {
		if raw, ok := x.text(); ok {
			if b := v.body(raw); b.object != nil {
				look(x, b)
			}
		}
	}
}

// eachEntry calls look for every entry of every segmentMembership.
func (v *view) eachEntry(look func(x *exported, m membership)) {
	v.eachBody(func(x *exported, b *body) {
		for _, m := range b.memberships() {
			look(x, m)
		}
	})
}

// entriesBy holds every entry against a content rule.
func (v *view) entriesBy(f *findings, rule func(evidence, membership)) {
	v.eachEntry(func(x *exported, m membership) { rule(v.evidenceOf(f, x, m), m) })
}

// evidenceOf is an entry of a recording, for a content rule.
func (v *view) evidenceOf(f *findings, x *exported, m membership) evidence {
	return evidence{own: f, place: x.entry(m), chosen: v.scenario.Destination.Readings}
}

func (x *exported) entry(m membership) string {
	return fmt.Sprintf("%s: %s/%s", x.ID, m.namespace, m.id)
}

func (v *view) onlyMapped(f *findings) {
	v.eachBody(func(x *exported, b *body) {
		for _, leaf := range leaves(b.attributes(), "") {
			if leaf == "" {
				continue // no attributes at all
			}
			covered := slices.ContainsFunc(v.scenario.Dataflow.Attributes, func(path string) bool {
				return leaf == path || strings.HasPrefix(leaf, path+".")
			})
			f.note(covered, "%s: %s", x.ID, leaf)
		}
	})
}

func (v *view) shape(f *findings) { v.entriesBy(f, membershipShape) }

func (v *view) statusValues(f *findings) { v.entriesBy(f, statusValues) }

func (v *view) mappedOnly(f *findings) {
	if !v.scenario.Destination.IncludeMappedAudiencesOnly {
		return
	}
	v.eachEntry(func(x *exported, m membership) { f.note(x.mapped[m.id], "%s is not mapped", x.entry(m)) })
}

// showingBy holds what entries show of the toggles against a content rule: all of
// them, the mapped or the others.
func (v *view) showingBy(f *findings, rule func(evidence, shownEntry), wanted func(x *exported, m membership) bool) {
	v.eachEntry(func(x *exported, m membership) {
		if wanted(x, m) {
			rule(v.evidenceOf(f, x, m), showing(m))
		}
	})
}

func anyEntry(*exported, membership) bool { return true }

func mappedEntry(x *exported, m membership) bool { return x.mapped[m.id] }

func unmappedEntry(x *exported, m membership) bool { return !x.mapped[m.id] }

func (v *view) namesOff(f *findings) {
	if !v.scenario.Destination.IncludeSegmentNames {
		v.showingBy(f, nameless, anyEntry)
	}
}

func (v *view) namesMapped(f *findings) {
	if !v.scenario.Destination.IncludeSegmentNames {
		return
	}
	v.showingBy(f, mappedName, mappedEntry)
	v.eachEntry(func(x *exported, m membership) {
		// Which name it is after another one was given is name-static's matter.
		if named, isText := m.fields["name"].(string); isText && x.mapped[m.id] {
			f.note(named == x.naming.static[m.id] || x.naming.moved(m.id), "%s is named %s", x.entry(m), named)
		}
	})
}

func (v *view) nameStatic(f *findings) {
	v.eachEntry(func(x *exported, m membership) {
		if named, isText := m.fields["name"].(string); isText && x.mapped[m.id] && x.naming.moved(m.id) {
			want, of := x.naming.static[m.id], "when it was mapped"
			if v.scenario.Destination.Readings.Of(scenarios.ReadingNames) == "live" {
				want, of = x.naming.audiences[m.id].Name, "in the end"
			}
			f.note(named == want, "%s is named %s, and was %s %s", x.entry(m), named, want, of)
		}
	})
}

func (v *view) namesUnmapped(f *findings) {
	if v.scenario.Destination.IncludeSegmentNames {
		v.showingBy(f, nameless, unmappedEntry)
	}
}

// stamps are the timestamps an entry has.
func stamps(m membership) []string {
	return slices.DeleteFunc(slices.Clone(timestamps), func(key string) bool { return m.fields[key] == nil })
}

func (v *view) timestampsOff(f *findings) {
	if !v.scenario.Destination.IncludeSegmentTimestamps {
		v.showingBy(f, stampless, anyEntry)
	}
}

// millis reads a timestamp: an integer that is a date in milliseconds (A28);
// in seconds it would be a date of January 1970.
func millis(value any) (int64, bool) {
	n, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	ms, err := n.Int64()
	return ms, err == nil && ms > 100_000_000_000
}

func (v *view) timestampsOn(f *findings) {
	if !v.scenario.Destination.IncludeSegmentTimestamps {
		return
	}
	v.showingBy(f, mappedStamps, mappedEntry)
	v.eachEntry(func(x *exported, m membership) {
		a := x.naming.audiences[m.id]
		want := map[string]int64{"createdAt": a.CreatedAt.UnixMilli(), "updatedAt": a.UpdatedAt.UnixMilli()}
		for _, key := range []string{"createdAt", "updatedAt"} {
			if ms, ok := millis(m.fields[key]); ok && x.mapped[m.id] {
				f.note(ms == want[key], "%s: %s is %v", x.entry(m), key, m.fields[key])
			}
		}
	})
}

func (v *view) timestampsUnmapped(f *findings) {
	if v.scenario.Destination.IncludeSegmentTimestamps {
		v.showingBy(f, unmappedStamps, unmappedEntry)
	}
}

func (v *view) timestampsOrder(f *findings) { v.entriesBy(f, timestampOrder) }

func (v *view) timeFormat(f *findings) { v.entriesBy(f, timeFormat) }

func (v *view) namespaces(f *findings) {
	v.eachEntry(func(x *exported, m membership) { namespaceKey(evidence{own: f, place: x.entry(m)}, m, v.audiences) })
}

// standard identity namespaces, as an export spells them (A36).
var standard = []string{"adcloud", "aaid", "idfa", "apns", "ecid", "email", "email_lc_sha256", "fcm", "gaid", "phone", "phone_e.164",
	"phone_sha256", "phone_sha256_e.164", "tntid", "waid"}

func (v *view) lowerCase(f *findings) {
	v.eachBody(func(x *exported, b *body) { lowerNamespaces(evidence{own: f, place: x.ID + ": "}, b) })
}

var digest = regexp.MustCompile(`^[0-9a-f]{64}$`)

// hashed begins an identity that is sent as a digest.
const hashed = "email_lc_sha256:"

// hashes looks at the form of every digest that was made of an address, and at
// its value where no identity
// is missing.
func (v *view) hashes(f *findings) {
	ofHash := func(i string) bool { return strings.HasPrefix(i, hashed) }
	v.eachGraph(func(x *exported, want, got []string) {
		want, got = keep(want, ofHash), keep(got, ofHash)
		for _, i := range got {
			known := len(want) != len(got) || slices.Contains(want, i)
			f.note(known, "%s: %s", x.ID, i)
			if given := slices.Contains(want, i) && !strings.Contains(i, "@"); !given { // a digest of the profile travels as it is
				digestForm(evidence{own: f, place: x.ID + ": "}, strings.TrimPrefix(i, hashed))
			}
		}
	})
}

func keep(all []string, wanted func(string) bool) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return !wanted(s) })
}

// changedAudience looks at exports because of an audience: one of those the
// profile entered or left at that instant is in the body, with its new status.
func (v *view) changedAudience(f *findings) {
	v.eachBody(func(x *exported, b *body) {
		if !slices.Contains(x.Because, "audience") {
			return
		}
		status := map[string]string{}
		for _, m := range b.memberships() {
			status[m.id] = fmt.Sprint(m.fields["status"])
		}
		shown, changed := false, []string{}
		for _, u := range v.updatesOf[x.Profile] {
			if !u.At.Equal(x.At) {
				continue
			}
			for _, c := range u.Changes {
				for id, want := range v.changedBy(c, u) {
					changed = append(changed, v.audiences[id].Key)
					shown = shown || status[id] == want && x.mapped[id]
				}
			}
		}
		slices.Sort(changed)
		f.note(shown, "%s: of %v none is in %s", x.ID, changed, text(b.object["segmentMembership"]))
	})
}

// allIdentities compares the identities of the profile with every body, and looks
// at the form of the lists. The
// spelling of a namespace and the value of a digest are other rules' business.
func (v *view) allIdentities(f *findings) {
	blind := func(all []string) []string {
		out := make([]string, len(all))
		for i, identity := range all {
			if out[i] = exportForm(identity); strings.HasPrefix(out[i], hashed) {
				out[i] = hashed + "…"
			}
		}
		slices.Sort(out)
		return out
	}
	v.eachBody(func(x *exported, b *body) { identityLists(evidence{own: f, place: x.ID + ": "}, b) })
	v.eachGraph(func(x *exported, want, got []string) {
		f.note(slices.Equal(blind(want), blind(got)), "%s: %v instead of %v", x.ID, got, want)
	})
}
