package loadtest

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/mockendpoint"
)

var wall = flag.Bool("wall", false, "search for the limits of receivers on the wall clock (half an hour)")

// thread is a receiver that works on one request at a time, on the wall clock.
type thread struct {
	mu        sync.Mutex
	work      time.Duration
	waiting   atomic.Int64
	collapses int64 // when so many wait, each takes four times as long until none does; 0: never
	collapsed bool
}

// ServeHTTP implements http.Handler.
func (s *thread) ServeHTTP(http.ResponseWriter, *http.Request) {
	waiting := s.waiting.Add(1)
	defer s.waiting.Add(-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.collapses > 0 {
		s.collapsed = waiting > s.collapses || s.collapsed && s.waiting.Load() > 1
	}
	work := s.work
	if s.collapsed {
		work *= 4
	}
	exactly(work)
}

// exactly takes so long: a timer alone is late by a millisecond or more.
func exactly(d time.Duration) {
	began := time.Now()
	time.Sleep(d - time.Millisecond)
	for time.Since(began) < d {
	}
}

// leaking hands requests to a receiver after a time that grows with each of them.
func leaking(first, each time.Duration, to http.Handler) http.Handler {
	var seen atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(first + time.Duration(seen.Add(1))*each)
		to.ServeHTTP(w, r)
	})
}

// limited takes so many requests a second, and answers 429 to the others.
func limited(rate float64) http.Handler {
	var mu sync.Mutex
	tokens, last := rate*burstSeconds, time.Now()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		tokens = min(rate*burstSeconds, tokens+now.Sub(last).Seconds()*rate)
		if last = now; tokens < 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		tokens--
	})
}

// On the wall clock: the mock with a token bucket, a single thread, one that
// collapses when it is overloaded, and one that leaks. For make search: what it
// finds depends on the machine being idle.
func TestSearchOnTheWallClock(t *testing.T) {
	if !*wall {
		t.Skip("needs -wall, and half an hour of an idle machine")
	}
	m, err := StartMock(MockSettings{Mode: mockendpoint.Plain, Rate: 500, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	for _, tt := range []struct {
		name        string
		url         string
		receiver    http.Handler
		from, limit float64
		trend       bool
	}{
		{"token bucket of 500 a second", m.URL, nil, 50, 500, false},
		{"single thread of 40 ms", "", &thread{work: 40 * time.Millisecond}, 4, 25, false},
		{"collapses beyond 200 a second", "", &thread{work: 5 * time.Millisecond, collapses: 100}, 20, 200, false},
		{"leaks, and takes 200 a second", "", leaking(5*time.Millisecond, 20*time.Microsecond, limited(200)), 20, 200, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.receiver != nil {
				server := httptest.NewServer(tt.receiver)
				defer server.Close()
				tt.url = server.URL
			}
			s := service(t, tt.url, "")
			wire := live.NewWire(delivery.New(delivery.Config{Destination: s.Flow.Flow.Destination, UserAgent: "httpdest"}))
			defer wire.Close()
			a := Attack{Pace: Constant(1, time.Second), Messages: population(s, DefaultMix()).Messages(100, engine.Batching{}),
				Settings: s.SettingsFor(false, false), Perform: wire.Perform, Objectives: AnswerInTime()}
			began := time.Now()
			l, err := Search{From: tt.from, To: 5000, Length: 10 * time.Second, WarmUp: 2 * time.Second,
				Samples: SamplesFor(Receiver, a.Objectives), Trial: a.Trial(2 * time.Second), Resting: a.Resting(0)}.Run(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			found := l.Search
			for _, p := range found.Points {
				t.Logf("%7.1f/s  p95 %8.1f ms  errors %.3f  %s %s", p.Rate, p.P95Ms, p.Errors, p.Verdict, p.Reason)
			}
			t.Logf("%.1f/s of %.0f in %s; %s; %s; trend %q", found.Rate, tt.limit, time.Since(began).Round(time.Second), found.Confidence, found.Saturated, found.Trend)
			if found.Rate > tt.limit || found.Rate < 0.95*tt.limit || found.Knee == nil || found.Knee.High < tt.limit || (found.Trend != "") != tt.trend {
				t.Errorf("%.1f/s, knee %+v, of %.0f; trend %q", found.Rate, found.Knee, tt.limit, found.Trend)
			}
		})
	}
}
