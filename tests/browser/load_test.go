package browser

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// loaded is the report of a load test with an outage, a search and neighbours,
// by a seeded generator.
func loaded() *reports.Report {
	rng := rand.New(rand.NewPCG(1, 2))
	const steps = 60
	whole, service := loadtest.NewHistogram(), loadtest.NewHistogram()
	l := &reports.Load{Mode: "pipeline", Clock: "wall", To: "https://receiver.test/in", Pace: "constant 500/s for 1m0s", Store: "local", Seconds: steps, DrainSeconds: 3.5, Machines: 1,
		Doubts: []string{"the machine was busy: 95 % of the CPU"}, Series: &reports.Series{StepSeconds: 1},
		Outcomes: []reports.OutcomeCount{{Outcome: "200", Count: 29_000, OK: true}, {Outcome: "503", Count: 1200}},
		Objectives: []reports.Objective{{Text: "p95<10m", Rule: "latency", Verdict: reports.Pass, Measured: 16_000, Low: 15_800, High: 16_300, Limit: 600_000, Unit: "ms", Samples: 30_000},
			{Text: "p99<2s", Verdict: reports.Fail, Reason: "the outage", Measured: 15_000, Low: 14_500, High: 15_600, Limit: 2000, Unit: "ms", Samples: 30_000},
			{Text: "errors<1%", Verdict: reports.Inconclusive, Reason: "too few", Measured: 0.01, Low: 0.005, High: 0.02, Limit: 0.01, Unit: "share", Samples: 100}},
		Outage: &reports.Outage{AtSeconds: 20, Seconds: 10, Fired: 1200, PeakBacklog: 5000, Lost: 3, DrainSeconds: 14, Breached: true, Recovered: true, RecoverySeconds: 20},
		Cost:   &reports.Cost{CPUSeconds: 20, CPUPerExport: 600, CPUShare: 0.2, LateMs: 1.5, Note: "the mock endpoint is in the same process"},
		Search: &reports.Search{Rate: 800, Above: 900, Confidence: "Two runs each.", Saturated: "The receiver answered late."}}
	backlog := 0.0
	for s := range steps {
		h := loadtest.NewHistogram()
		dead := s >= 20 && s < 30
		for range 500 {
			ms := 8 * math.Exp(rng.NormFloat64()*0.6)
			service.Record(time.Duration(ms * 1e6))
			if dead {
				ms += 15_000
			}
			whole.Record(time.Duration(ms * 1e6))
			h.Record(time.Duration(ms * 1e6))
		}
		p := reports.Point{AtSeconds: float64(s), Offered: 500, Achieved: 500, Ended: 500, Backlog: int64(backlog), InFlight: 12}
		if dead {
			p.Ended, p.Errors, backlog = 0, 120, backlog+500
		} else if backlog > 0 {
			p.Ended, backlog = 900, max(0, backlog-400)
		}
		if !dead {
			p.P50Ms, p.P95Ms, p.P99Ms = h.Quantile(0.5), h.Quantile(0.95), h.Quantile(0.99)
		}
		p.Histogram = h.Distribution().Histogram
		l.Series.Points = append(l.Series.Points, p)
	}
	l.DeliveryLatency, l.ServiceTime = whole.Distribution(), service.Distribution()
	l.Offered, l.Achieved = reports.Amount{Count: 30_000, Rate: 500}, reports.Amount{Count: 29_990, Rate: 499.8}
	l.Delivered, l.Failed = reports.Amount{Count: 29_987, Rate: 499.7}, reports.Amount{Count: 3, Rate: 0.05}
	for i, rate := range []float64{200, 400, 600, 800, 900, 1000} {
		v := reports.Pass
		if rate > 800 {
			v = reports.Fail
		}
		l.Search.Points = append(l.Search.Points, reports.SearchPoint{Order: i + 1, Rate: rate, Achieved: rate, Goodput: rate, P50Ms: 8, P95Ms: 10 * math.Exp(rate/300), P99Ms: 14 * math.Exp(rate/250), Verdict: v})
	}
	l.Flows = []reports.Flow{{Name: "quiet", Delivered: reports.Amount{Rate: 100}, Latency: service.Distribution(), Alone: service.Distribution(), Verdict: reports.Pass}, {Name: "dead", Noisy: true, Verdict: reports.Skip, Reason: "it is the noisy one"}}
	return &reports.Report{Schema: reports.Schema, Kind: "load", Verdict: reports.Fail, Load: l, Environment: reports.Environment{Version: "devel", Go: "go1.26", OS: "linux/amd64", CPUs: 2, Seed: 1}}
}

var _ = Describe("The HTML report of a load test", Serial, func() {
	DescribeTable("has every picture, for everybody", func(report func() *reports.Report, l look, name string, pictures []string) {
		t := opened(report(), l)
		t.picture(name)
		Expect(js[[]string](t, `[...document.querySelectorAll(".chart h3")].map((h) => h.textContent)`)).To(Equal(pictures))
		t.openAll()
		// Each picture shows something, and nothing is outside of it.
		Expect(js[[]string](t, `[...document.querySelectorAll(".chart > .scroll > svg")].filter((svg) => svg.getBoundingClientRect().width > 0).flatMap((svg) => {
			const drawn = [...svg.querySelectorAll("path.line, .bar rect")];
			const box = svg.getBoundingClientRect();
			const out = drawn.filter((e) => { const b = e.getBoundingClientRect(); return b.left < box.left - 1 || b.right > box.right + 1 || b.top < box.top - 1 || b.bottom > box.bottom + 1; });
			const broken = drawn.filter((e) => /NaN|Inf/.test(e.outerHTML));
			return drawn.length === 0 || out.length || broken.length ? [svg.querySelector("title").textContent + ": " + drawn.length + " drawn, " + out.length + " outside, " + broken.length + " broken"] : [];
		})`)).To(BeEmpty())
		Expect(js[bool](t, `[...document.querySelectorAll(".chart figcaption tbody")].every((b) => b.rows.length > 0)`)).To(BeTrue())
		t.accessible()
		t.quiet()
	},
		Entry("light", loaded, look{wide, 1000, "light", false}, "load-light", loadPictures),
		Entry("dark, on a phone", loaded, look{narrow, 844, "dark", false}, "load-phone-dark", loadPictures),
		Entry("a plan", planned, look{wide, 1000, "dark", false}, "plan-dark", planPictures),
		Entry("a plan on a phone", planned, look{narrow, 844, "light", false}, "plan-phone", planPictures),
	)

	It("says first what was missed", func() {
		t := opened(loaded(), look{wide, 1000, "light", false})
		Expect(js[string](t, `document.querySelector("h1").innerText`)).To(Equal("FAIL 1 of 3 objectives missed; 800/s is the highest rate that held"))
		Expect(js[string](t, `document.querySelector(".first").innerText`)).To(And(ContainSubstring("p99<2s"), ContainSubstring("15 s"), ContainSubstring("the outage")))
	})
})

var loadPictures = strings.Split("Percentiles|How long it took: delivery latency|Latency over time|Throughput over time|Backlog over time|Latency against throughput", "|")
