package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/scenarios/probe"
	"github.com/httpdest/httpdest/scenarios/probe/receivers/right"
)

// probeFlags are the flags of httpdest probe.
type probeFlags struct {
	config            string
	starter           bool
	writeCertificates string
	print             string
	example           string
	dryRun            bool
	own               bool

	bearer, headers, query, ca, certificates, readBack string
	batch, rate, requests, burst                       int
	load                                               string
	idle, cold                                         time.Duration
	histories                                          int
	seed                                               uint64

	pattern        string
	statement      string
	implementation probe.Implementation
	out            string
	reports        []string
	verbose        bool
	quiet          bool
}

func (a *app) probeCommand() *cobra.Command {
	var f probeFlags
	c := &cobra.Command{
		Use:   "probe [URL]",
		Short: "Test whether your receiver is ready for the destination, and what to fix",
		Long: `Send synthetic profiles to a receiver, as the destination would, and judge every rule
that binds a receiver: its text, the request, the response and the fix. Profiles are
marked: their ECIDs begin with eight zeros and their mail addresses end in
@httpdest.invalid.

An address that is not of this machine needs --i-own-this-endpoint. --dry-run shows
what would be sent. Ctrl-C stops at once, with a report of what was found by then.

A file says more than flags can: --init writes one. ` + "`httpdest help probe`" + ` explains
read-back, mTLS and the verdicts.`,
		Example: `  httpdest probe http://127.0.0.1:8080/profiles --bearer s3cret
  httpdest probe --init probe.yaml && httpdest probe --config probe.yaml --out out
  httpdest probe --config probe.yaml --run '^message/exited'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.probe(cmd, args, f) },
	}
	s := c.Flags()
	s.StringVar(&f.config, "config", "", "file with the destination block of a scenario, and more; see --init")
	s.BoolVar(&f.starter, "init", false, "write a commented configuration to probe.yaml, or to the file that is named, and probe nothing")
	s.StringVar(&f.writeCertificates, "write-certificates", "", "make a folder of test certificates, both hierarchies, for a receiver that is to be mTLS-only; probe nothing")
	s.StringVar(&f.print, "print", "", "print the body of a message by its id, such as profile/unicode, and probe nothing")
	s.StringVar(&f.example, "example", "", "print a receiver to copy, in go, node or python, and probe nothing")
	s.BoolVar(&f.dryRun, "dry-run", false, "print what would be sent, and send nothing")
	s.BoolVar(&f.own, "i-own-this-endpoint", false, "the endpoint is yours to probe: needed for every address that is not of this machine")
	s.StringVar(&f.bearer, "bearer", "", "bearer token; "+secretForms)
	s.StringVar(&f.headers, "headers", "", "custom headers, header1:value1,header2:value2; "+secretForms)
	s.StringVar(&f.query, "query", "", "query parameters, parameter1=value&parameter2=value; "+secretForms)
	s.StringVar(&f.ca, "ca", "", "PEM file of the authorities the server's certificate must come from (default: the system's)")
	s.StringVar(&f.certificates, "certificates", "", "folder that --write-certificates made: mTLS is planned")
	s.StringVar(&f.readBack, "read-back", "", "URL of the stored state: GET URL/ECID; with the bearer token, if there is one")
	s.IntVar(&f.batch, "batch", 0, "profiles in a message, 2 to 10: batches are on")
	s.IntVar(&f.rate, "rate", 0, "requests a second, at most (default 20)")
	s.IntVar(&f.requests, "requests", 0, "requests in all, at most (default 600)")
	s.IntVar(&f.burst, "burst", 0, "requests at once, at most (default 20)")
	s.StringVar(&f.load, "load", "", "rate that the receiver is said to hold, and for how long: 10/s:10s (the default)")
	s.DurationVar(&f.idle, "idle", 0, "leave a connection idle for this long at least, such as 65s")
	s.DurationVar(&f.cold, "cold", 0, "send nothing for this long, then a message that may meet a cold start, such as 15m")
	s.IntVar(&f.histories, "histories", 0, "random histories to play and read back, such as 200")
	s.Uint64Var(&f.seed, "seed", 1, "seed of the random histories")
	s.StringVar(&f.pattern, "run", "", "try cases whose id matches the regular expression, and the plain message they rest on")
	s.StringVar(&f.statement, "statement", "", "write a conformance statement, a small YAML file to publish")
	s.StringVar(&f.implementation.Project, "project", "", "name of the receiver in the statement")
	s.StringVar(&f.implementation.Version, "project-version", "", "its version in the statement")
	s.StringVar(&f.implementation.Organization, "organization", "", "whose it is in the statement")
	s.StringVar(&f.out, "out", "", "folder for report.json, report.html, junit.xml and summary.md")
	s.StringArrayVar(&f.reports, "report", nil, reportUsage)
	s.BoolVarP(&f.verbose, "verbose", "v", false, "every check and every rule")
	s.BoolVarP(&f.quiet, "quiet", "q", false, "print only failures and the summary")
	completeProbe(c)
	return c
}

// secrets are the flags that may name where a secret is.
func (f *probeFlags) secrets() map[string]*string {
	return map[string]*string{"--bearer": &f.bearer, "--headers": &f.headers, "--query": &f.query}
}

func (a *app) probe(cmd *cobra.Command, args []string, f probeFlags) error {
	switch {
	case f.starter:
		return a.writeProbe(args)
	case f.example != "":
		return a.printExample(f.example)
	case f.writeCertificates != "":
		return a.writeProbeCertificates(f.writeCertificates)
	}
	if err := a.readSecrets(f.secrets()); err != nil {
		return err
	}
	c, err := f.configure(cmd, args, a.getenv)
	if err != nil {
		return err
	}
	if f.print != "" {
		return a.printMessage(f.print, c)
	}
	if f.pattern != "" {
		if c.Only, err = regexp.Compile(f.pattern); err != nil {
			return failure{exitUsage, fmt.Errorf("--run: %w", err), "give a regular expression of ids, such as '^message/'"}
		}
	}
	if err := f.check(c); err != nil {
		return err
	}
	if warning := unescaped(c.Destination); warning != "" {
		fmt.Fprintf(a.stderr, "httpdest: warning: %s\n", warning)
	}
	p := probe.New(c)
	if f.dryRun {
		return p.Describe(a.stdout)
	}
	if f.pattern != "" && p.Selected() == 0 {
		return failure{exitUnjudged, fmt.Errorf("--run %q matches no case", f.pattern), "httpdest probe --dry-run lists them"}
	}
	return a.probeNow(cmd.Context(), c, f, reproduced(cmd, args))
}

// probeNow probes, and writes every report.
func (a *app) probeNow(ctx context.Context, c probe.Config, f probeFlags, again string) error {
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	if f.statement != "" {
		if err := prepare([]output{{path: f.statement}}, ""); err != nil {
			return err
		}
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	if f.histories > 0 && f.out != "" {
		c.Histories.Write = func(name string, scenario []byte) (string, error) {
			path := filepath.Join(f.out, name)
			return path, os.WriteFile(path, scenario, 0o600)
		}
	}
	c.Progress = a.probeProgress()
	// A runner that cancels a job sends SIGTERM, and wants the report as well.
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	report, interrupted := probe.New(c).Run(ctx)
	if a.terminal(a.stderr) {
		fmt.Fprint(a.stderr, "\r\x1b[K")
	}
	if f.statement != "" && interrupted == nil {
		write := func(w io.Writer) error {
			return probe.WriteStatement(w, report, f.implementation, time.Now(), again)
		}
		if err := (output{path: f.statement}).put(a.stdout, write); err != nil {
			return failure{exitUsage, err, "nothing of the statement was written"}
		}
	}
	if err := a.write(report, outputs, runFlags{verbose: f.verbose, quiet: f.quiet}); err != nil {
		return err
	}
	if errors.Is(interrupted, context.Canceled) {
		hint := "the report has what was found by then"
		if f.statement != "" {
			hint += "; no statement was written"
		}
		return failure{exitInterrupted, errors.New("interrupted"), hint}
	}
	if s := status(report.Verdict); s != exitPass {
		return failure{status: s}
	}
	return nil
}

// probeProgress keeps a line on stderr true while it is a terminal; otherwise
// it says once what is going on.
func (a *app) probeProgress() func(done, cases, requests int, id string) {
	if a.terminal(a.stderr) {
		return func(done, cases, requests int, id string) {
			fmt.Fprintf(a.stderr, "\r\x1b[K%d of %d cases, %d requests: %s", done, cases, requests, id)
		}
	}
	return func(done, cases, _ int, _ string) {
		if done == 0 {
			fmt.Fprintf(a.stderr, "httpdest: probing with %d cases; Ctrl-C ends it with a report\n", cases)
		}
	}
}

// reproduced is the command that does it again, for a statement: without
// addresses, and without what may be secret.
func reproduced(cmd *cobra.Command, args []string) string {
	again := "httpdest probe"
	if len(args) > 0 {
		again += " URL"
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		switch f.Name {
		case "statement", "project", "project-version", "organization", "out", "report", "verbose", "quiet":
		case "bearer", "headers", "query", "read-back":
			again += fmt.Sprintf(` --%s "$%s"`, f.Name, strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")))
		case "config", "ca", "certificates":
			again += " --" + f.Name + " " + filepath.Base(f.Value.String())
		case "i-own-this-endpoint":
			again += " --" + f.Name
		default:
			again += " --" + f.Name + " " + f.Value.String()
		}
	})
	return again
}

// writeProbe writes the commented configuration.
func (a *app) writeProbe(args []string) error {
	file := "probe.yaml"
	if len(args) > 0 {
		file = args[0]
	}
	if err := create(file, probe.Starter()); err != nil {
		return failure{exitUsage, err, "name a file that is not there yet: httpdest probe --init FILE"}
	}
	_, err := fmt.Fprintf(a.stdout, "wrote %s\n\nnext:\n  edit it: the endpoint, and the environment variable of the token\n  httpdest probe --config %s --dry-run    see what would be sent\n  httpdest probe --config %s              probe\n", file, file, file)
	return err
}

func (a *app) writeProbeCertificates(dir string) error {
	if err := probe.WriteClients(dir, time.Now()); err != nil {
		return failure{exitUsage, err, "name a folder that is not there yet"}
	}
	_, err := fmt.Fprintf(a.stdout, "wrote %s\n\nnext:\n  trust %s in the receiver, and require client certificates\n  httpdest probe --config FILE --certificates %s\n", dir, filepath.Join(dir, "client-ca.pem"), dir)
	return err
}

// printExample prints a receiver to copy.
func (a *app) printExample(language string) error {
	program, ok := right.Example(language)
	if !ok {
		return failure{exitUsage, fmt.Errorf("there is no receiver in %q", language), "give one of " + strings.Join(right.Languages(), ", ")}
	}
	_, err := fmt.Fprint(a.stdout, program)
	return err
}

// printMessage prints the body of a message, for who sends it by hand.
func (a *app) printMessage(id string, c probe.Config) error {
	m, ok := probe.Sample(c, strings.TrimPrefix(id, "message/")) // as reports name them
	if !ok {
		return failure{exitUsage, fmt.Errorf("no message %q", id), "give one of " + strings.Join(probe.SampleIDs(c), ", ")}
	}
	_, err := fmt.Fprintf(a.stdout, "%s\n", m.Body)
	return err
}
