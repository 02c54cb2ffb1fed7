package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("The mTLS decision reads a request without the certificate",
	func(o retry.Outcome, asked, answering bool, want MTLSVerdict, second bool) {
		verdict, needSecond := judgeBare(Completion{Outcome: o, Asked: asked, Answering: answering})
		Expect(verdict).To(Equal(want))
		Expect(needSecond).To(Equal(second))
	},
	Entry("not asked: TLS is still enabled", status(204), false, true, TLSEnabled, false),
	Entry("not asked, refused by the application", status(403), false, true, TLSEnabled, false),
	Entry("asked, and answered as usual", status(200), true, true, TLSEnabled, false),
	Entry("asked, and answered 404", status(404), true, true, TLSEnabled, false),
	Entry("asked, refused as nginx does", status(400), true, true, Undecided, true),
	Entry("asked, 401", status(401), true, true, Undecided, true),
	Entry("asked, 403", status(403), true, true, Undecided, true),
	Entry("asked, 495", status(495), true, true, Undecided, true),
	Entry("asked, 496", status(496), true, true, Undecided, true),
	Entry("asked, and an alert", retry.Outcome{Kind: retry.TLS}, true, false, MTLSOnly, false),
	Entry("asked, and a reset", retry.Outcome{Kind: retry.Reset}, true, false, MTLSOnly, false),
	Entry("asked, and an end", retry.Outcome{Kind: retry.Closed}, true, false, MTLSOnly, false),
	Entry("asked, and a reset within an answer", retry.Outcome{Kind: retry.Reset}, true, true, Undecided, false),
	Entry("a TLS failure before it asked", retry.Outcome{Kind: retry.TLS}, false, false, Undecided, false),
	Entry("a timeout", retry.Outcome{Kind: retry.Timeout}, true, false, Undecided, false),
	Entry("refused", retry.Outcome{Kind: retry.Refused}, false, false, Undecided, false),
)

var _ = DescribeTable("The mTLS decision compares the request with the certificate",
	func(presented retry.Outcome, want MTLSVerdict) {
		Expect(judgePresented(status(400), presented)).To(Equal(want))
	},
	Entry("another answer", status(204), MTLSOnly),
	Entry("the same answer", status(400), TLSEnabled),
	Entry("no answer", retry.Outcome{Kind: retry.Reset}, Undecided),
)

var _ = Describe("The mTLS decision", func() {
	asking := func() *Dispatcher {
		return NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 2, Certificate: AskEndpoint})
	}
	alert := retry.Outcome{Kind: retry.TLS, Reason: "certificate-required"}

	It("is made once, however many attempts wait for it", func() {
		d := asking()
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1), exportOf("c", 1))
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Decision))
		Expect(e.Send[0].Message).To(BeNil())
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: alert, Asked: true})
		Expect(e.MTLSDecision.Verdict).To(Equal(MTLSOnly))
		Expect(e.Send).To(HaveLen(2))
		for _, op := range e.Send {
			Expect(op.Kind).To(Equal(Attempt))
			Expect(op.Certificate).To(BeTrue())
		}
	})

	It("is made again after an hour and after a TLS failure", func() {
		d := asking()
		e := d.Enqueue(t0, exportOf("a", 1))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		Expect(e.Send[0].Certificate).To(BeFalse())
		d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})

		e = d.Enqueue(t0.Add(59*time.Minute), exportOf("a", 2))
		Expect(e.Send[0].Kind).To(Equal(Attempt))
		e = d.Completed(t0.Add(59*time.Minute), Completion{Operation: e.Send[0].ID, Outcome: alert})
		Expect(e.Retried).To(BeTrue())
		e = d.Wake(e.WakeAt)
		Expect(e.Send[0].Kind).To(Equal(Decision), "after the TLS failure")
		now := t0.Add(time.Hour)
		e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		e = d.Enqueue(now.Add(time.Hour), exportOf("a", 3))
		Expect(e.Send[0].Kind).To(Equal(Decision), "after an hour")
	})

	It("has two seconds for both of its requests", func() {
		d := asking()
		e := d.Enqueue(t0, exportOf("a", 1))
		e = d.Completed(t0.Add(1500*time.Millisecond), Completion{Operation: e.Send[0].ID, Outcome: status(400), Asked: true, Answering: true})
		Expect(e.MTLSDecision).To(BeNil())
		Expect(e.Send[0].Certificate).To(BeTrue())
		Expect(e.Send[0].Budget).To(Equal(500 * time.Millisecond))
	})

	It("fails the attempts that wait when it cannot be made", func() {
		d := asking()
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: retry.Outcome{Kind: retry.Refused}})
		Expect(e.MTLSDecision.Verdict).To(Equal(Undecided))
		Expect(e.Unsent).To(HaveLen(2))
		Expect(e.Unsent[0].Outcome.Kind).To(Equal(retry.Refused))
		Expect(e.Unsent[0].Retry).To(BeTrue())
		Expect(d.Wake(t0.Add(15 * time.Second)).Send[0].Kind).To(Equal(Decision))
	})
})
