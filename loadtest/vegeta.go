package loadtest

import (
	"context"
	"net/http"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// roundTripper is a hit of Vegeta's.
type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements http.RoundTripper.
func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// vegetate runs Vegeta until the pace ends, or ctx is done and nothing is under
// way, and returns how long it went on. A hit knows its number by the header
// X-Vegeta-Seq. A load that has not ended long after its time is left alone:
// what is under way is unfinished. tick is called every second and reports
// whether nothing is under way.
func vegetate(ctx context.Context, p *pacer, most int, hit roundTripper, tick func() (idle bool)) time.Duration {
	v := vegeta.NewAttacker(vegeta.Workers(uint64(min(64, most))), vegeta.MaxWorkers(uint64(most)), vegeta.Client(&http.Client{
		Transport:     hit,
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
			if tick() && ctx.Err() != nil {
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
