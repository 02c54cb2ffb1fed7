package reports

import (
	"fmt"
	"strings"
)

// backfill prints the backfill of a load, and what ordinary exports took before it, during
// it and after it.
func (t *printer) backfill(b *Backfill) {
	if b == nil {
		return
	}
	t.line("")
	t.line("%s", visible(b.Summary()))
	if b.Mapped {
		t.line("%s", visible(b.Course()))
		t.line("")
		t.line("%-36s %9s %9s %9s %9s %9s", "ordinary exports, by when due", "offered", "2xx", "p50", "p95", "p99")
	}
	for _, p := range b.Phases {
		if !b.Mapped {
			break
		}
		name := fmt.Sprintf("%s, for %s", p.Phase, quantity(p.Seconds, "s"))
		row := fmt.Sprintf("%-36s %9s %9s", name, thousands(float64(p.Offered)), thousands(float64(p.Delivered)))
		if d := p.Latency; d != nil {
			row += fmt.Sprintf(" %9s %9s %9s", duration(d.P50Ms), duration(d.P95Ms), duration(d.P99Ms))
		}
		t.line("%s", row)
	}
}

// Summary is what was mapped, and what came of it, in a sentence.
func (b *Backfill) Summary() string {
	if !b.Mapped {
		return fmt.Sprintf("backfill: audience %s, with %s members, was not mapped",
			b.Audience, thousands(float64(b.Members)))
	}
	text := fmt.Sprintf("backfill: audience %s was mapped at %s; %s of its %s members were exported in %s, %s",
		b.Audience, quantity(b.AtSeconds, "s"), thousands(float64(b.Delivered.Count)), thousands(float64(b.Members)),
		quantity(b.Seconds, "s"), quantity(b.Delivered.Rate, "/s"))
	if b.Lost > 0 {
		text += fmt.Sprintf("; %s lost after the last retry", thousands(float64(b.Lost)))
	}
	if !b.Ended {
		text += ", and it had not ended"
	}
	return text
}

// Course is when it began, and what its requests met.
func (b *Backfill) Course() string {
	parts := []string{fmt.Sprintf("spread by the engine over %s", quantity(b.WindowSeconds, "s"))}
	if b.Attempts > 0 {
		parts = append(parts, fmt.Sprintf("first attempt at %s", quantity(b.FirstSeconds, "s")))
	}
	if b.Ended {
		parts = append(parts, fmt.Sprintf("last end at %s", quantity(b.AtSeconds+b.Seconds, "s")))
	}
	var outcomes []string
	for _, o := range b.Outcomes {
		outcomes = append(outcomes, fmt.Sprintf("%s×%s", o.Outcome, thousands(float64(o.Count))))
	}
	if len(outcomes) > 0 {
		parts = append(parts, "attempts "+strings.Join(outcomes, " "))
	}
	if d := b.Latency; d != nil {
		parts = append(parts, fmt.Sprintf("from a turn to its 2xx p50 %s, p95 %s", duration(d.P50Ms), duration(d.P95Ms)))
	}
	return strings.Join(parts, "; ")
}
