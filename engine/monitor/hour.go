package monitor

import (
	"cmp"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Hour is a run as a driver keeps it, so that a restart loses no count. How
// many of its exports are pending is not in it: the unsettled exports say that.
type Hour struct {
	Start     time.Time `json:"start"`
	Completed bool      `json:"completed,omitempty"`
	Received  int64     `json:"received"`
	Counters
	Audiences  []profile.AudienceRef `json:"audiences,omitempty"`
	Exclusions []Exclusion           `json:"exclusions,omitempty"`
	Errors     []Error               `json:"errors,omitempty"`
}

// changed notes that a run is another than the one that was kept.
func (m *Monitor) changed(r *run) {
	if !r.dirty {
		r.dirty = true
		m.dirty = append(m.dirty, r)
	}
}

// Changed are the hours that changed since the last call, and the beginnings of
// those that no longer count.
func (m *Monitor) Changed() (hours []Hour, gone []time.Time) {
	for _, r := range m.dirty {
		r.dirty = false
		hours = append(hours, r.hour())
		r.final = nil
	}
	gone = m.gone
	m.dirty, m.gone = m.dirty[:0], nil
	return hours, gone
}

// hour is the durable form. The counters of a completed run are in final until
// they are stored.
func (r *run) hour() Hour {
	if r.final != nil {
		return *r.final
	}
	h := Hour{Start: r.start, Completed: r.completed, Received: r.received, Counters: r.Counters}
	for ref := range r.audiences {
		h.Audiences = append(h.Audiences, ref)
	}
	slices.SortFunc(h.Audiences, func(a, b profile.AudienceRef) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
	})
	h.Exclusions, h.Errors = r.details()
	return h
}

// Restore takes up the stored state, before any other call. The unsettled
// exports follow by Recovered.
func (m *Monitor) Restore(hours []Hour, firing []dataflow.AlertKind) {
	for _, h := range hours {
		r := newRun(h.Start)
		r.received, r.completed, r.Counters = h.Received, h.Completed, h.Counters
		m.insert(r)
		if r.completed {
			continue
		}
		r.audiences, r.exclusions, r.errors = map[profile.AudienceRef]bool{}, map[string]int64{}, map[string]Error{}
		for _, ref := range h.Audiences {
			r.audiences[ref] = true
		}
		for _, x := range h.Exclusions {
			r.exclusions[x.Reason] = x.Identities
		}
		for _, e := range h.Errors {
			r.errors[e.Code] = e
		}
	}
	for _, a := range m.alerts {
		a.firing = slices.Contains(firing, a.Kind)
	}
}

// insert keeps the runs in the order of their hours.
func (m *Monitor) insert(r *run) {
	at, _ := slices.BinarySearchFunc(m.runs, r.start, func(x *run, t time.Time) int { return x.start.Compare(t) })
	m.runs = slices.Insert(m.runs, at, r)
	if !r.completed {
		at, _ = slices.BinarySearchFunc(m.open, r.start, func(x *run, t time.Time) int { return x.start.Compare(t) })
		m.open = slices.Insert(m.open, at, r)
	}
}

// Firing are the alerts that fire.
func (m *Monitor) Firing() []dataflow.AlertKind {
	var kinds []dataflow.AlertKind
	for _, a := range m.alerts {
		if a.firing {
			kinds = append(kinds, a.Kind)
		}
	}
	return kinds
}

// Recovered counts an unsettled export of an earlier process as pending. Where
// its hour was not kept it is received now.
func (m *Monitor) Recovered(x *engine.Export) {
	r := m.at(x.At)
	if r == nil {
		r = newRun(x.At)
		r.reach(m.mapped, m.mapping)
		m.insert(r)
	}
	if r.completed {
		return // it was sent again by hand
	}
	if r.received <= r.pending {
		r.received++
		m.changed(r)
	}
	r.pending++
}

// Again takes back that an export of a dead letter failed: it is sent once
// more. A completed run stays as it was reported.
func (m *Monitor) Again(x *engine.Export, failed retry.Outcome) {
	r := m.at(x.At)
	if r == nil || r.completed {
		return
	}
	r.unfail(failed, x.Identities)
	r.pending++
	m.changed(r)
}

// Ends are the ends of the hours that are not completed.
func (m *Monitor) Ends() []time.Time {
	var ends []time.Time
	for _, r := range m.open {
		ends = append(ends, r.end())
	}
	return ends
}
