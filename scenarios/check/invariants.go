package check

import (
	"fmt"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// findings is what an invariant saw: how many things it could look at, and
// what was wrong with some of them. With nothing to look at there is no check,
// since it could not have failed.
type findings struct {
	looked int
	wrong  []string
}

// note counts one thing that was looked at, and keeps it when it is wrong.
func (f *findings) note(ok bool, format string, args ...any) {
	f.looked++
	if !ok {
		f.wrong = append(f.wrong, fmt.Sprintf(format, args...))
	}
}

// invariant is a rule that every recording can be held against.
type invariant struct {
	rule string // id in rules.yaml; "" for what has no rule of its own
	want string // what is expected, in a few words, of what has no rule; a rule says it itself
	look func(*view, *findings)
}

// all are the invariants, in the order of the rules.
var all = []invariant{
	{"none-no-authorization", "", (*view).noAuthorization},
	{"bearer-header", "", (*view).bearer},
	{"cc-body", "", (*view).credentialsInBody},
	{"cc-basic", "", (*view).credentialsInHeader},
	{"password-grant", "", (*view).passwordGrant},
	{"token-required", "", (*view).tokenRequired},
	{"token-cache", "", (*view).tokenCache},
	{"refresh-optional", "", (*view).refreshes},
	{"token-no-clientcert", "", (*view).tokenCertificates},
	{"secrets-redacted", "", (*view).redaction},
	{"verify-server", "", (*view).verified},
	{"post-json", "", (*view).postJSON},
	{"custom-headers-every-call", "", (*view).customHeaders},
	{"query-every-call", "", (*view).query},
	{"valid-json", "", (*view).validJSON},
	{"batch-max-10", "", (*view).batchMax},
	{"dispatch-asap", "", (*view).asap},
	{"batch-split", "", (*view).batchSplit},
	{"no-envelope", "", (*view).noEnvelope},
	{"only-mapped-attributes", "", (*view).onlyMapped},
	{"all-identities", "", (*view).allIdentities},
	{"changed-audience-present", "", (*view).changedAudience},
	{"mapped-only-toggle", "", (*view).mappedOnly},
	{"membership-shape", "", (*view).shape},
	{"status-values", "", (*view).statusValues},
	{"names-off", "", (*view).namesOff},
	{"names-mapped", "", (*view).namesMapped},
	{"name-static", "", (*view).nameStatic},
	{"names-unmapped", "", (*view).namesUnmapped},
	{"ts-off", "", (*view).timestampsOff},
	{"ts-on", "", (*view).timestampsOn},
	{"ts-unmapped", "", (*view).timestampsUnmapped},
	{"ts-order", "", (*view).timestampsOrder},
	{"lqt-format", "", (*view).timeFormat},
	{"namespace-key", "", (*view).namespaces},
	{"lowercase-identity-ns", "", (*view).lowerCase},
	{"hash", "", (*view).hashes},
	{"timeout-2s", "", (*view).budget},
	{"max-3", "", (*view).maxAttempts},
	{"retry-codes", "", (*view).retriedStatuses},
	{"noretry-codes", "", (*view).finalStatuses},
	{"retry-network", "", (*view).retriedFailures},
	{"retry-delays", "", (*view).delays},
	{"retry-same", "", (*view).sameAgain},
	{"drop-after", "", (*view).dropped},
	{"stop-on-success", "", (*view).stopped},
	{"no-redirect", "", (*view).redirects},
	{"rcv-mtls-only", "", (*view).certificates},
	{"backfill-hour", "", (*view).backfillHour},
	{"next-unaffected", "", (*view).prompt},
	{"disabled-silent", "", (*view).silence},
	{"hourly-run", "", (*view).hourlyRuns},
	{"counters", "", (*view).counters},
	{"failed-last-only", "", (*view).failedOnce},
	{"removed-count", "", (*view).removals},
	{"activation-rate", "", (*view).activationRate},
	{"ttl-90", "", (*view).timeToLive},
	{"run-status", "", (*view).runStatus},
	{"error-detail", "", (*view).errorDetail},
	{"alert-skip", "", (*view).skipAlert},
	{"alert-set", "", (*view).alertSet},
	{"alert-fail", "", (*view).failAlert},
	{"cert-api", "", (*view).certificateAPI},
	{"cert-san", "", (*view).certificateNames},
	{"cert-rotation", "", (*view).certificateLife},
	{"upload-ttl", "", (*view).uploadExpiry},
	{"upload-latency", "", (*view).uploadLatency},
	{"delete-unmaps", "", (*view).deleted},
	{"", "nothing decided and nothing sent once the configuration is refused", (*view).nothingPlayed},
	{"", "mTLS decisions without body, credentials and custom headers", (*view).bareDecisions},
	{"", "exports of a profile in order, one after the other", (*view).order},
	{"", "the endpoint saw what was sent", (*view).traffic},
	{"", "every export delivered, dropped, left over or excluded", (*view).accounted},
}

// invariants holds the recording against every rule it has material for.
func (v *view) invariants(rules scenarios.Catalogue) []reports.Check {
	pos := v.scenario.Pos
	var out []reports.Check
	for _, i := range all {
		var f findings
		i.look(v, &f)
		if f.looked == 0 {
			continue
		}
		title, want := i.want, i.want
		if r, ok := rules.Find(i.rule); ok {
			title, want = r.Title, r.Want
		}
		c := reports.Check{Rule: i.rule, Verdict: reports.Pass, Title: title, File: pos.File, Line: pos.Line, Column: pos.Column}
		if len(f.wrong) > 0 {
			c.Verdict, c.Expected, c.Actual = reports.Fail, want, some(f.wrong)
		} else if i.rule == "" {
			continue // without a rule it would count as a proof of every one that is cited
		}
		out = append(out, c)
	}
	return out
}
