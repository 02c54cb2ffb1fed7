package oracle

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// claim is a profile's claim to the backfill of a batch: it was realized in one
// of its audiences when they were mapped (R112, R113), or, by a reading, had left
// it lately (A55).
type claim struct {
	*batch
	members []string // audience ids of the batch that the profile was in
	former  bool     // it had left them all
}

// standing is what a profile is to an audience.
type standing int

const (
	stranger standing = iota
	former            // it left so lately that an export carries the entry
	member
)

// standingOf is that of a profile after a tick and at a time.
func (o *Oracle) standingOf(p *person, audience string, tick int, at time.Time) standing {
	s, ever := p.memberships[audience].latest(tick)
	switch {
	case !ever:
		return stranger
	case s.to > tick:
		return member
	case at.Sub(s.until) <= o.retention():
		return former
	}
	return stranger
}

// least is the standing that a backfill is for, by the reading that is chosen.
func (o *Oracle) least() standing {
	if o.reads(scenarios.ReadingBackfilled) == "ever-qualified" {
		return former
	}
	return member
}

// claims lists those of a profile, given what it was to an audience when a batch
// was mapped.
func (o *Oracle) claims(least standing, was func(audience string, b *batch) standing) []claim {
	var out []claim
	for i := range o.flow.batches {
		b := &o.flow.batches[i]
		c := claim{batch: b, former: true}
		for _, id := range b.audiences {
			if s := was(id, b); s >= least {
				c.members = append(c.members, id)
				c.former = c.former && s == former
			}
		}
		if len(c.members) > 0 {
			out = append(out, c)
		}
	}
	return out
}

// claimsOf are the claims of a profile to which something happened.
func (o *Oracle) claimsOf(p *person, least standing) []claim {
	if p.view != nil && p.view.rest {
		return nil
	}
	return o.claims(least, func(audience string, b *batch) standing { return o.standingOf(p, audience, b.tick, b.at) })
}

// firm reports whether nothing ended the claim before its hour was over: the
// profile stayed in an audience that stayed mapped. If a live export ended it,
// the export shows this.
func (o *Oracle) firm(p *person, c claim) bool {
	lasts := func(t timeline) bool {
		s, ok := t.at(c.tick)
		return ok && (s.to == endless || s.until.After(c.ends))
	}
	carried := func(id string) bool {
		s, _ := p.memberships[id].latest(c.tick)
		return o.least() == former && (s.to == endless || c.ends.Sub(s.until) <= o.retention())
	}
	if slices.ContainsFunc(p.vanished, func(at time.Time) bool { return !at.Before(c.at) && !at.After(c.ends) }) {
		return false
	}
	return c.closed && slices.ContainsFunc(c.members, func(id string) bool {
		return (lasts(p.memberships[id]) || carried(id)) && lasts(o.flow.mapped[id])
	})
}

// backfill is the export of a profile whose turn in a backfill comes after a
// tick; earlier reports whether the profile was exported after one tick and up
// to another. Several claims are met by one export.
func (o *Oracle) backfill(p *person, tick int, at time.Time, earlier func(after int) bool) Possible {
	x := o.backfillOf(p, o.least(), tick, at, earlier)
	if x.Obligation == MustNot && o.foreign && o.least() == member {
		if other := o.backfillOf(p, former, tick, at, earlier); other.Obligation == May {
			other.reading, other.Clause = true, ofFormer(other.Clause)
			return other
		}
	}
	return x
}

// ofFormer is the clause about former members of a rule on backfills.
func ofFormer(rule string) string {
	if rule == "backfill-new-dest" {
		return "backfill-new-dest/former-members"
	}
	return "backfill-new-audience/former-members"
}

// backfillOf is backfill by one reading.
func (o *Oracle) backfillOf(p *person, least standing, tick int, at time.Time, earlier func(after int) bool) Possible {
	x := Possible{Profile: p.name, Obligation: May, From: at, To: at, Because: []string{"backfill"}, tick: tick,
		triggers: map[string]bool{}, perhaps: map[string]bool{}}
	here := func(id string) bool { return o.standingOf(p, id, tick, at) >= least && o.flow.has(id, tick) }
	x.Obligation, x.Clause = MustNot, "incremental"
	if o.flow.again != nil && o.mappedAgain(p, tick, at) {
		x.Clause = "backfill-once"
	}
	claims := o.claimsOf(p, least)
	outstanding := func(c claim) bool { return c.tick <= tick && o.flow.generation(c.tick) == o.flow.generation(tick) }
	timely := func(c claim) bool {
		return outstanding(c) && !earlier(c.tick) && slices.ContainsFunc(c.audiences, here) && (!c.closed || !at.After(c.ends))
	}
	late := !slices.ContainsFunc(claims, timely) // an hour that is over gives no reason if another is not over
	for _, c := range claims {
		switch {
		case !outstanding(c):
			continue
		case !late && !timely(c):
			continue
		case !o.flow.exports(tick):
			x.Clause = "disabled-silent"
			continue
		case earlier(c.tick):
			x.Clause = "backfill-once"
			continue
		case !slices.ContainsFunc(c.audiences, here):
			x.Clause = c.rule
			continue
		case x.Obligation == MustNot:
			x.Obligation, x.Clause = May, c.rule
			x.From, x.To = c.at, c.ends
		}
		if c.closed && (x.To.IsZero() || c.ends.After(x.To)) {
			x.To = c.ends
		}
		for _, id := range c.audiences {
			if here(id) {
				x.perhaps[id] = true
				if slices.Contains(c.members, id) {
					x.triggers[id] = true
				}
			}
		}
	}
	return x
}

// mappedAgain reports whether an audience of the profile was mapped again, so
// shortly before a time that an export then looks like a backfill of it.
func (o *Oracle) mappedAgain(p *person, tick int, at time.Time) bool {
	recent := func(k int) bool {
		return k <= tick && (at.IsZero() || o.flow.enabledBetween(o.timeOf(k), at) <= longest)
	}
	for id, ticks := range o.flow.again {
		if p.realized(id, tick) && slices.ContainsFunc(ticks, recent) {
			return true
		}
	}
	return false
}

// withBackfills lays the possible exports of backfills between those of the
// changes: one wherever something about the profile or the dataflow was said
// within the hour, since its content may differ from there on.
func (o *Oracle) withBackfills(p *person, lives []Possible) []Possible {
	least := o.least()
	if o.foreign {
		least = former // whatever the reading, an export is to be recognised
	}
	claims := o.claimsOf(p, least)
	if len(claims) == 0 {
		return lives
	}
	exported := func(until int) func(after int) bool {
		return func(after int) bool {
			return slices.ContainsFunc(lives, func(x Possible) bool {
				return x.Obligation == Must && !x.open && x.tick > after && x.tick <= until
			})
		}
	}
	var ticks []int
	for _, x := range lives {
		ticks = append(ticks, x.tick)
	}
	ticks = append(ticks, o.flow.actions...)
	slices.Sort(ticks)
	out := slices.Clone(lives)
	for _, tick := range slices.Compact(ticks) {
		at := o.timeOf(tick)
		inHour := slices.ContainsFunc(claims, func(c claim) bool {
			return c.tick <= tick && (!c.closed || !at.After(c.ends))
		})
		if !inHour {
			continue
		}
		if x := o.backfill(p, tick, at, exported(tick)); x.Obligation == May {
			x.earliest = at
			o.mayCarry(p, &x, at)
			out = append(out, x)
		}
	}
	slices.SortStableFunc(out, func(a, b Possible) int { return a.tick - b.tick })
	return out
}

// mayCarry adds to a backfill the audiences that it is of by another reading (A55):
// their merge policies may come along with somebody else's export.
func (o *Oracle) mayCarry(p *person, x *Possible, at time.Time) {
	if !o.foreign {
		return
	}
	never := func(int) bool { return false }
	for id := range o.backfillOf(p, former, x.tick, at, never).perhaps {
		x.perhaps[id] = true
	}
}

// timeOf is when a tick was; every tick is that of an event.
func (o *Oracle) timeOf(tick int) time.Time {
	n, _ := slices.BinarySearchFunc(o.moments, tick, func(m moment, k int) int { return m.last - k })
	return o.moments[min(n, len(o.moments)-1)].event.At()
}
