package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/mutants"
)

func (a *app) rulesExplainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain ID...",
		Short: "Say everything about a rule: sources, conflicts, decision, cases and mutants",
		Long: `Say everything about rules, named by id or by number: what the rule is, where it is
documented, which source says otherwise, what was decided, where to look when a sender
breaks it, what exercises it, by which checks it can fail in run and in judge, which
cases of the library cite it, and which mutants prove them; and its clauses. The number of
a clause stands for its rule.`,
		Example:           "  httpdest rules explain trig-overwrite\n  httpdest rules explain R82 R83",
		Args:              cobra.MinimumNArgs(1),
		RunE:              func(_ *cobra.Command, args []string) error { return a.explain(args) },
		ValidArgsFunction: ruleIDs,
	}
}

func (a *app) explain(names []string) error {
	p, err := loadProof()
	if err != nil {
		return err
	}
	// All names are looked up before anything is printed.
	found := make([]scenarios.Rule, len(names))
	for i, name := range names {
		if found[i], err = p.findRule(name); err != nil {
			return err
		}
	}
	covered := p.covered()
	var b strings.Builder
	for i, r := range found {
		if i > 0 {
			b.WriteString("\n")
		}
		at := slices.IndexFunc(covered, func(c mutants.Coverage) bool { return c.Rule.ID == r.ID })
		p.explain(&b, covered[at])
	}
	_, err = io.WriteString(a.stdout, b.String())
	return err
}

// levels and sides are what the words of a rule mean.
var (
	levels = map[string]string{
		"must":   "must: the documentation states it",
		"should": "should: a default of httpdest, because the documentation is silent or contradicts itself",
	}
	sides = map[string]string{
		"sender":        "held against what the sender does",
		"receiver":      "held against the endpoint that receives",
		"configuration": "held against the configuration",
		"report":        "held against what is reported",
		"both":          "held against the sender and against the endpoint",
	}
)

// labelWidth is the column where the words after a label begin.
const labelWidth = 12

func (p proof) explain(b *strings.Builder, c mutants.Coverage) {
	r := c.Rule
	fmt.Fprintf(b, "%s %s: %s\n\n", r.Ref, r.ID, r.Title)
	for _, part := range [][2]string{
		{"rule", r.Text}, {"level", levels[r.Level]}, {"side", sides[r.Side]}, {"source", r.Source},
		{"conflict", r.Conflict}, {"decision", r.Decision}, {"fix", r.Fix},
		{"exercised", exercisedBy(r)}, {"run", p.waysInRun(r)}, {"judge", waysInJudge(r)}, {"shown", string(c.State)},
	} {
		if part[1] != "" {
			b.WriteString(paragraph(part[0], strings.Fields(part[1])))
		}
	}
	for i, id := range c.Cases {
		at := slices.IndexFunc(p.cases, func(s *scenarios.Scenario) bool { return s.ID == id })
		b.WriteString(paragraph(once("cases", i), strings.Fields(id+": "+p.cases[at].Title)))
	}
	i := 0
	for _, m := range p.mutants {
		if m.Rule == r.ID {
			b.WriteString(paragraph(once("mutants", i), strings.Fields(m.ID+": "+m.Title+"; "+p.killers(m, c.Cases))))
			i++
		}
	}
	for _, clause := range c.Clauses {
		p.explainClause(b, clause)
	}
	if len(c.Receivers) > 0 {
		b.WriteString(paragraph("receivers", strings.Fields("wrong ones that the probe finds: "+strings.Join(c.Receivers, ", "))))
	}
}

// explainClause says everything about a clause of a rule.
func (p proof) explainClause(b *strings.Builder, c mutants.ClauseCoverage) {
	fmt.Fprintf(b, "\n%s %s\n\n", c.Clause.Ref, c.Clause.ID)
	for _, part := range [][2]string{
		{"clause", c.Clause.Text}, {"level", levels[c.Clause.Level]}, {"source", c.Clause.Source}, {"conflict", c.Clause.Conflict},
		{"decision", c.Clause.Decision}, {"choice", choiceOf(c.Clause)}, {"shown", string(c.State)},
	} {
		if part[1] != "" {
			b.WriteString(paragraph(part[0], strings.Fields(part[1])))
		}
	}
	i := 0
	for _, m := range p.mutants {
		if m.Rule == c.Clause.ID {
			b.WriteString(paragraph(once("mutants", i), strings.Fields(m.ID+": "+m.Title+"; "+p.killers(m, c.Cases))))
			i++
		}
	}
	for _, m := range p.judging {
		if m.Clause == c.Clause.ID {
			b.WriteString(paragraph(once("mutants", i), strings.Fields(m.ID+": "+m.Title+"; a mutant of the judge, found by "+m.Test)))
			i++
		}
	}
}

// choiceOf is the reading that chooses another way.
func choiceOf(c scenarios.Clause) string {
	if c.Reading == "" {
		return ""
	}
	return "destination.readings." + c.Reading + "; once it is chosen, the clause is a must"
}

// killers are the cases that found the mutant.
func (p proof) killers(m mutants.Mutant, cases []string) string {
	played, ok := p.measured.Find(m)
	if !ok {
		return "not measured yet"
	}
	killers := slices.DeleteFunc(slices.Clone(cases), func(id string) bool { return !played.Red(id) })
	if len(killers) == 0 {
		return "no case of this rule finds it"
	}
	return "found by " + strings.Join(killers, ", ")
}

// once is the label for the first of several lines.
func once(label string, i int) string {
	if i > 0 {
		return ""
	}
	return label
}

// paragraph is a label and words after it, in lines of at most a hundred
// columns.
func paragraph(label string, words []string) string {
	const width = 100
	var b strings.Builder
	line := fmt.Sprintf("%-*s", labelWidth, label)
	empty := true
	for _, word := range words {
		if !empty && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line, empty = strings.Repeat(" ", labelWidth), true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	return b.String() + line + "\n"
}
