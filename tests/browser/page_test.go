package browser

import (
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/reports"
)

const (
	wide   = 1280
	narrow = 390
)

// timelines counts the cases that have something to draw, and what that is.
func timelines(r *reports.Report) (drawn, events int) {
	for _, c := range r.Cases {
		if c.Timeline != nil && len(c.Timeline.Events) > 0 {
			drawn++
			events += len(c.Timeline.Events)
		}
	}
	return drawn, events
}

var _ = Describe("The HTML report", Serial, func() {
	It("shows the verdict, what to fix first, and every failure, at once", func() {
		r := failing()
		t := opened(r, look{wide, 1000, "light", false})
		Expect(js[string](t, `document.querySelector("h1").innerText`)).To(ContainSubstring(fmt.Sprintf("FAIL %d of %d cases failed", r.Summary.Fail, r.Summary.Cases)))
		Expect(js[bool](t, `document.querySelector(".first").getBoundingClientRect().bottom < innerHeight`)).To(BeTrue(), "without scrolling")
		t.picture("fail-wide-light")
		shown := js[string](t, `document.querySelector("main").textContent`)
		failures := 0
		for _, c := range r.Cases {
			for _, k := range c.Checks {
				if k.Verdict == reports.Fail || k.Verdict == reports.Inconclusive {
					failures++
					Expect(shown).To(ContainSubstring(k.Title))
				}
			}
		}
		Expect(failures).To(BeNumerically(">=", 6))
		Expect(js[int](t, `document.querySelectorAll(".trouble").length`)).To(Equal(failures))
		Expect(js[[]string](t, `[...document.querySelectorAll(".group")].map((g) => g.id)`)).To(Equal([]string{"fail", "inconclusive", "pass"}))
		Expect(shown).To(And(ContainSubstring(`person.name.firstName`), ContainSubstring(`"Martin"`), ContainSubstring("httpdest run --run '^retry/six-exports$'"),
			ContainSubstring("wait 2.228 s"), ContainSubstring("proxy_read_timeout"), ContainSubstring("-H \"Authorization: Bearer $TOKEN\""), ContainSubstring("2 s is all there is")))
		t.do(click(".first a"))
		t.until(`document.activeElement.closest("details.case")?.open`)
		t.do(click("#fail details.case button.copy"))
		t.until(`["Copied", "Selected"].includes(document.querySelector("#fail details.case button.copy").innerText)`)
		t.quiet()
	})

	It("filters by text, verdict and rule", func() {
		r := failing()
		t := opened(r, look{wide, 1000, "light", false})
		shown := func() []string {
			return js[[]string](t, `[...document.querySelectorAll("details.case")].filter((d) => d.checkVisibility()).map((d) => d.querySelector("h3").textContent)`)
		}
		Expect(shown()).To(HaveLen(len(r.Cases)))
		t.do(typed("#text", "six exports"))
		t.until(`document.querySelector("#shown").innerText.startsWith("1 of")`)
		Expect(shown()).To(Equal([]string{"retry/six-exports"}))
		Expect(js[bool](t, `document.querySelector("#pass").checkVisibility()`)).To(BeFalse())
		t.do(click("#reset"))
		Expect(shown()).To(HaveLen(len(r.Cases)))
		t.change("rule", "max-3")
		var want []string
		for _, c := range r.Cases {
			if strings.Contains(strings.Join(c.Rules, " ")+" ", "max-3 ") {
				want = append(want, c.ID)
			}
		}
		Expect(shown()).To(ConsistOf(want))
		t.do(click("#reset"), click("[name=verdict][value=pass]"))
		Expect(shown()).To(HaveLen(r.Summary.Fail + r.Summary.Inconclusive))
		t.do(click("[name=verdict][value=fail]"), click("[name=verdict][value=inconclusive]"))
		Expect(shown()).To(BeEmpty())
		Expect(js[bool](t, `document.querySelector("#none").checkVisibility()`)).To(BeTrue())
		t.do(click("#reset-too"))
		js[bool](t, `(document.activeElement.blur(), true)`)
		t.do(chromedp.KeyEvent("/"))
		Expect(js[string](t, `document.activeElement.id`)).To(Equal("text"))
		// A link to a case that the filter hides shows it.
		t.do(typed("#text", "nothing is like this"))
		js[bool](t, `(location.hash = "#c0", true)`)
		t.until(`document.querySelector("#c0").checkVisibility() && document.querySelector("#c0").open`)
		t.quiet()
	})

	It("has every timeline and every rule, with a table next to each picture", func() {
		r := passing()
		t := opened(r, look{wide, 1000, "dark", false})
		t.picture("pass-wide-dark")
		t.openAll()
		drawn, events := timelines(r)
		Expect(drawn).To(BeNumerically(">", 150))
		Expect(js[int](t, `document.querySelectorAll(".timeline .scroll > svg[role=img]").length`)).To(Equal(drawn))
		Expect(js[int](t, `document.querySelectorAll(".timeline figcaption tbody tr").length`)).To(Equal(events))
		Expect(js[int](t, `document.querySelectorAll("table.rules tbody tr").length`)).To(Equal(len(r.Rules)))
		Expect(js[int](t, `document.querySelectorAll(".glance svg g").length`)).To(Equal(len(r.Rules)))
		checks := 0
		for _, c := range r.Cases {
			checks += len(c.Checks)
		}
		Expect(js[int](t, `document.querySelectorAll(".checks li").length`)).To(Equal(checks))
		Expect(t.size).To(BeNumerically("<", 1_500_000))
		GinkgoWriter.Printf("%d bytes for %d cases\n", t.size, len(r.Cases))
		t.quiet()
	})

	It("tells verdict and failures without a script", func() {
		t := opened(failing(), look{wide, 1000, "light", true})
		// The accessibility tree that the browser reads aloud: scripts cannot query
		// it.
		text, err := chromedp.Run(t.Context, chromedp.Text(chromedp.CSS("body")))
		Expect(err).NotTo(HaveOccurred())
		Expect(text).To(And(ContainSubstring("cases failed"), ContainSubstring("new-1#1: outcomes of its attempts"), ContainSubstring("503 503 200"),
			ContainSubstring("Timeline")))
		t.do(chromedp.WaitVisible(chromedp.CSS("#pass > noscript p")))
		Expect(text).NotTo(ContainSubstring("Open those shown"), "what needs the script is not there without it")
		t.quiet()
	})

	It("switches between light and dark", func() {
		t := opened(passing(), look{wide, 800, "light", false})
		ground := func() string { return js[string](t, `getComputedStyle(document.documentElement).backgroundColor`) }
		light := ground()
		t.do(click("#theme"))
		dark := ground()
		Expect(dark).NotTo(Equal(light))
		Expect(js[string](t, `document.querySelector("#theme").getAttribute("aria-label")`)).To(Equal("Switch to light colours"))
		t.do(click("#theme"))
		Expect(ground()).To(Equal(light))
		t.quiet()
	})

	It("is light on paper, with what failed and without what is pressed", func() {
		t := opened(failing(), look{wide, 1000, "dark", false})
		t.do(click("#theme"), click("#theme"))
		before := js[string](t, `document.documentElement.dataset.theme`)
		Expect(before).To(Equal("dark"))
		js[bool](t, `dispatchEvent(new Event("beforeprint"))`)
		Expect(called(t.Context, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "light"}}})).To(Succeed())
		Expect(js[[]bool](t, `["#filter", "#theme", "button.copy", "header", ".trouble", ".timeline svg", ".verdict"].map((s) => document.querySelector(s).checkVisibility())`)).
			To(Equal([]bool{false, false, false, false, true, true, true}))
		Expect(js[string](t, `getComputedStyle(document.body).color`)).To(Equal("rgb(22, 25, 31)"), "dark ink")
		t.picture("fail-paper")
		js[bool](t, `dispatchEvent(new Event("afterprint"))`)
		Expect(js[string](t, `document.documentElement.dataset.theme`)).To(Equal(before))
		t.quiet()
	})

	DescribeTable("is for everybody", func(report func() *reports.Report, l look, name string) {
		t := opened(report(), l)
		t.picture(name)
		t.accessible()
		t.openAll()
		t.accessible()
		t.quiet()
	},
		Entry("light", failing, look{wide, 1000, "light", false}, "fail-light"),
		Entry("dark", failing, look{wide, 1000, "dark", false}, "fail-dark"),
		Entry("on a phone", failing, look{narrow, 844, "light", false}, "fail-phone"),
		Entry("on a phone, in the dark", failing, look{narrow, 844, "dark", false}, "fail-phone-dark"),
	)

	It("is used by keyboard", func() {
		t := opened(failing(), look{wide, 1000, "light", false})
		t.do(chromedp.KeyEvent("\t"), chromedp.KeyEvent("\r"))
		t.until(`document.activeElement.id === "main"`)
		reached := map[string]bool{}
		for range 60 {
			t.do(chromedp.KeyEvent("\t"))
			reached[js[string](t, `document.activeElement.id || document.activeElement.name || document.activeElement.tagName`)] = true
			Expect(js[bool](t, `document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== "none"`)).To(BeTrue(), "the focus is seen")
		}
		for _, want := range []string{"A", "text", "rule", "verdict", "reset", "open", "close", "SUMMARY", "BUTTON", "PRE"} {
			Expect(reached).To(HaveKey(want))
		}
		js[bool](t, `(document.querySelector("#pass details.case summary").focus(), true)`)
		t.do(chromedp.KeyEvent(" "))
		t.until(`document.querySelector("#pass details.case .timeline svg")`)
		t.quiet()
	})

	It("takes nothing that a receiver sent for markup", func() {
		const evil = `</script></style></title><script>window.taken = 1</script><img src=x onerror="window.taken = 1">"'><svg onload="window.taken=1"> javascript:window.taken=1 {{.}} \u003cscript>`
		k := reports.Check{Rule: "x", Verdict: reports.Fail, Title: evil, Expected: `{"` + "a" + `": "` + strings.ReplaceAll(strings.ReplaceAll(evil, `\`, `\\`), `"`, `\"`) + `"}`, Actual: evil + "\n" + evil, Fix: evil, File: evil, Line: 1, Reproduce: evil,
			Said: evil, Class: evil, Causes: []reports.Cause{{Server: evil, Cause: evil, Fix: evil}}, Exchange: &reports.Exchange{Method: evil, URL: evil, RequestHeaders: []string{evil}, RequestBody: evil, Outcome: evil,
				ResponseHeaders: []string{evil}, ResponseBody: evil, DurationMs: 1, Phases: []reports.Phase{{Name: evil, ToMs: 1}}}}
		events := []reports.Event{{Kind: reports.EventAttempt, Profile: evil, With: []string{evil}, Export: evil, Outcome: evil, Text: evil, Fault: evil, Attempt: 1}}
		c := func(id string, v reports.Verdict) reports.Case {
			k.Verdict = v
			return reports.Case{ID: id + evil, Title: evil, File: evil, Rules: []string{"x"}, Verdict: v, Reason: evil, Checks: []reports.Check{k}, Timeline: &reports.Timeline{Events: events, Faults: []reports.PlannedFault{{ID: evil}}}}
		}
		r := &reports.Report{Schema: reports.Schema, Kind: "run", Verdict: reports.Fail, Summary: reports.Summary{Cases: 2, Fail: 1, Pass: 1},
			Rules:       []reports.Rule{{ID: "x", Ref: evil, Level: evil, Title: evil, Text: evil, Source: evil, Verdict: reports.Fail, Reason: evil, Cases: []string{"a" + evil}}},
			Cases:       []reports.Case{c("a", reports.Fail), c("b", reports.Pass)},
			Environment: reports.Environment{Version: evil, Go: evil, OS: evil, Arguments: []string{evil}}}
		t := opened(r, look{wide, 1000, "light", false})
		t.openAll()
		Expect(js[bool](t, `"taken" in window`)).To(BeFalse())
		Expect(js[int](t, `document.querySelectorAll("img, main script, [onerror], [onload], iframe").length`)).To(BeZero())
		Expect(js[[]string](t, `[...document.querySelectorAll("a")].map((a) => a.getAttribute("href")).filter((h) => !h.startsWith("#"))`)).To(BeEmpty())
		t.quiet()
	})

	It("stays small and quick with 2,000 cases", func() {
		r := many(2000)
		t := opened(r, look{wide, 1000, "light", false})
		Expect(t.size).To(BeNumerically("<", 10_000_000))
		t.until(`document.querySelector("#shown").innerText === "2000 of 2000 cases shown"`)
		ready := js[float64](t, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`)
		elements := js[int](t, `document.querySelectorAll("*").length`)
		took := js[float64](t, `(() => { const before = performance.now(); const e = document.getElementById("text"); e.value = "retry 17"; e.dispatchEvent(new Event("input", {bubbles: true}));
			document.body.offsetHeight; return performance.now() - before; })()`)
		GinkgoWriter.Printf("%d bytes, usable after %.0f ms, %d elements, filtered in %.1f ms\n", t.size, ready, elements, took)
		AddReportEntry("2,000 cases", fmt.Sprintf("%d bytes, usable after %.0f ms, %d elements, filtered in %.1f ms", t.size, ready, elements, took))
		Expect(elements).To(BeNumerically("<", 60_000), "what makes a page slow to open")
		Expect(js[int](t, `document.querySelectorAll("#fail .trouble").length`)).To(Equal(40), "the first failures are there as it opens")
		t.do(click("#reset"))
		js[bool](t, `(document.querySelector("#fail details.case:last-of-type").open = true)`)
		t.until(`document.querySelector("#fail details.case:last-of-type .trouble")`)
		t.quiet()
	})
})
