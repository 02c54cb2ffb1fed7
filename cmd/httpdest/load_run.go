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
	shard      string
	startAt    string
}

// arrivalsUsage is that of --arrivals of load and plan.
const arrivalsUsage = "paced: %s come evenly; poisson: they come by chance, as those of many callers do"

func (f *loadRunFlags) add(s *pflag.FlagSet) {
	s.StringVar(&f.arrivals, "arrivals", string(loadtest.Paced), fmt.Sprintf(arrivalsUsage, "requests"))
	s.StringArrayVar(&f.abortOn, "abort-on", nil, "end the load when a threshold is reached in its last 10 s: errors>20%, p95>5s, rate<50/s; repeatable")
	s.StringVar(&f.prometheus, "prometheus-addr", "", "address and port of metrics for Prometheus while the load runs, such as 127.0.0.1:8880")
	s.StringVar(&f.shard, "shard", "", "part that this machine has in a load of several: I/N, counted from 0, such as 0/3, 1/3 and 2/3")
	s.StringVar(&f.startAt, "start-at", "", "time at which the load begins: 2026-12-01T12:00:00Z, or seconds since 1970 (default: at once)")
}

// loadRun is what the flags come to.
type loadRun struct {
	arrivals loadtest.Arrivals
	abort    []loadtest.Abort
	watch    func(*loadtest.Recorder) // nil: nobody looks
	shard    loadtest.Shard
	start    loadtest.Start
}

// mostByChance bounds the moments that are drawn before a load begins.
const mostByChance = 1e9

// check checks them before anything begins.
func (f loadRunFlags) check() (r loadRun, err error) {
	if r.arrivals, err = arrivalsOf(f.arrivals); err != nil {
		return r, err
	}
	if f.shard != "" {
		if r.shard, err = loadtest.ParseShard(f.shard); err != nil {
			return r, usage("--shard", err)
		}
	}
	if f.startAt != "" {
		if r.start.At, err = loadtest.ParseStart(f.startAt, time.Now()); err != nil {
			return r, usage("--start-at", err)
		}
	}
	for _, text := range f.abortOn {
		a, err := loadtest.ParseAbort(text)
		if err != nil {
			return r, usage("--abort-on", err)
		}
		r.abort = append(r.abort, r.shard.Threshold(a))
	}
	return r, nil
}

// arrivalsOf reads --arrivals.
func arrivalsOf(text string) (loadtest.Arrivals, error) {
	a, err := loadtest.ParseArrivals(text)
	if err != nil {
		return a, failure{exitUsage, fmt.Errorf("--arrivals: %w", err), "give paced or poisson"}
	}
	return a, nil
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

// part is what this machine has of a pace.
func (r loadRun) part(p loadtest.Pace) (loadtest.Pace, error) {
	part := r.shard.Part(p)
	if part.Total() == 0 {
		return nil, failure{exitUsage, fmt.Errorf("of %d requests shard %s sends nothing", p.Total(), r.shard), "give fewer shards, or a higher rate or more time"}
	}
	return part, nil
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
