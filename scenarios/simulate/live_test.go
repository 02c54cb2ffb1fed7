package simulate

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate/memnet"
)

// liveStage plays a scenario through the engine of serve: its goroutines, its
// groups and its store. The wire is HTTP and TLS in memory, and time is that of
// a bubble, which goes on when every goroutine waits.
type liveStage struct {
	*driver // its clock and recorder; its runtime is not used
	life    *life
	step    *scenarios.Step // whose action is being done
	refs    []profile.AudienceRef

	endpoint      *mockendpoint.Endpoint
	mode          mockendpoint.Mode
	tokenListener mockendpoint.Listener
	network       *memnet.Network
	plan          *fault.Plan

	// order has the engine and the history write the recording one after the other.
	order   sync.Mutex
	exports map[string]string // bodies, by id
	unknown map[string]bool   // messages with an attempt whose end nobody knows

	mu         sync.Mutex // the sender is called by one goroutine at a time
	operations map[engine.OperationID]*operation
	performed  map[*operation]bool   // their exchanges are over and not observed
	carriers   map[int]int           // of the network's sockets, the ordinal at the sender
	entered    map[int]chan struct{} // an element for each entry of the journal, by that ordinal
	requests   []journal.Request
	refused    []journal.Handshake
}

// Request implements journal.Sink.
func (s *liveStage) Request(r journal.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.Socket = s.carriers[r.Socket]
	s.requests = append(s.requests, r)
	select {
	case s.entriesOf(r.Socket) <- struct{}{}:
	default: // of requests whose answers nobody waits for
	}
}

// Handshake implements journal.Sink.
func (s *liveStage) Handshake(h journal.Handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Socket = s.carriers[h.Socket]
	s.refused = append(s.refused, h)
}

// seen implements ground.
func (s *liveStage) seen() ([]journal.Request, []journal.Handshake) {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests, refused := s.requests, s.refused
	s.requests, s.refused = nil, nil
	return requests, refused
}

func (s *liveStage) begin(*operation)                    { panic("the engine begins operations") }
func (s *liveStage) play(context.Context, *driver) error { panic("the engine plays") }
func (s *liveStage) abandon()                            {}

// perform is the live.Perform of the scenario's destination.
func (s *liveStage) perform(ctx context.Context, op engine.Operation) engine.Completion {
	s.mu.Lock()
	x := &operation{op: op, exchange: s.sender.Prepare(op), started: time.Now().UTC()}
	s.operations[op.ID] = x
	s.mu.Unlock()
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, operationKey{}, x))
	defer cancel(nil)
	// An answer that is complete when the budget ends is in time.
	budget := time.AfterFunc(op.Budget+time.Nanosecond, func() { cancel(delivery.ErrDeadline) })
	x.result = x.exchange.Do(ctx)
	budget.Stop()
	if x.result.Outcome.Kind == retry.Answered {
		s.awaitEntry(x.exchange.Socket())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.performed[x] = true
	if s.operations[op.ID] != x {
		s.release(x) // the engine that began it was killed
	}
	r := x.result
	return engine.Completion{Operation: op.ID, Outcome: r.Outcome, Asked: r.Asked, Answering: r.Answering, Issued: r.Issued}
}

// observe records an event of the engine.
func (s *liveStage) observe(e live.Event) {
	s.order.Lock()
	defer s.order.Unlock()
	s.now = e.At.UTC()
	s.recordJournal()
	if e.Update != nil {
		s.recorder.update(s.now, *e.Update)
	}
	for _, x := range e.Exports {
		s.recorder.export(x)
		s.exports[x.ID] = string(x.Body)
	}
	if e.Operation != nil {
		s.mu.Lock()
		op := s.operations[e.Operation.ID]
		delete(s.operations, e.Operation.ID)
		s.release(op)
		s.mu.Unlock()
		s.recorder.learn(e.Completion.Issued)
		if e.Operation.Kind == engine.Attempt {
			s.recorder.attempt(s.now, op, e.Effects.Retried)
		}
	}
	if e.Action != nil {
		s.recorder.judged(s.now, s.step, s.refs, e.Effects)
	}
	s.tell(e.Effects)
}

// notLive is why a case is not played through the engine of serve, "" where it
// is.
func notLive(sc *scenarios.Scenario) string {
	switch {
	case sc.Destination.MaxProfilesPerRequest > 1:
		return "which exports share a message depends on how fast serve takes updates"
	}
	return ""
}

// playLive plays a scenario in a bubble and returns its stage with the
// recording. killed is the number of the commit after which the engine is
// killed and started anew; 0 kills nothing.
func playLive(t *testing.T, sc *scenarios.Scenario, c *configuration, killed int) *liveStage {
	time.Sleep(time.Until(sc.Start))
	s := newLiveStage(t, sc, c)
	closed := s.listen()
	s.seed(t)
	snapshot := dataflow.NewSnapshot(c.Flow, c.Audiences)
	if sc.Dataflow.Activated {
		snapshot, _ = snapshot.Activate(sc.Start.Add(-mappedBefore))
	}
	s.life = newLife(s.population.store, killed, func(st store.Store) (*live.Driver, error) {
		s.forget()
		return live.New(live.Config{Flow: snapshot, Uploads: c.uploads(), Configuration: c.Configuration, Store: st, Shards: 1, // so that order is kept
			Perform: s.perform, Observe: s.observe, Settings: settings(c.Flow, s.sender.Encrypted(), s.sender.HasCertificate())})
	})
	ended := s.life.begin(t)
	s.history(t)
	s.finish(t)
	ended()
	closed()
	s.recordJournal()
	s.recorder.end(s.now, sc.Endpoint.Faults, s.plan.Firings(), s.unsettled(t), nil)
	return s
}

// newLiveStage builds both ends of the wire.
func newLiveStage(t *testing.T, sc *scenarios.Scenario, c *configuration) *liveStage {
	certificates, err := newPKI(sc)
	if err != nil {
		t.Fatal(err)
	}
	s := &liveStage{plan: faultPlan(sc), network: memnet.New(), operations: map[engine.OperationID]*operation{}, performed: map[*operation]bool{}, carriers: map[int]int{}, entered: map[int]chan struct{}{},
		exports: map[string]string{}, unknown: map[string]bool{}}
	s.driver = &driver{scenario: sc, ground: s, now: sc.Start, population: newPopulation(sc, c.refs, memory.New()),
		recorder: newRecorder(c.Flow.Destination.Auth), tokens: issuer(sc), triggers: sc.Dataflow.Triggers}
	s.network.OnDial = func(ctx context.Context, k *memnet.Socket) {
		s.mu.Lock() // the dialler holds none of these locks
		defer s.mu.Unlock()
		s.carriers[k.Ordinal] = ctx.Value(operationKey{}).(*operation).exchange.Socket()
	}
	now := func() time.Time { return time.Now().UTC() }
	options := mockendpoint.Options{Require: requirementsOf(sc.Endpoint.Require), Bearer: sc.Endpoint.Bearer.Reveal(), Tokens: s.tokens,
		Faults: s.plan, ProfileOf: s.population.profileOf, Journal: s, Now: now}
	options.Listener, s.tokenListener = withCertificates(listenerOf(sc.Endpoint), certificates)
	s.endpoint, s.mode = mockendpoint.New(options), options.Mode
	config := delivery.Config{Destination: c.Flow.Destination, Roots: certificates.roots, UserAgent: "httpdest",
		Transport: delivery.Direct, Dial: s.network.Dial, Now: now}
	if certificates.has {
		config.Current = func() *tls.Certificate { return certificates.current(now()) }
	}
	s.sender = delivery.New(config)
	if s.platform, err = platformHandler(certificates.own, now); err != nil {
		t.Fatal(err)
	}
	first := c.run(Setting{Clock: Wall})
	first.Run.ToleranceMs = 1 // a timeout is a nanosecond late
	s.recorder.add(first)
	for _, problem := range c.problems {
		s.recorder.problem(sc.Start, problem, "")
	}
	return s
}

// listen has the endpoint take connections until it is closed.
func (s *liveStage) listen() (closed func()) {
	port := "443"
	if s.mode == mockendpoint.Plain {
		port = "80"
	}
	data, tokens := s.network.Listen(net.JoinHostPort(receiverHost, port)), s.network.Listen(net.JoinHostPort(authHost, port))
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.endpoint.Serve(data) })                            // ends with closed
	serving.Go(func() { _ = s.endpoint.ServeTokensOn(tokens, s.tokenListener) }) // likewise
	return func() {
		s.mu.Lock()
		s.sender.Close()
		s.mu.Unlock()
		_, _, _ = data.Close(), tokens.Close(), s.endpoint.Close() // what is recorded is over
		serving.Wait()
	}
}

// seed puts every profile into the store, as it is at the start.
func (s *liveStage) seed(t *testing.T) {
	for i := range s.scenario.Profiles {
		for name := range s.scenario.Profiles[i].Names.All() {
			state, err := s.population.load(name)
			state.Version = 1
			if err := errors.Join(err, s.population.store.Commit([]engine.State{state}, nil)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// unsettled are the exports that the store holds unsettled.
func (s *liveStage) unsettled(t *testing.T) (ids []string) {
	err := s.population.store.Unsettled(func(m *engine.Message, _ int) error {
		for _, x := range m.Exports {
			ids = append(ids, x.ID)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}

// history plays the steps and the uploads at their times.
func (s *liveStage) history(t *testing.T) {
	for _, m := range moments(s.scenario) {
		time.Sleep(time.Until(s.scenario.Start.Add(m.at)))
		synctest.Wait() // everything of the moment before the step has happened
		switch step := m.step; {
		case step == nil:
			s.upload(t, m.upload)
		case step.Action == "":
			s.submit(t, step)
		case step.Action == "lookup" || step.Action == "totals":
			if err := s.look(t, step); err != nil {
				t.Fatal(err)
			}
		case step.Action == "revoke":
			s.order.Lock()
			s.recorder.action(time.Now().UTC(), step, nil)
			s.order.Unlock()
			s.tokens.Revoke()
		case step.Action == "refresh":
			for i := range step.Targets {
				one := *step
				one.Targets = step.Targets[i : i+1]
				s.act(t, &one)
			}
		default:
			s.act(t, step)
		}
		synctest.Wait()
	}
}

// upload sends the file of an audience, again where the engine was killed before
// it was taken.
func (s *liveStage) upload(t *testing.T, a *scenarios.Audience) {
	err := s.life.do(func(d *live.Driver) error { return uploadOnce(t.Context(), d, a, s.population.refs[a.Key]) })
	if err != nil {
		t.Fatal(err)
	}
}

// uploadOnce sends the file of an audience, unless the engine has it.
func uploadOnce(ctx context.Context, d *live.Driver, a *scenarios.Audience, ref profile.AudienceRef) error {
	all, err := d.Uploads(ctx)
	if err != nil || slices.ContainsFunc(all, func(u flow.Uploaded) bool { return u.Audience == ref }) {
		return err
	}
	file, err := a.Upload.Open()
	if err != nil {
		return err
	}
	_, err = d.Upload(ctx, a.Key, file)
	return errors.Join(err, file.Close())
}

// look plays a step that only looks.
func (s *liveStage) look(t *testing.T, step *scenarios.Step) error {
	if step.Action == "lookup" {
		s.order.Lock()
		defer s.order.Unlock()
		s.now = time.Now().UTC()
		return s.lookup(step.Lookup)
	}
	return s.life.do(func(d *live.Driver) error {
		o, err := d.Overview(t.Context(), "dataflow")
		s.order.Lock()
		defer s.order.Unlock()
		s.now = time.Now().UTC()
		if err == nil {
			s.recorder.totals(s.now, o.Totals)
		}
		return err
	})
}

// act does the action of a step.
func (s *liveStage) act(t *testing.T, step *scenarios.Step) {
	s.order.Lock()
	s.step, s.refs = step, nil
	for _, key := range step.Targets {
		s.refs = append(s.refs, s.population.refs[key])
	}
	kind := actionKinds[step.Action]
	if kind == flow.Switch {
		s.triggers = s.triggers.With(step.Triggers)
	}
	s.order.Unlock()
	err := s.life.do(func(d *live.Driver) error {
		_, err := d.Act(t.Context(), flow.Action{Kind: kind, Dataflow: "dataflow", Audiences: s.refs, Names: step.Names,
			Suppressed: suppressed(s.triggers), Labels: labels(step.Labels)})
		return err
	})
	var refused *live.Refused
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
}

// finish waits until nothing is left to do, or until the scenario ends where
// something waits for good.
func (s *liveStage) finish(t *testing.T) {
	time.Sleep(time.Until(s.scenario.Start.Add(s.scenario.Until)))
	var o flow.Overview
	for range 600 {
		synctest.Wait()
		var st live.Stats
		var uploads []flow.Uploaded
		err := s.life.do(func(d *live.Driver) (err error) {
			st = d.Stats()
			if uploads, err = d.Uploads(t.Context()); err == nil {
				o, err = d.Overview(t.Context(), "dataflow")
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		waiting := slices.ContainsFunc(uploads, func(u flow.Uploaded) bool { return u.Stage == flow.UploadWaits })
		if st.UnderWay == 0 && st.Pending == 0 && o.Waiting == 0 && !waiting {
			break
		}
		time.Sleep(15 * time.Second)
	}
	s.order.Lock()
	defer s.order.Unlock()
	s.now = time.Now().UTC()
	for _, run := range o.Processing {
		s.recorder.flowRun(run)
	}
	s.recorder.totals(s.now, o.Totals)
}

// ahead are cases that look at something in the moment in which it changes.
var ahead = map[string]string{
	"monitoring/retry-after-the-hour": "the attempt of a moment ends before its totals are looked at",
}

// Every case of the library is played through the engine of serve: the same
// checks and the same oracle judge the recording.
func TestLibraryThroughLive(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, sc := range cases {
		t.Run(sc.ID, func(t *testing.T) {
			if why := notLive(sc); why != "" {
				skipCell(t, sc.ID, "live with a moved clock", why)
			}
			tellAtEnd(t, sc.ID, "live with a moved clock")
			played++
			synctest.Test(t, func(t *testing.T) {
				var lines []recording.Line
				if c := configure(sc); len(dataflow.Errors(c.problems)) > 0 {
					lines = c.refused(Setting{Clock: Wall})
				} else {
					lines = playLive(t, sc, c, 0).recorder.lines
				}
				judged := check.Judge(sc, rules, lines)
				why, known := ahead[sc.ID]
				if known != (judged.Verdict != reports.Pass) {
					t.Errorf("verdict %s: %s %s", judged.Verdict, judged.Reason, why)
					failures(t, judged)
				}
			})
		})
	}
	if played < len(cases)*9/10 {
		t.Errorf("%d of %d cases were played; want nine of ten or more", played, len(cases))
	}
}

// failures lists the checks that did not pass.
func failures(t *testing.T, judged reports.Case) {
	for _, c := range judged.Checks {
		if c.Verdict == reports.Fail || c.Verdict == reports.Inconclusive {
			t.Logf("%s: %s\nexpected %s\nactual %s", c.Rule, c.Title, c.Expected, c.Actual)
		}
	}
}
