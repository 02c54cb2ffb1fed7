package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios/mutants"
)

func (a *app) rulesCoverageCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "coverage",
		Short: "Say of every rule which cases cite it and which mutants prove it",
		Long: `Say of every rule which cases of the library cite it and which mutants prove it. A
rule is proved when a case that cites it turned red under a mutant of it, the last time
make mutants played them all. A rule that is only cited counts as uncovered.

A clause of a rule (R60a) is proved by a mutant of its own. Some clauses are judged only in
what somebody else sent; a mutant of the judge proves them, and make judge-mutants fails
unless a test finds it.

A rule that binds receivers alone is proved by wrong receivers: the probe must find each
of them broken in exactly what its description says, or make probe-examples fails.

Exit status 1: a rule or a clause is uncovered, or a mutant or a case was not measured.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			p, err := loadProof()
			if err != nil {
				return err
			}
			return a.coverage(p, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

// coverage prints what shows each rule, and fails while something is missing.
func (a *app) coverage(p proof, asJSON bool) error {
	covered := p.covered()
	stale := p.measured.Stale(p.mutants, p.cases)
	var err error
	if asJSON {
		err = writeCoverage(a.stdout, covered, stale)
	} else {
		err = printCoverage(a.stdout, covered)
	}
	if err != nil {
		return err
	}
	return missing(covered, stale)
}

// counts of rules and of clauses by state.
func counts(covered []mutants.Coverage) (rules, clauses map[mutants.State]int) {
	rules, clauses = map[mutants.State]int{}, map[mutants.State]int{}
	for _, c := range covered {
		rules[c.State]++
		for _, clause := range c.Clauses {
			clauses[clause.State]++
		}
	}
	return rules, clauses
}

// uncovered is how many are not proved.
func uncovered(n map[mutants.State]int) int { return n[mutants.Cited] + n[mutants.NotCited] }

func printCoverage(w io.Writer, covered []mutants.Coverage) error {
	var b strings.Builder
	width := 0
	for _, c := range covered {
		width = max(width, len(c.Rule.ID))
	}
	for _, c := range covered {
		fmt.Fprintf(&b, "%-5s %-*s  %s\n", c.Rule.Ref, width, c.Rule.ID, c.State)
		for _, by := range []struct {
			label string
			ids   []string
		}{{"  cases", c.Cases}, {"  mutants", c.Mutants}, {"  receivers", c.Receivers}} {
			if len(by.ids) > 0 {
				b.WriteString(paragraph(by.label, by.ids))
			}
		}
		for _, clause := range c.Clauses {
			printClause(&b, clause)
		}
	}
	n, m := counts(covered)
	fmt.Fprintf(&b, "\n%d rules: %d proved; %d uncovered, of which %d cited\n",
		len(covered), n[mutants.Proved], uncovered(n), n[mutants.Cited])
	if total := m[mutants.Proved] + uncovered(m); total > 0 {
		fmt.Fprintf(&b, "%d clauses: %d proved; %d uncovered, of which %d cited\n", total, m[mutants.Proved], uncovered(m), m[mutants.Cited])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printClause(b *strings.Builder, c mutants.ClauseCoverage) {
	fmt.Fprintf(b, "  %-6s %s  %s\n", c.Clause.Ref, c.Clause.ID, c.State)
	for _, by := range []struct {
		label string
		ids   []string
	}{{"    mutants", c.Mutants}, {"    judge", c.Judging}} {
		if len(by.ids) > 0 {
			b.WriteString(paragraph(by.label, by.ids))
		}
	}
}

// writeCoverage is coverage for tools.
func writeCoverage(w io.Writer, covered []mutants.Coverage, stale []string) error {
	type clause struct {
		ID      string        `json:"id"`
		Ref     string        `json:"ref"`
		Level   string        `json:"level"`
		State   mutants.State `json:"state"`
		Cases   []string      `json:"cases"`
		Mutants []string      `json:"mutants"`
		Judging []string      `json:"judgeMutants"`
	}
	type rule struct {
		ID      string        `json:"id"`
		Ref     string        `json:"ref"`
		Level   string        `json:"level"`
		Side    string        `json:"side"`
		State   mutants.State `json:"state"`
		Cases   []string      `json:"cases"`
		Mutants []string      `json:"mutants"`
		Wrong   []string      `json:"receivers"`
		Clauses []clause      `json:"clauses"`
	}
	type summary struct {
		Rules            int `json:"rules"`
		Proved           int `json:"proved"`
		Uncovered        int `json:"uncovered"`
		UncoveredClauses int `json:"uncoveredClauses"`
	}
	rules := make([]rule, len(covered))
	for i, c := range covered {
		rules[i] = rule{c.Rule.ID, c.Rule.Ref, c.Rule.Level, c.Rule.Side, c.State, orEmpty(c.Cases), orEmpty(c.Mutants), orEmpty(c.Receivers), []clause{}}
		for _, l := range c.Clauses {
			rules[i].Clauses = append(rules[i].Clauses, clause{l.Clause.ID, l.Clause.Ref, l.Clause.Level, l.State,
				orEmpty(l.Cases), orEmpty(l.Mutants), orEmpty(l.Judging)})
		}
	}
	n, m := counts(covered)
	return writeJSON(w, struct {
		Rules   []rule   `json:"rules"`
		Stale   []string `json:"stale"`
		Summary summary  `json:"summary"`
	}{rules, orEmpty(stale), summary{len(covered), n[mutants.Proved], uncovered(n), uncovered(m)}})
}

// orEmpty is never null in JSON.
func orEmpty(words []string) []string { return append([]string{}, words...) }

// statements counts rules and clauses by their numbers: R60, R60a.
func statements(refs []string) string {
	clauses := len(slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return ref[len(ref)-1] < 'a' }))
	switch rules := len(refs) - clauses; {
	case clauses == 0:
		return count(rules, "rule")
	case rules == 0:
		return count(clauses, "clause")
	default:
		return count(rules, "rule") + " and " + count(clauses, "clause")
	}
}

// missing is what keeps the catalogue from being covered, and what to do about
// it; nil when nothing does.
func missing(covered []mutants.Coverage, stale []string) error {
	refs := func(s mutants.State) []string {
		var out []string
		for _, c := range covered {
			if c.State == s {
				out = append(out, c.Rule.Ref)
			}
			for _, clause := range c.Clauses {
				if clause.State == s {
					out = append(out, clause.Clause.Ref)
				}
			}
		}
		return out
	}
	var said, todo []string
	add := func(what []string, format, hint string) {
		if len(what) > 0 {
			said = append(said, fmt.Sprintf(format, statements(what), strings.Join(what, " ")))
			todo = append(todo, hint)
		}
	}
	add(refs(mutants.NotCited), "%s neither cited nor proved: %s", "write a case that cites the rule and a mutant that it finds, or a receiver that breaks it")
	add(refs(mutants.Cited), "%s cited and not proved: %s", "write a mutant of the rule that the case finds")
	if len(stale) > 0 {
		const most = 10
		shown := stale[:min(most, len(stale))]
		if more := len(stale) - most; more > 0 {
			shown = append(slices.Clone(shown), fmt.Sprintf("and %d more", more))
		}
		said = append(said, "the kill matrix is older than what is there now:\n  "+strings.Join(shown, "\n  "))
	}
	if len(said) > 0 {
		todo = append(todo, "run make mutants")
	}
	if len(said) == 0 {
		return nil
	}
	return failure{exitFail, fmt.Errorf("%s", strings.Join(said, "\n")), strings.Join(todo, "; ")}
}
