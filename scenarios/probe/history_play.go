package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/httpdest/httpdest/scenarios/probe/histories"
)

// play plays one history with new profiles; nil when the receiver holds what it may hold.
// played is false when it could not be played to its end.
func (s *stage) play(ctx context.Context, h histories.History) (f *finding, played bool) {
	plan := h.Plan()
	cast := map[int]person{}
	var open *finding // which fails nothing, and does not keep what does from being seen
	for i, r := range plan.Rounds {
		if r.Pause && wait(ctx, s.pause) != nil {
			return nil, false
		}
		a, err := s.deliver(ctx, plan, r.Messages, cast)
		if err != nil {
			return s.stopped(ctx, h, err)
		}
		for _, n := range r.Looks {
			f, err := s.look(ctx, plan.Expect(i, n), cast[n])
			if err != nil {
				return s.stopped(ctx, h, err)
			}
			if f == nil {
				continue
			}
			if f.history, f.answer = h, a; !f.undocumented() {
				return f, true
			}
			open = f
		}
	}
	if open != nil || !plan.Twice() {
		return open, true
	}
	f, err := s.compare(ctx, h, cast)
	if err != nil {
		return s.stopped(ctx, h, err)
	}
	return f, true
}

// stopped sorts out why a history was not played to its end. A refusal is a finding.
func (s *stage) stopped(ctx context.Context, h histories.History, err error) (*finding, bool) {
	var refused *refusedMessage
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &refused):
		return &finding{kind: refusedKind, history: h, answer: refused.answer}, true
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.spent = err
	}
	return nil, false
}

// refusedMessage is a message that was refused as often as it is sent.
type refusedMessage struct{ answer answer }

func (r *refusedMessage) Error() string { return "a message is refused: " + r.answer.says() }

// deliver sends messages at the same time, and returns the answer to the first.
func (s *stage) deliver(ctx context.Context, p histories.Plan, messages []int, cast map[int]person) (answer, error) {
	answers, errs := make([]answer, len(messages)), make([]error, len(messages))
	bodies := make([][]byte, len(messages))
	for i, m := range messages {
		bodies[i] = s.body(p.Messages[m], cast)
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
	if len(messages) == 1 {
		return s.insistOn(ctx, bodies[0])
	}
	var all sync.WaitGroup
	for i := range messages {
		all.Go(func() { answers[i], errs[i] = s.insistOn(ctx, bodies[i]) })
	}
	all.Wait()
	return answers[0], errors.Join(errs...)
}

// attempts is how often a message is sent before it counts as refused (R82).
const attempts = 3

// insistOn sends a body until it is accepted, as the destination would, though sooner.
func (s *stage) insistOn(ctx context.Context, body []byte) (a answer, err error) {
	for n := range attempts {
		if n > 0 {
			if a.throttles() {
				s.budget.slow()
			}
			if err := wait(ctx, s.config.Pause); err != nil {
				return a, err
			}
		}
		if err := s.budget.take(ctx, 1); err != nil {
			return a, err
		}
		s.mu.Lock()
		access, err := s.access(ctx)
		s.mu.Unlock()
		if err != nil {
			return a, err
		}
		a = s.main.perform(ctx, s.operation(body, s.main.certificate, access))
		if ctx.Err() != nil {
			return a, ctx.Err()
		}
		s.seen.add(a)
		if a.ok() {
			return a, nil
		}
	}
	return a, &refusedMessage{a}
}

// body is a message with its profiles as they are cast.
func (s *stage) body(m histories.Message, cast map[int]person) []byte {
	sh := s.shaper()
	var all []document
	for _, d := range m.Documents {
		who, there := cast[d.Profile]
		if !there {
			who = s.next()
			cast[d.Profile] = who
		}
		all = append(all, s.document(d, who))
	}
	if len(all) == 1 {
		return sh.single(all[0])
	}
	return sh.list(all, sh.wrapped)
}

// document is a profile as a message has it.
func (s *stage) document(d histories.Document, who person) document {
	sh := s.shaper()
	entries := map[string]entry{}
	for n, e := range d.Entries {
		status := "exited"
		if e.In {
			status = "realized"
		}
		entries[sh.audience(n)] = sh.in(status, s.base.Add(time.Duration(e.At)*10*time.Second).Format(time.RFC3339))
	}
	out := who.document(entries)
	if delete(out, "person"); d.Name > 0 {
		out["person"] = map[string]any{"name": map[string]any{"firstName": histories.Name(d.Name)}}
	}
	identities := out["identityMap"].(map[string]any)
	var more []any
	for n := range d.Known {
		more = append(more, map[string]any{"id": identityOf(who, n+1)})
	}
	if len(more) > 0 {
		identities["crmid"] = more
	}
	return out
}

// identityOf is the nth identity that a person gets, from 1.
func identityOf(who person, n int) string {
	return fmt.Sprintf("probe-%s-%d", who.ECID[len(who.ECID)-18:], n)
}

// holds reports whether a state has an identity in the namespace crmid.
func holds(state any, id string) bool {
	list, _ := lookup(state, "identityMap", "crmid").([]any)
	for _, one := range list {
		if lookup(one, "id") == id {
			return true
		}
	}
	return false
}

// look reads a state until it is one that may be held, or the time for it is over.
func (s *stage) look(ctx context.Context, x histories.Expected, who person) (*finding, error) {
	began := time.Now()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		state, err := s.stateOf(ctx, who)
		if err != nil {
			return nil, err
		}
		f := s.differs(x, state, who)
		now := time.Now()
		if f == nil {
			s.mu.Lock()
			s.lags.add(now.Sub(began))
			s.mu.Unlock()
			return nil, nil
		}
		// Time in which this machine stood still is not the receiver's.
		if now.Sub(began) > s.patient()+2*s.machine.lag(began, now) {
			return f, nil
		}
		if err := wait(ctx, pause); err != nil {
			return nil, err
		}
	}
}

// leastLook is the shortest wait for a state of a receiver that was seen to store faster.
const leastLook = 200 * time.Millisecond

// patient is how long a state is waited for: as long as is configured and, when many were
// there much sooner, not longer than makes sense.
func (s *stage) patient() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lags.n < 50 {
		return s.config.State.Within
	}
	return min(s.config.State.Within, max(leastLook, 20*s.lags.worst))
}

// stateOf reads the state of a person.
func (s *stage) stateOf(ctx context.Context, who person) (any, error) {
	s.mu.Lock() // a token may be fetched
	access, err := s.access(ctx)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return s.readWith(ctx, who.ECID, access)
}

// compare sends the messages of a history once and in their order, with other profiles,
// and compares the states: what a repetition or a late copy left must not be seen.
func (s *stage) compare(ctx context.Context, h histories.History, cast map[int]person) (*finding, error) {
	p, once := h.Plan(), h.Once()
	plain := once.Plan() // of the same messages
	twins := map[int]person{}
	var a answer
	for m := range p.Messages {
		var err error
		if a, err = s.deliver(ctx, p, []int{m}, twins); err != nil {
			return nil, err
		}
	}
	for n := range histories.MaxProfiles {
		_, there := cast[n]
		x := p.Expect(len(p.Rounds)-1, n)
		if !there || !x.Sure() || len(x.Open) > 0 {
			continue
		}
		f, err := s.look(ctx, plain.Expect(len(plain.Rounds)-1, n), twins[n])
		if f != nil { // it fails without copies
			f.history = once
		} else if err == nil {
			if f, err = s.likeTwin(ctx, n, cast, twins); f != nil {
				f.history = h
			}
		}
		if f != nil || err != nil {
			if f != nil {
				f.answer = a
			}
			return f, err
		}
	}
	return nil, nil
}

// likeTwin compares the states of two profiles that were sent the same, but for the
// identities of those that take part.
func (s *stage) likeTwin(ctx context.Context, n int, cast, twins map[int]person) (*finding, error) {
	mine, err := s.stateOf(ctx, cast[n])
	if err != nil {
		return nil, err
	}
	other, err := s.stateOf(ctx, twins[n])
	if err != nil {
		return nil, err
	}
	var names []string
	for at, twin := range twins {
		who := cast[at]
		names = append(names, twin.ECID, who.ECID, twin.Mail, who.Mail, twin.hash(), who.hash(), identityOf(twin, 1), identityOf(who, 1), identityOf(twin, 2), identityOf(who, 2))
	}
	d := difference(renamed(other, strings.NewReplacer(names...)), mine, s.config.State.Ignore)
	if d == "" {
		return nil, nil
	}
	return &finding{kind: twinKind, actual: d}, nil
}

// renamed is a state with texts replaced, in names and values.
func renamed(v any, by *strings.Replacer) any {
	switch x := v.(type) {
	case string:
		return by.Replace(x)
	case []any:
		out := make([]any, len(x))
		for i := range x {
			out[i] = renamed(x[i], by)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(x))
		for name, value := range x {
			out[by.Replace(name)] = renamed(value, by)
		}
		return out
	}
	return v
}
