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

// Recover takes up what a store held when the engine ended, in the order of
// acceptance, before anything else comes in. An attempt that was charged and
// not settled counts as failed, with the outcome unknown: the receiver may
// have got it, and no message is ever sent more than the policy allows (A11,
// design §4).
//
// A message keeps the exports and the body that it was charged with. They are
// the oldest of their profiles, and may yet come after younger ones of others
// in the order of acceptance.
func (d *Dispatcher) Recover(now time.Time, left []Unsettled) Effects {
	var e Effects
	for _, u := range left {
		if u.Charged == 0 {
			continue
		}
		p := &parcel{message: u.Message, number: u.Charged}
		for i := range u.Message.Exports {
			x := &u.Message.Exports[i]
			q := &queue{exports: []*Export{x}, parcel: p}
			d.queues[x.Profile] = q
			p.queues = append(p.queues, q)
		}
		d.underWay++
		d.ended(now, p, retry.Outcome{Kind: retry.Unknown, Reason: "ended-with-the-process"}, &e)
	}
	for _, u := range left {
		if u.Charged == 0 {
			for i := range u.Message.Exports {
				d.queue(&u.Message.Exports[i])
			}
		}
	}
	return d.pump(now, e)
}
