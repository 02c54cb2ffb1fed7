package oracle

import (
	"encoding/json"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Event is one thing that happened: an update of a profile or an action of the
// dataflow.
type Event struct {
	Update *recording.Update
	Action *recording.Action
}

// At is when it happened.
func (e Event) At() time.Time {
	if e.Update != nil {
		return e.Update.At
	}
	return e.Action.At
}

// Recorded is the history in a recording.
func Recorded(lines []recording.Line) []Event {
	var out []Event
	for _, l := range lines {
		if l.Update != nil || l.Action != nil {
			out = append(out, Event{l.Update, l.Action})
		}
	}
	return out
}

// Planned is the history that a scenario asks for. It is what happened to a
// sender whose own history nobody recorded.
func Planned(sc *scenarios.Scenario) []Event {
	ids := map[string]string{}
	for _, a := range sc.Audiences {
		ids[a.Key] = a.ID
	}
	var out []Event
	for i := range sc.History {
		s := &sc.History[i]
		at := sc.Start.Add(s.At)
		if s.Action != "" {
			action := &recording.Action{At: at, Action: s.Action, Names: s.Names, Triggers: s.Triggers}
			for _, key := range s.Targets {
				action.Audiences = append(action.Audiences, ids[key])
			}
			out = append(out, Event{Action: action})
			continue
		}
		for name := range s.Profiles.All() {
			_, n, _ := sc.Group(name)
			u := &recording.Update{At: at, Profile: name}
			for _, c := range s.Changes {
				u.Changes = append(u.Changes, planned(sc, c, ids, n))
			}
			out = append(out, Event{Update: u})
			if s.From.Len() > 0 {
				from := s.Other(name)
				u.Changes[0].From = from
				out = append(out, Event{Update: &recording.Update{At: at, Profile: from, Changes: []recording.Change{{Op: "merged", To: name}}}})
			}
		}
	}
	return withUploads(sc, out)
}

// planned is a change of a step as it happens to the profile with number n.
func planned(sc *scenarios.Scenario, c scenarios.Change, ids map[string]string, n int64) recording.Change {
	out := recording.Change{Op: c.Op, Audience: ids[c.Audience], Path: c.Path}
	out.To, _ = scenarios.Expand(c.To, n).(string)
	if c.Identity.Namespace != "" {
		out.Identity = c.Identity.Namespace + ":" + sc.IdentityOf(c.Identity.Namespace, c.Identity.ID, n)
	}
	if c.Op == "replace-identity" {
		out.To = sc.IdentityOf(c.Identity.Namespace, c.To, n)
	}
	if c.Value != nil {
		value, err := json.Marshal(scenarios.Expand(c.Value, n))
		if err != nil {
			panic("oracle: a value of the scenario is not JSON: " + err.Error())
		}
		out.Value = value
	}
	return out
}
