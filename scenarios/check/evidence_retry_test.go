package check

import (
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// A rule on retries judges our recording and a capture alike: a mistake in one
// is a mistake in the other, and a request that the rule does not concern
// counts in neither.
func TestRetryRulesHoldForBothJudges(t *testing.T) {
	documented, bestEffort := policyOf(scenarios.Retry{Policy: "documented"}), policyOf(scenarios.Retry{Policy: "best-effort"})
	failed := func(number, status int, followed bool) try {
		return try{what: "attempt", number: number, outcome: outcomeFailed, status: status, followed: followed}
	}
	unless := func(x try) try { x.excused = true; return x }
	delivered := try{what: "attempt", number: 1, outcome: outcomeDelivered}
	goesOn := try{what: "attempt", number: 1, outcome: outcomeDelivered, pending: true}
	after := func(o outcome) try { return try{what: "attempt", after: o, since: "the first"} }
	for _, tt := range []struct {
		rule   string
		policy retryPolicy
		try    try
		want   reports.Verdict
	}{
		{"max-3", documented, failed(1, 503, false), reports.Fail},
		{"max-3", documented, failed(1, 503, true), reports.Pass},
		{"max-3", documented, failed(2, 0, false), reports.Fail},
		{"max-3", documented, unless(failed(1, 503, false)), reports.Skip},
		{"max-3", documented, failed(3, 503, false), reports.Pass},
		{"max-3", bestEffort, failed(1, 400, false), reports.Skip},
		{"max-3", documented, after(outcomeFailed), reports.Fail},
		{"drop-after", documented, after(outcomeFailed), reports.Fail},
		{"drop-after", documented, failed(3, 503, false), reports.Pass},
		{"retry-codes", bestEffort, failed(1, 503, false), reports.Fail},
		{"retry-codes", bestEffort, failed(1, 400, false), reports.Skip},
		{"noretry-codes", bestEffort, failed(1, 400, true), reports.Fail},
		{"noretry-codes", bestEffort, failed(1, 400, false), reports.Pass},
		{"noretry-codes", documented, failed(1, 400, true), reports.Skip},
		{"retry-network", bestEffort, failed(1, 0, false), reports.Fail},
		{"retry-network", bestEffort, failed(1, 503, false), reports.Skip},
		{"stop-on-success", documented, after(outcomeDelivered), reports.Fail},
		{"stop-on-success", documented, goesOn, reports.Fail},
		{"stop-on-success", documented, delivered, reports.Pass},
	} {
		look := map[string]func(evidence){
			"max-3":           func(e evidence) { lastAttempt(e, tt.try, tt.policy); toTheLast(e, tt.try, tt.policy) },
			"drop-after":      func(e evidence) { lastAttempt(e, tt.try, tt.policy) },
			"retry-codes":     func(e evidence) { retriedStatus(e, tt.try, tt.policy) },
			"noretry-codes":   func(e evidence) { finalStatus(e, tt.try, tt.policy) },
			"retry-network":   func(e evidence) { retriedFailure(e, tt.try, tt.policy) },
			"stop-on-success": func(e evidence) { stopOnSuccess(e, tt.try) },
		}[tt.rule]
		var own findings
		look(evidence{own: &own})
		s := NewSender(catalogue(t), SenderOptions{})
		look(s.evidenceOf(tt.rule, 1, ""))
		foreign := s.tally(tt.rule)
		if a, b := seenOf(own.looked, len(own.wrong)), seenOf(foreign.looked, foreign.broken()); a != tt.want || b != tt.want {
			t.Errorf("%s of %+v: %s in a recording and %s in a capture; want %s", tt.rule, tt.try, a, b, tt.want)
		}
	}
}

func seenOf(looked, wrong int) reports.Verdict {
	switch {
	case wrong > 0:
		return reports.Fail
	case looked > 0:
		return reports.Pass
	}
	return reports.Skip
}
