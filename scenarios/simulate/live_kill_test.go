package simulate

import (
	"context"
	"flag"
	"hash/fnv"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/internal/share"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// life is an engine that may be killed after a commit, and then begins anew with
// what its store holds.
type life struct {
	store.Store
	killed  int
	start   func(store.Store) (*live.Driver, error)
	stopped chan error

	mu      sync.Mutex
	commits int
	engine  *live.Driver
	again   chan struct{} // closed when the engine is the one after the kill
}

func newLife(s store.Store, killed int, start func(store.Store) (*live.Driver, error)) *life {
	return &life{Store: s, killed: killed, start: start, stopped: make(chan error, 1), again: make(chan struct{})}
}

// Commit implements store.Store. The kill comes when the commit is durable.
func (l *life) Commit(states []engine.State, records []engine.Record) error {
	err := l.Store.Commit(states, records)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.commits++; l.commits == l.killed {
		l.engine.Abort()
	}
	return err
}

// begin runs the engine, and after a kill the next, until ended is called.
func (l *life) begin(t *testing.T) (ended func()) {
	ctx, cancel := context.WithCancel(t.Context())
	next := func() *live.Driver {
		d, err := l.start(l)
		if err != nil {
			t.Error(err)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.engine = d
		return d
	}
	first := next()
	go func() { // ends with ended
		err := first.Run(ctx)
		if err != nil && l.killed > 0 {
			second := next()
			close(l.again)
			err = second.Run(ctx)
		}
		l.stopped <- err
	}()
	return func() {
		cancel()
		if err := <-l.stopped; err != nil {
			t.Error(err)
		}
	}
}

// do asks the engine, and the next where it was killed meanwhile.
func (l *life) do(ask func(*live.Driver) error) error {
	l.mu.Lock()
	d := l.engine
	l.mu.Unlock()
	err := ask(d)
	if l.killed == 0 || err == nil || d.Failed() == nil {
		return err
	}
	<-l.again
	return ask(l.engine)
}

// total is how many commits there were.
func (l *life) total() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.commits
}

// `make live-kills` asks for more.
var kills = flag.Int("kills", 2, "commits of each case after which the engine of serve is killed")

// killsAt are the numbers of commits after which a case is killed: all of them, or
// some that are spread evenly, others for each case.
func killsAt(id string, commits int) (at []int) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	n := min(*kills, commits)
	for k := range n {
		at = append(at, 1+(int(h.Sum32()%uint32(commits))+k*commits/n)%commits)
	}
	return at
}

// fewer is every fourth case for the race detector, which makes minutes of all of
// them: the code is the same in each. Without it all of them are played.
func fewer(cases []*scenarios.Scenario) []*scenarios.Scenario {
	if !testing.Short() {
		return cases
	}
	var fourth share.Share
	if err := fourth.Set("0/4"); err != nil {
		panic(err) // a mistake here, and not of a user
	}
	return share.Of(&fourth, cases)
}

// A kill after any commit changes nothing that is exported: each export is
// decided once, with the same body.
func TestLibraryThroughLiveWithKills(t *testing.T) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	cases = fewer(cases)
	killed := 0
	for _, sc := range cases {
		t.Run(sc.ID, func(t *testing.T) {
			const column = "live with kills"
			if why := notLive(sc); why != "" {
				skipCell(t, sc.ID, column, why)
			}
			if configure(sc).errors() {
				skipCell(t, sc.ID, column, "the engine refuses the configuration: nothing is committed")
			}
			tellAtEnd(t, sc.ID, column)
			var whole map[string]string
			commits := 0
			synctest.Test(t, func(t *testing.T) {
				s := playLive(t, sc, configure(sc), 0)
				whole, commits = s.exports, s.life.total()
			})
			for _, at := range killsAt(sc.ID, commits) {
				synctest.Test(t, func(t *testing.T) {
					s := playLive(t, sc, configure(sc), at)
					killed++
					if diff := cmp.Diff(whole, s.exports); diff != "" {
						t.Errorf("exports with a kill after commit %d of %d (-without +with):\n%s", at, commits, diff)
					}
				})
			}
		})
	}
	t.Logf("%d kills", killed)
	if killed < len(cases) {
		t.Errorf("%d kills in %d cases; want more", killed, len(cases))
	}
}
