package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/mutants"
	"github.com/httpdest/httpdest/scenarios/probe/receivers"
)

func (a *app) rulesCommand() *cobra.Command {
	rules := &cobra.Command{
		Use:     "rules",
		Short:   "The rules of the destination, and what proves them",
		Long:    "The rules of the destination, and what proves them. httpdest help rules explains how to\nread them.",
		Example: "  httpdest rules list\n  httpdest rules explain R48 max-3\n  httpdest rules coverage",
		Args:    known,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var asJSON bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List the rules: what the documentation states (must) and our defaults (should)",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.listRules(asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	rules.AddCommand(list, a.rulesExplainCommand(), a.rulesSourcesCommand(), a.rulesTableCommand(), a.rulesCoverageCommand())
	return rules
}

func (a *app) listRules(asJSON bool) error {
	rules, err := scenarios.Rules()
	if err != nil {
		return failure{exitUsage, err, ""}
	}
	if asJSON {
		return writeJSON(a.stdout, rules)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.Ref, r.ID, r.Level, r.Group, r.Title)
	}
	return w.Flush()
}

// writeJSON writes a value for tools.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// proof is all that shows the rules, as it is in the binary.
type proof struct {
	rules    scenarios.Catalogue
	cases    []*scenarios.Scenario
	mutants  []mutants.Mutant
	measured mutants.Matrix
	wrong    map[string][]string // names of wrong receivers by the rules they break
	judging  []mutants.Judging
}

func loadProof() (proof, error) {
	var p proof
	var err error
	if p.rules, err = scenarios.Rules(); err != nil {
		return p, failure{exitUsage, err, ""}
	}
	if p.cases, err = scenarios.FindFS(library.Files, "."); err != nil {
		return p, failure{exitUsage, err, ""}
	}
	if p.mutants, err = mutants.All(); err != nil {
		return p, failure{exitUsage, err, ""}
	}
	if p.measured, err = mutants.LastMeasured(); err != nil {
		return p, failure{exitUsage, err, "make mutants writes it"}
	}
	if p.judging, err = mutants.OfJudge(); err != nil {
		return p, failure{exitUsage, err, ""}
	}
	all, err := receivers.Wrong()
	if err != nil {
		return p, failure{exitUsage, err, ""}
	}
	p.wrong = map[string][]string{}
	for _, r := range all {
		for _, rule := range r.Fails {
			p.wrong[rule] = append(p.wrong[rule], r.Name)
		}
	}
	return p, nil
}

// covered is what shows each rule and each clause.
func (p proof) covered() []mutants.Coverage {
	return mutants.Cover(p.rules, p.cases, p.mutants, p.measured, p.wrong, p.judging)
}

// findRule is the rule with this id or number, or with a clause of it.
func (p proof) findRule(name string) (scenarios.Rule, error) {
	i := slices.IndexFunc(p.rules, func(r scenarios.Rule) bool {
		named := func(c scenarios.Clause) bool { return strings.EqualFold(c.ID, name) || strings.EqualFold(c.Ref, name) }
		return strings.EqualFold(r.ID, name) || strings.EqualFold(r.Ref, name) || slices.ContainsFunc(r.Clauses, named)
	})
	if i >= 0 {
		return p.rules[i], nil
	}
	ids := make([]string, len(p.rules))
	for i, r := range p.rules {
		ids[i] = r.ID
	}
	hint := fmt.Sprintf("httpdest rules list shows the %d rules", len(p.rules))
	if near := scenarios.Nearest(name, ids); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return scenarios.Rule{}, failure{exitUsage, fmt.Errorf("no rule %q", name), hint}
}
