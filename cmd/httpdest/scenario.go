package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

func (a *app) scenarioCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "scenario",
		Short:   "Write, check and look up scenarios",
		Example: "  httpdest scenario new my.yaml     a first scenario, commented, and its schema\n  httpdest scenario lint my.yaml    slips that a run does not show\n  httpdest scenario show trigger/enter",
		Args:    known,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.scenarioNewCommand(), a.scenarioLintCommand(), a.scenarioListCommand(), a.scenarioShowCommand(), &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of a scenario file, for editors",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := a.stdout.Write(scenarios.JSONSchema())
			return err
		},
	})
	return c
}

func (a *app) scenarioLintCommand() *cobra.Command {
	var strict, advice bool
	c := &cobra.Command{
		Use:   "lint [FILE|DIR...]",
		Short: "Check scenarios without playing them, and warn of likely slips",
		Long: `Check scenarios without playing them. A mistake is an error, exit status 2. A
likely slip is a warning: an audience that nothing uses, a mapped path that no profile
has, an exit from an audience never entered, a line of expect that can never hold or
never fail. The warnings of the engine are listed too. Without an
argument, the library that comes with httpdest is checked.`,
		RunE:              func(_ *cobra.Command, args []string) error { return a.lint(args, strict, advice) },
		ValidArgsFunction: scenarioFiles,
	}
	c.Flags().BoolVar(&strict, "strict", false, "exit status 1 if there is a warning")
	c.Flags().BoolVar(&advice, "advice", false, "what the documentation recommends for the configuration, too")
	return c
}

func (a *app) lint(args []string, strict, advice bool) error {
	cases, err := find("", args)
	if err != nil {
		return err
	}
	warnings := 0
	for _, c := range cases {
		for _, p := range scenarios.Lint(c) {
			warnings++
			p.Message = "warning: " + p.Message
			if _, err := fmt.Fprintln(a.stdout, p); err != nil {
				return err
			}
		}
		n, err := a.lintConfiguration(c, advice)
		if err != nil {
			return err
		}
		warnings += n
	}
	if _, err := fmt.Fprintf(a.stdout, "%s, %s\n", count(len(cases), "scenario"), count(warnings, "warning")); err != nil {
		return err
	}
	if strict && warnings > 0 {
		return failure{status: exitFail}
	}
	return nil
}

// lintConfiguration prints what the engine says about the configuration of a
// scenario, and returns how many errors and warnings there are. A scenario with
// lines about problems says itself what it expects.
func (a *app) lintConfiguration(c *scenarios.Scenario, advice bool) (int, error) {
	if slices.ContainsFunc(c.Expect, func(e scenarios.Expectation) bool { return e.Problem != "" }) {
		return 0, nil
	}
	n := 0
	for _, p := range simulate.Problems(c) {
		if p.Level == "advice" && !advice {
			continue
		}
		if p.Level != "advice" {
			n++
		}
		at := scenarios.Problem{Pos: p.Pos, Message: p.Level + ": " + p.Path + ": " + p.Message, Hint: p.Hint}
		if _, err := fmt.Fprintln(a.stdout, at); err != nil {
			return n, err
		}
	}
	return n, nil
}

// count is a number of things.
func count(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

func (a *app) scenarioListCommand() *cobra.Command {
	var asJSON bool
	var root string
	c := &cobra.Command{
		Use:   "list [FILE|DIR...]",
		Short: "List scenarios with their rules; without an argument, the library",
		RunE: func(_ *cobra.Command, args []string) error {
			cases, err := find(root, args)
			if err != nil {
				return err
			}
			if asJSON {
				return a.listJSON(cases, len(args) > 0)
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			for _, c := range cases {
				fmt.Fprintf(w, "%s\t%s\t%s\n", c.ID, strings.Join(c.Rules, " "), c.Title)
			}
			return w.Flush()
		},
		ValidArgsFunction: scenarioFiles,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	c.Flags().StringVar(&root, "root", "", rootUsage)
	return c
}

// listJSON lists for tools. The library is in the binary: it has no files.
func (a *app) listJSON(cases []*scenarios.Scenario, files bool) error {
	type entry struct {
		ID    string   `json:"id"`
		Rules []string `json:"rules"`
		Title string   `json:"title"`
		File  string   `json:"file,omitempty"`
	}
	out := make([]entry, len(cases))
	for i, c := range cases {
		out[i] = entry{ID: c.ID, Rules: c.Rules, Title: c.Title}
		if files {
			out[i].File = c.Pos.File
		}
	}
	e := json.NewEncoder(a.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

func (a *app) scenarioShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID|FILE",
		Short: "Print the YAML of a scenario of the library, or of a file",
		Args:  cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			content, err := scenarioSource(args[0])
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(content)
			return err
		},
		ValidArgsFunction: libraryIDs,
	}
}

// scenarioSource is the YAML of a scenario of the library, or else of a file.
func scenarioSource(name string) ([]byte, error) {
	ids := libraryNames()
	if slices.Contains(ids, name) {
		return library.Files.ReadFile(name + ".yaml")
	}
	content, err := os.ReadFile(name)
	if err == nil {
		return content, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, failure{exitUsage, err, "give the id of a scenario of the library, or a file"}
	}
	hint := "httpdest scenario list shows the ids of the library"
	if near := nearestID(strings.TrimSuffix(name, ".yaml"), ids); near != "" {
		hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, failure{exitUsage, fmt.Errorf("no scenario and no file %q", name), hint}
}

// nearestID is the id that was probably meant: the same name in its folder, or
// one with a slip of the keyboard.
func nearestID(name string, ids []string) string {
	for _, id := range ids {
		if path.Base(id) == name {
			return id
		}
	}
	return scenarios.Nearest(name, ids)
}

// libraryNames are the ids of the library, sorted.
func libraryNames() []string {
	var ids []string
	// The library is part of the binary: reading it cannot fail.
	_ = fs.WalkDir(library.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if id, ok := strings.CutSuffix(name, ".yaml"); ok && err == nil && !entry.IsDir() {
			ids = append(ids, id)
		}
		return err
	})
	return ids
}
