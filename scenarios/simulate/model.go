package simulate

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/secret"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
)

// model is the environment without a wire: the receiver is a function of the fault
// plan, and nothing but the agenda waits. The same events in the same order
// leave the same recording as over the wire, a good deal sooner; that is for
// properties, capacity and benchmarks of millions of events. It cannot see
// errors in bytes, such as a request on the wire that differs from the intended
// one.
type model struct {
	agenda    *events
	now       time.Time
	scenario  *scenarios.Scenario
	receivers map[*site]*modelReceiver
	sockets   map[carrier]*modelSocket // while open
	finished  *operation               // in this event
	saw       sightings
}

// modelReceiver is the endpoint of a site as a function.
type modelReceiver struct {
	*model
	site        *site
	plan        *fault.Plan
	mode        mockendpoint.Mode
	certificate string // trusted, untrusted, none
	bearer      string
	redactor    *secret.Redactor
	profileOf   func(namespace, id string) (string, bool)
	connections int // that came to it
}

// modelSocket is what an endpoint remembers of a connection.
type modelSocket struct {
	nth      int // at its endpoint
	requests int
	greeting greeting
}

func newModel(d *driver) *model {
	return &model{agenda: d.agenda, now: d.now, scenario: d.scenario, receivers: map[*site]*modelReceiver{}, sockets: map[carrier]*modelSocket{}}
}

// host implements environment.
func (m *model) host(at *site, o *mockendpoint.Options) error {
	m.receivers[at] = &modelReceiver{model: m, site: at, plan: at.plan, mode: o.Mode, certificate: at.part.Destination.ClientCertificate,
		bearer: o.Bearer, redactor: secret.NewRedactor(o.Bearer), profileOf: o.ProfileOf}
	at.plan.Begin(func() time.Time { return m.now })
	return nil
}

// dial implements environment: nothing is dialled.
func (m *model) dial(*delivery.Config) {}

// play implements environment.
func (m *model) play(ctx context.Context, d *driver) error {
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		e := d.agenda.next()
		if e == nil {
			return nil
		}
		d.now, m.now = e.at, e.at
		if err := e.run(); err != nil {
			return err
		}
		if !m.saw.none() {
			d.recordJournal()
		}
		if op := m.finished; op != nil {
			m.finished = nil
			if err := d.completed(op); err != nil {
				return err
			}
		}
	}
}

// seen implements environment.
func (m *model) seen() sightings { return m.saw.taken() }

// abandon implements environment: nothing runs between two events.
func (m *model) abandon() {}

// visit is one operation at the endpoint.
type visit struct {
	*modelReceiver
	op     *operation
	socket *modelSocket
	waits  *event // for what comes next
	cutOff func() // what the endpoint does when the sender leaves
	// answering is true once the status line left: a reset after it is not a
	// refusal of the certificate.
	answering bool
}

// begin implements environment.
func (m *model) begin(op *operation) {
	v := &visit{modelReceiver: m.receivers[op.outlet.site], op: op}
	op.started = m.now
	op.deadline = m.agenda.add(m.now.Add(op.op.Budget), deadline, func() error {
		if v.waits != nil {
			m.agenda.disarm(v.waits)
		}
		v.cutOff()
		v.end(retry.Outcome{Kind: retry.Timeout, Reason: "no-answer-in-time"}, false)
		return nil
	})
	if v.socket = m.sockets[op.carrier()]; v.socket != nil {
		v.request()
		return
	}
	v.connections++
	v.socket = &modelSocket{nth: v.connections}
	m.sockets[op.carrier()] = v.socket
	accepted := journal.Handshake{Accepted: m.now}
	v.early(fault.Accept, &accepted, func() {
		if v.mode == mockendpoint.Plain {
			v.request()
			return
		}
		accepted.ServerName = v.hostName()
		v.early(fault.Handshake, &accepted, func() { v.greeted(&accepted) })
	})
}

// after goes on when some time has passed, at once where none has to.
func (v *visit) after(d time.Duration, next func()) {
	switch d {
	case 0:
		next()
	case never:
	default:
		v.waits = v.agenda.add(v.now.Add(d), wakeUp, func() error {
			v.waits = nil
			next()
			return nil
		})
	}
}

// afterAll goes on after some waits, of which each begins when the one before is over:
// what ends at one instant ends in the order in which the last waits began.
func (v *visit) afterAll(waits []time.Duration, next func()) {
	if len(waits) == 0 {
		next()
		return
	}
	v.after(waits[0], func() { v.afterAll(waits[1:], next) })
}

// early plays a fault of a phase before there is a request.
func (v *visit) early(phase fault.Phase, entry *journal.Handshake, next func()) {
	f := v.plan.Connection(v.socket.nth, phase, false)
	if f == nil {
		next()
		return
	}
	entry.Fault = f.ID
	v.cutOff = func() { v.refuse(entry, "disconnected", nil) }
	v.after(f.Latency, func() {
		switch {
		case f.Stall:
		case f.Reset:
			v.broken(entry, "reset", retry.Reset)
		case f.Close:
			v.broken(entry, "closed", retry.Closed)
		case f.Garbage:
			v.refuse(entry, "garbage", nil)
			v.end(retry.Outcome{Kind: retry.TLS, Reason: "not-tls"}, false)
		default:
			next()
		}
	})
}

// broken ends a connection before there is a request.
func (v *visit) broken(entry *journal.Handshake, reason string, as retry.Kind) {
	v.refuse(entry, reason, nil)
	o := retry.Outcome{Kind: as, Reason: "in-handshake"}
	if v.mode == mockendpoint.Plain {
		o.Reason = "no-answer"
	}
	v.end(o, false)
}

// greeted ends the handshake.
func (v *visit) greeted(entry *journal.Handshake) {
	g := greet(v.mode, v.op.op.Certificate, v.certificate, presentedAt(v.scenario, v.now))
	v.socket.greeting = g
	if g.refused.Kind != "" {
		v.refuse(entry, g.reason, g.peer)
		v.end(g.refused, false)
		return
	}
	v.request()
}

func (v *visit) refuse(entry *journal.Handshake, reason string, peer *journal.Peer) {
	entry.Ended, entry.Reason, entry.Peer = v.now, reason, peer
	v.saw.handshake(*entry, v.site, v.op.carrier())
}

// request answers what arrives now.
func (v *visit) request() {
	entry := v.entry()
	on := fault.Message
	if v.op.op.Kind == engine.Decision {
		on = fault.Decision
	}
	f := v.plan.Request(entry.Profiles, on, v.socket.nth)
	if f != nil {
		entry.Fault = f.ID
	}
	a := answerTo(f, ordinaryStatus(entry.Method, entry.Authorization))
	answeredAt := func(at time.Time) {
		entry.Answered = at
		v.saw.request(*entry, v.site, v.op.carrier())
	}
	arrived := v.now
	v.cutOff = func() {
		entry.Disconnected = true
		if a.headers != never && !v.now.Before(arrived.Add(a.headers)) {
			entry.Status = a.status
		}
		answeredAt(v.now)
	}
	v.afterAll(a.pauses(), func() {
		if a.headers != never {
			entry.Status = a.status
		}
		entry.Disconnected = a.cut
		answeredAt(v.now)
		v.answering = a.headers != never
		v.end(a.outcome, !a.close)
	})
}

// end hands the result to the driver.
func (v *visit) end(o retry.Outcome, reusable bool) {
	v.agenda.disarm(v.op.deadline)
	g := v.socket.greeting
	v.op.result = delivery.Result{Outcome: o, Socket: v.op.exchange.Socket(), Presented: g.presented, Asked: g.asked, Answering: v.answering || o.Kind == retry.Answered}
	if !reusable {
		delete(v.sockets, v.op.carrier())
	}
	v.op.exchange.Suppose(reusable)
	v.finished = v.op
}

// entry is the request as the endpoint journals it.
func (v *visit) entry() *journal.Request {
	x := v.op.exchange
	v.socket.requests++
	r := &journal.Request{Arrived: v.now, Number: v.socket.requests, Method: x.Method, Target: v.target(),
		Proto: "HTTP/1.1", Headers: v.headers(x), Body: x.Body, Peer: v.socket.greeting.peer}
	if v.mode != mockendpoint.Plain {
		r.TLS, r.ServerName = "TLS 1.3", v.hostName()
	}
	if x.Method == http.MethodPost {
		r.Authorization = v.authorize(x.Headers)
		r.Profiles = mockendpoint.ProfilesIn(x.Body, v.profileOf)
	}
	return r
}

// hostName and target are those of every request of the dataflow.
func (v *visit) hostName() string { return v.op.outlet.url.Host }
func (v *visit) target() string   { return v.op.outlet.target }

func (m *modelReceiver) authorize(headers []dataflow.Header) journal.Authorization {
	var given []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Authorization") {
			given = append(given, h.Value)
		}
	}
	switch {
	case m.bearer == "":
		return journal.NotChecked
	case len(given) == 0:
		return journal.Missing
	case len(given) == 1 && given[0] == "Bearer "+m.bearer:
		return journal.Accepted
	}
	return journal.Wrong
}

// headers are those of the exchange in the order of net/http's wire: its own
// first, the rest by name.
func (v *visit) headers(x *delivery.Exchange) []journal.Header {
	out := []journal.Header{{Name: "Host", Value: v.hostName()}}
	var rest []journal.Header
	for _, h := range x.Headers {
		value := v.redactor.Header(h.Name, h.Value)
		if h.Name == "User-Agent" {
			out = append(out, journal.Header{Name: h.Name, Value: value})
			continue
		}
		rest = append(rest, journal.Header{Name: h.Name, Value: value})
	}
	if len(x.Body) > 0 {
		out = append(out, journal.Header{Name: "Content-Length", Value: fmt.Sprint(len(x.Body))})
	}
	slices.SortStableFunc(rest, func(a, b journal.Header) int { return cmp.Compare(a.Name, b.Name) })
	return append(out, rest...)
}
