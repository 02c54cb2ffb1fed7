package engine

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)

func exportOf(name string, n int) *Export {
	return &Export{ID: fmt.Sprintf("%s#%d", name, n), Profile: profile.ID(name), At: t0,
		Because: []export.Trigger{export.Audience}, Body: []byte("{}")}
}

func dispatcher(maxInFlight int) *Dispatcher {
	return NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: maxInFlight, Certificate: NeverPresent})
}

func status(code int) retry.Outcome { return retry.Outcome{Kind: retry.Answered, Status: code} }

// kinds are the records of an effect, for a look at what must be durable.
func kinds(records []Record) []RecordKind {
	out := make([]RecordKind, len(records))
	for i, r := range records {
		out[i] = r.Kind
	}
	return out
}

var _ = Describe("A dispatcher", func() {
	It("accepts and charges durably before it sends", func() {
		e := dispatcher(1).Enqueue(t0, exportOf("doc", 1))
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Accepted, Charged}))
		Expect(e.Send).To(HaveLen(1))
		Expect(e.Send[0].Number).To(Equal(1))
		Expect(e.Send[0].Budget).To(Equal(2 * time.Second))
	})

	It("retries 15 s and 30 s after each failure, then drops", func() {
		d := dispatcher(1)
		e := d.Enqueue(t0, exportOf("doc", 1))
		now := t0
		for attempt, wait := range []time.Duration{15 * time.Second, 30 * time.Second} {
			now = now.Add(2 * time.Second)
			e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: retry.Outcome{Kind: retry.Timeout}})
			Expect(e.Retried).To(BeTrue())
			Expect(e.Send).To(BeEmpty())
			Expect(e.WakeAt).To(Equal(now.Add(wait)))
			Expect(d.Wake(e.WakeAt.Add(-time.Nanosecond)).Send).To(BeEmpty())
			now = e.WakeAt
			e = d.Wake(now)
			Expect(e.Send).To(HaveLen(1))
			Expect(e.Send[0].Number).To(Equal(attempt + 2))
		}
		e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: status(500)})
		Expect(e.Retried).To(BeFalse())
		Expect(kinds(e.Persist)).To(Equal([]RecordKind{Dropped}))
		Expect(e.WakeAt).To(BeZero())
		Expect(d.Pending()).To(BeEmpty())
	})

	It("keeps the order of a profile and lets others pass", func() {
		d := dispatcher(1)
		e := d.Enqueue(t0, exportOf("doc", 1), exportOf("doc", 2), exportOf("marty", 1))
		Expect(e.Send[0].Message.ID).To(Equal("doc#1"))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(503)})
		Expect(e.Send[0].Message.ID).To(Equal("marty#1"))
		e = d.Completed(t0, Completion{Operation: e.Send[0].ID, Outcome: status(200)})
		Expect(e.Send).To(BeEmpty(), "doc#2 waits for doc#1")
		e = d.Wake(t0.Add(15 * time.Second))
		e = d.Completed(t0.Add(15*time.Second), Completion{Operation: e.Send[0].ID, Outcome: status(204)})
		Expect(e.Send[0].Message.ID).To(Equal("doc#2"))
	})

	It("never has more attempts under way than allowed", func() {
		d := dispatcher(3)
		var all []*Export
		for n := range 10 {
			all = append(all, exportOf(fmt.Sprintf("p%d", n), 1))
		}
		e := d.Enqueue(t0, all...)
		Expect(e.Send).To(HaveLen(3))
		e = d.Completed(t0, Completion{Operation: e.Send[1].ID, Outcome: status(200)})
		Expect(e.Send).To(HaveLen(1))
	})

	It("holds everything while it is paused and takes it up after", func() {
		d := dispatcher(5)
		d.SetEnabled(t0, false)
		Expect(d.Enqueue(t0, exportOf("doc", 1)).Send).To(BeEmpty())
		Expect(d.SetEnabled(t0.Add(time.Hour), true).Send).To(HaveLen(1))
	})

	It("neither stores nor sends what is excluded", func() {
		out := exportOf("out", 1)
		out.Excluded = "missing-attributes"
		d := dispatcher(10)
		e := d.Enqueue(t0, out, exportOf("in", 1))
		Expect(e.Persist).To(HaveEach(HaveField("Message.ID", "in#1")))
		Expect(e.Send).To(ConsistOf(HaveField("Message.ID", "in#1")))
	})

	It("refuses the end of an operation it never asked for", func() {
		Expect(func() { dispatcher(1).Completed(t0, Completion{Operation: 9}) }).To(PanicWith(ContainSubstring("never asked for")))
	})
})

var _ = Describe("A backfill", func() {
	audiences := []profile.AudienceRef{{Namespace: "ups", ID: "a"}}
	members := []profile.ID{"m1", "m2", "m3", "m4"}

	It("is spread evenly over the hour", func() {
		d := dispatcher(5)
		e := d.Backfill(t0, audiences, "", members)
		for n, id := range members {
			at := t0.Add(time.Duration(n) * 15 * time.Minute)
			if n > 0 {
				Expect(e.WakeAt).To(Equal(at))
				e = d.Wake(at)
			}
			Expect(e.Backfill).To(Equal([]Due{{Profile: id, Audiences: audiences}}))
		}
		Expect(e.WakeAt).To(BeZero())
	})

	It("leaves out a profile that was exported meanwhile", func() {
		d := dispatcher(5)
		d.Backfill(t0, audiences, "", members)
		d.Enqueue(t0.Add(time.Minute), exportOf("m2", 1), exportOf("m3", 1))
		e := d.Wake(t0.Add(time.Minute))
		Expect(e.WakeAt).To(Equal(t0.Add(45 * time.Minute)))
	})

	It("exports a member of two new audiences once, for both", func() {
		d := dispatcher(5)
		d.Backfill(t0, audiences, "", []profile.ID{"x", "both"})
		other := []profile.AudienceRef{{Namespace: "ups", ID: "b"}}
		e := d.Backfill(t0, other, "", []profile.ID{"both", "y"})
		Expect(e.Backfill).To(Equal([]Due{{Profile: "both", Audiences: append(audiences, other...)}}))
		Expect(d.Wake(t0.Add(time.Hour)).Backfill).To(Equal([]Due{{Profile: "y", Audiences: other}}))
	})

	It("leaves the turns of other merge policies where each is exported by itself", func() {
		d := dispatcher(5)
		d.Backfill(t0, audiences, "web", []profile.ID{"first", "both"})
		other := []profile.AudienceRef{{Namespace: "ups", ID: "b"}}
		d.Backfill(t0, other, "stores", []profile.ID{"first", "both"})
		web := exportOf("both", 1)
		web.MergePolicy = "web"
		d.Enqueue(t0.Add(time.Minute), web)
		e := d.Wake(t0.Add(30 * time.Minute))
		Expect(e.Backfill).To(Equal([]Due{{Profile: "both", Audiences: other, MergePolicy: "stores"}}))
		Expect(d.Waiting()).To(BeZero())
	})

	It("ends for a turn of one merge policy, and goes on for the others", func() {
		d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 1, Keeps: true})
		e := d.Backfill(t0, audiences, "web", []profile.ID{"doc"})
		more := d.Backfill(t0, audiences, "stores", []profile.ID{"doc"})
		Expect(append(e.Backfill, more.Backfill...)).To(HaveLen(2))
		d.Turned(e.Backfill...)
		Expect(d.Over()).To(Equal([]Over{{Backfill: 1, Profile: "doc"}}))
		Expect(d.Backfills()).To(HaveLen(1))
		d.Turned(more.Backfill...)
		Expect(d.Over()).To(Equal([]Over{{Backfill: 2, Profile: "doc"}}))
	})

	It("shifts by a pause", func() {
		d := dispatcher(5)
		d.Backfill(t0, audiences, "", members)
		d.SetEnabled(t0.Add(20*time.Minute), false)
		Expect(d.Wake(t0.Add(2 * time.Hour)).Backfill).To(BeEmpty())
		e := d.SetEnabled(t0.Add(20*time.Minute).Add(24*time.Hour), true)
		Expect(e.WakeAt).To(Equal(t0.Add(30 * time.Minute).Add(24 * time.Hour)))
	})
})

var _ = Describe("Whatever the endpoint does", func() {
	It("no message has more than three attempts, each profile keeps its order, nothing is lost", func() {
		rapid.Check(GinkgoT(), func(t *rapid.T) {
			d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: rapid.IntRange(1, 4).Draw(t, "in flight"),
				Certificate: rapid.SampledFrom([]CertificateUse{NeverPresent, AskEndpoint}).Draw(t, "certificate"),
				Grant:       rapid.SampledFrom([]Grant{NoGrant, ClientCredentials}).Draw(t, "grant")})
			w := &world{t: t, d: d, now: t0, attempts: map[string]int{}, tokens: map[string]time.Time{}}
			w.run(rapid.IntRange(1, 30).Draw(t, "exports"))
		})
	})
})

// world drives a dispatcher with random ends of attempts and checks every step.
type world struct {
	t        *rapid.T
	d        *Dispatcher
	now      time.Time
	open     []Operation
	wakeAt   time.Time
	attempts map[string]int
	order    map[profile.ID][]string
	settled  int
	// decisions under way, a decision's two requests being one
	decisions int

	fetching int                  // token requests under way
	tokens   map[string]time.Time // issued, and when each is over
	issued   int
}

func (w *world) run(exports int) {
	numbers := map[string]int{}
	w.order = map[profile.ID][]string{}
	for range exports {
		name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(w.t, "profile")
		numbers[name]++
		x := exportOf(name, numbers[name])
		w.order[x.Profile] = append(w.order[x.Profile], x.ID)
		w.take(w.d.Enqueue(w.now, x))
		if len(w.open) > 0 && rapid.Bool().Draw(w.t, "complete now") {
			w.complete()
		}
	}
	for len(w.open) > 0 || !w.wakeAt.IsZero() {
		if len(w.open) > 0 {
			w.complete()
			continue
		}
		w.now = w.wakeAt
		w.take(w.d.Wake(w.now))
	}
	if w.settled != exports || len(w.d.Pending()) > 0 {
		w.t.Fatalf("%d of %d exports settled, pending %d", w.settled, exports, len(w.d.Pending()))
	}
}

func (w *world) take(e Effects) {
	w.wakeAt = e.WakeAt
	if e.MTLSDecision != nil {
		w.decisions--
	}
	if e.Fetched != nil {
		w.fetching--
	}
	for _, u := range e.Unsent {
		w.attempts[u.Message.ID]++ // charged, and ended with the decision
	}
	for _, s := range e.Settled {
		w.settled++
		w.order[s.Message.Exports[0].Profile] = w.order[s.Message.Exports[0].Profile][1:]
		if !s.Outcome.Delivered() && w.attempts[s.Message.ID] != 3 {
			w.t.Fatalf("%s was dropped after %d attempts", s.Message.ID, w.attempts[s.Message.ID])
		}
	}
	for _, op := range e.Send {
		if op.Kind == Decision {
			w.decisions++
			if w.decisions > 1 {
				w.t.Fatalf("%d decisions at once", w.decisions)
			}
			w.open = append(w.open, op)
			continue
		}
		if op.Kind == Token {
			if w.fetching++; w.fetching > 1 {
				w.t.Fatalf("%d token requests at once", w.fetching)
			}
			w.open = append(w.open, op)
			continue
		}
		if w.d.settings.Grant != NoGrant && !w.now.Before(w.tokens[op.Token.Reveal()]) {
			w.t.Fatalf("%s is sent with the token %q, which is none or over", op.Message.ID, op.Token.Reveal())
		}
		m := op.Message
		if head := w.order[m.Exports[0].Profile][0]; head != m.ID {
			w.t.Fatalf("%s is sent while %s is not settled", m.ID, head)
		}
		w.attempts[m.ID]++
		if w.attempts[m.ID] > 3 || w.attempts[m.ID] != op.Number {
			w.t.Fatalf("attempt %d of %s, numbered %d", w.attempts[m.ID], m.ID, op.Number)
		}
		w.open = append(w.open, op)
	}
}

func (w *world) complete() {
	n := rapid.IntRange(0, len(w.open)-1).Draw(w.t, "which")
	op := w.open[n]
	w.open = append(w.open[:n:n], w.open[n+1:]...)
	w.now = w.now.Add(time.Duration(rapid.IntRange(0, 2000).Draw(w.t, "ms")) * time.Millisecond)
	if op.Kind == Token {
		w.take(w.d.Completed(w.now, w.token(op)))
		return
	}
	o := rapid.SampledFrom([]retry.Outcome{status(200), status(400), status(401), status(503), {Kind: retry.Timeout}, {Kind: retry.TLS}}).Draw(w.t, "outcome")
	if op.Kind == Decision && !op.Certificate {
		w.decisions-- // its second request is the same decision
		e := w.d.Completed(w.now, Completion{Operation: op.ID, Outcome: o, Asked: rapid.Bool().Draw(w.t, "asked"), Answering: o.Kind == retry.Answered})
		if e.MTLSDecision != nil {
			w.decisions++
		}
		w.take(e)
		return
	}
	w.take(w.d.Completed(w.now, Completion{Operation: op.ID, Outcome: o}))
}

// token ends a token request: with a token that lives for a while, or without.
func (w *world) token(op Operation) Completion {
	c := Completion{Operation: op.ID, Outcome: status(200)}
	switch rapid.IntRange(0, 3).Draw(w.t, "token") {
	case 0:
		c.Outcome = status(400)
	case 1:
		c.Outcome = retry.Outcome{Kind: retry.Timeout}
	default:
		w.issued++
		lifetime := time.Duration(rapid.IntRange(1, 60).Draw(w.t, "lifetime")) * time.Second
		name := fmt.Sprintf("token %d", w.issued)
		w.tokens[name] = w.now.Add(lifetime)
		c.Issued = &Issued{Access: dataflow.Secret(name), ExpiresIn: lifetime}
		if rapid.Bool().Draw(w.t, "refresh") {
			c.Issued.Refresh = dataflow.Secret("after " + name)
		}
	}
	return c
}
