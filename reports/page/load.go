package page

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

// loaded is a load test as it is shown.
type loaded struct {
	*reports.Load
	Charts        []*chart
	Distributions []distribution
	Amounts       []amount
	LateRows      []lateRow
	Broken        string // why a histogram could not be read
}

// distribution is one with its name in words.
type distribution struct {
	Name, Means string
	*reports.Distribution
	bars []reports.Bar
}

type amount struct {
	Name string
	reports.Amount
}

// objectives is the headline of a load test.
func objectives(l *reports.Load) string {
	missed, unclear, held := 0, 0, 0
	for _, o := range l.Objectives {
		switch o.Verdict {
		case reports.Fail:
			missed++
		case reports.Pass:
			held++
		case reports.Inconclusive:
			unclear++
		}
	}
	rate := fmt.Sprintf("%s/s", short(l.Achieved.Rate))
	n := len(l.Objectives)
	if l.Search != nil {
		text := "None of the tried rates held"
		if l.Search.Rate > 0 {
			text = fmt.Sprintf("%s/s is the highest rate that held", short(l.Search.Rate))
		}
		if missed > 0 {
			text = fmt.Sprintf("%d of %s missed; %s", missed, number(n, "objective"), strings.ToLower(text[:1])+text[1:])
		}
		return text
	}
	decisive := ""
	for _, o := range l.Objectives {
		if o.Verdict == decided(missed, unclear, held) {
			decisive = answered(o) + "; "
			break
		}
	}
	switch {
	case missed > 0:
		return fmt.Sprintf("%s%d of %s missed at %s", decisive, missed, number(n, "objective"), rate)
	case unclear > 0:
		return fmt.Sprintf("%s%d of %s could not be judged at %s", decisive, unclear, number(n, "objective"), rate)
	case held > 0 && held == n:
		return fmt.Sprintf("%s%s held at %s", decisive, number(n, "objective"), rate)
	case held > 0:
		return fmt.Sprintf("%s%s held at %s, %d not judged", decisive, number(held, "objective"), rate, n-held)
	}
	return "Measured at " + rate + ", and no objective was set"
}

// decided is the verdict that the headline is about: the worst.
func decided(missed, unclear, held int) reports.Verdict {
	switch {
	case missed > 0:
		return reports.Fail
	case unclear > 0:
		return reports.Inconclusive
	case held > 0:
		return reports.Pass
	}
	return ""
}

func (p *printer) load() *loaded {
	l := p.report.Load
	if l == nil {
		return nil
	}
	out := &loaded{Load: l, Amounts: []amount{{"Offered", l.Offered}, {"Achieved", l.Achieved}, {"Delivered", l.Delivered}, {"Failed", l.Failed}}}
	for _, d := range []distribution{
		{"Delivery latency", "from the update to the 2xx of its export, retries included", l.DeliveryLatency, nil},
		{"Response time", "from the time the request was due: what a caller at a constant pace sees", l.ResponseTime, nil},
		{"Service time", "from the attempt to the end of its answer: the receiver's own time", l.ServiceTime, nil},
	} {
		if d.Distribution == nil {
			continue
		}
		var err error
		if d.bars, err = d.Bars(); err != nil {
			out.Broken = fmt.Sprintf("The histogram of the %s cannot be read: %v.", strings.ToLower(d.Name), err)
		}
		out.Distributions = append(out.Distributions, d)
	}
	out.Charts = inBothSizes(out.pictures)
	if s := l.Stored; s != nil && s.Time != nil { // in the table only: the pictures are about answers
		out.Distributions = append(out.Distributions, distribution{"Stored", storedWords(s), s.Time, nil})
	}
	out.LateRows = lateRows(l.Late)
	return out
}

// storedWords say what the times of a read-back are of.
func storedWords(s *reports.Stored) string {
	text := "from the 2xx to the storage, of messages that were read back"
	if s.Missing > 0 {
		text += fmt.Sprintf("; %d could not be read back in time", s.Missing)
	}
	if s.Behind > 0 {
		text += fmt.Sprintf("; %s less is stored than is answered", percent(s.Behind))
	}
	return text
}

// lateRow is a cause of late starts.
type lateRow struct {
	Name string
	reports.LateStarts
}

// lateRows are the causes that there were.
func lateRows(l *reports.Lateness) (out []lateRow) {
	if l == nil {
		return nil
	}
	for _, r := range []lateRow{
		{"the generator", l.Generator}, {"busy sockets", l.Sockets}, {"a slow receiver", l.Receiver},
	} {
		if r.Count > 0 {
			out = append(out, r)
		}
	}
	return out
}

// pictures are those of a load test.
func (l *loaded) pictures(k canvas) []*chart {
	all := []*chart{k.percentiles(l.Distributions, l.Objectives), k.histogram(l.Distributions)}
	if s := l.Series; s != nil && s.StepSeconds > 0 {
		for _, c := range k.inTime(l.Load) {
			if c != nil && l.Outage != nil {
				c.band(l.Outage.AtSeconds*1000, (l.Outage.AtSeconds+l.Outage.Seconds)*1000, "outage")
			}
			if b := l.Backfill; c != nil && b != nil && b.Mapped {
				c.band(b.AtSeconds*1000, (b.AtSeconds+b.Seconds)*1000, "backfill")
			}
			all = append(all, c)
		}
	}
	return append(all, k.searched(l.Load))
}

// percentiles is the curve of each distribution over its percentiles.
func (k canvas) percentiles(all []distribution, asked []reports.Objective) *chart {
	var lines []series
	for _, d := range all {
		if len(d.bars) == 0 {
			continue
		}
		s := series{Name: d.Name}
		seen := int64(0)
		for _, b := range d.bars {
			seen += b.Count
			share := float64(seen) / float64(d.Count)
			s.X, s.Y = append(s.X, min(share, 1-0.5/float64(max(1, d.Count)))), append(s.Y, b.ToMs)
		}
		s.X, s.Y = append([]float64{0}, s.X...), append([]float64{d.bars[0].FromMs}, s.Y...)
		lines = append(lines, thinned(s))
	}
	c := k.chart("percentiles", "Percentiles", "percentile", "time", tail, times(heights(lines)), lines)
	if c == nil {
		return nil
	}
	for _, o := range asked {
		if o.Unit == "ms" {
			c.limit(o.Limit, o.Text)
		}
	}
	points := make([]series, len(lines))
	for i, d := range slices.DeleteFunc(slices.Clone(all), func(d distribution) bool { return len(d.bars) == 0 }) {
		points[i] = series{Name: d.Name}
		for _, q := range []float64{0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999} {
			if float64(d.Count)*(1-q) >= 0.5 {
				points[i].X, points[i].Y = append(points[i].X, q), append(points[i].Y, reports.Quantile(d.bars, q))
			}
		}
	}
	var said []string
	for _, d := range all {
		said = append(said, fmt.Sprintf("%s: half within %s, 99 of 100 within %s, all within %s", d.Name, duration(d.P50Ms), duration(d.P99Ms), duration(d.MaxMs)))
	}
	c.Summary = strings.Join(said, ". ")
	return c.tabled(points, func(p float64) string { return "p" + tail.text(p) }, duration)
}

// thinned keeps what can be seen of a long line.
func thinned(s series) series {
	const most = 400
	if len(s.X) <= most {
		return s
	}
	out := series{Name: s.Name}
	last := math.Inf(-1)
	for i := range s.X {
		if at := tail.of(s.X[i]); at-last >= 7.0/most || i == len(s.X)-1 {
			out.X, out.Y, last = append(out.X, s.X[i]), append(out.Y, s.Y[i]), at
		}
	}
	return out
}

// heights is by logarithm where the values are far apart.
func heights(all []series) scale {
	low, top := math.Inf(1), 0.0
	for _, s := range all {
		for _, v := range s.Y {
			if v > 0 {
				low, top = min(low, v), max(top, v)
			}
		}
	}
	if top > low*30 {
		return log10
	}
	return linear
}

// histogram is how many of the first distribution took how long, in 40 parts.
func (k canvas) histogram(all []distribution) *chart {
	if len(all) == 0 || len(all[0].bars) == 0 {
		return nil
	}
	const parts = 40
	d := all[0]
	from, to := max(d.bars[0].FromMs, 1e-3), d.bars[len(d.bars)-1].ToMs
	if to <= from {
		to = from * 1.1
	}
	by := log10
	if to < from*10 {
		by = linear
	}
	edge := func(i int) float64 {
		if by.of(1) == 0 {
			return from * math.Pow(to/from, float64(i)/parts)
		}
		return from + (to-from)*float64(i)/parts
	}
	counts, part := make([]float64, parts), 0
	for _, b := range d.bars {
		for part < parts-1 && (b.FromMs+b.ToMs)/2 >= edge(part+1) {
			part++
		}
		counts[part] += float64(b.Count)
	}
	edges := series{X: []float64{from, to}, Y: []float64{0, slices.Max(counts)}}
	c := k.chart("histogram", "How long it took: "+strings.ToLower(d.Name), "time", "count", times(by), linear, []series{edges})
	c.Lines = nil
	c.Head = []string{"From", "To", "Count", "Share"}
	for i, n := range counts {
		if n == 0 {
			continue
		}
		x := c.x(edge(i))
		title := fmt.Sprintf("%s to %s: %s", duration(edge(i)), duration(edge(i+1)), short(n))
		c.Bars = append(c.Bars, rect{x, c.y(n), tenth(max(1, c.x(edge(i+1))-x-1)), tenth(c.Bottom - c.y(n)), title})
		c.Table = append(c.Table, []string{duration(edge(i)), duration(edge(i + 1)), fmt.Sprint(n), fmt.Sprintf("%.2f %%", 100*n/float64(d.Count))})
	}
	c.Summary = fmt.Sprintf("%d times, from %s to %s; the mean is %s", d.Count, duration(d.MinMs), duration(d.MaxMs), duration(d.MeanMs))
	return c
}

// inTime is latency, throughput and backlog over the run.
func (k canvas) inTime(l *reports.Load) []*chart {
	column := func(name string, of func(reports.Point) float64) series {
		s := series{Name: name}
		for _, p := range l.Series.Points {
			s.X, s.Y = append(s.X, p.AtSeconds*1000), append(s.Y, of(p))
		}
		return s
	}
	each := func(n int64) float64 { return float64(n) / l.Series.StepSeconds }
	ended := func(ms float64) float64 {
		if ms == 0 {
			return math.NaN() // nothing ended in it
		}
		return ms
	}
	latency := []series{column("p50", func(p reports.Point) float64 { return ended(p.P50Ms) }), column("p95", func(p reports.Point) float64 { return ended(p.P95Ms) }),
		column("p99", func(p reports.Point) float64 { return ended(p.P99Ms) })}
	rates := []series{column("offered", func(p reports.Point) float64 { return each(p.Offered) }), column("begun", func(p reports.Point) float64 { return each(p.Achieved) }),
		column("ended with a 2xx", func(p reports.Point) float64 { return each(p.Ended) }), column("failed attempts", func(p reports.Point) float64 { return each(p.Errors) })}
	if l.Backfill != nil {
		rates = append(rates, column("backfilled", func(p reports.Point) float64 { return each(p.Backfilled) }))
	}
	waiting := []series{column("backlog", func(p reports.Point) float64 { return float64(p.Backlog) }), column("on the wire", func(p reports.Point) float64 { return float64(p.InFlight) })}
	a := k.chart("latency", "Latency over time", "time", "latency", times(linear), times(heights(latency)), latency).tabled(latency, duration, duration)
	b := k.chart("throughput", "Throughput over time", "time", "per second", times(linear), linear, rates).tabled(rates, duration, counted)
	c := k.chart("backlog", "Backlog over time", "time", "exports", times(linear), linear, waiting).tabled(waiting, duration, counted)
	if a != nil {
		a.Summary = "Percentiles by the step in which a request or update was due; " + peak(latency[1], duration)
	}
	if b != nil {
		b.Summary = "Requests or updates due, begun and ended in each second; the most that ended: " + peak(rates[2], counted)
	}
	if c != nil {
		c.Summary = "Requests or exports that were due and had not ended; " + peak(waiting[0], counted)
		if o := l.Outage; o != nil {
			c.Summary += fmt.Sprintf(". The receiver was dead from %s on for %s; %s lost; drained %s after",
				duration(o.AtSeconds*1000), duration(o.Seconds*1000), number(int(o.Lost), "export"), duration(o.DrainSeconds*1000))
		}
	}
	return []*chart{a, b, c}
}

// peak tells the highest of a series.
func peak(s series, text func(float64) string) string {
	at, most := 0, math.Inf(-1)
	for i, v := range s.Y {
		if v > most {
			at, most = i, v
		}
	}
	if math.IsInf(most, 0) {
		return "none"
	}
	return fmt.Sprintf("%s at most %s, at %s", s.Name, text(most), duration(s.X[at]))
}

// searched is latency against throughput.
func (k canvas) searched(l *reports.Load) *chart {
	s := l.Search
	if s == nil || len(s.Points) == 0 {
		return nil
	}
	lines := []series{{Name: "p50"}, {Name: "p95"}, {Name: "p99"}}
	var marks []reports.Verdict
	points := slices.Clone(s.Points)
	slices.SortStableFunc(points, func(a, b reports.SearchPoint) int { return int(math.Copysign(1, a.Rate-b.Rate)) })
	for _, p := range points {
		for i, v := range []float64{p.P50Ms, p.P95Ms, p.P99Ms} {
			lines[i].X, lines[i].Y = append(lines[i].X, p.Rate), append(lines[i].Y, v)
		}
		marks = append(marks, p.Verdict)
	}
	c := k.chart("search", "Latency against throughput", "offered per second", "latency", linear, times(heights(lines)), lines)
	if c == nil {
		return nil
	}
	for i := range c.Lines {
		for n := range c.Lines[i].Dots {
			if n < len(marks) && len(c.Lines[i].Dots) == len(marks) {
				c.Lines[i].Dots[n].Class = class(marks[n])
			}
		}
	}
	if s.Above > 0 {
		c.band(s.Above, math.Inf(1), "did not hold")
	}
	c.Head = []string{"Offered /s", "Achieved /s", "2xx /s", "Errors", "p50", "p95", "p99", "Verdict"}
	for _, p := range points {
		verdict := string(p.Verdict)
		if p.Reason != "" {
			verdict += ": " + p.Reason
		}
		c.Table = append(c.Table, []string{short(p.Rate), short(p.Achieved), short(p.Goodput), fmt.Sprintf("%.2f %%", 100*p.Errors), duration(p.P50Ms), duration(p.P95Ms), duration(p.P99Ms), verdict})
	}
	c.Summary = fmt.Sprintf("The latency is the %s. %s/s held, %s/s did not. %s", l.Headline(), short(s.Rate), short(s.Above), strings.TrimSuffix(s.Confidence, "."))
	return c
}

// firstOf is the first objective that was missed, or could not be judged.
func firstOf(l *reports.Load) *first {
	for _, v := range []reports.Verdict{reports.Fail, reports.Inconclusive} {
		for _, o := range l.Objectives {
			if o.Verdict == v {
				actual := value(o.Measured, o.Unit)
				if o.Low != o.High {
					actual += fmt.Sprintf(" (%s to %s)", value(o.Low, o.Unit), value(o.High, o.Unit))
				}
				return &first{Title: o.Text, Expected: value(o.Limit, o.Unit), Actual: actual, Fix: o.Reason, Verdict: v}
			}
		}
	}
	return nil
}
