package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios/capture"
)

// The timeline shows a sender's requests: its retries with their gaps, in the
// order of their times.
func TestSenderTimeline(t *testing.T) {
	line := func(at, first string, status, ms int) string {
		return fmt.Sprintf(`{"method":"POST","url":"https://receiver.test/","headers":{"Content-Type":"application/json"},"body":%s,"status":%d,"time":"2026-01-15T09:00:%s","durationMs":%d}`,
			replaced("Emmett", first), status, at, ms)
	}
	text := strings.Join([]string{line("17Z", "Emmett", 200, 250), line("00Z", "Emmett", 503, 2000), line("01Z", "Marty", 200, 10)}, "\n")
	c := judged(t, text, capture.Options{}, SenderOptions{})
	want := []string{"0s attempt message on line 1 for 2s, 503 !", "1s attempt message on line 3 for 10ms, 200", "17s attempt message on line 1 for 250ms after 15s, 200"}
	if diff := cmp.Diff(want, inShort(c.Timeline)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if e := c.Timeline.Events; e[0].Attempt != 1 || !e[0].Retry || e[2].Attempt != 2 || e[2].Retry || e[0].Export != e[2].Export {
		t.Errorf("%+v", e)
	}
	if c := judged(t, bodyOK, capture.Options{}, SenderOptions{}); c.Timeline != nil {
		t.Errorf("a capture without times has a timeline: %+v", c.Timeline)
	}
}

func TestSenderTimelineIsBounded(t *testing.T) {
	var lines []string
	for i := range 400 {
		lines = append(lines, fmt.Sprintf(`{"body":%s,"time":"2026-01-15T09:%02d:%02dZ"}`, replaced("Emmett", fmt.Sprint(i%40)), i/60, i%60))
	}
	got := judged(t, strings.Join(lines, "\n"), capture.Options{}, SenderOptions{}).Timeline
	if len(got.Events) != mostEvents || got.LeftOutEvents != 400-mostEvents {
		t.Errorf("%d events, %d left out", len(got.Events), got.LeftOutEvents)
	}
	who := map[string]bool{}
	for _, e := range got.Events {
		who[e.Profile] = true
	}
	if len(who) != mostProfiles {
		t.Errorf("%d rows; want %d", len(who), mostProfiles)
	}
}
