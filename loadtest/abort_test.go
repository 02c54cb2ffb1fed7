package loadtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

func abort(t *testing.T, text string) Abort {
	t.Helper()
	a, err := ParseAbort(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A threshold ends a load soon after it is reached, with a report that fails.
func TestAbort(t *testing.T) {
	fast := VirtualReceiver{Latency: model.Fixed(0.01)}
	for _, tt := range []struct {
		name, on   string
		receiver   VirtualReceiver
		from, for_ float64 // seconds in which it ends
		reached    string
	}{
		{"half of the requests fail", "errors>20%", VirtualReceiver{Latency: model.Fixed(0.01), Errors: 0.5}, 1, 2, "errors>20% was reached: "},
		{"none fails", "errors>20%", fast, 60, 60, ""},
		{"at the limit", "errors>=50%", VirtualReceiver{Latency: model.Fixed(0.01), Rate: 25, Burst: 1}, 1, 3, "errors>=50% was reached: 5"},
		{"a queue that grows to a second", "response.p95>1s", VirtualReceiver{Latency: model.Fixed(0.025), Servers: 1}, 5, 9, "response.p95>1s was reached: 1."},
		{"too few are delivered", "rate<40/s", VirtualReceiver{Latency: model.Fixed(0.01), Rate: 25, Burst: 1}, 10, 12, "rate<40/s was reached: 25"},
		{"one of two", "errors>90%", VirtualReceiver{Latency: model.Fixed(0.01), Rate: 25, Burst: 1}, 60, 60, ""},
	} {
		l, err := VirtualAttack{Pace: Constant(50, time.Minute), Target: NewVirtualTarget(tt.receiver, 1), Abort: []Abort{abort(t, tt.on)}}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if l.Seconds < tt.from || l.Seconds > tt.for_ || !strings.HasPrefix(l.Aborted, tt.reached) || (l.Aborted == "") != (tt.reached == "") || l.Interrupted {
			t.Errorf("%s: %v s, %q, interrupted %v", tt.name, l.Seconds, l.Aborted, l.Interrupted)
		}
		r := &reports.Report{Kind: "load", Load: l}
		Settle(r, l.Objectives)
		if failed := l.Aborted != ""; (Verdict(l) == reports.Fail) != failed || (r.Verdict == reports.Fail) != failed {
			t.Errorf("%s: %s, and settled %s", tt.name, Verdict(l), r.Verdict)
		}
	}
}

// Failures of long ago do not end a load: they are out of the window by then, also
// where nothing came between.
func TestAbortForgets(t *testing.T) {
	r := NewRecorder(Constant(10, time.Minute))
	r.AbortOn([]Abort{abort(t, "errors>20%")})
	for n := range 100 {
		at, ok := time.Duration(n)*100*time.Millisecond, n >= 15 // the first are too few to end it
		if ok {
			at += 30 * time.Second
		}
		r.Begin(at, at)
		r.Open(at)
		r.Attempt(at, at, map[bool]string{true: "200", false: "500"}[ok], ok)
		r.End(at, at, ok)
		if r.Aborts(at) {
			t.Fatalf("after %s: %s", at, r.aborting.reached)
		}
	}
}

// The engine's deliveries and an attack on the wall clock end by a threshold too.
func TestAbortOfTheOthers(t *testing.T) {
	v := Virtual{Pace: Constant(50, time.Minute), Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: 1}, Receiver: VirtualReceiver{Latency: model.Fixed(0.04)},
		Abort: []Abort{abort(t, "p95>1s")}}
	if l, err := v.Run(context.Background(), nil); err != nil || l.Seconds > 10 || !strings.HasPrefix(l.Aborted, "p95>1s was reached") {
		t.Errorf("%v s, %q, %v", l.Seconds, l.Aborted, err)
	}
	asleep := func() { time.Sleep(time.Minute) } // of the bubble: Vegeta wakes up once more
	synctest.Test(t, func(t *testing.T) {
		defer asleep()
		l, err := Attack{Pace: Constant(50, time.Hour), Messages: []*engine.Message{{}}, Settings: engine.Settings{MaxInFlight: 1, Certificate: engine.NeverPresent},
			Perform: func(_ context.Context, op engine.Operation) engine.Completion {
				time.Sleep(10 * time.Millisecond) // of the bubble
				return engine.Completion{Operation: op.ID, Outcome: answered(500)}
			}, Abort: []Abort{abort(t, "errors>20%")}}.Run(t.Context())
		if err != nil || l.Seconds > 5 || !strings.Contains(l.Aborted, "100%") || l.Interrupted {
			t.Errorf("%v s, %q, %v", l.Seconds, l.Aborted, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		defer asleep()
		x := through100(t, func(int) int { return 3 })
		x.Pace, x.Abort = Constant(50, time.Hour), []Abort{abort(t, "errors>20%")}
		l, err := x.Run(t.Context())
		if err != nil || l.Seconds > 5 || !strings.Contains(l.Aborted, "100%") || l.Interrupted {
			t.Errorf("%v s, %q, %v", l.Seconds, l.Aborted, err)
		}
	})
}

// Vegeta sleeps until its next hit is due, and may make it although it was stopped
// meanwhile: nothing is sent by then, for the report is written.
func TestNothingIsSentAfterTheEnd(t *testing.T) {
	for range 20 { // half of the hits come
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
			defer cancel()
			var sent atomic.Int64
			l, err := Attack{Pace: Constant(1./60, time.Hour), Messages: []*engine.Message{{}}, Settings: engine.Settings{MaxInFlight: 1, Certificate: engine.NeverPresent},
				Perform: func(_ context.Context, op engine.Operation) engine.Completion {
					sent.Add(1)
					return engine.Completion{Operation: op.ID, Outcome: answered(200)}
				}}.Run(ctx)
			time.Sleep(time.Hour) // of the bubble
			if err != nil || !l.Interrupted || sent.Load() != 2 {
				t.Errorf("%d were sent, 2 of them before the load was interrupted; %v", sent.Load(), err)
			}
		})
	}
}

func TestParseAbort(t *testing.T) {
	for text, column := range map[string]int{"errors": 7, "errors<20%": 7, "rate>5/s": 5, "p95>soon": 5, "lost>5%": 1, "service.p95>1s": 1, "response.all.p95>1s": 1, "trend>5%/h": 1, "x>1": 1} {
		var e *SyntaxError
		if _, err := ParseAbort(text); !errors.As(err, &e) || e.Column != column || e.Text != text || !strings.Contains(e.Hint, "errors>20%") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if a := abort(t, " errors >= 20% "); a.String() != "errors >= 20%" || a.objective.Op != ">=" || a.objective.Limit != 0.2 {
		t.Errorf("%+v", a)
	}
}
