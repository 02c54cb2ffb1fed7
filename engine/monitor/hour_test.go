package monitor

import (
	"encoding/json"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// restarted is a monitor that took up what another kept, through its JSON.
func restarted(m *Monitor, kept map[time.Time]Hour, subscribed ...dataflow.Alert) *Monitor {
	GinkgoHelper()
	hours, gone := m.Changed()
	for _, h := range hours {
		kept[h.Start] = h
	}
	for _, start := range gone {
		delete(kept, start)
	}
	var all []Hour
	for _, h := range kept {
		text, err := json.Marshal(h)
		Expect(err).NotTo(HaveOccurred())
		var again Hour
		Expect(json.Unmarshal(text, &again)).To(Succeed())
		all = append(all, again)
	}
	next := New(subscribed)
	next.Map([]profile.AudienceRef{{Namespace: "ups", ID: "cars"}})
	next.Restore(all, m.Firing())
	return next
}

var _ = Describe("A monitor that is restarted", func() {
	failing := dataflow.Alert{Kind: dataflow.FailedRate, Threshold: dataflow.OnePercent}

	It("goes on with the hour, its audiences, reasons and errors", func() {
		m, kept := New(nil), map[time.Time]Hour{}
		m.Map([]profile.AudienceRef{{Namespace: "ups", ID: "cars"}})
		good, bad, open := after(0, 2), after(time.Minute, 3), after(2*time.Minute, 4)
		m.Received(good)
		m.Received(bad)
		m.Received(excluded(time.Minute, 5))
		m.Settled(nine, settled(ok, good))
		m = restarted(m, kept)
		m.Recovered(bad)
		m.Received(open)
		m.Settled(nine, settled(status(503), bad))
		m = restarted(m, kept)
		m.Recovered(open)
		Expect(m.Ends()).To(Equal([]time.Time{nine.Add(Window)}))
		Expect(m.Wake(nine.Add(Window)).Completed).To(BeEmpty(), "an export of it is not settled")
		done := m.Settled(nine.Add(Window), settled(ok, open)).Completed
		Expect(done).To(HaveLen(1))
		Expect(done[0].Counters).To(Equal(Counters{Activated: 6, Excluded: 5, Failed: 3}))
		Expect(done[0].Received).To(Equal(int64(4)))
		Expect(done[0].Audiences).To(Equal(1))
		Expect(done[0].Exclusions).To(HaveLen(1))
		Expect(done[0].Errors).To(ConsistOf(HaveField("Identities", int64(3))))
		hours, _ := m.Changed()
		Expect(hours).To(ConsistOf(And(HaveField("Completed", true), HaveField("Errors", HaveLen(1)))), "with its details")
		Expect(m.Changed()).To(BeEmpty())
	})

	It("keeps what fires, and the totals", func() {
		m, kept := New([]dataflow.Alert{failing}), map[time.Time]Hour{}
		Expect(hour(m, 0, 1, 0, 1).Alerts).To(HaveLen(1))
		m = restarted(m, kept, failing)
		Expect(m.Firing()).To(Equal([]dataflow.AlertKind{dataflow.FailedRate}))
		Expect(m.Totals(nine.Add(2 * Window)).Failed).To(Equal(int64(1)))
		Expect(hour(m, 2, 0, 0, 1).Alerts).To(BeEmpty(), "it fires already")
	})

	It("forgets an hour for which no total counts", func() {
		m, kept := New(nil), map[time.Time]Hour{}
		hour(m, 0, 1, 0, 0)
		m = restarted(m, kept)
		Expect(kept).To(HaveLen(1))
		m.Received(after(TTL+2*Window, 1))
		restarted(m, kept)
		Expect(kept).NotTo(HaveKey(nine))
	})

	It("counts exports of an hour that was not kept as received", func() {
		m := New(nil)
		m.Recovered(after(time.Minute, 1))
		m.Recovered(after(2*time.Minute, 1))
		Expect(m.Processing(nine)).To(ConsistOf(HaveField("Received", int64(2))))
	})

	It("counts the last attempt of a dead letter that is sent again, in an open hour alone", func() {
		m := New(nil)
		x := after(0, 2)
		m.Received(x)
		m.Settled(nine, settled(status(503), x))
		m.Again(x, status(503))
		Expect(m.Processing(nine)).To(ConsistOf(And(HaveField("Failed", int64(0)), HaveField("Errors", BeEmpty()))))
		Expect(m.Wake(nine.Add(Window)).Completed).To(BeEmpty())
		Expect(m.Settled(nine.Add(Window), settled(ok, x)).Completed).To(ConsistOf(HaveField("Activated", int64(2))))
		m.Again(x, ok)
		Expect(m.Settled(nine.Add(2*Window), settled(status(503), x)).Completed).To(BeEmpty())
		Expect(m.Totals(nine.Add(2 * Window)).Counters).To(Equal(Counters{Activated: 2}))
	})
})
