package main

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"text/tabwriter"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/httpdest/httpdest/scenarios"
)

// choose keeps the cases that --label and --run select. A case's labels are
// its rules and the folders of its id. None left is an error, never a pass.
func (f runFlags) choose(cases []*scenarios.Scenario) ([]*scenarios.Scenario, error) {
	// The grammar is Ginkgo's own, so that a filter means the same to both.
	label, err := types.ParseLabelFilter(f.label)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--label %q is not a filter", f.label), "write labels with &&, ||, ! and ( ), such as 'max-3 && !mtls'"}
	}
	pattern, err := regexp.Compile(f.pattern)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--run: %w", err), "write a regular expression, such as '^retry/'"}
	}
	var chosen []*scenarios.Scenario
	for _, c := range cases {
		if pattern.MatchString(c.ID) && label(labels(c)) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return nil, failure{exitUnjudged, fmt.Errorf("of %d cases none is selected", len(cases)), "httpdest run --list shows what there is"}
	}
	return chosen, nil
}

// labels are the rules of a case and the folders it is in.
func labels(c *scenarios.Scenario) []string {
	out := append([]string{}, c.Rules...)
	for dir := path.Dir(c.ID); dir != "." && dir != "/"; dir = path.Dir(dir) {
		out = append(out, path.Base(dir))
	}
	return out
}

// list prints the cases that would be played.
func (a *app) list(cases []*scenarios.Scenario) error {
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, c := range cases {
		fmt.Fprintf(w, "%s\t%s\n", c.ID, c.Title)
	}
	return w.Flush()
}

// knownFailing reads the list of --known-failing; nil without one.
func (f runFlags) knownFailing() (*scenarios.KnownFailing, error) {
	if f.known == "" {
		return nil, nil
	}
	content, err := os.ReadFile(f.known)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--known-failing: %w", err), "give a file with a pattern a line"}
	}
	known, err := scenarios.ParseKnownFailing(f.known, content)
	var problems scenarios.Problems
	if errors.As(err, &problems) {
		return nil, failure{exitUsage, problems, ""}
	}
	return known, err
}
