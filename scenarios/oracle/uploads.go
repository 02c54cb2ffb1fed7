package oracle

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// withUploads adds what uploads do to a planned history: their rows become
// members when streaming sees them, and exit when they expire, unless the
// history ends before. A file that cannot be read does nothing.
func withUploads(sc *scenarios.Scenario, history []Event) []Event {
	end := sc.Start.Add(sc.Until)
	for _, e := range history {
		if e.At().After(end) {
			end = e.At()
		}
	}
	for i := range sc.Audiences {
		a := &sc.Audiences[i]
		if a.Upload == nil {
			continue
		}
		at := sc.Start.Add(a.Upload.At + a.Upload.Delay)
		entered := entries(sc, a, at, history)
		history = append(history, entered...)
		if expires := expiry(sc, a); expires.Before(end) {
			for _, e := range entered {
				if name := heir(e.Update.Profile, at, expires, history); name != "" {
					history = append(history, Event{Update: &recording.Update{At: expires, Profile: name,
						Changes: []recording.Change{{Op: "exit", Audience: a.ID}}}})
				}
			}
		}
		slices.SortStableFunc(history, func(a, b Event) int { return a.At().Compare(b.At()) })
	}
	return history
}

// heir is the profile that has what a profile had after one time, at another; "" where
// it was forgotten.
func heir(name string, after, at time.Time, history []Event) string {
	for _, e := range history {
		if u := e.Update; u != nil && u.Profile == name && !u.At.Before(after) && !u.At.After(at) {
			switch c := u.Changes[0]; c.Op {
			case "merged":
				name = c.To
			case "forget":
				return ""
			}
		}
	}
	return name
}

// entries are the updates by which the rows of an upload become members: of
// the profile that has the identity at that time, or of one that is made.
func entries(sc *scenarios.Scenario, a *scenarios.Audience, at time.Time, history []Event) []Event {
	rows, err := a.Upload.Members()
	if err != nil {
		return nil
	}
	holders := holdersAt(sc, at, history)
	members := map[string]bool{}
	var out []Event
	for n, row := range rows {
		identity := exportForm(row.Namespace + ":" + row.ID)
		u := &recording.Update{At: at, Profile: holders[identity]}
		if u.Profile == "" {
			u.Profile = a.Upload.Created.At(int64(n))
			u.Changes = append(u.Changes, recording.Change{Op: "add-identity", Identity: identity})
			holders[identity] = u.Profile
		}
		u.Changes = append(u.Changes, recording.Change{Op: "qualify", Audience: a.ID})
		if !members[u.Profile] {
			members[u.Profile] = true
			out = append(out, Event{Update: u})
		}
	}
	return out
}

// holdersAt returns the profile of each identity at a time.
func holdersAt(sc *scenarios.Scenario, at time.Time, history []Event) map[string]string {
	holders := map[string]string{}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			start, _ := sc.Initial(name)
			for _, identity := range start.Identities {
				holders[exportForm(identity.Namespace+":"+identity.ID)] = name
			}
		}
	}
	for _, e := range history {
		if e.Update == nil || e.At().After(at) {
			continue
		}
		for _, c := range e.Update.Changes {
			identity := exportForm(c.Identity)
			switch c.Op {
			case "add-identity":
				holders[identity] = e.Update.Profile
			case "merge":
				for i, name := range holders {
					if name == c.From {
						holders[i] = e.Update.Profile
					}
				}
			case "forget":
				maps.DeleteFunc(holders, func(_, name string) bool { return name == e.Update.Profile })
			case "remove-identity":
				delete(holders, identity)
			case "replace-identity":
				delete(holders, identity)
				holders[exportForm(c.Identity[:strings.Index(c.Identity, ":")+1]+c.To)] = e.Update.Profile
			}
		}
	}
	return holders
}

// expiry is when the members of an upload go: its days start anew with every
// refresh within the last seven.
func expiry(sc *scenarios.Scenario, a *scenarios.Audience) time.Time {
	const window = 7 * 24 * time.Hour
	expires := sc.Start.Add(a.Upload.At + a.Upload.TTL)
	for i := range sc.History {
		s := &sc.History[i]
		left := expires.Sub(sc.Start.Add(s.At))
		if s.Action == "refresh" && slices.Contains(s.Targets, a.Key) && left > 0 && left <= window {
			expires = sc.Start.Add(s.At + a.Upload.TTL)
		}
	}
	return expires
}
