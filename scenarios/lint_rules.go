package scenarios

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// lackedRules reports rules that the scenario names and has nothing for. Only a run
// shows what really happened; a line `rule: …` of the file makes nothing
// happen.
func lackedRules(s *Scenario, parts []*Scenario) (out Problems) {
	catalogue, err := Rules()
	if err != nil {
		return nil // the catalogue's own tests report it
	}
	linters := make([]*linter, len(parts))
	for i, part := range parts {
		linters[i] = newLinter(part)
	}
	for _, id := range s.Rules {
		r, _ := catalogue.Find(id)
		if fact, missing := lackedByAll(linters, r); missing {
			out = append(out, Problem{s.CitedAt(id), fmt.Sprintf("nothing exercises the rule %s: %s", id, fact.Missing), fact.Add + ", or take " + id + " out of rules"})
		}
	}
	return out
}

// CanExercise reports whether the file has what the premise of a rule needs.
// Only a run reports whether it happens.
func (s *Scenario) CanExercise(r Rule) bool {
	_, missing := s.Lacks(r)
	return !missing
}

// Lacks is the first fact of a rule's premise that no dataflow of the file can bring
// about.
func (s *Scenario) Lacks(r Rule) (fact Fact, missing bool) {
	var linters []*linter
	for _, part := range s.Split() {
		linters = append(linters, newLinter(part))
	}
	return lackedByAll(linters, r)
}

// lackedByAll is what the first dataflow lacks, where every one lacks something.
func lackedByAll(linters []*linter, r Rule) (fact Fact, missing bool) {
	for i, l := range linters {
		lacked, lacks := l.lacks(r)
		if !lacks {
			return Fact{}, false
		}
		if i == 0 {
			fact = lacked
		}
	}
	return fact, true
}

func (l *linter) lacks(r Rule) (fact Fact, missing bool) {
	for _, p := range premises {
		if slices.Contains(r.Premise, p.Word) && !l.holds(p) {
			return p.Fact, true
		}
	}
	return Fact{}, false
}

// holds reports whether the file has what a fact needs.
func (l *linter) holds(p premise) bool {
	if p.configured != nil {
		return p.configured(l.s)
	}
	return p.likely(l)
}

// changesUnmapped reports whether a membership changes in an audience that is
// not mapped all the time.
func (l *linter) changesUnmapped() bool {
	if l.ops["unmap"] || l.ops["merge"] {
		return true
	}
	return slices.ContainsFunc(l.s.History, func(step Step) bool {
		return slices.ContainsFunc(step.Changes, func(c Change) bool {
			return c.Audience != "" && !slices.Contains(l.s.Dataflow.Audiences, c.Audience)
		})
	})
}

// nests reports whether a mapped attribute lies within an object.
func (l *linter) nests() bool {
	return slices.ContainsFunc(l.s.Dataflow.Attributes, func(path string) bool { return strings.Contains(path, ".") })
}

// leaves reports whether a membership ends, or has ended before the start.
func (l *linter) leaves() bool {
	return l.ops["exit"] || slices.ContainsFunc(l.s.Profiles, func(g ProfileGroup) bool {
		return slices.ContainsFunc(g.Memberships, func(m Membership) bool { return m.Exited })
	})
}

// hashes reports whether an e-mail address is exported as its digest.
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

// unmapped reports whether an unmapped audience and a mapped one have the same
// merge policy, or different ones.
func (l *linter) unmapped(same bool) bool {
	return slices.ContainsFunc(l.s.Audiences, func(a Audience) bool {
		return !l.mapped[a.Key] && slices.ContainsFunc(l.s.Audiences, func(b Audience) bool {
			return l.mapped[b.Key] && (a.MergePolicy == b.MergePolicy) == same
		})
	})
}

// mapsPolicies reports whether the mapped audiences have several merge policies.
func (l *linter) mapsPolicies() bool {
	policies := map[string]bool{}
	for _, a := range l.s.Audiences {
		if l.mapped[a.Key] {
			policies[a.MergePolicy] = true
		}
	}
	return len(policies) > 1
}

// slow reports whether a fault makes an attempt wait.
func (l *linter) slow() bool {
	return slices.ContainsFunc(l.s.Endpoint.Faults, func(f Fault) bool { return f.Latency > 0 || f.Latencies != nil || f.SlowBody > 0 || f.Stall })
}

// fails reports whether anything can go wrong at all.
func (l *linter) fails() bool {
	return len(l.s.Endpoint.Faults) > 0 || l.wrongToken() || l.failsOnTheWire()
}

func (l *linter) wrongToken() bool {
	return l.s.Endpoint.Bearer != "" && l.s.Endpoint.Bearer != l.s.Destination.Auth.Token
}

// failsByPolicy reports whether a status fails that the retry policy may or may
// not retry.
func (l *linter) failsByPolicy() bool {
	r := l.s.Destination.Retry
	tells := r.Policy == "best-effort" || r.Policy == "custom" && len(r.Statuses) > 0
	return tells && (l.answers(300, 599) || l.wrongToken())
}

// failsOnTheWire reports whether an attempt can end without a complete answer.
func (l *linter) failsOnTheWire() bool {
	d := l.s.Destination
	never := d.MTLS == "never" || d.ClientCertificate != "trusted"
	broken := func(f Fault) bool { return f.Breaks() || f.Phase == faultspec.End }
	return l.refuses() && never || l.slow() || slices.ContainsFunc(l.s.Endpoint.Faults, broken)
}

// answers reports whether a fault answers with a status in a range.
func (l *linter) answers(least, most int) bool {
	return slices.ContainsFunc(l.s.Endpoint.Faults, func(f Fault) bool { return f.Answered() >= least && f.Answered() <= most })
}

// consents reports whether a profile has a consent.
func (l *linter) consents() bool {
	return slices.ContainsFunc(l.s.Profiles, func(g ProfileGroup) bool {
		_, there := g.Attributes["consents"]
		return there || g.Generate != nil
	})
}

// capitals reports whether a profile has a standard namespace in capitals.
func (l *linter) capitals() bool {
	capital := func(i Identity) bool { return strings.ToLower(i.Namespace) != i.Namespace }
	if slices.ContainsFunc(l.s.Profiles, func(g ProfileGroup) bool { return slices.ContainsFunc(g.Identities, capital) }) {
		return true
	}
	return slices.ContainsFunc(l.s.History, func(step Step) bool {
		return slices.ContainsFunc(step.Changes, func(c Change) bool { return capital(c.Identity) })
	})
}
