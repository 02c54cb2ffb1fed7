package simulate

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// updateLine is an update as the intake of serve is sent it.
func updateLine(u profile.Update, keys map[profile.AudienceRef]string) ([]byte, error) {
	line := map[string]any{"profile": string(u.Profile)}
	list := func(key, entry string) { line[key] = append(listIn[string](line, key), entry) }
	identity := func(key string, i profile.Identity) {
		m := mapIn[[]string](line, key)
		m[i.Namespace] = append(m[i.Namespace], i.ID)
	}
	for _, c := range u.Changes {
		switch c.Op {
		case profile.Qualify:
			list("qualify", keys[c.Audience])
		case profile.Exit:
			list("exit", keys[c.Audience])
		case profile.Set:
			mapIn[any](line, "set")[string(c.Path)] = c.Value
		case profile.Remove:
			list("remove", string(c.Path))
		case profile.AddIdentity:
			identity("addIdentity", c.Identity)
		case profile.RemoveIdentity:
			identity("removeIdentity", c.Identity)
		case profile.ReplaceIdentity:
			mapIn[map[string]string](line, "replaceIdentity")[c.Identity.Namespace] = map[string]string{"from": c.Identity.ID, "to": c.To}
		}
	}
	return json.Marshal(line)
}

// listIn is the list below a key; nil without one.
func listIn[T any](line map[string]any, key string) []T {
	l, _ := line[key].([]T)
	return l
}

// mapIn is the map below a key, which is made where it is missing.
func mapIn[T any](line map[string]any, key string) map[string]T {
	m, there := line[key].(map[string]T)
	if !there {
		m = map[string]T{}
		line[key] = m
	}
	return m
}

// keysOf are the keys of audiences by what they are in a profile.
func keysOf(refs map[string]profile.AudienceRef) map[profile.AudienceRef]string {
	out := map[profile.AudienceRef]string{}
	for key, ref := range refs {
		out[ref] = key
	}
	return out
}

// intakeOrder is the order in which the intake of serve applies the changes of an
// update, stated a second time: a mistake there must fail cases, and not skip them.
var intakeOrder = []profile.Op{profile.Qualify, profile.Exit, profile.Set, profile.Remove,
	profile.AddIdentity, profile.RemoveIdentity, profile.ReplaceIdentity}

// unsayable is why the intake of serve cannot be sent an update, "" where it can:
// it applies the changes of an update in an order of its own.
func unsayable(u profile.Update) string {
	for i, a := range u.Changes {
		for _, b := range u.Changes[i+1:] {
			switch {
			case !touchTheSame(a, b):
			case a.Op == profile.ReplaceIdentity && b.Op == a.Op:
				return "the intake of serve cannot express a second replace-identity in one update"
			case slices.Index(intakeOrder, a.Op) > slices.Index(intakeOrder, b.Op):
				return fmt.Sprintf("the intake of serve applies %s before %s, and the update has the other order", b.Op, a.Op)
			}
		}
	}
	return ""
}

// touchTheSame reports whether the order of two changes may matter.
func touchTheSame(a, b profile.Change) bool {
	switch {
	case a.Path != "" && b.Path != "":
		return a.Path.Covers(b.Path) || b.Path.Covers(a.Path)
	case a.Identity.Namespace != "":
		return a.Identity.Canonical().Namespace == b.Identity.Canonical().Namespace
	}
	return a.Audience == b.Audience && a.Path == b.Path
}

// notServedTogether is why several dataflows cannot be played through httpdest serve, ""
// where they can.
func notServedTogether(sc *scenarios.Scenario) string {
	seen := map[string]bool{}
	parts := sc.Split()
	for _, part := range parts {
		switch d := part.Destination; {
		case seen[d.Key]:
			return "which dataflow of a destination opened a connection is not recorded"
		case d.ClientCertificate != parts[0].Destination.ClientCertificate:
			return "serve presents the same client certificate to every destination"
		default:
			seen[d.Key] = true
		}
	}
	return ""
}

// notServed is why a case cannot be played through httpdest serve, "" where it
// can.
func notServed(sc *scenarios.Scenario, c *configuration, length time.Duration) string {
	if why := notServedTogether(sc); why != "" {
		return why
	}
	batches := func(part *scenarios.Scenario) bool { return part.Destination.MaxProfilesPerRequest > 1 }
	switch end := sc.Start.Add(length).Truncate(time.Hour); {
	case slices.ContainsFunc(sc.Split(), batches):
		return "which exports share a message depends on how fast serve takes updates"
	case end.After(sc.Start):
		return "an hour ends while it is played, which serve does not wait for"
	}
	d := &driver{population: newPopulation(sc, c.refs, nil)}
	for i := range sc.History {
		s := &sc.History[i]
		switch {
		case s.Action == "lookup":
			return "serve offers no lookups of the platform"
		case s.Action == "" && s.Profiles.Len() > 0:
			if why := unsayable(d.update(s, s.Profiles.At(0))); why != "" {
				return why
			}
		}
	}
	return ""
}
