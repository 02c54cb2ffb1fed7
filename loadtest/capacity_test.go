package loadtest

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/mockendpoint"
)

var wall = flag.Bool("wall", false, "search for the limits of receivers on the wall clock (some minutes)")

// On the wall clock: the mock with a token bucket of 500 a second, and a server
// that works on one request at a time, 40 ms each. For make search: what it
// finds depends on the machine being idle.
func TestSearchOnTheWallClock(t *testing.T) {
	if !*wall {
		t.Skip("needs -wall, and some minutes of an idle machine")
	}
	m, err := StartMock(MockSettings{Mode: mockendpoint.Plain, Rate: 500, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	var one sync.Mutex
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		one.Lock()
		defer one.Unlock()
		began := time.Now()
		time.Sleep(39 * time.Millisecond)
		for time.Since(began) < 40*time.Millisecond { // a timer is late by a millisecond or more
		}
	}))
	defer slow.Close()
	for _, tt := range []struct {
		name, url   string
		from, limit float64
	}{{"token bucket of 500/s", m.URL, 50, 500}, {"one socket, 40 ms", slow.URL, 4, 25}} {
		s := service(t, tt.url, "")
		wire := live.NewWire(delivery.New(delivery.Config{Destination: s.Flow.Flow.Destination, UserAgent: "httpdest"}))
		a := Attack{Pace: Constant(1, time.Second), Messages: population(s, DefaultMix()).Messages(100, engine.Batching{}), Settings: s.SettingsFor(false, false), Perform: wire.Perform, Objectives: AnswerInTime()}
		began := time.Now()
		l, err := Search{From: tt.from, To: 5000, Length: 10 * time.Second, Samples: SamplesFor(Receiver, a.Objectives), Trial: a.Trial(2 * time.Second)}.Run(context.Background())
		wire.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range l.Search.Points {
			t.Logf("%7.1f/s  p95 %8.1f ms  errors %.3f  %s %s", p.Rate, p.P95Ms, p.Errors, p.Verdict, p.Reason)
		}
		t.Logf("%s: %.1f/s in %s; %s; %s", tt.name, l.Search.Rate, time.Since(began).Round(time.Second), l.Search.Confidence, l.Search.Saturated)
		if off(l.Search.Rate, tt.limit) > 0.05 {
			t.Errorf("%s: %.1f/s, of %.0f", tt.name, l.Search.Rate, tt.limit)
		}
	}
}
