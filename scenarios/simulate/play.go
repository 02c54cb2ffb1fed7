// Package simulate plays scenarios: the real engine against the real mock
// endpoint, over real HTTP and TLS bytes, in virtual time or on the wall clock.
// It translates between their words and writes the recording; it judges
// nothing.
package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Clock is the time a scenario is played in.
type Clock string

// The clocks. On the wall clock the wire is TCP on loopback, a day of history
// takes a day, and times hold within Tolerance.
const (
	Virtual Clock = "virtual"
	Wall    Clock = "wall"
)

// Wire is what carries the messages.
type Wire string

// The wires. InMemory has the bytes of HTTP and TLS travel in memory, and is
// that of virtual time. Model, in virtual time alone, has no bytes travel: the
// receiver is a function, for properties and for millions of events.
const (
	InMemory Wire = "memory"
	Model    Wire = "model"
)

// ErrNotModelled is the error of a scenario on the wire Model that has OAuth 2,
// a certificate or TLS versions of its own, or requirements: what those are about
// is bytes, and a model of them would only repeat the engine. Nor does it
// know connections that end after a whole answer, nor answers that begin in time
// and end late.
var ErrNotModelled = errors.New("the wire model has no token endpoint, no certificates and no requirements")

// Tolerance is how far times on the wall clock may be from those planned.
const Tolerance = time.Second

// Setting is how one scenario is played.
type Setting struct {
	Clock  Clock // "" means Virtual
	Wire   Wire  // of virtual time; "" means InMemory
	Store  store.Store
	Shards int // decider shards; 0 means 1
}

// Play plays one scenario in virtual time with the given store and number of
// decider shards; see PlayOn.
func Play(ctx context.Context, sc *scenarios.Scenario, s store.Store, shards int) ([]recording.Line, error) {
	return PlayOn(ctx, sc, Setting{Store: s, Shards: shards})
}

// PlayOn plays one scenario and returns its recording. A run that could not be
// played to its end has a recording that says so, and of a configuration that
// the engine refuses the recording has the problems and nothing else. The
// error is for what has no recording, such as ctx done.
func PlayOn(ctx context.Context, sc *scenarios.Scenario, setting Setting) ([]recording.Line, error) {
	c := configure(sc)
	if len(dataflow.Errors(c.problems)) > 0 {
		return c.refused(setting), nil
	}
	s, err := newStage(sc, c, setting)
	if err != nil {
		return nil, err
	}
	served := s.serve()

	s.driver.arm()
	played := s.driver.ground.play(ctx, s.driver)
	pending := pendingIDs(s.driver.runtime)
	s.driver.ground.abandon()
	s.driver.sender.Close()
	if err := s.close(served); err != nil {
		return nil, fmt.Errorf("mock endpoint: %w", err)
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var inconclusive stuck
	if played != nil && !errors.As(played, &inconclusive) {
		return nil, played
	}
	if setting.Clock == Wall {
		s.driver.recordJournal() // what the endpoint wrote after the last answer
	}
	s.driver.endMonitoring()
	s.driver.recorder.end(s.driver.now, sc.Endpoint.Faults, s.plan.Firings(), pending, played)
	return s.driver.recorder.lines, nil
}

// pendingIDs names every export of what is pending: a message that was never
// attempted is not in the recording, its exports are.
func pendingIDs(r *flow.Runtime) []string {
	var ids []string
	for _, id := range r.Dataflows() {
		for _, m := range r.Pending(id) {
			for _, x := range m.Exports {
				ids = append(ids, x.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids
}

// stage is everything one run needs: both ends of the wire and the driver.
type stage struct {
	driver        *driver
	endpoint      *mockendpoint.Endpoint
	listener      net.Listener
	tokenListener net.Listener
	tokens        mockendpoint.Listener // how its connections are taken
	plan          *fault.Plan
}

// serve has the endpoint accept connections; a model has no connections.
func (s *stage) serve() <-chan error {
	served := make(chan error, 2)
	if s.endpoint != nil {
		go func() { served <- s.endpoint.Serve(s.listener) }()
		go func() { served <- s.endpoint.ServeTokensOn(s.tokenListener, s.tokens) }()
	}
	return served
}

func (s *stage) close(served <-chan error) error {
	if s.endpoint == nil {
		return nil
	}
	_ = s.listener.Close() // nothing is left to accept
	_ = s.tokenListener.Close()
	return errors.Join(s.endpoint.Close(), <-served, <-served)
}

// newStage translates the scenario and builds both ends of the wire.
func newStage(sc *scenarios.Scenario, c *configuration, setting Setting) (*stage, error) {
	if setting.Wire == Model && !modelled(sc) {
		return nil, fmt.Errorf("%s: %w", sc.Pos, ErrNotModelled)
	}
	certificates, err := certificatesFor(sc, setting.Wire)
	if err != nil {
		return nil, err
	}
	a := &events{}
	p := newPopulation(sc, c.refs, setting.Store)
	s := &stage{plan: faultPlan(sc)}
	d := &driver{scenario: sc, shards: max(1, setting.Shards), agenda: a, now: sc.Start, population: p,
		recorder: newRecorder(c.Flow.Destination.Auth), tokens: issuer(sc), triggers: sc.Dataflow.Triggers, alarms: map[flow.AlarmID]*event{}}
	s.driver = d
	options := mockendpoint.Options{
		Require: requirementsOf(sc.Endpoint.Require), Bearer: sc.Endpoint.Bearer.Reveal(), Tokens: d.tokens, Faults: s.plan, ProfileOf: p.profileOf,
	}
	options.Listener, s.tokens = withCertificates(listenerOf(sc.Endpoint), certificates)
	config := delivery.Config{
		Destination: c.Flow.Destination, Roots: certificates.roots, UserAgent: "httpdest",
		Transport: delivery.Direct, // as serve does, where there are real sockets: on the wall clock
	}
	switch {
	case setting.Clock == Wall:
		err = s.onTheWallClock(&options, &config)
	case setting.Wire == Model:
		s.inAModel(options, config, sc.Destination.ClientCertificate)
	default:
		s.inVirtualTime(&options, &config)
	}
	if err != nil {
		return nil, err
	}
	if certificates.has {
		now := config.Now
		config.Current = func() *tls.Certificate { return certificates.current(now()) }
	}
	if d.platform, err = platformHandler(certificates.own, func() time.Time { return d.now }); err != nil {
		return nil, err
	}
	if d.sender = delivery.New(config); setting.Wire != Model {
		s.endpoint = mockendpoint.New(options)
	}
	snapshot := dataflow.NewSnapshot(c.Flow, c.Audiences)
	if sc.Dataflow.Activated {
		snapshot, _ = snapshot.Activate(sc.Start.Add(-mappedBefore)) // its backfill is over
	}
	d.runtime = flow.New(flow.Dataflow{Snapshot: snapshot, Configuration: c.Configuration,
		Settings: settings(c.Flow, d.sender.Encrypted(), d.sender.HasCertificate())})
	d.recorder.add(c.run(setting))
	for _, p := range c.problems {
		d.recorder.problem(sc.Start, p, "")
	}
	return s, nil
}

// inVirtualTime stands the driver on connections in memory.
func (s *stage) inVirtualTime(o *mockendpoint.Options, c *delivery.Config) {
	w := newWire(s.driver.agenda, s.driver.now)
	o.Journal, o.Now, o.Wait, o.OnState = w, w.Now, w.wait, w.stateChanged
	c.Dial, c.Now = w.net.Dial, w.Now
	s.driver.ground = w
	port := "443"
	if o.Mode == mockendpoint.Plain {
		port = "80"
	}
	s.listener = w.net.Listen(net.JoinHostPort(receiverHost, port))
	s.tokenListener = w.net.Listen(net.JoinHostPort(authHost, port))
}
