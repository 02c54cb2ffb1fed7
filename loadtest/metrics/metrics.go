// Package metrics shows a load while it runs to Prometheus.
package metrics

import (
	"net/http"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/httpdest/httpdest/loadtest"
)

// Metrics are those of the load that runs now. A search has one load for each
// trial: counters begin again with it, as after a restart.
type Metrics struct {
	current atomic.Pointer[loadtest.Recorder]
}

// Watch follows a load from its beginning.
func (m *Metrics) Watch(r *loadtest.Recorder) { m.current.Store(r) }

// Handler answers with the metrics in the text format of Prometheus.
func (m *Metrics) Handler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("httpdest_load_"+name, help, labels, nil)
}

var (
	dueTotal       = describe("requests_due_total", "Requests, or updates, that were due by now.")
	begunTotal     = describe("requests_begun_total", "Requests, or updates, that were begun.")
	deliveredTotal = describe("requests_delivered_total", "Requests, or exports, that ended with a 2xx.")
	lostTotal      = describe("requests_lost_total", "Requests, or exports, that ended without one and are not repeated.")
	attemptsTotal  = describe("attempts_total", "HTTP requests that ended, by outcome: a status, timeout, refused.", "outcome")
	inFlight       = describe("in_flight", "HTTP requests on the wire.")
	targetRate     = describe("target_rate", "Requests a second that the pace asks for now.")
	lateTotal      = describe("late_starts_total", "Requests that began 10 ms or more after they were due, by cause.", "cause")
	latency        = describe("latency_seconds", "Time from when a request, or update, was due to its 2xx.")
)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{dueTotal, begunTotal, deliveredTotal, lostTotal, attemptsTotal, inFlight, targetRate, lateTotal, latency} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	r := m.current.Load()
	if r == nil {
		return
	}
	s := r.Snapshot()
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	send(dueTotal, prometheus.CounterValue, float64(s.Due))
	send(begunTotal, prometheus.CounterValue, float64(s.Begun))
	send(deliveredTotal, prometheus.CounterValue, float64(s.Delivered))
	send(lostTotal, prometheus.CounterValue, float64(s.Lost))
	for outcome, n := range s.Outcomes {
		send(attemptsTotal, prometheus.CounterValue, float64(n), outcome)
	}
	send(inFlight, prometheus.GaugeValue, float64(s.InFlight))
	send(targetRate, prometheus.GaugeValue, s.Target)
	send(lateTotal, prometheus.CounterValue, float64(s.Late.Generator.Count), "generator")
	send(lateTotal, prometheus.CounterValue, float64(s.Late.Sockets.Count), "sockets")
	send(lateTotal, prometheus.CounterValue, float64(s.Late.Receiver.Count), "receiver")
	out <- prometheus.MustNewConstHistogram(latency, uint64(s.Delivered), s.SumSeconds, s.Buckets)
}
