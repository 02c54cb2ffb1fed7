package oracle

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// flow is what the whole history says about the dataflow.
type flow struct {
	active  timeline
	enabled timeline
	mapped  map[string]timeline // audience id -> when it was mapped
	batches []batch
	actions []int // ticks at which something about the dataflow was said
	again   map[string][]int
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

// newFlow sorts the actions into statements. Before its activation a dataflow
// is only configured: what was said about an audience last is what the
// activation maps.
func newFlow(sc *scenarios.Scenario, moments []moment) *flow {
	f := &flow{mapped: map[string]timeline{}, again: map[string][]int{}}
	ids := map[string]string{}
	for _, a := range sc.Audiences {
		ids[a.Key] = a.ID
	}
	configured := map[string]bool{}
	for _, key := range sc.Dataflow.Audiences {
		configured[ids[key]] = true
	}
	var activity, ability []statement
	about := map[string][]statement{}
	activate := func(tick int, at time.Time) {
		activity = append(activity, statement{tick, at, true})
		for _, a := range sc.Audiences {
			if configured[a.ID] {
				about[a.ID] = append(about[a.ID], statement{tick, at, true})
			}
		}
	}
	if sc.Dataflow.Activated {
		activate(0, time.Time{})
	}
	ability = append(ability, statement{0, time.Time{}, true})
	for _, m := range moments {
		a := m.event.Action
		if a == nil {
			continue
		}
		f.actions = append(f.actions, m.last)
		switch a.Action {
		case "activate":
			if len(activity) == 0 {
				activate(m.last, a.At)
			}
		case "enable", "disable":
			ability = append(ability, statement{m.last, a.At, a.Action == "enable"})
		case "map", "unmap":
			for _, id := range a.Audiences {
				if len(activity) == 0 {
					configured[id] = a.Action == "map"
					continue
				}
				about[id] = append(about[id], statement{m.last, a.At, a.Action == "map"})
			}
		}
	}
	f.active, f.enabled = timeline{}.follow(activity), timeline{}.follow(ability)
	f.owe(sc, about)
	return f
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
		for _, s := range t[1:] {
			f.again[a.ID] = append(f.again[a.ID], s.from)
		}
		if t[0].from == 0 {
			continue // its backfill was over before the history began
		}
		b := first[t[0].from]
		if b == nil {
			b = &batch{tick: t[0].from, at: t[0].since, rule: "backfill-new-audience"}
			if len(f.active) > 0 && f.active[0].from == b.tick {
				b.rule = "backfill-new-dest"
			}
			b.ends, b.closed = f.later(b.at, time.Hour)
			first[b.tick] = b
		}
		b.audiences = append(b.audiences, a.ID)
	}
	for _, b := range first {
		f.batches = append(f.batches, *b)
	}
	slices.SortFunc(f.batches, func(a, b batch) int { return a.tick - b.tick })
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

// exports says whether changes lead to exports at a tick.
func (f *flow) exports(tick int) bool { return f.active.holds(tick) && f.enabled.holds(tick) }

// has says whether an audience is mapped at a tick.
func (f *flow) has(id string, tick int) bool { return f.mapped[id].holds(tick) }

// once says whether an audience was mapped at some time before.
func (f *flow) once(id string, tick int) bool {
	_, ok := f.mapped[id].latest(tick)
	return ok
}
