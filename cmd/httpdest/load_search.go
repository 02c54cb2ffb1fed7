package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// searchFlags are those of load --search.
type searchFlags struct {
	on       bool
	from, to float64
	warmUp   time.Duration
}

func (f *searchFlags) add(s *pflag.FlagSet) {
	s.BoolVar(&f.on, "search", false, "find the highest rate that holds the objectives; --for is the length of each trial (default 10s)")
	s.Float64Var(&f.from, "from", 10, "first rate of a search")
	s.Float64Var(&f.to, "to", 20_000, "rate that a search does not go beyond")
	s.DurationVar(&f.warmUp, "warm-up", 2*time.Second, "load before each trial, of which nothing counts")
}

// check gives a search the rates that safety and the pace need to know.
func (f searchFlags) check(all *loadFlags) error {
	if !f.on {
		return nil
	}
	if f.from <= 0 || f.to < f.from || f.warmUp < 0 {
		return failure{exitUsage, errors.New("a search goes from a rate to a higher one"), "give --from above 0, and --to above it"}
	}
	if all.pace != "constant" {
		return failure{exitUsage, errors.New("--search has a pace of its own"), "leave --pace out"}
	}
	if objectives, err := all.objectives(); err == nil {
		if err := loadtest.Holdable(objectives); err != nil {
			return failure{exitUsage, err, "give --slo about the receiver, such as response.p99<500ms or errors<1%"}
		}
	}
	all.rate = f.to
	if !all.lengthGiven {
		all.length = 10 * time.Second
	}
	return nil
}

// run searches, and says after each trial what came of it.
func (f searchFlags) run(ctx context.Context, a *app, attack loadtest.Attack) (*reports.Load, error) {
	trial := attack.Trial(f.warmUp)
	length := attack.Pace.Duration()
	return loadtest.Search{From: f.from, To: f.to, Length: length, Samples: loadtest.SamplesFor(attack.Objectives), Trial: func(ctx context.Context, rate float64, length time.Duration) (*loadtest.Trialled, error) {
		fmt.Fprintf(a.stderr, "httpdest: %.4g/s for %s …\n", rate, length)
		return trial(ctx, rate, length)
	}}.Run(ctx)
}
