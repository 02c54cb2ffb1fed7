package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
)

func (a *app) rulesSourcesCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "sources",
		Short: "List the pages that the rules rest on, and which rules rest on each",
		Long: `List the pages that the rules rest on: the path of each in the repository of the
documentation, the versions that were read, and the rules that rest on it. When a page
changes, these are the rules to look at again. Samples and decisions have no path.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.sources(asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return c
}

func (a *app) sources(asJSON bool) error {
	all, err := scenarios.Sources()
	if err != nil {
		return failure{exitUsage, err, ""}
	}
	if asJSON {
		return writeJSON(a.stdout, all)
	}
	for _, s := range all {
		fmt.Fprintln(a.stdout, s.Name)
		if s.Path != "" {
			fmt.Fprintf(a.stdout, "  page      %s\n", s.Path)
		}
		if len(s.Versions) > 0 {
			fmt.Fprintf(a.stdout, "  versions  %s\n", strings.Join(s.Versions, ", "))
		}
		for i, line := range wrapped(s.Rules) {
			fmt.Fprintf(a.stdout, "  %-9s %s\n", map[bool]string{true: "rules"}[i == 0], line)
		}
	}
	return nil
}

// wrapped joins words into lines of up to 80 characters.
func wrapped(words []string) []string {
	const width = 80
	var lines []string
	for _, w := range words {
		if n := len(lines); n > 0 && len(lines[n-1])+1+len(w) <= width {
			lines[n-1] += " " + w
			continue
		}
		lines = append(lines, w)
	}
	return lines
}
