package reports

import (
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// WritePlanText writes a plan for people.
func WritePlanText(w io.Writer, r *Report, o TextOptions) error {
	t := &printer{TextOptions: o}
	p := r.Plan
	t.line("inputs")
	t.figures(p.Inputs)
	if again := p.Again(); again != "" {
		t.wrap("  again:", strings.Fields(visible(again)))
	}
	t.line("")
	t.line("results")
	t.figures(p.Results)
	t.dataflows(p.Flows)
	t.line("")
	t.line("what a slower receiver costs: p95 is of the day, the rest of the busiest hour")
	t.line("  %8s  %8s  %8s  %8s  %8s  %9s  %6s  %s", "added", "too late", "attempts", "lost", "sockets", "carried", "busy", "p95")
	for _, s := range p.Sensitivity {
		p95 := "the backlog grows"
		if s.Stable {
			p95 = quantity(s.P95Ms, "ms")
		}
		t.line("  %8s  %8s  %8.3f  %8s  %8.4g  %9s  %5.0f%%  %s", quantity(s.AddedMs, "ms"), quantity(s.TimeoutShare, "share"), s.AttemptsPerExport, quantity(s.LostShare, "share"),
			s.Sockets, quantity(s.MaxRate, "/s"), s.Utilisation*100, p95)
	}
	if len(p.Days) > 1 {
		t.days(p.Days)
	}
	if t.Verbose {
		t.hours(p.Hours)
	}
	t.line("")
	t.line("assumptions")
	for _, a := range p.Assumptions {
		t.wrap("  -", strings.Fields(visible(a)))
	}
	for _, warning := range p.Warnings {
		t.line("")
		t.wrap("note:", strings.Fields(visible(warning)))
	}
	t.line("")
	for _, c := range r.Cases {
		actual := ""
		if c.Reason == "" && len(c.Checks) > 0 && c.Checks[0].Actual != "" {
			actual = "  " + visible(c.Checks[0].Actual)
		}
		t.line("%s  %s%s%s", t.mark(c.Verdict), visible(c.Title), actual, because(c.Reason))
	}
	return t.to(w)
}

// days are the days of a plan, where what one leaves changes the next.
func (t *printer) days(all []PlanDay) {
	t.line("")
	t.line("the days, each from %02d:00 on", all[0].FromHour)
	t.line("  %3s  %12s  %12s  %12s  %9s  %9s  %9s  %8s", "day", "begins with", "ends with", "at most", "p50", "p95", "p99", "lost")
	for _, d := range all {
		t.line("  %3d  %12s  %12s  %12s  %9s  %9s  %9s  %8s%s", d.Day, quantity(d.Begins, "exports"), quantity(d.Ends, "exports"), quantity(d.Highest, "exports"),
			duration(d.P50Ms), duration(d.P95Ms), duration(d.P99Ms), quantity(d.LostShare, "share"), outageMark(d.Outage))
	}
}

// hours are the hours of the day.
func (t *printer) hours(all []PlanHour) {
	t.line("")
	t.line("the day; latencies are of what is due in the hour")
	t.line("  %5s  %10s  %10s  %5s  %12s  %9s  %9s  %9s", "hour", "exports", "requests", "busy", "backlog", "p50", "p95", "p99")
	for _, h := range all {
		t.line("  %02d:00  %10s  %10s  %4.0f%%  %12s  %9s  %9s  %9s%s", h.Hour, quantity(h.Rate, "/s"), quantity(h.Requests, "/s"), h.Utilisation*100, quantity(h.Backlog, "exports"),
			duration(h.P50Ms), duration(h.P95Ms), duration(h.P99Ms), outageMark(h.Outage))
	}
}

func outageMark(is bool) string {
	if is {
		return "  outage"
	}
	return ""
}

// dataflows are those that share the receiver.
func (t *printer) dataflows(all []PlanFlow) {
	if len(all) == 0 {
		return
	}
	t.line("")
	t.line("dataflows that share the receiver, each with a queue of its own")
	t.line("  %-16s  %7s  %6s  %10s  %10s  %6s  %9s  %-21s  %s", "", "sockets", "peak", "exports", "requests", "busy", "p95", "p95 of the worst hour", "p95<10m")
	for _, f := range all {
		t.line("  %-16s  %7d  %02d:00  %10s  %10s  %5.0f%%  %9s  %-21s  %s%s", visible(f.Name), f.Sockets, f.PeakHour, quantity(f.PeakRate, "/s"), quantity(f.Requests, "/s"), f.Utilisation*100,
			duration(f.P95Ms), fmt.Sprintf("%s at %02d:00", duration(f.WorstHourP95Ms), f.WorstHour), t.mark(f.Verdict), because(f.Reason))
	}
}

// Again is the command that gives the same plan again, "" where that is not
// known.
func (p *Plan) Again() string {
	if len(p.Asked) == 0 {
		return ""
	}
	words := []string{"httpdest", "plan"}
	if file := p.Asked["report"]; file != "" {
		words = append(words, shellWord(file))
	}
	for _, name := range slices.Sorted(maps.Keys(p.Asked)) {
		value := p.Asked[name]
		if value == "" || name == "report" || name == "outage-kind" && p.Asked["outage"] == "" {
			continue
		}
		values := []string{value}
		if name == "dataflow" {
			values = strings.Split(value, "; ")
		}
		for _, v := range values {
			words = append(words, "--"+name, shellWord(v))
		}
	}
	return strings.Join(words, " ")
}

// shellWord is a word as a shell takes it.
func shellWord(word string) string {
	if word != "" && strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%:@=,/-") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// because is a reason behind what it is the reason of.
func because(reason string) string {
	if reason == "" {
		return ""
	}
	return " (" + visible(reason) + ")"
}

func (t *printer) figures(all []Figure) {
	longest := 0
	for _, f := range all {
		longest = max(longest, len(f.Name))
	}
	for _, f := range all {
		value := quantity(f.Value, f.Unit)
		if f.Text != "" {
			value = visible(f.Text)
		} else if f.Low != f.Value || f.High != f.Value {
			value += fmt.Sprintf("  (%s to %s)", quantity(f.Low, f.Unit), quantity(f.High, f.Unit))
		}
		t.line("  %-*s  %-30s  %s", longest, f.Name, value, f.From)
	}
}

// leastShare is the smallest share that is printed as a number.
const leastShare = 1e-5

// quantity is a value with its unit, in three figures or so.
func quantity(v float64, unit string) string {
	switch unit {
	case "share":
		if v > 0 && v < leastShare {
			return "<0.001%"
		}
		if math.Abs(v) >= 1 {
			return fmt.Sprintf("%.0f%%", v*100)
		}
		return fmt.Sprintf("%.3g%%", v*100)
	case "ms", "s":
		if unit == "s" {
			v *= 1000
		}
		return duration(v)
	}
	text := fmt.Sprintf("%.3g", v)
	if math.Abs(v) >= 100 {
		text = thousands(v)
	}
	if unit == "/s" {
		return text + "/s"
	}
	return text
}

// duration prints milliseconds with what matters of them.
func duration(ms float64) string {
	d := time.Duration(ms * float64(time.Millisecond))
	for _, step := range []time.Duration{time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond, time.Millisecond, 10 * time.Millisecond, 100 * time.Millisecond, time.Second} {
		if d < 1000*step {
			return d.Round(step).String()
		}
	}
	return d.Round(time.Second).String()
}

// thousands prints a whole number in groups of three.
func thousands(v float64) string {
	digits := fmt.Sprintf("%.0f", v)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var groups []string
	for len(digits) > 3 {
		groups, digits = append([]string{digits[len(digits)-3:]}, groups...), digits[:len(digits)-3]
	}
	return sign + strings.Join(append([]string{digits}, groups...), ",")
}
