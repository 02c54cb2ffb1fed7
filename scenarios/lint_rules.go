package scenarios

import (
	"slices"
	"strings"
)

// premise is what a scenario must have for a rule to be about anything in it.
type premise struct {
	rules   string // ids, separated by spaces
	holds   func(*linter) bool
	missing string // why the rule is about nothing
	add     string // what to add
}

// premises are of the rules that need something in the scenario.
var premises = []premise{
	{"none-no-authorization", func(l *linter) bool { return l.s.Destination.Auth.Type == "none" }, "the destination has a token", "use auth: {type: none}"},
	{"batch-max-10 dispatch-asap batch-split", func(l *linter) bool { return l.s.Destination.MaxProfilesPerRequest > 1 },
		"a request carries one profile", "add maxProfilesPerRequest to the destination"},
	{"bearer-header", func(l *linter) bool { return l.s.Destination.Auth.Type == "bearer" }, "the destination has no token", "use auth: {type: bearer, token: …}"},
	{"cc-body", func(l *linter) bool { return l.s.Destination.Auth.Credentials == "body-form-encoded" }, "the destination has no credentials in the body", "use auth: {type: oauth2-client-credentials, credentials: body-form-encoded, …}"},
	{"cc-basic", func(l *linter) bool { return l.s.Destination.Auth.Credentials == "basic-authorization" }, "the destination has no Basic credentials", "use auth: {type: oauth2-client-credentials, credentials: basic-authorization, …}"},
	{"password-grant", func(l *linter) bool { return l.s.Destination.Auth.Type == "oauth2-password" }, "the destination has no password", "use auth: {type: oauth2-password, …}"},
	{"token-required token-cache refresh-optional token-no-clientcert", func(l *linter) bool { return l.s.Destination.Auth.FetchesTokens() },
		"the destination fetches no tokens", "use auth: {type: oauth2-client-credentials, …}"},
	{"secrets-redacted", func(l *linter) bool { return l.s.Destination.Auth.Type != "none" || l.s.Endpoint.Bearer != "" }, "nothing is secret", "use auth: {type: bearer, token: …}"},
	{"custom-headers-every-call", func(l *linter) bool { return l.s.Destination.Headers != "" }, "the destination has no headers", "add headers to it"},
	{"query-every-call", func(l *linter) bool { return l.s.Destination.QueryParameters != "" }, "the destination has no queryParameters", "add queryParameters to it"},
	{"post-json valid-json no-envelope all-identities membership-shape status-values lqt-format namespace-key lowercase-identity-ns",
		(*linter).active, "the history exports nothing", "add a step such as qualify: …"},

	{"consent-ignored", (*linter).consents, "no profile has an attribute consents", "add attributes: {consents: …}"},
	{"trig-enter no-requalify", has("qualify"), "no step has a profile qualify", "add a step qualify: …"},
	{"trig-exit", has("exit"), "no step has a profile exit", "add a step exit: …"},
	{"changed-audience-present", has("qualify", "exit"), "no membership changes", "add a step qualify: … or exit: …"},
	{"incremental", has("qualify", "map", "activate"), "nobody enters an audience", "add a step qualify: …"},
	{"trig-unmapped-audience", (*linter).changesUnmapped, "no membership in an unmapped audience changes", "add a step that qualifies for one"},
	{"trig-identity-add", has("add-identity"), "no step adds an identity", "add a step addIdentity: …"},
	{"trig-identity-any", has("remove-identity", "replace-identity"), "no step removes or replaces an identity", "add a step removeIdentity: …"},
	{"trig-attr-mapped trig-attr-unmapped", has("set", "remove"), "no step changes an attribute", "add a step set: …"},
	{"trig-attr-add trig-overwrite", has("set"), "no step sets an attribute", "add a step set: …"},
	{"trig-member-only", has("set", "remove", "add-identity", "remove-identity", "replace-identity"), "no attribute and no identity changes", "add a step set: …"},

	{"all-mapped-attributes only-mapped-attributes absent-attributes", func(l *linter) bool { return len(l.s.Dataflow.Attributes) > 0 },
		"the dataflow maps no attribute", "add attributes to it"},
	{"nested-attributes", (*linter).nests, "no mapped attribute lies within another", "map a dotted path such as person.name"},
	{"exited-retention", (*linter).leaves, "nobody leaves an audience", "add a step exit: …, or a profile with exited: …"},
	{"hash", (*linter).hashes, "no profile has an identity in email_lc_sha256", "add one"},
	{"unmapped-same-policy", func(l *linter) bool { return l.unmapped(true) }, "no unmapped audience has the merge policy of a mapped one", "add one"},
	{"unmapped-other-policy", func(l *linter) bool { return l.unmapped(false) }, "no unmapped audience has another merge policy than a mapped one", "add one with mergePolicy: …"},
	{"mapped-only-toggle", func(l *linter) bool { return l.s.Destination.IncludeMappedAudiencesOnly }, "the toggle is off", "add includeMappedAudiencesOnly: true"},
	{"names-mapped names-unmapped", func(l *linter) bool { return l.s.Destination.IncludeSegmentNames }, "names are off", "add includeSegmentNames: true"},
	{"names-off", func(l *linter) bool { return !l.s.Destination.IncludeSegmentNames }, "names are on", "take includeSegmentNames out"},
	{"ts-on ts-unmapped ts-order", func(l *linter) bool { return l.s.Destination.IncludeSegmentTimestamps }, "timestamps are off", "add includeSegmentTimestamps: true"},
	{"ts-off", func(l *linter) bool { return !l.s.Destination.IncludeSegmentTimestamps }, "timestamps are on", "take includeSegmentTimestamps out"},

	{"timeout-2s", (*linter).slow, "no fault takes time", "add a fault with latency, slowBody or stall"},
	{"max-3 retry-delays retry-same drop-after stop-on-success next-unaffected", (*linter).fails, "nothing fails", "add a fault such as status: 503"},
	{"retry-codes noretry-codes", (*linter).failsByPolicy, "no status fails under a policy that tells statuses apart", "use retry: best-effort and a fault with a status"},
	{"retry-network", (*linter).failsOnTheWire, "no connection fails", "add a fault such as reset: true or stall: true"},
	{"no-redirect", func(l *linter) bool { return l.answers(300, 399) }, "no fault redirects", "add a fault such as status: 307"},
	{"rcv-mtls-only", func(l *linter) bool { return l.s.Endpoint.TLS != "plain" }, "the endpoint has tls: plain", "use another tls"},

	{"backfill-new-audience backfill-once", has("map"), "the history maps no audience", "add a step map: …"},
	{"backfill-new-dest", has("activate"), "the history does not activate the dataflow", "add a step activate: true"},
	{"backfill-hour", (*linter).backfills, "the history neither activates nor maps", "add a step activate: true or map: …"},
	{"unmap-silent", has("unmap"), "the history unmaps no audience", "add a step unmap: …"},
	{"p95 hourly-run counters run-status activation-rate", (*linter).active, "the history exports nothing", "add a step such as qualify: …"},
	{"failed-last-only error-detail alert-fail", (*linter).fails, "nothing fails", "add a fault such as status: 503"},
	{"removed-count", has("exit"), "no step has a profile exit", "add a step exit: …"},
	{"ttl-90", has("totals"), "no step looks at the totals", "add a step totals: true"},
	{"alert-skip", func(l *linter) bool { return l.subscribed("activation-skipped-rate-exceeded") }, "the destination is not subscribed to the alert", "add alerts: [activation-skipped-rate-exceeded]"},
	{"alert-set", func(l *linter) bool { return len(l.s.Destination.Alerts) > 0 }, "the destination has no alerts", "add alerts to it"},
	{"cert-api cert-san rcv-ip", has("lookup"), "the history looks nothing up", "add a step lookup: public-certificate"},
	{"cert-rotation", func(l *linter) bool { return l.ops["lookup"] || l.s.Endpoint.TLS != "plain" }, "no certificate is looked up or presented", "add a step lookup: public-certificate"},
	{"upload-csv upload-ttl upload-latency", has("upload"), "no audience has an upload", "add one to an audience"},
	{"delete-unmaps", has("delete"), "the history does not delete the dataflow", "add a step delete: true"},
	{"name-static", has("rename"), "no audience gets another name", "add a step rename: {…: …}"},
	{"wta-switches wta-combination wta-identity-not-segments", (*linter).switchesOff, "every kind of changes is on", "add triggers to the dataflow"},
	{"disabled-silent", has("disable"), "the history never disables the dataflow", "add a step disable: true"},
}

// has asks for one of some changes or actions in the history.
func has(ops ...string) func(*linter) bool {
	return func(l *linter) bool {
		return slices.ContainsFunc(ops, func(op string) bool { return l.ops[op] })
	}
}

// rules reports rules the scenario names and has nothing for. A line that says
// itself which rule it proves is taken at its word.
func (l *linter) rules() {
	claimed := map[string]bool{}
	for _, e := range l.s.Expect {
		claimed[e.Rule] = true
	}
	for _, p := range premises {
		for id := range strings.FieldsSeq(p.rules) {
			if slices.Contains(l.s.Rules, id) && !claimed[id] && !p.holds(l) {
				l.warn(l.s.Pos, p.add+", or take "+id+" out of rules", "nothing exercises the rule %s: %s", id, p.missing)
			}
		}
	}
}

// changesUnmapped says whether a membership changes in an audience that is not
// mapped all the time.
func (l *linter) changesUnmapped() bool {
	if l.ops["unmap"] {
		return true
	}
	return slices.ContainsFunc(l.s.History, func(step Step) bool {
		return slices.ContainsFunc(step.Changes, func(c Change) bool {
			return c.Audience != "" && !slices.Contains(l.s.Dataflow.Audiences, c.Audience)
		})
	})
}

// nests says whether a mapped attribute lies within an object.
func (l *linter) nests() bool {
	return slices.ContainsFunc(l.s.Dataflow.Attributes, func(path string) bool { return strings.Contains(path, ".") })
}

// leaves says whether a membership ends, or has ended before the start.
func (l *linter) leaves() bool {
	return l.ops["exit"] || slices.ContainsFunc(l.s.Profiles, func(g ProfileGroup) bool {
		return slices.ContainsFunc(g.Memberships, func(m Membership) bool { return m.Exited })
	})
}

// hashes says whether an e-mail address is exported as its digest.
func (l *linter) hashes() bool {
	const namespace = "email_lc_sha256"
	hashed := func(i Identity) bool { return strings.EqualFold(i.Namespace, namespace) }
	for _, g := range l.s.Profiles {
		generated := g.Generate != nil && (g.Generate.Identities == nil || slices.Contains(g.Generate.Identities, namespace))
		if generated || slices.ContainsFunc(g.Identities, hashed) {
			return true
		}
	}
	return slices.ContainsFunc(l.s.History, func(step Step) bool {
		return slices.ContainsFunc(step.Changes, func(c Change) bool { return hashed(c.Identity) })
	})
}

// unmapped says whether an unmapped audience and a mapped one have the same
// merge policy, or different ones.
func (l *linter) unmapped(same bool) bool {
	return slices.ContainsFunc(l.s.Audiences, func(a Audience) bool {
		return !l.mapped[a.Key] && slices.ContainsFunc(l.s.Audiences, func(b Audience) bool {
			return l.mapped[b.Key] && (a.MergePolicy == b.MergePolicy) == same
		})
	})
}

// switchesOff says whether a kind of changes is off at some time.
func (l *linter) switchesOff() bool {
	off := func(t Triggers) bool {
		return slices.ContainsFunc(triggerKeys, func(kind string) bool { return !t.On(kind) })
	}
	return off(l.s.Dataflow.Triggers) || slices.ContainsFunc(l.s.History, func(s Step) bool { return off(s.Triggers) })
}

// slow says whether a fault makes an attempt wait.
func (l *linter) slow() bool {
	return slices.ContainsFunc(l.s.Endpoint.Faults, func(f Fault) bool { return f.Latency > 0 || f.Latencies.Shape != "" || f.SlowBody > 0 || f.Stall })
}

// fails says whether anything can go wrong at all.
func (l *linter) fails() bool {
	return len(l.s.Endpoint.Faults) > 0 || l.wrongToken() || l.failsOnTheWire()
}

func (l *linter) wrongToken() bool {
	return l.s.Endpoint.Bearer != "" && l.s.Endpoint.Bearer != l.s.Destination.Auth.Token
}

// failsByPolicy says whether a status fails that the retry policy may or may
// not retry.
func (l *linter) failsByPolicy() bool {
	r := l.s.Destination.Retry
	tells := r.Policy == "best-effort" || r.Policy == "custom" && len(r.Statuses) > 0
	return tells && (l.answers(300, 599) || l.wrongToken())
}

// failsOnTheWire says whether an attempt can end without a complete answer.
func (l *linter) failsOnTheWire() bool {
	d := l.s.Destination
	never := d.MTLS == "never" || d.ClientCertificate != "trusted"
	broken := func(f Fault) bool { return f.Broken() || f.At == "end" }
	return l.refuses() && never || l.slow() || slices.ContainsFunc(l.s.Endpoint.Faults, broken)
}

// answers says whether a fault answers with a status in a range.
func (l *linter) answers(least, most int) bool {
	return slices.ContainsFunc(l.s.Endpoint.Faults, func(f Fault) bool { return f.Status >= least && f.Status <= most })
}

// consents says whether a profile has a consent.
func (l *linter) consents() bool {
	return slices.ContainsFunc(l.s.Profiles, func(g ProfileGroup) bool {
		_, there := g.Attributes["consents"]
		return there || g.Generate != nil
	})
}
