package check

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// entered is a history in which two profiles enter an audience, an hour apart.
const entered = `
title: Two entries
rules: [timeout-2s]
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}}, marty: {identities: {email: marty}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
%s
  - {at: 2h, profile: marty, qualify: delorean}
expect: []
others: allowed
`

// Where the head of an answer came in time and its body did not, another attempt
// shows that the sender waits for the last byte, and none that the first is
// enough; but only where another one had to come.
func TestWhatFollowsALateBody(t *testing.T) {
	const first = `{"run":{"schema":"httpdest/recording/v1","scenario":"mock","title":"t","seed":1,"start":"2026-01-15T09:00:00Z","endpoint":"mock","side":"endpoint"}}` + "\n"
	const paused = "  - {at: 1h5s, disable: true}\n  - {at: 90m, enable: true}"
	request := func(who string, at, answered time.Duration, late bool) string {
		start := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
		qualified := start.Add(at).Truncate(time.Hour)
		body := fmt.Sprintf(`{"segmentMembership":{"ups":{"delorean":{"lastQualificationTime":%q,"status":"realized"}}},"identityMap":{"email":[{"id":%q}]}}`,
			qualified.Format(time.RFC3339), who)
		return fmt.Sprintf(`{"request":{"at":%q,"answeredAt":%q,"method":"POST","target":"/profiles","headers":[{"name":"Content-Type","value":"application/json"}],"body":%q,"status":200,"disconnected":%t}}`,
			start.Add(at).Format(time.RFC3339), start.Add(answered).Format(time.RFC3339), body, late)
	}
	late := func(after time.Duration) string {
		return request("doc", time.Hour+after, time.Hour+after+2*time.Second, true)
	}
	next := request("marty", 2*time.Hour, 2*time.Hour, false)
	for _, tt := range []struct {
		name     string
		steps    string
		requests []string
		chosen   string
		want     reports.Verdict // of the rule
	}{
		{"none follows", "", []string{late(0), next}, "last-byte", reports.Fail},
		{"none follows", "", []string{late(0), next}, "first-byte", reports.Pass},
		{"none follows", "", []string{late(0), next}, "", reports.Unspecified},
		{"another follows", "", []string{late(0), late(17 * time.Second), late(49 * time.Second), next}, "last-byte", reports.Pass},
		{"another follows", "", []string{late(0), late(17 * time.Second), late(49 * time.Second), next}, "first-byte", reports.Fail},
		{"the dataflow is paused", paused, []string{late(0), next}, "last-byte", reports.Pass},
		{"the capture ends", "", []string{late(0)}, "last-byte", reports.Pass},
	} {
		t.Run(tt.name+" "+tt.chosen, func(t *testing.T) {
			sc, err := scenarios.Parse("entered.yaml", fmt.Appendf(nil, entered, tt.steps))
			if err != nil {
				t.Fatal(err)
			}
			o := SenderOptions{Scenario: sc, Began: sc.Start}
			if tt.chosen != "" {
				o.Readings = scenarios.Readings{scenarios.ReadingAnswerWithin: tt.chosen}
			}
			var got reports.Verdict
			var others []string
			text := first + strings.Join(tt.requests, "\n") + "\n" + `{"end":{}}` + "\n"
			for _, k := range judged(t, text, capture.Options{}, o).Checks {
				if k.Rule == "timeout-2s" {
					got = k.Verdict
				} else if k.Verdict == reports.Fail && k.Rule != "trig-enter" { // where the capture ends, marty is not in it
					others = append(others, k.Rule)
				}
			}
			if got != tt.want {
				t.Errorf("timeout-2s: %q; want %q", got, tt.want)
			}
			if len(others) > 0 {
				t.Errorf("%q fail too, for the same cause", others)
			}
		})
	}
}
