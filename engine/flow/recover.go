package flow

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
)

// ErrForeign is the error of a store that holds exports of a dataflow that the
// runtime does not have.
var ErrForeign = errors.New("exports of a dataflow that is not configured")

// Restore takes up the notes of a store, before anything else comes in.
// Audiences that the configuration maps, and did not map at the last start, are
// mapped by Recover, as by a person.
func (r *Runtime) Restore(now time.Time, notes []engine.Note) error {
	if err := r.restoreUploads(notes); err != nil {
		return err
	}
	for _, f := range r.dataflows {
		kept, err := readKept(f, notes)
		if err != nil {
			return err
		}
		f.keeping.changed = kept.dataflow == nil || !slices.Equal(kept.dataflow.Configured, f.configuredRefs)
		if kept.dataflow != nil {
			f.restore(now, kept)
		}
		f.monitor.Restore(kept.hours, f.keeping.firing)
	}
	return nil
}

// Recover begins with what was restored and recalled (see
// engine.Dispatcher.Recover). The effects are one for each dataflow, and one for
// uploads.
func (r *Runtime) Recover(now time.Time) []Effects {
	all := make([]Effects, 0, len(r.dataflows))
	for _, f := range r.dataflows {
		var e Effects
		for _, end := range f.monitor.Ends() {
			r.set(Hour, end, ringing{dataflow: f}, &e)
		}
		e = r.take(now, f, f.dispatcher.Recover(now), e)
		for _, l := range f.listings {
			e.Backfill = append(e.Backfill, l.audiences)
		}
		if len(f.added) > 0 {
			e.Backfill = append(e.Backfill, r.apply(now, f, Action{Kind: Map, Audiences: f.added}).Backfill...)
			f.added = nil
		}
		all = append(all, e)
	}
	var e Effects
	for _, u := range r.inOrder() {
		r.await(u, &e)
	}
	return append(all, e)
}

// keptAll is everything that notes say about one dataflow.
type keptAll struct {
	dataflow *keptDataflow // nil: nothing was kept
	hours    []monitor.Hour
	members  map[uint64]map[int][]profile.ID // by backfill and chunk
	over     map[uint64]map[profile.ID]bool
}

// readKept finds the notes of a dataflow.
func readKept(f *running, notes []engine.Note) (keptAll, error) {
	k := keptAll{members: map[uint64]map[int][]profile.ID{}, over: map[uint64]map[profile.ID]bool{}}
	for _, n := range notes {
		h, hour, err := HourOf(n, f.id)
		switch {
		case hour:
			k.hours = append(k.hours, h)
		case n.Key == dataflowNote+f.id:
			k.dataflow = &keptDataflow{}
			err = json.Unmarshal(n.Value, k.dataflow)
		case strings.HasPrefix(n.Key, backfillNote+f.id+"/"):
			err = k.member(strings.TrimPrefix(n.Key, backfillNote+f.id+"/"), n.Value)
		}
		if err != nil {
			return k, fmt.Errorf("the note %s cannot be read: %w", n.Key, err)
		}
	}
	return k, nil
}

// member takes a note of a backfill: NUMBER/members/CHUNK or
// NUMBER/over/PROFILE.
func (k *keptAll) member(key string, value []byte) error {
	text, rest, _ := strings.Cut(key, "/")
	number, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return err
	}
	if id, over := strings.CutPrefix(rest, "over/"); over {
		if k.over[number] == nil {
			k.over[number] = map[profile.ID]bool{}
		}
		k.over[number][profile.ID(id)] = true
		return nil
	}
	n, err := strconv.Atoi(strings.TrimPrefix(rest, "members/"))
	if err != nil {
		return err
	}
	var members []profile.ID
	if err := json.Unmarshal(value, &members); err != nil {
		return err
	}
	if k.members[number] == nil {
		k.members[number] = map[int][]profile.ID{}
	}
	k.members[number][n] = members
	return nil
}

// restore makes the dataflow what it was, and finds the audiences that the
// configuration maps in addition.
func (f *running) restore(now time.Time, kept keptAll) {
	k, configured := kept.dataflow, f.snapshot
	s := dataflow.NewSnapshot(configured.Flow, maps.Clone(configured.Directory))
	s.Active, s.Enabled = k.Active, !k.Disabled
	if k.Suppressed != nil {
		s.Flow.Suppressed, f.switched = *k.Suppressed, true
	}
	if !k.Active {
		s.Flow.Audiences = k.Chosen
	}
	for _, m := range k.Mapped {
		s.Mapped[m.Audience] = dataflow.Mapping{Name: m.Name, CreatedAt: m.CreatedAt, UpdatedAt: m.UpdatedAt}
	}
	for _, name := range k.Ever {
		s.Ever[name.Audience], s.Names[name.Audience] = true, name.Name
	}
	for _, name := range k.Renamed {
		a := s.Directory[name.Audience]
		a.Ref, a.Name, a.UpdatedAt = name.Audience, name.Name, name.UpdatedAt
		s.Directory[name.Audience], f.renamed[name.Audience] = a, true
	}
	if k.Labels != nil {
		f.configured.Organisation.Labels, f.labelled = k.Labels, true
	}
	f.snapshot, f.keeping.firing, f.pausedAt = s, k.Firing, k.PausedAt
	f.monitor.Map(s.MappedRefs())
	if k.Disabled {
		f.dispatcher.SetEnabled(orElse(k.PausedAt, now), false)
	}
	f.resume(kept)
	for _, l := range k.Listings {
		f.list(l)
	}
	if k.Active {
		for _, ref := range f.configuredRefs {
			if !slices.Contains(k.Configured, ref) {
				f.added = append(f.added, ref)
			}
		}
	}
}

// orElse is the first time that is not zero.
func orElse(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// resume goes on with the backfills that were under way.
func (f *running) resume(kept keptAll) {
	for _, b := range kept.dataflow.Backfills {
		k := &keptMembers{over: kept.over[b.Number]}
		if k.over == nil {
			k.over = map[profile.ID]bool{}
		}
		members := make([]profile.ID, 0, b.Members)
		for ; len(kept.members[b.Number][k.chunks]) > 0; k.chunks++ {
			members = append(members, kept.members[b.Number][k.chunks]...)
		}
		f.keeping.backfills[b.Number] = k
		f.dispatcher.Continue(engine.Backfill{Number: b.Number, Audiences: b.Audiences,
			MergePolicy: f.snapshot.PolicyOf(b.Audiences), Members: members, Start: b.Start}, func(id profile.ID) bool { return !k.over[id] })
	}
}
