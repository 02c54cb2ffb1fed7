package oracle

import "slices"

// rules are those that a finding can name. A test holds the list against the
// code.
var rules = []string{
	"dispatch-asap", "valid-json", "no-envelope", "trig-enter", "trig-exit", "trig-unmapped-audience",
	"trig-identity-add", "trig-identity-any", "trig-attr-mapped", "trig-attr-unmapped", "trig-overwrite",
	"trig-attr-add", "trig-member-only", "incremental", "no-requalify", "wta-switches", "wta-combination",
	"wta-identity-not-segments", "all-mapped-attributes", "only-mapped-attributes", "absent-attributes",
	"all-identities", "changed-audience-present", "unmapped-same-policy", "unmapped-other-policy",
	"mapped-only-toggle", "membership-shape", "status-values", "names-off", "names-mapped", "names-unmapped",
	"ts-off", "ts-on", "ts-unmapped", "ts-order", "lqt-format", "namespace-key", "lowercase-identity-ns", "hash",
	"nested-attributes", "exited-retention", "name-static", "backfill-new-audience", "backfill-new-dest",
	"backfill-hour", "backfill-once", "unmap-silent", "disabled-silent", "delete-unmaps", "lqt-value", "one-body",
	"merge-gains", "merge-silent", "forget-silent",
}

// Finds reports whether a finding can name a rule.
func Finds(rule string) bool { return slices.Contains(rules, rule) }
