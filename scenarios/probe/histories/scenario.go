package histories

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Times of the engine that a scenario file counts on: it gives up on an answer after two
// seconds, and repeats fifteen seconds after a failure (A1).
const (
	between  = time.Second
	repeats  = 15 * time.Second
	deadline = 2 * time.Second
	moment   = 500 * time.Millisecond
)

// File is what a scenario file of a history says in addition.
type File struct {
	Title    string
	Why      string // a comment of one line: how it failed
	Play     string // a comment of one line: the command that plays it
	Batch    int    // profiles in a message, at most
	Encoding string // of several profiles: array or profiles
}

// Scenario writes a history as a scenario file for httpdest run --endpoint. The engine
// sends the messages, and faults of the proxy between it and the receiver lose, double and
// hold them, so that they arrive in the order of the plan.
func (h History) Scenario(f File) []byte {
	s := newSchedule(h)
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n# %s\n", f.Why, f.Play)
	for _, line := range h.Lines() {
		fmt.Fprintf(&b, "#   %s\n", line)
	}
	fmt.Fprintf(&b, "title: %q\nrules: [incremental]\n\naudiences:\n", f.Title)
	for a := range h.audiences() {
		fmt.Fprintf(&b, "  %s: {}\n", audience(a))
	}
	if h.batches() {
		fmt.Fprintf(&b, "destination: {maxProfilesPerRequest: %d, batchEncoding: %s}\n", f.Batch, f.Encoding)
	}
	fmt.Fprintf(&b, "dataflow:\n  audiences: [%s]\n  attributes: [person.name.firstName]\nprofiles:\n", strings.Join(audiences(h.audiences()), ", "))
	for n := range h.profiles() {
		fmt.Fprintf(&b, "  %s: {}\n", profile(n))
	}
	b.WriteString("\nendpoint:\n  tls: plain\n")
	if len(s.faults) > 0 {
		fmt.Fprintf(&b, "  faults:\n    - %s\n", strings.Join(s.faults, "\n    - "))
	}
	fmt.Fprintf(&b, "history:\n  - %s\n\nuntil: %s\nexpect: []\nothers: allowed\n", strings.Join(s.steps, "\n  - "), written(s.now+deadline))
	return []byte(b.String())
}

func audience(n int) string { return string(rune('a' + n)) }

func audiences(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = audience(i)
	}
	return out
}

func profile(n int) string { return fmt.Sprintf("p-%d", n+1) }

// audiences is how many a scenario needs.
func (h History) audiences() int {
	most := 0
	for _, s := range h {
		for _, c := range s.Changes {
			most = max(most, c.Audience)
		}
	}
	return most + 1
}

func (h History) profiles() int {
	most := 0
	for _, s := range h {
		most = max(most, slices.Max(s.Profiles))
	}
	return most + 1
}

func (h History) batches() bool {
	return slices.ContainsFunc(h, func(s Step) bool { return len(s.Profiles) > 1 })
}

// written is a time as scenario files have it.
func written(d time.Duration) string { return d.String() }

// schedule gives the rounds of a plan their times.
type schedule struct {
	history  History
	now      time.Duration
	first    map[int]time.Duration // message -> when its first attempt is sent
	done     map[int]time.Duration // step -> when its message first arrives
	held     map[int]time.Duration // message -> when its held attempt arrives
	attempts []attempt
	steps    []string
	faults   []string
}

// attempt is a request as the proxy counts it.
type attempt struct {
	at      time.Duration
	message int
	first   bool
}

func newSchedule(h History) *schedule {
	s := &schedule{history: h, first: map[int]time.Duration{}, done: map[int]time.Duration{}, held: map[int]time.Duration{}}
	plan := h.Plan()
	for _, r := range plan.Rounds {
		for i, m := range r.Messages {
			if _, sent := s.first[m]; !sent {
				s.send(plan.Messages[m], m, r.Pause)
				continue
			}
			if i == 0 || r.Messages[0] != m {
				s.again(plan.Messages[m], m, i > 0)
			}
		}
	}
	slices.SortStableFunc(s.attempts, func(a, b attempt) int { return cmp.Compare(a.at, b.at) })
	for n, a := range s.attempts {
		if f := s.fault(plan, a); f != "" {
			s.faults = append(s.faults, fmt.Sprintf("{requests: %d, %s}", n+1, f))
		}
	}
	return s
}

// send schedules the step of a message, and the attempt that is in time.
func (s *schedule) send(m Message, index int, pause bool) {
	s.now += between
	if pause {
		s.now += repeats
	}
	step := s.history[m.Step]
	s.first[index] = s.now
	s.attempts = append(s.attempts, attempt{s.now, index, true})
	s.steps = append(s.steps, step.line(s.now))
	if step.Copies == Late || step.Copies == Meeting {
		s.now += deadline + repeats
		s.attempts = append(s.attempts, attempt{s.now, index, false})
	}
	s.done[m.Step] = s.now
}

// again schedules the other copy of a message.
func (s *schedule) again(m Message, index int, together bool) {
	if s.history[m.Step].Copies == Repeated {
		s.now = max(s.now, s.first[index]+repeats) + moment
		s.attempts = append(s.attempts, attempt{s.first[index] + repeats, index, false})
		return
	}
	if !together {
		s.now += moment
	}
	s.held[index] = s.now
	if !together {
		s.now += moment
	}
}

// fault is that of an attempt; "" none.
func (s *schedule) fault(p Plan, a attempt) string {
	if !a.first {
		return ""
	}
	switch s.history[p.Messages[a.message].Step].Copies {
	case Repeated:
		return "forward: before, reset: true"
	case AtOnce:
		return "forward: twice-at-once"
	case Late, Meeting:
		return "forward: after, latency: " + written(s.held[a.message]-a.at)
	}
	return ""
}

// line is the line of the history of a scenario.
func (s Step) line(at time.Duration) string {
	var enter, leave []string
	rest := ""
	for _, c := range s.Changes {
		switch c.Kind {
		case Enter:
			enter = append(enter, audience(c.Audience))
		case Leave:
			leave = append(leave, audience(c.Audience))
		case Set:
			rest += fmt.Sprintf(", set: person.name.firstName, to: %q", Name(c.Name))
		}
	}
	if len(enter) > 0 {
		rest += fmt.Sprintf(", qualify: [%s]", strings.Join(enter, ", "))
	}
	if len(leave) > 0 {
		rest += fmt.Sprintf(", exit: [%s]", strings.Join(leave, ", "))
	}
	sorted := slices.Sorted(slices.Values(s.Profiles))
	who := "profile: " + profile(sorted[0])
	if len(sorted) > 1 { // in one message; see apart
		who = fmt.Sprintf(`profiles: "p-{%d..%d}"`, sorted[0]+1, sorted[len(sorted)-1]+1)
	}
	if slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Kind == Know }) {
		of := profile(sorted[0])
		if len(sorted) > 1 {
			of = "p-{n}"
		}
		rest += fmt.Sprintf(", addIdentity: {crmid: %q}", of+"-"+at.String())
	}
	return fmt.Sprintf("{at: %s, %s%s}", written(at), who, rest)
}

// Name is a first name by its number, from 1.
func Name(n int) string { return []string{"Ada", "Grace"}[n-1] }
