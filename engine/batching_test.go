package engine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"
)

func batching(maxInFlight, most int) *Dispatcher {
	return NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: maxInFlight, Certificate: NeverPresent, Batching: Batching{Max: most}})
}

// recovered begins with messages that a store held.
func recovered(d *Dispatcher, left ...Unsettled) Effects {
	for _, u := range left {
		d.Recall(u)
	}
	return d.Recover(t0)
}

// carried are the ids of the exports that an operation carries.
func carried(op Operation) []string {
	var ids []string
	for _, x := range op.Message.Exports {
		ids = append(ids, x.ID)
	}
	return ids
}

var _ = Describe("A message", func() {
	DescribeTable("has the form that is configured",
		func(b Batching, n int, want string) {
			exports := make([]Export, n)
			for i := range exports {
				exports[i].Body = fmt.Appendf(nil, "{%d}", i+1)
			}
			Expect(string(b.compose(exports))).To(Equal(want))
		},
		Entry("one profile a message: the object itself", Batching{Max: 1}, 1, "{1}"),
		Entry("nothing said: the object itself", Batching{}, 1, "{1}"),
		Entry("one profile a message, whatever the encoding", Batching{Max: 1, Encoding: AsProfiles}, 1, "{1}"),
		Entry("an array of one", Batching{Max: 2, Encoding: AsArray}, 1, "[{1}]"),
		Entry("an array", Batching{Max: 10, Encoding: AsArray}, 3, "[{1},{2},{3}]"),
		Entry("an array unless said otherwise", Batching{Max: 10}, 2, "[{1},{2}]"),
		Entry("a wrapper", Batching{Max: 10, Encoding: AsProfiles}, 2, `{"profiles":[{1},{2}]}`),
		Entry("a wrapper of one", Batching{Max: 10, Encoding: AsProfiles}, 1, `{"profiles":[{1}]}`),
	)

	It("is charged with what it carries; what is not in it yet is accepted alone", func() {
		d := batching(1, 2)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1), exportOf("c", 1))
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Accepted, Accepted, Accepted, Charged}))
		for _, r := range e.Persist[:3] {
			Expect(r.Message.Exports).To(HaveLen(1))
			Expect(r.Message.ID).To(Equal(r.Message.Exports[0].ID))
		}
		Expect(e.Persist[3].Message).To(BeIdenticalTo(e.Send[0].Message))
		Expect(carried(e.Send[0])).To(Equal([]string{"a#1", "b#1"}))
		var pending []string
		for _, m := range d.Pending() {
			pending = append(pending, fmt.Sprintf("%s of %d", m.ID, len(m.Exports)))
		}
		Expect(pending).To(ConsistOf("a#1 of 2", "c#1 of 1"))
	})

	It("takes what is ready when it is sent, each profile once, and never waits for more", func() {
		d := batching(1, 10)
		e := d.Enqueue(t0, exportOf("a", 1))
		Expect(carried(e.Send[0])).To(Equal([]string{"a#1"}))
		first := e.Send[0].ID
		Expect(d.Enqueue(t0, exportOf("b", 1), exportOf("b", 2), exportOf("a", 2)).Send).To(BeEmpty())
		Expect(d.Enqueue(t0, exportOf("c", 1)).Send).To(BeEmpty())
		e = d.Completed(t0, Completion{Operation: first, Outcome: status(200)})
		Expect(carried(e.Send[0])).To(Equal([]string{"b#1", "c#1", "a#2"}), "a#2 got ready last, and b#2 waits for b#1")
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(carried(e.Send[0])).To(Equal([]string{"b#2"}))
	})

	It("is retried and settled as a whole, and its profiles wait for that", func() {
		d := batching(5, 10)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1))
		m := e.Send[0].Message
		Expect(d.Enqueue(t0, exportOf("a", 2)).Send).To(BeEmpty())
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(500)})
		e = d.Wake(e.WakeAt)
		Expect(e.Send[0].Message).To(BeIdenticalTo(m))
		e = d.Completed(t0.Add(15*time.Second), Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Delivered, Charged}))
		Expect(carried(e.Send[0])).To(Equal([]string{"a#2"}))
	})

	It("has a limit of messages under way, not of profiles", func() {
		d := batching(2, 2)
		e := d.Enqueue(t0, exportOf("a", 1), exportOf("b", 1), exportOf("c", 1), exportOf("d", 1), exportOf("e", 1))
		Expect(e.Send).To(HaveLen(2))
	})
})

var _ = Describe("With messages of several exports", func() {
	It("none is too big, each export is in one, in its order, within the limit, tried three times at most, and none is lost", func() {
		rapid.Check(GinkgoT(), func(t *rapid.T) {
			c := &crowd{t: t, now: t0, most: rapid.IntRange(1, MaxProfiles).Draw(t, "most"), limit: rapid.IntRange(1, 3).Draw(t, "in flight"),
				room: rapid.SampledFrom([]int{0, 1, 12, 60, 400}).Draw(t, "bytes of bodies"), stored: map[string]Export{},
				attempts: map[string]int{}, of: map[string]string{}, bodies: map[string]string{}, order: map[profile.ID][]string{}}
			c.d = NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: c.limit,
				Certificate: rapid.SampledFrom([]CertificateUse{NeverPresent, AskEndpoint}).Draw(t, "certificate"), Batching: Batching{Max: c.most}, Bodies: c.room})
			c.run()
		})
	})
})

// crowd drives a dispatcher of messages with random changes, pauses, deletions
// and ends of attempts, and checks every step.
type crowd struct {
	t           *rapid.T
	d           *Dispatcher
	now, wakeAt time.Time
	most, limit int
	room        int // bytes of bodies that may wait in memory
	stored      map[string]Export
	open        []Operation
	paused      bool
	attempts    map[string]int          // by message
	of          map[string]string       // export -> its message
	bodies      map[string]string       // message -> its body
	order       map[profile.ID][]string // exports not settled
	accepted    int
	settled     int
}

func (c *crowd) run() {
	numbers := map[string]int{}
	for range rapid.IntRange(1, 25).Draw(c.t, "moments") {
		switch rapid.IntRange(0, 12).Draw(c.t, "what") {
		case 12:
			c.paused = false
			c.take(c.d.Delete(c.now))
			if len(c.d.Pending()) > c.limit {
				c.t.Fatalf("%d messages are left after the deletion", len(c.d.Pending()))
			}
		case 0:
			c.paused = !c.paused
			c.take(c.d.SetEnabled(c.now, !c.paused))
		case 1, 2, 3, 4:
			if len(c.open) > 0 {
				c.complete()
			}
		default:
			var together []*Export
			for range rapid.IntRange(1, 15).Draw(c.t, "exports") {
				name := rapid.StringMatching("[a-h]").Draw(c.t, "profile")
				numbers[name]++
				x := exportOf(name, numbers[name])
				x.Body = fmt.Appendf(nil, "{%s}", x.ID)
				c.order[x.Profile] = append(c.order[x.Profile], x.ID)
				together = append(together, x)
			}
			c.accepted += len(together)
			c.take(c.d.Enqueue(c.now, together...))
		}
	}
	if c.paused {
		c.paused = false
		c.take(c.d.SetEnabled(c.now, true))
	}
	for len(c.open) > 0 || !c.wakeAt.IsZero() {
		if len(c.open) > 0 {
			c.complete()
			continue
		}
		c.now = c.wakeAt
		c.take(c.d.Wake(c.now))
	}
	if c.settled != c.accepted || len(c.d.Pending()) > 0 {
		c.t.Fatalf("%d of %d exports settled, pending %d", c.settled, c.accepted, len(c.d.Pending()))
	}
	if c.d.bodies.resident != 0 {
		c.t.Fatalf("%d bytes of bodies count as in memory when everything is settled", c.d.bodies.resident)
	}
}

// take checks what the dispatcher asks for.
func (c *crowd) take(e Effects) {
	c.wakeAt = e.WakeAt
	settled := 0
	for _, r := range e.Persist { // their order is what a store sees
		switch r.Kind {
		case Accepted:
			c.stored[r.Message.ID] = r.Message.Exports[0]
		case Charged:
			c.charged(r)
		case Delivered, Dropped:
			c.settle(r)
			settled++
		}
	}
	if settled != len(e.Settled) {
		c.t.Fatalf("%d records of settlements, %d settled", settled, len(e.Settled))
	}
	for _, op := range e.Send {
		if c.paused && op.Kind == Attempt {
			c.t.Fatalf("%s is sent in a pause", op.Message.ID)
		}
		c.open = append(c.open, op)
	}
	messages := 0
	for _, op := range c.open {
		if op.Kind == Attempt {
			messages++
		}
	}
	c.weigh()
	if messages > c.limit {
		c.t.Fatalf("%d messages under way, with a limit of %d", messages, c.limit)
	}
}

// charged checks a message that is about to be sent.
func (c *crowd) charged(r Record) {
	m := r.Message
	if n := len(m.Exports); n < 1 || n > c.most {
		c.t.Fatalf("%s carries %d exports, with a maximum of %d", m.ID, n, c.most)
	}
	if c.attempts[m.ID]++; c.attempts[m.ID] != r.Number || r.Number > 3 {
		c.t.Fatalf("charge %d of %s is numbered %d", c.attempts[m.ID], m.ID, r.Number)
	}
	if body, again := c.bodies[m.ID]; again && body != string(m.Body) {
		c.t.Fatalf("%s is repeated with another body", m.ID)
	}
	c.bodies[m.ID] = string(m.Body)
	var profiles []profile.ID
	for _, x := range m.Exports {
		if other, sent := c.of[x.ID]; sent && other != m.ID {
			c.t.Fatalf("%s is in %s and in %s", x.ID, other, m.ID)
		}
		c.of[x.ID] = m.ID
		if slices.Contains(profiles, x.Profile) {
			c.t.Fatalf("%s has %s twice", m.ID, x.Profile)
		}
		profiles = append(profiles, x.Profile)
		if !strings.Contains(string(m.Body), string(x.Body)) {
			c.t.Fatalf("%s does not carry the body of %s", m.ID, x.ID)
		}
		if head := c.order[x.Profile][0]; head != x.ID {
			c.t.Fatalf("%s is sent before %s is settled", x.ID, head)
		}
	}
}

func (c *crowd) settle(r Record) {
	early := r.Outcome.Kind == retry.Deleted || r.Outcome.Reason == string(retry.Deleted)
	if n := c.attempts[r.Message.ID]; r.Kind == Dropped && (n != 3 && !early || r.Number != n) {
		c.t.Fatalf("%s was dropped after %d attempts, and %d are recorded", r.Message.ID, n, r.Number)
	}
	for _, x := range r.Message.Exports {
		at := slices.Index(c.order[x.Profile], x.ID)
		if at < 0 {
			c.t.Fatalf("%s is settled twice", x.ID)
		}
		c.order[x.Profile] = slices.Delete(c.order[x.Profile], at, at+1)
		c.settled++
	}
}

// complete ends one of the open operations somehow.
func (c *crowd) complete() {
	n := rapid.IntRange(0, len(c.open)-1).Draw(c.t, "which")
	op := c.open[n]
	c.open = slices.Delete(slices.Clone(c.open), n, n+1)
	c.now = c.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(c.t, "ms")) * time.Millisecond)
	if op.Kind == Load {
		c.take(c.d.Completed(c.now, c.read(op)))
		return
	}
	end := Completion{Operation: op.ID, Outcome: rapid.SampledFrom([]retry.Outcome{status(200), status(400), status(503), {Kind: retry.Timeout}, {Kind: retry.TLS}}).Draw(c.t, "outcome")}
	if op.Kind == Decision {
		end.Asked, end.Answering = rapid.Bool().Draw(c.t, "asked"), end.Outcome.Kind == retry.Answered
	}
	c.take(c.d.Completed(c.now, end))
}

// read answers a Load as a store does.
func (c *crowd) read(op Operation) Completion {
	m := &Message{ID: op.Message.ID}
	for _, x := range op.Message.Exports {
		m.Exports = append(m.Exports, c.stored[x.ID])
	}
	if body, charged := c.bodies[m.ID]; charged {
		m.Body = []byte(body)
	}
	return Completion{Operation: op.ID, Loaded: m}
}

// weigh holds the bodies in memory against the room there is: once for those that
// wait, once for those that were loaded, once for those that are in a message with
// others as well, and for one message that is larger.
func (c *crowd) weigh() {
	inMemory, largest := 0, 0
	add := func(m *Message) {
		now, whole := c.d.settings.Batching.weight(m)
		inMemory, largest = inMemory+now, max(largest, whole)
	}
	for _, q := range c.d.queues {
		waiting := q.exports
		if q.carrier != nil {
			waiting = waiting[1:]
			if q.carrier.queues[0] == q {
				add(q.carrier.message)
			}
		}
		for _, x := range waiting {
			inMemory += len(x.Body)
		}
	}
	if counted := c.d.bodies.resident; inMemory > counted {
		c.t.Fatalf("%d bytes of bodies are in memory, and %d are counted", inMemory, counted)
	}
	if most := 3*c.room + largest; c.room > 0 && inMemory > most {
		c.t.Fatalf("%d bytes of bodies are in memory, with room for %d", inMemory, most)
	}
}

var _ = Describe("After a crash", func() {
	It("a message of several is repeated as it was charged, and what its profiles have besides waits for it", func() {
		a, b := exportOf("a", 1), exportOf("b", 1)
		m := &Message{ID: "a#1", Exports: []Export{*a, *b}, Body: []byte("[{},{}]")}
		d := batching(5, 10)
		// b#1 was accepted before a#1, so that b#2 comes before their message.
		e := recovered(d, Unsettled{exportOf("b", 2).alone(), 0}, Unsettled{m, 1}, Unsettled{exportOf("c", 1).alone(), 0})
		Expect(e.Send).To(HaveLen(1))
		Expect(carried(e.Send[0])).To(Equal([]string{"c#1"}))
		e = d.Wake(t0.Add(15 * time.Second))
		Expect(e.Send[0].Message).To(BeIdenticalTo(m))
		Expect(e.Send[0].Number).To(Equal(2))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(carried(e.Send[0])).To(Equal([]string{"b#2"}))
	})

	It("a message that was charged three times is dropped, and the next export of each profile is sent", func() {
		m := &Message{ID: "a#1", Exports: []Export{*exportOf("a", 1), *exportOf("b", 1)}, Body: []byte("[{},{}]")}
		d := batching(5, 10)
		e := recovered(d, Unsettled{m, 3}, Unsettled{exportOf("b", 2).alone(), 0})
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Dropped, Charged}))
		Expect(carried(e.Send[0])).To(Equal([]string{"b#2"}))
	})
})
