package check

import (
	"cmp"
	"slices"
)

// batches reports whether a request may carry several profiles.
func (v *view) batches() bool { return v.scenario.Destination.MaxProfilesPerRequest > 1 }

// batchMax counts the profiles at both ends (R36).
func (v *view) batchMax(f *findings) {
	most := max(1, v.scenario.Destination.MaxProfilesPerRequest)
	for _, a := range v.attempts {
		n := 0
		for _, id := range a.Exports {
			if v.byID[id] != nil {
				n++
			}
		}
		f.note(n <= most, "attempt %d of %s carries %d exports", a.Number, a.Message, n)
	}
	for _, r := range v.requests {
		fewProfiles(evidence{own: f, place: place(r)}, len(v.body(r.Body).profiles), most)
	}
}

// roomLeft reports whether the message of an export could have carried more.
func (v *view) roomLeft(x *exported) bool {
	return v.batches() && len(x.attempts()[0].Exports) < v.scenario.Destination.MaxProfilesPerRequest
}

// asap: what is not full was sent as soon as anything in it could be (R37).
func (v *view) asap(f *findings) { v.punctual(f, v.roomLeft) }

// batchSplit: no export twice, no profile twice in a message, and as many
// profile objects as exports, in the form that was chosen (R38, A23).
func (v *view) batchSplit(f *findings) {
	if !v.batches() {
		return
	}
	form := cmp.Or(v.scenario.Destination.BatchEncoding, array)
	for _, x := range v.exports {
		f.note(!x.twice, "%s was part of two messages", x.ID)
	}
	v.eachMessage(func(m *message) {
		first := m.attempts[0]
		var profiles []string
		for _, id := range first.Exports {
			if x := v.byID[id]; x != nil {
				f.note(!slices.Contains(profiles, x.Profile), "%s has %s twice", m.id, x.Profile)
				profiles = append(profiles, x.Profile)
			}
		}
		if b := v.body(first.Body); b.parsed {
			f.note(b.form == form, "the body of %s does not have the form %s: %.60s", m.id, form, first.Body)
			f.note(b.form != form || len(b.profiles) == len(first.Exports), "%s: %d profile objects for %d exports", m.id, len(b.profiles), len(first.Exports))
		}
		for _, a := range m.attempts {
			if r := v.carried[a]; r != nil {
				stranger := slices.ContainsFunc(r.Profiles, func(name string) bool {
					return !slices.ContainsFunc(profiles, func(own string) bool { return v.same(own, name) })
				})
				f.note(!stranger, "attempt %d of %s carried %v, and not %v", a.Number, m.id, r.Profiles, profiles)
			}
		}
	})
}
