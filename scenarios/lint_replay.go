package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// replayLimit bounds the steps times the profiles that a replay looks at. A
// larger history is not replayed: its author made it by a program.
const replayLimit = 2_000_000

// replay plays the history of a scenario over the plain state of some profiles,
// to find changes that change nothing and changes that cannot be meant. It
// decides nothing about exports. It checks the first and the last profile of
// every range of names. Profiles of a range that differ are in a step or a
// group of their own, whose first and last are checked too.
type replay struct {
	s        *Scenario
	profiles map[string]*replayed
	names    []string // of profiles, sorted
	owners   *owners
	flow     *flowReplay
	changes  map[changePlace]*changeResult
	order    []changePlace
	errors   Problems // what makes the result wrong
	warnings Problems
}

// replayed is the state of one profile.
type replayed struct {
	group       *ProfileGroup
	attributes  map[string]any
	had         map[string]bool     // attributes that were removed
	identities  map[Identity]bool   // false: it has lost it
	memberships map[string]bool     // by audience; false: it has left
	crossed     map[string]crossing // by audience: the last change of its membership
	gone        string              // what became of it: "was merged into doc at 2h"; "" stands by itself
}

type crossing struct {
	op string
	at time.Duration
}

// changePlace is one change of the file, which `every` may repeat.
type changePlace struct {
	at    Position
	index int
}

// changeResult reports whether a change ever did something, and why it did not.
type changeResult struct {
	effective     bool
	message, hint string
}

// replayHistory replays the history of a scenario, unless it is too large.
func replayHistory(s *Scenario) *replay {
	r := &replay{s: s, profiles: map[string]*replayed{}, changes: map[changePlace]*changeResult{}, owners: newOwners(s), flow: newFlowReplay(s)}
	r.choose()
	if len(r.profiles)*len(s.History) > replayLimit {
		return r
	}
	for i := range s.History {
		step := &s.History[i]
		if step.Action != "" {
			r.warnings = append(r.warnings, r.flow.act(step)...)
			continue
		}
		r.shared(step)
		for _, name := range r.touched(step) {
			r.apply(step, name)
		}
	}
	for _, place := range r.order {
		if c := r.changes[place]; !c.effective && c.message != "" {
			r.warnings = append(r.warnings, Problem{place.at, c.message, c.hint})
		}
	}
	return r
}

// choose takes the first and the last name of every group and step.
func (r *replay) choose() {
	take := func(names NameRange) {
		if names.Len() == 0 {
			return
		}
		for _, name := range []string{names.At(0), names.At(names.Len() - 1)} {
			if r.profiles[name] != nil {
				continue
			}
			group, _, ok := r.s.Group(name)
			if !ok {
				continue
			}
			r.profiles[name] = newReplayed(r.s, group, name)
			r.names = append(r.names, name)
		}
	}
	for i := range r.s.Profiles {
		take(r.s.Profiles[i].Names)
	}
	for i := range r.s.History {
		take(r.s.History[i].Profiles)
		take(r.s.History[i].From)
	}
	slices.Sort(r.names)
}

func newReplayed(s *Scenario, group *ProfileGroup, name string) *replayed {
	start, _ := s.Initial(name)
	p := &replayed{group: group, attributes: start.Attributes, had: map[string]bool{}, identities: map[Identity]bool{}, memberships: map[string]bool{}, crossed: map[string]crossing{}}
	for _, i := range start.Identities {
		p.identities[i] = true
	}
	for _, m := range start.Memberships {
		p.memberships[m.Audience] = !m.Exited
	}
	return p
}

// touched are the chosen profiles that a step changes.
func (r *replay) touched(step *Step) []string {
	if step.Profiles.Len() == 1 {
		return []string{step.Profiles.At(0)}
	}
	var out []string
	for _, name := range r.names {
		if step.Profiles.Contains(name) {
			out = append(out, name)
		}
	}
	return out
}

// shared reports an identity that a step gives to several profiles at once.
func (r *replay) shared(step *Step) {
	if step.Profiles.Len() < 2 {
		return
	}
	for _, c := range step.Changes {
		given := c.Identity.ID
		if c.Op == "replace-identity" {
			given = c.To
		}
		if (c.Op == "add-identity" || c.Op == "replace-identity") && !strings.Contains(given, numberPlace) {
			r.wrong(step.Pos, "write {n} where the number goes: user-{n}@example.com", "all %d profiles of %s get the same identity, %s %s",
				step.Profiles.Len(), step.Profiles, c.Identity.Namespace, short(given))
		}
	}
}

// apply plays the changes of a step on one profile.
func (r *replay) apply(step *Step, name string) {
	p := r.profiles[name]
	if p == nil {
		return
	}
	if p.gone != "" {
		r.wrong(step.Pos, "name the profile that it became part of", "%s %s", name, p.gone)
		return
	}
	_, number, _ := r.s.Group(name)
	for i, c := range step.Changes {
		place := changePlace{step.Pos, i}
		result := r.changes[place]
		if result == nil {
			result = &changeResult{}
			r.changes[place] = result
			r.order = append(r.order, place)
		}
		message, hint := r.change(step, p, name, expandChange(c, number))
		if message == "" || p.group.UploadOf != "" { // whose rows made the profile is not looked at
			result.effective = true
		} else if result.message == "" {
			result.message, result.hint = message, hint
		}
	}
}

// change plays one change; the message is why it changes nothing.
func (r *replay) change(step *Step, p *replayed, name string, c Change) (message, hint string) {
	switch c.Op {
	case "qualify", "exit":
		return r.membership(step, p, name, c)
	case "set":
		if !r.through(step, p, name, c) {
			p.attributes = written(p.attributes, c.Path, c.Value)
		}
	case "remove":
		if r.through(step, p, name, c) {
			return "", ""
		}
		if _, there := valueAt(p.attributes, c.Path); !there {
			if p.had[c.Path] {
				return "", "" // removed once more: an author who repeats a change means it
			}
			return fmt.Sprintf("remove: %s never has %s before %s", name, c.Path, plainDuration(step.At)), "correct the path, or leave it out"
		}
		p.had[c.Path] = true
		p.attributes = withoutValue(p.attributes, c.Path)
	case "add-identity":
		r.takes(step, name, c.Identity)
		p.identities[c.Identity] = true
	case "remove-identity", "replace-identity":
		return r.dropIdentity(step, p, name, c)
	case "merge":
		return r.merge(step, p, name)
	case "forget":
		return r.forget(step, p, name)
	}
	return "", ""
}

// dropIdentity removes or replaces an identity.
func (r *replay) dropIdentity(step *Step, p *replayed, name string, c Change) (message, hint string) {
	_, had := p.identities[c.Identity]
	p.identities[c.Identity] = false
	r.owners.leave(c.Identity)
	if c.Op == "replace-identity" {
		to := Identity{c.Identity.Namespace, c.To}
		r.takes(step, name, to)
		p.identities[to] = true
	}
	if had {
		return "", ""
	}
	key := map[string]string{"remove-identity": "removeIdentity", "replace-identity": "replaceIdentity"}[c.Op]
	return fmt.Sprintf("%s: %s never has the identity %s %s before %s", key, name, c.Identity.Namespace, short(c.Identity.ID), plainDuration(step.At)),
		"name an identity that the profile has"
}

// membership plays a qualification or an exit.
func (r *replay) membership(step *Step, p *replayed, name string, c Change) (message, hint string) {
	member, had := p.memberships[c.Audience]
	last, crossed := p.crossed[c.Audience]
	if crossed && last.at == step.At && last.op != c.Op {
		r.warn(step.Pos, "give the two different times", "%s qualifies for %s and exits from it at the same time, %s", name, c.Audience, plainDuration(step.At))
	}
	p.crossed[c.Audience] = crossing{c.Op, step.At}
	p.memberships[c.Audience] = c.Op == "qualify"
	drawn := func(a AudienceShare) bool { return a.Audience == c.Audience }
	if p.group.Generate != nil && slices.ContainsFunc(p.group.Generate.Audiences, drawn) {
		return "", "" // by chance: others of the range may be in it
	}
	switch {
	case c.Op == "exit" && !had:
		return fmt.Sprintf("exit: %s is never in %s before %s", name, c.Audience, plainDuration(step.At)), "let it qualify before, or make it a member with audiences: [" + c.Audience + "]"
	case c.Op == "qualify" && member && !slices.Contains(r.s.Rules, "no-requalify"):
		return fmt.Sprintf("qualify: %s is in %s at %s already", name, c.Audience, plainDuration(step.At)), "let it exit before, or cite no-requalify if that is the case's point"
	}
	return "", ""
}

// through reports a change of an attribute below something that is not an
// object, and reports whether that is a list.
func (r *replay) through(step *Step, p *replayed, name string, c Change) (list bool) {
	at, value := blocking(p.attributes, c.Path)
	switch value.(type) {
	case nil:
	case []any:
		r.wrong(step.Pos, "set the whole list: set: "+at, "%s: %s of %s is a list, and a path cannot go into a list", c.Op, at, name)
		return true
	default:
		if c.Op == "set" {
			r.warn(step.Pos, "correct the path", "set: %s of %s is the value %v, which an object replaces", at, name, value)
		}
	}
	return false
}

// takes reports an identity that another profile has.
func (r *replay) takes(step *Step, name string, i Identity) {
	owner := r.owners.of(i)
	if owner != name && step.Profiles.Len() > 1 && step.Profiles.Contains(owner) {
		return // shared has said so
	}
	if owner != "" && owner != name {
		r.wrong(step.Pos, "give each profile its own, or let the other one lose it before", "%s gets the identity %s %s, which %s has",
			name, i.Namespace, short(i.ID), owner)
		return
	}
	r.owners.give(i, name)
}

func (r *replay) wrong(at Position, hint, format string, args ...any) {
	r.errors = append(r.errors, Problem{at, fmt.Sprintf(format, args...), hint})
}

func (r *replay) warn(at Position, hint, format string, args ...any) {
	r.warnings = append(r.warnings, Problem{at, fmt.Sprintf(format, args...), hint})
}

// expandChange puts the number of a profile where {n} stands.
func expandChange(c Change, n int64) Change {
	c.Value = Expand(c.Value, n)
	c.Identity.ID, _ = Expand(c.Identity.ID, n).(string)
	c.To, _ = Expand(c.To, n).(string)
	return c
}

// valueAt is the value at a dotted path.
func valueAt(attributes map[string]any, path string) (any, bool) {
	head, rest, nested := strings.Cut(path, ".")
	value, there := attributes[head]
	if !there || !nested {
		return value, there
	}
	child, _ := value.(map[string]any)
	return valueAt(child, rest)
}

// blocking is the first value on the way to a path that is not an object, and
// its place; nil where nothing is in the way.
func blocking(attributes map[string]any, path string) (at string, value any) {
	parts := strings.Split(path, ".")
	for i := 1; i < len(parts); i++ {
		at = strings.Join(parts[:i], ".")
		value, there := valueAt(attributes, at)
		if _, isObject := value.(map[string]any); there && !isObject {
			return at, value
		}
	}
	return "", nil
}

// written is a copy of attributes with a value at a path.
func written(attributes map[string]any, path string, value any) map[string]any {
	out := maps.Clone(attributes)
	if out == nil {
		out = map[string]any{}
	}
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		out[head] = value
		return out
	}
	child, _ := out[head].(map[string]any)
	out[head] = written(child, rest, value)
	return out
}

// withoutValue is a copy of attributes without the value at a path.
func withoutValue(attributes map[string]any, path string) map[string]any {
	out := maps.Clone(attributes)
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		delete(out, head)
		return out
	}
	child, _ := out[head].(map[string]any)
	out[head] = withoutValue(child, rest)
	return out
}
