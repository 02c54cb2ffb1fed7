package oracle

import (
	"reflect"
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// readings tells the value of a reading by its key.
type readings func(key string) string

// openChanges are the readings of what determines an export, alone and together,
// with the clause of an export that only they call for.
var openChanges = []struct {
	clause string
	reads  scenarios.Readings
}{
	{"no-requalify", scenarios.Readings{scenarios.ReadingRequalification: "exported"}},
	{"wta-switches/external", scenarios.Readings{scenarios.ReadingExternalAudiences: "own-switch"}},
	{"no-requalify", scenarios.Readings{
		scenarios.ReadingRequalification: "exported", scenarios.ReadingExternalAudiences: "own-switch"}},
}

// change answers what an update has to lead to. Somebody else's sender may have
// another reading of what nobody chose: an export that it calls for is possible,
// and one that it does not call for may be absent. Both are findings of clauses that
// are not must.
func (o *Oracle) change(p *person, m moment) Possible {
	x := o.changeBy(p, m, o.reads)
	if !o.foreign {
		return x
	}
	for _, way := range openChanges {
		if o.saysAny(way.reads) {
			continue
		}
		other := o.changeBy(p, m, func(key string) string {
			if value, said := way.reads[key]; said {
				return value
			}
			return o.reads(key)
		})
		switch {
		case x.Obligation == Must && other.Obligation == MustNot:
			x.open = true
			return x
		case x.Obligation == MustNot && other.Obligation == Must:
			other.Obligation, other.reading = May, true
			other.Clause, other.forbidden = way.clause, x.Clause
			return other
		}
	}
	return x
}

// missing is the cost of the absence of an export that is owed: nothing where
// another reading does not call for it.
func (a *alignment) missing(j int) int {
	if a.possible[j].open {
		return 0
	}
	return costOfMissing
}

// forbidden reports whether body i cannot be an export of possibility j to
// anybody's credit: no reading calls for one, or the body does not show what
// another reading exports.
func (a *alignment) forbidden(i, j int) bool {
	x := &a.possible[j]
	return x.Obligation == MustNot || x.live && x.reading && !a.news(i, j)
}

// news reports whether body i has an entry of an audience of possibility j with
// the time of its change, and not that of the body before. After a change within a
// second of the last one it may be the same, in a body that is right, comes soon and
// is the only one in its request: times are written in whole seconds.
func (a *alignment) news(i, j int) bool {
	x, s := &a.possible[j], a.seen[i]
	for id := range x.triggers {
		mine := a.oracle.entryOf(a.bodies[i], id)
		atOnce := x.From.Sub(a.person.saidBefore(id, x.tick)) <= grain
		wrong, _ := costs(a.compare(i, j).findings)
		switch {
		case mine == nil || !a.dated(mine, x.From):
		case i == 0 && !atOnce, i > 0 && !reflect.DeepEqual(mine, a.oracle.entryOf(a.bodies[i-1], id)):
			return true
		case !atOnce || wrong >= costOfDifference || i > 0 && a.together(i, i-1) || i+1 < len(a.seen) && a.together(i, i+1):
		case s.At.IsZero() || a.oracle.flow.enabledBetween(x.From, s.At) <= delay:
			return true
		}
	}
	return false
}

// dated reports whether an entry may have the time of a qualification, as far as
// its time is known. It does not look at the time of an exited entry.
func (a *alignment) dated(entry map[string]any, from time.Time) bool {
	written, _ := entry["lastQualificationTime"].(string)
	at := parsedTime(written)
	return entry["status"] != "realized" || a.oracle.clock.Began.IsZero() || at.IsZero() || a.oracle.near(at, from)
}

// entryOf is the entry of an audience in a body; nil for an absent one.
func (o *Oracle) entryOf(b *sentBody, audience string) map[string]any {
	object, _ := b.value.(map[string]any)
	namespaces, _ := object["segmentMembership"].(map[string]any)
	list, _ := namespaces[o.audiences[audience].Namespace].(map[string]any)
	entry, _ := list[audience].(map[string]any)
	return entry
}

// saidBefore is when the last but one of the updates up to a tick had the profile
// enter or leave an audience: the last one is that of the tick. Zero for never.
func (p *person) saidBefore(audience string, tick int) time.Time {
	said := p.all().said[audience]
	n := slices.IndexFunc(said, func(s statement) bool { return s.tick > tick })
	if n < 0 {
		n = len(said)
	}
	if n < 2 {
		return time.Time{}
	}
	return said[n-2].at
}

// saysAny reports whether one of the readings was chosen.
func (o *Oracle) saysAny(all scenarios.Readings) bool {
	for key := range all {
		if o.scenario.Destination.Readings.Says(key) {
			return true
		}
	}
	return false
}
