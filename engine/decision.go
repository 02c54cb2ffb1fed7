package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// mtlsState is the mTLS decision of one dispatcher, a gate: known, under way, or
// neither.
type mtlsState struct {
	waitingRoom
	use     CertificateUse
	verdict MTLSVerdict // "" until decided
	at      time.Time

	running OperationID // 0: none
	started time.Time
	asked   bool
	bare    *retry.Outcome // of the request without the certificate, once it is done
}

// attempted makes the next attempt decide anew after a TLS failure: the endpoint
// may have changed its mind (design §4).
func (m *mtlsState) attempted(_ dataflow.Secret, o retry.Outcome) {
	if o.Kind == retry.TLS {
		m.verdict = ""
	}
}

// pass has the attempt present the certificate, or not.
func (m *mtlsState) pass(now time.Time, op Operation) (_ Operation, ok bool) {
	op.Certificate, ok = m.certificate(now)
	return op, ok
}

// certificate reports whether an attempt starting now presents the certificate;
// known is false when the endpoint must be asked first.
func (m *mtlsState) certificate(now time.Time) (present, known bool) {
	switch m.use {
	case AlwaysPresent:
		return true, true
	case NeverPresent:
		return false, true
	}
	if m.verdict == "" || m.running != 0 || now.Sub(m.at) >= DecisionLifetime {
		return false, false
	}
	return m.verdict == MTLSOnly, true
}

// ask asks the endpoint without the certificate.
func (m *mtlsState) ask(d *Dispatcher, now time.Time) (op Operation, asks bool) {
	if m.running != 0 {
		return op, false
	}
	op = Operation{ID: d.nextID(), Kind: Decision, Budget: Budget}
	m.running, m.started, m.bare, m.asked = op.ID, now, nil, false
	return op, true
}

// owns reports whether the request belongs to the decision under way.
func (m *mtlsState) owns(request OperationID) bool { return m.running != 0 && m.running == request }

// completed takes the end of one of the decision's two requests.
func (m *mtlsState) completed(d *Dispatcher, now time.Time, c Completion, e *Effects) {
	decided := MTLSDecision{Started: m.started}
	if m.bare == nil {
		verdict, needSecond := judgeBare(c)
		m.asked = c.Asked
		if needSecond {
			m.bare = &c.Outcome
			op := Operation{ID: d.nextID(), Kind: Decision, Certificate: true, Budget: Budget - now.Sub(m.started)}
			m.running = op.ID
			e.Send = append(e.Send, op)
			return
		}
		decided.Verdict, decided.First = verdict, c.Outcome
	} else {
		decided.Verdict, decided.First, decided.Second = judgePresented(*m.bare, c.Outcome), *m.bare, &c.Outcome
	}
	decided.Asked = m.asked
	e.MTLSDecision = &decided
	m.running = 0
	m.verdict, m.at = decided.Verdict, now
	if decided.Verdict == Undecided {
		m.verdict = ""
		d.fail(now, &m.waitingRoom, undecided(c.Outcome), e)
	}
}

// undecided is how an attempt ends that waited for a decision that could not be
// made: as the decision did.
func undecided(o retry.Outcome) retry.Outcome {
	if o.Kind == retry.Answered {
		// Both requests were answered or the second broke off: what failed is
		// the connection, and no status of an OPTIONS request is the message's.
		o = retry.Outcome{Kind: retry.TLS}
	}
	o.Reason = "mtls-undecided"
	return o
}
