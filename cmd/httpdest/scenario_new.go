package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
)

// schemaName is what the first line of the starter calls the schema.
const schemaName = "scenario.schema.json"

func (a *app) scenarioNewCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "new [FILE]",
		Short: "Write a first scenario, complete and commented (scenario.yaml by default)",
		Long: `Write a complete, commented scenario that passes, and ` + schemaName + ` next to
it, by which editors complete and check it. An existing FILE is never overwritten.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			file := "scenario.yaml"
			if len(args) > 0 {
				file = args[0]
			}
			return a.newScenario(file)
		},
		ValidArgsFunction: scenarioFiles,
	}
}

func (a *app) newScenario(file string) error {
	if filepath.Ext(file) != ".yaml" {
		return failure{exitUsage, fmt.Errorf("%q does not end in .yaml", file), "a scenario is a file that ends in .yaml"}
	}
	if _, err := os.Lstat(file); err == nil {
		return failure{exitUsage, fmt.Errorf("%s already exists", file), "name another file"}
	}
	schema := filepath.Join(filepath.Dir(file), schemaName)
	stale, err := replaceable(schema)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return failure{exitUsage, err, "give a folder that can be made"}
	}
	if err := create(file, scenarios.Starter()); err != nil {
		return failure{exitUsage, err, "give a file that can be written"}
	}
	if stale {
		if err := os.WriteFile(schema, scenarios.JSONSchema(), 0o644); err != nil {
			return failure{exitUsage, err, "the scenario was written, its schema was not: only editors need it"}
		}
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 4, ' ', 0)
	fmt.Fprintf(w, "wrote %s, and %s next to it for your editor\n\nnext:\n", file, schemaName)
	fmt.Fprintf(w, "  httpdest run %s\tplay it: it passes\n", file)
	fmt.Fprintf(w, "  httpdest scenario lint %s\tcheck it while you change it\n", file)
	fmt.Fprintf(w, "  httpdest rules list\tthe rules it can name\n")
	return w.Flush()
}

// create writes a file that must not be there.
func create(file string, content []byte) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// replaceable reports whether the schema must be written: it is missing, or
// another version of httpdest wrote it. Any other file is left alone.
func replaceable(file string) (bool, error) {
	content, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, failure{exitUsage, err, "name a file in another folder"}
	case bytes.Equal(content, scenarios.JSONSchema()):
		return false, nil
	}
	var old, ours struct {
		ID    string `json:"$id"`
		Title string `json:"title"`
	}
	if err := json.Unmarshal(scenarios.JSONSchema(), &ours); err != nil {
		return false, err
	}
	if json.Unmarshal(content, &old) != nil || old != ours {
		return false, failure{exitUsage, fmt.Errorf("%s already exists and was not written by httpdest", file), "move it away, or name a file in another folder"}
	}
	return true, nil
}
