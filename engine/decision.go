package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// mtlsState is the mTLS decision of one dispatcher: known, under way, or
// neither; and the attempts that wait for it, already charged.
type mtlsState struct {
	verdict MTLSVerdict // "" until decided
	at      time.Time
	waiting []*parcel

	running OperationID // 0: none
	started time.Time
	asked   bool
	bare    *retry.Outcome // of the request without the certificate, once it is done
}

// asks reports whether the operation belongs to the decision under way.
func (m *mtlsState) asks(id OperationID) bool { return m.running != 0 && m.running == id }

// forget makes the next attempt decide anew: after a TLS failure the endpoint
// may have changed its mind (design §4).
func (m *mtlsState) forget() { m.verdict = "" }

// certificate reports whether an attempt starting now presents the certificate;
// known is false when the endpoint must be asked first.
func (d *Dispatcher) certificate(now time.Time) (present, known bool) {
	switch d.settings.Certificate {
	case AlwaysPresent:
		return true, true
	case NeverPresent:
		return false, true
	}
	m := &d.mtls
	if m.verdict == "" || m.running != 0 || now.Sub(m.at) >= DecisionLifetime {
		return false, false
	}
	return m.verdict == MTLSOnly, true
}

// startDecision asks the endpoint without the certificate, once however many
// attempts wait.
func (d *Dispatcher) startDecision(now time.Time, e *Effects) {
	if d.mtls.running != 0 {
		return
	}
	op := Operation{ID: d.nextID(), Kind: Decision, Budget: Budget}
	d.mtls.running, d.mtls.started, d.mtls.bare, d.mtls.asked = op.ID, now, nil, false
	e.Send = append(e.Send, op)
}

// decisionCompleted takes the end of one of the decision's two requests.
func (d *Dispatcher) decisionCompleted(now time.Time, c Completion) Effects {
	m := &d.mtls
	var e Effects
	decided := Decided{Started: m.started}
	if m.bare == nil {
		verdict, needSecond := judgeBare(c)
		m.asked = c.Asked
		if needSecond {
			m.bare = &c.Outcome
			op := Operation{ID: d.nextID(), Kind: Decision, Certificate: true, Budget: Budget - now.Sub(m.started)}
			m.running = op.ID
			e.Send = append(e.Send, op)
			return d.pump(now, e)
		}
		decided.Verdict, decided.First = verdict, c.Outcome
	} else {
		decided.Verdict, decided.First, decided.Second = judgePresented(*m.bare, c.Outcome), *m.bare, &c.Outcome
	}
	decided.Asked = m.asked
	e.Decided = &decided
	m.running = 0
	m.verdict, m.at = decided.Verdict, now
	if decided.Verdict == Undecided {
		m.verdict = ""
		d.failWaiting(now, c.Outcome, &e)
	}
	return d.pump(now, e)
}

// failWaiting ends every attempt that waited for a decision that could not be
// made: the attempt fails as the decision did.
func (d *Dispatcher) failWaiting(now time.Time, o retry.Outcome, e *Effects) {
	if o.Kind == retry.Answered {
		// Both requests were answered or the second broke off: what failed is
		// the connection, and no status of an OPTIONS request is the message's.
		o = retry.Outcome{Kind: retry.TLS}
	}
	o.Reason = "mtls-undecided"
	waiting := d.mtls.waiting
	d.mtls.waiting = nil
	for _, p := range waiting {
		u := Unsent{Message: p.message, Number: p.number, Outcome: o}
		u.Retry = d.ended(now, p, o, e)
		e.Unsent = append(e.Unsent, u)
	}
}
