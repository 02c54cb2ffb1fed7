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
	return &Resting{Ask: x.ask, Wait: pause, Most: most}
}

// alone sends one message after the other.
type alone struct {
	Attack
	keeper *keeper
	asked  uint64
}

func (x *alone) ask(ctx context.Context) (Answer, error) {
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	c, err := x.keeper.credentials(ctx)
	if err != nil {
		return Answer{}, notReady(err)
	}
	op := engine.Operation{ID: engine.OperationID(x.asked + 1), Kind: engine.Attempt, Message: x.Messages[x.asked%uint64(len(x.Messages))], Number: 1,
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
