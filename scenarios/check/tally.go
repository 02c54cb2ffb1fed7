package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// tally is what was seen of one rule.
type tally struct {
	looked int
	wrong  []*flaw // against the documentation, one for each clause and diagnosis
	open   []*flaw // against a default of httpdest
}

// flaw is what was wrong in one way. The first few are kept.
type flaw struct {
	diagnosis
	clause string
	few    []string
	count  int
	line   int // of the first
}

// fewKept is how many mistakes are reported for one rule.
const fewKept = 5

func (t *tally) broken() int { return count(t.wrong) + count(t.open) }

func count(all []*flaw) int {
	n := 0
	for _, w := range all {
		n += w.count
	}
	return n
}

// add counts one more thing that is wrong in one way.
func add(all []*flaw, d diagnosis, clause string, line int, format string, args ...any) []*flaw {
	i := slices.IndexFunc(all, func(w *flaw) bool { return w.diagnosis == d && w.clause == clause })
	if i < 0 {
		i = len(all)
		all = append(all, &flaw{diagnosis: d, clause: clause, line: line})
	}
	w := all[i]
	if w.count++; w.count <= fewKept {
		w.few = append(w.few, at(line, format, args...))
	}
	return all
}

func at(line int, format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if line > 0 {
		text = fmt.Sprintf("line %d: %s", line, text)
	}
	return text
}

// said is the first few of what was wrong.
func (w *flaw) said() string {
	if w.count > len(w.few) {
		return fmt.Sprintf("%s; and %d more", strings.Join(w.few, "; "), w.count-len(w.few))
	}
	return strings.Join(w.few, "; ")
}

func (s *Sender) tally(rule string) *tally {
	t := s.tallies[rule]
	if t == nil {
		t = &tally{}
		s.tallies[rule] = t
	}
	return t
}

// note counts one thing that was checked. A mistake fails the sender by a
// clause of the documentation, and leaves a default of httpdest unspecified:
// the catalogue alone decides which of the two a clause is.
func (s *Sender) note(clause string, ok bool, line int, format string, args ...any) {
	s.noteAs(clause, diagnosis{}, ok, line, format, args...)
}

// noteAs is note for something that is wrong in a known way.
func (s *Sender) noteAs(clause string, d diagnosis, ok bool, line int, format string, args ...any) {
	t := s.tally(scenarios.RuleOf(clause))
	if t.looked++; ok {
		return
	}
	c, known := s.rules.Clause(clause)
	if c.Reading != "" {
		d = chosen(s.readings(), c.Reading)
	}
	// A reading that was chosen holds as if the documentation stated it.
	if said := c.Reading != "" && s.readings().Says(c.Reading); known && c.Level == "should" && !said {
		t.open = add(t.open, d, clause, line, format, args...)
		return
	}
	t.wrong = add(t.wrong, d, clause, line, format, args...)
}

// checks makes the checks of every rule about a sender, in the order of the
// rules: one for each diagnosis of a rule that fails.
func (s *Sender) checks() []reports.Check {
	var out []reports.Check
	for _, r := range s.rules {
		t := s.tallies[r.ID]
		if r.Side != "sender" && r.Side != "both" && t == nil {
			continue
		}
		c := reports.Check{Rule: r.ID, Verdict: reports.Pass, Title: r.Title, File: s.File, Line: 1, Column: 1}
		switch {
		case t == nil || t.looked == 0:
			c.Verdict, c.Title = reports.Skip, s.unseen(r.ID)
		case len(t.wrong) > 0:
			for _, w := range t.wrong {
				out = append(out, w.check(c, r, s.rules, reports.Fail))
			}
			continue
		case len(t.open) > 0:
			for _, w := range t.open {
				out = append(out, w.check(c, r, s.rules, reports.Unspecified))
			}
			continue
		}
		out = append(out, c)
	}
	return out
}

// check reports one diagnosis.
func (w *flaw) check(c reports.Check, r scenarios.Rule, rules scenarios.Catalogue, v reports.Verdict) reports.Check {
	c.Verdict, c.Line, c.Expected, c.Actual = v, max(1, w.line), r.Want, w.said()
	fix := r.Fix
	if clause, ok := rules.Clause(w.clause); ok && clause.ID != r.ID {
		c.Clause, c.Expected = clause.Ref, strings.TrimSuffix(clause.Text, ".")
	}
	if w.diagnosis != (diagnosis{}) {
		c.Title, c.Expected, fix = w.title, w.want, w.fix
	}
	if v == reports.Fail {
		c.Fix = fix
	} else {
		c.Expected += " (a default of httpdest)"
	}
	return c
}
