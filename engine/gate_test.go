package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// keyState is a third gate: an API key that is asked for, and asked for again once
// the endpoint refuses it with 403.
type keyState struct {
	waitingRoom
	key     dataflow.Secret
	running OperationID
}

const askKey OperationKind = "key"

func (k *keyState) pass(_ time.Time, op Operation) (Operation, bool) {
	op.Token = k.key
	return op, k.key != ""
}

func (k *keyState) ask(d *Dispatcher, _ time.Time) (op Operation, asks bool) {
	if k.running != 0 {
		return op, false
	}
	k.running = d.nextID()
	return Operation{ID: k.running, Kind: askKey, Budget: Budget}, true
}

func (k *keyState) owns(request OperationID) bool { return k.running != 0 && k.running == request }

func (k *keyState) completed(d *Dispatcher, now time.Time, c Completion, e *Effects) {
	k.running = 0
	if c.Outcome.Delivered() {
		k.key = c.Issued.Access
		return
	}
	d.fail(now, &k.waitingRoom, retry.Outcome{Kind: retry.NoToken, Reason: "no-key"}, e)
}

func (k *keyState) attempted(used dataflow.Secret, o retry.Outcome) {
	if o.Kind == retry.Answered && o.Status == 403 && used == k.key {
		k.key = ""
	}
}

var _ = Describe("A third gate", func() {
	var d *Dispatcher
	BeforeEach(func() {
		d = NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 10, Certificate: AskEndpoint})
		d.gates = append(d.gates, &keyState{})
	})
	// keyed makes the mTLS decision for the first attempt, and returns the request for
	// the key.
	keyed := func(e Effects) Operation {
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(Decision))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Kind).To(Equal(askKey))
		return e.Send[0]
	}

	It("is asked once for all that wait, after the gates before it", func() {
		ask := keyed(d.Enqueue(t0, exportOf("doc", 1)))
		Expect(d.Enqueue(t0, exportOf("marty", 1)).Send).To(BeEmpty())
		sent := d.Completed(t0, issued(ask, "first", 0)).Send
		Expect(sent).To(HaveLen(2))
		for _, op := range sent {
			Expect(op.Kind).To(Equal(Attempt))
			Expect(op.Token).To(Equal(dataflow.Secret("first")))
		}
	})

	It("is asked again after the answer that shuts it, and after no other", func() {
		sent := d.Completed(t0, issued(keyed(d.Enqueue(t0, exportOf("doc", 1), exportOf("marty", 1))), "first", 0)).Send
		d.Completed(t0, Completion{Operation: sent[0].ID, Outcome: status(401)})
		Expect(d.Enqueue(t0, exportOf("jennifer", 1)).Send[0].Kind).To(Equal(Attempt))
		d.Completed(t0, Completion{Operation: sent[1].ID, Outcome: status(403)})
		Expect(d.Enqueue(t0, exportOf("biff", 1)).Send[0].Kind).To(Equal(askKey))
	})

	It("ends the attempts that wait where it stays shut", func() {
		e := d.Completed(t0, Completion{Operation: keyed(d.Enqueue(t0, exportOf("doc", 1))).ID, Outcome: status(500)})
		Expect(e.Unsent).To(HaveLen(1))
		Expect(e.Unsent[0].Outcome.Reason).To(Equal("no-key"))
		Expect(e.WakeAt).To(Equal(t0.Add(15*time.Second)), "the retry")
	})

	It("lets nothing through that waited when the dataflow was deleted", func() {
		ask := keyed(d.Enqueue(t0, exportOf("doc", 1)))
		Expect(d.Delete(t0).Settled).To(HaveLen(1))
		Expect(d.Completed(t0, issued(ask, "first", 0)).Send).To(BeEmpty())
	})
})
