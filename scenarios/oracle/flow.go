package oracle

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// flow is the dataflow over the whole history.
type flow struct {
	active  timeline
	enabled timeline
	mapped  map[string]timeline // audience id -> when it was mapped
	batches []batch
	actions []int // ticks at which something about the dataflow was said
	again   map[string][]int
	deleted []int       // ticks at which the dataflow was deleted
	ended   []time.Time // when
	renamed map[string][]naming
	off     map[string]timeline // kind of changes -> when it was switched off
}

// naming is a new name of an audience.
type naming struct {
	tick int
	at   time.Time
	name string
}

// batch is audiences that were mapped together for the first time: their
// members are owed a backfill.
type batch struct {
	tick      int
	at        time.Time
	audiences []string // ids
	rule      string   // that a missing export breaks
	ends      time.Time
	closed    bool // ends is known: the dataflow was enabled for an hour
}

// newFlow sorts the actions into statements.
func newFlow(sc *scenarios.Scenario, moments []moment) *flow {
	f := &flow{mapped: map[string]timeline{}, again: map[string][]int{}, renamed: map[string][]naming{}}
	ids := map[string]string{}
	for _, a := range sc.Audiences {
		ids[a.Key] = a.ID
	}
	t := telling{flow: f, scenario: sc, configured: map[string]bool{}, about: map[string][]statement{},
		ability: []statement{{holds: true}}}
	for _, key := range sc.Dataflow.Audiences {
		t.configured[ids[key]] = true
	}
	if sc.Dataflow.Activated {
		t.activate(0, time.Time{})
	}
	for _, m := range moments {
		if m.event.Action != nil {
			f.actions = append(f.actions, m.last)
			t.action(m.event.Action, m.last)
		}
	}
	f.active, f.enabled = timeline{}.follow(t.activity), timeline{}.follow(t.ability)
	f.off = switches(sc, moments)
	f.owe(sc, t.about)
	return f
}

// telling is what actions say, sorted by what it is about.
type telling struct {
	flow              *flow
	scenario          *scenarios.Scenario
	active            bool
	configured        map[string]bool // audience ids that the next activation maps
	activity, ability []statement
	about             map[string][]statement // audience id -> when it was mapped
}

func (t *telling) activate(tick int, at time.Time) {
	t.active = true
	t.activity = append(t.activity, statement{tick: tick, at: at, holds: true})
	for _, a := range t.scenario.Audiences {
		if t.configured[a.ID] {
			t.about[a.ID] = append(t.about[a.ID], statement{tick: tick, at: at, holds: true})
		}
	}
}

// action takes one in. Before its activation a dataflow is only configured:
// what was said about an audience last is what the activation maps.
func (t *telling) action(a *recording.Action, tick int) {
	switch a.Action {
	case "activate":
		if !t.active {
			t.activate(tick, a.At)
		}
	case "delete":
		t.flow.deleted, t.flow.ended = append(t.flow.deleted, tick), append(t.flow.ended, a.At)
		t.active, t.configured = false, map[string]bool{}
		t.activity = append(t.activity, statement{tick: tick, at: a.At, holds: false})
		t.ability = append(t.ability, statement{tick: tick, at: a.At, holds: true})
		for _, audience := range t.scenario.Audiences {
			t.about[audience.ID] = append(t.about[audience.ID], statement{tick: tick, at: a.At, holds: false})
		}
	case "rename":
		for i, id := range a.Audiences[:min(len(a.Audiences), len(a.Names))] {
			t.flow.renamed[id] = append(t.flow.renamed[id], naming{tick, a.At, a.Names[i]})
		}
	case "enable", "disable":
		t.ability = append(t.ability, statement{tick: tick, at: a.At, holds: a.Action == "enable"})
	case "map", "unmap":
		for _, id := range a.Audiences {
			if !t.active {
				t.configured[id] = a.Action == "map"
				continue
			}
			t.about[id] = append(t.about[id], statement{tick: tick, at: a.At, holds: a.Action == "map"})
		}
	}
}

// owe turns what was said about audiences into their timelines, and the first
// mapping of each into a batch.
func (f *flow) owe(sc *scenarios.Scenario, about map[string][]statement) {
	first := map[int]*batch{}
	for _, a := range sc.Audiences {
		t := timeline{}.follow(about[a.ID])
		if len(t) == 0 {
			continue
		}
		f.mapped[a.ID] = t
		for i, s := range t {
			if i > 0 && f.generation(t[i-1].from) == f.generation(s.from) {
				f.again[a.ID] = append(f.again[a.ID], s.from)
				continue
			}
			if s.from == 0 {
				continue // its backfill was over before the history began
			}
			b := first[s.from]
			if b == nil {
				b = &batch{tick: s.from, at: s.since, rule: "backfill-new-audience"}
				if slices.ContainsFunc(f.active, func(on span) bool { return on.from == b.tick }) {
					b.rule = "backfill-new-dest"
				}
				b.ends, b.closed = f.later(b.at, sc.Destination.Readings.Duration(scenarios.ReadingBackfillWithin))
				first[b.tick] = b
			}
			b.audiences = append(b.audiences, a.ID)
		}
	}
	for _, b := range first {
		f.batches = append(f.batches, *b)
	}
	slices.SortFunc(f.batches, func(a, b batch) int { return a.tick - b.tick })
}

// generation counts the dataflows that were deleted by a tick: the next one
// remembers nothing of them (R118).
func (f *flow) generation(tick int) int {
	n, _ := slices.BinarySearch(f.deleted, tick+1)
	return n
}

// gone reports whether the dataflow was deleted and no other is active.
func (f *flow) gone(tick int) bool { return f.generation(tick) > 0 && !f.active.holds(tick) }

// deletedWithin reports whether a dataflow was deleted within a time after
// from.
func (f *flow) deletedWithin(from time.Time, long time.Duration) bool {
	return slices.ContainsFunc(f.ended, func(at time.Time) bool { return !at.Before(from) && at.Sub(from) <= long })
}

// nameAt is the name that an audience has at a tick, and when it got it; ok is
// false for the one it began with.
func (f *flow) nameAt(id string, tick int) (naming, bool) {
	all := f.renamed[id]
	for n := len(all) - 1; n >= 0; n-- {
		if all[n].tick <= tick {
			return all[n], true
		}
	}
	return naming{}, false
}

// firstMapped is the tick at which an audience was mapped first to the dataflow
// of a tick.
func (f *flow) firstMapped(id string, tick int) int {
	for _, s := range f.mapped[id] {
		if s.from <= tick && f.generation(s.from) == f.generation(tick) {
			return s.from
		}
	}
	return tick
}

// kinds are the switches of a dataflow, and the trigger that each is about.
var kinds = map[string]string{"attributeChanges": "attribute", "segmentationChanges": "audience",
	"externalSegmentationChanges": "external", "identityChanges": "identity"}

// switches is when each kind of changes was switched off (R53).
func switches(sc *scenarios.Scenario, moments []moment) map[string]timeline {
	out := map[string]timeline{}
	for kind, trigger := range kinds {
		said := []statement{{holds: !sc.Dataflow.Triggers.On(kind)}}
		for _, m := range moments {
			if a := m.event.Action; a != nil {
				if on, about := a.Triggers[kind]; about {
					said = append(said, statement{tick: m.last, at: a.At, holds: !on})
				}
			}
		}
		out[trigger] = timeline{}.follow(said)
	}
	return out
}

// later is the time after which the dataflow was enabled for so long since at;
// false when the history ends in a pause before that.
func (f *flow) later(at time.Time, long time.Duration) (time.Time, bool) {
	for i, s := range f.enabled {
		from := at
		if i > 0 && s.since.After(at) {
			from = s.since
		}
		if s.to == endless {
			return from.Add(long), true
		}
		if !s.until.After(from) {
			continue
		}
		if lasted := s.until.Sub(from); lasted >= long {
			return from.Add(long), true
		} else {
			long -= lasted
		}
	}
	return time.Time{}, false
}

// exports reports whether changes lead to exports at a tick.
func (f *flow) exports(tick int) bool { return f.active.holds(tick) && f.enabled.holds(tick) }

// has reports whether an audience is mapped at a tick.
func (f *flow) has(id string, tick int) bool { return f.mapped[id].holds(tick) }

// once reports whether an audience was mapped at some time before.
func (f *flow) once(id string, tick int) bool {
	_, ok := f.mapped[id].latest(tick)
	return ok
}

// running is the first time, from one on, at which the dataflow is enabled; that time
// itself where it never is again.
func (f *flow) running(from time.Time) time.Time {
	for _, s := range f.enabled {
		switch {
		case s.to != endless && !s.until.After(from):
		case s.since.After(from):
			return s.since
		default:
			return from
		}
	}
	return from
}
