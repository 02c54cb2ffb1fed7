package loadtest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// Part is the result of one machine.
type Part struct {
	From string // the file
	Load *reports.Load
}

// Merge puts together what several machines measured at the same time, as if
// one had: counts and rates add up, histograms too, and the objectives are
// judged anew over all of it. A doubt of one is a doubt of all, and a shard that
// is missing one more. The error names the results that cannot be merged.
func Merge(parts []Part) (*reports.Load, error) {
	if len(parts) < 2 {
		return nil, errors.New("there is nothing to merge")
	}
	first := parts[0].Load
	m := &merging{out: &reports.Load{Mode: first.Mode, Clock: first.Clock, To: first.To, Store: first.Store}}
	times := make([]timeframe, len(parts))
	for i, p := range parts {
		err := mergeable(first, p.Load)
		if err == nil {
			times[i], err = timeframeOf(p.Load)
		}
		for _, before := range parts[:i] {
			err = errors.Join(err, distinct(before, p))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.From, err)
		}
	}
	if err := m.align(parts, times); err != nil {
		return nil, err
	}
	after := make([]time.Duration, len(parts))
	for i, p := range parts {
		after[i] = m.shift(times[i])
		if err := m.add(p, after[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", p.From, err)
		}
	}
	if err := m.stages(parts); err != nil {
		return nil, err
	}
	m.trend(parts, after)
	m.shards(parts)
	return m.result()
}

// endedEarly reports whether a load did not last as long as it was to.
func endedEarly(l *reports.Load) bool { return l.Interrupted || l.Aborted != "" }

func secondsText(s float64) string { return seconds(s).Round(100 * time.Millisecond).String() }

// merging is a merge on its way.
type merging struct {
	out                         *reports.Load
	service, response, delivery *Histogram
	allService, allResponse     *Histogram
	failedOf, lostOf            size
	steps                       []*Histogram
	paces                       []string
	texts                       []string // of the objectives
	exports                     int64
	began                       time.Time // of the first
	storedTimes                 *Histogram
}

// add adds a part that began so much after the first.
func (m *merging) add(p Part, after time.Duration) error {
	l, out := p.Load, m.out
	out.Machines += max(1, l.Machines)
	out.DrainSeconds = max(out.DrainSeconds, l.DrainSeconds)
	out.Unfinished += l.Unfinished
	out.Interrupted = out.Interrupted || l.Interrupted
	if l.Aborted != "" {
		out.Aborted = p.From + ": " + l.Aborted
	}
	for to, from := range map[*reports.Amount]reports.Amount{&out.Offered: l.Offered, &out.Achieved: l.Achieved, &out.Delivered: l.Delivered, &out.Failed: l.Failed} {
		to.Count, to.Rate, to.Target = to.Count+from.Count, to.Rate+from.Rate, to.Target+from.Target
	}
	m.exports += l.Delivered.Count + l.Failed.Count
	m.outcomes(l.Outcomes)
	if t := l.Tokens; t != nil {
		if out.Tokens == nil {
			out.Tokens = &reports.Tokens{}
		}
		out.Tokens.Requests, out.Tokens.Failed = out.Tokens.Requests+t.Requests, out.Tokens.Failed+t.Failed
	}
	m.paces = append(m.paces, paceOf(l))
	for _, d := range l.Doubts {
		if strings.HasPrefix(d, missingShard) {
			continue // it may be here now
		}
		out.Doubts = append(out.Doubts, p.From+": "+d)
	}
	for _, o := range l.Objectives {
		if !slices.Contains(m.texts, o.Text) {
			m.texts = append(m.texts, o.Text)
		}
	}
	var worst []reports.Verdict
	for _, o := range l.Objectives {
		worst = append(worst, o.Verdict)
	}
	if len(l.Parts) > 0 {
		out.Parts = append(out.Parts, l.Parts...) // of an earlier merge
	} else {
		out.Parts = append(out.Parts, reports.LoadPart{From: p.From, Run: l.Run, Offered: l.Offered, Achieved: l.Achieved, Verdict: reports.Worst(worst...)})
	}
	m.cost(l.Cost)
	m.late(l.Late)
	for _, left := range l.LeftOut { // of an earlier merge
		out.LeftOut = append(out.LeftOut, p.From+": "+left)
	}
	out.Growing = max(out.Growing, l.Growing)
	if err := errors.Join(m.histograms(l), m.stored(l.Stored)); err != nil {
		return err
	}
	attempts := int64(0)
	for _, o := range l.Outcomes {
		attempts += o.Count
	}
	m.failedOf.add(l.EffectiveAttempts, attempts)
	m.lostOf.add(l.EffectiveExports, l.Delivered.Count+l.Failed.Count)
	return m.series(l.Series, after)
}

// histograms adds those of a part. A part without the times of all attempts has
// no failed ones.
func (m *merging) histograms(l *reports.Load) error {
	whole := func(all, ok *reports.Distribution) *reports.Distribution {
		if all == nil {
			return ok
		}
		return all
	}
	allResponse := l.AllResponseTime
	if l.Mode == Receiver {
		allResponse = whole(allResponse, l.ResponseTime)
	}
	for to, d := range map[**Histogram]*reports.Distribution{&m.service: l.ServiceTime, &m.response: l.ResponseTime, &m.delivery: l.DeliveryLatency,
		&m.allService: whole(l.AllServiceTime, l.ServiceTime), &m.allResponse: allResponse} {
		if d == nil {
			continue
		}
		h, err := decoded(d)
		if err != nil {
			return err
		}
		if err := into(to, h, precise); err != nil {
			return err
		}
	}
	return nil
}

// size is the effective size of what several machines counted. Where their
// times depend on each other they saw one queue, so that the machines may depend
// on each other as far as can be: the standard errors add up, each with its
// share. Where they do not, the sizes add up.
type size struct {
	deviation, count float64
	sum              float64 // of the sizes
	queued           bool
}

func (s *size) add(effective, count int64) {
	if effective == 0 {
		effective = count
	}
	if count > 0 {
		s.deviation += float64(count) / math.Sqrt(float64(effective))
		s.count += float64(count)
		s.sum += float64(effective)
		s.queued = s.queued || float64(effective) < independent*float64(count)
	}
}

func (s *size) effective() effective {
	switch {
	case s.count == 0:
		return effective{}
	case !s.queued:
		return effective{size: int64(s.sum)}
	}
	return effective{size: int64(math.Min(s.count, s.count*s.count/s.deviation/s.deviation))}
}

// into adds a histogram to one that may not be there yet.
func into(to **Histogram, h *Histogram, figures int) error {
	if *to == nil {
		*to = newHistogram(figures)
	}
	return (*to).Merge(h)
}

// stored adds what a machine has read back.
func (m *merging) stored(s *reports.Stored) error {
	if s == nil {
		return nil
	}
	if m.out.Stored == nil {
		m.out.Stored = &reports.Stored{}
	}
	to := m.out.Stored
	to.Missing, to.Behind = to.Missing+s.Missing, max(to.Behind, s.Behind)
	if s.Time == nil {
		return nil
	}
	h, err := decoded(s.Time)
	if err != nil {
		return err
	}
	if err := into(&m.storedTimes, h, precise); err != nil {
		return err
	}
	to.Time = m.storedTimes.Distribution()
	return nil
}

func (m *merging) outcomes(all []reports.OutcomeCount) {
	for _, o := range all {
		i := slices.IndexFunc(m.out.Outcomes, func(x reports.OutcomeCount) bool { return x.Outcome == o.Outcome })
		if i < 0 {
			m.out.Outcomes = append(m.out.Outcomes, o)
			continue
		}
		m.out.Outcomes[i].Count += o.Count
	}
}

func (m *merging) cost(c *reports.Cost) {
	if c == nil {
		return
	}
	if m.out.Cost == nil {
		m.out.Cost = &reports.Cost{Note: "of all machines; the share of their CPUs and the lateness are the worst"}
	}
	to := m.out.Cost
	to.CPUSeconds += c.CPUSeconds
	to.MaxWorkers += c.MaxWorkers
	to.CPUShare, to.LateMs = max(to.CPUShare, c.CPUShare), max(to.LateMs, c.LateMs)
}

// series adds the points up by the clock: a part that began later has its points
// later. They are of whole steps, so that a point may be off by half of one.
func (m *merging) series(s *reports.Series, after time.Duration) error {
	switch {
	case s == nil:
		return nil
	case m.out.Series == nil:
		m.out.Series = &reports.Series{StepSeconds: s.StepSeconds, Points: []reports.Point{}}
	case m.out.Series.StepSeconds != s.StepSeconds:
		return fmt.Errorf("its steps are of %v s, those of the others of %v s", s.StepSeconds, m.out.Series.StepSeconds)
	}
	first := int(math.Round(after.Seconds() / s.StepSeconds))
	for i, p := range s.Points {
		for i += first; i >= len(m.out.Series.Points); {
			at := float64(len(m.out.Series.Points)) * s.StepSeconds
			m.out.Series.Points = append(m.out.Series.Points, reports.Point{AtSeconds: at})
			m.steps = append(m.steps, nil)
		}
		to := &m.out.Series.Points[i]
		to.Offered, to.Achieved = to.Offered+p.Offered, to.Achieved+p.Achieved
		to.Ended, to.Errors = to.Ended+p.Ended, to.Errors+p.Errors
		to.Backlog, to.InFlight = to.Backlog+p.Backlog, to.InFlight+p.InFlight
		if p.Histogram == "" {
			continue
		}
		h, err := DecodeHistogram(p.Histogram)
		if err == nil {
			err = into(&m.steps[i], h, coarse)
		}
		if err != nil {
			return fmt.Errorf("point %d: %w", i, err)
		}
	}
	return nil
}

// result judges what was put together.
func (m *merging) result() (*reports.Load, error) {
	out := m.out
	out.Pace = m.pace()
	slices.SortFunc(out.Outcomes, func(a, b reports.OutcomeCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome))
	})
	out.ServiceTime, out.ResponseTime, out.DeliveryLatency = m.service.Distribution(), m.response.Distribution(), m.delivery.Distribution()
	out.AllServiceTime = answers{m.service, m.allService}.apart()
	if out.Mode == Receiver {
		out.AllResponseTime = answers{m.response, m.allResponse}.apart()
	}
	failedOf, lostOf := m.failedOf.effective(), m.lostOf.effective()
	out.EffectiveAttempts, out.EffectiveExports = failedOf.size, lostOf.size
	for i, h := range m.steps {
		if h != nil {
			q := h.quantiles(0.5, 0.95, 0.99)
			p := &out.Series.Points[i]
			p.P50Ms, p.P95Ms, p.P99Ms, p.Histogram = q[0], q[1], q[2], h.encode()
		}
	}
	e := Evidence{Pipeline: out.Mode == Pipeline, Peak: out.Offered.Target, Service: m.service, Response: m.response, Delivery: m.delivery,
		AllService: m.allService, AllResponse: m.allResponse, FailedOf: failedOf, LostOf: lostOf, Growing: out.Growing,
		Exports: m.exports, Lost: out.Failed.Count, Rate: out.Delivered.Rate, Trend: out.Trend, Doubts: out.Doubts}
	if s := out.Stored; s != nil {
		e.Stored, e.Missing, e.Behind = m.storedTimes, s.Missing, s.Behind
	}
	for _, o := range out.Outcomes {
		e.Attempts += o.Count
		if !o.OK {
			e.Failed += o.Count
		}
	}
	if c := out.Cost; c != nil && m.exports > 0 {
		c.CPUPerExport = c.CPUSeconds * 1e6 / float64(m.exports)
		if out.Mode == Pipeline {
			c.AttemptsPerExport = float64(e.Attempts) / float64(m.exports)
		}
	}
	var objectives []Objective
	for _, text := range m.texts {
		o, err := ParseObjective(text)
		if err != nil {
			return nil, fmt.Errorf("an objective of these reports: %w", err)
		}
		if text == Documented().Text {
			o = Documented()
		}
		objectives = append(objectives, o)
	}
	out.Objectives = Judge(objectives, e)
	return out, nil
}
