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
	return known
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
	if len(all) > 0 {
		return ""
	}
	// Without an identity it can only be the one profile that has none.
	anonymous := ""
	for _, g := range s.Scenario.Profiles {
		if g.NoIdentity && len(g.Identities) == 0 {
			if anonymous != "" || g.Names.Len() > 1 {
				return ""
			}
			anonymous = g.Names.At(0)
		}
	}
	return anonymous
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
	s.exports(messages, in.CutOff())
}

// stranger is a profile that the history does not have.
func (s *Sender) stranger(line int, b *body) {
	if len(b.identities()) == 0 {
		s.note("all-identities", false, line, "no identity: whose profile it is cannot be told")
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
func (s *Sender) exports(messages []*sent, cut bool) {
	var seen []oracle.Seen
	lines := map[string]int{}
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
			seen = append(seen, e)
		}
	}
	verdicts := oracle.Exports(s.Scenario, seen)
	wrong := map[string]int{}
	for _, f := range verdicts.Findings {
		wrong[f.Rule]++
		if f.Export == "" && cut {
			continue // it may have come after the cut
		}
		whose := f.Export
		if whose == "" {
			whose = fmt.Sprintf("%s, due %s after the start", f.Profile, duration(f.At.Sub(s.Scenario.Start)))
		}
		tell := s.note
		if f.Default {
			tell = func(rule string, _ bool, line int, format string, args ...any) { s.leave(rule, line, format, args...) }
		}
		tell(f.Rule, false, lines[f.Export], "%s: %s: %s instead of %s", whose, f.What, f.Got, f.Want)
	}
	for rule, looked := range verdicts.Looked {
		if looked > wrong[rule] {
			s.tally(rule).looked += looked - wrong[rule]
		}
	}
}
