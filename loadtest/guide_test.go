package loadtest

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/loadtest/model"
)

// The numbers of the guide are those of the code.
func TestGuideNamesTheNumbersOfTheCode(t *testing.T) {
	page, err := os.ReadFile("../docs/how-to/load.md")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(strings.Fields(string(page)), " ")
	percent := func(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }
	for _, claim := range []string{
		fmt.Sprintf("p95 needs %.0f, p99 needs %.0f", math.Ceil(samplesOf(0.95)), math.Ceil(samplesOf(0.99))),
		fmt.Sprintf("less than %.0f of 100 of what was due was begun", 100*leastAchieved),
		fmt.Sprintf("A request that begins %d ms or more after it was due is a late start", lateStart.Milliseconds()),
		fmt.Sprintf("in up to %d batches", mostBatches),
		fmt.Sprintf("reached in its last %d s", abortWindow),
		fmt.Sprintf("At least %d requests must have ended", leastEnded),
		fmt.Sprintf("Up to %d messages of a load", mostSamples),
		fmt.Sprintf("for at most %.0f s. These reads", DefaultReadBack.Seconds()),
		fmt.Sprintf("for at most %.0f minutes (`--rest`)", DefaultRest.Minutes()),
		fmt.Sprintf("for less than %s of the time. Below %s it doubts", percent(leastTogether), percent(surelyTogether)),
		fmt.Sprintf("From %s in the busiest hour on, `plan`", percent(nearlyFull)),
		fmt.Sprintf("plays %d random walks of the queue", model.Paths),
		fmt.Sprintf("is one that %.0f of 100 days do not exceed", 100*highestShare),
		fmt.Sprintf("So nothing passes from %s of the capacity on", percent(utilisationAdvised)),
		fmt.Sprintf("in steps of %s seconds", map[int]string{5: "five"}[dayStep]),
	} {
		if !strings.Contains(text, claim) {
			t.Errorf("docs/how-to/load.md does not say: %s", claim)
		}
	}
	// As many samples as the guide says have an interval, and one fewer do not.
	for q, n := range map[float64]int64{0.95: 72, 0.99: 368} {
		if _, high := quantileRanks(n, q); high > n {
			t.Errorf("%d samples have no interval of p%g", n, q*100)
		}
		if _, high := quantileRanks(n-1, q); high <= n-1 {
			t.Errorf("%d samples have an interval of p%g", n-1, q*100)
		}
	}
}
