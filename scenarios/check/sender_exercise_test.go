package check

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The history is proved only as far as the capture reaches: where it
// ends before a change that calls for no export, nothing shows that the sender
// kept silent about it.
func TestOnlyWhatTheCaptureReachesIsProved(t *testing.T) {
	began := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	history := strings.Replace(ledgerHistory, "until: 9h", "  - {at: 5h, profile: biff, exit: fans}\nuntil: 9h", 1)
	both := postedAt("10:00:01", 200, sentAs("M1", "2026-01-15T10:00:00Z"), sentAs("B1", "2026-01-15T10:00:00Z"))
	left := postedAt("14:00:01", 200, strings.Replace(sentAs("B1", "2026-01-15T10:00:00Z"), "realized", "exited", 1))
	for _, tt := range []struct {
		name, lines string
		began       time.Time
		want        reports.Verdict
	}{
		{"ends before the change", both, began, reports.Skip},
		{"ends before the change, on a clock nobody knows", both, time.Time{}, reports.Skip},
		{"goes on after it", both + "\n" + left, began, reports.Pass},
		{"goes on after it, on a clock nobody knows", both + "\n" + left, time.Time{}, reports.Pass},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := judged(t, tt.lines, capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: parsed(t, history), Began: tt.began})
			if got := checkOf(c, "trig-attr-unmapped"); got.Verdict != tt.want || (tt.want == reports.Skip) != strings.Contains(got.Title, "the capture does not show it: ") {
				t.Errorf("R47: %s %q; want %s", got.Verdict, got.Title, tt.want)
			}
		})
	}
}

// A whole recording tells that no more was sent, and so that the sender kept
// silent to its end.
func TestAWholeRecordingIsReachedToItsEnd(t *testing.T) {
	body := strings.ReplaceAll(sentAs("M1", "2026-01-15T10:00:00Z"), `"`, `\"`)
	biff := strings.ReplaceAll(sentAs("B1", "2026-01-15T10:00:00Z"), `"`, `\"`)
	lines := `{"run":{"schema":"httpdest/recording/v1","start":"2026-01-15T09:00:00Z","side":"endpoint"}}
{"request":{"at":"2026-01-15T10:00:01Z","answeredAt":"2026-01-15T10:00:01Z","method":"POST","target":"/","headers":[{"name":"Content-Type","value":"application/json"}],"body":"[` +
		body + `,` + biff + `]","status":200}}
`
	for end, want := range map[string]reports.Verdict{`{"end":{"at":"2026-01-15T18:00:00Z"}}` + "\n": reports.Pass, "": reports.Skip} {
		c := judged(t, lines+end, capture.Options{Format: capture.Recording}, SenderOptions{Scenario: parsed(t, ledgerHistory), Partial: true})
		if got := checkOf(c, "trig-attr-unmapped"); got.Verdict != want {
			t.Errorf("R47 with the end %q: %s %q; want %s", end, got.Verdict, got.Title, want)
		}
	}
}

// How often an attempt fails, and whether a profile changes while another one
// waits, is what the capture shows, whatever the faults of the scenario are.
func TestFailuresAreThoseOfTheCapture(t *testing.T) {
	faulty := strings.Replace(ledgerHistory, "until: 9h", "endpoint: {faults: [{requests: 1-3, status: 503}]}\nuntil: 9h", 1)
	marty, biff := sentAs("M1", "2026-01-15T10:00:00Z"), sentAs("B1", "2026-01-15T10:00:00Z")
	right := []string{postedAt("10:00:01", 200, marty, biff)}
	once := []string{postedAt("10:00:01", 503, marty, biff), postedAt("10:00:16", 200, marty, biff)}
	given := []string{postedAt("10:00:01", 503, marty, biff), postedAt("10:00:16", 503, marty, biff), postedAt("10:00:46", 503, marty, biff)}
	for _, tt := range []struct {
		lines []string
		rules map[string]reports.Verdict
	}{
		{right, map[string]reports.Verdict{"stop-on-success": reports.Pass, "retry-same": reports.Skip, "max-3": reports.Skip, "drop-after": reports.Skip}},
		{once, map[string]reports.Verdict{"stop-on-success": reports.Pass, "retry-same": reports.Pass, "max-3": reports.Skip, "drop-after": reports.Skip}},
		{given, map[string]reports.Verdict{"stop-on-success": reports.Skip, "retry-same": reports.Pass, "max-3": reports.Pass, "drop-after": reports.Pass}},
	} {
		c := judged(t, strings.Join(tt.lines, "\n"), capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: parsed(t, faulty), Began: time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)})
		for rule, want := range tt.rules {
			if got := checkOf(c, rule); got.Verdict != want {
				t.Errorf("%d requests, %s: %s %q; want %s", len(tt.lines), rule, got.Verdict, got.Title, want)
			}
		}
	}
}

// checkOf is the first check of a rule.
func checkOf(c reports.Case, rule string) reports.Check {
	i := slices.IndexFunc(c.Checks, func(k reports.Check) bool { return k.Rule == rule })
	if i < 0 {
		return reports.Check{}
	}
	return c.Checks[i]
}

// An answer that broke off is a failure of the network whatever its status line
// said, and one that came too late shows nothing.
func TestTheOutcomeThatACaptureShows(t *testing.T) {
	s := NewSender(catalogue(t), SenderOptions{Scenario: parsed(t, strings.Replace(ledgerHistory, "until: 9h", "endpoint: {faults: [{requests: 1, reset: true, at: body}]}\nuntil: 9h", 1))})
	at := time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		status int
		fault  string
		took   time.Duration
		want   string
	}{
		{200, "", time.Second, "200"}, {503, "", time.Second, "503"}, {0, "", time.Second, "reset"}, {200, "fault-1", time.Second, "reset"}, {200, "", 3 * time.Second, ""},
	} {
		x := &exchange{Exchange: capture.Exchange{Told: capture.Told{Status: true, Time: true, Duration: true},
			Request: recording.Request{At: at, AnsweredAt: at.Add(tt.took), Status: tt.status, Fault: tt.fault}}}
		if got := s.shownOutcome(x); got != tt.want {
			t.Errorf("status %d, fault %q, after %s: %q; want %q", tt.status, tt.fault, tt.took, got, tt.want)
		}
	}
}
