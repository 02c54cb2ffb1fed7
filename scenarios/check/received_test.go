package check

import (
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// A receiver passes by answers with 2xx to requests that no fault met, and by nothing else.
func TestReceivedJudgesAnswersWithoutAFault(t *testing.T) {
	request := func(status int, change ...func(*recording.Request)) recording.Line {
		r := recording.Request{Method: "POST", Status: status, Profiles: []string{"doc"}}
		for _, c := range change {
			c(&r)
		}
		return recording.Line{Request: &r}
	}
	met := func(r *recording.Request) { r.Fault = "fault-1" }
	left := func(r *recording.Request) { r.Disconnected = true }
	asks := func(r *recording.Request) { r.Method = "OPTIONS" }
	for _, tt := range []struct {
		name  string
		lines []recording.Line
		want  reports.Verdict
		says  string
	}{
		{"an answer", []recording.Line{request(200)}, reports.Pass, ""},
		{"the last of 2xx", []recording.Line{request(299)}, reports.Pass, ""},
		{"a redirect", []recording.Line{request(300)}, reports.Fail, "300 for doc"},
		{"no status", []recording.Line{request(0)}, reports.Fail, "0 for doc"},
		{"one of two", []recording.Line{request(200), request(400)}, reports.Fail, "1 of 2 requests had another answer; the first: 400 for doc"},
		{"down", []recording.Line{request(502)}, reports.Fail, "where the receiver gave no answer"},
		{"too late", []recording.Line{request(200, left)}, reports.Fail, "within the two seconds"},
		{"a fault and an answer", []recording.Line{request(503, met), request(204)}, reports.Pass, ""},
		{"faults alone", []recording.Line{request(200, met)}, reports.Inconclusive, ""},
		{"an mTLS decision alone", []recording.Line{request(204, asks)}, reports.Inconclusive, ""},
		{"nothing", nil, reports.Inconclusive, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := received(&scenarios.Scenario{}, tt.lines)
			if len(all) != 1 || all[0].Verdict != tt.want || !strings.Contains(all[0].Actual, tt.says) {
				t.Errorf("%+v; want %s, %q", all, tt.want, tt.says)
			}
		})
	}
}
