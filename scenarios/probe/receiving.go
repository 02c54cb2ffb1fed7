package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// shaper makes messages of this probe.
func (p *Prober) shaper() *shaper { return newShaper(p.people, p.config) }

// messages are the cases that each send one valid message.
func (p *Prober) messages() []probeCase {
	var out []probeCase
	planned := p.config
	for i, m := range shapesWith(p.people, planned, func(id string) bool { return id == "plain" }) { // the others are made anew
		t := probeCase{id: "message/" + m.ID, title: "Accepts " + m.Title, rules: []string{m.Rule}, requests: 1,
			unless: func(p *Prober) string {
				if m.batch && p.config.Destination.MaxProfilesPerRequest < 2 {
					return "batches are off: set maxProfilesPerRequest"
				}
				if m.bare {
					return p.needs(append(p.shaper().nameless(), m.needs...)...)
				}
				return p.needs(m.needs...)
			},
			run: func(ctx context.Context, t *caseRun) { t.deliver(ctx, t.anew(m, planned)) }}
		if i == 0 {
			t.rules, t.run = []string{"rcv-2xx", "rcv-2s", "rcv-auth", "rcv-token"}, func(ctx context.Context, t *caseRun) { t.first(ctx, m) }
			t.unless, t.essential = nil, true
		}
		if out = append(out, t); i == 0 {
			out = append(out, storedCase())
		}
	}
	return append(out,
		probeCase{id: "message/headers", title: "Accepts custom headers", rules: []string{"rcv-headers"}, requests: 2, run: headers},
		probeCase{id: "message/query", title: "Accepts the configured query parameters", rules: []string{"rcv-query"}, requests: 2, run: query})
}

// anew makes a message again for the destination as it is now: what the plain
// message was refused for is left out of all that follow it. The size of a batch may
// be one that only the destination as it was planned has.
func (t *caseRun) anew(m Message, planned Config) Message {
	again, ok := oneShape(t.people, t.config, m.ID)
	if !ok {
		again, _ = oneShape(t.people, planned, m.ID)
	}
	return again
}

// deliver sends a message and wants it accepted.
func (t *caseRun) deliver(ctx context.Context, m Message) {
	if !m.advice {
		t.form = m
		if t.insist(ctx, t.main, m.Rule, m.Title, m.ID, m.Body) {
			t.verify(ctx, m.Rule, m.Title, m)
		}
		return
	}
	if a, ok := t.send(ctx, t.main, m.ID, m.Body); ok && !a.ok() {
		t.advise(m.Rule, m.Title+": refused", a.says(), "take it too: the documentation leaves open whether it is sent", &a)
	} else if ok {
		t.accepted(m.Rule, m.Title, a)
	}
}

// first sends the plain message. When it is not accepted, nothing else can be
// judged, and the reason is looked for closely.
func (t *caseRun) first(ctx context.Context, m Message) {
	a, ok := t.send(ctx, t.main, m.ID, m.Body)
	if !ok {
		if len(t.checks) > 0 && ctx.Err() == nil {
			t.refused = fmt.Errorf("no message could be sent")
		}
		return
	}
	t.greeted(ctx, m, a)
}

// greeted judges the first answer.
func (t *caseRun) greeted(ctx context.Context, m Message, a answer) {
	switch {
	case a.late() && a.connected() && t.startsCold(ctx, t.main, "the plain message", m.Body, a):
		t.beginIdle(ctx)
		return
	case a.Outcome.Kind == retry.Timeout && a.connected():
		t.fail("rcv-2s", a.says(), "2xx within 2 s", &a)
	case a.wantsCertificate():
		t.askedForCertificate(a)
		return
	case t.speaksTLS(ctx, a):
		return
	case a.unreadable():
		t.garbled("the plain message", a)
	case a.Outcome.Kind != retry.Answered:
		t.unheard(a)
		return
	case a.late():
		t.accepted("rcv-2xx", "the plain message", a)
	case a.ok() && a.html():
		t.unclear("rcv-2xx", "answers a message with an HTML page: "+a.says(), "check that this is the receiver: a login, a proxy or a start page answers like this, and the sender would count it as a delivery")
	case a.ok():
		t.pass("rcv-2xx", "the plain message", a.says())
		t.pass("rcv-2s", "the plain message is answered in time", a.says())
		t.credentialsTaken(a)
		t.beginIdle(ctx)
		return
	default:
		t.plainRefused(ctx, m, a)
		return
	}
	t.refused = fmt.Errorf("the plain message got %s: fix that first", a.says())
}

// askedForCertificate is a first message that a server refuses which requested a
// client certificate, and got none: it may well be right.
func (t *caseRun) askedForCertificate(a answer) {
	const title = "the server requests a client certificate, and refuses without one"
	k := reports.Check{Rule: "rcv-mtls-only", Verdict: reports.Inconclusive, Title: title + ": " + a.says(), Class: string(mtlsAsked), Said: a.quote(), Fix: mtlsAsked.fix()}
	t.check(k, &a)
	t.refused = errors.New(title)
}

// beginIdle opens a connection that is used again at the end.
func (t *caseRun) beginIdle(ctx context.Context) {
	l := t.senderFor(t.config.Destination, t.certificate())
	if _, ok := t.send(ctx, l, "plain", t.timed()); ok {
		t.idle, t.idleAt = l, time.Now()
	}
	t.watchIdle(ctx)
}

// credentialsTaken notes that the right credentials were accepted.
func (t *caseRun) credentialsTaken(a answer) {
	if noCredentials(t.Prober) == "" || t.keyHeader() != "" {
		t.pass("rcv-auth", "the right credentials are accepted", a.says())
	}
	if t.fetches() {
		t.pass("rcv-token", "a token that was just issued is accepted", a.says())
	}
}

// blame is fail with a class and a fix of its own.
func (t *caseRun) blame(c class, rule, title, expected, fix string, a answer) {
	k := t.refusal(rule, title, expected, a)
	k.Class, k.Fix = string(c), fix
	t.check(k, &a)
}

// unheard is a first message without an answer.
func (t *caseRun) unheard(a answer) {
	switch {
	case !a.connected():
		t.unreachable("rcv-2xx", a)
	case a.Outcome.Kind == retry.TLS && !a.refusedCertificate():
		t.unreachable("rcv-tls", a)
	case a.Outcome.Kind == retry.Closed || a.Outcome.Kind == retry.Reset:
		t.explained(down, "rcv-2xx", "the plain message: "+a.says(), "2xx within 2 s", a)
		t.refused = errors.New("the plain message is not answered")
	default:
		t.unreachable("rcv-2xx", a)
	}
}

// probeHeaders are custom headers that a receiver cannot know.
const probeHeaders = "X-Httpdest-Probe:1,X-Correlation-Hint:a long value that no list of allowed headers has, X-Empty-Looking:-"

func headers(ctx context.Context, t *caseRun) {
	configured := "no custom headers are configured"
	if t.config.Destination.Headers != "" {
		configured = "the configured headers"
	}
	s := t.shaper()
	_, doc := s.plain()
	if !t.insist(ctx, t.main, "rcv-headers", configured, "plain", s.single(doc)) {
		return
	}
	d := t.config.Destination
	if d.Headers != "" {
		d.Headers += ","
	}
	d.Headers += probeHeaders
	_, doc = s.plain()
	t.insist(ctx, t.senderFor(d, t.certificate()), "rcv-headers", "headers that the receiver does not know", "plain", s.single(doc))
}

func query(ctx context.Context, t *caseRun) {
	s := t.shaper()
	_, doc := s.plain()
	if t.config.Destination.QueryParameters != "" {
		t.insist(ctx, t.main, "rcv-query", "the configured query parameters", "plain", s.single(doc))
		return
	}
	d := t.config.Destination
	d.QueryParameters = "httpdest=probe&empty=&text=a%20b"
	a, ok := t.send(ctx, t.senderFor(d, t.certificate()), "plain", s.single(doc))
	switch {
	case !ok:
	case a.ok():
		t.accepted("rcv-query", "query parameters, though none are configured", a)
	default:
		t.advise("rcv-query", "query parameters are refused, and none are configured", a.says(), "fix it before you configure some", &a)
	}
}
