package loadtest

import (
	"context"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// hit does what the load does for number n, counted from 0, and returns the
// status for Vegeta.
type hit func(ctx context.Context, n uint64) (status int)

// ending lets hits through while a load goes on.
type ending struct {
	hit   hit
	ctx   context.Context
	under atomic.Int64 // hits under way
}

// RoundTrip implements http.RoundTripper. Nothing of Vegeta's request travels,
// its headers least of all.
func (e *ending) RoundTrip(r *http.Request) (*http.Response, error) {
	n, err := strconv.ParseUint(r.Header.Get("X-Vegeta-Seq"), 10, 64)
	if err != nil {
		panic("loadtest: Vegeta no longer numbers its requests: " + err.Error())
	}
	// Counted before it is asked whether the load goes on: who finds it at its end
	// and nothing under way knows that nothing comes after.
	e.under.Add(1)
	defer e.under.Add(-1)
	if err := e.ctx.Err(); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: e.hit(context.WithoutCancel(r.Context()), n), Body: http.NoBody, Request: r}, nil
}

// over reports whether the load has ended and nothing is under way.
func (e *ending) over() bool { return e.ctx.Err() != nil && e.under.Load() == 0 }

// vegetate runs Vegeta until the pace ends, or ctx is done and nothing is under
// way, and returns how long it went on. A load that has not ended long after its
// time is left alone: what is under way is unfinished. tick is called every second.
func vegetate(ctx context.Context, p *pacer, most int, hit hit, tick func()) time.Duration {
	e := &ending{hit: hit, ctx: ctx}
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
	target := vegeta.Target{Method: http.MethodPost, URL: "http://receiver.invalid/"}
	results := v.Attack(func(t *vegeta.Target) error { *t = target; return nil }, p, 0, "")
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
		case _, open = <-results: // the hit has measured it already
		case <-every.C:
			if tick(); e.over() {
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
