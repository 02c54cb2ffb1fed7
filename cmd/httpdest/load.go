package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// loadFlags are the flags of httpdest load.
type loadFlags struct {
	config, cert, key, ca  string
	bearer, headers, query string
	readBack               string
	own                    bool
	maxRate                float64
	maxRequests            uint64
	// Whether limits were given: then they hold for this machine too.
	rateGiven, requestsGiven bool

	rate        float64
	length      time.Duration
	lengthGiven bool
	pace        string
	slo         []string

	workers, profiles int
	sizes, mix        string
	seed              uint64

	mock    mockLoadFlags
	search  searchFlags
	engine  engineFlags
	running loadRunFlags
	vegeta  vegetaFlags
	part    loadtest.Shard // that --shard names
	out     string
	reports []string
	verbose bool
	quiet   bool
}

func (a *app) loadCommand() *cobra.Command {
	var f loadFlags
	c := &cobra.Command{
		Use:   "load URL|mock",
		Short: "Load a receiver, or the whole engine, and judge what it holds",
		Long: `Send messages that the engine built of generated profiles to a receiver, at a pace that
does not slow down with it, and judge objectives. Latencies run from when a request was
due. A generator that fell behind, too few samples, or a fault that did not fire make a
verdict inconclusive (exit 3), not better.

mock is the mock endpoint in this process. An address that is not of this machine needs
--i-own-this-endpoint, and is sent no more than --max-rate and --max-requests. Ctrl-C
ends early, with a report of what there was; a second one ends at once, without.
` + "`httpdest help load`" + ` explains the numbers.`,
		Example: `  httpdest load mock --rate 500 --for 30s
  httpdest load http://127.0.0.1:8080/profiles --rate 200 --slo 'response.p99<500ms' --slo 'errors<0.1%'
  httpdest load mock --search --mock-rate 500
  httpdest load mock --search --through-engine --time virtual --mock-latency 40ms --sockets 20
  httpdest load https://receiver.example/profiles --config serve.yaml --pace 'ramp from=10 to=300' --for 5m --i-own-this-endpoint --out out`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.given(args[0], cmd.Flags().Changed); err != nil {
				return err
			}
			return a.load(cmd.Context(), args[0], f)
		},
	}
	s := c.Flags()
	s.StringVar(&f.config, "config", "", "file with the blocks audiences, destination and dataflow, as for serve; its endpoint gives way to URL")
	s.Float64Var(&f.rate, "rate", 100, "requests a second, of the pace constant")
	s.DurationVar(&f.length, "for", 30*time.Second, "how long")
	s.StringVar(&f.pace, "pace", "constant", "constant, 'ramp from=10 to=300', 'step 100 200 400', 'sine mean=500 swing=300 period=1m', 'burst base=100 peak=5000 every=30s last=2s', 'stages 30s:100 5m:100 30s:0', or 'trace FILE'")
	s.StringArrayVar(&f.slo, "slo", nil, "objective: p95<10m, response.p99<2s, errors<0.1%, rate>=9900/s, trend<5%/h, backfill<1h; repeatable (default: response.p95<2s), and errors<1% unless an objective names errors")
	s.IntVar(&f.workers, "workers", 0, "requests under way at once, at most (default: as many as the pace can need)")
	s.IntVar(&f.profiles, "profiles", 10_000, "generated profiles")
	s.StringVar(&f.sizes, "sizes", "", "share of the profiles in each audience: 'customers=100% newsletter=20%' (default: all in all)")
	s.StringVar(&f.mix, "mix", "", "what updates change: 'attribute=80 audience=18 identity=2' (the default)")
	s.Uint64Var(&f.seed, "seed", 1, "seed of profiles and updates")
	s.BoolVar(&f.own, "i-own-this-endpoint", false, "the endpoint is yours to load: needed for every address that is not of this machine")
	s.Float64Var(&f.maxRate, "max-rate", 1000, "requests a second that such an address may get, at most, and one of this machine where it is given; retries of --through-engine come on top")
	s.Uint64Var(&f.maxRequests, "max-requests", 1_000_000, "requests in all that it may get, at most, retries and the trials of a search included")
	f.addCredentials(s)
	s.StringVar(&f.readBack, "read-back", "", "URL of the receiver's stored state, which must keep up: GET URL/ECID; with the bearer token where it is on the same host")
	f.mock.add(s)
	f.search.add(s)
	f.engine.add(s)
	f.running.add(s)
	f.vegeta.add(s)
	s.StringVar(&f.out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	s.StringArrayVar(&f.reports, "report", nil, loadReportUsage)
	s.BoolVarP(&f.verbose, "verbose", "v", false, "the run in time too")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "only the objectives")
	completeLoad(c)
	c.AddCommand(a.loadMergeCommand())
	return c
}

// load checks everything before anything is sent.
func (a *app) load(ctx context.Context, to string, f loadFlags) (err error) {
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	if f.verbose && f.quiet {
		return failure{exitUsage, errors.New("--verbose and --quiet exclude each other"), "give one of them"}
	}
	if err := a.readSecrets(f.secrets()); err != nil {
		return err
	}
	x, err := f.asked(to)
	if err != nil {
		return err
	}
	t, err := x.flags.target(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	x.target = t
	if err := x.prepare(); err != nil {
		return err
	}
	watch, unwatched, err := a.serveMetrics(f.running.prometheus)
	if err != nil {
		return err
	}
	defer unwatched()
	x.run.watch = watch
	if !f.quiet {
		x.run.start.Ready = func(left time.Duration) {
			fmt.Fprintf(a.stderr, "httpdest: ready; the load begins in %s\n", left.Round(100*time.Millisecond))
		}
	}
	if err := errors.Join(x.safe(), prepare(append(f.vegeta.outputs(), outputs...), "")); err != nil {
		return err
	}
	signals, stop := interrupts()
	defer stop()
	if a.getenv("GOGC") == "" {
		debug.SetGCPercent(400) // as serve does: what is measured is what runs
	}
	r := &reports.Report{Schema: reports.Schema, Kind: "load", Environment: environment()}
	r.Environment.Seed = f.seed
	x.progress = a.watchLoad(x.through.drainAtMost(), f.quiet)
	x.progress.begin(x.planned())
	if x.progress == nil && !f.quiet && !f.search.on && x.through.clock == "wall" {
		fmt.Fprintf(a.stderr, "httpdest: %s of load; Ctrl-C ends it with a report\n", x.planned())
	}
	r.Load, err = interruptible(ctx, signals, time.Now, func(ctx context.Context) (*reports.Load, error) { return a.offer(ctx, x) })
	x.progress.clear()
	if a.terminal(a.stderr) && (errors.Is(err, errEndedAtOnce) || err == nil && r.Load.Interrupted) {
		fmt.Fprint(a.stderr, "\r\x1b[K") // what the terminal shows for Ctrl-C
	}
	return a.loaded(r, err, outputs, f)
}

// loaded writes the reports of a load that ended. The error is that of the load,
// or the exit status of its verdict.
func (a *app) loaded(r *reports.Report, err error, outputs []output, f loadFlags) error {
	var refused *loadtest.RefusedError
	var known failure
	var unstored *loadtest.UnstoredError
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, loadtest.ErrNotBegun):
		return failure{exitInterrupted, err, "nothing was sent, and there is no report"}
	case err != nil && !errors.As(err, &refused) && !errors.As(err, &unstored):
		return failure{exitUnjudged, err, "see that the receiver is there, and that authentication and certificates are right"}
	}
	loadtest.Settle(r, r.Load.Objectives)
	err = a.writeLoad(r, outputs, runFlags{verbose: f.verbose, quiet: f.quiet})
	if refused != nil {
		return failure{exitUnjudged, refused, refusedHint(refused.Outcome)}
	}
	if unstored != nil {
		return failure{exitUnjudged, unstored, readBackHint}
	}
	return err
}

// asked is what the flags ask for, checked; the target is missing.
func (f loadFlags) asked(to string) (x loading, err error) {
	if err := f.search.check(&f); err != nil {
		return x, err
	}
	if x.through, err = f.engine.check(to); err != nil {
		return x, err
	}
	if x.run, err = f.running.check(); err != nil {
		return x, err
	}
	if x.pace, err = f.paceOf(); err != nil {
		return x, err
	}
	if x.pace, err = x.run.paced(x.pace, f.seed); err != nil {
		return x, err
	}
	if err := errors.Join(x.through.seen(x.pace), x.through.begins(x.pace)); err != nil {
		return x, err
	}
	x.whole = x.pace
	if x.pace, err = x.run.part(x.whole); err != nil {
		return x, err
	}
	f.part = x.run.shard
	x.flags = f
	x.objectives, err = f.objectives()
	for i, o := range x.objectives {
		x.objectives[i] = f.part.Objective(o)
	}
	return x, err
}

// loading is a load with everything that it needs.
type loading struct {
	through    engineLoad
	whole      loadtest.Pace // that of all machines
	pace       loadtest.Pace // that of this one
	flags      loadFlags
	target     *loadTarget
	alone      loadtest.Attack // of a receiver alone, on the wall clock
	run        loadRun
	objectives []loadtest.Objective
	progress   *loadProgress // nil: nobody looks
}

// prepare makes the messages of a receiver alone, and refuses what cannot be sent or
// read back before anything is announced.
func (x *loading) prepare() (err error) {
	if !x.through.on && x.through.clock == "wall" {
		x.alone, err = x.target.attack(x.pace, x.flags, x.objectives)
	}
	return errors.Join(err, x.prepareBackfill())
}

// planned is how long it takes at least.
func (x loading) planned() time.Duration {
	if x.through.several() && x.through.noisy != "" {
		return 2 * x.pace.Duration() // without the noisy one, and with it
	}
	return x.pace.Duration()
}

// offer does what was asked for.
func (a *app) offer(ctx context.Context, x loading) (*reports.Load, error) {
	f := x.flags
	switch {
	case x.through.on && f.search.on:
		return f.search.through(ctx, a, x)
	case x.through.clock == "virtual" && !x.through.on:
		return x.virtualAlone(ctx, a)
	case x.through.clock == "virtual":
		return x.virtual(ctx)
	case x.through.several():
		return x.neighbours(ctx)
	case x.through.on:
		return x.wall(ctx)
	}
	attack := x.alone
	attack.Progress, attack.Abort, attack.Watch, attack.Offer = x.progress.callback(0), x.run.abort, x.run.watch, x.run.offer(f.seed)
	attack.Start = x.run.start
	end, err := f.vegeta.keep(&attack, x.target.address)
	if err != nil {
		return nil, err
	}
	if f.search.on {
		return f.search.run(ctx, a, x, loadtest.SamplesFor(loadtest.Receiver, x.objectives), attack.Trial(f.search.warmUp), attack.Resting(f.search.rest))
	}
	l, err := attack.Run(ctx)
	if unwritten := end(); unwritten != nil {
		return nil, errors.Join(unwritten, err)
	}
	return l, err
}

func (f loadFlags) objectives() ([]loadtest.Objective, error) {
	out := []loadtest.Objective{loadtest.Documented()}
	if len(f.slo) == 0 && !f.engine.on {
		return f.watched(append(out, loadtest.AnswerInTime()...)), nil
	}
	named, err := f.named()
	if err != nil {
		return nil, err
	}
	out = append(out, named...)
	if !f.engine.on && !slices.ContainsFunc(out, func(o loadtest.Objective) bool { return o.Quantity == loadtest.Errors }) {
		out = append(out, loadtest.FewErrors())
	}
	if f.search.on && f.engine.on && !slices.ContainsFunc(out, func(o loadtest.Objective) bool { return o.Quantity == loadtest.Lost }) {
		out = append(out, loadtest.FewLost())
	}
	return loadtest.Unique(f.watched(out)), nil
}

// named are the objectives of --slo.
func (f loadFlags) named() (out []loadtest.Objective, err error) {
	for _, text := range f.slo {
		o, err := loadtest.ParseObjective(text)
		if err != nil {
			return nil, usage("--slo", err)
		}
		if err := f.measurable(o); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (f loadFlags) paceOf() (loadtest.Pace, error) {
	if !between(1e-6, f.rate, fastest) || f.length < 100*time.Millisecond {
		return nil, failure{exitUsage, errors.New("--rate is above nothing and at most a million a second, --for at least 100ms"), "give a rate a second, and a time such as 30s"}
	}
	if f.workers < 0 || f.profiles < 1 {
		return nil, failure{exitUsage, errors.New("--workers and --profiles are numbers of things"), "leave them out"}
	}
	p, err := loadtest.ParsePace(f.pace, loadtest.PaceSettings{Rate: f.rate, Length: f.length, Moments: moments})
	var s *loadtest.SyntaxError
	switch {
	case errors.As(err, &s):
		return nil, usage("--pace", err)
	case err != nil:
		return nil, failure{exitUsage, err, "a trace has a time on each line, or is a recording of httpdest"}
	}
	return p, nil
}

// moments reads the file of a trace.
func moments(file string) ([]time.Duration, error) {
	in, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	at, err := loadtest.ReadMoments(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return at, nil
}
