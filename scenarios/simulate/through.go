package simulate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Through is the engine that cases are played through.
type Through string

// The senders through which cases can be played.
const (
	Simulation Through = "simulation" // virtual time, one event after the other
	OnTheWall  Through = "wall"       // the same driver on TCP and real waits
	Serve      Through = "serve"      // the binary with its store, driven by its API
)

// Throughs are all of them.
var Throughs = []Through{Simulation, OnTheWall, Serve}

// cannot is why a case is skipped that another engine can play.
type cannot string

func (c cannot) Error() string { return string(c) }

// errStore is the error of a store that cannot be opened or closed.
var errStore = errors.New("store")

func (o Options) simulated() bool { return o.Through == "" || o.Through == Simulation }

// play plays a case through what was chosen. It returns the scenario as it was
// played: on the wall clock it may have another start.
func (o Options) play(ctx context.Context, sc *scenarios.Scenario) (*scenarios.Scenario, []recording.Line, error) {
	if o.simulated() {
		lines, err := o.simulate(ctx, sc, Virtual)
		return sc, lines, err
	}
	l := o.lengths[sc.ID]
	if l.err != nil {
		return sc, nil, l.err
	}
	if o.Onward != nil {
		return o.playOnward(ctx, sc, l)
	}
	if o.Through == OnTheWall {
		lines, err := o.simulate(ctx, sc, Wall)
		return sc, lines, err
	}
	return playServed(ctx, sc, o.Serving, l.lasts)
}

// simulate plays a case with a store of its own.
func (o Options) simulate(ctx context.Context, sc *scenarios.Scenario, clock Clock) ([]recording.Line, error) {
	s, err := o.NewStore()
	if err != nil {
		return nil, fmt.Errorf("%w for %s: %w", errStore, sc.ID, err)
	}
	lines, err := PlayOn(ctx, sc, Setting{Clock: clock, Store: s, Shards: o.Shards, Onward: o.onward(clock)})
	if closed := s.Close(); closed != nil {
		return nil, fmt.Errorf("%w of %s: %w", errStore, sc.ID, closed)
	}
	return lines, err
}

// onward is the receiver that a case is played to, on the wall clock alone: in virtual
// time it is only measured how long the case lasts.
func (o Options) onward(clock Clock) *Onward {
	if clock != Wall {
		return nil
	}
	return o.Onward
}

// length is how long a case lasts in virtual time, and why it cannot be played on
// the wall clock.
type length struct {
	lasts time.Duration
	reach reach // where it is played to a receiver
	err   error
}

// measured plays every case in virtual time, before any is played on the wall
// clock: there what others compute would be waited for.
func (o Options) measured(ctx context.Context, cases []*scenarios.Scenario) map[string]length {
	out := map[string]length{}
	if o.simulated() || o.Through == OnTheWall && o.Longest == 0 && o.Onward == nil {
		return out // whatever it takes
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan *scenarios.Scenario)
	for range runtime.NumCPU() {
		wg.Go(func() { // ends when next is closed
			for sc := range next {
				l := o.measure(ctx, sc)
				mu.Lock()
				out[sc.ID] = l
				mu.Unlock()
			}
		})
	}
	for _, sc := range cases {
		next <- sc
	}
	close(next)
	wg.Wait()
	return out
}

func (o Options) measure(ctx context.Context, sc *scenarios.Scenario) length {
	if o.Seed != nil {
		sc = sc.WithSeed(*o.Seed)
	}
	if o.Onward != nil {
		var err error
		if sc, err = o.Onward.scenario(sc); err != nil {
			return length{err: err}
		}
	}
	lines, err := o.simulate(ctx, sc, Virtual)
	if err != nil {
		return length{err: err}
	}
	lasts := lines[len(lines)-1].End.At.Sub(sc.Start)
	why := TooClose(sc)
	switch {
	case o.Longest > 0 && lasts >= o.Longest:
		return length{err: cannot(fmt.Sprintf("lasts %s, and the limit is %s", lasts.Round(time.Second), o.Longest))}
	case why == "" && o.Through == Serve:
		why = notServed(sc, configure(sc), lasts)
	}
	if why != "" {
		return length{err: cannot(why)}
	}
	l := length{lasts: lasts}
	if o.Onward != nil {
		l.reach = reachOf(sc, lines)
		if why := l.reach.lacks(lines[len(lines)-1].End.Faults); why != "" {
			l.err = cannot(why)
		}
	}
	return l
}

// margin is how near two things may be planned of which the one or the other comes
// first: on a busy machine a timer cannot tell them apart.
const margin = 250 * time.Millisecond

// TooClose is why only virtual time can tell what comes of a case, "" where the
// wall clock can as well.
func TooClose(sc *scenarios.Scenario) string {
	for _, part := range sc.Split() {
		if why := tooClose(part); why != "" {
			return why
		}
	}
	return ""
}

// tooClose is TooClose for one dataflow.
func tooClose(sc *scenarios.Scenario) string {
	var before time.Duration // of the decision request before
	for i := range sc.Endpoint.Faults {
		f := &sc.Endpoint.Faults[i]
		late := []time.Duration{f.Latency, f.SlowBody}
		if f.On == fault.Decision {
			late = append(late, before+f.Latency)
			before = f.Latency
		}
		for _, at := range late {
			if at > 0 && (at-engine.Budget).Abs() < margin {
				return "an answer is planned too close to 2s to be distinguished from a late one"
			}
		}
		for j := range sc.History {
			step := &sc.History[j]
			for _, edge := range []time.Duration{f.From, f.Until} {
				if edge > 0 && step.At < edge && edge-step.At < margin {
					return fmt.Sprintf("a step is planned too close before %s, at which a fault begins or ends", edge)
				}
			}
			together := step.Profiles.Len() > 1 || j > 0 && sc.History[j-1].At == step.At
			if f.Rate > 0 && together {
				return "which of several requests at one moment a rate limit lets through depends on which comes first"
			}
		}
	}
	return ""
}
