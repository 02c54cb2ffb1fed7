package check

import (
	"maps"
	"slices"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// parts are a profile and those that became part of it, sooner or later.
func (v *view) parts(profile string) []string {
	all := []string{profile}
	for i := 0; i < len(all); i++ {
		for _, u := range v.updatesOf[all[i]] {
			if c := u.Changes[0]; c.Op == "merge" && !slices.Contains(all, c.From) {
				all = append(all, c.From)
			}
		}
	}
	return all
}

// same reports whether two names are of one profile: one may have become part of
// the other, and an endpoint knows them by their identities.
func (v *view) same(a, b string) bool {
	return a == b || slices.Contains(v.parts(a), b) || slices.Contains(v.parts(b), a)
}

// synthetic reports whether an identity is the synthetic ecid of a profile, or of one
// that became part of it.
func (v *view) synthetic(profile, identity string) bool {
	return slices.ContainsFunc(v.parts(profile), func(name string) bool {
		return identity == "ecid:"+scenarios.ECID(v.scenario.Seed, name)
	})
}

// last is the update by which a profile became part of another one.
func (v *view) last(profile, into string) *recording.Update {
	for _, u := range v.updatesOf[profile] {
		if c := u.Changes[0]; c.Op == "merged" && c.To == into {
			return u
		}
	}
	return nil
}

// membershipsBefore are the ids of the audiences that a profile is in before an update.
func (v *view) membershipsBefore(profile string, last *recording.Update) map[string]bool {
	in := map[string]bool{}
	start, _ := v.scenario.Initial(profile)
	for _, m := range start.Memberships {
		if !m.Exited {
			in[v.keys[m.Audience].ID] = true
		}
	}
	for _, u := range v.updatesOf[profile] {
		if u == last {
			break
		}
		for _, c := range u.Changes {
			if c.Op == "forget" {
				clear(in)
			}
			for id, status := range v.changedBy(c, u) {
				in[id] = status == "realized"
			}
		}
	}
	maps.DeleteFunc(in, func(_ string, is bool) bool { return !is })
	return in
}

// changedBy are the statuses that a change gives to audiences, by their ids. A merge
// may give those of the other profile.
func (v *view) changedBy(c recording.Change, u *recording.Update) map[string]string {
	switch c.Op {
	case "qualify":
		return map[string]string{c.Audience: "realized"}
	case "exit":
		return map[string]string{c.Audience: "exited"}
	case "merge":
		out := map[string]string{}
		for id := range v.membershipsBefore(c.From, v.last(c.From, u.Profile)) {
			out[id] = "realized"
		}
		return out
	}
	return nil
}
