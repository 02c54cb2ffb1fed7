package simulate

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
	gocmp "github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
	"github.com/httpdest/httpdest/internal/share"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// `make restarts` asks for all of them.
var (
	everyCase = flag.Bool("every-case", false, "kill the live engine in every case of the library that it can play")
	part      share.Share
)

func init() { flag.Var(&part, "part", "with -every-case: only in share K of N of them") }

// mostRestarted and longestRestarted bound a case, and afterwards is how long the engine
// runs on behind the last of them: the longest backfill, and its retries.
const (
	mostRestarted    = 400
	longestRestarted = 26 * time.Hour
	afterwards       = 2 * time.Hour
)

// reasonNotLive is why the live engine cannot play a case over a restart; "" where
// it can.
func reasonNotLive(sc *scenarios.Scenario, c *configuration) string {
	updates := int64(0)
	for i := range sc.History {
		updates += sc.History[i].Profiles.Len()
	}
	uploaded := slices.ContainsFunc(sc.Audiences, func(a scenarios.Audience) bool { return a.Upload != nil })
	switch {
	case c.errors():
		return "the engine refuses the configuration: nothing is played"
	case updates > mostRestarted:
		return fmt.Sprintf("%d updates: too many to kill the engine among them", updates)
	case lastOf(sc) > longestRestarted || sc.Until > longestRestarted:
		return fmt.Sprintf("goes on for %s: the store's own timers make that too long to wait for", max(lastOf(sc), sc.Until))
	case !slices.ContainsFunc(sc.Split(), livesOn) && updates == 0 && !uploaded:
		return "nothing happens but a look at the platform"
	}
	return ""
}

// livesOn reports whether a dataflow is active at some time.
func livesOn(part *scenarios.Scenario) bool {
	return part.Dataflow.Activated || slices.ContainsFunc(part.History, func(s scenarios.Step) bool { return s.Action == "activate" })
}

// The list of the cases that the live engine cannot play is kept, with the reasons: it
// changes only where somebody sees it.
func TestCasesThatTheLiveEngineCannotPlay(t *testing.T) {
	var lines []string
	all := libraryCases(t)
	for _, sc := range all {
		if reason := reasonNotLive(sc, configure(sc)); reason != "" {
			lines = append(lines, sc.ID+": "+reason)
		}
	}
	keptList(t, "not-live.txt", lines)
	t.Logf("%d of %d cases cannot be played", len(lines), len(all))
}

func libraryCases(t *testing.T) []*scenarios.Scenario {
	t.Helper()
	all, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(all, func(a, b *scenarios.Scenario) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// ordered has its exports one after the other: a profile in a dataflow.
type ordered struct {
	dataflow string
	profile  profile.ID
}

// restarted is a case on the live engine and its store, with at most one kill.
type restarted struct {
	sc   *scenarios.Scenario
	c    *configuration
	seed uint64

	atWrite, atWire int
	disk            *vfs.MemFS
	gone            chan struct{}

	mu            sync.Mutex
	writes, wires int
	after         *vfs.MemFS
	bodies        map[string]string // of exports that came
	order         map[ordered][]string
	attempts      map[string]int
	left          map[string]bool // dead or waiting at the end
	wrong         []string
	states        map[int]profile.Profile // after each update, of a run without a kill
	submitted     int                     // the last event that was
	before        uint64                  // version of its profile in the store before that
	unclear       bool                    // an action was under way at the kill
}

// MaybeError is an errorfs.Injector: it comes before every operation.
func (e *restarted) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	for range 20 {
		runtime.Gosched() // what was sent before has left the machine
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writes++; e.writes == e.atWrite {
		e.kill()
	}
	return nil
}

// String is how to play it again.
func (e *restarted) String() string {
	return fmt.Sprintf("%s, kill at write %d or wire operation %d", e.sc.ID, e.atWrite, e.atWire)
}

func (e *restarted) kill() {
	if e.after == nil {
		e.after = e.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rand.New(rand.NewPCG(e.seed, 7))})
		close(e.gone)
	}
}

func (e *restarted) isGone(second bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return !second && e.after != nil
}

// goneIn is closed by the kill; the second life has no such channel.
func (e *restarted) goneIn(second bool) <-chan struct{} {
	if second {
		return nil
	}
	return e.gone
}

// perform is the Perform of a life: a receiver that fails some attempts of some
// exports, in every life the same.
func (e *restarted) perform(second bool) live.Perform {
	return func(ctx context.Context, op engine.Operation) engine.Completion {
		timer := time.NewTimer(5 * time.Millisecond)
		defer timer.Stop()
		e.arrived(op, second)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return engine.Completion{Outcome: retry.Outcome{Kind: retry.Timeout}}
		}
		c := engine.Completion{Outcome: retry.Outcome{Kind: retry.Answered, Status: 200}}
		switch op.Kind {
		case engine.Token:
			c.Issued = &engine.Issued{Access: "token", ExpiresIn: time.Hour}
		case engine.Attempt:
			h := fnv.New32a()
			_, _ = h.Write([]byte(op.Message.Exports[0].ID)) // never fails
			if op.Number <= []int{0, 0, 1, 2}[h.Sum32()%4] {
				c.Outcome.Status = 503
			}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.wires++; e.wires == e.atWire {
			e.kill()
		}
		return c
	}
}

// arrived notes what the receiver sees of an attempt.
func (e *restarted) arrived(op engine.Operation, second bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if op.Kind != engine.Attempt || !second && e.after != nil {
		return
	}
	for _, x := range op.Message.Exports {
		body, again := e.bodies[x.ID]
		if !again {
			e.order[ordered{x.Dataflow, x.Profile}] = append(e.order[ordered{x.Dataflow, x.Profile}], x.ID)
		}
		if again && body != string(x.Body) {
			e.wrong = append(e.wrong, fmt.Sprintf("%s came in %s and again in %s", x.ID, body, x.Body))
		}
		if e.bodies[x.ID] = string(x.Body); e.attempts[x.ID] == 3 {
			e.wrong = append(e.wrong, x.ID+" came a fourth time")
		}
		e.attempts[x.ID]++
	}
}

// play plays the case over its kill. states are those of a run without one.
func (e *restarted) play(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e.disk, e.gone = vfs.NewCrashableMem(), make(chan struct{})
		e.bodies, e.order, e.attempts, e.left = map[string]string{}, map[ordered][]string{}, map[string]int{}, map[string]bool{}
		time.Sleep(time.Until(e.sc.Start)) // of the bubble
		next := e.life(t, errorfs.Wrap(e.disk, e), 0, false)
		if e.after != nil && !e.unclear {
			e.life(t, e.after, next, true)
		}
	})
}

// liveEvent is one update or one action of the history, or one upload.
type liveEvent struct {
	at     time.Duration
	update *profile.Update
	whole  *profile.Update // a merge or a forgetting, which changes nothing the second time
	action *flow.Action
	upload *scenarios.Audience
}

// events are the history in the words of the live engine. A look at the totals or at
// the platform changes nothing, and tokens are those of this receiver.
func (e *restarted) events() (all []liveEvent) {
	d := &driver{population: newPopulation(e.sc, e.c.refs, nil)}
	for _, f := range e.c.flows {
		d.outlets = append(d.outlets, &outlet{id: f.Flow.ID, key: f.part.Dataflow.Key, triggers: f.part.Dataflow.Triggers})
	}
	for _, m := range moments(e.sc) {
		s := m.step
		if s == nil {
			all = append(all, liveEvent{at: m.at, upload: m.upload})
			continue
		}
		if _, known := actionKinds[s.Action]; known {
			var refs []profile.AudienceRef
			for _, key := range s.Targets {
				refs = append(refs, e.c.refs[key])
			}
			for _, a := range d.actions(s, refs) {
				all = append(all, liveEvent{at: s.At, action: &a})
			}
		}
		if s.Action != "" {
			continue
		}
		for n := range s.Profiles.Len() {
			name := s.Profiles.At(n)
			u := d.update(s, name)
			switch ofWhole(s) {
			case profile.Merge:
				u.Changes[0].Other = &profile.Profile{ID: profile.ID(s.Other(name))}
				fallthrough
			case profile.Forget:
				all = append(all, liveEvent{at: s.At, whole: &u})
			default:
				all = append(all, liveEvent{at: s.At, update: &u})
			}
		}
	}
	return all
}

// life runs the engine from an event on, to the kill or the end. It returns the
// number of the event that was not acknowledged.
func (e *restarted) life(t *testing.T, fs vfs.FS, first int, second bool) int {
	s, err := local.Open("data", local.Options{FS: fs, Buffer: 256 << 10})
	if err != nil {
		if !e.isGone(second) {
			t.Errorf("%s: %v", e, err)
		}
		return first
	}
	events := e.events()
	if second && first < len(events) && e.acceptedAlready(t, s, events[first], first) {
		first++
	}
	d := e.begin(t, s, second)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	n := first
	for ; n < len(events) && e.happens(t, d, s, events[n], n, second); n++ {
	}
	end := e.sc.Start.Add(max(e.sc.Until, lastOf(e.sc)) + afterwards)
	select {
	case <-time.After(time.Until(end)): // of the bubble
	case <-e.goneIn(second):
	}
	if e.isGone(second) {
		d.Abort()
		cancel()
		<-ended
		_ = s.Close() // nobody sees what it says any more
		return n
	}
	cancel()
	if err := errors.Join(<-ended, e.rest(s), s.Close()); err != nil {
		t.Errorf("%s: %v", e, err)
	}
	return n
}

func lastOf(sc *scenarios.Scenario) (at time.Duration) {
	for i := range sc.History {
		at = max(at, sc.History[i].At)
	}
	return at
}

// begin makes a driver for the case.
func (e *restarted) begin(t *testing.T, s store.Store, second bool) *live.Driver {
	p := newPopulation(e.sc, e.c.refs, s)
	var all []engine.Settings
	for _, f := range e.c.flows {
		all = append(all, settings(f.Flow, false, false))
	}
	c := live.Config{Dataflows: e.c.runtime(all), Uploads: e.c.uploads(), Store: s, Perform: e.perform(second), Shards: 2, Ahead: 2, Linger: time.Millisecond,
		Initial: func(id profile.ID) profile.Profile { return p.initial(string(id)) }}
	d, err := live.New(c)
	if err != nil {
		t.Fatalf("%s: %v", e, err)
	}
	return d
}

// rest notes what is dead and what waits at the end.
func (e *restarted) rest(s store.Store) error {
	note := func(m *engine.Message) {
		for _, x := range m.Exports {
			e.left[x.ID] = true
		}
	}
	return errors.Join(s.Dead(func(l store.DeadLetter) error { note(l.Message); return nil }),
		s.Unsettled(func(m *engine.Message, _ int) error { note(m); return nil }))
}

// acceptedAlready reports whether the update that was not acknowledged is in the
// store all the same. An equal value changes the version of a profile, and nothing
// else.
func (e *restarted) acceptedAlready(t *testing.T, s store.Store, event liveEvent, n int) bool {
	if event.update == nil {
		return false
	}
	state, ok, err := s.Load(event.update.Profile)
	if err != nil {
		t.Errorf("%s: %v", e, err)
	}
	return ok && e.submitted == n && state.Version > e.before && gocmp.Equal(state.Profile, e.states[n])
}

// happens plays an event at its time, unless the kill comes first.
func (e *restarted) happens(t *testing.T, d *live.Driver, s store.Store, event liveEvent, n int, second bool) bool {
	gone := e.goneIn(second)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := time.NewTimer(time.Until(e.sc.Start.Add(event.at)))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-gone:
		return false
	}
	if event.update != nil {
		state, _, _ := s.Load(event.update.Profile) // none before its first update
		e.submitted, e.before = n, state.Version
	}
	done := make(chan error, 1)
	go func() { done <- e.perhaps(ctx, d, event) }()
	select {
	case err := <-done:
		if e.isGone(second) {
			e.unclear = e.unclear || event.action != nil
			return false
		}
		if err != nil {
			t.Errorf("%s: event %d: %v", e, n, err)
		}
		if e.atWrite+e.atWire == 0 && event.update != nil {
			state, _, _ := s.Load(event.update.Profile)
			e.states[n] = state.Profile
		}
		return err == nil
	case <-gone:
		e.unclear = e.unclear || event.action != nil
		return false
	}
}

// perhaps has the engine do an event, and ends when it is durable.
func (e *restarted) perhaps(ctx context.Context, d *live.Driver, event liveEvent) error {
	switch u := event.whole; {
	case event.update != nil:
		return d.Submit(ctx, *event.update)
	case event.upload != nil:
		return uploadOnce(ctx, d, event.upload, e.c.refs[event.upload.Key])
	case u == nil:
	case u.Changes[0].Op == profile.Merge:
		return d.Merge(ctx, u.Changes[0].Other.ID, u.Profile)
	default:
		return d.Forget(ctx, u.Profile)
	}
	_, err := d.Act(ctx, *event.action)
	var refused *live.Refused
	if errors.As(err, &refused) {
		return nil // so it is in the case
	}
	return err
}

// compare holds a case with a kill against the same one without.
func (e *restarted) compare(t *testing.T, calm *restarted) {
	t.Helper()
	for _, w := range e.wrong {
		t.Errorf("%s: %s", e, w)
	}
	for id, body := range calm.bodies {
		got, came := e.bodies[id]
		switch {
		case !came && !e.left[id]:
			t.Errorf("%s: %s did not come", e, id)
		case came && got != body:
			t.Errorf("%s: %s came in %s; without the kill in %s", e, id, got, body)
		}
	}
	for id := range e.bodies {
		if _, came := calm.bodies[id]; !came && !calm.left[id] {
			t.Errorf("%s: %s came, and does not without the kill", e, id)
		}
	}
	for id, want := range calm.order {
		got := slices.DeleteFunc(slices.Clone(e.order[id]), func(x string) bool { return !slices.Contains(want, x) })
		if both := slices.DeleteFunc(slices.Clone(want), func(x string) bool { return !slices.Contains(got, x) }); !slices.Equal(got, both) {
			t.Errorf("%s: the exports of %v came as %v; without the kill %v", e, id, got, want)
		}
	}
}

// Every case of the library that the live engine can play leads to the same exports,
// bodies and order with a kill at a write or after a wire operation as without it,
// and no export comes a fourth time.
func TestLibraryOverRestarts(t *testing.T) {
	played, unclear := 0, 0
	apart := map[bool]int{false: 12, true: 48}[testing.Short()]
	for n, sc := range libraryCases(t) {
		c := configure(sc)
		if reasonNotLive(sc, c) != "" || !*everyCase && n%apart != 0 || *everyCase && !part.Has(n) {
			continue
		}
		if *everyCase {
			fmt.Println(sc.ID)
		}
		calm := &restarted{sc: sc, c: c, seed: uint64(n), states: map[int]profile.Profile{}, submitted: -1}
		calm.play(t)
		random := rand.New(rand.NewPCG(uint64(n), 11))
		for _, at := range [][2]int{{1 + random.IntN(max(1, calm.writes)), 0}, {0, 1 + random.IntN(max(1, calm.wires))}} {
			e := &restarted{sc: sc, c: c, seed: uint64(n), states: calm.states, atWrite: at[0], atWire: at[1], submitted: -1}
			e.play(t)
			if e.unclear {
				unclear++
				continue
			}
			e.compare(t, calm)
			played++
		}
		if t.Failed() && !*everyCase {
			return
		}
	}
	t.Logf("%d kills, %d more while an action was under way", played, unclear)
	if played < 240/apart {
		t.Errorf("only %d kills", played)
	}
}
