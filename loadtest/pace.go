package loadtest

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Pace decides when each request or update is due.
type Pace interface {
	// Due is when number n is, from 0, after the beginning. Numbers of Total and
	// above never are.
	Due(n uint64) time.Duration
	// Count is how many are due before t.
	Count(t time.Duration) uint64
	// Total is how many are due at all, Duration how long that takes.
	Total() uint64
	Duration() time.Duration
	// Rate is that at a moment, Peak the highest, 1/s.
	Rate(t time.Duration) float64
	Peak() float64
	// String is the pace as a person would ask for it.
	String() string
}

// slopes is a rate that changes in straight lines: constant, ramp, steps,
// bursts.
type slopes struct {
	name  string
	parts []slope
	total uint64
	// staged is whether each part has numbers of its own in a report.
	staged bool
}

// slope is a part of it. Rates are per second, times in seconds.
type slope struct {
	at, length float64
	from, to   float64
	before     float64 // due before it
}

// slack forgives rounding: what is due at a boundary is due there.
const slack = 1e-9

// whole is how many numbers are below a count, which rounding may have raised.
func whole(due float64) uint64 { return uint64(math.Ceil(max(0, due-slack-1e-13*due))) }

func newSlopes(name string, parts ...slope) *slopes {
	s := &slopes{name: name}
	at, due := 0.0, 0.0
	for _, p := range parts {
		p.at, p.before = at, due
		at, due = at+p.length, due+p.length*(p.from+p.to)/2
		s.parts = append(s.parts, p)
	}
	s.total = whole(due)
	return s
}

// Constant is the same rate all the time.
func Constant(rate float64, length time.Duration) Pace {
	return newSlopes(fmt.Sprintf("constant %s/s for %s", rateText(rate), length), slope{length: length.Seconds(), from: rate, to: rate})
}

// Ramp goes from one rate to another in a straight line.
func Ramp(from, to float64, length time.Duration) Pace {
	return newSlopes(fmt.Sprintf("ramp from %s/s to %s/s in %s", rateText(from), rateText(to), length), slope{length: length.Seconds(), from: from, to: to})
}

// Steps holds each rate for the same part of the time.
func Steps(rates []float64, length time.Duration) Pace {
	name, parts := "step", []slope{}
	for _, r := range rates {
		name += " " + rateText(r)
		parts = append(parts, slope{length: length.Seconds() / float64(len(rates)), from: r, to: r})
	}
	s := newSlopes(fmt.Sprintf("%s/s in %s", name, length), parts...)
	s.staged = true
	return s
}

// Burst is the rate base, and peak for last at the end of each period every.
func Burst(base, peak float64, every, last, length time.Duration) Pace {
	var parts []slope
	for at := time.Duration(0); at < length; at += every {
		calm := min(every-last, length-at)
		parts = append(parts, slope{length: calm.Seconds(), from: base, to: base})
		if loud := min(last, length-at-calm); loud > 0 {
			parts = append(parts, slope{length: loud.Seconds(), from: peak, to: peak})
		}
	}
	return newSlopes(fmt.Sprintf("burst %s/s with %s/s for %s every %s, for %s", rateText(base), rateText(peak), last, every, length), parts...)
}

func seconds(s float64) time.Duration { return time.Duration(math.Round(s * float64(time.Second))) }

// Due solves the straight line of the part that number n falls into.
func (s *slopes) Due(n uint64) time.Duration {
	if n >= s.total {
		return s.Duration()
	}
	k := float64(n)
	i, _ := slices.BinarySearchFunc(s.parts, k, func(p slope, k float64) int {
		if p.before+p.length*(p.from+p.to)/2 <= k+slack && p.at+p.length < s.Duration().Seconds()-slack {
			return -1
		}
		return 1
	})
	p := s.parts[min(i, len(s.parts)-1)]
	left := max(0, k-p.before)
	grow := (p.to - p.from) / p.length
	if math.Abs(grow) < 1e-12 {
		return seconds(p.at + left/p.from)
	}
	// from·t + grow·t²/2 = left, in the form that loses no digits.
	root := math.Sqrt(max(0, p.from*p.from+2*grow*left))
	if p.from+root == 0 {
		return seconds(p.at) // the first of a ramp from nothing
	}
	return seconds(p.at + 2*left/(p.from+root))
}

// Count implements Pace.
func (s *slopes) Count(t time.Duration) uint64 {
	due := 0.0
	for _, p := range s.parts {
		in := min(max(t.Seconds()-p.at, 0), p.length)
		due += in * (p.from + (p.to-p.from)*in/p.length/2)
	}
	return min(s.total, whole(due))
}

// Total implements Pace.
func (s *slopes) Total() uint64 { return s.total }

// Duration implements Pace.
func (s *slopes) Duration() time.Duration {
	last := s.parts[len(s.parts)-1]
	return seconds(last.at + last.length)
}

// Rate implements Pace.
func (s *slopes) Rate(t time.Duration) float64 {
	for _, p := range s.parts {
		if in := t.Seconds() - p.at; in >= 0 && in < p.length {
			return p.from + (p.to-p.from)*in/p.length
		}
	}
	return 0
}

// Peak implements Pace.
func (s *slopes) Peak() float64 {
	peak := 0.0
	for _, p := range s.parts {
		peak = max(peak, p.from, p.to)
	}
	return peak
}

// String implements Pace.
func (s *slopes) String() string { return s.name }

// steady reports whether the rate of a pace never changes.
func steady(p Pace) bool {
	if s, ok := p.(*shardOf); ok {
		p = s.Pace
	}
	if c, ok := p.(*byChance); ok {
		p = c.Pace
	}
	s, ok := p.(*slopes)
	if !ok {
		return false
	}
	for _, x := range s.parts {
		if x.from != s.parts[0].from || x.to != x.from {
			return false
		}
	}
	return true
}

// Stage goes from the rate before it to another in a straight line.
type Stage struct {
	Length time.Duration
	To     float64
}

// Stages begin at nothing and go through each of them.
func Stages(all []Stage) Pace {
	name, parts, from := "stages", []slope{}, 0.0
	for _, s := range all {
		name += fmt.Sprintf(" %s:%s", s.Length, rateText(s.To))
		parts = append(parts, slope{length: s.Length.Seconds(), from: from, to: s.To})
		from = s.To
	}
	s := newSlopes(name, parts...)
	s.staged = true
	return s
}

// stagesOf are the parts of a pace that are judged apart; none of one that has no
// such parts.
func stagesOf(p Pace) []slope {
	if s, ok := p.(*shardOf); ok {
		parts := slices.Clone(stagesOf(s.Pace))
		for i := range parts {
			parts[i].from, parts[i].to = parts[i].from/float64(s.shard.Of), parts[i].to/float64(s.shard.Of)
		}
		return parts
	}
	if c, ok := p.(*byChance); ok {
		p = c.Pace
	}
	if s, ok := p.(*slopes); ok && s.staged {
		return s.parts
	}
	return nil
}

// sine swings around a mean.
type sine struct {
	mean, swing    float64
	period, length time.Duration
}

// Sine is the rate mean, swing above and below in each period; it begins in the
// middle and rises.
func Sine(mean, swing float64, period, length time.Duration) Pace {
	return &sine{mean, swing, period, length}
}

// due is how many are at a moment, a whole number where one becomes due.
func (s *sine) due(t float64) float64 {
	turn := 2 * math.Pi / s.period.Seconds()
	return s.mean*t + s.swing/turn*(1-math.Cos(turn*t))
}

// Due implements Pace: what is due grows with time, so it is found by halving.
func (s *sine) Due(n uint64) time.Duration {
	low, high := 0.0, s.length.Seconds()
	for range 48 {
		if middle := (low + high) / 2; s.due(middle) < float64(n) {
			low = middle
		} else {
			high = middle
		}
	}
	return seconds(high)
}

// Count implements Pace.
func (s *sine) Count(t time.Duration) uint64 {
	due := s.due(min(max(t, 0), s.length).Seconds())
	return whole(due)
}

// Total implements Pace.
func (s *sine) Total() uint64 { return s.Count(s.length) }

// Duration implements Pace.
func (s *sine) Duration() time.Duration { return s.length }

// Rate implements Pace.
func (s *sine) Rate(t time.Duration) float64 {
	return s.mean + s.swing*math.Sin(2*math.Pi*t.Seconds()/s.period.Seconds())
}

// Peak implements Pace.
func (s *sine) Peak() float64 { return s.mean + s.swing }

// String implements Pace.
func (s *sine) String() string {
	return fmt.Sprintf("sine %s/s, %s/s up and down every %s, for %s", rateText(s.mean), rateText(s.swing), s.period, s.length)
}

// trace is moments that were recorded.
type trace struct {
	name string
	due  []time.Duration
}

// Trace replays moments; they need not be sorted. The first is due at once.
func Trace(name string, at []time.Duration) Pace {
	at = slices.Clone(at)
	slices.Sort(at)
	first := at[0]
	for i := range at {
		at[i] -= first
	}
	return &trace{name, at}
}

// Due implements Pace.
func (t *trace) Due(n uint64) time.Duration {
	if n >= uint64(len(t.due)) {
		return t.Duration()
	}
	return t.due[n]
}

// Count implements Pace.
func (t *trace) Count(at time.Duration) uint64 {
	i, _ := slices.BinarySearch(t.due, at)
	return uint64(i)
}

// Total implements Pace.
func (t *trace) Total() uint64 { return uint64(len(t.due)) }

// Duration ends just after the last moment, so that it counts.
func (t *trace) Duration() time.Duration { return t.due[len(t.due)-1] + time.Millisecond }

// Rate is that of the second around the moment.
func (t *trace) Rate(at time.Duration) float64 {
	return float64(t.Count(at+time.Second/2) - t.Count(at-time.Second/2))
}

// Peak is the busiest second.
func (t *trace) Peak() float64 {
	most, from := 0, 0
	for i := range t.due {
		for t.due[i]-t.due[from] >= time.Second {
			from++
		}
		most = max(most, i-from+1)
	}
	return float64(most)
}

// String implements Pace.
func (t *trace) String() string {
	return fmt.Sprintf("trace %s, %d in %s", t.name, len(t.due), t.Duration().Round(time.Millisecond))
}
