package check

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// owner is a profile that has an identity from some time of the history on. When it
// no longer has it is not kept: exports that were decided before may still come (R142).
type owner struct {
	name   string
	from   time.Duration
	merged bool // by a merge alone
}

// owners are whose an identity is at one time or another, in the form of an export: those
// that start with it, those that the history gives it, and those that another profile
// became part of. The earliest comes first.
type owners map[string][]owner

// knownIdentities are the owners of all identities of a history.
func knownIdentities(sc *scenarios.Scenario) owners {
	known := owners{}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			start, _ := sc.Initial(name)
			for _, id := range start.Identities {
				known.give(id.Namespace+":"+id.ID, owner{name: name})
			}
		}
	}
	for i := range sc.History {
		for name := range sc.History[i].Profiles.All() {
			_, n, _ := sc.Group(name)
			for _, c := range sc.History[i].Changes {
				id := map[string]any{"add-identity": c.Identity.ID, "replace-identity": c.To}[c.Op]
				if text, ok := scenarios.Expand(id, n).(string); ok && text != "" {
					known.give(c.Identity.Namespace+":"+text, owner{name: name, from: sc.History[i].At})
				}
			}
		}
	}
	for i := range sc.Audiences {
		known.upload(sc, sc.Audiences[i].Upload)
	}
	for i := range sc.History {
		known.merge(&sc.History[i])
	}
	return known
}

// give adds an owner, the earliest time of each.
func (o owners) give(identity string, to owner) {
	form := exportForm(identity)
	if !slices.ContainsFunc(o[form], func(has owner) bool { return has.name == to.name && has.from <= to.from }) {
		o[form] = append(o[form], to)
	}
}

// upload adds the profiles that rows make whose identity nobody has, or one who was
// forgotten before.
func (o owners) upload(sc *scenarios.Scenario, u *scenarios.Upload) {
	if u == nil {
		return
	}
	at := u.At + u.Delay
	forgotten := func(has owner) bool {
		return slices.ContainsFunc(sc.History, func(s scenarios.Step) bool {
			return s.Does("forget") && s.At <= at && s.Profiles.Contains(has.name)
		})
	}
	rows, err := u.Members()
	if err != nil {
		return // the sender refuses it as well
	}
	for n, row := range rows {
		identity := row.Namespace + ":" + row.ID
		if !slices.ContainsFunc(o[exportForm(identity)], func(has owner) bool { return !forgotten(has) }) {
			o.give(identity, owner{name: u.Created.At(int64(n)), from: at})
		}
	}
}

// merge has the profiles that stay own what the others own by then.
func (o owners) merge(s *scenarios.Step) {
	if !s.Does("merge") {
		return
	}
	for identity, all := range o {
		for _, has := range all {
			if has.from > s.At || !s.From.Contains(has.name) {
				continue
			}
			if into := s.Into(has.name); into != "" {
				o.give(identity, owner{into, s.At, true})
			}
		}
	}
}

// of are the owners of an identity up to some time, whatever its spelling.
func (o owners) of(identity string, until time.Duration) (all []owner) {
	for _, form := range []string{identity, strings.ToLower(identity)} {
		for _, has := range o[exportForm(form)] {
			if has.from <= until {
				all = append(all, has)
			}
		}
		if len(all) > 0 {
			break
		}
	}
	return all
}

// among are the profiles that a body may be of by its identities, at a time of the
// history; those that had one of them first come first.
func (s *Sender) among(b *body, until time.Duration) (names []string) {
	var all []owner
	for _, identity := range b.identities() {
		all = append(all, s.profiles.of(identity, until)...)
	}
	slices.SortStableFunc(all, func(a, b owner) int { return cmp.Compare(a.from, b.from) })
	for _, has := range all {
		if !slices.Contains(names, has.name) {
			names = append(names, has.name)
		}
	}
	return names
}
