package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
)

func (a *app) storeCommand() *cobra.Command {
	var data, to string
	var asJSON bool
	c := &cobra.Command{
		Use:   "store",
		Short: "Check the folder of a local store, or save what can be read of a damaged one",
		Long: `A store lists its files in the file INVENTORY, with the hash of every byte that was
synced. A store in which a file is missing, cut, changed or older does not open. These
commands say what such a folder holds and save it. Neither changes the folder, which must
not be in use. See httpdest help store.`,
		Example: "  httpdest store check --data data\n  httpdest store repair --data data --to data.repaired",
		Args:    known,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.PersistentFlags().StringVar(&data, "data", "", "folder that httpdest serve wrote to (required)")
	c.PersistentFlags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	_ = c.MarkPersistentFlagRequired("data")
	check := &cobra.Command{
		Use:   "check",
		Short: "Compare every file with the inventory, and count profiles, exports and dead letters",
		Long: `Exit status: 0 everything is as it was written · 1 a file is damaged or a value cannot be
read · 2 there is no store, or it is in use · 3 an earlier version wrote it, without an
inventory to compare with.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.checkStore(data, asJSON) },
	}
	repair := &cobra.Command{
		Use:   "repair",
		Short: "Copy everything that can be read into a new store next to it",
		Long: `The new store is for httpdest serve --data. The old folder stays as it is. Stores of an
earlier version are copied into one of this version. The report lists what could not be
read. Messages that were settled shortly before the damage may be pending again.

Exit status: 0 nothing is known to be lost · 1 something is · 2 there is no store, it is in
use, or the new folder exists · 3 nothing could be copied.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return a.repairStore(data, to, asJSON) },
	}
	repair.Flags().StringVar(&to, "to", "", "folder of the new store (default DIR.repaired)")
	c.AddCommand(check, repair)
	return c
}

// storeUnread is the failure of a folder that could not be read.
func storeUnread(err error) error {
	f := storeFailure(err)
	var known failure
	usage := errors.Is(err, store.ErrAbsent) || errors.Is(err, store.ErrInUse) || errors.Is(err, fs.ErrExist)
	if errors.As(f, &known) && !usage {
		known.status = exitUnjudged
		return known
	}
	return f
}

func (a *app) checkStore(data string, asJSON bool) error {
	opening := startOpening(a.stderr)
	r, err := local.Check(data, local.Options{Progress: opening.at})
	opening.end()
	if err != nil {
		return storeUnread(err)
	}
	if err := printStore(a.stdout, r, asJSON); err != nil {
		return err
	}
	switch {
	case r.Migrating:
		return failure{exitUnjudged, fmt.Errorf("store %s: %s has no inventory to compare its files with", data, r.Version),
			"`httpdest store repair --data DIR` copies it into a store of this version"}
	case !r.Whole():
		return failure{exitFail, fmt.Errorf("store %s is damaged", data),
			"restore the file from a copy; or `httpdest store repair --data DIR` saves what can be read into a new store"}
	}
	return nil
}

func (a *app) repairStore(data, to string, asJSON bool) error {
	if to == "" {
		to = strings.TrimRight(data, `/\`) + ".repaired"
	}
	opening := startOpening(a.stderr)
	r, err := local.Repair(data, to, local.Options{Progress: opening.at})
	opening.end()
	if err != nil {
		return storeUnread(err)
	}
	if err := printStore(a.stdout, r, asJSON); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "httpdest: copied to %s; %s was not changed\n", to, data)
	if !r.Lossless() {
		return failure{exitFail, fmt.Errorf("store %s: part of it could not be read", data), "keep the folder: what is listed above is in no other place"}
	}
	return nil
}

// printStore writes a report for people or tools.
func printStore(w io.Writer, r local.Report, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	end := "not closed: its process was killed, or the power failed"
	if r.Closed {
		end = "closed"
	}
	version := r.Version
	if version == "" {
		version = "unknown version"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "store %s: %s, %s\n", r.Dir, version, end)
	fmt.Fprintf(&b, "%s in the inventory, %d bytes; %d damaged\n", count(r.Files, "file"), r.Bytes, len(r.Faults))
	for _, f := range r.Faults {
		fmt.Fprintf(&b, "  %s\n", f)
	}
	fmt.Fprintf(&b, "%s\n%s pending, %s with an attempt whose end is not known\n%s\n%s",
		count(r.Profiles, "profile"), count(r.Pending, "export"), count(r.Charged, "message"), count(r.Dead, "dead letter"), count(int(r.Commits), "commit"))
	if r.Expected > 0 && r.Expected != r.Commits {
		fmt.Fprintf(&b, " of %d", r.Expected)
	}
	b.WriteString("\n")
	if r.Salvaged {
		b.WriteString("the store does not open; this was read from its single files\n")
	}
	for _, f := range r.Unread {
		fmt.Fprintf(&b, "  not read: %s\n", f)
	}
	for _, name := range r.Unusable {
		fmt.Fprintf(&b, "  cannot be used: %q\n", name)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
