package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// Attack drives a receiver with messages that the engine built, one attempt
// each.
type Attack struct {
	Pace       Pace
	Workers    int // at most at once; 0: as many as there can be requests within their budget
	Messages   []*engine.Message
	Settings   engine.Settings // how the mTLS decision and a token are got
	Perform    live.Perform    // on sockets of its own
	To         string          // for the report
	Objectives []Objective
	Progress   func(at time.Duration, c Counts) // every second; nil: nobody asks
	// Begun is called when the first request is due; nil: nobody asks.
	Begun func()
	Note  string // of the cost
	Offer Offer  // of a trial
	Abort []Abort
	// ReadBack follows some messages to the storage; nil: nobody asks.
	ReadBack *ReadBack
	// Watch is called with the record of the load before it begins; nil: nobody asks.
	Watch func(*Recorder)
	Start Start
	// Results keeps each request as Vegeta does; nil: nobody asks.
	Results *Results
}

// message is that of request n: they take turns.
func (a Attack) message(n uint64) *engine.Message { return a.Messages[n%uint64(len(a.Messages))] }

// mostWorkers bounds what Workers 0 comes to, as a quarter of the files that
// may be open does: beyond it a machine has no sockets left, and the mock
// endpoint in this process needs one for each of theirs.
const mostWorkers = 20_000

// workers is how many requests may be under way at once. Within the budget of
// two seconds each, no pace has more than its peak for two seconds.
func (a Attack) workers() int {
	if a.Workers > 0 {
		return a.Workers
	}
	return int(min(mostWorkers, float64(openFiles()/4), math.Ceil(a.Pace.Peak()*1.25*engine.Budget.Seconds())+50))
}

// ErrNotReady is a receiver of which the mTLS decision or the access token
// cannot be had: nothing was sent.
var ErrNotReady = errors.New("nothing was sent")

func notReady(err error) error { return fmt.Errorf("%w: %w", ErrNotReady, err) }

// Run sends until the pace ends or ctx is done; what is under way then ends by
// itself. The error is ErrNotReady.
func (a Attack) Run(ctx context.Context) (*reports.Load, error) {
	l, _, err := a.run(ctx)
	return l, err
}

func (a Attack) run(ctx context.Context) (*reports.Load, *Recorder, error) {
	x := &attacking{Attack: a, clocked: newClocked(a.Pace, a.Progress), refused: make(chan struct{}, 1)}
	x.recorder.failuresWait = true
	x.recorder.lateness.sockets, x.recorder.lateness.alone = int64(a.workers()), true
	if err := x.prepare(ctx); err != nil {
		return nil, nil, err
	}
	ctx, end := x.begin(ctx, a.Abort, a.Watch)
	defer end()
	x.sampling(ctx)
	stop := x.keepReady(ctx)
	if err := a.Start.wait(ctx); err != nil {
		stop()
		return nil, nil, err
	}
	machine := observe(x.recorder.watch(x.pacer))
	elapsed := vegetate(ctx, x.pacer, a.workers(), x.hits())
	stop()
	g := machine.done()
	x.sampled()
	g.workers, g.mostWorkers, g.interrupted = x.recorder.peak(), int64(a.workers()), ctx.Err() != nil
	l := &reports.Load{Mode: Receiver, Clock: "wall", To: a.To, Began: x.pacer.start()}
	x.recorder.Fill(l, min(elapsed, a.Pace.Duration()))
	l.Cost = g.cost(x.recorder, a.Note)
	l.Cost.AttemptsPerExport = 0 // one each, by definition
	identify(l, a.Pace, a.Start)
	l.Doubts = append(l.Doubts, a.Start.doubts(x.pacer)...)
	x.recorder.judge(l, a.Objectives, g)
	return l, x.recorder, nil
}

// attacking is an attack on its way.
type attacking struct {
	Attack
	*clocked
	keeper      *keeper
	credentials atomic.Pointer[credentials]
	sampler     *sampler      // nil: there is no read-back
	refused     chan struct{} // holds one: the token in use was answered 401
}

// prepare gets the first credentials.
func (x *attacking) prepare(ctx context.Context) error {
	x.keeper = newKeeper(x.Settings, x.recorder.counting(x.Perform))
	c, err := x.keeper.credentials(ctx)
	if err != nil {
		return notReady(err)
	}
	x.credentials.Store(&c)
	return nil
}

// keepReady renews the token when the engine would: before it expires, and when
// it was refused. Where that fails the old one stays, and its refusal is an
// outcome. The end joins it.
func (x *attacking) keepReady(ctx context.Context) (end func()) {
	if x.keeper.until.IsZero() {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // ends with cancel
		defer close(done)
		for ctx.Err() == nil {
			renew, pause := x.keeper.credentials, time.Duration(0)
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(x.keeper.until)):
			case <-x.refused:
				renew, pause = x.keeper.refused, time.Second // a receiver that takes no token is asked no oftener
			}
			c, err := renew(ctx)
			if err != nil {
				pause = time.Second
			} else {
				x.credentials.Store(&c)
			}
			select {
			case <-x.refused: // of the token before
			default:
			}
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}()
	return func() { cancel(); <-done }
}

// hit sends one message by the engine's own wire: its form, its budget, its
// words for what went wrong.
func (x *attacking) hit(ctx context.Context, n uint64) retry.Outcome {
	if n == 0 && x.Begun != nil {
		x.Begun()
	}
	c, due := x.credentials.Load(), x.Pace.Due(n)
	op := engine.Operation{ID: engine.OperationID(n + 1), Kind: engine.Attempt, Message: x.message(n), Number: 1,
		Certificate: c.certificate, Token: c.token, Budget: engine.Budget}
	began := x.pacer.since(time.Now())
	ecid, asked := x.sample(&op, began)
	x.recorder.Begin(due, began)
	x.recorder.Open(began)
	end := x.Perform(ctx, op)
	ended := x.pacer.since(time.Now())
	ok := end.Outcome.Delivered()
	x.recorder.Attempt(began, ended, end.Outcome.String(), ok)
	x.recorder.Over(due, began, ended, ok)
	if asked && ok {
		x.sampler.ask(due, ecid)
	}
	if unauthorized(end.Outcome) && c.token != "" && c == x.credentials.Load() {
		select {
		case x.refused <- struct{}{}:
		default:
		}
	}
	return end.Outcome
}
