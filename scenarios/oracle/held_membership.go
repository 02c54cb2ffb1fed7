package oracle

import (
	"slices"
	"strings"
	"time"
)

// standings are the entries of one audience that a receiver got of a profile.
type standings struct {
	audience string
	needed   bool // to be held: an audience that is not mapped may be unknown (R102)
	all      []sentEntry
}

// sentEntry is an entry of one message.
type sentEntry struct {
	*entry
	at time.Time // its lastQualificationTime
	of *delivery
}

// enter takes in the memberships of a message.
func (h *Held) enter(d *delivery) {
	for place, e := range d.entries {
		s := h.memberships[place]
		if s == nil {
			s = &standings{audience: e.audience}
			h.memberships[place] = s
		}
		s.needed = s.needed || e.mapped && e.must
		s.all = append(s.all, sentEntry{e, h.oracle.stated(e), d})
	}
}

// after reports whether an entry is surely of a later state than another one: by its
// time, and an exit among equals. Times are whole seconds, so that somebody may have come
// back at the time of an earlier qualification.
func (e sentEntry) after(other sentEntry) bool {
	if !e.at.Equal(other.at) {
		return e.at.After(other.at)
	}
	return e.exited && !other.exited && e.of.tick >= other.of.tick
}

// current are the entries that may be held: none that is surely stored is after them.
func (s *standings) current() []sentEntry {
	var out []sentEntry
	for _, e := range s.all {
		if !slices.ContainsFunc(s.all, func(other sentEntry) bool { return other.of.stored && other.after(e) }) {
			out = append(out, e)
		}
	}
	return out
}

// mayBeAbsent reports whether an entry need not be held: one that is not mapped, an exit,
// and one that may not be stored.
func (s *standings) mayBeAbsent(current []sentEntry) bool {
	return !s.needed || !slices.ContainsFunc(s.all, func(e sentEntry) bool { return e.of.stored }) ||
		slices.ContainsFunc(current, func(e sentEntry) bool { return e.exited })
}

// statuses are those of entries, each once, with "absent" where there may be none.
func statuses(all []sentEntry, absent bool) []string {
	var out []string
	for _, e := range all {
		if !slices.Contains(out, e.status) {
			out = append(out, e.status)
		}
	}
	if absent {
		out = append(out, "absent")
	}
	return out
}

// memberships compares those of a state.
func (d *differing) memberships(value any) {
	namespaces, ok := value.(map[string]any)
	if !ok {
		d.unknown("segmentMembership", "an object")
		return
	}
	for _, place := range sortedKeys(d.held.memberships) {
		namespace, id, _ := strings.Cut(place, "/")
		list, _ := namespaces[namespace].(map[string]any)
		fields, _ := list[id].(map[string]any)
		d.membership(d.held.memberships[place], "segmentMembership."+namespace+"."+id, fields)
	}
	for _, namespace := range sortedKeys(namespaces) {
		list, _ := namespaces[namespace].(map[string]any)
		for _, id := range sortedKeys(list) {
			fields, _ := list[id].(map[string]any)
			_, known := d.held.oracle.audiences[id]
			if known && d.held.memberships[namespace+"/"+id] == nil && statusIn(fields) == "realized" {
				d.wrong("rcv-2xx", "segmentMembership."+namespace+"."+id, "absent: no message had it", "realized")
			}
		}
	}
}

// statusIn is the status of an entry of a state. existing is of older samples.
func statusIn(fields map[string]any) string {
	switch status, _ := fields["status"].(string); status {
	case "":
		return "absent"
	case "existing":
		return "realized"
	default:
		return status
	}
}

// membership compares one entry.
func (d *differing) membership(s *standings, path string, fields map[string]any) {
	current := s.current()
	want, got := statuses(current, s.mayBeAbsent(current)), statusIn(fields)
	path += " (" + s.audience + ")"
	if !slices.Contains(want, got) {
		d.status(s, current, path, strings.Join(want, " or "), got)
		return
	}
	written, _ := fields["lastQualificationTime"].(string)
	at := parsedTime(written).UTC().Truncate(time.Second)
	held := slices.DeleteFunc(slices.Clone(current), func(e sentEntry) bool { return e.status != got })
	if written == "" || len(held) == 0 || slices.ContainsFunc(held, func(e sentEntry) bool { return e.at.Equal(at) }) {
		return
	}
	clause := "rcv-2xx"
	if slices.ContainsFunc(s.all, func(e sentEntry) bool { return e.at.Equal(at) }) {
		clause = "rcv-order"
	}
	d.wrong(clause, path+": lastQualificationTime", held[len(held)-1].at.Format(time.RFC3339), written)
}

// status is the difference of one, by the rule that explains it: an exit that was not
// acted on, an older message that won, or a message that is not stored.
func (d *differing) status(s *standings, current []sentEntry, path, want, got string) {
	late := func(e sentEntry) bool { // it came together with a current one, or later
		return e.status == got && slices.ContainsFunc(current, func(c sentEntry) bool {
			return !e.of.before(c.of) && e.of != c.of
		})
	}
	i := slices.IndexFunc(s.all, late)
	switch {
	case i >= 0 && slices.ContainsFunc(current, func(c sentEntry) bool { return c.at.Equal(s.all[i].at) }):
		d.open("rcv-order/shared-time", path, want, got)
	case i >= 0:
		d.wrong("rcv-order", path, want, got)
	case got == "realized" && slices.ContainsFunc(current, func(c sentEntry) bool { return c.exited }):
		d.wrong("rcv-exited", path, want, got)
	default:
		d.wrong("rcv-2xx", path, want, got)
	}
}
