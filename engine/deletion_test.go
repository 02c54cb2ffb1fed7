package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// dropped are the messages that effects give up, with their outcomes.
func dropped(e Effects) map[string]string {
	out := map[string]string{}
	for _, s := range e.Settled {
		out[s.Message.ID] = s.Outcome.String() + "/" + s.Outcome.Reason
	}
	return out
}

var _ = Describe("When the dataflow is deleted", func() {
	It("what is queued and what waits for a retry is dropped, and says why", func() {
		d := batching(2, 2)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(503)})
		d.Enqueue(t0, exportOf("b", 2))
		d.SetEnabled(t0, false)
		d.Enqueue(t0, exportOf("c", 1))
		d.Backfill(t0, []profile.AudienceRef{{Namespace: "ups", ID: "x"}}, "", []profile.ID{"m1", "m2"})
		e = d.Delete(t0.Add(time.Second))
		Expect(dropped(e)).To(Equal(map[string]string{"a#1": "503/dataflow-deleted", "b#2": "dataflow-deleted/", "c#1": "dataflow-deleted/"}))
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Dropped, Dropped, Dropped}))
		Expect(e.Persist[0].Message.Exports).To(HaveLen(2))
		Expect(e.Persist[0].Number).To(Equal(1))
		Expect(e.Persist[1].Number).To(Equal(0))
		Expect(e.WakeAt).To(BeZero())
		Expect(d.Pending()).To(BeEmpty())
		Expect(d.Wake(t0.Add(time.Hour))).To(Equal(Effects{}))
	})

	It("what is on the wire ends on its own, without a retry, and the next dataflow waits for it", func() {
		d := dispatcher(2)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("a", 2), exportOf("b", 1))
		Expect(e.Send).To(HaveLen(2))
		Expect(dropped(d.Delete(t0))).To(Equal(map[string]string{"a#2": "dataflow-deleted/"}))
		Expect(d.Enqueue(t0, exportOf("a", 3)).Send).To(BeEmpty())
		failed := d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(500)})
		Expect(failed.Retried).To(BeFalse())
		Expect(dropped(failed)).To(Equal(map[string]string{"a#1": "500/dataflow-deleted"}))
		Expect(carried(failed.Send[0])).To(Equal([]string{"a#3"}))
		delivered := d.Completed(t0, Completion{Operation: e.Send[1].ID, Outcome: status(200)})
		Expect(kinds(delivered.Persist)).To(Equal([]RecordKind{Delivered}))
	})

	It("what waits for the mTLS decision is dropped, and the decision is for what comes after", func() {
		d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 1, Certificate: AskEndpoint})
		e := d.Enqueue(t0, exportOf("a", 1))
		Expect(e.Send[0].Kind).To(Equal(Decision))
		Expect(dropped(d.Delete(t0))).To(Equal(map[string]string{"a#1": "dataflow-deleted/"}))
		Expect(d.Enqueue(t0, exportOf("b", 1)).Send).To(BeEmpty())
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200), Answering: true})
		Expect(carried(e.Send[0])).To(Equal([]string{"b#1"}))
	})
})
