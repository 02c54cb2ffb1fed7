package oracle

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Held is what a receiver may hold of a profile once a history is over: the content that
// the history gives each export, of those that reached the receiver.
//
// A message that the receiver answered with 2xx is stored: it is never sent again. One
// without an answer, or with another status, may be stored. Of memberships the one with
// the latest lastQualificationTime counts, and an exit among equals (R100). Attributes and
// identities have no version, so the last message counts, and every message that was under
// way together with it.
type Held struct {
	Profile string
	// Open is why the documentation does not determine the state; "" where it does.
	Open  string
	ECIDs []string // by which the profile is asked for, sorted; empty where no ECID is in each of its messages

	oracle      *Oracle
	must        bool // a message about it was answered with 2xx
	memberships map[string]*standings
	attributes  map[string][]any // leaf -> values it may have, nil for none
	identities  map[string]may   // namespace:id
	foreign     map[string]bool  // identities of other profiles
	superseded  []*content       // of messages that were followed by another
}

// may reports in which ways something may be held.
type may struct{ held, absent bool }

// delivery is one message about a profile that a receiver got.
type delivery struct {
	*content
	tick         int
	began, ended time.Time
	stored       bool // it was answered with 2xx
	open         bool // whether it is over is unknown: no answer came
}

// before reports whether a delivery was over when another one began. Of two that took no
// time, as in virtual time, neither is.
func (d *delivery) before(other *delivery) bool {
	return !d.open && !d.ended.After(other.began) && d.began.Before(other.ended)
}

// HeldAfter derives from a recording what its receiver may hold of each profile of which
// it got a message, in the order of their names. The scenario is that which was played,
// with one dataflow. A profile of which the receiver got nothing is left out.
func HeldAfter(sc *scenarios.Scenario, lines []recording.Line) []Held {
	o := New(sc, Recorded(lines))
	j := &judge{oracle: o, report: newReport(), exports: map[string][]*placedExport{}, claimed: map[update]bool{}}
	j.read(lines)
	reached := forwarded(lines)
	all := map[string][]*delivery{}
	for _, x := range j.all {
		p := o.viewOf(o.person(x.Profile), x.MergePolicy)
		if p == nil {
			continue // which Recording reports
		}
		possible := j.possible(p, x)
		for _, r := range reached[x.ID] {
			c := o.content(p, &possible, x.At)
			for _, f := range r.Receiver {
				all[x.Profile] = append(all[x.Profile], &delivery{content: c, tick: x.tick, began: f.At, ended: f.EndedAt,
					stored: f.Status >= 200 && f.Status < 300, open: f.Status == 0})
			}
		}
	}
	owners := ownersOf(all)
	var out []Held
	for _, name := range slices.Sorted(maps.Keys(all)) {
		out = append(out, o.held(name, all[name], owners))
	}
	return out
}

// forwarded are the requests of each export that a proxy sent on. A socket carries one
// exchange at a time and none after a failed one, so the nth request on it is that of the
// nth attempt.
func forwarded(lines []recording.Line) map[string][]*recording.Request {
	attempts, requests := map[int][]*recording.Attempt{}, []*recording.Request{}
	for _, l := range lines {
		switch {
		case l.Attempt != nil && l.Attempt.Socket > 0:
			attempts[l.Attempt.Socket] = append(attempts[l.Attempt.Socket], l.Attempt)
		case l.Request != nil && l.Request.Method == "POST" && l.Request.TokenRequest == nil:
			requests = append(requests, l.Request)
		}
	}
	slices.SortStableFunc(requests, func(a, b *recording.Request) int { return cmp.Compare(a.Number, b.Number) })
	out := map[string][]*recording.Request{}
	for _, r := range requests {
		waiting := attempts[r.Socket]
		if len(waiting) == 0 {
			continue
		}
		attempts[r.Socket] = waiting[1:]
		for _, id := range waiting[0].Exports {
			out[id] = append(out[id], r)
		}
	}
	return out
}

// ownersOf are the profiles whose messages have an identity.
func ownersOf(all map[string][]*delivery) map[string][]string {
	out := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, d := range all[name] {
			for _, identity := range d.identities {
				if !slices.Contains(out[identity], name) {
					out[identity] = append(out[identity], name)
				}
			}
		}
	}
	return out
}

// held is what may be held after deliveries of one profile.
func (o *Oracle) held(name string, all []*delivery, owners map[string][]string) Held {
	h := Held{Profile: name, oracle: o, memberships: map[string]*standings{}, attributes: map[string][]any{},
		identities: map[string]may{}, foreign: map[string]bool{}}
	for _, d := range all {
		h.must = h.must || d.stored
	}
	last := final(all)
	for _, d := range all {
		if !slices.Contains(last, d) {
			h.superseded = append(h.superseded, d.content)
		}
	}
	h.documents(last)
	for _, d := range all {
		h.enter(d)
	}
	for identity, names := range owners {
		if !slices.Contains(names, name) {
			h.foreign[identity] = true
		}
	}
	for identity, m := range h.identities {
		if namespace, id, _ := strings.Cut(identity, ":"); namespace == "ecid" && !m.absent {
			h.ECIDs = append(h.ECIDs, id)
		}
	}
	slices.Sort(h.ECIDs)
	h.Open = o.undetermined(name, all, owners)
	return h
}

// final are the deliveries after which no message was stored that is as new or newer: the
// state is that of one of them. An older message that arrives last may overwrite attributes
// and identities, which have no time of their own, and need not.
func final(all []*delivery) []*delivery {
	var out []*delivery
	for _, d := range all {
		if !slices.ContainsFunc(all, func(other *delivery) bool { return other.stored && other.tick >= d.tick && d.before(other) }) {
			out = append(out, d)
		}
	}
	return out
}

// documents takes in the attributes and identities of the last messages.
func (h *Held) documents(last []*delivery) {
	for _, d := range last {
		for path := range d.attributes {
			h.attributes[path] = nil
		}
		for _, identity := range d.identities {
			h.identities[identity] = may{held: true}
		}
	}
	for _, d := range last {
		for path, values := range h.attributes {
			h.attributes[path] = append(values, d.attributes[path])
		}
		for identity, m := range h.identities {
			m.absent = m.absent || !slices.Contains(d.identities, identity)
			h.identities[identity] = m
		}
	}
}

// undetermined is why no page says what a receiver holds of a profile.
func (o *Oracle) undetermined(name string, all []*delivery, owners map[string][]string) string {
	p := o.person(name)
	joins := func(m moment) bool {
		return slices.ContainsFunc(m.event.Update.Changes, func(c recording.Change) bool {
			return c.Op == gain || c.Op == "merged" || c.Op == "forget"
		})
	}
	for _, d := range all {
		for _, identity := range d.identities {
			for _, other := range owners[identity] {
				if other != name {
					return "it shares an identity with " + other + ": no page says whose state a receiver keeps"
				}
			}
		}
	}
	if slices.ContainsFunc(p.moments, func(m moment) bool { return m.merge != nil || joins(m) }) {
		return "it is merged or forgotten: no message says so to a receiver"
	}
	return ""
}
