package loadtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// The shortcut of a virtual load, which has no profiles, no bodies and no
// recording, gives what the simulation of a scenario gives on the model wire:
// three hundred exports at once, ten at a time, an outage among them.
func TestVirtualIsTheSimulation(t *testing.T) {
	sc, err := scenarios.Parse("load.yaml", []byte(`
title: three hundred exports at once
rules: [trig-enter]
audiences: {a: {}}
dataflow: {audiences: [a], attributes: [person.name]}
profiles:
  p-{1..300}: {attributes: {person: {name: {firstName: Emmett}}}}
endpoint:
  faults:
    - {from: 1h0m0.5s, until: 1h0m0.9s, status: 503, latency: 40ms}
    - {latency: 40ms}
history: [{at: 1h, profiles: "p-{1..300}", qualify: a}]
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := simulate.PlayOn(context.Background(), sc, simulate.Setting{Wire: simulate.Model, Store: memory.New()})
	if err != nil {
		t.Fatal(err)
	}
	want, attempts := NewHistogram(), int64(0)
	for _, l := range lines {
		if l.Attempt == nil {
			continue
		}
		attempts++
		if l.Attempt.Outcome == "200" {
			want.Record(l.Attempt.EndedAt.Sub(sc.Start.Add(time.Hour)))
		}
	}
	got, err := Virtual{Pace: Trace("at once", make([]time.Duration, 300)), Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: 10},
		Receiver: VirtualReceiver{Latency: model.Fixed(0.04)}, Outage: &Outage{500 * time.Millisecond, 400 * time.Millisecond, Unavailable},
	}.Run(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Distribution(), got.DeliveryLatency); diff != "" {
		t.Errorf("latencies (-simulation +virtual):\n%s", diff)
	}
	if n := got.Attempts().Count; n != attempts || attempts < 380 {
		t.Errorf("%d attempts; the simulation had %d", n, attempts)
	}
}

// hour is an hour of updates for a receiver of 500 a second by twenty sockets
// of 40 ms each, at a two-hundredth: one socket, 400 ms.
func hour(rate float64) Virtual {
	return Virtual{Pace: Constant(rate/200, time.Hour), Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: 1},
		Receiver: VirtualReceiver{Latency: model.Fixed(0.4)}}
}

// 800 a second for an hour miss the documented objective, 450 hold it.
func TestOverload(t *testing.T) {
	volume(t)
	for rate, want := range map[float64]reports.Verdict{800: reports.Fail, 450: reports.Pass} {
		l, err := hour(rate).Run(context.Background(), []Objective{Documented()})
		if err != nil {
			t.Fatal(err)
		}
		if got := Verdict(l); got != want {
			t.Errorf("%v/s: %s, %+v", rate, got, l.Objectives)
		}
	}
}

// A receiver of so many servers queues what is more, and answers to nobody
// what waited too long.
func TestVirtualReceiverQueues(t *testing.T) {
	v := Virtual{Pace: Trace("at once", make([]time.Duration, 100)), Settings: engine.Settings{Policy: retry.Policy{}, MaxInFlight: 100},
		Receiver: VirtualReceiver{Latency: model.Fixed(0.05), Servers: 2}}
	l, err := v.Run(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	// Two at a time: the pair k is answered after k times 50 ms, 40 pairs in time.
	if l.Delivered.Count != 80 || l.Failed.Count != 20 || !near(l.DeliveryLatency.P50Ms, 1000, 1) || l.Outcomes[1].Outcome != "timeout" {
		t.Errorf("%d delivered, %d lost, p50 %v ms, %+v", l.Delivered.Count, l.Failed.Count, l.DeliveryLatency.P50Ms, l.Outcomes)
	}
}

// The effects of an outage: how many requests met it, how many exports were
// lost, when it was over.
func TestOutage(t *testing.T) {
	v := Virtual{Pace: Constant(2, 20*time.Minute), Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: 1},
		Receiver: VirtualReceiver{Latency: model.Fixed(0.1)}}
	for _, tt := range []struct {
		outage Outage
		want   reports.Outage
	}{
		// Refused at once: what came more than 45 s before its end is lost.
		{Outage{5 * time.Minute, 2 * time.Minute, Refusing}, reports.Outage{AtSeconds: 300, Seconds: 120, Fired: 600, PeakBacklog: 90, Lost: 150, DrainSeconds: 28, Drained: true}},
		// Nothing answers: the sockets are busy with waiting, so most waits here.
		{Outage{5 * time.Minute, 15 * time.Minute, Stalled}, reports.Outage{AtSeconds: 300, Seconds: 900, Fired: 450, PeakBacklog: 1791, Lost: 9, DrainSeconds: 172, Drained: true,
			Breached: true, Recovered: true}},
	} {
		v.Outage = &tt.outage
		l, err := v.Run(context.Background(), []Objective{Documented()})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, *l.Outage); diff != "" {
			t.Errorf("%+v:\n%s", tt.outage, diff)
		}
	}
	v.Outage = &Outage{time.Hour, time.Minute, Stalled}
	l, err := v.Run(context.Background(), []Objective{Documented()})
	if err != nil || Verdict(l) != reports.Inconclusive || !strings.Contains(strings.Join(l.Doubts, ""), "outage") {
		t.Errorf("an outage after the end: %s, %v, %v", Verdict(l), l.Doubts, err)
	}
}

// A run that is stopped has a report of what there was.
func TestVirtualIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	l, err := hour(10).Run(ctx, []Objective{Documented()})
	if !errors.Is(err, context.Canceled) || !l.Interrupted || l.Objectives[0].Verdict != reports.Inconclusive {
		t.Errorf("%v, %+v", err, l)
	}
}
