package simulate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// recorder writes the recording of a run. Credentials of the sender's lines are
// redacted here; the journal redacts its own.
type recorder struct {
	lines    []recording.Line
	redactor secret.Redactor
	keys     map[string]bool // of dataflows, where there are several
}

// newRecorder knows the configured secrets.
func newRecorder(sc *scenarios.Scenario) *recorder {
	r := &recorder{keys: map[string]bool{}}
	for _, part := range sc.Split() {
		a := part.Destination.Auth
		r.hide(a.Token.Reveal())
		r.hide(a.ClientSecret.Reveal())
		r.hide(a.Password.Reveal())
		r.keys[part.Dataflow.Key] = part.Dataflow.Key != ""
	}
	return r
}

// begin writes the first lines: the run, and what the engine says about the
// configuration.
func (r *recorder) begin(c *configuration, setting Setting) {
	r.add(c.run(setting))
	r.problems(c.scenario.Start, c.problems)
}

// problems writes what the engine says about the configuration.
func (r *recorder) problems(now time.Time, all []Problem) {
	for _, p := range all {
		r.of(p.Dataflow).problem(now, p.Problem, "")
	}
}

// flowRecorder writes what a dataflow tells; its lines have the key of that where there
// are several.
type flowRecorder struct {
	*recorder
	dataflow string
}

// of writes what the dataflow tells that the engine calls so.
func (r *recorder) of(id string) flowRecorder {
	if !r.keys[id] {
		id = ""
	}
	return flowRecorder{r, id}
}

func (r flowRecorder) add(l recording.Line) {
	l.Dataflow = r.dataflow
	r.recorder.add(l)
}

// hide adds a secret.
func (r *recorder) hide(credential string) { r.redactor.Add(credential) }

// learn adds what a token endpoint issued.
func (r *recorder) learn(i *engine.Issued) {
	if i != nil {
		r.hide(i.Access.Reveal())
		r.hide(i.Refresh.Reveal())
	}
}

func (r *recorder) add(l recording.Line) { r.lines = append(r.lines, l) }

// tell records what happened; describe is the exchange of an attempt that never
// reached the wire.
func (r *recorder) tell(now time.Time, e flow.Effects, describe func(engine.Operation) *delivery.Exchange) {
	f := r.of(e.Dataflow)
	if e.Decided != nil {
		f.decision(now, e.Decided)
	}
	if e.Fetched != nil {
		f.token(now, e.Fetched)
	}
	for _, u := range e.Unsent {
		f.unsent(now, u, describe(engine.Operation{Dataflow: e.Dataflow, Message: u.Message}))
	}
	for _, ref := range e.Uploaded {
		r.add(actionLine(now, &scenarios.Step{Action: "upload"}, []profile.AudienceRef{ref}))
	}
	for _, ref := range e.Expire {
		r.add(actionLine(now, &scenarios.Step{Action: "expire"}, []profile.AudienceRef{ref}))
	}
	f.monitored(e.Monitored, 0)
	for i, s := range e.Settled {
		if !s.Outcome.Delivered() {
			f.drop(now, s)
		}
		f.monitored(e.Monitored, i+1)
	}
}

// problem records the engine's findings about the configuration or an action.
func (r flowRecorder) problem(now time.Time, p dataflow.Problem, action string) {
	r.add(recording.Line{Problem: &recording.Problem{At: now, Path: p.Path, Level: string(p.Level),
		Message: r.redactor.Text(p.Message), Hint: p.Hint, Action: action}})
}

func (r *recorder) update(now time.Time, u profile.Update) {
	r.add(recording.Line{Update: &recording.Update{At: now, Profile: string(u.Profile), Changes: recordedChanges(u.Changes)}})
}

func actionLine(now time.Time, s *scenarios.Step, refs []profile.AudienceRef) recording.Line {
	a := &recording.Action{At: now, Action: s.Action, Names: s.Names, Triggers: s.Triggers}
	for _, ref := range refs {
		a.Audiences = append(a.Audiences, ref.ID)
	}
	return recording.Line{Action: a}
}

// judged records the runtime's findings about an action, and the action where
// it happened. Labels belong to the data, and are not an action of the
// dataflow.
func (r *recorder) judged(now time.Time, s *scenarios.Step, a flow.Action, e flow.Effects) {
	for _, p := range e.Problems {
		r.of(e.Dataflow).problem(now, p, s.Action)
	}
	of := a.Dataflow
	if a.Kind == flow.Rename {
		of = "" // the audience has the name in all of them
	}
	if !e.Refused && s.Action != "label" {
		r.of(of).add(actionLine(now, s, a.Audiences))
	}
}

func (r flowRecorder) export(x *engine.Export) {
	r.add(recording.Line{Export: &recording.Export{At: x.At, ID: x.ID, Profile: string(x.Profile), Because: triggers(x.Because),
		MergePolicy: x.MergePolicy, Excluded: x.Excluded}})
}

func triggers(because []export.Trigger) []string {
	out := make([]string, len(because))
	for i, t := range because {
		out[i] = string(t)
	}
	return out
}

func (r flowRecorder) decision(now time.Time, d *engine.MTLSDecision) {
	line := &recording.Decision{At: d.Started, EndedAt: now, Result: string(d.Verdict), Asked: d.Asked,
		First: d.First.String(), Reason: d.First.Reason}
	if d.Second != nil {
		line.Second, line.Reason = d.Second.String(), d.Second.Reason
	}
	r.add(recording.Line{Decision: line})
}

// token records a token request that ended now.
func (r flowRecorder) token(now time.Time, f *engine.Fetched) {
	line := &recording.Token{At: f.Started, EndedAt: now, Grant: string(f.Grant), Result: "issued", Outcome: f.Outcome.String(),
		ExpiresIn: int64(f.ExpiresIn.Seconds()), Refresh: f.Refresh, Waiting: f.Waiting, Asked: &f.Asked}
	if f.Reason != "" {
		line.Result = strings.TrimPrefix(f.Reason, "token-")
		line.Reason = f.Outcome.Reason
	}
	r.add(recording.Line{Token: line})
}

// attempt records an attempt that ended now.
func (r flowRecorder) attempt(now time.Time, op *operation, again bool) {
	a := r.attemptLine(op.op.Message, op.op.Number, op.exchange)
	a.At, a.EndedAt = op.started, now
	a.Socket, a.Reused = op.result.Socket, op.exchange.Reused
	a.Certificate = op.result.Presented
	a.Outcome, a.Reason, a.Retry = op.result.Outcome.String(), op.result.Outcome.Reason, again
	r.add(recording.Line{Attempt: a})
}

// unsent records an attempt that ended before it reached the wire.
func (r flowRecorder) unsent(now time.Time, u engine.Unsent, x *delivery.Exchange) {
	a := r.attemptLine(u.Message, u.Number, x)
	a.At, a.EndedAt = now, now
	a.Outcome, a.Reason, a.Retry = u.Outcome.String(), u.Outcome.Reason, u.Retry
	r.add(recording.Line{Attempt: a})
}

func (r *recorder) attemptLine(m *engine.Message, number int, x *delivery.Exchange) *recording.Attempt {
	return &recording.Attempt{
		Message: m.ID, Exports: exportIDs(m), Number: number,
		Method: x.Method, URL: r.redactor.Text(x.URL), Headers: r.headers(x.Headers), Body: r.redactor.JSON(string(x.Body)),
	}
}

func (r *recorder) headers(headers []dataflow.Header) []recording.Header {
	out := make([]recording.Header, len(headers))
	for i, h := range headers {
		out[i] = recording.Header{Name: h.Name, Value: r.redactor.Header(h.Name, h.Value)}
	}
	return out
}

func exportIDs(m *engine.Message) []string {
	ids := make([]string, len(m.Exports))
	for i, x := range m.Exports {
		ids[i] = x.ID
	}
	return ids
}

func (r flowRecorder) drop(now time.Time, s engine.Settled) {
	reason := s.Outcome.String()
	if s.Outcome.Reason != "" {
		reason += ": " + s.Outcome.Reason
	}
	r.add(recording.Line{Drop: &recording.Drop{At: now, Message: s.Message.ID, Exports: exportIDs(s.Message), Reason: reason}})
}

func (r *recorder) request(q sighting[journal.Request]) {
	r.add(recording.Line{Destination: q.at.key, Dataflow: q.by.key(), Request: recordedRequest(q.entry, &r.redactor)})
}

// recordedRequest is a journal entry in the form of a recording.
func recordedRequest(q journal.Request, redactor *secret.Redactor) *recording.Request {
	headers := make([]recording.Header, len(q.Headers))
	for i, h := range q.Headers {
		headers[i] = recording.Header{Name: h.Name, Value: redactor.Header(h.Name, h.Value)}
	}
	body := redactor.JSON
	if q.TokenRequest != nil {
		body = redactor.Form
	}
	return &recording.Request{
		At: q.Arrived, AnsweredAt: q.Answered, Socket: q.Socket, Number: q.Number,
		Method: q.Method, Target: redactor.Text(q.Target), Proto: q.Proto, Headers: headers, Body: body(string(q.Body)),
		TLS: q.TLS, ServerName: q.ServerName, Peer: recordedPeer(q.Peer), Profiles: q.Profiles,
		Authorization: string(q.Authorization), Token: q.Token, TokenRequest: recordedTokenRequest(q.TokenRequest),
		Status: q.Status, Refused: q.Refused, Matched: q.Matched, Fault: q.Fault, Disconnected: q.Disconnected,
		Receiver: recordedForwards(q.Forwards),
	}
}

func recordedForwards(all []journal.Forward) []recording.Forward {
	var out []recording.Forward
	for _, f := range all {
		out = append(out, recording.Forward{At: f.Sent, EndedAt: f.Sent.Add(f.Took), Status: f.Status, Failure: f.Failure})
	}
	return out
}

func (r *recorder) handshake(h sighting[journal.Handshake]) {
	r.add(recording.Line{Destination: h.at.key, Dataflow: h.by.key(), Handshake: recordedHandshake(h.entry)})
}

func recordedHandshake(h journal.Handshake) *recording.Handshake {
	return &recording.Handshake{
		At: h.Accepted, EndedAt: h.Ended, Socket: h.Socket, Reason: h.Reason,
		ServerName: h.ServerName, Peer: recordedPeer(h.Peer), Fault: h.Fault,
	}
}

func recordedTokenRequest(t *journal.TokenRequest) *recording.TokenRequest {
	if t == nil {
		return nil
	}
	return &recording.TokenRequest{Grant: t.Grant, Credentials: t.Credentials}
}

func recordedPeer(p *journal.Peer) *recording.Peer {
	if p == nil {
		return nil
	}
	return &recording.Peer{CommonName: p.CommonName, SAN: p.SAN, Issuer: p.Issuer, Expires: p.Expires}
}

// end closes the recording: which faults fired, and what is left.
func (r *recorder) end(now time.Time, faults []recording.Fault, pending []string, inconclusive error) {
	e := &recording.End{At: now, Unfinished: pending, Faults: faults}
	if inconclusive != nil {
		e.Inconclusive = fmt.Sprint(inconclusive)
	}
	r.add(recording.Line{End: e})
}

func recordedFaults(faults []scenarios.Fault, fired []fault.Firing) []recording.Fault {
	var out []recording.Fault
	for _, planned := range faults {
		r := recording.Fault{ID: planned.ID, Line: planned.Pos.Line}
		// The admin API may have added others, and removed this one.
		if i := slices.IndexFunc(fired, func(f fault.Firing) bool { return f.ID == planned.ID }); i >= 0 {
			r.Planned, r.Fired = fired[i].Planned, fired[i].Fired
		}
		out = append(out, r)
	}
	return out
}
