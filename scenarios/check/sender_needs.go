package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// parts are the needs that a single exchange meets or not. All other needs are
// met by a capture as a whole, or never: see unmet.
var parts = map[string]func(capture.Exchange) bool{
	"method":      func(x capture.Exchange) bool { return x.Told.Method },
	"target":      func(x capture.Exchange) bool { return x.Told.Target && x.Told.Query },
	"headers":     func(x capture.Exchange) bool { return x.Told.Headers || len(x.Request.Headers) > 0 },
	"credentials": func(x capture.Exchange) bool { return x.Told.Credentials && x.Header("Authorization") },
	"body":        func(x capture.Exchange) bool { return x.Told.Body },
	"time":        func(x capture.Exchange) bool { return x.Told.Time },
	"duration":    func(x capture.Exchange) bool { return x.Told.Duration },
	"status":      func(x capture.Exchange) bool { return x.Told.Status },
}

// listen counts the parts that a message has.
func (s *Sender) listen(x capture.Exchange) {
	for need, told := range parts {
		if told(x) {
			s.told[need]++
		}
	}
	if !x.Told.Credentials && x.Told.Headers {
		s.uncredited++
	}
}

// tells counts the messages that meet a need. A capture of data calls has
// neither the bodies of answers nor anything outside of requests: no message
// meets such a need.
func (s *Sender) tells(need string) int {
	var met bool
	switch need {
	case "history":
		met = s.Scenario != nil
	case "clock":
		met = s.clocked
	case "certificate":
		met = s.recorded
	default:
		return s.told[need]
	}
	if met {
		return max(1, s.requests)
	}
	return 0
}

// unmet are the needs of a rule that fewer messages meet than there must be, in
// the order of the vocabulary. A capture without a message tells all parts of
// what there was.
func (s *Sender) unmet(r scenarios.Rule, fewest int) []scenarios.Need {
	return slices.DeleteFunc(scenarios.Needs(), func(need scenarios.Need) bool {
		silent := s.requests == 0 && parts[need.Word] != nil
		return !slices.Contains(r.Needs, need.Word) || silent || s.tells(need.Word) >= fewest
	})
}

// unseen is why a rule was not judged: the capture shows the other position of
// a toggle, lacks a part that the rule needs, or has nothing that exercises it.
func (s *Sender) unseen(id string) string {
	r, _ := s.rules.Find(id)
	if reason := s.entries.toggled(id); reason != "" && s.Scenario == nil {
		return reason
	}
	switch untold := s.unmet(r, max(1, s.requests)); {
	case len(untold) > 0:
		return s.wants(untold)
	case len(InJudge(id)) == 0:
		return "not judged from a capture"
	case s.uncredited > 0 && slices.Contains(r.Needs, "headers"):
		return "the credentials were removed from the capture"
	case s.Scenario == nil:
		return "no request in the capture concerns it"
	}
	if fact, missing := s.Scenario.Lacks(r); missing {
		return "the history does not exercise it: " + fact.Missing
	}
	return "no request in the capture concerns it"
}

// wants words needs that are not met, or not by every message.
func (s *Sender) wants(untold []scenarios.Need) string {
	words := make([]string, len(untold))
	for i, need := range untold {
		words[i] = need.Word + ": " + need.Means
		if n := s.tells(need.Word); n > 0 {
			words[i] += fmt.Sprintf(" (known of %d of %d)", n, s.requests)
		}
	}
	return "needs " + strings.Join(words, "; ")
}

// withhold takes back passes of rules whose needs no message meets: what was
// looked at is not what the rule is about.
func (s *Sender) withhold(checks []reports.Check) []reports.Check {
	for i, c := range checks {
		r, known := s.rules.Find(c.Rule)
		if !known || c.Verdict != reports.Pass {
			continue
		}
		if untold := s.unmet(r, 1); len(untold) > 0 {
			checks[i].Verdict, checks[i].Title = reports.Skip, s.wants(untold)
		}
	}
	return checks
}
