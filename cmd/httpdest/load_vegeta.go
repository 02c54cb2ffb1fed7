package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/loadtest"
)

// vegetaFlags are what load shares with Vegeta: results and targets.
type vegetaFlags struct {
	targets, name    string
	results, written string // files of --report vegeta= and --report vegeta-targets=
}

func (f *vegetaFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.targets, "targets", "", "file of requests in Vegeta's JSON form, a line each, whose bodies are sent by turns in place of generated messages")
	s.StringVar(&f.name, "name", "httpdest", "name of the attack in --report vegeta=FILE")
}

// The kinds of --report that load alone has.
const (
	vegetaResults = "vegeta"
	vegetaTargets = "vegeta-targets"
)

// loadReportUsage is the help of --report of a load.
const loadReportUsage = reportUsage + "; vegeta=FILE keeps every request for vegeta report and encode, vegeta-targets=FILE the messages for vegeta attack"

// loadReportKinds completes them.
func loadReportKinds(c *cobra.Command, args []string, start string) ([]cobra.Completion, cobra.ShellCompDirective) {
	kinds, directive := reportKinds(c, args, start)
	return append(kinds, vegetaResults+"=", vegetaTargets+"="), directive
}

// take takes Vegeta's kinds out of those of --report.
func (f *vegetaFlags) take(all []string) (rest []string, err error) {
	for _, text := range all {
		kind, path, _ := strings.Cut(text, "=")
		file := map[string]*string{vegetaResults: &f.results, vegetaTargets: &f.written}[kind]
		switch {
		case file == nil:
			rest = append(rest, text)
		case path == "" || path == "-" || *file != "":
			return nil, failure{exitUsage, fmt.Errorf("--report %q", text), "write " + kind + "=FILE, once"}
		default:
			*file = path
		}
	}
	return rest, nil
}

// check refuses what has no use in the load that was asked for.
func (f vegetaFlags) check(all loadFlags, named bool) error {
	kinds := map[string]string{"--report vegeta": f.results, "--report vegeta-targets": f.written, "--targets": f.targets}
	for _, flag := range []string{"--report vegeta", "--report vegeta-targets", "--targets"} {
		why := ""
		switch {
		case kinds[flag] == "":
		case all.engine.on:
			why = "--through-engine, whose messages the engine makes and sends"
		case all.engine.clock == "virtual":
			why = "--time virtual, where there are no requests"
		case all.search.on && flag == "--report vegeta":
			why = "--search, whose trials are loads of their own"
		}
		if why != "" {
			return failure{exitUsage, fmt.Errorf("%s is of no use with %s", flag, why), "leave it out"}
		}
	}
	if named && f.results == "" {
		return failure{exitUsage, errors.New("--name is of no use without --report vegeta=FILE"), "leave it out, or give --report vegeta=FILE too"}
	}
	return nil
}

// outputs are the files, so that a path that cannot be written is known before
// anything is sent.
func (f vegetaFlags) outputs() (out []output) {
	for _, path := range []string{f.results, f.written} {
		if path != "" {
			out = append(out, output{path: path})
		}
	}
	return out
}

// messages are those of --targets, in the order in which a shard has them.
func (f vegetaFlags) messages(address string, s loadtest.Shard) ([]*engine.Message, error) {
	in, err := os.Open(f.targets)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--targets: %w", err), "give a file with a request on each line"}
	}
	defer func() { _ = in.Close() }() // it was only read
	all, err := loadtest.ReadTargets(in, address)
	if err != nil {
		return nil, failure{exitUsage, fmt.Errorf("--targets: %s: %w", f.targets, err),
			`write {"method": "POST", "url": "` + address + `", "body": "in base64"} on a line for each message`}
	}
	return s.Share(all), nil
}

// keep begins the files for an attack; end writes what is left of them.
func (f vegetaFlags) keep(a *loadtest.Attack, address string) (end func() error, err error) {
	end = func() error { return nil }
	if f.written != "" {
		if err := privately(f.written, func(out *os.File) error { return loadtest.WriteTargets(out, address, a.Messages) }); err != nil {
			return end, unwritten(f.written, err)
		}
	}
	if f.results == "" {
		return end, nil
	}
	out, err := os.OpenFile(f.results, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, privateFile)
	if err != nil {
		return end, unwritten(f.results, err)
	}
	a.Results = loadtest.NewResults(out, f.name, address)
	return func() error {
		if err := errors.Join(a.Results.Close(), out.Close()); err != nil {
			return unwritten(f.results, err)
		}
		return nil
	}, nil
}

func unwritten(path string, err error) error {
	return failure{exitUnjudged, fmt.Errorf("%s: %w", path, err), "give a file that can be written"}
}

// privately writes a file that belongs to its owner alone.
func privately(path string, write func(*os.File) error) error {
	out, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, privateFile)
	if err != nil {
		return err
	}
	return errors.Join(write(out), out.Close())
}
