package simulate

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// chunk is how many profiles of one step are decided together.
const chunk = 1024

// step plays one entry of the history.
func (d *driver) step(s *scenarios.Step) error {
	switch s.Action {
	case "":
	case "refresh":
		return d.refresh(s)
	case "lookup":
		return d.lookup(s.Lookup)
	default:
		return d.action(s)
	}
	if ofWhole(s) == profile.Merge {
		return d.merge(s)
	}
	for first := int64(0); first < s.Profiles.Len(); first += chunk {
		names := make([]string, min(chunk, s.Profiles.Len()-first))
		for i := range names {
			names[i] = s.Profiles.At(first + int64(i))
		}
		if err := d.updates(names, func(name string) profile.Update { return d.update(s, name) }); err != nil {
			return err
		}
	}
	return nil
}

// decidedUpdate is the decision about one profile of a chunk.
type decidedUpdate struct {
	update  profile.Update
	state   engine.State
	exports []*engine.Export
	err     error
}

// updates decides the update of every named profile, in parallel by shard, and
// takes up the decisions in the order of the names: the recording does not
// depend on the number of shards.
func (d *driver) updates(names []string, of func(name string) profile.Update) error {
	out := make([]decidedUpdate, len(names))
	view := d.runtime.View()
	var wg sync.WaitGroup
	for shard := range d.shards {
		wg.Go(func() {
			for i, name := range names {
				if shardOf(name, d.shards) == shard {
					out[i] = d.decide(view, name, of(name))
				}
			}
		})
	}
	wg.Wait()
	states := make([]engine.State, len(out))
	var exports []*engine.Export
	for i, o := range out {
		if o.err != nil {
			return fmt.Errorf("store: %w", o.err)
		}
		states[i] = o.state
		d.recorder.update(d.now, o.update)
		for _, x := range o.exports {
			exports = append(exports, x)
			d.recorder.of(x.Dataflow).export(x)
		}
	}
	return d.accept(states, exports)
}

func (d *driver) decide(view flow.View, name string, u profile.Update) decidedUpdate {
	state, err := d.population.load(name)
	if err != nil {
		return decidedUpdate{err: err}
	}
	if state.MergedInto != "" { // of a history that was too long to lint
		return decidedUpdate{err: fmt.Errorf("profile %s was merged into %s", name, state.MergedInto)}
	}
	for _, c := range u.Changes {
		switch c.Op {
		case profile.AddIdentity:
			d.population.know(name, c.Identity.Canonical())
		case profile.ReplaceIdentity:
			d.population.know(name, profile.Identity{Namespace: c.Identity.Namespace, ID: c.To}.Canonical())
		}
	}
	state, exports := view.Decide(nil, d.now, state, u)
	return decidedUpdate{update: u, state: state, exports: exports}
}

// update translates a step into the engine's words for one profile.
func (d *driver) update(s *scenarios.Step, name string) profile.Update {
	u := profile.Update{Profile: profile.ID(name)}
	n := d.population.number(name)
	for _, c := range s.Changes {
		to, _ := scenarios.Expand(c.To, n).(string)
		if c.Op == "replace-identity" {
			to = d.population.scenario.IdentityOf(c.Identity.Namespace, c.To, n)
		}
		u.Changes = append(u.Changes, profile.Change{
			Op:       profile.Op(c.Op),
			Audience: d.population.refs[c.Audience],
			Path:     profile.Path(c.Path),
			Value:    scenarios.Expand(c.Value, n),
			Identity: profile.Identity{Namespace: c.Identity.Namespace, ID: d.population.scenario.IdentityOf(c.Identity.Namespace, c.Identity.ID, n)},
			To:       to,
		})
	}
	return u
}

func shardOf(name string, shards int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return int(h.Sum32() % uint32(shards))
}

// action plays an action of a person, or what the token endpoint does by
// itself.
func (d *driver) action(s *scenarios.Step) error {
	var refs []profile.AudienceRef
	for _, key := range s.Targets {
		refs = append(refs, d.population.refs[key])
	}
	switch s.Action {
	case "revoke":
		d.revoke(s)
		return nil
	case "totals":
		for _, id := range d.runtime.Dataflows() {
			d.recorder.of(id).totals(d.now, d.runtime.Totals(d.now, id))
		}
		return nil
	}
	for _, a := range d.actions(s, refs) {
		e := d.runtime.Act(d.now, a)
		d.recorder.judged(d.now, s, a, e)
		if err := d.perform(e); err != nil {
			return err
		}
	}
	return nil
}

// actions are those of a step: one for each dataflow that it names, one that is of all of
// them, or one for each upload.
func (d *driver) actions(s *scenarios.Step, refs []profile.AudienceRef) (out []flow.Action) {
	kind, known := actionKinds[s.Action]
	if !known {
		panic("simulate: unknown action " + s.Action)
	}
	a := flow.Action{Kind: kind, Audiences: refs, Names: s.Names, Labels: labels(s.Labels)}
	if kind == flow.Rename || kind == flow.Relabel {
		return []flow.Action{a}
	}
	if kind == flow.Refresh {
		for _, ref := range refs {
			a.Audiences = []profile.AudienceRef{ref}
			out = append(out, a)
		}
		return out
	}
	for _, o := range d.outlets {
		if len(s.Dataflows) > 0 && !slices.Contains(s.Dataflows, o.key) {
			continue
		}
		if kind == flow.Switch {
			o.triggers = o.triggers.With(s.Triggers)
		}
		a.Dataflow, a.Suppressed = o.id, suppressed(o.triggers)
		out = append(out, a)
	}
	return out
}

// revoke has the token endpoint of a destination end the tokens it issued.
func (d *driver) revoke(s *scenarios.Step) {
	at := d.revoking(s)
	line := actionLine(d.now, s, nil)
	line.Destination = at.key
	d.recorder.add(line)
	at.tokens.Revoke()
}

// revoking is the site whose tokens a step revokes.
func (d *driver) revoking(s *scenarios.Step) *site {
	for _, o := range d.outlets {
		if o.site.key == s.Destination {
			return o.site
		}
	}
	panic("simulate: no destination " + s.Destination + "; the loader refuses that")
}

// actionKinds are the actions of a history in the engine's words.
var actionKinds = map[string]flow.ActionKind{
	"activate": flow.Activate, "map": flow.Map, "unmap": flow.Unmap, "rename": flow.Rename, "triggers": flow.Switch,
	"label": flow.Relabel, "enable": flow.Enable, "disable": flow.Disable, "delete": flow.Delete,
	"refresh": flow.Refresh, // of one audience at a time
}

// recordedChanges are an update's changes in the form of a recording.
func recordedChanges(changes []profile.Change) []recording.Change {
	out := make([]recording.Change, len(changes))
	for i, c := range changes {
		out[i] = recording.Change{Op: string(c.Op), Audience: c.Audience.ID, Path: string(c.Path), To: c.To}
		switch c.Op {
		case profile.Merge:
			out[i].From = string(c.Other.ID)
		case profile.Merged:
			out[i].To = string(c.Other.ID)
		}
		if c.Identity.Namespace != "" {
			out[i].Identity = c.Identity.Namespace + ":" + c.Identity.ID
		}
		if c.Value != nil {
			value, err := json.Marshal(c.Value)
			if err != nil {
				panic("simulate: a value of the scenario is not JSON: " + err.Error())
			}
			out[i].Value = value
		}
	}
	return out
}
