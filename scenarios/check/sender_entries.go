package check

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"time"
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

// shownEntry is an entry as far as the toggles go.
type shownEntry struct {
	place         string
	named, mapped bool
	nameIsText    bool
	stamps        string
	whole         bool // the four, in milliseconds
}

// mostKept bounds the entries that are kept: a capture may be of any size.
const mostKept = 100_000

// entry judges one entry of segmentMembership by itself.
func (s *Sender) entry(line int, m membership) {
	place := m.namespace + "/" + m.id
	if m.fields == nil {
		s.note("membership-shape", false, line, "%s is no object", place)
		return
	}
	status, hasStatus := m.fields["status"].(string)
	since, hasTime := m.fields["lastQualificationTime"].(string)
	s.note("membership-shape", hasTime && hasStatus, line, "%s has %v", place, sortedKeys(m.fields))
	known := append([]string{"lastQualificationTime", "status", "name"}, timestamps...)
	for _, key := range sortedKeys(m.fields) {
		if !slices.Contains(known, key) {
			s.leave("membership-shape", line, "%s has %s", place, key) // XDM knows more than exports show (A40)
		}
	}
	if hasStatus {
		s.note("status-values", status == "realized" || status == "exited", line, "%s is %.20q", place, status)
	}
	if hasTime {
		s.qualified(line, place, since)
	}
	for _, pair := range [][2]string{{"createdAt", "updatedAt"}, {"mappingCreatedAt", "mappingUpdatedAt"}} {
		first, ok := millis(m.fields[pair[0]])
		second, both := millis(m.fields[pair[1]])
		if ok && both {
			s.note("ts-order", first <= second, line, "%s: %s %d, %s %d", place, pair[0], first, pair[1], second)
		}
	}
	s.namespace(line, m)
	if s.Scenario == nil {
		s.entries.keep(line, m)
	}
}

// documentedTimes are the forms of lastQualificationTime that the documentation
// shows (domain: timestamp formats seen).
var documentedTimes = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05.999999999-0700"}

// qualified: another documented form than ours is no mistake; what is no time
// in any of them is one (R74, A27).
func (s *Sender) qualified(line int, place, since string) {
	for _, form := range documentedTimes {
		if _, err := time.Parse(form, since); err == nil {
			s.note("lqt-format", utc.MatchString(since), line, "%s: %s", place, since)
			return
		}
	}
	s.against("lqt-format", line, "%s: %.40q is in no documented form", place, since)
}

var namespaceWord = regexp.MustCompile(`^(ups|CustomerAudienceUpload|AAM)$`)

// namespace: which audiences are uploads is not known, but their two
// namespaces are, and the spelling of both (R75, A39).
func (s *Sender) namespace(line int, m membership) {
	switch {
	case namespaceWord.MatchString(m.namespace):
		s.note("namespace-key", true, line, "")
	case strings.EqualFold(m.namespace, "ups"), strings.EqualFold(m.namespace, "CustomerAudienceUpload"):
		s.note("namespace-key", false, line, "%s", m.namespace)
	default:
		s.leave("namespace-key", line, "the namespace %.60q", m.namespace)
	}
}

// keep notes what an entry shows of the toggles.
func (e *entries) keep(line int, m membership) {
	has := stamps(m)
	x := shownEntry{place: m.namespace + "/" + m.id, stamps: strings.Join(has, " ")}
	name, isText := m.fields["name"].(string)
	_, x.named = m.fields["name"]
	x.nameIsText = isText && name != ""
	x.mapped = slices.Contains(has, "mappingCreatedAt") || slices.Contains(has, "mappingUpdatedAt")
	x.whole = len(has) == len(timestamps)
	for _, key := range has {
		_, ok := millis(m.fields[key])
		x.whole = x.whole && ok
	}
	e.seen++
	e.names, e.stamps, e.mappings = e.names || x.named, e.stamps || len(has) > 0, e.mappings || x.mapped
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
	switch {
	case e.names && e.mappings && x.mapped:
		s.note("names-mapped", x.nameIsText, line, "%s is mapped and has no name", x.place)
	case e.names && e.mappings:
		s.note("names-unmapped", !x.named, line, "%s is named and has no timestamp of a mapping", x.place)
	case x.named:
		s.note("names-mapped", x.nameIsText, line, "the name of %s is no text", x.place)
	}
	switch {
	case x.mapped:
		s.note("ts-on", x.whole, line, "%s has [%s], or not in milliseconds", x.place, x.stamps)
	case e.mappings:
		s.note("ts-unmapped", x.stamps == "", line, "%s has [%s] and no timestamp of a mapping", x.place, x.stamps)
	case x.stamps != "":
		s.note("ts-on", false, line, "%s has [%s] alone", x.place, x.stamps)
	}
}

// wraps judges messages of one profile that something is around: a mistake
// where one profile a request is said, and otherwise one way of sending several
// (R40, A23). The way that the scenario names is nothing to tell of.
func (s *Sender) wraps() {
	for _, w := range s.wrapped {
		switch {
		case s.Scenario == nil:
			s.leave("no-envelope", w.line, "one profile in %s", w.form)
		case s.Scenario.Destination.MaxProfilesPerRequest <= 1:
			s.note("no-envelope", false, w.line, "one profile in %s", w.form)
		case w.form != wrappers[cmp.Or(s.Scenario.Destination.BatchEncoding, array)]:
			s.leave("no-envelope", w.line, "one profile in %s", w.form)
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
