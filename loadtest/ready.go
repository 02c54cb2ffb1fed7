package loadtest

import (
	"context"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// credentials are what attempts carry: whether the client certificate is
// presented, and the access token.
type credentials struct {
	certificate bool
	token       dataflow.Secret
}

// keeper has credentials of the engine's own dispatcher: the mTLS decision, and
// an access token that is renewed when the engine would. It sends no message.
// One goroutine at a time uses it.
type keeper struct {
	dispatcher *engine.Dispatcher
	perform    live.Perform
	asked      int
	until      time.Time // when the token is to be renewed; zero without a token
}

func newKeeper(s engine.Settings, perform live.Perform) *keeper {
	s.Policy, s.MaxInFlight, s.Batching = retry.Policy{}, 1, engine.Batching{} // what cannot be had is said, and not tried again
	return &keeper{dispatcher: engine.NewDispatcher(s), perform: perform}
}

// credentials asks for what is not known, or not good any more.
func (k *keeper) credentials(ctx context.Context) (credentials, error) { return k.attempt(ctx, 204) }

// refused takes in that the token in use was answered 401, and requests
// another.
func (k *keeper) refused(ctx context.Context) (credentials, error) {
	if c, err := k.attempt(ctx, 401); err != nil {
		return c, err
	}
	return k.attempt(ctx, 204)
}

// attempt has the dispatcher make everything ready for an attempt, which is not
// made, and passes it a status.
func (k *keeper) attempt(ctx context.Context, status int) (credentials, error) {
	k.asked++
	id := fmt.Sprintf("ready-%d", k.asked)
	effects := k.dispatcher.Enqueue(time.Now(), &engine.Export{ID: id, Profile: profile.ID(id)})
	for len(effects.Send) > 0 {
		op := effects.Send[0]
		if op.Kind == engine.Attempt {
			k.dispatcher.Completed(time.Now(), engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: status}})
			return credentials{op.Certificate, op.Token}, nil
		}
		asked := time.Now()
		end := k.perform(ctx, op)
		end.Operation = op.ID
		if end.Issued != nil {
			k.until = renewal(asked, end.Issued.ExpiresIn)
		}
		effects = k.dispatcher.Completed(time.Now(), end)
		for _, u := range effects.Unsent {
			what := "the mTLS decision"
			if op.Kind == engine.Token {
				what = "the access token"
			}
			return credentials{}, fmt.Errorf("%s could not be obtained: %s (%s)", what, u.Outcome, u.Outcome.Reason)
		}
	}
	return credentials{}, ctx.Err()
}

// renewal is when the dispatcher does not use a token any more (A69).
func renewal(asked time.Time, lifetime time.Duration) time.Time {
	if lifetime == 0 {
		lifetime = engine.DefaultLifetime
	}
	return asked.Add(lifetime - min(30*time.Second, lifetime/10))
}
