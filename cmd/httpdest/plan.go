package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// planFlags are the flags of httpdest plan.
type planFlags struct {
	profiles, share, updates, curve string
	latency, errors, capacity       string
	sockets                         int
	outage, outageKind              string
	backfill                        float64
	out                             string
	reports                         []string
	verbose                         bool
	latencyGiven, errorsGiven       bool
	from                            string
	asked                           map[string]string
}

// planInputs are the flags that a plan depends on.
var planInputs = []string{"profiles", "share", "updates", "curve", "backfill", "latency", "errors", "capacity", "sockets", "outage", "outage-kind"}

// again takes the inputs of an earlier plan where a flag does not say otherwise.
func (f *planFlags) again(flags *pflag.FlagSet, args []string) ([]string, error) {
	f.asked = map[string]string{}
	if f.from != "" {
		r, err := readReport(f.from)
		if err != nil {
			return nil, err
		}
		if r.Plan == nil || len(r.Plan.Asked) == 0 {
			return nil, failure{exitUsage, fmt.Errorf("--from %s has no inputs of a plan", f.from), "give the report.json of httpdest plan"}
		}
		for _, name := range planInputs {
			value, there := r.Plan.Asked[name]
			if !there || flags.Changed(name) {
				continue
			}
			if err := flags.Set(name, value); err != nil {
				return nil, failure{exitUsage, fmt.Errorf("--from %s: %s: %w", f.from, name, err), "give the report.json of httpdest plan"}
			}
		}
		if file := r.Plan.Asked["report"]; len(args) == 0 && file != "" {
			args = []string{file}
		}
	}
	for _, name := range planInputs {
		// The measurement supplies these, so their flags are not required.
		if measured := len(args) > 0 && (name == "latency" || name == "errors"); !measured || flags.Changed(name) {
			f.asked[name] = flags.Lookup(name).Value.String()
		}
	}
	if len(args) > 0 {
		f.asked["report"] = args[0]
	}
	return args, nil
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan [REPORT]",
		Short: "Work out what a day needs: attempts, sockets, latency, and what an outage leaves",
		Long: `Work out from stated figures, or from the report.json of a load test, what a day of
updates asks of a receiver: attempts per export, sockets, saturation, delivery latency,
and what an outage leaves. A figure may be two with .. between them; results then have
an interval, from both ends. A table shows the cost of each 100 ms of latency.

The verdict is about the documented objective, p95 below ten minutes below 10,000
requests a second (R119). ` + "`httpdest help load`" + ` says what the model is, and how far it was
held against the simulation.`,
		Example: `  httpdest plan --profiles 5000000 --share 30% --updates 2 --curve day --latency 'p50=120ms p95=600ms' --errors 0.5%..2% --sockets 50
  httpdest plan out/report.json --profiles 2000000 --sockets 20 --outage 15m@20h`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			again, err := f.again(cmd.Flags(), args)
			if err != nil {
				return err
			}
			args = again
			f.latencyGiven, f.errorsGiven = cmd.Flags().Changed("latency"), cmd.Flags().Changed("errors")
			if f.outage == "" && cmd.Flags().Changed("outage-kind") && f.from == "" {
				return failure{exitUsage, errors.New("--outage-kind is of no use without --outage"), "leave it out, or give --outage too"}
			}
			return a.plan(args, f)
		},
	}
	s := c.Flags()
	s.StringVar(&f.profiles, "profiles", "1000000", "profiles that there are")
	s.StringVar(&f.share, "share", "100%", "share of them that is in a mapped audience")
	s.StringVar(&f.updates, "updates", "1", "updates a day of each that lead to an export")
	s.StringVar(&f.curve, "curve", "flat", "when in the day: flat, day, or 24 weights with commas between them")
	s.Float64Var(&f.backfill, "backfill", 0, "members of a newly mapped audience, exported within the busiest hour")
	s.StringVar(&f.latency, "latency", "100ms", "answer times of the receiver: 40ms, mean=40ms, 'min=20ms max=80ms' or 'p50=120ms p95=600ms'")
	s.StringVar(&f.errors, "errors", "0%", "share of the responses other than 2xx")
	s.StringVar(&f.capacity, "capacity", "0", "requests a second that the receiver can work on; 0: not known")
	s.IntVar(&f.sockets, "sockets", 10, "attempts under way at once")
	s.StringVar(&f.outage, "outage", "", "a time without an answer, LENGTH@TIME-OF-DAY: 15m@20h")
	s.StringVar(&f.outageKind, "outage-kind", string(loadtest.Stalled), "how a dead receiver shows itself: stall, refuse or 503")
	s.StringVar(&f.from, "from", "", "report.json of an earlier plan, whose inputs are taken where no flag says otherwise")
	s.StringVar(&f.out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	s.StringArrayVar(&f.reports, "report", nil, reportUsage)
	s.BoolVarP(&f.verbose, "verbose", "v", false, "every hour of the day")
	completePlan(c)
	return c
}

func (a *app) plan(args []string, f planFlags) error {
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	p, err := f.planning(args)
	if err != nil {
		return err
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	r := &reports.Report{Schema: reports.Schema, Kind: "plan", Plan: p.Plan(), Environment: environment()}
	r.Plan.Asked = f.asked
	o := p.Judge(r.Plan)
	loadtest.Settle(r, []reports.Objective{o})
	return a.writeLoad(r, outputs, runFlags{verbose: f.verbose})
}

// environment is that of this process.
func environment() reports.Environment {
	return reports.Environment{Version: version(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
}

// writeLoad writes the reports of a load test or a plan, and the text unless
// one of them is on stdout; the status is that of the verdict.
func (a *app) writeLoad(r *reports.Report, outputs []output, f runFlags) error {
	if err := a.write(r, outputs, f); err != nil {
		return err
	}
	if r.Load != nil && r.Load.Interrupted {
		return failure{exitInterrupted, errors.New("interrupted"), "the report has what there was by then"}
	}
	if s := status(r.Verdict); s != exitPass {
		return failure{status: s}
	}
	return nil
}

// mostSockets is more than a machine has ports for one receiver.
const mostSockets = 100_000

// planning reads what the flags and a report say.
func (f planFlags) planning(args []string) (p loadtest.Planning, err error) {
	from := "stated"
	input := func(name string, b loadtest.Between, unit string) {
		p.Inputs = append(p.Inputs, reports.Figure{Name: name, Value: b.Likely, Low: b.Low, High: b.High, Unit: unit, From: from})
	}
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
			return p, failure{exitUsage, fmt.Errorf("--%s %s is a share of nothing", x.flag, x.value), "give a number, such as 5000000 or 4..6"}
		}
		if x.unit == "share" && x.to.High > 1 {
			return p, failure{exitUsage, fmt.Errorf("--%s %s is more than everything", x.flag, x.value), "give a share, such as 30%"}
		}
		if x.flag != "errors" && (x.flag != "capacity" || x.to.High > 0) {
			input(x.name, *x.to, x.unit)
		}
	}
	p.PerDay = loadtest.Between{Low: profiles.Low * share.Low * updates.Low, Likely: profiles.Likely * share.Likely * updates.Likely, High: profiles.High * share.High * updates.High}
	if p.Curve, err = loadtest.ParseCurve(f.curve); err != nil {
		return p, usage("--curve", err)
	}
	if p.Sockets, p.Backfill = f.sockets, f.backfill; f.sockets < 1 || f.sockets > mostSockets || !between(0, f.backfill, 1e15) || p.PerDay.High+p.Backfill <= 0 {
		return p, failure{exitUsage, errors.New("nothing is exported, or by no socket, or by more than there can be"), "give --profiles, --share and --updates above 0, and --sockets from 1 to 100000"}
	}
	input("attempts under way at once", loadtest.Exactly(float64(f.sockets)), "sockets")
	if f.outage != "" {
		if p.Outage, err = loadtest.ParseOutage(f.outage, loadtest.OutageKind(f.outageKind)); err != nil {
			return p, usage("--outage", err)
		}
		if p.Outage.At >= 24*time.Hour || p.Outage.Length > 24*time.Hour {
			return p, failure{exitUsage, fmt.Errorf("--outage %s is longer than a day, or does not begin in it", f.outage), "give a time of day: 15m@20h"}
		}
	}
	return p, f.receiver(&p, args, input, &from)
}

// receiver takes latency and errors from a report, where there is one and no
// flag says otherwise.
func (f planFlags) receiver(p *loadtest.Planning, args []string, input func(string, loadtest.Between, string), from *string) (err error) {
	var measured *loadtest.Measured
	if len(args) > 0 {
		if measured, err = measuredIn(args[0]); err != nil {
			return err
		}
		if !f.latencyGiven || !f.errorsGiven {
			p.Doubts = measured.Doubts
		}
	}
	if measured == nil || f.latencyGiven {
		if p.Latency, err = loadtest.ParseLatency(f.latency); err != nil {
			return usage("--latency", err)
		}
		if p.Latency.Quantile(0.99) <= 0 {
			return failure{exitUsage, fmt.Errorf("--latency %s: no receiver takes nothing", f.latency), "give what it takes, such as 40ms"}
		}
	} else {
		*from = "measured"
		p.Latency, p.Spread = measured.Latency, measured.Spread
	}
	at := func(q float64) loadtest.Between {
		v := p.Latency.Quantile(q) * 1000
		return loadtest.Between{Low: v / (1 + p.Spread), Likely: v, High: v * (1 + p.Spread)}
	}
	input("answer time, p50", at(0.5), "ms")
	input("answer time, p95", at(0.95), "ms")
	*from = "stated"
	if measured != nil && !f.errorsGiven {
		p.Errors, *from = measured.Errors, "measured"
	}
	input("responses other than 2xx", p.Errors, "share")
	return nil
}

// measuredIn reads what a load test measured of its receiver.
func measuredIn(file string) (*loadtest.Measured, error) {
	r, err := readReport(file)
	if err != nil {
		return nil, err
	}
	if r.Load == nil {
		return nil, failure{exitUsage, fmt.Errorf("%s is a report of %s", file, r.Kind), "give the report.json of httpdest load"}
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
