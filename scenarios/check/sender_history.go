package check

import (
	"cmp"
	"fmt"
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
}

// knownIdentities is whose an identity is, in the form of an export: those a
// profile starts with, and those the history gives it.
func knownIdentities(sc *scenarios.Scenario) map[string]string {
	known := map[string]string{}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			start, _ := sc.Initial(name)
			for _, id := range start.Identities {
				known[exportForm(id.Namespace+":"+id.ID)] = name
			}
		}
	}
	for i := range sc.History {
		for name := range sc.History[i].Profiles.All() {
			_, n, _ := sc.Group(name)
			for _, c := range sc.History[i].Changes {
				id := map[string]any{"add-identity": c.Identity.ID, "replace-identity": c.To}[c.Op]
				if text, ok := scenarios.Expand(id, n).(string); ok && text != "" {
					known[exportForm(c.Identity.Namespace+":"+text)] = name
				}
			}
		}
	}
	for i := range sc.Audiences {
		knownByUpload(sc.Audiences[i].Upload, known)
	}
	return known
}

// knownByUpload adds the profiles that rows make whose identity nobody has.
func knownByUpload(u *scenarios.Upload, known map[string]string) {
	if u == nil {
		return
	}
	rows, err := u.Members()
	if err != nil {
		return // the sender refuses it as well
	}
	for n, row := range rows {
		if identity := exportForm(row.Namespace + ":" + row.ID); known[identity] == "" {
			known[identity] = u.Created.At(int64(n))
		}
	}
}

// nameOf finds the profile of a body by any of its identities, whatever their
// spelling; "" when nobody has one of them.
func (s *Sender) nameOf(b *body) string {
	all := b.identities()
	for _, identity := range all {
		if name := s.profiles[exportForm(identity)]; name != "" {
			return name
		}
		if name := s.profiles[exportForm(strings.ToLower(identity))]; name != "" {
			return name
		}
	}
	// Without an identity it can only be the one profile that has none.
	if anonymous := s.anonymous(); len(all) == 0 && len(anonymous) == 1 {
		return anonymous[0]
	}
	return ""
}

// anonymous are the first two profiles that start without an identity: with
// two, nobody can tell which is which.
func (s *Sender) anonymous() []string {
	var out []string
	for _, g := range s.Scenario.Profiles {
		if g.NoIdentity && len(g.Identities) == 0 && g.UploadOf == "" {
			for name := range g.Names.All() {
				if out = append(out, name); len(out) == 2 {
					return out
				}
			}
		}
	}
	return out
}

// history holds everything against the history of the scenario.
func (s *Sender) history(in *capture.Reader) {
	s.wraps()
	for _, x := range s.exchanges {
		for _, p := range x.message.profiles {
			name := ""
			if p.object != nil {
				if name = s.nameOf(p.body); name == "" {
					s.stranger(x.Line, p.body)
				}
			}
			x.names = append(x.names, name)
		}
	}
	// Recorded in the order of the answers; sent in that of their times.
	slices.SortStableFunc(s.exchanges, func(a, b *exchange) int { return a.Request.At.Compare(b.Request.At) })
	messages := s.group()
	s.retries(messages, s.until(in))
	s.exports(messages, in)
}

// stranger is a profile that the history does not have.
func (s *Sender) stranger(line int, b *body) {
	switch known := len(s.anonymous()) == 0; {
	case len(b.identities()) > 0:
	case known:
		s.note("all-identities", false, line, "no identity: whose profile it is cannot be told")
		return
	default:
		s.unclear = append(s.unclear, fmt.Sprintf("line %d: several profiles have no identity: whose this is cannot be told", line))
		return
	}
	s.note("incremental", false, line, "a profile that the history does not have")
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

// exports asks the oracle about every message: whether the history calls for
// it, what it must carry, and what is missing.
func (s *Sender) exports(messages []*sent, in *capture.Reader) {
	seen, lines := s.seen(messages)
	verdicts := oracle.Exports(s.Scenario, seen)
	wrong := map[string]int{}
	var missing []oracle.Finding
	for _, f := range verdicts.Findings {
		wrong[f.Rule]++
		if f.Export == "" {
			missing = append(missing, f)
			continue
		}
		s.finding(f, f.Export, lines[f.Export])
	}
	s.missing(missing, in)
	for rule, looked := range verdicts.Looked {
		if looked > wrong[rule] {
			s.tally(rule).looked += looked - wrong[rule]
		}
	}
}

// seen is every profile of every message in the words of the oracle, and the
// line of each.
func (s *Sender) seen(messages []*sent) (all []oracle.Seen, lines map[string]int) {
	lines = map[string]int{}
	for _, m := range messages {
		x := m.attempts[0]
		for i, p := range x.message.profiles {
			if x.names[i] == "" {
				continue
			}
			e := oracle.Seen{Profile: x.names[i], Body: p.text, ID: fmt.Sprintf("%s (line %d)", x.names[i], x.Line)}
			if !s.Began.IsZero() && x.Told.Time {
				// A change and its export may be within a clock's grain.
				e.At = s.Scenario.Start.Add(x.Request.At.Sub(s.Began) + s.tolerance)
			}
			lines[e.ID] = cmp.Or(lines[e.ID], x.Line)
			all = append(all, e)
		}
	}
	return all, lines
}

// missing tells of exports that are not there, unless the capture was cut off
// before they came, the dataflow excludes the profile, or as many may have been
// in connections that were refused.
func (s *Sender) missing(findings []oracle.Finding, in *capture.Reader) {
	unnamed := s.anonymous()
	findings = slices.DeleteFunc(findings, func(f oracle.Finding) bool {
		g, _, known := s.Scenario.Group(f.Profile)
		excluded := slices.ContainsFunc(s.Scenario.Dataflow.Exclude, func(e scenarios.Exclusion) bool { return e.Profiles.Contains(f.Profile) })
		return in.CutOff() || excluded || len(unnamed) > 1 && known && g.NoIdentity && len(g.Identities) == 0
	})
	if n := in.Refused() / (len(s.delaysOf()) + 1); len(findings) > 0 && len(findings) <= n {
		s.unclear = append(s.unclear, fmt.Sprintf("%d exports are missing, and as many may have been in the %d connections that were refused", len(findings), in.Refused()))
		return
	}
	if s.bodiless > 0 && len(findings) > 0 {
		s.unclear = append(s.unclear, fmt.Sprintf("%d exports are missing, and may have been in the %d requests whose bodies the capture does not tell", len(findings), s.bodiless))
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
var twice = []string{"lqt-format", "ts-order", "status-values", "lowercase-identity-ns"}

// finding counts one of the oracle's, a default of ours as such. What the body
// by itself has shown already is not told again.
func (s *Sender) finding(f oracle.Finding, whose string, line int) {
	if t := s.tally(f.Rule); slices.Contains(twice, f.Rule) && t.wrongs+t.opens > 0 {
		return
	}
	tell := func(format string, args ...any) { s.note(f.Rule, false, line, format, args...) }
	if f.Default {
		tell = func(format string, args ...any) { s.leave(f.Rule, line, format, args...) }
	}
	tell("%s: %s: %s instead of %s", whose, f.What, f.Got, f.Want)
}
