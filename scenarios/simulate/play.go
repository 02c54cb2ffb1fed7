// Package simulate plays scenarios: the real engine against the real mock
// endpoint, over real HTTP and TLS bytes, in virtual time. It translates
// between their words and writes the recording; it judges nothing.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Play plays one scenario with the given store and number of decider shards
// and returns its recording. A run that could not be played to its end has a
// recording that says so; the error is for what has no recording: a
// configuration the engine refuses, or ctx done.
func Play(ctx context.Context, sc *scenarios.Scenario, s store.Store, shards int) ([]recording.Line, error) {
	d, endpoint, plan, err := newDriver(sc, s, shards)
	if err != nil {
		return nil, err
	}
	listener := d.wire.net.Listen(net.JoinHostPort(receiverHost, port(d.sender)))
	served := make(chan error, 1)
	go func() { served <- endpoint.Serve(listener) }()

	played := d.play(ctx)
	pending := pendingIDs(d.dispatcher)
	// From here on only ends are tied up; nothing is recorded any more.
	d.wire.abandon()
	d.sender.Close()
	_ = listener.Close()
	if err := errors.Join(endpoint.Close(), <-served); err != nil {
		return nil, fmt.Errorf("mock endpoint: %w", err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var inconclusive stuck
	if played != nil && !errors.As(played, &inconclusive) {
		return nil, played
	}
	d.recorder.end(d.wire.now, sc.Endpoint.Faults, plan.Firings(), pending, played)
	return d.recorder.lines, nil
}

// newDriver translates the scenario and builds both ends of the wire.
func newDriver(sc *scenarios.Scenario, s store.Store, shards int) (*driver, *mockendpoint.Endpoint, *fault.Plan, error) {
	audiences, refs := directory(sc)
	flow := configuration(sc, refs)
	if err := flow.Validate(audiences); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", sc.Pos, err)
	}
	certificates, err := newPKI(sc)
	if err != nil {
		return nil, nil, nil, err
	}
	a := &agenda{}
	w := newWire(a, sc.Start)
	p := newPopulation(sc, refs, s)
	plan := faultPlan(sc)
	endpoint := mockendpoint.New(mockendpoint.Options{
		Mode: mockendpoint.Mode(sc.Endpoint.TLS), Certificate: certificates.server, ClientCAs: certificates.clients,
		Bearer: sc.Endpoint.Bearer.Reveal(), Faults: plan, Journal: w, ProfileOf: p.profileOf,
		Now: w.Now, Wait: w.wait, OnState: w.stateChanged,
	})
	sender := delivery.New(delivery.Config{
		Destination: flow.Destination, Dial: w.net.Dial, Roots: certificates.roots, Certificate: certificates.client,
		Now: w.Now, UserAgent: "httpdest",
	})
	snapshot := dataflow.NewSnapshot(flow, audiences)
	if sc.Dataflow.Activated {
		snapshot, _ = snapshot.Activate(sc.Start.Add(-mappedBefore)) // its backfill is over
	}
	d := &driver{
		scenario: sc, shards: max(1, shards), wire: w, agenda: a, population: p, flow: snapshot,
		dispatcher: engine.NewDispatcher(settings(flow, sender.Encrypted(), sender.HasCertificate())),
		sender:     sender, recorder: &recorder{secret: sc.Destination.Auth.Token.Reveal()},
	}
	d.recorder.add(recording.Line{Run: &recording.Run{
		Schema: recording.Schema, Scenario: sc.ID, Title: sc.Title, Seed: sc.Seed, Start: sc.Start, Endpoint: flow.Destination.Endpoint,
	}})
	return d, endpoint, plan, nil
}

func port(s *delivery.Sender) string {
	if s.Encrypted() {
		return "443"
	}
	return "80"
}

func pendingIDs(d *engine.Dispatcher) []string {
	var ids []string
	for _, m := range d.Pending() {
		ids = append(ids, m.ID)
	}
	slices.Sort(ids)
	return ids
}
