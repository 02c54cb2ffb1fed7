package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// loadMergeCommand puts the results of several machines together.
func (a *app) loadMergeCommand() *cobra.Command {
	var out string
	var flags []string
	var verbose, quiet bool
	c := &cobra.Command{
		Use:   "merge REPORT REPORT...",
		Short: "Put the results of several machines together, without a loss of percentiles",
		Long: `Put the report.json files of load tests together that several machines ran at the same
time: counts, rates and histograms add up, the run in time is aligned by the clock, and
the objectives are judged anew over all of it. A doubt of one machine is a doubt of all,
and a shard without a report makes the verdict inconclusive. Merging refuses a report
given twice, loads that did not run at the same time, and loads of different receivers.`,
		Example: "  httpdest load merge a/report.json b/report.json --out all",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			outputs, err := outputsOf(flags, out)
			if err != nil {
				return err
			}
			if verbose && quiet {
				return failure{exitUsage, errors.New("--verbose and --quiet exclude each other"), "give one of them"}
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
				return failure{exitUsage, err, "merge reports of one load: the same receiver, mode, time and length, one of each machine"}
			}
			if err := prepare(outputs, ""); err != nil {
				return err
			}
			r := &reports.Report{Schema: reports.Schema, Kind: "load", Load: merged, Environment: environment()}
			loadtest.Settle(r, merged.Objectives)
			return a.writeLoad(r, outputs, runFlags{verbose: verbose, quiet: quiet})
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	c.Flags().StringArrayVar(&flags, "report", nil, reportUsage)
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "the run in time too")
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "only the objectives")
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	completeFlags(c, map[string]cobra.CompletionFunc{"report": reportKinds})
	return c
}
