// Package oracle states the export rules a second time, in another shape than
// the engine, and judges exports by them. PURE.
//
// The engine steps a state from update to update. The oracle reads the whole
// history at once. Every change has a tick. The changes of a membership, an
// identity, an attribute, a mapping or a pause become a timeline of the ticks
// between which they held, and a rule is a question about timelines. The result
// is the possible exports of a profile:
//
//   - must: the change enters or leaves a mapped audience, touches an identity
//     or a mapped attribute of a member; or a member is owed a backfill and
//     nothing ended the claim within the hour;
//   - may: a backfill that something ended before its hour was over;
//   - must not: every other change, each with the rule that forbids it.
//
// An export without a must or a may is a finding that names the rule, and so
// are a must without its export, and every difference between a body and the
// one that the rules require. Where the documentation is silent the finding has
// Default set: our own engine must keep the default, and a foreign sender is
// judged unspecified on it.
//
// # Judging a recording
//
// Recording judges our engine. The recording has the place in the history where
// an export was decided, so the cost is linear in its lines.
//
// # Judging somebody else's sender
//
// Judge takes exports as an endpoint saw them: the profile, the body, and the
// time where it is known. Messages of one profile are given in the order in
// which they came; a retry need not be left out, since a body that repeats the
// one before it and that nothing calls for is taken for one. The history is
// that of the scenario (Planned), or any other. Exports are aligned with the
// possible ones so that as little as possible is wrong, which takes the product
// of the two numbers per profile. A body whose identities were of several profiles,
// which merged or were forgotten, is given to the one for which least is wrong then,
// so that a right sender stays right. Times within bodies are not compared there:
// nobody knows the sender's clock.
package oracle

import (
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/scenarios"
)

// moment is an event with the ticks of its changes; an action has one.
type moment struct {
	event       Event
	first, last int
	merge       *merge // where the update is what a profile gains by it
}

// Oracle knows a whole history. Its methods may be called in
// parallel.
type Oracle struct {
	scenario  *scenarios.Scenario
	redactor  *secret.Redactor              // of the scenario's credentials
	keys      map[string]scenarios.Audience // by key
	audiences map[string]scenarios.Audience // by id
	moments   []moment
	updates   map[string][]moment // by profile
	flow      *flow
	mapped    []string // attribute paths, in the form of documents
	clock     Clock    // of somebody else's capture
	foreign   bool     // it is about somebody else's sender
	// lenient: the sender does not know the synthetic identities.
	lenient   bool
	unclaimed []unclaimed // bodies of nobody knows whom

	mu     sync.Mutex
	people map[string]*person
}

// New gathers the facts of a history that began as the scenario says.
func New(sc *scenarios.Scenario, history []Event) *Oracle {
	o := &Oracle{scenario: sc, redactor: secret.NewRedactor(sc.Credentials()...), keys: map[string]scenarios.Audience{}, audiences: map[string]scenarios.Audience{},
		updates: map[string][]moment{}, people: map[string]*person{}}
	for _, a := range sc.Audiences {
		o.keys[a.Key], o.audiences[a.ID] = a, a
	}
	for _, path := range sc.Dataflow.Attributes {
		o.mapped = append(o.mapped, inner(path))
	}
	tick := 0
	for _, e := range history {
		e, merge := o.expanded(e, tick)
		m := moment{event: e, first: tick + 1, last: tick + 1, merge: merge}
		if e.Update != nil {
			m.last = tick + max(1, len(e.Update.Changes))
			o.updates[e.Update.Profile] = append(o.updates[e.Update.Profile], m)
		}
		tick = m.last
		o.moments = append(o.moments, m)
	}
	o.flow = newFlow(sc, o.moments)
	return o
}

// person is the facts of one profile, gathered when they are asked for.
func (o *Oracle) person(name string) *person {
	o.mu.Lock()
	defer o.mu.Unlock()
	p := o.people[name]
	if p == nil {
		p = o.newPerson(name)
		o.people[name] = p
	}
	return p
}

// Obligation reports whether an export has to be there.
type Obligation string

// The three answers.
const (
	Must    Obligation = "must"
	May     Obligation = "may"
	MustNot Obligation = "must not"
)

// Possible is one export that the history calls for, allows or forbids.
type Possible struct {
	Profile    string
	Obligation Obligation
	From, To   time.Time // when; the same for the export of a change
	Because    []string  // audience, attribute, identity, backfill; sorted
	Clause     string    // that a missing one, or one too many, breaks: "trig-enter", "trig-attr-mapped/removed"

	tick      int               // after whose change it is decided
	earliest  time.Time         // when that was: it is not sent before
	triggers  map[string]bool   // audience ids that changed or are backfilled for sure
	perhaps   map[string]bool   // and those that count as well, if one likes
	violation map[string]string // trigger -> the clause it breaks not to have it
	off       []string          // triggers it would have besides, were they not switched off; sorted
	live      bool              // of a change
	reading   bool              // the chosen reading does not call for it, another one does
	forbidden string            // then the clause of one that does not show what the other reading exports
	open      bool              // the chosen reading calls for it, another one does not
}

// Possible lists the possible exports of a profile in the order of the history,
// those of each merge policy by themselves where the reading has them apart.
func (o *Oracle) Possible(profile string) (all []Possible) {
	for _, p := range o.views(o.person(profile)) {
		all = append(all, o.possible(p)...)
	}
	slices.SortStableFunc(all, func(a, b Possible) int { return a.tick - b.tick })
	return all
}

// possible is Possible for one view of a profile.
func (o *Oracle) possible(p *person) []Possible {
	var out []Possible
	for _, m := range p.moments {
		out = append(out, o.change(p, m))
	}
	return o.withBackfills(p, out)
}
