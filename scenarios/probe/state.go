package probe

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// unread is why the state is not looked at.
func unread(p *Prober) string {
	switch {
	case p.config.ReadBack == nil:
		return "accepted, and the stored state is unknown: set readBack"
	case p.broken != "":
		return p.broken
	}
	return ""
}

// states are the cases about what is stored.
func (p *Prober) states() []probeCase {
	return []probeCase{
		{id: "state/twice", title: "The same message, three times, leaves the state of the first", rules: []string{"rcv-idempotent"}, requests: 5, run: twice},
		{id: "state/exit", title: "An exit ends the membership", rules: []string{"rcv-exited"}, requests: 2, unless: unread, run: exit},
		{id: "state/order", title: "An older message after a newer one does not bring the old state back", rules: []string{"rcv-order"}, requests: 6, unless: func(p *Prober) string { return p.needs("rcv-exited", "rcv-unmapped") }, run: order},
		{id: "state/unmapped", title: "A message with audiences that are not mapped is stored", rules: []string{"rcv-unmapped"}, requests: 1, unless: func(p *Prober) string { return readable(p.shaper().nameless()...)(p) }, run: unmapped},
		{id: "state/offsets", title: "Times are compared as instants, whatever their form", rules: []string{"rcv-order"}, requests: 9, unless: readable("rcv-exited", "rcv-ts-formats"), run: offsets},
		{id: "state/concurrent", title: "Two messages of one profile at the same time lose nothing", rules: []string{"rcv-order"}, requests: 2 * pairs, unless: readable("rcv-order"), run: concurrent},
		{id: "state/shared", title: "Two profiles may share an identity", rules: []string{"rcv-ids"}, requests: 2, unless: readable("rcv-unmapped"), run: shared},
		{id: "state/repeated", title: "A profile that is in a message twice is stored once", rules: []string{"rcv-idempotent"}, requests: 2, unless: func(p *Prober) string {
			if why := batched(p); why != "" {
				return why
			}
			return p.needs("rcv-batch")
		}, run: repeatedInBatch},
		{id: "state/batch", title: "Every profile of a message is stored", rules: []string{"rcv-batch"}, requests: 1, unless: batched, run: batchStored},
	}
}

// storedCase comes first: what every other message left is read back only where
// this one can be.
func storedCase() probeCase {
	return probeCase{id: "state/stored", title: "A message that is accepted is stored", rules: []string{"rcv-2xx"}, requests: 1, essential: true, unless: unread, run: stored}
}

// readable is why a case about what is stored is not tried, when it rests on
// rules.
func readable(rules ...string) func(*Prober) string {
	return func(p *Prober) string {
		if why := unread(p); why != "" {
			return why
		}
		return p.needs(rules...)
	}
}

// batched is why a case about the state that a batch leaves is not tried.
func batched(p *Prober) string {
	if p.config.Destination.MaxProfilesPerRequest < 2 {
		return "batches are off: set maxProfilesPerRequest"
	}
	return unread(p)
}

// put sends a document and wants it accepted.
func (t *caseRun) put(ctx context.Context, rule, title string, d document) bool {
	return t.insist(ctx, t.main, rule, title, "", t.shaper().single(d))
}

// there waits for a state that fits, and says what is wrong when none comes.
func (t *caseRun) there(ctx context.Context, rule string, who person, title, expected string, fits func(any) bool) (any, bool) {
	state, err := t.until(ctx, who.ECID, fits)
	switch {
	case err == nil:
		return state, true
	case ctx.Err() != nil:
	case errors.Is(err, errNotThere):
		t.lost(rule, title, expected, compact(state)+", "+ms(t.patient())+" after the answer", "")
	default:
		t.unclear(rule, err.Error(), readBackFix)
	}
	return nil, false
}

func present(state any) bool { return state != nil }

func stored(ctx context.Context, t *caseRun) {
	s := t.shaper()
	who, d := s.plain()
	if !t.put(ctx, "rcv-2xx", "a message to be read back", d) {
		return
	}
	atOnce, _ := t.read(ctx, who.ECID)
	began := time.Now()
	state, err := t.until(ctx, who.ECID, present)
	switch {
	case ctx.Err() != nil:
	case errors.Is(err, errNotThere):
		t.broken = "the profile that was accepted cannot be read back"
		t.unclear("rcv-2xx", t.broken, "either readBack looks elsewhere, or the receiver answers 2xx and stores nothing")
	case err != nil:
		t.broken = err.Error()
		t.unclear("rcv-2xx", err.Error(), readBackFix)
	case lookup(state, "segmentMembership") == nil:
		t.broken = "the state that is read back has no segmentMembership"
		t.unclear("rcv-2xx", t.broken, "answer {\"segmentMembership\": {NAMESPACE: {AUDIENCE: {\"status\": …}}}, …}")
	case statusOf(state, s.audience(0)) == "" && len(t.config.Audiences) == 0:
		t.broken = "the receiver does not store audiences that were made up"
		t.unclear("rcv-2xx", t.broken, "name audiences that it knows: audiences in the configuration")
	default:
		t.pass("rcv-2xx", "stored", "read back as "+statusOf(state, s.audience(0)))
		if lag := time.Since(began); atOnce == nil {
			t.metrics["storeLagMs"] = float64(lag.Milliseconds())
			t.advise("rcv-2xx", "the message is answered before it is stored", "read back "+ms(lag)+" after the answer",
				"answer after the message is stored where it survives: a crash in between loses it, and it is never sent again", nil)
		}
	}
}

// settled waits until what was sent before is dealt with: a profile that was
// sent after it is there.
func (t *caseRun) settled(ctx context.Context, rule string) bool {
	who, d := t.shaper().plain()
	if !t.put(ctx, rule, "a following message", d) {
		return false
	}
	_, ok := t.there(ctx, rule, who, "a following message is not stored", "the profile", present)
	return ok
}

func twice(ctx context.Context, t *caseRun) {
	const rule = "rcv-idempotent"
	s := t.shaper()
	who, d := s.plain()
	if !t.put(ctx, rule, "the message", d) {
		return
	}
	var before any
	look := unread(t.Prober) == ""
	if look {
		if _, ok := t.there(ctx, rule, who, "the message is not stored", "the profile", present); !ok || !t.settled(ctx, rule) {
			return
		}
		before, _ = t.read(ctx, who.ECID)
	}
	for _, title := range []string{"the same message again", "the same message a third time"} {
		if !t.put(ctx, rule, title, d) {
			return
		}
	}
	again := t.last
	if !look {
		t.onlyAccepted(rule)
		return
	}
	if !t.settled(ctx, rule) {
		return
	}
	after, err := t.read(ctx, who.ECID)
	if err != nil {
		t.unclear(rule, err.Error(), readBackFix)
		return
	}
	if d := difference(before, after, t.config.State.Ignore); d != "" {
		t.last = again
		t.lost(rule, "a repetition changed the state", "the state after the first message", d, "write by profile and audience instead of appending or counting: up to three copies of a message arrive")
		return
	}
	t.pass(rule, "the state is as after the first message", "")
}

// onlyAccepted takes back that a rule was shown: what was stored is not known.
func (t *caseRun) onlyAccepted(rule string) {
	why := unread(t.Prober)
	kept := t.checks[:0]
	for _, k := range t.checks {
		if k.Rule != rule {
			kept = append(kept, k)
		}
	}
	t.checks = kept
	t.skipped(why)
}

// order sends a newer state and then an older one, both ways round. Only
// lastQualificationTime tells them apart (R100); an exit keeps that of the
// qualification, so that at equal times the exit is the newer.
func order(ctx context.Context, t *caseRun) {
	const rule = "rcv-order"
	s := t.shaper()
	for _, o := range []struct {
		title        string
		newer, older entry
		want         string
	}{
		{"realized at 2026-02-02T10:00:00Z, then an exit of 2026-01-01T10:00:00Z", s.in("realized", "2026-02-02T10:00:00Z"), s.in("exited", "2026-01-01T10:00:00Z"), "realized"},
		{"an exit, then realized, both of 2026-01-01T10:00:00Z", s.in("exited", "2026-01-01T10:00:00Z"), s.in("realized", "2026-01-01T10:00:00Z"), ""},
	} {
		who := s.next()
		id := s.audience(0)
		// The profile is a member of another audience throughout, so that it is
		// there whatever becomes of an exit.
		with := func(e entry) document {
			return who.document(map[string]entry{id: e, s.audience(1): s.in("realized", qualified)})
		}
		if !t.put(ctx, rule, o.title+": the newer", with(o.newer)) {
			return
		}
		look := unread(t.Prober) == ""
		if look {
			if _, ok := t.there(ctx, rule, who, "the message is not stored", "the profile", present); !ok {
				return
			}
		}
		if !t.put(ctx, rule, o.title+": the older", with(o.older)) {
			return
		}
		older := t.last
		if !look {
			continue
		}
		if !t.settled(ctx, rule) {
			return
		}
		state, err := t.read(ctx, who.ECID)
		if err != nil {
			t.unclear(rule, err.Error(), readBackFix)
			return
		}
		if got := statusOf(state, id); (got == "realized") != (o.want == "realized") {
			k := failed(rule, o.title, orNone(o.want), orNone(got))
			if o.want == "" {
				k = t.by("rcv-order/shared-time", k)
				k.Fix = "at the same lastQualificationTime let exited win: an exit keeps the time of the qualification, so that it is the newer of the two"
			}
			t.check(k, &older)
		}
	}
	if unread(t.Prober) != "" {
		t.onlyAccepted(rule)
		return
	}
	t.pass(rule, "older messages after newer ones are accepted", "")
}

func orNone(status string) string {
	if status == "" {
		return "no longer a member"
	}
	return status
}

func exit(ctx context.Context, t *caseRun) {
	const rule = "rcv-exited"
	s := t.shaper()
	who := s.next()
	id := s.audience(0)
	is := func(member bool) func(any) bool {
		return func(state any) bool { return (statusOf(state, id) == "realized") == member }
	}
	if !t.put(ctx, rule, "the qualification", who.document(map[string]entry{id: s.in("realized", qualified)})) {
		return
	}
	if _, ok := t.there(ctx, rule, who, "the qualification is not stored", "realized", is(true)); !ok {
		return
	}
	if !t.put(ctx, rule, "the exit", who.document(map[string]entry{id: s.in("exited", qualified)})) {
		return
	}
	if _, ok := t.there(ctx, rule, who, "the exit changed nothing", "no longer a member", is(false)); ok {
		t.pass(rule, "the membership ended", "")
	}
}

func unmapped(ctx context.Context, t *caseRun) {
	const rule = "rcv-unmapped"
	s := t.shaper()
	who := s.next()
	id := s.audience(0)
	d := who.document(map[string]entry{id: s.in("realized", qualified), "0e5a3a2c-93f4-4b0e-8a54-7f7f6a1d9c01": in("realized", qualified)})
	if !t.put(ctx, rule, "an unknown audience next to a mapped one", d) {
		return
	}
	if _, ok := t.there(ctx, rule, who, "the audience next to an unknown one is not stored", "realized", func(state any) bool { return statusOf(state, id) == "realized" }); ok {
		t.pass(rule, "the mapped audience is stored", "")
	}
}

func batchStored(ctx context.Context, t *caseRun) {
	const rule = "rcv-batch"
	s := t.shaper()
	s.batch("batch/stored", "several profiles", min(10, t.config.Destination.MaxProfilesPerRequest), s.wrapped, nil)
	m := s.out[0]
	if !t.insist(ctx, t.main, rule, m.Title, "", m.Body) {
		return
	}
	for i, who := range m.people {
		if _, ok := t.there(ctx, rule, who, fmt.Sprintf("profile %d of %d is not stored", i+1, len(m.people)), "the profile", present); !ok {
			return
		}
	}
	t.pass(rule, "all of them are stored", "")
}
