package probe

import (
	"context"
	"fmt"
	"sync"
)

// pairs is how many profiles get two messages at the same time: a receiver that
// loses one of two loses it in about half of them.
const pairs = 8

// concurrent sends two messages of a profile at the same time, as happens when
// one is still being handled at its deadline and the next is sent. The newer one
// has all that the older one has, so that nothing may be missing in the end.
func concurrent(ctx context.Context, t *caseRun) {
	const rule = "rcv-order"
	s := t.shaper()
	a, b := s.audience(0), s.audience(1)
	if !t.known("ups", b) {
		t.skipped("the configuration names one audience that the receiver knows: name two")
		return
	}
	access, err := t.access(ctx)
	if err != nil {
		return
	}
	for range pairs {
		who := s.next()
		older := who.document(map[string]entry{a: s.in("realized", "2026-01-11T21:24:39Z")})
		newer := who.document(map[string]entry{a: s.in("realized", "2026-01-11T21:24:39Z"), b: s.in("realized", "2026-01-12T21:24:39Z")})
		if t.stopped(t.budget.take(ctx, 2)) {
			return
		}
		answers := make([]answer, 2)
		var both sync.WaitGroup
		for i, d := range []document{newer, older} {
			body := s.single(d)
			both.Go(func() { answers[i] = t.main.perform(ctx, t.operation(body, t.main.certificate, access)) })
		}
		both.Wait()
		if ctx.Err() != nil {
			return
		}
		t.seen.add(answers[0])
		t.seen.add(answers[1])
		if !answers[0].ok() || !answers[1].ok() {
			t.skipped("one of two messages at the same time was refused: pace/burst says more")
			return
		}
		t.last = answers[0]
		want := kept{ecid: who.ECID, members: map[membership]bool{{"ups", a}: true, {"ups", b}: true}}
		state, err := t.until(ctx, who.ECID, func(state any) bool { return want.lacks(state) == "" })
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.lost(rule, "of two messages of a profile at the same time one is lost", want.wants(), want.lacks(state),
				"read and write a profile in one transaction, or with a condition on what was read: the last to write must not undo the other")
			return
		}
	}
	t.pass(rule, fmt.Sprintf("%d pairs of messages at the same time lose nothing", pairs), "")
}

// offsets sends newer and older messages whose times are in different forms: as
// texts, or without their offsets, they compare the wrong way round.
func offsets(ctx context.Context, t *caseRun) {
	const rule = "rcv-order"
	s := t.shaper()
	id := s.audience(0)
	for _, o := range []struct{ what, newer, older string }{
		{"a fraction and none", "2026-01-15T10:00:00.500000Z", "2026-01-15T10:00:00Z"},
		{"+00:00 and Z", "2026-01-15T10:00:01+00:00", "2026-01-15T10:00:00.999Z"},
		{"an offset of two hours and Z", "2026-01-15T10:00:00Z", "2026-01-15T11:30:00+02:00"},
	} {
		who := s.next()
		if !t.put(ctx, rule, o.what+": the newer", who.document(map[string]entry{id: s.in("realized", o.newer)})) {
			return
		}
		if _, ok := t.there(ctx, rule, who, "the message is not stored", "the profile", present); !ok {
			return
		}
		if !t.put(ctx, rule, o.what+": the older", who.document(map[string]entry{id: s.in("exited", o.older)})) {
			return
		}
		older := t.last
		if !t.settled(ctx, rule) {
			return
		}
		state, err := t.read(ctx, who.ECID)
		if err != nil {
			t.unclear(rule, err.Error(), readBackFix)
			return
		}
		if got := statusOf(state, id); got != "realized" && got != "existing" {
			t.last = older
			t.lost(rule, fmt.Sprintf("realized at %s, then an exit of %s: %s", o.newer, o.older, o.what), "realized", orNone(got),
				"parse lastQualificationTime, and compare instants: texts, and times without their offset, compare the wrong way round")
			return
		}
	}
	t.pass(rule, "times of different forms are compared as instants", "")
}

// repeatedInBatch sends a message in which one profile stands twice: what it
// leaves is what one leaves.
func repeatedInBatch(ctx context.Context, t *caseRun) {
	const rule = "rcv-idempotent"
	s := t.shaper()
	who, d := s.plain()
	if !t.insist(ctx, t.main, rule, "a message with the same profile twice", "", s.list([]document{d, d}, s.wrapped)) {
		return
	}
	twice, ok := t.there(ctx, rule, who, "the profile is not stored", "the profile", present)
	if !ok || !t.insist(ctx, t.main, rule, "the same profile once", "", s.single(d)) || !t.settled(ctx, rule) {
		return
	}
	once, err := t.read(ctx, who.ECID)
	if err != nil {
		t.unclear(rule, err.Error(), readBackFix)
		return
	}
	if d := difference(twice, once, t.config.State.Ignore); d != "" {
		t.lost(rule, "a repetition within a message changed the state", "the state after one", d,
			"write by profile and audience instead of appending or counting, also within a message")
		return
	}
	t.pass(rule, "the state is as after one", "")
}

// shared sends two profiles that have a mail address in common and nothing else.
// Whether a receiver joins them is its own decision; losing one is not.
func shared(ctx context.Context, t *caseRun) {
	const rule = "rcv-ids"
	s := t.shaper()
	one, first := s.plain()
	if !t.put(ctx, rule, "a profile", first) {
		return
	}
	two, second := s.plain()
	second["identityMap"].(map[string]any)["email_lc_sha256"] = []any{map[string]any{"id": one.hash()}}
	second["personalEmail"] = map[string]any{"address": one.Mail}
	if !t.put(ctx, rule, "another profile with the same mail address", second) {
		return
	}
	in := func(state any) bool { return statusOf(state, s.audience(0)) != "" }
	if _, ok := t.there(ctx, rule, two, "the second of two profiles that share an identity is not stored", "its membership", in); !ok {
		return
	}
	if state, err := t.read(ctx, one.ECID); err == nil && !in(state) {
		t.advise(rule, "of two profiles that share an identity the first is gone", "read back as "+compact(state),
			"keep every identity of profiles that are joined, or do not join them: two people may share a mail address", nil)
	}
	t.pass(rule, "the second of two profiles that share an identity is stored", "")
}
