package loadtest

import (
	"context"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/live"
)

// credentials are what attempts carry: whether the client certificate is
// presented, and the access token.
type credentials struct {
	certificate bool
	token       dataflow.Secret
	lifetime    time.Duration // of the token; 0: it was not said, or there is none
}

// ready settles the mTLS decision and fetches a token, as the engine's
// dispatcher does before a first attempt, and sends no message.
func ready(ctx context.Context, s engine.Settings, perform live.Perform) (credentials, error) {
	d := engine.NewDispatcher(s)
	effects := d.Enqueue(time.Now(), &engine.Export{ID: "ready#1", Profile: "ready"})
	var c credentials
	for len(effects.Send) > 0 {
		op := effects.Send[0]
		if op.Kind == engine.Attempt {
			c.certificate, c.token = op.Certificate, op.Token
			return c, nil
		}
		end := perform(ctx, op)
		if end.Issued != nil {
			c.lifetime = end.Issued.ExpiresIn
		}
		effects = d.Completed(time.Now(), end)
		for _, u := range effects.Unsent {
			what := "the mTLS decision"
			if op.Kind == engine.Token {
				what = "the access token"
			}
			return c, fmt.Errorf("%s could not be had: %s (%s)", what, u.Outcome, u.Outcome.Reason)
		}
	}
	return c, ctx.Err()
}
