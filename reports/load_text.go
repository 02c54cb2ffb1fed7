package reports

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// WriteLoadText writes a load test for people: what was offered, what came of
// it, three latencies side by side, and the objectives last.
func WriteLoadText(w io.Writer, r *Report, o TextOptions) error {
	t := &printer{TextOptions: o}
	l := r.Load
	if !o.Quiet {
		if l.Offered.Count > 0 || l.Search == nil {
			t.offer(l)
			t.latencies(l)
		}
		t.stages(l.Stages)
		if trend := l.TrendText(); trend != "" {
			t.line("")
			t.line("trend: %s", trend)
		}
		t.search(l)
		t.outage(l.Outage)
		t.backfill(l.Backfill)
		t.flows(l.Flows)
		if o.Verbose {
			t.run(l.Series)
		}
		t.line("")
	}
	for _, left := range l.LeftOut {
		t.wrap("left out:", strings.Fields(visible(left)))
	}
	for _, doubt := range l.Doubts {
		t.wrap("in doubt:", strings.Fields(visible(doubt)))
	}
	for _, c := range r.Cases {
		actual := ""
		if len(c.Checks) > 0 && c.Checks[0].Actual != "" {
			actual = "  " + visible(c.Checks[0].Actual)
		}
		t.line("%s  %s%s%s", t.mark(c.Verdict), visible(c.Title), actual, because(c.Reason))
	}
	return t.to(w)
}

// offer prints what was offered, and what came of it.
func (t *printer) offer(l *Load) {
	where := l.To
	if l.Mode == "pipeline" {
		where = "the engine"
		if l.Store != "" {
			where += " (store " + l.Store + ")"
		}
		where += " → " + l.To
	}
	clock := ""
	if l.Clock == "virtual" {
		clock = ", in virtual time"
	}
	t.line("%s → %s%s", l.Pace, where, clock)
	t.line("offered %s, %s; begun %s, %s", thousands(float64(l.Offered.Count)), quantity(l.Offered.Rate, "/s"), thousands(float64(l.Achieved.Count)), quantity(l.Achieved.Rate, "/s"))
	ended := fmt.Sprintf("delivered %s, %s; failed %s", thousands(float64(l.Delivered.Count)), quantity(l.Delivered.Rate, "/s"), thousands(float64(l.Failed.Count)))
	if l.Unfinished > 0 {
		ended += fmt.Sprintf("; unfinished %s", thousands(float64(l.Unfinished)))
	}
	if l.Mode == "pipeline" && l.DrainSeconds > 0 {
		ended += "; drained in " + quantity(l.DrainSeconds, "s")
	}
	t.line("%s", ended)
	var outcomes []string
	for _, o := range l.Outcomes {
		outcomes = append(outcomes, fmt.Sprintf("%s×%s", o.Outcome, thousands(float64(o.Count))))
	}
	if len(outcomes) > 0 {
		t.wrap("attempts:", outcomes)
	}
	if l.Aborted != "" {
		t.line("ended early: %s", visible(l.Aborted))
	}
	if k := l.Tokens; k != nil {
		failed := ""
		if k.Failed > 0 {
			failed = fmt.Sprintf(", %s of them failed", thousands(float64(k.Failed)))
		}
		t.line("access tokens: %s requested%s", thousands(float64(k.Requests)), failed)
	}
	t.cost(l.Cost)
	t.late(l)
}

// late prints whose fault late starts were.
func (t *printer) late(load *Load) {
	l := load.Late
	if l == nil {
		return
	}
	var parts []string
	for _, x := range []struct {
		name string
		LateStarts
	}{{"the generator", l.Generator}, {"busy sockets", l.Sockets}, {"a slow receiver", l.Receiver}} {
		if x.Count > 0 {
			parts = append(parts, fmt.Sprintf("%s by %s (at most %s)", thousands(float64(x.Count)), x.name, duration(x.MaxMs)))
		}
	}
	if l.StoodSeconds > 0 {
		parts = append(parts, load.Stood())
	}
	t.wrap("late starts:", strings.Fields(strings.Join(parts, ", ")))
}

func (t *printer) cost(c *Cost) {
	if c == nil {
		return
	}
	var parts []string
	add := func(is bool, format string, args ...any) {
		if is {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(c.AttemptsPerExport > 0, "%.4f attempts per export", c.AttemptsPerExport)
	add(c.CPUPerExport > 0, "%.1f µs of CPU per export (%.0f%% of the machine)", c.CPUPerExport, c.CPUShare*100)
	add(c.MaxWorkers > 0, "at most %d workers", c.MaxWorkers)
	add(c.LateMs > 0, "begun %s late at p99", quantity(c.LateMs, "ms"))
	if len(parts) > 0 {
		t.line("%s", strings.Join(parts, ", "))
	}
	if c.Note != "" {
		t.line("note: %s", visible(c.Note))
	}
}

// latencies are a table; a receiver that slows down shows as a difference
// between the first two rows.
func (t *printer) latencies(l *Load) {
	type row struct {
		name string
		d    *Distribution
	}
	rows := []row{{"service time", l.ServiceTime}, {"response time, from when it was due", l.ResponseTime}, {"the same, failed attempts included", l.AllResponseTime}, {"delivery latency, from the update", l.DeliveryLatency}}
	if s := l.Stored; s != nil {
		rows = append(rows, row{"stored, from the 2xx", s.Time})
	}
	t.line("")
	t.line("%-36s %9s %9s %9s %9s %9s", "", "p50", "p95", "p99", "p99.9", "max")
	for _, row := range rows {
		if d := row.d; d != nil {
			t.line("%-36s %9s %9s %9s %9s %9s", row.name, duration(d.P50Ms), duration(d.P95Ms), duration(d.P99Ms), duration(d.P999Ms), duration(d.MaxMs))
		}
	}
}

// stages are a table of what was due in each.
func (t *printer) stages(all []Stage) {
	if len(all) == 0 {
		return
	}
	t.line("")
	t.line("%9s %9s %19s %9s %9s %9s %9s %9s %9s", "at", "for", "rate", "offered", "begun", "2xx", "p50", "p95", "p99")
	for _, s := range all {
		rate := quantity(s.To, "/s")
		if s.From != s.To {
			rate = quantity(s.From, "/s") + " to " + rate
		}
		t.line("%9s %9s %19s %9d %9d %9d %9s %9s %9s", quantity(s.AtSeconds, "s"), quantity(s.Seconds, "s"), rate,
			s.Offered, s.Begun, s.Delivered, duration(s.P50Ms), duration(s.P95Ms), duration(s.P99Ms))
	}
}

// Stood says for how long the process of the generator stood still; "" where it did
// not.
func (l *Load) Stood() string {
	if l.Late == nil || l.Late.StoodSeconds <= 0 {
		return ""
	}
	who := "this process"
	if l.Machines > 1 {
		who = "the process of one machine"
	}
	return fmt.Sprintf("%s stood still for %s in all", who, quantity(l.Late.StoodSeconds, "s"))
}

// TrendText is a change of the latency that is more than chance, and more than
// leastTrend of it by the end; "" without such a change.
func (l *Load) TrendText() string {
	d := l.Trend
	if d == nil || d.Low <= 0 && d.High >= 0 || math.Abs(d.PerHour)*l.Seconds/3600 < leastTrend {
		return ""
	}
	word := "grows"
	if d.PerHour < 0 {
		word = "falls"
	}
	return fmt.Sprintf("the %s %s by %s an hour (%s to %s), from %s at first", l.Headline(), word, quantity(math.Abs(d.PerHour), "share"),
		quantity(min(math.Abs(d.Low), math.Abs(d.High)), "share"), quantity(max(math.Abs(d.Low), math.Abs(d.High)), "share"), duration(d.StartMs))
}

// leastTrend is the share of the latency at first by which it must change in the
// load before the text has a word about it.
const leastTrend = 0.05

func (t *printer) search(l *Load) {
	s := l.Search
	if s == nil {
		return
	}
	if len(s.Points) == 0 {
		return
	}
	t.line("")
	t.line("%s against throughput", l.Headline())
	t.line("%9s %9s %9s %8s %9s %9s %9s  %s", "offered", "begun", "2xx", "errors", "p50", "p95", "p99", "")
	for _, p := range s.Points {
		t.line("%9s %9s %9s %8s %9s %9s %9s  %s%s", quantity(p.Rate, "/s"), quantity(p.Achieved, "/s"), quantity(p.Goodput, "/s"), quantity(p.Errors, "share"),
			duration(p.P50Ms), duration(p.P95Ms), duration(p.P99Ms), t.mark(p.Verdict), because(p.Reason))
	}
	t.line("")
	t.line("highest rate that holds: %s", quantity(s.Rate, "/s"))
	if k := s.Knee; k != nil {
		t.line("knee: between %s and %s", quantity(k.Low, "/s"), quantity(k.High, "/s"))
	}
	t.wrap("confidence:", strings.Fields(visible(s.Confidence)))
	if s.Saturated != "" {
		t.wrap("saturated:", strings.Fields(visible(s.Saturated)))
	}
	if s.Trend != "" {
		t.wrap("trend:", strings.Fields(visible(s.Trend)))
	}
}

func (t *printer) outage(o *Outage) {
	if o == nil {
		return
	}
	t.line("")
	t.line("outage of %s at %s: %s met it, backlog %s at most, %s lost after the last retry", quantity(o.Seconds, "s"), quantity(o.AtSeconds, "s"),
		thousands(float64(o.Fired))+" attempts", thousands(float64(o.PeakBacklog)), thousands(float64(o.Lost)))
	drained := "the backlog did not drain"
	if o.Drained {
		drained = "the backlog drained in " + quantity(o.DrainSeconds, "s")
	}
	p95 := "p95 was never over the objective"
	switch {
	case o.Breached && o.Recovered:
		p95 = "p95 of what was due was back under the objective after " + quantity(o.RecoverySeconds, "s")
	case o.Breached:
		p95 = "p95 was over the objective to the end"
	}
	t.line("%s; %s", drained, p95)
}

func (t *printer) flows(all []Flow) {
	if len(all) == 0 {
		return
	}
	t.line("")
	head := ""
	if slices.ContainsFunc(all, func(f Flow) bool { return f.Noisy }) {
		head = "p95 alone"
	}
	t.line("%s", strings.TrimRight(fmt.Sprintf("%-16s %10s %10s %9s %9s %12s", "dataflow", "offered", "delivered", "p50", "p95", head), " "))
	for _, f := range all {
		p50, p95, alone := "", "", ""
		if f.Latency != nil {
			p50, p95 = duration(f.Latency.P50Ms), duration(f.Latency.P95Ms)
		}
		if f.Alone != nil {
			alone = duration(f.Alone.P95Ms)
		}
		name := f.Name
		if f.Noisy {
			name += " (noisy)"
		}
		row := fmt.Sprintf("%-16s %10s %10s %9s %9s %12s", visible(name), quantity(f.Offered.Rate, "/s"), quantity(f.Delivered.Rate, "/s"), p50, p95, alone)
		t.line("%s", strings.TrimRight(row, " "))
	}
}

// run prints the run in time, at most forty lines of it.
func (t *printer) run(s *Series) {
	if s == nil || len(s.Points) == 0 {
		return
	}
	t.line("")
	t.line("%8s %9s %9s %9s %8s %9s %9s %9s", "at", "offered", "begun", "2xx", "errors", "backlog", "in flight", "p95")
	every := (len(s.Points) + 39) / 40
	for chunk := range slices.Chunk(s.Points, every) {
		sum := Point{AtSeconds: chunk[0].AtSeconds, Backlog: chunk[len(chunk)-1].Backlog}
		for _, p := range chunk {
			sum.Offered, sum.Achieved, sum.Ended, sum.Errors = sum.Offered+p.Offered, sum.Achieved+p.Achieved, sum.Ended+p.Ended, sum.Errors+p.Errors
			sum.InFlight, sum.P95Ms = max(sum.InFlight, p.InFlight), max(sum.P95Ms, p.P95Ms)
		}
		t.line("%8s %9d %9d %9d %8d %9d %9d %9s", quantity(sum.AtSeconds, "s"), sum.Offered, sum.Achieved, sum.Ended, sum.Errors, sum.Backlog, sum.InFlight, duration(sum.P95Ms))
	}
}
