package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/reports"
)

// compareFlags are the flags of httpdest report compare.
type compareFlags struct {
	failOn    []string
	minEffect string
	reports   []string
	verbose   bool
	quiet     bool
}

// gates are what --fail-on takes, and how often each is in a comparison.
var gates = map[string]func(*reports.Comparison) int{
	"new-failures": func(c *reports.Comparison) int { return len(c.NewFailures) },
	"unjudged":     func(c *reports.Comparison) int { return len(c.Unjudged) },
	"removed":      func(c *reports.Comparison) int { return len(c.Removed) },
	"slower":       func(c *reports.Comparison) int { return c.Count(reports.Slower) },
}

var gateNames = []string{"new-failures", "removed", "unjudged", "slower", "nothing"}

// alwaysGated are what a comparison fails for without --fail-on: a case that is
// gone proves nothing any more, just as one that fails.
var alwaysGated = []string{"new-failures", "removed"}

// comparisonWriters are the kinds of a comparison.
var comparisonWriters = map[string]func(io.Writer, *reports.Comparison) error{
	"json": reports.WriteComparisonJSON,
	"md":   reports.WriteComparisonMarkdown,
	"text": func(w io.Writer, c *reports.Comparison) error {
		return reports.WriteComparisonText(w, c, reports.TextOptions{Verbose: true})
	},
}

func (a *app) compareCommand() *cobra.Command {
	var f compareFlags
	c := &cobra.Command{
		Use:   "compare BEFORE AFTER",
		Short: "Say what is different between two report.json",
		Long: `Say which cases fail that did not, which are fixed, added and removed, and what became
slower. BEFORE and AFTER are files, or folders that --out wrote. A time is slower only where
all of the interval that chance allows is worse than the minimum effect, so that a busy
machine does not cry wolf.

Exit status: 1 for new failures, for removed cases and for what --fail-on adds, 2 for a bad
file, 0 otherwise. --fail-on nothing turns all of it off.`,
		Example: `  httpdest report compare main out
  httpdest report compare a.json b.json --fail-on slower --min-effect 15% --report md=diff.md`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error { return a.compare(args, f) },
	}
	c.Flags().StringSliceVar(&f.failOn, "fail-on", nil, "fail for these too, besides new-failures and removed: unjudged, slower; or for nothing")
	c.Flags().StringVar(&f.minEffect, "min-effect", "10%", "how much a number must change to count")
	c.Flags().StringArrayVar(&f.reports, "report", nil, "write the comparison, KIND=PATH: json, md or text; repeatable, - is stdout")
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every changed case and rule")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "only new failures, what is slower, and the summary")
	c.ValidArgsFunction = reportFiles
	completeFlags(c, map[string]cobra.CompletionFunc{
		"fail-on": cobra.FixedCompletions(gateNames, cobra.ShellCompDirectiveNoFileComp),
		"report":  cobra.FixedCompletions([]cobra.Completion{"json=", "md=", "text="}, cobra.ShellCompDirectiveNoSpace|cobra.ShellCompDirectiveNoFileComp),
	})
	return c
}

func (a *app) compare(args []string, f compareFlags) error {
	if len(args) != 2 {
		return failure{exitUsage, fmt.Errorf("%s given", count(len(args), "file")), "give the report.json of before and that of after, or their folders"}
	}
	effect, err := f.effect()
	if err != nil {
		return err
	}
	gated, err := f.gated()
	if err != nil {
		return err
	}
	outputs, err := f.outputs()
	if err != nil {
		return err
	}
	before, err := readReport(args[0])
	if err != nil {
		return err
	}
	after, err := readReport(args[1])
	if err != nil {
		return err
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	c, err := reports.Compare(before, after, effect)
	if err != nil {
		return failure{exitUsage, err, "compare two reports of the same command"}
	}
	if err := a.writeComparison(c, outputs, f); err != nil {
		return err
	}
	for _, g := range gated {
		if gates[g](c) > 0 {
			return failure{status: exitFail}
		}
	}
	return nil
}

// gated are the gates: those that are always there, and what --fail-on adds.
func (f compareFlags) gated() ([]string, error) {
	for _, g := range f.failOn {
		if !slices.Contains(gateNames, g) {
			return nil, failure{exitUsage, fmt.Errorf("--fail-on %q", g), "give any of " + strings.Join(gateNames, ", ")}
		}
	}
	if !slices.Contains(f.failOn, "nothing") {
		return slices.Concat(alwaysGated, f.failOn), nil
	}
	if len(f.failOn) > 1 {
		return nil, failure{exitUsage, errors.New("--fail-on nothing stands alone"), "leave out nothing, or everything else"}
	}
	return nil, nil
}

// effect reads --min-effect.
func (f compareFlags) effect() (float64, error) {
	text, percent := strings.CutSuffix(strings.TrimSpace(f.minEffect), "%")
	n, err := strconv.ParseFloat(text, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n < 100) {
		return 0, failure{exitUsage, fmt.Errorf("--min-effect %q", f.minEffect), "give a share such as 10% or 0.1"}
	}
	return n, nil
}

// outputs reads KIND=PATH.
func (f compareFlags) outputs() ([]output, error) {
	var out []output
	for _, text := range f.reports {
		kind, path, ok := strings.Cut(text, "=")
		if !ok || comparisonWriters[kind] == nil || path == "" {
			return nil, failure{exitUsage, fmt.Errorf("--report %q", text), "write KIND=PATH, where KIND is one of json, md, text"}
		}
		out = append(out, output{kind, path})
	}
	return out, nil
}

func (a *app) writeComparison(c *reports.Comparison, outputs []output, f compareFlags) error {
	taken := false
	for _, o := range outputs {
		taken = taken || o.path == "-"
		if err := o.put(a.stdout, func(w io.Writer) error { return comparisonWriters[o.kind](w, c) }); err != nil {
			return failure{exitUsage, fmt.Errorf("--report %s: %w", o.kind, err), "nothing of this report was written"}
		}
	}
	if taken {
		return nil
	}
	return reports.WriteComparisonText(a.stdout, c, reports.TextOptions{Color: a.color(a.stdout), Verbose: f.verbose, Quiet: f.quiet, Width: a.width()})
}
