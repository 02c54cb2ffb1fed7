package browser

import (
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

var planPictures = strings.Split("The delivery latency over the day|The backlog over the day|The rate over the day|"+
	"The cost of a slower receiver: latency|The cost of a slower receiver: rate", "|")

// planned is the report of a plan with an outage that goes on after midnight.
var planned = sync.OnceValue(func() *reports.Report {
	curve, err := loadtest.ParseCurve("day")
	Expect(err).NotTo(HaveOccurred())
	latency, err := loadtest.ParseLatency("p50=120ms p95=600ms")
	Expect(err).NotTo(HaveOccurred())
	p := loadtest.Planning{
		PerDay:  loadtest.Exactly(3e6),
		Curve:   curve,
		Latency: latency,
		Errors:  loadtest.Between{Low: 0.002, Likely: 0.005, High: 0.01},
		Sockets: 20,
		Outage:  &loadtest.Outage{At: 23*time.Hour + 20*time.Minute, Length: 5 * time.Hour, Kind: loadtest.Stalled},
		Inputs: []reports.Figure{
			{Name: "attempts under way at once", Value: 20, Low: 20, High: 20, Unit: "sockets", From: "assumed"},
			{Name: "outage, what the receiver does", Text: "does not answer (stall)", From: "assumed"},
		},
	}
	r := &reports.Report{
		Schema:      reports.Schema,
		Kind:        "plan",
		Plan:        p.Plan(),
		Environment: reports.Environment{Version: "devel", CPUs: 2},
	}
	r.Plan.Asked = map[string]string{"sockets": "20", "latency": "p50=120ms p95=600ms"}
	loadtest.Settle(r, r.Plan.Objectives)
	return r
})

var _ = Describe("The HTML report of a plan", Serial, func() {
	It("has the answer as its headline", func() {
		t := opened(planned(), look{wide, 1000, "light", false})
		Expect(
			js[string](t, `document.querySelector("h1").innerText`),
		).To(MatchRegexp(`^FAIL p95 \d+h\d+m\d+s \(\d+h\d+m\d+s to \d+h\d+m\d+s\) of 10m: does not hold$`))
		Expect(
			js[string](t, `document.querySelector(".facts-list").innerText`),
		).To(And(MatchRegexp(`Worst hour: p95 \d+h\d+m\d+s, at \d\d:00`), ContainSubstring("Sockets: 20 (assumed)"),
			ContainSubstring("Outage of 5h from 23:20 on: the receiver does not answer (stall)")))
		Expect(
			js[string](t, `document.querySelector("#plan .command code").innerText`),
		).To(Equal("httpdest plan --latency 'p50=120ms p95=600ms' --sockets 20"))
	})

	It("has times in words, and no milliseconds above a second", func() {
		t := opened(planned(), look{wide, 1000, "light", false})
		t.openAll()
		text := js[string](
			t,
			`document.querySelector("#plan").innerText + [...document.querySelectorAll("#plan svg text")].map((e) => e.textContent).join(" ")`,
		)
		Expect(text).NotTo(MatchRegexp(`\d{4,}(\.\d+)? ms`))
		Expect(text).NotTo(MatchRegexp(`\d/s\b|\de[+-]\d`))
		Expect(text).To(ContainSubstring("per second"))
	})

	It("marks the outage where it is, in order of time", func() {
		t := opened(planned(), look{wide, 1000, "light", false})
		// The pictures begin with the hour of the outage, 23:00: it is from a third of
		// the first hour to the sixth.
		Expect(
			js[[]string](
				t,
				`[...document.querySelectorAll("#hours-backlog-h ~ .scroll svg.wide text.mid")].map((e) => e.textContent)`,
			),
		).To(Equal(strings.Fields("23 2 5 8 11 14 17 20 23")))
		box := js[[]float64](
			t,
			`(() => { const svg = document.querySelector("#hours-backlog-h ~ .scroll svg.wide"), r = svg.querySelector(".band rect"), ticks = [...svg.querySelectorAll("text.mid")].map((e) => Number(e.getAttribute("x")));
			const hour = (ticks[1] - ticks[0]) / 3; return [(Number(r.getAttribute("x")) - ticks[0]) / hour, Number(r.getAttribute("width")) / hour]; })()`,
		)
		Expect(box[0]).To(BeNumerically("~", 1./3, 0.02))
		Expect(box[1]).To(BeNumerically("~", 5, 0.02))
	})

	It("shows the whole day on a phone, with letters that can be read", func() {
		t := opened(planned(), look{narrow, 844, "light", false})
		for _, id := range []string{"hours-latency", "hours-backlog", "hours-rate"} {
			wrong := js[[]string](
				t,
				`[...document.querySelectorAll("#`+id+`-h ~ .scroll svg")].filter((s) => s.getBoundingClientRect().width > 0).flatMap((svg) => {
				const out = [], box = svg.getBoundingClientRect(), around = svg.parentElement;
				if (box.right > window.innerWidth || around.scrollWidth > around.clientWidth) out.push("it is wider than the screen: " + box.right);
				const small = 12 * box.width / svg.viewBox.baseVal.width;
				if (small < 11) out.push("letters of " + small + " pixels");
				const labels = [...svg.querySelectorAll("text.mid")].map((e) => e.textContent);
				if (labels[0] !== labels[labels.length - 1]) out.push("not a whole day: " + labels);
				return out.length ? out : ["fine"];
			})`,
			)
			Expect(wrong).To(Equal([]string{"fine"}), id)
		}
		Expect(js[bool](t, `document.documentElement.scrollWidth <= window.innerWidth`)).To(BeTrue())
		table := js[bool](
			t,
			`(() => { const s = document.querySelector("table.numbers").parentElement; return s.scrollWidth <= s.clientWidth; })()`,
		)
		Expect(table).To(BeTrue(), "the results need no scrolling")
	})
})
