package loadtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/httpdest/httpdest/engine/retry"
)

// hit does what the load does for number n, counted from 0.
type hit func(ctx context.Context, n uint64) retry.Outcome

// hits are what Vegeta paces.
type hits struct {
	hit    hit
	target func(n uint64) vegeta.Target // nil: there are no requests
	name   string                       // of the attack
	keep   func(*vegeta.Result)         // nil: nobody asks
	tick   func()                       // called every second
}

// numberHeader carries the number of a hit from its target to its request, within
// this process.
const numberHeader = "X-Httpdest-Number"

// targeter numbers the targets.
func (h hits) targeter() vegeta.Targeter {
	var next atomic.Uint64
	return func(t *vegeta.Target) error {
		n := next.Add(1) - 1
		*t = vegeta.Target{Method: http.MethodPost, URL: "http://receiver.invalid/"}
		if h.target != nil {
			*t = h.target(n)
		}
		if t.Header == nil {
			t.Header = http.Header{}
		}
		t.Header.Set(numberHeader, strconv.FormatUint(n, 10))
		return nil
	}
}

// errNotSent is a request that Vegeta began after the end of the load.
var errNotSent = errors.New("the load has ended")

// ending lets hits through while a load goes on.
type ending struct {
	hit   hit
	ctx   context.Context
	under atomic.Int64 // hits under way
}

// RoundTrip implements http.RoundTripper. Nothing of Vegeta's request travels,
// its headers least of all.
func (e *ending) RoundTrip(r *http.Request) (*http.Response, error) {
	n, err := strconv.ParseUint(r.Header.Get(numberHeader), 10, 64)
	if err != nil {
		return nil, fmt.Errorf("loadtest: the number of a request: %w", err)
	}
	// Counted before it is asked whether the load goes on: who finds it at its end
	// and nothing under way knows that nothing comes after.
	e.under.Add(1)
	defer e.under.Add(-1)
	if e.ctx.Err() != nil {
		return nil, errNotSent
	}
	o := e.hit(context.WithoutCancel(r.Context()), n)
	if o.Kind != retry.Answered {
		return nil, errors.New(o.String())
	}
	status := fmt.Sprintf("%d %s", o.Status, http.StatusText(o.Status))
	return &http.Response{StatusCode: o.Status, Status: status, Body: http.NoBody, Request: r}, nil
}

// over reports whether the load has ended and nothing is under way.
func (e *ending) over() bool { return e.ctx.Err() != nil && e.under.Load() == 0 }

// vegetate runs Vegeta until the pace ends, or ctx is done and nothing is under
// way, and returns how long it went on. A load that has not ended long after its
// time is left alone: what is under way is unfinished.
func vegetate(ctx context.Context, p *pacer, most int, h hits) time.Duration {
	e := &ending{hit: h.hit, ctx: ctx}
	v := vegeta.NewAttacker(vegeta.Workers(uint64(min(64, most))), vegeta.MaxWorkers(uint64(most)), vegeta.Client(&http.Client{
		Transport:     e,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}))
	ended := make(chan struct{})
	stopped := make(chan time.Duration, 1)
	go func() { // ends with the attack
		select {
		case <-ctx.Done():
			v.Stop()
			if p.began.Load() == nil {
				stopped <- 0
				return
			}
			stopped <- p.since(time.Now())
		case <-ended:
			stopped <- p.pace.Duration()
		}
	}()
	results := v.Attack(h.targeter(), p, 0, h.name)
	every := time.NewTicker(time.Second)
	defer every.Stop()
	watchdog := time.NewTimer(p.pace.Duration() + p.overdue)
	defer watchdog.Stop()
	leave := func() {
		v.Stop()
		go func() { // ends when Vegeta wakes up
			for range results {
			}
		}()
	}
	for open := true; open; {
		select {
		case r, ok := <-results: // the hit has measured it already
			if open = ok; ok && h.keep != nil && !strings.HasSuffix(r.Error, errNotSent.Error()) {
				h.keep(r)
			}
		case <-every.C:
			if h.tick(); e.over() {
				// Vegeta sleeps until its next hit is due, however long that is.
				open = false
				leave()
			}
		case <-watchdog.C:
			open = false
			leave()
		}
	}
	close(ended)
	return <-stopped
}
