package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// Lint reports what looks like a slip in a valid scenario: names that
// nothing uses, lines that can never hold, and rules without what they are
// about. It plays nothing, so it reports only what the file itself shows.
//
// It looks at each of several dataflows by itself. A warning about one dataflow is given
// as it is, one about all of them where it holds for each.
func Lint(s *Scenario) Problems {
	parts := s.Split()
	found := lackedRules(s, parts)
	if s.Flows == nil {
		return append(found, lintPart(s)...).sorted()
	}
	said, owners := map[Problem]int{}, map[Position]int{}
	for _, part := range parts {
		for _, place := range part.ownPlaces() {
			owners[place]++
		}
		for _, p := range lintPart(part) {
			said[p]++
		}
	}
	for p, times := range said {
		if times == cmp.Or(owners[p.Pos], len(parts)) {
			found = append(found, p)
		}
	}
	return found.sorted()
}

// ownPlaces are the places of the file that are about the dataflow, its destination and
// the endpoint of that, and not about all dataflows; each once.
func (s *Scenario) ownPlaces() []Position {
	d, f, e := s.Destination, s.Dataflow, s.Endpoint
	out := []Position{d.Pos, d.Auth.Pos, d.Retry.Pos, f.Pos, e.Pos}
	for _, path := range f.Attributes {
		out = append(out, s.attributePlace(path))
	}
	for _, x := range f.Exclude {
		out = append(out, x.Pos)
	}
	for _, fault := range e.Faults {
		out = append(out, fault.Pos)
	}
	for _, step := range s.History {
		if slices.Contains(ofDataflow, step.Action) {
			out = append(out, step.Pos)
		}
	}
	for _, line := range s.Expect {
		out = append(out, line.Pos)
	}
	slices.SortFunc(out, func(a, b Position) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column)) })
	return slices.Compact(out)
}

// lintPart is Lint for one dataflow, without the rules.
func lintPart(s *Scenario) Problems {
	l := newLinter(s)
	l.destination()
	l.audiences()
	l.profiles()
	l.faults()
	l.exclusions()
	for i := range s.Expect {
		switch e := &s.Expect[i]; {
		case e.Decision != "":
			l.decision(e)
		case e.Handshakes != "":
			l.handshakes(e)
		case e.Alert != nil:
			l.alert(e)
		case e.Token != "":
			if !s.Destination.Auth.FetchesTokens() {
				l.warn(e.Pos, "use auth: {type: oauth2-client-credentials, …}, or leave the line out", "no token is requested: the destination has auth %s", s.Destination.Auth.Type)
			}
		case e.Profiles.Len() > 0 && !e.None:
			l.exports(e)
		}
	}
	l.slips()
	return l.problems
}

// slips reports changes that change nothing, and names that nothing has.
func (l *linter) slips() {
	l.problems = append(l.problems, replayHistory(l.s).warnings...)
	l.windows()
	paths := newAttributePaths(l.s)
	l.absentPaths(paths)
	if !slices.ContainsFunc(l.s.Expect, func(e Expectation) bool { return e.Problem != "" }) {
		l.mappedPaths(paths)
		l.mergePolicies()
	}
}

// windows reports times that come too early or too late to matter.
func (l *linter) windows() {
	last := l.s.Until
	for _, step := range l.s.History {
		last = max(last, step.At)
	}
	if n := len(l.s.History); l.s.Until > 0 && n > 0 && l.s.History[n-1].At > l.s.Until {
		l.warn(l.s.Pos, "give a later time, or leave it out", "until: %s changes nothing: the history goes on until %s", plainDuration(l.s.Until), plainDuration(last))
	}
	for _, f := range l.s.Endpoint.Faults {
		if f.From > last+backfillAndRetries {
			l.warn(f.Pos, "give an earlier from", "the fault %s begins at %s, when the history is over", f.ID, plainDuration(f.From))
		}
	}
}

// backfillAndRetries is how long requests can come after the last step.
const backfillAndRetries = 2 * time.Hour

// linter knows what a scenario has, for the warnings to ask.
type linter struct {
	s        *Scenario
	mapped   map[string]bool            // audiences mapped at any time
	ops      map[string]bool            // changes and actions of the history
	changed  map[string]*nameSet        // profiles by what a change of them is a reason for
	steps    map[time.Duration]*nameSet // profiles changed at a time
	named    nameSet                    // profiles that the history changes or an expectation names
	expected nameSet                    // profiles that an expectation has exported
	problems Problems
}

// reasonsOf are the reasons of an export that a change may be.
func reasonsOf(op string) []string {
	switch op {
	case "qualify", "exit":
		return []string{"audience"}
	case "set", "remove":
		return []string{"attribute"}
	case "merge":
		return []string{"audience", "attribute", "identity"}
	case "forget":
		return nil
	}
	return []string{"identity"}
}

func newLinter(s *Scenario) *linter {
	l := &linter{s: s, mapped: map[string]bool{}, ops: map[string]bool{}, steps: map[time.Duration]*nameSet{},
		changed: map[string]*nameSet{"audience": {}, "attribute": {}, "identity": {}}}
	for _, key := range s.Dataflow.Audiences {
		l.mapped[key] = true
	}
	for _, step := range s.History {
		if step.Action == "map" {
			for _, key := range step.Targets {
				l.mapped[key] = true
			}
		}
		if step.Action != "" {
			l.ops[step.Action] = true
			continue
		}
		if l.steps[step.At] == nil {
			l.steps[step.At] = &nameSet{}
		}
		l.steps[step.At].add(step.Profiles)
		l.named.add(step.Profiles)
		if step.From.Len() > 0 {
			l.named.add(step.From)
		}
		for _, c := range step.Changes {
			l.ops[c.Op] = true
			for _, reason := range reasonsOf(c.Op) {
				l.changed[reason].add(step.Profiles)
			}
		}
	}
	l.uploads()
	for _, e := range s.Expect {
		l.named.add(e.Profiles)
		if !e.None {
			l.expected.add(e.Profiles)
		}
	}
	return l
}

// warn reports a slip at a place of the file.
func (l *linter) warn(at Position, hint, format string, args ...any) {
	l.problems = append(l.problems, Problem{at, fmt.Sprintf(format, args...), hint})
}

// backfills reports whether the history has something to backfill for.
func (l *linter) backfills() bool { return l.ops["activate"] || l.ops["map"] }

// touched reports whether a step changes one of the profiles.
func (l *linter) touched(names NameRange) bool {
	return l.changed["audience"].meets(names) || l.changed["attribute"].meets(names) || l.changed["identity"].meets(names)
}

// destination warns of what changes nothing.
func (l *linter) destination() {
	d := l.s.Destination
	if d.BatchEncoding == "profiles" && d.MaxProfilesPerRequest <= 1 {
		l.warn(d.Pos, "raise maxProfilesPerRequest, or take batchEncoding out", "batchEncoding changes nothing while a request carries one profile")
	}
}

// audiences reports those that nothing uses.
func (l *linter) audiences() {
	used := map[string]bool{}
	for _, g := range l.s.Profiles {
		for _, m := range g.Memberships {
			used[m.Audience] = true
		}
		if g.Generate != nil {
			for _, share := range g.Generate.Audiences {
				used[share.Audience] = true
			}
		}
	}
	for _, step := range l.s.History {
		for _, key := range step.Targets {
			used[key] = true
		}
		for _, c := range step.Changes {
			used[c.Audience] = true
		}
	}
	for _, e := range l.s.Expect {
		for _, a := range e.Audiences {
			used[a.Audience] = true
		}
	}
	for _, a := range l.s.Audiences {
		if !used[a.Key] && !l.mapped[a.Key] {
			l.warn(a.Pos, "map it, put a profile into it, or leave it out", "nothing uses the audience %s", a.Key)
		}
	}
}

// profiles reports groups that play no part at all. Of a range it is enough
// that one profile does: the others are the crowd.
func (l *linter) profiles() {
	for i := range l.s.Profiles {
		g := &l.s.Profiles[i]
		if g.UploadOf == "" && !l.named.meets(g.Names) && !l.member(g) {
			l.warn(g.Pos, "add a step or an expectation that names it, or leave it out",
				"the history changes nothing of %s, no expectation names it, and it is in no mapped audience", g.Names)
		}
	}
}

// member reports whether profiles of a group are in a mapped audience at the
// start.
func (l *linter) member(g *ProfileGroup) bool {
	in := func(m Membership) bool { return l.mapped[m.Audience] }
	drawn := func(a AudienceShare) bool { return l.mapped[a.Audience] && a.Share > 0 }
	return slices.ContainsFunc(g.Memberships, in) || g.Generate != nil && slices.ContainsFunc(g.Generate.Audiences, drawn)
}

// faults reports those that can never act.
func (l *linter) faults() {
	for _, f := range l.s.Endpoint.Faults {
		names := f.Names()
		switch {
		case f.On == faultspec.Decision && !l.decides():
			l.warn(f.Pos, "use on: message, or mtls: auto with a certificate", "the fault %s never acts: no mTLS decision is made", f.ID)
		case f.On == faultspec.Token && !l.s.Destination.Auth.FetchesTokens():
			l.warn(f.Pos, "use auth: {type: oauth2-client-credentials, …}, or leave it out", "the fault %s never acts: the destination fetches no tokens", f.ID)
		case names.Len() > 0 && !l.touched(names) && !l.expected.meets(names) && !l.backfills():
			l.warn(f.Pos, "add a step that changes it", "the fault %s never acts: no step and no expectation has an export of %s", f.ID, names)
		case !l.active():
			l.warn(f.Pos, "add a history", "the fault %s never acts: the history exports nothing", f.ID)
		}
	}
}

// active reports whether the history has anything that can be a reason to
// export.
func (l *linter) active() bool { return len(l.steps) > 0 || l.backfills() }

// decides reports whether the mTLS decision is ever made.
func (l *linter) decides() bool {
	d := l.s.Destination
	return l.s.Endpoint.TLS != "plain" && d.MTLS == "auto" && d.ClientCertificate != "none"
}

// refuses reports whether the endpoint can refuse the handshakes of this
// destination, without a fault.
func (l *linter) refuses() bool {
	d := l.s.Destination
	switch l.s.Endpoint.TLS {
	case "mtls-only":
		return true
	case "mtls-optional":
		return d.ClientCertificate == "untrusted" && d.MTLS != "never"
	}
	return false
}

// decision reports a line about a decision that nobody makes.
func (l *linter) decision(e *Expectation) {
	why := "mtls: " + l.s.Destination.MTLS + " needs no decision"
	switch {
	case l.decides():
		return
	case l.s.Endpoint.TLS == "plain":
		why = "tls: plain has no certificates"
	case l.s.Destination.ClientCertificate == "none":
		why = "there is no certificate to present"
	}
	l.warn(e.Pos, "leave the line out", "no mTLS decision is made: %s", why)
}

// handshakes reports a line about refusals where nothing is refused.
func (l *linter) handshakes(e *Expectation) {
	before := func(f Fault) bool { return f.Early() }
	if !l.refuses() && !slices.ContainsFunc(l.s.Endpoint.Faults, before) {
		l.warn(e.Pos, "use tls: mtls-only or a fault with at: handshake, or leave the line out",
			"no handshake is refused: the endpoint has tls: %s", l.s.Endpoint.TLS)
	}
}

// exports reports a line about exports that can never hold.
func (l *linter) exports(e *Expectation) {
	l.because(e)
	l.excluded(e)
	l.outcomes(e)
	d := l.s.Destination
	if e.Certificate == "presented" {
		switch tls := l.s.Endpoint.TLS; {
		case tls == "plain" || tls == "tls":
			l.warn(e.Pos, "use tls: mtls-only, or certificate: none", "no certificate is presented: with tls: %s the endpoint does not request one", tls)
		case d.MTLS == "never" || d.ClientCertificate == "none":
			l.warn(e.Pos, "use mtls: auto and a certificate, or certificate: none", "no certificate is presented: the destination never does")
		}
	}
	for _, a := range e.Audiences {
		if a.Name != "" && !d.IncludeSegmentNames {
			l.warn(e.Pos, "add includeSegmentNames: true to the destination", "%s has no name: the destination sends none", a.Audience)
		}
		if a.Timestamps && !d.IncludeSegmentTimestamps {
			l.warn(e.Pos, "add includeSegmentTimestamps: true to the destination", "%s has no timestamps: the destination sends none", a.Audience)
		}
	}
}

// because reports reasons that the history never gives, and times at which it
// does nothing.
func (l *linter) because(e *Expectation) {
	if !l.touched(e.Profiles) && !l.backfills() {
		l.warn(e.Pos, "add a step that changes it, or expect exports: none", "no export of %s: no step changes it, and there is no backfill", e.Profiles)
		return
	}
	changes := map[string]string{"audience": "qualifies or exits", "attribute": "sets or removes an attribute of", "identity": "changes an identity of"}
	for _, reason := range e.Because {
		switch {
		case reason == "backfill":
			if !l.backfills() {
				l.warn(e.Pos, "add a step activate: true or map: …", "because backfill, but the history neither activates nor maps")
			}
		case reason == "attribute" && len(l.s.Dataflow.Attributes) == 0:
			l.warn(e.Pos, "add attributes to the dataflow", "because attribute, but no attribute is mapped")
		case !l.changed[reason].meets(e.Profiles):
			l.warn(e.Pos, "add such a step, or another reason", "because %s, but no step %s %s", reason, changes[reason], e.Profiles)
		}
	}
	if e.At == nil || l.backfills() && (len(e.Because) == 0 || slices.Contains(e.Because, "backfill")) {
		return
	}
	if at := l.steps[*e.At]; at == nil || !at.meets(e.Profiles) {
		l.warn(e.Pos, "give the time of a step: exports are decided when something happens", "at %s no step changes %s", plainDuration(*e.At), e.Profiles)
	}
}

// plainDuration is a duration as a scenario writes it.
func plainDuration(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// outcomes reports attempts that are never made, and answers never given.
func (l *linter) outcomes(e *Expectation) {
	most := 3 // R82
	if l.s.Destination.Retry.Policy == "custom" {
		most = len(l.s.Destination.Retry.Delays) + 1
	}
	if n := len(e.Outcomes); n > most {
		l.warn(e.Pos, "leave the rest out, or give the destination another retry policy", "%d outcomes, but the retry policy has %s", n, plural(int64(most), "attempt", "attempts"))
	}
	for i, outcome := range e.Outcomes {
		if strings.HasPrefix(outcome, "2") && i < len(e.Outcomes)-1 {
			l.warn(e.Pos, "end with it", "outcome %d is %s, after which nothing is sent again", i+1, outcome)
			break
		}
	}
	for _, outcome := range slices.Compact(slices.Sorted(slices.Values(e.Outcomes))) {
		status, err := strconv.Atoi(outcome)
		if err != nil || status == 200 || status == 401 || l.s.Endpoint.Require.refusesWith(status) {
			continue
		}
		gives := func(f Fault) bool {
			names := f.Names()
			return f.Answered() == status && f.On == faultspec.Message && (names.Len() == 0 || names.Shared(e.Profiles) > 0)
		}
		if !slices.ContainsFunc(l.s.Endpoint.Faults, gives) {
			l.warn(e.Pos, fmt.Sprintf("add a fault: {profile: %s, status: %s}", e.Profiles, outcome), "no fault answers %s with %s", e.Profiles, outcome)
		}
	}
}

// nameSet is the names of many ranges, each kept once however often it occurs.
type nameSet struct {
	single map[string]bool
	ranges []NameRange
	seen   map[NameRange]bool
}

func (s *nameSet) add(names NameRange) {
	if names.Len() == 0 || s.seen[names] {
		return
	}
	if s.seen == nil {
		s.seen, s.single = map[NameRange]bool{}, map[string]bool{}
	}
	s.seen[names] = true
	if names.Numbered {
		s.ranges = append(s.ranges, names)
	} else {
		s.single[names.Prefix] = true
	}
}

// meets reports whether a name of the range is in the set.
func (s *nameSet) meets(names NameRange) bool {
	if s.seen[names] || !names.Numbered && s.single[names.Prefix] {
		return true
	}
	if names.Numbered {
		for name := range s.single {
			if names.Contains(name) {
				return true
			}
		}
	}
	return slices.ContainsFunc(s.ranges, func(r NameRange) bool { return r.Shared(names) > 0 })
}
