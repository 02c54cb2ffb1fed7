package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/httpdest/httpdest/loadtest"
)

// between reports whether a number is one, and in a range: what is not a number
// is in none.
func between(low, v, high float64) bool { return v >= low && v <= high && !math.IsInf(v, 0) }

// fastest is more than any receiver takes: requests a second.
const fastest = 1e6

// given learns which flags were given, and refuses those of no use.
func (f *loadFlags) given(to string, changed func(name string) bool) (err error) {
	f.lengthGiven = changed("for")
	f.rateGiven, f.requestsGiven = changed("max-rate"), changed("max-requests")
	if f.engine.configured, err = f.configured(); err != nil {
		return err
	}
	if err := f.withoutUse(to, changed); err != nil {
		return err
	}
	if f.reports, err = f.vegeta.take(f.reports); err != nil {
		return err
	}
	return f.vegeta.check(*f, changed("name"))
}

// withoutUse refuses a flag that says nothing about the load that was asked
// for: whoever gave it expects it to matter.
func (f loadFlags) withoutUse(to string, given func(name string) bool) error {
	virtual := f.engine.clock == "virtual"
	for _, x := range []struct {
		without bool // what the flags need
		flags   []string
		where   string
		hint    string
	}{
		{!f.search.on, []string{"from", "to", "warm-up", "rest"}, "without --search", "leave it out, or give --search too"},
		{f.search.on, []string{"rate"}, "with --search", "give the first and the last rate, --from and --to"},
		{f.pace != "constant", []string{"rate"}, "with --pace " + f.pace, "give the pace constant, or rates in the pace"},
		{strings.HasPrefix(f.pace, "trace"), []string{"for"}, "with a trace, which lasts as long as it does", "leave it out"},
		{strings.HasPrefix(f.pace, "stages"), []string{"for"}, "with stages, each of which has its own time", "leave it out"},
		{f.search.on, []string{"abort-on"}, "with --search, which ends no trial early", "leave it out, or give a lower --to"},
		{f.engine.several(), []string{"abort-on", "prometheus-addr"}, "with several dataflows", "leave it out, or have one dataflow"},
		{virtual, []string{"prometheus-addr"}, "with --time virtual, which is over before anybody looks", "leave it out"},
		{f.search.on, []string{"shard", "start-at"}, "with --search, which chooses its rates by what it finds", "leave it out, or --search"},
		{f.engine.several(), []string{"shard", "start-at"}, "with several dataflows, which need one process", "leave it out, or have one dataflow"},
		{virtual, []string{"shard", "start-at"}, "with --time virtual, where no two machines have the same receiver", "leave it out"},
		{to == "mock", []string{"shard"}, "for mock: each machine would have one of its own", "give the URL of one receiver that all machines load"},
		{!f.engine.on, []string{"store", "data", "drain", "sockets", "outage", "dataflows"}, "without --through-engine", "leave it out, or give --through-engine too"},
		{!f.engine.on, []string{"backfill"}, "without --through-engine", "leave it out, or give --through-engine too"},
		{f.engine.backfill.text == "", []string{"backfill-within"}, "without --backfill", "leave it out, or give --backfill too"},
		{f.search.on, []string{"backfill"}, "with --search, whose rates must each be held for the whole of a trial", "leave one of them out"},
		{f.engine.several(), []string{"backfill"}, "with several dataflows, each with a mapping of its own", "leave it out, or have one dataflow"},
		{given("shard"), []string{"backfill"}, "with --shard: each machine would have an engine and a backfill of its own", "leave one of them out"},
		{f.engine.outage == "", []string{"outage-kind"}, "without --outage", "leave it out, or give --outage too"},
		{f.engine.configured > 1, []string{"dataflows"}, "with a configuration of several dataflows", "leave it out"},
		{!f.engine.several(), []string{"noisy"}, "without several dataflows", "leave it out, or give --dataflows 2 or more"},
		{f.engine.store == "memory", []string{"data"}, "with --store memory", "leave one of them out"},
		{virtual, []string{"store", "data", "workers", "mock-tls", "mix", "sizes", "bearer", "headers", "query", "cert", "key", "ca"}, "with --time virtual, where there are no bytes and no stores", "leave it out"},
		{virtual && f.engine.on, []string{"warm-up", "rest"}, "with --time virtual, where each trial has a receiver of its own", "leave it out"},
		{virtual && !f.engine.on, []string{"profiles", "config"}, "with --time virtual and no engine, where there are no messages", "leave it out, or give --through-engine too"},
		{f.vegeta.targets != "", []string{"profiles", "mix", "sizes", "read-back"}, "with --targets, whose messages are not generated", "leave it out, or --targets"},
		{f.engine.on, []string{"read-back"}, "with --through-engine", "leave it out, or --through-engine"},
		{virtual, []string{"read-back"}, "with --time virtual, where nothing is stored", "leave it out"},
		{to == "mock", []string{"read-back"}, "for mock, which stores no profiles", "leave it out, or give the URL of a receiver"},
		{to != "mock", []string{"mock-latency", "mock-errors", "mock-rate", "mock-tls"}, "with a URL", "leave it out, or give mock"},
		{to == "mock", []string{"i-own-this-endpoint", "max-rate", "max-requests"}, "for mock", "leave it out"},
	} {
		for _, name := range x.flags {
			if x.without && given(name) {
				return failure{exitUsage, fmt.Errorf("--%s is of no use %s", name, x.where), x.hint}
			}
		}
	}
	return nil
}

// measurable refuses an objective that the load asked for cannot judge.
func (f loadFlags) measurable(o loadtest.Objective) error {
	documented := len(loadtest.Unique([]loadtest.Objective{loadtest.Documented(), o})) == 1 // which is skipped, with its reason
	switch {
	case (o.Quantity == loadtest.Backfilled || o.Over == loadtest.DuringBackfill) && f.engine.backfill.text == "":
		return failure{exitUsage, fmt.Errorf("--slo %s is about a backfill, and no audience is mapped during the load", o.Text), "give --backfill MEMBERS@WHEN too"}
	case o.Over == loadtest.Stored && f.readBack == "":
		return failure{exitUsage, fmt.Errorf("--slo %s measures when a message is stored, which is not known", o.Text), "give --read-back URL too"}
	case o.Over == loadtest.Delivery && !f.engine.on && !documented:
		return failure{exitUsage, fmt.Errorf("--slo %s measures deliveries, and a load test of the receiver alone delivers nothing", o.Text),
			"give --through-engine too, or response. instead of delivery."}
	case o.Over == loadtest.Response && f.engine.on && f.engine.clock == "virtual":
		return failure{exitUsage, fmt.Errorf("--slo %s measures how long an update takes to become durable, which takes no virtual time", o.Text), "leave it out, or --time virtual"}
	case o.Quantity == loadtest.Rate && f.search.on:
		return failure{exitUsage, fmt.Errorf("--slo %s is what a search looks for", o.Text), "give an objective of latency, errors or lost, and the rates by --from and --to"}
	}
	return nil
}

// seen refuses an outage of which the load would not see the end.
func (e engineLoad) seen(p loadtest.Pace) error {
	if e.broken == nil || e.broken.At+e.broken.Length <= p.Duration() {
		return nil
	}
	end := e.broken.At + e.broken.Length
	return failure{exitUsage, fmt.Errorf("the outage is over after %s, and the load after %s: what comes back would not be seen", end, p.Duration().Round(time.Second)), fmt.Sprintf("give an earlier --outage, or --for %s and more", end)}
}

// mostTries is how many requests one update may lead to (R88).
const mostTries = 3

// safe refuses what a stranger's receiver must not get.
func (x loading) safe() error {
	f, t, p := x.flags, x.target, x.whole
	if ours(t.host) && !f.rateGiven && !f.requestsGiven {
		return nil
	}
	if !ours(t.host) && !f.own {
		return failure{exitUsage, fmt.Errorf("%s is not of this machine", t.host), "load only what you own; when you do, say so with --i-own-this-endpoint"}
	}
	total, what := float64(p.Total()), ""
	if f.search.on {
		total, what = total*loadtest.MostTrials, fmt.Sprintf(" in up to %d trials", loadtest.MostTrials)
	}
	more, faster := x.through.backfilled(t.settings)
	if total += more; f.engine.on {
		total, what = total*mostTries, what+", retries included,"
	}
	if ours(t.host) && !f.requestsGiven {
		total = 0
	}
	hint := ""
	if f.search.on {
		hint = ", or give a lower --to"
	}
	switch {
	case !(p.Peak()+faster <= f.maxRate) && (!ours(t.host) || f.rateGiven):
		return failure{exitUsage, fmt.Errorf("%.0f requests a second are more than --max-rate %.0f", p.Peak()+faster, f.maxRate), "raise --max-rate when the receiver may get so many" + hint}
	case total > float64(f.maxRequests):
		return failure{exitUsage, fmt.Errorf("%.0f requests%s are more than --max-requests %d", total, what, f.maxRequests), "raise --max-requests when the receiver may get so many" + hint}
	}
	return nil
}
