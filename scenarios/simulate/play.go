// Package simulate plays scenarios: the real engine against the real mock
// endpoint, over real HTTP and TLS bytes, in virtual time or on the wall clock.
// It translates between their words and writes the recording; it judges
// nothing.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/mockendpoint"
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
	// Onward is the receiver that the mock endpoint sends requests on to; nil: it answers
	// them itself.
	Onward *Onward
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
	if c.errors() {
		return c.refused(setting), nil
	}
	s, err := newStage(c, setting)
	if err != nil {
		return nil, err
	}
	s.serve()

	s.driver.arm()
	played := s.driver.environment.play(ctx, s.driver)
	pending := pendingIDs(s.driver.runtime)
	s.driver.environment.abandon()
	for _, o := range s.driver.outlets {
		o.sender.Close()
	}
	if err := s.close(); err != nil {
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
	s.driver.recorder.end(s.driver.now, s.fired(), pending, played)
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

// testbed is everything one run needs: both ends of the wire and the driver.
type testbed struct {
	driver *driver
	sites  []*site
	served []<-chan error // by site
}

// serve has the endpoints accept connections.
func (s *testbed) serve() {
	for _, at := range s.sites {
		s.served = append(s.served, at.serve())
	}
}

func (s *testbed) close() (err error) {
	for i, at := range s.sites {
		err = errors.Join(err, at.close(s.served[i]))
	}
	return err
}

// fired is how often every fault of every endpoint acted.
func (s *testbed) fired() (out []recording.Fault) {
	for _, at := range s.sites {
		out = append(out, at.fired()...)
	}
	return out
}

// newStage translates the scenario and builds both ends of the wire.
func newStage(c *configuration, setting Setting) (*testbed, error) {
	sc := c.scenario
	d := &driver{scenario: sc, shards: max(1, setting.Shards), agenda: &events{}, now: sc.Start, population: newPopulation(sc, c.refs, setting.Store),
		recorder: newRecorder(sc), alarms: map[flow.AlarmID]*event{}}
	s := &testbed{driver: d}
	switch {
	case setting.Clock == Wall:
		d.environment = newWall(d.now)
	case setting.Wire == Model:
		d.environment = newModel(d)
	default:
		d.environment = newWire(d.agenda, d.now)
	}
	var all []engine.Settings
	for _, f := range c.flows {
		if setting.Wire == Model && !modelled(f.part) {
			return nil, fmt.Errorf("%s: %w", sc.Pos, ErrNotModelled)
		}
		at, err := s.site(f.part, setting)
		if err != nil {
			return nil, err
		}
		o := d.connect(at, f)
		all = append(all, settings(f.Flow, o.sender.Encrypted(), o.sender.HasCertificate()))
	}
	var err error
	if d.platform, err = platformHandler(s.sites[0].certificates.own, func() time.Time { return d.now }); err != nil {
		return nil, err
	}
	d.runtime = flow.New(c.runtime(all)...)
	d.recorder.begin(c, setting)
	return s, nil
}

// site is that of the destination of a dataflow, built for the first of them.
func (s *testbed) site(part *scenarios.Scenario, setting Setting) (*site, error) {
	for _, at := range s.sites {
		if at.key == part.Destination.Key {
			return at, nil
		}
	}
	at, err := newSite(part, setting.Wire)
	if err != nil {
		return nil, err
	}
	options := at.options(s.driver.population.profileOf)
	if setting.Onward != nil {
		Forwards(&options, setting.Onward.Receiver, part)
		options.Bearer = part.Destination.Auth.Token.Reveal() // noted, and not insisted on
	}
	if err := s.driver.environment.host(at, &options); err != nil {
		return nil, err
	}
	if setting.Wire != Model {
		at.endpoint = mockendpoint.New(options)
	}
	s.sites = append(s.sites, at)
	return at, nil
}

// connect builds what a dataflow sends with.
func (d *driver) connect(at *site, f *flowConfiguration) *outlet {
	var dial delivery.Config
	d.environment.dial(&dial)
	u := f.Flow.Destination.URL()
	o := &outlet{id: f.Flow.ID, key: f.part.Dataflow.Key, order: len(d.outlets), site: at, triggers: f.part.Dataflow.Triggers,
		sender: delivery.New(at.delivers(f, dial)), url: u, target: u.RequestURI()}
	d.outlets = append(d.outlets, o)
	return o
}
