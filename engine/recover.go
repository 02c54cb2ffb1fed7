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
func (d *Dispatcher) Recover(now time.Time, left []Unsettled) Effects {
	var e Effects
	for _, u := range left {
		m := u.Message
		q := d.queues[m.Profile()]
		if q == nil {
			q = &queue{}
			d.queues[m.Profile()] = q
			if u.Charged == 0 {
				d.ready = append(d.ready, q)
			}
		}
		q.messages = append(q.messages, m)
		if u.Charged > 0 {
			q.number = u.Charged
			d.underWay++
			d.ended(now, q, retry.Outcome{Kind: retry.Unknown, Reason: "ended-with-the-process"}, &e)
		}
	}
	return d.pump(now, e)
}
