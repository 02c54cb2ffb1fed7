package simulate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// wall is the environment of a driver on the wall clock: TCP on loopback, timers,
// and a clock that began at the start of the scenario.
type wall struct {
	start    time.Time         // of the scenario
	began    time.Time         // of the run, on the wall clock
	address  map[string]string // of the endpoint, by host of the scenario
	finished chan *operation
	running  sync.WaitGroup
	begun    int // and not taken up; touched by the driver alone

	mu       sync.Mutex
	underWay map[*operation]bool
	carriers map[string]carrier // by the local address of a dialled socket
	saw      sightings
}

// newWall begins now.
func newWall(start time.Time) *wall {
	return &wall{start: start, began: time.Now(), address: map[string]string{}, finished: make(chan *operation),
		underWay: map[*operation]bool{}, carriers: map[string]carrier{}}
}

// host implements environment.
func (w *wall) host(at *site, o *mockendpoint.Options) error {
	l, t, err := listenOnTCP()
	if err != nil {
		return err
	}
	data, tokens := at.hosts()
	w.address[data], w.address[tokens] = l.Addr().String(), t.Addr().String()
	o.Journal, o.Now = wallEntries{w, at}, w.Now
	at.listener, at.tokenListener = l, t
	return nil
}

// listenOnTCP opens ports on loopback, for data and for tokens.
func listenOnTCP() (data, tokens net.Listener, err error) {
	if data, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("a port for the mock endpoint: %w", err)
	}
	if tokens, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, nil, fmt.Errorf("a port for the token endpoint: %w", errors.Join(err, data.Close()))
	}
	return data, tokens, nil
}

// dial implements environment.
func (w *wall) dial(c *delivery.Config) { c.Dial, c.Now = w.connect, w.Now }

// Now is the time of the scenario.
func (w *wall) Now() time.Time { return w.start.Add(time.Since(w.began)) }

// connect connects to an endpoint by its name in the scenario, no other name
// resolves, and remembers whose socket it is: the endpoint counts them as they
// arrive.
func (w *wall) connect(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	there, known := w.address[host]
	if !known {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	c, err := (&net.Dialer{}).DialContext(ctx, network, there)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.carriers[c.LocalAddr().String()] = ctx.Value(operationKey{}).(*operation).carrier()
	return c, nil
}

// wallEntries is the journal of one site.
type wallEntries struct {
	wall *wall
	at   *site
}

// Request implements journal.Sink.
func (e wallEntries) Request(r journal.Request) {
	e.wall.mu.Lock()
	defer e.wall.mu.Unlock()
	e.wall.saw.request(r, e.at, e.wall.carriers[r.Remote])
}

// Handshake implements journal.Sink.
func (e wallEntries) Handshake(h journal.Handshake) {
	e.wall.mu.Lock()
	defer e.wall.mu.Unlock()
	e.wall.saw.handshake(h, e.at, e.wall.carriers[h.Remote])
}

// seen implements environment.
func (w *wall) seen() sightings {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.saw.taken()
}

// begin implements environment.
func (w *wall) begin(op *operation) {
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), operationKey{}, op))
	op.cancel, op.started = cancel, w.Now()
	w.mu.Lock()
	w.underWay[op] = true
	w.mu.Unlock()
	w.begun++
	budget := time.AfterFunc(op.op.Budget, func() { cancel(delivery.ErrDeadline) })
	w.running.Go(func() { // ends at the latest when its budget is spent
		op.result = op.exchange.Do(ctx)
		op.ended = w.Now()
		budget.Stop()
		cancel(nil)
		w.mu.Lock()
		delete(w.underWay, op)
		w.mu.Unlock()
		w.finished <- op
	})
}

// play implements environment: it takes events when they are due, and ends of
// operations as they come.
func (w *wall) play(ctx context.Context, d *driver) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := d.agenda.peek()
		if next == nil && w.begun == 0 {
			return nil
		}
		if next != nil {
			timer.Reset(next.at.Sub(w.Now()))
		} else {
			timer.Stop()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case op := <-w.finished:
			w.begun--
			d.advance(op.ended)
			d.recordJournal()
			if err := d.completed(op); err != nil {
				return err
			}
		case <-timer.C:
			// Planned events happen at the planned time: a slightly late timer does not
			// change a decision.
			e := d.agenda.next()
			d.advance(e.at)
			if err := e.run(); err != nil {
				return err
			}
		}
	}
}

// abandon implements environment.
func (w *wall) abandon() {
	w.mu.Lock()
	for op := range w.underWay {
		op.cancel(delivery.ErrDeadline)
	}
	w.mu.Unlock()
	done := make(chan struct{})
	go func() { w.running.Wait(); close(done) }()
	for {
		select {
		case <-w.finished: // nobody takes its end up any more
		case <-done:
			return
		}
	}
}
