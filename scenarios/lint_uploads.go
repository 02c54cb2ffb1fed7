package scenarios

import (
	"slices"
	"time"
)

// uploads notes what the uploads of a scenario change: memberships of whatever
// profile has an identity of a row, when streaming sees them and when they
// expire, and the profiles they make.
func (l *linter) uploads() {
	for i := range l.s.Audiences {
		u := l.s.Audiences[i].Upload
		if u == nil {
			continue
		}
		for _, op := range []string{"upload", "qualify", "exit", "add-identity"} {
			l.ops[op] = true
		}
		l.changed["identity"].add(u.Created)
		expires := u.At + u.TTL
		times := []time.Duration{u.At + u.Delay, expires}
		for _, s := range l.s.History {
			if s.Action == "refresh" && slices.Contains(s.Targets, l.s.Audiences[i].Key) {
				times = append(times, s.At+u.TTL) // whether it can be refreshed is for the engine to say
			}
		}
		for _, g := range l.s.Profiles {
			l.changed["audience"].add(g.Names)
			for _, at := range times {
				if l.steps[at] == nil {
					l.steps[at] = &nameSet{}
				}
				l.steps[at].add(g.Names)
			}
		}
	}
}
