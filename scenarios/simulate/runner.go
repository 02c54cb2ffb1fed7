package simulate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Options say how cases are played.
type Options struct {
	Through  Through                     // "" means Simulation
	Longest  time.Duration               // on the wall clock: cases that last longer are skipped; 0 for none
	Serving  Serving                     // of Serve
	Onward   *Onward                     // with OnTheWall: the receiver of somebody else's that cases are played to; nil for the mock
	Seed     *uint64                     // overrides the seed of every scenario
	Shards   int                         // decider shards; 0 means 1. The recording does not depend on it
	Jobs     int                         // cases played at once; 0 means one per CPU, and more on the wall clock
	Repeat   int                         // each case so many times; 0 means once. The worst verdict counts
	FailFast bool                        // play no further case after the first that fails
	Known    *scenarios.KnownFailing     // cases that are known to fail; nil for none
	OutDir   string                      // <OutDir>/recordings/<case>.jsonl; "" writes none
	NewStore func() (store.Store, error) // one store per case
	Progress func(reports.Case)          // called once per case, in the order of the cases
	Version  string                      // of httpdest, for the report
	lengths  map[string]length           // by case, where it is played on the wall clock
}

// RunAll plays and judges the cases and returns the report of kind "run". A
// failed case is not an error; an error is what kept the run from being judged
// at all. When ctx ends first, the report of the cases played so far comes
// with its error.
func RunAll(ctx context.Context, cases []*scenarios.Scenario, rules scenarios.Catalogue, o Options) (*reports.Report, error) {
	began := time.Now()
	o.lengths = o.measured(ctx, cases)
	judged, err := runInOrder(ctx, cases, rules, o)
	if err == nil {
		judged = append(judged, stale(o.Known)...)
	}
	report := check.Summarise("run", rules, judged)
	report.Metrics["wallSeconds"] = time.Since(began).Seconds()
	report.Environment = reports.Environment{Version: o.Version, Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	switch {
	case o.Seed != nil:
		report.Environment.Seed = *o.Seed
	case len(cases) > 0:
		report.Environment.Seed = cases[0].Seed
	}
	return report, err
}

// outcome is what became of one case.
type outcome struct {
	judged reports.Case
	err    error
}

// runInOrder plays cases with a few workers and reports them in their order.
func runInOrder(whole context.Context, cases []*scenarios.Scenario, rules scenarios.Catalogue, o Options) ([]reports.Case, error) {
	ctx, cancel := context.WithCancelCause(whole)
	defer cancel(nil)
	outcomes := make([]chan outcome, len(cases))
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1) // nobody waits to deliver one
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	var failed atomic.Bool
	next := make(chan int)
	for range min(o.workers(), len(cases)) {
		wg.Go(func() { // ends when next is closed
			for i := range next {
				judged, err := runKnown(ctx, cases[i], rules, o)
				failed.CompareAndSwap(false, judged.Verdict == reports.Fail)
				outcomes[i] <- outcome{judged, err}
			}
		})
	}
	wg.Go(func() {
		defer close(next)
		for i, c := range cases {
			switch {
			case ctx.Err() != nil:
				outcomes[i] <- outcome{err: ctx.Err()}
			case o.FailFast && failed.Load():
				outcomes[i] <- outcome{judged: unplayed(c, reports.Skip, "not played: an earlier case failed")}
			default:
				next <- i
			}
		}
	})
	return o.collect(whole, cases, outcomes, cancel)
}

// workers is how many cases are played at once.
func (o Options) workers() int {
	switch {
	case o.Jobs > 0:
		return o.Jobs
	case o.Onward != nil:
		return 1 // two cases may have profiles of one name, and the receiver is one
	case o.Through == OnTheWall:
		return 64 // they wait most of the time
	case o.Through == Serve:
		return 32 // each has a process
	}
	return runtime.NumCPU()
}

// collect takes the outcomes in the order of the cases. After an error the
// rest need not be played to the end. Where whole is done the error is its own, and
// what was not played is inconclusive.
func (o Options) collect(whole context.Context, cases []*scenarios.Scenario, outcomes []chan outcome, cancel context.CancelCauseFunc) ([]reports.Case, error) {
	var judged []reports.Case
	var interrupted error
	for i, c := range outcomes {
		out := <-c
		switch {
		case out.err != nil && whole.Err() != nil:
			interrupted = whole.Err()
			judged = append(judged, unplayed(cases[i], reports.Inconclusive, Interrupted))
			continue
		case out.err != nil:
			cancel(out.err)
			return judged, out.err
		}
		judged = append(judged, out.judged)
		if o.Progress != nil {
			o.Progress(out.judged)
		}
	}
	return judged, interrupted
}

// Interrupted is the reason of a case that was not played to its end.
const Interrupted = "the run was interrupted"

// stale is a failed case for every line of the list of known failures that
// matches nothing.
func stale(known *scenarios.KnownFailing) []reports.Case {
	var out []reports.Case
	for _, p := range known.Stale() {
		out = append(out, reports.Case{ID: fmt.Sprintf("known-failing:%d", p.Pos.Line), Title: "A line of the list of known failures is stale", File: p.Pos.File, Line: p.Pos.Line,
			Verdict: reports.Fail, Checks: []reports.Check{{Verdict: reports.Fail, Title: p.Message, Fix: p.Hint, File: p.Pos.File, Line: p.Pos.Line, Column: p.Pos.Column}}})
	}
	return out
}

func unplayed(sc *scenarios.Scenario, verdict reports.Verdict, why string) reports.Case {
	return reports.Case{ID: sc.ID, Title: sc.Title, File: sc.Pos.File, Line: sc.Pos.Line, Rules: sc.Rules, Verdict: verdict, Reason: why}
}

// runKnown plays one case and turns its verdict around where it is known to
// fail.
func runKnown(ctx context.Context, sc *scenarios.Scenario, rules scenarios.Catalogue, o Options) (reports.Case, error) {
	c, err := runRepeatedly(ctx, sc, rules, o)
	at, listed := o.Known.Match(sc.ID)
	if err != nil || !listed {
		return c, err
	}
	switch c.Verdict {
	case reports.Fail:
		// Nothing of it counts for a rule; what failed stays to be read in -v.
		c.Verdict, c.Reason = reports.Skip, fmt.Sprintf("known to fail: %s:%d", at.File, at.Line)
		for i := range c.Checks {
			c.Checks[i].Verdict = reports.Skip
		}
	case reports.Pass:
		c.Verdict = reports.Fail
		c.Checks = append(c.Checks, reports.Check{Verdict: reports.Fail, Title: "the case is known to fail, and passes",
			Fix: "remove it from the list", File: at.File, Line: at.Line, Column: at.Column})
	}
	return c, nil
}

// runRepeatedly plays one case as often as asked; the first that does not pass
// counts. In virtual time a recording that differs from the first is a failure
// of the simulation, whatever the verdicts say.
func runRepeatedly(ctx context.Context, sc *scenarios.Scenario, rules scenarios.Catalogue, o Options) (reports.Case, error) {
	first, recorded, err := runOne(ctx, sc, rules, o)
	for n := 2; err == nil && n <= o.Repeat && first.Verdict == reports.Pass; n++ {
		var again reports.Case
		var lines []recording.Line
		if again, lines, err = runOne(ctx, sc, rules, o); err != nil {
			break
		}
		if again.Verdict != reports.Pass {
			again.Title += fmt.Sprintf(" (time %d of %d)", n, o.Repeat)
			return again, nil
		}
		if o.simulated() && !same(recorded, lines) {
			first.Verdict = reports.Fail
			first.Checks = append(first.Checks, reports.Check{Verdict: reports.Fail, Title: fmt.Sprintf("the recording of time %d differs from the first", n),
				Fix: "report it: the simulation is not deterministic", File: sc.Pos.File, Line: sc.Pos.Line, Column: sc.Pos.Column})
		}
		first.DurationMs += again.DurationMs
	}
	return first, err
}

func same(a, b []recording.Line) bool {
	var x, y bytes.Buffer
	if recording.Write(&x, a) != nil || recording.Write(&y, b) != nil {
		return false
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}

// runOne plays one case, writes its recording, and judges it.
func runOne(ctx context.Context, sc *scenarios.Scenario, rules scenarios.Catalogue, o Options) (reports.Case, []recording.Line, error) {
	if o.Seed != nil {
		sc = sc.WithSeed(*o.Seed)
	}
	began := time.Now()
	sc, lines, err := o.play(ctx, sc)
	var skip cannot
	switch {
	case ctx.Err() != nil:
		return reports.Case{}, nil, ctx.Err()
	case errors.As(err, &skip):
		return unplayed(sc, reports.Skip, string(skip)), nil, nil
	case errors.Is(err, errStore):
		return reports.Case{}, nil, err
	case err != nil:
		return check.Unplayed(sc, err), nil, nil
	}
	if o.OutDir != "" {
		if err := writeRecording(o.OutDir, sc.ID, lines); err != nil {
			return reports.Case{}, nil, err
		}
	}
	c, err := o.judge(ctx, sc, rules, lines)
	if err != nil {
		return reports.Case{}, nil, err
	}
	c.DurationMs = float64(time.Since(began).Microseconds()) / 1000
	return c, lines, nil
}

// judge judges a recording, and what a receiver of somebody else's holds afterwards.
func (o Options) judge(ctx context.Context, sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line) (reports.Case, error) {
	if o.Onward == nil {
		return check.Judge(sc, rules, lines), nil
	}
	stored, err := o.Onward.stored(ctx, sc, lines)
	return check.JudgeReceiver(sc, rules, lines, stored), err
}

// writeRecording writes <dir>/recordings/<case>.jsonl, whole or not at all. It is
// for its owner alone: bodies hold what profiles hold.
func writeRecording(dir, id string, lines []recording.Line) (err error) {
	path := filepath.Join(dir, "recordings", filepath.FromSlash(id)+".jsonl")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".recording-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(recording.Write(f, lines), f.Chmod(0o600), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
