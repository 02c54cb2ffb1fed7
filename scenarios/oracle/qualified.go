package oracle

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// Bounds of a time of qualification in somebody else's export: how far a clock,
// or the moment at which a membership is evaluated, may be from the history's;
// and how much earlier than our estimate the history may have begun.
const (
	clockTolerance = 5 * time.Minute
	estimate       = 24 * time.Hour
)

// writtenTimes are the documented forms of lastQualificationTime.
var writtenTimes = []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999-0700"}

// qualified compares lastQualificationTime with the last time that the profile
// qualified (R138). A foreign sender does not get the time of an initial
// membership from the scenario, and the documentation nothing of that of an
// exit (A35).
func (c *comparison) qualified(e *entry, what, written string) {
	at := parsedTime(written)
	if at.IsZero() {
		return
	}
	what += ": lastQualificationTime"
	ofExit := e.exited && c.o.reads(scenarios.ReadingExitTime) == "exit"
	want, clause := c.o.stated(e), "lqt-value"
	if e.exited {
		clause = "lqt-value/exited"
	}
	if e.brought {
		clause = "merge-gains/values"
	}
	if c.own {
		c.note(at.Equal(want), clause, what, want.Format(time.RFC3339), written)
		return
	}
	clock := c.o.clock
	if clock.Began.IsZero() {
		return
	}
	near := func(t time.Time) bool { return c.o.near(at, t) }
	qualified, left := slices.ContainsFunc(append(e.again, e.since), near), e.exited && near(e.until)
	ok, untold := qualified, e.initial
	if ofExit {
		ok, untold = left, !e.until.After(c.o.scenario.Start)
	}
	if untold && !qualified && !left && !at.After(clock.Began.Add(clockTolerance)) {
		clause = "lqt-value/before-the-history"
	}
	c.note(ok, clause, what, want.Add(clock.Began.Sub(c.o.scenario.Start)).Format(time.RFC3339), written)
}

// stated is the lastQualificationTime of an entry by the chosen readings, in whole
// seconds.
func (o *Oracle) stated(e *entry) time.Time {
	at := e.since
	if n := len(e.again); n > 0 && o.reads(scenarios.ReadingRequalification) == "exported" {
		at = e.again[n-1]
	}
	if e.exited && o.reads(scenarios.ReadingExitTime) == "exit" {
		at = e.until
	}
	return at.UTC().Truncate(time.Second)
}

// parsedTime is a written time; zero for none of the documented forms.
func parsedTime(written string) (at time.Time) {
	for _, form := range writtenTimes {
		if t, err := time.Parse(form, written); err == nil {
			at = t
		}
	}
	return at
}

// near reports whether a time of somebody else's export may be that of the
// history. A sender may replay the times of the scenario as well.
func (o *Oracle) near(at, history time.Time) bool {
	ahead := at.Sub(history.Add(o.clock.Began.Sub(o.scenario.Start))) // on the clock of the capture
	least := -clockTolerance
	if o.clock.Estimated {
		least = -estimate
	}
	return ahead >= least && ahead <= clockTolerance || at.Sub(history).Abs() <= clockTolerance
}

// qualifiedAgain is when the history has a profile qualify for an audience after
// one tick and up to another.
func (p *person) qualifiedAgain(audience string, after, until int) (at []time.Time) {
	for _, said := range p.said[audience] {
		if said.holds && said.tick > after && said.tick <= until {
			at = append(at, said.at)
		}
	}
	return at
}

// syntheticUnknown reports whether a sender does not know the synthetic ecid of
// profiles that are given none: no body has that of its profile.
func syntheticUnknown(sc *scenarios.Scenario, seen []Seen) bool {
	return !slices.ContainsFunc(seen, func(s Seen) bool {
		return strings.Contains(s.Body, scenarios.ECID(sc.Seed, s.Profile))
	})
}

// withoutSynthetic leaves out of the wanted and of the seen identities what a
// sender that does not know the synthetic ecid cannot get right.
func (c *comparison) withoutSynthetic(got []string) (wanted, there []string) {
	synthetic := func(i string) bool { return slices.Contains(c.want.synthetic, i) }
	if c.own || !c.o.lenient || !slices.ContainsFunc(c.want.identities, synthetic) {
		return c.want.identities, got
	}
	wanted = slices.DeleteFunc(slices.Clone(c.want.identities), synthetic)
	there = slices.DeleteFunc(slices.Clone(got), func(i string) bool {
		return strings.HasPrefix(strings.ToLower(i), "ecid:") && !slices.Contains(wanted, i)
	})
	return wanted, there
}
