package loadtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// issuer is a token endpoint and a receiver that takes its tokens: each lives
// for so long, all are over at a revocation, and the endpoint may be down for a
// while. Requests take 50 ms, attempts 20 ms.
type issuer struct {
	lifetime         time.Duration // 0: it does not say, and they live on
	revoke           time.Duration // after the beginning; 0: never
	downFrom, downTo time.Duration

	mu     sync.Mutex
	began  time.Time
	issued map[dataflow.Secret]time.Time
	wrong  int // attempts with a token that is over
}

func (i *issuer) perform(_ context.Context, op engine.Operation) engine.Completion {
	answered := func(status int) engine.Completion {
		return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: status}}
	}
	if op.Kind == engine.Token {
		time.Sleep(50 * time.Millisecond) // of the bubble
	} else {
		time.Sleep(20 * time.Millisecond)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	now := time.Now()
	at := now.Sub(i.began)
	if op.Kind == engine.Token {
		if at >= i.downFrom && at < i.downTo {
			return answered(503)
		}
		token := dataflow.Secret(fmt.Sprintf("token-%d", len(i.issued)+1))
		i.issued[token] = now
		end := answered(200)
		end.Issued = &engine.Issued{Access: token, ExpiresIn: i.lifetime}
		return end
	}
	issued, known := i.issued[op.Token]
	if !known || i.lifetime > 0 && now.Sub(issued) >= i.lifetime || i.revoke > 0 && at >= i.revoke && issued.Sub(i.began) < i.revoke {
		i.wrong++
		return answered(401)
	}
	return answered(200)
}

// A token that runs out in the middle of a run is renewed before it does,
// through the engine and to a receiver alone: nothing is refused, nothing is
// lost, and the report counts what was asked for. One that is revoked is
// renewed after a refusal; the engine repeats what was refused, a load on the
// receiver counts it. While the token endpoint is down the old one goes on.
func TestTokensAreRenewed(t *testing.T) {
	for _, tt := range []struct {
		name     string
		issuer   *issuer
		requests reports.Tokens // in a minute, in either mode
		refused  bool
	}{
		// Asked for at 0, 18, 36 and 54 s: ten in a hundred before it is over.
		{"twenty seconds", &issuer{lifetime: 20 * time.Second}, reports.Tokens{Requests: 4}, false},
		{"an hour", &issuer{lifetime: time.Hour}, reports.Tokens{Requests: 1}, false},
		{"a lifetime that is not said", &issuer{lifetime: 0}, reports.Tokens{Requests: 1}, false},
		{"revoked", &issuer{lifetime: time.Hour, revoke: 30 * time.Second}, reports.Tokens{Requests: 2}, true},
	} {
		for _, mode := range []string{Receiver, Pipeline} {
			t.Run(tt.name+", "+mode, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					l, i := renewing(t, mode, tt.issuer)
					if l.Tokens == nil || *l.Tokens != tt.requests {
						t.Errorf("%+v; want %+v", l.Tokens, tt.requests)
					}
					if (i.wrong > 0) != tt.refused || i.wrong > 30 {
						t.Errorf("%d attempts were refused", i.wrong)
					}
					lost := int64(0)
					if mode == Receiver {
						lost = int64(i.wrong)
					}
					if l.Offered.Count != 3000 || l.Delivered.Count != 3000-lost || l.Failed.Count != lost || l.Unfinished != 0 {
						t.Errorf("offered %d, delivered %d, failed %d, unfinished %d", l.Offered.Count, l.Delivered.Count, l.Failed.Count, l.Unfinished)
					}
				})
			})
		}
	}
}

// While the token endpoint is down, a load on a receiver goes on with the old
// token as long as that is good, asks once a second, and counts the failures.
func TestTokenEndpointIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, i := renewing(t, Receiver, &issuer{lifetime: 40 * time.Second, downFrom: 30 * time.Second, downTo: 38 * time.Second})
		// At 36 s, and each 1.05 s after, until 38 s are over.
		if *l.Tokens != (reports.Tokens{Requests: 4, Failed: 2}) || i.wrong != 0 || l.Delivered.Count != 3000 {
			t.Errorf("%+v, %d refused, %d delivered", l.Tokens, i.wrong, l.Delivered.Count)
		}
	})
}

// renewing is a minute of load, fifty a second.
func renewing(t *testing.T, mode string, i *issuer) (*reports.Load, *issuer) {
	i.began, i.issued, i.wrong = time.Now(), map[dataflow.Secret]time.Time{}, 0
	x := through100(t, nil)
	x.Pace, x.Perform = Constant(50, time.Minute), i.perform
	x.Settings.Grant, x.Settings.Policy = engine.ClientCredentials, retry.Documented()
	var l *reports.Load
	var err error
	if mode == Pipeline {
		l, err = x.Run(t.Context())
	} else {
		l, err = Attack{Pace: x.Pace, Messages: x.Population.Messages(100, engine.Batching{}), Settings: x.Settings, Perform: x.Perform}.Run(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return l, i
}
