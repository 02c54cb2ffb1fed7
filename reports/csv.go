package reports

import (
	"encoding/csv"
	"errors"
	"io"
	"math"
	"strconv"
)

// ErrNoLatencies is the error for a report without latencies.
var ErrNoLatencies = errors.New("the report has no latencies")

// latencyColumns are those of WriteCSV. Times are in milliseconds, rates per
// second.
var latencyColumns = []string{"part", "name", "count", "mean_ms", "min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "p999_ms", "max_ms", "rate", "errors"}

// named are the distributions of a load test by the names of report.json.
func (l *Load) named() []namedDistribution {
	var out []namedDistribution
	for _, n := range []namedDistribution{{"serviceTime", l.ServiceTime}, {"responseTime", l.ResponseTime}, {"deliveryLatency", l.DeliveryLatency},
		{"allServiceTime", l.AllServiceTime}, {"allResponseTime", l.AllResponseTime}} {
		if n.Distribution != nil {
			out = append(out, n)
		}
	}
	return out
}

type namedDistribution struct {
	Name string
	*Distribution
}

// WriteCSV writes the figures of latencies as a table for a spreadsheet: a row
// for each case that delivered something, and of a load test one for each
// distribution, flow, step in time and rate that was tried. Without any of them
// it is ErrNoLatencies.
func WriteCSV(w io.Writer, r *Report) error {
	var rows [][]string
	for _, c := range r.Cases {
		if n := c.Metrics[Deliveries]; n > 0 {
			rows = append(rows, latencyRow("case", c.ID, map[string]float64{"count": n, "p95_ms": c.Metrics[LatencyP95Seconds] * 1000}))
		}
	}
	if r.Load != nil {
		rows = append(rows, r.Load.latencyRows()...)
	}
	if len(rows) == 0 {
		return ErrNoLatencies
	}
	c := csv.NewWriter(w)
	if err := c.Write(latencyColumns); err != nil {
		return err
	}
	return c.WriteAll(rows) // and flushes
}

func (l *Load) latencyRows() [][]string {
	var rows [][]string
	for _, n := range l.named() {
		rows = append(rows, latencyRow("latency", n.Name, figures(n.Distribution)))
	}
	if b := l.Backfill; b != nil {
		if b.Latency != nil {
			rows = append(rows, latencyRow("backfill", b.Audience, figures(b.Latency)))
		}
		for _, p := range b.Phases {
			if p.Latency != nil {
				rows = append(rows, latencyRow("backfill phase", p.Phase, figures(p.Latency)))
			}
		}
	}
	for _, f := range l.Flows {
		if f.Latency != nil {
			rows = append(rows, latencyRow("flow", f.Name, figures(f.Latency)))
		}
		if f.Alone != nil {
			rows = append(rows, latencyRow("flow alone", f.Name, figures(f.Alone)))
		}
	}
	if l.Series != nil {
		for _, p := range l.Series.Points {
			rows = append(rows, latencyRow("step", number(p.AtSeconds), map[string]float64{"count": float64(p.Ended), "p50_ms": p.P50Ms, "p95_ms": p.P95Ms, "p99_ms": p.P99Ms,
				"rate": float64(p.Ended) / l.Series.StepSeconds, "errors": float64(p.Errors)}))
		}
	}
	if l.Search != nil {
		for _, p := range l.Search.Points {
			rows = append(rows, latencyRow("rate", number(p.Rate), map[string]float64{"p50_ms": p.P50Ms, "p95_ms": p.P95Ms, "p99_ms": p.P99Ms, "rate": p.Goodput, "errors": p.Errors}))
		}
	}
	return rows
}

func figures(d *Distribution) map[string]float64 {
	return map[string]float64{"count": float64(d.Count), "mean_ms": d.MeanMs, "min_ms": d.MinMs, "p50_ms": d.P50Ms, "p90_ms": d.P90Ms, "p95_ms": d.P95Ms, "p99_ms": d.P99Ms, "p999_ms": d.P999Ms, "max_ms": d.MaxMs}
}

// latencyRow is a row in the order of the columns; what is not known is empty.
func latencyRow(part, name string, values map[string]float64) []string {
	row := []string{part, cell(name)}
	for _, column := range latencyColumns[2:] {
		text := ""
		if v, known := values[column]; known {
			text = number(v)
		}
		row = append(row, text)
	}
	return row
}

// cell is a text that no spreadsheet takes for a formula.
func cell(s string) string {
	s = visible(s)
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t') {
		return "'" + s
	}
	return s
}

// number is written to a millionth, and without an exponent, which not every
// spreadsheet takes.
func number(f float64) string {
	return strconv.FormatFloat(math.Round(f*1e6)/1e6, 'f', -1, 64)
}
