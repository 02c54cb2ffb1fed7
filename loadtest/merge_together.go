package loadtest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
)

const (
	// leastTogether is the share of the shorter of two loads in which both must be
	// under way: rates that were not there at the same time do not add up.
	leastTogether = 0.9
	// surelyTogether is the share below which that is a doubt.
	surelyTogether = 0.97
)

// mergeable returns why a result cannot be merged with a first one.
func mergeable(first, l *reports.Load) error {
	switch {
	case l.Mode != first.Mode || l.Clock != first.Clock || l.Store != first.Store:
		return fmt.Errorf("it is a load of another kind: %s %s %s", l.Clock, l.Mode, l.Store)
	case l.Clock == "virtual":
		return errors.New("loads in virtual time do not share a receiver: each has a model of its own")
	case l.To != first.To:
		return fmt.Errorf("it loaded another receiver, %s", l.To)
	case l.To == mockName:
		return errors.New("each of these loads has a mock of its own: their rates do not reach one receiver")
	case l.Search != nil || l.Outage != nil || l.Flows != nil || l.Backfill != nil:
		return errors.New("a search, an outage, a backfill or several dataflows cannot be merged")
	}
	return nil
}

// mockName is the receiver of a load that has one in its own process.
const mockName = "mock"

// distinct returns why two results are the same, or the same part of a load.
func distinct(a, b Part) error {
	before := runsOf(a.Load)
	for _, run := range runsOf(b.Load) {
		if slices.Contains(before, run) {
			return fmt.Errorf("it is the same result as %s, or has a part of it: it would count twice", a.From)
		}
	}
	x, y := a.Load.Shard, b.Load.Shard
	switch {
	case x == nil && y == nil:
		return nil
	case x == nil || y == nil || x.Of != y.Of:
		return fmt.Errorf("it is %s, and %s is %s", shardText(y), a.From, shardText(x))
	}
	for _, n := range y.Numbers {
		if slices.Contains(x.Numbers, n) {
			return fmt.Errorf("it is shard %s as well as %s: each counts once", Shard{n, y.Of}, a.From)
		}
	}
	if paceOf(a.Load) != paceOf(b.Load) {
		return fmt.Errorf("it is a shard of another load, %s: %s is one of %s", paceOf(b.Load), a.From, paceOf(a.Load))
	}
	return nil
}

// runsOf tells a result, or those that were merged into it, from others: by the id
// of the run, or by when it began in reports of versions that gave none.
func runsOf(l *reports.Load) (out []string) {
	for _, p := range l.Parts {
		out = append(out, p.Run)
	}
	if len(l.Parts) == 0 {
		out = []string{cmp.Or(l.Run, l.Began)}
	}
	return slices.DeleteFunc(out, func(run string) bool { return run == "" })
}

// shardText names the shards of a result.
func shardText(s *reports.LoadShard) string {
	if s == nil {
		return "not a shard"
	}
	var names []string
	for _, n := range s.Numbers {
		names = append(names, Shard{n, s.Of}.String())
	}
	return "shard " + strings.Join(names, " and ")
}

// paceOf is the pace of the load that a shard is of.
func paceOf(l *reports.Load) string {
	if _, whole, ok := strings.Cut(l.Pace, ofWord); ok && strings.HasPrefix(l.Pace, shardWord) {
		return whole
	}
	return l.Pace
}

// timeframe is when a load was under way.
type timeframe struct{ from, to time.Time }

// timeframeOf reads it; zero where it is not known.
func timeframeOf(l *reports.Load) (timeframe, error) {
	if l.Began == "" {
		return timeframe{}, nil
	}
	from, err := time.Parse(time.RFC3339Nano, l.Began)
	if err != nil {
		return timeframe{}, fmt.Errorf("the time at which it began: %w", err)
	}
	return timeframe{from, from.Add(seconds(l.Seconds))}, nil
}

// align refuses loads that were not under way at the same time, and sets the time
// that all of them took.
func (m *merging) align(parts []Part, times []timeframe) error {
	for i, a := range times {
		for k, b := range times[:i] {
			if err := m.overlapping(parts[k], parts[i], b, a); err != nil {
				return fmt.Errorf("%s: %w", parts[i].From, err)
			}
		}
	}
	var last time.Time
	for i, s := range times {
		m.out.Seconds = max(m.out.Seconds, parts[i].Load.Seconds)
		if s.from.IsZero() {
			continue
		}
		if m.began.IsZero() || s.from.Before(m.began) {
			m.began, m.out.Began = s.from, parts[i].Load.Began
		}
		if s.to.After(last) {
			last = s.to
		}
	}
	if !m.began.IsZero() {
		m.out.Seconds = last.Sub(m.began).Seconds()
	}
	return nil
}

// overlapping returns why two results are not of one load: rates that were not
// there at the same time do not add up.
func (m *merging) overlapping(a, b Part, x, y timeframe) error {
	long, short := max(a.Load.Seconds, b.Load.Seconds), min(a.Load.Seconds, b.Load.Seconds)
	if short < long*leastTogether && !endedEarly(a.Load) && !endedEarly(b.Load) {
		return fmt.Errorf("it lasted %s, and %s %s: rates add up only while both run", secondsText(b.Load.Seconds), a.From, secondsText(a.Load.Seconds))
	}
	if x.from.IsZero() || y.from.IsZero() {
		return nil
	}
	both := earlier(x.to, y.to).Sub(later(x.from, y.from)).Seconds()
	switch {
	case !y.from.Before(x.to):
		return fmt.Errorf("it began %s after %s had ended: %s", secondsText(y.from.Sub(x.to).Seconds()), a.From, oneAfterTheOther)
	case !x.from.Before(y.to):
		return fmt.Errorf("it ended %s before %s began: %s", secondsText(x.from.Sub(y.to).Seconds()), a.From, oneAfterTheOther)
	case both < leastTogether*short:
		return fmt.Errorf("it and %s were under way together for %s of %s only: begin them at one time, with --start-at", a.From, secondsText(both), secondsText(short))
	case both < surelyTogether*short:
		m.out.Doubts = append(m.out.Doubts, fmt.Sprintf("%s and %s were under way together for %s of %s only: begin them at one time, with --start-at",
			a.From, b.From, secondsText(both), secondsText(short)))
	}
	return nil
}

const oneAfterTheOther = "rates add up only while both run"

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shift is how much later than the first a load began.
func (m *merging) shift(s timeframe) time.Duration {
	if s.from.IsZero() || m.began.IsZero() {
		return 0
	}
	return s.from.Sub(m.began)
}

// missingShard begins the doubt about a shard without a report.
const missingShard = "the report of shard "

// shards lists the shards that are there, and doubts the numbers where one is
// missing.
func (m *merging) shards(parts []Part) {
	if parts[0].Load.Shard == nil {
		return
	}
	all := &reports.LoadShard{Of: parts[0].Load.Shard.Of}
	for _, p := range parts {
		all.Numbers = append(all.Numbers, p.Load.Shard.Numbers...)
	}
	slices.Sort(all.Numbers)
	m.out.Shard = all
	for n := range all.Of {
		if !slices.Contains(all.Numbers, n) {
			m.out.Doubts = append(m.out.Doubts, fmt.Sprintf("%s%s is missing: what it sent is not in these numbers", missingShard, Shard{n, all.Of}))
		}
	}
}

// pace is that of the load.
func (m *merging) pace() string {
	if s := m.out.Shard; s != nil {
		whole := m.paces[0]
		if len(s.Numbers) < s.Of {
			return shardText(s) + ofWord + whole
		}
		return whole
	}
	same := slices.Compact(slices.Clone(m.paces))
	if len(same) == 1 && len(m.paces) > 1 {
		return fmt.Sprintf("%d × %s", len(m.paces), same[0])
	}
	return strings.Join(same, " + ")
}
