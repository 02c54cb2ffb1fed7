package scenarios

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Clause is a point of a rule that has a level and sources of its own, because
// the documentation states less, or more, of it than of the rule.
type Clause struct {
	ID       string   `json:"id"`                 // "all-identities/id-alone": what code and cases call it
	Ref      string   `json:"ref"`                // "R60a"
	Level    string   `json:"level"`              // as of a rule
	Premise  []string `json:"premise"`            // as of a rule; a clause without its own has those of the rule
	Text     string   `json:"text"`               // the point in our own words
	Source   string   `json:"source"`             // as of a rule: pages of sources.yaml
	Conflict string   `json:"conflict,omitempty"` // as of a rule
	Decision string   `json:"decision,omitempty"` // as of a rule
	Reading  string   `json:"reading,omitempty"`  // key of the reading that chooses another way; once it is chosen, the clause is a must
	Pos      Position `json:"-"`                  // in rules.yaml
}

// RuleOf is the id of the rule that a clause belongs to. A rule is its own.
func RuleOf(clause string) string {
	rule, _, _ := strings.Cut(clause, "/")
	return rule
}

// itself is what a rule states as a whole.
func (r Rule) itself() Clause {
	return Clause{ID: r.ID, Ref: r.Ref, Level: r.Level, Premise: r.Premise, Text: r.Text, Source: r.Source,
		Conflict: r.Conflict, Decision: r.Decision, Reading: r.Reading, Pos: r.Pos}
}

// All is everything that the catalogue states, in its order: each rule, and after
// it its clauses.
func (c Catalogue) All() []Clause {
	var out []Clause
	for _, r := range c {
		out = append(append(out, r.itself()), r.Clauses...)
	}
	return out
}

// Clause is the clause with this id; that of a rule is what the rule states as a
// whole.
func (c Catalogue) Clause(id string) (Clause, bool) {
	r, known := c.Find(RuleOf(id))
	if !known || r.ID == id {
		return r.itself(), known
	}
	for _, clause := range r.Clauses {
		if clause.ID == id {
			return clause, true
		}
	}
	return Clause{}, false
}

// readingKey reads the key of the reading that decides a rule or a clause.
func (d *decoder) readingKey(o *object) string {
	key := o.take("reading")
	if key == nil {
		return ""
	}
	return d.word(key, "reading", readingKeys()...)
}

// readClauses reads the clauses of a rule. They are numbered in their order:
// R60a, R60b.
func (d *decoder) readClauses(n *yaml.Node, r Rule) []Clause {
	var out []Clause
	seen := map[string]bool{}
	for i, node := range d.list(n, "clauses") {
		o := d.object(node, "a clause")
		if o == nil {
			continue
		}
		must := func(name string) *yaml.Node { return o.require(name, "every clause has one") }
		id := d.line(must("id"), "id")
		if id != "" && !reasonForm.MatchString(id) {
			d.problem(o.at("id"), "lower-case words joined by dashes", "%q is not an id", short(id))
		}
		if seen[id] {
			d.problem(o.at("id"), "give each clause its own", "%s has two clauses %s", r.ID, id)
		}
		seen[id] = true
		c := Clause{
			ID:       r.ID + "/" + id,
			Ref:      fmt.Sprintf("%s%c", r.Ref, 'a'+i),
			Level:    d.word(must("level"), "level", "must", "should"),
			Premise:  d.someWords(o.take("premise"), "premise", factWords()),
			Text:     d.line(must("text"), "text"),
			Source:   d.line(must("source"), "source"),
			Conflict: o.line("conflict"),
			Decision: o.line("decision"),
			Pos:      d.pos(node),
		}
		c.Reading = d.readingKey(o)
		if c.Premise == nil {
			c.Premise = r.Premise
		}
		o.end()
		out = append(out, c)
	}
	return out
}
