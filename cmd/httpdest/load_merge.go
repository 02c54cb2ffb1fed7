package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// loadMergeCommand puts the results of several machines together.
func (a *app) loadMergeCommand() *cobra.Command {
	var out string
	var flags []string
	var verbose bool
	c := &cobra.Command{
		Use:   "merge REPORT REPORT...",
		Short: "Put the results of several machines together, without a loss of percentiles",
		Long: `Put the report.json files of load tests together that several machines ran at the same
time: counts, rates and histograms add up, and the objectives are judged anew over all
of it. A doubt of one machine is a doubt of all.`,
		Example: "  httpdest load merge a/report.json b/report.json --out all",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			outputs, err := outputsOf(flags, out)
			if err != nil {
				return err
			}
			var parts []loadtest.Part
			for _, file := range args {
				r, err := readReport(file)
				if err != nil {
					return err
				}
				if r.Load == nil {
					return failure{exitUsage, fmt.Errorf("%s is a report of %s", file, r.Kind), "give reports of httpdest load"}
				}
				parts = append(parts, loadtest.Part{From: file, Load: r.Load})
			}
			merged, err := loadtest.Merge(parts)
			if err != nil {
				return failure{exitUsage, err, "merge reports of the same receiver, mode and length"}
			}
			if err := prepare(outputs, ""); err != nil {
				return err
			}
			r := &reports.Report{Schema: reports.Schema, Kind: "load", Load: merged, Environment: environment()}
			loadtest.Settle(r, merged.Objectives)
			return a.writeLoad(r, outputs, runFlags{verbose: verbose})
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	c.Flags().StringArrayVar(&flags, "report", nil, reportUsage)
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "the run in time too")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	completeFlags(c, map[string]cobra.CompletionFunc{"report": reportKinds})
	return c
}
