package reports

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
	"time"
)

// ComparisonSchema is the version of a comparison as JSON.
const ComparisonSchema = "httpdest/comparison/v1"

// Comparison is what is different between two reports of one kind.
type Comparison struct {
	Schema    string  `json:"schema"`
	Kind      string  `json:"kind"`
	Before    Side    `json:"before"`
	After     Side    `json:"after"`
	MinEffect float64 `json:"minEffect"` // a share: smaller changes do not count

	NewFailures []CaseChange   `json:"newFailures"` // fail, and did not before or were not there
	Unjudged    []CaseChange   `json:"unjudged"`    // passed before, and neither pass nor fail now
	Fixed       []CaseChange   `json:"fixed"`       // failed before, and pass
	Changed     []CaseChange   `json:"changed"`     // have another verdict, and are in no list above
	Failing     []CaseChange   `json:"failing"`     // failed before and fail
	Added       []CaseChange   `json:"added"`
	Removed     []CaseChange   `json:"removed"`
	Rules       []RuleChange   `json:"rules"` // whose verdict changed
	Metrics     []MetricChange `json:"metrics"`
	// Notes are why the two may not be comparable.
	Notes []string `json:"notes"`
}

// Side is one of the two reports.
type Side struct {
	Verdict     Verdict     `json:"verdict"`
	Summary     Summary     `json:"summary"`
	Environment Environment `json:"environment"`
}

// CaseChange is a case in both. A verdict is empty where there is no such case.
type CaseChange struct {
	ID     string  `json:"id"`
	Title  string  `json:"title,omitempty"`
	Before Verdict `json:"before,omitempty"`
	After  Verdict `json:"after,omitempty"`
	Note   string  `json:"note,omitempty"` // what failed now, or why it was not judged
}

// RuleChange is a rule with another verdict.
type RuleChange struct {
	ID     string  `json:"id"`
	Ref    string  `json:"ref"`
	Before Verdict `json:"before,omitempty"`
	After  Verdict `json:"after,omitempty"`
}

// Judgement is how a change of a number is judged.
type Judgement string

// The judgements of numbers.
const (
	Same    Judgement = "same"    // within the minimum effect
	Slower  Judgement = "slower"  // worse than the minimum effect, with all of the interval
	Faster  Judgement = "faster"  // better, likewise
	Unclear Judgement = "unclear" // the interval is on both sides of the minimum effect
	Shown   Judgement = "shown"   // a number without samples, which is not judged
)

// MetricChange is a number in both.
type MetricChange struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit"` // ms, s, /s, share
	Before float64 `json:"before"`
	After  float64 `json:"after"`
	// Change is the share by which After is larger. Low to High holds the true
	// change in 95 of 100 repetitions; both are Change where there are no samples.
	Change    float64   `json:"change"`
	Low       float64   `json:"low"`
	High      float64   `json:"high"`
	Samples   [2]int64  `json:"samples"`
	Judgement Judgement `json:"judgement"`
}

// Compare lists the differences from before to after. minEffect is the share
// below which a change of a number does not count. Reports of different kinds
// cannot be compared.
func Compare(before, after *Report, minEffect float64) (*Comparison, error) {
	if before.Kind != after.Kind {
		return nil, fmt.Errorf("the first is a report of %s, the second of %s", before.Kind, after.Kind)
	}
	side := func(r *Report) Side { return Side{r.Verdict, r.Summary, r.Environment} }
	c := &Comparison{Schema: ComparisonSchema, Kind: after.Kind, Before: side(before), After: side(after), MinEffect: minEffect,
		NewFailures: []CaseChange{}, Unjudged: []CaseChange{}, Fixed: []CaseChange{}, Changed: []CaseChange{}, Failing: []CaseChange{}, Added: []CaseChange{}, Removed: []CaseChange{},
		Rules: []RuleChange{}, Metrics: []MetricChange{}, Notes: []string{}}
	c.cases(before.Cases, after.Cases)
	c.rules(before.Rules, after.Rules)
	if err := c.metrics(before, after); err != nil {
		return nil, err
	}
	c.renamed()
	if before.Schema != after.Schema {
		c.Notes = append(c.Notes, fmt.Sprintf("the reports have the schemas %s and %s: a rule passes in version 2 only where it was exercised", before.Schema, after.Schema))
	}
	c.notes()
	return c, nil
}

// renamed notes removed cases that seem to have been added under another id.
func (c *Comparison) renamed() {
	for _, old := range c.Removed {
		same := func(now CaseChange) bool { return now.Title == old.Title && path.Base(now.ID) == path.Base(old.ID) }
		if i := slices.IndexFunc(c.Added, same); i >= 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("%s is removed and %s is added, with the same title: ids are relative to a root; see --root of httpdest run",
				old.ID, c.Added[i].ID))
			return // one is enough to see what happened
		}
	}
}

// numbered are cases by their id; those that share one, by their order too.
func numbered(cases []Case) (ids []string, by map[string]*Case) {
	by = map[string]*Case{}
	for i := range cases {
		id := cases[i].ID
		for n := 2; by[id] != nil; n++ {
			id = fmt.Sprintf("%s (%d)", cases[i].ID, n)
		}
		by[id], ids = &cases[i], append(ids, id)
	}
	return ids, by
}

func (c *Comparison) cases(before, after []Case) {
	was, wasBy := numbered(before)
	is, isBy := numbered(after)
	for _, id := range was {
		if isBy[id] == nil {
			c.Removed = append(c.Removed, CaseChange{ID: id, Title: wasBy[id].Title, Before: wasBy[id].Verdict})
		}
	}
	for _, id := range is {
		now := isBy[id]
		change := CaseChange{ID: id, Title: now.Title, After: now.Verdict, Note: caseText(now)}
		if old := wasBy[id]; old != nil {
			change.Before = old.Verdict
		} else {
			c.Added = append(c.Added, change)
		}
		switch old := change.Before; {
		case now.Verdict == Fail && old == Fail:
			c.Failing = append(c.Failing, change)
		case now.Verdict == Fail:
			c.NewFailures = append(c.NewFailures, change)
		case old == Pass && now.Verdict != Pass:
			c.Unjudged = append(c.Unjudged, change)
		case old == Fail && now.Verdict == Pass:
			c.Fixed = append(c.Fixed, change)
		case old != "" && old != now.Verdict:
			c.Changed = append(c.Changed, change)
		}
	}
}

// caseText is what failed in a case, or why it was not judged, on one line.
func caseText(c *Case) string {
	if c.Verdict == Pass {
		return ""
	}
	for _, k := range c.Checks {
		if k.Verdict == c.Verdict && k.Title != "" {
			return k.Title
		}
	}
	return c.Reason
}

func (c *Comparison) rules(before, after []Rule) {
	was := map[string]Verdict{}
	for _, r := range before {
		was[r.ID] = r.Verdict
	}
	for _, r := range after {
		if old, there := was[r.ID]; r.Verdict != old && (there || r.Verdict == Fail) {
			c.Rules = append(c.Rules, RuleChange{r.ID, r.Ref, old, r.Verdict})
		}
	}
}

// notes lists other differences, which make the two less comparable.
func (c *Comparison) notes() {
	a, b := c.Before.Environment, c.After.Environment
	for _, n := range []struct{ what, before, after string }{
		{"system", a.OS, b.OS}, {"CPUs", fmt.Sprint(a.CPUs), fmt.Sprint(b.CPUs)}, {"Go", a.Go, b.Go},
	} {
		if n.before != n.after && len(c.Metrics) > 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("%s: %s before, %s after: times may differ for this reason alone", n.what, n.before, n.after))
		}
	}
	if a.Seed != b.Seed {
		c.Notes = append(c.Notes, fmt.Sprintf("seed: %d before, %d after", a.Seed, b.Seed))
	}
}

// metrics compares what both have.
func (c *Comparison) metrics(before, after *Report) error {
	if before.Load != nil && after.Load != nil {
		if err := c.load(before.Load, after.Load); err != nil {
			return err
		}
	}
	_, was := numbered(before.Cases)
	is, isBy := numbered(after.Cases)
	for _, id := range is {
		old := was[id]
		if old == nil || old.Metrics[Deliveries] == 0 || isBy[id].Metrics[Deliveries] == 0 {
			continue
		}
		if a, b := old.Metrics[LatencyP95Seconds], isBy[id].Metrics[LatencyP95Seconds]; a != b {
			c.shown(id+": p95 of the delivery latency", "s", a, b)
		}
	}
	if a, b := before.Metrics["wallSeconds"], after.Metrics["wallSeconds"]; a > 0 && b > 0 {
		c.shown("the whole", "s", a, b)
	}
	return nil
}

func (c *Comparison) load(before, after *Load) error {
	if before.Mode != after.Mode || before.Clock != after.Clock || before.Pace != after.Pace || before.To != after.To {
		c.Notes = append(c.Notes, fmt.Sprintf("the loads differ: %s %s of %s to %s before, %s %s of %s to %s after", before.Mode, before.Clock, before.Pace, before.To, after.Mode, after.Clock, after.Pace, after.To))
	}
	rng := rand.New(rand.NewPCG(1, 95)) // the same reports give the same intervals
	for _, a := range before.named() {
		i := slices.IndexFunc(after.named(), func(n namedDistribution) bool { return n.Name == a.Name })
		if i < 0 {
			continue
		}
		b := after.named()[i]
		was, err := a.Bars()
		if err != nil {
			return fmt.Errorf("%s of the first: %w", a.Name, err)
		}
		is, err := b.Bars()
		if err != nil {
			return fmt.Errorf("%s of the second: %w", a.Name, err)
		}
		for _, q := range []float64{0.5, 0.95, 0.99} {
			if few := float64(min(a.Count, b.Count)) * (1 - q); few < 5 {
				continue // a percentile needs at least five times above it
			}
			m := MetricChange{Name: fmt.Sprintf("%s p%g", a.Name, q*100), Unit: "ms", Before: Quantile(was, q), After: Quantile(is, q), Samples: [2]int64{a.Count, b.Count}}
			m.Change = ratio(m.Before, m.After)
			before, after := a.sized(q), b.sized(q)
			m.Low, m.High = quantileChange(sample{was, before.Size}, sample{is, after.Size}, q, rng)
			if m.Judgement = c.judged(m.Low, m.High); before.NeedSeconds > 0 || after.NeedSeconds > 0 {
				m.Judgement = Unclear // a run that is too short has no interval
			}
			c.Metrics = append(c.Metrics, m)
		}
	}
	for _, x := range []struct {
		when string
		l    *Load
	}{{"before", before}, {"after", after}} {
		if need := x.l.needed(); need > 0 {
			c.Notes = append(c.Notes, fmt.Sprintf("%s: the run is too short to tell how far its latencies depend on each other: run for at least %s", x.when, time.Duration(need*float64(time.Second)).Round(time.Second)))
		}
	}
	c.shown("achieved", "/s", before.Achieved.Rate, after.Achieved.Rate)
	c.shown("delivered", "/s", before.Delivered.Rate, after.Delivered.Rate)
	c.search(before.Search, after.Search)
	return nil
}

// search compares the highest rates: each is known to be between one that held
// and one that did not.
func (c *Comparison) search(before, after *Search) {
	if before == nil || after == nil || before.Rate <= 0 || after.Rate <= 0 {
		return
	}
	m := MetricChange{Name: "highest rate", Unit: "/s", Before: before.Rate, After: after.Rate, Change: ratio(before.Rate, after.Rate)}
	if before.Above <= 0 || after.Above <= 0 {
		c.shown(m.Name, m.Unit, m.Before, m.After) // how much higher it is, is unknown
		return
	}
	m.Low, m.High = ratio(before.Above, after.Rate), ratio(before.Rate, after.Above)
	m.Samples = [2]int64{int64(len(before.Points)), int64(len(after.Points))}
	m.Judgement = c.judged(-m.High, -m.Low) // a lower rate is the slower one
	c.Metrics = append(c.Metrics, m)
}

// judged is the judgement of a change of a time. A change counts only if its
// whole interval is beyond the minimum effect: a busy machine must not raise a
// false alarm.
func (c *Comparison) judged(low, high float64) Judgement {
	switch {
	case low > c.MinEffect:
		return Slower
	case high < -c.MinEffect:
		return Faster
	case low >= -c.MinEffect && high <= c.MinEffect:
		return Same
	}
	return Unclear
}

func (c *Comparison) shown(name, unit string, before, after float64) {
	change := ratio(before, after)
	c.Metrics = append(c.Metrics, MetricChange{Name: name, Unit: unit, Before: before, After: after, Change: change, Low: change, High: change, Judgement: Shown})
}

// Count is how many numbers have a judgement.
func (c *Comparison) Count(j Judgement) int {
	n := 0
	for _, m := range c.Metrics {
		if m.Judgement == j {
			n++
		}
	}
	return n
}
