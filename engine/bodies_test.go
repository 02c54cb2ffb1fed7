package engine

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// roomFor has room for the bodies of so many waiting exports of exportOf.
func roomFor(exports, maxInFlight, most int) *Dispatcher {
	return NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: maxInFlight, Certificate: NeverPresent,
		Batching: Batching{Max: most}, Bodies: exports * len("{}")})
}

// asked are the operations of an effect, for a look at what is loaded.
func asked(e Effects) []string {
	var all []string
	for _, op := range e.Send {
		all = append(all, fmt.Sprintf("%s %s %s", op.Kind, op.Message.ID, op.Message.Body))
	}
	return all
}

// loaded is the end of a Load of exports whose bodies are {}.
func loaded(op Operation, body string) Completion {
	m := &Message{ID: op.Message.ID, Exports: make([]Export, len(op.Message.Exports)), Body: []byte(body)}
	for i, x := range op.Message.Exports {
		x.Body, x.Stored = []byte("{}"), 0
		m.Exports[i] = x
	}
	return Completion{Operation: op.ID, Loaded: m}
}

var _ = Describe("Where memory has no room for the body of a waiting export", func() {
	It("the record that accepts it has the body, and an attempt loads it before it is charged", func() {
		d := roomFor(1, 1, 1)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		Expect(string(e.Persist[1].Message.Body)).To(Equal("{}"))
		Expect(asked(e)).To(Equal([]string{"attempt a#1 {}"}))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(asked(e)).To(Equal([]string{"load b#1 "}))
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Delivered}))
		e = d.Completed(t0, loaded(e.Send[0], ""))
		Expect(asked(e)).To(Equal([]string{"attempt b#1 {}"}))
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Charged}))
	})

	It("a message that waits for its retry leaves its body too, and repeats the body it was charged with", func() {
		d := roomFor(1, 2, 10)
		e := d.Enqueue(t0, exportOf("a", 1))
		Expect(asked(e)).To(Equal([]string{"attempt a#1 [{}]"}))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(503)})
		Expect(d.bodies.resident).To(BeZero())
		e = d.Wake(t0.Add(15 * time.Second))
		Expect(asked(e)).To(Equal([]string{"load a#1 "}))
		e = d.Completed(t0, loaded(e.Send[0], "as charged"))
		Expect(asked(e)).To(Equal([]string{"attempt a#1 as charged"}))
		Expect(e.Send[0].Number).To(Equal(2))
	})

	It("a pause that begins while a body is loaded holds the attempt back", func() {
		d := roomFor(1, 1, 1)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		d.SetEnabled(t0, false)
		Expect(d.Completed(t0, loaded(e.Send[0], "")).Send).To(BeEmpty())
		Expect(asked(d.SetEnabled(t0, true))).To(Equal([]string{"attempt b#1 {}"}))
	})

	It("a deletion drops it without its body, and the end of the load changes nothing", func() {
		d := roomFor(1, 1, 2)
		e := d.Enqueue(t0, exportOf("a", 1))
		d.Enqueue(t0, exportOf("b", 1), exportOf("c", 1))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(e.Send[0].Kind).To(Equal(Load))
		Expect(carried(e.Send[0])).To(Equal([]string{"b#1", "c#1"}))
		deleted := d.Delete(t0)
		Expect(dropped(deleted)).To(Equal(map[string]string{"b#1": "dataflow-deleted/", "c#1": "dataflow-deleted/"}))
		Expect(deleted.Persist[0].Message.Stored()).To(BeTrue())
		Expect(d.Completed(t0, loaded(e.Send[0], ""))).To(Equal(Effects{}))
		Expect(carried(d.Enqueue(t0, exportOf("b", 2)).Send[0])).To(Equal([]string{"b#2"}))
	})

	It("what the store cannot read stays there, and everything else goes on", func() {
		d := roomFor(1, 1, 2)
		e := d.Enqueue(t0, exportOf("a", 1))
		d.Enqueue(t0, exportOf("b", 1), exportOf("c", 1), exportOf("b", 2))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(carried(e.Send[0])).To(Equal([]string{"b#1", "c#1"}))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID})
		Expect(e.Left).To(BeEmpty(), "one of the two may be readable")
		Expect(asked(e)).To(Equal([]string{"load b#1 "}))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID})
		Expect(e.Left).To(HaveLen(1))
		Expect(e.Left[0].ID).To(Equal("b#1"))
		Expect(e.Persist).To(BeEmpty())
		Expect(asked(e)).To(Equal([]string{"load c#1 "}))
		e = d.Completed(t0, loaded(e.Send[0], ""))
		Expect(asked(e)).To(Equal([]string{"attempt c#1 [{}]"}))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(carried(e.Send[0])).To(Equal([]string{"b#2"}))
	})

	It("a start keeps the oldest bodies and leaves the others in the store", func() {
		d := roomFor(1, 3, 1)
		e := recovered(d, Unsettled{exportOf("a", 1).alone(), 0}, Unsettled{exportOf("b", 1).alone(), 1}, Unsettled{exportOf("c", 1).alone(), 0})
		Expect(asked(e)).To(Equal([]string{"attempt a#1 {}", "load c#1 "}))
		Expect(d.Wake(t0.Add(15*time.Second)).Send).To(BeEmpty(), "a#1 and c#1 take all the memory for bodies under way")
		Expect(asked(d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)}))).To(Equal([]string{"load b#1 "}))
	})
})
