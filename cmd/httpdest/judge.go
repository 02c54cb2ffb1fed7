package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// judgeFlags are the flags of httpdest judge.
type judgeFlags struct {
	scenario string
	dataflow string
	format   string
	start    string
	urls     []string
	failOn   []string
	readings []string
	removed  bool
	partial  bool
	out      string
	root     string
	reports  []string
	verbose  bool
	quiet    bool
	live     liveFlags
}

func (a *app) judgeCommand() *cobra.Command {
	var f judgeFlags
	c := &cobra.Command{
		Use:   "judge FILE...",
		Short: "Judge what your sender sent",
		Long: `Judge recordings and captures: of httpdest mock, of httpdest run, HAR 1.2, one JSON
object a line, or what other tools keep (see httpdest help judge). Without --scenario
each request is judged by itself. With it, the capture must contain every export that
the history calls for, and no other.

A broken rule of the documentation fails. A difference from a default of httpdest is
unspecified. A recording of httpdest run is judged as run judges it.

A line of NDJSON is a body, or an exchange; every key is optional:
  {"method": "POST", "url": "https://…", "headers": {"Content-Type": "application/json"},
   "body": {…} or "…", "status": 200, "time": "2026-01-15T09:00:00Z", "durationMs": 120,
   "clientCertificate": "common name"}
Rules that need a part that the capture lacks are skipped.

With --live there are no files: the endpoint of the scenario is served, your sender is
told the history line by line as it happens, and what arrives is judged at the end
(see httpdest help judge).`,
		Example: `  httpdest judge f.jsonl
  httpdest judge f.jsonl --scenario s.yaml --start 2026-01-15T09:00:00Z
  httpdest judge browser.har --url 'https://receiver.example/*' --report json=report.json
  httpdest judge access.log --format nginx
  httpdest judge --live --scenario s.yaml --command './my-sender'`,
		Args: func(cmd *cobra.Command, args []string) error { return f.checkLive(args, cmd.Flags().Changed) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.live.live {
				return a.judgeLive(cmd.Context(), f)
			}
			return a.judge(args, f)
		},
	}
	c.Flags().StringVar(&f.scenario, "scenario", "", "file of the history that the sender was given, or a folder for recordings that name theirs")
	c.Flags().StringVar(&f.dataflow, "dataflow", "", "the dataflow of the scenario that the sender played, where it has several")
	c.Flags().StringVar(&f.format, "format", "auto", "how files keep exchanges: "+strings.Join(capture.Formats, ", "))
	c.Flags().StringArrayVar(&f.urls, "url", nil, "judge only requests whose URL or path matches this pattern, with * and ?; repeatable")
	c.Flags().BoolVar(&f.removed, "credentials-removed", false, "a tool removed credentials from the captures: skip the rules on them")
	c.Flags().StringSliceVar(&f.failOn, "fail-on", nil, "what else fails: unspecified, for anything that the documentation leaves open")
	c.Flags().StringArrayVar(&f.readings, "reading", nil, "KEY=VALUE, how a point is read that the documentation leaves open; repeatable")
	c.Flags().StringVar(&f.start, "start", "", "when the scenario began on the clock of the capture, RFC 3339; without it only gaps and order count")
	c.Flags().BoolVar(&f.partial, "partial", false, "judge what there is of a recording that was cut off")
	c.Flags().StringVar(&f.root, "root", "", rootUsage)
	c.Flags().StringVar(&f.out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	c.Flags().StringArrayVar(&f.reports, "report", nil, reportUsage)
	c.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "every check and every rule")
	c.Flags().BoolVarP(&f.quiet, "quiet", "q", false, "print only failures and the summary")
	f.live.add(c.Flags())
	completeJudge(c)
	return c
}

func (a *app) judge(args []string, f judgeFlags) error {
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	j, err := f.judge()
	if err != nil {
		return err
	}
	ids, err := scenarios.CaseIDs(f.root, args...)
	if err != nil {
		return failure{exitUsage, err, "give the files of recordings or captures, below --root where it is given"}
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	var cases []reports.Case
	for i, file := range args {
		if slices.Contains(ids[:i], ids[i]) {
			continue // the same file, given again
		}
		c, err := j.file(file)
		if err != nil {
			return err
		}
		c.ID = ids[i] // two captures of one scenario are two cases
		cases = append(cases, c)
	}
	report := check.SenderReport(j.rules, cases)
	// How long the judging took is left out: the same recording gives the same bytes.
	report.Environment = reports.Environment{Version: version(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	return a.conclude(report, outputs, f)
}

// unspecified counts the checks that the documentation leaves open.
func unspecified(r *reports.Report) int {
	n := 0
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Unspecified {
				n++
			}
		}
	}
	return n
}

// judging is what files are judged by.
type judging struct {
	rules     scenarios.Catalogue
	scenarios []*scenarios.Scenario // none: the history is not known
	dataflow  string                // of the scenario; "": the only one
	format    capture.Format
	began     time.Time
	urls      []string
	removed   bool
	partial   bool
	readings  scenarios.Readings
}

// judge checks the flags.
func (f judgeFlags) judge() (j judging, err error) {
	j.format, j.urls, j.partial, j.removed = capture.Format(f.format), f.urls, f.partial, f.removed
	for _, kind := range f.failOn {
		if kind != string(reports.Unspecified) {
			return j, failure{exitUsage, fmt.Errorf("--fail-on %q", kind), "give unspecified; what the documentation states fails anyway"}
		}
	}
	if j.readings, err = f.chosen(); err != nil {
		return j, err
	}
	if slices.Contains(f.urls, "") {
		return j, failure{exitUsage, errors.New("--url is empty"), "give a pattern such as 'https://receiver.example/*'"}
	}
	known := false
	for _, format := range capture.Formats {
		known = known || format == f.format
	}
	if !known {
		return j, failure{exitUsage, fmt.Errorf("--format %q", f.format), "give one of " + strings.Join(capture.Formats, ", ")}
	}
	if f.verbose && f.quiet {
		return j, failure{exitUsage, errors.New("--verbose and --quiet exclude each other"), "give one of them"}
	}
	if f.start != "" {
		if j.began, err = time.Parse(time.RFC3339Nano, f.start); err != nil {
			return j, failure{exitUsage, fmt.Errorf("--start %q", f.start), "give a time such as 2026-01-15T09:00:00Z"}
		}
		if f.scenario == "" {
			return j, failure{exitUsage, errors.New("--start says when a scenario began"), "give --scenario too"}
		}
	}
	if j.rules, err = scenarios.Rules(); err != nil {
		return j, failure{exitUsage, err, ""}
	}
	if f.scenario != "" {
		j.scenarios, err = find("", []string{f.scenario})
	} else if f.dataflow != "" {
		return j, failure{exitUsage, errors.New("--dataflow names a dataflow of a scenario"), "give --scenario too"}
	}
	j.dataflow = f.dataflow
	return j, err
}

// chosen are the readings of --reading.
func (f judgeFlags) chosen() (scenarios.Readings, error) {
	chosen := scenarios.Readings{}
	for _, text := range f.readings {
		key, value, err := scenarios.ParseReading(text)
		switch {
		case err != nil:
			return nil, failure{exitUsage, err, ""}
		case chosen.Says(key) && chosen[key] != value:
			return nil, failure{exitUsage, fmt.Errorf("--reading %s is both %s and %s", key, chosen[key], value), "give one of them"}
		}
		chosen[key] = value
	}
	return chosen, nil
}

// file judges one file.
func (j judging) file(name string) (reports.Case, error) {
	in, err := os.Open(name)
	if err != nil {
		return reports.Case{}, failure{exitUsage, err, "give the file of a recording or a capture"}
	}
	defer func() { _ = in.Close() }()
	if len(j.scenarios) > 0 {
		lines, ours, err := j.recorded(in)
		if err != nil || ours {
			return j.run(name, lines, err)
		}
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return reports.Case{}, failure{exitUsage, err, "give a file, not a pipe"}
		}
	}
	return j.capture(name, in)
}

// recorded reads a recording of our own sender, which tells its history; ours
// is false for anything else.
func (j judging) recorded(in io.Reader) (lines []recording.Line, ours bool, err error) {
	if j.format != capture.Auto && j.format != capture.Recording {
		return nil, false, nil
	}
	r := recording.NewReader(in)
	first, err := r.Next()
	if err != nil || first.Run.Side != "" {
		return nil, false, nil // whatever it is, the reader of captures says so
	}
	for lines = []recording.Line{first}; ; {
		switch l, err := r.Next(); {
		case errors.Is(err, io.EOF), errors.Is(err, recording.ErrCutOff):
			return lines, true, nil
		case err != nil:
			return nil, true, err
		default:
			lines = append(lines, l)
		}
	}
}

// run judges a recording of our own sender as httpdest run does.
func (j judging) run(name string, lines []recording.Line, err error) (reports.Case, error) {
	if err != nil {
		return reports.Case{}, failure{exitUsage, fmt.Errorf("%s: %w", name, err), "give a recording that this version wrote"}
	}
	sc, err := j.scenarioOf(name, lines[0].Run)
	if err != nil {
		return reports.Case{}, err
	}
	if j.dataflow != "" {
		return reports.Case{}, failure{exitUsage, fmt.Errorf("%s is a recording of httpdest run, which is judged for all dataflows at once", name), "leave --dataflow out"}
	}
	return check.Judge(sc.WithSeed(lines[0].Run.Seed).WithReadings(j.readings), j.rules, lines), nil
}

// scenarioOf is the scenario that a recording names, or the only one there is
// for a capture that names none.
func (j judging) scenarioOf(name string, run *recording.Run) (*scenarios.Scenario, error) {
	var found []*scenarios.Scenario
	for _, sc := range j.scenarios {
		if run == nil || run.Scenario == "mock" || path.Base(sc.ID) == run.Scenario && sc.Title == run.Title {
			found = append(found, sc)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, failure{exitUsage, fmt.Errorf("%s: --scenario has %d that it could be of", name, len(found)), "give --scenario the file of one"}
	}
	return nil, failure{exitUsage, fmt.Errorf("%s was recorded with another scenario: %s, %q", name, run.Scenario, run.Title), "give --scenario the file it was recorded with"}
}

// capture judges what somebody else's sender sent.
func (j judging) capture(name string, in *os.File) (reports.Case, error) {
	options := capture.Options{Format: j.format, URLs: j.urls, CredentialsRemoved: j.removed}
	var sc *scenarios.Scenario
	if len(j.scenarios) > 0 {
		run, err := firstLine(in)
		if err != nil {
			return reports.Case{}, err
		}
		if sc, err = j.scenarioOf(name, run); err != nil {
			return reports.Case{}, err
		}
		if sc, err = j.part(sc); err != nil {
			return reports.Case{}, err
		}
		options.Part = recording.Part{Dataflow: sc.Dataflow.Key, Destination: sc.Destination.Key}
		options.Bearer, options.Secrets = sc.Destination.Auth.Token.Reveal(), check.Secrets(sc)
	}
	r, err := capture.NewReader(name, in, options)
	if err != nil {
		return reports.Case{}, failure{exitUsage, err, "give the file of a recording or a capture"}
	}
	c, err := check.JudgeCapture(r, j.rules, check.SenderOptions{File: filepath.ToSlash(name), Scenario: sc, Began: j.began, Partial: j.partial, Readings: j.readings})
	if err != nil {
		return c, failure{exitUsage, err, ""}
	}
	return c, nil
}

// firstLine is the run line of a recording; nil for anything else.
func firstLine(in *os.File) (*recording.Run, error) {
	first, err := recording.NewReader(in).Next()
	if _, again := in.Seek(0, io.SeekStart); again != nil {
		return nil, failure{exitUsage, again, "give a file, not a pipe"}
	}
	if err != nil {
		return nil, nil
	}
	return first.Run, nil
}
