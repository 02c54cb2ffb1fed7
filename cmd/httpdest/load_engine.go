package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// engineFlags are those of load --through-engine.
type engineFlags struct {
	on          bool
	store, data string
	drain       time.Duration
	sockets     int
	clock       string
	outage      string
	outageKind  string
	dataflows   int
	noisy       string
	backfill    backfillFlags
	configured  int // dataflows of --config
}

// several reports whether the engine has more than one dataflow.
func (f engineFlags) several() bool { return f.on && (f.dataflows > 1 || f.configured > 1) }

func (f *engineFlags) add(s *pflag.FlagSet) {
	s.BoolVar(&f.on, "through-engine", false, "drive profile updates into the engine, and follow each to its delivery")
	s.StringVar(&f.store, "store", "local", "of the engine: local, durable; or memory, to compare")
	s.StringVar(&f.data, "data", "", "folder of the local store, which must be new (default: one that is removed)")
	s.DurationVar(&f.drain, "drain", 2*time.Minute, "how long deliveries may go on after the last update; what is unfinished then makes the run inconclusive")
	s.IntVar(&f.sockets, "sockets", 0, "attempts under way at once (default: maxInFlight of the configuration, or 64)")
	s.StringVar(&f.clock, "time", "wall", "clock: wall, or virtual for mock: a receiver that is a function, and with --through-engine the engine's dispatcher")
	s.StringVar(&f.outage, "outage", "", "mock is dead for a time, LENGTH@WHEN: 15m@5m")
	s.StringVar(&f.outageKind, "outage-kind", string(loadtest.Stalled), "how a dead receiver shows itself: stall, refuse or 503")
	s.IntVar(&f.dataflows, "dataflows", 1, "dataflows of the engine, each with a mock of its own; every update is for all of them, and of two and more the last is the noisy one")
	s.StringVar(&f.noisy, "noisy", "", "what the receiver of the last of several dataflows is: dead, or slow (default: dead with --dataflows)")
	f.backfill.add(s)
}

// engineLoad is what the flags come to.
type engineLoad struct {
	engineFlags
	broken  *loadtest.Outage
	mapping *loadtest.Backfill // nil: no audience is mapped during the load
}

// check checks them before anything begins.
func (f engineFlags) check(to string) (e engineLoad, err error) {
	if e.engineFlags = f; f.dataflows > 1 && f.noisy == "" {
		e.noisy = "dead"
	}
	if f.outage != "" {
		if e.broken, err = loadtest.ParseOutage(f.outage, loadtest.OutageKind(f.outageKind)); err != nil {
			return e, usage("--outage", err)
		}
	}
	if e.mapping, err = f.backfill.check(); err != nil {
		return e, err
	}
	virtual := f.clock == "virtual"
	switch {
	case f.clock != "wall" && !virtual:
		return e, failure{exitUsage, fmt.Errorf("--time %q", f.clock), "give wall or virtual"}
	case f.store != "local" && f.store != "memory":
		return e, failure{exitUsage, fmt.Errorf("--store %q", f.store), "give local or memory"}
	case !f.on && e.broken != nil:
		return e, failure{exitUsage, errors.New("--outage is about deliveries"), "give --through-engine too"}
	case to != "mock" && (virtual || e.broken != nil):
		return e, failure{exitUsage, errors.New("--time virtual and --outage work only with the built-in mock"), "give mock"}
	case f.dataflows < 1 || f.dataflows > 20:
		return e, failure{exitUsage, fmt.Errorf("--dataflows %d", f.dataflows), "give a number from 1 to 20"}
	case f.noisy != "" && f.noisy != "dead" && f.noisy != "slow":
		return e, failure{exitUsage, fmt.Errorf("--noisy %q", f.noisy), "give dead or slow"}
	case f.several() && (to != "mock" || virtual || e.broken != nil):
		return e, failure{exitUsage, errors.New("several dataflows go through the engine to mock, on the wall clock and without an outage"), "give mock and --through-engine, and leave --time and --outage out"}
	case f.several() && e.noisy != "" && f.data != "":
		return e, failure{exitUsage, errors.New("with a noisy dataflow there are two runs, each with a new store"), "leave --data out"}
	case f.sockets < 0 || f.sockets > 10_000 || f.drain < 0:
		return e, failure{exitUsage, errors.New("--sockets is from 1 to 10000, --drain a time"), "leave them out"}
	}
	return e, nil
}

// drainAtMost is how long a load may go on after its end.
func (e engineLoad) drainAtMost() time.Duration {
	if !e.on {
		return 0 // within the budget of what is under way
	}
	return e.drain
}

// inVirtualTime is the engine's dispatcher before a receiver as mock is one.
func (x loading) inVirtualTime() (v loadtest.Virtual, err error) {
	mock, err := x.flags.mock.settings(x.flags.seed, "")
	if err != nil {
		return v, err
	}
	latency := model.Fixed(0)
	if mock.Latency != nil {
		latency = *mock.Latency
	}
	return loadtest.Virtual{Pace: x.pace, Seed: x.flags.seed, Settings: x.target.settings, Profiles: x.flags.profiles, Progress: x.progress.callback(0), Outage: x.through.broken, Backfill: x.through.mapping, Drain: x.through.drain,
		Abort: x.run.abort, Offer: x.run.offer(x.flags.seed), Receiver: loadtest.VirtualReceiver{Latency: latency, Errors: mock.Errors, Rate: mock.Rate}}, nil
}

// virtualAlone plays a load on mock without the engine, or searches by such loads.
func (x loading) virtualAlone(ctx context.Context, a *app) (*reports.Load, error) {
	v, err := x.inVirtualTime()
	if err != nil {
		return nil, err
	}
	target := loadtest.NewVirtualTarget(v.Receiver, v.Seed)
	attack := loadtest.VirtualAttack{Pace: x.pace, Target: target, Objectives: x.objectives, Progress: x.progress.callback(0), Abort: v.Abort, Offer: v.Offer}
	if f := x.flags.search; f.on {
		return f.run(ctx, a, x, loadtest.SamplesFor(loadtest.Receiver, x.objectives), attack.Trial(f.warmUp), target.Resting(f.rest))
	}
	return attack.Run(ctx)
}

// virtual plays it.
func (x loading) virtual(ctx context.Context) (*reports.Load, error) {
	v, err := x.inVirtualTime()
	if err != nil {
		return nil, err
	}
	l, err := v.Run(ctx, x.objectives)
	if errors.Is(err, context.Canceled) {
		err = nil // the report says so
	}
	return l, err
}

// wall drives the live engine.
func (x loading) wall(ctx context.Context) (l *reports.Load, err error) {
	s, remove, err := x.through.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close(), remove()) }()
	run := x.driven(x.target, s)
	run.Objectives, run.Progress = x.objectives, x.progress.callback(0)
	return run.Run(ctx)
}

// driven is the drive of one dataflow.
func (x loading) driven(t *loadTarget, s store.Store) loadtest.Through {
	run := loadtest.Through{Pace: x.pace, Workers: x.flags.workers, Population: t.population, Settings: t.settings, Configuration: t.service.Configuration, Store: s, StoreName: x.through.store, Perform: t.wire.Perform,
		To: t.name, Drain: x.through.drain, Outage: x.through.broken, Backfill: x.through.mapping, Backlog: 1_000_000,
		Abort: x.run.abort, Watch: x.run.watch, Start: x.run.start, Offer: x.run.offer(x.flags.seed)}
	if t.mock != nil {
		run.Break, run.Broken = t.mock.Break, t.mock.Broken
		run.Note = "the receiver is in the same process, and its CPU time with it"
	}
	return run
}

// open opens the store; remove takes away what was made for this run alone.
func (e engineLoad) open() (s store.Store, remove func() error, err error) {
	remove = func() error { return nil }
	dir := e.data
	if e.store == "local" && dir == "" {
		if dir, err = os.MkdirTemp("", "httpdest-load-*"); err != nil {
			return nil, nil, failure{exitUsage, err, "give --data DIR, or --store memory"}
		}
		remove = func() error { return os.RemoveAll(dir) }
	} else if err := e.empty(); err != nil {
		return nil, nil, err
	}
	s, err = serveFlags{store: e.store, data: dir}.openStore(func(string, int64, int64) {}, nil)
	if err != nil {
		return nil, nil, storeFailure(errors.Join(err, remove()))
	}
	return s, remove, nil
}

// empty refuses a folder that something is in.
func (e engineLoad) empty() error {
	if entries, err := os.ReadDir(e.data); e.store == "local" && e.data != "" && err == nil && len(entries) > 0 {
		return failure{exitUsage, fmt.Errorf("%s is not empty", e.data), "give --data a new folder: what is undelivered there would be sent"}
	}
	return nil
}
