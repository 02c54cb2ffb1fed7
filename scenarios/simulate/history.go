package simulate

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"

	"github.com/httpdest/httpdest/engine"
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
		return d.refresh(s.Targets)
	case "lookup":
		return d.lookup(s.Lookup)
	default:
		return d.action(s)
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

// decided is the decision about one profile of a chunk.
type decided struct {
	update profile.Update
	state  engine.State
	export *engine.Export
	err    error
}

// updates decides the update of every named profile, in parallel by shard, and
// takes up the decisions in the order of the names: the recording does not
// depend on the number of shards.
func (d *driver) updates(names []string, of func(name string) profile.Update) error {
	out := make([]decided, len(names))
	var wg sync.WaitGroup
	for shard := range d.shards {
		wg.Go(func() {
			for i, name := range names {
				if shardOf(name, d.shards) == shard {
					out[i] = d.decide(name, of(name))
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
		if o.export != nil {
			exports = append(exports, o.export)
			d.decided(o.export)
		}
	}
	return d.accept(states, exports)
}

func (d *driver) decide(name string, u profile.Update) decided {
	state, err := d.population.load(name)
	if err != nil {
		return decided{err: err}
	}
	for _, c := range u.Changes {
		switch c.Op {
		case profile.AddIdentity:
			d.population.know(name, c.Identity.Canonical())
		case profile.ReplaceIdentity:
			d.population.know(name, profile.Identity{Namespace: c.Identity.Namespace, ID: c.To}.Canonical())
		}
	}
	state, x := engine.Decide(d.now, state, u, d.flow)
	return decided{update: u, state: state, export: x}
}

// update translates a step into the engine's words for one profile.
func (d *driver) update(s *scenarios.Step, name string) profile.Update {
	u := profile.Update{Profile: profile.ID(name)}
	n := d.population.number(name)
	for _, c := range s.Changes {
		id, _ := scenarios.Expand(c.Identity.ID, n).(string)
		to, _ := scenarios.Expand(c.To, n).(string)
		u.Changes = append(u.Changes, profile.Change{
			Op:       profile.Op(c.Op),
			Audience: d.population.refs[c.Audience],
			Path:     profile.Path(c.Path),
			Value:    scenarios.Expand(c.Value, n),
			Identity: profile.Identity{Namespace: c.Identity.Namespace, ID: id},
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

// action plays a change of the dataflow, or what the token endpoint does by
// itself.
func (d *driver) action(s *scenarios.Step) error {
	now := d.now
	if s.Action == "totals" {
		d.recorder.totals(now, d.monitor.Totals(now))
		return nil
	}
	var refs []profile.AudienceRef
	for _, key := range s.Targets {
		refs = append(refs, d.population.refs[key])
	}
	if !d.allow(s, refs) {
		return nil
	}
	if s.Action == "label" {
		return nil // of the data, not of the dataflow: nothing but the next judgement depends on it
	}
	d.recorder.action(now, s, refs)
	var backfill []profile.AudienceRef
	switch s.Action {
	case "activate":
		d.flow, backfill = d.flow.Activate(now)
	case "map":
		d.flow, backfill = d.flow.Map(now, refs...)
	case "unmap":
		d.flow = d.flow.Unmap(refs...)
	case "triggers":
		d.triggers = d.triggers.With(s.Triggers)
		d.flow = d.flow.Suppress(suppressed(d.triggers))
	case "rename":
		for i, ref := range refs {
			d.flow = d.flow.Rename(now, ref, s.Names[i])
		}
	case "delete":
		d.flow = d.flow.Delete()
		d.monitor.Map(nil)
		return d.perform(d.dispatcher.Delete(now))
	case "revoke":
		d.tokens.Revoke()
	case "enable", "disable":
		d.flow = d.flow.SetEnabled(s.Action == "enable")
		return d.perform(d.dispatcher.SetEnabled(now, s.Action == "enable"))
	default:
		panic("simulate: unknown action " + s.Action)
	}
	d.monitor.Map(d.flow.MappedRefs())
	return d.startBackfill(backfill)
}

// recordedChanges are an update's changes as the recording tells them.
func recordedChanges(changes []profile.Change) []recording.Change {
	out := make([]recording.Change, len(changes))
	for i, c := range changes {
		out[i] = recording.Change{Op: string(c.Op), Audience: c.Audience.ID, Path: string(c.Path), To: c.To}
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
