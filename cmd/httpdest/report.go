package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/reports"
)

// reportFlags are the flags of httpdest report.
type reportFlags struct {
	out     string
	reports []string
	schema  bool
	verbose bool
	quiet   bool
}

func (a *app) reportCommand() *cobra.Command {
	var f reportFlags
	c := &cobra.Command{
		Use:   "report FILE",
		Short: "Make every other format from a report.json",
		Long: `Print a report.json for people, or make other formats of it. The exit status shows
whether they were written, and not what is in them.`,
		Example: `  httpdest report out/report.json
  httpdest report out/report.json --report html=report.html --report junit=junit.xml
  httpdest report --schema`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return a.report(args, f) },
	}
	c.Flags().StringVar(&f.out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	c.Flags().StringArrayVar(&f.reports, "report", nil, reportUsage)
	c.Flags().BoolVar(&f.schema, "schema", false, "print the JSON Schema of report.json")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every check and every rule")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print only failures and the summary")
	c.AddCommand(a.compareCommand())
	c.ValidArgsFunction = reportFiles
	completeFlags(c, map[string]cobra.CompletionFunc{"report": reportKinds})
	return c
}

// reportFiles completes files of reports.
func reportFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"json"}, cobra.ShellCompDirectiveFilterFileExt
}

func (a *app) report(args []string, f reportFlags) error {
	if f.schema {
		if len(args) > 0 {
			return failure{exitUsage, fmt.Errorf("--schema takes no file: %s", args[0]), "leave one of them out"}
		}
		_, err := a.stdout.Write(reports.JSONSchema())
		return err
	}
	if len(args) != 1 {
		return failure{exitUsage, fmt.Errorf("%s given", count(len(args), "file")), "give one report.json; httpdest run --out DIR writes it"}
	}
	if f.verbose && f.quiet {
		return failure{exitUsage, errors.New("--verbose and --quiet exclude each other"), "give one of them"}
	}
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	r, err := readReport(args[0])
	if err != nil {
		return err
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	if len(outputs) > 0 {
		return a.writeAll(r, outputs)
	}
	return a.text(r, f.verbose, f.quiet)
}

// readReport reads a report.json, or that of a folder that --out wrote.
func readReport(path string) (*reports.Report, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, "report.json")
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, failure{exitUsage, err, "give a report.json; httpdest run --out DIR writes it"}
	}
	defer func() { _ = in.Close() }()
	r, err := reports.ReadJSON(in)
	var wrong *reports.ReadError
	switch {
	case errors.As(err, &wrong):
		return nil, failure{exitUsage, fmt.Errorf("%s: %w", path, err), wrong.Hint}
	case err != nil:
		return nil, failure{exitUsage, fmt.Errorf("%s: %w", path, err), "give a file that can be read"}
	}
	return r, nil
}
