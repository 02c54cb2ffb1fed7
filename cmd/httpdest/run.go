package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// runFlags are the flags of httpdest run.
type runFlags struct {
	out      string
	reports  []string
	clock    string
	through  string
	longest  time.Duration
	seed     string
	shards   int
	jobs     int
	repeat   int
	failFast bool
	known    string
	label    string
	pattern  string
	root     string
	list     bool
	verbose  bool
	quiet    bool
	endpoint endpointFlags
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run [FILE|DIR...]",
		Short: "Play scenarios and judge every rule they name",
		Long: `Play scenarios in virtual time, over real HTTP and TLS, and judge every rule they
name. Without an argument, the library that comes with httpdest is played.

--through wall plays the same on the wall clock, over TCP. --through serve starts
httpdest serve for each case, with a durable store in a temporary folder, and drives it
through its HTTP API; the mock endpoint runs here. The same checks judge what both
recorded. A case that this cannot play is skipped, and the report says why.

--endpoint plays to a receiver of your own, on the wall clock and through a proxy: there
the faults of each case act, so that the receiver meets retries after lost and late
answers. Retries and budgets keep their length; longer times between two moments of a
history are played as --longest-gap. The rules and the oracle judge the requests, and R93
the responses of the receiver. With --read-back the state that it holds after each case is
compared with the one that the history leads to. The lines of expect are left out: their
times and statuses are those of the mock. Profiles are marked, as those of probe are.
--dry-run prints what would be sent.`,
		Example: "  httpdest run\n  httpdest run my-scenarios/ --out out\n  httpdest run enter.yaml --report json=-\n  httpdest run bad-night.yaml --endpoint http://127.0.0.1:8080/profiles",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.checkEndpoint(args, cmd.Flags().Changed); err != nil {
				return err
			}
			return a.run(cmd.Context(), args, f)
		},
	}
	c.Flags().StringVar(&f.out, "out", "", "folder for recordings/<case>.jsonl, report.json, report.html, junit.xml and summary.md")
	c.Flags().StringArrayVar(&f.reports, "report", nil, reportUsage)
	c.Flags().StringVar(&f.through, "through", "", "what plays: simulation in virtual time, wall on TCP with real waits, serve the binary with its store (default simulation)")
	c.Flags().DurationVar(&f.longest, "longest", time.Minute, "with --through wall or serve: skip cases that last longer; 0 skips none")
	c.Flags().StringVar(&f.clock, "time", "", "virtual or wall: the same as --through simulation, or --through wall --longest 0")
	c.Flags().StringVar(&f.label, "label", "", "play cases whose rules and group match, in Ginkgo's filter grammar: 'max-3 && !mtls'")
	c.Flags().StringVar(&f.pattern, "run", "", "play cases whose id matches the regular expression")
	c.Flags().StringVar(&f.root, "root", "", rootUsage)
	c.Flags().BoolVar(&f.list, "list", false, "list the cases that are selected, and play none")
	c.Flags().StringVar(&f.known, "known-failing", "", "file of cases known to fail, a pattern a line; one that passes is a failure, and a line that matches nothing too")
	c.Flags().IntVar(&f.repeat, "repeat", 1, "play each case so many times; in virtual time the recordings must be equal")
	c.Flags().BoolVar(&f.failFast, "fail-fast", false, "play no further case after the first that fails")
	c.Flags().StringVar(&f.seed, "seed", "", "seed of identities, audience ids and faults by chance (default: that of each scenario)")
	c.Flags().IntVar(&f.shards, "shards", 1, "decider shards; the recording does not depend on it")
	c.Flags().IntVar(&f.jobs, "jobs", 0, "scenarios played at once (default: one per CPU)")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every check and every rule")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print only failures and the summary")
	f.endpoint.add(c.Flags())
	completeRun(c)
	return c
}

func (a *app) run(ctx context.Context, args []string, f runFlags) error {
	options, err := f.options()
	if err != nil {
		return err
	}
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	rules, err := scenarios.Rules()
	if err != nil {
		return failure{exitUsage, err, ""}
	}
	cases, err := find(f.root, args)
	if err != nil {
		return err
	}
	if cases, err = f.choose(cases); err != nil {
		return err
	}
	if f.list {
		return a.list(cases)
	}
	if cases, err = f.endpoint.play(a, &options, cases); err != nil {
		return err
	}
	if f.endpoint.dryRun {
		return a.describeRun(ctx, f.endpoint, cases, options)
	}
	if err := prepare(outputs, f.out); err != nil {
		return err
	}
	if !f.quiet {
		a.warn(cases)
	}
	if options.Through != simulate.Simulation && options.Onward == nil {
		a.warnOfWaiting(cases, options)
	}
	watched := a.watch(len(cases), f.quiet)
	options.Progress = watched.add
	report, err := simulate.RunAll(ctx, cases, rules, options)
	watched.end()
	report.Environment.Arguments = append(slices.Clone(args), f.endpoint.again()...)
	interrupted := errors.Is(err, context.Canceled)
	if err != nil && !interrupted {
		return failure{exitUnjudged, err, "nothing was judged"}
	}
	if err := a.write(report, outputs, f); err != nil {
		return err
	}
	if interrupted {
		return failure{exitInterrupted, errors.New("interrupted"), fmt.Sprintf("%d of %d cases were not played to their end", interruptedIn(report), len(cases))}
	}
	if s := status(report.Verdict); s != exitPass {
		return failure{status: s}
	}
	return nil
}

// warn prints the likely slips of scenarios: a run passes in spite of them, and
// proves less than it seems to.
func (a *app) warn(cases []*scenarios.Scenario) {
	for _, c := range cases {
		for _, p := range scenarios.Lint(c) {
			p.Message = "warning: " + p.Message
			fmt.Fprintln(a.stderr, p)
		}
	}
}

// warnOfWaiting prints how long the run may take.
func (a *app) warnOfWaiting(cases []*scenarios.Scenario, o simulate.Options) {
	length, limit := longest(cases), ""
	if o.Longest > 0 && length > o.Longest {
		length, limit = o.Longest, " at most"
	}
	fmt.Fprintf(a.stderr, "httpdest: %s%s of history on the wall clock; Ctrl-C ends it with a report of what was played\n", length, limit)
}

// longest is how long the longest history lasts.
func longest(cases []*scenarios.Scenario) time.Duration {
	var most time.Duration
	for _, c := range cases {
		most = max(most, c.Until)
		for _, s := range c.History {
			most = max(most, s.At)
		}
	}
	return most
}

// options checks the flags that are numbers.
func (f runFlags) options() (simulate.Options, error) {
	o := simulate.Options{Shards: f.shards, Jobs: f.jobs, Repeat: f.repeat, FailFast: f.failFast,
		OutDir: f.out, Version: version(), NewStore: func() (store.Store, error) { return memory.New(), nil }}
	if err := f.playThrough(&o); err != nil {
		return o, err
	}
	if f.repeat < 1 {
		return o, failure{exitUsage, fmt.Errorf("--repeat %d", f.repeat), "give 1 or more"}
	}
	known, err := f.knownFailing()
	if err != nil {
		return o, err
	}
	o.Known = known
	if f.shards < 1 || f.shards > 4096 {
		return o, failure{exitUsage, fmt.Errorf("--shards %d", f.shards), "give a number from 1 to 4096"}
	}
	if f.jobs < 0 {
		return o, failure{exitUsage, fmt.Errorf("--jobs %d", f.jobs), "give 1 or more, or 0 for one per CPU"}
	}
	if f.verbose && f.quiet {
		return o, failure{exitUsage, errors.New("--verbose and --quiet exclude each other"), "give one of them"}
	}
	if f.seed != "" {
		seed, err := strconv.ParseUint(f.seed, 10, 64)
		if err != nil {
			return o, failure{exitUsage, fmt.Errorf("--seed must be a whole number, but is %q", f.seed), "give a whole number, 0 or more"}
		}
		o.Seed = &seed
	}
	return o, nil
}

// rootUsage is the help of --root.
const rootUsage = "folder that case ids are relative to (default: nearest above each file with .git, go.mod or .httpdest-root)"

// find loads the scenarios that the arguments name, with ids below root, or the
// library.
func find(root string, args []string) ([]*scenarios.Scenario, error) {
	if len(args) == 0 {
		if root != "" {
			return nil, failure{exitUsage, errors.New("--root without files: the library has its own ids"), "name files or folders below the root"}
		}
		cases, err := scenarios.FindFS(library.Files, ".")
		if err != nil {
			return nil, failure{exitUsage, err, ""}
		}
		return cases, nil
	}
	cases, err := scenarios.FindBelow(root, args...)
	if err != nil {
		return nil, failure{exitUsage, err, ""}
	}
	if len(cases) == 0 {
		return nil, failure{exitUnjudged, fmt.Errorf("no scenario found in %s", strings.Join(args, ", ")), "a scenario is a file that ends in .yaml"}
	}
	return cases, nil
}

// write prints the text and writes every report that was asked for. A report
// that goes to stdout takes the place of the text.
func (a *app) write(r *reports.Report, outputs []output, f runFlags) error {
	if err := a.writeAll(r, outputs); err != nil {
		return err
	}
	if slices.ContainsFunc(outputs, func(o output) bool { return o.path == "-" }) {
		return nil
	}
	if a.getenv("GITHUB_ACTIONS") == "true" {
		// Annotations at the lines of the scenario files.
		if err := reports.WriteGitHub(a.stdout, r); err != nil {
			return err
		}
	}
	return a.text(r, f.verbose, f.quiet)
}

// writeAll writes reports.
func (a *app) writeAll(r *reports.Report, outputs []output) error {
	for _, o := range outputs {
		err := o.write(a.stdout, r)
		if errors.Is(err, reports.ErrNoLatencies) {
			return failure{exitUsage, fmt.Errorf("--report %s: %w", o.kind, err), "csv is of cases that delivered something and of load tests, hdr of load tests alone"}
		}
		if err != nil {
			return failure{exitUsage, fmt.Errorf("--report %s: %w", o.kind, err), "nothing of this report was written"}
		}
	}
	return nil
}

// text prints the report for people.
func (a *app) text(r *reports.Report, verbose, quiet bool) error {
	return writeText(a.stdout, r, reports.TextOptions{Color: a.color(a.stdout), Verbose: verbose, Quiet: quiet, Width: a.width()})
}

// writeText is the text of a report of any kind.
func writeText(w io.Writer, r *reports.Report, o reports.TextOptions) error {
	switch {
	case r.Load != nil:
		return reports.WriteLoadText(w, r, o)
	case r.Plan != nil:
		return reports.WritePlanText(w, r, o)
	}
	return reports.WriteText(w, r, o)
}

// width is the width of the terminal, but no less than text needs; 0 when
// stdout is not a terminal.
func (a *app) width() int {
	if !a.terminal(a.stdout) {
		return 0
	}
	return max(40, a.columns(a.stdout))
}

// interruptedIn counts the cases that were not played to their end.
func interruptedIn(r *reports.Report) (n int) {
	for _, c := range r.Cases {
		if c.Reason == simulate.Interrupted {
			n++
		}
	}
	return n
}
