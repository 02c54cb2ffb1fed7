package fault

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// MaxFaults bounds a plan that is added to while it is played.
const MaxFaults = 1000

// Plan is a list of faults with what they have done so far. It is safe for
// concurrent use; a nil plan has no faults, and none can be added.
type Plan struct {
	seed   uint64
	mu     sync.Mutex
	now    func() time.Time // nil: time stands still
	faults []*armed
}

// armed is a fault of the plan.
type armed struct {
	Fault
	since  time.Time      // when it was armed
	counts map[string]int // requests selected so far, by profile
	bucket *rate.Limiter  // nil without a rate
	fired  int
	chosen chosen // by the request being looked at
}

// chosen is why a fault hits.
type chosen struct {
	profile string
	count   int
	at      time.Time
	after   time.Duration // until there is a token again
}

// NewPlan arms the faults. Of several that select a request the first in the
// list acts; the others count it.
func NewPlan(seed uint64, faults ...Fault) *Plan {
	p := &Plan{seed: seed}
	for _, f := range faults {
		p.faults = append(p.faults, arm(f, time.Time{}))
	}
	return p
}

func arm(f Fault, now time.Time) *armed {
	if f.Phase == "" {
		f.Phase = Response
	}
	if f.Requests == (Range{}) {
		f.Requests = Range{First: 1}
	}
	if f.Connections == (Range{}) {
		f.Connections = Range{First: 1}
	}
	a := &armed{Fault: selecting(f), since: now, counts: map[string]int{}}
	if f.Rate > 0 {
		a.bucket = rate.NewLimiter(rate.Limit(f.Rate), max(1, f.Burst))
		a.Status = f.Answered()
	}
	return a
}

// Begin gives the plan a clock, and arms what is in it at this moment. The
// endpoint that plays the plan does it.
func (p *Plan) Begin(now func() time.Time) {
	if p == nil {
		return
	}
	at := now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = now
	for _, f := range p.faults {
		f.since = at
	}
}

// time is asked before the lock is taken: a clock has locks of its own.
func (p *Plan) time() time.Time {
	p.mu.Lock()
	now := p.now
	p.mu.Unlock()
	if now == nil {
		return time.Time{}
	}
	return now()
}

// Add arms one more fault, after all others. Its id must be new.
func (p *Plan) Add(f Fault) error {
	if p == nil {
		return errors.New("the endpoint has no fault plan")
	}
	if f.ID == "" {
		return errors.New("the fault has no id")
	}
	now := p.time()
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.index(f.ID) >= 0:
		return fmt.Errorf("another fault has the id %s", f.ID)
	case len(p.faults) >= MaxFaults:
		return fmt.Errorf("the plan has %d faults already, and cannot hold more", MaxFaults)
	}
	p.faults = append(p.faults, arm(f, now))
	return nil
}

// index finds a fault; -1 for none. The caller holds the lock.
func (p *Plan) index(id string) int {
	return slices.IndexFunc(p.faults, func(f *armed) bool { return f.ID == id })
}

// Remove takes a fault out; false when no fault has this id. Its effect on a
// request under way goes on.
func (p *Plan) Remove(id string) bool {
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.index(id)
	if i >= 0 {
		p.faults = slices.Delete(p.faults, i, i+1)
	}
	return i >= 0
}

// Clear takes every fault out.
func (p *Plan) Clear() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Connection returns the fault that connection n, counted from 1, meets in an
// early phase; nil for none. The connections of the token endpoint count apart.
func (p *Plan) Connection(n int, phase Phase, token bool) *Fault {
	if p == nil {
		return nil
	}
	now := p.time()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		mine := f.Phase == phase && f.Early() && (f.On == Token) == token && within(&f.Fault, now.Sub(f.since))
		if mine && picks(&f.Fault, n) && p.hits(f, "", n) {
			return p.fire(f, chosen{count: n, at: now})
		}
	}
	return nil
}

// Request returns the fault that a request meets, nil for none: a copy of the
// planned one with what chance decided. profiles are those its body carries, on
// is what kind of request it is, connection the one it came on, from 1.
func (p *Plan) Request(profiles []string, on Target, connection int) *Fault {
	if p == nil {
		return nil
	}
	now := p.time()
	p.mu.Lock()
	defer p.mu.Unlock()
	var found *armed
	for _, f := range p.faults {
		if f.Early() || f.On != on || !contains(f.Connections, connection) || !within(&f.Fault, now.Sub(f.since)) {
			continue
		}
		f.chosen = chosen{at: now}
		if p.selects(f, profiles) && found == nil {
			found = f
		}
	}
	if found == nil {
		return nil
	}
	return p.fire(found, found.chosen)
}

// selects counts the request for every profile the fault is about, and reports
// whether one of the counts is in its range and, where it has a rate, beyond
// that. It notes which.
func (p *Plan) selects(f *armed, profiles []string) bool {
	about := []string{""}
	if f.Profiles != nil {
		about = slices.DeleteFunc(slices.Clone(profiles), func(name string) bool { return !f.Profiles(name) })
	}
	selected := false
	for _, name := range about {
		f.counts[name]++
		n := f.counts[name]
		if !selected && picks(&f.Fault, n) && p.hits(f, name, n) {
			selected, f.chosen.profile, f.chosen.count = true, name, n
		}
	}
	return selected && f.limits()
}

// limits takes a token of the fault's bucket, and reports whether there was
// none; it notes how long it is until there is one. A fault without a rate has
// no token to give.
func (f *armed) limits() bool {
	if f.bucket == nil {
		return true
	}
	if f.bucket.AllowN(f.chosen.at, 1) {
		return false
	}
	r := f.bucket.ReserveN(f.chosen.at, 1)
	f.chosen.after = r.DelayFrom(f.chosen.at)
	r.CancelAt(f.chosen.at)
	return true
}

// hits draws the lot of a fault with a probability.
func (p *Plan) hits(f *armed, name string, n int) bool {
	if f.Probability <= 0 || f.Probability >= 1 {
		return true
	}
	return draw(p.seed, f.ID, name, n).share() < f.Probability
}

// fire counts a firing, and returns the fault with what chance decides about it.
func (p *Plan) fire(f *armed, c chosen) *Fault {
	f.fired++
	fired := f.Fault
	lots := draw(p.seed, f.ID, c.profile, c.count)
	fired.Draw = lots
	if f.Latencies != nil {
		fired.Latency = quantile(f.Latencies, lots.quantile())
	}
	if f.Rate > 0 {
		fired.Headers = withRetryAfter(f.Headers, c.after)
	}
	return &fired
}

// withRetryAfter adds Retry-After in whole seconds, unless it is given.
func withRetryAfter(given map[string]string, after time.Duration) map[string]string {
	headers := maps.Clone(given)
	for name := range given {
		if strings.EqualFold(name, "Retry-After") {
			return headers
		}
	}
	if headers == nil {
		headers = map[string]string{}
	}
	headers["Retry-After"] = strconv.Itoa(int(math.Ceil(max(1, after.Seconds()))))
	return headers
}

// Firing counts how often a fault of the plan fired.
type Firing struct {
	ID      string
	Planned int // 0: open-ended
	Fired   int
}

// Firings lists every fault in the order of the plan.
func (p *Plan) Firings() []Firing {
	var out []Firing
	for _, l := range p.List() {
		out = append(out, Firing{ID: l.Fault.ID, Planned: l.Planned, Fired: l.Fired})
	}
	return out
}

// Listed is a fault of the plan and how far it got.
type Listed struct {
	Fault   Fault
	Planned int // 0: open-ended
	Fired   int
}

// List is every fault in the order of the plan.
func (p *Plan) List() []Listed {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	out := make([]Listed, len(p.faults))
	for i, f := range p.faults {
		out[i] = Listed{Fault: f.Fault, Planned: Planned(f.Fault), Fired: f.fired}
		out[i].Fault.Headers = maps.Clone(f.Headers)
	}
	return out
}
