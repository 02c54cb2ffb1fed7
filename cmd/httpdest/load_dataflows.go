package main

import (
	"context"
	"errors"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// dataflows are those of the engine under load: what --config has, or as many like
// the one of the configuration as --dataflows asks for.
func (f loadFlags) dataflows() (parts []*scenarios.Scenario, names []string, err error) {
	sc, err := f.configuration()
	if err != nil {
		return nil, nil, err
	}
	if sc.Flows != nil {
		parts = sc.Split()
		for _, p := range parts {
			names = append(names, p.Dataflow.Key)
		}
		return parts, names, nil
	}
	for i := range f.engine.dataflows {
		if sc, err = f.configuration(); err != nil {
			return nil, nil, err
		}
		sc.Dataflow.Key = loadtest.FlowName(i)
		parts, names = append(parts, sc), append(names, sc.Dataflow.Key)
	}
	return parts, names, nil
}

// configured is how many dataflows --config has.
func (f loadFlags) configured() (int, error) {
	sc, err := f.configuration()
	if err != nil {
		return 0, err
	}
	return len(sc.Split()), nil
}

// neighbours drives an engine with several dataflows. Where the last has a bad
// receiver, it is driven without that dataflow first.
func (x loading) neighbours(ctx context.Context) (*reports.Load, error) {
	parts, names, err := x.flags.dataflows()
	if err != nil {
		return nil, err
	}
	before := -x.pace.Duration()
	return loadtest.Neighbours{Names: names, Noisy: x.through.noisy != "", Objectives: x.objectives, Make: func(count int) (loadtest.Through, func() error, error) {
		before += x.pace.Duration()
		return x.together(parts[:count], x.through.noisy != "" && count == len(parts), before)
	}}.Run(ctx)
}

// together makes an engine ready with a dataflow for each part and a mock for each,
// of which that of the last may be the noisy one.
func (x loading) together(parts []*scenarios.Scenario, noisy bool, before time.Duration) (run loadtest.Through, end func() error, err error) {
	var targets []*loadTarget
	var closed []func() error
	end = func() (err error) {
		for _, c := range closed {
			err = errors.Join(err, c())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, end())
		}
	}()
	for i, part := range parts {
		bad := noisy && i == len(parts)-1
		own := x.flags
		if bad && x.through.noisy == "slow" {
			own.mock.latency = "1900ms"
		}
		t, err := own.targetOf(part, "mock")
		if err != nil {
			return run, nil, err
		}
		targets, closed = append(targets, t), append(closed, t.close)
		if bad && x.through.noisy == "dead" {
			if err := t.mock.Break(loadtest.Outage{Length: 24 * time.Hour, Kind: loadtest.Stalled}); err != nil {
				return run, nil, err
			}
		}
	}
	s, remove, err := x.through.open()
	if err != nil {
		return run, nil, err
	}
	closed = append(closed, s.Close, remove)
	run = x.driven(targets[0], s)
	run.Progress = x.progress.callback(before)
	var flows []*dataflow.Snapshot
	for i, t := range targets {
		flows = append(flows, t.service.Flow)
		if i > 0 {
			bad := noisy && i == len(targets)-1
			run.Further = append(run.Further, loadtest.Further{Flow: t.service.Flow, Settings: t.settings, Configuration: t.service.Configuration, Perform: t.wire.Perform, To: t.name, Hopeless: bad})
		}
	}
	run.Population = targets[0].population.For(flows...)
	return run, end, nil
}
