package simulate

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/mockendpoint"
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

	sites   []*site
	network *memnet.Network

	// order has the engine and the history write the recording one after the other.
	order   sync.Mutex
	exports map[string]string // bodies, by id
	unknown map[string]bool   // messages with an attempt whose end nobody knows

	mu         sync.Mutex // the senders are called by one goroutine at a time
	operations map[operationName]*operation
	performed  map[*operation]bool // their exchanges are over and not observed
	byAddress  map[string]*site
	carriers   map[arrival]carrier       // of the sockets that came to a site
	entered    map[carrier]chan struct{} // an element for each entry of the journal
	saw        sightings
}

// operationName names an operation: each dataflow numbers its own.
type operationName struct {
	dataflow string
	id       engine.OperationID
}

// liveEntries is the journal of a site.
type liveEntries struct {
	s  *liveStage
	at *site
}

// Request implements journal.Sink.
func (e liveEntries) Request(r journal.Request) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	by := e.s.carriers[arrival{e.at, r.Socket}]
	e.s.saw.request(r, e.at, by)
	select {
	case e.s.entriesOf(by) <- struct{}{}:
	default: // of requests whose answers nobody waits for
	}
}

// Handshake implements journal.Sink.
func (e liveEntries) Handshake(h journal.Handshake) {
	e.s.mu.Lock()
	defer e.s.mu.Unlock()
	e.s.saw.handshake(h, e.at, e.s.carriers[arrival{e.at, h.Socket}])
}

// seen implements environment.
func (s *liveStage) seen() sightings {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saw.taken()
}

// host implements environment.
func (s *liveStage) host(at *site, o *mockendpoint.Options) error {
	o.Journal, o.Now = liveEntries{s, at}, liveNow
	data, tokens := at.addresses()
	s.byAddress[data], s.byAddress[tokens] = at, at
	at.listener, at.tokenListener = s.network.Listen(data), s.network.Listen(tokens)
	return nil
}

// dial implements environment.
func (s *liveStage) dial(c *delivery.Config) { c.Dial, c.Now = s.network.Dial, liveNow }

func liveNow() time.Time { return time.Now().UTC() }

func (s *liveStage) begin(*operation)                    { panic("the engine begins operations") }
func (s *liveStage) play(context.Context, *driver) error { panic("the engine plays") }
func (s *liveStage) abandon()                            {}

// perform is the live.Perform of the scenario's destinations.
func (s *liveStage) perform(ctx context.Context, op engine.Operation) engine.Completion {
	name := operationName{op.Dataflow, op.ID}
	s.mu.Lock()
	o := s.outlet(op.Dataflow)
	x := &operation{op: op, outlet: o, exchange: o.sender.Prepare(op), started: time.Now().UTC()}
	s.operations[name] = x
	s.mu.Unlock()
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, operationKey{}, x))
	defer cancel(nil)
	// An answer that is complete when the budget ends is in time.
	budget := time.AfterFunc(op.Budget+time.Nanosecond, func() { cancel(delivery.ErrDeadline) })
	x.result = x.exchange.Do(ctx)
	budget.Stop()
	if x.result.Outcome.Kind == retry.Answered {
		s.awaitEntry(x.carrier())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.performed[x] = true
	if s.operations[name] != x {
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
		s.recorder.of(x.Dataflow).export(x)
		s.exports[x.ID] = string(x.Body)
	}
	if e.Operation != nil {
		s.mu.Lock()
		name := operationName{e.Operation.Dataflow, e.Operation.ID}
		op := s.operations[name]
		delete(s.operations, name)
		s.release(op)
		s.mu.Unlock()
		s.recorder.learn(e.Completion.Issued)
		if e.Operation.Kind == engine.Attempt {
			s.recorder.of(e.Operation.Dataflow).attempt(s.now, op, e.Effects.Retried)
		}
	}
	if e.Action != nil {
		s.recorder.judged(s.now, s.step, *e.Action, e.Effects)
	}
	s.tell(e.Effects)
}

// notLive is why a case is not played through the engine of serve, "" where it
// is.
func notLive(sc *scenarios.Scenario) string {
	switch {
	case slices.ContainsFunc(sc.Split(), func(part *scenarios.Scenario) bool { return part.Destination.MaxProfilesPerRequest > 1 }):
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
	var all []engine.Settings
	for i, f := range c.flows {
		sender := s.outlets[i].sender
		all = append(all, settings(f.Flow, sender.Encrypted(), sender.HasCertificate()))
	}
	s.life = newLife(s.population.store, killed, func(st store.Store) (*live.Driver, error) {
		s.forget()
		return live.New(live.Config{Dataflows: c.runtime(all), Uploads: c.uploads(), Store: st, Shards: 1, // so that order is kept
			Perform: s.perform, Observe: s.observe})
	})
	ended := s.life.begin(t)
	s.history(t)
	s.finish(t)
	ended()
	closed()
	s.recordJournal()
	var fired []recording.Fault
	for _, at := range s.sites {
		fired = append(fired, at.fired()...)
	}
	s.recorder.end(s.now, fired, s.unsettled(t), nil)
	return s
}

// newLiveStage builds both ends of the wire.
func newLiveStage(t *testing.T, sc *scenarios.Scenario, c *configuration) *liveStage {
	s := &liveStage{network: memnet.New(), operations: map[operationName]*operation{}, performed: map[*operation]bool{}, byAddress: map[string]*site{},
		carriers: map[arrival]carrier{}, entered: map[carrier]chan struct{}{}, exports: map[string]string{}, unknown: map[string]bool{}}
	s.driver = &driver{scenario: sc, environment: s, now: sc.Start, population: newPopulation(sc, c.refs, memory.New()), recorder: newRecorder(sc)}
	s.network.OnDial = func(ctx context.Context, k *memnet.Socket) {
		s.mu.Lock() // the dialler holds none of these locks
		defer s.mu.Unlock()
		at := s.byAddress[k.Address()]
		at.sockets++
		s.carriers[arrival{at, at.sockets}] = ctx.Value(operationKey{}).(*operation).carrier()
	}
	both := &testbed{driver: s.driver}
	for _, f := range c.flows {
		at, err := both.site(f.part, Setting{})
		if err != nil {
			t.Fatal(err)
		}
		s.connect(at, f)
	}
	s.sites = both.sites
	var err error
	if s.platform, err = platformHandler(s.sites[0].certificates.own, liveNow); err != nil {
		t.Fatal(err)
	}
	s.recorder.begin(c, Setting{Clock: Wall})
	s.recorder.lines[0].Run.ToleranceMs = 1 // a timeout is a nanosecond late
	return s
}

// listen has the endpoints take connections until they are closed.
func (s *liveStage) listen() (closed func()) {
	both := &testbed{sites: s.sites}
	both.serve()
	return func() {
		s.mu.Lock()
		for _, o := range s.outlets {
			o.sender.Close()
		}
		s.mu.Unlock()
		_ = both.close() // what is recorded is over
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
			s.now = time.Now().UTC()
			s.revoke(step)
			s.order.Unlock()
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
		for _, f := range s.outlets {
			o, err := d.Overview(t.Context(), f.id)
			if err != nil {
				return err
			}
			s.order.Lock()
			s.now = time.Now().UTC()
			s.recorder.of(f.id).totals(s.now, o.Totals)
			s.order.Unlock()
		}
		return nil
	})
}

// act does the action of a step.
func (s *liveStage) act(t *testing.T, step *scenarios.Step) {
	s.order.Lock()
	s.step = step
	var refs []profile.AudienceRef
	for _, key := range step.Targets {
		refs = append(refs, s.population.refs[key])
	}
	all := s.actions(step, refs)
	s.order.Unlock()
	for _, a := range all {
		err := s.life.do(func(d *live.Driver) error {
			_, err := d.Act(t.Context(), a)
			return err
		})
		var refused *live.Refused
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
	}
}

// finish waits until nothing is left to do, or until the scenario ends where
// something waits for good.
func (s *liveStage) finish(t *testing.T) {
	time.Sleep(time.Until(s.scenario.Start.Add(s.scenario.Until)))
	paused := pausedAtTheEnd(s.scenario)
	all := make([]flow.Overview, len(s.outlets))
	for range 600 {
		synctest.Wait()
		left := int64(0)
		err := s.life.do(func(d *live.Driver) (err error) {
			st := d.Stats()
			if left = st.UnderWay; !paused {
				left += st.Pending
			}
			for i, f := range s.outlets {
				var wrong error
				all[i], wrong = d.Overview(t.Context(), f.id)
				err, left = cmp.Or(err, wrong), left+int64(all[i].Waiting)
			}
			uploads, wrong := d.Uploads(t.Context())
			for _, u := range uploads {
				if u.Stage == flow.UploadWaits {
					left++
				}
			}
			err = cmp.Or(err, wrong)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if left == 0 {
			break
		}
		time.Sleep(15 * time.Second)
	}
	s.order.Lock()
	defer s.order.Unlock()
	s.now = time.Now().UTC()
	for i, f := range s.outlets {
		r := s.recorder.of(f.id)
		for _, run := range all[i].Processing {
			r.flowRun(run)
		}
		r.totals(s.now, all[i].Totals)
	}
}

// pausedAtTheEnd reports whether no dataflow sends what is pending.
func pausedAtTheEnd(sc *scenarios.Scenario) bool {
	for _, part := range sc.Split() {
		last := ""
		for _, step := range part.History {
			if step.Action == "disable" || step.Action == "enable" || step.Action == "delete" {
				last = step.Action
			}
		}
		if last != "disable" {
			return false
		}
	}
	return true
}

// `make mutants-live` names the cases that must find a mutant.
var liveCases = flag.String("live-cases", "", "cases that TestLibraryThroughLive plays, with commas between; all where empty")

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
	cases = fewer(cases)
	played := 0
	for _, sc := range cases {
		if *liveCases != "" && !slices.Contains(strings.Split(*liveCases, ","), sc.ID) {
			continue
		}
		t.Run(sc.ID, func(t *testing.T) {
			if why := notLive(sc); why != "" {
				skipCell(t, sc.ID, liveColumn, why)
			}
			tellAtEnd(t, sc.ID, liveColumn)
			played++
			synctest.Test(t, func(t *testing.T) {
				var lines []recording.Line
				if c := configure(sc); c.errors() {
					lines = c.refused(Setting{Clock: Wall})
				} else {
					lines = playLive(t, sc, c, 0).recorder.lines
				}
				judged := check.Judge(sc, rules, lines)
				if judged.Verdict != reports.Pass {
					t.Errorf("verdict %s: %s", judged.Verdict, judged.Reason)
					failures(t, judged)
				}
			})
		})
	}
	if *liveCases == "" && played < len(cases)*9/10 {
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
