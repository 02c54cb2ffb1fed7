package probe

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// refusals are the cases about how a receiver says no.
func (p *Prober) refusals() []probeCase {
	rules := []string{"rcv-retry-advice"}
	malformed := func(title string, body []byte) func(context.Context, *caseRun) {
		return func(ctx context.Context, t *caseRun) { t.never(ctx, title, body) }
	}
	return []probeCase{
		{id: "refusal/cut-off", title: "A message that was cut off is refused for good", rules: rules, requests: 1 + following, run: malformed("a body that was cut off", []byte(`{"segmentMembership": {"ups": {`))},
		{id: "refusal/no-json", title: "A body that is not JSON is refused for good", rules: rules, requests: 1 + following, run: malformed("a body that is not JSON", []byte("this is not JSON"))},
		{id: "refusal/types", title: "A message with wrong types is refused for good", rules: rules, requests: 1 + following,
			run: malformed("a body with a list for an object", []byte(`{"segmentMembership": [], "identityMap": {"ecid": {"id": 7}}}`))},
		{id: "refusal/empty", title: "An empty body is refused for good", rules: rules, requests: 1 + following, run: malformed("an empty body", nil)},
	}
}

// never sends what can never be accepted: it should be refused with a status
// that neither policy would send again for nothing (R104).
func (t *caseRun) never(ctx context.Context, title string, body []byte) {
	a, ok := t.send(ctx, t.main, "", body)
	if !ok {
		return
	}
	if a.Outcome.Kind != retry.Answered || a.throttles() || a.status() >= 500 {
		// It may be about something else than the body: the same again says so.
		if wait(ctx, a.pause(t.config.Pause)) != nil {
			return
		}
		if a, ok = t.send(ctx, t.main, "", body); !ok {
			return
		}
	}
	_, again := retry.BestEffort().Next(1, a.Outcome, time.Now())
	switch {
	case a.late():
		t.accepted("rcv-2s", title, a)
	case a.unreadable():
		t.garbled(title, a)
	case a.Outcome.Kind != retry.Answered:
		t.fail("rcv-retry-advice", title+" ends the connection", "400 or 422", &a)
	case a.ok():
		t.advise("rcv-retry-advice", title+" is accepted", a.says(), "answer 400, so that a mistake on the way is seen", &a)
	case again, a.status() == 401, a.status() < 400:
		t.blame(misleading, "rcv-retry-advice", title+" is refused with a status that means something else", "400 or 422: it can never be accepted", neverFix, a)
	case a.status() >= 500:
		t.blame(misleading, "rcv-retry-advice", title+" is called an error of the server", "400 or 422: it can never be accepted", neverFix, a)
	default:
		t.pass("rcv-retry-advice", title+" is refused for good", a.says())
	}
	t.afterwards(ctx, title)
}

// neverFix is what to do about what can never be accepted.
const neverFix = "answer 400 or 422: catch what the parser of the body throws, before a handler of all errors answers 500"

// statuses counts how exchanges ended, and keeps the answer with the largest
// headers.
type statuses struct {
	mu      sync.Mutex
	count   map[string]int
	largest answer
	headers int // of it, in bytes
}

func (s *statuses) add(a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.count == nil {
		s.count = map[string]int{}
	}
	s.count[a.Outcome.String()]++
	if n := a.headerBytes(); n > s.headers {
		s.largest, s.headers = a, n
	}
}

// into adds them to the metrics of a report: answers200 and so on.
func (s *statuses) into(metrics map[string]float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for outcome, n := range s.count {
		metrics["answers"+strings.ToUpper(outcome[:1])+outcome[1:]] = float64(n)
	}
}

// fate is what the sender makes of a failure under the two policies; "" of a
// delivery.
func fate(o retry.Outcome) string {
	if o.Kind == "" || o.Delivered() {
		return ""
	}
	says := func(p retry.Policy) string {
		if _, again := p.Next(1, o, time.Time{}); again {
			return "sent again after 15 s and 30 s, then lost"
		}
		return "lost at once"
	}
	documented, best := says(retry.Documented()), says(retry.BestEffort())
	if documented == best {
		return documented
	}
	return documented + " (policy documented); " + best + " (policy best-effort)"
}
