package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
)

func (a *app) rulesCommand() *cobra.Command {
	rules := &cobra.Command{
		Use:   "rules",
		Short: "The rules of the destination that scenarios name",
		Args:  known,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var asJSON bool
	list := &cobra.Command{
		Use:   "list",
		Short: "List the rules: what the documentation states (must) and our defaults (should)",
		Args:  cobra.NoArgs,
		RunE:  func(*cobra.Command, []string) error { return a.listRules(asJSON) },
	}
	list.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	rules.AddCommand(list)
	return rules
}

func (a *app) listRules(asJSON bool) error {
	rules, err := scenarios.Rules()
	if err != nil {
		return failure{exitUsage, err, ""}
	}
	if asJSON {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(rules)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, r := range rules {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Ref, r.ID, r.Level, r.Title)
	}
	return w.Flush()
}
