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
	want string // what is expected, in a few words
	look func(*view, *findings)
}

// all are the invariants, in the order of the rules.
var all = []invariant{
	{"none-no-authorization", "no Authorization header", (*view).noAuthorization},
	{"bearer-header", "the bearer token on every call", (*view).bearer},
	{"cc-body", "the documented form request with the credentials in the body", (*view).credentialsInBody},
	{"cc-basic", "the documented form request with Basic authorization", (*view).credentialsInHeader},
	{"password-grant", "the form request of the password grant", (*view).passwordGrant},
	{"token-required", "a token on every call that was issued, and good as far as the sender can know", (*view).tokenRequired},
	{"token-cache", "one token request at a time, and none while the token is good", (*view).tokenCache},
	{"refresh-optional", "a refresh where there is a refresh token, the grant where there is none", (*view).refreshes},
	{"token-no-clientcert", "no client certificate", (*view).tokenCertificates},
	{"secrets-redacted", "no secret anywhere in the recording", (*view).redaction},
	{"post-json", "POST and application/json on every call", (*view).postJSON},
	{"custom-headers-every-call", "every custom header on every call", (*view).customHeaders},
	{"query-every-call", "the query parameters on every call", (*view).query},
	{"valid-json", "strict JSON without null and empty values", (*view).validJSON},
	{"batch-max-10", "not more profiles in a request than the maximum", (*view).batchMax},
	{"dispatch-asap", "no message held back while it has room", (*view).asap},
	{"batch-split", "each export in one message, as one of its profile objects", (*view).batchSplit},
	{"no-envelope", "the profile object itself", (*view).noEnvelope},
	{"only-mapped-attributes", "mapped attributes only", (*view).onlyMapped},
	{"all-identities", "all identities of the profile", (*view).allIdentities},
	{"changed-audience-present", "the audience that changed, with its new status", (*view).changedAudience},
	{"mapped-only-toggle", "mapped audiences only", (*view).mappedOnly},
	{"membership-shape", "lastQualificationTime and status, and only documented keys", (*view).shape},
	{"status-values", "realized or exited", (*view).statusValues},
	{"names-off", "no name", (*view).namesOff},
	{"names-mapped", "the name of every mapped audience", (*view).namesMapped},
	{"name-static", "the name that it had when it was mapped", (*view).nameStatic},
	{"names-unmapped", "no name of an unmapped audience", (*view).namesUnmapped},
	{"ts-off", "no timestamps", (*view).timestampsOff},
	{"ts-on", "four timestamps in milliseconds on every mapped audience", (*view).timestampsOn},
	{"ts-unmapped", "no timestamps on an unmapped audience", (*view).timestampsUnmapped},
	{"ts-order", "creation not after update", (*view).timestampsOrder},
	{"lqt-format", "YYYY-MM-DDTHH:MM:SSZ", (*view).timeFormat},
	{"namespace-key", "every audience under its namespace", (*view).namespaces},
	{"lowercase-identity-ns", "standard identity namespaces in lower case", (*view).lowerCase},
	{"hash", "64 lower-case hexadecimal digits", (*view).hashes},
	{"timeout-2s", "no attempt longer than 2 s, a timeout exactly then", (*view).budget},
	{"max-3", "no more attempts than the policy has", (*view).maxAttempts},
	{"retry-delays", "the delays of the policy", (*view).delays},
	{"retry-same", "the same URL, headers and body on a retry", (*view).sameAgain},
	{"drop-after", "nothing after the last attempt, and a record of the loss", (*view).dropped},
	{"stop-on-success", "nothing after a 2xx", (*view).stopped},
	{"no-redirect", "a 3xx failed and not followed", (*view).redirects},
	{"rcv-mtls-only", "a client certificate where the endpoint insists, and nowhere else", (*view).certificates},
	{"backfill-hour", "every backfill within the hour after the mapping", (*view).backfillHour},
	{"next-unaffected", "a first attempt at its decision, unless the profile or the dataflow has to wait", (*view).prompt},
	{"disabled-silent", "no attempt while the dataflow is disabled", (*view).silence},
	{"hourly-run", "one run for each hour, in UTC, that has exports", (*view).hourlyRuns},
	{"counters", "profiles and identities of the exports of the hour", (*view).counters},
	{"failed-last-only", "failed identities counted once, by the last attempt", (*view).failedOnce},
	{"removed-count", "removals counted as activated", (*view).removals},
	{"activation-rate", "activated ÷ (activated + excluded + failed)", (*view).activationRate},
	{"ttl-90", "the runs of the last 90 days", (*view).timeToLive},
	{"run-status", "processing until the hour is over and all is settled, then completed", (*view).runStatus},
	{"error-detail", "every failure with its code, its identities and a description", (*view).errorDetail},
	{"alert-skip", "a change when more than 1 % is skipped, or no longer", (*view).skipAlert},
	{"alert-set", "only alerts that are subscribed to", (*view).alertSet},
	{"alert-fail", "a change when more than the threshold fails, or no longer", (*view).failAlert},
	{"cert-api", "four headers, pages from 0, real totals, links that lead somewhere", (*view).certificateAPI},
	{"cert-san", "one common name in the answer and in the PEM, the SAN in the PEM alone", (*view).certificateNames},
	{"cert-rotation", "certificates that are issued and not revoked, and the newest presented", (*view).certificateLife},
	{"upload-ttl", "an exit of every member at the expiry of its upload", (*view).uploadExpiry},
	{"upload-latency", "the members of an upload within two hours, and nobody else", (*view).uploadLatency},
	{"delete-unmaps", "nothing after the dataflow was deleted", (*view).deleted},
	{"", "nothing decided and nothing sent once the configuration is refused", (*view).nothingPlayed},
	{"", "exports of a profile in order, one after the other", (*view).order},
	{"", "what was sent is what the endpoint saw", (*view).traffic},
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
		title := i.want // of what has no rule
		if r, ok := rules.Find(i.rule); ok {
			title = r.Title
		}
		c := reports.Check{Rule: i.rule, Verdict: reports.Pass, Title: title, File: pos.File, Line: pos.Line, Column: pos.Column}
		if len(f.wrong) > 0 {
			c.Verdict, c.Expected, c.Actual = reports.Fail, i.want, some(f.wrong)
		} else if i.rule == "" {
			continue // without a rule it would count as a proof of every one that is cited
		}
		out = append(out, c)
	}
	return out
}
