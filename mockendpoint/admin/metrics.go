package admin

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// Metrics is a journal.Sink that counts for Prometheus. A reset does not touch
// it: counters only grow.
type Metrics struct {
	statuses  [1000]atomic.Uint64
	durations prometheus.Histogram

	mu      sync.Mutex
	reasons map[string]uint64
}

// NewMetrics returns Metrics that have counted nothing.
func NewMetrics() *Metrics {
	return &Metrics{reasons: map[string]uint64{}, durations: prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "httpdest_mock_request_duration_seconds", Help: "From the last byte of a request to the last byte of its answer.",
		Buckets: []float64{.0005, .001, .005, .01, .05, .1, .25, .5, 1, 1.5, 2, 2.5, 5, 10},
	})}
}

// Request implements journal.Sink.
func (m *Metrics) Request(r journal.Request) {
	m.statuses[r.Status%len(m.statuses)].Add(1)
	m.durations.Observe(r.Answered.Sub(r.Arrived).Seconds())
}

// Handshake implements journal.Sink.
func (m *Metrics) Handshake(h journal.Handshake) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reasons[h.Reason]++
}

func (a *Admin) metrics(w http.ResponseWriter, r *http.Request) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(a.options.Metrics.durations, collector{a})
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// collector reads what others count.
type collector struct{ *Admin }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("httpdest_mock_"+name, help, labels, nil)
}

var (
	requestsTotal     = describe("requests_total", "Requests, by the status of the answer; none: no status line left.", "status")
	refusedTotal      = describe("refused_handshakes_total", "Connections that ended before their first request, by reason.", "reason")
	faultsFired       = describe("fault_fired", "How often a fault of the plan acted since it was added.", "fault")
	journalEntries    = describe("journal_entries", "Entries of the journal since the last reset.")
	journalLost       = describe("journal_lost_total", "Entries that neither memory nor disk could keep.")
	journalMemory     = describe("journal_memory_bytes", "Size of the newest entries in memory.")
	journalFile       = describe("journal_file_bytes", "Size of the journal on disk.")
	journalDiskFailed = describe("journal_disk_failing", "1 while the disk does not take entries.")
)

// Describe implements prometheus.Collector.
func (c collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{requestsTotal, refusedTotal, faultsFired, journalEntries, journalLost, journalMemory, journalFile, journalDiskFailed} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
	}
	m := c.options.Metrics
	for status := range m.statuses {
		if n := m.statuses[status].Load(); n > 0 {
			label := strconv.Itoa(status)
			if status == 0 {
				label = "none"
			}
			send(requestsTotal, prometheus.CounterValue, float64(n), label)
		}
	}
	m.mu.Lock()
	for reason, n := range m.reasons {
		send(refusedTotal, prometheus.CounterValue, float64(n), reason)
	}
	m.mu.Unlock()
	for _, f := range c.options.Faults.Firings() {
		send(faultsFired, prometheus.GaugeValue, float64(f.Fired), f.ID)
	}
	s := c.options.Journal.Stats()
	failing := 0.0
	if s.Failure != "" {
		failing = 1
	}
	send(journalEntries, prometheus.GaugeValue, float64(s.Entries))
	send(journalLost, prometheus.CounterValue, float64(s.Lost))
	send(journalMemory, prometheus.GaugeValue, float64(s.MemoryBytes))
	send(journalFile, prometheus.GaugeValue, float64(s.FileBytes))
	send(journalDiskFailed, prometheus.GaugeValue, failing)
}
