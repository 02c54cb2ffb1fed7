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

// wall is the ground of a driver on the wall clock: TCP on loopback, timers,
// and a clock that began at the start of the scenario.
type wall struct {
	start    time.Time         // of the scenario
	began    time.Time         // of the run, on the wall clock
	address  map[string]string // of the endpoint, by host of the scenario
	finished chan *operation
	running  sync.WaitGroup
	underWay int // touched by the driver alone

	mu       sync.Mutex
	open     map[*operation]bool
	carriers map[string]int // local address of a dialled socket -> its ordinal at the sender
	requests []journal.Request
	refused  []journal.Handshake
}

// onTheWallClock stands the driver on TCP.
func (s *stage) onTheWallClock(o *mockendpoint.Options, c *delivery.Config) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("a port for the mock endpoint: %w", err)
	}
	t, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("a port for the token endpoint: %w", errors.Join(err, l.Close()))
	}
	address := map[string]string{receiverHost: l.Addr().String(), authHost: t.Addr().String()}
	w := &wall{start: s.driver.now, began: time.Now(), address: address, finished: make(chan *operation),
		open: map[*operation]bool{}, carriers: map[string]int{}}
	o.Journal, o.Now = w, w.Now
	c.Dial, c.Now = w.dial, w.Now
	s.driver.ground, s.listener, s.tokenListener = w, l, t
	return nil
}

// Now is the time of the scenario.
func (w *wall) Now() time.Time { return w.start.Add(time.Since(w.began)) }

// dial connects to the endpoint by its name in the scenario, no other name
// resolves, and remembers whose socket it is: the endpoint counts them as they
// arrive.
func (w *wall) dial(ctx context.Context, network, address string) (net.Conn, error) {
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
	w.carriers[c.LocalAddr().String()] = ctx.Value(operationKey{}).(*operation).exchange.Socket()
	return c, nil
}

// Request implements journal.Sink.
func (w *wall) Request(r journal.Request) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r.Socket = w.carriers[r.Remote]
	w.requests = append(w.requests, r)
}

// Handshake implements journal.Sink.
func (w *wall) Handshake(h journal.Handshake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	h.Socket = w.carriers[h.Remote]
	w.refused = append(w.refused, h)
}

// seen implements ground.
func (w *wall) seen() ([]journal.Request, []journal.Handshake) {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests, refused := w.requests, w.refused
	w.requests, w.refused = nil, nil
	return requests, refused
}

// begin implements ground.
func (w *wall) begin(op *operation) {
	ctx, cancel := context.WithCancelCause(context.WithValue(context.Background(), operationKey{}, op))
	op.cancel, op.started = cancel, w.Now()
	w.mu.Lock()
	w.open[op] = true
	w.mu.Unlock()
	w.underWay++
	budget := time.AfterFunc(op.op.Budget, func() { cancel(delivery.ErrDeadline) })
	w.running.Go(func() { // ends at the latest when its budget is spent
		op.result = op.exchange.Do(ctx)
		op.ended = w.Now()
		budget.Stop()
		cancel(nil)
		w.mu.Lock()
		delete(w.open, op)
		w.mu.Unlock()
		w.finished <- op
	})
}

// play implements ground: it takes events when they are due, and ends of
// operations as they come.
func (w *wall) play(ctx context.Context, d *driver) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		next := d.agenda.peek()
		if next == nil && w.underWay == 0 {
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
			w.underWay--
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

// abandon implements ground.
func (w *wall) abandon() {
	w.mu.Lock()
	for op := range w.open {
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
