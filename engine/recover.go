package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// Unsettled is a message that a store holds neither delivered nor dropped.
type Unsettled struct {
	Message *Message
	Charged int // attempts
}

// recalled is what a store held when the engine ended, until Recover.
type recalled struct {
	charged []Unsettled
	exports []*Export // that were never charged
}

// Recall takes up a message that a store held when the engine ended. Messages come
// in the order of acceptance, before Recover and anything else.
func (d *Dispatcher) Recall(u Unsettled) {
	if u.Charged == 0 {
		for i := range u.Message.Exports {
			d.recalled.exports = append(d.recalled.exports, d.bodies.keep(&u.Message.Exports[i]))
		}
		return
	}
	if now, _ := d.settings.Batching.weight(u.Message); !d.bodies.full(now) {
		d.bodies.resident += now
	} else {
		u.Message = u.Message.withoutBodies()
	}
	d.recalled.charged = append(d.recalled.charged, u)
}

// Recover begins with the messages that were recalled. An attempt that was charged and
// not settled counts as failed, with the outcome unknown: the receiver may
// have got it, and no message is ever sent more than the policy allows (A11,
// design §4).
//
// A message keeps the exports and the body that it was charged with. They are
// the oldest of their profiles, and may yet come after younger ones of others
// in the order of acceptance.
func (d *Dispatcher) Recover(now time.Time) Effects {
	var e Effects
	for _, u := range d.recalled.charged {
		p := &messageState{message: u.Message, number: u.Charged}
		p.held, _ = d.settings.Batching.weight(u.Message)
		for i := range u.Message.Exports {
			x := &u.Message.Exports[i]
			q := &queue{exports: []*Export{x}, carrier: p}
			d.queues[x.Profile] = q
			p.queues = append(p.queues, q)
		}
		d.underWay++
		d.ended(now, p, retry.Outcome{Kind: retry.Unknown, Reason: "ended-with-the-process"}, &e)
	}
	for _, x := range d.recalled.exports {
		d.queue(x)
	}
	d.recalled = recalled{}
	return d.pump(now, e)
}
