package differential

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/scenarios"
)

// Everything is drawn with SampledFrom: it draws evenly, where IntRange prefers
// small numbers, and what stands first in a list is what a counter-example is
// made smaller with.

const (
	slots    = 45 // steps of a history; some stay empty, and all may in a small one
	day      = 24 * time.Hour
	profiles = 5
)

// plain is the scenario that every history changes: all defaults of the format.
var plain = sync.OnceValue(func() *scenarios.Scenario {
	sc, err := scenarios.Parse("history.yaml", []byte(
		"title: A history that nobody thought of\nrules: [incremental]\naudiences: {a: {}}\nprofiles: {p-1: {}}\nexpect: []\nothers: allowed\n"))
	if err != nil {
		panic(err)
	}
	return sc
})

func draw[T any](t *rapid.T, label string, of ...T) T { return rapid.SampledFrom(of).Draw(t, label) }

// chance is true one time in n, and false in what is small.
func chance(t *rapid.T, label string, n int) bool {
	return draw(t, label, slices.Concat(make([]bool, n-1), []bool{true})...)
}

// some draws a part of a list, in its order.
func some[T any](t *rapid.T, label string, of []T, n int) []T {
	var out []T
	for i, v := range of {
		if chance(t, fmt.Sprintf("%s %d", label, i), n) {
			out = append(out, v)
		}
	}
	return out
}

// histories draws a scenario without expectations.
func histories() *rapid.Generator[*scenarios.Scenario] {
	return rapid.Custom(func(t *rapid.T) *scenarios.Scenario {
		sc := *plain()
		h := &history{t: t, sc: &sc}
		h.audiences()
		h.destination()
		h.dataflow()
		h.profiles()
		h.steps()
		h.endpoint()
		return &sc
	})
}

// history is one under construction.
type history struct {
	t    *rapid.T
	sc   *scenarios.Scenario
	keys []string
	now  time.Duration
	gone []int // profiles that became part of others
}

// audiences: two namespaces, two merge policies.
func (h *history) audiences() {
	h.sc.Audiences = nil
	created := h.sc.Start.Add(-30 * day)
	for _, key := range []string{"a", "b", "c", "d", "e", "f"} {
		a := scenarios.Audience{Key: key, ID: scenarios.AudienceID(h.sc.Seed, key), Name: "All of " + key, Namespace: "ups", Type: "people", Origin: "segmentation",
			MergePolicy: draw(h.t, "policy of "+key, "default", "default", "other"), CreatedAt: created, UpdatedAt: created.Add(5 * time.Second)}
		if chance(h.t, "upload "+key, 6) {
			a.Namespace = "CustomerAudienceUpload"
		}
		h.sc.Audiences = append(h.sc.Audiences, a)
		h.keys = append(h.keys, key)
	}
}

func (h *history) destination() {
	d := &h.sc.Destination
	d.IncludeSegmentNames = chance(h.t, "names", 2)
	d.IncludeSegmentTimestamps = chance(h.t, "timestamps", 2)
	d.IncludeMappedAudiencesOnly = chance(h.t, "mapped only", 4)
	d.Retry.Policy = draw(h.t, "retry", "documented", "documented", "best-effort")
	d.MaxProfilesPerRequest = draw(h.t, "profiles per request", 1, 1, 2, 10)
	if d.MaxProfilesPerRequest > 1 {
		d.BatchEncoding = draw(h.t, "batch encoding", "array", "profiles")
	}
}

var paths = []string{"person", "person.name", "person.name.firstName", "person.nameSuffix", "person.age", "email", "loyalty", "loyalty.points", "consents.marketing"}

func (h *history) dataflow() {
	f := &h.sc.Dataflow
	f.Audiences = some(h.t, "mapped", h.keys, 2)
	f.Attributes = some(h.t, "mapped attribute", paths, 3)
	if chance(h.t, "children first", 2) {
		slices.Reverse(f.Attributes)
	}
	f.MaxInFlight = draw(h.t, "in flight", 10, 10, 2, 1)
	f.RequireMembership = !chance(h.t, "any profile", 5)
	f.Activated = !chance(h.t, "activated later", 4)
	if chance(h.t, "switched", 4) {
		f.Triggers = f.Triggers.With(h.switches("switch"))
	}
}

// switches draws the kinds of changes that are switched on or off; at least one
// is named.
func (h *history) switches(label string) scenarios.Triggers {
	all := []string{"attributeChanges", "segmentationChanges", "identityChanges"}
	named := some(h.t, label, all, 3)
	if len(named) == 0 {
		named = []string{draw(h.t, label+" of", all...)}
	}
	out := scenarios.Triggers{}
	for _, kind := range named {
		out[kind] = !chance(h.t, label+" off "+kind, 2)
	}
	return out
}

// value draws an attribute: also the empty ones that never travel.
func (h *history) value(label, path string) any {
	value := draw[any](h.t, label, "Doc", "Marty", "Emmett", "Doc", int64(1), int64(88), 2.5, true, "", []any{"x", "", "y"}, []any{}, map[string]any{},
		map[string]any{"firstName": "Emmett", "lastName": ""}, map[string]any{"points": int64(7)}, map[string]any{"name": map[string]any{"firstName": "Lorraine"}},
		map[string]any{"name": "Biff", "age": int64(47)})
	_, isList := value.([]any)
	if within := func(p string) bool { return strings.HasPrefix(p, path+".") }; isList && slices.ContainsFunc(paths, within) {
		return map[string]any{"others": value} // a scenario has no path into a list
	}
	return value
}

func name(n int) string { return fmt.Sprintf("p-%d", n) }

// identity draws one of a few that only this profile has; some differ in their
// spelling alone.
func (h *history) identity(label string, n int) scenarios.Identity {
	i := draw(h.t, label, scenarios.Identity{Namespace: "crm", ID: "c-%d"}, scenarios.Identity{Namespace: "crm", ID: "d-%d"},
		scenarios.Identity{Namespace: "Phone", ID: "+1555-%d"}, scenarios.Identity{Namespace: "phone", ID: "+1555-%d"},
		scenarios.Identity{Namespace: "Email_LC_SHA256", ID: " P%d@Example.com"}, scenarios.Identity{Namespace: "email_lc_sha256", ID: "p%d@example.com"},
		scenarios.Identity{Namespace: "Loyalty", ID: "L-%d"})
	i.ID = fmt.Sprintf(i.ID, n)
	return i
}

func (h *history) profiles() {
	h.sc.Profiles = nil
	for n := range profiles {
		label := name(n + 1)
		g := scenarios.ProfileGroup{Names: scenarios.NameRange{Prefix: label}}
		for _, key := range some(h.t, label+" in", h.keys, 3) {
			g.Memberships = append(g.Memberships, h.membership(label, key))
		}
		for _, path := range []string{"person", "email", "loyalty"} {
			if chance(h.t, label+" has "+path, 2) {
				if g.Attributes == nil {
					g.Attributes = map[string]any{}
				}
				g.Attributes[path] = h.value(label+" "+path, path)
			}
		}
		switch {
		case chance(h.t, label+" unknown", 8):
			g.NoIdentity = true
		case chance(h.t, label+" known", 2):
			g.Identities = append(g.Identities, h.identity(label+" identity", n+1))
		}
		h.sc.Profiles = append(h.sc.Profiles, g)
	}
}

// membership is an old one, or one that was left: lately, or too long ago to
// travel.
func (h *history) membership(label, key string) scenarios.Membership {
	m := scenarios.Membership{Audience: key, Qualified: day}
	if chance(h.t, label+" left "+key, 3) {
		m.Exited, m.ExitedAgo = true, draw(h.t, label+" left "+key+" ago", time.Hour, 29*day, 30*day-2*time.Hour, 31*day, 30*day-time.Minute)
		m.Qualified = m.ExitedAgo + day
	}
	return m
}

// gaps are the times between steps: at once, within retries, within a backfill,
// and past everything that is remembered.
var gaps = []time.Duration{time.Minute, 0, 0, time.Second, 10 * time.Second, 40 * time.Second, 5 * time.Minute, 10 * time.Minute, 25 * time.Minute,
	time.Hour, 90 * time.Minute, 5 * time.Hour, 2 * day}

// steps fills the slots. Where the dataflow is deleted, another is mapped and
// activated after it.
func (h *history) steps() {
	h.sc.History = nil
	activate, deleted := -1, draw(h.t, "deleted in step", -1, -1, -1, -1, -1, 15, 25)
	if !h.sc.Dataflow.Activated {
		activate = draw(h.t, "activated in step", 0, 1, 3, 5, 9)
	}
	disabled := false
	for i := range slots {
		label := fmt.Sprintf("step %d", i)
		if chance(h.t, label+" much later", 40) {
			h.now += draw(h.t, label+" much", 30*day, 30*day, 31*day) // an exit is told for thirty days, and not longer
		} else {
			h.now += draw(h.t, label+" after", gaps...)
		}
		step := scenarios.Step{At: h.now}
		switch kind := draw(h.t, label, append([]string{"", "map", "unmap", "pause", "configure"}, slices.Repeat([]string{"update"}, 24)...)...); {
		case i == deleted:
			activate, disabled = i+draw(h.t, label+" another after", 2, 1, 4), false
			step.Action = "delete"
		case i == activate:
			step.Action = "activate"
			if deleted >= 0 && i > deleted {
				h.sc.History = append(h.sc.History, scenarios.Step{At: h.now, Action: "map", Targets: []string{draw(h.t, label+" of", h.keys...)}})
			}
		case kind == "":
			continue
		case kind == "pause":
			step.Action = map[bool]string{false: "disable", true: "enable"}[disabled]
			disabled = !disabled
		case kind == "map" || kind == "unmap":
			step.Action, step.Targets = kind, []string{draw(h.t, label+" of", h.keys...)}
		case kind == "configure":
			h.configure(label, &step)
		default:
			if disabled && chance(h.t, label+" after the pause", 3) {
				h.sc.History = append(h.sc.History, scenarios.Step{At: h.now, Action: "enable"})
				disabled = false
			}
			if !h.whole(label, &step) {
				h.update(label, &step)
			}
		}
		h.sc.History = append(h.sc.History, step)
	}
}

// configure draws a new name of an audience, or switches.
func (h *history) configure(label string, step *scenarios.Step) {
	if chance(h.t, label+" switches", 3) {
		step.Action, step.Triggers = "triggers", h.switches(label+" switch")
		return
	}
	step.Action = "rename"
	step.Targets, step.Names = []string{draw(h.t, label+" of", h.keys...)}, []string{draw(h.t, label+" name", "Fans", "Drivers")}
}

var kinds = []string{"qualify", "qualify", "exit", "exit", "set", "set", "remove", "add-identity", "remove-identity", "replace-identity"}

// update draws one to three changes of one to three profiles. An update has no
// key twice, and neither qualifies for nor exits from one audience.
func (h *history) update(label string, step *scenarios.Step) {
	standing := h.standing()
	first := draw(h.t, label+" of", standing...)
	step.Profiles = scenarios.NameRange{Prefix: name(first)}
	identities := true
	three := !slices.ContainsFunc([]int{first, first + 1, first + 2}, func(n int) bool { return !slices.Contains(standing, n) })
	if three && chance(h.t, label+" of several", 8) {
		step.Profiles = scenarios.NameRange{Prefix: "p-", First: int64(first), Last: int64(first) + 2, Numbered: true}
		identities = false // an identity is that of one profile
	}
	used := map[string]bool{}
	for n := range draw(h.t, label+" changes", 1, 1, 1, 2, 2, 3) {
		at := fmt.Sprintf("%s change %d", label, n)
		kind := draw(h.t, at, kinds...)
		if used[kind] || !identities && kind[len(kind)-1] == 'y' && kind != "qualify" {
			continue
		}
		used[kind] = true
		step.Changes = append(step.Changes, h.change(at, kind, first, step.Changes)...)
	}
	if len(step.Changes) == 0 {
		step.Changes = []scenarios.Change{{Op: "qualify", Audience: h.keys[0]}}
	}
}

func (h *history) change(at, kind string, n int, before []scenarios.Change) []scenarios.Change {
	c := scenarios.Change{Op: kind}
	switch kind {
	case "qualify", "exit":
		c.Audience = draw(h.t, at+" audience", h.keys...)
		if slices.ContainsFunc(before, func(b scenarios.Change) bool { return b.Audience == c.Audience }) {
			return nil
		}
	case "set":
		c.Path = draw(h.t, at+" path", paths...)
		c.Value = h.value(at+" value", c.Path)
	case "remove":
		c.Path = draw(h.t, at+" path", paths...)
	case "add-identity", "remove-identity":
		c.Identity = h.identity(at+" identity", n)
	case "replace-identity":
		c.Identity = h.identity(at+" identity", n)
		c.To = draw(h.t, at+" to", fmt.Sprintf("x-%d", n), fmt.Sprintf("d-%d", n))
		if strings.EqualFold(c.Identity.Namespace, "email_lc_sha256") {
			c.To += "@Example.com"
		}
		if c.To == c.Identity.ID {
			c.To = fmt.Sprintf("y-%d", n)
		}
	}
	return []scenarios.Change{c}
}

// endpoint draws how the receiver misbehaves.
func (h *history) endpoint() {
	e := &h.sc.Endpoint
	e.TLS = draw(h.t, "tls", "plain", "tls", "mtls-optional", "mtls-only")
	for i := range draw(h.t, "faults", 0, 0, 1, 2, 3) {
		e.Faults = append(e.Faults[:i:i], h.fault(i))
	}
}

func (h *history) fault(i int) scenarios.Fault {
	label := fmt.Sprintf("fault %d", i)
	f := scenarios.Fault{}
	f.ID = fmt.Sprintf("fault-%d", i+1)
	f.Requests = draw(h.t, label+" requests", scenarios.Count{First: 1, Last: 1}, scenarios.Count{First: 2, Last: 4}, scenarios.Count{First: 3})
	if chance(h.t, label+" of one", 2) {
		f.ProfileNames = name(draw(h.t, label+" of", 1, 2, 3, 4, 5))
	}
	if chance(h.t, label+" by chance", 3) {
		f.Probability = 0.4
	}
	switch draw(h.t, label, faultKinds...) {
	case "status":
		f.Status = draw(h.t, label+" status", 503, 500, 400, 429, 302, 299)
	case "late":
		f.Latency = 2500 * time.Millisecond
	case "in time":
		f.Latency = 2 * time.Second
	case "slow body":
		f.HeadersAt, f.SlowBody = time.Second, draw(h.t, label+" body", 2*time.Second, 2100*time.Millisecond)
	case "stall":
		f.Stall = true
	case "reset":
		f.Reset = true
	case "reset in body":
		f.Phase, f.Reset = "body", true
	}
	return f
}

var faultKinds = []string{"status", "status", "late", "in time", "slow body", "stall", "reset", "reset in body"}

// kindOf is the name of a fault in the tally.
func kindOf(f scenarios.Fault) string {
	switch {
	case f.Phase == "body":
		return "reset in body"
	case f.Reset:
		return "reset"
	case f.Stall:
		return "stall"
	case f.SlowBody > 0:
		return "slow body"
	case f.Latency > 2*time.Second:
		return "late"
	case f.Latency > 0:
		return "in time"
	}
	return "status"
}
