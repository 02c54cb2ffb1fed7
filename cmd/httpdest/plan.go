package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// planFlags are the flags of httpdest plan.
type planFlags struct {
	profiles, share, updates, curve string
	arrivals                        string
	latency, errors, capacity       string
	sockets                         int
	outage, outageKind              string
	backfill                        float64
	dataflows                       []string
	target                          string
	out                             string
	reports                         []string
	verbose                         bool
	from                            string
	given                           map[string]bool // by whoever asks now, or asked for the plan that is repeated
	asked                           map[string]string
	measured                        *loadtest.Measured
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use:   "plan [REPORT]",
		Short: "Work out what a day needs: attempts, sockets, latency, and what an outage leaves",
		Long: `Work out from stated figures, or from the report.json of a load test, what a day of
updates asks of a receiver: attempts per export, sockets, saturation, delivery latency,
and what an outage leaves. Volumes, --errors and --capacity may be two numbers with ..
between them; results then have an interval, from both ends. A table shows what a slower
receiver costs, up to 1.5 s more. From 90 % utilisation on latencies have the range of
nine of ten days; the highest backlog is one that 95 of 100 days do not exceed.

The verdict is about the documented objective, p95 below ten minutes below 10,000
requests a second for each dataflow (R119), on the worst of the days shown. From 80 % of
--capacity on it is inconclusive: the model does not play a queue in the receiver. --target asks for more, and
picks the number of sockets. Inputs that you do not state are assumed, and the report
marks them. ` + "`httpdest help load`" + ` explains the model, and how it was tested.`,
		Example: `  httpdest plan --profiles 5000000 --share 30% --updates 2 --curve day --latency 'p50=120ms p95=600ms' \
    --errors 0.5%..2% --sockets 50
  httpdest plan --profiles 5000000 --curve day --latency 'p50=120ms p95=600ms' --outage 15m@23:20 --target 'p95<10m'
  httpdest plan out/report.json --profiles 2000000 --sockets 20 --outage 15m@20h`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed := map[string]bool{} // by whoever asks now
			cmd.Flags().Visit(func(g *pflag.Flag) { changed[g.Name] = true })
			if err := f.again(cmd.Flags(), args); err != nil {
				return err
			}
			if err := f.withoutUse(changed); err != nil {
				return err
			}
			return a.plan(f)
		},
	}
	f.add(c.Flags())
	completePlan(c)
	return c
}

func (f *planFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.profiles, "profiles", "1000000", "profiles that there are")
	s.StringVar(&f.share, "share", "100%", "share of them that is in a mapped audience")
	s.StringVar(&f.updates, "updates", "1", "updates a day of each that lead to an export")
	s.StringVar(&f.curve, "curve", "flat", "when in the day: flat, day, or 24 weights with commas between them")
	s.StringVar(&f.arrivals, "arrivals", string(loadtest.Poisson), fmt.Sprintf(arrivalsUsage, "exports"))
	s.Float64Var(&f.backfill, "backfill", 0, "members of a newly mapped audience, exported within the busiest hour")
	s.StringVar(
		&f.latency,
		"latency",
		"100ms",
		"answer times of the receiver: 40ms, mean=40ms, 'min=20ms max=80ms' or 'p50=120ms p95=600ms'",
	)
	s.StringVar(&f.errors, "errors", "0%", "share of the responses other than 2xx")
	s.StringVar(
		&f.capacity,
		"capacity",
		"0",
		"requests a second that the receiver can work on, of all dataflows together; 0: not known",
	)
	s.IntVar(&f.sockets, "sockets", 64, "attempts under way at once")
	s.StringVar(&f.target, "target", "", "pick the fewest sockets that hold an objective: p95<10m, p99<1h or lost<1%")
	s.StringArrayVar(
		&f.dataflows,
		"dataflow",
		nil,
		"further dataflow to the same receiver: 'name=b profiles=2000000 updates=2 curve=day sockets=20'; repeatable",
	)
	s.StringVar(
		&f.outage,
		"outage",
		"",
		"time in which the receiver is dead, LENGTH@TIME-OF-DAY: 15m@20h or 15m@23:20",
	)
	s.StringVar(
		&f.outageKind,
		"outage-kind",
		string(loadtest.Stalled),
		"how a dead receiver shows itself: stall, refuse or 503",
	)
	s.StringVar(
		&f.from,
		"from",
		"",
		"report.json of an earlier plan, whose inputs are taken where no flag says otherwise",
	)
	s.StringVar(&f.out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	s.StringArrayVar(&f.reports, "report", nil, reportUsage)
	s.BoolVarP(&f.verbose, "verbose", "v", false, "every hour of the day")
}

// withoutUse refuses flags that would not matter.
func (f planFlags) withoutUse(changed map[string]bool) error {
	switch {
	case f.outage == "" && changed["outage-kind"]:
		return failure{
			exitUsage,
			errors.New("--outage-kind is of no use without --outage"),
			"leave it out, or give --outage too",
		}
	case changed["sockets"] && changed["target"]:
		return failure{
			exitUsage,
			errors.New("--target picks the sockets, and --sockets gives them"),
			"leave one of them out",
		}
	}
	return nil
}

func (a *app) plan(f planFlags) error {
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	p, err := f.planning()
	if err != nil {
		return err
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	r := &reports.Report{Schema: reports.Schema, Kind: "plan", Plan: p.Plan(), Environment: environment()}
	f.repeatable(r.Plan)
	loadtest.Settle(r, r.Plan.Objectives)
	return a.writeLoad(r, outputs, runFlags{verbose: f.verbose})
}

// environment is that of this process.
func environment() reports.Environment {
	return reports.Environment{
		Version: version(),
		Go:      runtime.Version(),
		OS:      runtime.GOOS + "/" + runtime.GOARCH,
		CPUs:    runtime.NumCPU(),
	}
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
