package check

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// SenderOptions say what is known of a sender that is not ours.
type SenderOptions struct {
	File string // the capture, as reports call it
	// Scenario is the history that the sender was given; nil: nobody knows it.
	Scenario *scenarios.Scenario
	// Began is when the scenario began on the clock of the capture; zero:
	// nobody knows, and only gaps and order count.
	Began time.Time
	// Partial judges what there is of a capture that was cut off; what is
	// missing from it is then not missed.
	Partial bool
	// Readings are chosen for this judgement, and go before those of the scenario.
	Readings scenarios.Readings
}

// Sender judges somebody else's sender by what it sent, an exchange at a time.
//
// A broken rule of the documentation fails; a deviation from a default of
// httpdest is unspecified. Without the history, the rules that need one are
// skipped, and the toggles of the destination are inferred from the capture: a
// sender that names one audience has names on.
type Sender struct {
	SenderOptions
	rules       scenarios.Catalogue
	hidden      *secret.Redactor // takes the scenario's credentials out of what is expected, as they are out of the capture
	tallies     map[string]*tally
	tolerance   time.Duration
	requests    int // that carry a message
	others      int // that carry none
	bodiless    int // that carry a message whose body the capture does not tell
	wrapped     []wrapped
	entries     entries
	exchanges   []*exchange                   // kept where there is a history to hold them against
	audiences   map[string]scenarios.Audience // by id; nil without a history
	profiles    owners
	forgotten   map[string]time.Duration // profile -> when it is forgotten first
	unclear     []string                 // what nobody can tell from this capture
	sendings    sendings
	ledger      *ledger
	underWay    underWay          // requests, where the capture tells when they ended
	synthetic   bool              // the sender knows the synthetic identities of the scenario
	identifying bool              // all requests are there
	nameless    []string          // profiles without any other identity; nil until asked for
	isNameless  map[string]bool   // the same, to look up
	own         map[string]string // of an ecid of the sender's own -> profile

	told       map[string]int // by need: messages that tell it
	uncredited int            // messages whose credentials were removed
	recorded   bool           // it is an httpdest recording, which has the handshakes as well
	clocked    bool           // when the history began is known, or follows from the exports
}

// NewSender returns a Sender that has seen nothing.
func NewSender(rules scenarios.Catalogue, o SenderOptions) *Sender {
	if o.Scenario != nil && o.Scenario.Refuses() {
		o.Scenario = nil // its history must not happen, so it shows nothing of a sender
	}
	if o.Scenario != nil {
		o.Scenario = o.Scenario.WithReadings(o.Readings)
	}
	s := &Sender{SenderOptions: o, rules: rules, tallies: map[string]*tally{}, told: map[string]int{}, tolerance: time.Second}
	if o.Scenario != nil {
		s.audiences = map[string]scenarios.Audience{}
		for _, a := range o.Scenario.Audiences {
			s.audiences[a.ID] = a
		}
		s.profiles, s.forgotten = knownIdentities(o.Scenario), forgottenIn(o.Scenario)
		s.hidden = secret.NewRedactor(o.Scenario.Credentials()...)
	}
	return s
}

// Exchange takes in the next one.
func (s *Sender) Exchange(x capture.Exchange) {
	if !x.Message() {
		s.others++
		return
	}
	s.requests++
	s.listen(x)
	s.request(x)
	if !x.Told.Body {
		s.bodiless++
		return
	}
	m := readMessage(x.Request.Body)
	s.message(x.Line, m)
	s.sendings.add(x, m, s.named(x, m))
	if s.Scenario != nil {
		s.exchanges = append(s.exchanges, &exchange{Exchange: x, message: m})
	}
}

// Judge returns the verdict about everything taken in. in is where it came
// from, read to its end.
func (s *Sender) Judge(in *capture.Reader) reports.Case {
	c := reports.Case{ID: strings.TrimSuffix(filepath.Base(s.File), filepath.Ext(s.File)), File: s.File, Line: 1,
		Title: fmt.Sprintf("%d requests of another sender", s.requests)}
	if s.requests == 1 {
		c.Title = "A request of another sender"
	}
	if run := in.Run(); run != nil {
		s.recorded = true
		s.tolerance = max(s.tolerance, time.Duration(run.ToleranceMs)*time.Millisecond)
	}
	if s.Scenario != nil {
		c.Title = s.Scenario.Title
		s.history(in)
	} else {
		s.inferred()
	}
	c.Evidence = s.evidence(in)
	checks := s.unexercised(in, s.withhold(s.checks()))
	c.Checks = append(s.unfinished(in, checks), checks...)
	for _, k := range c.Checks {
		if k.Verdict != reports.Skip && k.Rule != "" {
			c.Rules = append(c.Rules, k.Rule)
		}
	}
	verdicts := make([]reports.Verdict, len(c.Checks))
	open := false
	for i, k := range c.Checks {
		verdicts[i] = k.Verdict
		open = open || k.Verdict == reports.Unspecified
		if k.Verdict == reports.Inconclusive && c.Reason == "" {
			c.Reason = k.Title
		}
	}
	if c.Verdict = reports.Worst(verdicts...); c.Verdict == reports.Skip && open {
		c.Verdict = reports.Unspecified
	}
	if c.Verdict != reports.Inconclusive {
		c.Reason = ""
	}
	c.Timeline = s.sendings.timeline(s.Began)
	return c
}

// named is whose message it is, as far as that is known: by the history, or by
// the endpoint that recorded it.
func (s *Sender) named(x capture.Exchange, m *sentMessage) string {
	name := ""
	if len(x.Request.Profiles) > 0 {
		name = x.Request.Profiles[0]
	}
	if s.Scenario != nil && len(m.profiles) > 0 && m.profiles[0].object != nil {
		known, among := s.nameOf(m.profiles[0].body, s.latest(&x))
		name = cmp.Or(known, strings.Join(among, " or "), name)
	}
	if len(m.profiles) > 1 && name != "" {
		name = fmt.Sprintf("%s and %d more", name, len(m.profiles)-1)
	}
	return name
}

// unfinished says what keeps the capture from being judged as a whole.
func (s *Sender) unfinished(in *capture.Reader, checks []reports.Check) []reports.Check {
	var out []reports.Check
	unclear := func(line int, title, fix string) {
		out = append(out, reports.Check{Verdict: reports.Inconclusive, Title: title, Fix: fix, File: s.File, Line: max(1, line), Column: 1})
	}
	if in.CutOff() && !s.Partial {
		unclear(1, "the recording is cut off: its end line is missing", "record it again, or judge the rest with --partial")
	}
	judged := slices.ContainsFunc(checks, func(c reports.Check) bool { return c.Verdict != reports.Skip })
	// A whole recording without a message is one of a sender that kept silent.
	if silent := s.Scenario != nil && in.End() != nil && judged; s.requests == 0 && !silent {
		unclear(1, "the capture has no message", "check the endpoint in the sender's configuration")
	}
	if s.requests > 0 && !judged {
		unclear(1, "the capture has no part of its requests that a rule judges", "keep methods, headers and bodies in the capture")
	}
	for i, what := range s.unclear {
		if i == fewKept || in.CutOff() {
			break // a recording that was cut off is reported as such
		}
		unclear(1, what, "record every request with its body, for one minute longer; give every profile an identity")
	}
	if in.End() == nil || s.Scenario == nil {
		return out
	}
	for _, f := range in.End().Faults {
		if f.Fired < max(1, f.Planned) {
			unclear(1, fmt.Sprintf("fault %s of the scenario fired %d of %d times", f.ID, f.Fired, max(1, f.Planned)), "let the sender play the whole history")
		}
	}
	return out
}

// evidence says what of the capture is not judged.
func (s *Sender) evidence(in *capture.Reader) (out []string) {
	if left := in.LeftOut(); len(left) > 0 {
		out = append(out, "left out: "+strings.Join(left, ", "))
	}
	if s.Scenario == nil && s.requests > 1 {
		out = append(out, reports.ByItself)
	}
	if s.bodiless > 0 {
		out = append(out, fmt.Sprintf("%d of %d requests have no body in the capture: the rules on content skip them", s.bodiless, s.requests))
	}
	if n := in.Marked(); n > 0 && s.Scenario != nil {
		out = append(out, fmt.Sprintf("%d of %d requests have a word such as [REDACTED] instead of a credential: --credentials-removed skips the rules on it", n, s.requests))
	}
	if s.uncredited > 0 && s.Scenario != nil {
		out = append(out, fmt.Sprintf("%d of %d requests have no credentials in the capture: the rules on them skip them", s.uncredited, s.requests))
	}
	return out
}

// SenderReport is the report of kind "judge". A rule that only defaults of
// httpdest leave open is unspecified.
func SenderReport(rules scenarios.Catalogue, cases []reports.Case) *reports.Report {
	report := Summarise("judge", rules, cases)
	for i := range report.Rules {
		r := &report.Rules[i]
		if r.Verdict != reports.Skip {
			continue
		}
		if r.Reason = "not about a sender"; sideOf(rules, r.ID) == "receiver" {
			r.Reason = "use probe"
		}
		for _, c := range slices.Backward(cases) {
			for _, k := range c.Checks {
				switch {
				case k.Rule != r.ID:
				case k.Verdict == reports.Unspecified:
					r.Verdict, r.Reason = reports.Unspecified, k.Actual
				case k.Verdict == reports.Skip && r.Verdict == reports.Skip:
					r.Reason = k.Title
				}
			}
		}
	}
	return report
}

func sideOf(rules scenarios.Catalogue, id string) string {
	r, _ := rules.Find(id)
	return r.Side
}
