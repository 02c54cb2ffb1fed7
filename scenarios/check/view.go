// Package check judges a recording: against the expectations of its scenario,
// and against rules that hold for every recording. PURE: verdicts are a
// function of (scenario, recording). It shares no code with the engine or the
// mock endpoint, and states what it knows about the destination a second time.
package check

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// view is a recording indexed for the checks.
type view struct {
	scenario   *scenarios.Scenario
	further    bool             // what is about no dataflow is told by the view of another
	redactor   *secret.Redactor // of the scenario's credentials
	run        *recording.Run
	end        *recording.End
	exports    []*exported
	byProfile  map[string][]*exported
	byID       map[string]*exported
	messages   map[string]*message
	attempts   []*recording.Attempt
	requests   []*recording.Request // that carry a message: all but those of an mTLS decision or for a token
	decisions  []*recording.Decision
	asking     []*recording.Request // of the mTLS decisions
	tokens     []*recording.Token
	tokenCalls []*recording.Request // to the token endpoint
	lines      []recording.Line
	refused    []*recording.Handshake
	runs       []*recording.FlowRun
	alerts     []*recording.Alert
	totals     []*totals
	counted    []*hour // nil until asked for
	lookups    []*recording.Lookup
	actions    []*recording.Action
	problems   []*recording.Problem
	updates    []*recording.Update
	updatesOf  map[string][]*recording.Update // by profile
	underWay   underWay                       // all attempts
	audiences  map[string]scenarios.Audience  // by id
	keys       map[string]scenarios.Audience  // by key
	bodies     map[string]*body               // each distinct one is parsed once
	active     bool                           // the dataflow was activated
	configured []string                       // audience ids that the activation maps
	mappings   []mappings                     // that took effect
	naming     *naming                        // after the lines so far
	tolerance  time.Duration                  // of times; 0 for a recording in virtual time
	// carried is the request in which the endpoint saw an attempt; an attempt that
	// did not get so far has no request. stray requests belong to no attempt.
	carried map[*recording.Attempt]*recording.Request
	stray   []*recording.Request
	askedOn map[int]bool // by socket; nil until asked for
}

// mappings are audiences that were mapped at one time, by their ids; the zero
// time is before the scenario.
type mappings struct {
	at  time.Time
	ids []string
	// anew: a dataflow was deleted, and the next one remembers no mapping.
	anew bool
}

// exported is one export with what became of it.
type exported struct {
	*recording.Export
	message    *message
	mapped     map[string]bool // audience ids that were mapped at the decision
	naming     *naming         // at the decision
	number     int             // of the profile's exports, from 1
	updates    int             // how many updates the recording has before it
	twice      bool            // it was part of more than one message
	identities int64           // of its profile at the decision; counted by hours
}

// message is what was tried for one request body.
type message struct {
	id       string
	attempts []*recording.Attempt
	drop     *recording.Drop
	parts    []string // of the body, one for each export; nil until somebody asks
}

// newView indexes the lines in their order, so that what was mapped when an
// export was decided is known even where both happened at one instant.
func newView(sc *scenarios.Scenario, lines []recording.Line) *view {
	v := &view{
		scenario: sc, byProfile: map[string][]*exported{}, byID: map[string]*exported{}, messages: map[string]*message{},
		audiences: map[string]scenarios.Audience{}, keys: map[string]scenarios.Audience{}, bodies: map[string]*body{},
		updatesOf: map[string][]*recording.Update{}, lines: lines,
	}
	v.redactor = secret.NewRedactor(sc.Credentials()...)
	for _, a := range sc.Audiences {
		a.Name = v.redactor.Text(a.Name)
		v.audiences[a.ID], v.keys[a.Key] = a, a
	}
	v.naming = &naming{v.audiences, map[string]string{}}
	for _, key := range sc.Dataflow.Audiences {
		v.configured = append(v.configured, v.keys[key].ID)
	}
	mapped := map[string]bool{}
	if sc.Dataflow.Activated {
		mapped = v.mapping(time.Time{}, v.configured, mapped)
		v.active = true
	}
	for _, l := range lines {
		if l.Action != nil {
			mapped = v.act(l.Action, mapped)
		}
		if l.Export != nil {
			v.export(l.Export, mapped)
		}
		v.index(l)
	}
	v.join()
	for _, a := range v.attempts {
		v.underWay.add(a.At, a.EndedAt)
	}
	v.underWay.sort()
	return v
}

// join finds the request of every attempt. A socket carries one exchange at a
// time and none after a failed one, so the nth request on it is that of the
// nth attempt.
func (v *view) join() {
	v.carried = map[*recording.Attempt]*recording.Request{}
	attempts := map[int][]*recording.Attempt{}
	for _, a := range v.attempts {
		if a.Socket > 0 {
			attempts[a.Socket] = append(attempts[a.Socket], a)
		}
	}
	// On the wall clock a request may be recorded after a later one.
	requests := slices.Clone(v.requests)
	slices.SortStableFunc(requests, func(a, b *recording.Request) int { return cmp.Compare(a.Number, b.Number) })
	for _, r := range requests {
		if waiting := attempts[r.Socket]; len(waiting) > 0 {
			v.carried[waiting[0]] = r
			attempts[r.Socket] = waiting[1:]
			continue
		}
		v.stray = append(v.stray, r)
	}
}

// mapping notes that audiences were mapped, and returns what is mapped now.
func (v *view) mapping(at time.Time, ids []string, mapped map[string]bool) map[string]bool {
	v.mappings = append(v.mappings, mappings{at: at, ids: slices.Clone(ids)})
	v.naming = v.naming.mapped(ids)
	mapped = maps.Clone(mapped)
	for _, id := range ids {
		mapped[id] = true
	}
	return mapped
}

// act returns what is mapped after an action of the dataflow. Before its
// activation a dataflow is only configured: nothing is mapped yet.
func (v *view) act(a *recording.Action, mapped map[string]bool) map[string]bool {
	v.actions = append(v.actions, a)
	switch {
	case a.Action == "activate" && !v.active:
		v.active = true
		return v.mapping(a.At, v.configured, mapped)
	case a.Action == "map" && v.active:
		return v.mapping(a.At, a.Audiences, mapped)
	case a.Action == "rename":
		v.naming = v.naming.renamed(a.At, a.Audiences, v.shownTexts(a.Names))
	case a.Action == "delete":
		v.active, v.configured = false, nil
		v.mappings = append(v.mappings, mappings{at: a.At, anew: true})
		v.naming = &naming{v.naming.audiences, map[string]string{}}
		return map[string]bool{}
	case a.Action == "map":
		v.configured = append(v.configured, a.Audiences...)
	case a.Action == "unmap":
		gone := func(id string) bool { return slices.Contains(a.Audiences, id) }
		v.configured = slices.DeleteFunc(v.configured, gone)
		mapped = maps.Clone(mapped)
		maps.DeleteFunc(mapped, func(id string, _ bool) bool { return gone(id) })
	}
	return mapped
}

func (v *view) export(e *recording.Export, mapped map[string]bool) {
	x := &exported{Export: e, mapped: mapped, naming: v.naming, number: len(v.byProfile[e.Profile]) + 1, updates: len(v.updates)}
	v.exports = append(v.exports, x)
	v.byProfile[e.Profile] = append(v.byProfile[e.Profile], x)
	v.byID[e.ID] = x
}

func (v *view) index(l recording.Line) {
	switch {
	case l.Run != nil:
		v.run = l.Run
		v.tolerance = time.Duration(l.Run.ToleranceMs) * time.Millisecond
	case l.End != nil:
		v.end = l.End
	case l.Problem != nil:
		v.problems = append(v.problems, l.Problem)
	case l.Update != nil:
		v.updates = append(v.updates, l.Update)
		v.updatesOf[l.Update.Profile] = append(v.updatesOf[l.Update.Profile], l.Update)
	case l.Attempt != nil:
		v.attempts = append(v.attempts, l.Attempt)
		m := v.messageOf(l.Attempt.Message, l.Attempt.Exports)
		m.attempts = append(m.attempts, l.Attempt)
	case l.Drop != nil:
		v.messageOf(l.Drop.Message, l.Drop.Exports).drop = l.Drop
	case l.Request != nil && l.Request.TokenRequest != nil:
		v.tokenCalls = append(v.tokenCalls, l.Request)
	case l.Request != nil && l.Request.Method != "OPTIONS":
		v.requests = append(v.requests, l.Request)
	case l.Request != nil:
		v.asking = append(v.asking, l.Request)
	case l.Decision != nil:
		v.decisions = append(v.decisions, l.Decision)
	case l.Token != nil:
		v.tokens = append(v.tokens, l.Token)
	case l.Handshake != nil:
		v.refused = append(v.refused, l.Handshake)
	case l.FlowRun != nil:
		v.runs = append(v.runs, l.FlowRun)
	case l.Alert != nil:
		v.alerts = append(v.alerts, l.Alert)
	case l.Totals != nil:
		v.totals = append(v.totals, &totals{l.Totals, len(v.exports), len(v.attempts)})
	case l.Lookup != nil:
		v.lookups = append(v.lookups, l.Lookup)
	}
}

func (v *view) messageOf(id string, exports []string) *message {
	m := v.messages[id]
	if m == nil {
		m = &message{id: id}
		v.messages[id] = m
	}
	for _, export := range exports {
		if x := v.byID[export]; x != nil {
			x.twice = x.twice || x.message != nil && x.message != m
			x.message = m
		}
	}
	return m
}

// body parses a text once.
func (v *view) body(text string) *body {
	b := v.bodies[text]
	if b == nil {
		b = parseBody(text)
		v.bodies[text] = b
	}
	return b
}

// text is what an export carried: its own profile object in the body of its
// first attempt, if it had one.
func (x *exported) text() (string, bool) {
	if x.message == nil || len(x.message.attempts) == 0 {
		return "", false
	}
	first := x.message.attempts[0]
	if x.message.parts == nil {
		x.message.parts = oracle.Split(first.Body, len(first.Exports))
	}
	if n := slices.Index(first.Exports, x.ID); n >= 0 && n < len(x.message.parts) {
		return x.message.parts[n], true
	}
	return "", false
}

// pauses are the intervals in which the dataflow was disabled, each ended by
// enabling or deleting it; the last may be open, ending with the recording.
func (v *view) pauses() []interval {
	var out []interval
	for _, a := range v.actions {
		switch n := len(out); {
		case a.Action == "disable" && (n == 0 || !out[n-1].to.IsZero()):
			out = append(out, interval{from: a.At})
		case (a.Action == "enable" || a.Action == "delete") && n > 0 && out[n-1].to.IsZero():
			out[n-1].to = a.At
		}
	}
	if n := len(out); n > 0 && out[n-1].to.IsZero() && v.end != nil {
		out[n-1].to = v.end.At
	}
	return out
}

// disabledAtEnd reports whether the recording ends with the dataflow disabled,
// so that messages may be left over.
func (v *view) disabledAtEnd() bool {
	disabled := false
	for _, a := range v.actions {
		switch a.Action {
		case "disable":
			disabled = true
		case "enable", "delete":
			disabled = false
		}
	}
	return disabled
}

// near reports whether a time is what it should be.
func (v *view) near(got, want time.Duration) bool { return (got - want).Abs() <= v.tolerance }

// interval is a stretch of virtual time.
type interval struct{ from, to time.Time }

// overlap is how long the interval lasts within [from, to].
func (i interval) overlap(from, to time.Time) time.Duration {
	if i.from.After(from) {
		from = i.from
	}
	if i.to.Before(to) {
		to = i.to
	}
	return max(0, to.Sub(from))
}
