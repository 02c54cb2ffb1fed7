package simulate

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
)

// settle waits until nothing on the wire will happen before virtual time goes
// on: every operation is finished or parked with its answer incomplete, and
// every socket is at rest. It then returns the operation that finished in this
// step, nil for none.
func (w *wire) settle() (*operation, error) {
	timer := time.NewTimer(w.patience)
	defer timer.Stop()
	for last := uint64(0); ; {
		version, settled := w.settled()
		if settled {
			break
		}
		if version != last {
			last = version
			timer.Reset(w.patience)
		}
		select {
		case <-w.net.Changed():
		case <-timer.C:
			return nil, stuck{w.patience, w.unsettled()}
		}
	}
	w.net.Lock()
	defer w.net.Unlock()
	if len(w.finished) > 1 {
		panic(fmt.Sprintf("simulate: one event finished %d operations", len(w.finished)))
	}
	var op *operation
	if len(w.finished) == 1 {
		op = w.finished[0]
		op.cancel(nil) // releases its context
		delete(w.open, op)
	}
	w.finished = nil
	w.forget(op)
	return op, nil
}

// forget takes a finished operation off its socket, and drops sockets that are
// gone on both ends.
func (w *wire) forget(op *operation) {
	for ordinal, k := range w.sockets {
		if k.op == op {
			k.op = nil
		}
		if k.ClientClosed() && k.done {
			delete(w.sockets, ordinal)
			delete(w.carriers, k.carrier)
			delete(w.arrivals, k.arrival)
		}
	}
}

// settled reports whether the wire is at rest, and at which version of it.
func (w *wire) settled() (version uint64, ok bool) {
	waiting, version, ok := w.atRest()
	if !ok {
		return version, false
	}
	// Outside the lock: net/http calls our Close while it holds its own.
	for _, x := range waiting {
		if !x.InFlight() {
			return version, false
		}
	}
	w.net.Lock()
	defer w.net.Unlock()
	return w.net.Version(), w.net.Version() == version
}

// atRest looks at every operation and socket under the lock, and returns the
// exchanges whose answer must turn out to be incomplete.
func (w *wire) atRest() (waiting []*delivery.Exchange, version uint64, ok bool) {
	w.net.Lock()
	defer w.net.Unlock()
	version = w.net.Version()
	carried := 0
	for _, k := range w.sockets {
		if k.op != nil && !k.op.finished {
			carried++
			if !k.parkedForSure() {
				return nil, version, false
			}
			if k.op.written {
				waiting = append(waiting, k.op.exchange)
			}
			continue
		}
		gone := k.ClientClosed() && k.done
		// Parked without an exchange is what comes after an answer.
		atEase := (k.idle || k.parked != nil) && !k.InFlight() && k.ClientReading()
		if !gone && !atEase {
			return nil, version, false
		}
	}
	unfinished := 0
	for op := range w.open {
		if !op.finished {
			unfinished++
		}
	}
	// An operation without a socket yet is still dialling.
	return waiting, version, carried == unfinished
}

// parkedForSure reports whether the socket's exchange is at rest: the endpoint
// waits, the client is blocked in a read with nothing on its way to it, and it
// is past the handshake with its request written, or within the handshake.
func (k *socket) parkedForSure() bool {
	if k.parked == nil || k.op.cancelled || k.ToClient() || !k.ClientReading() {
		return false
	}
	if k.op.encrypted && !k.op.handshaken {
		return true
	}
	return k.op.written
}

// unsettled names an exchange that keeps the wire from rest.
func (w *wire) unsettled() string {
	w.net.Lock()
	defer w.net.Unlock()
	for op := range w.open {
		if op.finished {
			continue
		}
		what := string(op.op.Kind)
		if op.op.Message != nil {
			what = fmt.Sprintf("%s %d of %s", op.op.Kind, op.op.Number, op.op.Message.ID)
		}
		return what + " was under way"
	}
	return "a socket was closing"
}
