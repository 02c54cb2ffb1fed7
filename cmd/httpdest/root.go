package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// Exit statuses of every command.
const (
	exitPass        = 0   // everything passed
	exitFail        = 1   // a check failed
	exitUsage       = 2   // wrong usage or a bad file
	exitUnjudged    = 3   // could not judge: inconclusive, no case selected
	exitInterrupted = 130 // the report so far is written
)

// failure is an error with its exit status and what to do about it.
type failure struct {
	status int
	err    error
	hint   string
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

// app is what commands know of their process.
type app struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	whole          bool // help prints all of a long guide
}

// run executes a command line and returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer, getenv func(string) string) int {
	// net/http logs unexpected responses on the standard logger, and these may
	// repeat a credential (R32). httpdest itself writes nothing there.
	log.SetOutput(io.Discard)
	a := &app{stdout: stdout, stderr: &printable{to: stderr}, getenv: getenv}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitPass
	}
	var f failure
	if !errors.As(err, &f) {
		// Cobra's own: an unknown command or flag, or too many arguments.
		f = failure{exitUsage, err, "see httpdest help"}
		var path *fs.PathError
		if errors.As(err, &path) {
			f.hint = "" // stdout is full or closed; no help text changes that
		}
	}
	if f.err != nil {
		a.complain(f)
	}
	return f.status
}

// complain prints an error for people: problems of files one by one, anything
// else as one message with a hint.
func (a *app) complain(f failure) {
	var problems scenarios.Problems
	if errors.As(f.err, &problems) {
		fmt.Fprintln(a.stderr, strings.TrimRight(problems.Error(), "\n"))
		return
	}
	fmt.Fprintf(a.stderr, "httpdest: %s\n", strings.TrimSpace(f.err.Error()))
	if f.hint != "" {
		fmt.Fprintf(a.stderr, "hint: %s\n", f.hint)
	}
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "httpdest",
		Short: "A simulation and conformance test of the HTTP API destination",
		Long: `httpdest plays Adobe Experience Platform's HTTP API destination: an export engine
decides from the history of each profile what must be exported, and sends it over
HTTPS to a mock endpoint that enforces and misbehaves. Every rule of the
documentation gets a verdict.

Exit status: 0 everything passed, 1 a check failed, 2 wrong usage or a bad file,
3 could not judge, 130 interrupted.`,
		Example:       "  httpdest run                      play the library that comes with httpdest\n  httpdest run my-scenarios/        play your own\n  httpdest probe URL                test whether your receiver is ready\n  httpdest load mock --rate 500     what rate holds the objectives\n  httpdest rules list               the rules a scenario can name",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          known,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.CompletionOptions.DisableDefaultCmd = true // completion comes with scenario names
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return failure{exitUsage, err, flagHint(cmd, err)}
	})
	root.AddCommand(a.runCommand(), a.judgeCommand(), a.probeCommand(), a.loadCommand(), a.planCommand(), a.reportCommand(), a.mockCommand(), a.proxyCommand(), a.serveCommand(), a.deadCommand(), a.storeCommand(), a.rulesCommand(), a.scenarioCommand(), a.audienceCommand(), a.versionCommand(), a.completionCommand())
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			// Cobra's own answers a name that does not exist with status 0.
			c.Use, c.Short = "help [COMMAND|TOPIC]", "Help about a command, or a guide"
			c.Run, c.RunE, c.ValidArgsFunction = nil, a.help, completeTopic
			c.Flags().BoolVar(&a.whole, "all", false, "with mutants: every mutant and the cases that find it")
		}
	}
	return root
}

// flagHint names the flag that was probably meant.
func flagHint(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := scenarios.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			return fmt.Sprintf("did you mean %q?", "--"+near)
		}
	}
	return fmt.Sprintf("see %s --help", cmd.CommandPath())
}

// known refuses the name of a command that does not exist, with the one that
// was probably meant.
func known(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	f := failure{exitUsage, fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath()), fmt.Sprintf("see %s --help", cmd.CommandPath())}
	cmd.SuggestionsMinimumDistance = 2 // two letters swapped, or one wrong
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		f.hint = fmt.Sprintf("did you mean %q?", near[0])
	}
	return f
}

// color reports whether text on w may be coloured: on a terminal, unless
// NO_COLOR is set (no-color.org).
func (a *app) color(w io.Writer) bool {
	return a.terminal(w) && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"
}

func (a *app) terminal(w io.Writer) bool {
	f, ok := unwrapped(w).(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// status is the exit status of a verdict.
func status(v reports.Verdict) int {
	switch v {
	case reports.Pass:
		return exitPass
	case reports.Fail:
		return exitFail
	}
	return exitUnjudged
}
