package fault

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// Plan is a list of faults with what they have done so far. It is safe for
// concurrent use; a nil plan has no faults.
type Plan struct {
	seed   uint64
	mu     sync.Mutex
	faults []*armed
}

type armed struct {
	Fault
	counts map[string]int // requests selected so far, by profile
	fired  int
}

// NewPlan arms the faults. Of several that select a request the first in the
// list acts; the others count it.
func NewPlan(seed uint64, faults ...Fault) *Plan {
	p := &Plan{seed: seed}
	for _, f := range faults {
		if f.Phase == "" {
			f.Phase = Response
		}
		if f.Requests == (Range{}) {
			f.Requests = Range{First: 1}
		}
		if f.Connections == (Range{}) {
			f.Connections = Range{First: 1}
		}
		p.faults = append(p.faults, &armed{Fault: f, counts: map[string]int{}})
	}
	return p
}

// Connection returns the fault that connection n, counted from 1, meets in an
// early phase; nil for none. The connections of the token endpoint count apart.
func (p *Plan) Connection(n int, phase Phase, token bool) *Fault {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if f.Phase == phase && f.early() && (f.On == Token) == token && f.Connections.Contains(n) && p.hits(f, "", n) {
			f.fired++
			return &f.Fault
		}
	}
	return nil
}

// Request returns the fault that a request meets, nil for none. profiles are
// those its body carries, on is what kind of request it is.
func (p *Plan) Request(profiles []string, on Target) *Fault {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *armed
	for _, f := range p.faults {
		if f.early() || f.On != on {
			continue
		}
		if p.selects(f, profiles) && found == nil {
			found = f
		}
	}
	if found == nil {
		return nil
	}
	found.fired++
	return &found.Fault
}

// selects counts the request for every profile the fault is about, and says
// whether one of the counts is in its range.
func (p *Plan) selects(f *armed, profiles []string) bool {
	about := []string{""}
	if f.Profiles != nil {
		about = slices.DeleteFunc(slices.Clone(profiles), func(name string) bool { return !f.Profiles(name) })
	}
	selected := false
	for _, name := range about {
		f.counts[name]++
		n := f.counts[name]
		selected = selected || f.Requests.Contains(n) && p.hits(f, name, n)
	}
	return selected
}

// hits draws the lot of a fault with a probability: a function of the seed,
// the fault, the profile and the count, so that a printed seed replays a run
// and parallel profiles do not disturb each other.
func (p *Plan) hits(f *armed, name string, n int) bool {
	if f.Probability <= 0 || f.Probability >= 1 {
		return true
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s\x00%d", p.seed, f.ID, name, n))
	const scale = 1 << 53
	return float64(binary.BigEndian.Uint64(sum[:8])>>11)/scale < f.Probability
}

// Firing tells how far a fault of the plan got.
type Firing struct {
	ID      string
	Planned int // 0: open-ended
	Fired   int
}

// Firings lists every fault in the order of the plan.
func (p *Plan) Firings() []Firing {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Firing, len(p.faults))
	for i, f := range p.faults {
		out[i] = Firing{ID: f.ID, Planned: f.Planned(), Fired: f.fired}
	}
	return out
}
