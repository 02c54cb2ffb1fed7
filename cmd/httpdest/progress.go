package main

import (
	"fmt"
	"io"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// A run shows how far it is when it takes longer than patience, and not more
// often than a person can read.
const (
	patience = time.Second
	glimpse  = 100 * time.Millisecond
)

// progress is one line on a terminal that is written over, and gone at the end.
type progress struct {
	w            io.Writer
	now          func() time.Time
	total        int
	done, failed int
	began, shown time.Time // shown is zero while nothing is
}

// watch returns the progress of so many cases; nil where nobody looks: stderr
// is not a terminal, or --quiet.
func (a *app) watch(total int, quiet bool) *progress {
	if quiet || !a.terminal(a.stderr) || a.getenv("TERM") == "dumb" {
		return nil
	}
	return &progress{w: a.stderr, now: time.Now, total: total, began: time.Now()}
}

// add counts a case that ended.
func (p *progress) add(c reports.Case) {
	if p == nil {
		return
	}
	p.done++
	if c.Verdict == reports.Fail {
		p.failed++
	}
	now := p.now()
	if now.Sub(p.began) < patience || now.Sub(p.shown) < glimpse {
		return
	}
	p.shown = now
	failed := ""
	if p.failed > 0 {
		failed = fmt.Sprintf(", %d failed", p.failed)
	}
	// Progress that cannot be shown is nothing to end a run for.
	_, _ = fmt.Fprintf(p.w, "\r%d of %d cases%s, %d s\x1b[K", p.done, p.total, failed, int(now.Sub(p.began).Seconds()))
}

// end takes the line away.
func (p *progress) end() {
	if p != nil && !p.shown.IsZero() {
		_, _ = fmt.Fprint(p.w, "\r\x1b[K")
	}
}
