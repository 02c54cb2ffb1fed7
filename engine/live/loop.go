package live

import (
	"context"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
)

// mostInGroup bounds a group, so that the first of it does not wait long.
const mostInGroup = 4096

// group is what is made durable together, and what begins after.
type group struct {
	states   []engine.State
	records  []engine.Record
	accepted []*pendingCommit
	send     []engine.Operation
	resent   []*resend
	acted    []*act
	uploads  []*uploading
	listings []listed // to begin after
	jobs     []job    // likewise
	settled  int64    // exports: pending until it is durable
	noted    bool     // notes are to be kept, if nothing else is
	bytes    int      // of states and bodies, about
	most     int      // of bytes, after which it takes no more decisions
}

// emptied is the group with its room and nothing in it.
func (g *group) emptied() *group {
	clear(g.states)
	clear(g.records)
	clear(g.accepted)
	clear(g.send)
	clear(g.resent)
	clear(g.acted)
	clear(g.listings)
	clear(g.uploads)
	g.states, g.records, g.accepted, g.send, g.resent = g.states[:0], g.records[:0], g.accepted[:0], g.send[:0], g.resent[:0]
	g.acted, g.listings, g.uploads, g.jobs, g.bytes, g.settled, g.noted = g.acted[:0], g.listings[:0], g.uploads[:0], g.jobs[:0], 0, 0, false
	return g
}

// emptyGroup is one that was committed before, where there is one: its room is
// used again.
func (d *Driver) emptyGroup() *group {
	select {
	case g := <-d.spent:
		return g.emptied()
	default:
		return &group{most: d.config.groupBytes()}
	}
}

func (g *group) empty() bool {
	return len(g.states)+len(g.records)+len(g.send)+len(g.acted)+len(g.listings)+len(g.uploads)+len(g.jobs) == 0 && g.settled == 0 && !g.noted
}

func (g *group) full() bool {
	return len(g.states)+len(g.records) >= mostInGroup || g.bytes >= g.most
}

// loop owns the runtime: it takes what happens, gathers the effects, and
// hands them over in groups. It returns when the end is reached: by ctx,
// cleanly, or by a failure.
func (d *Driver) loop(ctx context.Context) {
	l := &looping{driver: d, group: d.emptyGroup(), alarms: newAlarms(), linger: time.NewTimer(0)}
	defer l.alarms.timer.Stop()
	defer l.linger.Stop()
	for _, e := range d.begun {
		l.happened(time.Now(), e)
	}
	stop := ctx.Done()
	for stop != nil || !l.finished() {
		decided, acts := d.decided, d.acts
		if l.held == nil && (stop == nil || l.group.full() || d.crowded()) {
			decided = nil // back-pressure: whoever submits waits
		}
		if l.held != nil || stop == nil {
			acts = nil
		}
		select {
		case batch := <-decided:
			for _, x := range batch {
				l.accept(x)
			}
		case r := <-d.resent:
			l.resend(r)
		case a := <-acts:
			l.hold(a)
		case x := <-d.uploads:
			l.upload(x)
		case <-l.arrived():
			l.shardArrived()
		case ask := <-d.asked:
			ask(l)
		case x := <-d.listed:
			now := time.Now()
			l.happened(now, d.runtime.Backfill(now, x.dataflow, x.audiences, x.members))
		case c := <-d.completed:
			l.completed(c)
		case <-l.alarms.timer.C:
			l.ring(time.Now())
		case <-l.linger.C:
			l.lingering = false
		case <-d.committed:
			l.committing = false
		case <-l.ready(stop == nil):
			l.commit()
		case <-stop:
			stop = nil
			close(d.ending)
			l.end()
		case <-d.dead:
			return
		}
	}
}

// always is ready.
var always = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// ready is ready when the group is to be committed now.
func (l *looping) ready(ending bool) <-chan struct{} {
	if l.committing || l.group.empty() || l.lingering && !l.group.full() && !ending {
		return nil
	}
	return always
}

// commit hands the group over, with the notes of what changed in it.
func (l *looping) commit() {
	d := l.driver
	l.group.records = append(l.group.records, d.runtime.Notes()...)
	l.committing = true
	d.groups <- l.group // the one before is committed, so there is room
	l.group = d.emptyGroup()
	if d.config.Linger > 0 {
		l.lingering = true
		l.linger.Reset(d.config.Linger)
	}
}

// looping is the state of a loop.
type looping struct {
	driver     *Driver
	group      *group
	committing bool // the group before is being committed
	alarms     *alarms
	held       *holding // while an action waits for the shards

	lingering bool // the last group is younger than Config.Linger
	linger    *time.Timer
}

// completed takes the end of an operation, and of those that ended meanwhile:
// a turn of the loop for each would cost more than they do.
func (l *looping) completed(c ended) {
	d := l.driver
	for {
		d.underWay.Add(-1)
		now := time.Now()
		e := d.runtime.Completed(now, c.op, c.completion)
		if d.config.Observe != nil {
			op := c.op // a copy only where somebody looks
			d.config.Observe(Event{At: now, Operation: &op, Completion: c.completion, Effects: e})
		}
		l.take(e)
		if l.group.full() {
			return
		}
		select {
		case c = <-d.completed:
		default:
			return
		}
	}
}

// accept takes a decision in.
func (l *looping) accept(x *pendingCommit) {
	d := l.driver
	if !x.stays() {
		l.group.states = append(l.group.states, x.state)
		l.group.bytes += x.size
		l.group.accepted = append(l.group.accepted, x)
	}
	if d.config.Observe != nil {
		d.config.Observe(Event{At: x.at, Update: x.update, Exports: x.exports})
	}
	for _, export := range x.exports {
		d.exports.Add(1)
		if export.Excluded == "" {
			d.pending.Add(1)
			d.held.take(heldBy(export))
		}
		now := time.Now()
		l.happened(now, d.runtime.Accept(now, export.Dataflow, export))
	}
	if x.turn != nil {
		d.runtime.Turned(x.turn.dataflow, x.turn.due)
		l.group.noted = true
	}
}

// happened takes up what an event led to.
func (l *looping) happened(now time.Time, e flow.Effects) {
	if l.driver.config.Observe != nil {
		l.driver.config.Observe(Event{At: now, Effects: e})
	}
	l.take(e)
}

// take gathers effects.
func (l *looping) take(e flow.Effects) {
	d := l.driver
	l.group.records = append(l.group.records, e.Persist...)
	for i := range e.Persist {
		// The body of a decision counts with its state. A charge and a dead letter keep
		// theirs until they are committed.
		if r := &e.Persist[i]; r.Kind == engine.Charged || r.Kind == engine.Dropped {
			l.group.bytes += len(r.Message.Body)
		}
	}
	l.group.send = append(l.group.send, e.Send...)
	d.underWay.Add(int64(len(e.Send)))
	for _, s := range e.Settled {
		l.settle(s.Message)
		if s.Outcome.Delivered() {
			d.delivered.Add(1)
		} else {
			d.dropped.Add(1)
		}
		delete(d.resending, s.Message.ID)
		if d.config.Settled != nil {
			d.config.Settled(s)
		}
	}
	for _, m := range e.Left {
		l.settle(m)
	}
	d.inMemory.Store(int64(d.runtime.InMemory()))
	l.alarms.change(e)
	l.turns(e)
	l.members(e)
	for _, audiences := range e.Backfill {
		l.group.listings = append(l.group.listings, listed{dataflow: e.Dataflow, audiences: audiences})
	}
	for _, m := range e.Monitored {
		l.group.noted = true
		if d.config.Monitored != nil {
			d.config.Monitored(e.Dataflow, m)
		}
	}
}

// settle makes room for other exports at once. To who asks, these are pending until
// the group is durable: a dead letter is in the list by then.
func (l *looping) settle(m *engine.Message) {
	n := int64(len(m.Exports))
	l.group.settled += n
	l.driver.settling.Add(n)
	l.driver.letGo(m)
}

// end begins the end: no new attempt, unless everything is to be finished.
func (l *looping) end() {
	if !l.driver.config.FinishQueue {
		for _, e := range l.driver.runtime.Hold(time.Now()) {
			l.happened(time.Now(), e)
		}
	}
}

// finished reports whether a clean end is reached.
func (l *looping) finished() bool {
	d := l.driver
	if d.config.FinishQueue && d.pending.Load() > 0 {
		return false
	}
	return l.group.empty() && l.held == nil && d.underWay.Load() == 0
}

// commit makes one group after the other durable, and only then begins what it
// asks for on the wire and answers those who wait.
func (d *Driver) commit(ctx context.Context) {
	defer close(d.retired)
	for g := range d.groups {
		if err := d.config.Store.Commit(g.states, g.records); err != nil {
			d.fail(err)
			for _, x := range g.accepted {
				x.answer(err)
			}
			for _, a := range g.acted {
				a.done <- err
			}
			for _, r := range g.resent {
				r.done <- err
			}
			for _, u := range g.uploads {
				u.done <- err
			}
			continue // the loop ends, and with it this one
		}
		d.count(g.records)
		d.settling.Add(-g.settled)
		for _, x := range g.accepted {
			if x.turn == nil {
				d.updates.Add(1)
			}
			x.shard.release(x.state, true)
			x.answer(nil)
		}
		for _, a := range g.acted {
			a.done <- nil
		}
		for _, u := range g.uploads {
			u.done <- nil
		}
		for _, x := range g.listings {
			d.list(x)
		}
		d.enqueue(g.jobs)
		for _, r := range g.resent {
			r.done <- nil
		}
		for _, op := range g.send {
			d.workers.begin(ctx, op)
		}
		select {
		case d.spent <- g:
		default:
		}
		d.committed <- struct{}{} // there is room: the loop waits for it before the next
	}
}

// count keeps the number of dead letters, and reports the new ones.
func (d *Driver) count(records []engine.Record) {
	for _, r := range records {
		switch r.Kind {
		case engine.Dropped:
			d.deadLetters.Add(1)
			if d.config.Dead != nil {
				d.config.Dead(r)
			}
		case engine.Resent:
			d.deadLetters.Add(-1)
		}
	}
}
