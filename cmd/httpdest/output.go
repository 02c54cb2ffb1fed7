package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/reports/page"
)

// output is one report to write: its kind, and a path or - for stdout.
type output struct{ kind, path string }

// writers are the kinds of reports.
var writers = map[string]func(io.Writer, *reports.Report) error{
	"csv":          reports.WriteCSV,
	"github":       reports.WriteGitHub,
	"hdr":          reports.WriteHDR,
	"html":         page.Write,
	"json":         reports.WriteJSON,
	"junit":        reports.WriteJUnit,
	"junit-strict": reports.WriteJUnitStrict,
	"md":           reports.WriteMarkdown,
	"text": func(w io.Writer, r *reports.Report) error {
		return writeText(w, r, reports.TextOptions{Verbose: true})
	},
}

// reportUsage is the help of --report.
const reportUsage = "write a report, KIND=PATH: html, json, junit, junit-strict (for Jenkins), md, github, text, csv (latencies) or hdr (their histograms); repeatable, - is stdout"

// parseOutputs reads KIND=PATH.
func parseOutputs(flags []string) ([]output, error) {
	var out []output
	for _, f := range flags {
		kind, path, ok := strings.Cut(f, "=")
		if _, known := writers[kind]; !ok || !known || path == "" {
			kinds := strings.Join(slices.Sorted(maps.Keys(writers)), ", ")
			return nil, failure{exitUsage, fmt.Errorf("--report %q", f), "write KIND=PATH, where KIND is one of " + kinds}
		}
		out = append(out, output{kind, path})
	}
	return out, nil
}

// outputsOf are the reports of --report and those of --out.
func outputsOf(flags []string, out string) ([]output, error) {
	outputs, err := parseOutputs(flags)
	if err == nil && out != "" {
		outputs = append(outputs, output{"json", filepath.Join(out, "report.json")},
			output{"html", filepath.Join(out, "report.html")}, output{"junit", filepath.Join(out, "junit.xml")}, output{"md", filepath.Join(out, "summary.md")})
	}
	return outputs, err
}

// prepare makes the folders of the reports and, below out, of the recordings,
// so that a path that cannot be written is known before anything runs.
func prepare(outputs []output, out string) error {
	if out != "" {
		if err := writable(filepath.Join(out, "recordings")); err != nil {
			return err
		}
	}
	for _, o := range outputs {
		if o.path == "-" {
			continue
		}
		if info, err := os.Stat(o.path); err == nil && info.IsDir() {
			return failure{exitUsage, fmt.Errorf("%s is a folder", o.path), "give the path of a file"}
		}
		if info, err := os.Stat(o.path); err == nil && !info.Mode().IsRegular() {
			continue // opened when it is written
		}
		if err := writable(filepath.Dir(o.path)); err != nil {
			return err
		}
	}
	return nil
}

// Reports, recordings and journals repeat what profiles hold: folders and files
// that are made for them belong to their owner alone.
const (
	private     = 0o700
	privateFile = 0o600
)

// writable makes the folder where it is missing, and shows that a file can be
// written to it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, private); err != nil {
		return failure{exitUsage, err, "give a folder that can be made"}
	}
	f, err := os.CreateTemp(dir, ".report-*")
	if err != nil {
		return failure{exitUsage, err, "give a folder that can be written"}
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return failure{exitUsage, err, ""}
	}
	return nil
}

// write writes the report.
func (o output) write(stdout io.Writer, r *reports.Report) error {
	return o.put(stdout, func(w io.Writer) error { return writers[o.kind](w, r) })
}

// put writes a file whole or not at all. A device or a named pipe is written to
// and not replaced.
func (o output) put(stdout io.Writer, write func(io.Writer) error) (err error) {
	if o.path == "-" {
		return write(stdout)
	}
	if info, err := os.Stat(o.path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(o.path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(f), f.Close())
	}
	if target, err := filepath.EvalSymlinks(o.path); err == nil {
		o.path = target // and not the link
	}
	f, err := os.CreateTemp(filepath.Dir(o.path), ".report-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Chmod(privateFile), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), o.path)
}
