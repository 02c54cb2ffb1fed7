package oracle

import (
	"maps"
	"slices"

	"github.com/httpdest/httpdest/scenarios"
)

// By a reading (A50) each merge policy is a view of the profile of its own, which
// is exported by itself: it has the audiences of the policy alone, and a change
// that concerns none of its mapped audiences is not a change of it. A last view,
// the rest, has the changes that concern no mapped audience at all. They are
// exported once.

// view is a profile as seen through one merge policy.
type view struct {
	whole  *person
	policy string
	rest   bool // the changes that concern no mapped audience, with the audiences of all
}

// perPolicy reports whether the chosen reading has a body for each merge policy.
func (o *Oracle) perPolicy() bool { return o.reads(scenarios.ReadingMergePolicyBodies) == "each" }

// views are the profile as it is exported by the chosen reading: as a whole, or
// once for each merge policy.
func (o *Oracle) views(p *person) []*person {
	if !o.perPolicy() {
		return []*person{p}
	}
	return o.apart(p)
}

// apart are the views of a profile: those of the merge policies of mapped
// audiences, by their names, and the rest.
func (o *Oracle) apart(p *person) []*person {
	var out []*person
	for _, policy := range o.mappedPolicies() {
		one := *p
		one.view = &view{whole: p, policy: policy}
		one.memberships = maps.Clone(p.memberships)
		maps.DeleteFunc(one.memberships, func(id string, _ timeline) bool { return o.audiences[id].MergePolicy != policy })
		out = append(out, &one)
	}
	rest := *p
	rest.view = &view{whole: p, rest: true}
	return append(out, &rest)
}

// mappedPolicies are the merge policies of the audiences that are mapped at some
// time, sorted.
func (o *Oracle) mappedPolicies() []string {
	all := map[string]bool{}
	for id, t := range o.flow.mapped {
		if len(t) > 0 {
			all[o.audiences[id].MergePolicy] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// viewOf is the view that is exported with a merge policy, or the whole or the rest
// for ""; nil where the chosen reading does not export such a view.
func (o *Oracle) viewOf(p *person, policy string) *person {
	for _, v := range o.views(p) {
		switch {
		case v.view == nil && policy == "":
			return v
		case v.view != nil && v.view.policy == policy && v.view.rest == (policy == ""):
			return v
		}
	}
	return nil
}

// all is the profile with all its audiences.
func (p *person) all() *person {
	if p.view == nil {
		return p
	}
	return p.view.whole
}

// sees reports whether an audience is one of the view.
func (o *Oracle) sees(p *person, audience string) bool {
	return p.view == nil || p.view.rest || o.audiences[audience].MergePolicy == p.view.policy
}

// changes reports whether a change of attributes or identities counts for a profile
// after a tick (R50). By the view of a merge policy it is a change of that view
// where the profile is in one of its mapped audiences, or in none at all.
func (o *Oracle) changes(p *person, tick int) bool {
	if o.member(p, tick) {
		return true
	}
	return !o.scenario.Dataflow.RequireMembership && (p.view == nil || !o.member(p.all(), tick))
}

// restChange is the change of what concerns no mapped audience.
func (o *Oracle) restChange(p *person, m moment, reads readings) Possible {
	x := o.changeBy(p.all(), m, reads)
	if x.Obligation == Must && (len(x.triggers) > 0 || o.member(p.all(), m.last)) {
		x.Obligation, x.Clause, x.Because, x.violation = MustNot, "one-body", nil, nil
	}
	return x
}

// ofView leaves a change to the other views where it concerns none of the mapped
// audiences of this one.
func (o *Oracle) ofView(p *person, m moment, x *Possible, reads readings) {
	if p.view == nil {
		return
	}
	concerned := x.Obligation == Must && (len(x.triggers) > 0 || o.member(p, m.last))
	if !concerned && o.changeBy(p.all(), m, reads).Obligation == Must {
		x.Obligation, x.Clause, x.Because, x.violation = MustNot, "one-body", nil, nil
	}
}

// severalPolicies reports whether the profile is in mapped audiences of several merge
// policies after a tick, or just entered or left them.
func (o *Oracle) severalPolicies(p *person, x *Possible) bool {
	var first string
	for id, t := range p.all().memberships {
		if !o.flow.has(id, x.tick) || !t.holds(x.tick) && !x.triggers[id] {
			continue
		}
		switch policy := o.audiences[id].MergePolicy; {
		case first == "":
			first = policy
		case first != policy:
			return true
		}
	}
	return false
}
