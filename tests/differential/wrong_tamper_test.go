package differential

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// tamper is the capture of a right sender that one thing is to be broken in.
type tamper struct {
	rules    scenarios.Catalogue
	sc       *scenarios.Scenario
	random   *rand.Rand
	requests []*recording.Request // copies, in the order of their times
	messages []*sending
	updates  map[string][]time.Time // of a profile
	actions  []time.Time
	exports  map[string]*recording.Export
	end      time.Time
	oracle   *oracle.Oracle
	want     string // the rule that has to be found; "" leaves it to the kind
	rest     []recording.Line
}

// sending is one message of the sender, as far as the endpoint saw it.
type sending struct {
	profiles []string
	exports  []*recording.Export
	attempts []*recording.Request
	hidden   int // attempts that the endpoint did not see
}

// newTamper copies a recording; on is the source of random choices.
func newTamper(rules scenarios.Catalogue, sc *scenarios.Scenario, lines []recording.Line, seed uint64) *tamper {
	t := &tamper{rules: rules, sc: sc, random: rand.New(rand.NewPCG(seed, 1)), updates: map[string][]time.Time{}, exports: map[string]*recording.Export{},
		oracle: oracle.New(sc, oracle.Planned(sc))}
	byMessage := map[string]*sending{}
	var order []string
	for _, l := range lines {
		switch {
		case l.Update != nil:
			t.updates[l.Update.Profile] = append(t.updates[l.Update.Profile], l.Update.At)
		case l.Action != nil:
			t.actions = append(t.actions, l.Action.At)
		case l.Export != nil:
			t.exports[l.Export.ID] = l.Export
		case l.Request != nil:
			r := *l.Request
			r.Headers = slices.Clone(r.Headers)
			t.requests = append(t.requests, &r)
		case l.Attempt != nil:
			m := byMessage[l.Attempt.Message]
			if m == nil {
				m = &sending{}
				byMessage[l.Attempt.Message], order = m, append(order, l.Attempt.Message)
				for _, id := range l.Attempt.Exports {
					m.exports = append(m.exports, t.exports[id])
					m.profiles = append(m.profiles, t.exports[id].Profile)
				}
			}
			m.take(l.Attempt, t.requests)
		case l.Run != nil:
			run := *l.Run
			run.Side = "endpoint"
			t.rest = append(t.rest, recording.Line{Run: &run})
		case l.Handshake != nil:
			t.rest = append(t.rest, l)
		case l.End != nil:
			t.end = l.End.At
			t.rest = append(t.rest, l)
		}
	}
	for _, id := range order {
		t.messages = append(t.messages, byMessage[id])
	}
	return t
}

// take finds the request of an attempt: the last with its body and time.
func (m *sending) take(a *recording.Attempt, requests []*recording.Request) {
	for _, r := range slices.Backward(requests) {
		if r.Body == a.Body && r.At.Equal(a.At) && !slices.Contains(m.attempts, r) {
			m.attempts = append(m.attempts, r)
			return
		}
	}
	m.hidden++
}

// lines is the capture after all changes.
func (t *tamper) lines() []recording.Line {
	out := slices.Clone(t.rest[:len(t.rest)-1])
	slices.SortStableFunc(t.requests, func(a, b *recording.Request) int { return a.At.Compare(b.At) })
	for _, r := range t.requests {
		out = append(out, recording.Line{Request: r})
	}
	return append(out, t.rest[len(t.rest)-1])
}

// pick draws one of the messages that fit, of profiles that an endpoint can
// recognise and whose every attempt it saw.
func (t *tamper) pick(fits func(m *sending) bool) *sending {
	var all []*sending
	for _, m := range t.messages {
		if m.hidden == 0 && len(m.attempts) > 0 && !slices.ContainsFunc(m.profiles, t.nameless) && !t.blurred(m) && fits(m) {
			all = append(all, m)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all[t.random.IntN(len(all))]
}

func (t *tamper) nameless(profile string) bool {
	g, _, _ := t.sc.Group(profile)
	return g.NoIdentity
}

// blurred reports whether a message has a body without an identity, of a profile that
// was forgotten, and other profiles may lack one too: one may be taken for the other.
func (t *tamper) blurred(m *sending) bool {
	bare := map[string]bool{}
	for _, g := range t.sc.Profiles {
		if g.NoIdentity && len(g.Identities) == 0 {
			bare[g.Names.At(0)] = true
		}
	}
	for _, s := range t.sc.History {
		if s.Does("forget") {
			bare[s.Profiles.At(0)] = true
		}
	}
	all, _ := bodies(m.first().Body)
	return len(bare) > 1 && slices.ContainsFunc(all, func(o object) bool {
		identities, _ := o["identityMap"].(object)
		return len(identities) == 0
	})
}

// resumed reports whether the dataflow was paused within the hour of a mapping before a
// message: its backfills may come after the pause, and a copy of the body may be one.
func (t *tamper) resumed(m *sending) bool {
	at := m.last().At
	return slices.ContainsFunc(t.sc.History, func(s scenarios.Step) bool {
		mapped := t.sc.Start.Add(s.At)
		return (s.Action == "map" || s.Action == "activate") && !mapped.After(at) && !t.quiet(mapped, mapped.Add(time.Hour)) &&
			!t.quiet(mapped, at)
	})
}

// merged reports whether another profile became part of one of a message before: which
// of two values stays, and when a membership began that it brought, is a default (R144).
func (t *tamper) merged(m *sending) bool {
	return slices.ContainsFunc(t.sc.History, func(s scenarios.Step) bool {
		into := func(p string) bool { return s.Profiles.Contains(p) }
		return s.Does("merge") && !t.sc.Start.Add(s.At).After(m.exports[0].At) && slices.ContainsFunc(m.profiles, into)
	})
}

func (m *sending) first() *recording.Request { return m.attempts[0] }
func (m *sending) last() *recording.Request  { return m.attempts[len(m.attempts)-1] }

func ok(r *recording.Request) bool {
	return r.Status >= 200 && r.Status < 300 && !r.Disconnected && r.Fault == ""
}

// delivered at the first attempt, so that nothing follows it.
func (m *sending) atOnce() bool { return len(m.attempts) == 1 && ok(m.first()) }

func (m *sending) single() bool { return len(m.profiles) == 1 }

func (m *sending) live() bool {
	return !slices.ContainsFunc(m.exports, func(x *recording.Export) bool { return slices.Contains(x.Because, "backfill") })
}

// alone reports whether nothing happens to the profiles of a message, or to the
// dataflow, between two times, besides the message itself.
func (t *tamper) alone(m *sending, from, to time.Time) bool {
	within := func(at time.Time) bool { return at.After(from) && !at.After(to) }
	for _, p := range m.profiles {
		if slices.ContainsFunc(t.updates[p], within) {
			return false
		}
	}
	return !slices.ContainsFunc(t.actions, within) && t.silent(m, from, to) && to.Before(t.end)
}

// silent reports whether no other message of the profiles comes between two
// times.
func (t *tamper) silent(m *sending, from, to time.Time) bool {
	for _, other := range t.messages {
		shared := slices.ContainsFunc(other.profiles, func(p string) bool { return slices.Contains(m.profiles, p) })
		if other == m || !shared {
			continue
		}
		if slices.ContainsFunc(other.attempts, func(r *recording.Request) bool { return r.At.After(from) && !r.At.After(to) }) {
			return false
		}
	}
	return true
}

// quiet reports whether the dataflow neither pauses nor is deleted between two
// times, nor was paused when they began. A request at the very instant of a
// deletion may belong to the deleted dataflow, so it may be dropped.
func (t *tamper) quiet(from, to time.Time) bool {
	paused := false
	for _, s := range t.sc.History {
		at := t.sc.Start.Add(s.At)
		if at.After(to) {
			break
		}
		switch s.Action {
		case "disable":
			paused = true
		case "enable":
			if paused = false; at.After(from) {
				return false
			}
		case "delete":
			if paused = false; !at.Before(from) {
				return false
			}
		}
	}
	return !paused
}

// running is how long the dataflow is enabled between two times.
func (t *tamper) running(from, to time.Time) time.Duration {
	var all time.Duration
	paused, since := false, from
	for _, s := range t.sc.History {
		at := t.sc.Start.Add(s.At)
		if at.After(to) {
			break
		}
		if s.Action != "disable" && s.Action != "enable" {
			continue
		}
		if !paused && at.After(since) {
			all += at.Sub(since)
		}
		if paused = s.Action == "disable"; at.After(since) {
			since = at
		}
	}
	if !paused {
		all += to.Sub(since)
	}
	return all
}

// claims reports whether a message may be sent twice with reason: audiences were
// mapped within the hour before it, and it is not the backfill of them alone.
func (t *tamper) claims(m *sending) bool {
	n := 0
	for _, s := range t.sc.History {
		at := t.sc.Start.Add(s.At)
		if mapped := s.Action == "map" || s.Action == "activate"; mapped && t.running(at, m.last().At) <= time.Hour && !at.After(m.last().At) {
			n++
		}
	}
	return n > 1 || n == 1 && m.live()
}

// twice reports whether a profile of a message qualifies and changes otherwise, or
// qualifies again, within a second, shortly before or after it: by a reading (A41) a
// second qualification is exported as well, so that there may be two exports.
func (t *tamper) twice(m *sending) bool {
	for _, p := range m.profiles {
		var steps []scenarios.Step // near the message
		for _, s := range t.sc.History {
			if len(s.Changes) > 0 && s.Profiles.Contains(p) && t.sc.Start.Add(s.At).Sub(m.last().At).Abs() < 10*time.Minute {
				steps = append(steps, s)
			}
		}
		for i := 1; i < len(steps); i++ {
			if steps[i].At-steps[i-1].At <= time.Second && (qualifies(steps[i-1]) || qualifies(steps[i])) {
				return true
			}
		}
	}
	return false
}

func qualifies(s scenarios.Step) bool {
	return slices.ContainsFunc(s.Changes, func(c scenarios.Change) bool { return c.Op == "qualify" })
}

// send adds a copy of a request that is answered 200 some time after another.
func (t *tamper) send(r *recording.Request, at time.Time) *recording.Request {
	copied := *r
	copied.Headers = slices.Clone(r.Headers)
	copied.At, copied.AnsweredAt, copied.Status, copied.Fault, copied.Disconnected = at, at, 200, "", false
	copied.Socket += 10_000
	t.requests = append(t.requests, &copied)
	return &copied
}

// drop takes requests out.
func (t *tamper) drop(gone ...*recording.Request) {
	t.requests = slices.DeleteFunc(t.requests, func(r *recording.Request) bool { return slices.Contains(gone, r) })
}

// object is a JSON object under change.
type object = map[string]any

// bodies takes a request's body apart, and returns how to put it together.
func bodies(body string) (all []object, join func([]object) string) {
	var whole any
	d := json.NewDecoder(strings.NewReader(body))
	d.UseNumber()
	if d.Decode(&whole) != nil {
		return nil, nil
	}
	list, isList := whole.([]any)
	top, _ := whole.(object)
	wrapped, isWrapped := top["profiles"].([]any)
	switch {
	case isList:
	case isWrapped:
		list = wrapped
	default:
		return []object{top}, func(all []object) string { return written(all[0]) }
	}
	for _, e := range list {
		all = append(all, e.(object))
	}
	return all, func(all []object) string {
		if isWrapped {
			return written(object{"profiles": all})
		}
		return written(all)
	}
}

func written(value any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// edit changes the first profile of requests; false when it changes none.
func edit(change func(object) bool, requests ...*recording.Request) bool {
	for _, r := range requests {
		all, join := bodies(r.Body)
		if len(all) == 0 || !change(all[0]) {
			return false
		}
		r.Body = join(all)
	}
	return true
}

// content breaks the first profile of a message in all its attempts.
func content(change func(t *tamper, m *sending, o object) bool) func(*tamper) bool {
	return func(t *tamper) bool {
		m := t.pick(func(m *sending) bool {
			all, _ := bodies(m.first().Body)
			if len(all) == 0 || !t.fixed(m) {
				return false
			}
			was := written(all[0])
			return change(t, m, all[0]) && written(all[0]) != was // or nothing is broken
		})
		return m != nil && edit(func(o object) bool { return change(t, m, o) }, m.attempts...)
	}
}

// fixed reports whether there is one right content of a message: nobody knows
// when within its hour the body of a backfill was built, so that it may as well
// be that of before a change. The export of a change may be taken for such a
// one, with that of the change left out, where the clock cannot tell the change from an
// action that ends the exports.
func (t *tamper) fixed(m *sending) bool {
	at := m.exports[0].At
	if !m.live() {
		return !slices.ContainsFunc(t.updates[m.profiles[0]], within(at, time.Hour))
	}
	backfilled := slices.ContainsFunc(t.actions, func(a time.Time) bool { return !a.After(at) && at.Sub(a) <= time.Hour })
	return !backfilled || !slices.ContainsFunc(t.actions, func(a time.Time) bool { return a.Sub(at).Abs() <= 5*time.Minute })
}

// entryOf finds the first entry of segmentMembership that fits, in a fixed
// order.
func entryOf(o object, fits func(namespace, id string, e object) bool) object {
	all, _ := o["segmentMembership"].(object)
	for _, namespace := range sortedNames(all) {
		entries := all[namespace].(object)
		for _, id := range sortedNames(entries) {
			if e := entries[id].(object); fits(namespace, id, e) {
				return e
			}
		}
	}
	return nil
}

func sortedNames(o object) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// attribute is the first top-level attribute.
func attribute(o object) string {
	for _, name := range sortedNames(o) {
		if name != "identityMap" && name != "segmentMembership" {
			return name
		}
	}
	return ""
}

// forgotten reports whether a profile is forgotten from one moment to another: then
// who has its name is somebody else.
func (t *tamper) forgotten(profile string, from, to time.Time) bool {
	return slices.ContainsFunc(t.sc.History, func(s scenarios.Step) bool {
		at := t.sc.Start.Add(s.At)
		return s.Does("forget") && s.Profiles.Contains(profile) && !at.Before(from) && !at.After(to)
	})
}
