package loadtest

import (
	"context"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
)

// Resting sends single messages of the attack to its receiver, with the
// credentials that the attack would have. The error is ErrNotReady.
func (a Attack) Resting(most time.Duration) *Resting {
	x := alone{Attack: a, keeper: newKeeper(a.Settings, a.Perform)}
	r := &Resting{Ask: x.ask, Wait: pause, Most: most}
	if a.ReadBack != nil {
		r.Stored = x.stored
	}
	return r
}

// stored sends a message that nobody has sent before, and waits for it.
func (x *alone) stored(ctx context.Context, most time.Duration) (ok bool, err error) {
	s := x.ReadBack.next()
	a, err := x.send(ctx, s.message)
	if err != nil || !a.OK {
		return false, err
	}
	_, ok, err = x.ReadBack.until(ctx, s.ecid, most)
	return ok, err
}

// alone sends one message after the other.
type alone struct {
	Attack
	keeper *keeper
	asked  uint64
}

func (x *alone) ask(ctx context.Context) (Answer, error) {
	return x.send(ctx, x.Messages[x.asked%uint64(len(x.Messages))])
}

func (x *alone) send(ctx context.Context, m *engine.Message) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	c, err := x.keeper.credentials(ctx)
	if err != nil {
		return Answer{}, notReady(err)
	}
	op := engine.Operation{ID: engine.OperationID(x.asked + 1), Kind: engine.Attempt, Message: m, Number: 1,
		Certificate: c.certificate, Token: c.token, Budget: engine.Budget}
	x.asked++
	began := time.Now()
	end := x.Perform(ctx, op)
	took := time.Since(began)
	if unauthorized(end.Outcome) && !x.keeper.until.IsZero() {
		if _, err := x.keeper.refused(ctx); err != nil {
			return Answer{}, notReady(err)
		}
	}
	return Answer{Took: took, Outcome: end.Outcome.String(), OK: end.Outcome.Delivered()}, ctx.Err()
}

func unauthorized(o retry.Outcome) bool {
	return o.Kind == retry.Answered && o.Status == http.StatusUnauthorized
}

// pause waits, or until ctx is done.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
