package reports

import (
	"encoding/json"
	"testing"
)

// Hours and days of a plan have their latencies among their own keys, in the order
// in which reports have always had them.
func TestPlanKeys(t *testing.T) {
	for want, v := range map[string]any{
		`{"hour":1,"rate":0,"requests":0,"utilisation":0,"backlog":0,"p50Ms":2,"p95Ms":3,"p99Ms":4,"spentMs":5,"lostShare":6,"outage":true}`: PlanHour{
			Hour: 1, PlanLatencies: PlanLatencies{2, 3, 4, 5, 6}, Outage: true},
		`{"day":1,"fromHour":0,"exports":0,"requests":0,"begins":0,"ends":0,"backlog":0,"highest":0,"p50Ms":2,"p95Ms":3,"p99Ms":4,"spentMs":5,"lostShare":6}`: PlanDay{
			Day: 1, PlanLatencies: PlanLatencies{2, 3, 4, 5, 6}},
	} {
		if got, err := json.Marshal(v); err != nil || string(got) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want)
		}
	}
}
