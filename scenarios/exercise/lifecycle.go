package exercise

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// backfillTime is how long a backfill may take (R114).
const backfillTime = time.Hour

// action replays a change of the dataflow and notes what it was about.
func (o *Observer) action(a *recording.Action) {
	w := o.world
	what := strings.TrimSpace(a.Action + " " + strings.Join(o.keys(a.Audiences), ", "))
	switch a.Action {
	case "activate":
		o.activated(a.At, what)
	case "map":
		o.mapped(a, what)
	case "unmap":
		o.unmapped(a, what)
	case "rename":
		for _, id := range a.Audiences {
			w.renamed[id] = w.renamed[id] || w.mapped[id]
		}
	case "disable":
		w.disabled = true
		o.dueAnyway("due-while-disabled", a.At, what)
	case "enable":
		w.disabled = false
	case "triggers":
		w.triggers = w.triggers.With(a.Triggers)
	case "delete":
		o.dueAnyway("due-after-deletion", a.At, what)
		w.gone, w.active, w.disabled = true, false, false
		w.mapping, w.ever, w.renamed, w.members = nil, map[string]bool{}, map[string]bool{}, -1
		w.backfills = time.Time{}
	case "upload":
		o.note("upload-imported", a.At, what)
	case "expire":
		o.note("upload-expired", a.At, what)
	}
}

// keys are audiences as scenarios call them.
func (o *Observer) keys(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		if out[i] = o.world.audiences[id].Key; out[i] == "" {
			out[i] = id
		}
	}
	return out
}

func (o *Observer) activated(at time.Time, what string) {
	w := o.world
	if w.active {
		return
	}
	w.mapped, w.fresh, w.searched = map[string]bool{}, map[string]bool{}, false
	w.activate()
	for _, id := range w.mapping {
		w.fresh[id] = true
	}
	if w.anyMember(w.fresh, nil) {
		o.note("members-activated", at, what)
		o.backfill(at, what)
	}
}

// mapped: before its activation a dataflow is only configured.
func (o *Observer) mapped(a *recording.Action, what string) {
	w := o.world
	if !w.active {
		w.mapping = append(w.mapping, a.Audiences...)
		return
	}
	again := map[string]bool{}
	w.fresh, w.searched = map[string]bool{}, false
	for _, id := range a.Audiences {
		if w.ever[id] {
			again[id] = true
		} else {
			w.fresh[id] = true
		}
	}
	w.mapMore(a.Audiences)
	if o.wants("members-remapped") && w.anyMember(again, nil) {
		o.note("members-remapped", a.At, what)
	}
	if w.anyMember(w.fresh, nil) {
		o.note("members-mapped", a.At, what)
		o.backfill(a.At, what)
	}
}

func (o *Observer) backfill(at time.Time, what string) {
	o.note("backfill-due", at, what)
	o.world.backfills = at.Add(backfillTime)
}

func (o *Observer) unmapped(a *recording.Action, what string) {
	w := o.world
	gone := map[string]bool{}
	for _, id := range a.Audiences {
		gone[id] = w.mapped[id]
	}
	if w.active && o.wants("members-unmapped") && w.anyMember(gone, nil) {
		o.note("members-unmapped", a.At, what)
	}
	for _, id := range a.Audiences {
		delete(w.mapped, id)
	}
	w.mapping = slices.DeleteFunc(w.mapping, func(id string) bool { return slices.Contains(a.Audiences, id) })
	w.members = -1
}

// dueAnyway notes that a retry or a backfill was still to come.
func (o *Observer) dueAnyway(word string, at time.Time, what string) {
	if len(o.waiting) > 0 || o.pending > 0 || at.Before(o.world.backfills) {
		o.note(word, at, what)
	}
}
