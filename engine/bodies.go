package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/agenda"
)

// Bodies of waiting exports may be more than memory holds. The dispatcher keeps
// as many as Settings.Bodies allows; of every other export it keeps a record
// without the body, which is durable with the export and comes back by an
// operation of the kind Load before the next attempt is charged.

// full is how many bytes the body of an export has, wherever it is.
func (x *Export) full() int { return len(x.Body) + x.Stored }

// bodies is what the dispatcher knows about bodies.
type bodies struct {
	most     int // Settings.Bodies; 0: all are kept
	resident int // bytes of bodies in memory, and of those that are being loaded
	wanting  agenda.Queue[*messageState]
	loading  map[OperationID]*messageState
}

// full reports whether n more bytes of waiting exports are too many.
func (b *bodies) full(n int) bool { return b.most > 0 && b.resident+n > b.most }

// InMemory is how many bytes of the bodies of unsettled exports are in memory.
func (d *Dispatcher) InMemory() int { return d.bodies.resident }

// count makes n the bytes that a message accounts for.
func (b *bodies) count(p *messageState, n int) {
	b.resident += n - p.held
	p.held = n
}

// keep returns the record that waits for an export: itself, or without its body
// where memory has no room for that.
func (b *bodies) keep(x *Export) *Export {
	if x.Stored == 0 && b.full(len(x.Body)) {
		x = x.withoutBody()
	}
	b.resident += len(x.Body)
	return x
}

// withoutBody is a copy that leaves the body to the store.
func (x *Export) withoutBody() *Export {
	left := *x
	left.Body, left.Stored = nil, x.full()
	return &left
}

// withoutBodies is a copy that leaves the bodies to the store.
func (m *Message) withoutBodies() *Message {
	left := &Message{ID: m.ID, Exports: make([]Export, len(m.Exports))}
	for i := range m.Exports {
		left.Exports[i] = *m.Exports[i].withoutBody()
	}
	return left
}

// Stored reports whether the body of any export of the message is only in the
// store. Then the message has no body either.
func (m *Message) Stored() bool {
	for i := range m.Exports {
		if m.Exports[i].Stored > 0 {
			return true
		}
	}
	return false
}

// weight is how many bytes of bodies a message takes in memory, or would take
// with all of them.
func (b Batching) weight(m *Message) (now, whole int) {
	for i := range m.Exports {
		now += len(m.Exports[i].Body)
		whole += m.Exports[i].full()
	}
	if b.Max > 1 { // the body is another copy of those of its exports
		now, whole = now+len(m.Body), 2*whole+len(m.Exports)+len(`{"profiles":[]}`)
	}
	return now, whole
}

// packed counts the bodies of a message that was put together from waiting
// exports, which were counted alone.
func (d *Dispatcher) packed(p *messageState) {
	now, _ := d.settings.Batching.weight(p.message)
	for i := range p.message.Exports {
		p.held += len(p.message.Exports[i].Body)
	}
	d.bodies.count(p, now)
}

// leave gives the bodies of a message that waits back to the store, where memory
// holds too many. Records on the way to the store still have them, so the message
// is copied.
func (d *Dispatcher) leave(p *messageState) {
	if !d.bodies.full(0) || p.held == 0 {
		return
	}
	p.message = p.message.withoutBodies()
	for i, q := range p.queues {
		q.exports[0] = &p.message.Exports[i]
	}
	d.bodies.count(p, 0)
}

// load starts to load messages that want their bodies, in order. Bodies under way
// have as much memory again as those that wait, and one message always has room.
func (d *Dispatcher) load(e *Effects) {
	b := &d.bodies
	for b.wanting.Len() > 0 {
		p := b.wanting.First()
		_, whole := d.settings.Batching.weight(p.message)
		alone := d.underWay == b.wanting.Len()
		if !alone && b.resident-p.held+whole > 2*b.most {
			return
		}
		b.wanting.Take()
		b.count(p, whole)
		op := Operation{ID: d.nextID(), Kind: Load, Message: p.message}
		if b.loading == nil {
			b.loading = map[OperationID]*messageState{}
		}
		b.loading[op.ID] = p
		e.Send = append(e.Send, op)
	}
}

// loaded takes the end of a Load.
func (d *Dispatcher) loaded(now time.Time, c Completion) Effects {
	var e Effects
	p := d.bodies.loading[c.Operation]
	delete(d.bodies.loading, c.Operation)
	if p.deleted { // the dataflow is gone, and the message is given up already
		return d.pump(now, e)
	}
	if c.Loaded == nil {
		d.underWay--
		d.unreadable(p, &e)
		return d.pump(now, e)
	}
	body := c.Loaded.Body
	if p.number == 0 {
		body = d.settings.Batching.compose(c.Loaded.Exports)
	}
	p.message = &Message{ID: p.message.ID, Exports: c.Loaded.Exports, Body: body}
	held, _ := d.settings.Batching.weight(p.message)
	d.bodies.count(p, held)
	if d.paused {
		d.underWay--
		d.leave(p)
		d.ready.retry(p)
		return d.pump(now, e)
	}
	d.charge(now, p, &e)
	return d.pump(now, e)
}

// unreadable leaves a message alone that the store cannot read. Of several
// exports that were never charged together, the others go on.
func (d *Dispatcher) unreadable(p *messageState, e *Effects) {
	if p.number == 0 && len(p.queues) > 1 {
		d.bodies.count(p, 0)
		for _, q := range p.queues {
			q.exports[0] = q.exports[0].withoutBody()
			d.ready.retry(d.settings.Batching.pack([]*queue{q}))
		}
		return
	}
	e.Left = append(e.Left, p.message)
	d.takeOff(p)
}
