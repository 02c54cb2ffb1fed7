package scenarios

import (
	"cmp"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/notation"
)

// maxSteps bounds a history after `every` and `times`.
const maxSteps = 100_000

// changeKeys are the keys of one update, actions those of the dataflow and of
// the token endpoint.
var (
	changeKeys = []string{"qualify", "exit", "set", "remove", "addIdentity", "removeIdentity", "replaceIdentity"}
	actions    = []string{"activate", "map", "unmap", "label", "disable", "enable", "triggers", "rename", "delete", "revoke", "totals", "refresh", "lookup", "merge", "forget"}
)

// readHistory reads `history:`. Audiences, dataflow and profiles must be known.
func (r *reader) readHistory(n *yaml.Node) {
	var steps []Step
	for _, c := range r.list(n, "history") {
		o := r.object(c, "a step")
		step := r.step(o)
		every, times := r.repetition(o)
		o.end()
		if len(steps)+times > maxSteps {
			r.problem(c, "use ranges of profiles, or fewer repetitions", "more than %d steps, repetitions counted", maxSteps)
			break
		}
		for i := range times {
			repeated := step
			repeated.At += time.Duration(i) * every
			steps = append(steps, repeated)
		}
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	for _, f := range r.dataflows() {
		r.lifecycle(steps, f)
	}
	r.scenario.History = steps
}

// lifecycle finds out whether a dataflow is active at start: it is not when
// the first that happens to it is its activation.
func (r *reader) lifecycle(steps []Step, f *Dataflow) {
	first := true
	active := f.Activated
	for i := range steps {
		s := &steps[i]
		switch {
		case f.Key != "" && !slices.Contains(s.Dataflows, f.Key):
			continue
		case s.Action == "activate" && first:
			if said := r.activated[f.Key]; said != nil && active {
				r.problem(said, "leave it out, or take the activate step out of the history", "activated: true, but the history activates the dataflow")
			}
			f.Activated, active = false, true
		case s.Action == "activate" && active:
			r.problemAt(s.Pos.Line, s.Pos.Column, "use disable and enable for a pause", "the dataflow is activated twice")
		case s.Action == "activate":
			active = true
		case s.Action == "delete" && !active:
			r.problemAt(s.Pos.Line, s.Pos.Column, "activate it before", "there is no dataflow to delete")
		case s.Action == "delete":
			active = false
		default:
			continue
		}
		first = false
	}
}

// repetition reads `every` and `times`; once without them.
func (r *reader) repetition(o *object) (time.Duration, int) {
	every, hasEvery := o.duration("every")
	times := o.integer("times", 1, maxSteps, 1)
	switch {
	case o.has("every") && !o.has("times"):
		r.problem(o.at("every"), "add times: how often in all", "every needs times")
	case o.has("times") && !o.has("every"):
		r.problem(o.at("times"), "add every: the time between two", "times needs every")
	case hasEvery && every == 0:
		r.problem(o.at("every"), "write 10m, or several changes in one step", "every: 0 repeats at the same instant")
	case time.Duration(times) > notation.Longest/max(every, 1):
		r.problem(o.at("every"), "use fewer repetitions", "the repetitions take longer than 100 years")
		return 0, 1
	}
	return every, int(times)
}

// step reads one entry, without its repetition.
func (r *reader) step(o *object) Step {
	s := Step{}
	if o == nil {
		return s
	}
	s.Pos = r.pos(o.node)
	s.At, _ = r.duration(o.require("at", "write at: 2h, counted from start"), "at")
	s.Profiles = r.profilesOf(o)
	s.Changes = r.changes(o, s.Profiles)
	r.action(o, &s)
	if s.Action == "" {
		r.dataflowsOf(o, "a change of profiles", false)
	}
	changes := false
	for _, key := range append([]string{"map", "unmap", "refresh", "label", "triggers", "rename", "merge"}, changeKeys...) {
		f, there := o.field(key) // each is asked for, so that each is known to the hint of an unknown key
		if there && (f.value.Kind == yaml.SequenceNode || f.value.Kind == yaml.MappingNode) && len(f.value.Content) == 0 {
			r.problem(f.value, "name at least one, or leave the key out", "%s is empty", key)
		}
		changes = changes || there && slices.Contains(changeKeys, key)
	}
	r.uploadSteps(o, s)
	named := o.has("profile") || o.has("profiles")
	switch {
	case s.Action != "":
		o.exclude("the action "+s.Action, "an action stands alone: make it two steps", append([]string{"profile", "profiles", "to"}, changeKeys...)...)
	case !changes && named:
		r.problem(o.node, "add qualify, exit, set, remove, addIdentity, removeIdentity or replaceIdentity", "the step changes nothing")
	case !changes:
		r.problem(o.node, "name profiles and a change, or an action such as activate: true", "the step does nothing")
	case !named:
		r.problem(o.node, "add profiles: member-7", "the step names no profiles")
	}
	if slices.Contains(profileActions, s.Action) {
		s.Action = "" // a change of profiles to whoever plays it
	}
	return s
}

// action reads what happens to the dataflow, to an audience's name or to the
// tokens, or the look at the totals of monitoring.
func (r *reader) action(o *object, s *Step) {
	for _, name := range actions {
		if !o.has(name) {
			continue
		}
		if s.Action != "" {
			r.problem(o.at(name), "make it two steps", "%s and %s in one step", s.Action, name)
			continue
		}
		s.Action = name
		r.stepPlace(o, s)
		switch name {
		case "map", "unmap", "refresh":
			s.Targets = r.audienceRefs(o.take(name), name)
		case "label":
			s.Labels = r.labels(o.take(name), name)
		case "lookup":
			s.Lookup = r.lookup(o)
		case "triggers":
			s.Triggers = r.triggers(o.take(name))
		case "rename":
			r.rename(o.take(name), s)
		case "merge":
			r.merge(o.take(name), s)
		case "forget":
			r.forget(o.take(name), s)
		default:
			o.yes(name)
		}
		known := r.scenario.Flows == nil || s.Destination != ""
		if name == "revoke" && known && !r.to.Auth.FetchesTokens() {
			r.problem(o.at(name), "use auth: {type: oauth2-client-credentials, …}", "revoke: the destination has no tokens to revoke")
		}
	}
}

// rename reads a mapping from audiences to their new names.
func (r *reader) rename(n *yaml.Node, s *Step) {
	o := r.object(n, "rename")
	if o == nil {
		return
	}
	for _, f := range o.fields {
		key, name := r.audienceRef(f.key, "rename"), r.line(f.value, "the new name of "+short(f.name))
		if key != "" && name != "" {
			s.Targets, s.Names = append(s.Targets, key), append(s.Names, name)
		}
	}
}

// changes reads the update of a step, in the order of its keys: a `remove`
// before a `set` clears the way for it.
func (r *reader) changes(o *object, names NameRange) []Change {
	var out []Change
	for _, f := range o.fields {
		if !slices.Contains(changeKeys, f.name) {
			continue
		}
		n := o.take(f.name)
		if n == nil {
			continue
		}
		before := len(out)
		switch f.name {
		case "qualify", "exit":
			for _, key := range r.audienceRefs(n, f.name) {
				out = append(out, Change{Op: f.name, Audience: key})
			}
		case "set":
			out = append(out, r.set(o, n)...)
		case "remove":
			for _, p := range r.words(n, f.name, r.attributePath) {
				out = append(out, Change{Op: f.name, Path: p})
			}
		case "addIdentity", "removeIdentity":
			op := map[string]string{"addIdentity": "add-identity", "removeIdentity": "remove-identity"}[f.name]
			for _, id := range r.identities(n, f.name) {
				out = append(out, Change{Op: op, Identity: id})
			}
		case "replaceIdentity":
			out = append(out, r.replacements(n)...)
		}
		for _, c := range out[before:] {
			r.changePlaces(n, names, c)
		}
	}
	if o.has("to") && !o.has("set") {
		r.problem(o.at("to"), "write set: person.name.firstName next to it", "to needs set")
	}
	r.bothWays(o, out)
	if o != nil {
		r.changesWithin(o.node, out)
	}
	return out
}

// set reads `set: path` with `to: value`, or `set: {path: value}`.
func (r *reader) set(o *object, n *yaml.Node) []Change {
	const nullHint = "use remove: to take an attribute away"
	if n.Kind != yaml.MappingNode {
		path := r.attributePath(n, "set")
		f, given := o.field("to")
		if !given {
			r.problem(n, "add to: the value", "set needs to")
			return nil
		}
		return []Change{{Op: "set", Path: path, Value: r.value(f.value, "to", nullHint)}}
	}
	var out []Change
	for _, f := range r.object(n, "set").fields {
		if path := r.attributePath(f.key, "set"); path != "" {
			out = append(out, Change{Op: "set", Path: path, Value: r.value(f.value, "set", nullHint)})
		}
	}
	o.exclude("a mapping below set", "the values are in the mapping", "to")
	return out
}

func (r *reader) replacements(n *yaml.Node) []Change {
	o := r.object(n, "replaceIdentity")
	if o == nil {
		return nil
	}
	var out []Change
	for _, f := range o.fields {
		if c, ok := r.replacement(f); ok {
			out = append(out, c)
		}
	}
	return out
}

// bothWays reports an audience that one update qualifies for and exits from:
// the order of the two would decide, and an update has no order.
func (r *reader) bothWays(o *object, changes []Change) {
	seen := map[string]string{}
	for _, c := range changes {
		if c.Audience == "" {
			continue
		}
		if op := seen[c.Audience]; op != "" && op != c.Op {
			r.problem(o.at("exit"), "make it two steps", "the step qualifies for %s and exits from it", c.Audience)
		}
		seen[c.Audience] = c.Op
	}
}

// changePlaces reports {n} in a change of a profile without a number. A single
// name has the number it has in its group.
func (r *reader) changePlaces(at *yaml.Node, names NameRange, c Change) {
	if names.Numbered || names.Len() == 0 {
		return
	}
	if g, _, ok := r.scenario.Group(names.At(0)); ok && g.Names.Numbered {
		return
	}
	for _, value := range []any{c.Value, c.Identity.ID, c.To} {
		r.numberPlaces(at, names, value)
	}
}
