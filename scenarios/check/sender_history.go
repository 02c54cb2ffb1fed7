package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// exchange is one request of somebody else's sender, with whose it is.
type exchange struct {
	capture.Exchange
	message *sentMessage
	names   []string // of its profiles, in their order; "" for one that nobody knows
	// mayBe has the profiles to which a body without a name may belong, where
	// there are several; nil for all others.
	mayBe []func(profile string) bool
	// among has the profiles that the identities of a body were of at one time or
	// another, where these are several.
	among    [][]string
	postings []*posting // in the same order
}

// history holds everything against the history of the scenario.
func (s *Sender) history(in *capture.Reader) {
	s.wraps()
	s.verified(in)
	s.identify()
	if !slices.ContainsFunc(s.exchanges, func(x *exchange) bool { return !x.Told.Time }) {
		// Recorded in the order of the answers; sent in that of their times.
		slices.SortStableFunc(s.exchanges, func(a, b *exchange) int { return a.Request.At.Compare(b.Request.At) })
	}
	s.exports(in)
	s.attempts(s.until(in))
}

// identify finds out whose every body is.
func (s *Sender) identify() {
	s.synthetic, s.identifying = s.knowsSynthetic(), true
	for _, x := range s.exchanges {
		for _, p := range x.message.profiles {
			name, among := "", []string(nil)
			var mayBe func(string) bool
			if p.object != nil {
				if name, among = s.nameOf(p.body, s.latest(&x.Exchange)); name == "" && among == nil {
					mayBe = s.stranger(x.Line, p.body, s.latest(&x.Exchange))
				}
			}
			x.names, x.among, x.mayBe = append(x.names, name), append(x.among, among), append(x.mayBe, mayBe)
		}
	}
}

// latest is the time of the history by which a request was sent; endless where
// nobody knows.
func (s *Sender) latest(x *capture.Exchange) time.Duration {
	if s.Began.IsZero() || !x.Told.Time {
		return endless
	}
	return x.Request.At.Sub(s.Began) + s.tolerance
}

// endless is after every time of a history.
const endless = time.Duration(math.MaxInt64)

// stranger is a body that is of no profile of the history for sure. It returns
// which profiles it may be of; nil for none.
func (s *Sender) stranger(line int, b *body, until time.Duration) func(profile string) bool {
	unnamed := !s.synthetic && onlySynthetic(b) && len(s.withForgotten(s.unnamed(), until)) > 0
	anonymous := len(b.identities()) == 0 && s.blurred(s.bare(until))
	switch {
	case unnamed:
		s.unclear = append(s.unclear, fmt.Sprintf("line %d: several profiles have no identity but a synthetic ecid, which no sender knows: its profile cannot be determined", line))
	case anonymous:
		s.unclear = append(s.unclear, fmt.Sprintf("line %d: several profiles have no identity: its profile cannot be determined", line))
	case len(b.identities()) == 0:
		s.note("all-identities", false, line, "no identity: its profile cannot be determined")
		return nil
	default:
		s.noteAs("incremental", stranger, false, line, "a profile that the history does not have")
		return nil
	}
	return func(name string) bool {
		return unnamed && s.isUnnamed(name) || anonymous && s.isAnonymous(name) || s.forgets(name)
	}
}

// until is how long the capture lasts.
func (s *Sender) until(in *capture.Reader) time.Time {
	var last time.Time
	if in.End() != nil {
		last = in.End().At
	}
	for _, x := range s.exchanges {
		if x.Request.AnsweredAt.After(last) {
			last = x.Request.AnsweredAt
		}
	}
	return last
}

// exports asks the oracle about every body: which role it has, whether the
// history calls for it, what it must carry, and what is missing.
func (s *Sender) exports(in *capture.Reader) {
	l, known := s.posted()
	s.ledger = l
	clock := oracle.Clock{Began: s.Began, Tolerance: s.tolerance}
	seen, lines := s.seen(known, clock.Began)
	verdicts, roles := oracle.Exports(s.Scenario, seen, clock)
	if clock.Began.IsZero() {
		clock, _, lines, verdicts, roles = s.estimated(known, clock, seen, lines, verdicts, roles)
	}
	assign(known, roles)
	if wrong := l.unbalanced(); wrong != "" {
		s.unclear = append(s.unclear, "internal error, please report it: "+wrong)
	}
	if clock.Estimated && unexplained(verdicts, roles) > 0 {
		// With something missing or too many the estimate may be that of
		// another export.
		verdicts.Findings = slices.DeleteFunc(verdicts.Findings, func(f oracle.Finding) bool { return slices.Contains(timed, f.Rule()) && f.Export != "" })
		for _, rule := range timed {
			delete(verdicts.Looked, rule)
		}
		clock.Began = time.Time{}
	}
	s.clocked = !clock.Began.IsZero()
	wrong := map[string]int{}
	var missing []oracle.Finding
	for _, f := range verdicts.Findings {
		wrong[f.Rule()]++
		if f.Export == "" {
			missing = append(missing, f)
			continue
		}
		whose := f.Export
		if line := lines[f.Export]; line > 0 {
			whose = fmt.Sprintf("%s (line %d)", f.Profile, line) // whose it is, the oracle found out
		}
		s.finding(s.held(f, in), whose, lines[f.Export])
	}
	s.missing(missing, in)
	for rule, looked := range verdicts.Looked {
		if looked > wrong[rule] {
			s.tally(rule).looked += looked - wrong[rule]
		}
	}
	for _, p := range l.entries {
		if p.role.Kind == oracle.Attempt && p.role.Attempt == 1 && p.role.Overtaken {
			s.noteAs("next-unaffected", outOfOrder, false, p.exchange.Line, "an export of %s comes after a later one", p.name)
		}
	}
}

// timed are the rules on times.
var timed = []string{"dispatch-asap", "backfill-hour", "lqt-value"}

// estimated is what the oracle says with the likeliest estimate of when the
// history began. An estimate that leaves more unexplained than no times do is
// not believed.
func (s *Sender) estimated(known []*posting, clock oracle.Clock, seen []oracle.Seen, lines map[string]int, v oracle.Verdicts, roles []oracle.Role) (
	oracle.Clock, []oracle.Seen, map[string]int, oracle.Verdicts, []oracle.Role) {
	most := unexplained(v, roles)
	for _, began := range s.estimates(seen, roles) {
		at := oracle.Clock{Began: began, Estimated: true, Tolerance: clock.Tolerance}
		timedSeen, timedLines := s.seen(known, began)
		timedVerdicts, timedRoles := oracle.Exports(s.Scenario, timedSeen, at)
		if unexplained(timedVerdicts, timedRoles) <= most {
			return at, timedSeen, timedLines, timedVerdicts, timedRoles
		}
	}
	return clock, seen, lines, v, roles
}

// unexplained counts the bodies that the history has no export for, and the
// exports that the capture has no body for.
func unexplained(v oracle.Verdicts, roles []oracle.Role) int {
	n := 0
	for _, f := range v.Findings {
		if f.Export == "" {
			n++
		}
	}
	for _, r := range roles {
		if r.Kind != oracle.Attempt {
			n++
		}
	}
	return n
}

// held leaves lateness open where something that no capture shows may have
// kept an export: a token, or connections that were refused.
func (s *Sender) held(f oracle.Finding, in *capture.Reader) oracle.Finding {
	if f.Clause == "dispatch-asap" && (in.Refused() > 0 || strings.HasPrefix(s.Scenario.Destination.Auth.Type, "oauth2")) {
		f.Clause = "dispatch-asap/within-ten-minutes"
	}
	return f
}

// seen is every body in the words of the oracle, those first that are known,
// and the line of each.
func (s *Sender) seen(known []*posting, began time.Time) (all []oracle.Seen, lines map[string]int) {
	lines = map[string]int{}
	requests := map[*exchange]int{}
	for _, p := range known {
		x := p.exchange
		if requests[x] == 0 {
			requests[x] = len(requests) + 1
		}
		e := s.toldOf(p, began)
		e.ID, e.Request = fmt.Sprintf("%s (line %d)", cmp.Or(p.name, strings.Join(p.among, " or ")), x.Line), requests[x]
		lines[e.ID] = cmp.Or(lines[e.ID], x.Line)
		all = append(all, e)
	}
	for _, p := range s.ledger.entries {
		if p.mayBe != nil {
			all = append(all, s.toldOf(p, began))
		}
	}
	return all, lines
}

// toldOf is the evidence of the capture about a body.
func (s *Sender) toldOf(p *posting, began time.Time) oracle.Seen {
	x := p.exchange
	e := oracle.Seen{Profile: p.name, Body: x.message.profiles[p.place].text, Outcome: s.outcomeOf(x), Of: p.mayBe, Among: p.among}
	if !x.Told.Time {
		return e
	}
	e.Sent, e.Ended = x.Request.At, x.Request.At
	if x.Told.Duration {
		e.Ended = x.Request.AnsweredAt
	}
	if !began.IsZero() {
		// A change and its export may be within a clock's grain.
		e.At = s.Scenario.Start.Add(x.Request.At.Sub(began) + s.tolerance)
	}
	return e
}

// outcomeOf is the outcome of a request in the words of the oracle.
func (s *Sender) outcomeOf(x *exchange) oracle.Outcome {
	switch s.outcome(x) {
	case outcomeDelivered:
		return oracle.Delivered
	case outcomeFailed:
		if s.policy().agreed(s.status(x)) {
			return oracle.Failed
		}
		return oracle.FailedOne
	}
	return oracle.Unclear
}

// estimates are the times at which the history may have begun, where only gaps
// are known; the likeliest first. No export comes before it is due, so that the
// last is the latest that all exports allow; but what a body is the export of
// may be mistaken, so that the latest that most of them allow comes first.
func (s *Sender) estimates(seen []oracle.Seen, roles []oracle.Role) []time.Time {
	const close = 10 * time.Minute
	var all []time.Time
	for i, r := range roles {
		if seen[i].Sent.IsZero() {
			return nil
		}
		if r.Kind == oracle.Attempt && r.Attempt == 1 {
			all = append(all, seen[i].Sent.Add(-r.Due.Sub(s.Scenario.Start)))
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.SortFunc(all, time.Time.Compare)
	best, most := 0, 0
	for first, i := 0, 1; i <= len(all); i++ {
		if i < len(all) && all[i].Sub(all[i-1]) <= close {
			continue
		}
		if i-first > most {
			best, most = first, i-first
		}
		first = i
	}
	return slices.Compact([]time.Time{all[best], all[0]})
}

// missing reports exports that are not there, unless the capture was cut off
// before they came, the dataflow excludes the profile, or as many may have been
// in connections that were refused.
func (s *Sender) missing(findings []oracle.Finding, in *capture.Reader) {
	findings = slices.DeleteFunc(findings, func(f oracle.Finding) bool {
		excluded := slices.ContainsFunc(s.Scenario.Dataflow.Exclude, func(e scenarios.Exclusion) bool { return e.Profiles.Contains(f.Profile) })
		return in.CutOff() || excluded
	})
	if n := in.Refused() / s.policy().most(); len(findings) > 0 && len(findings) <= n {
		s.unclear = append(s.unclear, fmt.Sprintf("%d exports are missing, and as many may have been in the %d connections that were refused", len(findings), in.Refused()))
		return
	}
	if s.bodiless > 0 && len(findings) > 0 {
		s.unclear = append(s.unclear, fmt.Sprintf("%d exports are missing, and may have been in the %d requests whose bodies are not in the capture", len(findings), s.bodiless))
		return
	}
	if strings.HasPrefix(s.Scenario.Destination.Auth.Type, "oauth2") && len(findings) > 0 {
		s.unclear = append(s.unclear, fmt.Sprintf("%d exports are missing, and whether there was a token for them is not known", len(findings)))
		return
	}
	for _, f := range findings {
		s.finding(f, fmt.Sprintf("%s, due %s after the start", f.Profile, duration(f.At.Sub(s.Scenario.Start))), 0)
	}
}

// twice are rules that a body is held against by itself, in the same way.
var twice = []string{"valid-json", "lqt-format", "ts-order", "status-values", "lowercase-identity-ns", "namespace-key"}

// finding counts one of the oracle's. A mistake that the body has already shown
// by itself is not reported again.
func (s *Sender) finding(f oracle.Finding, whose string, line int) {
	if t := s.tally(f.Rule()); slices.Contains(twice, f.Rule()) && t.broken() > 0 {
		return
	}
	s.noteAs(f.Clause, diagnosisOf(f), false, line, "%s: %s: %s instead of %s", whose, f.What, f.Got, f.Want)
}

// diagnosisOf is that of a finding of the oracle, where its rule can be broken
// in several ways.
func diagnosisOf(f oracle.Finding) diagnosis {
	switch rule := f.Rule(); {
	case rule == "dispatch-asap":
		return tooLate
	case rule == "incremental" && f.Export != "":
		return uncalled
	case f.Export == "" && slices.Contains([]string{"trig-enter", "trig-exit", "trig-identity-add", "trig-identity-any", "trig-attr-mapped",
		"trig-attr-add", "trig-overwrite"}, rule):
		return forgotten
	}
	return diagnosis{}
}
