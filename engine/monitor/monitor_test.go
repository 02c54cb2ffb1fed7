package monitor

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var (
	nine = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	ok   = status(200)
)

func status(code int) retry.Outcome { return retry.Outcome{Kind: retry.Answered, Status: code} }

// after makes an export this long after nine, with so many identities.
func after(d time.Duration, identities int64) *engine.Export {
	return &engine.Export{ID: fmt.Sprint(d, identities), At: nine.Add(d), Identities: identities}
}

func excluded(d time.Duration, identities int64) *engine.Export {
	x := after(d, identities)
	x.Excluded = "missing-attributes"
	return x
}

// message carries exports, as a batch does.
func message(exports ...*engine.Export) *engine.Message {
	m := &engine.Message{}
	for _, x := range exports {
		m.Exports = append(m.Exports, *x)
	}
	return m
}

func settled(o retry.Outcome, exports ...*engine.Export) engine.Settled {
	return engine.Settled{Message: message(exports...), Outcome: o}
}

// hour plays one hour with so many identities activated, excluded and failed,
// and returns what its end brings.
func hour(m *Monitor, n int, activated, skipped, failed int64) Effects {
	at := time.Duration(n) * Window
	good, left, bad := after(at, activated), excluded(at, skipped), after(at, failed)
	for _, x := range []*engine.Export{good, left, bad} {
		m.Received(x)
	}
	m.Settled(nine.Add(at), settled(ok, good))
	m.Settled(nine.Add(at), settled(status(503), bad))
	return m.Wake(nine.Add(at + Window))
}

var _ = Describe("A run", func() {
	var m *Monitor
	BeforeEach(func() { m = New(nil) })

	It("is the hour, in UTC, of the decision", func() {
		india := time.FixedZone("IST", 5*3600+1800)
		x := &engine.Export{At: nine.Add(59 * time.Minute).In(india), Identities: 1}
		Expect(m.Received(x).WakeAt).To(Equal(nine.Add(Window)))
		Expect(m.Received(x).WakeAt).To(BeZero(), "it wakes up once for each run")
		Expect(m.Processing(x.At)).To(ConsistOf(And(
			HaveField("StartedAt", nine), HaveField("ProviderRefID", "1768467600000-1768471200000"), HaveField("Duration", 59*time.Minute))))
	})

	It("counts every export of a message by its identities", func() {
		one, two := after(0, 2), after(time.Minute, 3)
		m.Received(one)
		m.Received(two)
		m.Settled(nine.Add(time.Minute), settled(ok, one, two))
		done := m.Wake(nine.Add(Window)).Completed
		Expect(done).To(ConsistOf(And(HaveField("Received", int64(2)), HaveField("Activated", int64(5)), HaveField("Status", Completed))))
	})

	It("takes in a retry after its hour, and is in process until then", func() {
		late, next := after(Window-time.Second, 2), after(Window, 1)
		m.Received(late)
		m.Received(next)
		m.Settled(next.At, settled(ok, next))
		Expect(m.Wake(nine.Add(Window)).Completed).To(BeEmpty())
		end := nine.Add(Window + time.Minute)
		done := m.Settled(end, settled(status(503), late)).Completed
		Expect(done).To(HaveLen(1))
		Expect(done[0]).To(And(HaveField("At", end), HaveField("StartedAt", nine), HaveField("Duration", Window), HaveField("Failed", int64(2)), HaveField("Activated", int64(0))))
		Expect(m.Processing(end)).To(ConsistOf(HaveField("Activated", int64(1))))
	})

	It("is not completed within its hour, whatever is settled", func() {
		x := after(0, 1)
		m.Received(x)
		Expect(m.Settled(x.At, settled(ok, x)).Completed).To(BeEmpty())
		Expect(m.Wake(nine.Add(Window - 1)).Completed).To(BeEmpty())
		Expect(m.Wake(nine.Add(Window)).Completed).To(HaveLen(1))
		Expect(m.Wake(nine.Add(Window)).Completed).To(BeEmpty(), "it is completed once")
	})

	It("counts what is excluded by its reason, and waits for none of it", func() {
		consent := excluded(0, 2)
		consent.Excluded = "consent-violation"
		m.Received(excluded(0, 3))
		m.Received(consent)
		done := m.Wake(nine.Add(Window)).Completed
		Expect(done).To(HaveLen(1))
		Expect(done[0].Exclusions).To(Equal([]Exclusion{{"consent-violation", 2}, {"missing-attributes", 3}}))
		Expect(done[0].Counters).To(Equal(Counters{Excluded: 5}))
	})

	It("reaches every audience that was mapped at one of its decisions", func() {
		ref := func(id string) profile.AudienceRef { return profile.AudienceRef{Namespace: "ups", ID: id} }
		m.Map([]profile.AudienceRef{ref("a"), ref("b")})
		m.Received(excluded(0, 1))
		m.Map([]profile.AudienceRef{ref("c")})
		m.Map([]profile.AudienceRef{ref("b")}) // nothing was decided while c was mapped
		m.Received(excluded(0, 1))
		m.Received(excluded(Window, 1))
		Expect(m.Processing(nine)).To(HaveExactElements(HaveField("Audiences", 2), HaveField("Audiences", 1)))
	})

	DescribeTable("has the activation rate",
		func(c Counters, rate, older float64) {
			got, ok := c.ActivationRate()
			Expect(ok).To(BeTrue())
			Expect(got).To(Equal(rate))
			got, ok = c.OlderActivationRate()
			Expect(ok).To(BeTrue())
			Expect(got).To(Equal(older))
		},
		Entry("of all", Counters{Activated: 3}, 1.0, 1.0),
		Entry("of none", Counters{Failed: 2}, 0.0, 0.0),
		Entry("of a part", Counters{Activated: 12, Excluded: 5, Failed: 3}, 0.6, 0.85),
	)

	It("has no rate while nothing is settled", func() {
		_, ok := Counters{}.ActivationRate()
		_, older := Counters{}.OlderActivationRate()
		Expect([]bool{ok, older}).To(Equal([]bool{false, false}))
	})

	It("lists its errors by code, each with its identities and a description", func() {
		all := map[*engine.Export]retry.Outcome{
			after(0, 1): status(503), after(0, 2): status(503), after(0, 4): status(401), after(0, 8): {Kind: retry.Timeout},
		}
		for x := range all {
			m.Received(x)
		}
		for x, o := range all {
			m.Settled(nine, settled(o, x))
		}
		Expect(m.Wake(nine.Add(Window)).Completed[0].Errors).To(HaveExactElements(
			Error{"ACTSVC-8104-401", 4, "Authentication error reported while pushing events to the destination"},
			Error{"ACTSVC-9001-503", 3, "Error reported while pushing events to the destination: it answered 503"},
			Error{"ACTSVC-9001-504", 8, "Error reported while pushing events to the destination: no complete response within 2 s"},
		))
	})
})

var _ = DescribeTable("The code of a failure",
	func(o retry.Outcome, want string) {
		code, description := errorOf(o)
		Expect(code).To(Equal(want))
		Expect(description).NotTo(BeEmpty())
	},
	Entry("a status", status(500), "ACTSVC-9001-500"),
	Entry("a redirect", status(302), "ACTSVC-9001-302"),
	Entry("an authentication error", status(401), "ACTSVC-8104-401"),
	Entry("a refusal that is not an authentication error", status(403), "ACTSVC-9001-403"),
	Entry("a timeout", retry.Outcome{Kind: retry.Timeout}, "ACTSVC-9001-504"),
	Entry("nobody listens", retry.Outcome{Kind: retry.Refused}, "ACTSVC-9001-503"),
	Entry("no such host", retry.Outcome{Kind: retry.Unresolved}, "ACTSVC-9001-503"),
	Entry("a reset", retry.Outcome{Kind: retry.Reset}, "ACTSVC-9001-502"),
	Entry("an early end", retry.Outcome{Kind: retry.Closed}, "ACTSVC-9001-502"),
	Entry("a handshake", retry.Outcome{Kind: retry.TLS}, "ACTSVC-9001-502"),
	Entry("no HTTP", retry.Outcome{Kind: retry.Malformed}, "ACTSVC-9001-502"),
	Entry("too much", retry.Outcome{Kind: retry.TooLarge}, "ACTSVC-9001-502"),
	Entry("no token", retry.Outcome{Kind: retry.NoToken}, "ACTSVC-8104-401"),
	Entry("a crash", retry.Outcome{Kind: retry.Unknown}, "ACTSVC-9001-500"),
	Entry("a kind of later", retry.Outcome{Kind: "later"}, "ACTSVC-9001-500"),
)

var _ = Describe("Totals", func() {
	It("leave out a run 90 days after the end of its hour", func() {
		m := New(nil)
		hour(m, 0, 1, 2, 3)
		hour(m, 24, 4, 0, 0)
		end := nine.Add(Window + TTL)
		Expect(m.Totals(end.Add(-1))).To(Equal(Totals{2, 6, Counters{5, 2, 3}}))
		Expect(m.Totals(end)).To(Equal(Totals{1, 3, Counters{4, 0, 0}}))
		Expect(m.Totals(end.Add(24 * time.Hour))).To(Equal(Totals{}))
	})

	It("count what is settled, also of a run in process", func() {
		m := New(nil)
		one, two := after(0, 1), after(0, 2)
		m.Received(one)
		m.Received(two)
		m.Settled(nine, settled(ok, one))
		Expect(m.Totals(nine)).To(Equal(Totals{1, 2, Counters{Activated: 1}}))
	})

	It("keep no more than 90 days, however long it goes on", func() {
		m := New(nil)
		for n := range 3 * 90 * 24 {
			hour(m, n, 1, 0, 0)
		}
		Expect(len(m.runs)).To(BeNumerically("<=", 90*24+2))
		Expect(m.open).To(BeEmpty())
		Expect(m.Totals(nine.Add(3 * TTL)).Runs).To(Equal(90 * 24))
	})

	It("keep a run that is not settled until it is", func() {
		m := New(nil)
		x := after(0, 7)
		m.Received(x)
		for n := range 10 {
			hour(m, (n+1)*30*24, 1, 0, 0)
		}
		now := nine.Add(301 * 24 * time.Hour)
		Expect(m.Settled(now, settled(ok, x)).Completed).To(ConsistOf(HaveField("Activated", int64(7))))
	})
})

var _ = Describe("An alert", func() {
	subscribe := func(kind dataflow.AlertKind, threshold int64) *Monitor {
		return New([]dataflow.Alert{{Kind: kind, Threshold: threshold}})
	}

	DescribeTable("on the skip rate",
		func(activated, excluded, failed int64, fires bool) {
			notices := hour(subscribe(dataflow.SkippedRate, 500_000), 0, activated, excluded, failed).Alerts
			if fires {
				Expect(notices).To(ConsistOf(And(HaveField("State", Firing), HaveField("Part", excluded), HaveField("Threshold", int64(10_000)))))
			} else {
				Expect(notices).To(BeEmpty())
			}
		},
		Entry("nothing is skipped", int64(9), int64(0), int64(1), false),
		Entry("exactly one percent", int64(99), int64(1), int64(0), false),
		Entry("exactly one percent, with failures", int64(50), int64(1), int64(49), false),
		Entry("a little more", int64(98), int64(1), int64(0), true),
		Entry("everything", int64(0), int64(1), int64(0), true),
		Entry("exactly one percent of very many", int64(99_000_000_000), int64(1_000_000_000), int64(0), false),
		Entry("one more of very many", int64(99_000_000_000), int64(1_000_000_001), int64(0), true),
		Entry("nothing at all", int64(0), int64(0), int64(0), false),
	)

	DescribeTable("on the failure rate obeys its threshold",
		func(threshold, failed int64, fires bool) {
			Expect(hour(subscribe(dataflow.FailedRate, threshold), 0, 100-failed, 0, failed).Alerts).To(HaveLen(map[bool]int{true: 1}[fires]))
		},
		Entry("one percent, met", int64(10_000), int64(1), false),
		Entry("one percent, exceeded", int64(10_000), int64(2), true),
		Entry("five percent, met", int64(50_000), int64(5), false),
		Entry("five percent, exceeded", int64(50_000), int64(6), true),
		Entry("none tolerated", int64(0), int64(1), true),
		Entry("all tolerated", int64(1_000_000), int64(100), false),
	)

	It("tells only of changes", func() {
		m := subscribe(dataflow.SkippedRate, 0)
		var states []State
		for n, skipped := range []int64{0, 2, 2, 0, 0, 2} {
			for _, notice := range hour(m, n, 10, skipped, 0).Alerts {
				states = append(states, notice.State)
				Expect(notice.Alert).To(Equal(dataflow.SkippedRate))
				Expect(notice.At).To(Equal(nine.Add(time.Duration(n+1) * Window)))
			}
		}
		Expect(states).To(Equal([]State{Firing, Inactive, Firing}))
	})

	It("reports every completed run where the alert is about runs", func() {
		m := subscribe(dataflow.StreamingCompleted, 0)
		for n := range 3 {
			done := hour(m, n, 1, 0, 0)
			Expect(done.Alerts).To(ConsistOf(Notice{At: nine.Add(time.Duration(n+1) * Window), Alert: dataflow.StreamingCompleted,
				State: Firing, Run: done.Completed[0].ProviderRefID}))
		}
	})
})
