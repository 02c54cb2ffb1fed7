package flow

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// ActionKind is what a person does.
type ActionKind string

// The actions. Rename, Relabel and Refresh change audiences and data, and so hold for every
// dataflow; all others change one.
const (
	Activate ActionKind = "activate" // finish the activation: export from now on, and backfill
	Map      ActionKind = "map"      // map further audiences
	Unmap    ActionKind = "unmap"    // remove mappings
	Rename   ActionKind = "rename"   // give audiences other names
	Switch   ActionKind = "switch"   // switch kinds of changes on and off
	Relabel  ActionKind = "label"    // give attributes other data usage labels
	Enable   ActionKind = "enable"   // resume the dataflow
	Disable  ActionKind = "disable"  // pause it
	Delete   ActionKind = "delete"   // delete it; what is mapped from then on is another
	Refresh  ActionKind = "refresh"  // extend the term of an upload
)

// Action is one thing that a person does.
type Action struct {
	Kind       ActionKind
	Dataflow   string                    // that the action changes; "" for all
	Audiences  []profile.AudienceRef     // Map, Unmap, Rename; the one of Refresh
	Names      []string                  // Rename: one for each audience
	Suppressed dataflow.Suppressed       // Switch
	Labels     map[profile.Path][]string // Relabel: those that change
}

// Act takes an action of a person. Where the configuration after it has errors
// that the one before had not, the action is refused and nothing changes.
func (r *Runtime) Act(now time.Time, a Action) Effects {
	switch a.Kind {
	case Refresh:
		return r.refresh(now, a.Audiences[0])
	case Rename, Relabel:
		return r.actOnAll(now, a)
	}
	f := r.of(a.Dataflow)
	verdict := f.judge(a)
	if verdict.refused {
		return Effects{Dataflow: f.id, Refused: true, Problems: verdict.problems}
	}
	f.keeping.changed = true
	e := r.apply(now, f, a)
	e.Dataflow, e.Problems = f.id, verdict.problems
	return e
}

// actOnAll takes an action that changes every dataflow. Where one of them refuses it,
// nothing changes, and the effects have the problems of that dataflow.
func (r *Runtime) actOnAll(now time.Time, a Action) (e Effects) {
	verdicts := make([]verdict, len(r.dataflows))
	for i, f := range r.dataflows {
		verdicts[i] = f.judge(a)
		if verdicts[i].refused {
			return Effects{Dataflow: f.id, Refused: true, Problems: verdicts[i].problems}
		}
	}
	for i, f := range r.dataflows {
		f.keeping.changed = true
		if len(e.Problems) == 0 && len(verdicts[i].problems) > 0 {
			e.Dataflow, e.Problems = f.id, verdicts[i].problems // warnings
		}
		if a.Kind == Relabel {
			f.configured.Organisation, f.labelled = verdicts[i].organisation, true
			continue // labels are of the data: only the next judgement depends on them
		}
		r.apply(now, f, a)
	}
	return e
}

// apply does an action that is allowed.
func (r *Runtime) apply(now time.Time, f *running, a Action) Effects {
	var backfill []profile.AudienceRef
	switch a.Kind {
	case Activate:
		f.snapshot, backfill = f.snapshot.Activate(now)
	case Map:
		f.snapshot, backfill = f.snapshot.Map(now, a.Audiences...)
	case Unmap:
		f.snapshot = f.snapshot.Unmap(a.Audiences...)
	case Switch:
		f.snapshot, f.switched = f.snapshot.Suppress(a.Suppressed), true
	case Rename:
		for i, ref := range a.Audiences {
			f.snapshot = f.snapshot.Rename(now, ref, a.Names[i])
			f.renamed[ref] = true
		}
	case Delete:
		f.snapshot, f.listings, f.pausedAt = f.snapshot.Delete(), nil, time.Time{}
		f.monitor.Map(nil)
		return r.take(now, f, f.dispatcher.Delete(now), Effects{})
	case Enable, Disable:
		f.pause(now, a.Kind == Disable)
		f.snapshot = f.snapshot.SetEnabled(a.Kind == Enable)
		return r.take(now, f, f.dispatcher.SetEnabled(now, a.Kind == Enable), Effects{})
	default:
		panic(fmt.Sprintf("flow: unknown action %q", a.Kind))
	}
	f.monitor.Map(f.snapshot.MappedRefs())
	if len(backfill) == 0 {
		return Effects{}
	}
	all := f.snapshot.PerPolicy(backfill)
	for _, audiences := range all {
		f.list(audiences)
	}
	return Effects{Backfill: all}
}

// list begins a backfill whose members a driver lists.
func (f *running) list(audiences []profile.AudienceRef) {
	f.listings = append(f.listings, &listing{audiences, f.snapshot.PolicyOf(audiences), map[profile.ID]bool{}})
}

// pause remembers since when the dataflow is disabled.
func (f *running) pause(now time.Time, disabled bool) {
	switch {
	case !disabled:
		f.pausedAt = time.Time{}
	case f.snapshot.Enabled:
		f.pausedAt = now
	}
}

// verdict is what a dataflow says about an action.
type verdict struct {
	refused      bool
	problems     []dataflow.Problem    // after the action that were not before
	organisation dataflow.Organisation // after it
}

// judge says what is wrong after an action and was not before.
func (f *running) judge(a Action) verdict {
	before, after, judged := f.changed(a)
	if !judged {
		return verdict{organisation: before.Organisation}
	}
	known := before.Problems()
	problems := slices.DeleteFunc(after.Problems(), func(p dataflow.Problem) bool {
		return slices.ContainsFunc(known, func(k dataflow.Problem) bool { return k.Message == p.Message })
	})
	if a.Kind == Map {
		problems = append(problems, before.MapProblems(after)...)
	}
	return verdict{len(dataflow.Errors(problems)) > 0, problems, after.Organisation}
}

// changed is the configuration before and after an action that can have
// problems, and whether the action is of this kind. The dataflow before it is
// the present one.
func (f *running) changed(a Action) (before, after dataflow.Configuration, judged bool) {
	before = f.configured
	before.Activated = f.snapshot.Active
	before.Flow.Audiences = f.snapshot.Flow.Audiences
	if f.snapshot.Active {
		before.Flow.Audiences = f.snapshot.MappedRefs()
	}
	after = before
	switch a.Kind {
	case Activate:
		after.Activated = true
	case Map:
		after.Flow.Audiences = slices.Clone(before.Flow.Audiences)
		for _, ref := range a.Audiences {
			if !slices.Contains(after.Flow.Audiences, ref) {
				after.Flow.Audiences = append(after.Flow.Audiences, ref)
			}
		}
	case Relabel:
		labels := map[profile.Path][]string{}
		maps.Copy(labels, before.Organisation.Labels)
		maps.Copy(labels, a.Labels)
		after.Organisation.Labels = labels
	default:
		return before, after, false
	}
	return before, after, true
}
