package check

import (
	"slices"

	"github.com/httpdest/httpdest/scenarios/oracle"
)

// Way is a check that a rule can fail by.
type Way string

// The ways, as help and reports call them. ByExpect is open to every rule that a
// scenario may cite: a line of expect that names it.
const (
	ByInvariant Way = "invariant" // what every recording is held against
	ByOracle    Way = "oracle"    // the export rules stated a second time
	ByExpect    Way = "expect"    // a line of expect with `rule: …`
	ByCapture   Way = "capture"   // what the requests of a capture say
)

// InRun lists the checks of every run by which a rule can fail; a line of
// expect is not among them.
func InRun(rule string) []Way {
	var out []Way
	if slices.ContainsFunc(all, func(i invariant) bool { return i.rule == rule }) {
		out = append(out, ByInvariant)
	}
	general := slices.ContainsFunc(casesOf[rule], oracle.Finds)
	if oracle.Finds(rule) || general {
		out = append(out, ByOracle)
	}
	return out
}

// InJudge lists the checks of a capture by which a rule can fail: by the
// requests themselves, and by the oracle where the history is known.
func InJudge(rule string) []Way {
	var out []Way
	if slices.Contains(ofCaptures, rule) {
		out = append(out, ByCapture)
	}
	if oracle.Finds(rule) {
		out = append(out, ByOracle)
	}
	return out
}

// ofCaptures are the rules that the judge of captures notes something for. A test
// holds the list against the code.
var ofCaptures = []string{
	"none-no-authorization", "bearer-header", "post-json", "custom-headers-every-call", "query-every-call",
	"batch-max-10", "dispatch-asap", "batch-split", "valid-json", "no-envelope", "trig-enter", "trig-exit",
	"trig-identity-add", "trig-identity-any", "trig-attr-mapped", "trig-overwrite", "trig-attr-add", "incremental",
	"absent-attributes", "all-identities", "membership-shape", "status-values", "names-mapped",
	"names-unmapped", "ts-on", "ts-unmapped", "ts-order", "lqt-format", "namespace-key",
	"lowercase-identity-ns", "hash", "nested-attributes", "timeout-2s", "max-3", "retry-codes", "noretry-codes",
	"retry-network", "retry-delays", "retry-same", "drop-after", "stop-on-success", "next-unaffected",
	"backfill-hour", "lqt-value", "verify-server",
}
