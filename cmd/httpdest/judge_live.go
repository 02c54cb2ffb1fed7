package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// liveFlags are those of httpdest judge --live.
type liveFlags struct {
	live    bool
	listen  listenFlags
	dir     string
	command string
	longest time.Duration
	idle    time.Duration
	record  recordFlags
}

func (f *liveFlags) add(flags *pflag.FlagSet) {
	flags.BoolVar(&f.live, "live", false, "serve the endpoint of --scenario, tell your sender its history, and judge what arrives")
	flags.StringArrayVar(&f.listen.listen, "listen", []string{"127.0.0.1:0"}, "with --live: address and port of the endpoint, port 0 takes a free one; or MODE://ADDRESS")
	flags.StringVar(&f.dir, "ca-dir", "", "with --live: folder to write ca.pem, client.pem and client-key.pem to (default: a temporary one)")
	flags.StringVar(&f.command, "command", "", "with --live: what starts your sender, for a shell; it gets the history on stdin, one JSON object a line, and the endpoint in HTTPDEST_URL (default: the history is on stdout)")
	flags.DurationVar(&f.longest, "longest-gap", time.Second, "with --live: a longer time between two moments of the history is told as this")
	flags.DurationVar(&f.idle, "idle", time.Minute, "with --live: judge when the history is told, and nothing has arrived for so long; longer than your sender waits before a retry")
	flags.StringVar(&f.record.file, "record", "", "with --live: file to keep the recording in; it must not exist. Its times are those at which the history was told")
	flags.BoolVar(&f.record.force, "force", false, "replace the file of --record")
}

// checkLive refuses flags that do not go together.
func (f judgeFlags) checkLive(args []string, changed func(flag string) bool) error {
	if !f.live.live {
		for _, name := range []string{"listen", "ca-dir", "command", "longest-gap", "idle", "record", "force"} {
			if changed(name) {
				return failure{exitUsage, fmt.Errorf("--%s without --live", name), "give --live and --scenario to serve an endpoint, or leave it out to judge files"}
			}
		}
		if len(args) == 0 {
			return failure{exitUsage, errors.New("nothing to judge"), "give the files of recordings or captures, or --live with --scenario"}
		}
		return nil
	}
	for _, name := range []string{"format", "start", "url", "credentials-removed", "partial", "root"} {
		if changed(name) {
			return failure{exitUsage, fmt.Errorf("--%s is about files, and --live judges what arrives", name), "leave one of them out"}
		}
	}
	switch {
	case len(args) > 0:
		return failure{exitUsage, errors.New("--live judges what arrives, and no files"), "leave the files out, or --live"}
	case f.scenario == "":
		return failure{exitUsage, errors.New("--live without --scenario"), "name the file of the history"}
	case f.live.longest <= 0:
		return failure{exitUsage, fmt.Errorf("--longest-gap %s", f.live.longest), "give a time such as 1s"}
	case f.live.idle <= 0:
		return failure{exitUsage, fmt.Errorf("--idle %s", f.live.idle), "give a time such as 1m"}
	}
	return f.live.record.check()
}

// aheadOfStart is how long before its beginning, at least, a history is announced.
const aheadOfStart = 300 * time.Millisecond

// liveRun is one history that is told to somebody else's sender.
type liveRun struct {
	flags    liveFlags
	scenario *scenarios.Scenario // of the dataflow, at the pace and the time it is told
	began    time.Time
	plan     mockPlan
	told     []liveLine
	dir      string // of certificates; "" in the clear
	arrived  *lastArrival
}

// judgeLive serves the endpoint of a scenario, tells the sender what happens, and
// judges what arrived. Where the history is on stdout, everything else is on stderr.
func (a *app) judgeLive(ctx context.Context, f judgeFlags) error {
	history := a.stdout
	if f.live.command == "" {
		signal.Ignore(syscall.SIGPIPE) // a reader that leaves is an error of a write, and no end of the process
		quiet := *a
		quiet.stdout = a.stderr
		a = &quiet
	}
	outputs, err := outputsOf(f.reports, f.out)
	if err != nil {
		return err
	}
	j, err := f.judge()
	if err != nil {
		return err
	}
	r, err := newLiveRun(ctx, f, j)
	if err != nil {
		return err
	}
	if err := prepare(outputs, ""); err != nil {
		return err
	}
	c, err := r.judge(ctx, a, history, j, f.quiet)
	if err != nil {
		return err
	}
	report := check.SenderReport(j.rules, []reports.Case{c})
	report.Environment = reports.Environment{Version: version(), Go: runtime.Version(), OS: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU()}
	return a.conclude(report, outputs, f)
}

// newLiveRun reads the scenario, and checks that it can be told.
func newLiveRun(ctx context.Context, f judgeFlags, j judging) (*liveRun, error) {
	whole, err := oneScenario(f.scenario)
	if err != nil {
		return nil, err
	}
	if whole.Refuses() {
		return nil, failure{exitUsage, fmt.Errorf("%s expects that its configuration is refused", f.scenario), "give a scenario with a history: a sender has nothing to send in this one"}
	}
	for _, p := range simulate.Problems(whole) {
		if p.Level == "error" {
			return nil, failure{exitUsage, fmt.Errorf("%s: %s: %s", p.Pos, p.Path, p.Message), p.Hint}
		}
	}
	part, err := j.part(whole)
	if err != nil {
		return nil, err
	}
	for _, audience := range part.Audiences {
		if audience.Upload != nil {
			return nil, failure{exitUsage, fmt.Errorf("%s: the members of %s come from a file", f.scenario, audience.Key), "give a scenario without uploads: they take hours, and --live tells changes of profiles only"}
		}
	}
	// A whole second, since times of qualification have no parts of one; and far enough
	// ahead for the sender to start.
	began := time.Now().UTC().Add(aheadOfStart).Truncate(time.Second).Add(time.Second)
	r := &liveRun{flags: f.live, began: began, scenario: part.Starting(began).Paced(f.live.longest).WithReadings(j.readings), arrived: &lastArrival{}}
	if r.told, err = historyOf(ctx, r.scenario); err != nil {
		return nil, err
	}
	return r, nil
}

// judge serves and tells, and then judges the recording.
func (r *liveRun) judge(ctx context.Context, a *app, history io.Writer, j judging, quiet bool) (c reports.Case, err error) {
	defer func() {
		if r.dir != r.flags.dir {
			err = errors.Join(err, os.RemoveAll(r.dir))
		}
	}()
	if err := r.prepare(); err != nil {
		return c, err
	}
	file, err := r.recording()
	if err != nil {
		return c, err
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if r.flags.record.file == "" {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	if err := r.serve(ctx, a, file, history, quiet); err != nil {
		return c, err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return c, failure{exitUnjudged, err, "give --record a file, not a pipe"}
	}
	name := cmp.Or(filepath.ToSlash(r.flags.record.file), "the recording")
	in, err := capture.NewReader(name, file, capture.Options{Format: capture.Recording,
		Bearer: r.scenario.Destination.Auth.Token.Reveal(), Secrets: check.Secrets(r.scenario)})
	if err != nil {
		return c, failure{exitUnjudged, err, ""}
	}
	c, err = check.JudgeCapture(in, j.rules, check.SenderOptions{File: name, Scenario: r.scenario, Began: r.began, Readings: j.readings})
	if err != nil {
		return c, failure{exitUnjudged, err, ""}
	}
	c.ID = r.scenario.ID
	return c, nil
}

// prepare makes the certificates and everything else that listeners need.
func (r *liveRun) prepare() (err error) {
	if err := withoutReceiver(r.scenario); err != nil {
		return err
	}
	r.plan = mockPlan{scenario: r.scenario, receiver: simulate.NewReceiver(r.scenario)}
	r.plan.options = r.plan.receiver.Options()
	r.plan.options.Now = func() time.Time { return time.Now().UTC() }
	if r.plan.listen, err = r.flags.listen.all(r.plan.options.Listener, r.scenario.Endpoint.Certificate); err != nil {
		return err
	}
	encrypted := slices.ContainsFunc(r.plan.listen, func(l listening) bool { return l.as.Mode != mockendpoint.Plain })
	if r.dir = r.flags.dir; encrypted && r.dir == "" {
		if r.dir, err = os.MkdirTemp("", "httpdest-ca-"); err != nil {
			return failure{exitUsage, err, "give --ca-dir a folder"}
		}
	}
	return certify(r.plan.listen, certificateFiles{dir: r.dir})
}

// recording opens the file that the recording is judged from.
func (r *liveRun) recording() (*os.File, error) {
	if r.flags.record.file == "" {
		file, err := os.CreateTemp("", "httpdest-*.jsonl")
		if err != nil {
			return nil, failure{exitUsage, err, "give --record FILE, or name a folder for temporary files in TMPDIR"}
		}
		return file, nil
	}
	return r.flags.record.reopenable()
}

// serve answers until the sender is done.
func (r *liveRun) serve(ctx context.Context, a *app, file *os.File, history io.Writer, quiet bool) error {
	listeners, err := r.plan.open()
	if err != nil {
		return err
	}
	recorder := simulate.NewEndpointRecorder(file, r.scenario, time.Now().UTC(), "")
	r.arrived.next = recorder
	options := r.plan.options
	options.Journal = r.arrived
	if !quiet {
		options.Journal = requestLog{slog.New(slog.NewTextHandler(a.stderr, nil)), options.Journal}
	}
	start := r.start(listeners)
	serving, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { // ends with the history, or with the serving
		err := r.tell(serving, a, start, history)
		stop()
		ended <- err
	}()
	served := a.serve(serving, listeners, options, nil)
	stop()
	if err := errors.Join(served, <-ended); err != nil {
		return err
	}
	if err := recorder.End(time.Now().UTC(), r.plan.fired()); err != nil {
		return failure{exitUnjudged, err, "give --record a file on a disk with room"}
	}
	return nil
}

// conclude writes the reports of what was judged, and is the failure that its verdict
// comes to.
func (a *app) conclude(report *reports.Report, outputs []output, f judgeFlags) error {
	if err := a.write(report, outputs, runFlags{verbose: f.verbose, quiet: f.quiet}); err != nil {
		return err
	}
	if n := unspecified(report); n > 0 && len(f.failOn) > 0 {
		return failure{exitFail, fmt.Errorf("--fail-on unspecified: %d left", n), "fix what is listed as unspecified, or leave --fail-on out"}
	}
	if s := status(report.Verdict); s != exitPass {
		return failure{status: s}
	}
	return nil
}

// lastArrival notes when something arrived last.
type lastArrival struct {
	next journal.Sink
	at   atomicTime
}

// Request implements journal.Sink.
func (l *lastArrival) Request(r journal.Request) {
	l.at.set(time.Now())
	l.next.Request(r)
}

// Handshake implements journal.Sink.
func (l *lastArrival) Handshake(h journal.Handshake) {
	l.at.set(time.Now())
	l.next.Handshake(h)
}
