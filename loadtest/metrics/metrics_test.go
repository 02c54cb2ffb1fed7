package metrics

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/loadtest"
)

// In the middle of a load its metrics are what has come of it by then: one attempt
// in four fails, each takes 30 ms.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, seen := &Metrics{}, ""
		if before := scraped(t, m); before != "" {
			t.Errorf("metrics of no load:\n%s", before)
		}
		a := loadtest.Attack{Pace: loadtest.Ramp(10, 30, 10*time.Second), Messages: []*engine.Message{{}}, Watch: m.Watch,
			Settings: engine.Settings{MaxInFlight: 1, Certificate: engine.NeverPresent},
			Perform: func(_ context.Context, op engine.Operation) engine.Completion {
				time.Sleep(30 * time.Millisecond) // of the bubble
				if op.ID == 80 {
					seen = scraped(t, m)
				}
				status := 200
				if op.ID%4 == 0 {
					status = 503
				}
				return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: status}}
			}}
		if _, err := a.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			`httpdest_load_requests_begun_total 80`,
			`httpdest_load_requests_delivered_total 60`,
			`httpdest_load_requests_lost_total 19`,
			`httpdest_load_attempts_total{outcome="200"} 60`,
			`httpdest_load_attempts_total{outcome="503"} 19`,
			`httpdest_load_in_flight 1`,
			`httpdest_load_latency_seconds_bucket{le="0.025"} 0`,
			`httpdest_load_latency_seconds_bucket{le="0.05"} 60`,
			`httpdest_load_latency_seconds_bucket{le="+Inf"} 60`,
			`httpdest_load_latency_seconds_count 60`,
			`httpdest_load_late_starts_total{cause="generator"} 0`,
			"# TYPE httpdest_load_latency_seconds histogram",
			"httpdest_load_target_rate 20.4", // after 5.2 s
			"httpdest_load_latency_seconds_sum 1.8",
		} {
			if !strings.Contains(seen, line) {
				t.Errorf("there is no %s in\n%s", line, seen)
				break
			}
		}
	})
}

// scraped is the answer to Prometheus.
func scraped(t *testing.T, m *Metrics) string {
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != 200 {
		t.Errorf("%d, %v", w.Code, err)
	}
	return string(body)
}
