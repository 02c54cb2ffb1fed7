package loadtest

import (
	"math/rand/v2"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/loadtest/model"
)

// VirtualReceiver answers by chance: after a latency, with a share of errors,
// at most Servers at once where that is not 0; what waits longer than the
// attempt's budget is answered to nobody, and costs the server all the same.
type VirtualReceiver struct {
	Latency model.Latency
	Errors  float64
	Servers int
	Rate    float64 // requests a second that it takes, what is more is answered 429; 0: no limit
	Burst   float64 // requests that Rate lets through at once; 0: a tenth of a second's worth
	// Once its servers are Thrashes behind, each request takes them Slower times
	// as long, until nothing waits; 0: never.
	Thrashes time.Duration
	Slower   float64
	// Once its servers are Breaks behind, it answers 503 for ever; 0: never.
	Breaks time.Duration
	// Leak is how much slower each request makes all that follow.
	Leak time.Duration
	// Stores is how many accepted messages a second reach its storage, one after
	// the other; 0: each is stored before it is answered.
	Stores float64
}

// virtualReceiver is a receiver with its state. Times are nanoseconds from the
// beginning of its time.
type virtualReceiver struct {
	VirtualReceiver
	random    *rand.Rand
	free      []int64 // when each server is free, the soonest anywhere
	tokens    float64
	filled    int64 // when tokens was right
	seen      int64 // requests
	thrashing bool
	broken    bool
	stored    int64 // when everything that was accepted is stored
}

func (v VirtualReceiver) begin(seed uint64) *virtualReceiver {
	r := &virtualReceiver{VirtualReceiver: v, random: rand.New(rand.NewPCG(seed, 0x10ad)), free: make([]int64, v.Servers)}
	r.tokens = r.bucket()
	return r
}

// bucket is how many tokens there may be.
func (r *virtualReceiver) bucket() float64 {
	if r.Burst > 0 {
		return r.Burst
	}
	return max(1, r.Rate*burstSeconds)
}

// draw is what chance decides about a request: how long it takes, and its
// status.
func (r *virtualReceiver) draw() (took time.Duration, status int) {
	took, status = time.Duration(r.Latency.Quantile(r.random.Float64())*float64(time.Second)), 200
	if r.Errors > 0 && r.random.Float64() < r.Errors {
		status = 503
	}
	return took, status
}

// answer is what comes of a request that arrives now, and after how long.
func (r *virtualReceiver) answer(now int64, budget time.Duration) (time.Duration, retry.Outcome) {
	took, status := r.draw()
	return r.serve(now, budget, took, status)
}

// serve has a request of which chance has decided wait its turn.
func (r *virtualReceiver) serve(now int64, budget, took time.Duration, status int) (time.Duration, retry.Outcome) {
	if r.Rate > 0 && !r.token(now) {
		return 0, answered(429)
	}
	took += time.Duration(r.seen) * r.Leak
	r.seen++
	if len(r.free) > 0 {
		if took = r.queue(now, took); r.broken {
			return 0, answered(503)
		}
	}
	if took > budget {
		return budget, retry.Outcome{Kind: retry.Timeout, Reason: "no-answer-in-time"}
	}
	if status == 200 && r.Stores > 0 {
		r.stored = max(r.stored, now+int64(took)) + int64(float64(time.Second)/r.Stores)
	}
	return took, answered(status)
}

func answered(status int) retry.Outcome { return retry.Outcome{Kind: retry.Answered, Status: status} }

// token takes one from the bucket.
func (r *virtualReceiver) token(now int64) bool {
	r.tokens = min(r.bucket(), r.tokens+float64(now-r.filled)/1e9*r.Rate)
	r.filled = now
	if r.tokens < 1 {
		return false
	}
	r.tokens--
	return true
}

// queue has a request wait for the server that is free first.
func (r *virtualReceiver) queue(now int64, work time.Duration) time.Duration {
	soonest := 0
	for i, at := range r.free {
		if at < r.free[soonest] {
			soonest = i
		}
	}
	behind := time.Duration(r.free[soonest] - now)
	if r.Breaks > 0 && behind >= r.Breaks {
		r.broken = true
	}
	if r.thrashing = r.Thrashes > 0 && (behind >= r.Thrashes || r.thrashing && behind > 0); r.thrashing {
		work = time.Duration(float64(work) * r.Slower)
	}
	from := max(now, r.free[soonest])
	r.free[soonest] = from + int64(work)
	return time.Duration(r.free[soonest] - now)
}
