package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
)

// notPlanned is why cases about mTLS are not tried.
func notPlanned(p *Prober) string {
	switch {
	case p.config.Clients == nil:
		return "mTLS is not planned: set certificates to test it"
	case !p.main.sender.Encrypted():
		return "an endpoint without TLS has no mTLS"
	}
	return ""
}

// mutual are the cases about client certificates.
func (p *Prober) mutual() []probeCase {
	only, both := []string{"rcv-mtls-only"}, []string{"rcv-new-ca"}
	refused := func(kind, how string) func(context.Context, *caseRun) {
		return func(ctx context.Context, t *caseRun) { t.turnedAwayFor(ctx, kind, how) }
	}
	return []probeCase{
		{id: "mtls/current", title: "A certificate of the current hierarchy is accepted", rules: append(both, only...), requests: 1, essential: true, unless: notPlanned, run: func(ctx context.Context, t *caseRun) { t.letIn(ctx, "current") }},
		{id: "mtls/new", title: "A certificate of the new hierarchy is accepted", rules: append(both, only...), requests: 1, unless: notPlanned, run: func(ctx context.Context, t *caseRun) { t.letIn(ctx, "new") }},
		{id: "mtls/decision", title: "The sender finds that the endpoint is mTLS-only", rules: only, requests: 2, unless: notPlanned, run: decision},
		{id: "mtls/none", title: "A client without a certificate is refused", rules: only, requests: 1, unless: notPlanned, run: refused("", "without a client certificate")},
		{id: "mtls/untrusted", title: "A certificate of a foreign authority is refused", rules: only, requests: 1, unless: notPlanned, run: refused("untrusted", "with a certificate of a foreign authority")},
		{id: "mtls/expired", title: "A certificate that has expired is refused", rules: only, requests: 1, unless: notPlanned, run: refused("expired", "with a certificate that has expired")},
	}
}

// hello is a message that is fine, for who asks whether it gets through.
func (t *caseRun) hello(ctx context.Context, l *configuredSender) (answer, bool) {
	s := t.shaper()
	_, d := s.plain()
	return t.send(ctx, l, "plain", s.single(d))
}

// letIn shows the certificate of a hierarchy. It judges whether the server accepts
// the certificate, and not how the application answers the message.
func (t *caseRun) letIn(ctx context.Context, kind string) {
	a, ok := t.hello(ctx, t.senderFor(t.config.Destination, t.config.Clients.certificate(kind)))
	switch {
	case !ok:
		return
	case !a.connected():
		t.unreachable("rcv-mtls-only", a)
		return
	case a.Outcome.Kind == retry.TLS && !a.refusedCertificate():
		t.unreachable("rcv-tls", a)
		return
	case a.refusedLater() && !t.applicationSays(a):
		t.askedTooLate(a)
		return
	case a.refusedCertificate() && !t.applicationSays(a) && !t.otherwise(ctx, a):
		t.shut = append(t.shut, kind)
		if slices.Equal(t.shut, []string{"current", "new"}) {
			// Both are refused, so the reason is not one hierarchy, as the first check
			// reported.
			t.fail("rcv-mtls-only", "neither hierarchy is trusted", "both are accepted", &a)
			t.refused = fmt.Errorf("no client certificate is accepted: trust client-ca.pem in the receiver")
			return
		}
		t.fail("rcv-new-ca", leafOf(t.config.Clients.certificate(kind))+" is refused", "certificates of both hierarchies are accepted", &a)
		t.useNew(kind)
		return
	}
	t.pass("rcv-new-ca", "a certificate of the "+kind+" hierarchy is accepted", a.says())
	t.pass("rcv-mtls-only", "a trusted certificate is accepted", a.says())
}

// askedTooLate is a refusal by a server that requested no client certificate in
// the handshake: some request one afterwards, for some paths alone, which the
// sender cannot do.
func (t *caseRun) askedTooLate(a answer) {
	const title = "no client certificate was requested in the handshake, and the message is refused"
	k := t.refusal("rcv-mtls-only", title, "a request for a client certificate in the handshake", a)
	k.Class = string(mtlsAsked)
	k.Fix = "request and verify client certificates for the whole host, and not for a path: renegotiation and post-handshake authentication are not supported"
	t.check(k, &a)
	t.refused = errors.New(title)
}

// otherwise reports whether a certificate of a foreign authority is refused in
// another way than a trusted one: then the trusted one was accepted, and the
// status is about something else.
func (t *caseRun) otherwise(ctx context.Context, a answer) bool {
	if a.Outcome.Kind != retry.Answered {
		return false
	}
	b, ok := t.hello(ctx, t.senderFor(t.config.Destination, t.config.Clients.certificate("untrusted")))
	return ok && b.refusedCertificate() && (b.Outcome.Kind != a.Outcome.Kind || b.status() != a.status() || b.quote() != a.quote())
}

// applicationSays tells an answer to the message from one about the
// certificate: 401 and 403 are of an application that looked at credentials,
// when the other certificate gets the same.
func (t *caseRun) applicationSays(a answer) bool {
	return a.Outcome.Kind == retry.Answered && a.status() == 401 && t.config.Destination.Auth.Kind != "none"
}

// useNew sends what follows with the other certificate.
func (p *Prober) useNew(kind string) {
	if kind == "current" {
		p.onlyNew = true
		p.main = p.senderFor(p.config.Destination, p.config.Clients.certificate("new"))
	}
}

// decision makes the sender's own mTLS decision (R108).
func decision(ctx context.Context, t *caseRun) {
	var bare answer
	ask := func(presented bool) (answer, bool) {
		if t.stopped(t.budget.take(ctx, 1)) {
			return answer{}, false
		}
		own := t.certificate()
		if !presented {
			own = nil
		}
		l := t.senderFor(t.config.Destination, own)
		return l.perform(ctx, engine.Operation{Kind: engine.Decision, Certificate: presented}), ctx.Err() == nil
	}
	bare, ok := ask(false)
	if !ok {
		return
	}
	first := engine.Completion{Outcome: bare.Outcome, Asked: bare.Asked, Answering: bare.Answering}
	verdict := engine.DecideMTLS(first, func() retry.Outcome {
		second, _ := ask(true)
		return second.Outcome
	})
	if ctx.Err() != nil {
		return
	}
	asked := "the server did not request a client certificate"
	if bare.Asked {
		asked = "the server requested a client certificate and did not require it"
	}
	switch verdict {
	case engine.MTLSOnly:
		t.pass("rcv-mtls-only", "the sender would present its certificate", bare.says())
	case engine.TLSEnabled:
		k := failed("rcv-mtls-only", "TLS is still enabled: the sender would never present its certificate",
			"a client without a certificate is refused, in the handshake or with 400, 401, 403, 495 or 496", asked+"; "+bare.says())
		t.check(k, &bare)
	default:
		t.unclear("rcv-mtls-only", "the sender could not decide: "+bare.says(), "answer or refuse OPTIONS to the endpoint within 2 s")
	}
}

// turnedAwayFor sends a message with a certificate that must not be let in.
func (t *caseRun) turnedAwayFor(ctx context.Context, kind, how string) {
	l := t.senderFor(t.config.Destination, nil)
	if kind != "" {
		l = t.senderFor(t.config.Destination, t.config.Clients.certificate(kind))
	}
	a, ok := t.hello(ctx, l)
	switch {
	case !ok:
	case a.refusedCertificate():
		t.pass("rcv-mtls-only", "a client "+how+" is refused", a.says())
	case a.Outcome.Kind == retry.Timeout, !a.connected():
		t.unclear("rcv-mtls-only", "a client "+how+" was not answered: "+a.says(), "refuse it in the handshake")
	default:
		t.fail("rcv-mtls-only", "a client "+how+" is accepted", "the handshake, or the first answer, refuses it", &a)
	}
}

// refusedLater reports whether the server refused without a request for a
// certificate in the handshake: by a status, or by asking for a second handshake.
func (a answer) refusedLater() bool {
	if a.Asked {
		return false
	}
	again := a.Failure != nil && strings.Contains(a.Failure.Error(), "renegotiation")
	return again || a.Outcome.Kind == retry.Answered && a.refusedCertificate()
}
