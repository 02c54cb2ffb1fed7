package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/probe/histories"
)

// RandomHistories is how random histories are played; the zero value plays none.
type RandomHistories struct {
	Count int
	Seed  uint64
	Pause time.Duration // between a lost answer and its repetition, in some; 0: 15 s (A1)
	// Write keeps a scenario file that shows a failure, and returns a name for people; nil: it
	// is not kept.
	Write func(name string, scenario []byte) (string, error)
	// Play is the command that plays such a file; NAME stands for it.
	Play string
}

// HistoryRequests is how many requests a random history takes on average, at most: its
// deliveries and, where a message arrived twice, the messages once more.
const HistoryRequests = 24

// historyRules are the rules that a history may show broken.
var historyRules = []string{"rcv-2xx", "rcv-exited", "rcv-idempotent", "rcv-order", "rcv-batch"}

// histories are the cases about random histories.
func (p *Prober) histories() []probeCase {
	h := p.config.Histories
	if h.Count == 0 {
		return nil
	}
	rules := historyRules
	if p.config.Destination.MaxProfilesPerRequest < 2 {
		rules = rules[:len(rules)-1]
	}
	return []probeCase{{id: "history/random", title: fmt.Sprintf("Random histories leave the state that they lead to (%d, seed %d)", h.Count, h.Seed),
		rules: rules, requests: h.Count * HistoryRequests, unless: unread, run: randomHistories}}
}

// randomHistories plays them, several at a time, and makes what fails smaller.
func randomHistories(ctx context.Context, t *caseRun) {
	s, ok := newStage(ctx, t)
	if !ok {
		return
	}
	found := s.all(ctx)
	if ctx.Err() != nil {
		return
	}
	slices.SortFunc(found, func(a, b *finding) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), cmp.Compare(a.number, b.number))
	})
	told := map[string]bool{}
	for _, f := range found {
		if told[f.kind] || len(told) == mostKinds {
			continue
		}
		told[f.kind] = true
		if small := s.smallest(ctx, f.kind, found); ctx.Err() == nil {
			s.tell(small, found)
		}
	}
	s.end(found)
}

// smallest is the smallest history that fails in one way: of the first finding that comes
// again when it is played alone, or of the first where none does.
func (s *stage) smallest(ctx context.Context, kind string, found []*finding) *finding {
	var first *finding
	for _, f := range found {
		if f.kind != kind {
			continue
		}
		small := s.shrunk(ctx, f)
		if small.alone {
			return small
		}
		if first == nil {
			first = small
		}
	}
	return first
}

// stage is where histories are played.
type stage struct {
	*caseRun
	shape      histories.Shape
	base       time.Time // of lastQualificationTime
	pause      time.Duration
	slots      chan struct{} // one is held while messages are under way, of which two may be
	attributes bool          // the state that is read back has them
	known      bool          // and identities

	cases int // of the probe, for its progress

	mu    sync.Mutex // of the case, its checks and the tally
	tally histories.Tally
	lags  lags  // of states that were as they may be
	spent error // why no more is sent
}

// mostKinds is how many kinds of failures are made smaller and told: the others may follow
// from them.
const mostKinds = 3

// actors is how many histories are played at a time: many, since some of them pause.
const actors = 64

// mostFindings ends the search: more of them tell nothing new.
const mostFindings = 12

// newStage looks at what of a profile is in the state that is read back.
func newStage(ctx context.Context, t *caseRun) (*stage, bool) {
	c := t.config
	s := &stage{caseRun: t, base: t.began.UTC().Add(-time.Hour).Truncate(time.Second), pause: cmp.Or(c.Histories.Pause, 15*time.Second),
		cases: len(t.plan()), slots: make(chan struct{}, max(1, c.Limits.Burst/2)),
		shape: histories.Shape{Audiences: 3, Batch: min(3, c.Destination.MaxProfilesPerRequest), Pairs: c.Limits.Burst >= 2}}
	if n := len(c.Audiences); n > 0 {
		s.shape.Audiences = min(n, s.shape.Audiences)
	}
	who := t.next()
	d := s.document(histories.Document{Entries: map[int]histories.Entry{0: {In: true, At: 1}}, Name: 1, Known: 1}, who)
	if !t.put(ctx, "rcv-2xx", "a profile with a name and another identity", d) {
		return nil, false
	}
	state, ok := t.there(ctx, "rcv-2xx", who, "the profile is not stored", "the profile", present)
	s.attributes = lookup(state, "person", "name", "firstName") == histories.Name(1)
	s.known = holds(state, identityOf(who, 1))
	return s, ok
}

// next makes a person.
func (t *caseRun) next() person { return t.people.next() }

// all plays every history, and returns what was found.
func (s *stage) all(ctx context.Context) []*finding {
	numbers := make(chan int)
	var found []*finding
	var work sync.WaitGroup
	for range actors {
		work.Go(func() {
			for n := range numbers {
				h := histories.Random(s.config.Histories.Seed, n, s.shape)
				f, played := s.play(ctx, h)
				s.mu.Lock()
				if played {
					s.tally.Add(h)
				}
				if f != nil {
					f.number, found = n, append(found, f)
				}
				s.mu.Unlock()
			}
		})
	}
	for n := 1; n <= s.config.Histories.Count && ctx.Err() == nil; n++ {
		s.mu.Lock()
		over := failing(found) >= mostFindings || s.spent != nil
		s.mu.Unlock()
		if over {
			break
		}
		if s.config.Progress != nil {
			s.config.Progress(len(s.Prober.cases), s.cases, s.budget.sent(), fmt.Sprintf("history %d of %d", n, s.config.Histories.Count))
		}
		numbers <- n
	}
	close(numbers)
	work.Wait()
	return found
}

// failing is how many of the findings fail a rule.
func failing(found []*finding) int {
	n := 0
	for _, f := range found {
		if !f.undocumented() {
			n++
		}
	}
	return n
}

// end says what was covered. A rule is passed only where all histories were played and
// none was found to break it.
func (s *stage) end(found []*finding) {
	s.tally.Into(s.metrics)
	for what, shown := range map[string]bool{"attributes": s.attributes, "identities": s.known} {
		if !shown {
			s.advise(s.rules[0], "the state that is read back does not show "+what, what+" were not compared", "show them in the read-back", nil)
		}
	}
	switch {
	case s.spent != nil:
		fix, limit := readBackFix, errSpent{}
		if errors.As(s.spent, &limit) {
			fix = "raise limits.requests, or play fewer histories"
		}
		for _, rule := range s.rules {
			s.unclear(rule, fmt.Sprintf("%s; %d of %d histories were played", s.spent, s.tally.Histories, s.config.Histories.Count), fix)
		}
		return
	case failing(found) > 0:
		s.advise(s.rules[0], fmt.Sprintf("%d of the %d histories that were played failed", failing(found), s.tally.Histories), s.tally.String(), "", nil)
		return
	}
	for _, rule := range s.rules {
		if n, what := s.exercised(rule); n > 0 {
			s.pass(rule, fmt.Sprintf("%d histories leave the state that they lead to", s.tally.Histories), fmt.Sprintf("%d %s", n, what))
		} else {
			s.unclear(rule, "none of the histories exercises it", "play more histories")
		}
	}
}

// exercised is how often something happened that a rule is about.
func (s *stage) exercised(rule string) (n int, what string) {
	t := &s.tally
	switch rule {
	case "rcv-exited":
		return t.Exits, "exits"
	case "rcv-idempotent":
		return t.Repeated + t.AtOnce, "messages that arrived twice"
	case "rcv-order":
		return t.Late + t.Meeting, "copies that arrived with a later message, or after it"
	case "rcv-batch":
		return t.Batches, "messages with several profiles"
	}
	return t.Messages, "messages: " + t.String()
}

// shrunk makes a history that failed smaller, for as long as it fails in the same way.
func (s *stage) shrunk(ctx context.Context, f *finding) *finding {
	tries := 2 // a failure may depend on how fast the messages follow each other
	if f.history.Racy() {
		tries = 4
	}
	smallest := *f
	smallest.alone = false
	plays, until := mostPlays, time.Now().Add(longestSearch)
	fails := func(h histories.History) bool {
		for range tries {
			if plays--; plays < 0 || time.Now().After(until) || ctx.Err() != nil || s.spent != nil {
				return false
			}
			again, _ := s.play(ctx, h)
			if again == nil {
				continue
			}
			again.number, again.alone = f.number, true
			if again.kind != f.kind {
				return false
			}
			smallest = *again
			return true
		}
		return false
	}
	for range 3 { // what depends on times may not show each time
		if fails(f.history) {
			histories.Shrink(smallest.history, fails)
			break
		}
	}
	if f := smallest; f.batched() && fails(f.history.Apart()) {
		f.apart = true
		return &f
	}
	return &smallest
}

// mostPlays and longestSearch bound the search for a smaller history of one failure.
const (
	mostPlays     = 2000
	longestSearch = time.Minute
)

// tell makes a check of what was found.
func (s *stage) tell(f *finding, found []*finding) {
	same := 0
	for _, other := range found {
		if other.kind == f.kind {
			same++
		}
	}
	rule := f.rule()
	if f.kind == refusedKind {
		s.last = f.answer
		k := s.refusal(rule, f.title(same), f.expected(), f.answer)
		s.check(k, &f.answer)
	} else {
		k := failed(rule, f.title(same), f.expected(), f.actual)
		k.Class, k.Fix = string(lost), f.fix()
		switch f.kind {
		case openKind:
			k = s.by("rcv-order/shared-time", k)
		case oldKind:
			k.Verdict = reports.Unspecified
		}
		s.check(k, &f.answer)
	}
	s.keep(rule, f, &s.checks[len(s.checks)-1])
}

// keep writes the scenario file of a failure, and names the command that plays it.
func (s *stage) keep(rule string, f *finding, k *reports.Check) {
	h := s.config.Histories
	if h.Write == nil {
		return
	}
	name := fmt.Sprintf("history-%d-%d.yaml", h.Seed, f.number)
	d := s.config.Destination
	file := histories.File{Title: f.title(1), Why: rule + ": " + s.redact.text(inOneLine(f.actual)), Play: replaced(h.Play, name), Batch: d.MaxProfilesPerRequest, Encoding: cmp.Or(string(d.BatchEncoding), "array")}
	path, err := h.Write(name, f.history.Scenario(file))
	if err != nil {
		k.Fix += fmt.Sprintf("; %s was not written: %v", name, err)
		return
	}
	k.Reproduce = replaced(h.Play, path)
}
