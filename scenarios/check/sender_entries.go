package check

import (
	"cmp"
)

// entries is what the entries of a capture show of the two toggles of the
// destination. Both hold for all of a capture.
type entries struct {
	seen     int
	names    bool               // one has a name
	stamps   bool               // one has a timestamp
	mappings bool               // one has a timestamp of its mapping: which are mapped is known
	kept     map[shownEntry]int // entries that differ, and the line of the first of each
	order    []shownEntry       // the same in the order of the capture
}

// mostKept bounds the entries that are kept: a capture may be of any size.
const mostKept = 100_000

// entry judges one entry of segmentMembership by itself.
func (s *Sender) entry(line int, m membership) {
	place := m.namespace + "/" + m.id
	membershipShape(s.evidenceOf("membership-shape", line, place), m)
	if m.fields == nil {
		return
	}
	statusValues(s.evidenceOf("status-values", line, place), m)
	timeFormat(s.evidenceOf("lqt-format", line, place), m)
	timestampOrder(s.evidenceOf("ts-order", line, place), m)
	namespaceKey(s.evidenceOf("namespace-key", line, place), m, s.audiences)
	if s.Scenario == nil {
		s.entries.keep(line, m)
	}
}

// keep notes what an entry shows of the toggles.
func (e *entries) keep(line int, m membership) {
	x := showing(m)
	e.seen++
	e.names, e.stamps, e.mappings = e.names || x.named, e.stamps || x.stamps != "", e.mappings || x.mapped
	if _, there := e.kept[x]; there || len(e.order) == mostKept {
		return
	}
	if e.kept == nil {
		e.kept = map[shownEntry]int{}
	}
	e.kept[x] = line
	e.order = append(e.order, x)
}

// inferred judges the rules about names and timestamps by the toggles that the
// capture shows. An entry with a timestamp of its mapping is a mapped one.
func (s *Sender) inferred() {
	e := &s.entries
	for _, x := range e.order {
		s.toggles(e.kept[x], x)
	}
	s.wraps()
}

// toggles judges one kind of entry by what the capture shows of the toggles.
func (s *Sender) toggles(line int, x shownEntry) {
	e := &s.entries
	of := func(rule, how string) evidence { return s.evidenceOf(rule, line, x.place+how) }
	const mapped, unmapped = ", which is mapped,", ", without a timestamp of a mapping,"
	switch {
	case e.names && e.mappings && x.mapped:
		mappedName(of("names-mapped", mapped), x)
	case e.names && e.mappings:
		nameless(of("names-unmapped", unmapped), x)
	case x.named:
		mappedName(of("names-mapped", ""), x)
	}
	switch {
	case x.mapped:
		mappedStamps(of("ts-on", ""), x)
	case e.mappings:
		unmappedStamps(of("ts-unmapped", unmapped), x)
	case x.stamps != "":
		mappedStamps(of("ts-on", ""), x) // without a mapping it never has the four
	}
}

// wraps judges messages of one profile that something is around: a mistake where
// the scenario says one profile a request, and otherwise one way of sending several
// (R40, A23). The way that the scenario names is right.
func (s *Sender) wraps() {
	for _, w := range s.wrapped {
		most, encoding := 0, ""
		if s.Scenario != nil {
			most, encoding = s.Scenario.Destination.MaxProfilesPerRequest, s.Scenario.Destination.BatchEncoding
		}
		switch {
		case most == 1:
			s.note("no-envelope", false, w.line, "one profile in %s", w.form)
		case most == 0 || w.form != wrappers[cmp.Or(encoding, array)]:
			s.note("no-envelope/several-allowed", false, w.line, "one profile in %s", w.form)
		}
	}
}

// wrapped is a message of one profile that something is around.
type wrapped struct {
	line int
	form string
}

// wrappers are the words for the two encodings of several profiles.
var wrappers = map[string]string{array: "a list", wrapper: `{"profiles": […]}`}

// toggled is why a rule about a toggle has nothing to look at: the capture
// shows the other position.
func (e *entries) toggled(rule string) string {
	switch {
	case e.seen == 0:
		return ""
	case (rule == "names-mapped" || rule == "names-unmapped") && !e.names:
		return "the capture shows no names: the toggle is off, or no audience is mapped"
	case (rule == "ts-on" || rule == "ts-unmapped") && !e.stamps:
		return "the capture shows no timestamps: the toggle is off, or no audience is mapped"
	}
	return ""
}
