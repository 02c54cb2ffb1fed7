package main

import (
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
)

// The guide to readings has every key with its values, the default first, and
// the number and the rule of its point, as the format reads them.
func TestTheGuideToReadingsIsMadeFromTheFormat(t *testing.T) {
	page := strings.Join(strings.Fields(readingsPage()), " ")
	for _, r := range scenarios.KnownReadings() {
		want := []string{r.Key + " (" + r.Point + ", rule " + r.Rule + ")", r.Says, r.Default() + " (default): " + r.Values[0].Means}
		for _, v := range r.Values[1:] {
			want = append(want, v.Word+": "+v.Means)
		}
		for _, w := range want {
			if !strings.Contains(page, w) {
				t.Errorf("%s: the page lacks %q", r.Key, w)
			}
		}
	}
	for line := range strings.Lines(readingsPage()) {
		if len(strings.TrimRight(line, "\n")) > 88 {
			t.Errorf("a line of %d characters: %q", len(line), line)
		}
	}
}
