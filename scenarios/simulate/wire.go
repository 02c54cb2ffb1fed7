package simulate

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios/simulate/memnet"
)

// patience is how much wall time may pass without anything happening on the
// wire before a run is given up as inconclusive.
const patience = 5 * time.Second

// wire is what the driver and both ends of every socket share, under the lock
// of the network: virtual now, who is parked, what has finished. The rules it
// follows are those of an experiment; a simpler scheme races.
type wire struct {
	net      *memnet.Network
	patience time.Duration
	agenda   *events
	now      time.Time
	sites    map[string]*site // by address
	sockets  map[int]*socket  // open ones, by ordinal of the network
	carriers map[carrier]*socket
	arrivals map[arrival]*socket // the same sockets, as their endpoints count them
	open     map[*operation]bool
	running  sync.WaitGroup // goroutines of operations
	finished []*operation   // in this step
	saw      sightings
}

// arrival names a socket: the nth that came to a site.
type arrival struct {
	site *site
	nth  int
}

// socket is one connection as the driver sees it.
type socket struct {
	*memnet.Socket
	carrier carrier
	arrival arrival
	op      *operation // open on it
	parked  *parking   // the endpoint waits
	idle    bool       // the endpoint expects a request
	done    bool       // nothing of the endpoint runs for it
}

// parking is one wait of the endpoint.
type parking struct {
	wake  chan struct{}
	event *event // nil for a wait without end
}

// operation is one exchange under way.
type operation struct {
	op        engine.Operation
	outlet    *outlet
	exchange  *delivery.Exchange
	started   time.Time
	cancel    context.CancelCauseFunc
	ended     time.Time // on the wall clock
	deadline  *event
	encrypted bool

	handshaken, written, cancelled, finished bool
	result                                   delivery.Result
}

func newWire(a *events, now time.Time) *wire {
	w := &wire{
		net: memnet.New(), patience: patience, agenda: a, now: now,
		sites: map[string]*site{}, sockets: map[int]*socket{}, carriers: map[carrier]*socket{}, arrivals: map[arrival]*socket{},
		open: map[*operation]bool{},
	}
	w.net.OnDial = func(ctx context.Context, s *memnet.Socket) {
		op, at := ctx.Value(operationKey{}).(*operation), w.sites[s.Address()]
		at.sockets++
		k := &socket{Socket: s, op: op, carrier: op.carrier(), arrival: arrival{at, at.sockets}}
		w.sockets[s.Ordinal], w.carriers[k.carrier], w.arrivals[k.arrival] = k, k, k
	}
	return w
}

// host implements environment.
func (w *wire) host(at *site, o *mockendpoint.Options) error {
	o.Journal, o.Now, o.Wait, o.OnState = entries{w, at}, w.Now, w.wait, w.stateChanged
	data, tokens := at.addresses()
	w.sites[data], w.sites[tokens] = at, at
	at.listener, at.tokenListener = w.net.Listen(data), w.net.Listen(tokens)
	return nil
}

// dial implements environment.
func (w *wire) dial(c *delivery.Config) { c.Dial, c.Now = w.net.Dial, w.Now }

type operationKey struct{}

// carrier names the socket of the operation.
func (op *operation) carrier() carrier { return carrier{op.outlet, op.exchange.Socket()} }

// Now is the virtual clock of both ends.
func (w *wire) Now() time.Time {
	w.net.Lock()
	defer w.net.Unlock()
	return w.now
}

// wait is the endpoint's Options.Wait: it parks the exchange until the driver
// comes to now+d, or the client leaves.
func (w *wire) wait(ctx context.Context, d time.Duration) error {
	ordinal := mockendpoint.RawConn(ctx).(*memnet.Conn).Socket().Ordinal
	p := &parking{wake: make(chan struct{})}
	w.net.Lock()
	k := w.sockets[ordinal]
	k.parked = p
	if d != mockendpoint.Forever {
		p.event = w.agenda.add(w.now.Add(d), wakeUp, func() error {
			w.net.Lock()
			defer w.net.Unlock()
			k.parked = nil // before the goroutine runs
			w.net.Touch()
			close(p.wake)
			return nil
		})
	}
	w.net.Touch()
	w.net.Unlock()
	select {
	case <-p.wake:
		return nil
	case <-ctx.Done():
	}
	w.net.Lock()
	defer w.net.Unlock()
	if k.parked == p {
		k.parked = nil
	}
	if p.event != nil {
		w.agenda.disarm(p.event)
	}
	w.net.Touch()
	return ctx.Err()
}

// stateChanged is the endpoint's Options.OnState.
func (w *wire) stateChanged(c net.Conn, s mockendpoint.State) {
	w.net.Lock()
	defer w.net.Unlock()
	k := w.sockets[c.(*memnet.Conn).Socket().Ordinal]
	k.idle = s == mockendpoint.Idle
	k.done = k.done || s == mockendpoint.Done
	w.net.Touch()
}

// entries is the journal of one site.
type entries struct {
	wire *wire
	at   *site
}

// Request implements journal.Sink.
func (e entries) Request(r journal.Request) {
	e.wire.net.Lock()
	defer e.wire.net.Unlock()
	r.Answered = e.wire.now
	e.wire.saw.request(r, e.at, e.wire.carrierOf(e.at, r.Socket))
}

// Handshake implements journal.Sink.
func (e entries) Handshake(h journal.Handshake) {
	e.wire.net.Lock()
	defer e.wire.net.Unlock()
	e.wire.saw.handshake(h, e.at, e.wire.carrierOf(e.at, h.Socket))
}

// carrierOf is the sender's name of the endpoint's nth socket: one that was
// never opened has a number at the sender alone. The caller holds the lock.
func (w *wire) carrierOf(at *site, n int) carrier {
	if k := w.arrivals[arrival{at, n}]; k != nil {
		return k.carrier
	}
	return carrier{ordinal: n}
}

// begin sets an operation in motion. It is registered before its goroutine
// runs, and the socket it reuses is no longer idle.
func (w *wire) begin(op *operation) {
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), operationKey{}, op))
	op.cancel = cancel
	note := func(flag *bool) func() {
		return func() {
			w.net.Lock()
			defer w.net.Unlock()
			*flag = true
			w.net.Touch()
		}
	}
	op.exchange.OnHandshake, op.exchange.OnWritten = note(&op.handshaken), note(&op.written)
	w.net.Lock()
	op.started = w.now
	w.open[op] = true
	if op.exchange.Reused {
		k := w.carriers[op.carrier()]
		k.op, k.idle = op, false
		op.handshaken = true
	}
	op.deadline = w.agenda.add(w.now.Add(op.op.Budget), deadline, func() error {
		w.net.Lock()
		op.cancelled = true
		w.net.Touch()
		w.net.Unlock()
		cancel(delivery.ErrDeadline)
		return nil
	})
	w.net.Unlock()
	w.running.Go(func() { // ends at the latest when the deadline cancels it
		result := op.exchange.Do(ctx)
		w.net.Lock()
		defer w.net.Unlock()
		op.result, op.finished = result, true
		w.agenda.disarm(op.deadline)
		w.finished = append(w.finished, op)
		w.net.Touch()
	})
}

// stuck is the error of a run in which nothing happened for patience.
type stuck struct {
	patience time.Duration
	what     string
}

func (s stuck) Error() string {
	return fmt.Sprintf("nothing happened for %s of wall time while %s", s.patience, s.what)
}

// advance moves virtual time on. Everything is settled.
func (w *wire) advance(to time.Time) {
	w.net.Lock()
	defer w.net.Unlock()
	w.now = to
}

// seen implements environment.
func (w *wire) seen() sightings {
	w.net.Lock()
	defer w.net.Unlock()
	return w.saw.taken()
}

// abandon implements environment.
func (w *wire) abandon() {
	w.net.Lock()
	for op := range w.open {
		op.cancelled = true
		op.cancel(delivery.ErrDeadline)
	}
	w.net.Unlock()
	w.running.Wait()
}
