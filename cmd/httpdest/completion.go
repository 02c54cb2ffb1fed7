package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/probe"
)

func (a *app) completionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "completion",
		Short: "Print what makes a shell complete commands, flags, scenarios and rules",
		Example: `  source <(httpdest completion bash)     needs the package bash-completion
  httpdest completion zsh > "${fpath[1]}/_httpdest"
  httpdest completion fish > ~/.config/fish/completions/httpdest.fish`,
		Args: known,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, shell := range []struct {
		name     string
		generate func(*cobra.Command) error
	}{
		{"bash", func(root *cobra.Command) error { return root.GenBashCompletionV2(a.stdout, true) }},
		{"zsh", func(root *cobra.Command) error { return root.GenZshCompletion(a.stdout) }},
		{"fish", func(root *cobra.Command) error { return root.GenFishCompletion(a.stdout, true) }},
	} {
		c.AddCommand(&cobra.Command{
			Use:   shell.name,
			Short: "Print the completion script for " + shell.name,
			Args:  cobra.NoArgs,
			RunE:  func(cmd *cobra.Command, _ []string) error { return shell.generate(cmd.Root()) },
		})
	}
	return c
}

// completeRun completes the arguments of httpdest run, and the flags whose
// values are known.
func completeRun(c *cobra.Command) {
	c.ValidArgsFunction = scenarioFiles
	completeFlags(c, map[string]cobra.CompletionFunc{
		"label":  ruleIDs,
		"report": reportKinds,
		"time":   cobra.FixedCompletions([]cobra.Completion{"virtual", "wall"}, cobra.ShellCompDirectiveNoFileComp),
		"through": cobra.FixedCompletions([]cobra.Completion{
			cobra.CompletionWithDesc("simulation", "in virtual time"),
			cobra.CompletionWithDesc("wall", "over TCP, with real waits"),
			cobra.CompletionWithDesc("serve", "the binary with its store, driven by its API"),
		}, cobra.ShellCompDirectiveNoFileComp),
	})
}

// reportKinds completes the kind of a report; the path is the user's.
func reportKinds(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	kinds := make([]cobra.Completion, 0, len(writers))
	for _, kind := range slices.Sorted(maps.Keys(writers)) {
		kinds = append(kinds, kind+"=")
	}
	return kinds, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
}

// completeJudge completes the arguments and flags of httpdest judge.
func completeJudge(c *cobra.Command) {
	c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return []cobra.Completion{"jsonl", "ndjson", "har", "json"}, cobra.ShellCompDirectiveFilterFileExt
	}
	completeFlags(c, map[string]cobra.CompletionFunc{
		"scenario": scenarioFiles,
		"report":   reportKinds,
		"format":   cobra.FixedCompletions(capture.Formats, cobra.ShellCompDirectiveNoFileComp),
		"reading":  readingValues,
	})
}

// completeProbe completes the flags of httpdest probe.
func completeProbe(c *cobra.Command) {
	completeFlags(c, map[string]cobra.CompletionFunc{
		"config": scenarioFiles,
		"report": reportKinds,
		"print": func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return probe.SampleIDs(probe.Config{}), cobra.ShellCompDirectiveNoFileComp
		},
	})
}

// completeLoad completes the argument and flags of httpdest load.
func completeLoad(c *cobra.Command) {
	c.ValidArgsFunction = cobra.FixedCompletions([]cobra.Completion{"mock"}, cobra.ShellCompDirectiveNoFileComp)
	completeFlags(c, map[string]cobra.CompletionFunc{
		"config":   scenarioFiles,
		"report":   loadReportKinds,
		"store":    storeKinds,
		"pace":     cobra.FixedCompletions([]cobra.Completion{"constant", "ramp", "step", "sine", "burst", "stages", "trace"}, cobra.ShellCompDirectiveNoFileComp),
		"mock-tls": cobra.FixedCompletions([]cobra.Completion{"plain", "tls", "mtls-optional", "mtls-only"}, cobra.ShellCompDirectiveNoFileComp),
		"arrivals": cobra.FixedCompletions([]cobra.Completion{"paced", "poisson"}, cobra.ShellCompDirectiveNoFileComp),
	})
}

// completePlan completes the argument and flags of httpdest plan.
func completePlan(c *cobra.Command) {
	c.ValidArgsFunction = reportFiles
	completeFlags(c, map[string]cobra.CompletionFunc{
		"report":      reportKinds,
		"arrivals":    cobra.FixedCompletions([]cobra.Completion{"paced", "poisson"}, cobra.ShellCompDirectiveNoFileComp),
		"curve":       cobra.FixedCompletions([]cobra.Completion{"flat", "day"}, cobra.ShellCompDirectiveNoFileComp),
		"outage-kind": cobra.FixedCompletions([]cobra.Completion{"stall", "refuse", "503"}, cobra.ShellCompDirectiveNoFileComp),
	})
}

// completeMock completes the flags of httpdest mock and proxy.
func completeMock(c *cobra.Command) {
	completeFlags(c, map[string]cobra.CompletionFunc{
		"scenario": scenarioFiles,
		"schema":   schemaKinds,
		"tls":      cobra.FixedCompletions([]cobra.Completion{"plain", "tls", "mtls-optional", "mtls-only"}, cobra.ShellCompDirectiveNoFileComp),
		"certificate": cobra.FixedCompletions([]cobra.Completion{"expired", "not-yet-valid", "wrong-host", "unknown-ca", "self-signed", "missing-intermediate"},
			cobra.ShellCompDirectiveNoFileComp),
		"min-tls": cobra.FixedCompletions([]cobra.Completion{"1.0", "1.1", "1.2", "1.3"}, cobra.ShellCompDirectiveNoFileComp),
		"max-tls": cobra.FixedCompletions([]cobra.Completion{"1.0", "1.1", "1.2", "1.3"}, cobra.ShellCompDirectiveNoFileComp),
	})
}

// completeServe completes the flags of httpdest serve.
func completeServe(c *cobra.Command) {
	completeFlags(c, map[string]cobra.CompletionFunc{"config": scenarioFiles, "store": storeKinds})
}

// storeKinds completes where the engine keeps what it accepted.
func storeKinds(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{
		cobra.CompletionWithDesc("local", "on disk: accepted updates survive a crash"),
		cobra.CompletionWithDesc("memory", "nothing outlives the process"),
	}, cobra.ShellCompDirectiveNoFileComp
}

// schemaKinds completes the schema of bodies: the shipped one, or a file.
func schemaKinds(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{cobra.CompletionWithDesc("export", "the shipped schema of an export")}, cobra.ShellCompDirectiveDefault
}

func completeFlags(c *cobra.Command, completions map[string]cobra.CompletionFunc) {
	for flag, complete := range completions {
		if err := c.RegisterFlagCompletionFunc(flag, complete); err != nil {
			panic(err) // a flag that the command does not have
		}
	}
}

// scenarioFiles completes files and folders of scenarios.
func scenarioFiles(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"yaml"}, cobra.ShellCompDirectiveFilterFileExt
}

// libraryIDs completes the id of a scenario of the library; files where none
// begins so.
func libraryIDs(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	others := func(id string) bool { return !strings.HasPrefix(id, begun) }
	return slices.DeleteFunc(libraryNames(), others), cobra.ShellCompDirectiveDefault
}

// ruleIDs completes the id of a rule, or its number where R begins the word, with
// the title of the rule.
func ruleIDs(_ *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	rules, err := scenarios.Rules()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	out := make([]cobra.Completion, len(rules))
	for i, r := range rules {
		name := r.ID
		if strings.HasPrefix(begun, "R") {
			name = r.Ref
		}
		out[i] = cobra.CompletionWithDesc(name, r.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
