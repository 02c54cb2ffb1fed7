package page

import (
	"fmt"
	"math"

	"github.com/httpdest/httpdest/reports"
)

// planned is a plan as it is shown.
type planned struct {
	*reports.Plan
	Charts []*chart
}

func (p *printer) plan() *planned {
	if p.report.Plan == nil {
		return nil
	}
	out := &planned{Plan: p.report.Plan}
	for _, c := range append(sensitivity(out.Plan.Sensitivity), hours(out.Plan.Hours)...) {
		if c != nil {
			out.Charts = append(out.Charts, c)
		}
	}
	return out
}

// sensitivity is what a slower receiver costs.
func sensitivity(rows []reports.Sensitivity) []*chart {
	latency, rate := []series{{Name: "p95 of the delivery latency"}}, []series{{Name: "highest rate the sockets carry"}}
	unstable := math.Inf(1)
	for _, s := range rows {
		p95 := s.P95Ms
		if !s.Stable {
			p95, unstable = math.NaN(), min(unstable, s.AddedMs)
		}
		latency[0].X, latency[0].Y = append(latency[0].X, s.AddedMs), append(latency[0].Y, p95)
		rate[0].X, rate[0].Y = append(rate[0].X, s.AddedMs), append(rate[0].Y, s.MaxRate)
	}
	a := newChart("sensitivity", "What a slower receiver costs: latency", "ms added to each answer", "ms", linear, heights(latency), latency)
	b := newChart("sensitivity-rate", "What a slower receiver costs: rate", "ms added to each answer", "exports per second", linear, heights(rate), rate)
	head := []string{"Added", "Timeouts", "Attempts an export", "Lost", "Busy sockets", "Highest rate /s", "Utilisation", "p95"}
	var table [][]string
	for _, s := range rows {
		p95 := "the backlog grows"
		if s.Stable {
			p95 = duration(s.P95Ms)
		}
		table = append(table, []string{duration(s.AddedMs), percent(s.TimeoutShare), short(s.AttemptsPerExport), percent(s.LostShare), short(s.Sockets), short(s.MaxRate), percent(s.Utilisation), p95})
	}
	said := "The backlog stays bounded in every row"
	if !math.IsInf(unstable, 0) {
		said = fmt.Sprintf("With %s added or more the backlog grows without end", duration(unstable))
	}
	for _, c := range []*chart{a, b} {
		if c != nil {
			c.Head, c.Table, c.Summary = head, table, said
			c.band(unstable, math.Inf(1), "the backlog grows")
		}
	}
	return []*chart{a, b}
}

// hours is a day.
func hours(rows []reports.PlanHour) []*chart {
	rate, backlog := []series{{Name: "exports per second"}}, []series{{Name: "exports at the end of the hour"}}
	var table [][]string
	for _, h := range rows {
		rate[0].X, rate[0].Y = append(rate[0].X, float64(h.Hour)), append(rate[0].Y, h.Rate)
		backlog[0].X, backlog[0].Y = append(backlog[0].X, float64(h.Hour)), append(backlog[0].Y, h.Backlog)
		table = append(table, []string{fmt.Sprintf("%02d:00", h.Hour), short(h.Rate), percent(h.Utilisation), short(h.Backlog)})
	}
	a := newChart("hours-rate", "The rate over a day", "hour", "exports per second", linear, linear, rate)
	b := newChart("hours-backlog", "The backlog over a day", "hour", "exports", linear, linear, backlog)
	for i, c := range []*chart{a, b} {
		if c != nil {
			c.Head, c.Table = []string{"Hour", "Rate /s", "Utilisation", "Backlog"}, table
			c.Summary = "Hour by hour; " + map[int]string{0: "the highest rate: ", 1: "the largest backlog: "}[i] + short(c.top)
		}
	}
	return []*chart{a, b}
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
