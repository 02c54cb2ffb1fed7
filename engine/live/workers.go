package live

import (
	"context"
	"errors"
	"sync"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/agenda"
	"github.com/httpdest/httpdest/engine/store"
)

// idleWorkers is how many workers wait for something to do: what a burst needed
// beyond that is given back. A worker that is used again has its stack already,
// which a new one would have to grow for every request.
const idleWorkers = 256

// workers perform operations: attempts of a dataflow no more than a number at once, in
// the order in which they were handed over, and all others right away.
type workers struct {
	driver *Driver

	mu      sync.Mutex
	flows   []*attempting
	idle    int
	work    chan engine.Operation // to a worker that waits
	running sync.WaitGroup
}

// attempting is the attempts of one dataflow.
type attempting struct {
	dataflow string
	most     int // at once
	busy     int
	waiting  agenda.Queue[engine.Operation]
}

func newWorkers(d *Driver) *workers {
	w := &workers{driver: d, work: make(chan engine.Operation, idleWorkers)}
	for _, f := range d.config.Dataflows {
		w.flows = append(w.flows, &attempting{dataflow: f.Snapshot.Flow.ID, most: f.Settings.MaxInFlight})
	}
	return w
}

// of is the attempts of the dataflow of an operation.
func (w *workers) of(op engine.Operation) *attempting {
	for _, f := range w.flows {
		if f.dataflow == op.Dataflow {
			return f
		}
	}
	panic("live: an operation of the dataflow " + op.Dataflow + ", which the engine does not have")
}

// begin hands an operation over.
func (w *workers) begin(ctx context.Context, op engine.Operation) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if op.Kind == engine.Attempt {
		f := w.of(op)
		if f.busy >= f.most {
			f.waiting.Add(op)
			return
		}
		f.busy++
	}
	if w.idle > 0 {
		w.idle--
		w.work <- op // there is room for what idle workers are owed
		return
	}
	w.running.Go(func() { w.run(ctx, op) }) // ends with ctx
}

// run performs an operation, and then those that are handed to it.
func (w *workers) run(ctx context.Context, op engine.Operation) {
	for {
		if op.Kind == engine.Attempt {
			w.driver.attempts.Add(1)
		}
		c := w.driver.perform(ctx, op)
		c.Operation = op.ID
		select {
		case w.driver.completed <- ended{op, c}:
		case <-w.driver.dead: // nobody takes it up: at the next start it is unknown
			return
		}
		var more, stays bool
		if op, more, stays = w.next(op); more {
			continue
		}
		if !stays {
			return
		}
		select {
		case op = <-w.work:
		case <-ctx.Done():
			return
		}
	}
}

// perform does an operation: on the wire it ends with its budget, or with ctx.
func (d *Driver) perform(ctx context.Context, op engine.Operation) engine.Completion {
	if op.Kind != engine.Load {
		return d.config.Perform(ctx, op)
	}
	m, err := d.config.Store.Read(op.Message)
	var unreadable *store.Unreadable
	switch {
	case errors.As(err, &unreadable):
		d.refuse(unreadable) // this message alone
	case err != nil:
		d.fail(err)
	}
	return engine.Completion{Loaded: m}
}

// next is the attempt of the same dataflow that waited longest; where none does, it
// reports whether the worker stays for what comes.
func (w *workers) next(done engine.Operation) (op engine.Operation, more, stays bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if done.Kind == engine.Attempt {
		f := w.of(done)
		if f.waiting.Len() > 0 {
			return f.waiting.Take(), true, true
		}
		f.busy--
	}
	if w.idle >= idleWorkers {
		return op, false, false
	}
	w.idle++
	return op, false, true
}
