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
	if len(p.Asked) > 0 {
		var flags []string
		for _, name := range slices.Sorted(maps.Keys(p.Asked)) {
			if value := p.Asked[name]; value != "" {
				flags = append(flags, visible(name+"="+value))
			}
		}
		t.wrap("  asked:", flags)
	}
	t.line("")
	t.line("results")
	t.figures(p.Results)
	t.line("")
	t.line("what a slower receiver costs, in the busiest hour")
	t.line("  %8s  %8s  %8s  %8s  %8s  %9s  %6s  %s", "added", "too late", "attempts", "lost", "sockets", "carried", "busy", "p95")
	for _, s := range p.Sensitivity {
		p95 := "the backlog grows"
		if s.Stable {
			p95 = quantity(s.P95Ms, "ms")
		}
		t.line("  %8s  %8s  %8.3f  %8s  %8.4g  %9s  %5.0f%%  %s", quantity(s.AddedMs, "ms"), quantity(s.TimeoutShare, "share"), s.AttemptsPerExport, quantity(s.LostShare, "share"),
			s.Sockets, quantity(s.MaxRate, "/s"), s.Utilisation*100, p95)
	}
	if t.Verbose {
		t.line("")
		t.line("the day")
		for _, h := range p.Hours {
			outage := ""
			if h.Outage {
				outage = "  outage"
			}
			t.line("  %02d:00  %10s  %4.0f%% busy  backlog %s%s", h.Hour, quantity(h.Rate, "/s"), h.Utilisation*100, quantity(h.Backlog, "exports"), outage)
		}
	}
	for _, warning := range p.Warnings {
		t.line("")
		t.wrap("note:", strings.Fields(warning))
	}
	t.line("")
	for _, c := range r.Cases {
		t.line("%s  %s%s", t.mark(c.Verdict), c.Title, because(c.Reason))
	}
	return t.to(w)
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
		if f.Low != f.Value || f.High != f.Value {
			value += fmt.Sprintf("  (%s to %s)", quantity(f.Low, f.Unit), quantity(f.High, f.Unit))
		}
		t.line("  %-*s  %-30s  %s", longest, f.Name, value, f.From)
	}
}

// quantity is a value with its unit, in three figures or so.
func quantity(v float64, unit string) string {
	switch unit {
	case "share":
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
