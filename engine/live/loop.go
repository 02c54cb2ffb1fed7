package live

import (
	"context"
	"time"

	"github.com/httpdest/httpdest/engine"
)

// mostInGroup bounds a group, so that the first of it does not wait long.
const mostInGroup = 4096

// group is what is made durable together, and what begins after.
type group struct {
	states   []engine.State
	records  []engine.Record
	accepted []*decided
	send     []engine.Operation
	resent   []*resend
	bytes    int // of states and bodies, about
	most     int // of bytes, after which it takes no more decisions
}

// emptied is the group with its room and nothing in it.
func (g *group) emptied() *group {
	clear(g.states)
	clear(g.records)
	clear(g.accepted)
	clear(g.send)
	clear(g.resent)
	g.states, g.records, g.accepted, g.send, g.resent = g.states[:0], g.records[:0], g.accepted[:0], g.send[:0], g.resent[:0]
	g.bytes = 0
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

func (g *group) empty() bool { return len(g.states)+len(g.records)+len(g.send) == 0 }

func (g *group) full() bool {
	return len(g.states)+len(g.records) >= mostInGroup || g.bytes >= g.most
}

// loop owns the dispatcher: it takes what happens, gathers the effects, and
// hands them over in groups. It returns when the end is reached: by ctx,
// cleanly, or by a failure.
func (d *Driver) loop(ctx context.Context) {
	l := &looping{driver: d, group: d.emptyGroup(), timer: time.NewTimer(time.Hour), linger: time.NewTimer(0)}
	defer l.timer.Stop()
	defer l.linger.Stop()
	l.take(d.begun)
	stop := ctx.Done()
	for stop != nil || !l.finished() {
		decided, groups := d.decided, d.groups
		if stop == nil || l.group.full() || d.crowded() {
			decided = nil // back-pressure: whoever submits waits
		}
		if l.group.empty() || l.lingering && !l.group.full() && stop != nil {
			groups = nil
		}
		select {
		case batch := <-decided:
			for _, x := range batch {
				l.accept(x)
			}
		case r := <-d.resent:
			l.resend(r)
		case c := <-d.completed:
			l.completed(c)
		case <-l.timer.C:
			l.wakeAt = time.Time{}
			l.take(d.dispatcher.Wake(time.Now()))
		case <-l.linger.C:
			l.lingering = false
		case groups <- l.group:
			l.group = d.emptyGroup()
			if d.config.Linger > 0 {
				l.lingering = true
				l.linger.Reset(d.config.Linger)
			}
		case <-stop:
			stop = nil
			close(d.ending)
			l.end()
		case <-d.dead:
			return
		}
	}
}

// looping is the state of a loop.
type looping struct {
	driver *Driver
	group  *group
	timer  *time.Timer
	wakeAt time.Time // when the timer runs out; zero: it is not set

	lingering bool // the last group is younger than Config.Linger
	linger    *time.Timer
}

// completed takes the end of an operation, and of those that ended meanwhile:
// a turn of the loop for each would cost more than they do.
func (l *looping) completed(c engine.Completion) {
	d := l.driver
	for {
		d.underWay.Add(-1)
		l.take(d.dispatcher.Completed(time.Now(), c))
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
func (l *looping) accept(x *decided) {
	l.group.states = append(l.group.states, x.state)
	l.group.bytes += x.size
	l.group.accepted = append(l.group.accepted, x)
	if x.export != nil {
		l.driver.exports.Add(1)
		l.driver.pending.Add(1)
		l.driver.held.take(heldBy(x.export))
		l.take(l.driver.dispatcher.Enqueue(time.Now(), x.export))
	}
}

// take gathers effects.
func (l *looping) take(e engine.Effects) {
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
		d.letGo(s.Message)
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
		d.letGo(m)
	}
	d.inMemory.Store(int64(d.dispatcher.InMemory()))
	if !e.WakeAt.IsZero() && !e.WakeAt.Equal(l.wakeAt) {
		l.wakeAt = e.WakeAt
		l.timer.Reset(time.Until(e.WakeAt))
	}
}

// end begins the end: no new attempt, unless everything is to be finished.
func (l *looping) end() {
	if !l.driver.config.FinishQueue {
		l.take(l.driver.dispatcher.SetEnabled(time.Now(), false))
	}
}

// finished says whether a clean end is reached.
func (l *looping) finished() bool {
	d := l.driver
	if d.config.FinishQueue && d.pending.Load() > 0 {
		return false
	}
	return l.group.empty() && d.underWay.Load() == 0
}

// commit makes one group after the other durable, and only then begins what it
// asks for on the wire and answers those who wait.
func (d *Driver) commit(ctx context.Context) {
	defer close(d.retired)
	for g := range d.groups {
		if err := d.config.Store.Commit(g.states, g.records); err != nil {
			d.fail(err)
			for _, x := range g.accepted {
				x.done <- err
			}
			for _, r := range g.resent {
				r.done <- err
			}
			continue // the loop ends, and with it this one
		}
		d.count(g.records)
		for _, x := range g.accepted {
			d.updates.Add(1)
			x.shard.release(x.state, true)
			x.done <- nil
		}
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
	}
}

// count keeps the number of dead letters true, and tells of the new ones.
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
