package check

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// evidence is what one content rule is judged by: a part of a body or of a
// request with its place, in a recording of our own or in a capture of somebody
// else's sender. The rule is stated once; what is wrong counts as the two judges
// count it.
type evidence struct {
	place string    // of the part, as the author of the sender would look for it
	own   *findings // of a recording; nil for a capture

	chosen scenarios.Readings // of a recording

	foreign   *Sender // of a capture
	clause    string
	line      int
	diagnosis diagnosis
}

// evidenceOf is what one rule is judged by in a capture.
func (s *Sender) evidenceOf(clause string, line int, place string) evidence {
	return evidence{place: place, foreign: s, clause: clause, line: line}
}

// of is the same evidence for a clause of the rule.
func (e evidence) of(clause string) evidence {
	e.clause = clause
	return e
}

// as is the same evidence for one way to break the clause.
func (e evidence) as(d diagnosis) evidence {
	e.diagnosis = d
	return e
}

// note counts one thing that was checked. A mistake breaks the clause; in a
// capture the level of the clause decides the verdict.
func (e evidence) note(ok bool, format string, args ...any) {
	if e.own != nil {
		e.own.note(ok, format, args...)
		return
	}
	e.foreign.noteAs(e.clause, e.diagnosis, ok, e.line, format, args...)
}

// readings are those that the evidence is judged by.
func (e evidence) readings() scenarios.Readings {
	if e.own == nil {
		return e.foreign.readings()
	}
	return e.chosen
}

// membershipShape: an entry has its time and its status, and no key that an
// export does not show (R65). XDM knows more than exports show (A40).
func membershipShape(e evidence, m membership) {
	if m.fields == nil {
		e.note(false, "%s is not an object", e.place)
		return
	}
	_, hasTime := m.fields["lastQualificationTime"].(string)
	_, hasStatus := m.fields["status"].(string)
	e.note(hasTime && hasStatus, "%s has %v", e.place, sortedKeys(m.fields))
	known := append([]string{"lastQualificationTime", "status", "name"}, timestamps...)
	for _, key := range sortedKeys(m.fields) {
		e.of("membership-shape/more-members").note(slices.Contains(known, key), "%s has %s", e.place, key)
	}
}

// statusValues: realized and exited only (R66). An entry without a status is a
// matter of its shape.
func statusValues(e evidence, m membership) {
	if status, there := m.fields["status"].(string); there {
		e.note(status == "realized" || status == "exited", "%s is %.20q", e.place, status)
	}
}

// writtenForms are the layouts of lastQualificationTime by the words of the
// reading (A27).
var writtenForms = map[string]string{"z": "2006-01-02T15:04:05Z", "offset": "2006-01-02T15:04:05-0700", "colon-offset": "2006-01-02T15:04:05-07:00",
	"milliseconds": "2006-01-02T15:04:05.000-0700", "microseconds": "2006-01-02T15:04:05.000000Z"}

// inForm reports whether a text is a time in UTC in a form.
func inForm(layout, text string) bool {
	at, err := time.Parse(layout, text)
	return err == nil && at.UTC().Format(layout) == text
}

// documentedTimes are the forms of lastQualificationTime that the documentation
// shows (domain: timestamp formats seen).
var documentedTimes = []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999999999Z07:00", "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05.999999999-0700"}

// timeFormat: UTC in whole seconds with a Z, or the form of a reading. A text
// that is not a time in any documented form is a mistake (R74, A27). An entry
// without it is a matter of its shape.
func timeFormat(e evidence, m membership) {
	at, there := m.fields["lastQualificationTime"].(string)
	if !there {
		return
	}
	documented := slices.ContainsFunc(documentedTimes, func(form string) bool {
		_, err := time.Parse(form, at)
		return err == nil
	})
	if !documented {
		e.of("lqt-format/a-time").note(false, "%s: %.40q does not have a documented form", e.place, at)
		return
	}
	form := e.readings().Of(scenarios.ReadingTimeFormat)
	e.note(inForm(writtenForms[form], at), "%s: %s", e.place, at)
}

// timestampOrder: nothing is updated before it is created (R73).
func timestampOrder(e evidence, m membership) {
	for _, pair := range [][2]string{{"createdAt", "updatedAt"}, {"mappingCreatedAt", "mappingUpdatedAt"}} {
		first, ok := millis(m.fields[pair[0]])
		second, both := millis(m.fields[pair[1]])
		if ok && both {
			e.note(first <= second, "%s: %s %d, %s %d", e.place, pair[0], first, pair[1], second)
		}
	}
}

// namespaceKey: an entry is under the namespace of its audience's origin (R75).
// Without the history, where audiences is nil, which are uploads is not known, but
// both namespaces are, and their spelling (A39).
func namespaceKey(e evidence, m membership, audiences map[string]scenarios.Audience) {
	a, known := audiences[m.id]
	switch {
	case audiences != nil:
		e.note(known && a.Namespace == m.namespace, "%s", e.place)
	case slices.Contains([]string{"ups", "CustomerAudienceUpload", "AAM"}, m.namespace):
		e.note(true, "")
	case strings.EqualFold(m.namespace, "ups"), strings.EqualFold(m.namespace, "CustomerAudienceUpload"):
		e.note(false, "%s", m.namespace)
	default:
		e.of("namespace-key/other-origin").note(false, "the namespace %.60q", m.namespace)
	}
}
