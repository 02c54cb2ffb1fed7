package oracle

import "time"

// unclaimed is a body of a capture whose profile is unknown.
type unclaimed struct {
	Seen
	parsed *sentBody // nil until somebody asks
}

// mostUnclaimed bounds the bodies that are held against the exports of every
// profile. With more of them nothing is missing that one of them may be of.
const mostUnclaimed = 100

// unclaimedBy are the bodies that may be of a profile.
func (o *Oracle) unclaimedBy(name string) (out []*unclaimed) {
	for i := range o.unclaimed {
		u := &o.unclaimed[i]
		if !u.Of(name) {
			continue
		}
		if out = append(out, u); len(o.unclaimed) > mostUnclaimed {
			break // one is as good as all
		}
	}
	return out
}

// maybe reports whether one of the unclaimed bodies may be the export of
// possibility j.
func (a *alignment) maybe(j int) bool {
	known, looked := a.excused[j]
	if !looked {
		known = a.unclaimedFits(j, func(time.Time) bool { return false })
		a.excused[j] = known
	}
	return known
}

// perhapsMet reports whether one of the unclaimed bodies may meet a claim to a
// backfill in time.
func (a *alignment) perhapsMet(c claim) bool {
	for j, x := range a.possible {
		late := func(at time.Time) bool { return a.oracle.flow.tooLate(c, at) }
		if x.tick >= c.tick && x.Obligation != MustNot && a.unclaimedFits(j, late) {
			return true
		}
	}
	return false
}

// unclaimedFits reports whether one of the unclaimed bodies may be the export of
// possibility j by its time and its content, and is not too late.
func (a *alignment) unclaimedFits(j int, late func(at time.Time) bool) bool {
	x := a.possible[j]
	for _, u := range a.perhaps {
		switch {
		case len(a.oracle.unclaimed) > mostUnclaimed:
			return true
		case !u.At.IsZero() && (u.At.Before(x.earliest) || late(u.At)):
			continue
		}
		if u.parsed == nil {
			u.parsed = newSentBody(u.Body)
		}
		r := newReport()
		c := comparison{o: a.oracle, x: &a.possible[j], want: a.contents[j], report: r}
		c.document(u.parsed.value, u.parsed.err)
		if wrong, misspelt := costs(r.findings); wrong+misspelt <= 2*costOfDifference {
			return true
		}
	}
	return false
}
