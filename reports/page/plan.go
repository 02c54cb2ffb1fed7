package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

// planned is a plan as it is shown.
type planned struct {
	*reports.Plan
	Facts  []string // the next things that a reader looks for after the headline
	Charts []*chart
}

func (p *printer) plan() *planned {
	if p.report.Plan == nil {
		return nil
	}
	out := &planned{Plan: p.report.Plan, Facts: facts(p.report.Plan)}
	out.Charts = inBothSizes(func(k canvas) []*chart {
		return append(k.hours(out.Plan), k.sensitivity(out.Plan.Sensitivity)...)
	})
	return out
}

// answer is the headline of a plan: the value, the limit, and whether it holds.
func answer(p *reports.Plan) string {
	if len(p.Objectives) == 0 {
		return warned(p)
	}
	text := answered(p.Objectives[len(p.Objectives)-1]) // the target, or the documented one
	for _, f := range p.Inputs {
		if strings.HasPrefix(f.From, "picked") {
			text += fmt.Sprintf(", with %s", value(f.Value, f.Unit))
		}
	}
	if n := len(p.Days); n > 1 && p.Days[n-1].Ends > p.Days[0].Ends {
		text += "; the backlog grows from day to day"
	}
	return text
}

// answered is an objective as a headline: the value, the limit, and whether it holds.
func answered(o reports.Objective) string {
	name := o.Text
	if at := strings.IndexAny(name, "<>"); at > 0 {
		name = name[:at]
	}
	name = visible(strings.TrimSpace(name))
	between := ""
	if o.Low < o.High {
		between = fmt.Sprintf(" (%s to %s)", value(o.Low, o.Unit), value(o.High, o.Unit))
	}
	text := fmt.Sprintf("%s %s%s of %s", name, value(o.Measured, o.Unit), between, value(o.Limit, o.Unit))
	switch {
	case o.Verdict == reports.Pass:
		return text + ": holds"
	case o.Verdict == reports.Fail:
		return text + ": does not hold"
	case o.Verdict == reports.Skip || o.Measured == 0:
		return name + ": not judged, " + visible(o.Reason)
	}
	return fmt.Sprintf(
		"%s %s to %s of %s: uncertain",
		name,
		value(o.Low, o.Unit),
		value(o.High, o.Unit),
		value(o.Limit, o.Unit),
	)
}

// facts are the results that belong on a slide.
func facts(p *reports.Plan) (out []string) {
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	figures := map[string]reports.Figure{}
	for _, f := range append(p.Inputs, p.Results...) {
		figures[f.Name] = f
	}
	if len(p.Hours) > 0 && p.Hours[0].P95Ms > 0 {
		add("Worst hour: p95 %s", top(p.Hours, func(h reports.PlanHour) float64 { return h.P95Ms }, duration))
	}
	if f, ok := figures["utilisation in the busiest hour"]; ok {
		sockets := figures["attempts under way at once"]
		add(
			"Sockets: %s (%s), %s busy in the busiest hour",
			counted(sockets.Value),
			visible(sockets.From),
			percent(f.Value),
		)
	}
	if f, ok := figures["requests a day at the receiver"]; ok {
		add(
			"Requests: %s a day, %s per second in the busiest hour",
			counted(f.Value),
			counted(figures["requests a second at the receiver"].Value),
		)
	}
	if o := p.Outage; o != nil {
		add(
			"Outage of %s from %02d:%02d on: the receiver %s; on 95 of 100 days at most %s exports wait, %s are lost, drained after %s",
			duration(o.Seconds*1000),
			int(o.AtSeconds)/3600,
			int(o.AtSeconds)/60%60,
			visible(
				o.Words,
			),
			counted(figures["highest backlog"].Value),
			counted(figures["exports lost by the outage"].Value),
			duration(figures["time until the backlog has drained"].Value*1000),
		)
	} else if f, ok := figures["highest backlog"]; ok {
		add("Highest backlog: at most %s on 95 of 100 days, in the engine", value(f.Value, f.Unit))
	}
	return out
}

// sensitivity shows the cost of a slower receiver.
func (k canvas) sensitivity(rows []reports.Sensitivity) []*chart {
	latency, rate := series{Name: "p95 of the delivery latency"}, series{Name: "highest rate the sockets carry"}
	unstable := math.Inf(1)
	var table [][]string
	for _, s := range rows {
		p95, text := s.P95Ms, duration(s.P95Ms)
		if !s.Stable {
			p95, text, unstable = math.NaN(), "the backlog grows", min(unstable, s.AddedMs)
		}
		latency.X, latency.Y = append(latency.X, s.AddedMs), append(latency.Y, p95)
		rate.X, rate.Y = append(rate.X, s.AddedMs), append(rate.Y, s.MaxRate)
		table = append(table, []string{duration(s.AddedMs), percent(s.TimeoutShare), short(s.AttemptsPerExport),
			percent(s.LostShare), short(s.Sockets), value(s.MaxRate, "/s"), percent(s.Utilisation), text})
	}
	summary := "The backlog stays bounded in every row"
	if !math.IsInf(unstable, 0) {
		summary = fmt.Sprintf("With %s added or more the backlog grows without end", duration(unstable))
	}
	const added, title = "added to each answer", "The cost of a slower receiver: "
	l, r := []series{latency}, []series{rate}
	all := []*chart{
		k.chart("sensitivity", title+"latency", added, latency.Name, times(linear), times(heights(l)), l),
		k.chart("sensitivity-rate", title+"rate", added, "exports per second", times(linear), heights(r), r),
	}
	for _, c := range all {
		if c == nil {
			continue
		}
		c.Head = []string{"Added", "Too late", "Attempts per export", "Lost", "Busy sockets", "Highest rate", "Utilisation", "p95"}
		c.Table, c.Summary = table, summary
		c.band(unstable, math.Inf(1), "the backlog grows")
	}
	return all
}

// hourOf is the scale of a day that begins with an hour.
func (k canvas) hourOf(first int) scale {
	every := 3
	if k.ticks < 8 {
		every = 6
	}
	s := scale{of: linear.of, text: func(v float64) string { return strconv.Itoa((first + int(v)) % 24) }}
	for h := 0; h <= 24; h += every {
		s.back = append(s.back, float64(h))
	}
	return s
}

// column is a series over the hours. Each hour is a step, so that the picture
// shows its average and not a point of it.
func column(p *reports.Plan, name string, of func(reports.PlanHour) float64) series {
	s := series{Name: name}
	for i, h := range p.Hours {
		s.X, s.Y = append(s.X, float64(i), float64(i+1)), append(s.Y, of(h), of(h))
	}
	return s
}

// hours is a day.
func (k canvas) hours(p *reports.Plan) []*chart {
	if len(p.Hours) == 0 {
		return []*chart{nil, nil, nil}
	}
	p50, p95 := func(h reports.PlanHour) float64 { return h.P50Ms }, func(h reports.PlanHour) float64 { return h.P95Ms }
	backlog := func(h reports.PlanHour) float64 { return h.Backlog }
	rate, requests := func(h reports.PlanHour) float64 { return h.Rate }, func(h reports.PlanHour) float64 { return h.Requests }
	limits, bounds := asked(p)
	var latency []series
	if p.Hours[0].P95Ms > 0 { // earlier versions did not know them
		latency = []series{column(p, "p50", p50), column(p, "p95", p95)}
	}
	const label = "hour of the day"
	x, y := k.hourOf(p.Hours[0].Hour), times(heights(append(latency, series{Y: bounds})))
	all := []*chart{
		k.chart("hours-latency", "The delivery latency over the day", label, "latency", x, y, latency, bounds...),
		k.chart("hours-backlog", "The backlog over the day", label, "exports", x, linear, []series{column(p, "due and not ended", backlog)}),
		k.chart("hours-rate", "The rate over the day", label, "per second", x, linear,
			[]series{column(p, "exports", rate), column(p, "requests", requests)}),
	}
	for _, l := range limits {
		all[0].limit(l.Limit, l.Text)
	}
	summaries := []string{
		"By the hour in which exports become due; the highest p95: " + top(p.Hours, p95, duration),
		"The average of each hour; the largest: " + top(p.Hours, backlog, counted),
		"Exports that become due and requests at the receiver; the most: " + top(p.Hours, requests, short),
	}
	for i, c := range all {
		if c == nil {
			continue
		}
		if o := p.Outage; o != nil {
			from := math.Mod(o.AtSeconds/3600-float64(p.Hours[0].Hour)+24, 24)
			c.band(from, from+o.Seconds/3600, "outage: the receiver "+o.Words)
		}
		c.Head = []string{"Hour", "Exports", "Requests", "Sockets busy", "Backlog", "p50", "p95", "p99", "Lost", ""}
		c.Table, c.Summary = hourRows(p.Hours), summaries[i]
	}
	return all
}

// asked are the objectives of a plan about latency, and their limits.
func asked(p *reports.Plan) (out []reports.Objective, limits []float64) {
	for _, o := range p.Objectives {
		if o.Unit == "ms" {
			out, limits = append(out, o), append(limits, o.Limit)
		}
	}
	return out, limits
}

// top names the hour with the highest value.
func top(all []reports.PlanHour, of func(reports.PlanHour) float64, text func(float64) string) string {
	most := all[0]
	for _, h := range all {
		if of(h) > of(most) {
			most = h
		}
	}
	return fmt.Sprintf("%s, at %02d:00", text(of(most)), most.Hour)
}

// hourRows are the hours as a table.
func hourRows(all []reports.PlanHour) (rows [][]string) {
	for _, h := range all {
		mark := ""
		if h.Outage {
			mark = "outage"
		}
		rows = append(
			rows,
			[]string{
				fmt.Sprintf("%02d:00", h.Hour),
				value(h.Rate, "/s"),
				value(h.Requests, "/s"),
				percent(h.Utilisation),
				counted(h.Backlog),
				duration(h.P50Ms),
				duration(h.P95Ms),
				duration(h.P99Ms),
				percent(h.LostShare),
				mark,
			},
		)
	}
	return rows
}

// percent is a share; one that is too small for a reader is printed as a bound.
func percent(share float64) string {
	if share > 0 && share < 1e-5 {
		return "< 0.001 %"
	}
	return fmt.Sprintf("%.3g %%", 100*share)
}

// counted is a number of things, in groups of three from a thousand on.
func counted(v float64) string {
	if math.Abs(v) < 1000 || math.IsInf(v, 0) || math.IsNaN(v) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(math.Abs(v), 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return strings.Repeat("-", map[bool]int{true: 1}[v < 0]) + digits
}
