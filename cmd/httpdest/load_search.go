package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// searchFlags are those of load --search.
type searchFlags struct {
	on       bool
	from, to float64
	warmUp   time.Duration
	rest     time.Duration
}

func (f *searchFlags) add(s *pflag.FlagSet) {
	s.BoolVar(&f.on, "search", false, "find the highest rate that holds the objectives; --for is the length of each trial (default 10s, through the engine 1m)")
	s.Float64Var(&f.from, "from", 10, "first rate of a search")
	s.Float64Var(&f.to, "to", 20_000, "rate that a search does not go beyond")
	s.DurationVar(&f.warmUp, "warm-up", 2*time.Second, "load before each trial, of which nothing counts")
	s.DurationVar(&f.rest, "rest", loadtest.DefaultRest, "time that the receiver has after each trial to answer as at rest")
}

// check gives a search the rates that safety and the pace need to know.
func (f searchFlags) check(all *loadFlags) error {
	if !f.on {
		return nil
	}
	if !between(1e-3, f.from, fastest) || !between(f.from, f.to, fastest) || f.warmUp < 0 {
		return failure{exitUsage, errors.New("a search goes from a rate to a higher one"), "give --from above 0, and --to above it, at most a million"}
	}
	if f.rest < time.Second {
		return failure{exitUsage, fmt.Errorf("--rest %s is too short to recover", f.rest), "give a second or more"}
	}
	if all.pace != "constant" {
		return failure{exitUsage, errors.New("--search has a pace of its own"), "leave --pace out"}
	}
	all.rate = f.to
	if all.engine.on {
		return f.checkThrough(all)
	}
	// An objective that the user gave must matter: errors<1% is always there.
	if named, err := all.named(); err == nil && len(named) > 0 {
		if err := loadtest.Holdable(named); err != nil {
			return failure{exitUsage, err, "give --slo about the receiver, such as response.p99<500ms or errors<1%"}
		}
	}
	if !all.lengthGiven {
		all.length = 10 * time.Second
	}
	return nil
}

// checkThrough checks what only a search through the engine asks for.
func (f searchFlags) checkThrough(all *loadFlags) error {
	if !all.lengthGiven {
		all.length = time.Minute
	}
	switch {
	case all.length <= loadtest.RetriesTake():
		return failure{exitUsage, fmt.Errorf("a trial of %s ends before its retries, which come until %s after a failure: every rate would seem to hold", all.length, loadtest.RetriesTake()), "give --for 1m, or longer"}
	case all.engine.drain <= loadtest.RetriesTake():
		return failure{exitUsage, fmt.Errorf("a --drain of %s ends before the last retry, which comes %s after a failure: every failure would be the limit", all.engine.drain, loadtest.RetriesTake()), "leave --drain out, or give 1m and more"}
	case all.engine.outage != "":
		return failure{exitUsage, errors.New("--search wants a receiver that is there: an outage would be the limit"), "leave --outage out"}
	case all.engine.several():
		return failure{exitUsage, errors.New("--search is about one dataflow: what several hold together is not one rate"), "have one dataflow: leave --dataflows out"}
	}
	return nil
}

// run searches by trials, and says before each what it is.
func (f searchFlags) run(ctx context.Context, a *app, x loading, samples int64, trial loadtest.Trial, resting *loadtest.Resting) (*reports.Load, error) {
	limit := uint64(0)
	if x.flags.requestsGiven || !ours(x.target.host) {
		limit = x.flags.maxRequests
	}
	return loadtest.Search{From: f.from, To: f.to, Length: x.pace.Duration(), WarmUp: f.warmUp, Samples: samples, Requests: limit, Resting: resting, Trial: func(ctx context.Context, rate float64, length time.Duration) (*loadtest.Trialled, error) {
		x.progress.begin(length)
		if !x.flags.quiet {
			fmt.Fprintf(a.stderr, "httpdest: %s for %s …\n", loadtest.RateText(rate), length)
		}
		return trial(ctx, rate, length)
	}}.Run(ctx)
}

// through searches through the engine, in virtual time or with a store for each
// trial, below --data where that is given.
func (f searchFlags) through(ctx context.Context, a *app, x loading) (*reports.Load, error) {
	samples := loadtest.SamplesFor(loadtest.Pipeline, x.objectives)
	if x.through.clock == "virtual" {
		v, err := x.inVirtualTime()
		if err != nil {
			return nil, err
		}
		return f.run(ctx, a, x, samples, v.Trial(x.objectives), nil) // each has a receiver of its own
	}
	base, n := x.through.data, 0
	if err := x.through.empty(); err != nil {
		return nil, err
	}
	single, err := x.target.attack(x.pace, x.flags, nil)
	if err != nil {
		return nil, err
	}
	run := x.driven(x.target, nil)
	run.Objectives, run.Progress = x.objectives, x.progress.callback(0)
	return f.run(ctx, a, x, samples, run.Trial(f.warmUp, func() (store.Store, func() error, error) {
		own := x.through
		if n++; base != "" {
			own.data = filepath.Join(base, fmt.Sprintf("trial-%d", n))
		}
		s, remove, err := own.open()
		if base == "" || err != nil {
			return s, remove, err
		}
		return s, func() error { return os.RemoveAll(own.data) }, nil
	}), single.Resting(f.rest))
}

// refusedHint is what to do about a receiver that answers every request with the
// same outcome.
func refusedHint(outcome string) string {
	switch outcome {
	case "401", "403":
		return "give the credentials that it wants: --bearer '${TOKEN}', --headers, --query, or --config FILE with destination.auth for OAuth 2; --cert and --key for mTLS"
	case "404", "405", "410":
		return "see that the URL has the path to which the receiver takes POST"
	case "refused":
		return "see that the receiver is there and listens at this address"
	case "timeout":
		return "see that the receiver answers within 2 s when it is at rest"
	}
	return "`httpdest probe URL` reports the messages that the receiver refuses, and why"
}
