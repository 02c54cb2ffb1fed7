package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// loadProgress is one line on a terminal that is written over, and gone at the
// end. nil: nobody looks.
type loadProgress struct {
	w      io.Writer
	width  func() int    // asked each time: a window changes its size
	length time.Duration // of the load
	drain  time.Duration // that may follow
	shown  atomic.Bool
}

// watchLoad is the progress of a load; nil where nobody looks: stderr is not a
// terminal, or --quiet.
func (a *app) watchLoad(drain time.Duration, quiet bool) *loadProgress {
	if quiet || !a.terminal(a.stderr) || a.getenv("TERM") == "dumb" {
		return nil
	}
	return &loadProgress{w: a.stderr, width: func() int { return a.columns(a.stderr) }, drain: drain}
}

// begin clears the line for a load, or a trial, of so long.
func (p *loadProgress) begin(length time.Duration) {
	if p != nil {
		p.clear()
		p.length = length
	}
}

// callback is a Progress, nil where nobody looks. before is how much of the
// load was over when this part of it began.
func (p *loadProgress) callback(before time.Duration) func(time.Duration, loadtest.Counts) {
	if p == nil {
		return nil
	}
	return func(at time.Duration, c loadtest.Counts) {
		p.shown.Store(true)
		// Progress that cannot be shown is nothing to end a load for.
		_, _ = fmt.Fprint(p.w, "\r"+loadLine(before+at, p.length, p.drain, c, p.width())+"\x1b[K")
	}
}

// clear takes the line away.
func (p *loadProgress) clear() {
	if p != nil && p.shown.Swap(false) {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// loadLine is where a load is: as much of it as fits into a line of a terminal,
// the last column excepted, from which a cursor may go on to the next line.
func loadLine(at, length, drain time.Duration, c loadtest.Counts, width int) string {
	parts := []string{leftText(length-at) + " left"}
	if at >= length {
		parts[0] = "draining"
		if drain > 0 {
			parts[0] += ", at most " + leftText(length+drain-at) + " more"
		}
	}
	parts = append(parts, fmt.Sprintf("%d due", c.Due), fmt.Sprintf("%d ended", c.Over))
	if c.Failed > 0 {
		parts = append(parts, fmt.Sprintf("%d attempts failed", c.Failed))
	}
	parts = append(parts, fmt.Sprintf("%d on the wire", c.InFlight), fmt.Sprintf("%d begun", c.Begun))
	line := ""
	for i, p := range parts {
		if i > 0 {
			p = ", " + p
		}
		if len(line)+len(p) >= width {
			break
		}
		line += p
	}
	return line
}

func leftText(d time.Duration) string {
	text := max(0, d.Round(time.Second)).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	return text
}

// columns is how wide the terminal w is: what COLUMNS says, what it says
// itself, or 80.
func (a *app) columns(w io.Writer) int {
	if n, err := strconv.Atoi(a.getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := unwrapped(w).(*os.File); ok {
		if n := columnsOf(f); n > 0 {
			return n
		}
	}
	return 80
}

// sameSignal is how soon after the first signal another is the same one: timeout
// and process managers send theirs to the process and to its group.
const sameSignal = 500 * time.Millisecond

// interruptible offers a load until it ends. The first signal ends it early,
// with a report of what there was; a later one at once, without.
func interruptible(ctx context.Context, signals <-chan os.Signal, now func() time.Time, offer func(context.Context) (*reports.Load, error)) (*reports.Load, error) {
	type offered struct {
		load *reports.Load
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan offered, 1)
	go func() { // ends with the load, or with the process
		l, err := offer(ctx)
		done <- offered{l, err}
	}()
	var first time.Time
	for {
		select {
		case o := <-done:
			return o.load, o.err
		case <-signals:
			switch at := now(); {
			case first.IsZero():
				first = at
				cancel()
			case at.Sub(first) >= sameSignal:
				return nil, errEndedAtOnce
			}
		}
	}
}

// errEndedAtOnce is the end by a second signal.
var errEndedAtOnce = failure{exitInterrupted, errors.New("ended at once: no report was written"), "one Ctrl-C ends a load within two seconds, with a report"}

// interrupts are the signals that end a load, until stop.
func interrupts() (signals chan os.Signal, stop func()) {
	signals = make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals, func() { signal.Stop(signals) }
}
