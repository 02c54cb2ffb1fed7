package simulate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Options say how cases are played.
type Options struct {
	Seed     *uint64                     // overrides the seed of every scenario
	Shards   int                         // decider shards; 0 means 1. The recording does not depend on it
	Jobs     int                         // cases played at once; 0 means one per CPU
	OutDir   string                      // <OutDir>/recordings/<case>.jsonl; "" writes none
	NewStore func() (store.Store, error) // one store per case
	Progress func(reports.Case)          // called once per case, in the order of the cases
	Version  string                      // of httpdest, for the report
}

// RunAll plays and judges the cases and returns the report of kind "run". A
// failed case is not an error; an error is what kept the run from being judged
// at all. When ctx ends first, the report of the cases played so far comes
// with its error.
func RunAll(ctx context.Context, cases []*scenarios.Scenario, rules scenarios.Catalogue, o Options) (*reports.Report, error) {
	began := time.Now()
	judged, err := runInOrder(ctx, cases, rules, o)
	report := check.Summarise("run", rules, judged)
	report.Metrics = map[string]float64{"wallSeconds": time.Since(began).Seconds()}
	report.Environment = reports.Environment{Version: o.Version, Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	switch {
	case o.Seed != nil:
		report.Environment.Seed = *o.Seed
	case len(cases) > 0:
		report.Environment.Seed = cases[0].Seed
	}
	return report, err
}

// runInOrder plays cases with a few workers and reports them in their order.
func runInOrder(ctx context.Context, cases []*scenarios.Scenario, rules scenarios.Catalogue, o Options) ([]reports.Case, error) {
	if o.Jobs < 1 {
		o.Jobs = runtime.NumCPU()
	}
	type outcome struct {
		judged reports.Case
		err    error
	}
	outcomes := make([]chan outcome, len(cases))
	for i := range outcomes {
		outcomes[i] = make(chan outcome, 1)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	defer wg.Wait()
	next := make(chan int)
	for range min(o.Jobs, len(cases)) {
		wg.Go(func() { // ends when next is closed
			for i := range next {
				judged, err := runOne(ctx, cases[i], rules, o)
				outcomes[i] <- outcome{judged, err}
			}
		})
	}
	wg.Go(func() {
		defer close(next)
		for i := range cases {
			select {
			case next <- i:
			case <-ctx.Done():
				outcomes[i] <- outcome{err: ctx.Err()}
			}
		}
	})
	var judged []reports.Case
	for _, c := range outcomes {
		out := <-c
		if out.err != nil {
			cancel(out.err) // the others need not be played to the end
			return judged, out.err
		}
		judged = append(judged, out.judged)
		if o.Progress != nil {
			o.Progress(out.judged)
		}
	}
	return judged, nil
}

// runOne plays one case, writes its recording, and judges it.
func runOne(ctx context.Context, sc *scenarios.Scenario, rules scenarios.Catalogue, o Options) (reports.Case, error) {
	if o.Seed != nil {
		sc = sc.WithSeed(*o.Seed)
	}
	began := time.Now()
	s, err := o.NewStore()
	if err != nil {
		return reports.Case{}, fmt.Errorf("store for %s: %w", sc.ID, err)
	}
	lines, err := Play(ctx, sc, s, o.Shards)
	if err := errors.Join(ctx.Err(), s.Close()); err != nil {
		return reports.Case{}, err
	}
	if err != nil {
		return check.Unplayed(sc, err), nil
	}
	if o.OutDir != "" {
		if err := writeRecording(o.OutDir, sc.ID, lines); err != nil {
			return reports.Case{}, err
		}
	}
	c := check.Judge(sc, rules, lines)
	c.DurationMs = float64(time.Since(began).Microseconds()) / 1000
	return c, nil
}

// writeRecording writes <dir>/recordings/<case>.jsonl, whole or not at all.
func writeRecording(dir, id string, lines []recording.Line) (err error) {
	path := filepath.Join(dir, "recordings", filepath.FromSlash(id)+".jsonl")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
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
	if err := errors.Join(recording.Write(f, lines), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
