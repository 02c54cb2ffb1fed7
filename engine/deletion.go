package engine

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/agenda"
	"github.com/httpdest/httpdest/engine/retry"
)

// Delete drops what is queued, waits for a retry or is to be backfilled: for a
// dataflow that is gone nothing is sent any more (R118). Attempts on the wire
// end on their own and are not retried. From then on the dispatcher serves
// another dataflow, which is not paused; its knowledge of the endpoint stays.
func (d *Dispatcher) Delete(now time.Time) Effects {
	var e Effects
	for _, id := range slices.Sorted(maps.Keys(d.queues)) {
		q := d.queues[id]
		p, rest := q.carrier, q.exports
		if p != nil {
			rest = rest[1:]
			if p.queues[0] == q && !p.onWire {
				p.abandon(now, &e)
			}
		}
		for _, x := range rest {
			(&messageState{message: x.alone()}).abandon(now, &e)
		}
		if p == nil || !p.onWire {
			delete(d.queues, id)
			continue
		}
		p.deleted, q.exports = true, q.exports[:1]
	}
	d.ready, d.retries, d.past = readyQueue{}, retryHeap{}, backfills{window: d.past.window}
	for _, g := range d.gates {
		g.room().leave()
	}
	d.underWay, d.paused = len(d.attempts), false
	d.forgetBodies()
	return d.pump(now, e)
}

// forgetBodies leaves bodies counted only for attempts on the wire. Loads that are
// under way end without effect.
func (d *Dispatcher) forgetBodies() {
	d.bodies.wanting, d.bodies.resident = agenda.Queue[*messageState]{}, 0
	for _, p := range d.bodies.loading {
		p.deleted = true
	}
	for _, p := range d.attempts {
		d.bodies.resident += p.held
	}
}

// abandon gives a message up that is not on the wire: by the outcome of its
// last attempt, if it had one. Exports that were never charged together are given
// up one by one.
func (p *messageState) abandon(now time.Time, e *Effects) {
	if p.number == 0 && len(p.message.Exports) > 1 {
		for i := range p.message.Exports {
			(&messageState{message: p.message.Exports[i].alone()}).abandon(now, e)
		}
		return
	}
	o := p.last
	o.Kind, o.Reason = cmp.Or(o.Kind, retry.Deleted), string(retry.Deleted)
	if o.Kind == retry.Deleted {
		o.Reason = ""
	}
	e.Persist = append(e.Persist, Record{Kind: Dropped, Message: p.message, Number: p.number, Outcome: o, At: now})
	e.Settled = append(e.Settled, Settled{Message: p.message, Outcome: o})
}
