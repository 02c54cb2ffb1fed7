package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// mostSockets is more than a machine has ports for one receiver.
const mostSockets = 100_000

// planning reads what the flags and a report say.
func (f planFlags) planning() (p loadtest.Planning, err error) {
	var profiles, share, updates loadtest.Between
	for _, x := range []struct {
		flag, value, unit string
		to                *loadtest.Between
		name              string
	}{
		{"profiles", f.profiles, "exports", &profiles, "profiles"},
		{"share", f.share, "share", &share, "share in a mapped audience"},
		{"updates", f.updates, "", &updates, "updates a day of each that lead to an export"},
		{"errors", f.errors, "share", &p.Errors, "responses other than 2xx"},
		{"capacity", f.capacity, "/s", &p.Capacity, "requests that the receiver can work on"},
	} {
		if *x.to, err = loadtest.ParseBetween(x.value); err != nil {
			return p, usage("--"+x.flag, err)
		}
		if x.unit != "share" && strings.Contains(x.value, "%") {
			return p, failure{
				exitUsage,
				fmt.Errorf("--%s %s is a share of nothing", x.flag, x.value),
				"give a number, such as 5000000 or 4..6",
			}
		}
		if x.unit == "share" && x.to.High > 1 {
			return p, failure{
				exitUsage,
				fmt.Errorf("--%s %s is more than everything", x.flag, x.value),
				"give a share, such as 30%",
			}
		}
		switch {
		case x.flag == "errors": // with what was measured
		case x.flag == "capacity" && x.to.High == 0:
			p.Inputs = append(p.Inputs, reports.Figure{Name: x.name, Text: "not known", From: f.known("capacity")})
		default:
			p.Inputs = append(p.Inputs, figureOf(x.name, *x.to, x.unit, f.known(x.flag)))
		}
	}
	p.PerDay = loadtest.PerDay(profiles, share, updates)
	if err := f.when(&p); err != nil {
		return p, err
	}
	if p.Sockets, p.Backfill = f.sockets, f.backfill; f.sockets < 1 || f.sockets > mostSockets ||
		!between(0, f.backfill, 1e15) ||
		p.PerDay.High+p.Backfill <= 0 {
		return p, failure{
			exitUsage,
			errors.New("nothing is exported, or by no socket, or by more than there can be"),
			"give --profiles, --share and --updates above 0, and --sockets from 1 to 100000",
		}
	}
	p.Inputs = append(p.Inputs,
		figureOf("backfill in the busiest hour", loadtest.Exactly(f.backfill), "exports", f.known("backfill")))
	for _, step := range []func(*loadtest.Planning) error{f.others, f.broken, f.receiver, f.pick} {
		if err := step(&p); err != nil {
			return p, err
		}
	}
	return p, nil
}

// when reads at which times exports are due.
func (f planFlags) when(p *loadtest.Planning) (err error) {
	if p.Curve, err = loadtest.ParseCurve(f.curve); err != nil {
		return usage("--curve", err)
	}
	p.Arrivals, err = arrivalsOf(f.arrivals)
	p.Inputs = append(
		p.Inputs,
		reports.Figure{Name: "curve of the day", Text: f.curve, From: f.known("curve")},
		reports.Figure{Name: "arrivals in an hour", Text: p.Arrivals.Words(), From: f.known("arrivals")},
	)
	return err
}

// figureOf is an input of a plan.
func figureOf(name string, b loadtest.Between, unit, from string) reports.Figure {
	return reports.Figure{Name: name, Value: b.Likely, Low: b.Low, High: b.High, Unit: unit, From: from}
}

// known is how the value of a flag is known.
func (f planFlags) known(flag string) string {
	if f.given[flag] {
		return "stated"
	}
	return "assumed"
}

// others reads further dataflows.
func (f planFlags) others(p *loadtest.Planning) error {
	names := map[string]bool{"main": true}
	for _, text := range f.dataflows {
		d, err := loadtest.ParseDataflow(text, f.sockets)
		if err != nil {
			return usage("--dataflow", err)
		}
		if names[d.Name] {
			return failure{
				exitUsage,
				fmt.Errorf("--dataflow: the name %q is taken", d.Name),
				"give each dataflow a name of its own; that of the other flags is main",
			}
		}
		names[d.Name] = true
		p.Others = append(p.Others, d)
		p.Inputs = append(p.Inputs, reports.Figure{Name: "dataflow " + d.Name, Text: text, From: "stated"})
	}
	return nil
}

// broken reads the outage.
func (f planFlags) broken(p *loadtest.Planning) (err error) {
	if f.outage == "" {
		p.Inputs = append(p.Inputs, reports.Figure{Name: "outage", Text: "none", From: f.known("outage")})
		return nil
	}
	if p.Outage, err = loadtest.ParsePlannedOutage(f.outage, loadtest.OutageKind(f.outageKind)); err != nil {
		return usage("--outage", err)
	}
	p.Inputs = append(
		p.Inputs,
		reports.Figure{Name: "outage, length and time of day", Text: f.outage, From: "stated"},
		reports.Figure{
			Name: "outage, what the receiver does",
			Text: p.Outage.Kind.Words(),
			From: f.known("outage-kind"),
		},
	)
	return nil
}

// receiver takes latency and errors from a report, where there is one and no
// flag says otherwise.
func (f planFlags) receiver(p *loadtest.Planning) (err error) {
	m := f.measured
	latency, errs := f.known("latency"), f.known("errors")
	switch {
	case m != nil && !f.given["latency"]:
		latency, p.Latency, p.Spread, p.Doubts = "measured", m.Latency, m.Spread, m.Doubts
	default:
		if p.Latency, err = loadtest.ParseLatency(f.latency); err != nil {
			return usage("--latency", err)
		}
		if p.Latency.Quantile(0.99) <= 0 {
			return failure{
				exitUsage,
				fmt.Errorf("--latency %s: latency must be greater than zero", f.latency),
				"give what it takes, such as 40ms",
			}
		}
	}
	if m != nil && !f.given["errors"] {
		errs, p.Errors, p.Doubts = "measured", m.Errors, m.Doubts
	}
	p.Inputs = append(p.Inputs, figureOf("answer time, p50", quantileOf(p.Latency, p.Spread, 0.5), "ms", latency),
		figureOf("answer time, p95", quantileOf(p.Latency, p.Spread, 0.95), "ms", latency),
		figureOf("responses other than 2xx", p.Errors, "share", errs))
	return nil
}

// quantileOf is an answer time in milliseconds with what is not known of it.
func quantileOf(l model.Latency, spread, share float64) loadtest.Between {
	v := l.Quantile(share) * 1000
	return loadtest.Between{Low: v / (1 + spread), Likely: v, High: v * (1 + spread)}
}

// pick reads the target, and picks the sockets by it.
func (f planFlags) pick(p *loadtest.Planning) error {
	sockets := figureOf(
		"attempts under way at once",
		loadtest.Exactly(float64(f.sockets)),
		"sockets",
		f.known("sockets"),
	)
	if f.target != "" {
		o, err := loadtest.ParseTarget(f.target)
		if err != nil {
			return usage("--target", err)
		}
		p.Target = &o
		n, err := p.Pick(o)
		if err != nil {
			return failure{exitUnjudged, err, "give a target that the receiver's answers and errors allow"}
		}
		p.Sockets = n
		sockets = figureOf(
			sockets.Name,
			loadtest.Exactly(float64(n)),
			"sockets",
			"picked: the fewest that hold "+o.Text,
		)
	}
	p.Inputs = append(p.Inputs, sockets)
	return nil
}

// measuredIn reads what a load test measured of its receiver.
func measuredIn(file string) (*loadtest.Measured, error) {
	r, err := readReport(file)
	if err != nil {
		return nil, err
	}
	if r.Load == nil {
		return nil, failure{
			exitUsage,
			fmt.Errorf("%s is a report of %s", file, r.Kind),
			"give the report.json of httpdest load",
		}
	}
	m, err := loadtest.MeasuredBy(r.Load)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("%s: %w", file, err), "give the report.json of httpdest load"}
	}
	return m, nil
}

// usage is an error of a flag's value.
func usage(flag string, err error) error {
	hint := ""
	var s *loadtest.SyntaxError
	if errors.As(err, &s) {
		hint = s.Hint
	}
	return failure{exitUsage, fmt.Errorf("%s: %w", flag, err), hint}
}
