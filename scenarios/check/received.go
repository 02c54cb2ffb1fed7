package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// JudgeReceiver is Judge for a case that was played to a receiver of somebody else's: its
// answers are judged as well, those to requests that no fault met (R93), and the checks of
// what it stored, nil where it was not read back. A rule that is cited and not judged is
// skipped: the lines of expect that would judge it are left out, and long times are
// shortened.
func JudgeReceiver(sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line, stored []reports.Check) reports.Case {
	return judge(sc, rules, lines, func(uncited []reports.Check) []reports.Check {
		for i := range uncited {
			uncited[i].Verdict = reports.Skip
		}
		return slices.Concat(uncited, received(sc, lines), stored)
	})
}

// badGateway is what a proxy answers for a receiver that gives no answer.
const badGateway = 502

// received judges the answers of a receiver.
func received(sc *scenarios.Scenario, lines []recording.Line) []reports.Check {
	k := reports.Check{Rule: "rcv-2xx", Title: "answer a valid message with 2xx", Expected: "2xx for every message that no fault meets",
		File: sc.Pos.File, Line: sc.Pos.Line, Column: sc.Pos.Column}
	asked, wrong, first := 0, 0, ""
	for _, l := range lines {
		r := l.Request
		if r == nil || r.Method != "POST" || r.Fault != "" {
			continue
		}
		asked++
		if r.Status >= 200 && r.Status < 300 && !r.Disconnected {
			continue
		}
		if wrong++; first == "" {
			first = fmt.Sprintf("%s for %s", answered(r), strings.Join(r.Profiles, ", "))
		}
	}
	switch {
	case asked == 0:
		k.Verdict, k.Title = reports.Inconclusive, "no request reached the receiver without a fault"
		k.Fix = "have a request without a fault in the case"
	case wrong > 0:
		k.Verdict, k.Actual = reports.Fail, fmt.Sprintf("%d of %d requests had another answer; the first: %s", wrong, asked, first)
		k.Fix = "Look at the log of the receiver: what does it ask for beyond the documented shape, and is it up?"
	default:
		k.Verdict = reports.Pass
	}
	return []reports.Check{k}
}

// answered is what became of a request, in words.
func answered(r *recording.Request) string {
	switch {
	case r.Disconnected:
		return "no answer within the two seconds of the sender"
	case r.Status == badGateway:
		return "502, from the proxy where the receiver gave no answer, or from the receiver,"
	}
	return fmt.Sprintf("%d", r.Status)
}
