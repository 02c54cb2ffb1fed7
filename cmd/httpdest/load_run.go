package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/loadtest/metrics"
)

// loadRunFlags are how the requests of a load come, what ends it, and who looks.
type loadRunFlags struct {
	arrivals   string
	abortOn    []string
	prometheus string
}

func (f *loadRunFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.arrivals, "arrivals", string(loadtest.Paced), "paced: requests come evenly; poisson: they come by chance, as those of many callers do")
	s.StringArrayVar(&f.abortOn, "abort-on", nil, "end the load when a threshold is reached in its last 10 s: errors>20%, p95>5s, rate<50/s; repeatable")
	s.StringVar(&f.prometheus, "prometheus-addr", "", "address and port of metrics for Prometheus while the load runs, such as 127.0.0.1:8880")
}

// loadRun is what the flags come to.
type loadRun struct {
	arrivals loadtest.Arrivals
	abort    []loadtest.Abort
	watch    func(*loadtest.Recorder) // nil: nobody looks
}

// mostByChance bounds the moments that are drawn before a load begins.
const mostByChance = 1e9

// check checks them before anything begins.
func (f loadRunFlags) check() (r loadRun, err error) {
	if r.arrivals, err = loadtest.ParseArrivals(f.arrivals); err != nil {
		return r, failure{exitUsage, fmt.Errorf("--arrivals: %w", err), "give paced or poisson"}
	}
	for _, text := range f.abortOn {
		a, err := loadtest.ParseAbort(text)
		if err != nil {
			return r, usage("--abort-on", err)
		}
		r.abort = append(r.abort, a)
	}
	return r, nil
}

// paced is a pace with the arrivals that were asked for.
func (r loadRun) paced(p loadtest.Pace, seed uint64) (loadtest.Pace, error) {
	if r.arrivals == loadtest.Poisson && float64(p.Total()) > mostByChance {
		return nil, failure{exitUsage, errors.New("more than 10^9 requests by chance"), "give a lower rate or less time, or --arrivals paced"}
	}
	if p = r.arrivals.Of(p, seed); p.Total() == 0 {
		return nil, failure{exitUsage, errors.New("by chance no request is due"), "give a higher rate, more time, or another --seed"}
	}
	return p, nil
}

// offer is the pace of trials, each with a course of its own.
func (r loadRun) offer(seed uint64) loadtest.Offer {
	if r.arrivals == loadtest.Paced {
		return nil
	}
	return func(rate float64, length time.Duration) loadtest.Pace {
		seed++
		return r.arrivals.Of(loadtest.Constant(rate, length), seed)
	}
}

// serveMetrics shows the load to Prometheus until the end.
func (a *app) serveMetrics(address string) (watch func(*loadtest.Recorder), end func(), err error) {
	if address == "" {
		return nil, func() {}, nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, nil, failure{exitUsage, fmt.Errorf("--prometheus-addr: %w", err), "give an address and a free port, such as 127.0.0.1:8880, or port 0"}
	}
	m := &metrics.Metrics{}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with Close
	fmt.Fprintf(a.stderr, "httpdest: metrics on http://%s/metrics\n", listener.Addr())
	return m.Watch, func() { _ = server.Close() }, nil
}
