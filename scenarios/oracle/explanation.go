package oracle

import (
	"cmp"
	"maps"
	"slices"
)

// explanation is an explanation of all bodies of a profile by one reading of A50: as a
// whole, or with one alignment for each merge policy.
type explanation struct {
	parts []part
	cost  int
	other *Finding // the bodies follow the reading that is not chosen
}

// part is the bodies of one view of a profile, by their indexes, with their
// explanation.
type part struct {
	*alignment
	mine []int
	path *node
	cost int
}

// explained explains the bodies of a profile by the chosen reading, or by the
// other one where that explains them better: a sender has one of the two, and what
// it exports is judged by that. That it is not the chosen one is a finding by
// itself.
func (o *Oracle) explained(p *person, all []Seen, mine []int) explanation {
	t := o.try(o.views(p), all, mine)
	bodies := make([]Seen, 0, len(mine))
	for _, i := range mine {
		bodies = append(bodies, all[i])
	}
	for _, u := range o.unclaimedBy(p.name) {
		bodies = append(bodies, u.Seen)
	}
	if t.cost == 0 || len(bodies) == 0 || len(o.mappedPolicies()) < 2 {
		return t
	}
	f := Finding{Clause: "one-body", Profile: p.name, Export: cmp.Or(bodies[0].ID, p.name), At: bodies[0].At, What: "the bodies of its exports",
		Want: "the mapped audiences of all merge policies in one", Got: "those of each merge policy in one of its own"}
	views := o.apart(p)
	if o.perPolicy() {
		f.Want, f.Got = f.Got, f.Want
		views = []*person{p}
	}
	together := slices.ContainsFunc(bodies, func(s Seen) bool { return len(o.policiesIn(s)) > 1 })
	if together != o.perPolicy() {
		return t // no body speaks for the other reading
	}
	if other := o.try(views, all, mine); other.cost+costOfForm < t.cost {
		other.other = &f
		return other
	}
	return t
}

// try explains the bodies by the views of a profile, each body by the one view
// whose audiences it has. A body with exited audiences alone may be of a profile that
// leaves them, or of one that is in no mapped audience any more: it is of the rest
// where that explains the bodies better.
func (o *Oracle) try(views []*person, all []Seen, mine []int) (t explanation) {
	for _, p := range views {
		own := mine
		if len(views) > 1 {
			own = slices.DeleteFunc(slices.Clone(mine), func(i int) bool { return !o.shows(p, all[i]) })
		}
		t.add(o.partOf(p, all, own))
	}
	rest := slices.IndexFunc(views, func(p *person) bool { return p.view != nil && p.view.rest })
	if t.cost == 0 || rest < 0 {
		return t
	}
	for _, i := range mine {
		from := slices.IndexFunc(t.parts, func(x part) bool { return slices.Contains(x.mine, i) })
		if from < 0 || from == rest || !o.left(all[i]) {
			continue
		}
		fewer := slices.DeleteFunc(slices.Clone(t.parts[from].mine), func(k int) bool { return k == i })
		more := slices.Sorted(slices.Values(append(slices.Clone(t.parts[rest].mine), i)))
		var moved explanation
		for n, x := range t.parts {
			switch n {
			case from:
				x = o.partOf(views[n], all, fewer)
			case rest:
				x = o.partOf(views[n], all, more)
			}
			moved.add(x)
		}
		if moved.cost < t.cost {
			t = moved
		}
	}
	return t
}

func (o *Oracle) partOf(p *person, all []Seen, own []int) part {
	a := o.newAlignment(p, all, own)
	path, cost := a.explain()
	return part{a, own, path, cost}
}

func (t *explanation) add(x part) {
	t.parts, t.cost = append(t.parts, x), t.cost+x.cost
}

// left reports whether every mapped audience in a body is one that was left.
func (o *Oracle) left(s Seen) bool {
	b := newSentBody(s.Body)
	for id := range o.flow.mapped {
		if e := o.entryOf(b, id); e != nil && e["status"] != "exited" {
			return false
		}
	}
	return true
}

// shows reports whether a body is of a view: it has audiences of one merge policy, or
// else it is of the rest.
func (o *Oracle) shows(p *person, s Seen) bool {
	policies := o.policiesIn(s)
	if p.view.rest {
		return len(policies) != 1 || !slices.Contains(o.mappedPolicies(), policies[0])
	}
	return len(policies) == 1 && policies[0] == p.view.policy
}

// policiesIn are the merge policies of the mapped audiences in a body, sorted; of
// the others where none is mapped.
func (o *Oracle) policiesIn(s Seen) []string {
	object, _ := newSentBody(s.Body).value.(map[string]any)
	namespaces, _ := object["segmentMembership"].(map[string]any)
	mapped, unmapped := map[string]bool{}, map[string]bool{}
	for _, entries := range namespaces {
		list, _ := entries.(map[string]any)
		for id := range list {
			a, known := o.audiences[id]
			switch {
			case !known:
			case len(o.flow.mapped[id]) > 0:
				mapped[a.MergePolicy] = true
			default:
				unmapped[a.MergePolicy] = true
			}
		}
	}
	if len(mapped) > 0 {
		return slices.Sorted(maps.Keys(mapped))
	}
	return slices.Sorted(maps.Keys(unmapped))
}

// tell reports what is wrong with the explanation, and gives every body its role.
// Exports of several views are numbered in the order in which they began.
func (t explanation) tell(roles []Role, r *report) {
	type export struct{ part, number int }
	first := map[export]int{}
	at := map[int]export{}
	for n, p := range t.parts {
		for i, role := range p.alignment.tell(p.path, r) {
			if role.Before >= 0 {
				role.Before = p.mine[role.Before]
			}
			if role.First >= 0 {
				role.First = p.mine[role.First]
			}
			body, x := p.mine[i], export{n, role.Export}
			roles[body], at[body] = role, x
			if earliest, known := first[x]; !known || body < earliest {
				first[x] = body
			}
		}
	}
	if t.other != nil {
		r.look(t.other.Clause)
		r.add(*t.other)
	}
	if len(t.parts) < 2 {
		return
	}
	begun := slices.SortedFunc(maps.Keys(first), func(a, b export) int { return first[a] - first[b] })
	number := map[export]int{}
	for i, x := range begun {
		number[x] = i + 1
	}
	for body, x := range at {
		roles[body].Export = number[x]
	}
}
