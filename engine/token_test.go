package engine

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// issued is the completion of a token request that brought a token.
func issued(op Operation, token string, lifetime time.Duration) Completion {
	return Completion{Operation: op.ID, Outcome: status(200), Issued: &Issued{Access: dataflow.Secret(token), ExpiresIn: lifetime}}
}

var _ = DescribeTable("A token request brings no token",
	func(o retry.Outcome, want string) {
		Expect(noToken(Completion{Outcome: o})).To(Equal(want))
	},
	Entry("refused", status(400), "token-refused"),
	Entry("another success", status(201), "token-refused"),
	Entry("even with a token", status(503), "token-refused"),
	Entry("a 200 without one", retry.Outcome{Kind: retry.Answered, Status: 200, Reason: "missing"}, "token-missing"),
	Entry("too late", retry.Outcome{Kind: retry.Timeout}, "token-timeout"),
	Entry("a certificate of somebody else", retry.Outcome{Kind: retry.TLS, Reason: "server-certificate-wrong-host"}, "token-tls"),
	Entry("without an end", retry.Outcome{Kind: retry.TooLarge}, "token-too-large"),
	Entry("nobody there", retry.Outcome{Kind: retry.Refused}, "token-unreachable"),
	Entry("no such name", retry.Outcome{Kind: retry.Unresolved}, "token-unreachable"),
	Entry("cut off", retry.Outcome{Kind: retry.Reset}, "token-unreachable"),
)

var _ = DescribeTable("A token is renewed before its end",
	func(lifetime, want time.Duration) {
		Expect(usableUntil(t0, lifetime)).To(Equal(t0.Add(want)))
	},
	Entry("by thirty seconds", time.Hour, time.Hour-30*time.Second),
	Entry("by a tenth where that is less", time.Minute, 54*time.Second),
	Entry("an hour where nothing was said", time.Duration(0), time.Hour-30*time.Second),
)

var _ = Describe("The access token", func() {
	fetching := func(maxInFlight int) *Dispatcher {
		return NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: maxInFlight, Certificate: NeverPresent, Grant: ClientCredentials})
	}

	It("is fetched once for a hundred deliveries that wait at its expiry", func() {
		d := fetching(100)
		e := d.Enqueue(t0, exportOf("first", 1))
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Token))
		Expect(e.Send[0].Budget).To(Equal(10 * time.Second))
		e = d.Completed(t0, issued(e.Send[0], "one", time.Hour))
		d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})

		now := t0.Add(time.Hour - 30*time.Second)
		var requests []Operation
		for n := range 100 {
			requests = append(requests, d.Enqueue(now, exportOf(fmt.Sprintf("p%d", n), 1)).Send...)
		}
		Expect(requests).To(HaveLen(1))
		e = d.Completed(now.Add(time.Second), issued(requests[0], "two", time.Hour))
		Expect(e.Fetched.Waiting).To(Equal(100))
		Expect(e.Send).To(HaveLen(100))
		for n, op := range e.Send {
			Expect(op.Kind).To(Equal(Attempt))
			Expect(op.Token).To(Equal(dataflow.Secret("two")))
			Expect(op.Message.ID).To(Equal(fmt.Sprintf("p%d#1", n)), "in the order in which they came")
		}
	})

	It("comes after the mTLS decision, and both are asked for once", func() {
		d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 5, Certificate: AskEndpoint, Grant: Password})
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Decision))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Token))
		Expect(e.Send[0].Grant).To(Equal(Password))
		Expect(e.Send[0].Certificate).To(BeFalse())
		late := d.Enqueue(t0, exportOf("c", 1))
		Expect(late.Send).To(BeEmpty())
		e = d.Completed(t0, issued(e.Send[0], "one", time.Hour))
		Expect(e.Send).To(HaveLen(3))
	})

	It("is asked for again when the decision runs out while it is waited for", func() {
		d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 5, Certificate: AskEndpoint, Grant: Password})
		e := d.Enqueue(t0, exportOf("a", 1))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		e = d.Completed(t0, issued(e.Send[0], "one", time.Minute))
		d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})

		now := t0.Add(time.Hour - 5*time.Second)
		e = d.Enqueue(now, exportOf("a", 2))
		Expect(e.Send[0].Kind).To(Equal(Token), "the decision is still good")
		now = now.Add(6 * time.Second)
		e = d.Completed(now, issued(e.Send[0], "two", time.Minute))
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Decision))
		e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		Expect(e.Send[0].Kind).To(Equal(Attempt))
		Expect(e.Send[0].Token).To(Equal(dataflow.Secret("two")))
	})

	It("is discarded by a 401, unless another has taken its place", func() {
		d := fetching(5)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		e = d.Completed(t0, issued(e.Send[0], "one", time.Hour))
		a, b := e.Send[0], e.Send[1]
		e = d.Completed(t0, Completion{Operation: a.ID, Outcome: status(401)})
		Expect(e.Retried).To(BeTrue())
		Expect(e.Send).To(BeEmpty(), "the ordinary retry fetches another, and nothing before it")
		e = d.Enqueue(t0.Add(time.Second), exportOf("c", 1))
		e = d.Completed(t0.Add(time.Second), issued(e.Send[0], "two", time.Hour))
		Expect(e.Send[0].Token).To(Equal(dataflow.Secret("two")))
		d.Completed(t0.Add(2*time.Second), Completion{Operation: b.ID, Outcome: status(401)}) // of the old one
		e = d.Wake(t0.Add(17 * time.Second))
		Expect(e.Send).To(HaveLen(2))
		for _, op := range e.Send {
			Expect(op.Token).To(Equal(dataflow.Secret("two")))
			Expect(op.Number).To(Equal(2))
		}
	})

	It("fails the attempts that wait when it does not come, under the ordinary policy", func() {
		d := fetching(5)
		e := d.Enqueue(t0, exportOf("a", 1))
		now := t0
		for n := 1; n <= 3; n++ {
			Expect(e.Send).To(HaveLen(1))
			e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: status(500)})
			Expect(e.Unsent).To(HaveLen(1))
			Expect(e.Unsent[0].Outcome).To(Equal(retry.Outcome{Kind: retry.NoToken, Reason: "token-refused"}))
			Expect(e.Unsent[0].Number).To(Equal(n))
			if n < 3 {
				now = e.WakeAt
				e = d.Wake(now)
			}
		}
		Expect(e.Settled).To(HaveLen(1))
		Expect(e.WakeAt).To(BeZero())
		Expect(d.Pending()).To(BeEmpty())
	})

	It("is not fetched in circles when it comes too late to be used", func() {
		d := fetching(5)
		e := d.Enqueue(t0, exportOf("a", 1))
		e = d.Completed(t0.Add(9*time.Second), issued(e.Send[0], "stale", 5*time.Second))
		Expect(e.Fetched.Reason).To(Equal("token-expired"))
		Expect(e.Send).To(BeEmpty())
		Expect(e.Unsent[0].Retry).To(BeTrue())
	})

	It("waits through a pause, and is fetched again when it ran out meanwhile", func() {
		d := fetching(5)
		e := d.Enqueue(t0, exportOf("a", 1))
		d.SetEnabled(t0, false)
		Expect(d.Completed(t0, issued(e.Send[0], "one", time.Minute)).Send).To(BeEmpty())
		e = d.SetEnabled(t0.Add(time.Hour), true)
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Token))
	})

	Describe("with a refresh token", func() {
		start := func() (*Dispatcher, time.Time, Operation) {
			d := fetching(5)
			e := d.Enqueue(t0, exportOf("a", 1))
			c := issued(e.Send[0], "one", time.Hour)
			c.Issued.Refresh = "again"
			e = d.Completed(t0, c)
			d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
			now := t0.Add(time.Hour)
			e = d.Enqueue(now, exportOf("a", 2))
			Expect(e.Send[0].Grant).To(Equal(Refresh))
			Expect(e.Send[0].Token).To(Equal(dataflow.Secret("again")))
			return d, now, e.Send[0]
		}

		It("is followed by the grant when that is refused, within the same ten seconds", func() {
			d, now, refresh := start()
			e := d.Completed(now.Add(4*time.Second), Completion{Operation: refresh.ID, Outcome: status(400)})
			Expect(e.Unsent).To(BeEmpty())
			Expect(e.Send[0].Grant).To(Equal(ClientCredentials))
			Expect(e.Send[0].Budget).To(Equal(6 * time.Second))
		})

		It("fails when the refresh takes all of the time, and the grant is next", func() {
			d, now, refresh := start()
			e := d.Completed(now.Add(10*time.Second), Completion{Operation: refresh.ID, Outcome: retry.Outcome{Kind: retry.Timeout}})
			Expect(e.Unsent[0].Outcome.Reason).To(Equal("token-timeout"))
			Expect(e.Send).To(BeEmpty())
			Expect(d.Wake(e.WakeAt).Send[0].Grant).To(Equal(ClientCredentials))
		})
	})
})
