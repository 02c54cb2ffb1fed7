package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/engine/audience/upload"
	"github.com/httpdest/httpdest/scenarios"
)

func (a *app) audienceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "audience",
		Short:   "Check the file of a custom upload audience",
		Example: "  httpdest audience check members.csv --identity email",
		Args:    known,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	c.AddCommand(a.audienceCheckCommand())
	return c
}

func (a *app) audienceCheckCommand() *cobra.Command {
	var spec upload.Spec
	var ttl string
	c := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what an import would make of a CSV file, or why it is refused",
		Long: `Say what an import of a CSV file as a custom upload audience would make of it, or why
it is refused: every reason with its line. At most 25 columns, less than 1 GB, UTF-8,
no spaces or dashes in the header, one column that identifies the profiles. The file
is read as a stream, so its size does not matter.

Exit status: 0 the file can be imported, 2 it is refused or cannot be read.`,
		Example: "  httpdest audience check members.csv --identity email\n  httpdest audience check members.csv --identity id --namespace crm --external-id vip_2026 --ttl 90d",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !cmd.Flags().Changed("identity") {
				return failure{exitUsage, errors.New("no column is chosen as the identity"), "say which column identifies a profile: --identity email"}
			}
			if !cmd.Flags().Changed("namespace") {
				spec.Namespace = spec.Identity
			}
			lifetime, err := scenarios.ParseDuration(ttl)
			if err == nil && lifetime == 0 {
				err = errors.New("members would exit at once")
			}
			if err != nil {
				return failure{exitUsage, fmt.Errorf("--ttl %s: %w", ttl, err), "write whole days: --ttl 30d"}
			}
			spec.TTL = lifetime
			return a.checkAudience(args[0], spec)
		},
	}
	c.Flags().StringVar(&spec.Identity, "identity", "", "the column that identifies the profiles")
	c.Flags().StringVar(&spec.Namespace, "namespace", "", "the namespace of these identities (default the name of the column)")
	c.Flags().StringVar(&spec.ExternalID, "external-id", "", "the id of the audience")
	c.Flags().StringVar(&ttl, "ttl", "30d", "how long members stay, 1d to 90d")
	return c
}

// checkAudience reads a file and prints what an import would make of it.
func (a *app) checkAudience(name string, spec upload.Spec) error {
	file, err := os.Open(name)
	if err != nil {
		return failure{exitUsage, err, "check the path and its permissions"}
	}
	var summary upload.Summary
	info, err := file.Stat()
	if err == nil {
		err = upload.CheckSize(info.Size())
	}
	if err == nil {
		summary, err = upload.Check(file, spec)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return refusal(name, err)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s can be imported\n", name)
	fmt.Fprintf(w, "  members\t%s, %s\n", count(int(summary.Rows), "row"), size(summary.Bytes))
	fmt.Fprintf(w, "  identity\tcolumn %s, namespace %s\n", spec.Identity, spec.Namespace)
	if len(summary.Payload) > 0 {
		fmt.Fprintf(w, "  payload\t%s: not attached to profiles, never exported\n", strings.Join(summary.Payload, ", "))
	}
	id := spec.ExternalID
	if id == "" {
		id = "<an id of the platform>"
	}
	fmt.Fprintf(w, "  exported as\tsegmentMembership.%s.%s\n", upload.Namespace, id)
	fmt.Fprintf(w, "  available\twithin %d hours of the upload\n", upload.Availability/time.Hour)
	fmt.Fprintf(w, "  expires\t%s after it; members exit then\n", count(int(spec.Lifetime()/(24*time.Hour)), "day"))
	return w.Flush()
}

// refusal is what is wrong with a file, in the form of every other problem.
func refusal(name string, err error) error {
	var refused upload.Refused
	if !errors.As(err, &refused) {
		return failure{exitUsage, fmt.Errorf("%s: %w", name, err), "check the file and its disk"}
	}
	file := filepath.ToSlash(name)
	var problems scenarios.Problems
	for _, p := range refused.Problems {
		problems = append(problems, scenarios.Problem{Pos: scenarios.Position{File: file, Line: p.Line, Column: p.Column}, Message: p.Message, Hint: p.Hint})
	}
	if refused.More > 0 {
		problems = append(problems, scenarios.Problem{Pos: scenarios.Position{File: file},
			Message: fmt.Sprintf("%d more problems, not listed", refused.More), Hint: "correct these first"})
	}
	return failure{status: exitUsage, err: problems}
}

// size prints bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1_000_000:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	case bytes >= 1_000:
		return fmt.Sprintf("%.1f kB", float64(bytes)/1e3)
	}
	return count(int(bytes), "byte")
}
